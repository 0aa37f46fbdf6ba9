/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive-index/types-match.h"

/* How deep what has no name is looked into: compilers nest less; what nests more
 * is hostile, and looks the same from there on. */
#define DEPTH_MAXIMUM 32

/* --- keys -------------------------------------------------------------------------------------- */

struct keys {
	const struct image *image;
	uint64_t *loose; /* kind and name; of the nameless, all that @strict has. 0: not yet */
	uint64_t *strict;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static uint64_t string_key(const struct keys *k, uint32_t offset)
{
	return k->image->hash[k->image->ordinal[offset]];
}

static uint64_t loose_key(struct keys *k, uint32_t id, unsigned int depth);

static uint64_t word_key(struct keys *k, enum word what, uint32_t value, unsigned int depth)
{
	switch (what) {
	case WORD_STRING:
		return string_key(k, value);
	case WORD_TYPE:
		return loose_key(k, value, depth + 1);
	case WORD_PLAIN:
		break;
	}
	return value;
}

/* All words of a type, references by their loose keys. */
static uint64_t whole_key(struct keys *k, uint32_t id, unsigned int depth)
{
	const struct btf_type *t = btf_view_type(&k->image->view, id);
	const struct shape *shape = shape_of(btf_type_kind(t));
	const uint32_t *word = (const uint32_t *)(t + 1);
	uint64_t hash = mix(string_key(k, t->name_off), t->info);

	hash = mix(hash, word_key(k, shape->reference, t->size, depth));
	for (uint32_t i = shape_items(shape, t); i; i--, word += shape->words)
		for (unsigned int w = 0; w < shape->words; w++)
			hash = mix(hash, word_key(k, shape->item[w], word[w], depth));
	return hash;
}

/* A loop of nameless types ends at the depth; in between it meets zeroes. */
static uint64_t loose_key(struct keys *k, uint32_t id, unsigned int depth)
{
	const struct btf_type *t;
	uint64_t hash;

	if (id == 0 || k->loose[id])
		return id ? k->loose[id] : 1;
	t = btf_view_type(&k->image->view, id);
	if (t->name_off)
		hash = mix(string_key(k, t->name_off), btf_type_kind(t));
	else if (depth > DEPTH_MAXIMUM)
		return 2;
	else
		hash = (k->loose[id] = 3, whole_key(k, id, depth));
	return k->loose[id] = hash | 4;
}

static void keys_deinit(struct keys *k)
{
	free(k->loose);
	free(k->strict);
}

static int keys_init(struct keys *k, const struct image *image)
{
	k->image = image;
	k->loose = calloc(image->types, sizeof(*k->loose));
	k->strict = calloc(image->types, sizeof(*k->strict));
	if (!k->loose || !k->strict)
		return -ENOMEM;
	for (uint32_t id = 1; id < image->types; id++)
		k->strict[id] = whole_key(k, id, 0);
	for (uint32_t id = 1; id < image->types; id++)
		loose_key(k, id, 0);
	return 0;
}

/* --- pairing ------------------------------------------------------------------------------------ */

/* Ids by key, each key's in ascending order: heads of lists in an open table. */
struct table {
	uint32_t *head, *tail; /* by slot; IMAGE_NONE: free */
	uint32_t *next;	       /* by id */
	uint32_t mask;
	const uint64_t *keys;
};

static void table_deinit(struct table *t)
{
	free(t->head);
	free(t->tail);
	free(t->next);
}

static int table_init(struct table *t, const uint64_t *keys, uint32_t count)
{
	uint32_t size = 1024;

	while (size < 2 * (uint64_t)count && size < UINT32_C(1) << 31)
		size *= 2;
	*t = (struct table){ .mask = size - 1, .keys = keys };
	t->head = malloc(sizeof(uint32_t) * size);
	t->tail = malloc(sizeof(uint32_t) * size);
	t->next = malloc(sizeof(uint32_t) * ((size_t)count + 1));
	if (!t->head || !t->tail || !t->next)
		return -ENOMEM;
	memset(t->head, 0xff, sizeof(uint32_t) * size);
	memset(t->tail, 0xff, sizeof(uint32_t) * size);
	return 0;
}

/* The slot of @key: that of its list (also when all was taken), or a free one. */
static uint32_t table_slot(const struct table *t, uint64_t key)
{
	uint32_t slot = (uint32_t)(key >> 16) & t->mask;

	while (t->tail[slot] != IMAGE_NONE && t->keys[t->tail[slot]] != key)
		slot = (slot + 1) & t->mask;
	return slot;
}

static void table_add(struct table *t, uint32_t id)
{
	uint32_t slot = table_slot(t, t->keys[id]);

	t->next[id] = IMAGE_NONE;
	if (t->head[slot] == IMAGE_NONE)
		t->head[slot] = id;
	else
		t->next[t->tail[slot]] = id;
	t->tail[slot] = id;
}

static uint32_t table_take(struct table *t, uint64_t key)
{
	uint32_t slot = table_slot(t, key), id = t->head[slot];

	if (id != IMAGE_NONE)
		t->head[slot] = t->next[id];
	return id;
}

/* Pair what is not paired yet and has the same key. */
static int pair(uint32_t *forth, uint32_t *back, uint32_t first, uint32_t count,
		const uint64_t *keys, uint32_t other_count, const uint64_t *other_keys)
{
	CLEANUP(table_deinit) struct table table = { 0 };
	int error = table_init(&table, other_keys, other_count);

	if (error)
		return error;
	for (uint32_t id = first; id < other_count; id++)
		if (back[id] == IMAGE_NONE)
			table_add(&table, id);
	for (uint32_t id = first; id < count; id++) {
		if (forth[id] != IMAGE_NONE)
			continue;
		forth[id] = table_take(&table, keys[id]);
		if (forth[id] != IMAGE_NONE)
			back[forth[id]] = id;
	}
	return 0;
}

static uint32_t *make_map(uint32_t count)
{
	uint32_t *map = malloc(sizeof(*map) * ((size_t)count + 1));

	if (map)
		memset(map, 0xff, sizeof(*map) * ((size_t)count + 1));
	return map;
}

static int pair_strings(struct match *m, const struct image *image, const struct image *other)
{
	AUTO_FREE uint32_t *back = make_map(other->strings);
	int error;

	if (!m->string || !back)
		return -ENOMEM;
	error = pair(m->string, back, 0, image->strings, image->hash, other->strings, other->hash);
	/* Hashes meet by accident, too. */
	for (uint32_t i = 0; !error && i < image->strings; i++)
		if (m->string[i] != IMAGE_NONE &&
		    strcmp(image->view.strings + image->offset[i],
			   other->view.strings + other->offset[m->string[i]]))
			m->string[i] = IMAGE_NONE;
	return error;
}

static int pair_types(struct match *m, const struct image *image, const struct image *other)
{
	CLEANUP(keys_deinit) struct keys keys = { 0 }, other_keys = { 0 };
	int error;

	if (!m->type || !m->inverse)
		return -ENOMEM;
	m->type[0] = m->inverse[0] = 0;
	error = keys_init(&keys, image);
	if (!error)
		error = keys_init(&other_keys, other);
	if (!error)
		error = pair(m->type, m->inverse, 1, image->types, keys.strict, other->types,
			     other_keys.strict);
	if (!error)
		error = pair(m->type, m->inverse, 1, image->types, keys.loose, other->types,
			     other_keys.loose);
	return error;
}

int match_init(struct match *m, const struct image *image, const struct image *other)
{
	int error;

	*m = (struct match){ make_map(image->types), make_map(other->types),
			     make_map(image->strings) };
	error = pair_strings(m, image, other);
	return error ? error : pair_types(m, image, other);
}

void match_deinit(struct match *m)
{
	free(m->type);
	free(m->inverse);
	free(m->string);
	*m = (struct match){ 0 };
}
