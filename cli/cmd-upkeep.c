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
	object = json_pack("{s:s}", "problem", problem->message);
	if (problem->kernel) {
		json_object_set_new(object, "lost", output_kernel(problem->kernel));
		json_object_set_new(object, "set",
				    problem->set ? json_string(problem->set) : json_null());
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
		output_json(json_pack("{s:i, s:I, s:I}", "problems", 0, "entries",
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
		output_json(json_pack("{s:I}", "freed", (json_int_t)freed));
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

/* --- stats -------------------------------------------------------------------------------------- */

/* Kernels of one distro, release and architecture. */
struct series {
	char distro[256], release[256], arch[256];
	uint64_t entries, raw, stored;
};

static void print_series(const struct series *s)
{
	char raw[16], stored[16];

	if (!s->entries)
		return;
	if (cmd_common.json)
		output_json(json_pack("{s:s, s:s, s:s, s:I, s:I, s:I}", "distro", s->distro,
				      "release", s->release, "arch", s->arch, "entries",
				      (json_int_t)s->entries, "raw_bytes", (json_int_t)s->raw,
				      "stored_bytes", (json_int_t)s->stored));
	else
		printf("  %s %s %s: %" PRIu64 " entries, %s raw, %s stored\n", s->distro, s->release,
		       s->arch, s->entries, output_size(s->raw, raw),
		       output_size(s->stored, stored));
}

static bool is_of(const struct series *s, const struct btfpack_kernel *k)
{
	return s->entries && !strcmp(s->distro, k->distro) && !strcmp(s->release, k->release) &&
	       !strcmp(s->arch, k->arch);
}

static void begin_series(struct series *s, const struct btfpack_kernel *k)
{
	*s = (struct series){ 0 };
	snprintf(s->distro, sizeof(s->distro), "%s", k->distro);
	snprintf(s->release, sizeof(s->release), "%s", k->release);
	snprintf(s->arch, sizeof(s->arch), "%s", k->arch);
}

/* The listing is ordered by what a series is. */
static int print_all_series(struct btfpack_archive *archive, const struct store_args *args)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	struct series series = { 0 };
	const struct btfpack_entry *e;
	struct btfpack_error err;

	if (btfpack_archive_list(archive, &args->filter.kernel, BTFPACK_SET_ANY, &it, &err))
		return cmd_fail(&err);
	while (btfpack_entry_iter_next(it, &e, &err) > 0) {
		if (!is_of(&series, &e->kernel)) {
			print_series(&series);
			begin_series(&series, &e->kernel);
		}
		series.entries++;
		series.raw += e->raw_size;
		series.stored += e->stored_size;
	}
	print_series(&series);
	return CMD_OK;
}

static void print_line(const char *what, uint64_t bytes)
{
	char size[16];

	printf("%-34s %10s\n", what, output_size(bytes, size));
}

static void print_stats(const struct btfpack_archive_stats *s)
{
	if (cmd_common.json) {
		output_json(json_pack(
			"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "kernels",
			(json_int_t)s->kernels, "entries", (json_int_t)s->entries, "full",
			(json_int_t)s->full, "contents", (json_int_t)s->contents, "raw_bytes",
			(json_int_t)s->raw_bytes, "content_bytes", (json_int_t)s->content_bytes,
			"stored_bytes", (json_int_t)s->stored_bytes, "failures",
			(json_int_t)s->failures, "pack_bytes", (json_int_t)s->pack_bytes,
			"index_bytes", (json_int_t)s->index_bytes, "unused_bytes",
			(json_int_t)s->unused_bytes));
		return;
	}
	printf("%" PRIu64 " kernels, %" PRIu64 " entries (%" PRIu64 " full BTF), %" PRIu64
	       " contents, %" PRIu64 " failed packages\n",
	       s->kernels, s->entries, s->full, s->contents, s->failures);
	print_line("as files of their own", s->raw_bytes);
	print_line("distinct contents", s->content_bytes);
	print_line("distinct contents, compressed", s->stored_bytes);
	print_line("packs", s->pack_bytes);
	print_line("index", s->index_bytes);
	print_line("gc would give back", s->unused_bytes);
}

static const struct cmd_option stats_options[] = {
	STORE_OPTIONS,
	{ 0, "series", NULL, "and by distro, release and architecture" },
	{ 0 },
};

static int run_stats(const struct cmd *cmd, int argc, char **argv)
{
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	struct btfpack_archive_stats stats;
	struct store_args args = { 0 };
	const char *series = NULL;
	struct btfpack_error err;
	int status = store_begin(cmd, argc, argv, BTFPACK_ARCHIVE_READ_ONLY, &args, &series, &archive);

	if (!archive)
		return status;
	if (btfpack_archive_get_stats(archive, &args.filter.kernel, &stats, &err))
		return cmd_fail(&err);
	print_stats(&stats);
	return series ? print_all_series(archive, &args) : CMD_OK;
}

const struct cmd cmd_stats = {
	.name = "stats",
	.summary = "say what the store holds and weighs",
	.arguments = "--archive DIR",
	.options = stats_options,
	.run = run_stats,
};
