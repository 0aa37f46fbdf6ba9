/* SPDX-License-Identifier: BSD-2-Clause */
/* Which types of a module its base has already, so that split BTF refers to those. */
#ifndef BTFGEN_BASE_MATCH_H
#define BTFGEN_BASE_MATCH_H

#include "btf/btf-view.h"
#include "btfgen/type-graph.h"

/* *@ret: by node, the id of the same type in @base, or 0: the module's own. Free
 * it. 0, -ENOMEM, or -EBADMSG when the base has a type that contains itself. */
int base_match(const struct type_graph *graph, const struct dwarf_file *file,
	       const struct btf_view *base, uint32_t **ret);

#endif
