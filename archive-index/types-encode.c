/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "archive-index/types-codec.h"
#include "archive-index/types-match.h"
#include "archive-index/types-order.h"
#include "core/buf.h"

#define ZSTD_LEVEL     9
/* The modules of the first kernel of a series: 1.35 MB by level 9, and 1.25 by 17, which
 * takes 2.2 s more where the whole kernel takes 23. */
#define ZSTD_LEVEL_BASED 17
/* What a further kernel of a series adds is a few kilobytes. To compress them level 9
 * would prepare the whole dictionary for 29 ms; level 4 does so in 2, and gives
 * 6,752 bytes instead of 6,521. */
#define ZSTD_LEVEL_SMALL 4
#define SMALL		 ((size_t)128 << 10)
#define LOOK_AHEAD     64 /* items: how far an inserted or removed stretch is looked for */

struct encoder {
	enum types_format format;
	struct image image, base;
	struct match match;
	struct buf streams[STREAM_COUNT];
	uint32_t *name;	      /* of each string's ordinal: the base's ordinal, or behind those
			       * the running number of a new one; IMAGE_NONE: not seen yet */
	uint32_t new_strings; /* how many have got a number */
	uint32_t last_name;   /* in STREAM_NAMES before */
	int error;	      /* the first -ENOMEM */
};

static void encoder_deinit(struct encoder *e)
{
	image_deinit(&e->image);
	image_deinit(&e->base);
	match_deinit(&e->match);
	for (size_t i = 0; i < STREAM_COUNT; i++)
		buf_deinit(&e->streams[i]);
	free(e->name);
}

/* --- numbers ----------------------------------------------------------------------------------- */

static void put(struct encoder *e, enum types_stream stream, uint64_t value)
{
	uint8_t bytes[10];
	size_t size = 0;
	int error;

	do {
		bytes[size] = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
		value >>= 7;
	} while (bytes[size++] & 0x80);
	error = buf_add(&e->streams[stream], bytes, size);
	if (error && !e->error)
		e->error = error;
}

/* A difference modulo 2^32, made small in either direction. */
static uint32_t fold(uint32_t difference)
{
	return difference << 1 ^ (difference >> 31 ? UINT32_MAX : 0);
}

static void put_difference(struct encoder *e, enum types_stream stream, uint32_t to, uint32_t from)
{
	put(e, stream, fold(to - from));
}

static void put_string(struct encoder *e, enum types_stream stream, uint32_t ordinal)
{
	uint32_t from = e->image.offset[ordinal], to = e->image.offset[ordinal + 1];
	int error = buf_add(&e->streams[stream], e->image.view.strings + from, to - from);

	if (error && !e->error)
		e->error = error;
}

/* --- order ------------------------------------------------------------------------------------- */

/* @map tells for each of @count things (from @first on) which of the @other_count
 * things of another order it is. Written as triples: how many that are none of
 * them, where the run behind them starts, from where it was expected, how long it
 * is. */
static void put_order(struct encoder *e, enum types_stream stream, const uint32_t *map,
		      uint32_t first, uint32_t count, uint32_t other_count)
{
	AUTO_ORDER struct order order = { 0 };
	int error = order_init(&order, other_count, first);

	if (error && !e->error)
		e->error = error;
	for (uint32_t i = first; !e->error && i < count;) {
		uint32_t start = i, length = 0;

		while (i < count && map[i] == IMAGE_NONE)
			i++;
		put(e, stream, i - start);
		put_difference(e, stream, i < count ? map[i] : 0, i < count ? order_expected(&order) : 0);
		for (; i < count && (!length || map[i] == order_expected(&order)); i++, length++)
			order_take(&order, map[i]);
		put(e, stream, length);
	}
}

/* The mark from which @start is told with the fewest bits. *@skip: how far it is. */
static uint32_t nearest_mark(const struct marks *marks, struct order *order, uint32_t start,
			     uint32_t *skip)
{
	unsigned int best_cost = UINT32_MAX;
	uint32_t best = 0;

	for (uint32_t i = 0; i < marks->count && best_cost > i / 8; i++) {
		uint32_t distance = start - order_from(order, marks->at[i]);
		unsigned int bits = 32 - (unsigned int)__builtin_clz(fold(distance) | 1);
		unsigned int cost = (distance ? 2 + 2 * bits : 0) + i / 8;

		if (cost >= best_cost)
			continue;
		best_cost = cost;
		best = i;
		*skip = distance;
	}
	return best;
}

/* How many types from @first on are new, or go on as in the base from @first's. */
static uint32_t run_length(const struct encoder *e, struct order *order, uint32_t first)
{
	const uint32_t *map = e->match.type;
	uint32_t i = first;

	if (map[first] == IMAGE_NONE) {
		while (i < e->image.types && map[i] == IMAGE_NONE)
			i++;
		return i - first;
	}
	for (; i < e->image.types && (i == first || map[i] == order_expected(order)); i++)
		order_take(order, map[i]);
	return i - first;
}

/* The order of the types: runs of the base's, each begun near where another ended. */
static void put_type_order(struct encoder *e)
{
	AUTO_ORDER struct order order = { 0 };
	struct marks marks = marks_init(1);
	int error = order_init(&order, e->base.types, 1);

	if (error && !e->error)
		e->error = error;
	for (uint32_t i = 1, length; !e->error && i < e->image.types; i += length) {
		uint32_t start = e->match.type[i], mark = 0, skip = 0;

		if (start != IMAGE_NONE)
			mark = nearest_mark(&marks, &order, start, &skip) + 1;
		length = run_length(e, &order, i);
		put(e, STREAM_TYPE_MARKS, mark);
		put(e, STREAM_TYPE_RUNS, length);
		if (!mark)
			continue;
		put_difference(e, STREAM_TYPE_SKIPS, skip, 0);
		marks_use(&marks, mark - 1, !skip, order.at);
	}
}

/* The order in which types mention strings: of each string's ordinal the place in
 * it, the empty string first. */
struct mentions {
	const struct image *image;
	uint32_t *place;
	uint32_t count;
};

static void mention(struct mentions *m, uint32_t offset)
{
	uint32_t ordinal = m->image->ordinal[offset];

	if (m->place[ordinal] == IMAGE_NONE)
		m->place[ordinal] = m->count++;
}

static void mention_all(struct mentions *m)
{
	mention(m, 0);
	for (uint32_t id = 1; id < m->image->types; id++) {
		const struct btf_type *t = btf_view_type(&m->image->view, id);
		const struct shape *shape = shape_of(btf_type_kind(t));
		const uint32_t *word = (const uint32_t *)(t + 1);

		mention(m, t->name_off);
		for (uint32_t i = shape_items(shape, t); i; i--, word += shape->words)
			for (unsigned int w = 0; w < shape->words; w++)
				if (shape->item[w] == WORD_STRING)
					mention(m, word[w]);
	}
}

static void put_string_order(struct encoder *e)
{
	size_t size = sizeof(uint32_t) * ((size_t)e->image.strings + 1);
	AUTO_FREE uint32_t *place = malloc(size);
	struct mentions m = { &e->image, place, 0 };

	if (!place) {
		e->error = -ENOMEM;
		return;
	}
	memset(place, 0xff, size);
	mention_all(&m);
	put_order(e, STREAM_STRING_RUNS, place, 0, e->image.strings, m.count);
	for (uint32_t i = 0; i < e->image.strings; i++)
		if (place[i] == IMAGE_NONE)
			put_string(e, STREAM_UNUSED, i);
}

/* --- types ------------------------------------------------------------------------------------- */

/* Is @value what the base's @theirs becomes by translation? */
static bool is_translation(const struct encoder *e, enum word what, uint32_t value, uint32_t theirs)
{
	switch (what) {
	case WORD_STRING:
		return e->match.string[e->image.ordinal[value]] == e->base.ordinal[theirs];
	case WORD_TYPE:
		return e->match.type[value] == theirs;
	case WORD_PLAIN:
		break;
	}
	return value == theirs;
}

/* Items that can be copied: all but their plain words is a translation. */
static bool is_alike(const struct encoder *e, const struct shape *shape, const uint32_t *item,
		     const uint32_t *theirs)
{
	for (unsigned int w = 0; w < shape->words; w++)
		if (shape->item[w] != WORD_PLAIN &&
		    !is_translation(e, shape->item[w], item[w], theirs[w]))
			return false;
	return true;
}

static bool is_exact(const struct encoder *e, uint32_t id, uint32_t their_id)
{
	const uint32_t *ours = image_words(&e->image, id);
	const uint32_t *theirs = image_words(&e->base, their_id);
	const struct btf_type *t = (const struct btf_type *)ours;
	const struct shape *shape = shape_of(btf_type_kind(t));
	uint32_t items = shape_items(shape, t);

	if (ours[1] != theirs[1] || !is_translation(e, WORD_STRING, ours[0], theirs[0]) ||
	    !is_translation(e, shape->reference, ours[2], theirs[2]))
		return false;
	ours += 3, theirs += 3;
	for (; items; items--, ours += shape->words, theirs += shape->words)
		for (unsigned int w = 0; w < shape->words; w++)
			if (!is_translation(e, shape->item[w], ours[w], theirs[w]))
				return false;
	return true;
}

static void put_name(struct encoder *e, uint32_t offset)
{
	uint32_t ordinal = e->image.ordinal[offset], difference;

	if (e->name[ordinal] == IMAGE_NONE) {
		put_string(e, STREAM_TEXT, ordinal);
		e->name[ordinal] = e->base.strings + e->new_strings++;
		put(e, STREAM_NAMES, 0);
	} else {
		difference = fold(e->name[ordinal] - e->last_name);
		put(e, STREAM_NAMES, (uint64_t)difference + 1);
	}
	e->last_name = e->name[ordinal];
}

/* Items of one type against those of its counterpart. */
struct items {
	uint32_t id;
	const struct shape *shape;
	const uint32_t *ours, *theirs;
	uint32_t count, their_count;
	uint32_t previous[3]; /* plain words of the item before */
	uint32_t shift[3];    /* how far they are from the counterpart's */
};

static const uint32_t *item_at(const struct items *s, const uint32_t *items, uint32_t index)
{
	return items + (size_t)index * s->shape->words;
}

static bool alike(const struct encoder *e, const struct items *s, uint32_t i, uint32_t j)
{
	return is_alike(e, s->shape, item_at(s, s->ours, i), item_at(s, s->theirs, j));
}

/* Type @id refers to @value. */
static void put_type(struct encoder *e, uint32_t id, uint32_t value)
{
	uint32_t theirs = e->format == TYPES_BASED ? e->match.type[value] : IMAGE_NONE;

	if (theirs != IMAGE_NONE)
		put(e, STREAM_REFERENCES, (uint64_t)theirs << 1);
	else if (e->format == TYPES_BASED)
		put(e, STREAM_REFERENCES, (uint64_t)fold(id - value) << 1 | 1);
	else
		put_difference(e, STREAM_REFERENCES, id, value);
}

static void put_new_item(struct encoder *e, struct items *s, uint32_t index)
{
	const uint32_t *item = item_at(s, s->ours, index);

	for (unsigned int w = 0; w < s->shape->words; w++) {
		switch (s->shape->item[w]) {
		case WORD_STRING:
			put_name(e, item[w]);
			break;
		case WORD_TYPE:
			put_type(e, s->id, item[w]);
			break;
		case WORD_PLAIN:
			put_difference(e, STREAM_VALUES, item[w], s->previous[w]);
			s->previous[w] = item[w];
			break;
		}
	}
}

static void put_copied_item(struct encoder *e, struct items *s, uint32_t index, uint32_t their_index)
{
	const uint32_t *item = item_at(s, s->ours, index);
	const uint32_t *theirs = item_at(s, s->theirs, their_index);

	for (unsigned int w = 0; w < s->shape->words; w++) {
		if (s->shape->item[w] != WORD_PLAIN)
			continue;
		put_difference(e, STREAM_SHIFTS, item[w] - theirs[w], s->shift[w]);
		s->shift[w] = item[w] - theirs[w];
		s->previous[w] = item[w];
	}
}

/* At a place where item @i and their @j differ: the shortest stretch of theirs to
 * leave out (*@skip) or of ours to insert (*@insert) after which they agree. */
static void find_agreement(const struct encoder *e, const struct items *s, uint32_t i, uint32_t j,
			   uint32_t *skip, uint32_t *insert)
{
	*skip = *insert = 0;
	for (uint32_t d = 1; d <= LOOK_AHEAD; d++) {
		if (j + d < s->their_count && alike(e, s, i, j + d)) {
			*skip = d;
			return;
		}
		if (i + d < s->count && j < s->their_count && alike(e, s, i + d, j)) {
			*insert = d;
			return;
		}
	}
	*insert = 1;
}

/* "Leave out, copy, insert" until all items are told. */
static void put_items(struct encoder *e, struct items *s)
{
	uint32_t i = 0, j = 0;

	while (i < s->count) {
		uint32_t skip = 0, copy = 0, insert = 0;

		if (j < s->their_count && !alike(e, s, i, j))
			find_agreement(e, s, i, j, &skip, &insert);
		for (j += skip; !insert && i + copy < s->count && j + copy < s->their_count &&
				alike(e, s, i + copy, j + copy);)
			copy++;
		for (uint32_t k = 0; k < copy; k++)
			put_copied_item(e, s, i + k, j + k);
		i += copy, j += copy;
		if (j == s->their_count)
			insert = s->count - i;
		put(e, STREAM_SHAPES, skip);
		put(e, STREAM_SHAPES, copy);
		put(e, STREAM_SHAPES, insert);
		for (; insert; insert--)
			put_new_item(e, s, i++);
	}
}

static void put_reference(struct encoder *e, const struct shape *shape, uint32_t id, uint32_t value,
			  uint32_t theirs)
{
	if (shape->reference == WORD_TYPE)
		put_type(e, id, value);
	else
		put_difference(e, STREAM_VALUES, value, theirs);
}

static void put_new_type(struct encoder *e, uint32_t id)
{
	const uint32_t *ours = image_words(&e->image, id);
	const struct btf_type *t = (const struct btf_type *)ours;
	const struct shape *shape = shape_of(btf_type_kind(t));
	struct items items = { .id = id, .shape = shape, .ours = ours + 3,
			       .count = shape_items(shape, t) };

	put(e, STREAM_SHAPES, t->info >> 16);
	put(e, STREAM_SHAPES, t->info & 0xffff);
	put_name(e, t->name_off);
	put_reference(e, shape, id, ours[2], 0);
	for (uint32_t i = 0; i < items.count; i++)
		put_new_item(e, &items, i);
}

static void put_edited_type(struct encoder *e, uint32_t id, uint32_t their_id)
{
	const uint32_t *ours = image_words(&e->image, id);
	const uint32_t *theirs = image_words(&e->base, their_id);
	const struct btf_type *t = (const struct btf_type *)ours;
	const struct shape *shape = shape_of(btf_type_kind(t));
	bool name = !is_translation(e, WORD_STRING, ours[0], theirs[0]);
	bool info = ours[1] != theirs[1];
	bool reference = !is_translation(e, shape->reference, ours[2], theirs[2]);
	struct items items = {
		.id = id, .shape = shape, .ours = ours + 3, .theirs = theirs + 3,
		.count = shape_items(shape, t),
		.their_count = shape_items(shape, (const struct btf_type *)theirs),
	};

	put(e, STREAM_SHAPES, name | info << 1 | reference << 2);
	if (name)
		put_name(e, ours[0]);
	if (info)
		put_difference(e, STREAM_SHAPES, ours[1], theirs[1]);
	if (reference)
		put_reference(e, shape, id, ours[2], theirs[2]);
	put_items(e, &items);
}

/* A pair of two kinds, which only hashes that meet by accident make, is none. */
static void part_unequal_kinds(struct encoder *e)
{
	for (uint32_t id = 1; id < e->image.types; id++) {
		uint32_t theirs = e->match.type[id];

		if (theirs == IMAGE_NONE ||
		    btf_type_kind(btf_view_type(&e->image.view, id)) ==
			    btf_type_kind(btf_view_type(&e->base.view, theirs)))
			continue;
		e->match.type[id] = IMAGE_NONE;
		e->match.inverse[theirs] = IMAGE_NONE;
	}
}

static void put_types(struct encoder *e)
{
	uint32_t gap = 0;

	part_unequal_kinds(e);
	put_type_order(e);
	for (uint32_t id = 1; id < e->image.types; id++) {
		uint32_t theirs = e->match.type[id];

		if (theirs == IMAGE_NONE) {
			put_new_type(e, id);
		} else if (is_exact(e, id, theirs)) {
			gap++;
		} else {
			put(e, STREAM_EDITED, gap);
			gap = 0;
			put_edited_type(e, id, theirs);
		}
	}
}

/* --- the frame ---------------------------------------------------------------------------------- */

static void free_cctx(ZSTD_CCtx **ctx)
{
	ZSTD_freeCCtx(*ctx);
}

static int level(const struct encoder *e, size_t size)
{
	if (size < SMALL)
		return ZSTD_LEVEL_SMALL;
	return e->format == TYPES_BASED ? ZSTD_LEVEL_BASED : ZSTD_LEVEL;
}

static int compress(const struct encoder *e, const struct buf *plain, struct btfpack_blob *ret)
{
	CLEANUP(free_cctx) ZSTD_CCtx *ctx = ZSTD_createCCtx();
	AUTO_BLOB struct btfpack_blob out = { 0 };
	size_t bound = ZSTD_compressBound(plain->size);

	out.data = malloc(bound);
	if (!ctx || !out.data)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level(e, plain->size));
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_checksumFlag, 1);
	/* The dictionary must lie in the window. */
	ZSTD_CCtx_setParameter(ctx, ZSTD_c_windowLog, 24);
	ZSTD_CCtx_refPrefix(ctx, e->base.view.strings, e->base.view.end_string);
	out.size = ZSTD_compress2(ctx, out.data, bound, plain->data, plain->size);
	if (ZSTD_isError(out.size))
		return -ENOMEM; /* the buffer is large enough: nothing else can fail */
	*ret = (struct btfpack_blob){ steal_ptr(out.data), out.size }; /* the caller's */
	return 0;
}

static int finish(struct encoder *e, struct btfpack_blob *ret)
{
	AUTO_BUF struct buf plain = BUF_INIT(e->streams[0].maximum);

	for (size_t i = 0; i < STREAM_COUNT; i++) {
		uint32_t size = (uint32_t)e->streams[i].size;
		uint8_t bytes[4] = { size, size >> 8, size >> 16, size >> 24 };

		if (!e->error)
			e->error = buf_add(&plain, bytes, sizeof(bytes));
		if (!e->error)
			e->error = buf_add(&plain, e->streams[i].data, e->streams[i].size);
	}
	if (e->error) /* or more than plain zstd could be worse than */
		return e->error == -EFBIG ? -EOPNOTSUPP : e->error;
	return compress(e, &plain, ret);
}

static const uint32_t empty_base_words[] = {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	0x0001eb9f,
#else
	0xeb9f0100,
#endif
	24, 0, 0, 0, 1, 0 /* the last word: one NUL of it counts */
};
const struct btfpack_blob types_empty_base = { (void *)empty_base_words, 25 };

static int copy_names(struct encoder *e)
{
	size_t size = sizeof(uint32_t) * ((size_t)e->image.strings + 1);

	e->name = malloc(size);
	if (!e->name)
		return -ENOMEM;
	memcpy(e->name, e->match.string, size);
	return 0;
}

static int encode(enum types_format format, const struct btfpack_blob *raw,
		  const struct btfpack_blob *base, struct btfpack_blob *ret)
{
	CLEANUP(encoder_deinit) struct encoder e = { .format = format };
	int error;

	for (size_t i = 0; i < STREAM_COUNT; i++)
		e.streams[i].maximum = types_plain_maximum(raw->size);
	error = image_init(&e.image, raw, true);
	if (!error)
		error = image_init(&e.base, base ? base : &types_empty_base, true);
	if (!error)
		error = match_init(&e.match, &e.image, &e.base);
	if (!error)
		error = copy_names(&e);
	if (error)
		return error == -ENOMEM ? error : -EOPNOTSUPP;
	put_types(&e);
	put_string_order(&e);
	put(&e, STREAM_HEAD, e.image.big_endian);
	put(&e, STREAM_HEAD, e.image.strings);
	put(&e, STREAM_HEAD, e.new_strings);
	put(&e, STREAM_HEAD, e.image.types);
	return finish(&e, ret);
}

int types_encode(const struct btfpack_blob *raw, const struct btfpack_blob *base,
		 struct btfpack_blob *ret)
{
	return encode(TYPES_MARKS, raw, base, ret);
}

int types_encode_based(const struct btfpack_blob *raw, const struct btfpack_blob *base,
		       struct btfpack_blob *ret)
{
	return encode(TYPES_BASED, raw, base, ret);
}
