/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack build: list → fetch → convert → store, for every kernel that the filter
 * leaves and the archive lacks. Composition, no logic of its own: what makes a
 * rerun after a kill cheap and right is in the stages. Downloads continue in the
 * cache, vmlinux lies in a file without a name, the archive changes whole or not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/archive.h>
#include <btfpack/btfgen.h>

#include "cli/fetching.h"
#include "cli/gate.h"
#include "cli/shard.h"
#include "core/cleanup.h"
#include "core/digest.h"

enum {
	OPTION_ARCHIVE = FETCHING_END,
	OPTION_JOBS,
	OPTION_DRY_RUN,
	OPTION_KEEP,
	OPTION_SHARD,
	OPTION_STATUS,
};

static const struct cmd_option options[] = {
	FILTER_KEY_OPTIONS,
	FILTER_MORE_OPTIONS,
	FETCHING_OPTIONS,
	{ 0, "archive", "DIR", "the archive; made if missing" },
	{ 'j', "jobs", "N", "threads of the conversion; default: one a processor" },
	{ 0, "dry-run", NULL, "say what would be built" },
	{ 0, "keep", NULL, "keep the packages in the cache" },
	{ 0, "shard", "I/N", "build only the I-th of N parts, 1 to N" },
	{ 0, "status", NULL, "only say how fresh the archive is; exit 1 when it is stale" },
	{ 0 },
};

struct build {
	struct fetching fetching;
	const char *archive_dir;
	unsigned int jobs;
	bool dry_run, keep, status_only;
	struct shard shard;

	struct btfpack_archive *archive;
	struct btfpack_fetcher *fetcher;
	struct btfpack_package_iter *list;
	const struct btfpack_package **todo; /* lent by the list */
	size_t todo_count, todo_capacity, held, stored, failed;
	uint64_t bytes; /* to download at most */
	int status;     /* the first that was not CMD_OK */
};

static void build_deinit(struct build *b)
{
	free(b->todo);
	btfpack_package_iter_free(b->list);
	btfpack_fetcher_close(b->fetcher);
	btfpack_archive_close(b->archive);
}

static void note_status(struct build *b, int status)
{
	if (b->status == CMD_OK)
		b->status = status;
}

/* --- events ---------------------------------------------------------------------------------- */

static void tell_event(const char *event, json_t *object)
{
	json_object_set_new(object, "event", json_string(event));
	output_json(object);
}

static void tell_planned(const struct build *b)
{
	char size[16];

	if (cmd_common.json)
		tell_event("plan",
			   json_pack("{s:I, s:I, s:I}", "kernels", (json_int_t)b->todo_count,
				     "held", (json_int_t)b->held, "bytes", (json_int_t)b->bytes));
	else
		output_tell("%zu to build, %s to download; %zu in the archive already",
			    b->todo_count, output_size(b->bytes, size), b->held);
	for (size_t i = 0; b->dry_run && i < b->todo_count; i++) {
		const struct btfpack_package *p = b->todo[i];

		if (cmd_common.json)
			tell_event("would-build", fetching_package(p));
		else
			printf("%s %s %s %s %s %s\n", p->kernel.distro, p->kernel.release,
			       p->kernel.arch, p->kernel.uname, p->version,
			       output_size(p->size, size));
	}
}

static void tell_stored(const struct btfpack_package *p, const char *build_id, size_t size,
			bool repaired, const struct btfpack_id *id)
{
	char hex[DIGEST_HEX_SIZE], text[16];
	json_t *object;

	digest_format(id, hex);
	if (!cmd_common.json) {
		printf("%s %s %s %s %s %.12s\n", p->kernel.distro, p->kernel.release,
		       p->kernel.arch, p->kernel.uname, output_size(size, text), hex);
		fflush(stdout); /* minutes lie between two lines */
		return;
	}
	object = fetching_package(p);
	json_object_set_new(object, "build_id", build_id ? json_string(build_id) : json_null());
	json_object_set_new(object, "id", json_string(hex));
	json_object_set_new(object, "btf_size", json_integer((json_int_t)size));
	json_object_set_new(object, "repaired", json_boolean(repaired));
	tell_event("stored", object);
	fflush(stdout);
}

static void tell_failed(const struct btfpack_package *p, const struct btfpack_error *why)
{
	json_t *object;

	if (!cmd_common.json)
		return;
	object = fetching_package(p);
	json_object_set_new(object, "reason", json_string(why->message));
	tell_event("failed", object);
	fflush(stdout);
}

static void tell_done(const struct build *b)
{
	if (cmd_common.json)
		tell_event("done",
			   json_pack("{s:I, s:I, s:I, s:b}", "stored", (json_int_t)b->stored,
				     "held", (json_int_t)b->held, "failed", (json_int_t)b->failed,
				     "canceled", fetching_is_canceled()));
	else
		output_tell("%zu stored, %zu in the archive already, %zu failed%s", b->stored,
			    b->held, b->failed, fetching_is_canceled() ? "; canceled" : "");
}

/* --- one kernel -------------------------------------------------------------------------------- */

/* The vmlinux has no name of its own: in sentences it goes by its package's. */
static int rename_in(struct btfpack_error *err, const char *path, const struct btfpack_package *p)
{
	struct btfpack_error original = *err;
	size_t length = strlen(path);

	if (strncmp(original.message, path, length))
		return err->code;
	return btfpack_error_set(err, original.code, "vmlinux of %s_%s%s", p->name, p->version,
				 original.message + length);
}

static int convert(const struct build *b, const struct btfpack_package *p, struct btfpack_blob *ret,
		   char build_id[BTFPACK_BUILD_ID_SIZE], bool *repaired_ret,
		   struct btfpack_error *err)
{
	struct btfpack_convert_opts opts = { .size = sizeof(opts), .jobs = b->jobs };
	AUTO_FD int fd = -1;
	char path[32];

	if (btfpack_fetcher_open_vmlinux(b->fetcher, p, &fd, err) < 0)
		return err->code;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	output_progress("converting %s", p->kernel.uname);
	if (btfpack_build_id(path, build_id, err) < 0 || btfpack_convert(path, &opts, ret, err) < 0)
		return rename_in(err, path, p);
	return gate_pass(ret, p->name, repaired_ret, err);
}

static int build_one(struct build *b, const struct btfpack_package *p, struct btfpack_error *err)
{
	struct btfpack_provenance provenance = fetching_provenance(p);
	struct btfpack_kernel kernel = p->kernel;
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	char build_id[BTFPACK_BUILD_ID_SIZE] = "", converter[128];
	bool repaired = false;
	struct btfpack_id id;

	if (convert(b, p, &btf, build_id, &repaired, err) < 0)
		return err->code;
	if (repaired) {
		snprintf(converter, sizeof(converter), "%s deduplicated", provenance.converter);
		provenance.converter = converter;
	}
	kernel.build_id = *build_id ? build_id : NULL;
	if (btfpack_archive_add(b->archive, &kernel, NULL, &btf, &provenance, &id, err) < 0)
		return err->code;
	output_progress(NULL);
	tell_stored(p, kernel.build_id, btf.size, repaired, &id);
	return b->keep ? 0 : btfpack_fetcher_drop(b->fetcher, p, err);
}

/* Not the package's fault: the next would fail just the same. */
static bool ends_build(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -ENOMEM || code == -EROFS ||
	       code == -EBUSY || code == -ECANCELED;
}

/* Say it, note it in the archive, go on (true) or not. */
static bool handle_failure(struct build *b, const struct btfpack_package *p,
			   const struct btfpack_error *why)
{
	struct btfpack_provenance provenance = fetching_provenance(p);
	struct btfpack_error err;

	note_status(b, cmd_fail(why));
	if (ends_build(why->code))
		return false;
	b->failed++;
	tell_failed(p, why);
	if (btfpack_archive_note_failure(b->archive, &p->kernel, &provenance, why, &err) == 0)
		return true;
	cmd_fail(&err);
	return false;
}

/* --- all of them
 * ----------------------------------------------------------------------------------- */

static int add_todo(struct build *b, const struct btfpack_package *p, struct btfpack_error *err)
{
	if (b->todo_count == b->todo_capacity) {
		size_t capacity = b->todo_capacity ? 2 * b->todo_capacity : 64;
		void *grown = reallocarray(b->todo, capacity, sizeof(*b->todo));

		if (!grown)
			return btfpack_error_set(err, -ENOMEM, "out of memory for the plan");
		b->todo = grown;
		b->todo_capacity = capacity;
	}
	b->todo[b->todo_count++] = p;
	b->bytes += p->size;
	return 0;
}

static int plan_one(struct build *b, const struct btfpack_package *p, struct btfpack_error *err)
{
	int has = fetching_is_held(b->archive, p, err);

	if (has < 0)
		return has;
	if (!has)
		return add_todo(b, p, err);
	b->held++;
	/* A run that was killed after storing may have left the package. */
	return b->keep || b->dry_run ? 0 : btfpack_fetcher_drop(b->fetcher, p, err);
}

/* What the archive lacks. An index that failed is said now and leaves its mark on
 * the status; what the others offer is built. */
static int plan(struct build *b, struct btfpack_error *err)
{
	const struct btfpack_package *p;
	int more;

	while ((more = btfpack_package_iter_next(b->list, &p, err)) > 0)
		if (shard_has(&b->shard, &p->kernel) && plan_one(b, p, err) < 0)
			return err->code;
	if (more < 0)
		note_status(b, cmd_fail(err));
	return 0;
}

/* Of one release, arch and flavour: the newest offered, the newest held. */
struct freshness {
	const struct btfpack_package *offered, *held; /* held NULL: none */
	size_t behind;                                /* offered that are newer than held */
};

static void tell_freshness(const struct freshness *f)
{
	const struct btfpack_kernel *k = &f->offered->kernel;
	const char *held = f->held ? f->held->kernel.uname : NULL;

	if (cmd_common.json)
		tell_event("status",
			   json_pack("{s:s, s:s, s:s, s:s, s:s, s:s?, s:I, s:b}", "distro",
				     k->distro, "release", k->release, "arch", k->arch, "flavour",
				     f->offered->flavour, "offered", k->uname, "held", held,
				     "behind", (json_int_t)f->behind, "fresh", !f->behind));
	else
		printf("%s %s %s %-16s offered %-36s held %-36s %s\n", k->distro, k->release,
		       k->arch, f->offered->flavour, k->uname, held ? held : "-",
		       f->behind ? "stale" : "fresh");
}

static bool is_same_group(const struct btfpack_package *a, const struct btfpack_package *b)
{
	return !strcmp(a->kernel.release, b->kernel.release) &&
	       !strcmp(a->kernel.arch, b->kernel.arch) && !strcmp(a->flavour, b->flavour);
}

static void end_group(struct build *b, const struct freshness *f)
{
	if (!f->offered)
		return;
	tell_freshness(f);
	if (f->behind)
		note_status(b, CMD_NO);
}

/* The list has the groups one after the other, newest first in each. */
static int tell_status(struct build *b, struct btfpack_error *err)
{
	struct freshness group = { 0 };
	const struct btfpack_package *p;
	int more;

	while ((more = btfpack_package_iter_next(b->list, &p, err)) > 0) {
		int has = fetching_is_held(b->archive, p, err);

		if (has < 0)
			return cmd_fail(err);
		if (!group.offered || !is_same_group(group.offered, p)) {
			end_group(b, &group);
			group = (struct freshness){ .offered = p };
		}
		if (has && !group.held)
			group.held = p;
		else if (!group.held)
			group.behind++;
	}
	end_group(b, &group);
	if (more < 0)
		b->status = cmd_fail(err); /* an index that failed weighs more than "stale" */
	else if (!group.offered)
		return fetching_none(&b->fetching);
	return b->status;
}

static void build_all(struct build *b)
{
	struct btfpack_error err;

	for (size_t i = 0; i < b->todo_count && !fetching_is_canceled(); i++) {
		fetching_set_prefix("[%zu/%zu] ", i + 1, b->todo_count);
		if (build_one(b, b->todo[i], &err) == 0)
			b->stored++;
		else if (!handle_failure(b, b->todo[i], &err))
			break;
	}
	if (fetching_is_canceled())
		note_status(b, CMD_IO);
	output_progress(NULL);
}

/* What only looks makes none: then nothing is held. */
static int open_archive(struct build *b, struct btfpack_error *err)
{
	bool looks = b->dry_run || b->status_only;
	uint32_t flags = looks ? BTFPACK_ARCHIVE_READ_ONLY : BTFPACK_ARCHIVE_CREATE;
	int error = btfpack_archive_open(b->archive_dir, flags, &b->archive, err);

	if (!error || (looks && error == -ENOENT))
		return CMD_OK;
	cmd_fail(err);
	/* A directory that is no archive is bad input; what the system says is I/O. */
	return error == -EINVAL || error == -ENOTDIR ? CMD_BAD_INPUT : CMD_IO;
}

/* The archive comes after the list, so that none is made for a wrong name. */
static int run_build(struct build *b)
{
	struct btfpack_error err;
	int status;

	if (fetching_open(&b->fetching, &b->fetcher, &b->list, &err) < 0)
		return cmd_fail(&err);
	status = open_archive(b, &err);
	if (status)
		return status;
	if (b->status_only)
		return tell_status(b, &err);
	if (plan(b, &err) < 0)
		return cmd_fail(&err);
	if (!b->todo_count && !b->held && !b->shard.count)
		return b->status ? b->status : fetching_none(&b->fetching);
	tell_planned(b);
	if (b->dry_run)
		return b->status;
	build_all(b);
	tell_done(b);
	return b->status;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	CLEANUP(build_deinit) struct build b = { 0 };
	unsigned long jobs = 0;
	int option;

	while ((option = cmd_next_option(&parser)) >= 0) {
		if (option == OPTION_ARCHIVE)
			b.archive_dir = parser.value;
		else if (option == OPTION_DRY_RUN)
			b.dry_run = true;
		else if (option == OPTION_KEEP)
			b.keep = true;
		else if (option == OPTION_STATUS)
			b.status_only = true;
		else if (option == OPTION_SHARD && !shard_parse(cmd, parser.value, &b.shard))
			return CMD_USAGE;
		else if (option == OPTION_JOBS &&
			 !cmd_number(cmd, "jobs", parser.value, 1024, &jobs))
			return CMD_USAGE;
		else if (fetching_take(cmd, &b.fetching, option, parser.value) < 0)
			return CMD_USAGE;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand < argc)
		return cmd_usage(cmd, "takes no operands, found '%s'", argv[parser.operand]);
	if (!b.fetching.filter.kernel.distro || !b.archive_dir)
		return cmd_usage(cmd, "--archive and --distro must be given");
	b.jobs = (unsigned int)jobs;
	return run_build(&b);
}

const struct cmd cmd_build = {
	.name = "build",
	.summary = "fill an archive with the BTF of a distribution's kernels",
	.arguments = "--archive DIR --distro D",
	.options = options,
	.run = run,
};
