/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two types are duplicates when they are equal and what they refer to is equal
 * too, or duplicates in turn; around cycles that is the coarsest partition in
 * which no type's parts tell two of a class apart. It is found as one minimizes
 * an automaton (Hopcroft): start with classes by def (btf-hash.h: references by
 * name), then define each type again with references meaning classes, and split
 * classes whose members come out different, until nothing splits.
 *
 * When a class splits, one part keeps its number and the others get new ones;
 * only who refers to a type with a new number has to be defined again. In BTF
 * that was deduplicated hardly a class has two members to begin with. Crafted
 * input could make the same types come again and again, so the work has an end;
 * when it comes first, nothing is called a duplicate.
 */
#include <errno.h>
#include <stdlib.h>

#include "btf/btf-hash.h"
#include "btf/btf-problem.h"
#include "core/cleanup.h"

#define WORK_MAXIMUM 64 /* times that every row of every type may be hashed */

struct item {
	struct btf_hash hash;
	uint32_t class;
	uint32_t id;
};

struct partition {
	struct btf_hasher hasher;
	const struct btf_view *view;
	struct btf_hash *colors; /* by id: { class, 0 } */
	uint32_t *sizes;	 /* by class */
	uint32_t classes;
	struct item *items; /* the types to define in this round */
	uint32_t count;
	uint32_t *round_of; /* by id: the last round it was put into items */
	uint32_t round;
	uint32_t *users;	 /* who refers to an id, id after id, */
	uint64_t *users_end; /* by id; those of an id begin where the previous' end */
	uint32_t *renumbered;
	uint32_t renumbered_count;
	uint64_t work, most_work;
};

static void partition_deinit(struct partition *p)
{
	btf_hasher_deinit(&p->hasher);
	free(p->colors);
	free(p->sizes);
	free(p->items);
	free(p->round_of);
	free(p->users);
	free(p->users_end);
	free(p->renumbered);
}

static uint32_t class_of(const struct partition *p, uint32_t id)
{
	return (uint32_t)p->colors[id].low;
}

static bool is_alone(const struct partition *p, uint32_t id)
{
	return p->sizes[class_of(p, id)] < 2;
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = x->class != y->class ? (x->class < y->class ? -1 : 1) :
					   btf_hash_compare(x->hash, y->hash);

	return order ? order : x->id < y->id ? -1 : 1;
}

/* Variables and sections are no types: a static variable may be there twice. */
static bool is_looked_at(const struct btf_type *t)
{
	return btf_type_kind(t) != BTF_KIND_VAR && btf_type_kind(t) != BTF_KIND_DATASEC;
}

/* The first classes: by def, found in a table of ids by their hash. */
static int classify(struct partition *p)
{
	uint32_t end = p->view->end_id, size = 64;
	AUTO_FREE uint32_t *table = NULL;

	while (size < end * 2)
		size *= 2;
	table = calloc(size, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (uint32_t id = 1; id < end; id++) {
		struct btf_hash def = p->hasher.defs[id];
		uint32_t slot = (uint32_t)def.low;

		while (table[slot & (size - 1)] &&
		       !btf_hash_is_equal(p->hasher.defs[table[slot & (size - 1)]], def))
			slot++;
		slot &= size - 1;
		if (table[slot] && is_looked_at(btf_view_type(p->view, id))) {
			p->colors[id] = p->colors[table[slot]];
		} else {
			table[slot] = id;
			p->colors[id].low = p->classes++;
		}
		p->sizes[class_of(p, id)]++;
	}
	return 0;
}

static int partition_init(struct partition *p, const struct btf_view *view)
{
	uint32_t end = view->end_id;
	int error = btf_hasher_init(&p->hasher, view, 0);

	if (error)
		return error;
	p->view = view;
	p->colors = calloc(end, sizeof(*p->colors));
	p->sizes = calloc(end + 1, sizeof(*p->sizes));
	p->items = calloc(end, sizeof(*p->items));
	p->round_of = calloc(end, sizeof(*p->round_of));
	p->users_end = calloc(end, sizeof(*p->users_end));
	p->renumbered = calloc(end, sizeof(*p->renumbered));
	if (!p->colors || !p->sizes || !p->items || !p->round_of || !p->users_end || !p->renumbered)
		return -ENOMEM;
	error = btf_hasher_run(&p->hasher, NULL);
	if (error)
		return error;
	p->sizes[p->classes++] = 1; /* void's */
	return classify(p);
}

/* Call for every reference of every type that could be told from another. */
static void count_users(struct partition *p)
{
	for (uint32_t id = 1; id < p->view->end_id; id++) {
		const struct btf_type *t = btf_view_type(p->view, id);
		uint32_t child;

		p->most_work += btf_type_vlen(t) + 1;
		for (uint32_t i = 0; !is_alone(p, id) && btf_type_child(t, i, &child); i++)
			p->users_end[child]++;
	}
	p->most_work *= WORK_MAXIMUM;
}

static int list_users(struct partition *p)
{
	uint64_t total = 0;

	count_users(p);
	for (uint32_t id = 0; id < p->view->end_id; id++) {
		uint64_t count = p->users_end[id];

		p->users_end[id] = total; /* where the next goes; in the end, the end */
		total += count;
	}
	p->users = malloc((total + 1) * sizeof(*p->users));
	if (!p->users)
		return -ENOMEM;
	for (uint32_t id = 1; id < p->view->end_id; id++) {
		const struct btf_type *t = btf_view_type(p->view, id);
		uint32_t child;

		for (uint32_t i = 0; !is_alone(p, id) && btf_type_child(t, i, &child); i++)
			p->users[p->users_end[child]++] = id;
	}
	return 0;
}

static void add_item(struct partition *p, uint32_t id)
{
	if (is_alone(p, id) || p->round_of[id] == p->round)
		return;
	p->round_of[id] = p->round;
	p->items[p->count++] = (struct item){ .class = class_of(p, id), .id = id };
}

static void add_users(struct partition *p, uint32_t id)
{
	for (uint64_t i = id ? p->users_end[id - 1] : 0; i < p->users_end[id]; i++)
		add_item(p, p->users[i]);
}

static int define_items(struct partition *p)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < p->count; i++) {
		struct item *item = &p->items[i];

		p->work += btf_type_vlen(btf_view_type(p->view, item->id)) + 1;
		error = btf_hasher_define(&p->hasher, item->id, p->colors, &item->hash);
	}
	return error;
}

static uint32_t run_end(const struct partition *p, uint32_t first, bool same_hash)
{
	uint32_t i = first + 1;

	while (i < p->count && p->items[i].class == p->items[first].class &&
	       (!same_hash || btf_hash_is_equal(p->items[i].hash, p->items[first].hash)))
		i++;
	return i;
}

/* Items [first, end) leave their class for a new one. */
static void move_out(struct partition *p, uint32_t first, uint32_t end)
{
	p->sizes[p->items[first].class] -= end - first;
	p->sizes[p->classes] = end - first;
	for (uint32_t i = first; i < end; i++) {
		p->colors[p->items[i].id].low = p->classes;
		p->renumbered[p->renumbered_count++] = p->items[i].id;
	}
	p->classes++;
}

/* Items [first, end) are those of one class that were defined again. If the class
 * has others, these keep the number: they are alike as before, and like none of
 * the items, for each of these refers to a number that is new. Else the largest
 * part keeps it. */
static void split_class(struct partition *p, uint32_t first, uint32_t end)
{
	bool has_others = p->sizes[p->items[first].class] > end - first;
	uint32_t largest = 0, stays = UINT32_MAX;

	for (uint32_t i = first, next; i < end; i = next) {
		next = run_end(p, i, true);
		if (!has_others && next - i > largest) {
			largest = next - i;
			stays = i;
		}
	}
	for (uint32_t i = first, next; i < end; i = next) {
		next = run_end(p, i, true);
		if (i != stays)
			move_out(p, i, next);
	}
}

/* Split until nothing splits. False when the work came to its end before. */
static int refine(struct partition *p, bool *ret)
{
	int error = 0;

	p->round = 1;
	for (uint32_t id = 1; id < p->view->end_id; id++)
		add_item(p, id);
	while (p->count) {
		error = define_items(p);
		if (error)
			return error;
		qsort(p->items, p->count, sizeof(*p->items), compare_items);
		p->renumbered_count = 0;
		for (uint32_t i = 0, end; i < p->count; i = end) {
			end = run_end(p, i, false);
			split_class(p, i, end);
		}
		if (p->work > p->most_work)
			break;
		p->count = 0;
		p->round++;
		for (uint32_t i = 0; i < p->renumbered_count; i++)
			add_users(p, p->renumbered[i]);
	}
	*ret = !p->count;
	return 0;
}

static void report(struct btf_checker *c, struct partition *p)
{
	p->count = 0;
	for (uint32_t id = 1; id < p->view->end_id; id++)
		if (!is_alone(p, id))
			p->items[p->count++] = (struct item){ .class = class_of(p, id), .id = id };
	if (p->count)
		qsort(p->items, p->count, sizeof(*p->items), compare_items);
	for (uint32_t i = 0, end; i < p->count; i = end) {
		end = run_end(p, i, false);
		for (uint32_t j = i + 1; j < end; j++)
			if (p->items[j].id >= c->view->first_id)
				btf_check_warning(c, DUPLICATE, p->items[j].id,
						  "the same type as id %u", p->items[i].id);
	}
}

int btf_check_duplicates(struct btf_checker *c)
{
	CLEANUP(partition_deinit) struct partition p = { 0 };
	bool is_done = false;
	int error = partition_init(&p, c->view);

	if (!error)
		error = list_users(&p);
	if (!error)
		error = refine(&p, &is_done);
	if (!error && is_done)
		report(c, &p);
	return error;
}
