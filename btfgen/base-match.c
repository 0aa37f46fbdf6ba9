/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A type of a module is the base's when their full tokens agree, or, for a
 * declaration, the shallow ones. Tokens see pointers' targets by name only. So a
 * name that stands for something else in the module than in the base makes
 * everything that leads to it the module's own, too: those are found by walking
 * back from it. (Where the base merely declares the name, nothing contradicts.)
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/base-match.h"
#include "btfgen/shape.h"
#include "core/cleanup.h"

static uint64_t token_of(const struct token_map *map, const struct shape *shape)
{
	return map->shallow ? shape->shallow : shape->full;
}

static uint32_t *find_slot(const struct token_map *map, uint64_t token)
{
	for (uint32_t i = (uint32_t)token;; i++) {
		uint32_t *slot = &map->slots[i & (map->size - 1)];

		if (!*slot || token_of(map, &map->set->shapes[*slot]) == token)
			return slot;
	}
}

/* The first id of a token stands for it; of a shallow one the first complete. */
static int token_map_init(struct token_map *map, const struct shape_set *set, bool shallow)
{
	*map = (struct token_map){ .set = set, .shallow = shallow, .size = 1024 };
	while (map->size < set->count * 2ull && map->size < 1u << 31)
		map->size *= 2;
	map->slots = calloc(map->size, sizeof(*map->slots));
	if (!map->slots)
		return -ENOMEM;
	for (uint32_t id = 1; id < set->count; id++) {
		const struct shape *shape = &set->shapes[id];
		uint32_t *slot;

		if (!shape->kind)
			continue;
		slot = find_slot(map, token_of(map, shape));
		if (!*slot || (shallow && !shape->is_weak && set->shapes[*slot].is_weak))
			*slot = id;
	}
	return 0;
}

static void token_map_deinit(struct token_map *map)
{
	free(map->slots);
}

int base_types_init(struct base_types *base, const struct btfpack_blob *btf,
		    struct btfpack_error *err)
{
	int error = btf_view_init(&base->view, btf->data, btf->size, NULL, "base BTF", err);

	if (error)
		return error;
	error = btf_build_new(&base->view, &base->names);
	if (!error)
		error = btf_build_index(base->names);
	if (!error)
		error = shape_set_from_view(&base->shapes, &base->view);
	if (!error)
		error = token_map_init(&base->full, &base->shapes, false);
	if (!error)
		error = token_map_init(&base->shallow, &base->shapes, true);
	if (error == -EBADMSG)
		return btfpack_error_set(err, error, "the base BTF has a type that contains itself");
	return error ? btfpack_error_set(err, error, "out of memory for the base BTF") : 0;
}

void base_types_deinit(struct base_types *base)
{
	token_map_deinit(&base->full);
	token_map_deinit(&base->shallow);
	shape_set_deinit(&base->shapes);
	btf_build_free(base->names);
	btf_view_deinit(&base->view);
}

/* --- what leads to a contradiction
 * ---------------------------------------------------------------------- */

struct walk {
	uint32_t *starts, *edges; /* backwards: who refers to a node */
	uint32_t *queue, tail;
};

static void walk_deinit(struct walk *walk)
{
	free(walk->starts);
	free(walk->edges);
	free(walk->queue);
}

static int walk_init(struct walk *walk, const struct shape_set *set)
{
	walk->starts = calloc(set->count + 1ull, sizeof(*walk->starts));
	walk->edges = calloc(set->edge_count + 1, sizeof(*walk->edges));
	walk->queue = calloc(set->count + 1ull, sizeof(*walk->queue));
	walk->tail = 0;
	if (!walk->starts || !walk->edges || !walk->queue)
		return -ENOMEM;
	for (uint64_t e = 0; e < set->edge_count; e++)
		walk->starts[set->edges[e].target]++;
	for (uint32_t i = 0; i < set->count; i++)
		walk->starts[i + 1] += walk->starts[i];
	for (uint32_t i = 0; i < set->count; i++)
		for (uint32_t e = 0; e < set->shapes[i].edge_count; e++)
			walk->edges
				[--walk->starts[set->edges[set->shapes[i].first_edge + e].target]] =
				i;
	return 0;
}

/* Make all that leads to what is queued the module's own. */
static void walk_back(struct walk *walk, uint32_t *ids)
{
	for (uint32_t head = 0; head < walk->tail; head++) {
		uint32_t at = walk->queue[head];

		for (uint32_t e = walk->starts[at]; e < walk->starts[at + 1]; e++) {
			uint32_t from = walk->edges[e];

			if (!ids[from])
				continue;
			ids[from] = 0;
			walk->queue[walk->tail++] = from;
		}
	}
}

/* --- matching
 * ------------------------------------------------------------------------------------------- */

/* ids[i] of shape i; what contradicts the base is queued. */
static void match(const struct shape_set *own, const struct token_map *full,
		  const struct token_map *shallow, uint32_t *ids, struct walk *walk)
{
	for (uint32_t i = 1; i < own->count; i++) {
		const struct shape *shape = &own->shapes[i];
		uint32_t named = *find_slot(shallow, shape->shallow);

		ids[i] = *find_slot(full, shape->full);
		/* A declaration, or const, typedef ... of one: the base's of that name. */
		if (!ids[i] && named && shape->is_weak)
			ids[i] = named;
		if (!ids[i] && named && shape->shallow != shape->full &&
		    !shallow->set->shapes[named].is_weak)
			walk->queue[walk->tail++] = i;
	}
}

int base_match(const struct type_graph *graph, const struct dwarf_file *file,
	       const struct base_types *base, uint32_t **ret)
{
	CLEANUP(shape_set_deinit) struct shape_set own = { 0 };
	CLEANUP(walk_deinit) struct walk walk = { 0 };
	AUTO_FREE uint32_t *ids = NULL;
	int error = shape_set_from_graph(&own, graph, file);

	if (!error)
		error = walk_init(&walk, &own);
	if (!error) {
		ids = calloc(own.count + 1ull, sizeof(*ids));
		error = ids ? 0 : -ENOMEM;
	}
	if (error)
		return error;
	match(&own, &base->full, &base->shallow, ids, &walk);
	walk_back(&walk, ids);
	memmove(ids, ids + 1, graph->node_count * sizeof(*ids)); /* by node */
	*ret = steal_ptr(ids);                                   /* the caller's */
	return 0;
}
