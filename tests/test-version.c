/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian's version order: a few cases by hand, then tests/data/versions-debian.txt,
 * real versions of Debian's packages, against dpkg itself. Sorted by us, dpkg must
 * agree on every neighbouring pair; both orders being total, it then agrees on all.
 */
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/version.h"
#include "tests/test.h"

extern char **environ;

static int sign(int n)
{
	return n < 0 ? -1 : n > 0;
}

static void orders_by_hand(void)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = {
		{ "6.1.170-3", "6.1.176-1", -1 },
		{ "6.1.9-1", "6.1.10-1", -1 },
		{ "6.12.117-1~deb12u1", "6.12.117-1", -1 },
		{ "6.12.95-1~bpo12+1", "6.12.95-1~deb12u1", -1 },
		{ "1:1.0", "2.0", 1 },
		{ "0:1.0", "1.0", 0 },
		{ "1.0", "1.0-0", 0 },
		{ "1.0~~", "1.0~", -1 },
		{ "1.0~", "1.0", -1 },
		{ "1.0a", "1.0+", -1 },
		{ "1.0", "1.0a", -1 },
		{ "007", "7", 0 },
		{ "1-2-3", "1-2-4", -1 },
		{ "99999999999999999999999998", "99999999999999999999999999", -1 },
		{ "", "", 0 },
		{ "", "0", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(sign(version_compare_deb(cases[i].a, cases[i].b)), cases[i].order);
		CHECK_INT(sign(version_compare_deb(cases[i].b, cases[i].a)), -cases[i].order);
	}
}

static bool dpkg_says(const char *a, const char *relation, const char *b)
{
	char *argv[] = { (char *)"dpkg", (char *)"--compare-versions",
			 (char *)a,      (char *)relation,
			 (char *)b,      NULL };
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, "dpkg", NULL, NULL, argv, environ) != 0)
		SKIP("dpkg is not installed");
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int compare_lines(const void *a, const void *b)
{
	return version_compare_deb(*(char *const *)a, *(char *const *)b);
}

static void agrees_with_dpkg(void)
{
	const char *path = getenv("BTFPACK_VERSIONS");
	struct btfpack_blob blob = { 0 };
	static char *lines[10000];
	struct btfpack_error err;
	size_t count = 0;
	char *saved = NULL;

	REQUIRE(fs_read(path ? path : "tests/data/versions-debian.txt", 1 << 20, &blob, &err) == 0);
	for (char *line = strtok_r(blob.data, "\n", &saved); line && count < ARRAY_SIZE(lines);
	     line = strtok_r(NULL, "\n", &saved))
		lines[count++] = line;
	CHECK(count > 100);
	qsort(lines, count, sizeof(*lines), compare_lines);
	for (size_t i = 0; i + 1 < count; i++) {
		const char *relation = version_compare_deb(lines[i], lines[i + 1]) ? "lt" : "eq";

		if (!dpkg_says(lines[i], relation, lines[i + 1])) {
			printf("# dpkg denies: %s %s %s\n", lines[i], relation, lines[i + 1]);
			test_failed = true;
		}
	}
	btfpack_blob_free(&blob);
}

TEST_MAIN({ "orders versions by hand", orders_by_hand },
	  { "agrees with dpkg on real versions", agrees_with_dpkg })
