/* SPDX-License-Identifier: BSD-2-Clause */
/* The edits from one kernel to the next. */
#include <stdio.h>
#include <string.h>

#include "tests/grow-model.h"

#define WIDTH_MASK     0xff000000u /* of a member's offset where kind_flag is set */
#define EMBEDDERS_MOST 60	   /* of a struct that may grow: what all embed stays as it is */

static uint32_t random_below(struct grown *g, uint32_t limit)
{
	g->state ^= g->state << 13;
	g->state ^= g->state >> 7;
	g->state ^= g->state << 17;
	return (uint32_t)((g->state >> 32) * limit >> 32);
}

static bool has_flag(const struct node *n)
{
	return BTF_INFO_KFLAG(n->info);
}

static void remove_item(struct node *n, uint32_t at)
{
	n->items[at].type->uses--;
	n->count--;
	memmove(&n->items[at], &n->items[at + 1], (n->count - at) * sizeof(*n->items));
}

/* The same order as before, with what is new before @place. */
static void insert_before(struct node *place, struct node *n)
{
	struct node **end = &place->before;

	while (*end)
		end = &(*end)->before_next;
	*end = n;
}

/* --- choosing ---------------------------------------------------------------------------------- */

static struct node *any_node(struct grown *g)
{
	return g->list[1 + random_below(g, g->count - 1)];
}

/* One of @kind that has a name (or cannot have one) and @least items. NULL: hard to find. */
static struct node *any_of(struct grown *g, unsigned int kind, uint32_t least)
{
	for (int tries = 0; tries < 2000; tries++) {
		struct node *n = any_node(g);

		if (node_kind(n) == kind && !n->removed && n->count >= least && n->count < 400 &&
		    (n->name || kind == BTF_KIND_FUNC_PROTO))
			return n;
	}
	return NULL;
}

/* A name: one that is there, or of the halves of two. */
static uint32_t any_name(struct grown *g, unsigned int kind)
{
	struct node *a = any_of(g, kind, 0), *b = any_of(g, kind, 0);
	const char *left = a ? g->strings[a->name] : "new", *right = b ? g->strings[b->name] : "one";
	const char *dash = strrchr(right, '_');
	char text[128];
	int length = (int)strcspn(left, "_");

	snprintf(text, sizeof(text), "%.*s_%.40s", length < 40 ? length : 40, left,
		 dash ? dash + 1 : right);
	return grow_intern(g, text);
}

/* The type and name of a member that some struct has. */
static struct item any_member(struct grown *g)
{
	struct node *s = any_of(g, BTF_KIND_STRUCT, 2), *other = any_of(g, BTF_KIND_STRUCT, 2);
	struct item item = { 0 };

	if (!s || !other)
		return item;
	item = s->items[random_below(g, s->count)];
	item.name = other->items[random_below(g, other->count)].name;
	if (random_below(g, 2))
		item.name = any_name(g, BTF_KIND_STRUCT);
	return item;
}

static uint32_t size_of(const struct node *n)
{
	uint64_t factor = 1;

	for (int depth = 0; depth < 32; depth++) {
		switch (node_kind(n)) {
		case BTF_KIND_PTR:
			return factor < 4096 ? (uint32_t)factor * 8 : 0;
		case BTF_KIND_ARRAY:
			factor *= n->items[0].number;
			n = n->items[0].type;
			break;
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return factor * n->number < 65536 ? (uint32_t)factor * n->number : 0;
		default:
			if (!n->type)
				return 0;
			n = n->type;
		}
		if (factor > 65536)
			return 0;
	}
	return 0;
}

static uint32_t offset_of(const struct node *s, uint32_t at)
{
	return has_flag(s) ? s->items[at].number & ~WIDTH_MASK : s->items[at].number;
}

/* --- growth ------------------------------------------------------------------------------------ */

/* How many contain @n by value, through others too; more than most: too many. */
static uint32_t count_embedders(const struct node *n, unsigned int depth)
{
	uint32_t count = n->embedder_count;

	for (uint32_t i = 0; i < n->embedder_count && count <= EMBEDDERS_MOST; i++)
		count += depth < 8 ? count_embedders(n->embedders[i], depth + 1) : EMBEDDERS_MOST;
	return count;
}

static void shift_items(struct node *s, uint32_t from, int32_t bytes)
{
	for (uint32_t i = from; i < s->count; i++)
		s->items[i].number += (uint32_t)(8 * bytes);
}

static void resize(struct node *n, int32_t bytes, unsigned int depth);

static void resize_embedder(struct node *e, const struct node *part, int32_t bytes,
			    unsigned int depth)
{
	bool is_struct = node_kind(e) == BTF_KIND_STRUCT;
	int32_t total = 0;

	if (node_kind(e) == BTF_KIND_ARRAY && e->items[0].type == part && e->items[0].number < 64)
		resize(e, bytes * (int32_t)e->items[0].number, depth);
	else if (e->type == part)
		resize(e, bytes, depth);
	for (uint32_t i = 0; (is_struct || node_kind(e) == BTF_KIND_UNION) && i < e->count; i++) {
		if (e->items[i].type != part)
			continue;
		if (is_struct)
			shift_items(e, i + 1, bytes);
		total = is_struct ? total + bytes : bytes;
	}
	if (total)
		resize(e, total, depth);
}

/* @n is @bytes larger now, and so is what embeds it. */
static void resize(struct node *n, int32_t bytes, unsigned int depth)
{
	if (!bytes || depth > 8)
		return;
	if (node_kind(n) == BTF_KIND_STRUCT || node_kind(n) == BTF_KIND_UNION)
		n->number += (uint32_t)bytes;
	for (uint32_t i = 0; i < n->embedder_count; i++)
		if (!n->embedders[i]->removed)
			resize_embedder(n->embedders[i], n, bytes, depth + 1);
}

/* --- edits ------------------------------------------------------------------------------------- */

static void add_member_of(struct grown *g, struct node *s, const struct item *like)
{
	uint32_t size = (size_of(like->type) + 7) & ~7u, at = random_below(g, s->count + 1);
	struct item *item;

	if (!size || size > 256 || like->type == s || s->count > 300)
		return;
	/* Not between bit fields. */
	while (at < s->count && (offset_of(s, at) % 64 ||
				 (has_flag(s) && s->items[at].number & WIDTH_MASK)))
		at++;
	item = node_insert_item(s, at);
	item->name = like->name;
	item->type = node_use(like->type, s);
	item->number = at + 1 < s->count ? offset_of(s, at + 1) : 8 * ((s->number + 7) & ~7u);
	shift_items(s, at + 1, (int32_t)size);
	resize(s, (int32_t)size, 0);
}

static void add_member(struct grown *g)
{
	struct node *s = any_of(g, BTF_KIND_STRUCT, 1);
	struct item like = any_member(g);

	if (s && like.type && node_kind(like.type) != BTF_KIND_STRUCT &&
	    count_embedders(s, 0) <= EMBEDDERS_MOST)
		add_member_of(g, s, &like);
}

static void remove_member(struct grown *g)
{
	struct node *s = any_of(g, BTF_KIND_STRUCT, 3);
	uint32_t at, size;

	if (!s || has_flag(s) || count_embedders(s, 0) > EMBEDDERS_MOST)
		return;
	at = random_below(g, s->count - 1);
	size = (offset_of(s, at + 1) - offset_of(s, at)) / 8;
	remove_item(s, at);
	if (size % 8 || size >= s->number)
		return; /* a hole stays */
	shift_items(s, at, -(int32_t)size);
	resize(s, -(int32_t)size, 0);
}

/* Two members of one size change places. */
static void exchange_members(struct grown *g)
{
	struct node *s = any_of(g, BTF_KIND_STRUCT, 3);
	uint32_t i, j;
	struct item other;

	if (!s || has_flag(s))
		return;
	i = random_below(g, s->count);
	j = random_below(g, s->count);
	if (size_of(s->items[i].type) != size_of(s->items[j].type))
		return;
	other = s->items[i];
	s->items[i].name = s->items[j].name;
	s->items[i].type = s->items[j].type;
	s->items[j].name = other.name;
	s->items[j].type = other.type;
}

static struct node *add_function(struct grown *g, struct node *first_parameter)
{
	struct node *place = any_of(g, BTF_KIND_FUNC, 0), *like = any_of(g, BTF_KIND_FUNC_PROTO, 1);
	struct node *proto, *func;

	if (!place || !like)
		return NULL;
	proto = grow_node(g, BTF_KIND_FUNC_PROTO, 0);
	func = grow_node(g, BTF_KIND_FUNC, any_name(g, BTF_KIND_FUNC));
	for (uint32_t i = 0; i < like->count && i < 6; i++) {
		struct node *type = !i && first_parameter ? first_parameter : like->items[i].type;
		struct item *item = node_insert_item(proto, i);

		item->name = like->items[i].name;
		item->type = node_use(type, proto);
	}
	proto->type = node_use(like->type, proto);
	func->info |= place->info & 0xffff; /* static or not */
	func->type = node_use(proto, func);
	insert_before(place, proto);
	insert_before(place, func);
	return func;
}

/* A struct of members as others have them, a pointer to it, a function that takes
 * it and a struct that holds one. */
static void add_struct(struct grown *g)
{
	struct node *place = any_of(g, BTF_KIND_STRUCT, 1), *holder = any_of(g, BTF_KIND_STRUCT, 2);
	struct node *s, *pointer;
	struct item held;

	if (!place || !holder)
		return;
	s = grow_node(g, BTF_KIND_STRUCT, any_name(g, BTF_KIND_STRUCT));
	pointer = grow_node(g, BTF_KIND_PTR, 0);
	for (uint32_t members = 2 + random_below(g, 10); members; members--) {
		struct item like = any_member(g);

		if (like.type && node_kind(like.type) != BTF_KIND_STRUCT)
			add_member_of(g, s, &like);
	}
	pointer->type = node_use(s, pointer);
	insert_before(place, pointer);
	insert_before(place, s);
	held = (struct item){ .name = any_name(g, BTF_KIND_STRUCT), .type = pointer };
	if (count_embedders(holder, 0) <= EMBEDDERS_MOST)
		add_member_of(g, holder, &held);
	add_function(g, pointer);
}

static void add_some_function(struct grown *g)
{
	add_function(g, NULL);
}

static void remove_function(struct grown *g)
{
	struct node *func = any_of(g, BTF_KIND_FUNC, 0);

	if (!func || func->uses)
		return;
	func->removed = true;
	if (--func->type->uses || node_kind(func->type) != BTF_KIND_FUNC_PROTO)
		return;
	func->type->removed = true;
	for (uint32_t i = 0; i < func->type->count; i++)
		func->type->items[i].type->uses--;
}

static void change_function(struct grown *g)
{
	struct node *func = any_of(g, BTF_KIND_FUNC, 0), *like = any_of(g, BTF_KIND_FUNC_PROTO, 1);
	struct item *item;

	if (!func || !like || func->type->uses != 1)
		return;
	item = node_insert_item(func->type, func->type->count);
	item->name = like->items[0].name;
	item->type = node_use(like->items[0].type, func->type);
}

static void add_enumerator(struct grown *g)
{
	struct node *e = any_of(g, BTF_KIND_ENUM, 3);
	uint32_t at = e ? 1 + random_below(g, e->count - 1) : 0;
	struct item *item;

	if (!e || e->items[at].number != e->items[at - 1].number + 1)
		return;
	item = node_insert_item(e, at);
	item->name = any_name(g, BTF_KIND_ENUM);
	item->number = e->items[at + 1].number;
	for (uint32_t i = at + 1; i < e->count; i++)
		e->items[i].number++;
}

/* An include moved: a stretch of types comes earlier or later. */
static void move_stretch(struct grown *g)
{
	uint32_t length = 2 + random_below(g, 30), from, to;
	struct node *moved[32];

	grow_rebuild(g);
	from = 1 + random_below(g, g->count - length - 1);
	to = 1 + random_below(g, g->count - 1);
	if (to >= from && to <= from + length)
		return;
	memcpy(moved, &g->list[from], length * sizeof(*moved));
	if (to < from)
		memmove(&g->list[to + length], &g->list[to], (from - to) * sizeof(*moved));
	else
		memmove(&g->list[from], &g->list[from + length],
			((to -= length) - from) * sizeof(*moved));
	memcpy(&g->list[to], moved, length * sizeof(*moved));
}

/* How often of a hundred, about what the logs of stable kernels show. */
static const struct {
	unsigned int weight;
	void (*apply)(struct grown *g);
} edits[] = {
	{ 26, add_member },	{ 12, remove_member },	  { 8, exchange_members },
	{ 5, add_struct },	{ 14, add_some_function }, { 17, remove_function },
	{ 8, change_function }, { 7, add_enumerator },	  { 3, move_stretch },
};

void grow_edit(struct grown *g, uint32_t count)
{
	for (; count; count--) {
		uint32_t number = random_below(g, 100), i = 0;

		while (number >= edits[i].weight)
			number -= edits[i++].weight;
		edits[i].apply(g);
	}
	grow_rebuild(g);
}
