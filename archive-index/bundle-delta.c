/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive-index/bundle-delta.h"
#include "core/cleanup.h"
#include "runtime-loader/bundle-format.h"

#define NONE       UINT32_MAX
#define KEY_ROUNDS 4          /* unnamed types that a key looks through */
#define CELLS_MOST (1U << 22) /* of a table that aligns two lists */

struct item {
	uint32_t words[3];
	uint8_t shape;
	uint32_t key; /* what tells it from others of its type */
};

struct type {
	uint32_t first; /* its header, in items */
	uint32_t count; /* of items, the header included */
	uint32_t key;
};

struct delta_blob {
	const uint8_t *data;
	size_t size;
	bool is_btf; /* as minify writes it: all that follows is known */
	bool big;
	struct item *items;
	uint32_t item_count;
	struct type *types;  /* by id; 0: void */
	uint32_t type_count; /* void included */
	const char *strings;
	uint32_t strings_size;
	uint32_t *slots; /* offsets of strings by their hash; 0: free */
	uint32_t slot_count;
	uint32_t *sketch; /* a hash of each item and what it says, sorted */
};

/* --- taking apart ------------------------------------------------------------------------------- */

static uint32_t get_word(const struct delta_blob *b, size_t at)
{
	uint32_t value = bundle_get_u32(b->data + at);

	return b->big ? __builtin_bswap32(value) : value;
}

/* Whether the header is the one that deltas give back. What is larger than a group is no
 * minified BTF, and would take long to put together. */
static bool read_header(struct delta_blob *b, uint32_t *types_size_ret)
{
	static const uint8_t starts[][4] = { { 0x9f, 0xeb, 1, 0 }, { 0xeb, 0x9f, 1, 0 } };
	uint32_t types_size;

	if (b->size < BUNDLE_BTF_HEADER || b->size > BUNDLE_GROUP_MAXIMUM)
		return false;
	b->big = b->data[0] == starts[1][0];
	types_size = get_word(b, 12);
	if (memcmp(b->data, starts[b->big], 4) || get_word(b, 4) != BUNDLE_BTF_HEADER ||
	    get_word(b, 8) != 0 || types_size > b->size - BUNDLE_BTF_HEADER || types_size % 4 ||
	    get_word(b, 16) != types_size ||
	    get_word(b, 20) != b->size - BUNDLE_BTF_HEADER - types_size)
		return false;
	b->strings = (const char *)b->data + BUNDLE_BTF_HEADER + types_size;
	b->strings_size = (uint32_t)(b->size - BUNDLE_BTF_HEADER - types_size);
	*types_size_ret = types_size;
	return b->strings_size && !b->strings[0] && !b->strings[b->strings_size - 1];
}

/* Read the item at *@at. False when it is cut off. */
static bool read_item(struct delta_blob *b, uint32_t shape, size_t *at, size_t end)
{
	struct item *item = &b->items[b->item_count++];

	*item = (struct item){ .shape = (uint8_t)shape };
	if (end - *at < 4 * (size_t)bundle_shapes[shape].count)
		return false;
	for (int i = 0; i < bundle_shapes[shape].count; i++, *at += 4)
		item->words[i] = get_word(b, *at);
	return true;
}

static bool read_type(struct delta_blob *b, size_t *at, size_t end)
{
	struct type *t = &b->types[b->type_count++];
	struct bundle_kind kind;
	uint32_t left;

	*t = (struct type){ .first = b->item_count };
	if (!read_item(b, BUNDLE_SHAPE_HEADER, at, end))
		return false;
	kind = bundle_kind(b->items[t->first].words[1]);
	left = kind.many ? b->items[t->first].words[1] & 0xffff : kind.shape != BUNDLE_SHAPE_NONE;
	for (; kind.known && left; left--)
		if (!read_item(b, kind.shape, at, end))
			return false;
	t->count = b->item_count - t->first;
	return kind.known;
}

static enum bundle_word role_of(const struct item *item, int i)
{
	if (item->shape == BUNDLE_SHAPE_HEADER && i == 2)
		return bundle_kind(item->words[1]).refers ? BUNDLE_WORD_TYPE : BUNDLE_WORD_PLAIN;
	return bundle_shapes[item->shape].words[i];
}

static uint32_t hash_string(const char *text)
{
	return (uint32_t)XXH3_64bits(text, strlen(text));
}

/* The slot of the string @text: free, when there is no such string. */
static uint32_t *find_string(const struct delta_blob *b, const char *text)
{
	uint32_t at = hash_string(text) & (b->slot_count - 1);

	while (b->slots[at] && strcmp(b->strings + b->slots[at], text) != 0)
		at = (at + 1) & (b->slot_count - 1);
	return &b->slots[at];
}

/* Whether each string is there once, in the order in which the items mention them, and
 * each type that they refer to is there. */
static bool check_words(struct delta_blob *b)
{
	uint32_t next = 1, word;

	for (uint32_t i = 0; i < b->item_count; i++) {
		for (int w = 0; w < bundle_shapes[b->items[i].shape].count; w++) {
			enum bundle_word role = role_of(&b->items[i], w);

			word = b->items[i].words[w];
			if (role == BUNDLE_WORD_TYPE && word >= b->type_count)
				return false;
			if (role != BUNDLE_WORD_NAME || !word)
				continue;
			if (word > next || next >= b->strings_size)
				return false;
			if (word == next) {
				uint32_t *slot = find_string(b, b->strings + word);

				if (*slot)
					return false;
				*slot = word;
				next += (uint32_t)strlen(b->strings + word) + 1;
			} else if (b->strings[word - 1]) {
				return false;
			}
		}
	}
	return next == b->strings_size;
}

static uint32_t mix(uint32_t a, uint32_t b)
{
	uint32_t both[2] = { a, b };

	return (uint32_t)XXH3_64bits(both, sizeof(both));
}

/* What tells a type by itself: of one without a name, the names of its first members. */
static uint32_t own_key(const struct delta_blob *b, const struct type *t)
{
	const struct item *items = &b->items[t->first];
	uint32_t key = mix(items->words[1] >> 24 & 31, hash_string(b->strings + items->words[0]));

	for (uint32_t i = 1; !items->words[0] && i < t->count && i <= 4; i++)
		if (items[i].shape == BUNDLE_SHAPE_MEMBER)
			key = mix(key, hash_string(b->strings + items[i].words[0]));
	return key;
}

/* The key of a type without a name, from those of what it refers to. */
static uint32_t key_by_others(const struct delta_blob *b, const struct type *t, uint32_t key,
			      const uint32_t *keys)
{
	const struct item *items = &b->items[t->first];

	if (bundle_kind(items->words[1]).refers)
		key = mix(key, keys[items->words[2]]);
	for (uint32_t i = 1; i < t->count; i++) {
		if (items[i].shape == BUNDLE_SHAPE_ARRAY)
			key = mix(key, keys[items[i].words[0]]);
		else if (items[i].shape == BUNDLE_SHAPE_PARAMETER)
			key = mix(key, keys[items[i].words[1]]);
	}
	return key;
}

/* What types are taken for the same by: a name, or through some others, names. */
static int find_type_keys(struct delta_blob *b)
{
	AUTO_FREE uint32_t *keys = calloc(b->type_count, sizeof(*keys));
	AUTO_FREE uint32_t *own = calloc(b->type_count, sizeof(*own));

	if (!keys || !own)
		return -ENOMEM;
	for (uint32_t id = 1; id < b->type_count; id++)
		keys[id] = own[id] = own_key(b, &b->types[id]);
	for (int round = 0; round < KEY_ROUNDS; round++) {
		for (uint32_t id = 1; id < b->type_count; id++) {
			struct type *t = &b->types[id];

			t->key = b->items[t->first].words[0] ? own[id]
							     : key_by_others(b, t, own[id], keys);
		}
		for (uint32_t id = 1; id < b->type_count; id++)
			keys[id] = b->types[id].key;
	}
	return 0;
}

static int compare_words(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void find_item_keys(struct delta_blob *b)
{
	for (uint32_t id = 1; id < b->type_count; id++) {
		for (uint32_t n = 0; n < b->types[id].count; n++) {
			uint32_t at = b->types[id].first + n, key = b->types[id].key;
			struct item *item = &b->items[at];

			for (int w = 0; w < bundle_shapes[item->shape].count; w++) {
				enum bundle_word role = role_of(item, w);
				uint32_t word = item->words[w];

				word = role == BUNDLE_WORD_NAME   ? hash_string(b->strings + word)
				       : role == BUNDLE_WORD_TYPE ? b->types[word].key
								  : word;
				if (w == 0)
					item->key = word;
				key = mix(key, word);
			}
			b->sketch[at] = key;
		}
	}
	qsort(b->sketch, b->item_count, sizeof(*b->sketch), compare_words);
}

static int take_apart(struct delta_blob *b)
{
	uint32_t types_size;
	size_t at = BUNDLE_BTF_HEADER, end;
	int error;

	if (!read_header(b, &types_size))
		return 0;
	for (b->slot_count = 16; b->slot_count < b->strings_size / 2; b->slot_count *= 2)
		;
	b->items = calloc(types_size / 4 + 1, sizeof(*b->items));
	b->types = calloc(types_size / 12 + 1, sizeof(*b->types));
	b->sketch = calloc(types_size / 4 + 1, sizeof(*b->sketch));
	b->slots = calloc(b->slot_count, sizeof(*b->slots));
	if (!b->items || !b->types || !b->sketch || !b->slots)
		return -ENOMEM;
	b->type_count = 1;
	for (end = at + types_size; at < end;)
		if (end - at < 12 || !read_type(b, &at, end))
			return 0;
	b->is_btf = check_words(b);
	if (!b->is_btf)
		return 0;
	error = find_type_keys(b);
	if (!error)
		find_item_keys(b);
	return error;
}

struct delta_blob *delta_blob_new(const struct btfpack_blob *bytes)
{
	struct delta_blob *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->data = bytes->data;
	b->size = bytes->size;
	if (take_apart(b) < 0) {
		delta_blob_free(b);
		return NULL;
	}
	return b;
}

void delta_blob_free(struct delta_blob *b)
{
	if (!b)
		return;
	free(b->items);
	free(b->types);
	free(b->sketch);
	free(b->slots);
	free(b);
}

uint32_t delta_distance(const struct delta_blob *a, const struct delta_blob *b, uint32_t limit)
{
	uint32_t i = 0, j = 0, different = 0;

	if (!a->is_btf || !b->is_btf)
		return DELTA_DISTANCE_MOST;
	while (i < a->item_count && j < b->item_count && different < limit) {
		uint32_t x = a->sketch[i], y = b->sketch[j];

		different += x != y;
		i += x <= y;
		j += y <= x;
	}
	return different + (a->item_count - i) + (b->item_count - j);
}

/* --- aligning ----------------------------------------------------------------------------------- */

struct delta {
	const struct delta_blob *blob, *base; /* @base NULL: against nothing */
	struct buf *out;
	uint32_t *match;    /* by item of the blob: the item of the base, or NONE */
	uint32_t *types;    /* by id in the base: id in the blob, or 0 */
	uint32_t *origins;  /* the other way round */
	uint32_t type;      /* types written so far, the one at work included */
	uint32_t text_size; /* of the strings mentioned so far */
	uint32_t shift;     /* of the last member */
	uint32_t run;       /* items copied since the last step */
};

/* A list of keys: of types, or of the items of one. */
struct list {
	const uint32_t *first;
	size_t step; /* between keys, in words */
	uint32_t count;
};

static uint32_t key_at(const struct list *l, uint32_t at)
{
	return l->first[at * l->step];
}

/* The longest common part of what differs in the middle. @lengths: (a->count + 1) times
 * (b->count + 1) cells. */
static void align_middle(const struct list *a, const struct list *b, uint32_t *lengths,
			 uint32_t *ret)
{
	uint32_t width = b->count + 1, i, j;

	for (i = a->count; i-- > 0;) {
		for (j = b->count; j-- > 0;) {
			uint32_t right = lengths[i * width + j + 1];
			uint32_t down = lengths[(i + 1) * width + j];

			lengths[i * width + j] = key_at(a, i) == key_at(b, j)
							 ? lengths[(i + 1) * width + j + 1] + 1
							 : (right > down ? right : down);
		}
	}
	for (i = j = 0; i < a->count && j < b->count;) {
		if (key_at(a, i) == key_at(b, j))
			ret[j++] = i++;
		else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])
			i++;
		else
			j++;
	}
}

/* Find which of @a each of @b is: @ret by number in @b, of numbers in @a or NONE. */
static int align(struct list a, struct list b, uint32_t *ret)
{
	AUTO_FREE uint32_t *lengths = NULL;
	uint32_t start = 0;

	memset(ret, 0xff, b.count * sizeof(*ret));
	for (; a.count > start && b.count > start && key_at(&a, start) == key_at(&b, start);
	     start++)
		ret[start] = start;
	while (a.count > start && b.count > start &&
	       key_at(&a, a.count - 1) == key_at(&b, b.count - 1))
		ret[--b.count] = --a.count;
	a.first += start * a.step;
	b.first += start * b.step;
	a.count -= start;
	b.count -= start;
	if (!a.count || !b.count || (uint64_t)(a.count + 1) * (b.count + 1) > CELLS_MOST)
		return 0;
	lengths = calloc((size_t)(a.count + 1) * (b.count + 1), sizeof(*lengths));
	if (!lengths)
		return -ENOMEM;
	align_middle(&a, &b, lengths, ret + start);
	for (uint32_t i = start; i < start + b.count; i++)
		if (ret[i] != NONE)
			ret[i] += start;
	return 0;
}

/* The items behind the headers of two types that are the same. */
static int align_items(struct delta *d, uint32_t id, uint32_t base_id, uint32_t *room)
{
	const struct type *t = &d->blob->types[id], *o = &d->base->types[base_id];
	size_t step = sizeof(struct item) / sizeof(uint32_t);
	int error;

	d->types[base_id] = id;
	d->origins[id] = base_id;
	d->match[t->first] = o->first;
	if (t->count == 1)
		return 0;
	error = align((struct list){ &d->base->items[o->first].key + step, step, o->count - 1 },
		      (struct list){ &d->blob->items[t->first].key + step, step, t->count - 1 },
		      room);
	for (uint32_t i = 0; i < t->count - 1; i++)
		if (room[i] != NONE)
			d->match[t->first + 1 + i] = o->first + 1 + room[i];
	return error;
}

static int align_types(struct delta *d)
{
	AUTO_FREE uint32_t *match = calloc(d->blob->item_count + 1, sizeof(*match));
	AUTO_FREE uint32_t *room = calloc(d->blob->item_count + 1, sizeof(*room));
	size_t step = sizeof(struct type) / sizeof(uint32_t);
	int error;

	if (!match || !room)
		return -ENOMEM;
	error = align((struct list){ &d->base->types[0].key, step, d->base->type_count },
		      (struct list){ &d->blob->types[0].key, step, d->blob->type_count }, match);
	for (uint32_t id = 1; !error && id < d->blob->type_count; id++)
		if (match[id] != NONE && match[id])
			error = align_items(d, id, match[id], room);
	return error;
}

/* --- writing ------------------------------------------------------------------------------------ */

static int add_uleb(struct buf *buf, uint32_t value)
{
	uint8_t bytes[5];

	return buf_add(buf, bytes, bundle_put_uleb(bytes, value));
}

/* The base's string of that text; 0: it has none. */
static uint32_t origin_of_string(const struct delta *d, uint32_t name)
{
	return d->base && name ? *find_string(d->base, d->blob->strings + name) : 0;
}

/* Note that the string was mentioned. */
static void mention(struct delta *d, uint32_t name)
{
	if (name == d->text_size)
		d->text_size += (uint32_t)strlen(d->blob->strings + name) + 1;
}

static int write_name(struct delta *d, uint32_t name)
{
	uint32_t origin = origin_of_string(d, name);
	const char *text = d->blob->strings + name;
	int error;

	if (!name)
		return add_uleb(d->out, 0);
	if (origin)
		return add_uleb(d->out, 2 + 2 * origin);
	if (name < d->text_size)
		return add_uleb(d->out, 3 + 2 * name);
	error = add_uleb(d->out, 1);
	return error ? error : buf_add(d->out, text, strlen(text) + 1);
}

static int write_reference(struct delta *d, uint32_t id)
{
	uint32_t origin = d->origins[id];

	return add_uleb(d->out, origin ? 2 * origin + 1 : 2 * bundle_zigzag(d->type - id));
}

static int write_step(struct delta *d, enum bundle_step step)
{
	uint32_t run = d->run;

	d->run = 0;
	return add_uleb(d->out, run << 2 | step);
}

static int insert_item(struct delta *d, const struct item *item)
{
	int error = 0;

	for (int i = 0; !error && i < bundle_shapes[item->shape].count; i++) {
		uint32_t word = item->words[i];

		switch (role_of(item, i)) {
		case BUNDLE_WORD_NAME:
			error = write_name(d, word);
			mention(d, word);
			break;
		case BUNDLE_WORD_TYPE:
			error = write_reference(d, word);
			break;
		case BUNDLE_WORD_INFO:
			error = add_uleb(d->out, bundle_turn_info(word, 8));
			break;
		default:
			error = add_uleb(d->out, word);
		}
	}
	return error;
}

/* Whether the word follows from the base's; else *@ret is by how much it does not. */
static bool follows(struct delta *d, const struct item *item, const struct item *from, int i,
		    uint32_t *ret)
{
	uint32_t word = item->words[i], was = from->words[i];

	switch (role_of(item, i)) {
	case BUNDLE_WORD_NAME:
		return origin_of_string(d, word) == was && !word == !was;
	case BUNDLE_WORD_TYPE:
		return d->types[was] == word;
	case BUNDLE_WORD_INFO:
		*ret = bundle_turn_info(word, 8) - bundle_turn_info(was, 8);
		return word == was;
	default:
		*ret = word - was;
		if (item->shape == BUNDLE_SHAPE_MEMBER)
			*ret -= d->shift;
		return *ret == 0;
	}
}

static int write_change(struct delta *d, const struct item *item, int i, uint32_t difference)
{
	switch (role_of(item, i)) {
	case BUNDLE_WORD_NAME:
		return write_name(d, item->words[i]);
	case BUNDLE_WORD_TYPE:
		return write_reference(d, item->words[i]);
	default:
		if (item->shape == BUNDLE_SHAPE_MEMBER)
			d->shift += difference;
		return add_uleb(d->out, bundle_zigzag(difference));
	}
}

static int copy_item(struct delta *d, const struct item *item, const struct item *from)
{
	uint32_t differences[3] = { 0 }, mask = 0;
	int count = bundle_shapes[item->shape].count, error = 0;

	for (int i = 0; i < count; i++)
		if (!follows(d, item, from, i, &differences[i]))
			mask |= 1U << i;
	if (mask) {
		error = write_step(d, BUNDLE_STEP_CHANGE);
		if (!error)
			error = add_uleb(d->out, mask);
	} else {
		d->run++;
	}
	for (int i = 0; !error && i < count; i++) {
		if (mask & 1U << i)
			error = write_change(d, item, i, differences[i]);
		if (role_of(item, i) == BUNDLE_WORD_NAME)
			mention(d, item->words[i]);
	}
	return error;
}

/* The items from @at on that are new, in one step. */
static int insert_items(struct delta *d, uint32_t at, uint32_t *count_ret)
{
	uint32_t end = at;
	int error;

	while (end < d->blob->item_count && d->match[end] == NONE)
		end++;
	*count_ret = end - at;
	error = write_step(d, BUNDLE_STEP_INSERT);
	if (!error)
		error = add_uleb(d->out, end - at);
	for (; !error && at < end; at++) {
		const struct item *item = &d->blob->items[at];

		error = insert_item(d, item);
		if (item->shape == BUNDLE_SHAPE_HEADER) {
			d->type++;
			d->shift = 0;
		}
	}
	return error;
}

static int skip_items(struct delta *d, uint32_t count)
{
	int error = count ? write_step(d, BUNDLE_STEP_SKIP) : 0;

	return error || !count ? error : add_uleb(d->out, count);
}

static int write_steps(struct delta *d)
{
	uint32_t base_at = 0, count;
	int error = 0;

	for (uint32_t i = 0; !error && i < d->blob->item_count; i += count) {
		const struct item *item = &d->blob->items[i];

		if (d->match[i] == NONE) {
			error = insert_items(d, i, &count);
			continue;
		}
		error = skip_items(d, d->match[i] - base_at);
		if (!error)
			error = copy_item(d, item, &d->base->items[d->match[i]]);
		base_at = d->match[i] + 1;
		count = 1;
		if (item->shape == BUNDLE_SHAPE_HEADER) {
			d->type++;
			d->shift = 0;
		}
	}
	return error ? error : write_step(d, BUNDLE_STEP_END);
}

int delta_write(const struct delta_blob *blob, const struct delta_blob *base, struct buf *ret)
{
	struct delta d = {
		.blob = blob, .base = base && base->is_btf ? base : NULL, .out = ret, .text_size = 1
	};
	uint8_t form = !blob->is_btf ? BUNDLE_FORM_BYTES
		       : blob->big   ? BUNDLE_FORM_BIG
				     : BUNDLE_FORM_LITTLE;
	AUTO_FREE uint32_t *match = NULL, *types = NULL, *origins = NULL;
	int error = buf_add(ret, &form, 1);

	if (error || !blob->is_btf)
		return error ? error : buf_add(ret, blob->data, blob->size);
	d.match = match = malloc((blob->item_count + 1) * sizeof(*match));
	d.origins = origins = calloc(blob->type_count, sizeof(*origins));
	d.types = types = calloc(d.base ? d.base->type_count : 1, sizeof(*types));
	if (!match || !origins || !types)
		return -ENOMEM;
	memset(match, 0xff, (blob->item_count + 1) * sizeof(*match));
	if (d.base)
		error = align_types(&d);
	return error ? error : write_steps(&d);
}
