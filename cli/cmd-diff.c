/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack diff: what differs between two BTFs. */
#include <stdio.h>
#include <string.h>

#include <btfpack/btf.h>

#include "btfgen/btf-file.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cleanup.h"

enum {
	OPTION_KIND,
	OPTION_NAME,
	OPTION_BASE,
	OPTION_BASE_B,
	OPTION_IGNORE_ENUM64,
	OPTION_IGNORE_SPELLING,
	OPTION_DIMENSIONS,
	OPTION_OFFSETS,
	OPTION_SUMMARY,
};

static const struct cmd_option options[] = {
	{ 'k', "kind", "KIND", "compare only this kind (struct, union, enum, func, ...); repeat for more" },
	{ 'n', "name", "GLOB", "compare only names matching this pattern" },
	{ 'B', "base", "BTF", "A and B are split BTF on top of this" },
	{ 0, "base-b", "BTF", "B stands on top of this other base" },
	{ 0, "ignore-enum64", NULL, "an enum64 equals the enum it becomes for old parsers" },
	{ 0, "ignore-spelling", NULL, "ints are what they are, not their names; index types are nothing" },
	{ 0, "dimensions", NULL, "tell T[4][2] from T[8], which have one layout" },
	{ 0, "offsets", NULL, "compare the places of variables in their sections too" },
	{ 's', "summary", NULL, "only the counts, kind by kind" },
	{ 0 },
};

static int find_kind(const char *name)
{
	for (unsigned int kind = 1; kind < BTFPACK_BTF_KINDS; kind++)
		if (!strcmp(name, btfpack_btf_kind_name(kind)))
			return (int)kind;
	return -1;
}

static void print_change(const struct btfpack_btf_change *change, void *arg)
{
	static const char *const sorts[] = { "", "removed", "added", "changed" };

	(void)arg;
	if (!cmd_common.json) {
		puts(change->text);
		return;
	}
	output_json(output_object("ssss*s*s*s*s", "change", sorts[change->sort], "kind",
			      btfpack_btf_kind_name(change->kind), "name", change->name, "aspect",
			      change->aspect, "part", change->part, "from", change->from, "to",
			      change->to, "text", change->text));
}

static void print_counts(const char *kind, const struct btfpack_btf_diff_counts *counts)
{
	if (!cmd_common.json) {
		printf("%-12s %9u %9u %9u %9u\n", kind, counts->same, counts->changed,
		       counts->removed, counts->added);
		return;
	}
	output_json(output_object("ssIIII", "summary", "kind", "kind", kind, "same",
			      (json_int_t)counts->same, "changed", (json_int_t)counts->changed,
			      "removed", (json_int_t)counts->removed, "added",
			      (json_int_t)counts->added));
}

static void print_summary(const struct btfpack_btf_diff_summary *sum)
{
	if (!cmd_common.json)
		printf("%-12s %9s %9s %9s %9s\n", "kind", "same", "changed", "removed", "added");
	for (unsigned int kind = 1; kind < BTFPACK_BTF_KINDS; kind++) {
		const struct btfpack_btf_diff_counts *counts = &sum->by_kind[kind];

		if (counts->same || counts->changed || counts->removed || counts->added)
			print_counts(btfpack_btf_kind_name(kind), counts);
	}
	print_counts("total", &sum->total);
}

static int diff(const char *path_a, const char *path_b, const char *path_base,
		const char *path_base_b, struct btfpack_btf_diff_opts *opts, bool summary_only)
{
	AUTO_BLOB struct btfpack_blob a = { 0 }, b = { 0 }, base = { 0 }, base_b = { 0 };
	struct btfpack_btf_diff_summary sum;
	struct btfpack_error err;
	bool silent = cmd_common.verbosity < 0;

	if (btf_file_load(path_a, &a, &err) < 0 || btf_file_load(path_b, &b, &err) < 0 ||
	    (path_base && btf_file_load(path_base, &base, &err) < 0) ||
	    (path_base_b && btf_file_load(path_base_b, &base_b, &err) < 0))
		return cmd_fail(&err);
	opts->name_a = path_a;
	opts->name_b = path_b;
	opts->base_a = path_base ? &base : NULL;
	opts->base_b = path_base_b ? &base_b : opts->base_a;
	if (btfpack_btf_diff(&a, &b, opts, silent || summary_only ? NULL : print_change, NULL, &sum,
			     &err) < 0)
		return cmd_fail(&err);
	if (!silent)
		print_summary(&sum);
	return sum.total.changed || sum.total.removed || sum.total.added ? CMD_NO : CMD_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct btfpack_btf_diff_opts opts = { .size = sizeof(opts) };
	const char *base = NULL, *base_b = NULL;
	bool summary_only = false;
	int option, kind;

	while ((option = cmd_next_option(&parser)) >= 0) {
		switch (option) {
		case OPTION_KIND:
			kind = find_kind(parser.value);
			if (kind < 0)
				return cmd_usage(cmd, "no kind '%s'", parser.value);
			opts.kinds |= 1u << kind;
			break;
		case OPTION_NAME:
			opts.pattern = parser.value;
			break;
		case OPTION_BASE:
			base = parser.value;
			break;
		case OPTION_BASE_B:
			base_b = parser.value;
			break;
		case OPTION_IGNORE_ENUM64:
			opts.ignore_enum64 = true;
			break;
		case OPTION_IGNORE_SPELLING:
			opts.ignore_spelling = true;
			break;
		case OPTION_DIMENSIONS:
			opts.dimensions = true;
			break;
		case OPTION_OFFSETS:
			opts.offsets = true;
			break;
		case OPTION_SUMMARY:
			summary_only = true;
			break;
		}
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (argc - parser.operand != 2)
		return cmd_usage(cmd, "expected two files, got %d", argc - parser.operand);
	return diff(argv[parser.operand], argv[parser.operand + 1], base, base_b, &opts,
		    summary_only);
}

const struct cmd cmd_diff = {
	.name = "diff",
	.summary = "what differs between two BTFs, by name and structure",
	.arguments = "A B",
	.options = options,
	.run = run,
};
