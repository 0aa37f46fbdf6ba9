/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A walk over the graph of types, depth first, on a stack of its own: a chain of
 * pointers in hostile BTF may be as long as there are ids. The walker looks at
 * the top, asks btf_type_child() for its child number `next`, and enters that or
 * leaves:
 *
 *      for (id...) if (walk.state[id] == BTF_WALK_NEW) btf_walk_enter(&walk, id);
 *      while ((top = btf_walk_top(&walk)))
 *              if (btf_type_child(type of top->id, top->next, &child)) {
 *                      top->next++;
 *                      if (walk.state[child] == BTF_WALK_NEW)
 *                              btf_walk_enter(&walk, child);
 *              } else {
 *                      btf_walk_leave(&walk);
 *              }
 *
 * A child that is OPEN closes a loop. A type is on the stack at most once.
 */
#ifndef BTF_BTF_WALK_H
#define BTF_BTF_WALK_H

#include <stdint.h>

#include "core/cleanup.h"

enum { BTF_WALK_NEW, BTF_WALK_OPEN, BTF_WALK_DONE };

struct btf_walk_frame {
	uint32_t id;
	uint32_t next; /* index of the child to look at next */
};

struct btf_walk {
	uint8_t *state; /* by id */
	struct btf_walk_frame *stack;
	uint32_t depth, room;
};

/* For ids below @end, all NEW. -ENOMEM. */
int btf_walk_init(struct btf_walk *walk, uint32_t end);
void btf_walk_deinit(struct btf_walk *walk);
#define AUTO_BTF_WALK CLEANUP(btf_walk_deinit)

/* Put @id on top; it is OPEN. Frames may move: ask for the top anew. -ENOMEM. */
int btf_walk_enter(struct btf_walk *walk, uint32_t id);

/* The type that the walk stands on, or NULL at its end. */
static inline struct btf_walk_frame *btf_walk_top(struct btf_walk *walk)
{
	return walk->depth ? &walk->stack[walk->depth - 1] : NULL;
}

/* Take the top off; it is DONE. */
static inline void btf_walk_leave(struct btf_walk *walk)
{
	walk->state[walk->stack[--walk->depth].id] = BTF_WALK_DONE;
}

#endif
