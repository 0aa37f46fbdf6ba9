/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Launchpad: every package that Ubuntu ever published, by its web service. What is asked of
 * <base>/ubuntu/+archive/primary, and what of the answers is used:
 *
 *	?ws.op=getPublishedBinaries&binary_name=...      entries[].{binary_package_name,
 *	    binary_package_version, distro_arch_series_link, status, pocket, date_superseded,
 *	    self_link}, next_collection_link
 *	<self_link>?ws.op=binaryFileUrls&include_meta=true    [].{url, size, sha1, sha256}
 *
 * Links must lead to the service itself. A publication is deleted when its series ends,
 * and its file stays; one that was deleted and never superseded was withdrawn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"
#include "core/cleanup.h"
#include "fetcher/answer.h"
#include "fetcher/download-cache.h"
#include "fetcher/expired.h"
#include "fetcher/http.h"
#include "fetcher/package-list.h"
#include "fetcher/repo.h"

#define ANSWER_MAXIMUM ((size_t)32 << 20)
#define PAGES_MAXIMUM  1000

static void answer_freep(struct answer **answer)
{
	answer_free(*answer);
}

#define AUTO_ANSWER CLEANUP(answer_freep)

static bool leads_home(const struct repo *repo, const char *link)
{
	size_t length = strlen(repo->url);

	return link && !strncmp(link, repo->url, length) && link[length] == '/' &&
	       answer_is_plain(link, ":/?&=%+-._~");
}

static int get(const struct repo *repo, const char *url, struct answer **ret,
	       struct btfpack_error *err)
{
	if (!url)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	return answer_get(download_cache_http(repo->cache), url, ANSWER_MAXIMUM, ret, err);
}

/* --- one file --------------------------------------------------------------------------------------- */

/* Of @arch in the release's series: "<base>/ubuntu/<codename>/<arch>". */
static bool is_in_series(const struct repo *repo, const struct answer_value *entry, const char *arch)
{
	const char *link = answer_string(entry, "distro_arch_series_link");
	char tail[128];
	size_t length;

	snprintf(tail, sizeof(tail), "/ubuntu/%s/%s", repo->release->codename, arch);
	length = strlen(tail);
	return link && strlen(link) >= length && !strcmp(link + strlen(link) - length, tail);
}

/* Of a service that is asked by TLS no other answer counts. */
static bool is_as_safe(const struct repo *repo, const char *url)
{
	return !strncmp(url, "https://", 8) ||
	       (!strncmp(url, "http://", 7) && strncmp(repo->url, "https://", 8));
}

static int read_url(const struct repo *repo, const struct answer_value *item, const char *name,
		    struct expired_file *ret)
{
	const char *url = answer_string(item, "url"), *hex = answer_string(item, "sha256");

	if (!url || strcmp(http_last_part(url), name) || !answer_is_plain(url, ":/%+-._~") ||
	    !is_as_safe(repo, url))
		return -ENOENT;
	*ret = (struct expired_file){ .size = answer_number(item, "size") };
	if (!hex || checksum_parse(CHECKSUM_SHA256, hex, &ret->digest) < 0) {
		hex = answer_string(item, "sha1");
		if (!hex || checksum_parse(CHECKSUM_SHA1, hex, &ret->digest) < 0)
			return -ENOENT;
	}
	ret->url = strdup(url); /* the caller's */
	return ret->url ? 0 : -ENOMEM;
}

static int find_file(const struct repo *repo, const char *link, const char *name,
		     struct expired_file *ret, struct btfpack_error *err)
{
	AUTO_ANSWER struct answer *answer = NULL;
	AUTO_FREE char *url = NULL;
	int error;

	if (asprintf(&url, "%s?ws.op=binaryFileUrls&include_meta=true", link) < 0)
		url = NULL;
	error = get(repo, url, &answer, err);
	if (error < 0)
		return error;
	for (size_t i = 0; i < answer_count(answer_root(answer)); i++) {
		error = read_url(repo, answer_item(answer_root(answer), i), name, ret);
		if (error != -ENOENT)
			return error;
	}
	return btfpack_error_set(err, -ENOENT, "%s: does not tell where %s is", url, name);
}

static char *question(const struct repo *repo, const struct btfpack_package *package)
{
	AUTO_FREE char *name = expired_escape(package->name);
	AUTO_FREE char *version = expired_escape(package->version);
	char *url;

	if (!name || !version ||
	    asprintf(&url,
		     "%s/ubuntu/+archive/primary?ws.op=getPublishedBinaries&binary_name=%s&version=%s"
		     "&exact_match=true",
		     repo->url, name, version) < 0)
		return NULL;
	return url;
}

static int launchpad_find(const struct repo *repo, const struct btfpack_package *package,
			  struct expired_file *ret, struct btfpack_error *err)
{
	AUTO_FREE char *url = question(repo, package);
	AUTO_ANSWER struct answer *answer = NULL;
	const struct answer_value *entries;
	int error = get(repo, url, &answer, err);

	if (error < 0)
		return error;
	entries = answer_member(answer_root(answer), "entries");
	for (size_t i = 0; i < answer_count(entries); i++) {
		const struct answer_value *entry = answer_item(entries, i);
		const char *link = answer_string(entry, "self_link");

		if (!is_in_series(repo, entry, arch_debian(package->kernel.arch)))
			continue;
		if (!leads_home(repo, link))
			return btfpack_error_set(err, -EPROTO,
						 "%s: expected links to itself, found another", url);
		return find_file(repo, link, http_last_part(package->url), ret, err);
	}
	return btfpack_error_set(err, -ENOENT, "%s: does not know the package in %s", url,
				 repo->release->codename);
}

/* --- lists ------------------------------------------------------------------------------------------ */

static bool is_told(const struct answer_value *entry, const char *name, const char *value)
{
	const char *is = answer_string(entry, name);

	return is && !strcmp(is, value);
}

static bool was_withdrawn(const struct answer_value *entry)
{
	return is_told(entry, "pocket", "Proposed") ||
	       (is_told(entry, "status", "Deleted") && !answer_string(entry, "date_superseded"));
}

/* Its digest is asked for when it is downloaded. */
static int add_entry(const struct repo *repo, const struct answer_value *entry, const char *arch,
		     struct package_list *list, struct btfpack_error *err)
{
	const char *name = answer_string(entry, "binary_package_name");
	const char *version = answer_string(entry, "binary_package_version");
	AUTO_FREE char *url = NULL;
	struct kernel_name kernel;

	if (!answer_is_plain(name, "+-.") || !answer_is_plain(version, "+-.~:") ||
	    was_withdrawn(entry) || !is_in_series(repo, entry, arch) ||
	    !repo->distro->recognize(&(struct package_name){ .name = name }, &kernel))
		return 0;
	if (asprintf(&url, "%s/ubuntu/+archive/primary/+files/%s_%s_%s.ddeb", repo->url, name,
		     strchr(version, ':') ? strchr(version, ':') + 1 : version, arch) < 0) {
		url = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	}
	return package_list_add(list,
				&(struct btfpack_package){
					.kernel = {
						.distro = repo->distro->name,
						.release = repo->release->name,
						.arch = arch_normalize(arch),
						.uname = kernel.uname,
					},
					.flavour = kernel.flavour,
					.name = name,
					.version = version,
					.suite = repo->suite,
					.url = url,
					.is_unsigned = 1,
				},
				err);
}

static int list_arch(const struct repo *repo, const char *arch, struct package_list *list,
		     struct btfpack_error *err)
{
	AUTO_FREE char *url = NULL;
	int error = 0;

	if (asprintf(&url,
		     "%s/ubuntu/+archive/primary?ws.op=getPublishedBinaries&binary_name=linux-image-"
		     "&distro_arch_series=%s/ubuntu/%s/%s&ws.size=300",
		     repo->url, repo->url, repo->release->codename, arch) < 0)
		url = NULL;
	for (unsigned int page = 0; url && !error && page < PAGES_MAXIMUM; page++) {
		AUTO_ANSWER struct answer *answer = NULL;
		const struct answer_value *entries;
		const char *next;

		error = get(repo, url, &answer, err);
		if (error < 0)
			return error;
		entries = answer_member(answer_root(answer), "entries");
		for (size_t i = 0; i < answer_count(entries) && !error; i++)
			error = add_entry(repo, answer_item(entries, i), arch, list, err);
		next = answer_string(answer_root(answer), "next_collection_link");
		if (next && !leads_home(repo, next))
			error = btfpack_error_set(err, -EPROTO,
						  "%s: expected links to itself, found another", url);
		free(steal_ptr(url));
		url = next && !error ? strdup(next) : NULL;
		if (!next)
			return error;
	}
	return error < 0 ? error
			 : btfpack_error_set(err, url ? -EFBIG : -ENOMEM,
					     "%s: more than %d pages of packages, or no memory",
					     repo->url, PAGES_MAXIMUM);
}

static int launchpad_list(const struct repo *repo, const char *arch, struct package_list *list,
			  struct btfpack_error *err)
{
	static const char *const arches[] = { "amd64", "arm64", "i386", "armhf", "ppc64el",
					      "s390x" };
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(arches) && !error; i++) {
		if (arch && strcmp(arch_normalize(arches[i]), arch))
			continue;
		error = list_arch(repo, arches[i], list, err);
		if (error == -ENOENT) /* a series without that architecture */
			error = 0;
	}
	return error;
}

const struct expired_ops expired_launchpad = {
	.name = "Launchpad",
	.base = "https://api.launchpad.net/devel",
	.list = launchpad_list,
	.find = launchpad_find,
};
