/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian's version order: a few cases by hand, then tests/data/versions-debian.txt,
 * real versions of Debian's packages, against dpkg and its module. Sorted by us, they must
 * agree on every neighbouring pair; both orders being total, it then agrees on all.
 * rpm's order: cases by hand, then pairs of versions made of what real ones are made
 * of, and the real ones as above, each put to rpm itself.
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

#define LINES_MAXIMUM 100000
#define STRIDE	      10 /* dpkg is a process a pair */

static char *lines[LINES_MAXIMUM];

/* Real versions, one a line, in our order. Their text is @blob's. */
static size_t read_sorted(struct btfpack_blob *blob,
			  int (*compare)(const void *a, const void *b))
{
	const char *path = getenv("BTFPACK_VERSIONS");
	struct btfpack_error err;
	size_t count = 0;
	char *saved = NULL;

	if (fs_read(path ? path : "tests/data/versions-debian.txt", 8 << 20, blob, &err) < 0)
		return 0;
	for (char *line = strtok_r(blob->data, "\n", &saved); line && count < LINES_MAXIMUM;
	     line = strtok_r(NULL, "\n", &saved))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), compare);
	return count;
}

static const char *relation(size_t i)
{
	return version_compare_deb(lines[i], lines[i + 1]) ? "lt" : "eq";
}

static void denied(const char *who, size_t i)
{
	printf("# %s denies: %s %s %s\n", who, lines[i], relation(i), lines[i + 1]);
	test_failed = true;
}

/* dpkg's own module, in one process for all pairs. */
static void put_to_dpkg_module(size_t count)
{
	char path[] = "/tmp/btfpack-versions-XXXXXX", command[512];
	AUTO_FD int fd = mkstemp(path);
	size_t answers = 0;
	FILE *pipe;
	int says;

	REQUIRE(fd >= 0);
	for (size_t i = 0; i + 1 < count; i++)
		dprintf(fd, "%s %s\n", lines[i], lines[i + 1]);
	snprintf(command, sizeof(command),
		 "perl -MDpkg::Version -ane 'printf \"%%d\\n\", version_compare($F[0], $F[1])' %s 2>/dev/null",
		 path);
	pipe = popen(command, "r");
	for (; pipe && fscanf(pipe, "%d", &says) == 1; answers++)
		if ((says < 0) != !strcmp(relation(answers), "lt"))
			denied("Dpkg::Version", answers);
	unlink(path);
	if (pipe)
		pclose(pipe);
	if (!answers)
		SKIP("perl has no Dpkg::Version");
	CHECK_INT(answers, count - 1);
}

static void agrees_with_dpkg(void)
{
	struct btfpack_blob blob = { 0 };
	size_t count = read_sorted(&blob, compare_lines);

	CHECK(count > 3000);
	for (size_t i = 0; i + 1 < count; i += STRIDE)
		if (!dpkg_says(lines[i], relation(i), lines[i + 1]))
			denied("dpkg", i);
	btfpack_blob_free(&blob);
}

static void agrees_with_dpkg_everywhere(void)
{
	struct btfpack_blob blob = { 0 };
	size_t count = read_sorted(&blob, compare_lines);

	CHECK(count > 3000);
	put_to_dpkg_module(count);
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

static char pairs[2][PAIRS][VERSION_SIZE];

/* Every pair put to rpm in one go. */
static void put_to_rpm(size_t count)
{
	char path[] = "/tmp/btfpack-versions-XXXXXX", command[512];
	AUTO_FD int fd = mkstemp(path);
	size_t answers = 0;
	FILE *pipe;
	int says;

	REQUIRE(fd >= 0);
	for (size_t i = 0; i < count; i++)
		dprintf(fd, "%s %s\n", pairs[0][i], pairs[1][i]);
	snprintf(command, sizeof(command),
		 "rpm --eval '%%{lua: for line in io.lines(\"%s\") do local a, b = "
		 "string.match(line, \"(.+) (.+)\") print(rpm.vercmp(a, b) .. \" \") end}' 2>/dev/null",
		 path);
	pipe = popen(command, "r");
	while (pipe && answers < count && fscanf(pipe, "%d", &says) == 1) {
		const char *a = pairs[0][answers], *b = pairs[1][answers];

		if (sign(version_compare_rpm(a, b)) != sign(says)) {
			printf("# rpm says %d: %s %s\n", says, a, b);
			test_failed = true;
		}
		answers++;
	}
	unlink(path);
	if (pipe)
		pclose(pipe);
	if (!answers)
		SKIP("rpm is not installed");
	CHECK_INT(answers, count);
}

static void agrees_with_rpm(void)
{
	for (size_t i = 0; i < PAIRS; i++) {
		make_version(pairs[0][i]);
		make_version(pairs[1][i]);
	}
	put_to_rpm(PAIRS);
}

static int compare_rpm_lines(const void *a, const void *b)
{
	return version_compare_rpm(*(char *const *)a, *(char *const *)b);
}

/* Sorted by us, rpm must agree on neighbouring pairs. The versions are Debian's: as
 * strings no worse than others, and more various than those of kernels. */
static void agrees_with_rpm_on_real_versions(void)
{
	struct btfpack_blob blob = { 0 };
	size_t count = read_sorted(&blob, compare_rpm_lines), used = 0;

	CHECK(count > 3000);
	for (size_t i = 0; i + 1 < count && used < PAIRS; i++) {
		if (strlen(lines[i]) >= VERSION_SIZE || strlen(lines[i + 1]) >= VERSION_SIZE)
			continue;
		strcpy(pairs[0][used], lines[i]);
		strcpy(pairs[1][used++], lines[i + 1]);
	}
	put_to_rpm(used);
	btfpack_blob_free(&blob);
}

TEST_MAIN({ "orders versions by hand", orders_by_hand },
	  { "agrees with dpkg on every tenth pair of real versions", agrees_with_dpkg },
	  { "agrees with Dpkg::Version on all of them", agrees_with_dpkg_everywhere },
	  { "orders rpm's versions by hand", orders_rpm_by_hand },
	  { "agrees with rpm on five thousand pairs", agrees_with_rpm },
	  { "agrees with rpm on real versions", agrees_with_rpm_on_real_versions })
