/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Directories of rpm files that have no index but the web server's listing. Nothing
 * tells a digest or a size there: only the packages' own signatures vouch for them.
 */
#include <stdio.h>
#include <string.h>

#include "core/arch.h"
#include "core/cleanup.h"
#include "fetcher/download-cache.h"
#include "fetcher/html-links.h"
#include "fetcher/http.h"
#include "fetcher/keyring.h"
#include "fetcher/repo.h"
#include "fetcher/version.h"

#define LISTING_MAXIMUM ((size_t)64 << 20) /* Oracle's has 5 MB */

struct listing {
	const struct repo *repo;
	const char *url;
	const char *arch; /* uname -m; NULL: any */
	struct package_list *list;
};

/* <name>-<version>-<release>.<arch>.rpm, cut up in place. Versions begin where the second
 * dash from the right is. */
static bool split_name(char *file, struct package_name *ret)
{
	char *suffix = strrchr(file, '.'), *arch, *release, *version;

	if (!suffix || strcmp(suffix, ".rpm"))
		return false;
	*suffix = '\0';
	arch = strrchr(file, '.');
	release = arch ? strrchr(file, '-') : NULL;
	if (!release || release > arch || release == file)
		return false;
	*arch = '\0';
	for (version = release - 1; version > file && *version != '-'; version--)
		;
	if (version == file || version + 1 == release || release[1] == '\0' || !arch[1])
		return false;
	*version = '\0';
	*ret = (struct package_name){ .name = file, .version = version + 1, .arch = arch + 1 };
	return true;
}

static int add_package(const struct listing *l, const char *file, const struct package_name *name,
		       const struct kernel_name *kernel, struct btfpack_error *err)
{
	AUTO_FREE char *url = NULL;

	if (asprintf(&url, "%s/%s", l->url, file) < 0) {
		url = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", l->url);
	}
	return package_list_add(l->list,
				&(struct btfpack_package){
					.kernel = {
						.distro = l->repo->distro->name,
						.release = l->repo->release->name,
						.arch = arch_normalize(name->arch),
						.uname = kernel->uname,
					},
					.flavour = kernel->flavour,
					.name = name->name,
					.version = name->version,
					.suite = l->repo->suite,
					.url = url,
					.needs_signature = 1,
					.is_unsigned = l->repo->allow_unsigned,
				},
				err);
}

static int found(void *arg, const char *file, struct btfpack_error *err)
{
	const struct listing *l = arg;
	char copy[HTML_NAME_SIZE];
	struct package_name name;
	struct kernel_name kernel;

	snprintf(copy, sizeof(copy), "%s", file);
	if (!split_name(copy, &name) || !l->repo->distro->recognize(&name, &kernel))
		return 0;
	if (l->arch && strcmp(arch_normalize(name.arch), l->arch))
		return 0;
	return add_package(l, file, &name, &kernel, err);
}

static int list_one(const struct repo *repo, const char *url, const char *arch,
		    struct package_list *list, struct btfpack_error *err)
{
	struct listing listing = { repo, url, arch, list };
	AUTO_BLOB struct btfpack_blob html = { 0 };
	AUTO_FREE char *directory = NULL;
	int error;

	if (asprintf(&directory, "%s/", url) < 0) {
		directory = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", url);
	}
	if (!repo->keyring && !repo->allow_unsigned)
		return btfpack_error_set(err, -ENOKEY,
					 "%s: nothing vouches for what a directory lists but the "
					 "packages' signatures: --keyring names the keys, "
					 "--allow-unsigned does without",
					 directory);
	if (!repo->allow_unsigned && keyring_check(repo->keyring, directory, err) < 0)
		return err->code;
	error = http_get_blob(download_cache_http(repo->cache), directory, LISTING_MAXIMUM, &html,
			      err);
	return error < 0 ? error : html_links(html.data, html.size, found, &listing, err);
}

static int html_list(const struct repo *repo, const char *arch, struct package_list *list,
		     struct btfpack_error *err)
{
	return repo_list_arches(repo, arch, list, list_one, err);
}

const struct repo_ops repo_html = {
	.name = "html",
	.list = html_list,
	.compare = version_compare_rpm,
};
