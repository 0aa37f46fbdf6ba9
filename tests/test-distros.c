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

/* @uname NULL: @package is not a kernel's. */
static void check_name(const char *distro_name, const struct package_name *package,
		       const char *uname, const char *flavour)
{
	const struct distro *distro = distro_find(distro_name);
	struct package_name only = { .name = package->name };
	struct kernel_name name = { "", "" };
	bool is = distro->recognize(package, &name);

	CHECK_INT(is, uname != NULL);
	if (is && uname) {
		CHECK_STRING(name.uname, uname);
		CHECK_STRING(name.flavour, flavour);
		CHECK(distro->recognize(&only, &name));
	}
	if (test_failed)
		printf("# at %s %s %s\n", distro_name, package->name,
		       package->version ? package->version : "");
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

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_name("debian", &(struct package_name){ .name = cases[i].package },
			   cases[i].uname, cases[i].flavour);
}

static void recognizes_ubuntu_packages(void)
{
	static const struct {
		const char *package, *uname, *flavour; /* NULL: not a kernel's */
	} cases[] = {
		{ "linux-image-unsigned-5.4.0-42-generic-dbgsym", "5.4.0-42-generic", "generic" },
		{ "linux-image-5.4.0-42-generic-dbgsym", "5.4.0-42-generic", "generic" },
		{ "linux-image-4.4.0-210-lowlatency-dbgsym", "4.4.0-210-lowlatency", "lowlatency" },
		{ "linux-image-unsigned-5.4.0-1065-azure-fde-dbgsym", "5.4.0-1065-azure-fde",
		  "azure-fde" },
		{ "linux-image-4.15.0-1095-raspi2-dbgsym", "4.15.0-1095-raspi2", "raspi2" },
		{ "linux-image-unsigned-5.15.0-25-generic-64k-dbgsym", "5.15.0-25-generic-64k",
		  "generic-64k" },
		{ "linux-image-extra-4.4.0-210-generic-dbgsym", NULL, NULL },
		{ "linux-modules-5.4.0-42-generic-dbgsym", NULL, NULL },
		{ "linux-image-generic-dbgsym", NULL, NULL },
		{ "linux-image-5.4.0-generic-dbgsym", NULL, NULL },
		{ "linux-image-5.4.0-42-dbgsym", NULL, NULL },
		{ "linux-image-5.4.0-42--dbgsym", NULL, NULL },
		{ "linux-image-5.4.0-42-generic", NULL, NULL },
		{ "linux-image-unsigned-", NULL, NULL },
		{ "", NULL, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_name("ubuntu", &(struct package_name){ .name = cases[i].package },
			   cases[i].uname, cases[i].flavour);
}

/* Of two packages of one kernel the one as it was built. */
static void prefers_unsigned(void)
{
	static const char *const names[] = { "linux-image-5.4.0-42-generic-dbgsym",
					     "linux-image-unsigned-5.4.0-42-generic-dbgsym" };
	struct package_list list = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		CHECK_INT(package_list_add(&list,
					   &(struct btfpack_package){
						   .kernel = { "ubuntu", "20.04", "x86_64",
							       "5.4.0-42-generic", NULL },
						   .flavour = "generic",
						   .name = names[i],
						   .version = "5.4.0-42.46",
						   .suite = "focal",
					   },
					   NULL),
			  0);
	CHECK_INT(package_list_arrange(&list, distro_find("ubuntu"), 0, NULL), 0);
	REQUIRE(list.count == 1);
	CHECK_STRING(list.packages[0].name, names[1]);
	package_list_deinit(&list);
}

/* "name version arch" as the distributions have them, and what `uname -r` says there. */
static void recognizes_rpm_packages(void)
{
	static const struct {
		const char *distro, *package, *version, *arch;
		const char *uname, *flavour; /* NULL: not a kernel's */
	} cases[] = {
		{ "centos", "kernel-debuginfo", "3.10.0-957.el7", "x86_64",
		  "3.10.0-957.el7.x86_64", "kernel" },
		{ "centos", "kernel-debuginfo", "3.10.0-862.el7", "x86_64", NULL, NULL },
		{ "centos", "kernel-debuginfo", "4.18.0-80.11.2.el8_0", "x86_64",
		  "4.18.0-80.11.2.el8_0.x86_64", "kernel" },
		{ "centos", "kernel-debug-debuginfo", "4.18.0-80.el8", "x86_64", NULL, NULL },
		{ "centos", "kernel-debuginfo-common-x86_64", "4.18.0-80.el8", "x86_64", NULL,
		  NULL },
		{ "centos", "kernel-tools-debuginfo", "4.18.0-80.el8", "x86_64", NULL, NULL },
		{ "centos", "kernel-core", "4.18.0-80.el8", "x86_64", NULL, NULL },
		{ "centos", "kernel", "4.18.0-80.el8", "x86_64", NULL, NULL },
		{ "centos", "", "", "", NULL, NULL },
		{ "rhel", "kernel-rt-debuginfo", "4.18.0-193.rt13.51.el8", "x86_64",
		  "4.18.0-193.rt13.51.el8.x86_64", "rt" },
		{ "rhel", "kernel-rt-debuginfo", "5.14.0-362.8.1.el9_3", "x86_64",
		  "5.14.0-362.8.1.el9_3.x86_64+rt", "rt" },
		{ "rhel", "kernel-64k-debuginfo", "5.14.0-362.8.1.el9_3", "aarch64",
		  "5.14.0-362.8.1.el9_3.aarch64+64k", "64k" },
		{ "rhel", "kernel-64k-debug-debuginfo", "5.14.0-362.8.1.el9_3", "aarch64", NULL,
		  NULL },
		{ "fedora", "kernel-debuginfo", "5.8.18-100.fc31", "aarch64",
		  "5.8.18-100.fc31.aarch64", "kernel" },
		{ "fedora", "kernel-lpae-debuginfo", "5.3.7-301.fc31", "armv7hl",
		  "5.3.7-301.fc31.armv7hl+lpae", "lpae" },
		{ "amzn", "kernel-debuginfo", "4.14.322-244.536.amzn2", "x86_64",
		  "4.14.322-244.536.amzn2.x86_64", "kernel" },
		{ "amzn", "kernel6.12-debuginfo", "6.12.22-27.96.amzn2023", "x86_64",
		  "6.12.22-27.96.amzn2023.x86_64", "6.12" },
		{ "amzn", "kernel-livepatch-6.1.12-17.42-debuginfo", "1.0-0.amzn2023", "x86_64",
		  NULL, NULL },
		{ "openEuler", "kernel-debuginfo", "4.19.90-2003.4.0.0036.oe1", "aarch64",
		  "4.19.90-2003.4.0.0036.oe1.aarch64", "kernel" },
		{ "sles", "kernel-default-debuginfo", "5.3.18-57.3", "x86_64",
		  "5.3.18-57-default", "default" },
		{ "sles", "kernel-default-debuginfo", "5.3.18-150300.59.93.1", "x86_64",
		  "5.3.18-150300.59.93-default", "default" },
		{ "sles", "kernel-azure-debuginfo", "4.12.14-16.59.1", "x86_64",
		  "4.12.14-16.59-azure", "azure" },
		{ "sles", "kernel-default-base-debuginfo", "5.3.18-57.3", "x86_64", NULL, NULL },
		{ "sles", "kernel-debug-debuginfo", "5.3.18-57.3", "x86_64", NULL, NULL },
		{ "sles", "kernel--debuginfo", "5.3.18-57.3", "x86_64", NULL, NULL },
		{ "sles", "kernel-debuginfo", "5.3.18-57.3", "x86_64", NULL, NULL },
		{ "ol", "kernel-uek-debuginfo", "5.4.17-2136.301.1.2.el8uek", "x86_64",
		  "5.4.17-2136.301.1.2.el8uek.x86_64", "uek" },
		{ "ol", "kernel-debuginfo", "3.10.0-1160.49.1.el7", "x86_64",
		  "3.10.0-1160.49.1.el7.x86_64", "kernel" },
		{ "ol", "kernel-uek-debug-debuginfo", "5.4.17-2136.301.1.2.el8uek", "x86_64",
		  NULL, NULL },
		{ "opensuse-leap", "kernel-default-debuginfo", "4.12.14-lp151.28.36.1", "x86_64",
		  "4.12.14-lp151.28.36-default", "default" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check_name(cases[i].distro,
			   &(struct package_name){ cases[i].package, cases[i].version,
						   cases[i].arch },
			   cases[i].uname, cases[i].flavour);
}

/* Every row can be expanded, and finds itself. */
static void has_sound_rows(void)
{
	for (size_t i = 0; distros[i]; i++) {
		const struct distro *d = distros[i];

		CHECK(distro_find(d->name) == d && d->recognize && d->bases[0].official);
		CHECK(d->ops == &repo_apt || d->arches);
		for (const struct distro_release *r = d->releases; r->name; r++) {
			CHECK(distro_find_release(d, r->name) == r);
			for (const struct distro_suite *s = r->suites; s->suffix; s++) {
				AUTO_FREE char *path = repo_expand(s->path ? s->path : "", r, "A");

				CHECK(s->base < DISTRO_BASES && d->bases[s->base].official);
				CHECK(path && !strchr(path, '$'));
			}
		}
		if (test_failed)
			printf("# at %s\n", d->name);
	}
}

static void expands_paths(void)
{
	const struct distro_release release = { .name = "9", .codename = "nine" };
	AUTO_FREE char *all = repo_expand("$release/$codename/$arch/$basearch/$x$", &release, "A");
	AUTO_FREE char *some = repo_expand("$release/$arch", &release, NULL);

	CHECK_STRING(all, "9/nine/A/A/$x$");
	CHECK_STRING(some, "9/$arch");
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
	  { "recognizes Ubuntu's debug packages", recognizes_ubuntu_packages },
	  { "prefers the package of the kernel as built", prefers_unsigned },
	  { "recognizes rpm packages, and tells their uname", recognizes_rpm_packages },
	  { "has sound rows", has_sound_rows },
	  { "expands paths", expands_paths },
	  { "arranges lists", arranges_lists })
