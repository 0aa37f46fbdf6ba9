/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bundle in the making, and who writes which part of it: bundle-collect.c takes in
 * what is added, bundle-write.c puts the file together, of columns by bundle-order.c,
 * blobs by bundle-blobs.c and verdicts by bundle-verdicts.c. The format is drawn in
 * runtime-loader/bundle-format.h.
 */
#ifndef ARCHIVE_INDEX_BUNDLE_PARTS_H
#define ARCHIVE_INDEX_BUNDLE_PARTS_H

#include <btfpack/bundle.h>

#include "core/buf.h"
#include "core/digest.h"
#include "runtime-loader/bundle-format.h"

struct bundle_blob {
	struct btfpack_id id;
	struct btfpack_blob bytes;
};

struct bundle_kernel {
	char *key;
	uint8_t build_id[BUNDLE_BUILD_ID_MAXIMUM]; /* its first bytes, zeroes after a shorter one */
	uint32_t blob;                             /* index in bundle->blobs */
	uint32_t verdict;                          /* index in bundle->verdicts plus one; 0: none */
	char *package;                             /* NULL: not known */
	char *digest;                              /* of the package; NULL: not known */
};

/* Numbers found by the hash of what they stand for: open addressing, at most half full. */
struct table {
	uint32_t *slots; /* number plus one; 0: free */
	size_t capacity; /* a power of two */
};

struct btfpack_bundle {
	struct bundle_kernel *kernels;
	size_t kernel_count, kernel_room;
	struct bundle_blob *blobs;
	size_t blob_count, blob_room;
	char **verdicts; /* lines: NUMBER LETTER [" " REASON] "\n" */
	size_t verdict_count, verdict_room;
	char **objects; /* "<digest> <name>", sorted by name */
	size_t object_count, object_room;
	struct buf programs; /* as the section holds them */
	char *last_object;   /* of the last program; NULL: none yet */
	uint32_t program_count;
	struct table kernel_table, blob_table, verdict_table;
};

/* One write: the sorted view of the bundle, and the sections as they grow. */
struct plan {
	const struct btfpack_bundle *bundle;
	uint32_t flags;
	uint32_t build_id_size;               /* at least */
	const struct bundle_kernel **kernels; /* in the file's order */
	uint32_t *blob_numbers;               /* by index in bundle->blobs: number in the file */
	const struct bundle_blob **blobs;     /* by number in the file */
	uint32_t blob_count;
	uint32_t *verdict_numbers; /* by index in bundle->verdicts: in the file, from 1 */
	const char **verdicts;     /* by number in the file, from 0 */
	uint32_t verdict_count;
	struct buf sections[BUNDLE_SECTION_END];
	uint32_t raw_sizes[BUNDLE_SECTION_END];
};

/* The order of kernels in the file, for qsort() of pointers to them. */
int bundle_compare_kernels(const void *a, const void *b);

/* KEYS and BUILD_IDS; numbers the blobs and verdicts as they come. -ENOMEM; -EFBIG. */
int bundle_write_kernels(struct plan *p);

/* BLOBS, GROUPS, DATA and DIGESTS of the numbered blobs. -ENOMEM; -EFBIG. */
int bundle_write_blobs(struct plan *p);

/* PROGRAMS and VERDICTS, if there are any. -ENOMEM; -EFBIG. */
int bundle_write_verdicts(struct plan *p);

/* Append @size bytes at @data to @buf, compressed where that makes them fewer and the
 * bundle is not to be plain. -ENOSYS built without zstd. */
int bundle_add_compressed(const struct plan *p, struct buf *buf, const void *data, size_t size);

/* Append a uleb. */
int bundle_add_uleb(struct buf *buf, uint32_t value);

#endif
