/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/type-table.h"
#include "core/grow.h"

void type_table_deinit(struct type_table *table)
{
	free(table->classes);
	free(table->probes);
	free(table->items);
	free(table->slots);
	*table = (struct type_table){ 0 };
}

/* A slot holds the token's upper half beside the index, so that nearly every probe
 * that does not match is told without looking at the class. */
static uint64_t make_slot(type_token full, uint32_t index)
{
	return (full & ~UINT64_C(0xffffffff)) | (index + 1);
}

static uint32_t first_probe(const struct type_table *table, type_token full)
{
	return (uint32_t)full & (table->slot_count - 1);
}

uint32_t type_table_find(const struct type_table *table, type_token full)
{
	if (!table->slot_count)
		return UINT32_MAX;
	for (uint32_t i = first_probe(table, full);; i = (i + 1) & (table->slot_count - 1)) {
		uint64_t slot = table->slots[i];
		uint32_t index = (uint32_t)slot - 1;

		if (!slot)
			return UINT32_MAX;
		if (!((slot ^ full) >> 32) && table->probes[index].full == full)
			return index;
	}
}

/* The first guess was wrong. */
uint32_t type_table_find_after_slow(struct type_table *table, uint32_t *last, type_token full)
{
	struct type_probe *probe;
	uint32_t found;

	if (*last >= table->class_count)
		*last = 0;
	if (!table->class_count)
		return UINT32_MAX;
	probe = &table->probes[*last];
	found = probe->other_follower;
	if (found >= table->class_count || table->probes[found].full != full) {
		found = type_table_find(table, full);
		/* What is not there will be the next to be added. */
		probe->other_follower = found == UINT32_MAX ? table->class_count : found;
	}
	*last = probe->other_follower;
	probe->other_follower = probe->follower;
	probe->follower = *last;
	return found;
}

static void insert_slot(struct type_table *table, type_token full, uint32_t index)
{
	uint32_t i = first_probe(table, full);

	while (table->slots[i])
		i = (i + 1) & (table->slot_count - 1);
	table->slots[i] = make_slot(full, index);
}

static int grow_slots(struct type_table *table)
{
	uint32_t count = table->slot_count ? table->slot_count * 2 : 1 << 15;
	uint64_t *slots;

	if (table->class_count * 3ull < table->slot_count * 2ull)
		return 0;
	slots = calloc(count, sizeof(*slots));
	if (!slots || count < table->slot_count) {
		free(slots);
		return -ENOMEM;
	}
	free(table->slots);
	table->slots = slots;
	table->slot_count = count;
	for (uint32_t i = 0; i < table->class_count; i++)
		insert_slot(table, table->classes[i].full, i);
	return 0;
}

/* Room for one more. */
static int grow_classes(struct type_table *table)
{
	uint32_t room = table->class_room;
	struct type_probe *probes;

	if (table->class_count < room)
		return 0;
	if (grow_array((void **)&table->classes, &room, table->class_count + 1ull,
		       sizeof(*table->classes)) < 0)
		return -ENOMEM;
	probes = reallocarray(table->probes, room, sizeof(*probes));
	if (!probes)
		return -ENOMEM;
	table->probes = probes;
	table->class_room = room;
	return 0;
}

struct type_class *type_table_add(struct type_table *table, const struct type_class *class,
				  struct class_item **items_ret)
{
	struct type_class *added;

	if (grow_classes(table) < 0 ||
	    grow_array((void **)&table->items, &table->item_room,
		       (uint64_t)table->item_count + class->item_count,
		       sizeof(*table->items)) < 0 ||
	    grow_slots(table) < 0)
		return NULL;
	added = &table->classes[table->class_count];
	*added = *class;
	added->first_item = table->item_count;
	table->probes[table->class_count] = (struct type_probe){ class->full, 0, 0 };
	insert_slot(table, class->full, table->class_count);
	*items_ret = table->items ? table->items + table->item_count : NULL;
	table->class_count++;
	table->item_count += class->item_count;
	return added;
}

int type_table_merge(struct type_table *table, const struct type_table *other, uint32_t *map)
{
	for (uint32_t i = 0; i < other->class_count; i++) {
		const struct type_class *class = &other->classes[i];
		uint32_t found = type_table_find(table, class->full);
		struct class_item *items;

		if (found == UINT32_MAX) {
			if (!type_table_add(table, class, &items))
				return -ENOMEM;
			if (class->item_count)
				memcpy(items, other->items + class->first_item,
				       class->item_count * sizeof(*items));
			found = table->class_count - 1;
		} else if (class->first < table->classes[found].first) {
			table->classes[found].first = class->first;
		}
		map[i] = found;
	}
	return 0;
}

/* --- lists of classes
 * -------------------------------------------------------------------------------- */

int class_list_add_run(struct class_list *list, struct class_run run)
{
	if (grow_array((void **)&list->runs, &list->run_room, list->run_count + 1ull,
		       sizeof(*list->runs)) < 0)
		return -ENOMEM;
	list->runs[list->run_count++] = run;
	list->count += run.count;
	return 0;
}

int class_list_join(struct class_list *list, const struct class_list *a, const struct class_list *b)
{
	size_t room = (size_t)a->run_count + b->run_count;
	struct class_run *runs = malloc((room + 1) * sizeof(*runs));

	if (!runs || room >= UINT32_MAX) {
		free(runs);
		return -ENOMEM;
	}
	if (a->run_count)
		memcpy(runs, a->runs, a->run_count * sizeof(*runs));
	if (b->run_count)
		memcpy(runs + a->run_count, b->runs, b->run_count * sizeof(*runs));
	*list = (struct class_list){ runs, (uint32_t)room, (uint32_t)room, a->count + b->count };
	return 0;
}

void class_list_empty(struct class_list *list)
{
	list->run_count = 0;
	list->count = 0;
}

void class_list_deinit(struct class_list *list)
{
	free(list->runs);
	*list = (struct class_list){ 0 };
}
