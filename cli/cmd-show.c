/* SPDX-License-Identifier: BSD-2-Clause */
/* show: all that is known of an entry; its BTF, or that of its modules, taken out. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/own-modules.h"
#include "cli/store.h"
#include "core/digest.h"

enum { OPT_MODULE = STORE_END, OPT_OUTPUT };

static const struct cmd_option options[] = {
	STORE_OPTIONS,
	[OPT_MODULE] = { 0, "module", "NAME", "the modules of this name; a pattern: OUT is a directory" },
	[OPT_OUTPUT] = { 'o', "output", "OUT",
			 "write the BTF of the one that matches; - is standard output" },
	{ 0 },
};

struct request {
	struct store_args store;
	const char *module; /* a name or pattern; NULL: vmlinux's BTF */
	const char *output; /* NULL: only tell */
	struct btfpack_archive *archive;
};

/* --- what is known ------------------------------------------------------------------------------ */

static void print_field(const char *name, const char *value)
{
	if (value)
		printf("  %-10s %s\n", name, value);
}

static void print_modules(const struct btfpack_entry *e)
{
	char stored[16];

	printf("  %-10s %u, %s stored", "modules", e->modules,
	       output_size(e->modules_stored_size, stored));
	if (e->modules_failed)
		printf("; %u more could not be had", e->modules_failed);
	putchar('\n');
}

static void print_details(const struct btfpack_entry *e)
{
	char text[640], size[16], stored[16], added[32], changed[32], id[DIGEST_HEX_SIZE];
	const struct btfpack_provenance *p = &e->provenance;

	digest_format(&e->id, id);
	printf("%s\n", store_entry_text(e, text));
	print_field("build-id", e->kernel.build_id);
	print_field("content", id);
	printf("  %-10s %s, %s stored as %s\n", "size", output_size(e->raw_size, size),
	       output_size(e->stored_size, stored), e->codec);
	if (e->has_modules)
		print_modules(e);
	printf("  %-10s %s, content of %s UTC\n", "added", store_time(e->added, added),
	       store_time(e->changed, changed));
	print_field("package", p->package);
	print_field("version", p->package_version);
	print_field("sha256", p->package_sha256);
	print_field("source", p->source);
	print_field("suite", p->suite);
	print_field("converter", p->converter);
}

static void tell(const struct btfpack_entry *e)
{
	if (cmd_common.json)
		output_json(store_entry_json(e));
	else
		print_details(e);
}

/* --- taking out --------------------------------------------------------------------------------- */

static int write_btf(const struct request *r, const struct btfpack_entry *e, const char *output)
{
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct btfpack_error err;

	if (btfpack_archive_get(r->archive, &e->id, &btf, &err) < 0 ||
	    output_file(output, btf.data, btf.size, &err) < 0)
		return cmd_fail(&err);
	return CMD_OK;
}

static int write_directory(const struct request *r, const struct btfpack_entry *e,
			   const struct btfpack_modules *modules)
{
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct btfpack_error err;

	if (btfpack_archive_get(r->archive, &e->id, &btf, &err) < 0 ||
	    own_modules_write(r->output, &btf, modules, &err) < 0)
		return cmd_fail(&err);
	return CMD_OK;
}

static void list_modules(const struct btfpack_modules *modules)
{
	for (size_t i = 0; i < modules->count; i++) {
		const struct btfpack_module_btf *m = &modules->modules[i];
		char size[16];

		if (cmd_common.json)
			output_json(output_object("sI", "module", m->name, "size",
					      (json_int_t)m->btf.size));
		else
			printf("%-40s %8s\n", m->name, output_size(m->btf.size, size));
	}
}

static int take_modules(const struct request *r, const struct btfpack_entry *e)
{
	AUTO_MODULES struct btfpack_modules modules = { 0 };
	bool is_pattern = strpbrk(r->module, "*?[");
	struct btfpack_error err;
	char text[640];

	if (!e->has_modules) {
		output_tell("%s: the modules of %s are not stored; build --modules stores them",
			    r->store.archive, store_entry_text(e, text));
		return CMD_NO;
	}
	if (btfpack_archive_get_modules(r->archive, e, r->module, &modules, &err) < 0)
		return cmd_fail(&err);
	if (!modules.count) {
		output_tell("%s: none of the %u modules of %s matches %s", r->store.archive,
			    e->modules, store_entry_text(e, text), r->module);
		return CMD_NO;
	}
	if (!r->output)
		list_modules(&modules);
	else if (is_pattern)
		return write_directory(r, e, &modules);
	else if (output_file(r->output, modules.modules[0].btf.data, modules.modules[0].btf.size,
			     &err) < 0)
		return cmd_fail(&err);
	return CMD_OK;
}

/* --- the command -------------------------------------------------------------------------------- */

static int show(const struct cmd *cmd, const struct request *r)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL, *again = NULL;
	bool takes = r->output || r->module, quiet = r->module || (r->output && !strcmp(r->output, "-"));
	const char *set = r->store.set || takes ? r->store.set : BTFPACK_SET_ANY;
	const struct btfpack_entry *e;
	struct btfpack_error err;
	int count = 0;

	if (btfpack_archive_list(r->archive, &r->store.filter.kernel, set, &it, &err) ||
	    btfpack_archive_list(r->archive, &r->store.filter.kernel, set, &again, &err))
		return cmd_fail(&err);
	for (; btfpack_entry_iter_next(it, &e, &err) > 0; count++)
		if (!quiet) /* standard output is the BTF's, or the list's */
			tell(e);
	if (!count)
		return store_no_match(&r->store);
	if (!takes)
		return CMD_OK;
	if (count > 1)
		return cmd_usage(cmd, "%d entries match, expected one to take from", count);
	btfpack_entry_iter_next(again, &e, &err);
	return r->module ? take_modules(r, e) : write_btf(r, e, r->output);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct request r = { 0 };
	int option, status;

	while ((option = cmd_next_option(&parser)) >= 0) {
		int taken = store_take(cmd, &r.store, option, parser.value);

		if (taken < 0)
			return CMD_USAGE;
		if (option == OPT_MODULE)
			r.module = parser.value;
		else if (option == OPT_OUTPUT)
			r.output = parser.value;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (argc > parser.operand)
		return cmd_usage(cmd, "'%s': expected no operand", argv[parser.operand]);
	if (r.module && r.store.set)
		return cmd_usage(cmd, "--module goes with full BTF, not with --set");
	if (r.module && r.output && !strcmp(r.output, "-") && strpbrk(r.module, "*?["))
		return cmd_usage(cmd, "several modules do not go to standard output");
	status = store_open(cmd, &r.store, BTFPACK_ARCHIVE_READ_ONLY, &archive);
	r.archive = archive;
	return status ? status : show(cmd, &r);
}

const struct cmd cmd_show = {
	.name = "show",
	.summary = "show all that is known of a stored BTF, or take it out",
	.arguments = "--archive DIR [--module NAME] [-o OUT]",
	.options = options,
	.run = run,
};
