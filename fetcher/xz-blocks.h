/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An xz file of several blocks, as Debian's data.tar.xz is, at any place: its index
 * tells which block holds which plain bytes, and each block decodes by itself and
 * brings a checksum of its own.
 */
#ifndef FETCHER_XZ_BLOCKS_H
#define FETCHER_XZ_BLOCKS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/* Where the compressed bytes come from: exactly @size of them at @offset, for several
 * threads at a time. */
struct byte_source {
	btfpack_read_fn read;
	/* Of one that only a stream's reader needs: fewer at the end, 0 behind it. */
	ssize_t (*take)(void *arg, uint64_t offset, void *ret, size_t size,
			struct btfpack_error *err);
	void *arg;
	uint64_t size; /* 0: not known, so there is only @take */
};

struct xz_blocks;

/* Look at @size bytes from @offset of @source, which is borrowed until free, as is
 * @what, named in errors. -EOPNOTSUPP (@err is not filled) when it is no xz file, or one
 * of a single block or of blocks too large to hold in memory: decode it as a stream. */
int xz_blocks_new(const struct byte_source *source, uint64_t offset, uint64_t size,
		  const char *what, struct xz_blocks **ret, struct btfpack_error *err);
void xz_blocks_free(struct xz_blocks *blocks);

/* The same of a file whose end, with the index, need not be there yet: no block is known
 * at first. Follow them, by the sizes that their heads tell, until those known have @size
 * plain bytes or more. -EOPNOTSUPP when heads do not tell, or there are not so many. */
int xz_blocks_new_followed(const struct byte_source *source, uint64_t offset, uint64_t size,
			   const char *what, struct xz_blocks **ret, struct btfpack_error *err);
int xz_blocks_follow(struct xz_blocks *blocks, uint64_t size, struct btfpack_error *err);

/* Whether the index, now that it is there, says the same of the blocks that are known: 0,
 * or -EOPNOTSUPP. */
int xz_blocks_check(const struct xz_blocks *blocks, struct btfpack_error *err);

/* Plain bytes in all, by the index; of those known. */
uint64_t xz_blocks_size(const struct xz_blocks *blocks);
size_t xz_blocks_count(const struct xz_blocks *blocks);

/* The block that holds the plain byte @offset, which must be below the size. */
size_t xz_blocks_find(const struct xz_blocks *blocks, uint64_t offset);
/* Where block @number begins, in plain bytes, and how many it has. */
uint64_t xz_blocks_start(const struct xz_blocks *blocks, size_t number);
size_t xz_blocks_length(const struct xz_blocks *blocks, size_t number);

/* A block that is decoded from its start on, as far as it is asked for: what is read of one
 * are mostly heads, or all but its tail. What is not decoded to its end is not checked. */
struct xz_decoding;

/* Read the compressed bytes of block @number, by several threads at a time. @room, borrowed,
 * is where the plain ones go, as many as its length; NULL: to memory of its own. */
int xz_decoding_new(const struct xz_blocks *blocks, size_t number, uint8_t *room,
		    struct xz_decoding **ret, struct btfpack_error *err);
void xz_decoding_free(struct xz_decoding *decoding);

/* Lend what is decoded of the block, which are the first *@size_ret of its bytes: @want or
 * more of them. @want is at most its length. -EBADMSG when it is damaged or not what the
 * index says. */
int xz_decoding_reach(struct xz_decoding *decoding, size_t want, const uint8_t **ret,
		      size_t *size_ret, struct btfpack_error *err);

#endif
