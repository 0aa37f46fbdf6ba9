/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The report as a page: check-page.html, whole, with the data as JSON where it says
 * @DATA@. All else, what is shown and how, is the page's own business.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check-table.h"
#include "cli/output.h"
#include "core/fs.h"

/* cli/ is compiled in the source's root. */
extern const char check_page[], check_page_end[];
__asm__(".pushsection .rodata\n"
	".hidden check_page\n.globl check_page\ncheck_page:\n"
	".incbin \"cli/check-page.html\"\n"
	".hidden check_page_end\n.globl check_page_end\ncheck_page_end:\n"
	".popsection\n");

static json_t *text_or_null(const char *text)
{
	return text ? output_string(text) : json_null();
}

static json_t *programs_json(const struct check_table *table)
{
	json_t *programs = json_array();

	for (size_t i = 0; i < table->program_count; i++) {
		const struct check_program *p = &table->programs[i];

		if (json_array_append_new(programs,
					  output_object("ooo", "object",
						    output_string(p->object), "program",
						    output_string(p->program), "section",
						    output_string(p->section))) < 0) {
			json_decref(programs);
			return NULL;
		}
	}
	return programs;
}

/* Sentences repeat from kernel to kernel: each is written once. */
struct reasons {
	json_t *list;
	json_t *numbers; /* sentence to its index in @list */
};

static json_t *reason_json(const struct reasons *reasons, const char *reason)
{
	json_t *text = output_string(reason), *number;

	number = json_object_get(reasons->numbers, json_string_value(text));
	if (number) {
		json_decref(text);
		return json_incref(number);
	}
	number = json_integer((json_int_t)json_array_size(reasons->list));
	if (json_object_set(reasons->numbers, json_string_value(text), number) < 0 ||
	    json_array_append(reasons->list, text) < 0) {
		json_decref(number);
		number = NULL;
	}
	json_decref(text);
	return number;
}

/* What is to be said of a cell beyond its verdict; most have nothing. */
static json_t *note_json(const struct reasons *reasons, const struct check_cell *cell)
{
	json_t *note = output_object("i", "optional", (int)cell->optional);

	if (note && cell->reason &&
	    json_object_set_new(note, "reason", reason_json(reasons, cell->reason)) < 0)
		goto failed;
	if (note && cell->modules &&
	    json_object_set_new(note, "modules", output_string(cell->modules)) < 0)
		goto failed;
	if (note && *cell->where &&
	    (json_object_set_new(note, "where", output_string(cell->where)) < 0 ||
	     json_object_set_new(note, "instruction",
				 json_integer((json_int_t)cell->instruction)) < 0))
		goto failed;
	return note;
failed:
	json_decref(note);
	return NULL;
}

/* A digit a program, and the notes by program. */
static int set_cells(const struct check_table *table, const struct check_kernel *k,
		     const struct reasons *reasons, json_t *kernel)
{
	json_t *notes = json_object();
	char *digits = calloc(table->program_count + 1, 1);
	int error = json_object_set_new(kernel, "notes", notes);

	if (!digits)
		error = -1;
	for (size_t i = 0; error == 0 && i < table->program_count; i++) {
		const struct check_cell *cell = &k->cells[i];
		char key[24];

		digits[i] = (char)('0' + cell->verdict);
		snprintf(key, sizeof(key), "%zu", i);
		if (cell->optional || cell->reason || cell->modules || *cell->where)
			error = json_object_set_new(notes, key, note_json(reasons, cell));
	}
	if (error == 0)
		error = json_object_set_new(kernel, "verdicts", output_string(digits));
	free(digits);
	return error;
}

static json_t *kernel_json(const struct check_table *table, const struct check_kernel *k,
			   const struct reasons *reasons)
{
	json_t *kernel =
		output_object("ooooooob", "label", output_string(k->label),
			  "distro", text_or_null(k->keys[0]), "release", text_or_null(k->keys[1]),
			  "arch", text_or_null(k->keys[2]), "uname", text_or_null(k->keys[3]),
			  "build_id", text_or_null(k->keys[4]), "failure", text_or_null(k->failure),
			  "required", k->is_required);

	if (kernel && k->cells && set_cells(table, k, reasons, kernel) < 0) {
		json_decref(kernel);
		return NULL;
	}
	return kernel;
}

/* NULL when out of memory. */
static char *data_text(const struct check_table *table)
{
	struct reasons reasons = { json_array(), json_object() };
	json_t *kernels = json_array(), *data;
	char *text = NULL;
	bool is_whole = true;

	for (size_t i = 0; is_whole && i < table->kernel_count; i++)
		is_whole = json_array_append_new(kernels, kernel_json(table, &table->kernels[i],
								      &reasons)) == 0;
	data = json_pack("{s:s, s:o, s:O, s:O}", "version", BTFPACK_VERSION, "programs",
			 programs_json(table), "kernels", kernels, "reasons", reasons.list);
	if (is_whole && data)
		text = json_dumps(data, JSON_COMPACT);
	json_decref(data);
	json_decref(kernels);
	json_decref(reasons.list);
	json_decref(reasons.numbers);
	return text;
}

/* In a page, "</script" ends a script and "<!--" confuses it, also in a string. */
static int write_escaped(struct fs_output *out, const char *text, struct btfpack_error *err)
{
	int error = 0;

	while (!error && *text) {
		size_t plain = strcspn(text, "<");

		error = fs_output_write(out, text, plain, err);
		text += plain;
		if (error || !*text)
			break;
		error = fs_output_write(out, "\\u003c", 6, err);
		text++;
	}
	return error;
}

int check_table_write_html(const struct check_table *table, const char *path,
			   struct btfpack_error *err)
{
	static const char mark[] = "@DATA@";
	const char *hole = memmem(check_page, (size_t)(check_page_end - check_page), mark,
				  strlen(mark));
	const char *rest = hole + strlen(mark);
	CLEANUP(fs_output_deinit) struct fs_output out = FS_OUTPUT_INIT;
	AUTO_FREE char *text = data_text(table);
	int error;

	if (!text)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	error = fs_output_init(&out, path, err);
	if (!error)
		error = fs_output_write(&out, check_page, (size_t)(hole - check_page), err);
	if (!error)
		error = write_escaped(&out, text, err);
	if (!error)
		error = fs_output_write(&out, rest, (size_t)(check_page_end - rest), err);
	return error ? error : fs_output_commit(&out, err);
}
