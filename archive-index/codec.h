/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a BTF becomes the payload of a pack record, and back. A codec may lean on
 * another content, its base, which the reader must then have first; the record
 * names both. Numbers are part of the format: add, never change.
 *
 * Decoding trusts nothing: it gives exactly @raw_size bytes or fails, allocates
 * no more than that plus a fixed amount, and whoever called compares the digest.
 */
#ifndef ARCHIVE_INDEX_CODEC_H
#define ARCHIVE_INDEX_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/types.h>

enum codec_number {
	CODEC_ZSTD = 1,	 /* one zstd frame with content size and checksum */
	CODEC_TYPES = 2, /* types-codec.h */
};

struct codec {
	const char *name;
	/* 0; -ENOMEM; -EOPNOTSUPP: not for this input, take another codec. */
	int (*encode)(const struct btfpack_blob *raw, const struct btfpack_blob *base,
		      struct btfpack_blob *ret);
	/* 0; -EBADMSG; -ENOMEM. */
	int (*decode)(const void *data, size_t size, const struct btfpack_blob *base,
		      size_t raw_size, struct btfpack_blob *ret);
};

/* NULL: no such number. */
const struct codec *codec_find(unsigned int number);

#endif
