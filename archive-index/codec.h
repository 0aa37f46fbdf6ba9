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
	CODEC_ZSTD = 1,	      /* one zstd frame with content size and checksum */
	CODEC_TYPES_RUNS = 2, /* types-codec.h, TYPES_RUNS: only read */
	CODEC_TYPES = 3,      /* TYPES_MARKS */
	CODEC_TYPES_BASED = 4, /* TYPES_BASED */
};

struct types_model;

struct codec {
	const char *name;
	/* NULL: only read. 0; -ENOMEM; -EOPNOTSUPP: not for this input, take another
	 * codec. @base is NULL where there is none, here and below. */
	int (*encode)(const struct btfpack_blob *raw, const struct btfpack_blob *base,
		      struct btfpack_blob *ret);
	/* To bytes; NULL: only through @model. 0; -EBADMSG; -ENOMEM. */
	int (*decode)(const void *data, size_t size, const struct types_model *base,
		      size_t raw_size, struct btfpack_blob *ret);
	/* To what another may lean on, types-model.h. */
	int (*model)(const void *data, size_t size, const struct types_model *base,
		     size_t raw_size, struct types_model **ret);
};

/* NULL: no such number. */
const struct codec *codec_find(unsigned int number);

/* To bytes, whichever way the codec has. */
int codec_decode(const struct codec *codec, const void *data, size_t size,
		 const struct types_model *base, size_t raw_size, struct btfpack_blob *ret);

#endif
