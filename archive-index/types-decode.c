/* SPDX-License-Identifier: BSD-2-Clause */
#include <zstd.h>

#include "archive-index/types-decoder.h"
#include "core/cursor.h"

static void decoder_deinit(struct decoder *d)
{
	btfpack_blob_free(&d->plain);
	types_model_free(d->model);
	free(d->theirs);
	free(d->inverse);
	free(d->text_offset);
	free(d->place);
	free(d->names);
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

	if (plain > types_plain_maximum(d->model->raw.size) || /* the errors are large numbers, too */
	    ZSTD_findFrameCompressedSize(data, size) != size)
		return -EBADMSG;
	d->plain.data = malloc(plain ? plain : 1);
	if (!ctx || !d->plain.data)
		return -ENOMEM;
	ZSTD_DCtx_refPrefix(ctx, d->base->text, d->base->text_size);
	d->plain.size = ZSTD_decompressDCtx(ctx, d->plain.data, plain, data, size);
	return d->plain.size == plain ? 0 : -EBADMSG;
}

static int split_streams(struct decoder *d)
{
	struct cursor all = cursor_init(d->plain.data, d->plain.size, false, "streams");

	for (size_t i = 0; i < types_stream_count(d->format); i++) {
		const uint8_t *length, *bytes;
		uint32_t size;

		if (cursor_bytes(&all, 4, &length))
			return -EBADMSG;
		size = length[0] | length[1] << 8 | length[2] << 16 | (uint32_t)length[3] << 24;
		if (cursor_bytes(&all, size, &bytes))
			return -EBADMSG;
		d->streams[i] = (struct stream){ bytes, bytes + size };
	}
	return cursor_left(&all) ? -EBADMSG : 0;
}

static int read_head(struct decoder *d)
{
	uint32_t big_endian;

	if (get(d, STREAM_HEAD, &big_endian) || get(d, STREAM_HEAD, &d->strings) ||
	    get(d, STREAM_HEAD, &d->new_strings) || get(d, STREAM_HEAD, &d->types) ||
	    big_endian > 1 || d->model->raw.size < BTF_HEADER_SIZE ||
	    d->strings > d->model->raw.size || d->new_strings > d->strings ||
	    d->new_strings > stream_left(&d->streams[STREAM_TEXT]) || !d->types ||
	    d->types - 1 > d->model->raw.size / sizeof(struct btf_type))
		return -EBADMSG;
	d->model->big_endian = big_endian;
	return 0;
}

static int read_text(struct decoder *d)
{
	const struct stream *s = &d->streams[STREAM_TEXT];
	const uint8_t *at = s->at, *end;

	d->text = (const char *)at;
	d->text_offset = malloc(sizeof(*d->text_offset) * ((size_t)d->new_strings + 1));
	if (!d->text_offset)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->new_strings; i++, at = end + 1) {
		end = memchr(at, '\0', (size_t)(s->end - at));
		if (!end)
			return -EBADMSG;
		d->text_offset[i] = (uint32_t)(at - s->at);
	}
	d->text_offset[d->new_strings] = (uint32_t)(at - s->at);
	return 0;
}

/* --- order ------------------------------------------------------------------------------------- */

/* @length things from @start on, of which some may have been taken before. */
static int get_run(struct order *order, uint32_t start, uint32_t length, uint32_t *map)
{
	while (length) {
		uint32_t taken = order_take_run(order, start, length, map);

		if (!taken)
			return -EBADMSG;
		map += taken;
		length -= taken;
		start = order_expected(order);
	}
	return 0;
}

int decoder_order(struct decoder *d, enum types_stream stream, uint32_t first, uint32_t count,
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
		if (get_run(&order, start, length, map + i))
			return -EBADMSG;
		i += length;
	}
	return 0;
}

/* The counterpart of put_type_order(). */
static int get_type_order(struct decoder *d)
{
	AUTO_ORDER struct order order = { 0 };
	struct marks marks = marks_init(1);
	int error = order_init(&order, d->base->types, 1);

	for (uint32_t i = 1; !error && i < d->types;) {
		uint32_t mark, length, start, skip;

		if (get(d, STREAM_TYPE_MARKS, &mark) || get(d, STREAM_TYPE_RUNS, &length) ||
		    !length || length > d->types - i || mark > marks.count)
			return -EBADMSG;
		if (!mark) {
			for (; length; length--)
				d->theirs[i++] = IMAGE_NONE;
			continue;
		}
		if (get_difference(d, STREAM_TYPE_SKIPS, 0, &skip))
			return -EBADMSG;
		start = order_from(&order, marks.at[mark - 1]) + skip;
		if (get_run(&order, start, length, d->theirs + i))
			return -EBADMSG;
		i += length;
		marks_use(&marks, mark - 1, !skip, order.at);
	}
	return error;
}

static int read_type_order(struct decoder *d)
{
	uint32_t types = d->base->types;
	int error;

	d->theirs = malloc(sizeof(uint32_t) * ((size_t)d->types + 1));
	d->inverse = malloc(sizeof(uint32_t) * ((size_t)types + 1));
	if (!d->theirs || !d->inverse)
		return -ENOMEM;
	error = d->format == TYPES_RUNS
			? decoder_order(d, STREAM_TYPE_RUNS, 1, d->types, types, d->theirs)
			: get_type_order(d);
	if (error)
		return error;
	memset(d->inverse, 0xff, sizeof(uint32_t) * ((size_t)types + 1));
	d->inverse[0] = 0;
	for (uint32_t id = 1; id < d->types; id++)
		if (d->theirs[id] != IMAGE_NONE)
			d->inverse[d->theirs[id]] = id;
	return 0;
}

/* --- types ------------------------------------------------------------------------------------- */

/* The first mention of a name gives it its place. No branch: whether it is the first is
 * a toss. */
static inline uint32_t mention(struct decoder *d, uint32_t name)
{
	uint32_t place = d->place[name], next = d->mentioned;

	d->names[next] = name; /* there is room for one more */
	d->place[name] = place == IMAGE_NONE ? next : place;
	d->mentioned = next + (place == IMAGE_NONE);
	return name;
}

/* The base's name, type or number as ours. */
static inline uint32_t translate(struct decoder *d, enum word what, uint32_t theirs)
{
	uint32_t value = theirs;

	if (what == WORD_STRING)
		value = d->base->ordinal[theirs];
	else if (what == WORD_TYPE)
		value = d->inverse[theirs];
	if (what != WORD_PLAIN && value == IMAGE_NONE) {
		d->bad = true;
		return 0;
	}
	return what == WORD_STRING ? mention(d, value) : value;
}

static inline int get_name(struct decoder *d, uint32_t *ret)
{
	uint64_t code;

	if (get_long(d, STREAM_NAMES, &code) < 0 || code > (uint64_t)UINT32_MAX + 1)
		return -EBADMSG;
	if (!code && d->used_new == d->new_strings)
		return -EBADMSG;
	d->last_name = code ? d->last_name + stream_unfold((uint32_t)(code - 1))
			    : d->base->strings + d->used_new++;
	if (d->last_name >= d->base->strings + d->used_new)
		return -EBADMSG;
	*ret = mention(d, d->last_name);
	return 0;
}

/* A type by its counterpart, or by how far it is. */
static int get_based_type(struct decoder *d, uint32_t id, uint32_t *ret)
{
	uint64_t code;
	uint32_t value = IMAGE_NONE;

	if (get_long(d, STREAM_REFERENCES, &code) < 0 || code >> 1 > UINT32_MAX)
		return -EBADMSG;
	if (code & 1)
		value = id - stream_unfold((uint32_t)(code >> 1));
	else if (code >> 1 < d->base->types)
		value = d->inverse[code >> 1];
	if (value >= d->types) /* or none */
		return -EBADMSG;
	*ret = value;
	return 0;
}

/* A type by how far it is from the one that refers to it. */
static inline int get_type(struct decoder *d, uint32_t id, uint32_t *ret)
{
	uint32_t distance;

	if (d->format == TYPES_BASED)
		return get_based_type(d, id, ret);
	if (get_difference(d, STREAM_REFERENCES, 0, &distance) || id - distance >= d->types)
		return -EBADMSG;
	*ret = id - distance;
	return 0;
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

/* A plain word that is told by how far it is from that of the item before. */
static inline int get_value(struct decoder *d, struct items *s, unsigned int w, uint32_t *ret)
{
	if (get_difference(d, STREAM_VALUES, s->previous[w], ret))
		return -EBADMSG;
	s->previous[w] = *ret;
	return 0;
}

/* Most new items are members and parameters: a way without questions for these. */
static inline int get_new_item(struct decoder *d, struct items *s)
{
	const struct shape *shape = s->shape;
	uint32_t *item = take_words(d, shape->words);
	int error = item ? 0 : -EBADMSG;

	if (!error && shape->item[0] == WORD_STRING && shape->item[1] == WORD_TYPE) {
		if (get_name(d, &item[0]) || get_type(d, s->id, &item[1]))
			return -EBADMSG;
		return shape->words == 3 ? get_value(d, s, 2, &item[2]) : 0;
	}
	for (unsigned int w = 0; !error && w < shape->words; w++) {
		switch (shape->item[w]) {
		case WORD_STRING:
			error = get_name(d, &item[w]);
			break;
		case WORD_TYPE:
			error = get_type(d, s->id, &item[w]);
			break;
		case WORD_PLAIN:
			error = get_value(d, s, w, &item[w]);
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
		item[w] = translate(d, s->shape->item[w], theirs[w]);
		if (s->shape->item[w] != WORD_PLAIN)
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
	if (shape->reference != WORD_TYPE)
		return get_difference(d, STREAM_VALUES, theirs, ret);
	return get_type(d, id, ret);
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
	int error = 0;

	if (!words || get(d, STREAM_SHAPES, &fields) || fields > 7)
		return -EBADMSG;
	if (fields & 1)
		error = get_name(d, &words[0]);
	else
		words[0] = translate(d, WORD_STRING, theirs[0]);
	words[1] = theirs[1];
	if (!error && fields & 2)
		error = get_difference(d, STREAM_SHAPES, theirs[1], &words[1]);
	if (!error && fields & 4)
		error = get_reference(d, shape, id, theirs[2], &words[2]);
	else if (!error)
		words[2] = translate(d, shape->reference, theirs[2]);
	if (error || BTF_INFO_KIND(words[1]) != BTF_INFO_KIND(theirs[1]))
		return -EBADMSG;
	return get_items(d, &items, shape_items(shape, (struct btf_type *)words));
}

/* What translating needs, in one place that the compiler can keep in registers. */
struct translator {
	const uint32_t *ordinal, *inverse; /* of the base's names and types */
	uint32_t *place, *names, mentioned;
	bool bad;
};

static inline uint32_t translate_name(struct translator *t, uint32_t theirs)
{
	uint32_t name = t->ordinal[theirs], place;

	if (name == IMAGE_NONE) {
		t->bad = true;
		return 0;
	}
	place = t->place[name]; /* as mention() does */
	t->names[t->mentioned] = name;
	t->place[name] = place == IMAGE_NONE ? t->mentioned : place;
	t->mentioned += place == IMAGE_NONE;
	return name;
}

static inline uint32_t translate_type(struct translator *t, uint32_t theirs)
{
	uint32_t id = t->inverse[theirs];

	t->bad |= id == IMAGE_NONE;
	return id;
}

static inline uint32_t translate_word(struct translator *t, enum word what, uint32_t theirs)
{
	return what == WORD_STRING ? translate_name(t, theirs)
	       : what == WORD_TYPE ? translate_type(t, theirs)
				   : theirs;
}

/* A type, whose @items are those of @theirs. */
static inline void translate_words(struct translator *t, const struct shape *shape, uint32_t *words,
				   const uint32_t *theirs, uint32_t items)
{
	unsigned int step = shape->words;

	words[0] = translate_name(t, theirs[0]);
	words[1] = theirs[1];
	words[2] = translate_word(t, shape->reference, theirs[2]);
	if (!items)
		return;
	words += 3, theirs += 3;
	/* Members are most of a BTF: a loop without questions. */
	if (step == 3 && shape->item[0] == WORD_STRING && shape->item[1] == WORD_TYPE) {
		for (; items; items--, words += 3, theirs += 3) {
			words[0] = translate_name(t, theirs[0]);
			words[1] = translate_type(t, theirs[1]);
			words[2] = theirs[2];
		}
		return;
	}
	for (; items; items--, words += step, theirs += step)
		for (unsigned int w = 0; w < step; w++)
			words[w] = translate_word(t, shape->item[w], theirs[w]);
}

/* From type @id on, up to @most of those that are the base's with references and names
 * turned into ours. *@count_ret: how many. */
static int get_translated_types(struct decoder *d, uint32_t id, uint32_t most, uint32_t *count_ret)
{
	struct translator t = { d->base->ordinal, d->inverse,   d->place,
				d->names,         d->mentioned, false };
	const struct types_model *base = d->base;
	const uint32_t *map = d->theirs + id, types = d->types - id;
	uint32_t *start = d->model->start + id - 1, *words = d->words + d->position, count;
	uint32_t *end = d->words + d->limit;

	for (count = 0; count < types && count < most && map[count] != IMAGE_NONE; count++) {
		const uint32_t *theirs = model_words(base, map[count]);
		const struct shape *shape = shape_of(BTF_INFO_KIND(theirs[1]));
		uint32_t items = shape_items(shape, (const struct btf_type *)theirs);
		size_t size = 3 + (size_t)items * shape->words;

		if (size > (size_t)(end - words))
			return -EBADMSG;
		start[count] = (uint32_t)((const uint8_t *)words - (const uint8_t *)d->words);
		translate_words(&t, shape, words, theirs, items);
		words += size;
	}
	d->position = (size_t)(words - d->words);
	d->mentioned = t.mentioned;
	d->bad |= t.bad;
	*count_ret = count;
	return 0;
}

/* How many exact translations come before the next edited type. */
static int get_gap(struct decoder *d, uint32_t *ret)
{
	*ret = IMAGE_NONE;
	return stream_left(&d->streams[STREAM_EDITED]) ? get(d, STREAM_EDITED, ret) : 0;
}

/* One type that is new or edited, or several that are neither. */
static int read_some(struct decoder *d, uint32_t id, uint32_t *gap, uint32_t *count_ret)
{
	int error;

	*count_ret = 1;
	d->model->start[id - 1] = (uint32_t)(sizeof(uint32_t) * d->position);
	if (d->theirs[id] == IMAGE_NONE)
		return get_new_type(d, id);
	if (*gap) {
		error = get_translated_types(d, id, *gap, count_ret);
		*gap -= *gap == IMAGE_NONE || error ? 0 : *count_ret;
		return error;
	}
	error = get_edited_type(d, id, model_words(d->base, d->theirs[id]));
	return error ? error : get_gap(d, gap);
}

static int read_types(struct decoder *d)
{
	size_t names = (size_t)d->base->strings + d->new_strings;
	uint32_t gap, count;
	int error = get_gap(d, &gap);

	d->place = malloc(sizeof(uint32_t) * (names + 1));
	d->names = malloc(sizeof(uint32_t) * (names + 1));
	d->model->start = malloc(sizeof(uint32_t) * (size_t)d->types);
	if (!d->place || !d->names || !d->model->start)
		return -ENOMEM;
	memset(d->place, 0xff, sizeof(uint32_t) * (names + 1));
	mention(d, 0); /* the base's first string is the empty one */
	for (uint32_t id = 1; !error && id < d->types; id += count)
		error = read_some(d, id, &gap, &count);
	return error || d->bad ? -EBADMSG : 0;
}

/* --- the whole ---------------------------------------------------------------------------------- */

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
		error = decoder_read_strings(d);
	return error;
}

/* The rest of what the model holds. */
static void complete_model(struct decoder *d)
{
	struct types_model *m = d->model;

	m->types = d->types;
	m->strings = d->strings;
	m->bytes = (const uint8_t *)d->words;
	m->types_size = sizeof(uint32_t) * d->position;
	m->ordinal = steal_ptr(d->place); /* the model's */
}

static int decode_onto(enum types_format format, const void *data, size_t size,
		       const struct types_model *base, size_t raw_size, struct types_model **ret)
{
	CLEANUP(decoder_deinit) struct decoder d = { .format = format, .base = base };
	int error;

	if (raw_size < BTF_HEADER_SIZE || raw_size > UINT32_MAX)
		return -EBADMSG;
	d.model = calloc(1, sizeof(*d.model));
	if (!d.model)
		return -ENOMEM;
	d.model->raw = (struct btfpack_blob){ malloc(raw_size), raw_size };
	if (!d.model->raw.data)
		return -ENOMEM;
	d.words = (uint32_t *)d.model->raw.data + BTF_HEADER_SIZE / 4;
	d.limit = (raw_size - BTF_HEADER_SIZE) / 4;
	error = decode(&d, data, size);
	if (error)
		return error == -ENOMEM ? error : -EBADMSG;
	complete_model(&d);
	*ret = steal_ptr(d.model); /* the caller's */
	return 0;
}

/* A model of a copy of @btf (NULL: that of no type). */
static int copy_to_model(const struct btfpack_blob *btf, struct types_model **ret)
{
	const struct btfpack_blob *from = btf ? btf : &types_empty_base;
	struct btfpack_blob copy = { malloc(from->size), from->size };
	int error;

	if (!copy.data)
		return -ENOMEM;
	memcpy(copy.data, from->data, from->size);
	error = types_model_of(&copy, ret);
	return !error || error == -ENOMEM ? error : -EBADMSG;
}

int types_decode_model(enum types_format format, const void *data, size_t size,
		       const struct types_model *base, size_t raw_size, struct types_model **ret)
{
	AUTO_TYPES_MODEL struct types_model *empty = NULL;
	int error = base ? 0 : copy_to_model(NULL, &empty);

	return error ? error : decode_onto(format, data, size, base ? base : empty, raw_size, ret);
}

int types_decode(const void *data, size_t size, const struct btfpack_blob *base, size_t raw_size,
		 struct btfpack_blob *ret)
{
	AUTO_TYPES_MODEL struct types_model *base_model = NULL, *model = NULL;
	int error = copy_to_model(base, &base_model);

	if (!error)
		error = decode_onto(TYPES_MARKS, data, size, base_model, raw_size, &model);
	if (!error)
		types_model_turn(steal_ptr(model), ret);
	return error;
}
