/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btf/btf-hash.h"
#include "btf/btf-walk.h"

/* Words for a type besides its list, and for one row of a list. */
#define WORDS_HEAD 8
#define WORDS_ROW  6

int btf_hasher_init(struct btf_hasher *h, const struct btf_view *view, unsigned int flags)
{
	*h = (struct btf_hasher){
		.view = view,
		.flags = flags,
		.pointer_size = btf_view_pointer_size(view),
		.refs = calloc(view->end_id, sizeof(*h->refs)),
		.defs = calloc(view->end_id, sizeof(*h->defs)),
	};
	if (h->refs && h->defs)
		return 0;
	btf_hasher_deinit(h);
	return -ENOMEM;
}

void btf_hasher_deinit(struct btf_hasher *h)
{
	free(h->refs);
	free(h->defs);
	free(h->words);
	*h = (struct btf_hasher){ 0 };
}

static struct btf_hash hash_words(const uint64_t *words, size_t count)
{
	XXH128_hash_t hash = XXH3_128bits(words, count * sizeof(*words));

	return (struct btf_hash){ hash.low64, hash.high64 };
}

struct btf_hash btf_hash_join(struct btf_hash a, struct btf_hash b)
{
	return hash_words((const uint64_t[]){ a.low, a.high, b.low, b.high }, 4);
}

uint64_t btf_hash_string(const char *string)
{
	return XXH3_64bits(string, strlen(string));
}

static uint64_t hash_string(const struct btf_view *view, uint32_t offset)
{
	return btf_hash_string(btf_view_string(view, offset));
}

bool btf_hash_is_by_name(const struct btf_hasher *h, uint32_t id)
{
	const struct btf_type *t = btf_view_type(h->view, id);

	switch (btf_type_kind(t)) {
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
		return *btf_view_name(h->view, t) && !(h->flags & BTF_HASH_IGNORE_SPELLING);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FWD:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
		return *btf_view_name(h->view, t);
	default:
		return false;
	}
}

/* A forward is spoken of like what it stands for; an ENUM64 like an ENUM. */
static unsigned int spoken_kind(const struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t);

	if (kind == BTF_KIND_FWD)
		return btf_type_kflag(t) ? BTF_KIND_UNION : BTF_KIND_STRUCT;
	return kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind;
}

static struct btf_hash hash_name(const struct btf_view *view, const struct btf_type *t)
{
	const char *name = btf_view_name(view, t);
	XXH128_hash_t hash = XXH3_128bits_withSeed(name, strlen(name), spoken_kind(t) + 1);

	return (struct btf_hash){ hash.low64, hash.high64 };
}

/* A type being put into words. */
struct writer {
	const struct btf_hasher *h;
	const struct btf_hash *refs;
	uint64_t *words;
	size_t count;
};

static void put(struct writer *w, uint64_t word)
{
	w->words[w->count++] = word;
}

static void put_ref(struct writer *w, uint32_t id)
{
	put(w, w->refs[id].low);
	put(w, w->refs[id].high);
}

#define UNIQUE_PREFIX "__UNIQUE_ID_"

static uint64_t hash_member_name(const struct btf_hasher *h, const struct btf_member *m)
{
	const char *name = btf_view_string(h->view, m->name_off);
	size_t length = strlen(name);

	if (h->flags & BTF_HASH_IGNORE_UNIQUE_IDS &&
	    !strncmp(name, UNIQUE_PREFIX, strlen(UNIQUE_PREFIX)))
		while (name[length - 1] >= '0' && name[length - 1] <= '9')
			length--;
	return XXH3_64bits(name, length);
}

static void put_members(struct writer *w, const struct btf_type *t)
{
	const struct btf_view *view = w->h->view;

	put(w, t->size);
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = &btf_type_members(t)[i];
		struct btf_bits bits = btf_view_member_bits(view, t, m);
		uint64_t size;

		if (btf_view_size(view, m->type, w->h->pointer_size, &size) < 0)
			size = UINT64_MAX;
		put(w, hash_member_name(w->h, m));
		put(w, (uint64_t)bits.width << 32 | bits.offset);
		put(w, size);
		put_ref(w, m->type);
	}
}

static void put_values(struct writer *w, const struct btf_type *t)
{
	bool narrow = w->h->flags & BTF_HASH_IGNORE_ENUM64;
	bool wide = btf_type_kind(t) == BTF_KIND_ENUM64;

	put(w, t->size);
	put(w, narrow ? 0 : btf_type_kflag(t));
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		int64_t value = btf_type_enum_value(t, i);

		put(w, hash_string(w->h->view, wide ? btf_type_enums64(t)[i].name_off :
						      btf_type_enums(t)[i].name_off));
		put(w, narrow ? (uint32_t)value : (uint64_t)value);
	}
}

static void put_params(struct writer *w, const struct btf_type *t)
{
	put_ref(w, t->type);
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		put(w, hash_string(w->h->view, btf_type_params(t)[i].name_off));
		put_ref(w, btf_type_params(t)[i].type);
	}
}

static int compare_words(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A section is a set: its variables in the order of their hashes, unless places
 * count, and then the places give the order. */
static void put_section(struct writer *w, const struct btf_type *t)
{
	bool offsets = w->h->flags & BTF_HASH_OFFSETS;
	size_t first;

	put(w, offsets ? t->size : 0);
	first = w->count;
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_var_secinfo *info = &btf_type_secinfos(t)[i];
		uint64_t row[4] = { w->refs[info->type].low, w->refs[info->type].high, info->size,
				    offsets ? info->offset : 0 };

		put(w, XXH3_64bits(row, sizeof(row)));
	}
	qsort(&w->words[first], w->count - first, sizeof(*w->words), compare_words);
}

/* Without spelling, "char" is its own thing: compilers disagree in its sign. */
static uint32_t int_encoding(const struct writer *w, const struct btf_type *t)
{
	uint32_t encoding = btf_type_int_encoding(t);

	if (!(w->h->flags & BTF_HASH_IGNORE_SPELLING))
		return encoding;
	if (!strcmp(btf_view_name(w->h->view, t), "char"))
		return encoding | 0x0f000000;
	return encoding & ~((uint32_t)BTF_INT_CHAR << 24);
}

/* Arrays of arrays count as one, unless dimensions matter: up to 2026 pahole wrote
 * T[4][2] as T[8], so kernels' own BTF has it so. */
static void put_elements(struct writer *w, const struct btf_type *t)
{
	const struct btf_array *array = btf_type_array(t);
	uint64_t count = array->nelems;

	for (int i = 0; i < 64 && !(w->h->flags & BTF_HASH_DIMENSIONS); i++) {
		t = btf_view_type(w->h->view, array->type);
		if (btf_type_kind(t) != BTF_KIND_ARRAY)
			break;
		array = btf_type_array(t);
		count *= array->nelems;
	}
	put(w, count);
	put_ref(w, array->type);
}

static void put_type(struct writer *w, const struct btf_type *t)
{
	const struct btf_view *view = w->h->view;
	unsigned int kind = btf_type_kind(t);
	bool spelled = !(w->h->flags & BTF_HASH_IGNORE_SPELLING);

	if (kind == BTF_KIND_ENUM64 && w->h->flags & BTF_HASH_IGNORE_ENUM64)
		kind = BTF_KIND_ENUM;

	put(w, (uint64_t)kind << 32 | btf_type_vlen(t));
	if (spelled || (kind != BTF_KIND_INT && kind != BTF_KIND_FLOAT))
		put(w, hash_string(view, t->name_off));
	switch (kind) {
	case BTF_KIND_INT:
		put(w, (uint64_t)t->size << 32 | int_encoding(w, t));
		break;
	case BTF_KIND_FLOAT:
		put(w, t->size);
		break;
	case BTF_KIND_ARRAY:
		put_elements(w, t);
		if (spelled)
			put_ref(w, btf_type_array(t)->index_type);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		put_members(w, t);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		put_values(w, t);
		break;
	case BTF_KIND_FWD:
		put(w, btf_type_kflag(t));
		break;
	case BTF_KIND_FUNC_PROTO:
		put_params(w, t);
		break;
	case BTF_KIND_VAR:
		put(w, btf_type_var(t)->linkage);
		put_ref(w, t->type);
		break;
	case BTF_KIND_DATASEC:
		put_section(w, t);
		break;
	case BTF_KIND_DECL_TAG:
		put(w, (uint32_t)btf_type_decl_tag(t)->component_idx);
		put(w, btf_type_kflag(t));
		put_ref(w, t->type);
		break;
	default: /* PTR, TYPEDEF, the modifiers, FUNC (its linkage stands in vlen) */
		put(w, btf_type_kflag(t));
		put_ref(w, t->type);
	}
}

int btf_hasher_define(struct btf_hasher *h, uint32_t id, const struct btf_hash *refs,
		      struct btf_hash *ret)
{
	const struct btf_type *t = btf_view_type(h->view, id);
	struct writer w = { .h = h, .refs = refs };
	size_t needed = WORDS_HEAD + (size_t)btf_type_vlen(t) * WORDS_ROW;

	if (needed > h->words_size) {
		uint64_t *words = realloc(h->words, needed * 2 * sizeof(*words));

		if (!words)
			return -ENOMEM;
		h->words = words;
		h->words_size = needed * 2;
	}
	w.words = h->words;
	put_type(&w, t);
	*ret = hash_words(w.words, w.count);
	return 0;
}

/* --- refs of types without a name: depth first -------------------------------------------------- */

/* A child that is open closes a loop, and its ref (zeroes) stays as it is. */
static int hash_unnamed(struct btf_hasher *h, struct btf_walk *walk, uint32_t root)
{
	int error = btf_walk_enter(walk, root);
	struct btf_walk_frame *top;

	while (!error && (top = btf_walk_top(walk))) {
		uint32_t child;

		if (btf_type_child(btf_view_type(h->view, top->id), top->next, &child)) {
			top->next++;
			h->loops += walk->state[child] == BTF_WALK_OPEN;
			if (walk->state[child] == BTF_WALK_NEW)
				error = btf_walk_enter(walk, child);
			continue;
		}
		error = btf_hasher_define(h, top->id, h->refs, &h->refs[top->id]);
		btf_walk_leave(walk);
	}
	return error;
}

int btf_hasher_run(struct btf_hasher *h, const struct btf_hash *salts)
{
	uint32_t end = h->view->end_id;
	AUTO_BTF_WALK struct btf_walk walk = { 0 };
	int error = btf_walk_init(&walk, end);

	if (error)
		return error;
	memset(h->refs, 0, end * sizeof(*h->refs));
	h->loops = 0;
	walk.state[0] = BTF_WALK_DONE;
	for (uint32_t id = 1; id < end; id++) {
		const struct btf_type *t = btf_view_type(h->view, id);

		if (!btf_hash_is_by_name(h, id))
			continue;
		h->refs[id] = hash_name(h->view, t);
		if (salts && (salts[id].low || salts[id].high))
			h->refs[id] = btf_hash_join(h->refs[id], salts[id]);
		walk.state[id] = BTF_WALK_DONE;
	}
	for (uint32_t id = 1; !error && id < end; id++)
		if (walk.state[id] == BTF_WALK_NEW)
			error = hash_unnamed(h, &walk, id);
	for (uint32_t id = 1; !error && id < end; id++) {
		if (btf_hash_is_by_name(h, id))
			error = btf_hasher_define(h, id, h->refs, &h->defs[id]);
		else
			h->defs[id] = h->refs[id];
	}
	return error;
}
