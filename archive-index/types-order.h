/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An order, told as runs through another one. A run takes what is next and not
 * taken yet, so where things merely moved the rest goes on as before. Both sides
 * of the codec keep one and take the same things.
 */
#ifndef ARCHIVE_INDEX_TYPES_ORDER_H
#define ARCHIVE_INDEX_TYPES_ORDER_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* The first thing from @i on that is there, or count. */
static inline uint32_t order_from(struct order *o, uint32_t i)
{
	while (o->next[i] != i) {
		o->next[i] = o->next[o->next[i]]; /* halve the path */
		i = o->next[i];
	}
	return i;
}

/* What a run takes next: the first thing behind the last that is there, or count. */
static inline uint32_t order_expected(struct order *o)
{
	return o->at = order_from(o, o->at);
}

/* Of @length things from @start on, take those that are there up to the first that is
 * not; how many. */
static inline uint32_t order_take_run(struct order *o, uint32_t start, uint32_t length,
				      uint32_t *things)
{
	uint32_t *next = o->next, taken = 0;

	for (; taken < length && start + taken < o->count && next[start + taken] == start + taken;
	     taken++) {
		things[taken] = start + taken;
		next[start + taken] = start + taken + 1;
	}
	o->at = start + taken;
	return taken;
}

/* @thing must be there. */
static inline void order_take(struct order *o, uint32_t thing)
{
	o->next[thing] = thing + 1;
	o->at = thing + 1;
}

/*
 * Where earlier runs ended, the latest first. pahole's threads take turns in what
 * they add, differently in every build: the types of one compilation unit stand
 * together in one BTF and scattered in another. So a run mostly goes on near where
 * one of the last ones ended, and only seldom anywhere.
 */
#define MARKS_MAXIMUM 64
struct marks {
	uint32_t at[MARKS_MAXIMUM];
	uint32_t count;
};

static inline struct marks marks_init(uint32_t first)
{
	return (struct marks){ { first }, 1 };
}

/* A run that began at or near mark @used ended at @end. */
static inline void marks_use(struct marks *m, uint32_t used, bool exact, uint32_t end)
{
	uint32_t moved = used;

	if (!exact) { /* the mark stays, and one is added */
		moved = m->count < MARKS_MAXIMUM ? m->count : MARKS_MAXIMUM - 1;
		m->count = moved + 1;
	}
	memmove(&m->at[1], &m->at[0], moved * sizeof(m->at[0]));
	m->at[0] = end;
}

#endif
