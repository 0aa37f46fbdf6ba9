/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "btf/btf-stack.h"

struct btf_stack_layer {
	uint32_t first_id;
	uint32_t number;
};

void btf_stack_init(struct btf_stack *stack, const struct btf_view *base)
{
	*stack = (struct btf_stack){
		.view = { .base = base,
			  .other_order = base->other_order,
			  .first_id = base->end_id,
			  .end_id = base->end_id,
			  .first_string = base->end_string,
			  .end_string = base->end_string },
		.types = BUF_INIT(UINT32_MAX / 2),
		.strings = BUF_INIT(UINT32_MAX / 2),
		.offsets = BUF_INIT(UINT32_MAX / 2),
		.layers = BUF_INIT(UINT32_MAX / 2),
	};
}

void btf_stack_deinit(struct btf_stack *stack)
{
	buf_deinit(&stack->types);
	buf_deinit(&stack->strings);
	buf_deinit(&stack->offsets);
	buf_deinit(&stack->layers);
	*stack = (struct btf_stack){ 0 };
}

/* By how much the numbers of a module beyond the base's grow. */
struct move {
	const struct btf_view *base;
	uint32_t ids;
	uint32_t strings;
};

static void move_id(const struct move *move, uint32_t *id)
{
	if (*id >= move->base->end_id)
		*id += move->ids;
}

static void move_string(const struct move *move, uint32_t *offset)
{
	if (*offset >= move->base->end_string)
		*offset += move->strings;
}

/* Whether there is something to move in each of vlen; elsewhere it may be anything. */
static bool has_parts(unsigned int kind)
{
	return btf_kind_is_composite(kind) || btf_kind_is_enum(kind) ||
	       kind == BTF_KIND_FUNC_PROTO || kind == BTF_KIND_DATASEC;
}

static void move_part(const struct move *move, struct btf_type *t, unsigned int i)
{
	switch (btf_type_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		move_string(move, &((struct btf_member *)(t + 1))[i].name_off);
		move_id(move, &((struct btf_member *)(t + 1))[i].type);
		break;
	case BTF_KIND_FUNC_PROTO:
		move_string(move, &((struct btf_param *)(t + 1))[i].name_off);
		move_id(move, &((struct btf_param *)(t + 1))[i].type);
		break;
	case BTF_KIND_ENUM:
		move_string(move, &((struct btf_enum *)(t + 1))[i].name_off);
		break;
	case BTF_KIND_ENUM64:
		move_string(move, &((struct btf_enum64 *)(t + 1))[i].name_off);
		break;
	case BTF_KIND_DATASEC:
		move_id(move, &((struct btf_var_secinfo *)(t + 1))[i].type);
		break;
	default:
		break;
	}
}

static void move_type(const struct move *move, struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t), vlen = btf_type_vlen(t);

	move_string(move, &t->name_off);
	if (btf_kind_has_ref(kind))
		move_id(move, &t->type);
	if (kind == BTF_KIND_ARRAY) {
		move_id(move, &((struct btf_array *)(t + 1))->type);
		move_id(move, &((struct btf_array *)(t + 1))->index_type);
	}
	for (unsigned int i = 0; has_parts(kind) && i < vlen; i++)
		move_part(move, t, i);
}

static int copy_types(struct btf_stack *stack, const struct btf_view *module,
		      const struct move *move)
{
	size_t start = stack->types.size;
	int error = buf_add(&stack->types, module->types, module->types_size);

	for (uint32_t id = module->first_id; !error && id < module->end_id; id++) {
		uint32_t offset = (uint32_t)start + module->offsets[id - module->first_id];

		error = buf_add(&stack->offsets, &offset, sizeof(offset));
		if (!error)
			move_type(move, (struct btf_type *)(stack->types.data + offset));
	}
	return error;
}

int btf_stack_add(struct btf_stack *stack, const struct btf_view *module, uint32_t number)
{
	struct btf_view *view = &stack->view;
	struct btf_stack_layer layer = { .first_id = view->end_id, .number = number };
	struct move move = { .base = view->base,
			     .ids = view->end_id - view->base->end_id,
			     .strings = view->end_string - view->base->end_string };
	uint32_t ids = module->end_id - module->first_id;
	uint32_t strings = module->end_string - module->first_string;
	int error;

	if (ids > UINT32_MAX / 2 - view->end_id || strings > UINT32_MAX / 2 - view->end_string)
		return -EFBIG;
	error = copy_types(stack, module, &move);
	if (!error && strings)
		error = buf_add(&stack->strings, module->strings, strings);
	if (!error)
		error = buf_add(&stack->layers, &layer, sizeof(layer));
	if (error)
		return error;
	view->types = stack->types.data;
	view->types_size = stack->types.size;
	view->strings = (const char *)stack->strings.data;
	view->offsets = (uint32_t *)stack->offsets.data;
	view->end_id += ids;
	view->end_string += strings;
	return 0;
}

static const struct btf_stack_layer *find_layer(const struct btf_stack *stack, uint32_t id)
{
	const struct btf_stack_layer *layers = (const struct btf_stack_layer *)stack->layers.data;
	size_t low = 0, high = stack->layers.size / sizeof(*layers);

	while (low < high) { /* the first layer that starts after it */
		size_t middle = low + (high - low) / 2;

		if (layers[middle].first_id <= id)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &layers[low - 1] : NULL;
}

int64_t btf_stack_find(const struct btf_stack *stack, uint32_t id)
{
	const struct btf_stack_layer *layer = find_layer(stack, id);

	return layer ? (int64_t)layer->number : -1;
}

uint32_t btf_stack_own_id(const struct btf_stack *stack, uint32_t id)
{
	const struct btf_stack_layer *layer = find_layer(stack, id);

	return layer ? id - layer->first_id + stack->view.base->end_id : id;
}
