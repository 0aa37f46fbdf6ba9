/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One blob of a bundle said by how it differs from another: the writer of what
 * runtime-loader/blob-delta.c reads and bundle-format.h describes.
 *
 * Types are taken for the same by what they are called, or, without a name, by what
 * they refer to; items of a type by their names. Whatever does not follow from the
 * base is said. A blob that is not BTF as minify writes it goes as its bytes.
 */
#ifndef ARCHIVE_INDEX_BUNDLE_DELTA_H
#define ARCHIVE_INDEX_BUNDLE_DELTA_H

#include <btfpack/types.h>

#include "core/buf.h"

/* A blob taken apart; it borrows the bytes. */
struct delta_blob;

/* NULL: no memory. */
struct delta_blob *delta_blob_new(const struct btfpack_blob *bytes);
void delta_blob_free(struct delta_blob *blob);

#define DELTA_DISTANCE_MOST UINT32_MAX /* one of them is no base for the other */

/* How much two blobs differ: roughly the number of items that are not in both. Where it
 * is @limit or more, something that is @limit or more. */
uint32_t delta_distance(const struct delta_blob *a, const struct delta_blob *b, uint32_t limit);

/* Append the delta that makes @blob out of @base (NULL: out of nothing). -ENOMEM; an
 * error of @ret. */
int delta_write(const struct delta_blob *blob, const struct delta_blob *base, struct buf *ret);

#endif
