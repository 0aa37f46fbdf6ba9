/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How references get their targets.
 *
 * A group of classes (one shallow token) has a *default*: the complete class that
 * stands first in .debug_info, or the declaration where there is nothing else.
 * A reference to a group means the class that the unit at hand has of it, if any;
 * else the default. So in a unit whose classes are all defaults, every class looks
 * just as in every other such unit, and one node stands for all of them.
 *
 * A unit that has other classes than the defaults (a driver with its own "struct
 * config", say) is looked at by itself: whatever leads to such a class, through
 * any number of references, is another type there than elsewhere. Walking back
 * from each of them marks these; the set of deviations that a class can reach is
 * its *variant*, and (class, variant) is a node of its own, shared by all units in
 * which it comes out the same.
 *
 * Cost: linear in classes, in the runs that units list them in (type-table.h), and in
 * the classes of the units that deviate; but for the walks, which are bounded: beyond
 * WALK_MAXIMUM steps in one unit all its deviations count as one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/btf.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btfgen/type-graph.h"
#include "core/grow.h"
#include "core/cleanup.h"

#define WALK_MAXIMUM 50000000ull

struct group {
	type_token shallow;
	uint32_t default_class;
};

/* A node under construction. */
struct variant {
	uint64_t mark; /* which deviations it reaches; 0: none */
	uint32_t class_index;
	uint32_t first_target; /* into @variant_targets: variant indices; UINT32_MAX: by default */
	uint32_t node;         /* its place in the result */
	uint32_t replaced_by;  /* another variant of the class; UINT32_MAX: none */
	bool is_dropped;
};

struct builder {
	const struct type_table *table;
	struct group *groups;
	uint32_t group_count;
	uint32_t *group_of;  /* by class */
	uint32_t *target_of; /* by item: class, or UINT32_MAX for void */
	bool *deviates;      /* by class: complete, and not its group's default */
	bool *has_rivals;    /* by class: complete, and not the only one of its group */
	bool *is_committed;  /* by class: see drop_undecided() */
	uint32_t *unplain; /* by class: the next, itself included, that may lack a plain variant */
	/* By class: how many before it deviate, are contested, have rivals. Units are runs of
	 * classes, so one subtraction answers for a run. */
	uint32_t *deviating, *contested, *rivals;

	struct variant *variants;
	uint32_t variant_count, variant_room;
	uint32_t *plain;  /* by class: its variant without mark, or UINT32_MAX */
	uint32_t *marked; /* by class: its first variant with a mark, or UINT32_MAX */
	uint32_t *slots;  /* marked variants by hash, index + 1 */
	uint32_t slot_count, slot_used;
	uint32_t *variant_targets;
	uint32_t variant_target_count, variant_target_room;

	/* the unit at hand */
	uint32_t *bound;    /* by group: the unit's class, if bound_in says so */
	uint32_t *bound_in; /* by group: unit + 1 */
	uint32_t *local;    /* by class: index among the unit's, if local_in says so */
	uint32_t *local_in;
	uint32_t *members; /* the unit's classes, each once */
	uint64_t *marks;   /* by local index */
	uint32_t member_count;
	uint32_t *edge_start, *edges; /* backwards: who refers to a local class */
	uint32_t edge_room;
	uint32_t *queue;
	uint32_t *seen; /* by local index: number of the walk */
};

static bool is_weak(const struct type_class *class)
{
	return class->flags & TYPE_WEAK;
}

static uint32_t power_of_two(uint32_t least)
{
	uint32_t size = 1024;

	while (size < least && size < 1u << 31)
		size *= 2;
	return size;
}

/* --- groups and default targets ----------------------------------------------------------------- */

static uint32_t *group_slot(const struct builder *b, uint32_t *slots, uint32_t size,
			    type_token shallow)
{
	for (uint32_t i = (uint32_t)shallow;; i++) {
		uint32_t *slot = &slots[i & (size - 1)];

		if (!*slot || b->groups[*slot - 1].shallow == shallow)
			return slot;
	}
}

/* Whether @a is the better default for its group than @b. */
static bool is_better(const struct type_class *a, const struct type_class *b)
{
	if (is_weak(a) != is_weak(b))
		return !is_weak(a);
	return a->first < b->first || (a->first == b->first && a->full < b->full);
}

static int find_groups(struct builder *b, uint32_t **slots_ret, uint32_t *size_ret)
{
	const struct type_table *table = b->table;
	uint32_t size = power_of_two(table->class_count * 2);
	uint32_t *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	*slots_ret = slots; /* the caller's */
	*size_ret = size;
	for (uint32_t c = 0; c < table->class_count; c++) {
		const struct type_class *class = &table->classes[c];
		uint32_t *slot = group_slot(b, slots, size, class->shallow);
		struct group *group;

		if (!*slot) {
			b->groups[b->group_count] = (struct group){ class->shallow, c };
			*slot = ++b->group_count;
		}
		group = &b->groups[*slot - 1];
		b->group_of[c] = *slot - 1;
		if (is_better(class, &table->classes[group->default_class]))
			group->default_class = c;
	}
	for (uint32_t c = 0; c < table->class_count; c++)
		b->deviates[c] = !is_weak(&table->classes[c]) &&
				 b->groups[b->group_of[c]].default_class != c;
	for (uint32_t c = 0; c < table->class_count; c++)
		if (b->deviates[c])
			b->has_rivals[c] = b->has_rivals[b->groups[b->group_of[c]].default_class] =
				true;
	return 0;
}

/* Where each item leads by default. */
static int find_targets(struct builder *b)
{
	const struct type_table *table = b->table;
	AUTO_FREE uint32_t *slots = NULL;
	uint32_t size;
	int error = find_groups(b, &slots, &size);

	for (uint32_t i = 0; !error && i < table->item_count; i++) {
		const struct class_item *item = &table->items[i];
		uint32_t target = UINT32_MAX;

		if (item->token && item->is_shallow) {
			uint32_t *slot = group_slot(b, slots, size, item->token);

			if (*slot)
				target = b->groups[*slot - 1].default_class;
		} else if (item->token) {
			target = type_table_find(table, item->token);
			if (target != UINT32_MAX && is_weak(&table->classes[target]))
				target = b->groups[b->group_of[target]].default_class;
		}
		b->target_of[i] = target;
	}
	return error;
}

/* Where item @i leads in the unit that @bound describes. */
static uint32_t local_target(const struct builder *b, uint32_t i, uint32_t unit)
{
	uint32_t target = b->target_of[i], group;
	const struct class_item *item = &b->table->items[i];

	if (target == UINT32_MAX)
		return target;
	group = b->group_of[target];
	/* A full reference to a complete class means just that class. */
	if (!item->is_shallow && b->table->classes[target].full == item->token)
		return target;
	return b->bound_in[group] == unit + 1 ? b->bound[group] : target;
}

/* --- variants
 * ------------------------------------------------------------------------------------- */

static uint32_t add_variant(struct builder *b, uint32_t class_index, uint64_t mark)
{
	if (grow_array((void **)&b->variants, &b->variant_room, b->variant_count + 1ull,
		 sizeof(*b->variants)) < 0)
		return UINT32_MAX;
	b->variants[b->variant_count] = (struct variant){
		.mark = mark,
		.class_index = class_index,
		.first_target = UINT32_MAX,
		.replaced_by = UINT32_MAX,
	};
	return b->variant_count++;
}

static int add_plain(struct builder *b, uint32_t class_index)
{
	const struct type_class *class = &b->table->classes[class_index];

	if (b->plain[class_index] != UINT32_MAX)
		return 0;
	/* A declaration gives way to the complete type. */
	if (is_weak(class) && b->groups[b->group_of[class_index]].default_class != class_index)
		return 0;
	b->plain[class_index] = add_variant(b, class_index, 0);
	return b->plain[class_index] == UINT32_MAX ? -ENOMEM : 0;
}

static uint32_t *marked_slot(const struct builder *b, uint32_t class_index, uint64_t mark)
{
	uint64_t key[2] = { class_index, mark };

	for (uint32_t i = (uint32_t)XXH3_64bits(key, sizeof(key));; i++) {
		uint32_t *slot = &b->slots[i & (b->slot_count - 1)];
		const struct variant *v = *slot ? &b->variants[*slot - 1] : NULL;

		if (!v || (v->class_index == class_index && v->mark == mark))
			return slot;
	}
}

static int grow_slots(struct builder *b)
{
	uint32_t *old = b->slots, old_count = b->slot_count;

	if (b->slot_used * 2ull < b->slot_count)
		return 0;
	b->slot_count = old_count ? old_count * 2 : 1024;
	b->slots = calloc(b->slot_count, sizeof(*b->slots));
	if (!b->slots) {
		b->slots = old;
		b->slot_count = old_count;
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < old_count; i++)
		if (old[i])
			*marked_slot(b, b->variants[old[i] - 1].class_index,
				     b->variants[old[i] - 1].mark) = old[i];
	free(old);
	return 0;
}

/* The variant of a class with a mark, and whether it is new. */
static uint32_t find_marked(struct builder *b, uint32_t class_index, uint64_t mark, bool *is_new)
{
	uint32_t *slot, index;

	*is_new = false;
	if (grow_slots(b) < 0)
		return UINT32_MAX;
	slot = marked_slot(b, class_index, mark);
	if (*slot)
		return *slot - 1;
	index = add_variant(b, class_index, mark);
	if (index == UINT32_MAX)
		return index;
	*slot = index + 1;
	b->slot_used++;
	if (b->marked[class_index] == UINT32_MAX)
		b->marked[class_index] = index;
	*is_new = true;
	return index;
}

/* --- a unit with deviations
 * ------------------------------------------------------------------------ */

/* The unit's classes, each once; what its groups are bound to. */
static void gather_members(struct builder *b, const struct class_list *unit, uint32_t number)
{
	b->member_count = 0;
	FOR_EACH_CLASS(unit, c)
	{
		uint32_t group = b->group_of[c];

		if (b->local_in[c] == number + 1)
			continue;
		b->local_in[c] = number + 1;
		b->local[c] = b->member_count;
		b->marks[b->member_count] = 0;
		b->seen[b->member_count] = 0;
		b->members[b->member_count++] = c;
		if (!is_weak(&b->table->classes[c]) && b->bound_in[group] != number + 1) {
			b->bound_in[group] = number + 1;
			b->bound[group] = c;
		}
	}
}

/* Backward edges, as one array with a start for each local class. */
static int link_members(struct builder *b, uint32_t number)
{
	const struct type_table *table = b->table;
	uint64_t total = 0;

	memset(b->edge_start, 0, (b->member_count + 1ull) * sizeof(*b->edge_start));
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t m = 0; m < b->member_count; m++) {
			const struct type_class *class = &table->classes[b->members[m]];

			for (uint32_t i = 0; i < class->item_count; i++) {
				uint32_t t = local_target(b, class->first_item + i, number);

				if (t == UINT32_MAX || b->local_in[t] != number + 1)
					continue;
				if (pass == 0) {
					b->edge_start[b->local[t]]++;
					total++;
				} else {
					b->edges[--b->edge_start[b->local[t]]] = m;
				}
			}
		}
		if (pass == 0) {
			if (grow_array((void **)&b->edges, &b->edge_room, total, sizeof(*b->edges)) < 0)
				return -ENOMEM;
			for (uint32_t m = 0; m < b->member_count; m++)
				b->edge_start[m + 1] += b->edge_start[m];
		}
	}
	return 0;
}

/* Add @mark to everything that leads to the local class @from. Returns the steps. */
static uint64_t mark_back(struct builder *b, uint32_t from, uint64_t mark, uint32_t walk)
{
	uint32_t head = 0, tail = 0;
	uint64_t steps = 0;

	b->seen[from] = walk;
	b->queue[tail++] = from;
	while (head < tail) {
		uint32_t m = b->queue[head++];
		uint32_t end = b->edge_start[m + 1];

		b->marks[m] += mark;
		for (uint32_t e = b->edge_start[m]; e < end; e++) {
			steps++;
			if (b->seen[b->edges[e]] == walk)
				continue;
			b->seen[b->edges[e]] = walk;
			b->queue[tail++] = b->edges[e];
		}
	}
	return steps;
}

static void mark_members(struct builder *b, uint32_t number)
{
	uint64_t steps = 0;
	uint32_t walk = 0;

	for (uint32_t m = 0; m < b->member_count; m++) {
		type_token full = b->table->classes[b->members[m]].full;

		if (!b->deviates[b->members[m]])
			continue;
		if (steps > WALK_MAXIMUM) { /* hostile: all of the unit is one variant */
			for (uint32_t i = 0; i < b->member_count; i++)
				b->marks[i] = ~(uint64_t)number;
			return;
		}
		steps += mark_back(b, m, XXH3_64bits(&full, sizeof(full)), ++walk);
	}
}

/* The variant that class @c is in this unit, which has it. */
static uint32_t local_variant(struct builder *b, uint32_t c)
{
	uint64_t mark = b->marks[b->local[c]];
	bool is_new;

	if (mark)
		return find_marked(b, c, mark, &is_new);
	if (add_plain(b, c) < 0)
		return UINT32_MAX;
	return b->plain[c];
}

static int fill_targets(struct builder *b, uint32_t variant, uint32_t number)
{
	const struct type_class *class = &b->table->classes[b->variants[variant].class_index];
	uint32_t first = b->variant_target_count;

	if (grow_array((void **)&b->variant_targets, &b->variant_target_room,
		 (uint64_t)first + class->item_count, sizeof(*b->variant_targets)) < 0)
		return -ENOMEM;
	b->variant_target_count += class->item_count;
	b->variants[variant].first_target = first;
	for (uint32_t i = 0; i < class->item_count; i++) {
		uint32_t t = local_target(b, class->first_item + i, number), v = UINT32_MAX;

		if (t != UINT32_MAX && b->local_in[t] == number + 1) {
			v = local_variant(b, t);
			if (v == UINT32_MAX && !is_weak(&b->table->classes[t]))
				return -ENOMEM;
		}
		/* Not of this unit: by default, once all is known. */
		b->variant_targets[first + i] = v;
	}
	return 0;
}

static int add_deviating_unit(struct builder *b, const struct class_list *unit, uint32_t number)
{
	int error;

	gather_members(b, unit, number);
	error = link_members(b, number);
	if (error)
		return error;
	mark_members(b, number);
	for (uint32_t m = 0; m < b->member_count && !error; m++) {
		bool is_new;
		uint32_t variant;

		if (!b->marks[m]) {
			error = add_plain(b, b->members[m]);
			continue;
		}
		/* A declaration bound to a deviation: the pointer to it says so. */
		if (is_weak(&b->table->classes[b->members[m]]))
			continue;
		variant = find_marked(b, b->members[m], b->marks[m], &is_new);
		if (variant == UINT32_MAX)
			error = -ENOMEM;
		else if (b->variants[variant].first_target == UINT32_MAX)
			error = fill_targets(b, variant, number);
	}
	return error;
}

/* Whether the unit has any of the classes that @before counts. */
static bool has_any(const struct class_list *unit, const uint32_t *before)
{
	FOR_EACH_RUN(unit, run)
	if (before[run->first + run->count] != before[run->first])
		return true;
	return false;
}

static void count_deviating(struct builder *b)
{
	for (uint32_t c = 0; c < b->table->class_count; c++)
		b->deviating[c + 1] = b->deviating[c] + b->deviates[c];
}

/* The first class from @c on of which add_plain_run() has not seen to it that it has a
 * plain variant. The way there is shortened for the next. */
static uint32_t next_unplain(struct builder *b, uint32_t c)
{
	uint32_t found = c;

	while (b->unplain[found] != found)
		found = b->unplain[found];
	while (b->unplain[c] != found) {
		uint32_t next = b->unplain[c];

		b->unplain[c] = found;
		c = next;
	}
	return found;
}

/* Nearly all of a unit's classes have been in another before. */
static int add_plain_run(struct builder *b, const struct class_run *run)
{
	uint32_t end = run->first + run->count;
	int error = 0;

	for (uint32_t c = next_unplain(b, run->first); c < end && !error;
	     c = next_unplain(b, c + 1)) {
		error = add_plain(b, c);
		b->unplain[c] = c + 1;
	}
	return error;
}

/* The variant that @class_index means where nothing else is said. */
static uint32_t default_variant(const struct builder *b, uint32_t class_index)
{
	if (b->plain[class_index] != UINT32_MAX)
		return b->plain[class_index];
	return b->marked[class_index];
}

static int add_unit(struct builder *b, const struct class_list *unit, uint32_t number,
		    struct type_root *roots, uint32_t root_count)
{
	bool deviating = has_any(unit, b->deviating);
	int error = 0;

	if (deviating)
		error = add_deviating_unit(b, unit, number);
	else
		FOR_EACH_RUN(unit, run)
	if (!error)
		error = add_plain_run(b, run);
	for (uint32_t i = 0; i < root_count && !error; i++) {
		uint32_t c = roots[i].class_index;

		roots[i].node = UINT32_MAX;
		if (deviating && c != UINT32_MAX && b->local_in[c] == number + 1 &&
		    b->marks[b->local[c]] && !is_weak(&b->table->classes[c]))
			roots[i].node = local_variant(b, c);
	}
	return error;
}

/* --- what decides nothing ------------------------------------------------------------------- */

static bool is_contested(const struct builder *b, uint32_t c)
{
	return b->plain[c] != UINT32_MAX && b->marked[c] != UINT32_MAX;
}

static void count_contested(struct builder *b)
{
	for (uint32_t c = 0; c < b->table->class_count; c++) {
		b->contested[c + 1] = b->contested[c] + is_contested(b, c);
		b->rivals[c + 1] = b->rivals[c] + b->has_rivals[c];
	}
}

/* Whether the unit has a class with two variants, and one that could decide. */
static bool may_decide(const struct builder *b, const struct class_list *unit)
{
	return has_any(unit, b->contested) && has_any(unit, b->rivals);
}

/* Note the classes that in this unit lead to a complete class with rivals. */
static int commit_members(struct builder *b, const struct class_list *unit, uint32_t number)
{
	uint64_t steps = 0;
	uint32_t walk = 0;
	int error;

	gather_members(b, unit, number);
	error = link_members(b, number);
	for (uint32_t m = 0; m < b->member_count && !error; m++) {
		if (!b->has_rivals[b->members[m]])
			continue;
		if (steps > WALK_MAXIMUM)
			return 0;
		steps += mark_back(b, m, b->deviates[b->members[m]] ? 1 : UINT64_C(1) << 32,
				   ++walk);
	}
	/* Those that lead to a deviation there are not the plain variant. */
	for (uint32_t m = 0; m < b->member_count && !error; m++)
		if (b->marks[m] >> 32 && !(uint32_t)b->marks[m])
			b->is_committed[b->members[m]] = true;
	return error;
}

/*
 * A class can have a plain variant and a marked one although nothing tells them
 * apart: units of the former see only a declaration of what decides. As a pointer
 * to a declaration means whatever is declared, such a plain variant gives way to
 * the marked one. It stays where some unit does lead to the default.
 */
static int drop_undecided(struct builder *b, const struct class_list *units, uint32_t unit_count)
{
	int error = 0;

	count_contested(b);
	for (uint32_t u = 0; u < unit_count && !error; u++)
		if (may_decide(b, &units[u]))
			error = commit_members(b, &units[u], unit_count + u);
	for (uint32_t c = 0; c < b->table->class_count && !error; c++) {
		if (!is_contested(b, c) || b->is_committed[c])
			continue;
		b->variants[b->plain[c]].replaced_by = b->marked[c];
		b->plain[c] = UINT32_MAX;
	}
	return error;
}

/* What no unit lists (a type of a shared unit that is referred to, but not imported)
 * is what it is by default. The list grows while it is gone through. */
static int add_unlisted(struct builder *b, const struct type_root *roots, uint32_t root_count)
{
	int error = 0;

	for (uint32_t i = 0; i < root_count && !error; i++)
		if (roots[i].class_index != UINT32_MAX &&
		    default_variant(b, roots[i].class_index) == UINT32_MAX)
			error = add_plain(b, roots[i].class_index);
	for (uint32_t v = 0; v < b->variant_count && !error; v++) {
		const struct type_class *class = &b->table->classes[b->variants[v].class_index];

		for (uint32_t i = 0; i < class->item_count && !error; i++) {
			uint32_t t = b->target_of[class->first_item + i];

			if (t != UINT32_MAX && default_variant(b, t) == UINT32_MAX)
				error = add_plain(b, t);
		}
	}
	return error;
}

/* --- what refers to what -------------------------------------------------------------------- */

/* The variant that stands for @v in the end. */
static uint32_t final_variant(const struct builder *b, uint32_t v)
{
	return v != UINT32_MAX && b->variants[v].replaced_by != UINT32_MAX
		       ? b->variants[v].replaced_by
		       : v;
}

/* What item number @i of a variant leads to; UINT32_MAX for void. */
static uint32_t item_variant(const struct builder *b, const struct variant *variant, uint32_t i)
{
	uint32_t item = b->table->classes[variant->class_index].first_item + i, v = UINT32_MAX;

	if (variant->first_target != UINT32_MAX)
		v = b->variant_targets[variant->first_target + i];
	if (v == UINT32_MAX && b->target_of[item] != UINT32_MAX)
		v = default_variant(b, b->target_of[item]);
	return final_variant(b, v);
}

static uint32_t root_variant(const struct builder *b, const struct type_root *root)
{
	uint32_t v = root->node, c = root->class_index;

	if (v == UINT32_MAX && c != UINT32_MAX) {
		if (is_weak(&b->table->classes[c]))
			c = b->groups[b->group_of[c]].default_class;
		v = default_variant(b, c);
	}
	return final_variant(b, v);
}

/* Leave out prototypes that nothing refers to: those of functions that were looked
 * at and not chosen. */
static int drop_unused_protos(struct builder *b, const struct type_root *roots, uint32_t count)
{
	AUTO_FREE bool *used = calloc(b->variant_count + 1ull, sizeof(*used));

	if (!used)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t v = root_variant(b, &roots[i]);

		if (v != UINT32_MAX)
			used[v] = true;
	}
	for (uint32_t v = 0; v < b->variant_count; v++) {
		const struct type_class *class = &b->table->classes[b->variants[v].class_index];

		for (uint32_t i = 0; i < class->item_count; i++) {
			uint32_t target = item_variant(b, &b->variants[v], i);

			if (target != UINT32_MAX)
				used[target] = true;
		}
	}
	for (uint32_t v = 0; v < b->variant_count; v++)
		b->variants[v].is_dropped =
			!used[v] && b->table->classes[b->variants[v].class_index].kind ==
					    BTF_KIND_FUNC_PROTO;
	return 0;
}

/* --- numbering
 * -------------------------------------------------------------------------------------- */

struct place {
	uint64_t first;
	uint32_t variant;
};

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->variant > y->variant) - (x->variant < y->variant);
}

/*
 * The order of variants must not depend on which thread saw a class first. Their
 * numbers do not: units are gone through in order, and a unit lists its classes in
 * the order of its DIEs; only classes' own indices depend on it, and they decide
 * nothing.
 */
static int number_nodes(struct builder *b, struct type_graph *graph)
{
	AUTO_FREE struct place *places = calloc(b->variant_count + 1ull, sizeof(*places));
	uint32_t count = 0;

	graph->nodes = calloc(b->variant_count + 1ull, sizeof(*graph->nodes));
	if (!places || !graph->nodes)
		return -ENOMEM;
	for (uint32_t v = 0; v < b->variant_count; v++)
		if (b->variants[v].replaced_by == UINT32_MAX && !b->variants[v].is_dropped)
			places[count++] = (struct place){
				b->table->classes[b->variants[v].class_index].first, v
			};
	qsort(places, count, sizeof(*places), compare_places);
	for (uint32_t n = 0; n < count; n++) {
		struct variant *variant = &b->variants[places[n].variant];

		variant->node = n;
		graph->nodes[n].class_index = variant->class_index;
		graph->nodes[n].first_target = places[n].variant; /* for resolve_nodes() */
	}
	graph->node_count = count;
	return 0;
}

static uint32_t node_of(const struct builder *b, uint32_t variant)
{
	return variant == UINT32_MAX ? NODE_NONE : b->variants[variant].node;
}

static int resolve_nodes(struct builder *b, struct type_graph *graph)
{
	uint64_t total = 0, next = 0;

	for (uint32_t n = 0; n < graph->node_count; n++)
		total += b->table->classes[graph->nodes[n].class_index].item_count;
	graph->targets = calloc(total + 1, sizeof(*graph->targets));
	if (!graph->targets || total > UINT32_MAX)
		return -ENOMEM;
	for (uint32_t n = 0; n < graph->node_count; n++) {
		const struct variant *variant = &b->variants[graph->nodes[n].first_target];
		const struct type_class *class = &b->table->classes[variant->class_index];

		graph->nodes[n].first_target = (uint32_t)next;
		for (uint32_t i = 0; i < class->item_count; i++)
			graph->targets[next++] = node_of(b, item_variant(b, variant, i));
	}
	return 0;
}

static void resolve_roots(const struct builder *b, struct type_root *roots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		roots[i].node = node_of(b, root_variant(b, &roots[i]));
}

static void builder_deinit(struct builder *b)
{
	void *owned[] = { b->groups,          b->group_of, b->target_of, b->deviates,
			  b->variants,        b->plain,    b->marked,    b->slots,
			  b->variant_targets, b->bound,    b->bound_in,  b->local,
			  b->local_in,        b->members,  b->marks,     b->edge_start,
			  b->edges,           b->queue,    b->seen,      b->has_rivals,
			  b->is_committed,    b->unplain,  b->deviating, b->contested,
			  b->rivals };

	for (size_t i = 0; i < ARRAY_SIZE(owned); i++)
		free(owned[i]);
}

static int builder_init(struct builder *b, const struct type_table *table)
{
	size_t classes = table->class_count + 1ull, items = table->item_count + 1ull;

	*b = (struct builder){ .table = table };
	b->groups = calloc(classes, sizeof(*b->groups));
	b->group_of = calloc(classes, sizeof(*b->group_of));
	b->target_of = calloc(items, sizeof(*b->target_of));
	b->deviates = calloc(classes, sizeof(*b->deviates));
	b->has_rivals = calloc(classes, sizeof(*b->has_rivals));
	b->is_committed = calloc(classes, sizeof(*b->is_committed));
	b->unplain = malloc((classes + 1) * sizeof(*b->unplain));
	b->deviating = calloc(classes, sizeof(*b->deviating));
	b->contested = calloc(classes, sizeof(*b->contested));
	b->rivals = calloc(classes, sizeof(*b->rivals));
	b->plain = malloc(classes * sizeof(*b->plain));
	b->marked = malloc(classes * sizeof(*b->marked));
	b->bound = calloc(classes, sizeof(*b->bound));
	b->bound_in = calloc(classes, sizeof(*b->bound_in));
	b->local = calloc(classes, sizeof(*b->local));
	b->local_in = calloc(classes, sizeof(*b->local_in));
	b->members = calloc(classes, sizeof(*b->members));
	b->marks = calloc(classes, sizeof(*b->marks));
	b->edge_start = calloc(classes + 1, sizeof(*b->edge_start));
	b->queue = calloc(classes, sizeof(*b->queue));
	b->seen = calloc(classes, sizeof(*b->seen));
	if (!b->groups || !b->group_of || !b->target_of || !b->deviates || !b->has_rivals ||
	    !b->is_committed || !b->unplain || !b->deviating || !b->contested || !b->rivals ||
	    !b->plain || !b->marked || !b->bound || !b->bound_in || !b->local || !b->local_in ||
	    !b->members || !b->marks || !b->edge_start || !b->queue || !b->seen)
		return -ENOMEM;
	for (uint32_t c = 0; c <= table->class_count; c++)
		b->unplain[c] = c;
	memset(b->plain, 0xff, classes * sizeof(*b->plain));
	memset(b->marked, 0xff, classes * sizeof(*b->marked));
	return 0;
}

int type_graph_init(struct type_graph *graph, const struct type_table *table,
		    const struct class_list *units, uint32_t unit_count, struct type_root *roots,
		    uint32_t root_count)
{
	CLEANUP(builder_deinit) struct builder b;
	uint32_t root = 0;
	int error = builder_init(&b, table);

	*graph = (struct type_graph){ .table = table };
	if (!error)
		error = find_targets(&b);
	if (!error)
		count_deviating(&b);
	for (uint32_t u = 0; u < unit_count && !error; u++) {
		uint32_t end = root;

		while (end < root_count && roots[end].unit == u)
			end++;
		error = add_unit(&b, &units[u], u, roots + root, end - root);
		root = end;
	}
	if (!error)
		error = drop_undecided(&b, units, unit_count);
	if (!error)
		error = add_unlisted(&b, roots, root_count);
	if (!error)
		error = drop_unused_protos(&b, roots, root_count);
	if (!error)
		error = number_nodes(&b, graph);
	if (!error)
		error = resolve_nodes(&b, graph);
	if (error)
		type_graph_deinit(graph);
	else
		resolve_roots(&b, roots, root_count);
	return error;
}

void type_graph_deinit(struct type_graph *graph)
{
	free(graph->nodes);
	free(graph->targets);
	*graph = (struct type_graph){ 0 };
}
