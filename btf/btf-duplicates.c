/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two types are duplicates when they are equal and what they refer to is equal
 * too, or duplicates in turn; around cycles that is the coarsest partition in
 * which no type's parts tell two of a class apart. It is found as one minimizes
 * an automaton: start with classes by def (btf-hash.h: references by name), then
 * split each class by its members' definitions with references meaning classes,
 * until nothing splits.
 *
 * Only classes of more than one can split, and in BTF that was deduplicated
 * those are few: hundreds of types out of a hundred thousand. In BTF that was
 * not, nothing splits and the first round is the last. Crafted input could ask
 * for as many rounds as there are types, so the work has an end; when it comes
 * first, nothing is called a duplicate.
 */
#include <errno.h>
#include <stdlib.h>

#include "btf/btf-check.h"
#include "btf/btf-hash.h"
#include "core/cleanup.h"

#define WORK_MAXIMUM 16 /* definitions made, per type of the BTF */

struct item {
	struct btf_hash color;
	uint32_t id;
};

struct partition {
	struct btf_hasher hasher;
	struct btf_hash *colors; /* by id */
	struct item *items;	 /* the types not alone in their class, class by class */
	uint32_t count;
	uint32_t classes;
};

static void partition_deinit(struct partition *p)
{
	btf_hasher_deinit(&p->hasher);
	free(p->colors);
	free(p->items);
}

static int compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int order = btf_hash_compare(x->color, y->color);

	return order ? order : x->id < y->id ? -1 : 1;
}

static uint32_t class_end(const struct partition *p, uint32_t first)
{
	uint32_t i = first + 1;

	while (i < p->count && btf_hash_is_equal(p->items[i].color, p->items[first].color))
		i++;
	return i;
}

/* Sort into classes and drop those of one. */
static void settle(struct partition *p)
{
	uint32_t kept = 0;

	qsort(p->items, p->count, sizeof(*p->items), compare_items);
	p->classes = 0;
	for (uint32_t i = 0, end; i < p->count; i = end) {
		end = class_end(p, i);
		if (end - i < 2)
			continue;
		p->classes++;
		for (uint32_t j = i; j < end; j++)
			p->items[kept++] = p->items[j];
	}
	p->count = kept;
}

/* Variables and sections are no types: a static variable may be there twice. */
static bool is_looked_at(const struct btf_type *t)
{
	return btf_type_kind(t) != BTF_KIND_VAR && btf_type_kind(t) != BTF_KIND_DATASEC;
}

static int partition_init(struct partition *p, const struct btf_view *view)
{
	int error = btf_hasher_init(&p->hasher, view, 0);

	if (error)
		return error;
	p->colors = malloc(view->end_id * sizeof(*p->colors));
	p->items = malloc(view->end_id * sizeof(*p->items));
	if (!p->colors || !p->items)
		return -ENOMEM;
	error = btf_hasher_run(&p->hasher, NULL);
	if (error)
		return error;
	memcpy(p->colors, p->hasher.defs, view->end_id * sizeof(*p->colors));
	for (uint32_t id = 1; id < view->end_id; id++) {
		if (is_looked_at(btf_view_type(view, id)))
			p->items[p->count++] = (struct item){ p->colors[id], id };
		else
			p->colors[id] = (struct btf_hash){ id, id };
	}
	settle(p);
	return 0;
}

/* One round: a new color for all from the old colors of all. */
static int split(struct partition *p)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < p->count; i++) {
		struct item *item = &p->items[i];
		struct btf_hash definition;

		error = btf_hasher_define(&p->hasher, item->id, p->colors, &definition);
		/* With the old color, so that classes split and never merge. */
		item->color = btf_hash_join(p->colors[item->id], definition);
	}
	for (uint32_t i = 0; !error && i < p->count; i++)
		p->colors[p->items[i].id] = p->items[i].color;
	if (!error)
		settle(p);
	return error;
}

static void report(struct btf_checker *c, const struct partition *p)
{
	for (uint32_t i = 0, end; i < p->count; i = end) {
		end = class_end(p, i);
		for (uint32_t j = i + 1; j < end; j++)
			if (p->items[j].id >= c->view->first_id)
				btf_check_warning(c, DUPLICATE, p->items[j].id,
						  "the same type as id %u", p->items[i].id);
	}
}

int btf_check_duplicates(struct btf_checker *c)
{
	CLEANUP(partition_deinit) struct partition p = { 0 };
	uint64_t work = 0;
	int error = partition_init(&p, c->view);

	while (!error && p.count) {
		uint32_t classes = p.classes, count = p.count;

		work += count;
		if (work > (uint64_t)c->view->end_id * WORK_MAXIMUM)
			return 0;
		error = split(&p);
		if (p.classes == classes && p.count == count)
			break;
	}
	if (!error)
		report(c, &p);
	return error;
}
