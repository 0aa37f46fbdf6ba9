/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The streams of the codec "types", of anyone's making: the input is what zstd
 * would give, so it is compressed here first. The base has a few types of its own,
 * and what came out is the next one's.
 * And the input as a BTF: what can be encoded must come back.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "archive-index/types-codec.h"
#include "archive-index/types-model.h"
#include "core/cleanup.h"
#include "tests/scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode_twice(enum types_format format, const struct types_model *base,
			 const uint8_t *frame, size_t size, size_t raw)
{
	AUTO_TYPES_MODEL struct types_model *model = NULL, *next = NULL;
	AUTO_BLOB struct btfpack_blob back = { 0 };

	if (types_decode_model(format, frame, size, base, raw, &model) ||
	    types_decode_model(format, frame, size, model, raw, &next))
		return;
	if (types_model_write(model, &back))
		return;
	btfpack_blob_free(&back);
	types_model_turn(steal_ptr(next), &back);
}

static void decode_streams(const struct types_model *base, const uint8_t *data, size_t size)
{
	size_t bound = ZSTD_compressBound(size);
	AUTO_FREE uint8_t *frame = malloc(bound);

	if (!frame)
		return;
	bound = ZSTD_compress(frame, bound, data, size, 1);
	for (size_t raw = 24; raw < 1000; raw += 131) {
		decode_twice(TYPES_RUNS, base, frame, bound, raw);
		decode_twice(TYPES_MARKS, base, frame, bound, raw);
		decode_twice(TYPES_BASED, base, frame, bound, raw);
	}
}

static void round_trip_based(const struct types_model *model, const struct btfpack_blob *base,
			     const uint8_t *data, size_t size)
{
	AUTO_TYPES_MODEL struct types_model *got = NULL;
	AUTO_BLOB struct btfpack_blob payload = { 0 }, back = { 0 };
	struct btfpack_blob btf = { (void *)data, size };

	if (types_encode_based(&btf, base, &payload))
		return;
	if (types_decode_model(TYPES_BASED, payload.data, payload.size, model, size, &got))
		abort();
	types_model_turn(steal_ptr(got), &back);
	if (back.size != size || memcmp(back.data, data, size))
		abort();
}

static void round_trip(const struct btfpack_blob *base, const uint8_t *data, size_t size)
{
	AUTO_BLOB struct btfpack_blob payload = { 0 }, back = { 0 };
	struct btfpack_blob btf = { (void *)data, size };

	if (types_encode(&btf, base, &payload))
		return;
	if (types_decode(payload.data, payload.size, base, size, &back) || back.size != size ||
	    memcmp(back.data, data, size))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct btfpack_blob base;
	static struct types_model *model;

	if (!base.data) {
		struct btfpack_blob copy = scratch_btf(1, 10);

		base = scratch_btf(1, 10);
		if (types_model_of(&copy, &model))
			abort();
	}
	decode_streams(model, data, size);
	round_trip(&base, data, size);
	round_trip_based(model, &base, data, size);
	return 0;
}
