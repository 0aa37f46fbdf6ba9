/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check-table.h"
#include "cli/output.h"

static const char *const verdict_words[] = { "loads", "loads-without", "unsure", "rejected" };
static const char verdict_letters[] = "+o?X";

void check_cell_deinit(struct check_cell *cell)
{
	free(cell->reason);
	free(cell->modules);
}

void check_table_deinit(struct check_table *table)
{
	for (size_t i = 0; i < table->program_count; i++) {
		free(table->programs[i].object);
		free(table->programs[i].program);
		free(table->programs[i].section);
	}
	for (size_t i = 0; i < table->kernel_count; i++) {
		struct check_kernel *k = &table->kernels[i];

		for (size_t j = 0; k->cells && j < table->program_count; j++)
			check_cell_deinit(&k->cells[j]);
		for (size_t j = 0; j < 5; j++)
			free(k->keys[j]);
		free(k->cells);
		free(k->label);
	}
	free(table->programs);
	free(table->kernels);
	*table = (struct check_table){ 0 };
}

bool check_table_has_rejection(const struct check_table *table)
{
	for (size_t i = 0; i < table->kernel_count; i++) {
		const struct check_kernel *k = &table->kernels[i];

		for (size_t j = 0; k->is_required && k->cells && j < table->program_count; j++)
			if (k->cells[j].verdict == BTFPACK_VERDICT_REJECTED)
				return true;
	}
	return false;
}

/* --- text --------------------------------------------------------------------------------------- */

static int worst_verdict(const struct check_table *table, size_t program)
{
	int worst = BTFPACK_VERDICT_LOADS;

	for (size_t i = 0; i < table->kernel_count; i++)
		if (table->kernels[i].cells && table->kernels[i].cells[program].verdict > worst)
			worst = table->kernels[i].cells[program].verdict;
	return worst;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_kernels(const struct check_table *table)
{
	for (size_t i = 0; i < table->kernel_count; i++) {
		const struct check_kernel *k = &table->kernels[i];
		size_t counts[4] = { 0 };

		for (size_t j = 0; k->cells && j < table->program_count; j++)
			counts[k->cells[j].verdict]++;
		printf("%3zu  %-48s %4zu load, %zu without optional fields, %zu unsure, "
		       "%zu rejected\n",
		       i + 1, k->label, counts[0], counts[1], counts[2], counts[3]);
	}
}

static void print_matrix(const struct check_table *table, bool all)
{
	size_t everywhere = 0;

	for (size_t i = 0; i < table->program_count; i++) {
		const struct check_program *p = &table->programs[i];

		everywhere += worst_verdict(table, i) == BTFPACK_VERDICT_LOADS;
		if (!all && worst_verdict(table, i) == BTFPACK_VERDICT_LOADS)
			continue;
		for (size_t j = 0; j < table->kernel_count; j++)
			putchar(table->kernels[j].cells
					? verdict_letters[table->kernels[j].cells[i].verdict]
					: '-');
		printf("  %-28s %s\n", base_name(p->object), p->program);
	}
	printf("%zu of %zu programs load everywhere.  + loads  o without optional fields  "
	       "? unsure  X rejected\n",
	       everywhere, table->program_count);
}

static const char *modules_of(const struct check_table *table, size_t kernel, size_t program)
{
	const struct check_cell *cells = table->kernels[kernel].cells;

	return cells && cells[program].modules ? cells[program].modules : "";
}

static bool is_same_reason(const struct check_cell *a, const struct check_cell *b)
{
	return a->verdict == b->verdict && a->reason && b->reason && !strcmp(a->reason, b->reason);
}

/* Each reason of a program once, with the numbers of its kernels. */
static void print_reasons_of(const struct check_table *table, size_t program)
{
	const struct check_program *p = &table->programs[program];

	for (size_t i = 0; i < table->kernel_count; i++) {
		const struct check_cell *cell =
			table->kernels[i].cells ? &table->kernels[i].cells[program] : NULL;
		bool was_said = false;

		if (!cell || !cell->reason)
			continue;
		for (size_t j = 0; !was_said && j < i; j++)
			was_said = table->kernels[j].cells &&
				   is_same_reason(&table->kernels[j].cells[program], cell);
		if (was_said)
			continue;
		printf("%-8s %s %s", verdict_words[cell->verdict], base_name(p->object),
		       p->program);
		if (*cell->where)
			printf(" at %s+%u", cell->where, cell->instruction);
		printf(": %s [", cell->reason);
		for (size_t j = i; j < table->kernel_count; j++)
			if (table->kernels[j].cells &&
			    is_same_reason(&table->kernels[j].cells[program], cell))
				printf("%s%zu", j == i ? "" : " ", j + 1);
		printf("]\n");
	}
}

/* Which programs need modules, each set of them once with the numbers of its kernels. */
static void print_modules_of(const struct check_table *table, size_t program)
{
	const struct check_program *p = &table->programs[program];

	for (size_t i = 0; i < table->kernel_count; i++) {
		const char *modules = modules_of(table, i, program);
		bool was_said = !*modules;

		for (size_t j = 0; !was_said && j < i; j++)
			was_said = !strcmp(modules_of(table, j, program), modules);
		if (was_said)
			continue;
		printf("needs    %s %s: modules %s [", base_name(p->object), p->program, modules);
		for (size_t j = i; j < table->kernel_count; j++)
			if (!strcmp(modules_of(table, j, program), modules))
				printf("%s%zu", j == i ? "" : " ", j + 1);
		printf("]\n");
	}
}

void check_table_print(const struct check_table *table, bool all)
{
	print_kernels(table);
	putchar('\n');
	print_matrix(table, all);
	for (size_t i = 0; i < table->program_count; i++) {
		if (i == 0)
			putchar('\n');
		print_reasons_of(table, i);
		print_modules_of(table, i);
	}
}

/* --- JSON --------------------------------------------------------------------------------------- */

/* "nf_nat nfs" as an array. */
static json_t *words_json(const char *words)
{
	json_t *array = json_array();

	while (*words) {
		size_t length = strcspn(words, " ");

		json_array_append_new(array, output_stringn(words, length));
		words += length + strspn(words + length, " ");
	}
	return array;
}

static void print_cell_json(const struct check_kernel *k, const struct check_program *p,
			    const struct check_cell *cell)
{
	struct btfpack_kernel key = { k->keys[0], k->keys[1], k->keys[2], k->keys[3], k->keys[4] };
	json_t *object = output_object("sossssi", "label", k->label,
				   "kernel", output_kernel(&key), "object", p->object, "program",
				   p->program, "section", p->section, "verdict",
				   verdict_words[cell->verdict], "optional", (int)cell->optional);

	if (object && cell->reason)
		json_object_set_new(object, "reason", output_string(cell->reason));
	if (object && cell->modules)
		json_object_set_new(object, "modules", words_json(cell->modules));
	if (object && *cell->where) {
		json_object_set_new(object, "where", output_string(cell->where));
		json_object_set_new(object, "instruction",
				    json_integer((json_int_t)cell->instruction));
	}
	output_json(object);
}

void check_table_print_json(const struct check_table *table)
{
	for (size_t i = 0; i < table->kernel_count; i++)
		for (size_t j = 0; table->kernels[i].cells && j < table->program_count; j++)
			print_cell_json(&table->kernels[i], &table->programs[j],
					&table->kernels[i].cells[j]);
}
