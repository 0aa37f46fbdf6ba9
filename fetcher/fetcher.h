/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of a struct btfpack_fetcher: fetch.c opens it and downloads, fetch-list.c lists.
 */
#ifndef FETCHER_FETCHER_H
#define FETCHER_FETCHER_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/fetch.h>

#include "fetcher/apt-sources.h"
#include "fetcher/distro-file.h"
#include "fetcher/keyring.h"
#include "fetcher/repo.h"

struct download_cache;
struct http;

struct btfpack_fetcher {
	char *mirrors[DISTRO_BASES]; /* NULL: not given */
	char *keyring, *root;        /* NULL: not given */
	char *fallback, *at;         /* NULL: not given */
	int64_t now;                 /* seconds since 1970, or the moment that @at is */
	bool allow_unsigned;
	bool fallback_is_down;      /* it could not be reached, and is not asked again */
	struct distro_file distros; /* the user's */
	struct apt_sources sources;
	struct http *http;
	struct download_cache *cache;
	btfpack_fetch_progress_fn progress;
	void *progress_arg;
};

/* The base URL of a suite of @release with this @base. */
char *fetcher_choose_base(const struct btfpack_fetcher *f, const struct distro *distro,
			  const struct distro_release *release, unsigned int base);

/* The base URL, and where the suite is below it. */
char *fetcher_choose_url(const char *base, const struct distro_release *release,
			 const struct distro_suite *suite);

/* Without a name: there is no place where it would be. */
int fetcher_choose_keyring(const struct btfpack_fetcher *f, const struct distro *distro,
			   const struct distro_release *release, struct keyring *ret);

/* Of the service that keeps what the archive dropped; NULL: none. */
const char *fetcher_fallback_base(const struct btfpack_fetcher *f, const struct distro *distro);

/* That service as a repository. False: none. */
bool fetcher_fallback_repo(const struct btfpack_fetcher *f, const struct distro *distro,
			   const struct distro_release *release, struct repo *ret);

/* The user's own come first. NULL: none, and @err tells which there are. */
const struct distro *fetcher_find_distro(const struct btfpack_fetcher *f, const char *name,
					 struct btfpack_error *err);

#endif
