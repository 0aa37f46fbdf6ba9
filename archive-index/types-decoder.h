/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the parts of the decoder share: types-decode.c has the order of the types and
 * the types, types-decode-strings.c the strings.
 */
#ifndef ARCHIVE_INDEX_TYPES_DECODER_H
#define ARCHIVE_INDEX_TYPES_DECODER_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/types-codec.h"
#include "archive-index/types-model.h"
#include "archive-index/types-order.h"
#include "archive-index/types-stream.h"

/*
 * In the order of the streams' dependence: the order of the types first, since
 * references may lead ahead; then the types, in which names are numbers (the base's
 * ordinals, behind them those of new strings) and stay so in the model; then the
 * strings, whose order leans on where the types mention them first.
 *
 * Nothing here is trusted but the base, which is a model that was checked when it
 * was made: every number is checked where it is used, and what comes out in the end
 * has the digest compared by whoever called.
 */
struct decoder {
	const struct types_model *base;
	enum types_format format;
	struct btfpack_blob plain;
	struct stream streams[STREAM_COUNT];
	uint32_t strings, new_strings, types;
	uint32_t *theirs;  /* of each type: the base's, or IMAGE_NONE */
	uint32_t *inverse; /* of the base's: ours, or IMAGE_NONE */
	const char *text;  /* STREAM_TEXT, and where in it each new string begins, and the end */
	uint32_t *text_offset;
	uint32_t last_name, used_new;
	struct types_model *model; /* what is being made */
	uint32_t *words;           /* of the types, in its raw bytes */
	size_t position, limit;    /* in words */
	uint32_t *place; /* by name: IMAGE_NONE until it is mentioned, then its place ... */
	uint32_t *names; /* ... in this, the order of first mention */
	uint32_t mentioned;
	bool bad; /* a base's type refers to what has no counterpart */
};

static inline int get_long(struct decoder *d, enum types_stream stream, uint64_t *ret)
{
	return stream_long(&d->streams[stream], ret);
}

static inline int get(struct decoder *d, enum types_stream stream, uint32_t *ret)
{
	return stream_number(&d->streams[stream], ret);
}

/* *@ret: @from and the difference that comes next. */
static inline int get_difference(struct decoder *d, enum types_stream stream, uint32_t from,
				 uint32_t *ret)
{
	return stream_difference(&d->streams[stream], from, ret);
}

/* The counterpart of put_order(): @map of things @first to @count - 1. */
int decoder_order(struct decoder *d, enum types_stream stream, uint32_t first, uint32_t count,
		  uint32_t other_count, uint32_t *map);

/* The types are read: the strings behind them. */
int decoder_read_strings(struct decoder *d);

#endif
