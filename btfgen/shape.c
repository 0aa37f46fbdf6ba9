/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btfgen/shape.h"

#define DEPTH_MAXIMUM 512

enum { TOKEN_NEW, TOKEN_BUSY, TOKEN_DONE };
enum { WORD_FULL = 1 << 16, WORD_NAMED = 2 << 16, WORD_SHALLOW = 3 << 16 };

static uint64_t hash_name(const char *name)
{
	return *name ? XXH3_64bits(name, strlen(name)) : 0;
}

void shape_set_deinit(struct shape_set *set)
{
	free(set->shapes);
	free(set->edges);
	free(set->scratch);
	*set = (struct shape_set){ 0 };
}

/* --- tokens
 * ----------------------------------------------------------------------------------------- */

static int find_full(struct shape_set *set, uint32_t i, unsigned int depth);
static int find_shallow(struct shape_set *set, uint32_t i, unsigned int depth);

static bool is_named_composite(const struct shape *shape)
{
	return shape->name && (btf_kind_is_composite(shape->kind) || shape->kind == BTF_KIND_ENUM ||
			       shape->kind == BTF_KIND_FWD);
}

static bool is_link(uint8_t kind)
{
	return btf_kind_is_modifier(kind) || kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_PTR ||
	       kind == BTF_KIND_DECL_TAG;
}

/* Behind a pointer or a prototype only shallow tokens count. */
static bool goes_shallow(uint8_t kind)
{
	return kind == BTF_KIND_PTR || kind == BTF_KIND_FUNC_PROTO;
}

/* Arrays of arrays count as one: pahole before 2026 writes them so. The element's
 * index, and how many there are. */
static uint32_t flatten(const struct shape_set *set, uint32_t i, uint64_t *elements)
{
	*elements = 1;
	for (int depth = 0; depth < 64 && set->shapes[i].kind == BTF_KIND_ARRAY; depth++) {
		*elements *= set->shapes[i].size;
		i = set->edges[set->shapes[i].first_edge].target;
	}
	return i;
}

static uint64_t *get_scratch(struct shape_set *set, size_t count)
{
	if (count > set->scratch_room) {
		uint64_t *bigger = reallocarray(set->scratch, count * 2, sizeof(*bigger));

		if (!bigger)
			return NULL;
		set->scratch = bigger;
		set->scratch_room = count * 2;
	}
	return set->scratch;
}

static int find_array(struct shape_set *set, uint32_t i, unsigned int depth)
{
	struct shape *shape = &set->shapes[i];
	uint64_t words[3] = { WORD_FULL | BTF_KIND_ARRAY };
	uint32_t element = flatten(set, i, &words[1]);
	int error = find_full(set, element, depth + 1);

	if (!error)
		error = find_shallow(set, element, depth + 1);
	if (error)
		return error;
	shape->is_weak = set->shapes[element].is_weak;
	words[2] = set->shapes[element].full;
	shape->full = XXH3_64bits(words, sizeof(words));
	words[0] = WORD_SHALLOW | BTF_KIND_ARRAY;
	words[2] = set->shapes[element].shallow;
	shape->shallow = XXH3_64bits(words, sizeof(words));
	shape->shallow_state = TOKEN_DONE;
	return 0;
}

static int hash_shape(struct shape_set *set, uint32_t i, unsigned int depth)
{
	struct shape *shape = &set->shapes[i];
	bool shallow = goes_shallow(shape->kind);
	const struct shape_edge *edges = set->edges + shape->first_edge;
	uint64_t *words;
	size_t n = 0;

	for (uint32_t e = 0; e < shape->edge_count; e++) {
		int error = shallow ? find_shallow(set, edges[e].target, depth + 1)
				    : find_full(set, edges[e].target, depth + 1);

		if (error)
			return error;
	}
	shape->is_weak = shape->kind == BTF_KIND_FWD ||
			 (shape->kind == BTF_KIND_ENUM && !shape->edge_count) ||
			 (is_link(shape->kind) && !shallow && shape->edge_count &&
			  set->shapes[edges[0].target].is_weak);
	words = get_scratch(set, 4 + 4 * (size_t)shape->edge_count);
	if (!words)
		return -ENOMEM;
	words[n++] = WORD_FULL | shape->kind | (uint64_t)shape->declares << 8;
	words[n++] = shape->name;
	words[n++] = shape->size;
	words[n++] = shape->detail;
	for (uint32_t e = 0; e < shape->edge_count; e++) {
		const struct shape *target = &set->shapes[edges[e].target];

		words[n++] = edges[e].name;
		words[n++] = edges[e].value;
		words[n++] = edges[e].bits;
		words[n++] = shallow ? target->shallow : target->full;
	}
	shape->full = XXH3_64bits(words, n * sizeof(*words));
	if (!is_named_composite(shape) && !is_link(shape->kind)) {
		shape->shallow = shape->full;
		shape->shallow_state = TOKEN_DONE;
	}
	return 0;
}

static int find_full(struct shape_set *set, uint32_t i, unsigned int depth)
{
	struct shape *shape = &set->shapes[i];
	int error;

	if (shape->full_state == TOKEN_DONE)
		return 0;
	if (shape->full_state == TOKEN_BUSY || depth > DEPTH_MAXIMUM)
		return -EBADMSG;
	shape->full_state = TOKEN_BUSY;
	error = shape->kind == BTF_KIND_ARRAY ? find_array(set, i, depth)
					      : hash_shape(set, i, depth);
	shape->full_state = TOKEN_DONE;
	return error;
}

static int find_shallow(struct shape_set *set, uint32_t i, unsigned int depth)
{
	struct shape *shape = &set->shapes[i];
	uint64_t words[3] = { WORD_NAMED | shape->kind, shape->name };
	uint32_t target;
	int error;

	if (shape->shallow_state == TOKEN_DONE)
		return 0;
	if (shape->shallow_state == TOKEN_BUSY || depth > DEPTH_MAXIMUM)
		return -EBADMSG;
	if (is_named_composite(shape)) {
		if (shape->kind == BTF_KIND_FWD)
			words[0] = WORD_NAMED | shape->declares;
		shape->shallow = XXH3_64bits(words, 2 * sizeof(*words));
		shape->shallow_state = TOKEN_DONE;
		return 0;
	}
	if (!is_link(shape->kind))
		return find_full(set, i, depth);
	words[0] = WORD_SHALLOW | shape->kind | (uint64_t)shape->detail << 32;
	shape->shallow_state = TOKEN_BUSY;
	target = shape->edge_count ? set->edges[shape->first_edge].target : 0;
	error = find_shallow(set, target, depth + 1);
	words[2] = set->shapes[target].shallow;
	shape->shallow = XXH3_64bits(words, sizeof(words));
	shape->shallow_state = error ? TOKEN_NEW : TOKEN_DONE;
	return error;
}

static int find_tokens(struct shape_set *set)
{
	int error = 0;

	set->shapes[0].full_state = set->shapes[0].shallow_state = TOKEN_DONE;
	for (uint32_t i = 1; i < set->count && !error; i++) {
		error = find_full(set, i, 0);
		if (!error)
			error = find_shallow(set, i, 0);
	}
	return error;
}

/* --- from BTF
 * ----------------------------------------------------------------------------------------- */

static uint32_t count_edges(const struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t);

	if (btf_kind_is_composite(kind) || btf_kind_is_enum(kind))
		return btf_type_vlen(t);
	if (kind == BTF_KIND_FUNC_PROTO)
		return 1 + btf_type_vlen(t);
	return is_link((uint8_t)kind) || kind == BTF_KIND_ARRAY;
}

static void fill_edges(const struct btf_view *view, const struct btf_type *t,
		       struct shape_edge *edges)
{
	unsigned int vlen = btf_type_vlen(t);

	switch (btf_type_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (unsigned int i = 0; i < vlen; i++) {
			const struct btf_member *m = &btf_type_members(t)[i];

			edges[i] =
				(struct shape_edge){ hash_name(btf_view_string(view, m->name_off)),
						     btf_member_bit_offset(t, m), m->type,
						     btf_member_bit_width(t, m) };
		}
		return;
	case BTF_KIND_ENUM:
		for (unsigned int i = 0; i < vlen; i++)
			edges[i] = (struct shape_edge){
				hash_name(btf_view_string(view, btf_type_enums(t)[i].name_off)),
				(uint32_t)btf_type_enums(t)[i].val, 0, 0
			};
		return;
	case BTF_KIND_ENUM64:
		for (unsigned int i = 0; i < vlen; i++) {
			const struct btf_enum64 *e = &btf_type_enums64(t)[i];

			edges[i] =
				(struct shape_edge){ hash_name(btf_view_string(view, e->name_off)),
						     (uint64_t)e->val_hi32 << 32 | e->val_lo32, 0,
						     0 };
		}
		return;
	case BTF_KIND_FUNC_PROTO:
		edges[0] = (struct shape_edge){ .target = t->type };
		for (unsigned int i = 0; i < vlen; i++)
			edges[1 + i] = (struct shape_edge){
				.name = hash_name(
					btf_view_string(view, btf_type_params(t)[i].name_off)),
				.target = btf_type_params(t)[i].type,
			};
		return;
	case BTF_KIND_ARRAY:
		edges[0] = (struct shape_edge){ .target = btf_type_array(t)->type };
		return;
	default:
		edges[0] = (struct shape_edge){ .target = t->type };
		return;
	}
}

static void fill_shape(const struct btf_view *view, const struct btf_type *t, struct shape *shape)
{
	unsigned int kind = btf_type_kind(t);

	shape->kind = (uint8_t)kind;
	shape->name = hash_name(btf_view_name(view, t));
	switch (kind) {
	case BTF_KIND_INT:
		shape->size = t->size;
		shape->detail = BTF_INT_ENCODING(btf_type_int_encoding(t)) & ~BTF_INT_CHAR;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
		shape->size = t->size;
		break;
	case BTF_KIND_ENUM64:
		shape->kind = BTF_KIND_ENUM;
		shape->size = t->size;
		break;
	case BTF_KIND_ARRAY:
		shape->size = btf_type_array(t)->nelems;
		break;
	case BTF_KIND_FWD:
		shape->declares = btf_type_kflag(t) ? BTF_KIND_UNION : BTF_KIND_STRUCT;
		break;
	case BTF_KIND_FUNC:
	case BTF_KIND_VAR:
	case BTF_KIND_DATASEC:
		shape->kind = 0;
		break;
	case BTF_KIND_DECL_TAG:
		shape->detail = (uint16_t)btf_type_decl_tag(t)->component_idx;
		break;
	}
}

static int reserve(struct shape_set *set, uint32_t count, uint64_t edges)
{
	set->count = count;
	set->edge_count = edges;
	set->shapes = calloc(count, sizeof(*set->shapes));
	set->edges = calloc(edges + 1, sizeof(*set->edges));
	return set->shapes && set->edges && edges <= UINT32_MAX ? 0 : -ENOMEM;
}

int shape_set_from_view(struct shape_set *set, const struct btf_view *view)
{
	uint64_t edges = 0;
	int error;

	*set = (struct shape_set){ 0 };
	for (uint32_t id = 1; id < view->end_id; id++)
		edges += count_edges(btf_view_type(view, id));
	error = reserve(set, view->end_id, edges);
	edges = 0;
	for (uint32_t id = 1; id < view->end_id && !error; id++) {
		const struct btf_type *t = btf_view_type(view, id);
		struct shape *shape = &set->shapes[id];

		fill_shape(view, t, shape);
		shape->first_edge = (uint32_t)edges;
		shape->edge_count = count_edges(t);
		if (shape->edge_count)
			fill_edges(view, t, set->edges + edges);
		edges += shape->edge_count;
	}
	if (!error)
		error = find_tokens(set);
	if (error)
		shape_set_deinit(set);
	return error;
}

/* --- from a graph
 * --------------------------------------------------------------------------------------- */

static void fill_from_class(const struct type_class *class, const struct dwarf_file *file,
			    struct shape *shape)
{
	char packed[8];

	shape->kind = class->kind;
	shape->name = hash_name(dwarf_string(file, class->name, packed));
	shape->size = class->size;
	switch (class->kind) {
	case BTF_KIND_INT:
		shape->detail = class->flags & TYPE_SIGNED ? BTF_INT_SIGNED
				: class->flags & TYPE_BOOL ? BTF_INT_BOOL
							   : 0;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (class->flags & TYPE_DECLARATION) {
			shape->declares = class->kind;
			shape->kind = BTF_KIND_FWD;
			shape->size = 0;
		}
		break;
	case BTF_KIND_ENUM:
		shape->size = class->size ? class->size : 4;
		break;
	case BTF_KIND_FLOAT:
	case BTF_KIND_ARRAY:
		break;
	default: /* a reference: @size is DWARF's, BTF has none */
		shape->size = 0;
		break;
	}
}

static void fill_node_edges(const struct type_graph *graph, const struct type_node *node,
			    const struct dwarf_file *file, struct shape_edge *edges)
{
	const struct type_class *class = &graph->table->classes[node->class_index];
	bool narrow = class->kind == BTF_KIND_ENUM && class->size <= 4;
	char packed[8];

	for (uint32_t i = 0; i < class->item_count; i++) {
		const struct class_item *item = &graph->table->items[class->first_item + i];
		uint32_t target = graph->targets[node->first_target + i];

		edges[i] = (struct shape_edge){
			hash_name(dwarf_string(file, item->name, packed)),
			narrow ? (uint32_t)item->value : item->value,
			target == NODE_NONE ? 0 : target + 1,
			item->bits,
		};
	}
	/* Variable arguments are a parameter of type void in BTF. */
	if (class->kind == BTF_KIND_FUNC_PROTO && class->flags & TYPE_VARARGS)
		edges[class->item_count] = (struct shape_edge){ 0 };
}

static uint32_t count_node_edges(const struct type_class *class)
{
	return class->item_count +
	       (class->kind == BTF_KIND_FUNC_PROTO && class->flags & TYPE_VARARGS);
}

int shape_set_from_graph(struct shape_set *set, const struct type_graph *graph,
			 const struct dwarf_file *file)
{
	uint64_t edges = 0;
	int error;

	*set = (struct shape_set){ 0 };
	for (uint32_t n = 0; n < graph->node_count; n++)
		edges += count_node_edges(&graph->table->classes[graph->nodes[n].class_index]);
	error = reserve(set, graph->node_count + 1, edges);
	edges = 0;
	for (uint32_t n = 0; n < graph->node_count && !error; n++) {
		const struct type_class *class =
			&graph->table->classes[graph->nodes[n].class_index];
		struct shape *shape = &set->shapes[n + 1];

		fill_from_class(class, file, shape);
		shape->first_edge = (uint32_t)edges;
		shape->edge_count = count_node_edges(class);
		fill_node_edges(graph, &graph->nodes[n], file, set->edges + edges);
		edges += shape->edge_count;
	}
	if (!error)
		error = find_tokens(set);
	if (error)
		shape_set_deinit(set);
	return error;
}
