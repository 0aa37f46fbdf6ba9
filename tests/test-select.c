/* SPDX-License-Identifier: BSD-2-Clause */
/* A table: this host, these kernels, that answer. */
#include "core/cleanup.h"
#include "runtime-loader/select.h"
#include "tests/test.h"

#define KERNELS 8

/* One kernel: "distro/release/arch/uname", a blob, and the first byte of its build-id. */
struct row_kernel {
	const char *key;
	uint32_t blob;
	uint8_t build_id; /* 0: not known */
};

struct row {
	const char *name;
	struct btfpack_host host;
	bool nearest;
	struct row_kernel kernels[KERNELS];
	enum btfpack_match match; /* NONE: no answer */
	uint32_t blob;
	const char *story; /* a part of the last line */
};

/* Build-ids of tests repeat one byte. */
#define ID(digits) .build_id = digits digits digits digits digits digits digits digits digits digits

static const struct row rows[] = {
	{ "build-id wins whatever os-release says",
	  { "alpine", "3.18", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  false,
	  { { "debian/12/x86_64/6.1.0-28-amd64", 0, 0xbb }, { "debian/13/x86_64/6.1.0-28-amd64", 1, 0xaa } },
	  BTFPACK_MATCH_BUILD_ID, 1, "build-id aaaa" },
	{ "the beginning of a build-id is no proof for another name",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  false,
	  { { "debian/12/x86_64/6.1.0-29-amd64", 1, 0xaa } },
	  BTFPACK_MATCH_NONE, 0, "not in the bundle" },
	{ "but all there is where no name is known",
	  { "", "", "", "", ID("aa") },
	  false,
	  { { "debian/12/x86_64/6.1.0-28-amd64", 0, 0xbb }, { "debian/12/x86_64/6.1.0-29-amd64", 1, 0xaa } },
	  BTFPACK_MATCH_BUILD_ID, 1, "build-id aaaa" },
	{ "exact name",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  false,
	  { { "debian/12/x86_64/6.1.0-27-amd64", 0, 0 }, { "debian/12/x86_64/6.1.0-28-amd64", 1, 0 } },
	  BTFPACK_MATCH_NAME, 1, "it is in the bundle: chosen" },
	{ "an empty bundle",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  false, { { NULL, 0, 0 } }, BTFPACK_MATCH_NONE, 0, "not in the bundle" },
	{ "architecture has other names",
	  { "debian", "12", "arm64", "6.1.0-28-arm64", "" },
	  false, { { "debian/12/aarch64/6.1.0-28-arm64", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "and in the bundle too",
	  { "ubuntu", "18.04", "aarch64", "4.15.0-20-generic", "" },
	  false, { { "ubuntu/18.04/arm64/4.15.0-20-generic", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "i586 is i686",
	  { "debian", "11", "i586", "5.10.0-32-686-pae", "" },
	  false, { { "debian/11/i686/5.10.0-32-686-pae", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "another architecture is another kernel",
	  { "debian", "12", "x86_64", "6.1.0", "" },
	  false, { { "debian/12/aarch64/6.1.0", 3, 0 } }, BTFPACK_MATCH_NONE, 0, "not in the bundle" },
	{ "a code name is a release",
	  { "debian", "11", "x86_64", "5.10.0-32-amd64", "" },
	  false, { { "debian/bullseye/x86_64/5.10.0-32-amd64", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "rhel 7.9 is rhel 7",
	  { "rhel", "7.9", "x86_64", "3.10.0-1160.el7.x86_64", "" },
	  false, { { "rhel/7/x86_64/3.10.0-1160.el7.x86_64", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "a rebuild of rhel, whatever its build-id",
	  { "centos", "7", "x86_64", "3.10.0-1160.el7.x86_64", ID("aa") },
	  false, { { "rhel/7.9/x86_64/3.10.0-1160.el7.x86_64", 3, 0xbb } },
	  BTFPACK_MATCH_SIBLING, 3, "rebuild" },
	{ "an entry of rhel itself with another build-id is another build",
	  { "rhel", "7.9", "x86_64", "3.10.0-1160.el7.x86_64", ID("aa") },
	  false, { { "rhel/7/x86_64/3.10.0-1160.el7.x86_64", 3, 0xbb } },
	  BTFPACK_MATCH_NONE, 0, "another build" },
	{ "and so is one of another release, where none is known to rebuild",
	  { "debian", "13", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  false, { { "debian/12/x86_64/6.1.0-28-amd64", 3, 0xbb } },
	  BTFPACK_MATCH_NONE, 0, "another build" },
	{ "its own entry comes before a sibling's",
	  { "ol", "7.9", "x86_64", "3.10.0-1160.el7.x86_64", "" },
	  false,
	  { { "centos/7/x86_64/3.10.0-1160.el7.x86_64", 1, 0 }, { "ol/7/x86_64/3.10.0-1160.el7.x86_64", 2, 0 } },
	  BTFPACK_MATCH_NAME, 2, "chosen" },
	{ "sles_sap is sles, 15 is 15.0",
	  { "sles_sap", "15", "x86_64", "4.12.14-23-default", "" },
	  false, { { "sles/15.0/x86_64/4.12.14-23-default", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "amazon 2018.03 is 1",
	  { "amzn", "2018.03", "x86_64", "4.14.77-70.59.amzn1.x86_64", "" },
	  false, { { "amzn/2018/x86_64/4.14.77-70.59.amzn1.x86_64", 3, 0 } },
	  BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "case of openEuler",
	  { "openEuler", "20.03", "aarch64", "4.19.90-2003.4.0.0036.oe1.aarch64", "" },
	  false, { { "openeuler/20.03/aarch64/4.19.90-2003.4.0.0036.oe1.aarch64", 3, 0 } },
	  BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "a container's os-release: the uname tells Amazon",
	  { "alpine", "3.18", "x86_64", "4.14.77-70.59.amzn2.x86_64", "" },
	  false, { { "amzn/2/x86_64/4.14.77-70.59.amzn2.x86_64", 3, 0 } },
	  BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "a container's os-release: Oracle's UEK",
	  { "alpine", "3.18", "x86_64", "4.14.35-1902.3.1.el7uek.x86_64", "" },
	  false, { { "ol/7/x86_64/4.14.35-1902.3.1.el7uek.x86_64", 3, 0 } },
	  BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "no os-release: fedora by .fc31",
	  { "", "", "x86_64", "5.3.7-301.fc31.x86_64", "" },
	  false, { { "fedora/31/x86_64/5.3.7-301.fc31.x86_64", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "no os-release: debian by .deb10",
	  { "", "", "x86_64", "5.10.0-0.deb10.16-amd64", "" },
	  false, { { "debian/10/x86_64/5.10.0-0.deb10.16-amd64", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "no os-release: leap by -lp151",
	  { "", "", "x86_64", "4.12.14-lp151.28.91-default", "" },
	  false, { { "opensuse-leap/15.1/x86_64/4.12.14-lp151.28.91-default", 3, 0 } },
	  BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "no os-release: el7 may be any of the rebuilds",
	  { "", "", "x86_64", "3.10.0-1160.el7.x86_64", ID("aa") },
	  false, { { "centos/7/x86_64/3.10.0-1160.el7.x86_64", 3, 0xbb } },
	  BTFPACK_MATCH_SIBLING, 3, "chosen" },
	{ "el8_1 is el8",
	  { "", "", "x86_64", "4.18.0-147.5.1.el8_1.x86_64", "" },
	  false, { { "centos/8/x86_64/4.18.0-147.5.1.el8_1.x86_64", 3, 0 } },
	  BTFPACK_MATCH_SIBLING, 3, "chosen" },
	{ "an upgraded system still running the old release's kernel",
	  { "fedora", "33", "x86_64", "5.3.7-301.fc31.x86_64", "" },
	  false, { { "fedora/31/x86_64/5.3.7-301.fc31.x86_64", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "another release of the distribution",
	  { "ubuntu", "18.04", "x86_64", "4.15.0-20-generic", "" },
	  false, { { "ubuntu/16.04/x86_64/4.15.0-20-generic", 3, 0 } },
	  BTFPACK_MATCH_RELEASE, 3, "another release" },
	{ "uname alone, one such kernel",
	  { "linuxmint", "21", "x86_64", "5.15.0-60-generic", "" },
	  false, { { "ubuntu/22.04/x86_64/5.15.0-60-generic", 3, 0 } },
	  BTFPACK_MATCH_UNAME, 3, "all with this uname" },
	{ "uname alone, two that agree",
	  { "", "", "x86_64", "5.15.0-60-generic", "" },
	  false,
	  { { "ubuntu/20.04/x86_64/5.15.0-60-generic", 3, 0 }, { "ubuntu/22.04/x86_64/5.15.0-60-generic", 3, 0 } },
	  BTFPACK_MATCH_UNAME, 3, "all with this uname" },
	{ "uname alone, two that differ",
	  { "", "", "x86_64", "5.15.0-60-generic", "" },
	  false,
	  { { "ubuntu/20.04/x86_64/5.15.0-60-generic", 3, 0 }, { "ubuntu/22.04/x86_64/5.15.0-60-generic", 4, 0 } },
	  BTFPACK_MATCH_NONE, 0, "2 kernels of that name in the bundle differ" },
	{ "bracketed",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  false,
	  { { "debian/12/x86_64/6.1.0-30-amd64", 3, 0 }, { "debian/12/x86_64/6.1.0-9-amd64", 5, 0 },
	    { "debian/12/x86_64/6.1.0-27-amd64", 3, 0 }, { "debian/12/x86_64/6.1.0-100-amd64", 6, 0 } },
	  BTFPACK_MATCH_BRACKETED, 3, "6.1.0-27-amd64 and 6.1.0-30-amd64 on either side of it are the same" },
	{ "neighbours differ",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  false,
	  { { "debian/12/x86_64/6.1.0-27-amd64", 3, 0 }, { "debian/12/x86_64/6.1.0-30-amd64", 4, 0 } },
	  BTFPACK_MATCH_NONE, 0, "on either side of it differ" },
	{ "two builds of a neighbour differ",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  false,
	  { { "debian/12/x86_64/6.1.0-27-amd64", 3, 1 }, { "debian/12/x86_64/6.1.0-27-amd64", 4, 2 },
	    { "debian/12/x86_64/6.1.0-30-amd64", 3, 0 } },
	  BTFPACK_MATCH_NONE, 0, "on either side of it differ" },
	{ "one neighbour is no bracket",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  false, { { "debian/12/x86_64/6.1.0-27-amd64", 3, 0 } },
	  BTFPACK_MATCH_NONE, 0, "nor kernels of its series on either side" },
	{ "another flavour is another series",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  false,
	  { { "debian/12/x86_64/6.1.0-27-cloud-amd64", 3, 0 }, { "debian/12/x86_64/6.1.0-30-cloud-amd64", 3, 0 } },
	  BTFPACK_MATCH_NONE, 0, "nor kernels of its series" },
	{ "another release is another series",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  false,
	  { { "debian/11/x86_64/6.1.0-27-amd64", 3, 0 }, { "debian/11/x86_64/6.1.0-30-amd64", 3, 0 } },
	  BTFPACK_MATCH_NONE, 0, "nor kernels of its series" },
	{ "another x.y is another series: its kernels change in parallel",
	  { "ubuntu", "18.04", "x86_64", "5.4.0-150-generic", "" },
	  false,
	  { { "ubuntu/18.04/x86_64/5.4.0-149-generic", 3, 0 }, { "ubuntu/18.04/x86_64/5.8.0-20-generic", 3, 0 } },
	  BTFPACK_MATCH_NONE, 0, "nor kernels of its series" },
	{ "the kernels of a rebuilder bracket those of another",
	  { "centos", "7", "x86_64", "3.10.0-1160.15.2.el7.x86_64", "" },
	  false,
	  { { "rhel/7/x86_64/3.10.0-1160.el7.x86_64", 3, 0 }, { "rhel/7/x86_64/3.10.0-1160.24.1.el7.x86_64", 3, 0 } },
	  BTFPACK_MATCH_BRACKETED, 3, "chosen" },
	{ "another build of the same name is not taken for it",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  false, { { "debian/12/x86_64/6.1.0-28-amd64", 3, 0xbb } },
	  BTFPACK_MATCH_NONE, 0, "another build of it" },
	{ "unless all its builds agree",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  false,
	  { { "debian/12/x86_64/6.1.0-28-amd64", 3, 0xbb }, { "debian/12/x86_64/6.1.0-28-amd64", 3, 0xcc } },
	  BTFPACK_MATCH_BRACKETED, 3, "2 other builds of it" },
	{ "or its neighbours do",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  false,
	  { { "debian/12/x86_64/6.1.0-27-amd64", 3, 1 }, { "debian/12/x86_64/6.1.0-28-amd64", 3, 2 },
	    { "debian/12/x86_64/6.1.0-29-amd64", 3, 3 } },
	  BTFPACK_MATCH_BRACKETED, 3, "only another build" },
	{ "an entry without build-id is taken by name",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  false, { { "debian/12/x86_64/6.1.0-28-amd64", 3, 0 } }, BTFPACK_MATCH_NAME, 3, "chosen" },
	{ "nearest, when asked: the newer one is closer",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  true,
	  { { "debian/12/x86_64/6.1.0-20-amd64", 3, 0 }, { "debian/12/x86_64/6.1.0-29-amd64", 4, 0 } },
	  BTFPACK_MATCH_NEAREST, 4, "as asked; it may be wrong" },
	{ "nearest: the only side there is",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  true, { { "debian/12/x86_64/6.1.0-20-amd64", 3, 0 } }, BTFPACK_MATCH_NEAREST, 3, "chosen" },
	{ "nearest: another x.y when there is nothing closer",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  true, { { "debian/12/x86_64/6.5.0-1-amd64", 3, 0 } }, BTFPACK_MATCH_NEAREST, 3, "chosen" },
	{ "nearest: another build of the same name first",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", ID("aa") },
	  true,
	  { { "debian/12/x86_64/6.1.0-27-amd64", 3, 0 }, { "debian/12/x86_64/6.1.0-28-amd64", 4, 0xbb } },
	  BTFPACK_MATCH_NEAREST, 4, "chosen" },
	{ "nearest never crosses distributions",
	  { "debian", "12", "x86_64", "6.1.0-28-amd64", "" },
	  true, { { "ubuntu/22.04/x86_64/6.1.0-28-generic", 3, 0 } },
	  BTFPACK_MATCH_NONE, 0, "no kernel of this series" },
	{ "nothing is known of the host",
	  { "", "", "", "", "" },
	  true, { { "debian/12/x86_64/6.1.0-28-amd64", 3, 0 } }, BTFPACK_MATCH_NONE, 0, "not known" },
	{ "only the build-id is known",
	  { .build_id = "AABBCCDDEEFF00112233" },
	  false, { { "debian/12/x86_64/6.1.0-28-amd64", 3, 0 } }, BTFPACK_MATCH_NONE, 0, "not known" },
};

/* Cut "distro/release/arch/uname" in @text. */
static void offer(struct select *s, const struct row_kernel *k)
{
	uint8_t build_id[SELECT_BUILD_ID_ALONE];
	char text[256];
	struct bundle_entry entry = { .blob = k->blob,
				      .build_id = build_id,
				      .build_id_size = sizeof(build_id) };
	char *rest = text;

	memset(build_id, k->build_id, sizeof(build_id));
	snprintf(text, sizeof(text), "%s", k->key);
	entry.distro = strsep(&rest, "/");
	entry.release = strsep(&rest, "/");
	entry.arch = strsep(&rest, "/");
	entry.uname = rest;
	select_offer(s, &entry);
}

static void check_row(const struct row *row, bool backwards)
{
	struct story story = { 0 };
	struct select_answer answer = { 0 };
	struct select s;
	bool found;

	select_init(&s, &row->host, row->nearest, &story);
	for (int i = 0; i < KERNELS; i++) {
		const struct row_kernel *k = &row->kernels[backwards ? KERNELS - 1 - i : i];

		if (k->key)
			offer(&s, k);
	}
	found = select_finish(&s, &answer);
	if (found != (row->match != BTFPACK_MATCH_NONE) || answer.match != row->match ||
	    (found && answer.blob != row->blob) || !strstr(story_last_line(&story), row->story)) {
		printf("# row '%s': match %s, blob %u; the story:\n%s\n", row->name,
		       btfpack_match_name(answer.match), answer.blob, story.text);
		CHECK(!"as the row says");
	}
}

static void chooses_by_the_table(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row(&rows[i], false);
		check_row(&rows[i], true); /* the order of offering does not matter */
	}
}

static void orders_unames(void)
{
	static const struct {
		const char *a, *b;
		int order; /* 2: not comparable */
	} cases[] = {
		{ "6.1.0-9-amd64", "6.1.0-10-amd64", -1 },
		{ "6.1.0-10-amd64", "6.1.0-10-amd64", 0 },
		{ "4.15.0-100-generic", "4.15.0-99-generic", 1 },
		{ "3.10.0-1160.el7.x86_64", "3.10.0-1160.15.2.el7.x86_64", -1 },
		{ "3.10.0-1160.2.1.el7.x86_64", "3.10.0-1160.15.2.el7.x86_64", -1 },
		{ "4.19.0-0.bpo.9-amd64", "4.19.0-0.bpo.10-amd64", -1 },
		{ "4.12.14-lp151.28.9-default", "4.12.14-lp151.28.10-default", -1 },
		{ "5.3.7-301.fc31.x86_64", "5.3.18-300.fc31.x86_64", -1 },
		{ "6.0.0-rc3-amd64", "6.0.0-amd64", 2 },
		{ "6.1.0-28-amd64", "6.1.0-28-cloud-amd64", 2 },
		{ "6.1.0-28-amd64", "6.1.0-28-amd", 2 },
		{ "99999999999999999999999-a", "99999999999999999999998-a", 0 },
		{ "5.99999999999999999999999-a", "5.1-a", 1 },
		{ "", "", 0 },
		{ "custom", "custom", 0 },
		{ "5.10", "custom", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct select_distance there = { .order = 2 }, back = { .order = 2 };
		bool comparable = select_compare_unames(cases[i].a, cases[i].b, &there);

		CHECK_INT(comparable, cases[i].order != 2);
		CHECK_INT(there.order, cases[i].order);
		CHECK_INT(select_compare_unames(cases[i].b, cases[i].a, &back), comparable);
		CHECK_INT(back.order, comparable ? -there.order : 2);
		CHECK_INT(back.gap, there.gap);
	}
}

static void cuts_a_long_story(void)
{
	struct story story = { 0 };

	for (int i = 0; i < 1000; i++)
		story_add(&story, "line %d", i);
	CHECK(strlen(story.text) < sizeof(story.text));
	CHECK_INT(strlen(story.text), story.size);
	CHECK(!strncmp(story.text, "line 0\nline 1\n", 14));
}

TEST_MAIN({ "chooses by the table", chooses_by_the_table },
	  { "orders unames as versions, within a flavour", orders_unames },
	  { "cuts a story that is too long", cuts_a_long_story })
