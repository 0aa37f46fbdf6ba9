/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "archive-index/types-codec.h"
#include "archive-index/types-image.h"
#include "archive-index/types-order.h"
#include "core/cursor.h"

/*
 * In the order of the streams' dependence: the order of the types first, since
 * references may lead ahead; then the types, in which names are still numbers
 * (the base's ordinals, behind them those of new strings); then the strings, whose
 * order leans on where the types mention them; then names become offsets.
 *
 * Nothing here is trusted but the base, which is a BTF that was decoded before:
 * every number is checked where it is used, and what comes out has the digest
 * compared by whoever called.
 */
struct decoder {
	struct image base;
	struct btfpack_blob plain;
	struct cursor streams[STREAM_COUNT];
	uint32_t strings, new_strings, types;
	bool big_endian;
	uint32_t *theirs;  /* of each type: the base's, or IMAGE_NONE */
	uint32_t *inverse; /* of the base's: ours, or IMAGE_NONE */
	const char **text; /* of each new string */
	uint32_t last_name, used_new;
	struct btfpack_blob raw;
	uint32_t *words; /* of the types, in raw */
	size_t position, limit; /* in words */
};

static void decoder_deinit(struct decoder *d)
{
	image_deinit(&d->base);
	btfpack_blob_free(&d->plain);
	btfpack_blob_free(&d->raw);
	free(d->theirs);
	free(d->inverse);
	free(d->text);
}

/* --- numbers ----------------------------------------------------------------------------------- */

static int get(struct decoder *d, enum types_stream stream, uint32_t *ret)
{
	uint64_t value;

	if (cursor_uleb(&d->streams[stream], &value) < 0 || value > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)value;
	return 0;
}

static uint32_t unfold(uint32_t folded)
{
	return folded >> 1 ^ (folded & 1 ? UINT32_MAX : 0);
}

/* *@ret: @from and the difference that comes next. */
static int get_difference(struct decoder *d, enum types_stream stream, uint32_t from, uint32_t *ret)
{
	uint32_t folded;
	int error = get(d, stream, &folded);

	*ret = from + (error ? 0 : unfold(folded));
	return error;
}

/* --- streams ----------------------------------------------------------------------------------- */

static void free_dctx(ZSTD_DCtx **ctx)
{
	ZSTD_freeDCtx(*ctx);
}

static int decompress(struct decoder *d, const void *data, size_t size)
{
	CLEANUP(free_dctx) ZSTD_DCtx *ctx = ZSTD_createDCtx();
	unsigned long long plain = ZSTD_getFrameContentSize(data, size);

	if (plain > types_plain_maximum(d->raw.size) || /* the errors are large numbers, too */
	    ZSTD_findFrameCompressedSize(data, size) != size)
		return -EBADMSG;
	d->plain.data = malloc(plain ? plain : 1);
	if (!ctx || !d->plain.data)
		return -ENOMEM;
	ZSTD_DCtx_refPrefix(ctx, d->base.view.strings, d->base.view.end_string);
	d->plain.size = ZSTD_decompressDCtx(ctx, d->plain.data, plain, data, size);
	return d->plain.size == plain ? 0 : -EBADMSG;
}

static int split_streams(struct decoder *d)
{
	struct cursor all = cursor_init(d->plain.data, d->plain.size, false, "streams");

	for (size_t i = 0; i < STREAM_COUNT; i++) {
		const uint8_t *length, *bytes;
		uint32_t size;

		if (cursor_bytes(&all, 4, &length))
			return -EBADMSG;
		size = length[0] | length[1] << 8 | length[2] << 16 | (uint32_t)length[3] << 24;
		if (cursor_bytes(&all, size, &bytes))
			return -EBADMSG;
		d->streams[i] = cursor_init(bytes, size, false, "stream");
	}
	return cursor_left(&all) ? -EBADMSG : 0;
}

static int read_head(struct decoder *d)
{
	uint32_t big_endian;

	if (get(d, STREAM_HEAD, &big_endian) || get(d, STREAM_HEAD, &d->strings) ||
	    get(d, STREAM_HEAD, &d->new_strings) || get(d, STREAM_HEAD, &d->types) ||
	    big_endian > 1 || d->raw.size < BTF_HEADER_SIZE || d->strings > d->raw.size ||
	    d->new_strings > d->strings || !d->types ||
	    d->types - 1 > d->raw.size / sizeof(struct btf_type))
		return -EBADMSG;
	d->big_endian = big_endian;
	return 0;
}

static int read_text(struct decoder *d)
{
	d->text = calloc((size_t)d->new_strings + 1, sizeof(*d->text));
	if (!d->text)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->new_strings; i++)
		if (cursor_string(&d->streams[STREAM_TEXT], &d->text[i]))
			return -EBADMSG;
	return 0;
}

/* --- order ------------------------------------------------------------------------------------- */

/* The counterpart of put_order(): @map of things @first to @count - 1. */
static int get_order(struct decoder *d, enum types_stream stream, uint32_t first, uint32_t count,
		     uint32_t other_count, uint32_t *map)
{
	AUTO_ORDER struct order order = { 0 };
	int error = order_init(&order, other_count, first);

	if (error)
		return error;
	for (uint32_t i = first; i < count;) {
		uint32_t none, start, length;

		if (get(d, stream, &none) || none > count - i)
			return -EBADMSG;
		for (; none; none--)
			map[i++] = IMAGE_NONE;
		if (get_difference(d, stream, i < count ? order_expected(&order) : 0, &start) ||
		    get(d, stream, &length) || length > count - i || (i < count && !length))
			return -EBADMSG;
		for (; length; length--, start = order_expected(&order)) {
			if (!order_has(&order, start))
				return -EBADMSG;
			order_take(&order, start);
			map[i++] = start;
		}
	}
	return 0;
}

static int read_type_order(struct decoder *d)
{
	int error;

	d->theirs = malloc(sizeof(uint32_t) * ((size_t)d->types + 1));
	d->inverse = malloc(sizeof(uint32_t) * ((size_t)d->base.types + 1));
	if (!d->theirs || !d->inverse)
		return -ENOMEM;
	error = get_order(d, STREAM_TYPE_RUNS, 1, d->types, d->base.types, d->theirs);
	if (error)
		return error;
	memset(d->inverse, 0xff, sizeof(uint32_t) * ((size_t)d->base.types + 1));
	d->inverse[0] = 0;
	for (uint32_t id = 1; id < d->types; id++)
		if (d->theirs[id] != IMAGE_NONE)
			d->inverse[d->theirs[id]] = id;
	return 0;
}

/* --- types ------------------------------------------------------------------------------------- */

static int translate(const struct decoder *d, enum word what, uint32_t theirs, uint32_t *ret)
{
	uint32_t value = theirs;

	if (what == WORD_STRING)
		value = d->base.ordinal[theirs];
	else if (what == WORD_TYPE)
		value = d->inverse[theirs];
	*ret = value;
	return what != WORD_PLAIN && value == IMAGE_NONE ? -EBADMSG : 0;
}

static int get_name(struct decoder *d, uint32_t *ret)
{
	uint64_t code;

	if (cursor_uleb(&d->streams[STREAM_NAMES], &code) < 0 || code > (uint64_t)UINT32_MAX + 1)
		return -EBADMSG;
	if (!code && d->used_new == d->new_strings)
		return -EBADMSG;
	d->last_name = code ? d->last_name + unfold((uint32_t)(code - 1))
			    : d->base.strings + d->used_new++;
	*ret = d->last_name;
	return d->last_name < d->base.strings + d->used_new ? 0 : -EBADMSG;
}

/* Room for @count words; NULL when the BTF would be larger than it is. */
static uint32_t *take_words(struct decoder *d, size_t count)
{
	uint32_t *words = d->words + d->position;

	if (count > d->limit - d->position)
		return NULL;
	d->position += count;
	return words;
}

/* Items of the type being read. */
struct items {
	uint32_t id;
	const struct shape *shape;
	const uint32_t *theirs;
	uint32_t their_count;
	uint32_t previous[3], shift[3]; /* as the encoder's */
};

static int get_new_item(struct decoder *d, struct items *s)
{
	uint32_t *item = take_words(d, s->shape->words);
	int error = item ? 0 : -EBADMSG;

	for (unsigned int w = 0; !error && w < s->shape->words; w++) {
		switch (s->shape->item[w]) {
		case WORD_STRING:
			error = get_name(d, &item[w]);
			break;
		case WORD_TYPE:
			error = get_difference(d, STREAM_REFERENCES, 0, &item[w]);
			item[w] = s->id - item[w];
			break;
		case WORD_PLAIN:
			error = get_difference(d, STREAM_VALUES, s->previous[w], &item[w]);
			s->previous[w] = item[w];
			break;
		}
	}
	return error;
}

static int get_copied_item(struct decoder *d, struct items *s, uint32_t index)
{
	const uint32_t *theirs = s->theirs + (size_t)index * s->shape->words;
	uint32_t *item = take_words(d, s->shape->words);
	int error = item ? 0 : -EBADMSG;

	for (unsigned int w = 0; !error && w < s->shape->words; w++) {
		error = translate(d, s->shape->item[w], theirs[w], &item[w]);
		if (error || s->shape->item[w] != WORD_PLAIN)
			continue;
		error = get_difference(d, STREAM_SHIFTS, s->shift[w], &s->shift[w]);
		item[w] = theirs[w] + s->shift[w];
		s->previous[w] = item[w];
	}
	return error;
}

static int get_items(struct decoder *d, struct items *s, uint32_t count)
{
	uint32_t i = 0, j = 0;

	while (i < count) {
		uint32_t skip, copy, insert;
		int error = 0;

		if (get(d, STREAM_SHAPES, &skip) || get(d, STREAM_SHAPES, &copy) ||
		    get(d, STREAM_SHAPES, &insert) || skip > s->their_count - j ||
		    copy > s->their_count - j - skip || copy > count - i ||
		    insert > count - i - copy || copy + insert == 0)
			return -EBADMSG;
		j += skip;
		i += copy + insert;
		for (; !error && copy; copy--)
			error = get_copied_item(d, s, j++);
		for (; !error && insert; insert--)
			error = get_new_item(d, s);
		if (error)
			return error;
	}
	return 0;
}

static int get_reference(struct decoder *d, const struct shape *shape, uint32_t id, uint32_t theirs,
			 uint32_t *ret)
{
	int error;

	if (shape->reference != WORD_TYPE)
		return get_difference(d, STREAM_VALUES, theirs, ret);
	error = get_difference(d, STREAM_REFERENCES, 0, ret);
	*ret = id - *ret;
	return error;
}

static int get_new_type(struct decoder *d, uint32_t id)
{
	uint32_t *words = take_words(d, 3), high, low;
	struct items items = { .id = id };
	int error;

	if (!words || get(d, STREAM_SHAPES, &high) || get(d, STREAM_SHAPES, &low) || high > 0xffff ||
	    low > 0xffff)
		return -EBADMSG;
	words[1] = high << 16 | low;
	items.shape = shape_of(BTF_INFO_KIND(words[1]));
	if (!items.shape)
		return -EBADMSG;
	error = get_name(d, &words[0]);
	if (!error)
		error = get_reference(d, items.shape, id, 0, &words[2]);
	for (uint32_t i = shape_items(items.shape, (struct btf_type *)words); !error && i; i--)
		error = get_new_item(d, &items);
	return error;
}

static int get_edited_type(struct decoder *d, uint32_t id, const uint32_t *theirs)
{
	const struct shape *shape = shape_of(BTF_INFO_KIND(theirs[1]));
	uint32_t *words = take_words(d, 3), fields;
	struct items items = {
		.id = id, .shape = shape, .theirs = theirs + 3,
		.their_count = shape_items(shape, (const struct btf_type *)theirs),
	};
	int error;

	if (!words || get(d, STREAM_SHAPES, &fields) || fields > 7)
		return -EBADMSG;
	error = fields & 1 ? get_name(d, &words[0])
			   : translate(d, WORD_STRING, theirs[0], &words[0]);
	words[1] = theirs[1];
	if (!error && fields & 2)
		error = get_difference(d, STREAM_SHAPES, theirs[1], &words[1]);
	if (!error)
		error = fields & 4 ? get_reference(d, shape, id, theirs[2], &words[2])
				   : translate(d, shape->reference, theirs[2], &words[2]);
	if (error || BTF_INFO_KIND(words[1]) != BTF_INFO_KIND(theirs[1]))
		return -EBADMSG;
	return get_items(d, &items, shape_items(shape, (struct btf_type *)words));
}

/* The base's type with its references and names turned into ours. */
static int get_translated_type(struct decoder *d, const uint32_t *theirs)
{
	const struct shape *shape = shape_of(BTF_INFO_KIND(theirs[1]));
	uint32_t items = shape_items(shape, (const struct btf_type *)theirs);
	uint32_t *words = take_words(d, 3 + (size_t)items * shape->words);
	int error;

	if (!words)
		return -EBADMSG;
	words[1] = theirs[1];
	error = translate(d, WORD_STRING, theirs[0], &words[0]) |
		translate(d, shape->reference, theirs[2], &words[2]);
	words += 3, theirs += 3;
	for (; items; items--, words += shape->words, theirs += shape->words)
		for (unsigned int w = 0; w < shape->words; w++)
			error |= translate(d, shape->item[w], theirs[w], &words[w]);
	return error ? -EBADMSG : 0;
}

/* How many exact translations come before the next edited type. */
static int get_gap(struct decoder *d, uint32_t *ret)
{
	*ret = IMAGE_NONE;
	return cursor_left(&d->streams[STREAM_EDITED]) ? get(d, STREAM_EDITED, ret) : 0;
}

static int read_types(struct decoder *d)
{
	uint32_t gap;
	int error = get_gap(d, &gap);

	for (uint32_t id = 1; !error && id < d->types; id++) {
		const uint32_t *theirs;

		if (d->theirs[id] == IMAGE_NONE) {
			error = get_new_type(d, id);
			continue;
		}
		theirs = image_words(&d->base, d->theirs[id]);
		if (gap) {
			gap -= gap != IMAGE_NONE;
			error = get_translated_type(d, theirs);
			continue;
		}
		error = get_edited_type(d, id, theirs);
		if (!error)
			error = get_gap(d, &gap);
	}
	return error;
}

/* --- strings ----------------------------------------------------------------------------------- */

/* Go through the names of all types, in order. */
static void each_name(struct decoder *d, void (*fn)(uint32_t *name, void *arg), void *arg)
{
	for (uint32_t *words = d->words, *end = words + d->position; words < end;) {
		const struct shape *shape = shape_of(BTF_INFO_KIND(words[1]));
		uint32_t items = shape_items(shape, (struct btf_type *)words);

		fn(&words[0], arg);
		for (words += 3; items; items--, words += shape->words)
			for (unsigned int w = 0; w < shape->words; w++)
				if (shape->item[w] == WORD_STRING)
					fn(&words[w], arg);
	}
}

struct mentions {
	uint32_t *names; /* in the order of their first mention */
	uint32_t count;
	uint32_t *offset; /* by name: where the string is put; not yet: anything else */
	bool incomplete;
};

static void mention(uint32_t *name, void *arg)
{
	struct mentions *m = arg;

	if (m->offset[*name] != IMAGE_NONE)
		return;
	m->offset[*name] = 0;
	m->names[m->count++] = *name;
}

static void resolve(uint32_t *name, void *arg)
{
	struct mentions *m = arg;

	m->incomplete |= m->offset[*name] == IMAGE_NONE;
	*name = m->offset[*name];
}

static const char *text_of(const struct decoder *d, uint32_t name)
{
	return name < d->base.strings ? d->base.view.strings + d->base.offset[name]
				      : d->text[name - d->base.strings];
}

static int put_strings(struct decoder *d, struct mentions *m, const uint32_t *order)
{
	char *section = (char *)(d->words + d->position);
	size_t size = d->raw.size - BTF_HEADER_SIZE - 4 * d->position, at = 0;

	for (uint32_t i = 0; i < d->strings; i++) {
		const char *text;
		size_t length;

		if (order[i] != IMAGE_NONE)
			text = text_of(d, m->names[order[i]]);
		else if (cursor_string(&d->streams[STREAM_UNUSED], &text))
			return -EBADMSG;
		length = strlen(text) + 1;
		if (length > size - at)
			return -EBADMSG;
		memcpy(section + at, text, length);
		if (order[i] != IMAGE_NONE)
			m->offset[m->names[order[i]]] = (uint32_t)at;
		at += length;
	}
	return at == size ? 0 : -EBADMSG;
}

static int read_strings(struct decoder *d)
{
	size_t names = (size_t)d->base.strings + d->new_strings;
	AUTO_FREE uint32_t *mentioned = malloc(sizeof(uint32_t) * (names + 1));
	AUTO_FREE uint32_t *offset = malloc(sizeof(uint32_t) * (names + 1));
	AUTO_FREE uint32_t *order = malloc(sizeof(uint32_t) * ((size_t)d->strings + 1));
	struct mentions m = { mentioned, 0, offset, false };
	int error;

	if (!mentioned || !offset || !order)
		return -ENOMEM;
	memset(offset, 0xff, sizeof(uint32_t) * (names + 1));
	mention(&(uint32_t){ 0 }, &m); /* the base's first string is the empty one */
	each_name(d, mention, &m);
	error = get_order(d, STREAM_STRING_RUNS, 0, d->strings, m.count, order);
	memset(offset, 0xff, sizeof(uint32_t) * (names + 1));
	if (!error)
		error = put_strings(d, &m, order);
	if (error)
		return error;
	each_name(d, resolve, &m);
	return m.incomplete ? -EBADMSG : 0;
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void write_header(struct decoder *d)
{
	uint32_t types = (uint32_t)(4 * d->position);
	struct btf_header header = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = BTF_HEADER_SIZE,
		.type_len = types, .str_off = types,
		.str_len = (uint32_t)(d->raw.size - BTF_HEADER_SIZE - types),
	};

	if (d->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)) {
		header.magic = bswap_16(header.magic);
		header.hdr_len = bswap_32(header.hdr_len);
		header.type_len = bswap_32(header.type_len);
		header.str_off = bswap_32(header.str_off);
		header.str_len = bswap_32(header.str_len);
		for (size_t i = 0; i < d->position; i++)
			d->words[i] = bswap_32(d->words[i]);
	}
	memcpy(d->raw.data, &header, BTF_HEADER_SIZE);
}

static int decode(struct decoder *d, const void *data, size_t size)
{
	int error = decompress(d, data, size);

	if (!error)
		error = split_streams(d);
	if (!error)
		error = read_head(d);
	if (!error)
		error = read_text(d);
	if (!error)
		error = read_type_order(d);
	if (!error)
		error = read_types(d);
	if (!error)
		error = read_strings(d);
	if (!error)
		write_header(d);
	return error;
}

int types_decode(const void *data, size_t size, const struct btfpack_blob *base, size_t raw_size,
		 struct btfpack_blob *ret)
{
	CLEANUP(decoder_deinit) struct decoder d = { 0 };
	int error;

	if (raw_size < BTF_HEADER_SIZE || raw_size > UINT32_MAX)
		return -EBADMSG;
	d.raw = (struct btfpack_blob){ malloc(raw_size), raw_size };
	if (!d.raw.data)
		return -ENOMEM;
	d.words = (uint32_t *)d.raw.data + BTF_HEADER_SIZE / 4;
	d.limit = (raw_size - BTF_HEADER_SIZE) / 4;
	error = image_init(&d.base, base ? base : &types_empty_base, false);
	if (!error)
		error = decode(&d, data, size);
	if (error)
		return error == -ENOMEM ? error : -EBADMSG;
	*ret = d.raw; /* the caller's */
	d.raw = (struct btfpack_blob){ 0 };
	return 0;
}
