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
	const uint8_t *build_id; /* BUNDLE_BUILD_ID_SIZE bytes; all zero: not known */
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

/* The kernels in the order of their keys. */
struct bundle_iter {
	const struct bundle *bundle;
	struct bundle_bytes keys;
	struct bundle_bytes build_ids;
	const uint8_t *pos; /* in @keys */
	const uint8_t *end;
	uint32_t index; /* of the next kernel */
	uint32_t named; /* blobs named so far */
	size_t key_size;
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

/* The verdict text @number of an entry, NUL-terminated, in @bytes. -EBADMSG when
 * there is no such text. */
int bundle_find_verdict(const struct bundle *b, const struct bundle_bytes *bytes, uint32_t number,
			const char **ret, struct btfpack_error *err);

#endif
