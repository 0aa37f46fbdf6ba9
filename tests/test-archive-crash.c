/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The store under ill fortune: kills at random moments, a full disk, writers at
 * the same time, any byte flipped. BTFPACK_TEST_KILLS=N kills N times rather than
 * 40; BTFPACK_TEST_STRIDE=N flips every Nth byte of the index rather than every
 * 17th; BTFPACK_TEST_SEED=N repeats a run.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <btfpack/archive.h>

#include "core/fs.h"
#include "tests/scratch.h"
#include "tests/test.h"

static struct btfpack_error err;

static unsigned long number_from(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

static struct btfpack_archive *open_archive(const char *dir)
{
	struct btfpack_archive *a = NULL;

	if (btfpack_archive_open(dir, BTFPACK_ARCHIVE_CREATE, &a, &err))
		printf("# %s\n", err.message);
	return a;
}

static struct btfpack_kernel numbered_kernel(unsigned int number, char uname[16])
{
	snprintf(uname, 16, "6.%u", number);
	return (struct btfpack_kernel){ "debian", "12", "x86_64", uname, NULL };
}

/* Every third kernel has a module. */
static bool has_module(unsigned int number)
{
	return number % 3 == 0;
}

/* Split BTF of a typedef of the base's first type. */
static struct btfpack_blob numbered_module(const struct btfpack_blob *base, unsigned int number)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_BTF_BUILD struct btf_build *build = NULL;
	struct btfpack_blob btf = { 0 };
	struct btf_type t = { .info = btf_info(BTF_KIND_TYPEDEF, 0, false), .type = 1 };
	char name[32];

	snprintf(name, sizeof(name), "type_%u", number);
	if (btf_view_init(&view, base->data, base->size, NULL, "base", NULL) ||
	    btf_build_new(&view, &build) || btf_build_string(build, name, &t.name_off) ||
	    btf_build_type(build, &t, NULL, NULL) || btf_build_finish(build, false, &btf))
		abort();
	return btf;
}

/* Kernel @number has the BTF of seed @number / 2: every second one is shared. */
static int add_numbered(struct btfpack_archive *a, unsigned int number)
{
	AUTO_BLOB struct btfpack_blob btf = scratch_btf(number / 2, 5 + number % 40 / 2);
	AUTO_BLOB struct btfpack_blob split = numbered_module(&btf, number);
	const struct btfpack_module_btf module = { "module", split };
	char uname[16];
	struct btfpack_kernel k = numbered_kernel(number, uname);
	struct btfpack_id id;
	int error = btfpack_archive_add(a, &k, NULL, &btf, NULL, &id, &err);

	if (error < 0 || !has_module(number))
		return error;
	return btfpack_archive_add_modules(a, &k, &id, &module, 1, 0, &err);
}

static bool has_its_module(struct btfpack_archive *a, const struct btfpack_kernel *k,
			   const struct btfpack_blob *base, unsigned int number)
{
	AUTO_BLOB struct btfpack_blob expected = numbered_module(base, number);
	struct btfpack_modules modules = { 0 };
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;
	bool has;

	if (btfpack_archive_list(a, k, NULL, &it, &err))
		return false;
	has = btfpack_entry_iter_next(it, &e, &err) > 0 &&
	      btfpack_archive_get_modules(a, e, NULL, &modules, &err) == 0 && modules.count == 1 &&
	      modules.modules[0].btf.size == expected.size &&
	      !memcmp(modules.modules[0].btf.data, expected.data, expected.size);
	btfpack_entry_iter_free(it);
	btfpack_modules_free(&modules);
	return has;
}

static bool has_numbered(struct btfpack_archive *a, unsigned int number)
{
	AUTO_BLOB struct btfpack_blob expected = scratch_btf(number / 2, 5 + number % 40 / 2);
	AUTO_BLOB struct btfpack_blob got = { 0 };
	char uname[16];
	struct btfpack_kernel k = numbered_kernel(number, uname);

	return btfpack_archive_find(a, &k, NULL, &got, &err) == 0 && got.size == expected.size &&
	       !memcmp(got.data, expected.data, got.size) &&
	       (!has_module(number) || has_its_module(a, &k, &got, number));
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

/* --- kills ------------------------------------------------------------------------------------- */

/* What the victim tells before and after each step. */
struct step {
	enum { ADDED, REMOVING } what;
	unsigned int number;
};

/* Add, remove and collect until killed. */
static void be_killed(const char *dir, unsigned int first, int pipe)
{
	struct btfpack_archive *a = open_archive(dir);

	for (unsigned int n = first; a; n++) {
		struct step step = { ADDED, n };

		if (add_numbered(a, n) < 0 || write(pipe, &step, sizeof(step)) < 0)
			break;
		if (n % 7 == 6) {
			char uname[16];
			struct btfpack_kernel k = numbered_kernel(n - 3, uname);

			step = (struct step){ REMOVING, n - 3 };
			if (write(pipe, &step, sizeof(step)) < 0 ||
			    btfpack_archive_remove(a, &k, NULL, &err) ||
			    btfpack_archive_collect(a, NULL, &err))
				break;
		}
	}
	printf("# the victim stopped by itself: %s\n", err.message);
	_exit(1);
}

#define NUMBERS_MAXIMUM 100000
static bool reported[NUMBERS_MAXIMUM];

/* One victim: started at kernel @first, killed after some microseconds. Gives the
 * next number. */
static unsigned int kill_one(const char *dir, unsigned int first, unsigned int delay)
{
	struct step step;
	int pipes[2], status;
	pid_t pid;

	REQUIRE(pipe(pipes) == 0);
	fflush(stdout);
	pid = fork();
	REQUIRE(pid >= 0);
	if (!pid) {
		close(pipes[0]);
		be_killed(dir, first, pipes[1]);
	}
	close(pipes[1]);
	usleep(delay);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status));
	while (read(pipes[0], &step, sizeof(step)) == sizeof(step)) {
		if (step.number >= NUMBERS_MAXIMUM)
			continue;
		reported[step.number] = step.what == ADDED;
		if (step.number >= first)
			first = step.number + 1;
	}
	close(pipes[0]);
	return first;
}

static void survives_kills(void)
{
	unsigned long kills = number_from("BTFPACK_TEST_KILLS", 40);
	unsigned int seed = number_from("BTFPACK_TEST_SEED", 0), next = 0, patience = 1;
	char dir[512];

	if (!seed)
		seed = (unsigned int)getpid() * 2654435761u;
	printf("# BTFPACK_TEST_SEED=%u\n", seed);
	srand(seed);
	snprintf(dir, sizeof(dir), "%s", scratch("kills"));
	for (unsigned long i = 0; i < kills && !test_failed; i++) {
		/* Early ones meet the creation, later ones anything. */
		unsigned int delay = i < 8 ? (unsigned int)i * 500 : (unsigned int)rand() % 40000;
		unsigned int first = next;
		struct btfpack_archive *a;

		next = kill_one(dir, first, delay * patience);
		/* On a busy machine a victim needs longer until it gets to anything. */
		patience = next > first ? 1 : patience < 64 ? patience * 2 : patience;
		a = open_archive(dir);
		REQUIRE(a != NULL);
		for (unsigned int n = 0; n < next; n++)
			if (reported[n] && !has_numbered(a, n)) {
				printf("# kernel %u was reported stored: %s\n", n, err.message);
				test_failed = true;
			}
		CHECK_INT(verify_aloud(a), 0);
		btfpack_archive_close(a);
	}
	printf("# %lu kills, %u kernels\n", kills, next);
	CHECK(next > 0);
}

/* --- writers at the same time --------------------------------------------------------------------- */

#define WRITERS	   4
#define PER_WRITER 25

static void writers_take_turns(void)
{
	char dir[512];
	struct btfpack_archive *a;

	snprintf(dir, sizeof(dir), "%s", scratch("writers"));
	fflush(stdout);
	for (unsigned int w = 0; w < WRITERS; w++) {
		pid_t pid = fork();

		REQUIRE(pid >= 0);
		if (pid)
			continue;
		a = open_archive(dir); /* all of them create it */
		for (unsigned int i = 0; a && i < PER_WRITER; i++) {
			/* Neighbours add the same half of kernels at the same time. */
			if (add_numbered(a, w / 2 * PER_WRITER + i) < 0) {
				printf("# writer %u: %s\n", w, err.message);
				_exit(1);
			}
			if (i % 10 == 9 && btfpack_archive_collect(a, NULL, &err) < 0) {
				printf("# writer %u: %s\n", w, err.message);
				_exit(1);
			}
		}
		btfpack_archive_close(a);
		_exit(a ? 0 : 1);
	}
	for (unsigned int w = 0; w < WRITERS; w++) {
		int status = -1;

		wait(&status);
		CHECK_INT(status, 0);
	}
	a = open_archive(dir);
	REQUIRE(a != NULL);
	for (unsigned int n = 0; n < WRITERS / 2 * PER_WRITER; n++)
		CHECK(has_numbered(a, n));
	CHECK_INT(verify_aloud(a), 0);
	btfpack_archive_close(a);
}

/* --- a full disk ------------------------------------------------------------------------------------ */

static void fill_and_check(const char *dir)
{
	struct btfpack_archive *a = open_archive(dir);
	unsigned int stored = 0;
	int error;

	REQUIRE(a != NULL);
	while (stored < 20000 && (error = add_numbered(a, stored)) >= 0)
		stored++;
	CHECK_INT(error, -ENOSPC);
	printf("# %u kernels until: %s\n", stored, err.message);
	CHECK(add_numbered(a, 40000) < 0);
	btfpack_archive_close(a);
	CHECK(btfpack_archive_open(dir, BTFPACK_ARCHIVE_READ_ONLY, &a, &err) == 0);
	REQUIRE(test_failed == false);
	for (unsigned int n = 0; n < stored; n++)
		CHECK(has_numbered(a, n));
	CHECK_INT(verify_aloud(a), 0);
	btfpack_archive_close(a);
}

/* With room again, it goes on. */
static void go_on(const char *dir)
{
	struct btfpack_archive *a = open_archive(dir);

	REQUIRE(a != NULL);
	CHECK_INT(add_numbered(a, 50000), 0);
	CHECK(has_numbered(a, 50000));
	CHECK_INT(verify_aloud(a), 0);
	btfpack_archive_close(a);
}

static void survives_a_full_disk(void)
{
	char mountpoint[512], dir[600];

	snprintf(mountpoint, sizeof(mountpoint), "%s", scratch("small"));
	snprintf(dir, sizeof(dir), "%s/store", mountpoint);
	REQUIRE(fs_make_dirs(mountpoint, &err) == 0);
	/* A mount namespace of our own: nothing is left behind, whatever happens. */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", mountpoint, "tmpfs", 0, "size=1m") < 0)
		SKIP("cannot mount a small tmpfs: not root");
	fill_and_check(dir);
	CHECK(mount("tmpfs", mountpoint, "tmpfs", MS_REMOUNT, "size=3m") == 0);
	go_on(dir);
	umount(mountpoint);
}

/* No room from the start: the creation fails and can be taken up. */
static void creation_survives_a_full_disk(void)
{
	char mountpoint[512], dir[600];
	struct btfpack_archive *a;

	snprintf(mountpoint, sizeof(mountpoint), "%s", scratch("tiny"));
	snprintf(dir, sizeof(dir), "%s/store", mountpoint);
	REQUIRE(fs_make_dirs(mountpoint, &err) == 0);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", mountpoint, "tmpfs", 0, "size=16k") < 0)
		SKIP("cannot mount a small tmpfs: not root");
	CHECK_INT(btfpack_archive_open(dir, BTFPACK_ARCHIVE_CREATE, &a, &err), -ENOSPC);
	CHECK(mount("tmpfs", mountpoint, "tmpfs", MS_REMOUNT, "size=3m") == 0);
	go_on(dir);
	umount(mountpoint);
}

/* --- flipped bytes -------------------------------------------------------------------------------- */

#define KERNELS 4

/* Everything the archive says, in one text; empty when it does not open. */
static void describe(const char *dir, char *ret, size_t size)
{
	struct btfpack_entry_iter *it = NULL;
	struct btfpack_archive *a = NULL;
	const struct btfpack_entry *e;
	size_t at = 0;

	*ret = '\0';
	if (btfpack_archive_open(dir, BTFPACK_ARCHIVE_READ_ONLY, &a, &err))
		return;
	if (btfpack_archive_list(a, NULL, BTFPACK_SET_ANY, &it, &err) == 0)
		while (btfpack_entry_iter_next(it, &e, &err) > 0 && at < size)
			at += snprintf(ret + at, size - at, "%s %s %d\n", e->kernel.uname,
				       e->provenance.package ? e->provenance.package : "-",
				       has_numbered(a, atoi(e->kernel.uname + 2)));
	btfpack_entry_iter_free(it);
	btfpack_archive_close(a);
}

/* How many problems, or that it does not even open. */
static int count_problems(const char *dir)
{
	struct btfpack_archive *a;
	int problems;

	if (btfpack_archive_open(dir, BTFPACK_ARCHIVE_READ_ONLY, &a, &err))
		return 1;
	problems = btfpack_archive_verify(a, NULL, &err);
	btfpack_archive_close(a);
	return problems < 0 ? 1 : problems;
}

static void make_small(const char *dir)
{
	struct btfpack_provenance p = { .package = "linux-dbg", .package_version = "1" };
	struct btfpack_archive *a = open_archive(dir);
	struct btfpack_kernel k = { "debian", "12", "x86_64", NULL, NULL };

	REQUIRE(a != NULL);
	for (unsigned int n = 0; n < KERNELS; n++)
		CHECK_INT(add_numbered(a, n), 0);
	CHECK_INT(btfpack_archive_note_failure(a, &k, &p,
					       &(struct btfpack_error){ .code = -1, .message = "m" },
					       &err),
		  0);
	btfpack_archive_close(a);
}

static void flip(int fd, off_t at)
{
	uint8_t byte;

	CHECK(pread(fd, &byte, 1, at) == 1);
	byte ^= 1 << at % 8;
	CHECK(pwrite(fd, &byte, 1, at) == 1);
}

static void any_pack_byte_flipped_is_said(void)
{
	char dir[512], path[600];
	struct stat st;
	int fd;

	snprintf(dir, sizeof(dir), "%s", scratch("flip-pack"));
	make_small(dir);
	snprintf(path, sizeof(path), "%s/packs/00000001.pack", dir);
	fd = open(path, O_RDWR);
	REQUIRE(fd >= 0 && fstat(fd, &st) == 0);
	CHECK_INT(count_problems(dir), 0);
	for (off_t at = 0; at < st.st_size; at++) {
		flip(fd, at);
		CHECK(count_problems(dir) > 0);
		flip(fd, at);
	}
	close(fd);
	CHECK_INT(count_problems(dir), 0);
}

/* sqlite's pages have room in them that means nothing: a bit may flip there. So
 * either it is said, or every answer is as it was. */
static void any_index_byte_flipped_is_said_or_nothing(void)
{
	char dir[512], path[600], before[1024], after[1024];
	unsigned long stride = number_from("BTFPACK_TEST_STRIDE", 17);
	unsigned int said = 0, harmless = 0;
	struct stat st;
	int fd;

	snprintf(dir, sizeof(dir), "%s", scratch("flip-index"));
	make_small(dir);
	snprintf(path, sizeof(path), "%s/index.sqlite", dir);
	fd = open(path, O_RDWR);
	REQUIRE(fd >= 0 && fstat(fd, &st) == 0);
	describe(dir, before, sizeof(before));
	for (off_t at = 0; at < st.st_size; at += stride) {
		flip(fd, at);
		if (count_problems(dir) > 0) {
			said++;
			describe(dir, after, sizeof(after)); /* no crash */
		} else {
			harmless++;
			describe(dir, after, sizeof(after));
			if (strcmp(before, after))
				printf("# offset %lld is not said\n", (long long)at);
			CHECK_STRING(after, before);
		}
		flip(fd, at);
	}
	close(fd);
	printf("# %u said, %u in room that means nothing\n", said, harmless);
	CHECK(said > 0);
	CHECK_INT(count_problems(dir), 0);
}

static void a_missing_or_short_pack_is_said(void)
{
	char dir[512], path[600];
	struct btfpack_archive *a;
	struct stat st;

	snprintf(dir, sizeof(dir), "%s", scratch("missing"));
	make_small(dir);
	snprintf(path, sizeof(path), "%s/packs/00000001.pack", dir);
	REQUIRE(stat(path, &st) == 0 && truncate(path, st.st_size - 1) == 0);
	CHECK(count_problems(dir) > 0);
	a = open_archive(dir);
	CHECK_INT(add_numbered(a, 100), -EBADMSG);
	CHECK_CONTAINS(err.message, "its end is lost");
	btfpack_archive_close(a);
	REQUIRE(unlink(path) == 0);
	CHECK(count_problems(dir) >= KERNELS);
	a = open_archive(dir);
	CHECK(!has_numbered(a, 0));
	CHECK_INT(err.code, -EBADMSG);
	CHECK_CONTAINS(err.message, "00000001.pack");
	btfpack_archive_close(a);
}

TEST_MAIN({ "whatever was reported stored survives kills", survives_kills },
	  { "writers at the same time take turns", writers_take_turns },
	  { "any byte of a pack flipped is said", any_pack_byte_flipped_is_said },
	  { "any byte of the index flipped is said, or changes nothing",
	    any_index_byte_flipped_is_said_or_nothing },
	  { "a missing or short pack is said", a_missing_or_short_pack_is_said },
	  { "survives a full disk", survives_a_full_disk },
	  { "a creation survives a full disk", creation_survives_a_full_disk })
