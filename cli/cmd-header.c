/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack header: a C header from BTF. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

/* "6_1=FILE" gives a label; without one it is k1, k2, ... */
static const char *split_label(char *operand, int index, char label[64])
{
	char *equals = strchr(operand, '=');

	if (!equals || !access(operand, R_OK) || equals - operand > 62) {
		snprintf(label, 64, "k%d", index + 1);
		return operand;
	}
	snprintf(label, 64, "%.*s", (int)(equals - operand), operand);
	return equals + 1;
}

static int load_inputs(char **operands, size_t count, struct btfpack_blob *blobs,
		       struct btfpack_btf_header_input *inputs, char (*labels)[64],
		       struct btfpack_error *err)
{
	int error = 0;

	for (size_t i = 0; !error && i < count; i++) {
		inputs[i].name = split_label(operands[i], (int)i, labels[i]);
		inputs[i].label = labels[i];
		inputs[i].btf = &blobs[i];
		error = btf_file_load(inputs[i].name, &blobs[i], err);
	}
	return error;
}

static int write_header(char **operands, size_t count, const char *output)
{
	AUTO_FREE struct btfpack_blob *blobs = calloc(count, sizeof(*blobs));
	AUTO_FREE struct btfpack_btf_header_input *inputs = calloc(count, sizeof(*inputs));
	AUTO_FREE char(*labels)[64] = calloc(count, sizeof(*labels));
	AUTO_BLOB struct btfpack_blob text = { 0 };
	struct btfpack_error err;
	int error;

	if (!blobs || !inputs || !labels) {
		output_say("out of memory");
		return CMD_IO;
	}
	error = load_inputs(operands, count, blobs, inputs, labels, &err);
	if (!error && count == 1)
		error = btfpack_btf_header(&blobs[0], inputs[0].name, &text, &err);
	else if (!error)
		error = btfpack_btf_header_portable(inputs, count, &text, &err);
	if (!error)
		error = output_file(output, text.data, text.size, &err);
	for (size_t i = 0; i < count; i++)
		btfpack_blob_free(&blobs[i]);
	return error ? cmd_fail(&err) : CMD_OK;
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
	return write_header(argv + parser.operand, (size_t)(argc - parser.operand), output);
}

const struct cmd cmd_header = {
	.name = "header",
	.summary = "a C header from one BTF, or a portable one from several",
	.arguments = "[LABEL=]IN...",
	.options = options,
	.run = run,
};
