/* SPDX-License-Identifier: BSD-2-Clause */
/* Which types of a module its base has already, so that split BTF refers to those. */
#ifndef BTFGEN_BASE_MATCH_H
#define BTFGEN_BASE_MATCH_H

#include "btf/btf-build.h"
#include "btf/btf-view.h"
#include "btfgen/shape.h"
#include "btfgen/type-graph.h"

/* Ids of the base by token, of which there are two sorts. */
struct token_map {
	const struct shape_set *set;
	bool shallow;
	uint32_t *slots; /* id; 0 is free */
	uint32_t size;
};

/* What a module's conversion needs of its base, made once for all modules; threads may
 * share it. */
struct base_types {
	struct btf_view view;
	struct btf_build *names; /* an index */
	struct shape_set shapes;
	struct token_map full, shallow;
};

/* @btf is borrowed until deinit. -EBADMSG: not BTF, or with a type that contains itself;
 * -EOPNOTSUPP; -ENOMEM. */
int base_types_init(struct base_types *base, const struct btfpack_blob *btf,
		    struct btfpack_error *err);
void base_types_deinit(struct base_types *base);

/* *@ret: by node, the id of the same type in @base, or 0: the module's own. Free
 * it. 0, -ENOMEM. */
int base_match(const struct type_graph *graph, const struct dwarf_file *file,
	       const struct base_types *base, uint32_t **ret);

#endif
