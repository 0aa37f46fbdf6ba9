/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack run: a gadget, or any BPF object, with the right BTF. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/output.h"
#include "core/fs.h"
#include "gadget-runner/gadget-store.h"
#include "gadget-runner/session.h"

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	stop = 1;
}

static int write_out(const char *text, size_t size, void *arg)
{
	return fs_write_fd(STDOUT_FILENO, text, size);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct session_settings settings = { 0 };
	AUTO_BLOB struct btfpack_blob object = { 0 };
	struct btfpack_error err = { 0 };
	struct session_job job = { .stop = &stop, .write = write_out };
	struct sigaction action = { .sa_handler = on_signal };
	int option;

	while ((option = cmd_next_option(&parser)) >= 0)
		if (session_set(&settings, option, parser.value, &err) < 0)
			return cmd_fail(&err);
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand == argc)
		return cmd_usage(cmd,
				 "which gadget or BPF object? `btfpack gadgets` lists gadgets");
	settings.json = cmd_common.json;
	job.name = argv[parser.operand];
	job.argc = argc - parser.operand;
	job.argv = argv + parser.operand;
	if (!gadget_store_has(job.name))
		return cmd_usage(cmd, "no gadget '%s'; `btfpack gadgets` lists them", job.name);
	if (gadget_store_open(job.name, &object, &err) < 0)
		return cmd_fail(&err);
	job.object = object.data;
	job.object_size = object.size;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return session_run(&job, &settings, &err) < 0 ? cmd_fail(&err) : CMD_OK;
}

static const struct cmd_option options[] = { SESSION_OPTION_ROWS{ 0 } };

const struct cmd cmd_run = {
	.name = "run",
	.summary = "run a gadget, or any BPF object, with the right BTF",
	.arguments = "GADGET|OBJECT [OPTIONS of the gadget]",
	.options = options,
	.options_end_early = true,
	.run = run,
};
