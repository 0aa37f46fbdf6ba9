/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/cleanup.h"
#include "fetcher/expired.h"
#include "fetcher/repo.h"
#include "fetcher/version.h"

/* --- Debian ------------------------------------------------------------------------------------ */

#define DEBIAN_PREFIX "linux-image-"
#define DEBIAN_SUFFIX "-dbg"

/* Skip digits; NULL if there are none. */
static const char *skip_number(const char *p)
{
	if (!p || !isdigit((unsigned char)*p))
		return NULL;
	while (isdigit((unsigned char)*p))
		p++;
	return p;
}

static const char *skip_dot(const char *p)
{
	return p && *p == '.' ? p + 1 : NULL;
}

/* The flavours of i386 that begin with a number: no ABI number. */
static bool is_i386_flavour(const char *p)
{
	static const char *const numbers[] = { "486", "586", "686" };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strncmp(p, numbers[i], 3) && (p[3] == '-' || !p[3]))
			return true;
	return false;
}

/* "56-", "0.deb11.52-": the ABI number of kernels before 6.11, which follows their
 * version; not "4kc-malta", a flavour. */
static const char *skip_abi(const char *p)
{
	const char *end = skip_number(p);

	if (!end || is_i386_flavour(p) || (*end != '.' && *end != '-'))
		return p;
	end += strcspn(end, "-");
	return *end ? end + 1 : p;
}

/*
 * linux-image-<version>[-<abi>]-<flavour>-dbg. A kernel's version has three numbers
 * (6.1.0, 6.12.117+deb13); what has fewer (6.12-amd64, amd64) is a package without
 * content that depends on the newest.
 */
static bool recognize_debian(const struct package_name *name, struct kernel_name *ret)
{
	const char *package = name->name;
	const char *uname = package + strlen(DEBIAN_PREFIX), *flavour;
	size_t length = strlen(package);
	int uname_length;

	if (length <= strlen(DEBIAN_PREFIX) + strlen(DEBIAN_SUFFIX) ||
	    strncmp(package, DEBIAN_PREFIX, strlen(DEBIAN_PREFIX)) ||
	    strcmp(package + length - strlen(DEBIAN_SUFFIX), DEBIAN_SUFFIX))
		return false;
	flavour = skip_number(skip_dot(skip_number(skip_dot(skip_number(uname)))));
	if (!flavour)
		return false;
	flavour += strcspn(flavour, "-");
	flavour = skip_abi(flavour + 1);
	uname_length = (int)(package + length - strlen(DEBIAN_SUFFIX) - uname);
	length = (size_t)(uname + uname_length > flavour ? uname + uname_length - flavour : 0);
	if (!length || length >= sizeof(ret->flavour) || uname_length >= (int)sizeof(ret->uname))
		return false;
	snprintf(ret->uname, sizeof(ret->uname), "%.*s", uname_length, uname);
	snprintf(ret->flavour, sizeof(ret->flavour), "%.*s", (int)length, flavour);
	return true;
}

enum { DEBIAN_MAIN, DEBIAN_SECURITY, DEBIAN_OLD, DEBIAN_OLD_SECURITY };

/* Where releases end up. Security updates had a directory below their suite's. */
static const struct distro_suite debian_archived[] = {
	{ "", DEBIAN_OLD, SUITE_REQUIRED, NULL, NULL },
	{ "/updates", DEBIAN_OLD_SECURITY, SUITE_EXPECTED, NULL, NULL },
	{ "-backports", DEBIAN_OLD, SUITE_OPTIONAL, NULL, NULL },
	{ 0 },
};

static const struct distro_suite debian_stable[] = {
	{ "", DEBIAN_MAIN, SUITE_REQUIRED, NULL, NULL },
	{ "-updates", DEBIAN_MAIN, SUITE_EXPECTED, NULL, NULL },
	{ "-security", DEBIAN_SECURITY, SUITE_EXPECTED, NULL, NULL },
	{ "-backports", DEBIAN_MAIN, SUITE_OPTIONAL, NULL, NULL },
	{ 0 },
};

static const struct distro_suite debian_moving[] = {
	{ "", DEBIAN_MAIN, SUITE_REQUIRED, NULL, NULL },
	{ 0 },
};

/* Before it is released: what it gets comes through itself. */
static const struct distro_suite debian_testing[] = {
	{ "", DEBIAN_MAIN, SUITE_REQUIRED, NULL, NULL },
	{ "-updates", DEBIAN_MAIN, SUITE_OPTIONAL, NULL, NULL },
	{ "-security", DEBIAN_SECURITY, SUITE_OPTIONAL, NULL, NULL },
	{ 0 },
};

static const struct distro_release debian_releases[] = {
	{ "9", "stretch", NULL, true, debian_archived },
	{ "10", "buster", NULL, true, debian_archived },
	{ "11", "bullseye", NULL, false, debian_stable },
	{ "12", "bookworm", NULL, false, debian_stable },
	{ "13", "trixie", NULL, false, debian_stable },
	{ "14", "forky", "testing", true, debian_testing },
	{ "sid", "sid", "unstable", true, debian_moving },
	{ 0 },
};

static const struct distro debian = {
	.name = "debian",
	.ops = &repo_apt,
	.keyring = "/usr/share/keyrings/debian-archive-keyring.gpg",
	.bases = {
		[DEBIAN_MAIN] = { "http://ftp.debian.org/debian", "", "debian" },
		[DEBIAN_SECURITY] = { "http://security.debian.org/debian-security", "-security",
				      "debian-security" },
		[DEBIAN_OLD] = { "http://archive.debian.org/debian", "", "debian" },
		[DEBIAN_OLD_SECURITY] = { "http://archive.debian.org/debian-security", "-security",
					  "debian-security" },
	},
	.expired = &expired_snapshot,
	.releases = debian_releases,
	.recognize = recognize_debian,
};

/* --- Debian's derivatives ---------------------------------------------------------------------------- */

static const struct distro_release kali_releases[] = {
	{ "rolling", "kali-rolling", NULL, true, debian_moving },
	{ 0 },
};

static const struct distro kali = {
	.name = "kali",
	.ops = &repo_apt,
	.keyring = "/usr/share/keyrings/kali-archive-keyring.gpg",
	.bases = { { "http://http.kali.org/kali", "" } },
	.releases = kali_releases,
	.recognize = recognize_debian,
};

static const struct distro_release raspbian_releases[] = {
	{ "11", "bullseye", NULL, false, debian_moving },
	{ "12", "bookworm", NULL, false, debian_moving },
	{ "13", "trixie", NULL, false, debian_moving },
	{ 0 },
};

static const struct distro raspbian = {
	.name = "raspbian",
	.ops = &repo_apt,
	.keyring = "/usr/share/keyrings/raspberrypi-archive-keyring.gpg",
	.bases = { { "http://archive.raspberrypi.com/debian", "" } },
	.releases = raspbian_releases,
	.recognize = recognize_debian,
};

#define UBUNTU_UNSIGNED "unsigned-"
#define UBUNTU_SUFFIX	"-dbgsym"

/* linux-image-[unsigned-]<version>-<abi>-<flavour>-dbgsym */
static bool recognize_ubuntu(const struct package_name *name, struct kernel_name *ret)
{
	const char *uname = name->name + strlen(DEBIAN_PREFIX), *flavour, *end;

	if (strncmp(name->name, DEBIAN_PREFIX, strlen(DEBIAN_PREFIX)))
		return false;
	if (!strncmp(uname, UBUNTU_UNSIGNED, strlen(UBUNTU_UNSIGNED)))
		uname += strlen(UBUNTU_UNSIGNED);
	end = strstr(uname, UBUNTU_SUFFIX);
	flavour = skip_number(skip_dot(skip_number(skip_dot(skip_number(uname)))));
	if (!end || end[strlen(UBUNTU_SUFFIX)] || !flavour || *flavour != '-')
		return false;
	flavour = skip_number(flavour + 1);
	if (!flavour || *flavour != '-' || ++flavour >= end ||
	    end - flavour >= (ptrdiff_t)sizeof(ret->flavour) ||
	    end - uname >= (ptrdiff_t)sizeof(ret->uname))
		return false;
	snprintf(ret->uname, sizeof(ret->uname), "%.*s", (int)(end - uname), uname);
	snprintf(ret->flavour, sizeof(ret->flavour), "%.*s", (int)(end - flavour), flavour);
	return true;
}

static const struct distro_suite ubuntu_suites[] = {
	{ "", 0, SUITE_REQUIRED, NULL, NULL },
	{ "-updates", 0, SUITE_EXPECTED, NULL, NULL },
	{ 0 },
};

static const struct distro_release ubuntu_releases[] = {
	{ "16.04", "xenial", NULL, false, ubuntu_suites },
	{ "18.04", "bionic", NULL, false, ubuntu_suites },
	{ "20.04", "focal", NULL, false, ubuntu_suites },
	{ "22.04", "jammy", NULL, false, ubuntu_suites },
	{ "24.04", "noble", NULL, false, ubuntu_suites },
	{ "25.04", "plucky", NULL, false, ubuntu_suites },
	{ "25.10", "questing", NULL, false, ubuntu_suites },
	{ "26.04", "resolute", NULL, false, ubuntu_suites },
	{ 0 },
};

/* Debug packages of signed kernels are shims of a few kilobytes. */
#define UBUNTU_SHIM ((uint64_t)10 << 20)

static const struct distro ubuntu = {
	.name = "ubuntu",
	.ops = &repo_apt,
	.keyring = "/usr/share/keyrings/ubuntu-dbgsym-keyring.gpg",
	.components = "main universe",
	.minimum_size = UBUNTU_SHIM,
	.bases = { { "http://ddebs.ubuntu.com", "" } },
	.expired = &expired_launchpad,
	.releases = ubuntu_releases,
	.recognize = recognize_ubuntu,
};

/* --- Red Hat's way --------------------------------------------------------------------------------- */

#define KERNEL_PREFIX "kernel"
#define RPM_SUFFIX    "-debuginfo"

/* Keys of @file: where the package of all distributions' keys puts them, and where the
 * distribution itself has them. */
#define KEYS(dir, file)                                                                            \
	"/usr/share/distribution-gpg-keys/" dir "/RPM-GPG-KEY-" file " /etc/pki/rpm-gpg/RPM-GPG-KEY-" file

/* What stands in a package's name between "kernel" and "-debuginfo", and what the
 * kernel says of it at the end of its uname. A flavour that is not here is no kernel
 * (tools), or one for debugging the kernel itself. */
static const struct {
	const char *word, *flavour, *suffix;
} rpm_flavours[] = {
	{ "", "kernel", "" },
	{ "-uek", "uek", "" },
	{ "-rt", "rt", "+rt" },
	{ "-64k", "64k", "+64k" },
	{ "-rt-64k", "rt-64k", "+rt-64k" },
	{ "-16k", "16k", "+16k" },
	{ "-lpae", "lpae", "+lpae" },
	{ "-PAE", "PAE", "+PAE" },
	/* Amazon Linux 2023 names a series in the package, not in the uname. */
	{ "6.12", "6.12", "" },
	{ "6.18", "6.18", "" },
};

/* Without eBPF: el7 before 7.6's beta. */
static bool is_too_old(const char *version)
{
	return strstr(version, ".el7") && !strncmp(version, "3.10.0-", 7) &&
	       version_compare_rpm(version, "3.10.0-940") < 0;
}

static bool put_uname(struct kernel_name *ret, const char *version, const char *arch,
		      const char *suffix)
{
	return snprintf(ret->uname, sizeof(ret->uname), "%s.%s%s", version, arch, suffix) <
	       (int)sizeof(ret->uname);
}

/* kernel[-<flavour>]-debuginfo; uname is <version>-<release>.<arch>. */
static bool recognize_rpm(const struct package_name *p, struct kernel_name *ret)
{
	const char *word = p->name + strlen(KERNEL_PREFIX);
	size_t length = strlen(p->name);

	if (strncmp(p->name, KERNEL_PREFIX, strlen(KERNEL_PREFIX)) ||
	    length < strlen(KERNEL_PREFIX) + strlen(RPM_SUFFIX) ||
	    strcmp(p->name + length - strlen(RPM_SUFFIX), RPM_SUFFIX))
		return false;
	length -= strlen(KERNEL_PREFIX) + strlen(RPM_SUFFIX);
	for (size_t i = 0; i < ARRAY_SIZE(rpm_flavours); i++) {
		const char *suffix = rpm_flavours[i].suffix;

		if (strlen(rpm_flavours[i].word) != length ||
		    strncmp(rpm_flavours[i].word, word, length))
			continue;
		snprintf(ret->flavour, sizeof(ret->flavour), "%s", rpm_flavours[i].flavour);
		ret->uname[0] = '\0';
		if (!p->version)
			return true;
		/* Before 9.3 real-time kernels were built apart, under a name of their own. */
		if (strstr(p->version, ".rt"))
			suffix = "";
		return !is_too_old(p->version) && put_uname(ret, p->version, p->arch, suffix);
	}
	return false;
}

static const struct distro_suite fedora_archived[] = {
	{ "", 1, SUITE_REQUIRED, "releases/$release/Everything/$arch/debug/tree", NULL },
	{ "-updates", 1, SUITE_EXPECTED, "updates/$release/Everything/$arch/debug", NULL },
	{ 0 },
};

/* Before 28 updates lay elsewhere. */
static const struct distro_suite fedora_first[] = {
	{ "", 1, SUITE_REQUIRED, "releases/$release/Everything/$arch/debug/tree", NULL },
	{ "-updates", 1, SUITE_EXPECTED, "updates/$release/$arch/debug", NULL },
	{ 0 },
};

static const struct distro_suite fedora_current[] = {
	{ "", 0, SUITE_REQUIRED, "releases/$release/Everything/$arch/debug/tree", NULL },
	{ "-updates", 0, SUITE_EXPECTED, "updates/$release/Everything/$arch/debug", NULL },
	{ 0 },
};

static const struct distro_release fedora_releases[] = {
	{ "24", "f24", NULL, false, fedora_first },    { "25", "f25", NULL, false, fedora_first },
	{ "26", "f26", NULL, false, fedora_first },    { "27", "f27", NULL, false, fedora_first },
	{ "28", "f28", NULL, false, fedora_archived }, { "29", "f29", NULL, false, fedora_archived },
	{ "30", "f30", NULL, false, fedora_archived }, { "31", "f31", NULL, false, fedora_archived },
	{ "32", "f32", NULL, false, fedora_archived }, { "33", "f33", NULL, false, fedora_archived },
	{ "34", "f34", NULL, false, fedora_archived }, { "35", "f35", NULL, false, fedora_archived },
	{ "36", "f36", NULL, false, fedora_archived }, { "37", "f37", NULL, false, fedora_archived },
	{ "38", "f38", NULL, false, fedora_archived }, { "39", "f39", NULL, false, fedora_archived },
	{ "40", "f40", NULL, false, fedora_archived }, { "41", "f41", NULL, false, fedora_archived },
	{ "42", "f42", NULL, false, fedora_current },  { "43", "f43", NULL, false, fedora_current },
	{ 0 },
};

static const struct distro fedora = {
	.name = "fedora",
	.ops = &repo_rpmmd,
	.keyring = KEYS("fedora", "fedora-$release-*"),
	.arches = "x86_64 aarch64 armhfp i386",
	.bases = {
		{ "https://dl.fedoraproject.org/pub/fedora/linux", "" },
		{ "https://archives.fedoraproject.org/pub/archive/fedora/linux", "" },
	},
	.releases = fedora_releases,
	.recognize = recognize_rpm,
};

static const struct distro_suite centos_classic[] = {
	{ "", 0, SUITE_REQUIRED, "$release/$arch", NULL },
	{ 0 },
};

static const struct distro_suite centos_stream[] = {
	{ "", 1, SUITE_REQUIRED, "$codename/BaseOS/$arch/debug/tree", NULL },
	{ 0 },
};

static const struct distro_release centos_releases[] = {
	{ "7", "7", NULL, false, centos_classic },
	{ "8", "8", NULL, false, centos_classic },
	{ "9", "9-stream", "stream9", false, centos_stream },
	{ "10", "10-stream", "stream10", false, centos_stream },
	{ 0 },
};

static const struct distro centos = {
	.name = "centos",
	.ops = &repo_rpmmd,
	.keyring = KEYS("centos", "CentOS-Official*") " " KEYS("centos", "CentOS-$release")
		   " " KEYS("centos", "CentOS-Debug-$release"),
	.arches = "x86_64 aarch64 ppc64le s390x",
	.bases = {
		{ "http://debuginfo.centos.org", "" },
		{ "https://mirror.stream.centos.org", "" },
	},
	.releases = centos_releases,
	.recognize = recognize_rpm,
};

static const struct distro_suite rhel7[] = {
	{ "", 0, SUITE_REQUIRED, "rhel/server/7/7Server/$arch/debug", NULL },
	{ 0 },
};

static const struct distro_suite rhel_baseos[] = {
	{ "", 0, SUITE_REQUIRED, "rhel$release/$release/$arch/baseos/debug", NULL },
	{ 0 },
};

static const struct distro_release rhel_releases[] = {
	{ "7", "el7", NULL, false, rhel7 },
	{ "8", "el8", NULL, false, rhel_baseos },
	{ "9", "el9", NULL, false, rhel_baseos },
	{ "10", "el10", NULL, false, rhel_baseos },
	{ 0 },
};

static const struct distro rhel = {
	.name = "rhel",
	.ops = &repo_rpmmd,
	.keyring = KEYS("redhat", "redhat$release-release") " " KEYS("redhat", "redhat-release"),
	.arches = "x86_64 aarch64 ppc64le s390x",
	.bases = { { "https://cdn.redhat.com/content/dist", "" } },
	.releases = rhel_releases,
	.recognize = recognize_rpm,
};

static const struct distro_suite alma_vault[] = {
	{ "", 0, SUITE_REQUIRED, "vault/$release/BaseOS/debug/$arch", NULL },
	{ 0 },
};

static const struct distro_release alma_releases[] = {
	{ "8", "alma8", NULL, false, alma_vault },
	{ "9", "alma9", NULL, false, alma_vault },
	{ "10", "alma10", NULL, false, alma_vault },
	{ 0 },
};

static const struct distro almalinux = {
	.name = "almalinux",
	.ops = &repo_rpmmd,
	.keyring = KEYS("alma", "AlmaLinux-$release") " " KEYS("alma", "AlmaLinux"),
	.arches = "x86_64 aarch64 ppc64le s390x",
	.bases = { { "https://repo.almalinux.org", "" } },
	.releases = alma_releases,
	.recognize = recognize_rpm,
};

static const struct distro_suite rocky_baseos[] = {
	{ "", 0, SUITE_REQUIRED, "$release/BaseOS/$arch/debug/tree", NULL },
	{ 0 },
};

static const struct distro_release rocky_releases[] = {
	{ "8", "rocky8", NULL, false, rocky_baseos },
	{ "9", "rocky9", NULL, false, rocky_baseos },
	{ "10", "rocky10", NULL, false, rocky_baseos },
	{ 0 },
};

static const struct distro rocky = {
	.name = "rocky",
	.ops = &repo_rpmmd,
	.keyring = KEYS("rocky", "Rocky-$release") " " KEYS("rocky", "Rocky-rockyofficial"),
	.arches = "x86_64 aarch64 ppc64le s390x",
	.bases = { { "https://dl.rockylinux.org/pub/rocky", "" } },
	.releases = rocky_releases,
	.recognize = recognize_rpm,
};

/* One directory for all architectures, and no index in it. */
static const struct distro_suite oracle_suites[] = {
	{ "-debuginfo", 0, SUITE_REQUIRED, "ol$release/debuginfo", NULL },
	{ 0 },
};

static const struct distro_release oracle_releases[] = {
	{ "7", "ol7", NULL, false, oracle_suites },
	{ "8", "ol8", NULL, false, oracle_suites },
	{ "9", "ol9", NULL, false, oracle_suites },
	{ "10", "ol10", NULL, false, oracle_suites },
	{ 0 },
};

static const struct distro oracle = {
	.name = "ol",
	.ops = &repo_html,
	.keyring = KEYS("oraclelinux", "oracle-ol$release") " " KEYS("oraclelinux", "oracle"),
	.arches = "x86_64 aarch64",
	.bases = { { "https://oss.oracle.com", "" } },
	.releases = oracle_releases,
	.recognize = recognize_rpm,
};

/* Amazon's directories are named by digests that its mirror lists tell. */
static const struct distro_suite amazon1[] = {
	{ "-main", 1, SUITE_REQUIRED, "latest/main/debuginfo/mirror.list", NULL },
	{ "-updates", 1, SUITE_EXPECTED, "latest/updates/debuginfo/mirror.list", NULL },
	{ 0 },
};

static const struct distro_suite amazon2[] = {
	{ "-core", 0, SUITE_REQUIRED, "2/core/latest/debuginfo/$arch/mirror.list", NULL },
	{ "-kernel-5.4", 0, SUITE_EXPECTED,
	  "2/extras/kernel-5.4/latest/debuginfo/$arch/mirror.list", NULL },
	{ "-kernel-5.10", 0, SUITE_EXPECTED,
	  "2/extras/kernel-5.10/latest/debuginfo/$arch/mirror.list", NULL },
	{ "-kernel-5.15", 0, SUITE_EXPECTED,
	  "2/extras/kernel-5.15/latest/debuginfo/$arch/mirror.list", NULL },
	{ 0 },
};

static const struct distro_suite amazon2023[] = {
	{ "-core", 0, SUITE_REQUIRED, "al2023/core/mirrors/latest/debuginfo/$arch/mirror.list",
	  NULL },
	{ 0 },
};

static const struct distro_release amazon_releases[] = {
	{ "2018", "amzn1", "1", false, amazon1 },
	{ "2", "amzn2", NULL, false, amazon2 },
	{ "2023", "amzn2023", NULL, false, amazon2023 },
	{ 0 },
};

static const struct distro amazon = {
	.name = "amzn",
	.ops = &repo_rpmmd,
	.keyring = KEYS("amazon-linux", "amazon-linux-$release") " " KEYS("amazon-linux", "amazon-ga"),
	.arches = "x86_64 aarch64",
	.bases = {
		{ "https://cdn.amazonlinux.com", "" },
		{ "http://repo.us-east-1.amazonaws.com", "" },
	},
	.releases = amazon_releases,
	.recognize = recognize_rpm,
};

static const struct distro_suite openeuler_suites[] = {
	{ "", 0, SUITE_REQUIRED, "openEuler-$codename/debuginfo/$arch", NULL },
	{ "-update", 0, SUITE_EXPECTED, "openEuler-$codename/update/$arch", NULL },
	{ 0 },
};

static const struct distro_release openeuler_releases[] = {
	{ "20.03", "20.03-LTS", NULL, false, openeuler_suites },
	{ "20.03-SP1", "20.03-LTS-SP1", NULL, false, openeuler_suites },
	{ "20.03-SP2", "20.03-LTS-SP2", NULL, false, openeuler_suites },
	{ "20.03-SP3", "20.03-LTS-SP3", NULL, false, openeuler_suites },
	{ "20.03-SP4", "20.03-LTS-SP4", NULL, false, openeuler_suites },
	{ "22.03", "22.03-LTS", NULL, false, openeuler_suites },
	{ "22.03-SP4", "22.03-LTS-SP4", NULL, false, openeuler_suites },
	{ "24.03", "24.03-LTS", NULL, false, openeuler_suites },
	{ 0 },
};

static const struct distro openeuler = {
	.name = "openEuler",
	.ops = &repo_rpmmd,
	.keyring = KEYS("openeuler", "openEuler"),
	.arches = "x86_64 aarch64",
	.bases = { { "https://repo.openeuler.org", "" } },
	.releases = openeuler_releases,
	.recognize = recognize_rpm,
};

/* --- SUSE ------------------------------------------------------------------------------------------ */

/* Built from the kernel's source, but no kernels. */
static bool is_suse_flavour(const char *word, size_t length)
{
	static const char *const others[] = { "debug", "firmware", "tools", "obs" };

	if (!length || memchr(word, '-', length))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strlen(others[i]) == length && !strncmp(word, others[i], length))
			return false;
	return true;
}

/* kernel-<flavour>-debuginfo; uname is <version>-<release> without the release's last
 * component, which counts rebuilds, and the flavour. */
static bool recognize_suse(const struct package_name *p, struct kernel_name *ret)
{
	const char *word = p->name + strlen(KERNEL_PREFIX "-");
	size_t length = strlen(p->name);
	const char *release, *counter;

	if (strncmp(p->name, KERNEL_PREFIX "-", strlen(KERNEL_PREFIX "-")) ||
	    length <= strlen(KERNEL_PREFIX "-" RPM_SUFFIX) ||
	    strcmp(p->name + length - strlen(RPM_SUFFIX), RPM_SUFFIX))
		return false;
	length -= strlen(KERNEL_PREFIX "-" RPM_SUFFIX);
	if (!is_suse_flavour(word, length) || length >= sizeof(ret->flavour))
		return false;
	snprintf(ret->flavour, sizeof(ret->flavour), "%.*s", (int)length, word);
	ret->uname[0] = '\0';
	if (!p->version)
		return true;
	release = strrchr(p->version, '-');
	counter = release ? strrchr(release, '.') : NULL;
	return snprintf(ret->uname, sizeof(ret->uname), "%.*s-%s",
			(int)(counter ? counter - p->version : (ptrdiff_t)strlen(p->version)),
			p->version, ret->flavour) < (int)sizeof(ret->uname);
}

static const struct distro_suite leap_own[] = {
	{ "", 0, SUITE_REQUIRED, "debug/distribution/leap/$release/repo/oss", NULL },
	{ "-update", 0, SUITE_EXPECTED, "debug/update/leap/$release/oss", NULL },
	{ 0 },
};

/* From 15.3 on the kernel is SLE's. */
static const struct distro_suite leap_sle[] = {
	{ "", 0, SUITE_REQUIRED, "debug/distribution/leap/$release/repo/oss", NULL },
	{ "-update", 0, SUITE_EXPECTED, "debug/update/leap/$release/oss", NULL },
	{ "-update-sle", 0, SUITE_EXPECTED, "debug/update/leap/$release/sle", NULL },
	{ 0 },
};

static const struct distro_release leap_releases[] = {
	{ "42.3", "leap42.3", NULL, false, leap_own }, { "15.0", "leap15.0", NULL, false, leap_own },
	{ "15.1", "leap15.1", NULL, false, leap_own }, { "15.2", "leap15.2", NULL, false, leap_own },
	{ "15.3", "leap15.3", NULL, false, leap_sle }, { "15.4", "leap15.4", NULL, false, leap_sle },
	{ "15.5", "leap15.5", NULL, false, leap_sle }, { "15.6", "leap15.6", NULL, false, leap_sle },
	{ 0 },
};

static const struct distro leap = {
	.name = "opensuse-leap",
	.ops = &repo_rpmmd,
	.keyring = KEYS("opensuse", "openSUSE*") " " KEYS("suse", "SuSE-SLE-15*"),
	.arches = "x86_64 aarch64",
	.bases = { { "https://download.opensuse.org", "" } },
	.releases = leap_releases,
	.recognize = recognize_suse,
};

static const struct distro_suite sles12[] = {
	{ "", 0, SUITE_REQUIRED, "Products/SLE-SERVER/$codename/$arch/product_debug", NULL },
	{ "-update", 0, SUITE_EXPECTED, "Updates/SLE-SERVER/$codename/$arch/update_debug", NULL },
	{ 0 },
};

static const struct distro_suite sles15[] = {
	{ "", 0, SUITE_REQUIRED, "Products/SLE-Module-Basesystem/$codename/$arch/product_debug",
	  NULL },
	{ "-update", 0, SUITE_EXPECTED,
	  "Updates/SLE-Module-Basesystem/$codename/$arch/update_debug", NULL },
	{ 0 },
};

static const struct distro_release sles_releases[] = {
	{ "12.3", "12-SP3", NULL, false, sles12 }, { "12.4", "12-SP4", NULL, false, sles12 },
	{ "12.5", "12-SP5", NULL, false, sles12 }, { "15.0", "15", NULL, false, sles15 },
	{ "15.1", "15-SP1", NULL, false, sles15 }, { "15.2", "15-SP2", NULL, false, sles15 },
	{ "15.3", "15-SP3", NULL, false, sles15 }, { "15.4", "15-SP4", NULL, false, sles15 },
	{ "15.5", "15-SP5", NULL, false, sles15 }, { "15.6", "15-SP6", NULL, false, sles15 },
	{ "15.7", "15-SP7", NULL, false, sles15 }, { 0 },
};

static const struct distro sles = {
	.name = "sles",
	.ops = &repo_rpmmd,
	.keyring = KEYS("suse", "SuSE-SLE-1[25]*"),
	.arches = "x86_64 aarch64 ppc64le s390x",
	.bases = { { "https://updates.suse.com/SUSE", "" } },
	.releases = sles_releases,
	.recognize = recognize_suse,
};

/* --- all
 * ------------------------------------------------------------------------------------------ */

const struct distro *const distros[] = {
	&debian, &ubuntu, &raspbian, &kali, &fedora, &centos,    &rhel, &almalinux, &rocky,
	&oracle, &amazon, &sles,   &leap, &openeuler, NULL,
};

const struct distro *distro_find(const char *name)
{
	for (size_t i = 0; distros[i]; i++)
		if (!strcmp(distros[i]->name, name))
			return distros[i];
	return NULL;
}

const struct distro_release *distro_find_release(const struct distro *distro, const char *name)
{
	for (const struct distro_release *r = distro->releases; r->name; r++)
		if (!strcmp(r->name, name) || !strcasecmp(r->codename, name) ||
		    (r->alias && !strcasecmp(r->alias, name)))
			return r;
	return NULL;
}

bool (*distro_find_recognizer(const char *style))(const struct package_name *package,
						  struct kernel_name *ret)
{
	static const struct {
		const char *style;
		bool (*recognize)(const struct package_name *package, struct kernel_name *ret);
	} styles[] = {
		{ "debian", recognize_debian },
		{ "ubuntu", recognize_ubuntu },
		{ "rpm", recognize_rpm },
		{ "suse", recognize_suse },
	};

	for (size_t i = 0; i < ARRAY_SIZE(styles); i++)
		if (!strcmp(styles[i].style, style))
			return styles[i].recognize;
	return NULL;
}
