/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An order, told as runs through another one. A run takes what is next and not
 * taken yet, so where things merely moved the rest goes on as before. Both sides
 * of the codec keep one and take the same things.
 */
#ifndef ARCHIVE_INDEX_TYPES_ORDER_H
#define ARCHIVE_INDEX_TYPES_ORDER_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/cleanup.h"

struct order {
	uint32_t *next; /* of each thing: itself while it is there, else one nearer to the next */
	uint32_t count;
	uint32_t at; /* where the last run ended */
};

/* Things 0 to @count - 1, of which the first @taken are not asked for. -ENOMEM. */
static inline int order_init(struct order *o, uint32_t count, uint32_t taken)
{
	*o = (struct order){ .count = count, .at = taken };
	o->next = malloc(sizeof(*o->next) * ((size_t)count + 1));
	if (!o->next)
		return -ENOMEM;
	for (uint32_t i = 0; i <= count; i++)
		o->next[i] = i < taken ? taken : i;
	return 0;
}

static inline void order_deinit(struct order *o)
{
	free(o->next);
	o->next = NULL;
}
#define AUTO_ORDER CLEANUP(order_deinit)

/* What a run takes next: the first thing behind the last that is there, or count. */
static inline uint32_t order_expected(struct order *o)
{
	uint32_t i = o->at;

	while (o->next[i] != i) {
		o->next[i] = o->next[o->next[i]]; /* halve the path */
		i = o->next[i];
	}
	return o->at = i;
}

/* @thing must be there. */
static inline void order_take(struct order *o, uint32_t thing)
{
	o->next[thing] = thing + 1;
	o->at = thing + 1;
}

static inline int order_has(const struct order *o, uint32_t thing)
{
	return thing < o->count && o->next[thing] == thing;
}

#endif
