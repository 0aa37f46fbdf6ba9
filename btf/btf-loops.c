/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two graphs without cycles, each walked once, depth first, on a stack of our
 * own. "By value": a struct holds its members, an array its elements, a typedef
 * or qualifier what it stands for; a cycle would be a type of endless size. "By
 * reference": pointers, typedefs and qualifiers only; a cycle would be a name
 * that never comes to what it names. Pointers end the first graph, composites the
 * second.
 */
#include <errno.h>
#include <stdlib.h>

#include "btf/btf-check.h"
#include "core/cleanup.h"

enum { NEW, OPEN, DONE };

struct frame {
	uint32_t id, next;
};

struct walk {
	struct btf_checker *checker;
	bool by_value;
	uint8_t *state;
	struct frame *stack;
	size_t depth, room;
};

static void walk_deinit(struct walk *w)
{
	free(w->state);
	free(w->stack);
}

static bool has_edges(const struct walk *w, const struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t);

	if (kind == BTF_KIND_TYPEDEF || btf_kind_is_modifier(kind))
		return true;
	if (w->by_value)
		return btf_kind_is_composite(kind) || kind == BTF_KIND_ARRAY ||
		       kind == BTF_KIND_FUNC_PROTO;
	return kind == BTF_KIND_PTR;
}

static int enter(struct walk *w, uint32_t id)
{
	if (w->depth == w->room) {
		size_t room = w->room ? w->room * 2 : 64;
		struct frame *stack = realloc(w->stack, room * sizeof(*stack));

		if (!stack)
			return -ENOMEM;
		w->stack = stack;
		w->room = room;
	}
	w->stack[w->depth++] = (struct frame){ .id = id };
	w->state[id] = OPEN;
	return 0;
}

static void report_loop(struct walk *w, uint32_t id)
{
	if (w->by_value)
		btf_check_error(w->checker, LOOP, id, "contains itself by value");
	else
		btf_check_error(w->checker, LOOP, id, "refers to itself and to nothing else");
}

static int walk_from(struct walk *w, uint32_t root)
{
	const struct btf_view *view = w->checker->view;
	int error = enter(w, root);

	while (!error && w->depth) {
		struct frame *top = &w->stack[w->depth - 1];
		const struct btf_type *t = btf_view_type(view, top->id);
		uint32_t child;

		if (!has_edges(w, t) || !btf_type_child(t, top->next, &child)) {
			w->state[top->id] = DONE;
			w->depth--;
			continue;
		}
		top->next++;
		/* Not into the base, which cannot refer back; its index types are ints. */
		if (child < view->first_id)
			continue;
		if (w->state[child] == OPEN)
			report_loop(w, child);
		else if (w->state[child] == NEW)
			error = enter(w, child);
	}
	return error;
}

static int find_loops(struct btf_checker *c, bool by_value)
{
	CLEANUP(walk_deinit)
	struct walk w = { .checker = c, .by_value = by_value, .state = calloc(c->view->end_id, 1) };
	int error = w.state ? 0 : -ENOMEM;

	for (uint32_t id = c->view->first_id; !error && id < c->view->end_id; id++)
		if (w.state[id] == NEW)
			error = walk_from(&w, id);
	return error;
}

int btf_check_loops(struct btf_checker *c)
{
	int error = find_loops(c, true);

	return error ? error : find_loops(c, false);
}
