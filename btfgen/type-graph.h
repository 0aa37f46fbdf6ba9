/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From classes to the types that BTF will have. Classes refer to each other by
 * token; here each reference gets its one target, and where a name means different
 * things in different units, the types that lead to it are told apart.
 */
#ifndef BTFGEN_TYPE_GRAPH_H
#define BTFGEN_TYPE_GRAPH_H

#include <stdint.h>

#include "btfgen/type-table.h"

/* Something outside of the type graph that uses a class as one unit means it: a
 * function its prototype, a variable its type. Sorted by unit. */
struct type_root {
	uint32_t unit;
	uint32_t class_index;
	uint32_t node; /* out */
};

#define NODE_NONE UINT32_MAX /* void */

struct type_node {
	uint32_t class_index;
	uint32_t first_target; /* index into the graph's targets, one for each item */
};

/* Nodes in the order of their first appearance in .debug_info. */
struct type_graph {
	const struct type_table *table;
	struct type_node *nodes;
	uint32_t node_count;
	uint32_t *targets; /* node indices, NODE_NONE for void */
};

/* @roots' nodes are filled in. 0 or -ENOMEM. */
int type_graph_init(struct type_graph *graph, const struct type_table *table,
		    const struct class_list *units, uint32_t unit_count, struct type_root *roots,
		    uint32_t root_count);
void type_graph_deinit(struct type_graph *graph);

#endif
