/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types in one plain form, whether they come from a BTF or from a type graph, so
 * that types of a module can be held against those of its base. Each gets the two
 * tokens of type-table.h, full and shallow, but over the bytes of names, so that
 * they mean the same in both.
 */
#ifndef BTFGEN_SHAPE_H
#define BTFGEN_SHAPE_H

#include "btf/btf-view.h"
#include "btfgen/type-graph.h"

struct shape {
	uint64_t name; /* hash of its bytes; 0: none */
	uint64_t full, shallow;
	uint32_t size; /* bytes; elements of an array */
	uint32_t first_edge, edge_count;
	uint8_t kind;     /* BTF_KIND_*; FWD: declared only; 0: not a type but a FUNC, a VAR, ... */
	uint8_t declares; /* of a FWD: STRUCT or UNION */
	uint16_t detail;  /* what else tells types of this kind apart: a tag's component */
	uint8_t full_state, shallow_state;
	bool is_weak; /* declared only, or const, typedef, array of what is */
};

struct shape_edge {
	uint64_t name, value;
	uint32_t target; /* index of a shape; 0: void */
	uint32_t bits;
};

/* Shapes by id (a view's) or by node + 1 (a graph's); 0 is void. */
struct shape_set {
	struct shape *shapes;
	uint32_t count;
	struct shape_edge *edges;
	uint64_t edge_count;
	uint64_t *scratch;
	size_t scratch_room;
};

/* 0, -ENOMEM, or -EBADMSG for a type that contains itself. */
int shape_set_from_view(struct shape_set *set, const struct btf_view *view);
int shape_set_from_graph(struct shape_set *set, const struct type_graph *graph,
			 const struct dwarf_file *file);
void shape_set_deinit(struct shape_set *set);

#endif
