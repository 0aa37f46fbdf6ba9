/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking after the store as a whole: verify, gc, stats. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/store.h"

/* --- verify ------------------------------------------------------------------------------------- */

static const struct cmd_option archive_options[] = { STORE_ARCHIVE_OPTION, { 0 } };

/* For commands whose one option is --archive. */
static bool begin(const struct cmd *cmd, int argc, char **argv, uint32_t flags,
		  struct store_args *args, struct btfpack_archive **archive, int *status)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	int option;

	while ((option = cmd_next_option(&parser)) >= 0)
		args->archive = parser.value;
	*status = parser.status;
	if (option == CMD_OPTIONS_EXIT)
		return false;
	if (argc > parser.operand)
		*status = cmd_usage(cmd, "'%s': expected no operand", argv[parser.operand]);
	else
		*status = store_open(cmd, args, flags, archive);
	return *status == CMD_OK;
}

static void print_problem(const struct btfpack_problem *problem, void *arg)
{
	json_t *object;

	(void)arg;
	output_progress(NULL);
	if (!cmd_common.json) {
		printf("%s\n", problem->message);
		return;
	}
	object = output_object("s", "problem", problem->message);
	if (problem->kernel) {
		json_object_set_new(object, "lost", output_kernel(problem->kernel));
		json_object_set_new(object, "set",
				    problem->set ? output_string(problem->set) : json_null());
	}
	output_json(object);
}

static int show_progress(uint64_t done, uint64_t total, void *arg)
{
	char now[16], all[16];

	(void)arg;
	output_progress("verified %s of %s", output_size(done, now), output_size(total, all));
	return 0;
}

static int run_verify(const struct cmd *cmd, int argc, char **argv)
{
	struct btfpack_verify_opts opts = { sizeof(opts), print_problem, show_progress, NULL };
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct btfpack_archive_stats stats;
	struct store_args args = { 0 };
	struct btfpack_error err;
	int status, problems;

	if (!begin(cmd, argc, argv, BTFPACK_ARCHIVE_READ_ONLY, &args, &archive, &status))
		return status;
	problems = btfpack_archive_verify(archive, &opts, &err);
	output_progress(NULL);
	if (problems < 0)
		return cmd_fail(&err);
	if (problems) {
		output_say("%s: %d problems", args.archive, problems);
		return CMD_BAD_INPUT;
	}
	if (btfpack_archive_get_stats(archive, NULL, &stats, &err))
		return cmd_fail(&err);
	if (cmd_common.json)
		output_json(output_object("iII", "problems", 0, "entries",
				      (json_int_t)stats.entries, "contents",
				      (json_int_t)stats.contents));
	else
		printf("%" PRIu64 " entries, %" PRIu64 " contents: no problem\n", stats.entries,
		       stats.contents);
	return CMD_OK;
}

const struct cmd cmd_verify = {
	.name = "verify",
	.summary = "check every byte of the store",
	.arguments = "--archive DIR",
	.options = archive_options,
	.run = run_verify,
};

/* --- gc ----------------------------------------------------------------------------------------- */

static int run_gc(const struct cmd *cmd, int argc, char **argv)
{
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct store_args args = { 0 };
	struct btfpack_error err;
	uint64_t freed;
	char size[16];
	int status;

	if (!begin(cmd, argc, argv, 0, &args, &archive, &status))
		return status;
	if (btfpack_archive_collect(archive, &freed, &err) < 0)
		return cmd_fail(&err);
	if (cmd_common.json)
		output_json(output_object("I", "freed", (json_int_t)freed));
	else
		printf("%s given back\n", output_size(freed, size));
	return CMD_OK;
}

const struct cmd cmd_gc = {
	.name = "gc",
	.summary = "give back the room of what was removed",
	.arguments = "--archive DIR",
	.options = archive_options,
	.run = run_gc,
};
