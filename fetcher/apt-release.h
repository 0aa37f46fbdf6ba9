/* SPDX-License-Identifier: BSD-2-Clause */
/* Release files: what a suite is, until when, and the digests of its indexes. */
#ifndef FETCHER_APT_RELEASE_H
#define FETCHER_APT_RELEASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/* A form in which an index is offered. */
struct apt_index {
	char *path; /* from the suite's directory: "main/binary-amd64/Packages.xz" */
	struct btfpack_id digest;
	uint64_t size; /* bytes */
};

struct apt_release {
	char suite[64], codename[64]; /* empty when not given */
	char valid_until[64];
	char architectures[512]; /* Debian's names, with spaces between */
	bool by_hash;
	bool is_signed;            /* set by who verified it */
	struct apt_index *indexes; /* Packages of binaries only */
	size_t count, capacity;
};

/* Parse the text of a Release file, its signature already verified. -EBADMSG. */
int apt_release_init(struct apt_release *release, const char *what, const void *text, size_t size,
		     struct btfpack_error *err);
void apt_release_deinit(struct apt_release *release);

/* The index at @path, or NULL. */
const struct apt_index *apt_release_find(const struct apt_release *release, const char *path);

/* Whether it is past its Valid-Until at @now (seconds since 1970). Without one it is
 * valid for ever. -EBADMSG for a date that cannot be read; else 0 or 1. */
int apt_release_is_expired(const struct apt_release *release, int64_t now, const char *what,
			   struct btfpack_error *err);

#endif
