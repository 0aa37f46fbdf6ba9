/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every type of both sides is hashed (btf-hash.h): key, what it is matched by
 * (kind and name), and def, what it is. Both lists are sorted by key and def and
 * walked side by side. Types with one key are a set on each side; equal defs
 * cancel out, what is left over on both sides is a change, on one side an
 * addition or a removal.
 *
 * A reference by name says little where a name has several definitions: struct
 * A may hold the one struct pair and in the other BTF the other. So, once both
 * sides are seen to have the same set of definitions under a name, each gets a
 * salt from its definition that goes into every reference to it, and all is
 * hashed again. (Where the sets differ, that is told already, and salting would
 * make a change of every user.) Salts can tell apart further definitions, so
 * this repeats until nothing new is told apart, a few times at the most.
 */
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf-diff.h"
#include "btf/btf-text.h"
#include "core/cleanup.h"

#define ROUNDS_MAXIMUM 5
#define CELLS	       (1u << 20)

struct entity {
	struct btf_hash key, def;
	uint32_t id;
	uint32_t kind;
};

struct side {
	struct btf_diff_side hashed;
	struct btf_hash *names; /* by id: ref without salt, zero where not by name */
	struct btf_hash *salts; /* by id */
	uint8_t *reached;	/* by id: something refers to it */
	struct entity *entities;
	size_t count;
};

static void side_deinit(struct side *s)
{
	btf_hasher_deinit(&s->hashed.hasher);
	free(s->names);
	free(s->salts);
	free(s->reached);
	free(s->entities);
}

static void mark_reached(struct side *s)
{
	const struct btf_view *view = s->hashed.view;

	for (uint32_t id = 1; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);
		uint32_t child;

		for (uint32_t i = 0; btf_type_child(t, i, &child); i++)
			s->reached[child] |= child != id;
	}
}

static int side_init(struct side *s, const struct btf_view *view, unsigned int flags)
{
	uint32_t end = view->end_id;
	int error;

	*s = (struct side){ .hashed.view = view };
	error = btf_hasher_init(&s->hashed.hasher, view, flags);
	if (error)
		return error;
	s->names = calloc(end, sizeof(*s->names));
	s->salts = calloc(end, sizeof(*s->salts));
	s->reached = calloc(end, 1);
	s->entities = calloc(end, sizeof(*s->entities));
	if (!s->names || !s->salts || !s->reached || !s->entities)
		return -ENOMEM;
	error = btf_hasher_run(&s->hashed.hasher, NULL);
	for (uint32_t id = 1; !error && id < end; id++)
		if (btf_hash_is_by_name(&s->hashed.hasher, id))
			s->names[id] = s->hashed.hasher.refs[id];
	mark_reached(s);
	return error;
}

static int compare_entities(const void *a, const void *b)
{
	const struct entity *x = a, *y = b;
	int order = btf_hash_compare(x->key, y->key);

	return order ? order : btf_hash_compare(x->def, y->def);
}

/* --- salts --------------------------------------------------------------------------------------- */

/* Put the types whose name others have too into s->entities, by name and def.
 * Counting by a few bits of the name first spares sorting the many that are alone. */
static void list_namesakes(struct side *s, uint8_t *cells)
{
	uint32_t end = s->hashed.view->end_id;

	memset(cells, 0, CELLS);
	s->count = 0;
	for (uint32_t id = 1; id < end; id++) {
		uint8_t *cell = &cells[s->names[id].low % CELLS];

		*cell += *cell < 2;
	}
	for (uint32_t id = 1; id < end; id++) {
		if ((!s->names[id].low && !s->names[id].high) ||
		    cells[s->names[id].low % CELLS] < 2)
			continue;
		s->entities[s->count++] = (struct entity){
			.key = s->names[id], .def = s->hashed.hasher.defs[id], .id = id
		};
	}
	qsort(s->entities, s->count, sizeof(*s->entities), compare_entities);
}

static size_t count_group(const struct side *s, size_t first)
{
	size_t i = first;

	while (i < s->count && btf_hash_is_equal(s->entities[i].key, s->entities[first].key))
		i++;
	return i - first;
}

/* Give salts to a group that both sides have alike. Returns how many kinds of
 * definitions are in it, 0 when the sides differ. */
static uint32_t salt_group(struct side *a, size_t i, struct side *b, size_t j, size_t count)
{
	uint32_t distinct = 1;

	for (size_t n = 0; n < count; n++) {
		if (!btf_hash_is_equal(a->entities[i + n].def, b->entities[j + n].def))
			return 0;
		distinct += n && !btf_hash_is_equal(a->entities[i + n].def,
						    a->entities[i + n - 1].def);
	}
	if (distinct < 2)
		return 0;
	for (size_t n = 0; n < count; n++) {
		a->salts[a->entities[i + n].id] = a->entities[i + n].def;
		b->salts[b->entities[j + n].id] = b->entities[j + n].def;
	}
	return distinct;
}

/* Fill both sides' salts; returns how many definitions they tell apart. */
static uint32_t make_salts(struct side *a, struct side *b, uint8_t *cells)
{
	uint32_t told_apart = 0;
	size_t i = 0, j = 0;

	memset(a->salts, 0, a->hashed.view->end_id * sizeof(*a->salts));
	memset(b->salts, 0, b->hashed.view->end_id * sizeof(*b->salts));
	list_namesakes(a, cells);
	list_namesakes(b, cells);
	while (i < a->count && j < b->count) {
		int order = btf_hash_compare(a->entities[i].key, b->entities[j].key);
		size_t in_a = order <= 0 ? count_group(a, i) : 0;
		size_t in_b = order >= 0 ? count_group(b, j) : 0;

		if (in_a == in_b)
			told_apart += salt_group(a, i, b, j, in_a);
		i += in_a;
		j += in_b;
	}
	return told_apart;
}

static int refine(struct side *a, struct side *b)
{
	AUTO_FREE uint8_t *cells = malloc(CELLS);
	uint32_t before = 0;
	int error = 0;

	if (!cells)
		return -ENOMEM;
	for (int round = 1; !error && round < ROUNDS_MAXIMUM; round++) {
		uint32_t told_apart = make_salts(a, b, cells);

		if (told_apart == before)
			break;
		before = told_apart;
		error = btf_hasher_run(&a->hashed.hasher, a->salts);
		if (!error)
			error = btf_hasher_run(&b->hashed.hasher, b->salts);
	}
	return error;
}

/* --- what is compared ---------------------------------------------------------------------------- */

static unsigned int entity_kind(const struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t);

	return kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind;
}

static bool is_wanted(const struct side *s, uint32_t id, const struct btfpack_btf_diff_opts *opts)
{
	const struct btf_view *view = s->hashed.view;
	const struct btf_type *t = btf_view_type(view, id);
	unsigned int kind = btf_type_kind(t);
	const char *name = btf_view_name(view, t);

	if (opts->kinds && !(opts->kinds & (1u << kind)) && !(opts->kinds & (1u << entity_kind(t))))
		return false;
	if (opts->pattern && kind == BTF_KIND_DECL_TAG &&
	    !fnmatch(opts->pattern, btf_view_name(view, btf_view_type(view, t->type)), 0))
		return true;
	if (opts->pattern && (!*name || kind == BTF_KIND_TYPE_TAG))
		return false;
	if (opts->pattern && fnmatch(opts->pattern, name, 0))
		return false;
	/* Ints and floats whose names do not count are nothing of their own. */
	if (opts->ignore_spelling && (kind == BTF_KIND_INT || kind == BTF_KIND_FLOAT))
		return false;
	return btf_hash_is_by_name(&s->hashed.hasher, id) || kind == BTF_KIND_DECL_TAG ||
	       !s->reached[id];
}

/* A tag is matched by its text and what it is on; the unnamed by their kind. */
static struct btf_hash entity_key(const struct side *s, uint32_t id)
{
	const struct btf_type *t = btf_view_type(s->hashed.view, id);
	struct btf_hash kind = { 0x6b696e64, btf_type_kind(t) == BTF_KIND_ENUM64 ?
						     BTF_KIND_ENUM :
						     btf_type_kind(t) };

	if (btf_type_kind(t) == BTF_KIND_DECL_TAG) {
		struct btf_hash target = s->names[t->type];

		target.low += (uint32_t)btf_type_decl_tag(t)->component_idx;
		target.high ^= btf_hash_string(btf_view_name(s->hashed.view, t));
		return btf_hash_join(kind, target);
	}
	return btf_hash_join(kind, s->names[id]);
}

static void list_entities(struct side *s, const struct btfpack_btf_diff_opts *opts)
{
	const struct btf_view *view = s->hashed.view;

	s->count = 0;
	for (uint32_t id = view->first_id; id < view->end_id; id++)
		if (is_wanted(s, id, opts))
			s->entities[s->count++] = (struct entity){
				.key = entity_key(s, id),
				.def = s->hashed.hasher.defs[id],
				.id = id,
				.kind = entity_kind(btf_view_type(view, id)),
			};
	qsort(s->entities, s->count, sizeof(*s->entities), compare_entities);
}

/* --- matching ------------------------------------------------------------------------------------ */

/* What was not the same: a pair, or one alone (the other id is 0). */
struct finding {
	uint32_t id_a, id_b;
	uint32_t kind;
	uint32_t order; /* of finding: by hashes, so the same whatever the ids */
	const char *name;
	bool one_of_several;
};

struct matcher {
	struct side *a, *b;
	struct finding *findings;
	size_t count, room;
	struct btfpack_btf_diff_summary *sum;
};

static int add_finding(struct matcher *m, const struct entity *a, const struct entity *b,
		       bool one_of_several)
{
	const struct btf_view *view = a ? m->a->hashed.view : m->b->hashed.view;
	const struct entity *one = a ? a : b;
	struct btfpack_btf_diff_counts *counts = &m->sum->by_kind[one->kind];

	if (m->count == m->room) {
		size_t room = m->room ? m->room * 2 : 256;
		struct finding *findings = realloc(m->findings, room * sizeof(*findings));

		if (!findings)
			return -ENOMEM;
		m->findings = findings;
		m->room = room;
	}
	m->findings[m->count] = (struct finding){
		.id_a = a ? a->id : 0,
		.id_b = b ? b->id : 0,
		.kind = one->kind,
		.order = (uint32_t)m->count,
		.name = btf_view_name(view, btf_view_type(view, one->id)),
		.one_of_several = one_of_several,
	};
	m->count++;
	counts->changed += a && b;
	counts->removed += !b;
	counts->added += !a;
	return 0;
}

/* Move the entities without an equal on the other side to the front of each;
 * returns how many found their equal. */
static size_t cancel_equals(struct entity *a, size_t *in_a, struct entity *b, size_t *in_b)
{
	size_t i = 0, j = 0, left_a = 0, left_b = 0, same = 0;

	while (i < *in_a || j < *in_b) {
		int order = i == *in_a ? 1 :
			    j == *in_b ? -1 :
					 btf_hash_compare(a[i].def, b[j].def);

		if (order < 0) {
			a[left_a++] = a[i++];
		} else if (order > 0) {
			b[left_b++] = b[j++];
		} else {
			same++;
			i++;
			j++;
		}
	}
	*in_a = left_a;
	*in_b = left_b;
	return same;
}

/* Which left-over belongs to which cannot be known; likely the small to the
 * small. Ties go by def, so that order and ids play no part. */
static void sort_by_size(const struct side *s, struct entity *entities, size_t count)
{
	for (size_t i = 1; i < count && count <= 64; i++)
		for (size_t j = i; j; j--) {
			const struct btf_view *view = s->hashed.view;
			const struct btf_type *x = btf_view_type(view, entities[j - 1].id);
			const struct btf_type *y = btf_view_type(view, entities[j].id);
			struct entity swapped = entities[j];

			if (btf_kind_has_ref(entities[j].kind) || x->size <= y->size)
				break;
			entities[j] = entities[j - 1];
			entities[j - 1] = swapped;
		}
}

static int match_group(struct matcher *m, struct entity *a, size_t in_a, struct entity *b,
		       size_t in_b)
{
	const struct entity *one = in_a ? a : b;
	const struct side *side = in_a ? m->a : m->b;
	bool several = in_a > 1 || in_b > 1;
	/* Two unnamed types have nothing in common but their kind. */
	bool can_pair = btf_hash_is_by_name(&side->hashed.hasher, one->id) ||
			one->kind == BTF_KIND_DECL_TAG;
	uint32_t kind = one->kind;
	size_t i = 0;
	int error = 0;

	m->sum->by_kind[kind].same += cancel_equals(a, &in_a, b, &in_b);
	sort_by_size(m->a, a, in_a);
	sort_by_size(m->b, b, in_b);
	for (; can_pair && !error && i < in_a && i < in_b; i++)
		error = add_finding(m, &a[i], &b[i], several);
	for (size_t n = i; !error && n < in_a; n++)
		error = add_finding(m, &a[n], NULL, several && can_pair);
	for (size_t n = i; !error && n < in_b; n++)
		error = add_finding(m, NULL, &b[n], several && can_pair);
	return error;
}

static int match(struct matcher *m)
{
	struct side *a = m->a, *b = m->b;
	size_t i = 0, j = 0;
	int error = 0;

	while (!error && (i < a->count || j < b->count)) {
		int order = i == a->count ? 1 :
			    j == b->count ? -1 :
					    btf_hash_compare(a->entities[i].key, b->entities[j].key);
		size_t in_a = order <= 0 ? count_group(a, i) : 0;
		size_t in_b = order >= 0 ? count_group(b, j) : 0;

		error = match_group(m, &a->entities[i], in_a, &b->entities[j], in_b);
		i += in_a;
		j += in_b;
	}
	return error;
}

/* --- telling ------------------------------------------------------------------------------------- */

static int compare_findings(const void *a, const void *b)
{
	/* Types before functions and variables, the unnamed last. */
	static const uint8_t ranks[BTFPACK_BTF_KINDS] = {
		[BTF_KIND_STRUCT] = 1, [BTF_KIND_UNION] = 2,	[BTF_KIND_ENUM] = 3,
		[BTF_KIND_TYPEDEF] = 4, [BTF_KIND_FWD] = 5,	[BTF_KIND_INT] = 6,
		[BTF_KIND_FLOAT] = 7,	[BTF_KIND_FUNC] = 8,	[BTF_KIND_VAR] = 9,
		[BTF_KIND_DATASEC] = 10, [BTF_KIND_DECL_TAG] = 11, [BTF_KIND_PTR] = 12,
		[BTF_KIND_ARRAY] = 13,	[BTF_KIND_CONST] = 14,	[BTF_KIND_VOLATILE] = 15,
		[BTF_KIND_RESTRICT] = 16, [BTF_KIND_TYPE_TAG] = 17, [BTF_KIND_FUNC_PROTO] = 18,
	};
	const struct finding *x = a, *y = b;
	int order = ranks[x->kind] - ranks[y->kind];

	if (!order)
		order = strcmp(x->name, y->name);
	if (!order) /* changes, then removals, then additions */
		order = (!x->id_b + 2 * !x->id_a) - (!y->id_b + 2 * !y->id_a);
	return order ? order : x->order < y->order ? -1 : 1;
}

/* "func foo" for the tag's target, "enum {A, B, ...}" for the unnamed. */
static void describe(const struct btf_view *view, uint32_t id, char *ret, size_t size)
{
	const struct btf_type *t = btf_view_type(view, id);
	char text[BTF_TEXT_SIZE];

	if (btf_type_kind(t) == BTF_KIND_DECL_TAG) {
		const struct btf_type *target = btf_view_type(view, t->type);

		snprintf(ret, size, "\"%s\" on %s %s", btf_view_name(view, t),
			 btf_kind_name(btf_type_kind(target)), btf_view_name(view, target));
		if (btf_type_decl_tag(t)->component_idx >= 0)
			snprintf(ret + strlen(ret), size - strlen(ret), ", part %d",
				 btf_type_decl_tag(t)->component_idx);
	} else if (btf_kind_is_enum(btf_type_kind(t)) && btf_type_vlen(t)) {
		bool wide = btf_type_kind(t) == BTF_KIND_ENUM64;

		snprintf(ret, size, "{%s%s}",
			 btf_view_string(view, wide ? btf_type_enums64(t)->name_off :
						      btf_type_enums(t)->name_off),
			 btf_type_vlen(t) > 1 ? ", ..." : "");
	} else if (btf_kind_is_composite(btf_type_kind(t)) && btf_type_vlen(t)) {
		snprintf(ret, size, "{%s; ...}",
			 btf_text(view, btf_type_members(t)->type,
				  btf_view_string(view, btf_type_members(t)->name_off), text));
	} else {
		snprintf(ret, size, "%s", btf_text(view, id, NULL, text));
	}
}

static void tell_alone(const struct btf_explain *e, const struct finding *f)
{
	AUTO_FREE char *text = NULL;
	struct btfpack_btf_change change = {
		.size = sizeof(change),
		.sort = f->id_a ? BTFPACK_BTF_REMOVED : BTFPACK_BTF_ADDED,
		.kind = f->kind,
		.name = e->name,
	};

	if (asprintf(&text, "%s %s: %s%s", btf_kind_name(f->kind), e->name,
		     f->one_of_several ? "one of several definitions " : "",
		     f->id_a ? "removed" : "added") < 0)
		return;
	change.text = text;
	e->fn(&change, e->arg);
}

static int tell(struct matcher *m, const struct btfpack_btf_diff_opts *opts,
		btfpack_btf_change_fn fn, void *arg)
{
	struct btf_explain e = {
		.a = &m->a->hashed, .b = &m->b->hashed, .opts = opts, .fn = fn, .arg = arg
	};
	int error = 0;

	if (m->count)
		qsort(m->findings, m->count, sizeof(*m->findings), compare_findings);
	for (size_t i = 0; fn && !error && i < m->count; i++) {
		const struct finding *f = &m->findings[i];
		const struct btf_diff_side *side = f->id_a ? &m->a->hashed : &m->b->hashed;
		uint32_t id = f->id_a ? f->id_a : f->id_b;
		char described[BTF_TEXT_SIZE];

		e.kind = f->kind;
		e.name = f->name;
		e.told = 0;
		if (!btf_hash_is_by_name(&side->hasher, id)) {
			describe(side->view, id, described, sizeof(described));
			e.name = described;
		}
		if (f->id_a && f->id_b)
			error = btf_explain_pair(&e, f->id_a, f->id_b);
		else
			tell_alone(&e, f);
	}
	return error;
}

static void add_totals(struct btfpack_btf_diff_summary *sum)
{
	for (unsigned int kind = 0; kind < BTFPACK_BTF_KINDS; kind++) {
		sum->total.same += sum->by_kind[kind].same;
		sum->total.changed += sum->by_kind[kind].changed;
		sum->total.removed += sum->by_kind[kind].removed;
		sum->total.added += sum->by_kind[kind].added;
	}
}

int btf_diff(const struct btf_view *a, const struct btf_view *b,
	     const struct btfpack_btf_diff_opts *opts, btfpack_btf_change_fn fn, void *arg,
	     struct btfpack_btf_diff_summary *ret)
{
	static const struct btfpack_btf_diff_opts defaults;
	struct btfpack_btf_diff_summary sum = { 0 };
	CLEANUP(side_deinit) struct side first = { 0 };
	CLEANUP(side_deinit) struct side second = { 0 };
	struct matcher m = { .a = &first, .b = &second, .sum = &sum };
	unsigned int flags;
	int error;

	opts = opts ? opts : &defaults;
	flags = (opts->ignore_enum64 ? BTF_HASH_IGNORE_ENUM64 : 0) |
		(opts->offsets ? BTF_HASH_OFFSETS : 0) |
		(opts->ignore_spelling ? BTF_HASH_IGNORE_SPELLING : 0) |
		(opts->dimensions ? BTF_HASH_DIMENSIONS : 0);
	error = side_init(&first, a, flags);
	if (!error)
		error = side_init(&second, b, flags);
	if (!error)
		error = refine(&first, &second);
	if (error)
		return error;
	list_entities(&first, opts);
	list_entities(&second, opts);
	error = match(&m);
	if (!error)
		error = tell(&m, opts, fn, arg);
	free(m.findings);
	if (error)
		return error;
	add_totals(&sum);
	*ret = sum;
	return 0;
}

static int open_view(struct btf_view *view, const struct btfpack_blob *blob,
		     const struct btf_view *base, const char *name, struct btfpack_error *err)
{
	return btf_view_init(view, blob->data, blob->size, base, name, err);
}

int btfpack_btf_diff(const struct btfpack_blob *a, const struct btfpack_blob *b,
		     const struct btfpack_btf_diff_opts *opts, btfpack_btf_change_fn fn, void *arg,
		     struct btfpack_btf_diff_summary *ret, struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view base_a = { 0 }, base_b = { 0 }, view_a = { 0 }, view_b = { 0 };
	struct btfpack_btf_diff_opts own = { 0 };
	int error = 0;

	if (opts && opts->size < sizeof(opts->size))
		return btfpack_error_set(err, -EINVAL, "btfpack_btf_diff: opts->size is not set");
	if (opts)
		memcpy(&own, opts, opts->size < sizeof(own) ? opts->size : sizeof(own));
	own.name_a = own.name_a ? own.name_a : "first";
	own.name_b = own.name_b ? own.name_b : "second";
	if (own.base_a)
		error = open_view(&base_a, own.base_a, NULL, "base of the first", err);
	if (!error && own.base_b)
		error = open_view(&base_b, own.base_b, NULL, "base of the second", err);
	if (!error)
		error = open_view(&view_a, a, own.base_a ? &base_a : NULL, own.name_a, err);
	if (!error)
		error = open_view(&view_b, b, own.base_b ? &base_b : NULL, own.name_b, err);
	if (error)
		return error;
	error = btf_diff(&view_a, &view_b, &own, fn, arg, ret);
	return error ? btfpack_error_set(err, error, "out of memory comparing %s and %s", own.name_a,
					 own.name_b) :
		       0;
}

const char *btfpack_btf_kind_name(unsigned int kind)
{
	return btf_kind_name(kind);
}
