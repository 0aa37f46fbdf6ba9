/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian's version order: a few cases by hand, then tests/data/versions-debian.txt,
 * real versions of Debian's packages, against dpkg itself. Sorted by us, dpkg must
 * agree on every neighbouring pair; both orders being total, it then agrees on all.
 * rpm's order: cases by hand, then pairs of versions made of what real ones are made
 * of, each put to rpm itself.
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

static void orders_rpm_by_hand(void)
{
	static const struct {
		const char *a, *b;
		int order;
	} cases[] = {
		{ "3.10.0-957.el7", "3.10.0-1160.el7", -1 },
		{ "4.18.0-80.el8", "4.18.0-80.1.2.el8_0", -1 },
		{ "4.18.0-80.1.2.el8_0", "4.18.0-80.4.2.el8_0", -1 },
		{ "1:1.0-1", "2.0-1", 1 },
		{ "0:1.0-1", "1.0-1", 0 },
		{ "1.0", "1.0-1", -1 },
		{ "6.12.0~rc1-1", "6.12.0-1", -1 },
		{ "6.12.0~rc1-1", "6.12.0~rc2-1", -1 },
		{ "6.12.0^git1-1", "6.12.0-1", 1 },
		{ "6.12.0^git1-1", "6.12.0.1-1", -1 },
		{ "6.12.0~rc1^git1-1", "6.12.0~rc1-1", 1 },
		{ "1.0a", "1.0.1", -1 },
		{ "1.0a", "1.0b", -1 },
		{ "1.05", "1.5", 0 },
		{ "1_0", "1.0", 0 },
		{ "1.0", "1.0.", 0 },
		{ "99999999999999999999999998", "99999999999999999999999999", -1 },
		{ "", "", 0 },
		{ "", "0", -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CHECK_INT(sign(version_compare_rpm(cases[i].a, cases[i].b)), cases[i].order);
		CHECK_INT(sign(version_compare_rpm(cases[i].b, cases[i].a)), -cases[i].order);
		if (test_failed)
			printf("# at %s %s\n", cases[i].a, cases[i].b);
	}
}

/* The same numbers on every machine. */
static unsigned int choose(unsigned int count)
{
	static uint32_t state = 1;

	state = state * 1664525 + 1013904223;
	return (state >> 8) % count;
}

#define PAIRS	     5000
#define VERSION_SIZE 128

static void make_version(char version[VERSION_SIZE])
{
	static const char *const epochs[] = { "", "", "", "0:", "1:", "10:" };
	static const char *const words[] = { "0",   "1",  "007", "10", "193", "el7",  "el8_2", "fc31",
					     "lp151", "rc", "git", "a",  "B",   "uek", "amzn2" };
	static const char *const separators[] = { ".", ".", ".", "_", "~", "^", "+", "", "~~" };
	size_t used = (size_t)snprintf(version, VERSION_SIZE, "%s", epochs[choose(ARRAY_SIZE(epochs))]);

	for (unsigned int part = 0, parts = 1 + choose(2); part < parts; part++) {
		used += (size_t)snprintf(version + used, VERSION_SIZE - used, "%s", part ? "-" : "");
		for (unsigned int i = 0, n = 1 + choose(3); i < n; i++)
			used += (size_t)snprintf(version + used, VERSION_SIZE - used, "%s%s",
						 words[choose(ARRAY_SIZE(words))],
						 separators[choose(ARRAY_SIZE(separators))]);
	}
}

static void agrees_with_rpm(void)
{
	static char a[PAIRS][VERSION_SIZE], b[PAIRS][VERSION_SIZE];
	char path[] = "/tmp/btfpack-versions-XXXXXX", command[512];
	AUTO_FD int fd = mkstemp(path);
	size_t count = 0;
	FILE *pipe;
	int says;

	REQUIRE(fd >= 0);
	for (size_t i = 0; i < PAIRS; i++) {
		make_version(a[i]);
		make_version(b[i]);
		dprintf(fd, "%s %s\n", a[i], b[i]);
	}
	snprintf(command, sizeof(command),
		 "rpm --eval '%%{lua: for line in io.lines(\"%s\") do local a, b = "
		 "string.match(line, \"(.+) (.+)\") print(rpm.vercmp(a, b) .. \" \") end}' 2>/dev/null",
		 path);
	pipe = popen(command, "r");
	while (pipe && count < PAIRS && fscanf(pipe, "%d", &says) == 1) {
		if (sign(version_compare_rpm(a[count], b[count])) != sign(says)) {
			printf("# rpm says %d: %s %s\n", says, a[count], b[count]);
			test_failed = true;
		}
		count++;
	}
	unlink(path);
	if (pipe)
		pclose(pipe);
	if (!count)
		SKIP("rpm is not installed");
	CHECK_INT(count, PAIRS);
}

TEST_MAIN({ "orders versions by hand", orders_by_hand },
	  { "agrees with dpkg on real versions", agrees_with_dpkg },
	  { "orders rpm's versions by hand", orders_rpm_by_hand },
	  { "agrees with rpm on five thousand pairs", agrees_with_rpm })
