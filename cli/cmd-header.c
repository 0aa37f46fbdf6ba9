/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack header: a C header from BTF. */
#include <btfpack/btf.h>

#include "btfgen/btf-file.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cleanup.h"

enum { OPTION_OUTPUT };

static const struct cmd_option options[] = {
	{ 'o', "output", "FILE", "write there, - is stdout (the default)" },
	{ 0 },
};

static int write_header(const char *path, const char *output)
{
	AUTO_BLOB struct btfpack_blob btf = { 0 }, text = { 0 };
	struct btfpack_error err;

	if (btf_file_load(path, &btf, &err) < 0 ||
	    btfpack_btf_header(&btf, path, &text, &err) < 0 ||
	    output_file(output, text.data, text.size, &err) < 0)
		return cmd_fail(&err);
	return CMD_OK;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	const char *output = "-";
	int option;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (option == OPTION_OUTPUT)
			output = parser.value;
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (argc - parser.operand < 1)
		return cmd_usage(cmd, "expected a file with BTF");
	return write_header(argv[parser.operand], output);
}

const struct cmd cmd_header = {
	.name = "header",
	.summary = "a C header from one BTF, or a portable one from several",
	.arguments = "IN...",
	.options = options,
	.run = run,
};
