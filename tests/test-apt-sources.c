/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's mirror, out of every form apt's sources may have. */
#include <stdio.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/apt-sources.h"
#include "tests/test.h"

#define KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

static void finds_by_suite(void)
{
	static const struct {
		const char *name, *text, *suite, *uri;
	} cases[] = {
		{ "a.list", "deb http://a/debian bookworm main\n", "bookworm", "http://a/debian" },
		{ "a.list", "deb http://a/debian bookworm main", "bookworm", "http://a/debian" },
		{ "a.list", "deb\thttp://a/debian/\tbookworm   contrib main\r\n", "bookworm",
		  "http://a/debian" },
		{ "a.list", "# deb http://a/debian bookworm main\n", "bookworm", NULL },
		{ "a.list", "deb-src http://a/debian bookworm main\n", "bookworm", NULL },
		{ "a.list", "deb http://a/debian bookworm contrib\n", "bookworm", NULL },
		{ "a.list", "deb http://a/debian bookworm main\n", "trixie", NULL },
		{ "a.list", "deb cdrom:[Debian] bookworm main\n", "bookworm", NULL },
		{ "a.list", "deb [ arch=amd64 trusted=yes ] http://a/d bookworm main # x\n",
		  "bookworm", "http://a/d" },
		{ "a.list", "deb [arch=amd64 http://a/d bookworm main\n", "bookworm", NULL },
		{ "a.list",
		  "deb [signed-by=/usr/share/keyrings/docker.gpg] http://docker bookworm main\n"
		  "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://a/d "
		  "bookworm main\n",
		  "bookworm", "http://a/d" },
		{ "a.list", "deb\n[\ndeb [\ndeb []\ndeb [] \ndeb x\ndeb http://x\n", "bookworm",
		  NULL },
		{ "a.sources",
		  "Types: deb deb-src\nURIs: http://a/debian http://b/debian\n"
		  "Suites: bookworm bookworm-updates\nComponents: main\n",
		  "bookworm-updates", "http://a/debian" },
		{ "a.sources",
		  "Types: deb\nURIs:\n http://a/debian/\n# a comment\nSuites:\n bookworm\n trixie\n"
		  "Components: contrib\n main\nSigned-By: " KEYRING "\n",
		  "trixie", "http://a/debian" },
		{ "a.sources",
		  "Types: deb\nURIs: http://a/x\nSuites: bookworm\nComponents: main\nEnabled: no\n"
		  "\nTypes: deb\nURIs: http://b/x\nSuites: bookworm\nComponents: main\n",
		  "bookworm", "http://b/x" },
		{ "a.sources",
		  "Types: deb\nURIs: http://a/x\nSuites: bookworm\nComponents: main\nSigned-By:\n"
		  " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEY865UxYJ\n",
		  "bookworm", NULL },
		{ "a.sources", "Types: deb\nno field here\n", "bookworm", NULL },
		{ "a.sources", "", "bookworm", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct apt_sources sources = { 0 };
		const char *uri;

		CHECK_INT(apt_sources_parse(&sources, NULL, cases[i].name, cases[i].text,
					    strlen(cases[i].text), NULL),
			  0);
		uri = apt_sources_find(&sources, cases[i].suite, KEYRING);
		if (cases[i].uri)
			CHECK_STRING(uri, cases[i].uri);
		else
			CHECK(!uri);
		if (test_failed)
			printf("# in case %zu\n", i);
		apt_sources_deinit(&sources);
	}
}

static void write_file(const char *root, const char *path, const char *text)
{
	AUTO_FREE char *full = NULL, *dir = NULL;

	REQUIRE(asprintf(&full, "%s/%s", root, path) > 0 && (dir = strdup(full)));
	*strrchr(dir, '/') = '\0';
	REQUIRE(fs_make_dirs(dir, NULL) == 0);
	REQUIRE(fs_write(full, text, strlen(text), NULL) == 0);
}

static void reads_a_root(void)
{
	char root[] = "/tmp/btfpack-test.XXXXXX";
	struct apt_sources sources;
	char command[64];

	REQUIRE(mkdtemp(root));
	CHECK_INT(apt_sources_init(&sources, root, NULL), 0);
	CHECK_INT(sources.count, 0);
	write_file(root, "etc/apt/sources.list", "deb http://first/debian bookworm main\n");
	write_file(root, "etc/apt/sources.list.d/b.sources",
		   "Types: deb\nURIs: mirror+file:/etc/apt/mirrors/m.list\nSuites: trixie\n"
		   "Components: main\n");
	write_file(root, "etc/apt/sources.list.d/c.list.disabled",
		   "deb http://no/debian sid main\n");
	write_file(root, "etc/apt/mirrors/m.list", "# ours\nhttps://listed/debian/ priority:1\n");
	CHECK_INT(apt_sources_init(&sources, root, NULL), 0);
	CHECK_STRING(apt_sources_find(&sources, "bookworm", KEYRING), "http://first/debian");
	CHECK_STRING(apt_sources_find(&sources, "trixie", KEYRING), "https://listed/debian");
	CHECK(!apt_sources_find(&sources, "sid", KEYRING));
	apt_sources_deinit(&sources);
	snprintf(command, sizeof(command), "rm -rf %s", root);
	CHECK_INT(system(command), 0);
}

TEST_MAIN({ "finds a mirror by suite", finds_by_suite }, { "reads a root directory", reads_a_root })
