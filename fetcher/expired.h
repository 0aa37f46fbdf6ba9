/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packages that a distribution's archive does not have any more, or not where its index
 * says: services that keep everything, snapshot.debian.org and Launchpad.
 *
 * What a signed index names is verified by the digest in it, wherever it came from. What
 * only the service knows of is vouched for by the service's answers alone, which nobody
 * signed: SHA-1 or SHA-256, over TLS.
 */
#ifndef FETCHER_EXPIRED_H
#define FETCHER_EXPIRED_H

#include <btfpack/error.h>
#include <btfpack/fetch.h>

#include "core/digest.h"

struct download_cache;
struct package_list;
struct repo;

/* Where a service keeps a package, as it says. */
struct expired_file {
	char *url;              /* to be free()d */
	struct checksum digest; /* kind CHECKSUM_NONE: not told */
	uint64_t size;          /* bytes; 0: not told */
};

struct expired_ops {
	const char *name; /* for sentences: "snapshot.debian.org" */
	const char *base; /* its base URL */

	/* Add what the service has of @repo's release and @arch (NULL: any) to @list;
	 * @repo's URL is that of the service. */
	int (*list)(const struct repo *repo, const char *arch, struct package_list *list,
		    struct btfpack_error *err);

	/* -ENOENT: the service does not have it. */
	int (*find)(const struct repo *repo, const struct btfpack_package *package,
		    struct expired_file *ret, struct btfpack_error *err);
};

extern const struct expired_ops expired_snapshot, expired_launchpad;

/* As download_cache_get(), by what @ops finds for @package. Its answer is kept as a note, so
 * that a download goes on, and ends, under the name it began with. */
int expired_download(const struct expired_ops *ops, const struct repo *repo,
		     const struct btfpack_package *package, char **path_ret,
		     struct btfpack_error *err);

/* Forget what expired_download() put into the cache. */
int expired_drop(const struct repo *repo, const struct btfpack_package *package,
		 struct btfpack_error *err);

/* @text with what means something in a URL as %XX. free() it; NULL when out of memory. */
char *expired_escape(const char *text);

#endif
