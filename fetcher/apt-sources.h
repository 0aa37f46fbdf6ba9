/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where this machine's apt gets its packages: /etc/apt/sources.list and
 * sources.list.d/ *.list and *.sources, with their options. A machine that has a
 * mirror near it should not be sent elsewhere.
 */
#ifndef FETCHER_APT_SOURCES_H
#define FETCHER_APT_SOURCES_H

#include <stddef.h>

#include <btfpack/error.h>

/* One combination of URI and suite of binary packages. */
struct apt_source {
	char *uri;        /* without a slash at the end */
	char *suite;      /* "bookworm-security" */
	char *components; /* with a space before and after each: " main contrib " */
	char *signed_by;  /* path, key or NULL */
};

struct apt_sources {
	struct apt_source *sources;
	size_t count, capacity;
};

/* Read them under the directory @root (NULL: "/"). Lines that make no sense are
 * passed over with a word to the log; no files at all is no error. */
int apt_sources_init(struct apt_sources *sources, const char *root, struct btfpack_error *err);
void apt_sources_deinit(struct apt_sources *sources);

/* Add what one file says; @name, for its ending and for words. */
int apt_sources_parse(struct apt_sources *sources, const char *root, const char *name,
		      const char *text, size_t size, struct btfpack_error *err);

/* The URI of a source that has @suite in the component "main" and whose keys, if
 * the source names any, are of the keyring package that installs the file @keyring
 * (compared up to the second dash: "debian-archive"). NULL: none. Lent. */
const char *apt_sources_find(const struct apt_sources *sources, const char *suite,
			     const char *keyring);

#endif
