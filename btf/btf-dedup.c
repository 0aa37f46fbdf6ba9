/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Types are put into classes by their hashes (btf-hash.h), in which named types are
 * spoken of by name, so that nothing but a definition itself tells two
 * definitions of one name apart. Where they do differ the name is ambiguous: its
 * variants get salts, which tell apart who refers to which, and that may make
 * further names ambiguous, whose users the next round tells apart. Done to the end
 * this would be the equality of graphs, by which one ambiguous name that most types
 * reach somehow (struct node: the NUMA one, the device's, the B-tree's) keeps
 * hundreds of task_structs alive. So there are ROUNDS rounds: what is alike up to
 * that many names away is one type.
 *
 * A forward of an ambiguous name could mean any of its variants, and so could what
 * refers to it. Such types are called weak, and found by hashing twice, with two
 * salts for these forwards. A weak definition joins the strong one that is else the
 * same, when there is just one: some unit saw the whole type, this one did not.
 */
#include <errno.h>
#include <stdlib.h>

#include <btfpack/btf.h>

#include "btf/btf-build.h"
#include "btf/btf-dedup.h"
#include "btf/btf-hash.h"
#include "core/buf.h"

#define ROUNDS 3

/* --- copying under a map ------------------------------------------------------------------------ */

struct copy {
	const struct btf_view *view;
	struct btf_build *build;
	uint32_t *ids; /* by old id: the new one */
	struct buf trailing;
};

static int copy_name(struct copy *c, uint32_t *offset)
{
	return btf_build_string(c->build, btf_view_string(c->view, *offset), offset);
}

/* Bring the names and ids of what follows a type to the new BTF. */
static int translate_rows(struct copy *c, const struct btf_type *t, void *rows)
{
	struct btf_array *array = rows;
	int error = 0;

	if (btf_type_kind(t) == BTF_KIND_ARRAY) {
		array->type = c->ids[array->type];
		array->index_type = c->ids[array->index_type];
	}
	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++) {
		switch (btf_type_kind(t)) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION: {
			struct btf_member *m = (struct btf_member *)rows + i;

			m->type = c->ids[m->type];
			error = copy_name(c, &m->name_off);
			break;
		}
		case BTF_KIND_ENUM:
			error = copy_name(c, &((struct btf_enum *)rows)[i].name_off);
			break;
		case BTF_KIND_ENUM64:
			error = copy_name(c, &((struct btf_enum64 *)rows)[i].name_off);
			break;
		case BTF_KIND_FUNC_PROTO: {
			struct btf_param *p = (struct btf_param *)rows + i;

			p->type = c->ids[p->type];
			error = copy_name(c, &p->name_off);
			break;
		}
		case BTF_KIND_DATASEC: {
			struct btf_var_secinfo *info = (struct btf_var_secinfo *)rows + i;

			info->type = c->ids[info->type];
			break;
		}
		}
	}
	return error;
}

static int copy_type(struct copy *c, uint32_t id)
{
	const struct btf_type *from = btf_view_type(c->view, id);
	struct btf_type t = *from;
	int error;

	c->trailing.size = 0;
	error = buf_add(&c->trailing, from + 1, (size_t)btf_trailing_size(from));
	if (!error)
		error = copy_name(c, &t.name_off);
	if (!error && btf_kind_has_ref(btf_type_kind(from)))
		t.type = c->ids[t.type];
	if (!error)
		error = translate_rows(c, &t, c->trailing.data);
	return error ? error : btf_build_type(c->build, &t, c->trailing.data, NULL);
}

static void copy_deinit(struct copy *c)
{
	btf_build_free(c->build);
	buf_deinit(&c->trailing);
}

/* Write the types that stand for themselves in @map (by id), with references as
 * @map has them; @map then tells the ids of what was written. */
static int copy_under(const struct btf_view *view, uint32_t *map, struct btfpack_blob *ret)
{
	CLEANUP(copy_deinit) struct copy c = { .view = view, .trailing = BUF_INIT(SIZE_MAX) };
	AUTO_FREE uint32_t *ids = malloc(view->end_id * sizeof(*ids));
	uint32_t next = 1;
	int error;

	if (!ids)
		return -ENOMEM;
	c.ids = ids;
	ids[0] = 0;
	for (uint32_t id = 1; id < view->end_id; id++)
		if (map[id] == id)
			ids[id] = next++;
	for (uint32_t id = 1; id < view->end_id; id++)
		if (map[id] != id)
			ids[id] = ids[map[id]];
	error = btf_build_new(NULL, &c.build);
	for (uint32_t id = 1; !error && id < view->end_id; id++)
		if (map[id] == id)
			error = copy_type(&c, id);
	if (!error)
		error = btf_build_finish(c.build, view->other_order, ret);
	if (!error)
		memcpy(map, ids, view->end_id * sizeof(*map));
	return error;
}

/* --- classes ------------------------------------------------------------------------------------ */

struct row {
	struct btf_hash name;  /* how others speak of it */
	struct btf_hash plain; /* what it is, without salts */
	struct btf_hash def;   /* with them */
	uint32_t id;
	bool is_forward, is_weak;
};

struct dedup {
	const struct btf_view *view;
	struct btf_hasher plain, one, two; /* without salts; two agrees with one but in the weak */
	struct btf_hash *salts_one, *salts_two;
	struct row *rows; /* the named types */
	uint32_t count;
	uint32_t *map;	   /* by id: the id that stands for it */
};

static void dedup_deinit(struct dedup *d)
{
	btf_hasher_deinit(&d->plain);
	btf_hasher_deinit(&d->one);
	btf_hasher_deinit(&d->two);
	free(d->salts_one);
	free(d->salts_two);
	free(d->rows);
	free(d->map);
}

static int dedup_init(struct dedup *d, const struct btf_view *view)
{
	const unsigned int flags = BTF_HASH_IGNORE_UNIQUE_IDS | BTF_HASH_DIMENSIONS;
	uint32_t end = view->end_id;
	int error;

	d->view = view;
	d->salts_one = calloc(end, sizeof(*d->salts_one));
	d->salts_two = calloc(end, sizeof(*d->salts_two));
	d->rows = malloc(end * sizeof(*d->rows));
	d->map = malloc(end * sizeof(*d->map));
	error = d->salts_one && d->salts_two && d->rows && d->map ? 0 : -ENOMEM;
	if (!error)
		error = btf_hasher_init(&d->plain, view, flags);
	if (!error)
		error = btf_hasher_init(&d->one, view, flags);
	if (!error)
		error = btf_hasher_init(&d->two, view, flags);
	return error ? error : btf_hasher_run(&d->plain, NULL);
}

/* Variables and sections are no types: a static variable may be there twice. */
static bool is_kept(const struct btf_type *t)
{
	return btf_type_kind(t) == BTF_KIND_VAR || btf_type_kind(t) == BTF_KIND_DATASEC;
}

/* An enum without values is what a forward of it looks like. */
static bool is_forward(const struct btf_type *t)
{
	return btf_type_kind(t) == BTF_KIND_FWD ||
	       (btf_type_kind(t) == BTF_KIND_ENUM && !btf_type_vlen(t));
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = btf_hash_compare(x->name, y->name);

	if (!order)
		order = (int)y->is_forward - (int)x->is_forward;
	if (!order)
		order = btf_hash_compare(x->plain, y->plain);
	if (!order)
		order = (int)x->is_weak - (int)y->is_weak;
	if (!order)
		order = btf_hash_compare(x->def, y->def);
	return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* The named types: those of a name together, forwards first, then what is alike
 * without salts together, strong ones first. */
static void list_rows(struct dedup *d)
{
	d->count = 0;
	for (uint32_t id = 1; id < d->view->end_id; id++) {
		const struct btf_type *t = btf_view_type(d->view, id);

		if (is_kept(t) || !btf_hash_is_by_name(&d->plain, id))
			continue;
		d->rows[d->count++] = (struct row){
			.name = d->plain.refs[id],
			.plain = d->plain.defs[id],
			.def = d->one.defs[id],
			.id = id,
			.is_forward = is_forward(t),
			.is_weak = !btf_hash_is_equal(d->one.defs[id], d->two.defs[id]),
		};
	}
	if (d->count)
		qsort(d->rows, d->count, sizeof(*d->rows), compare_rows);
}

static bool is_same_variant(const struct row *a, const struct row *b)
{
	return btf_hash_is_equal(a->def, b->def) && a->is_weak == b->is_weak;
}

/* How many strong variants [first, end) has; these are alike without salts. */
static uint32_t count_strong(const struct row *rows, uint32_t first, uint32_t end)
{
	uint32_t count = 0;

	for (uint32_t i = first; i < end && !rows[i].is_weak; i++)
		count += i == first || !is_same_variant(&rows[i], &rows[i - 1]);
	return count;
}

/* Choose who stands for whom in [first, end), alike without salts. */
static uint32_t map_alike(struct dedup *d, uint32_t first, uint32_t end)
{
	bool joins = count_strong(d->rows, first, end) == 1;
	uint32_t variants = 0, stands = first;

	for (uint32_t i = first; i < end; i++) {
		const struct row *row = &d->rows[i];

		if (i == first || (!is_same_variant(row, row - 1) && !(joins && row->is_weak))) {
			stands = i;
			variants++;
		}
		d->map[row->id] = d->rows[stands].id;
	}
	return variants;
}

/* Salts for the rows [first, end) of an ambiguous name, [first, defined) being
 * forwards. Whoever may mean more than one gets a second salt. */
static void salt_name(struct dedup *d, uint32_t first, uint32_t defined, uint32_t end)
{
	const struct btf_hash weak_one = { 1, 1 }, weak_two = { 2, 2 };

	for (uint32_t i = first; i < end; i++) {
		uint32_t id = d->rows[i].id, stands = d->map[id];
		struct btf_hash salt = d->one.defs[stands];

		if (i < defined) {
			d->salts_one[id] = weak_one;
			d->salts_two[id] = weak_two;
			continue;
		}
		d->salts_one[id] = salt;
		d->salts_two[id] = btf_hash_is_equal(salt, d->two.defs[stands]) ?
					   salt : btf_hash_join(salt, weak_two);
	}
}

/* The rows [first, end) of one name. */
static void map_name(struct dedup *d, uint32_t first, uint32_t end)
{
	uint32_t defined = first, variants = 0;

	while (defined < end && d->rows[defined].is_forward)
		defined++;
	for (uint32_t i = defined, next; i < end; i = next) {
		for (next = i + 1; next < end; next++)
			if (!btf_hash_is_equal(d->rows[next].plain, d->rows[i].plain))
				break;
		variants += map_alike(d, i, next);
	}
	for (uint32_t i = first; i < defined; i++) /* a struct's or an enum's, as it comes */
		d->map[d->rows[i].id] = variants == 1 ? d->map[d->rows[defined].id] :
							d->rows[first].id;
	if (variants > 1)
		salt_name(d, first, defined, end);
}

static int run_round(struct dedup *d)
{
	int error = btf_hasher_run(&d->one, d->salts_one);

	if (!error)
		error = btf_hasher_run(&d->two, d->salts_two);
	if (error)
		return error;
	list_rows(d);
	for (uint32_t i = 0, end; i < d->count; i = end) {
		for (end = i + 1; end < d->count; end++)
			if (!btf_hash_is_equal(d->rows[end].name, d->rows[i].name))
				break;
		map_name(d, i, end);
	}
	return 0;
}

struct unnamed {
	struct btf_hash hash;
	uint32_t id;
};

static int compare_unnamed(const void *a, const void *b)
{
	const struct unnamed *x = a, *y = b;
	int order = btf_hash_compare(x->hash, y->hash);

	return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* Equal hashes, salts and all: the same type, the lowest id stands for it. */
static int map_unnamed(struct dedup *d)
{
	AUTO_FREE struct unnamed *list = malloc(d->view->end_id * sizeof(*list));
	uint32_t count = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t id = 1; id < d->view->end_id; id++) {
		if (is_kept(btf_view_type(d->view, id)))
			d->map[id] = id;
		else if (!btf_hash_is_by_name(&d->one, id))
			list[count++] = (struct unnamed){ d->one.refs[id], id };
	}
	if (count)
		qsort(list, count, sizeof(*list), compare_unnamed);
	for (uint32_t i = 0, first = 0; i < count; i++) {
		if (!btf_hash_is_equal(list[i].hash, list[first].hash))
			first = i;
		d->map[list[i].id] = list[first].id;
	}
	return 0;
}

int btf_dedup(const struct btf_view *view, struct btfpack_blob *ret, uint32_t **map_ret)
{
	CLEANUP(dedup_deinit) struct dedup d = { 0 };
	int error;

	if (view->base)
		return -EOPNOTSUPP;
	error = dedup_init(&d, view);
	if (error)
		return error;
	if (d.plain.loops)
		return -EBADMSG;
	d.map[0] = 0;
	for (int i = 0; !error && i < ROUNDS; i++)
		error = run_round(&d);
	if (!error)
		error = map_unnamed(&d);
	if (!error)
		error = copy_under(view, d.map, ret);
	if (!error && map_ret)
		*map_ret = steal_ptr(d.map); /* the caller's */
	return error;
}

int btfpack_btf_dedup(const struct btfpack_blob *btf, const char *name, struct btfpack_blob *ret,
		      struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	int error;

	name = name ? name : "BTF";
	error = btf_view_init(&view, btf->data, btf->size, NULL, name, err);
	if (error)
		return error;
	error = btf_dedup(&view, ret, NULL);
	if (error == -EBADMSG)
		return btfpack_error_set(err, error, "%s: types that refer only to themselves", name);
	return error ? btfpack_error_set(err, error, "%s: cannot be deduplicated: %s", name,
					 strerror(-error)) : 0;
}
