/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "fetcher/xz-blocks.h"

/* The largest block that is decoded whole; xz -9 makes them of 192 MiB by itself, which
 * several threads would not have the memory for. The filters' own comes on top. */
#define BLOCK_MAXIMUM  ((uint64_t)64 << 20)
#define FILTER_MAXIMUM ((uint64_t)128 << 20)
#define INDEX_MAXIMUM  ((uint64_t)16 << 20) /* memory of the index */
#define COUNT_MAXIMUM  100000
#define READ_SIZE      8192
#define STEP           ((size_t)64 << 10) /* decoded at a time, at least */

struct block {
	uint64_t start;    /* of its plain bytes */
	uint64_t length;   /* plain bytes */
	uint64_t place;    /* of its header, in the file */
	uint64_t unpadded; /* header, compressed bytes and check */
	lzma_check check;
};

struct xz_blocks {
	const struct byte_source *source;
	uint64_t offset, file_size; /* of the xz file in it */
	const char *what;
	uint64_t size; /* plain bytes of @blocks */
	size_t count;
	struct block *blocks;
	/* Of a file that is followed: */
	size_t room;      /* blocks that there is memory for */
	uint64_t place;   /* of the next block's header */
	lzma_check check; /* that blocks end with */
};

static int damaged(const char *what, struct btfpack_error *err, const char *found)
{
	return btfpack_error_set(err, -EBADMSG, "%s: cannot be decompressed: %s", what, found);
}

/* --- the index
 * -------------------------------------------------------------------------------------- */

static void end_stream(lzma_stream *xz)
{
	lzma_end(xz);
}

static void free_index(lzma_index **index)
{
	lzma_index_end(*index, NULL);
}

/* liblzma wants the file's head, then its tail: it says where to go on. */
static int read_index(const struct byte_source *source, uint64_t offset, uint64_t size,
		      const char *what, lzma_index **ret, struct btfpack_error *err)
{
	CLEANUP(end_stream) lzma_stream xz = LZMA_STREAM_INIT;
	AUTO_FREE uint8_t *bytes = malloc(READ_SIZE);
	lzma_ret code =
		bytes ? lzma_file_info_decoder(&xz, ret, INDEX_MAXIMUM, size) : LZMA_MEM_ERROR;
	uint64_t at = 0;

	while (code == LZMA_OK || code == LZMA_SEEK_NEEDED) {
		if (code == LZMA_SEEK_NEEDED) {
			at = xz.seek_pos;
			xz.avail_in = 0;
		}
		if (!xz.avail_in && at < size) {
			size_t part = size - at < READ_SIZE ? (size_t)(size - at) : READ_SIZE;
			int error = source->read(source->arg, offset + at, bytes, part, err);

			if (error < 0)
				return error;
			at += part;
			xz.next_in = bytes;
			xz.avail_in = part;
		}
		code = lzma_code(&xz, LZMA_RUN);
	}
	if (code == LZMA_MEM_ERROR)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	/* What is wrong with it is for the stream decoder to say. */
	return code == LZMA_STREAM_END ? 0 : -EOPNOTSUPP;
}

/* Sizes of the index are checked by liblzma against the file's; what a block really
 * holds shows when it is decoded. */
static int list_blocks(struct xz_blocks *b, const lzma_index *index, struct btfpack_error *err)
{
	uint64_t count = lzma_index_block_count(index);
	lzma_index_iter iter;

	if (count < 2 || count > COUNT_MAXIMUM)
		return -EOPNOTSUPP;
	b->blocks = calloc(count, sizeof(*b->blocks));
	if (!b->blocks)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->what);
	lzma_index_iter_init(&iter, index);
	while (b->count < count && !lzma_index_iter_next(&iter, LZMA_INDEX_ITER_NONEMPTY_BLOCK)) {
		if (iter.block.uncompressed_size > BLOCK_MAXIMUM ||
		    iter.block.unpadded_size > BLOCK_MAXIMUM || !iter.stream.flags)
			return -EOPNOTSUPP;
		b->blocks[b->count++] = (struct block){
			.start = iter.block.uncompressed_file_offset,
			.length = iter.block.uncompressed_size,
			.place = iter.block.compressed_file_offset,
			.unpadded = iter.block.unpadded_size,
			.check = iter.stream.flags->check,
		};
	}
	b->size = lzma_index_uncompressed_size(index);
	return b->count < 2 ? -EOPNOTSUPP : 0;
}

int xz_blocks_new(const struct byte_source *source, uint64_t offset, uint64_t size,
		  const char *what, struct xz_blocks **ret, struct btfpack_error *err)
{
	CLEANUP(free_index) lzma_index *index = NULL;
	struct xz_blocks *b;
	int error;

	if (offset > source->size || size > source->size - offset)
		return -EOPNOTSUPP;
	error = read_index(source, offset, size, what, &index, err);
	if (error < 0)
		return error;
	b = calloc(1, sizeof(*b));
	if (!b)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	b->source = source;
	b->offset = offset;
	b->file_size = size;
	b->what = what;
	error = list_blocks(b, index, err);
	if (error < 0) {
		xz_blocks_free(b);
		return error;
	}
	*ret = b;
	return 0;
}

void xz_blocks_free(struct xz_blocks *b)
{
	if (!b)
		return;
	free(b->blocks);
	free(b);
}

uint64_t xz_blocks_size(const struct xz_blocks *b)
{
	return b->size;
}

size_t xz_blocks_count(const struct xz_blocks *b)
{
	return b->count;
}

/* The last one that begins at or before it. */
size_t xz_blocks_find(const struct xz_blocks *b, uint64_t offset)
{
	size_t low = 0, high = b->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (b->blocks[middle].start <= offset)
			low = middle;
		else
			high = middle;
	}
	return low;
}

uint64_t xz_blocks_start(const struct xz_blocks *b, size_t number)
{
	return b->blocks[number].start;
}

size_t xz_blocks_length(const struct xz_blocks *b, size_t number)
{
	return (size_t)b->blocks[number].length;
}

/* --- without the index
 * ------------------------------------------------------------------------------ */

/* The sizes that the head of a block tells, where it does: xz writes them with -T. Where
 * it ends by @end_ret. */
static int take_sizes(const struct xz_blocks *b, const uint8_t *bytes, uint32_t size,
		      struct block *ret, uint64_t *end_ret)
{
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	lzma_block head = {
		.version = 1, .check = b->check, .filters = filters, .header_size = size
	};
	lzma_vli unpadded;

	if (lzma_block_header_decode(&head, NULL, bytes) != LZMA_OK)
		return -EOPNOTSUPP;
	lzma_filters_free(filters, NULL);
	unpadded = lzma_block_unpadded_size(&head);
	if (unpadded == LZMA_VLI_UNKNOWN || !unpadded || unpadded > BLOCK_MAXIMUM ||
	    head.uncompressed_size == LZMA_VLI_UNKNOWN || head.uncompressed_size > BLOCK_MAXIMUM)
		return -EOPNOTSUPP;
	*ret = (struct block){
		.start = b->size,
		.length = head.uncompressed_size,
		.place = b->place,
		.unpadded = unpadded,
		.check = b->check,
	};
	*end_ret = b->place + lzma_block_total_size(&head);
	return 0;
}

static int read_sizes(struct xz_blocks *b, struct block *ret, uint64_t *end_ret,
		      struct btfpack_error *err)
{
	uint8_t bytes[LZMA_BLOCK_HEADER_SIZE_MAX];
	uint32_t size;
	int error;

	if (b->place >= b->file_size)
		return -EOPNOTSUPP;
	error = b->source->read(b->source->arg, b->offset + b->place, bytes, 1, err);
	if (error < 0 || !bytes[0]) /* zero: the index */
		return error < 0 ? error : -EOPNOTSUPP;
	size = lzma_block_header_size_decode(bytes[0]);
	if (size > b->file_size - b->place)
		return -EOPNOTSUPP;
	error = b->source->read(b->source->arg, b->offset + b->place, bytes, size, err);
	if (!error)
		error = take_sizes(b, bytes, size, ret, end_ret);
	return error < 0 || *end_ret <= b->file_size ? error : -EOPNOTSUPP;
}

static int add_block(struct xz_blocks *b, const struct block *block, struct btfpack_error *err)
{
	if (b->count == COUNT_MAXIMUM)
		return -EOPNOTSUPP;
	if (b->count == b->room) {
		size_t room = b->room ? 2 * b->room : 64;
		struct block *grown = reallocarray(b->blocks, room, sizeof(*grown));

		if (!grown)
			return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->what);
		b->blocks = grown;
		b->room = room;
	}
	b->blocks[b->count++] = *block;
	b->size += block->length;
	return 0;
}

static int follow_one(struct xz_blocks *b, struct btfpack_error *err)
{
	struct block block;
	uint64_t end;
	int error = read_sizes(b, &block, &end, err);

	if (error < 0)
		return error;
	b->place = end;
	return block.length ? add_block(b, &block, err) : 0;
}

int xz_blocks_follow(struct xz_blocks *b, uint64_t size, struct btfpack_error *err)
{
	int error = 0;

	while (!error && b->size < size)
		error = follow_one(b, err);
	return error;
}

int xz_blocks_new_followed(const struct byte_source *source, uint64_t offset, uint64_t size,
			   const char *what, struct xz_blocks **ret, struct btfpack_error *err)
{
	uint8_t head[LZMA_STREAM_HEADER_SIZE];
	lzma_stream_flags flags;
	struct xz_blocks *b;
	int error;

	if (offset > source->size || size > source->size - offset || size < sizeof(head))
		return -EOPNOTSUPP;
	error = source->read(source->arg, offset, head, sizeof(head), err);
	if (error < 0)
		return error;
	if (lzma_stream_header_decode(&flags, head) != LZMA_OK)
		return -EOPNOTSUPP;
	b = calloc(1, sizeof(*b));
	if (!b)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	*b = (struct xz_blocks){
		.source = source,
		.offset = offset,
		.file_size = size,
		.what = what,
		.place = sizeof(head),
		.check = flags.check,
	};
	*ret = b;
	return 0;
}

int xz_blocks_check(const struct xz_blocks *b, struct btfpack_error *err)
{
	struct xz_blocks *whole;
	int error = xz_blocks_new(b->source, b->offset, b->file_size, b->what, &whole, err);
	bool same;

	if (error < 0)
		return error;
	same = b->count <= whole->count;
	for (size_t i = 0; same && i < b->count; i++) {
		const struct block *x = &b->blocks[i], *y = &whole->blocks[i];

		same = x->start == y->start && x->length == y->length && x->place == y->place &&
		       x->unpadded == y->unpadded && x->check == y->check;
	}
	xz_blocks_free(whole);
	return same ? 0 : -EOPNOTSUPP;
}

/* --- one block
 * -------------------------------------------------------------------------------------- */

static int explain(const struct xz_blocks *b, lzma_ret code, struct btfpack_error *err)
{
	if (code == LZMA_MEM_ERROR)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->what);
	if (code == LZMA_OPTIONS_ERROR)
		return damaged(b->what, err, "it uses xz options that are not supported");
	return damaged(b->what, err, "the xz data is corrupt");
}

struct xz_decoding {
	const struct xz_blocks *blocks;
	size_t number;
	lzma_stream xz;
	lzma_filter filters[LZMA_FILTERS_MAX + 1];
	lzma_block head;       /* liblzma looks at it until the end */
	uint8_t *bytes;        /* compressed */
	uint8_t *plain, *room; /* the same, when it is not the caller's */
};

static lzma_ret begin_decoding(struct xz_decoding *d, const struct block *block)
{
	lzma_ret code;

	d->head = (lzma_block){ .version = 1, .check = block->check, .filters = d->filters };
	d->head.header_size = lzma_block_header_size_decode(d->bytes[0]);
	if (!d->bytes[0] || d->head.header_size > block->unpadded)
		return LZMA_DATA_ERROR;
	code = lzma_block_header_decode(&d->head, NULL, d->bytes);
	if (code != LZMA_OK)
		return code;
	code = lzma_block_compressed_size(&d->head, block->unpadded);
	if (code == LZMA_OK && lzma_raw_decoder_memusage(d->filters) > FILTER_MAXIMUM)
		code = LZMA_OPTIONS_ERROR;
	if (code == LZMA_OK)
		code = lzma_block_decoder(&d->xz, &d->head);
	lzma_filters_free(d->filters, NULL); /* the decoder has taken what it needs */
	d->xz.next_in = d->bytes + d->head.header_size;
	d->xz.avail_in = ((size_t)(block->unpadded + 3) & ~(size_t)3) - d->head.header_size;
	d->xz.next_out = d->plain;
	return code;
}

/* With their padding. */
static int read_block(struct xz_decoding *d, struct btfpack_error *err)
{
	const struct xz_blocks *b = d->blocks;
	const struct block *block = &b->blocks[d->number];
	size_t size = (size_t)(block->unpadded + 3) & ~(size_t)3;

	d->bytes = malloc(size);
	if (!d->plain)
		d->plain = d->room = malloc((size_t)block->length);
	if (!d->bytes || !d->plain)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->what);
	return b->source->read(b->source->arg, b->offset + block->place, d->bytes, size, err);
}

int xz_decoding_new(const struct xz_blocks *b, size_t number, uint8_t *room,
		    struct xz_decoding **ret, struct btfpack_error *err)
{
	struct xz_decoding *d = calloc(1, sizeof(*d));
	int error;

	if (!d)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->what);
	d->blocks = b;
	d->number = number;
	d->xz = (lzma_stream)LZMA_STREAM_INIT;
	d->plain = room;
	error = read_block(d, err);
	if (!error) {
		lzma_ret code = begin_decoding(d, &b->blocks[number]);

		error = code == LZMA_OK ? 0 : explain(b, code, err);
	}
	if (error < 0) {
		xz_decoding_free(d);
		return error;
	}
	*ret = d;
	return 0;
}

void xz_decoding_free(struct xz_decoding *d)
{
	if (!d)
		return;
	lzma_end(&d->xz);
	free(d->bytes);
	free(d->room);
	free(d);
}

/* At its end the block has to end, too, with its checksum. */
static lzma_ret run_decoding(struct xz_decoding *d, size_t end, size_t length)
{
	lzma_ret code = LZMA_OK;

	d->xz.avail_out = end - (size_t)d->xz.total_out;
	while (code == LZMA_OK && (d->xz.avail_out || end == length)) {
		size_t in = d->xz.avail_in, out = d->xz.avail_out;

		code = lzma_code(&d->xz, LZMA_RUN);
		if (code == LZMA_OK && in == d->xz.avail_in && out == d->xz.avail_out)
			return LZMA_DATA_ERROR;
	}
	if (code == LZMA_STREAM_END)
		return d->xz.total_out == length ? LZMA_OK : LZMA_DATA_ERROR;
	return code;
}

int xz_decoding_reach(struct xz_decoding *d, size_t want, const uint8_t **ret, size_t *size_ret,
		      struct btfpack_error *err)
{
	size_t length = (size_t)d->blocks->blocks[d->number].length;
	size_t have = (size_t)d->xz.total_out, end = want;
	lzma_ret code = LZMA_OK;

	if (want > have) {
		if (end - have < STEP)
			end = length - have < STEP ? length : have + STEP;
		code = run_decoding(d, end, length);
	}
	if (code != LZMA_OK)
		return explain(d->blocks, code, err);
	*ret = d->plain;
	*size_ret = (size_t)d->xz.total_out;
	return 0;
}
