/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A node is one type of the result: everything that is spoken of alike in any of
 * the inputs, which is what btf-hash.h's ref says. Nodes are numbered as they are
 * met and written in that order, so ids are known before anything is written.
 * What comes up while writing (flavours, bodies of anonymous members put
 * together) waits in a queue and is written behind the nodes.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf-hash.h"
#include "btf/btf-kfuncs.h"
#include "btf/btf-merge.h"
#include "core/buf.h"
#include "core/cleanup.h"

#define NONE	      UINT32_MAX
#define DEPTH_MAXIMUM 16
#define LEAF_MAXIMUM  (1u << 22)

/* A type in an input, chained with others of the same node. */
struct place {
	uint32_t input, id;
	uint32_t next;
};

struct node {
	struct btf_hash ref;
	uint32_t first, last; /* places */
	uint32_t flavour;     /* a typedef that stands for something else here: input + 1 */
	bool differs, loose;
};

struct field {
	const char *name;
	struct place type; /* next: chain of other bodies, when it is an anonymous composite */
	uint32_t width;
	uint64_t where;
};

/* To be written behind the nodes: bodies to put together, or a flavour. */
struct extra {
	unsigned int kind;
	uint32_t places;  /* the bodies, or NONE: a flavour */
	char *name;	  /* of a flavour; owned */
	struct buf fields; /* its members: struct field */
};

struct merge {
	const struct btf_merge_input *inputs;
	uint32_t count;
	struct btf_hasher *hashers;
	uint32_t **node_of; /* by input and id; NONE: left out */
	struct buf nodes, places, extras, row_where;
	uint32_t *table; /* node + 1 by ref */
	uint32_t table_size;
	struct btf_build *build;
	struct btf_merged *ret;
	uint32_t leaves; /* looked at, as a limit */
};

static struct node *node_at(const struct merge *m, uint32_t index)
{
	return &((struct node *)m->nodes.data)[index];
}

static struct place *place_at(const struct merge *m, uint32_t index)
{
	return &((struct place *)m->places.data)[index];
}

static struct extra *extra_at(const struct merge *m, uint32_t index)
{
	return &((struct extra *)m->extras.data)[index];
}

static uint32_t count_nodes(const struct merge *m)
{
	return (uint32_t)(m->nodes.size / sizeof(struct node));
}

static uint32_t count_extras(const struct merge *m)
{
	return (uint32_t)(m->extras.size / sizeof(struct extra));
}

static const struct btf_type *type_of(const struct merge *m, struct place p)
{
	return btf_view_type(m->inputs[p.input].view, p.id);
}

static const char *name_of(const struct merge *m, struct place p)
{
	return btf_view_name(m->inputs[p.input].view, type_of(m, p));
}

static void merge_deinit(struct merge *m)
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->hashers)
			btf_hasher_deinit(&m->hashers[i]);
		if (m->node_of)
			free(m->node_of[i]);
	}
	for (uint32_t i = 0; i < count_extras(m); i++) {
		free(extra_at(m, i)->name);
		buf_deinit(&extra_at(m, i)->fields);
	}
	free(m->hashers);
	free(m->node_of);
	buf_deinit(&m->nodes);
	buf_deinit(&m->places);
	buf_deinit(&m->extras);
	buf_deinit(&m->row_where);
	free(m->table);
	btf_build_free(m->build);
}

/* --- nodes ---------------------------------------------------------------------------------------- */

static bool is_type(unsigned int kind)
{
	return kind != BTF_KIND_FUNC && kind != BTF_KIND_VAR && kind != BTF_KIND_DATASEC &&
	       kind != BTF_KIND_DECL_TAG;
}

/* Says a name, but not what it stands for. */
static bool is_forward(const struct btf_type *t)
{
	return btf_type_kind(t) == BTF_KIND_FWD ||
	       (btf_kind_is_enum(btf_type_kind(t)) && !btf_type_vlen(t));
}

static int add_place(struct merge *m, struct node *node, struct place place)
{
	uint32_t index = (uint32_t)(m->places.size / sizeof(place));
	int error;

	place.next = NONE;
	error = buf_add(&m->places, &place, sizeof(place));
	if (error)
		return error;
	if (node->last == NONE)
		node->first = index;
	else
		place_at(m, node->last)->next = index;
	node->last = index;
	return 0;
}

static bool do_agree(const struct merge *m, struct place a, struct place b, int depth);

/* The slot of @ref: the node that has it, or where to put it. */
static uint32_t *find_node(struct merge *m, struct btf_hash ref)
{
	uint32_t slot = (uint32_t)ref.low;

	while (m->table[slot & (m->table_size - 1)] &&
	       !btf_hash_is_equal(node_at(m, m->table[slot & (m->table_size - 1)] - 1)->ref, ref))
		slot++;
	return &m->table[slot & (m->table_size - 1)];
}

/* A typedef that stands for an int of another size, or the like, is a type of its own. */
static bool is_other_typedef(const struct merge *m, uint32_t slot, struct place place)
{
	return slot && btf_type_kind(type_of(m, place)) == BTF_KIND_TYPEDEF &&
	       !do_agree(m, *place_at(m, node_at(m, slot - 1)->first), place, 0);
}

static int add_type(struct merge *m, struct place place)
{
	const struct btf_hasher *hasher = &m->hashers[place.input];
	struct node fresh = { .ref = hasher->refs[place.id], .first = NONE, .last = NONE };
	uint32_t *slot = find_node(m, fresh.ref);
	const struct btf_type *t = type_of(m, place);
	struct node *node;
	int error;

	if (is_other_typedef(m, *slot, place)) {
		fresh.ref = btf_hash_join(fresh.ref, hasher->defs[place.id]);
		fresh.flavour = place.input + 1;
		slot = find_node(m, fresh.ref);
	}
	if (!*slot) {
		error = buf_add(&m->nodes, &fresh, sizeof(fresh));
		if (error)
			return error;
		*slot = count_nodes(m);
	}
	m->node_of[place.input][place.id] = *slot - 1;
	node = node_at(m, *slot - 1);
	if (node->first != NONE && is_forward(type_of(m, *place_at(m, node->first))) &&
	    !is_forward(t))
		node->first = node->last = NONE; /* a definition is better */
	else if (node->first != NONE &&
		 (is_forward(t) || !btf_hash_is_by_name(hasher, place.id)))
		return 0;
	return add_place(m, node, place);
}

static int collect(struct merge *m)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < m->count; i++) {
		const struct btf_view *view = m->inputs[i].view;

		for (uint32_t id = 1; !error && id < view->end_id; id++) {
			m->node_of[i][id] = NONE;
			if (is_type(btf_type_kind(btf_view_type(view, id))))
				error = add_type(m, (struct place){ .input = i, .id = id });
		}
	}
	return error;
}

/* --- which are loose ------------------------------------------------------------------------------ */

static bool do_places_differ(const struct merge *m, const struct node *node)
{
	const struct place *first = place_at(m, node->first);
	struct btf_hash def = m->hashers[first->input].defs[first->id];

	for (uint32_t i = first->next; i != NONE; i = place_at(m, i)->next) {
		const struct place *p = place_at(m, i);

		if (!btf_hash_is_equal(m->hashers[p->input].defs[p->id], def))
			return true;
	}
	return false;
}

/* Whether a type holds something loose by value. */
static bool holds_loose(const struct merge *m, const struct node *node)
{
	const struct place *p = place_at(m, node->first);
	const struct btf_type *t = type_of(m, *p);
	unsigned int kind = btf_type_kind(t);
	uint32_t child;

	if (kind == BTF_KIND_PTR || kind == BTF_KIND_FUNC_PROTO)
		return false;
	for (uint32_t i = 0; btf_type_child(t, i, &child); i++)
		if (child && m->node_of[p->input][child] != NONE &&
		    node_at(m, m->node_of[p->input][child])->loose)
			return true;
	return false;
}

/* Until nothing changes: as many rounds as structs are nested by value. */
static void find_loose(struct merge *m)
{
	bool changed = true;

	for (uint32_t i = 0; i < count_nodes(m); i++) {
		struct node *node = node_at(m, i);

		node->differs = do_places_differ(m, node);
		node->loose = node->differs &&
			      !btf_kind_is_enum(btf_type_kind(type_of(m, *place_at(m, node->first))));
	}
	while (changed) {
		changed = false;
		for (uint32_t i = 0; i < count_nodes(m); i++) {
			struct node *node = node_at(m, i);

			if (!node->loose && holds_loose(m, node))
				changed = node->loose = true;
		}
	}
}

/* --- members of several ----------------------------------------------------------------------------- */

struct fields {
	struct buf rows; /* struct field */
	uint32_t *table; /* row + 1 by name */
	uint32_t table_size;
	uint32_t first_extra; /* where in the queue flavours of these begin */
};

static void fields_deinit(struct fields *f)
{
	buf_deinit(&f->rows);
	free(f->table);
}

static uint32_t count_fields(const struct fields *f)
{
	return (uint32_t)(f->rows.size / sizeof(struct field));
}

static struct field *field_at(const struct fields *f, uint32_t index)
{
	return &((struct field *)f->rows.data)[index];
}

static uint32_t *find_field(const struct fields *f, const char *name)
{
	uint32_t slot = (uint32_t)btf_hash_string(name);

	while (f->table[slot & (f->table_size - 1)] &&
	       strcmp(field_at(f, f->table[slot & (f->table_size - 1)] - 1)->name, name) != 0)
		slot++;
	return &f->table[slot & (f->table_size - 1)];
}

static int make_room(struct fields *f)
{
	uint32_t size = f->table_size ? f->table_size * 2 : 64;

	if (count_fields(f) * 2 < f->table_size)
		return 0;
	free(f->table);
	f->table_size = 0;
	f->table = calloc(size, sizeof(*f->table));
	if (!f->table)
		return -ENOMEM;
	f->table_size = size;
	for (uint32_t i = 0; i < count_fields(f); i++)
		*find_field(f, field_at(f, i)->name) = i + 1;
	return 0;
}

static struct place resolve(const struct merge *m, struct place p)
{
	p.id = btf_view_skip_typedefs(m->inputs[p.input].view, p.id);
	return p;
}

static bool is_body(const struct merge *m, struct place p)
{
	return btf_kind_is_composite(btf_type_kind(type_of(m, p))) && !*name_of(m, p);
}

/* Whether one declaration serves both: a program compiled for one reads the other. */
static bool do_agree(const struct merge *m, struct place a, struct place b, int depth)
{
	const struct btf_type *x, *y;
	unsigned int kind;

	a = resolve(m, a);
	b = resolve(m, b);
	x = type_of(m, a);
	y = type_of(m, b);
	kind = btf_type_kind(x);
	if (btf_kind_is_enum(kind) && btf_kind_is_enum(btf_type_kind(y)))
		return x->size == y->size;
	if (btf_kind_is_composite(kind) || kind == BTF_KIND_FWD)
		return is_body(m, a) ? is_body(m, b) && kind == btf_type_kind(y) :
				       btf_hash_is_equal(m->hashers[a.input].refs[a.id],
							 m->hashers[b.input].refs[b.id]);
	if (kind != btf_type_kind(y) || depth > DEPTH_MAXIMUM)
		return false;
	if (kind == BTF_KIND_INT && !strcmp(name_of(m, a), "char"))
		return !strcmp(name_of(m, b), "char"); /* its sign is the compiler's choice */
	if (kind == BTF_KIND_INT)
		return x->size == y->size &&
		       !((btf_type_int_encoding(x) ^ btf_type_int_encoding(y)) &
			 (BTF_INT_SIGNED | BTF_INT_BOOL) << 24);
	if (kind == BTF_KIND_ARRAY) {
		a.id = btf_type_array(x)->type;
		b.id = btf_type_array(y)->type;
		return do_agree(m, a, b, depth + 1);
	}
	return kind == BTF_KIND_PTR || (kind == BTF_KIND_FLOAT && x->size == y->size) ||
	       kind == BTF_KIND_UNKN;
}

/* Add @field to a flavour's members, unless it is there. */
static int add_flavoured(struct extra *extra, const struct field *field)
{
	struct field *fields = (struct field *)extra->fields.data;

	for (size_t i = 0; i < extra->fields.size / sizeof(*fields); i++)
		if (!strcmp(fields[i].name, field->name))
			return 0;
	return buf_add(&extra->fields, field, sizeof(*field));
}

/* The flavours of one owner stand together at the end of the queue: @first on. */
static int add_flavour(struct merge *m, const char *owner, unsigned int kind, uint32_t first,
		       const struct field *field)
{
	struct extra extra = { .kind = kind, .places = NONE, .fields = BUF_INIT((size_t)1 << 24) };
	int error;

	if (!owner) /* within an anonymous body there is nothing to give a flavour */
		return 0;
	for (uint32_t i = first; i < count_extras(m); i++) {
		struct extra *e = extra_at(m, i);
		const struct field *other = (const struct field *)e->fields.data;

		if (e->places == NONE && other->type.input == field->type.input)
			return add_flavoured(e, field);
	}
	if (asprintf(&extra.name, "%.*s___%s", (int)btf_essential_length(owner), owner,
		     m->inputs[field->type.input].label) < 0)
		return -ENOMEM;
	error = buf_add(&extra.fields, field, sizeof(*field));
	if (!error)
		error = buf_add(&m->extras, &extra, sizeof(extra)); /* the queue's */
	if (error) {
		free(extra.name);
		buf_deinit(&extra.fields);
	}
	m->ret->flavours += !error;
	return error;
}

/* The same member again, from another input. */
static int join_field(struct merge *m, const char *owner, unsigned int kind, uint32_t first,
		      struct field *old, const struct field *new)
{
	const struct btf_type *x, *y;
	struct place chained = new->type;
	int error;

	if (old->width != new->width || !do_agree(m, old->type, new->type, 0))
		return add_flavour(m, owner, kind, first, new);
	old->where |= new->where;
	x = type_of(m, resolve(m, old->type));
	y = type_of(m, resolve(m, new->type));
	if (btf_type_kind(x) == BTF_KIND_ARRAY &&
	    btf_type_array(y)->nelems > btf_type_array(x)->nelems) {
		old->type = new->type; /* the longest, so that none is cut */
	} else if (is_body(m, resolve(m, new->type)) &&
		   !btf_hash_is_equal(m->hashers[old->type.input].refs[old->type.id],
				      m->hashers[new->type.input].refs[new->type.id])) {
		chained.next = old->type.next;
		old->type.next = (uint32_t)(m->places.size / sizeof(chained));
		error = buf_add(&m->places, &chained, sizeof(chained));
		return error;
	}
	return 0;
}

static int add_field(struct merge *m, const char *owner, unsigned int kind, struct fields *f,
		     const struct field *field)
{
	uint32_t first = f->first_extra;
	int error = make_room(f);
	uint32_t *slot;

	if (error)
		return error;
	slot = find_field(f, field->name);
	if (*slot)
		return join_field(m, owner, kind, first, field_at(f, *slot - 1), field);
	error = buf_add(&f->rows, field, sizeof(*field));
	if (!error)
		*slot = count_fields(f);
	return error;
}

/* All members of a composite by their names, those of unnamed members among them. */
static int add_members(struct merge *m, const char *owner, unsigned int kind, struct place p,
		       int depth, struct fields *f)
{
	const struct btf_view *view = m->inputs[p.input].view;
	const struct btf_type *t = btf_view_type(view, p.id);
	int error = 0;

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++) {
		const struct btf_member *member = &btf_type_members(t)[i];
		struct place type = { .input = p.input, .id = member->type, .next = NONE };
		struct field field = {
			.name = btf_view_string(view, member->name_off),
			.type = type,
			.width = btf_view_member_bits(view, t, member).width,
			.where = 1ull << p.input,
		};

		if (++m->leaves > LEAF_MAXIMUM)
			return -EFBIG;
		if (*field.name)
			error = add_field(m, owner, kind, f, &field);
		else if (depth < DEPTH_MAXIMUM &&
			 btf_kind_is_composite(btf_type_kind(type_of(m, resolve(m, type)))))
			error = add_members(m, owner, kind, resolve(m, type), depth + 1, f);
	}
	return error;
}

/* --- writing -------------------------------------------------------------------------------------- */

static uint32_t id_of(const struct merge *m, struct place p)
{
	return p.id ? m->node_of[p.input][p.id] + 1 : 0;
}

/* The id of a member's type; bodies that differ are queued to be put together. */
static int id_of_field(struct merge *m, const struct field *field, uint32_t *ret)
{
	struct place body = resolve(m, field->type);
	struct extra extra = { .kind = btf_type_kind(type_of(m, body)) };
	int error;

	if (field->type.next == NONE) {
		*ret = id_of(m, field->type);
		return 0;
	}
	body.next = field->type.next;
	extra.places = (uint32_t)(m->places.size / sizeof(body));
	error = buf_add(&m->places, &body, sizeof(body));
	*ret = count_nodes(m) + 1 + count_extras(m);
	return error ? error : buf_add(&m->extras, &extra, sizeof(extra));
}

static int note_type(struct merge *m, uint32_t id, bool loose, uint64_t where, bool has_rows)
{
	m->ret->loose[id] = loose;
	m->ret->where[id] = where;
	m->ret->rows[id] = has_rows ? (uint32_t)(m->row_where.size / sizeof(uint64_t)) : NONE;
	return 0;
}

static int write_fields(struct merge *m, const char *name, unsigned int kind,
			const struct fields *f, uint64_t where)
{
	AUTO_FREE struct btf_member *members = calloc(count_fields(f) + 1, sizeof(*members));
	struct btf_type t = { .info = btf_info(kind, count_fields(f), true) };
	int error = btf_build_string(m->build, name, &t.name_off);

	if (!members)
		return -ENOMEM;
	if (count_fields(f) > BTF_MAX_VLEN)
		return -EFBIG;
	note_type(m, btf_build_next_id(m->build), true, where, true);
	for (uint32_t i = 0; !error && i < count_fields(f); i++) {
		const struct field *field = field_at(f, i);

		members[i].offset = field->width << 24;
		error = btf_build_string(m->build, field->name, &members[i].name_off);
		if (!error)
			error = id_of_field(m, field, &members[i].type);
		if (!error)
			error = buf_add(&m->row_where, &field->where, sizeof(field->where));
	}
	return error ? error : btf_build_type(m->build, &t, members, NULL);
}

static int write_composite(struct merge *m, const char *name, uint32_t places, uint64_t where)
{
	CLEANUP(fields_deinit)
	struct fields f = { .rows = BUF_INIT((size_t)1 << 30), .first_extra = count_extras(m) };
	unsigned int kind = btf_type_kind(type_of(m, *place_at(m, places)));
	int error = 0;

	for (uint32_t i = places; !error && i != NONE; i = place_at(m, i)->next)
		error = add_members(m, name && *name ? name : NULL, kind,
				    resolve(m, *place_at(m, i)), 0, &f);
	return error ? error : write_fields(m, name, kind, &f, where);
}

/* The enumerators of all inputs; whose values differ has the first's: programs that
 * care ask bpf_core_enum_value(). */
static int write_enum(struct merge *m, const struct node *node, uint64_t where)
{
	CLEANUP(fields_deinit) struct fields f = { .rows = BUF_INIT((size_t)1 << 30) };
	const struct btf_type *first = type_of(m, *place_at(m, node->first));
	struct btf_type t = { .size = first->size };
	AUTO_BUF struct buf rows = BUF_INIT((size_t)1 << 30);
	uint32_t count;
	int error = btf_build_string(m->build, name_of(m, *place_at(m, node->first)), &t.name_off);

	note_type(m, btf_build_next_id(m->build), false, where, true);
	for (uint32_t i = node->first; !error && i != NONE; i = place_at(m, i)->next) {
		struct place p = *place_at(m, i);
		const struct btf_type *e = type_of(m, p);
		bool wide = btf_type_kind(e) == BTF_KIND_ENUM64;

		t.size = e->size > t.size ? e->size : t.size;
		for (uint32_t j = 0; !error && j < btf_type_vlen(e); j++) {
			uint32_t offset = wide ? btf_type_enums64(e)[j].name_off :
						 btf_type_enums(e)[j].name_off;
			/* The place says where the value stands: width is its index. */
			struct field field = { .name = btf_view_string(m->inputs[p.input].view, offset),
					       .type = p, .width = j, .where = 1ull << p.input };
			uint32_t *slot;

			error = make_room(&f);
			slot = error ? NULL : find_field(&f, field.name);
			if (slot && *slot) {
				field_at(&f, *slot - 1)->where |= field.where;
			} else if (slot) {
				error = buf_add(&f.rows, &field, sizeof(field));
				*slot = count_fields(&f);
			}
		}
	}
	count = count_fields(&f);
	for (uint32_t i = 0; !error && i < count; i++) {
		const struct field *field = field_at(&f, i);
		int64_t value = btf_type_enum_value(type_of(m, field->type), field->width);
		struct btf_enum64 row = { .val_lo32 = (uint32_t)value,
					  .val_hi32 = (uint32_t)((uint64_t)value >> 32) };

		error = btf_build_string(m->build, field->name, &row.name_off);
		if (!error)
			error = buf_add(&rows, &row, sizeof(row));
		if (!error)
			error = buf_add(&m->row_where, &field->where, sizeof(field->where));
	}
	if (count > BTF_MAX_VLEN)
		return -EFBIG;
	t.info = btf_info(BTF_KIND_ENUM64, count, btf_type_kflag(first));
	return error ? error : btf_build_type(m->build, &t, rows.data, NULL);
}

static int write_string(struct merge *m, struct place p, uint32_t *offset)
{
	return btf_build_string(m->build, btf_view_string(m->inputs[p.input].view, *offset), offset);
}

static uint32_t move_id(const struct merge *m, struct place p, uint32_t id)
{
	p.id = id;
	return id_of(m, p);
}

/* Names and ids of what follows the type. */
static int move_trailing(struct merge *m, struct place p, const struct btf_type *t, void *trailing)
{
	uint32_t vlen = btf_type_vlen(t);
	struct btf_array *array = trailing;
	struct btf_member *members = trailing;
	struct btf_enum *values = trailing;
	struct btf_enum64 *wide = trailing;
	struct btf_param *params = trailing;
	int error = 0;

	switch (btf_type_kind(t)) {
	case BTF_KIND_ARRAY:
		array->type = move_id(m, p, array->type);
		array->index_type = move_id(m, p, array->index_type);
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (uint32_t i = 0; !error && i < vlen; i++) {
			members[i].type = move_id(m, p, members[i].type);
			error = write_string(m, p, &members[i].name_off);
		}
		break;
	case BTF_KIND_ENUM:
		for (uint32_t i = 0; !error && i < vlen; i++)
			error = write_string(m, p, &values[i].name_off);
		break;
	case BTF_KIND_ENUM64:
		for (uint32_t i = 0; !error && i < vlen; i++)
			error = write_string(m, p, &wide[i].name_off);
		break;
	case BTF_KIND_FUNC_PROTO:
		for (uint32_t i = 0; !error && i < vlen; i++) {
			params[i].type = move_id(m, p, params[i].type);
			error = write_string(m, p, &params[i].name_off);
		}
		break;
	}
	return error;
}

static int write_as_is(struct merge *m, struct place p, uint64_t where)
{
	struct btf_type t = *type_of(m, p);
	int size = btf_trailing_size(&t), error;
	AUTO_FREE void *trailing = malloc((size_t)size + 1);

	if (!trailing)
		return -ENOMEM;
	memcpy(trailing, type_of(m, p) + 1, (size_t)size);
	error = write_string(m, p, &t.name_off);
	if (btf_kind_has_ref(btf_type_kind(&t)))
		t.type = move_id(m, p, t.type);
	if (!error)
		error = move_trailing(m, p, &t, trailing);
	note_type(m, btf_build_next_id(m->build), false, where, false);
	return error ? error : btf_build_type(m->build, &t, trailing, NULL);
}

static int write_flavoured(struct merge *m, struct place p, uint32_t flavour, uint32_t *offset)
{
	AUTO_FREE char *name = NULL;

	if (!flavour)
		return write_string(m, p, offset);
	if (asprintf(&name, "%s___%s", name_of(m, p), m->inputs[flavour - 1].label) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	return btf_build_string(m->build, name, offset);
}

/* "typedef struct { ... } foo" with several bodies: one body of all. */
static int write_typedef(struct merge *m, const struct node *node, uint64_t where)
{
	struct place first = *place_at(m, node->first);
	struct field field = { .type = first };
	struct btf_type t = *type_of(m, first);
	int error = write_flavoured(m, first, node->flavour, &t.name_off);

	field.type.id = t.type;
	field.type.next = NONE;
	for (uint32_t i = first.next; !error && i != NONE; i = place_at(m, i)->next) {
		struct place other = *place_at(m, i);

		other.id = type_of(m, other)->type;
		if (!is_body(m, other) || !is_body(m, field.type) ||
		    btf_type_kind(type_of(m, other)) != btf_type_kind(type_of(m, field.type)))
			continue;
		other.next = field.type.next;
		field.type.next = (uint32_t)(m->places.size / sizeof(other));
		error = buf_add(&m->places, &other, sizeof(other));
	}
	if (!error)
		error = id_of_field(m, &field, &t.type);
	note_type(m, btf_build_next_id(m->build), false, where, false);
	return error ? error : btf_build_type(m->build, &t, NULL, NULL);
}

static uint64_t find_where(const struct merge *m, const struct node *node)
{
	uint64_t where = 0;

	for (uint32_t i = node->first; i != NONE; i = place_at(m, i)->next)
		where |= 1ull << place_at(m, i)->input;
	return where;
}

static int write_node(struct merge *m, uint32_t index)
{
	struct node node = *node_at(m, index);
	struct place first = *place_at(m, node.first);
	unsigned int kind = btf_type_kind(type_of(m, first));
	bool by_name = btf_hash_is_by_name(&m->hashers[first.input], first.id);
	uint64_t where = by_name ? find_where(m, &node) : 0;

	if (btf_kind_is_composite(kind) && node.loose)
		return write_composite(m, name_of(m, first), node.first, where);
	if (btf_kind_is_enum(kind) && by_name && node.differs)
		return write_enum(m, &node, where);
	if (kind == BTF_KIND_TYPEDEF && (node.differs || node.flavour))
		return write_typedef(m, &node, where);
	return write_as_is(m, first, where);
}

static int write_extra(struct merge *m, uint32_t index)
{
	struct extra *extra = extra_at(m, index);
	struct fields f = { .rows = extra->fields }; /* borrowed: the queue may move, they do not */
	uint64_t where = 0;

	if (extra->places != NONE)
		return write_composite(m, NULL, extra->places, 0);
	for (uint32_t i = 0; i < count_fields(&f); i++)
		where |= field_at(&f, i)->where;
	return write_fields(m, extra->name, extra->kind, &f, where);
}

/* Notes grow with the queue; ids are handed out in order. */
static int grow_notes(struct btf_merged *ret, uint32_t types)
{
	uint8_t *loose;
	uint64_t *where;
	uint32_t *rows;

	if (types < ret->types)
		return 0;
	types += types / 2 + 64;
	loose = realloc(ret->loose, types * sizeof(*loose));
	ret->loose = loose ? loose : ret->loose;
	where = realloc(ret->where, types * sizeof(*where));
	ret->where = where ? where : ret->where;
	rows = realloc(ret->rows, types * sizeof(*rows));
	ret->rows = rows ? rows : ret->rows;
	if (!loose || !where || !rows)
		return -ENOMEM;
	ret->types = types;
	return 0;
}

/* A kfunc of one input. */
struct kfunc {
	const char *name;
	struct place place;
};

static int compare_kfuncs(const void *a, const void *b)
{
	const struct kfunc *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order
		     : (x->place.input > y->place.input) - (x->place.input < y->place.input);
}

static int add_kfuncs(struct merge *m, uint32_t input, struct buf *kfuncs)
{
	AUTO_FREE uint32_t *ids = NULL;
	uint32_t count = 0;
	int error = btf_kfuncs_list(m->inputs[input].view, &ids, &count);

	for (uint32_t i = 0; !error && i < count; i++) {
		struct kfunc kfunc = { .place = { .input = input, .id = ids[i] } };

		kfunc.name = name_of(m, kfunc.place);
		error = buf_add(kfuncs, &kfunc, sizeof(kfunc));
	}
	return error;
}

/* A function and its mark, as the first input that has it says it. */
static int write_kfunc(struct merge *m, const struct kfunc *kfunc, uint64_t where)
{
	static const struct btf_decl_tag whole = { .component_idx = -1 };
	struct btf_type func = *type_of(m, kfunc->place);
	struct btf_type tag = { .info = btf_info(BTF_KIND_DECL_TAG, 0, false) };
	int error = grow_notes(m->ret, btf_build_next_id(m->build) + 2);

	if (!error)
		error = write_string(m, kfunc->place, &func.name_off);
	if (!error)
		error = btf_build_string(m->build, BTF_KFUNC_TAG, &tag.name_off);
	if (error)
		return error;
	func.type = move_id(m, kfunc->place, func.type);
	note_type(m, btf_build_next_id(m->build), false, where, false);
	error = btf_build_type(m->build, &func, NULL, &tag.type);
	if (error)
		return error;
	note_type(m, btf_build_next_id(m->build), false, 0, false);
	return btf_build_type(m->build, &tag, &whole, NULL);
}

static int write_kfuncs(struct merge *m)
{
	AUTO_BUF struct buf all = BUF_INIT((size_t)1 << 30);
	const struct kfunc *kfuncs;
	size_t count, next;
	int error = 0;

	for (uint32_t i = 0; !error && i < m->count; i++)
		error = add_kfuncs(m, i, &all);
	count = all.size / sizeof(*kfuncs);
	if (count)
		qsort(all.data, count, sizeof(*kfuncs), compare_kfuncs);
	kfuncs = (const struct kfunc *)all.data;
	for (size_t i = 0; !error && i < count; i = next) {
		uint64_t where = 0;

		for (next = i; next < count && !strcmp(kfuncs[next].name, kfuncs[i].name); next++)
			where |= 1ull << kfuncs[next].place.input;
		error = write_kfunc(m, &kfuncs[i], where);
	}
	return error;
}

static int write_all(struct merge *m)
{
	int error = btf_build_new(NULL, &m->build);

	for (uint32_t i = 0; !error && i < count_nodes(m); i++) {
		error = grow_notes(m->ret, i + 1);
		if (!error)
			error = write_node(m, i);
	}
	for (uint32_t i = 0; !error && i < count_extras(m); i++) {
		error = grow_notes(m->ret, count_nodes(m) + i + 1);
		if (!error)
			error = write_extra(m, i);
	}
	if (!error)
		error = write_kfuncs(m);
	m->ret->types = m->build ? btf_build_next_id(m->build) : 0;
	m->ret->row_where = (uint64_t *)buf_take(&m->row_where).data; /* ret's */
	return error ? error : btf_build_finish(m->build, false, &m->ret->btf);
}

static int merge_init(struct merge *m)
{
	uint64_t types = 0, size = 1024;
	int error = 0;

	m->hashers = calloc(m->count, sizeof(*m->hashers));
	m->node_of = calloc(m->count, sizeof(*m->node_of));
	if (!m->hashers || !m->node_of)
		return -ENOMEM;
	for (uint32_t i = 0; !error && i < m->count; i++) {
		types += m->inputs[i].view->end_id;
		m->node_of[i] = calloc(m->inputs[i].view->end_id, sizeof(**m->node_of));
		error = m->node_of[i] ? btf_hasher_init(&m->hashers[i], m->inputs[i].view, 0) :
					-ENOMEM;
		if (!error)
			error = btf_hasher_run(&m->hashers[i], NULL);
	}
	while (size < types * 2)
		size *= 2;
	if (size > UINT32_MAX / 2)
		return -EFBIG;
	m->table_size = (uint32_t)size;
	m->table = calloc(size, sizeof(*m->table));
	return error ? error : m->table ? 0 : -ENOMEM;
}

int btf_merge(const struct btf_merge_input *inputs, uint32_t count, struct btf_merged *ret)
{
	CLEANUP(merge_deinit)
	struct merge m = {
		.inputs = inputs,
		.count = count,
		.nodes = BUF_INIT((size_t)1 << 31),
		.places = BUF_INIT((size_t)1 << 31),
		.extras = BUF_INIT((size_t)1 << 30),
		.row_where = BUF_INIT((size_t)1 << 30),
		.ret = ret,
	};
	int error;

	*ret = (struct btf_merged){ 0 };
	error = count > BTF_MERGE_INPUTS ? -EFBIG : merge_init(&m);
	if (!error)
		error = collect(&m);
	if (!error) {
		find_loose(&m);
		error = write_all(&m);
	}
	if (error)
		btf_merged_deinit(ret);
	return error;
}

void btf_merged_deinit(struct btf_merged *merged)
{
	btfpack_blob_free(&merged->btf);
	free(merged->loose);
	free(merged->where);
	free(merged->rows);
	free(merged->row_where);
	*merged = (struct btf_merged){ 0 };
}
