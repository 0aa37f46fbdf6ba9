/* SPDX-License-Identifier: BSD-2-Clause */
/* Packages files, read as they are decompressed: the few stanzas that matter out of
 * the tens of thousands in one. */
#ifndef FETCHER_APT_PACKAGES_H
#define FETCHER_APT_PACKAGES_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/error.h>

#include "core/digest.h"
#include "fetcher/deb822.h"

/* One stanza; every field is there and was checked: the names hold no character
 * that means something to a shell, a path or a terminal. */
struct apt_package {
	char name[192];
	char version[192];
	char filename[512]; /* from the archive's base; no "..", not absolute */
	uint64_t size;      /* bytes; 1 .. APT_PACKAGE_SIZE_MAXIMUM */
	char sha256[DIGEST_HEX_SIZE];
};
#define APT_PACKAGE_SIZE_MAXIMUM ((uint64_t)16 << 30)

struct apt_packages_ops {
	bool (*is_wanted)(void *arg, const char *name);
	int (*found)(void *arg, const struct apt_package *package, struct btfpack_error *err);
};

struct apt_packages_stanza; /* the stanza being read */

struct apt_packages {
	const struct apt_packages_ops *ops;
	void *arg;
	const char *what;
	struct deb822 reader;
	struct apt_packages_stanza *stanza;
};

/* @what is named in errors and borrowed, as is @arg. -ENOMEM. Stays where it is
 * until deinit. */
int apt_packages_init(struct apt_packages *p, const struct apt_packages_ops *ops, void *arg,
		      const char *what, struct btfpack_error *err);
void apt_packages_deinit(struct apt_packages *p);

/* -EBADMSG for a wanted package without a name, version, path or digest, -EFBIG for
 * one of an absurd size. */
int apt_packages_feed(struct apt_packages *p, const void *data, size_t size,
		      struct btfpack_error *err);
int apt_packages_finish(struct apt_packages *p, struct btfpack_error *err);

#endif
