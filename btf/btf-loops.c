/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two graphs without cycles, each walked once. "By value": a struct holds its
 * members, an array its elements, a typedef or qualifier what it stands for; a
 * cycle would be a type of endless size. "By reference": pointers, typedefs and
 * qualifiers only; a cycle would be a name that never comes to what it names.
 * Pointers end the first graph, composites the second.
 */
#include <errno.h>

#include "btf/btf-problem.h"
#include "btf/btf-walk.h"

struct loop_search {
	struct btf_checker *checker;
	bool by_value;
	struct btf_walk walk;
};

static bool has_edges(const struct loop_search *s, const struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t);

	if (kind == BTF_KIND_TYPEDEF || btf_kind_is_modifier(kind))
		return true;
	if (s->by_value)
		return btf_kind_is_composite(kind) || kind == BTF_KIND_ARRAY ||
		       kind == BTF_KIND_FUNC_PROTO;
	return kind == BTF_KIND_PTR;
}

static void report_loop(struct loop_search *s, uint32_t id)
{
	if (s->by_value)
		btf_check_error(s->checker, LOOP, id, "contains itself by value");
	else
		btf_check_error(s->checker, LOOP, id, "refers to itself and to nothing else");
}

static int search_from(struct loop_search *s, uint32_t root)
{
	const struct btf_view *view = s->checker->view;
	int error = btf_walk_enter(&s->walk, root);
	struct btf_walk_frame *top;

	while (!error && (top = btf_walk_top(&s->walk))) {
		const struct btf_type *t = btf_view_type(view, top->id);
		uint32_t child;

		if (!has_edges(s, t) || !btf_type_child(t, top->next, &child)) {
			btf_walk_leave(&s->walk);
			continue;
		}
		top->next++;
		/* Not into the base, which cannot refer back; its index types are ints. */
		if (child < view->first_id)
			continue;
		if (s->walk.state[child] == BTF_WALK_OPEN)
			report_loop(s, child);
		else if (s->walk.state[child] == BTF_WALK_NEW)
			error = btf_walk_enter(&s->walk, child);
	}
	return error;
}

static void cleanup_search(struct loop_search *s)
{
	btf_walk_deinit(&s->walk);
}

static int find_loops(struct btf_checker *c, bool by_value)
{
	CLEANUP(cleanup_search) struct loop_search s = { .checker = c, .by_value = by_value };
	int error = btf_walk_init(&s.walk, c->view->end_id);

	for (uint32_t id = c->view->first_id; !error && id < c->view->end_id; id++)
		if (s.walk.state[id] == BTF_WALK_NEW)
			error = search_from(&s, id);
	return error;
}

int btf_check_loops(struct btf_checker *c)
{
	int error = find_loops(c, true);

	return error ? error : find_loops(c, false);
}
