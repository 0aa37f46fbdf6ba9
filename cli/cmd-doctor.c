/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack doctor: what this host can do, what is missing, which BTF would be chosen. */
#include "cli/cmd.h"
#include "cli/output.h"
#include "gadget-runner/host-check.h"

enum { OPTION_BUNDLE, OPTION_ROOT };

static const struct cmd_option options[] = {
	[OPTION_BUNDLE] = { 'b', "bundle", "FILE", "the bundle a BTF would be chosen from" },
	[OPTION_ROOT] = { 0, "root", "DIR", "where the host's file system begins (/)" },
	{ 0 },
};

static void print_check(const struct host_check *check, void *arg)
{
	char text[1024];

	if (cmd_common.json) {
		output_json(output_object("ssss", "check", check->name, "state",
				      host_state_name(check->state), "found", check->found,
				      "advice", check->advice));
		return;
	}
	host_check_print(check, text, sizeof(text));
	fputs(text, stdout);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct host_check_input input = { 0 };
	int option;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == OPTION_ROOT)
			input.root = parser.value;
		else
			input.bundle = parser.value;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand < argc)
		return cmd_usage(cmd, "takes no operands, found '%s'", argv[parser.operand]);
	return host_check_all(&input, print_check, NULL) == HOST_MISSING ? CMD_NO : CMD_OK;
}

const struct cmd cmd_doctor = {
	.name = "doctor",
	.summary = "say what this host can do, and which BTF it would be given",
	.arguments = "",
	.options = options,
	.run = run,
};
