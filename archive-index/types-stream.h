/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading the streams of types-codec.h: LEB128 numbers, checked against the end. The
 * time that a BTF takes to come out is much of it here, so what is common is inline:
 * core/cursor.h reads the same, and is asked where a stream ends.
 */
#ifndef ARCHIVE_INDEX_TYPES_STREAM_H
#define ARCHIVE_INDEX_TYPES_STREAM_H

#include <endian.h>
#include <errno.h>
#include <string.h>

#include "core/cursor.h"

struct stream {
	const uint8_t *at, *end;
};

static inline size_t stream_left(const struct stream *s)
{
	return (size_t)(s->end - s->at);
}

int stream_long_slowly(struct stream *s, uint64_t *ret);
int stream_string(struct stream *s, const char **ret);

int stream_number_slowly(struct stream *s, uint32_t *ret);

/* A number of at most four bytes is read without asking where it ends: bytes that go on
 * have their top bit, and what lies behind the first without is masked off. */
static inline int stream_number(struct stream *s, uint32_t *ret)
{
	uint32_t bytes, ends;

	if (stream_left(s) < sizeof(bytes))
		return stream_number_slowly(s, ret);
	if (s->at[0] < 0x80) {
		*ret = *s->at++;
		return 0;
	}
	memcpy(&bytes, s->at, sizeof(bytes));
	bytes = le32toh(bytes);
	ends = ~bytes & 0x80808080u;
	if (!ends)
		return stream_number_slowly(s, ret);
	bytes &= ends ^ (ends - 1);
	*ret = (bytes & 0x7f) | (bytes >> 1 & 0x3f80) | (bytes >> 2 & 0x1fc000) |
	       (bytes >> 3 & 0xfe00000);
	s->at += ((unsigned int)__builtin_ctz(ends) + 1) / 8;
	return 0;
}

/* The same of up to 64 bits. */
static inline int stream_long(struct stream *s, uint64_t *ret)
{
	struct stream begun = *s;
	uint32_t value;

	if (stream_number(s, &value)) {
		*s = begun;
		return stream_long_slowly(s, ret);
	}
	*ret = value;
	return 0;
}

/* The counterpart of the encoder's fold(). */
static inline uint32_t stream_unfold(uint32_t folded)
{
	return folded >> 1 ^ (0 - (folded & 1));
}

/* *@ret: @from and the difference that comes next. */
static inline int stream_difference(struct stream *s, uint32_t from, uint32_t *ret)
{
	uint32_t folded;

	if (stream_number(s, &folded))
		return -EBADMSG;
	*ret = from + stream_unfold(folded);
	return 0;
}

#endif
