/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack build: list → fetch → convert → store, for every kernel that the filter
 * leaves and the archive lacks. Composition, no logic of its own: what makes a
 * rerun after a kill cheap and right is in the stages. Downloads continue in the
 * cache, vmlinux lies in a file without a name, the archive changes whole or not.
 */
#include <errno.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/build.h"
#include "core/cleanup.h"

enum {
	OPTION_ARCHIVE = FETCHING_END,
	OPTION_JOBS,
	OPTION_DRY_RUN,
	OPTION_KEEP,
	OPTION_SHARD,
	OPTION_STATUS,
	OPTION_MEMORY,
	OPTION_SKIP_BTF,
	OPTION_WITH_BTF,
	OPTION_RETRY,
	OPTION_DOWNLOADS,
	OPTION_PARTIAL,
	OPTION_MODULES,
};

#define DOWNLOADS_DEFAULT 2

#define MEMORY_DEFAULT    ((uint64_t)1000 << 20)

/* How long a package that failed more than once is left alone: an hour, then twice as
 * long each time. */
#define WAIT_FIRST   3600
#define WAIT_LONGEST (7 * 24 * 3600)

static const struct cmd_option options[] = {
	FILTER_KEY_OPTIONS,
	FILTER_MORE_OPTIONS,
	FETCHING_OPTIONS,
	{ 0, "archive", "DIR", "the archive; made if missing" },
	{ 'j', "jobs", "N", "threads; default: one a processor" },
	{ 0, "dry-run", NULL, "say what would be built" },
	{ 0, "keep", NULL, "keep the packages in the cache" },
	{ 0, "shard", "I/N", "build only the I-th of N parts, 1 to N" },
	{ 0, "status", NULL, "only say how fresh the archive is; exit 1 when it is stale" },
	{ 0, "memory", "SIZE", "how much to use, about: 500M, 4G; default: 1000M" },
	{ 0, "skip-btf", NULL, "pass over kernels that have BTF of their own" },
	{ 0, "with-btf", NULL, "build them nevertheless; the default" },
	{ 0, "retry", NULL, "try what failed before at once" },
	{ 0, "downloads", "N", "download N packages at a time; default: 2" },
	{ 0, "partial", NULL, "download only the parts that count: no digest verifies them" },
	{ 0, "modules", NULL, "store BTF of the kernels' modules, too" },
	{ 0 },
};

static void build_deinit(struct build *b)
{
	free(b->todo);
	btfpack_package_iter_free(b->list);
	btfpack_fetcher_close(b->fetcher);
	btfpack_archive_close(b->archive);
}

void build_note_status(struct build *b, int status)
{
	if (b->status == CMD_OK)
		b->status = status;
}

/* --- one kernel -------------------------------------------------------------------------------- */

/* A run that is killed between the two stored a kernel without modules, and did not say
 * that it had stored it: the next one finds them missing. */
static int store_modules(struct build *b, const struct pipeline_result *r,
			 const struct btfpack_kernel *k, const struct btfpack_id *id,
			 struct btfpack_error *err)
{
	const struct module_set *set = &r->modules;

	return btfpack_archive_add_modules(b->archive, k, id, set->modules.modules,
					   set->modules.count, (uint32_t)set->failure_count, err);
}

static int store(struct build *b, struct pipeline_result *r, struct btfpack_error *err)
{
	const struct btfpack_package *p = r->package;
	struct btfpack_provenance provenance = fetching_provenance(p);
	struct btfpack_kernel kernel = p->kernel;
	char converter[128];
	struct btfpack_id id;

	if (r->is_repaired) {
		snprintf(converter, sizeof(converter), "%s deduplicated", provenance.converter);
		provenance.converter = converter;
	}
	kernel.build_id = *r->build_id ? r->build_id : NULL;
	if (r->is_partial)
		provenance.converter = "btfpack " BTFPACK_VERSION " --partial";
	if (btfpack_archive_add(b->archive, &kernel, NULL, &r->btf, &provenance, &id, err) < 0 ||
	    (b->modules && store_modules(b, r, &kernel, &id, err) < 0))
		return err->code;
	output_progress(NULL);
	build_tell_stored(b, r, &id);
	return b->keep ? 0 : btfpack_fetcher_drop(b->fetcher, p, err);
}

/* Not the package's fault: the next would fail just the same. */
static bool ends_build(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -ENOMEM || code == -EROFS ||
	       code == -EBUSY || code == -ECANCELED;
}

/* What came whole and is of no use need not stay; what is on its way is continued. */
static bool is_of_no_use(int code)
{
	return code == -EBADMSG || code == -EOPNOTSUPP || code == -EFBIG;
}

/* Say it, note it in the archive, go on (true) or not. */
static bool handle_failure(struct build *b, const struct btfpack_package *p,
			   const struct btfpack_error *why)
{
	struct btfpack_provenance provenance = fetching_provenance(p);
	struct btfpack_error err;

	build_note_status(b, cmd_fail(why));
	if (ends_build(why->code))
		return false;
	b->failed++;
	build_tell_failed(p, why);
	if (btfpack_archive_note_failure(b->archive, &p->kernel, &provenance, why, &err) == 0 &&
	    (b->keep || !is_of_no_use(why->code) || btfpack_fetcher_drop(b->fetcher, p, &err) == 0))
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

/* When the package may be tried again, by how often it was; 0: now. Another digest is
 * another package. */
static int64_t due_time(const struct btfpack_failure *f, const struct btfpack_package *p)
{
	const char *sha256 = f->provenance.package_sha256;
	int64_t wait = WAIT_FIRST;

	if (f->attempts < 2 || (sha256 && p->sha256 && strcmp(sha256, p->sha256)))
		return 0;
	for (uint32_t i = 2; i < f->attempts && wait < WAIT_LONGEST; i++)
		wait *= 2;
	return f->last + (wait < WAIT_LONGEST ? wait : WAIT_LONGEST);
}

/* What was noted of the package when it gave no BTF: 1 and a copy of what counts, or 0. */
static int find_failure(struct build *b, const struct btfpack_package *p, int *code_ret,
			int64_t *due_ret, struct btfpack_error *err)
{
	struct btfpack_kernel filter = p->kernel;
	struct btfpack_failure_iter *it;
	const struct btfpack_failure *f;
	int found = 0, error;

	filter.uname = filter.build_id = NULL;
	if (!b->archive)
		return 0;
	error = btfpack_archive_list_failures(b->archive, &filter, &it, err);
	if (error < 0)
		return error;
	while (!found && btfpack_failure_iter_next(it, &f, err) > 0) {
		if (strcmp(f->provenance.package, p->name) ||
		    strcmp(f->provenance.package_version ?: "", p->version))
			continue;
		*code_ret = f->code;
		*due_ret = due_time(f, p);
		found = 1;
	}
	btfpack_failure_iter_free(it);
	return found;
}

/* Whether a run before had its reasons to leave the package alone, which hold. */
static int is_put_off(struct build *b, const struct btfpack_package *p, struct btfpack_error *err)
{
	int64_t due = 0;
	int code = 0, found = find_failure(b, p, &code, &due, err);

	if (found <= 0)
		return found;
	if (code == BTFPACK_PACKAGE_HAS_BTF) {
		b->skipped += b->skip_btf;
		return b->skip_btf;
	}
	if (b->retry || due <= time(NULL))
		return 0;
	b->waiting++;
	if (!b->due || due < b->due)
		b->due = due;
	return 1;
}

/* Whether some entry that the package gave has its modules. */
static int has_modules(struct build *b, const struct btfpack_package *p, struct btfpack_error *err)
{
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;
	int found = 0, error = btfpack_archive_list(b->archive, &p->kernel, NULL, &it, err);

	if (error < 0)
		return error;
	while (!found && btfpack_entry_iter_next(it, &e, err) > 0)
		found = e->has_modules && e->provenance.package_version &&
			!strcmp(e->provenance.package_version, p->version);
	btfpack_entry_iter_free(it);
	return found;
}

static int is_held(struct build *b, const struct btfpack_package *p, struct btfpack_error *err)
{
	int held = fetching_is_held(b->archive, p, err);

	return held > 0 && b->modules ? has_modules(b, p, err) : held;
}

static int plan_one(struct build *b, const struct btfpack_package *p, struct btfpack_error *err)
{
	int has = is_held(b, p, err), put_off;

	if (has < 0)
		return has;
	if (has) {
		b->held++;
		/* A run that was killed after storing may have left the package. */
		return b->keep || b->dry_run ? 0 : btfpack_fetcher_drop(b->fetcher, p, err);
	}
	put_off = is_put_off(b, p, err);
	return put_off ? put_off < 0 ? put_off : 0 : add_todo(b, p, err);
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
		build_note_status(b, cmd_fail(err));
	return 0;
}

/* Passing over is noted, so that the next run need not look again. */
static int pass_over(struct build *b, const struct pipeline_result *r, struct btfpack_error *err)
{
	struct btfpack_provenance provenance = fetching_provenance(r->package);
	const struct btfpack_error why = { BTFPACK_PACKAGE_HAS_BTF,
					   "the kernel has BTF of its own; --with-btf builds it" };

	if (btfpack_archive_note_failure(b->archive, &r->package->kernel, &provenance, &why, err) <
	    0)
		return err->code;
	b->skipped++;
	build_tell_skipped(r->package);
	return b->keep ? 0 : btfpack_fetcher_drop(b->fetcher, r->package, err);
}

static int take_result(void *arg, struct pipeline_result *r)
{
	struct build *b = arg;
	struct btfpack_error err = r->err;

	if (!err.code && r->is_skipped && pass_over(b, r, &err) == 0)
		return 0;
	if (!err.code && !r->is_skipped && store(b, r, &err) == 0) {
		b->stored++;
		return 0;
	}
	return handle_failure(b, r->package, &err) ? 0 : err.code;
}

/* glibc would keep blocks of tens of megabytes for itself once it has had one back. */
static void return_large_blocks(void)
{
#ifdef __GLIBC__
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
#endif
}

static void build_all(struct build *b)
{
	const struct pipeline_opts opts = {
		.fetching = &b->fetching,
		.jobs = b->jobs,
		.downloads = b->downloads,
		.memory = b->memory,
		.skip_btf = b->skip_btf,
		.partial = b->partial,
		.modules = b->modules,
	};
	struct btfpack_error err = { 0 };

	return_large_blocks();
	pipeline_run(b->todo, b->todo_count, &opts, take_result, b, &b->metrics, &err);
	if (fetching_is_canceled())
		build_note_status(b, CMD_IO);
	else if (err.code)
		build_note_status(b, cmd_fail(&err));
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
		return build_tell_status(b);
	if (plan(b, &err) < 0)
		return cmd_fail(&err);
	if (!b->todo_count && !b->held && !b->waiting && !b->skipped && !b->shard.count)
		return b->status ? b->status : fetching_none(&b->fetching);
	build_tell_plan(b);
	if (b->dry_run)
		return b->status;
	build_all(b);
	build_tell_done(b);
	/* What failed before and waits is not done. */
	if (b->waiting)
		build_note_status(b, CMD_NO);
	return b->status;
}

/* "500M", "4G", or bytes. */
static bool take_memory(const struct cmd *cmd, const char *text, uint64_t *ret)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned long long value;
	const char *unit;

	errno = 0;
	value = strtoull(text, &end, 10);
	unit = *end ? strchr(units, *end) : NULL;
	if (unit && !errno && value < 1ull << 20) {
		value <<= 10 * (unit - units + 1);
		end++;
	}
	if (errno || end == text || *end || *text == '-' || !value) {
		cmd_usage(cmd, "--memory takes a size as 500M or 4G, not '%s'", text);
		return false;
	}
	*ret = value;
	return true;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	CLEANUP(build_deinit) struct build b = { .memory = MEMORY_DEFAULT };
	unsigned long jobs = 0, downloads = DOWNLOADS_DEFAULT;
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
		else if (option == OPTION_SKIP_BTF || option == OPTION_WITH_BTF)
			b.skip_btf = option == OPTION_SKIP_BTF;
		else if (option == OPTION_PARTIAL)
			b.partial = true;
		else if (option == OPTION_MODULES)
			b.modules = true;
		else if (option == OPTION_RETRY)
			b.retry = true;
		else if (option == OPTION_MEMORY && !take_memory(cmd, parser.value, &b.memory))
			return CMD_USAGE;
		else if (option == OPTION_SHARD && !shard_parse(cmd, parser.value, &b.shard))
			return CMD_USAGE;
		else if (option == OPTION_DOWNLOADS &&
			 !cmd_number(cmd, "downloads", parser.value, PIPELINE_DOWNLOADS_MAX,
				     &downloads))
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
	if (b.modules && b.partial)
		return cmd_usage(cmd, "--modules takes all of a package, --partial does not");
	b.jobs = (unsigned int)jobs;
	b.downloads = downloads ? (unsigned int)downloads : 1;
	return run_build(&b);
}

const struct cmd cmd_build = {
	.name = "build",
	.summary = "fill an archive with the BTF of a distribution's kernels",
	.arguments = "--archive DIR --distro D",
	.options = options,
	.run = run,
};
