/* SPDX-License-Identifier: BSD-2-Clause */
/* The distribution table, and the order of a list. */
#include <stdio.h>

#include "core/cleanup.h"
#include "fetcher/package-list.h"
#include "fetcher/repo.h"
#include "tests/test.h"

static void finds_releases(void)
{
	static const struct {
		const char *name, *found;
	} cases[] = {
		{ "11", "11" },        { "bullseye", "11" }, { "12", "12" },
		{ "Bookworm", "12" },  { "trixie", "13" },   { "sid", "sid" },
		{ "unstable", "sid" }, { "1", NULL },        { "", NULL },
		{ "12.5", NULL },
	};
	const struct distro *debian = distro_find("debian");

	REQUIRE(debian);
	CHECK(!distro_find("Debian") && !distro_find(""));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct distro_release *r = distro_find_release(debian, cases[i].name);

		if (cases[i].found)
			CHECK_STRING(r ? r->name : NULL, cases[i].found);
		else
			CHECK(!r);
	}
}

static void recognizes_debian_packages(void)
{
	static const struct {
		const char *package, *uname, *flavour; /* NULL: not a kernel's */
	} cases[] = {
		{ "linux-image-6.1.0-56-cloud-amd64-dbg", "6.1.0-56-cloud-amd64", "cloud-amd64" },
		{ "linux-image-6.1.0-56-amd64-dbg", "6.1.0-56-amd64", "amd64" },
		{ "linux-image-6.1.0-54-686-pae-dbg", "6.1.0-54-686-pae", "686-pae" },
		{ "linux-image-6.1.0-54-686-dbg", "6.1.0-54-686", "686" },
		{ "linux-image-6.1.0-54-rt-686-pae-dbg", "6.1.0-54-rt-686-pae", "rt-686-pae" },
		{ "linux-image-6.12.113+deb12-686-pae-dbg", "6.12.113+deb12-686-pae", "686-pae" },
		{ "linux-image-6.12.115+deb13.1-rt-amd64-dbg", "6.12.115+deb13.1-rt-amd64",
		  "rt-amd64" },
		{ "linux-image-6.1.0-0.deb11.52-cloud-amd64-dbg", "6.1.0-0.deb11.52-cloud-amd64",
		  "cloud-amd64" },
		{ "linux-image-7.2.13+deb14-arm64-16k-dbg", "7.2.13+deb14-arm64-16k", "arm64-16k" },
		{ "linux-image-6.1.0-54-armmp-lpae-dbg", "6.1.0-54-armmp-lpae", "armmp-lpae" },
		{ "linux-image-6.1.0-50-s390x-dbg", "6.1.0-50-s390x", "s390x" },
		{ "linux-image-6.1.0-47-4kc-malta-dbg", "6.1.0-47-4kc-malta", "4kc-malta" },
		{ "linux-image-6.12.94+deb13-riscv64-dbg", "6.12.94+deb13-riscv64", "riscv64" },
		{ "linux-image-6.12-amd64-dbg", NULL, NULL },
		{ "linux-image-6.1-rt-686-pae-dbg", NULL, NULL },
		{ "linux-image-amd64-dbg", NULL, NULL },
		{ "linux-image-686-pae-dbg", NULL, NULL },
		{ "linux-image-6.1.0-56-amd64", NULL, NULL },
		{ "linux-image-6.1.0-56-dbg", NULL, NULL },
		{ "linux-image-6.1.0-dbg", NULL, NULL },
		{ "linux-image-6.1.0--dbg", NULL, NULL },
		{ "linux-image--dbg", NULL, NULL },
		{ "linux-image-dbg", NULL, NULL },
		{ "linux-headers-6.1.0-56-amd64-dbg", NULL, NULL },
		{ "", NULL, NULL },
	};
	const struct distro *debian = distro_find("debian");

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct kernel_name name = { "", "" };
		bool is = debian->recognize(cases[i].package, &name);

		CHECK_INT(is, cases[i].uname != NULL);
		if (is && cases[i].uname) {
			CHECK_STRING(name.uname, cases[i].uname);
			CHECK_STRING(name.flavour, cases[i].flavour);
		}
		if (test_failed)
			printf("# at %s\n", cases[i].package);
	}
}

static void add(struct package_list *list, const char *release, const char *flavour,
		const char *uname, const char *version, const char *suite)
{
	CHECK_INT(package_list_add(list,
				   &(struct btfpack_package){
					   .kernel = { "debian", release, "x86_64", uname, NULL },
					   .flavour = flavour,
					   .version = version,
					   .suite = suite,
				   },
				   NULL),
		  0);
}

static void fill(struct package_list *list)
{
	add(list, "12", "cloud", "6.1.0-9", "6.1.9-1", "bookworm");
	add(list, "12", "cloud", "6.1.0-10", "6.1.10-1", "bookworm");
	add(list, "sid", "cloud", "7.2.1", "7.2.1-1", "sid");
	add(list, "12", "amd64", "6.1.0-10", "6.1.10-1", "bookworm");
	add(list, "11", "cloud", "5.10.0-30", "5.10.218-1", "bullseye");
	add(list, "12", "cloud", "6.1.0-10", "6.1.10-1", "bookworm-security");
	add(list, "12", "cloud", "6.1.0-10", "6.1.10-2", "bookworm-security");
}

static void check_order(unsigned int latest, const char *expected)
{
	struct package_list list = { 0 };
	char got[1024] = "";

	fill(&list);
	CHECK_INT(package_list_arrange(&list, distro_find("debian"), latest, NULL), 0);
	for (size_t i = 0; i < list.count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s/%s/%s/%s ",
			 list.packages[i].kernel.release, list.packages[i].flavour,
			 list.packages[i].version, list.packages[i].suite);
	CHECK_STRING(got, expected);
	package_list_deinit(&list);
}

static void arranges_lists(void)
{
	struct package_list empty = { 0 };

	check_order(0, "11/cloud/5.10.218-1/bullseye 12/amd64/6.1.10-1/bookworm "
		       "12/cloud/6.1.10-2/bookworm-security 12/cloud/6.1.10-1/bookworm "
		       "12/cloud/6.1.9-1/bookworm sid/cloud/7.2.1-1/sid ");
	check_order(1, "11/cloud/5.10.218-1/bullseye 12/amd64/6.1.10-1/bookworm "
		       "12/cloud/6.1.10-2/bookworm-security sid/cloud/7.2.1-1/sid ");
	CHECK_INT(package_list_arrange(&empty, distro_find("debian"), 1, NULL), 0);
}

TEST_MAIN({ "finds releases", finds_releases },
	  { "recognizes Debian's debug packages", recognizes_debian_packages },
	  { "arranges lists", arranges_lists })
