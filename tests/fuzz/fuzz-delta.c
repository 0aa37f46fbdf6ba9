/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A delta of a bundle's blob, and what it is against: a byte or two of length in
 * front tell them apart. What comes out is the next one's base. And the input as two
 * blobs: what one says of the other must come back.
 */
#include <stdlib.h>
#include <string.h>

#include "archive-index/bundle-delta.h"
#include "core/cleanup.h"
#include "runtime-loader/blob-delta.h"
#include "runtime-loader/bundle-format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void apply_twice(const uint8_t *delta, size_t size, const uint8_t *base, size_t base_size)
{
	uint8_t *once = NULL, *twice = NULL;
	size_t got;

	if (blob_delta_apply(delta, size, base_size ? base : NULL, base_size, &once, &got) == 0 &&
	    blob_delta_apply(delta, size, once, got, &twice, &got) == 0)
		free(twice);
	free(once);
}

static void write_and_apply(const struct btfpack_blob *blob, const struct btfpack_blob *base)
{
	struct delta_blob *a = delta_blob_new(blob), *b = delta_blob_new(base);
	AUTO_BUF struct buf delta = BUF_INIT((size_t)1 << 30);
	bool is_base = a && b && delta_distance(b, b, 1) == 0;
	uint8_t *got = NULL;
	size_t size = 0;

	if (a && b && delta_write(a, is_base ? b : NULL, &delta) == 0) {
		if (blob_delta_apply(delta.data, delta.size, is_base ? base->data : NULL,
				     is_base ? base->size : 0, &got, &size) < 0 ||
		    size != blob->size || memcmp(got, blob->data, size) != 0)
			abort();
		free(got);
	}
	delta_blob_free(a);
	delta_blob_free(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *pos = data;
	uint32_t length;

	if (size > 1 << 16 || !bundle_get_uleb(&pos, data + size, &length) ||
	    length > (size_t)(data + size - pos))
		return 0;
	size -= pos - data;
	apply_twice(pos + length, size - length, pos, length);
	write_and_apply(&(struct btfpack_blob){ (void *)(pos + length), size - length },
			&(struct btfpack_blob){ (void *)pos, length });
	return 0;
}
