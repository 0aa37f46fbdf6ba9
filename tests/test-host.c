/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is this machine: os-release texts, ELF notes and roots as they are met. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "runtime-loader/host.h"
#include "tests/test.h"

static void reads_os_release(void)
{
	static const struct {
		const char *text, *distro, *release;
	} rows[] = {
		{ "ID=debian\nVERSION_ID=\"12\"\n", "debian", "12" },
		{ "NAME=\"CentOS Linux\"\nID=\"centos\"\nVERSION_ID=\"7\"\n", "centos", "7" },
		{ "ID='ubuntu'\nVERSION_ID='18.04'", "ubuntu", "18.04" },
		{ "ID=fedora\r\nVERSION_ID=31\r\n", "fedora", "31" },
		{ "  ID=ol\n\n# ID=comment\nVERSION_ID=\"7.9\"  \n", "ol", "7.9" },
		{ "ID=openEuler\nVERSION_ID=\"20.03\"\n", "openEuler", "20.03" },
		{ "ID=debian\nVERSION_CODENAME=forky\n", "debian", "forky" },
		{ "VERSION_CODENAME=jammy\nVERSION_ID=\"22.04\"\nID=ubuntu\n", "ubuntu", "22.04" },
		{ "ID_LIKE=debian\nMYID=x\nVARIANT_ID=y\n", "", "" },
		{ "ID=first\nID=second\n", "second", "" },
		{ "ID=\"a\\\"b\"\n", "a\"b", "" },
		{ "ID=\"unclosed\nVERSION_ID=12\n", "", "12" },
		{ "ID=\"has space\"\nVERSION_ID=1/2\n", "", "" },
		{ "ID=\nVERSION_ID=\"\"\n", "", "" },
		{ "", "", "" },
		{ "ID", "", "" },
		{ "ID=\"", "", "" },
		{ "ID=\"x\\", "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct btfpack_host host = { .distro = "old", .release = "old" };

		host_parse_os_release(rows[i].text, strlen(rows[i].text), &host);
		CHECK_STRING(host.distro, rows[i].distro);
		CHECK_STRING(host.release, rows[i].release);
	}
}

static void drops_what_is_too_long(void)
{
	struct btfpack_host host;
	char text[512];

	memset(text, 'x', sizeof(text));
	memcpy(text, "ID=", 3);
	host_parse_os_release(text, sizeof(text), &host);
	CHECK_STRING(host.distro, "");
}

#define LE32(x) (x), 0, 0, 0
#define BE32(x) 0, 0, 0, (x)

static void reads_notes(void)
{
	static const uint8_t little[] = {
		LE32(6), LE32(1), LE32(1), 'X', 'e', 'n', 'X', 'e', 0, 0, 0, 9, 0, 0, 0,
		LE32(4), LE32(4), LE32(3), 'G', 'N', 'U', 0, 0xde, 0xad, 0xbe, 0xef,
	};
	static const uint8_t big[] = {
		BE32(4), BE32(2), BE32(1), 'G', 'N', 'U', 0, 1, 2, 0, 0,
		BE32(4), BE32(5), BE32(3), 'G', 'N', 'U', 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0, 0, 0,
	};
	struct btfpack_host host;

	host_parse_notes(little, sizeof(little), &host);
	CHECK_STRING(host.build_id, "deadbeef");
	host_parse_notes(big, sizeof(big), &host);
	CHECK_STRING(host.build_id, "123456789a");
	/* The last note's padding may be missing; its bytes may not. */
	host_parse_notes(big, sizeof(big) - 3, &host);
	CHECK_STRING(host.build_id, "123456789a");
	for (size_t size = 0; size < sizeof(big) - 3; size++) {
		uint8_t *exact = malloc(size + 1);

		memcpy(exact, big, size);
		host_parse_notes(exact, size, &host);
		CHECK_STRING(host.build_id, "");
		free(exact);
	}
}

static void ignores_odd_notes(void)
{
	static const uint8_t huge[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
					3,    0,    0,	  0,	'G',  'N',  'U',  0 };
	static const uint8_t empty[] = { LE32(4), LE32(0), LE32(3), 'G', 'N', 'U', 0 };
	uint8_t long_id[16 + 64] = { LE32(4), LE32(64), LE32(3), 'G', 'N', 'U', 0 };
	struct btfpack_host host;

	host_parse_notes(huge, sizeof(huge), &host);
	CHECK_STRING(host.build_id, "");
	host_parse_notes(empty, sizeof(empty), &host);
	CHECK_STRING(host.build_id, "");
	host_parse_notes(long_id, sizeof(long_id), &host);
	CHECK_STRING(host.build_id, "");
}

static char root[] = "/tmp/btfpack-test-host.XXXXXX";

static void put(const char *path, const void *data, size_t size)
{
	char whole[256], *slash;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	slash = strrchr(whole, '/');
	*slash = '\0';
	REQUIRE(fs_make_dirs(whole, NULL) == 0);
	*slash = '/';
	REQUIRE(fs_write(whole, data, size, NULL) == 0);
}

static void put_text(const char *path, const char *text)
{
	put(path, text, strlen(text));
}

static void detects_below_a_root(void)
{
	static const uint8_t notes[] = { LE32(4), LE32(4), LE32(3), 'G', 'N', 'U', 0, 1, 2, 3, 4 };
	struct btfpack_error err = { 0 };
	struct btfpack_host host;
	char link[256];

	REQUIRE(mkdtemp(root));
	put_text("usr/lib/os-release", "ID=sles\nVERSION_ID=\"15.1\"\n");
	put_text("proc/sys/kernel/osrelease", "4.12.14-197.7-default\n");
	put_text("proc/sys/kernel/arch", "s390x\n");
	put("sys/kernel/notes", notes, sizeof(notes));
	CHECK_INT(btfpack_host_detect(root, &host, &err), 0);
	CHECK_STRING(host.distro, "sles");
	CHECK_STRING(host.release, "15.1");
	CHECK_STRING(host.arch, "s390x");
	CHECK_STRING(host.uname, "4.12.14-197.7-default");
	CHECK_STRING(host.build_id, "01020304");

	/* An absolute link is the root's, not this machine's. */
	put_text("somewhere/os-release", "ID=fedora\nVERSION_ID=31\n");
	snprintf(link, sizeof(link), "%s/etc", root);
	REQUIRE(fs_make_dirs(link, NULL) == 0);
	snprintf(link, sizeof(link), "%s/etc/os-release", root);
	REQUIRE(symlink("/somewhere/os-release", link) == 0);
	CHECK_INT(btfpack_host_detect(root, &host, &err), 0);
	CHECK_STRING(host.distro, "fedora");

	/* In a container with the host's files at /host, those count. */
	put_text("host/etc/os-release", "ID=\"rhel\"\nVERSION_ID=\"7.9\"\n");
	CHECK_INT(btfpack_host_detect(root, &host, &err), 0);
	CHECK_STRING(host.distro, "rhel");
	CHECK_STRING(host.release, "7.9");
}

static void survives_odd_files(void)
{
	struct btfpack_host host;
	char path[256];

	snprintf(path, sizeof(path), "%s/host/etc/os-release", root);
	REQUIRE(unlink(path) == 0);
	REQUIRE(mkfifo(path, 0600) == 0); /* would block a careless reader */
	CHECK_INT(btfpack_host_detect(root, &host, NULL), 0);
	CHECK_STRING(host.distro, "fedora");
	CHECK_INT(btfpack_host_detect("/nonexistent", &host, NULL), 0);
	CHECK_STRING(host.distro, "");
	CHECK(host.uname[0]);
	snprintf(path, sizeof(path), "rm -rf %s", root);
	CHECK(system(path) == 0);
}

TEST_MAIN({ "reads os-release however it is quoted", reads_os_release },
	  { "drops a value that is too long", drops_what_is_too_long },
	  { "reads the build-id from notes of either byte order", reads_notes },
	  { "ignores notes of impossible sizes", ignores_odd_notes },
	  { "detects a host below a root, with its links and /host", detects_below_a_root },
	  { "survives pipes and missing files", survives_odd_files })
