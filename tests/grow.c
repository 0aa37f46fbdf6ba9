/* SPDX-License-Identifier: BSD-2-Clause */
/* A BTF taken apart so that it can be edited, and put together again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/grow.h"
#include "tests/grow-model.h"

static void need(int error)
{
	if (!error)
		return;
	fprintf(stderr, "grow: out of memory\n");
	exit(1);
}

/* --- strings ----------------------------------------------------------------------------------- */

static uint32_t *find_slot(struct grown *g, const char *text)
{
	uint32_t slot = (uint32_t)XXH3_64bits(text, strlen(text)) & g->slot_mask;

	while (g->slots[slot] && strcmp(g->strings[g->slots[slot] - 1], text))
		slot = (slot + 1) & g->slot_mask;
	return &g->slots[slot];
}

static void widen_slots(struct grown *g)
{
	if (g->slots && 2 * (uint64_t)g->string_count < g->slot_mask)
		return;
	free(g->slots);
	g->slot_mask = g->slot_mask ? 2 * g->slot_mask + 1 : (1u << 18) - 1;
	g->slots = calloc((size_t)g->slot_mask + 1, sizeof(*g->slots));
	need(!g->slots);
	for (uint32_t i = 0; i < g->string_count; i++)
		*find_slot(g, g->strings[i]) = i + 1;
}

uint32_t grow_intern(struct grown *g, const char *text)
{
	uint32_t *slot;

	widen_slots(g);
	slot = find_slot(g, text);
	if (*slot)
		return *slot - 1;
	need(grow_array((void **)&g->strings, &g->string_room, g->string_count + 1ull,
			sizeof(*g->strings)));
	need(grow_array((void **)&g->offset, &g->offset_room, g->string_count + 1ull,
			sizeof(*g->offset)));
	g->strings[g->string_count] = strdup(text);
	need(!g->strings[g->string_count]);
	*slot = g->string_count + 1;
	return g->string_count++;
}

/* --- nodes ------------------------------------------------------------------------------------- */

struct node *grow_node(struct grown *g, unsigned int kind, uint32_t name)
{
	struct node *n = calloc(1, sizeof(*n));

	need(!n || grow_array((void **)&g->all, &g->all_room, g->all_count + 1ull, sizeof(*g->all)));
	g->all[g->all_count++] = n;
	n->info = kind << 24;
	n->name = name;
	return n;
}

/* Room for one more in one of the many small arrays: 1, 2, 4, 8 ... */
static void widen(void **array, uint32_t count, size_t size)
{
	if (count & (count - 1))
		return;
	*array = reallocarray(*array, count ? 2 * (size_t)count : 1, size);
	need(!*array);
}

static void add_embedder(struct node *n, struct node *embedder)
{
	widen((void **)&n->embedders, n->embedder_count, sizeof(*n->embedders));
	n->embedders[n->embedder_count++] = embedder;
}

/* @user refers to @n. */
struct node *node_use(struct node *n, struct node *user)
{
	unsigned int kind = node_kind(user);

	n->uses++;
	if (kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ARRAY ||
	    kind == BTF_KIND_TYPEDEF || btf_kind_is_modifier(kind))
		add_embedder(n, user);
	return n;
}

/* Room at @at for an item. */
struct item *node_insert_item(struct node *n, uint32_t at)
{
	need(n->count == 0xffff);
	widen((void **)&n->items, n->most, sizeof(*n->items));
	memmove(&n->items[at + 1], &n->items[at], (n->count - at) * sizeof(*n->items));
	n->items[at] = (struct item){ 0 };
	n->most = ++n->count > n->most ? n->count : n->most;
	return &n->items[at];
}

static void append(struct node **list, uint32_t *count, struct node *n)
{
	for (struct node *b = n->before, *next; b; b = next) {
		next = b->before_next;
		b->before_next = NULL;
		append(list, count, b);
	}
	n->before = NULL;
	if (!n->removed)
		list[(*count)++] = n;
}

void grow_rebuild(struct grown *g)
{
	struct node **list = malloc(sizeof(*list) * ((size_t)g->all_count + 1));
	uint32_t count = 0;

	need(!list);
	for (uint32_t i = 0; i < g->count; i++)
		append(list, &count, g->list[i]);
	free(g->list);
	g->list = list;
	g->count = count;
}

/* --- reading ----------------------------------------------------------------------------------- */

static uint32_t read_name(struct grown *g, const struct btf_view *view, uint32_t offset)
{
	return grow_intern(g, btf_view_string(view, offset));
}

static void read_items(struct grown *g, const struct btf_view *view, const struct btf_type *t,
		       struct node *n)
{
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		struct item *item = node_insert_item(n, n->count);

		switch (btf_type_kind(t)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			item->name = read_name(g, view, btf_type_members(t)[i].name_off);
			item->type = node_use(g->list[btf_type_members(t)[i].type], n);
			item->number = btf_type_members(t)[i].offset;
			break;
		case BTF_KIND_ENUM:
			item->name = read_name(g, view, btf_type_enums(t)[i].name_off);
			item->number = (uint32_t)btf_type_enums(t)[i].val;
			break;
		case BTF_KIND_ENUM64:
			item->name = read_name(g, view, btf_type_enums64(t)[i].name_off);
			item->number = btf_type_enums64(t)[i].val_lo32;
			item->high = btf_type_enums64(t)[i].val_hi32;
			break;
		case BTF_KIND_FUNC_PROTO:
			item->name = read_name(g, view, btf_type_params(t)[i].name_off);
			item->type = node_use(g->list[btf_type_params(t)[i].type], n);
			break;
		case BTF_KIND_DATASEC:
			item->type = node_use(g->list[btf_type_secinfos(t)[i].type], n);
			item->number = btf_type_secinfos(t)[i].offset;
			item->high = btf_type_secinfos(t)[i].size;
			break;
		}
	}
}

static bool has_items(unsigned int kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM ||
	       kind == BTF_KIND_ENUM64 || kind == BTF_KIND_FUNC_PROTO || kind == BTF_KIND_DATASEC;
}

static void read_type(struct grown *g, const struct btf_view *view, uint32_t id)
{
	const struct btf_type *t = btf_view_type(view, id);
	struct node *n = g->list[id];

	n->info = t->info;
	n->name = read_name(g, view, t->name_off);
	if (btf_kind_has_ref(btf_type_kind(t)))
		n->type = node_use(g->list[t->type], n);
	else
		n->number = t->size;
	if (node_kind(n) == BTF_KIND_ARRAY) {
		struct item *item = node_insert_item(n, 0);

		item->type = node_use(g->list[btf_type_array(t)->type], n);
		item->index = g->list[btf_type_array(t)->index_type];
		item->number = btf_type_array(t)->nelems;
	} else if (has_items(node_kind(n))) {
		read_items(g, view, t, n);
	} else if (btf_trailing_size(t) == 4) {
		n->extra = *(const uint32_t *)(t + 1);
	}
}

struct grown *grow_begin(const struct btfpack_blob *btf, uint64_t seed)
{
	struct grown *g = calloc(1, sizeof(*g));
	struct btf_view view;
	struct btfpack_error err;

	need(!g);
	if (btf_view_init(&view, btf->data, btf->size, NULL, "grow", &err)) {
		fprintf(stderr, "%s\n", err.message);
		exit(1);
	}
	g->other_order = view.other_order;
	g->state = seed * 0x9e3779b97f4a7c15u + 0x7f4a7c15u;
	grow_intern(g, "");
	g->list = malloc(sizeof(*g->list) * ((size_t)view.end_id + 1));
	need(!g->list);
	for (uint32_t id = 0; id < view.end_id; id++)
		g->list[g->count++] = grow_node(g, BTF_KIND_UNKN, 0);
	for (uint32_t id = 1; id < view.end_id; id++)
		read_type(g, &view, id);
	btf_view_deinit(&view);
	return g;
}

void grow_end(struct grown *g)
{
	for (uint32_t i = 0; i < g->all_count; i++) {
		free(g->all[i]->items);
		free(g->all[i]->embedders);
		free(g->all[i]);
	}
	for (uint32_t i = 0; i < g->string_count; i++)
		free(g->strings[i]);
	free(g->all);
	free(g->list);
	free(g->strings);
	free(g->offset);
	free(g->slots);
	free(g);
}

/* --- writing ----------------------------------------------------------------------------------- */

struct output {
	uint32_t *words, *text_offsets;
	char *text;
	uint32_t count, room, text_size, text_room;
};

static void put(struct output *o, uint32_t word)
{
	need(grow_array((void **)&o->words, &o->room, o->count + 1ull, sizeof(*o->words)));
	o->words[o->count++] = word;
}

static void put_name(struct grown *g, struct output *o, uint32_t name)
{
	uint32_t size = (uint32_t)strlen(g->strings[name]) + 1;

	if (!g->offset[name] && size > 1) {
		need(grow_array((void **)&o->text, &o->text_room, (uint64_t)o->text_size + size, 1));
		memcpy(o->text + o->text_size, g->strings[name], size);
		g->offset[name] = o->text_size;
		o->text_size += size;
	}
	put(o, g->offset[name]);
}

static void put_items(struct grown *g, struct output *o, const struct node *n)
{
	unsigned int kind = node_kind(n);

	for (uint32_t i = 0; i < n->count; i++) {
		const struct item *item = &n->items[i];

		if (kind == BTF_KIND_ARRAY) {
			put(o, item->type->id);
			put(o, item->index->id);
			put(o, item->number);
			continue;
		}
		if (kind != BTF_KIND_DATASEC)
			put_name(g, o, item->name);
		if (item->type)
			put(o, item->type->id);
		if (kind != BTF_KIND_FUNC_PROTO)
			put(o, item->number);
		if (kind == BTF_KIND_DATASEC || kind == BTF_KIND_ENUM64)
			put(o, item->high);
	}
}

static void put_node(struct grown *g, struct output *o, const struct node *n)
{
	unsigned int kind = node_kind(n);

	put_name(g, o, n->name);
	put(o, has_items(kind) ? (n->info & ~0xffffu) | n->count : n->info);
	put(o, n->type ? n->type->id : n->number);
	put_items(g, o, n);
	if (kind == BTF_KIND_INT || kind == BTF_KIND_VAR || kind == BTF_KIND_DECL_TAG)
		put(o, n->extra);
}

static uint32_t in_order(const struct grown *g, uint32_t word)
{
	return g->other_order ? __builtin_bswap32(word) : word;
}

struct btfpack_blob grow_write(struct grown *g)
{
	struct output o = { 0 };
	struct btfpack_blob blob;
	uint32_t *words;

	memset(g->offset, 0, sizeof(*g->offset) * g->string_count);
	need(grow_array((void **)&o.text, &o.text_room, 1, 1));
	o.text[o.text_size++] = '\0';
	for (uint32_t id = 0; id < g->count; id++)
		g->list[id]->id = id;
	for (uint32_t id = 1; id < g->count; id++)
		put_node(g, &o, g->list[id]);
	blob = (struct btfpack_blob){ malloc(24 + 4 * (size_t)o.count + o.text_size),
				      24 + 4 * (size_t)o.count + o.text_size };
	words = blob.data;
	need(!words);
	words[0] = in_order(g, 0x0001eb9f);
	if (g->other_order)
		words[0] = 0x00019feb; /* eb 9f 01 00 */
	words[1] = in_order(g, 24);
	words[2] = 0;
	words[3] = words[4] = in_order(g, 4 * o.count);
	words[5] = in_order(g, o.text_size);
	for (uint32_t i = 0; i < o.count; i++)
		words[6 + i] = in_order(g, o.words[i]);
	memcpy(words + 6 + o.count, o.text, o.text_size);
	free(o.words);
	free(o.text);
	return blob;
}
