/* SPDX-License-Identifier: BSD-2-Clause */
/* What grow.c reads and writes, and grow-edits.c changes. */
#ifndef TESTS_GROW_MODEL_H
#define TESTS_GROW_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "btf/btf-view.h"
#include "tests/grow.h"

struct node;

/* A member, parameter, enumerator, element of a section; or an array's. */
struct item {
	uint32_t name;
	struct node *type, *index;
	uint32_t number, high; /* offset, value, count */
};

struct node {
	uint32_t info, name, id;
	uint32_t number; /* size and the like, where there is no @type */
	uint32_t extra;	 /* the word behind an int, a var, a tag */
	uint32_t uses;	 /* who refers to it */
	struct node *type;
	struct item *items;
	uint32_t count, most; /* now, and ever */
	struct node **embedders; /* who may contain it by value */
	uint32_t embedder_count;
	struct node *before, *before_next; /* nodes to be inserted before it, as a list */
	bool removed;
};

struct grown {
	struct node **list; /* by id; list[0] is void */
	uint32_t count;
	struct node **all; /* every node ever made, to be freed */
	uint32_t all_count, all_room;
	char **strings;
	uint32_t *offset; /* of each string in what is being written, 0: not there yet */
	uint32_t string_count, string_room, offset_room;
	uint32_t *slots; /* open table of string numbers + 1 */
	uint32_t slot_mask;
	uint64_t state;
	bool other_order;
};

static inline unsigned int node_kind(const struct node *n)
{
	return BTF_INFO_KIND(n->info);
}

/* The number of the string @text. */
uint32_t grow_intern(struct grown *g, const char *text);

/* In no place of the list yet. */
struct node *grow_node(struct grown *g, unsigned int kind, uint32_t name);

/* Note that @user refers to @n, and give @n. */
struct node *node_use(struct node *n, struct node *user);

/* Room at @at for an item. */
struct item *node_insert_item(struct node *n, uint32_t at);

/* The list again, with what is new and without what was removed. */
void grow_rebuild(struct grown *g);

#endif
