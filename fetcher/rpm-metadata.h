/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two files of an rpm-md repository that matter: repomd.xml, which tells where
 * the indexes are and their digests, and primary.xml, the packages.
 */
#ifndef FETCHER_RPM_METADATA_H
#define FETCHER_RPM_METADATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#include "core/digest.h"
#include "fetcher/xml.h"

/* What repomd.xml says of the primary index. */
struct rpm_repomd {
	char path[256]; /* from the repository's directory: "repodata/...-primary.xml.gz" */
	struct btfpack_id digest;
	uint64_t size; /* bytes; 0: not told */
};

/* -EBADMSG: damaged, or without a primary index; -EOPNOTSUPP: a primary index that
 * is only an SQLite database, or has no SHA-256. */
int rpm_repomd_parse(const void *text, size_t size, const char *what, struct rpm_repomd *ret,
		     struct btfpack_error *err);

/* One package; every field is there and was checked, as in apt-packages.h. */
struct rpm_package {
	char name[128];
	char arch[32];
	char epoch[16];    /* "0" */
	char version[96];  /* without epoch and release */
	char release[96];
	char location[512]; /* from the repository's directory; no "..", not absolute */
	char sha256[DIGEST_HEX_SIZE];
	uint64_t size; /* bytes; 1 .. RPM_PACKAGE_SIZE_MAXIMUM */
};
#define RPM_PACKAGE_SIZE_MAXIMUM ((uint64_t)16 << 30)

struct rpm_packages_ops {
	bool (*is_wanted)(void *arg, const char *name);
	int (*found)(void *arg, const struct rpm_package *package, struct btfpack_error *err);
};

struct rpm_packages {
	const struct rpm_packages_ops *ops;
	void *arg;
	const char *what;
	struct xml *xml;
	struct rpm_packages_element *element; /* the package being read */
};

/* primary.xml as it is decompressed. @what and @arg are borrowed; stays where it is
 * until deinit. */
int rpm_packages_init(struct rpm_packages *p, const struct rpm_packages_ops *ops, void *arg,
		      const char *what, struct btfpack_error *err);
void rpm_packages_deinit(struct rpm_packages *p);

/* -EBADMSG for a wanted package with a field that is missing or makes no sense,
 * -EFBIG for one of an absurd size, -EOPNOTSUPP for one without SHA-256. */
int rpm_packages_feed(struct rpm_packages *p, const void *data, size_t size,
		      struct btfpack_error *err);
int rpm_packages_finish(struct rpm_packages *p, struct btfpack_error *err);

/* Whether @path stays below the directory it starts from. */
bool rpm_is_relative_path(const char *path);

#endif
