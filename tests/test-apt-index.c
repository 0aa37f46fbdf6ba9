/* SPDX-License-Identifier: BSD-2-Clause */
/* Release and Packages files, whole and hostile, cut at every byte. */
#include <stdio.h>

#include "core/buf.h"
#include "fetcher/apt-packages.h"
#include "fetcher/apt-release.h"
#include "tests/test.h"

#define DIGEST "8185a31dad942e3e9ec627d824cfdb67daeb96180b4c830f94ca12bccee97493"

/* --- Packages ----------------------------------------------------------------------------------- */

static bool want_linux(void *arg, const char *name)
{
	(void)arg;
	return !strncmp(name, "linux-", 6);
}

static int note_package(void *arg, const struct apt_package *p, struct btfpack_error *err)
{
	(void)err;
	return buf_add_format(arg, "%s %s %s %llu %.4s|", p->name, p->version, p->filename,
			      (unsigned long long)p->size, p->sha256);
}

static const struct apt_packages_ops note_ops = { want_linux, note_package };

/* Feed @text in two pieces, cut at @cut; gives the code, what was found in @found. */
static int feed(const char *text, size_t cut, struct buf *found, struct btfpack_error *err)
{
	struct apt_packages packages;
	size_t size = strlen(text);
	int error = apt_packages_init(&packages, &note_ops, found, "Packages", err);

	cut = cut < size ? cut : size;
	if (!error)
		error = apt_packages_feed(&packages, text, cut, err);
	if (!error)
		error = apt_packages_feed(&packages, text + cut, size - cut, err);
	if (!error)
		error = apt_packages_finish(&packages, err);
	apt_packages_deinit(&packages);
	return error;
}

static void reads_packages_cut_anywhere(void)
{
	static const char text[] =
		"Package: other\nVersion: ../../etc\n\n\n"
		"Package: linux-a\nDescription: two\n lines: of text\nVersion: 6.1-1\n"
		"Filename: pool/a.deb\nsize: 10\nSHA256: " DIGEST "\n\n"
		"Version: 2\nFilename: pool/b+1.deb\nSize: 17179869184\nSHA256: " DIGEST
		"\nPackage: linux-b";

	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct buf found = BUF_INIT(4096);
		struct btfpack_error err;

		CHECK_INT(feed(text, cut, &found, &err), 0);
		CHECK_STRING(buf_string(&found), "linux-a 6.1-1 pool/a.deb 10 8185|"
						 "linux-b 2 pool/b+1.deb 17179869184 8185|");
		buf_deinit(&found);
	}
}

static void refuses_packages(void)
{
	static const struct {
		const char *version, *filename, *size, *digest;
		int error;
		const char *says;
	} cases[] = {
		{ "1", "a.deb", "0", DIGEST, -EFBIG, "Size" },
		{ "1", "a.deb", "17179869185", DIGEST, -EFBIG, "17179869185" },
		{ "1", "a.deb", "18446744073709551616", DIGEST, -EFBIG, "Size" },
		{ "1", "a.deb", "99999999999999999999999999", DIGEST, -EFBIG, "Size" },
		{ "1", "a.deb", "-1", DIGEST, -EFBIG, "'-1'" },
		{ "1", "a.deb", "1e3", DIGEST, -EBADMSG, "'1e3'" },
		{ "1", "a.deb", "", DIGEST, -EBADMSG, "Size" },
		{ "1", "/etc/passwd", "1", DIGEST, -EBADMSG, "/etc/passwd" },
		{ "1", "pool/../../x", "1", DIGEST, -EBADMSG, "within the archive" },
		{ "1", "..", "1", DIGEST, -EBADMSG, "within the archive" },
		{ "1", "pool/a b", "1", DIGEST, -EBADMSG, "Filename" },
		{ "1", "", "1", DIGEST, -EBADMSG, "Filename" },
		{ "1/2", "a", "1", DIGEST, -EBADMSG, "Version" },
		{ "1\033[2J", "a", "1", DIGEST, -EBADMSG, "'1?[2J'" },
		{ "", "a", "1", DIGEST, -EBADMSG, "Version" },
		{ "1", "a", "1", "8185", -EBADMSG, "64 hex digits" },
		{ "1", "a", "1", "", -EBADMSG, "SHA256" },
		{ "1", "a", "1", DIGEST "00", -EBADMSG, "SHA256" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = BUF_INIT(4096), found = BUF_INIT(4096);
		struct btfpack_error err = { 0 };

		buf_add_format(&text,
			       "Package: linux-x\nVersion: %s\nFilename: %s\nSize: %s\n"
			       "SHA256: %s\n",
			       cases[i].version, cases[i].filename, cases[i].size, cases[i].digest);
		CHECK_INT(feed(buf_string(&text), 9, &found, &err), cases[i].error);
		CHECK_CONTAINS(err.message, cases[i].says);
		CHECK_CONTAINS(err.message, "linux-x");
		CHECK_INT(found.size, 0);
		buf_deinit(&text);
		buf_deinit(&found);
	}
}

static void refuses_endless_lines(void)
{
	static char text[(1 << 20) + 2];
	struct buf found = BUF_INIT(4096);
	struct btfpack_error err = { 0 };

	memset(text, 'x', sizeof(text) - 1);
	CHECK_INT(feed(text, 4096, &found, &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "line");
	buf_deinit(&found);
}

/* --- Release ------------------------------------------------------------------------------------- */

static int parse(struct apt_release *release, const char *text, struct btfpack_error *err)
{
	return apt_release_init(release, "InRelease", text, strlen(text), err);
}

static void reads_release(void)
{
	struct btfpack_error err = { 0 };
	struct apt_release release;
	const struct apt_index *index;

	REQUIRE(parse(&release,
		      "Origin: Debian\nSuite: oldstable-security\nCodename: bookworm-security\n"
		      "Valid-Until: Wed, 25 Nov 2026 22:17:41 UTC\nAcquire-By-Hash: yes\n"
		      "Architectures: amd64 arm64\nMD5Sum:\n 0ed6 1 main/binary-amd64/Packages\n"
		      "SHA256:\n " DIGEST "  12 main/binary-amd64/Packages.xz\n"
		      " " DIGEST " 0 contrib/Contents-all\n",
		      &err) == 0);
	CHECK_STRING(release.codename, "bookworm-security");
	CHECK_STRING(release.architectures, "amd64 arm64");
	CHECK(release.by_hash);
	CHECK_INT(release.count, 1);
	index = apt_release_find(&release, "main/binary-amd64/Packages.xz");
	REQUIRE(index);
	CHECK_INT(index->size, 12);
	CHECK(!apt_release_find(&release, "main/binary-amd64/Packages"));
	CHECK_INT(apt_release_is_expired(&release, 1795645061, "x", &err), 0);
	CHECK_INT(apt_release_is_expired(&release, 1795645062, "x", &err), 1);
	apt_release_deinit(&release);
}

static void refuses_releases(void)
{
	static const char *const texts[] = {
		"SHA256:\n " DIGEST "\n",
		"SHA256:\n " DIGEST " x main/binary-amd64/Packages\n",
		"SHA256:\n 8185 1 main/binary-amd64/Packages\n",
		("Codename: "
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"),
		"no field\n",
	};
	struct btfpack_error err = { 0 };
	struct apt_release release;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK_INT(parse(&release, texts[i], &err), -EBADMSG);
	REQUIRE(parse(&release, "Valid-Until: tomorrow\n", &err) == 0);
	CHECK_INT(apt_release_is_expired(&release, 0, "x", &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "tomorrow");
	apt_release_deinit(&release);
}

TEST_MAIN({ "reads Packages cut anywhere", reads_packages_cut_anywhere },
	  { "refuses bad packages", refuses_packages },
	  { "refuses endless lines", refuses_endless_lines }, { "reads Release", reads_release },
	  { "refuses bad Release files", refuses_releases })
