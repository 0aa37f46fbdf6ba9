/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A blob of a bundle out of its delta and the blob that the delta is against. What
 * a delta is made of says bundle-format.h; its writer is archive-index/bundle-delta.c.
 * The bytes may be hostile: memory is bounded by their size.
 */
#ifndef RUNTIME_LOADER_BLOB_DELTA_H
#define RUNTIME_LOADER_BLOB_DELTA_H

#include <stddef.h>
#include <stdint.h>

/* Put together the blob of @size bytes of delta against @base, of @base_size bytes
 * (NULL: against none). The caller frees *@ret. -EBADMSG not a delta of @base;
 * -ENOMEM. */
int blob_delta_apply(const uint8_t *delta, size_t size, const uint8_t *base, size_t base_size,
		     uint8_t **ret, size_t *size_ret);

#endif
