/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is published: the text that names all other objects of a store, which are
 * immutable. It grows by union, so that two who add to it can be brought together in
 * any order. btfpack-published(5) says it in words.
 *
 *	btfpack-published 1
 *	bundle NAME SHA256 SIZE
 *	part DISTRO/RELEASE/ARCH KERNELS INDEX-SHA256 INDEX-SIZE PACK-SHA256 PACK-SIZE
 *
 * Lines in ascending byte order, each once. A part without contents of its own has "-"
 * and 0 for its pack.
 */
#ifndef ARCHIVE_INDEX_MANIFEST_H
#define ARCHIVE_INDEX_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#define MANIFEST_NAME	 "btfpack.manifest"
#define MANIFEST_MAXIMUM ((size_t)32 << 20)
#define MANIFEST_SERIES	 768 /* bytes of a series, its NUL included */
#define MANIFEST_BUNDLE	 128 /* bytes of a bundle's name, its NUL included */

struct manifest_part {
	char series[MANIFEST_SERIES]; /* distro/release/arch */
	uint32_t kernels;
	struct btfpack_id index;
	uint64_t index_size;
	bool has_pack;
	struct btfpack_id pack;
	uint64_t pack_size;
};

struct manifest_bundle {
	char name[MANIFEST_BUNDLE];
	struct btfpack_id id;
	uint64_t size;
};

struct manifest {
	struct manifest_part *parts;
	size_t part_count;
	struct manifest_bundle *bundles;
	size_t bundle_count;
};

void manifest_deinit(struct manifest *m);

/* @name is what to call it. -EBADMSG, with the number of the line; -EOPNOTSUPP another
 * version; -EFBIG; -ENOMEM. */
int manifest_parse(const struct btfpack_blob *text, const char *name, struct manifest *ret,
		   struct btfpack_error *err);

/* 1 when it is there already; 0 added; -EFBIG more than 16,384; -ENOMEM. */
int manifest_add_part(struct manifest *m, const struct manifest_part *part);

/* Let the name stand for this bundle from now on. 1 when it did; 0; -EFBIG more than
 * 1,024; -ENOMEM. */
int manifest_set_bundle(struct manifest *m, const struct manifest_bundle *bundle);
const struct manifest_bundle *manifest_find_bundle(const struct manifest *m, const char *name);

/* Letters, digits and "._-", and not too long. */
bool manifest_is_bundle_name(const char *name);

/* Free the blob. -EFBIG over MANIFEST_MAXIMUM; -ENOMEM. */
int manifest_format(struct manifest *m, struct btfpack_blob *ret);

#endif
