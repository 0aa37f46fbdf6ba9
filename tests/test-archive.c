/* SPDX-License-Identifier: BSD-2-Clause */
/* The store: what is reported stored is there, found by every road, until removed. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <btfpack/archive.h>

#include "core/digest.h"
#include "core/fs.h"
#include "tests/scratch.h"
#include "tests/test.h"

static void close_archive(struct btfpack_archive **a)
{
	btfpack_archive_close(*a);
}
#define AUTO_ARCHIVE CLEANUP(close_archive)

static struct btfpack_error err;

static struct btfpack_archive *open_archive(const char *name, uint32_t flags)
{
	struct btfpack_archive *a = NULL;
	int error = btfpack_archive_open(scratch(name), flags, &a, &err);

	if (error)
		printf("# %s\n", err.message);
	REQUIRE(error == 0);
	return a;
}

static struct btfpack_archive *new_archive(const char *name)
{
	return open_archive(name, BTFPACK_ARCHIVE_CREATE);
}

static struct btfpack_kernel kernel(const char *uname, const char *build_id)
{
	return (struct btfpack_kernel){ "debian", "12", "x86_64", uname, build_id };
}

/* Add a BTF made of @seed; the result of the call. */
static int add(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
	       unsigned int seed, const struct btfpack_provenance *p, struct btfpack_id *id)
{
	AUTO_BLOB struct btfpack_blob btf = scratch_btf(seed, 20);

	return btfpack_archive_add(a, k, set, &btf, p, id, &err);
}

/* Does the archive give the BTF made of @seed for this kernel? */
static bool gives(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
		  unsigned int seed)
{
	AUTO_BLOB struct btfpack_blob expected = scratch_btf(seed, 20), got = { 0 };

	return btfpack_archive_find(a, k, set, &got, &err) == 0 && got.size == expected.size &&
	       !memcmp(got.data, expected.data, got.size);
}

static int count_entries(struct btfpack_archive *a, const struct btfpack_kernel *filter,
			 const char *set)
{
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;
	int count = 0;

	if (btfpack_archive_list(a, filter, set, &it, &err)) {
		printf("# %s\n", err.message);
		return -1;
	}
	while (btfpack_entry_iter_next(it, &e, &err) > 0)
		count++;
	btfpack_entry_iter_free(it);
	return count;
}

static void print_problem(const struct btfpack_problem *problem, void *arg)
{
	(void)arg;
	printf("# problem: %s\n", problem->message);
}

static int verify_aloud(struct btfpack_archive *a)
{
	struct btfpack_verify_opts opts = { .size = sizeof(opts), .problem = print_problem };
	int problems = btfpack_archive_verify(a, &opts, &err);

	if (problems < 0)
		printf("# %s\n", err.message);
	return problems;
}

static struct btfpack_archive_stats stats_of(struct btfpack_archive *a)
{
	struct btfpack_archive_stats stats = { 0 };

	CHECK_INT(btfpack_archive_get_stats(a, NULL, &stats, &err), 0);
	return stats;
}

/* --- opening --------------------------------------------------------------------------------- */

/* A listing of names, sizes and times below a directory, to see it was not touched. */
static void fingerprint(const char *dir, char *ret, size_t size)
{
	char command[1024];
	FILE *pipe;

	snprintf(command, sizeof(command), "find '%s' -printf '%%p %%s %%T@ %%m\n' | sort", dir);
	pipe = popen(command, "r");
	ret[fread(ret, 1, size - 1, pipe)] = '\0';
	pclose(pipe);
}

static void refuses_untouched(const char *dir, const char *sentence)
{
	static const uint32_t flags[] = { 0, BTFPACK_ARCHIVE_CREATE, BTFPACK_ARCHIVE_READ_ONLY };
	char before[4096], after[4096];

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		struct btfpack_archive *a;

		fingerprint(dir, before, sizeof(before));
		CHECK_INT(btfpack_archive_open(dir, flags[i], &a, &err), -EINVAL);
		CHECK_CONTAINS(err.message, sentence);
		fingerprint(dir, after, sizeof(after));
		CHECK_STRING(after, before);
	}
}

static void refuses_what_is_no_archive(void)
{
	sqlite3 *other;

	REQUIRE(fs_make_dirs(scratch("photos"), &err) == 0);
	fs_write(scratch("photos/cat.jpg"), "cat", 3, &err);
	refuses_untouched(scratch("photos"), "is not an archive of btfpack");

	REQUIRE(fs_make_dirs(scratch("text-index"), &err) == 0);
	fs_write(scratch("text-index/index.sqlite"), "not sqlite", 10, &err);
	refuses_untouched(scratch("text-index"), "no index that btfpack wrote");

	REQUIRE(fs_make_dirs(scratch("empty-index"), &err) == 0);
	fs_write(scratch("empty-index/index.sqlite"), "", 0, &err);
	refuses_untouched(scratch("empty-index"), "no index that btfpack wrote");

	REQUIRE(fs_make_dirs(scratch("other-index"), &err) == 0);
	REQUIRE(sqlite3_open(scratch("other-index/index.sqlite"), &other) == SQLITE_OK);
	sqlite3_exec(other, "PRAGMA journal_mode=WAL; CREATE TABLE pack (id)", NULL, NULL, NULL);
	sqlite3_close(other);
	refuses_untouched(scratch("other-index"), "no index that btfpack wrote");
}

static void refuses_lost_index(void)
{
	struct btfpack_archive *a = new_archive("lost-index");
	struct btfpack_kernel k = kernel("6.1", NULL);

	CHECK_INT(add(a, &k, NULL, 1, NULL, NULL), 0);
	btfpack_archive_close(a);
	CHECK(unlink(scratch("lost-index/index.sqlite")) == 0);
	/* There are packs: a new index beside them would hide the loss. */
	refuses_untouched(scratch("lost-index"), "is not an archive");
}

static void creates_only_when_asked(void)
{
	struct btfpack_archive *a;

	CHECK_INT(btfpack_archive_open(scratch("nowhere"), 0, &a, &err), -ENOENT);
	CHECK(access(scratch("nowhere"), F_OK) < 0);
	REQUIRE(fs_make_dirs(scratch("empty"), &err) == 0);
	CHECK_INT(btfpack_archive_open(scratch("empty"), 0, &a, &err), -EINVAL);
	REQUIRE(btfpack_archive_open(scratch("empty"), BTFPACK_ARCHIVE_CREATE, &a, &err) == 0);
	btfpack_archive_close(a);
	REQUIRE(btfpack_archive_open(scratch("empty"), 0, &a, &err) == 0);
	CHECK_INT(count_entries(a, NULL, BTFPACK_SET_ANY), 0);
	CHECK_INT(verify_aloud(a), 0);
	btfpack_archive_close(a);
	CHECK_INT(btfpack_archive_open(scratch("empty"), 1u << 30, &a, &err), -EINVAL);
}

static void takes_up_an_interrupted_creation(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = NULL;

	REQUIRE(fs_make_dirs(scratch("half-made/packs"), &err) == 0);
	fs_write(scratch("half-made/index.new"), "SQLi", 4, &err);
	fs_write(scratch("half-made/index.new-journal"), "", 0, &err);
	a = new_archive("half-made");
	CHECK(access(scratch("half-made/index.new"), F_OK) < 0);
	CHECK_INT(verify_aloud(a), 0);
}

static void refuses_a_newer_format(void)
{
	struct btfpack_archive *a = new_archive("newer");
	sqlite3 *db;

	btfpack_archive_close(a);
	REQUIRE(sqlite3_open(scratch("newer/index.sqlite"), &db) == SQLITE_OK);
	sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL);
	sqlite3_close(db);
	CHECK_INT(btfpack_archive_open(scratch("newer"), 0, &a, &err), -EOPNOTSUPP);
	CHECK_CONTAINS(err.message, "newer");
}

static void read_only_changes_nothing(void)
{
	struct btfpack_archive *a = new_archive("read-only");
	struct btfpack_kernel k = kernel("6.1", NULL);
	struct btfpack_error why = { .code = -1 };
	struct btfpack_provenance p = { .package = "linux" };

	CHECK_INT(add(a, &k, NULL, 1, NULL, NULL), 0);
	btfpack_archive_close(a);
	a = open_archive("read-only", BTFPACK_ARCHIVE_READ_ONLY);
	CHECK(gives(a, &k, NULL, 1));
	CHECK_INT(add(a, &k, NULL, 2, NULL, NULL), -EROFS);
	CHECK_INT(btfpack_archive_remove(a, &k, NULL, &err), -EROFS);
	CHECK_INT(btfpack_archive_collect(a, NULL, &err), -EROFS);
	CHECK_INT(btfpack_archive_note_failure(a, &k, &p, &why, &err), -EROFS);
	CHECK_INT(btfpack_archive_clear_failures(a, NULL, &err), -EROFS);
	CHECK_INT(verify_aloud(a), 0);
	btfpack_archive_close(a);
	CHECK(access(scratch("read-only/index.sqlite-wal"), F_OK) < 0);
}

/* --- adding and finding ----------------------------------------------------------------------- */

static void stores_equal_content_once(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("once");
	struct btfpack_kernel one = kernel("6.1.0-1", NULL), two = kernel("6.1.0-2", NULL);
	struct btfpack_archive_stats stats;
	struct btfpack_id id_one, id_two;

	CHECK_INT(add(a, &one, NULL, 1, NULL, &id_one), 0);
	CHECK_INT(add(a, &two, NULL, 1, NULL, &id_two), 0);
	CHECK(digest_is_equal(&id_one, &id_two));
	CHECK_INT(add(a, &one, "execsnoop", 2, NULL, NULL), 0);
	CHECK(gives(a, &one, NULL, 1));
	CHECK(gives(a, &two, NULL, 1));
	CHECK(gives(a, &one, "execsnoop", 2));
	CHECK(!gives(a, &two, "execsnoop", 2));
	CHECK_INT(err.code, -ENOENT);
	stats = stats_of(a);
	CHECK_INT(stats.kernels, 2);
	CHECK_INT(stats.entries, 3);
	CHECK_INT(stats.full, 2);
	CHECK_INT(stats.contents, 2);
	CHECK(stats.stored_bytes < stats.content_bytes && stats.content_bytes < stats.raw_bytes);
}

static void knows_what_it_has(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("again");
	struct btfpack_kernel k = kernel("6.1.0-1", NULL);

	CHECK_INT(btfpack_archive_has(a, &k, NULL, &err), 0);
	CHECK_INT(add(a, &k, NULL, 1, NULL, NULL), 0);
	CHECK_INT(add(a, &k, NULL, 1, NULL, NULL), 1);
	CHECK_INT(btfpack_archive_has(a, &k, NULL, &err), 1);
	CHECK_INT(btfpack_archive_has(a, &k, "set", &err), 0);
	CHECK_INT(add(a, &k, NULL, 2, NULL, NULL), 0);
	CHECK(gives(a, &k, NULL, 2));
	CHECK_INT(count_entries(a, NULL, NULL), 1);
}

static void tells_builds_apart(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("builds");
	struct btfpack_kernel aa = kernel("6.1", "aa"), bb = kernel("6.1", "bb");
	struct btfpack_kernel unknown = kernel("6.1", NULL), by_id = { .build_id = "aa" };

	CHECK_INT(add(a, &aa, NULL, 1, NULL, NULL), 0);
	CHECK_INT(add(a, &bb, NULL, 2, NULL, NULL), 0);
	CHECK(gives(a, &aa, NULL, 1));
	CHECK(gives(a, &bb, NULL, 2));
	CHECK(gives(a, &by_id, NULL, 1));
	CHECK(gives(a, &unknown, NULL, 2)); /* the last one */
	by_id.build_id = "cc";
	CHECK(!gives(a, &by_id, NULL, 1));
	by_id = (struct btfpack_kernel){ .uname = "6.1" };
	CHECK_INT(btfpack_archive_has(a, &by_id, NULL, &err), -EINVAL);
}

static void learns_a_build_id(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("learns");
	struct btfpack_kernel unknown = kernel("6.1", NULL), known = kernel("6.1", "aa");

	CHECK_INT(add(a, &unknown, NULL, 1, NULL, NULL), 0);
	CHECK_INT(add(a, &known, NULL, 1, NULL, NULL), 1);
	CHECK_INT(count_entries(a, NULL, NULL), 1);
	CHECK(gives(a, &known, NULL, 1));
	CHECK_INT(add(a, &unknown, NULL, 1, NULL, NULL), 1);
	CHECK_INT(count_entries(a, NULL, NULL), 1);
	CHECK_INT(add(a, &unknown, NULL, 2, NULL, NULL), 0); /* another build */
	CHECK_INT(count_entries(a, NULL, NULL), 2);
	CHECK_INT(verify_aloud(a), 0);
}

static void refuses_unfit_input(void)
{
	static const char *const unfit[] = { "", "a/b", "..", ".hidden", "a\nb", NULL };
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("unfit");
	struct btfpack_blob garbage = { (void *)"not BTF at all", 14 };
	struct btfpack_provenance p = { .package_sha256 = "abc" };
	struct btfpack_kernel k = kernel("6.1", "xyz");

	for (size_t i = 0; i < ARRAY_SIZE(unfit); i++) {
		struct btfpack_kernel bad = kernel(unfit[i], NULL);

		CHECK_INT(add(a, &bad, NULL, 1, NULL, NULL), -EINVAL);
	}
	CHECK_INT(add(a, &k, NULL, 1, NULL, NULL), -EINVAL);
	k.build_id = NULL;
	CHECK_INT(add(a, &k, "a/b", 1, NULL, NULL), -EINVAL);
	CHECK_INT(add(a, &k, BTFPACK_SET_ANY, 1, NULL, NULL), -EINVAL);
	CHECK_INT(add(a, &k, NULL, 1, &p, NULL), -EINVAL);
	CHECK_INT(btfpack_archive_add(a, &k, NULL, &garbage, NULL, NULL, &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "6.1");
	CHECK_INT(stats_of(a).pack_bytes, 0);
}

/* --- provenance and failures -------------------------------------------------------------------- */

#define SHA_ONE "1111111111111111111111111111111111111111111111111111111111111111"
#define SHA_TWO "ABCDEF1111111111111111111111111111111111111111111111111111111111"

static void keeps_provenance(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("provenance");
	struct btfpack_provenance p = { "linux-dbg", "6.1-1", NULL, "http://a/b", "main", "test 1" };
	struct btfpack_provenance by_sha = { .package_sha256 = SHA_ONE };
	struct btfpack_kernel k = kernel("6.1", NULL), other = { .arch = "aarch64" };
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;

	CHECK_INT(btfpack_archive_has_package(a, NULL, &p, &err), 0);
	CHECK_INT(add(a, &k, NULL, 1, &p, NULL), 0);
	CHECK_INT(btfpack_archive_has_package(a, NULL, &p, &err), 1);
	CHECK_INT(btfpack_archive_has_package(a, &other, &p, &err), 0);
	CHECK_INT(btfpack_archive_has_package(a, NULL, &by_sha, &err), 0);
	p.package_sha256 = SHA_ONE;
	p.suite = NULL;
	CHECK_INT(add(a, &k, NULL, 1, &p, NULL), 1); /* now the digest is known */
	CHECK_INT(btfpack_archive_has_package(a, NULL, &by_sha, &err), 1);
	p.package_sha256 = SHA_TWO; /* the same name, rebuilt */
	CHECK_INT(btfpack_archive_has_package(a, NULL, &p, &err), 0);
	CHECK_INT(add(a, &k, NULL, 1, &p, NULL), 1);
	CHECK_INT(btfpack_archive_has_package(a, NULL, &p, &err), 1);
	CHECK_INT(btfpack_archive_has_package(a, NULL, &(struct btfpack_provenance){ 0 }, &err),
		  -EINVAL);
	REQUIRE(btfpack_archive_list(a, NULL, NULL, &it, &err) == 0);
	REQUIRE(btfpack_entry_iter_next(it, &e, &err) == 1);
	CHECK_STRING(e->provenance.package, "linux-dbg");
	CHECK_STRING(e->provenance.suite, "main");
	CHECK_STRING(e->provenance.converter, "test 1");
	CHECK(e->added > 1600000000 && e->changed >= e->added);
	CHECK_STRING(e->codec, "zstd");
	btfpack_entry_iter_free(it);
}

static void notes_failures(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("failures");
	struct btfpack_provenance p = { .package = "linux-dbg", .package_version = "6.1-1" };
	struct btfpack_kernel k = { "debian", "12", "x86_64", NULL, NULL }, stored = kernel("6.1", NULL);
	struct btfpack_error why = { .code = -EBADMSG, .message = "linux-dbg.deb: cut short" };
	struct btfpack_failure_iter *it;
	const struct btfpack_failure *f;

	CHECK_INT(btfpack_archive_note_failure(a, &k, &p, &why, &err), 0);
	strcpy(why.message, "linux-dbg.deb: no vmlinux in it");
	CHECK_INT(btfpack_archive_note_failure(a, &k, &p, &why, &err), 0);
	REQUIRE(btfpack_archive_list_failures(a, NULL, &it, &err) == 0);
	REQUIRE(btfpack_failure_iter_next(it, &f, &err) == 1);
	CHECK_STRING(f->reason, "linux-dbg.deb: no vmlinux in it");
	CHECK_INT(f->code, -EBADMSG);
	CHECK_INT(f->attempts, 2);
	CHECK(!f->kernel.uname);
	CHECK_INT(btfpack_failure_iter_next(it, &f, &err), 0);
	btfpack_failure_iter_free(it);
	CHECK_INT(stats_of(a).failures, 1);
	/* Success answers it. */
	CHECK_INT(add(a, &stored, NULL, 1, &p, NULL), 0);
	CHECK_INT(stats_of(a).failures, 0);
	CHECK_INT(btfpack_archive_note_failure(a, &k, &p, &why, &err), 0);
	CHECK_INT(btfpack_archive_clear_failures(a, &(struct btfpack_kernel){ .arch = "s390x" }, &err),
		  0);
	CHECK_INT(btfpack_archive_clear_failures(a, NULL, &err), 1);
	p.package = NULL;
	CHECK_INT(btfpack_archive_note_failure(a, &k, &p, &why, &err), -EINVAL);
	CHECK_INT(verify_aloud(a), 0);
}

/* --- listing ------------------------------------------------------------------------------------- */

static void lists_in_order(void)
{
	static const char *const expected[] = { "6.1.0-9-amd64", "6.1.0-10-amd64",
						"6.1.0-10-cloud-amd64", "6.1.0-50-amd64" };
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("order");
	struct btfpack_kernel filter = { .uname = "*-cloud-*" };
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;

	for (size_t i = ARRAY_SIZE(expected); i-- > 0;) {
		struct btfpack_kernel k = kernel(expected[i], NULL);

		CHECK_INT(add(a, &k, NULL, i, NULL, NULL), 0);
		CHECK_INT(add(a, &k, "set", 100, NULL, NULL), 0);
	}
	REQUIRE(btfpack_archive_list(a, NULL, NULL, &it, &err) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		REQUIRE(btfpack_entry_iter_next(it, &e, &err) == 1);
		CHECK_STRING(e->kernel.uname, expected[i]);
		CHECK(!e->set && !e->kernel.build_id);
	}
	CHECK_INT(btfpack_entry_iter_next(it, &e, &err), 0);
	btfpack_entry_iter_free(it);
	CHECK_INT(count_entries(a, NULL, BTFPACK_SET_ANY), 8);
	CHECK_INT(count_entries(a, NULL, "set"), 4);
	CHECK_INT(count_entries(a, &filter, BTFPACK_SET_ANY), 2);
	filter.uname = "6.1.0-10-amd64";
	CHECK_INT(count_entries(a, &filter, NULL), 1);
	filter.distro = "ubuntu";
	CHECK_INT(count_entries(a, &filter, NULL), 0);
}

static void listing_is_of_one_moment(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("moment");
	struct btfpack_kernel one = kernel("6.1", NULL), two = kernel("6.2", NULL);
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;

	CHECK_INT(add(a, &one, NULL, 1, NULL, NULL), 0);
	REQUIRE(btfpack_archive_list(a, NULL, NULL, &it, &err) == 0);
	CHECK_INT(add(a, &two, NULL, 2, NULL, NULL), 0);
	CHECK_INT(btfpack_archive_remove(a, &one, NULL, &err), 0);
	CHECK_INT(btfpack_entry_iter_next(it, &e, &err), 1);
	CHECK_STRING(e->kernel.uname, "6.1");
	CHECK_INT(btfpack_entry_iter_next(it, &e, &err), 0);
	btfpack_entry_iter_free(it);
}

/* --- removing -------------------------------------------------------------------------------------- */

static void removes_and_collects(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("collect");
	struct btfpack_archive_stats before, after;
	uint64_t freed = 0;

	for (unsigned int i = 0; i < 10; i++) {
		char uname[16];
		struct btfpack_kernel k = kernel(uname, NULL);

		snprintf(uname, sizeof(uname), "6.%u", i);
		CHECK_INT(add(a, &k, NULL, i, NULL, NULL), 0);
	}
	for (unsigned int i = 0; i < 10; i += 2) {
		char uname[16];
		struct btfpack_kernel k = kernel(uname, NULL);

		snprintf(uname, sizeof(uname), "6.%u", i);
		CHECK_INT(btfpack_archive_remove(a, &k, NULL, &err), 0);
		CHECK_INT(btfpack_archive_remove(a, &k, NULL, &err), -ENOENT);
	}
	before = stats_of(a);
	CHECK(before.unused_bytes > 0);
	CHECK_INT(verify_aloud(a), 0);
	CHECK_INT(btfpack_archive_collect(a, &freed, &err), 0);
	after = stats_of(a);
	CHECK_INT(freed, before.unused_bytes);
	CHECK_INT(after.pack_bytes, before.pack_bytes - before.unused_bytes);
	CHECK_INT(after.unused_bytes, 0);
	CHECK(access(scratch("collect/packs/00000001.pack"), F_OK) < 0);
	CHECK(gives(a, &(struct btfpack_kernel){ "debian", "12", "x86_64", "6.7", NULL }, NULL, 7));
	CHECK_INT(verify_aloud(a), 0);
	CHECK_INT(btfpack_archive_collect(a, &freed, &err), 0);
	CHECK_INT(freed, 0);
}

static void collects_to_nothing_and_goes_on(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("collect-all");
	struct btfpack_kernel k = kernel("6.1", NULL);

	CHECK_INT(add(a, &k, NULL, 1, NULL, NULL), 0);
	CHECK_INT(btfpack_archive_remove(a, &k, NULL, &err), 0);
	CHECK_INT(btfpack_archive_collect(a, NULL, &err), 0);
	CHECK_INT(stats_of(a).pack_bytes, 0);
	CHECK_INT(verify_aloud(a), 0);
	CHECK_INT(add(a, &k, NULL, 2, NULL, NULL), 0);
	CHECK(gives(a, &k, NULL, 2));
	CHECK_INT(verify_aloud(a), 0);
}

/* Kernels of a series are told by one another. */
static void a_base_outlives_its_entry(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("base");
	AUTO_BLOB struct btfpack_blob btf = scratch_btf(1, 3000), got = { 0 };
	struct btfpack_kernel last = kernel("6.1.0-12-amd64", NULL);
	struct btfpack_archive_stats stats;

	for (unsigned int i = 0; i <= 12; i++) {
		AUTO_BLOB struct btfpack_blob further = scratch_btf(1, 3000 - 12 + i);
		char uname[32];
		struct btfpack_kernel k = kernel(uname, NULL);

		snprintf(uname, sizeof(uname), "6.1.0-%u-amd64", i);
		CHECK_INT(btfpack_archive_add(a, &k, NULL, &further, NULL, NULL, &err), 0);
	}
	stats = stats_of(a);
	CHECK(stats.stored_bytes < 2 * btf.size / 3); /* alone, each takes 1/4 of it */
	for (unsigned int i = 0; i < 12; i++) {
		char uname[32];
		struct btfpack_kernel k = kernel(uname, NULL);

		snprintf(uname, sizeof(uname), "6.1.0-%u-amd64", i);
		CHECK_INT(btfpack_archive_remove(a, &k, NULL, &err), 0);
	}
	CHECK_INT(btfpack_archive_collect(a, NULL, &err), 0);
	CHECK_INT(stats_of(a).unused_bytes, 0);
	CHECK(stats_of(a).pack_bytes < stats.pack_bytes);
	REQUIRE(btfpack_archive_find(a, &last, NULL, &got, &err) == 0);
	CHECK(got.size == btf.size && !memcmp(got.data, btf.data, btf.size));
	CHECK_INT(verify_aloud(a), 0);
	CHECK_INT(btfpack_archive_remove(a, &last, NULL, &err), 0);
	CHECK_INT(btfpack_archive_collect(a, NULL, &err), 0);
	CHECK_INT(stats_of(a).pack_bytes, 0);
}

static void readers_survive_a_collection(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("collect-read");
	AUTO_ARCHIVE struct btfpack_archive *reader = NULL;
	struct btfpack_kernel one = kernel("6.1", NULL), two = kernel("6.2", NULL);

	CHECK_INT(add(a, &one, NULL, 1, NULL, NULL), 0);
	CHECK_INT(add(a, &two, NULL, 2, NULL, NULL), 0);
	reader = open_archive("collect-read", BTFPACK_ARCHIVE_READ_ONLY);
	CHECK(gives(reader, &one, NULL, 1));
	CHECK_INT(btfpack_archive_remove(a, &one, NULL, &err), 0);
	CHECK_INT(btfpack_archive_collect(a, NULL, &err), 0);
	CHECK(gives(reader, &two, NULL, 2));
	CHECK(!gives(reader, &one, NULL, 1));
}

static void removes_the_build_meant(void)
{
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("remove-build");
	struct btfpack_kernel aa = kernel("6.1", "aa"), bb = kernel("6.1", "bb");
	struct btfpack_kernel unknown = kernel("6.1", NULL);

	CHECK_INT(add(a, &aa, NULL, 1, NULL, NULL), 0);
	CHECK_INT(add(a, &bb, NULL, 2, NULL, NULL), 0);
	CHECK_INT(btfpack_archive_remove(a, &unknown, NULL, &err), -EINVAL);
	CHECK_CONTAINS(err.message, "2 builds");
	CHECK_INT(btfpack_archive_remove(a, &aa, NULL, &err), 0);
	CHECK_INT(btfpack_archive_remove(a, &unknown, NULL, &err), 0); /* the only one left */
	CHECK_INT(count_entries(a, NULL, BTFPACK_SET_ANY), 0);
}

TEST_MAIN({ "refuses what is no archive, and does not touch it", refuses_what_is_no_archive },
	  { "refuses packs without their index", refuses_lost_index },
	  { "creates only when asked", creates_only_when_asked },
	  { "takes up an interrupted creation", takes_up_an_interrupted_creation },
	  { "refuses a newer format", refuses_a_newer_format },
	  { "read-only changes nothing", read_only_changes_nothing },
	  { "stores equal content once", stores_equal_content_once },
	  { "knows what it has", knows_what_it_has },
	  { "tells builds of one uname apart", tells_builds_apart },
	  { "learns a build-id", learns_a_build_id },
	  { "refuses unfit names and BTF", refuses_unfit_input },
	  { "keeps provenance", keeps_provenance },
	  { "notes failures until success", notes_failures },
	  { "lists in order, filtered", lists_in_order },
	  { "a listing is of one moment", listing_is_of_one_moment },
	  { "removes and collects", removes_and_collects },
	  { "collects to nothing and goes on", collects_to_nothing_and_goes_on },
	  { "a base outlives its entry", a_base_outlives_its_entry },
	  { "readers survive a collection", readers_survive_a_collection },
	  { "removes the build that is meant", removes_the_build_meant })
