/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the commands that use a fetcher (list, fetch, build) share: its options,
 * its progress line, its end on SIGINT. In their option table FETCHING_OPTIONS
 * follow the filter's, and their own begin at FETCHING_END.
 */
#ifndef CLI_FETCHING_H
#define CLI_FETCHING_H

#include <stdbool.h>

#include <btfpack/archive.h>
#include <btfpack/fetch.h>

#include "cli/filter.h"
#include "cli/output.h"

enum fetching_option {
	FETCHING_MIRROR = FILTER_END,
	FETCHING_SECURITY_MIRROR,
	FETCHING_KEYRING,
	FETCHING_CACHE,
	FETCHING_ROOT,
	FETCHING_RETRIES,
	FETCHING_ALLOW_UNSIGNED,
	FETCHING_CLIENT_CERT,
	FETCHING_CLIENT_KEY,
	FETCHING_CA_FILE,
	FETCHING_FALLBACK,
	FETCHING_AT,
	FETCHING_EXPIRED,
	FETCHING_DISTROS,
	FETCHING_END,
};

#define FETCHING_OPTIONS                                                                    \
	{ 0, "mirror", "URL", "base of the archive; default: that of this machine's apt" }, \
		{ 0, "security-mirror", "URL", "base of the security archive" },            \
		{ 0, "keyring", "FILE", "keys that may sign index and packages" },          \
		{ 0, "cache", "DIR", "for downloads; default: ~/.cache/btfpack" },          \
		{ 0, "root", "DIR", "find apt's sources and keyring under DIR" },           \
		{ 0, "retries", "N", "try N times more when the network fails; default: 4" },  \
		{ 0, "allow-unsigned", NULL, "use what nobody signed" },                    \
		{ 0, "client-cert", "FILE", "certificate to show to the server (RHEL)" },   \
		{ 0, "client-key", "FILE", "its private key" },                             \
		{ 0, "ca-file", "FILE", "who vouches for the server; default: the system's" }, \
		{ 0, "fallback", "URL", "who has what the mirror lacks: Debian's snapshot, Launchpad" }, \
		{ 0, "at", "DAY", "Debian's archive as it was: 20240131" },                 \
		{ 0, "expired", NULL, "also what only the fallback has; not signed" },       \
	{                                                                                   \
		0, "distros", "FILE", "more distributions; default: ~/.config/btfpack/distros.d" \
	}

struct fetching {
	struct filter filter;
	struct btfpack_fetch_opts opts;
	const char *cache; /* NULL: the default */
	bool expired;
};

/* As filter_take(), for the filter's options and these. */
int fetching_take(const struct cmd *cmd, struct fetching *fetching, int option, const char *value);

/* Open the fetcher, with a progress line, and list what the filter leaves. From
 * here on SIGINT and SIGTERM cancel instead of killing. */
int fetching_open(const struct fetching *fetching, struct btfpack_fetcher **fetcher_ret,
		  struct btfpack_package_iter **list_ret, struct btfpack_error *err);

/* Their parts, for commands that download by other ways. ~/.cache/btfpack or what stands
 * for it, to be freed; NULL when nobody knows. */
char *fetching_default_cache(void);
void fetching_catch_signals(void);
int fetching_show_progress(const struct btfpack_fetch_progress *progress, void *arg);

/* One more fetcher, for a thread of its own, with a callback of its own. */
int fetching_new(const struct fetching *fetching, btfpack_fetch_progress_fn progress, void *arg,
		 struct btfpack_fetcher **ret, struct btfpack_error *err);

/* Whether SIGINT or SIGTERM came. */
bool fetching_is_canceled(void);

/* The package as JSON; the caller owns it. */
json_t *fetching_package(const struct btfpack_package *package);

/* What of the package is kept with its BTF; borrows its strings. */
struct btfpack_provenance fetching_provenance(const struct btfpack_package *package);

/* Whether a BTF made of the package is in @archive (NULL: there is none). 1, 0, or an
 * error. */
int fetching_is_held(struct btfpack_archive *archive, const struct btfpack_package *package,
		     struct btfpack_error *err);

/* Say that nothing matched; returns CMD_NO. */
int fetching_none(const struct fetching *fetching);

#endif
