/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * snapshot.debian.org: every file that Debian's archives ever had, by its machine-readable
 * interface. What is asked, and what of the answers is used:
 *
 *	/mr/package/<source>/                        result[].version
 *	/mr/package/<source>/<version>/allfiles?fileinfo=1
 *	/mr/binary/<name>/<version>/binfiles?fileinfo=1
 *	    result[].{architecture, hash}, fileinfo{<hash>}[].{name, path, archive_name,
 *	    first_seen, size}
 *	/archive/<archive_name>/<first_seen><path>/<name>    the file
 *
 * <hash> is a SHA-1. Versions do not tell their release: it follows from what Debian adds
 * to them, or from the series of the kernel that a release has.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "fetcher/answer.h"
#include "fetcher/download-cache.h"
#include "fetcher/expired.h"
#include "fetcher/http.h"
#include "fetcher/package-list.h"
#include "fetcher/repo.h"

#define ANSWER_MAXIMUM ((size_t)32 << 20)
#define VERSION_SIZE   192

/* The kernel of each release, and the source packages of it: later kernels for an old
 * release have one of their own. */
static const struct {
	const char *release, *series, *sources[3];
} kernels[] = {
	{ "8", "3.16.", { "linux", "linux-4.9" } },
	{ "9", "4.9.", { "linux", "linux-4.19" } },
	{ "10", "4.19.", { "linux", "linux-5.10" } },
	{ "11", "5.10.", { "linux", "linux-6.1" } },
	{ "12", "6.1.", { "linux" } },
	{ "13", "6.12.", { "linux" } },
	{ NULL, NULL, { "linux" } }, /* in between: what only sid ever had */
};

static void answer_freep(struct answer **answer)
{
	answer_free(*answer);
}

#define AUTO_ANSWER CLEANUP(answer_freep)

/* --- files ------------------------------------------------------------------------------------------ */

static enum checksum_kind kind_of(const char *hash)
{
	return strlen(hash) == 64 ? CHECKSUM_SHA256 : CHECKSUM_SHA1;
}

/* What the answer says of a file named @name; the first that makes sense. */
static int read_file(const struct repo *repo, const struct answer_value *infos, const char *hash,
		     const char *name, struct expired_file *ret)
{
	struct checksum digest;

	if (checksum_parse(kind_of(hash), hash, &digest) < 0)
		return -ENOENT;
	for (size_t i = 0; i < answer_count(infos); i++) {
		const struct answer_value *info = answer_item(infos, i);
		const char *archive = answer_string(info, "archive_name");
		const char *seen = answer_string(info, "first_seen");
		const char *path = answer_string(info, "path");
		const char *is = answer_string(info, "name");
		AUTO_FREE char *escaped = NULL;

		if (!is || strcmp(is, name) || !answer_is_plain(is, "+-._~") ||
		    !answer_is_plain(archive, "-") || !answer_is_plain(seen, "") ||
		    !answer_is_plain(path, "/+-._~") || *path != '/')
			continue;
		escaped = expired_escape(name);
		*ret = (struct expired_file){ .digest = digest, .size = answer_number(info, "size") };
		if (!escaped || asprintf(&ret->url, "%s/archive/%s/%s%s/%s", repo->url, archive,
					 seen, path, escaped) < 0) {
			ret->url = NULL;
			return -ENOMEM;
		}
		return 0;
	}
	return -ENOENT;
}

static char *mr_url(const struct repo *repo, const char *kind, const char *name,
		    const char *version, const char *rest)
{
	AUTO_FREE char *a = expired_escape(name), *b = expired_escape(version);
	char *url;

	if (!a || !b || asprintf(&url, "%s/mr/%s/%s/%s%s", repo->url, kind, a, b, rest) < 0)
		return NULL;
	return url;
}

static const char *without_epoch(const char *version)
{
	const char *colon = strchr(version, ':');

	return colon ? colon + 1 : version;
}

static int snapshot_find(const struct repo *repo, const struct btfpack_package *package,
			 struct expired_file *ret, struct btfpack_error *err)
{
	AUTO_FREE char *url = mr_url(repo, "binary", package->name, package->version,
				     "/binfiles?fileinfo=1");
	const char *arch = arch_debian(package->kernel.arch);
	AUTO_ANSWER struct answer *answer = NULL;
	const struct answer_value *files, *infos;
	AUTO_FREE char *name = NULL;
	int error;

	if (!url || asprintf(&name, "%s_%s_%s.deb", package->name, without_epoch(package->version),
			     arch ? arch : "") < 0) {
		name = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	}
	error = answer_get(download_cache_http(repo->cache), url, ANSWER_MAXIMUM, &answer, err);
	if (error < 0)
		return error;
	files = answer_member(answer_root(answer), "result");
	infos = answer_member(answer_root(answer), "fileinfo");
	for (size_t i = 0; i < answer_count(files); i++) {
		const char *hash = answer_string(answer_item(files, i), "hash");

		error = hash ? read_file(repo, answer_member(infos, hash), hash, name, ret) : -ENOENT;
		if (error != -ENOENT)
			return error;
	}
	return btfpack_error_set(err, -ENOENT, "%s: does not tell where %s is", url, name);
}

/* --- lists ------------------------------------------------------------------------------------------ */

/* "~bpo10+1", "+deb10u3", "~deb9u1": the number after the word, of one digit or two. */
static bool has_mark(const char *version, const char *mark, const char *release)
{
	size_t length = strlen(release);
	const char *at = strstr(version, mark);

	return at && !strncmp(at + strlen(mark), release, length) &&
	       !isdigit((unsigned char)at[strlen(mark) + length]);
}

static bool is_marked(const char *version)
{
	return strstr(version, "~bpo") || strstr(version, "~deb") || strstr(version, "+deb");
}

/* Whether source @version was made for @release. */
static bool is_of(const char *version, const char *release)
{
	const char *series = NULL;

	if (is_marked(version))
		return has_mark(version, "~bpo", release) || has_mark(version, "~deb", release) ||
		       has_mark(version, "+deb", release);
	for (size_t i = 0; i < ARRAY_SIZE(kernels) - 1; i++)
		if (!strncmp(version, kernels[i].series, strlen(kernels[i].series)))
			series = kernels[i].release;
	return !strcmp(release, series ? series : "sid");
}

static int add_file(const struct repo *repo, const char *name, const char *version,
		    const char *arch, const struct expired_file *file, struct package_list *list,
		    struct btfpack_error *err)
{
	char digest[PACKAGE_DIGEST_SIZE];
	struct kernel_name kernel;

	if (!repo->distro->recognize(&(struct package_name){ .name = name }, &kernel))
		return 0;
	return package_list_add(list,
				&(struct btfpack_package){
					.kernel = {
						.distro = repo->distro->name,
						.release = repo->release->name,
						.arch = arch,
						.uname = kernel.uname,
					},
					.flavour = kernel.flavour,
					.name = name,
					.version = version,
					.suite = repo->suite,
					.url = file->url,
					.size = file->size,
					.digest = package_digest_format(&file->digest, digest),
					.is_unsigned = 1,
				},
				err);
}

/* One binary package in the answer: of several architectures. */
static int add_binary(const struct repo *repo, const struct answer_value *binary,
		      const struct answer_value *infos, const char *wanted,
		      struct package_list *list, struct btfpack_error *err)
{
	const struct answer_value *files = answer_member(binary, "files");
	const char *name = answer_string(binary, "name");
	const char *version = answer_string(binary, "version");
	struct kernel_name ignored;
	int error = 0;

	if (!answer_is_plain(name, "+-.") || !answer_is_plain(version, "+-.~:") ||
	    strlen(version) >= VERSION_SIZE ||
	    !repo->distro->recognize(&(struct package_name){ .name = name }, &ignored))
		return 0;
	for (size_t i = 0; i < answer_count(files) && !error; i++) {
		const struct answer_value *item = answer_item(files, i);
		const char *hash = answer_string(item, "hash");
		const char *arch = answer_string(item, "architecture");
		struct expired_file file = { 0 };
		char deb[2 * VERSION_SIZE + 64];

		if (!hash || !answer_is_plain(arch, "-") ||
		    (wanted && strcmp(arch_normalize(arch), wanted)))
			continue;
		snprintf(deb, sizeof(deb), "%s_%s_%s.deb", name, without_epoch(version), arch);
		error = read_file(repo, answer_member(infos, hash), hash, deb, &file);
		if (!error)
			error = add_file(repo, name, version, arch_normalize(arch), &file, list, err);
		free(file.url);
		if (error == -ENOENT)
			error = 0;
	}
	return error;
}

static int add_version(const struct repo *repo, const char *source, const char *version,
		       const char *arch, struct package_list *list, struct btfpack_error *err)
{
	AUTO_FREE char *url = mr_url(repo, "package", source, version, "/allfiles?fileinfo=1");
	AUTO_ANSWER struct answer *answer = NULL;
	const struct answer_value *binaries, *infos;
	int error;

	if (!url)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	error = answer_get(download_cache_http(repo->cache), url, ANSWER_MAXIMUM, &answer, err);
	if (error == -ENOENT)
		return 0; /* known, but nothing of it was kept */
	if (error < 0)
		return error;
	binaries = answer_member(answer_member(answer_root(answer), "result"), "binaries");
	infos = answer_member(answer_root(answer), "fileinfo");
	for (size_t i = 0; i < answer_count(binaries) && !error; i++)
		error = add_binary(repo, answer_item(binaries, i), infos, arch, list, err);
	return error;
}

static int list_source(const struct repo *repo, const char *source, const char *arch,
		       struct package_list *list, struct btfpack_error *err)
{
	AUTO_FREE char *url = mr_url(repo, "package", source, "", "");
	AUTO_ANSWER struct answer *answer = NULL;
	const struct answer_value *versions;
	int error;

	if (!url)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	error = answer_get(download_cache_http(repo->cache), url, ANSWER_MAXIMUM, &answer, err);
	if (error < 0)
		return error;
	versions = answer_member(answer_root(answer), "result");
	for (size_t i = 0; i < answer_count(versions) && !error; i++) {
		const char *version = answer_string(answer_item(versions, i), "version");

		if (answer_is_plain(version, "+-.~:") && is_of(version, repo->release->name))
			error = add_version(repo, source, version, arch, list, err);
	}
	return error;
}

static int snapshot_list(const struct repo *repo, const char *arch, struct package_list *list,
			 struct btfpack_error *err)
{
	size_t row = 0;
	int error = 0;

	while (kernels[row].release && strcmp(kernels[row].release, repo->release->name))
		row++;
	for (size_t i = 0; kernels[row].sources[i] && !error; i++) {
		error = list_source(repo, kernels[row].sources[i], arch, list, err);
		if (error == -ENOENT && i)
			error = 0; /* not every release got a later kernel */
	}
	return error;
}

const struct expired_ops expired_snapshot = {
	.name = "snapshot.debian.org",
	.base = "https://snapshot.debian.org",
	.list = snapshot_list,
	.find = snapshot_find,
};
