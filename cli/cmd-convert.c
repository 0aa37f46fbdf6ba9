/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <btfpack/btfgen.h>

#include "btfgen/btf-file.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cleanup.h"

enum { OPT_JOBS, OPT_BASE, OPT_NO_FUNCS, OPT_NO_ENUM64, OPT_DWZ_FILE, OPT_OUTPUT };

static const struct cmd_option options[] = {
	[OPT_JOBS] = { 'j', "jobs", "N", "threads (default: one a processor)" },
	[OPT_BASE] = { 0, "base", "BASE.btf", "FILE is a module; write split BTF on top of this" },
	[OPT_NO_FUNCS] = { 0, "no-funcs", NULL, "types only: no functions, no variables" },
	[OPT_NO_ENUM64] = { 0, "no-enum64", NULL, "no ENUM64, for readers before Linux 6.0" },
	[OPT_DWZ_FILE] = { 0, "dwz-file", "FILE", "the supplementary debug file made by dwz" },
	[OPT_OUTPUT] = { 'o', "output", "OUT", "where to write the BTF; - is standard output" },
	{ 0 },
};

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct btfpack_convert_opts opts = { .size = sizeof(opts) };
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct btfpack_error err = { 0 };
	AUTO_BLOB struct btfpack_blob base = { 0 };
	const char *output = NULL, *base_path = NULL, *input;
	unsigned long jobs = 0;
	int option, error = 0;

	while ((option = cmd_next_option(&parser)) >= 0) {
		switch (option) {
		case OPT_JOBS:
			if (!cmd_number(cmd, "jobs", parser.value, 1024, &jobs))
				return CMD_USAGE;
			break;
		case OPT_BASE:
			base_path = parser.value;
			break;
		case OPT_NO_FUNCS:
			opts.flags |= BTFPACK_CONVERT_NO_FUNCS;
			break;
		case OPT_NO_ENUM64:
			opts.flags |= BTFPACK_CONVERT_NO_ENUM64;
			break;
		case OPT_DWZ_FILE:
			opts.dwz_path = parser.value;
			break;
		case OPT_OUTPUT:
			output = parser.value;
			break;
		}
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (!output || argc - parser.operand != 1)
		return cmd_usage(cmd, "expected -o OUT and one FILE");
	opts.jobs = (unsigned int)jobs;
	input = argv[parser.operand];
	if (base_path)
		error = btf_file_load(base_path, &base, &err);
	if (!error)
		error = base_path ? btfpack_convert_module(input, &base, &opts, &btf, &err)
				  : btfpack_convert(input, &opts, &btf, &err);
	if (error < 0 || output_file(output, btf.data, btf.size, &err) < 0)
		return cmd_fail(&err);
	if (cmd_common.json && strcmp(output, "-"))
		output_json(output_object("ssI", "input", input, "output", output, "size",
				      (json_int_t)btf.size));
	return CMD_OK;
}

const struct cmd cmd_convert = {
	.name = "convert",
	.summary = "turn the DWARF of a kernel or module into BTF",
	.arguments = "-o OUT FILE",
	.options = options,
	.run = run,
};
