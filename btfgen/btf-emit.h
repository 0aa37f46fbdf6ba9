/* SPDX-License-Identifier: BSD-2-Clause */
/* From the type graph to BTF: one small function for each kind. */
#ifndef BTFGEN_BTF_EMIT_H
#define BTFGEN_BTF_EMIT_H

#include <stdbool.h>

#include "btf/btf-build.h"
#include "btfgen/dwarf-funcs.h"
#include "btfgen/dwarf-vars.h"
#include "btfgen/emit-names.h"
#include "btfgen/kfuncs.h"
#include "btfgen/type-graph.h"

struct btf_emit {
	struct btf_build *build;
	const struct dwarf_file *file;
	const struct type_graph *graph;
	struct emit_names names;
	bool no_enum64;
	const struct btf_view *base; /* of a module; else NULL */
	uint32_t *ids;       /* by node. With a base: those that it has are set, the others 0 */
	uint32_t index_type; /* id of the type of array indices; 0 while there is none */
};

static inline void btf_emit_deinit(struct btf_emit *emit)
{
	emit_names_deinit(&emit->names);
}

/* Append all nodes of the graph but those that the base has; @ids is completed.
 * -EFBIG for what BTF cannot say. */
int btf_emit_graph(struct btf_emit *emit, struct btfpack_error *err);

/* The id of a node; 0 for NODE_NONE. */
static inline uint32_t btf_emit_id(const struct btf_emit *emit, uint32_t node)
{
	return node == NODE_NONE ? 0 : emit->ids[node];
}

/* Append a FUNC for each function, its DECL_TAGs, and those that kernels' builds put on
 * kfuncs; nodes[i] is the prototype of function i. */
int btf_emit_functions(struct btf_emit *emit, const struct func_defs *funcs,
		       const struct kfuncs *kfuncs, const uint32_t *nodes);

/* Append a VAR for each per-CPU variable, the DATASEC that lists them, their DECL_TAGs. */
int btf_emit_variables(struct btf_emit *emit, const struct var_defs *vars,
		       const struct percpu_section *section, const uint32_t *nodes);

#endif
