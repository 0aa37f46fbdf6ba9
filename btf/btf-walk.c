/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "btf/btf-walk.h"
#include "core/grow.h"

int btf_walk_init(struct btf_walk *walk, uint32_t end)
{
	*walk = (struct btf_walk){ .state = calloc(end, 1) };
	return walk->state ? 0 : -ENOMEM;
}

void btf_walk_deinit(struct btf_walk *walk)
{
	free(walk->state);
	free(walk->stack);
	*walk = (struct btf_walk){ 0 };
}

int btf_walk_enter(struct btf_walk *walk, uint32_t id)
{
	int error = grow_array((void **)&walk->stack, &walk->room, walk->depth + 1ull,
			       sizeof(*walk->stack));

	if (error)
		return error;
	walk->stack[walk->depth++] = (struct btf_walk_frame){ .id = id };
	walk->state[id] = BTF_WALK_OPEN;
	return 0;
}
