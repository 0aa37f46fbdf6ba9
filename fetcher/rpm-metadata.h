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
	struct checksum digest; /* SHA-1 where an old repository has no better */
	uint64_t size;          /* bytes; 0: not told */
	bool is_database;       /* an SQLite database (rpm-database.h), for want of XML */
};

/* -EBADMSG: damaged, or without a primary index; -EOPNOTSUPP: a primary index with
 * no digest of a kind that counts. */
int rpm_repomd_parse(const void *text, size_t size, const char *what, struct rpm_repomd *ret,
		     struct btfpack_error *err);

#define RPM_PACKAGE_SIZE_MAXIMUM ((uint64_t)16 << 30)

/* One package; every field is there and was checked, as in apt-packages.h. */
struct rpm_package {
	char name[128];
	char arch[32];
	char epoch[16];    /* "0" */
	char version[96];  /* without epoch and release */
	char release[96];
	char location[512]; /* from the repository's directory; not absolute: repo_resolve() */
	struct checksum digest;
	uint64_t size; /* bytes; 1 .. RPM_PACKAGE_SIZE_MAXIMUM */
};

/* The same as an index has it: texts that nobody looked at yet, cut to their room. */
enum { RPM_FIELD_NAME, RPM_FIELD_ARCH, RPM_FIELD_EPOCH, RPM_FIELD_VERSION, RPM_FIELD_RELEASE,
       RPM_FIELD_LOCATION, RPM_FIELD_CHECKSUM, RPM_FIELD_CHECKSUM_KIND, RPM_FIELD_SIZE,
       RPM_FIELDS };
struct rpm_fields {
	char text[RPM_FIELDS][XML_TEXT_MAXIMUM + 1];
};

/* Cut to what fits; what is longer than a rule allows is refused by the next. */
void rpm_fields_set(struct rpm_fields *fields, int field, const char *text);

/* Whether what stands there as a name may be one. */
bool rpm_fields_are_named(const struct rpm_fields *fields);

/* -EBADMSG for a field that is missing or makes no sense, -EFBIG for an absurd size,
 * -EOPNOTSUPP for a digest that does not count. */
int rpm_fields_read(const struct rpm_fields *fields, const char *what, struct rpm_package *ret,
		    struct btfpack_error *err);

struct rpm_packages_ops {
	bool (*is_wanted)(void *arg, const char *name);
	int (*found)(void *arg, const struct rpm_package *package, struct btfpack_error *err);
};

struct rpm_packages {
	const struct rpm_packages_ops *ops;
	void *arg;
	const char *what;
	struct xml *xml;
	struct rpm_fields *fields; /* of the package being read */
	bool inside;
};

/* primary.xml as it is decompressed. @what and @arg are borrowed; stays where it is
 * until deinit. */
int rpm_packages_init(struct rpm_packages *p, const struct rpm_packages_ops *ops, void *arg,
		      const char *what, struct btfpack_error *err);
void rpm_packages_deinit(struct rpm_packages *p);

/* -EBADMSG: no XML, or as rpm_fields_read() says of a package that is wanted. */
int rpm_packages_feed(struct rpm_packages *p, const void *data, size_t size,
		      struct btfpack_error *err);
int rpm_packages_finish(struct rpm_packages *p, struct btfpack_error *err);

/* Whether @path stays below the directory it starts from. */
bool rpm_is_relative_path(const char *path);

#endif
