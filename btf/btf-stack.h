/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split BTF of several modules as one.
 *
 * Each module's BTF goes on where the base's ids and strings end, and so all of
 * them use the same numbers for different things. A stack copies them one behind
 * another, moves what they refer to in themselves, and shows them through one view
 * on top of the base. Who reads the view sees one split BTF; btf_stack_find() says
 * whose a type is.
 */
#ifndef BTF_BTF_STACK_H
#define BTF_BTF_STACK_H

#include <stdint.h>

#include "btf/btf-view.h"
#include "core/buf.h"

struct btf_stack {
	struct btf_view view; /* everything; lives and changes with the stack */
	struct buf types;
	struct buf strings;
	struct buf offsets; /* uint32_t, by id */
	struct buf layers;  /* struct btf_stack_layer, ascending */
};

/* An empty stack: @base, seen through a view. The base must outlive it. */
void btf_stack_init(struct btf_stack *stack, const struct btf_view *base);
void btf_stack_deinit(struct btf_stack *stack);
#define AUTO_BTF_STACK CLEANUP(btf_stack_deinit)

/* Put @module, a view on top of the same base, on the stack; its bytes are copied.
 * @number is the caller's name for it. -EFBIG when ids or strings run out, -ENOMEM;
 * the stack is then good for nothing but deinit. */
int btf_stack_add(struct btf_stack *stack, const struct btf_view *module, uint32_t number);

/* The number of the module that the type @id of stack->view is of; -1: the base's. */
int64_t btf_stack_find(const struct btf_stack *stack, uint32_t id);

/* The id that it has in its own BTF. */
uint32_t btf_stack_own_id(const struct btf_stack *stack, uint32_t id);

#endif
