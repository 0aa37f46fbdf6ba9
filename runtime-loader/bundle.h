/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a bundle: check all of it once, go through its kernels in order, take
 * one blob out. The bytes are borrowed and may be hostile: every access goes
 * through a check, every allocation has a limit that bundle-format.h states.
 *
 *	struct bundle b;
 *	struct bundle_iter it;
 *	struct bundle_entry entry;
 *
 *	bundle_init(&b, data, size, "tool.bundle", &err);
 *	bundle_iter_init(&it, &b, &err);
 *	while ((more = bundle_iter_next(&it, &entry, &err)) > 0)
 *		...;
 *	bundle_iter_deinit(&it);
 *
 * There is nothing to release of a struct bundle. Threads may share one.
 */
#ifndef RUNTIME_LOADER_BUNDLE_H
#define RUNTIME_LOADER_BUNDLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

#include "bundle-format.h"

struct bundle_span {
	const uint8_t *data; /* NULL: the bundle has no such section */
	uint32_t stored_size;
	uint32_t raw_size;
};

struct bundle {
	const uint8_t *data;
	size_t size;
	const char *name; /* for sentences; borrowed */
	uint32_t kernel_count;
	uint32_t blob_count;
	uint32_t build_id_size; /* bytes of each build-id */
	struct bundle_span sections[BUNDLE_SECTION_END];
};

/* Check header, checksum and section table of @size bytes at @data. -EBADMSG
 * damaged or no bundle; -EOPNOTSUPP made by a later btfpack. */
int bundle_init(struct bundle *b, const void *data, size_t size, const char *name,
		struct btfpack_error *err);

/* One kernel. The strings live until the next step of the iterator. */
struct bundle_entry {
	const char *distro;
	const char *release;
	const char *arch;
	const char *uname;
	const uint8_t *build_id; /* its first bytes; all zero: not known */
	size_t build_id_size;	 /* how many, at most BUNDLE_BUILD_ID_MAXIMUM */
	uint32_t blob;		 /* from 0 */
	uint32_t verdict;	 /* from 1; 0: not known */
};

/* Bytes decompressed from the bundle, or lying in it. */
struct bundle_bytes {
	const uint8_t *data;
	size_t size;
	uint8_t *decompressed; /* what deinit frees, or NULL */
};
void bundle_bytes_deinit(struct bundle_bytes *bytes);

/* The kernels, in the order of the file; several builds of one name one after another. */
struct bundle_column {
	const uint8_t *pos, *end;
};
struct bundle_iter {
	const struct bundle *bundle;
	struct bundle_bytes keys;
	struct bundle_column columns[3]; /* keys, blobs, verdicts: what is left of them */
	uint32_t index;			 /* of the next kernel */
	uint32_t named;			 /* blobs named so far */
	uint32_t blob, verdict;		 /* of the previous kernel */
	uint32_t pattern_size, number_count;
	uint32_t numbers[BUNDLE_NUMBERS_MAXIMUM];
	uint8_t key_at[BUNDLE_NUMBERS_MAXIMUM];	    /* where in the key each number ends, */
	uint8_t pattern_at[BUNDLE_NUMBERS_MAXIMUM]; /* and where in the pattern */
	size_t key_size, key_kept;   /* of the key; how much of it is the one before's */
	uint8_t field_at[4];	     /* where in the key each field begins */
	char pattern[BUNDLE_KEY_MAXIMUM + 1];
	char key[BUNDLE_KEY_MAXIMUM + 1];    /* the previous one, whole */
	char fields[BUNDLE_KEY_MAXIMUM + 1]; /* the same, cut into strings */
};

/* -EBADMSG; -ENOSYS when compressed and built without zstd; -ENOMEM. */
int bundle_iter_init(struct bundle_iter *it, const struct bundle *b, struct btfpack_error *err);
/* 1 and an entry; 0 at the end; -EBADMSG. */
int bundle_iter_next(struct bundle_iter *it, struct bundle_entry *ret, struct btfpack_error *err);
void bundle_iter_deinit(struct bundle_iter *it);

/* Blob @index < blob_count; -EBADMSG, -ENOSYS, -ENOMEM as above. */
int bundle_get_blob(const struct bundle *b, uint32_t index, struct bundle_bytes *ret,
		    struct btfpack_error *err);

/* A whole section: VERDICTS, PROVENANCE. -ENOENT when the bundle has none. */
int bundle_get_section(const struct bundle *b, enum bundle_section type, struct bundle_bytes *ret,
		       struct btfpack_error *err);

#endif
