/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btf/btf-build.h"
#include "btfgen/btf-cut.h"

/* A type to be kept. Where pointers are followed from it, it is deep; types of
 * which that says nothing (composites, enums) exist once. */
struct cut_node {
	uint32_t id;
	bool is_deep;
	bool is_alone;	    /* must not become one with a like type */
	bool is_whole;	    /* a prototype whose parameters are kept whole */
	uint8_t *marks;	    /* of each member or enumerator; NULL: none */
	uint32_t first_ref; /* in writer.refs */
	uint32_t ref_count;
	uint64_t own_hash;
};

#define MARK_KEPT 1
#define MARK_DEEP 2 /* a member whose pointers are followed */

#define NO_NODE UINT32_MAX /* void, or what a pointer no longer points to */

static struct cut_node *nodes_of(const struct btf_cut *cut)
{
	return (struct cut_node *)cut->nodes.data;
}

static uint32_t node_count(const struct btf_cut *cut)
{
	return (uint32_t)(cut->nodes.size / sizeof(struct cut_node));
}

int btf_cut_init(struct btf_cut *cut, const struct btf_view *view)
{
	*cut = (struct btf_cut){ .view = view, .nodes = BUF_INIT(SIZE_MAX) };
	cut->node_of = calloc(2 * (size_t)view->end_id, sizeof(*cut->node_of));
	return cut->node_of ? 0 : -ENOMEM;
}

void btf_cut_deinit(struct btf_cut *cut)
{
	for (uint32_t i = 0; i < node_count(cut); i++)
		free(nodes_of(cut)[i].marks);
	buf_deinit(&cut->nodes);
	free(cut->node_of);
	free(cut->new_ids);
	*cut = (struct btf_cut){ 0 };
}

/* --- marking ------------------------------------------------------------------------------------ */

static bool has_marks(unsigned int kind)
{
	return btf_kind_is_composite(kind) || btf_kind_is_enum(kind);
}

static size_t slot_of(const struct btf_cut *cut, uint32_t id, bool deep)
{
	unsigned int kind = btf_type_kind(btf_view_type(cut->view, id));

	return 2 * (size_t)id + (deep && !has_marks(kind));
}

/* Variables, sections and tags on declarations are about types; no type is made of
 * them. */
static bool can_be_part(unsigned int kind)
{
	return kind != BTF_KIND_VAR && kind != BTF_KIND_DATASEC && kind != BTF_KIND_DECL_TAG;
}

/* Keep the type itself; what it refers to follows in expand(). */
static int add_node(struct btf_cut *cut, uint32_t id, bool deep)
{
	size_t slot = slot_of(cut, id, deep);
	const struct btf_type *t = btf_view_type(cut->view, id);
	struct cut_node node = { .id = id, .is_deep = slot & 1 };
	int error;

	if (!id || cut->node_of[slot])
		return 0;
	if (!can_be_part(btf_type_kind(t)))
		return -EBADMSG;
	if (has_marks(btf_type_kind(t)) && btf_type_vlen(t)) {
		node.marks = calloc(btf_type_vlen(t), 1);
		if (!node.marks)
			return -ENOMEM;
	}
	error = buf_add(&cut->nodes, &node, sizeof(node));
	if (error) {
		free(node.marks);
		return error;
	}
	cut->node_of[slot] = node_count(cut);
	cut->has_pointer |= btf_type_kind(t) == BTF_KIND_PTR;
	return 0;
}

static int expand_node(struct btf_cut *cut, uint32_t id, bool deep)
{
	const struct btf_type *t = btf_view_type(cut->view, id);
	int error;

	switch (btf_type_kind(t)) {
	case BTF_KIND_PTR:
		return deep ? add_node(cut, t->type, true) : 0;
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_FUNC:
		return add_node(cut, t->type, deep);
	case BTF_KIND_ARRAY:
		error = add_node(cut, btf_type_array(t)->type, deep);
		return error ? error : add_node(cut, btf_type_array(t)->index_type, false);
	case BTF_KIND_FUNC_PROTO:
		error = add_node(cut, t->type, deep);
		for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
			error = add_node(cut, btf_type_params(t)[i].type, deep);
		return error;
	default:
		return 0;
	}
}

/* Keep @id and, without recursion, all that it refers to. */
static int keep(struct btf_cut *cut, uint32_t id, bool deep)
{
	int error = add_node(cut, id, deep);

	while (!error && cut->expanded < node_count(cut)) {
		const struct cut_node *node = &nodes_of(cut)[cut->expanded++];

		error = expand_node(cut, node->id, node->is_deep);
	}
	return error;
}

static struct cut_node *find_node(const struct btf_cut *cut, uint32_t id, bool deep)
{
	uint32_t number = cut->node_of[slot_of(cut, id, deep)];

	return number ? &nodes_of(cut)[number - 1] : NULL;
}

static int keep_member(struct btf_cut *cut, uint32_t id, uint32_t index, bool deep)
{
	const struct btf_type *t = btf_view_type(cut->view, id);
	int error = keep(cut, id, false);

	if (error)
		return error;
	find_node(cut, id, false)->marks[index] |= MARK_KEPT | (deep ? MARK_DEEP : 0);
	return keep(cut, btf_type_members(t)[index].type, deep);
}

int btf_cut_keep_field(struct btf_cut *cut, const struct core_path *path)
{
	uint32_t id = path->root;
	int error = keep(cut, id, false);

	for (uint32_t i = 1; !error && i < path->raw_count; i++) {
		const struct btf_type *t;

		id = btf_view_skip_typedefs(cut->view, id);
		t = btf_view_type(cut->view, id);
		if (btf_type_kind(t) == BTF_KIND_ARRAY) {
			id = btf_type_array(t)->type;
			continue;
		}
		error = keep_member(cut, id, path->raw[i], false);
		id = btf_type_members(t)[path->raw[i]].type;
	}
	return error;
}

int btf_cut_keep_enumerator(struct btf_cut *cut, const struct core_path *path)
{
	int error = keep(cut, path->root, false);

	if (!error)
		find_node(cut, path->steps[0].type_id, false)->marks[path->raw[0]] = MARK_KEPT;
	return error;
}

int btf_cut_keep_type(struct btf_cut *cut, uint32_t id, bool alone)
{
	int error = keep(cut, id, true);

	if (!error && alone)
		find_node(cut, id, true)->is_alone = true;
	return error;
}

/* Mark all of a struct, union or enum; its members' types go to @todo. */
static int keep_all_members(struct btf_cut *cut, uint32_t id, struct buf *todo)
{
	const struct btf_type *t = btf_view_type(cut->view, id);
	struct cut_node *node = find_node(cut, id, false);
	int error = 0;

	if (!btf_type_vlen(t) || node->marks[btf_type_vlen(t) - 1] & MARK_DEEP)
		return 0; /* nothing to do, or done */
	memset(node->marks, MARK_KEPT | MARK_DEEP, btf_type_vlen(t));
	if (btf_kind_is_enum(btf_type_kind(t)))
		return 0;
	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++) {
		uint32_t type = btf_type_members(t)[i].type;

		error = keep(cut, type, true);
		if (!error)
			error = buf_add(todo, &type, sizeof(type));
	}
	return error;
}

/* Once only: a prototype may, in BTF from nowhere, be its own parameter. */
static int keep_all_params(struct btf_cut *cut, uint32_t id, struct buf *todo)
{
	const struct btf_type *t = btf_view_type(cut->view, id);
	struct cut_node *node = find_node(cut, id, true);
	int error;

	if (node->is_whole)
		return 0;
	node->is_whole = true;
	error = buf_add(todo, &t->type, sizeof(t->type));
	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
		error = buf_add(todo, &btf_type_params(t)[i].type, sizeof(uint32_t));
	return error;
}

/* Mark below @id what is not behind a pointer; of an enum behind one, all too. */
static int keep_below(struct btf_cut *cut, uint32_t id, struct buf *todo)
{
	bool behind_pointer = false;

	for (int depth = 0; depth < CORE_PATH_MAXIMUM; depth++) {
		const struct btf_type *t;
		unsigned int kind;

		id = btf_view_skip_typedefs(cut->view, id);
		t = btf_view_type(cut->view, id);
		kind = btf_type_kind(t);
		if (kind == BTF_KIND_PTR) {
			behind_pointer = true;
			id = t->type;
		} else if (kind == BTF_KIND_ARRAY) {
			id = btf_type_array(t)->type;
		} else if (btf_kind_is_enum(kind) ||
			   (btf_kind_is_composite(kind) && !behind_pointer)) {
			return keep_all_members(cut, id, todo);
		} else {
			return kind == BTF_KIND_FUNC_PROTO ? keep_all_params(cut, id, todo) : 0;
		}
	}
	return 0;
}

int btf_cut_keep_whole(struct btf_cut *cut, uint32_t id)
{
	AUTO_BUF struct buf todo = BUF_INIT(SIZE_MAX);
	int error = keep(cut, id, true);

	if (!error && btf_type_kind(btf_view_type(cut->view, id)) == BTF_KIND_FUNC)
		id = btf_view_type(cut->view, id)->type;
	if (!error)
		error = buf_add(&todo, &id, sizeof(id));
	while (!error && todo.size) {
		todo.size -= sizeof(id);
		memcpy(&id, todo.data + todo.size, sizeof(id));
		error = keep_below(cut, id, &todo);
	}
	return error;
}

/* An array without elements is flexible, and takes any index, only as the last
 * member. Where it is not, the last must stay to say so. */
static int keep_what_ends_arrays(struct btf_cut *cut)
{
	int error = 0;

	for (uint32_t n = 0; !error && n < node_count(cut); n++) {
		struct cut_node *node = &nodes_of(cut)[n];
		const struct btf_type *t = btf_view_type(cut->view, node->id), *member;
		uint32_t last = btf_type_vlen(t);

		if (!btf_kind_is_composite(btf_type_kind(t)) || !node->marks)
			continue;
		while (last && !node->marks[last - 1])
			last--;
		if (!last || last == btf_type_vlen(t))
			continue;
		member = btf_view_type(cut->view,
				       btf_view_skip_typedefs(cut->view,
							      btf_type_members(t)[last - 1].type));
		if (btf_type_kind(member) == BTF_KIND_ARRAY && !btf_type_array(member)->nelems)
			error = keep_member(cut, node->id, btf_type_vlen(t) - 1, false);
	}
	return error;
}

/* --- what refers to what ------------------------------------------------------------------------ */

struct writer {
	const struct btf_cut *cut;
	bool no_enum64;
	struct buf refs;     /* uint32_t: node numbers, or NO_NODE */
	uint64_t *hashes;    /* by node, of the last round */
	uint64_t *next;	     /* of this round */
	uint32_t *order;     /* node numbers as they are written */
	uint32_t order_count;
	uint32_t *new_ids;   /* by node */
	struct btf_build *build;
	struct buf trailing; /* of the type being written */
};

static void deinit_writer(struct writer *w)
{
	buf_deinit(&w->refs);
	buf_deinit(&w->trailing);
	free(w->hashes);
	free(w->next);
	free(w->order);
	free(w->new_ids);
	btf_build_free(w->build);
}

static int add_ref(struct writer *w, uint32_t id, bool deep)
{
	uint32_t number = id ? w->cut->node_of[slot_of(w->cut, id, deep)] : 0;

	number--; /* 0 becomes NO_NODE */
	return buf_add(&w->refs, &number, sizeof(number));
}

static int add_member_refs(struct writer *w, const struct cut_node *node, const struct btf_type *t)
{
	int error = 0;

	for (uint32_t i = 0; !error && node->marks && i < btf_type_vlen(t); i++)
		if (node->marks[i])
			error = add_ref(w, btf_type_members(t)[i].type, node->marks[i] & MARK_DEEP);
	return error;
}

/* The references of a node, in the order in which write_node() asks for them. */
static int add_refs(struct writer *w, const struct cut_node *node)
{
	const struct btf_type *t = btf_view_type(w->cut->view, node->id);
	int error;

	switch (btf_type_kind(t)) {
	case BTF_KIND_PTR:
		return add_ref(w, node->is_deep ? t->type : 0, true);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
	case BTF_KIND_FUNC:
		return add_ref(w, t->type, node->is_deep);
	case BTF_KIND_ARRAY:
		error = add_ref(w, btf_type_array(t)->type, node->is_deep);
		return error ? error : add_ref(w, btf_type_array(t)->index_type, false);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return add_member_refs(w, node, t);
	case BTF_KIND_FUNC_PROTO:
		error = add_ref(w, t->type, node->is_deep);
		for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
			error = add_ref(w, btf_type_params(t)[i].type, node->is_deep);
		return error;
	default:
		return 0;
	}
}

static int collect_refs(struct writer *w)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < node_count(w->cut); i++) {
		struct cut_node *node = &nodes_of(w->cut)[i];

		node->first_ref = (uint32_t)(w->refs.size / sizeof(uint32_t));
		error = add_refs(w, node);
		node->ref_count = (uint32_t)(w->refs.size / sizeof(uint32_t)) - node->first_ref;
	}
	return error;
}

/* --- hashes ------------------------------------------------------------------------------------- */

static unsigned int kind_to_write(const struct writer *w, const struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t);

	return kind == BTF_KIND_ENUM64 && w->no_enum64 ? BTF_KIND_ENUM : kind;
}

static uint64_t hash_name(const struct writer *w, uint64_t hash, uint32_t offset)
{
	const char *name = btf_view_string(w->cut->view, offset);

	return XXH3_64bits_withSeed(name, strlen(name), hash);
}

static uint64_t hash_words(uint64_t hash, uint64_t a, uint64_t b)
{
	uint64_t words[2] = { a, b };

	return XXH3_64bits_withSeed(words, sizeof(words), hash);
}

/* Of an enumerator, whichever kind of enum it is in. */
static int64_t enumerator(const struct btf_type *t, uint32_t index, uint32_t *name_ret)
{
	const struct btf_enum64 *wide;

	if (btf_type_kind(t) == BTF_KIND_ENUM) {
		*name_ret = btf_type_enums(t)[index].name_off;
		return btf_type_enums(t)[index].val;
	}
	wide = &btf_type_enums64(t)[index];
	*name_ret = wide->name_off;
	return (int64_t)((uint64_t)wide->val_hi32 << 32 | wide->val_lo32);
}

static uint64_t hash_marked(const struct writer *w, const struct cut_node *node,
			    const struct btf_type *t, uint64_t hash)
{
	for (uint32_t i = 0; node->marks && i < btf_type_vlen(t); i++) {
		const struct btf_member *m = btf_type_members(t) + i;
		uint32_t name;

		if (!node->marks[i])
			continue;
		if (btf_kind_is_enum(btf_type_kind(t))) {
			hash = hash_words(hash, (uint64_t)enumerator(t, i, &name), 0);
		} else {
			name = m->name_off;
			hash = hash_words(hash, btf_member_bit_offset(t, m),
					  btf_member_bit_width(t, m));
		}
		hash = hash_name(w, hash, name);
	}
	return hash;
}

/* Everything a node says without its references. */
static uint64_t hash_node(const struct writer *w, const struct cut_node *node)
{
	const struct btf_type *t = btf_view_type(w->cut->view, node->id);
	unsigned int kind = btf_type_kind(t);
	uint64_t hash = hash_words(kind_to_write(w, t),
				   btf_kind_has_ref(kind) ? 0 : t->size, node->ref_count);

	hash = hash_name(w, hash, t->name_off);
	if (has_marks(kind))
		return hash_marked(w, node, t,
				   hash_words(hash, btf_kind_is_enum(kind) && btf_type_kflag(t),
					      0));
	if (kind == BTF_KIND_INT)
		return hash_words(hash, btf_type_int_encoding(t), 0);
	if (kind == BTF_KIND_ARRAY)
		return hash_words(hash, btf_type_array(t)->nelems, 0);
	for (uint32_t i = 0; kind == BTF_KIND_FUNC_PROTO && i < btf_type_vlen(t); i++)
		hash = hash_name(w, hash, btf_type_params(t)[i].name_off);
	return hash_words(hash, btf_type_kflag(t), kind == BTF_KIND_FUNC ? btf_type_vlen(t) : 0);
}

static int compare_hashes(const void *a_, const void *b_)
{
	uint64_t a = *(const uint64_t *)a_, b = *(const uint64_t *)b_;

	return a < b ? -1 : a > b;
}

static int count_distinct(const struct writer *w, uint32_t *ret)
{
	uint32_t count = node_count(w->cut), distinct = 0;
	AUTO_FREE uint64_t *sorted = malloc((count + 1) * sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	memcpy(sorted, w->hashes, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare_hashes);
	for (uint32_t i = 0; i < count; i++)
		distinct += !i || sorted[i] != sorted[i - 1];
	*ret = distinct;
	return 0;
}

static void hash_round(struct writer *w)
{
	const uint32_t *refs = (const uint32_t *)w->refs.data;
	uint64_t *done;

	for (uint32_t i = 0; i < node_count(w->cut); i++) {
		const struct cut_node *node = &nodes_of(w->cut)[i];
		uint64_t hash = node->own_hash;

		for (uint32_t j = 0; j < node->ref_count; j++) {
			uint32_t ref = refs[node->first_ref + j];

			hash = hash_words(hash, ref == NO_NODE ? 0 : w->hashes[ref], j);
		}
		w->next[i] = hash;
	}
	done = w->next;
	w->next = w->hashes;
	w->hashes = done;
}

static int hash_all(struct writer *w)
{
	uint32_t before, after = 0;
	int error = 0;

	for (uint32_t i = 0; i < node_count(w->cut); i++) {
		struct cut_node *node = &nodes_of(w->cut)[i];

		node->own_hash = w->hashes[i] = hash_node(w, node);
	}
	do {
		before = after;
		hash_round(w);
		error = count_distinct(w, &after);
	} while (!error && after > before);
	return error;
}

/* --- order -------------------------------------------------------------------------------------- */

/* qsort_r's argument is the writer. */
static int compare_nodes(const void *a_, const void *b_, void *arg)
{
	const struct writer *w = arg;
	uint32_t a = *(const uint32_t *)a_, b = *(const uint32_t *)b_;
	const struct btf_type *at = btf_view_type(w->cut->view, nodes_of(w->cut)[a].id);
	const struct btf_type *bt = btf_view_type(w->cut->view, nodes_of(w->cut)[b].id);
	unsigned int a_kind = kind_to_write(w, at), b_kind = kind_to_write(w, bt);
	int names;

	if (a_kind != b_kind)
		return a_kind < b_kind ? -1 : 1;
	names = at->name_off == bt->name_off ? 0
					     : strcmp(btf_view_name(w->cut->view, at),
						      btf_view_name(w->cut->view, bt));
	if (names)
		return names;
	if (w->hashes[a] != w->hashes[b])
		return w->hashes[a] < w->hashes[b] ? -1 : 1;
	if (nodes_of(w->cut)[a].is_alone != nodes_of(w->cut)[b].is_alone)
		return nodes_of(w->cut)[a].is_alone ? -1 : 1; /* others then join the last */
	return a < b ? -1 : a > b;
}

/* Sort the nodes; alike ones get one id. */
static void number_nodes(struct writer *w)
{
	uint32_t count = node_count(w->cut), previous = NO_NODE;

	for (uint32_t i = 0; i < count; i++)
		w->order[i] = i;
	qsort_r(w->order, count, sizeof(*w->order), compare_nodes, w);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t node = w->order[i];

		if (previous == NO_NODE || w->hashes[previous] != w->hashes[node] ||
		    (nodes_of(w->cut)[previous].is_alone && nodes_of(w->cut)[node].is_alone)) {
			w->order[w->order_count++] = node;
			previous = node;
		}
		w->new_ids[node] = w->order_count; /* ids count from 1 */
	}
}

/* --- writing ------------------------------------------------------------------------------------ */

static uint32_t ref_id(const struct writer *w, const struct cut_node *node, uint32_t index)
{
	uint32_t ref = ((const uint32_t *)w->refs.data)[node->first_ref + index];

	return ref == NO_NODE ? 0 : w->new_ids[ref];
}

static int copy_name(struct writer *w, uint32_t from, uint32_t *ret)
{
	return btf_build_string(w->build, btf_view_string(w->cut->view, from), ret);
}

static int write_members(struct writer *w, const struct cut_node *node, const struct btf_type *t,
			 uint32_t *vlen_ret, bool *kflag_ret)
{
	uint32_t count = 0;
	bool has_bitfield = false;
	int error = 0;

	for (uint32_t i = 0; i < btf_type_vlen(t); i++)
		if (node->marks && node->marks[i] &&
		    btf_member_bit_width(t, btf_type_members(t) + i))
			has_bitfield = true;
	for (uint32_t i = 0; !error && node->marks && i < btf_type_vlen(t); i++) {
		const struct btf_member *m = btf_type_members(t) + i;
		struct btf_member member = { .offset = btf_member_bit_offset(t, m) };

		if (!node->marks[i])
			continue;
		if (has_bitfield)
			member.offset |= btf_member_bit_width(t, m) << 24;
		member.type = ref_id(w, node, count++);
		error = copy_name(w, m->name_off, &member.name_off);
		if (!error)
			error = buf_add(&w->trailing, &member, sizeof(member));
	}
	*vlen_ret = count;
	*kflag_ret = has_bitfield;
	return error;
}

static int write_enumerators(struct writer *w, const struct cut_node *node,
			     const struct btf_type *t, uint32_t *vlen_ret)
{
	int error = 0;

	*vlen_ret = 0;
	for (uint32_t i = 0; !error && node->marks && i < btf_type_vlen(t); i++) {
		uint32_t name;
		int64_t value = enumerator(t, i, &name);

		if (!node->marks[i])
			continue;
		error = copy_name(w, name, &name);
		if (error)
			break;
		if (kind_to_write(w, t) == BTF_KIND_ENUM64) {
			struct btf_enum64 e = { .name_off = name,
						.val_lo32 = (uint32_t)value,
						.val_hi32 = (uint32_t)((uint64_t)value >> 32) };
			error = buf_add(&w->trailing, &e, sizeof(e));
		} else {
			struct btf_enum e = { .name_off = name, .val = (int32_t)value };

			if (value != (int32_t)value)
				return -EOPNOTSUPP;
			error = buf_add(&w->trailing, &e, sizeof(e));
		}
		++*vlen_ret;
	}
	return error;
}

static int write_params(struct writer *w, const struct cut_node *node, const struct btf_type *t)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++) {
		struct btf_param param = { .type = ref_id(w, node, i + 1) };

		error = copy_name(w, btf_type_params(t)[i].name_off, &param.name_off);
		if (!error)
			error = buf_add(&w->trailing, &param, sizeof(param));
	}
	return error;
}

static int write_node(struct writer *w, const struct cut_node *node)
{
	const struct btf_type *t = btf_view_type(w->cut->view, node->id);
	unsigned int kind = kind_to_write(w, t);
	struct btf_type out = { .size = t->size };
	uint32_t vlen = btf_type_vlen(t);
	bool kflag = btf_type_kflag(t);
	int error = copy_name(w, t->name_off, &out.name_off);

	w->trailing.size = 0;
	if (btf_kind_has_ref(kind))
		out.type = ref_id(w, node, 0);
	if (!error && btf_kind_is_composite(kind)) {
		error = write_members(w, node, t, &vlen, &kflag);
	} else if (!error && btf_kind_is_enum(kind)) {
		error = write_enumerators(w, node, t, &vlen);
	} else if (!error && kind == BTF_KIND_FUNC_PROTO) {
		error = write_params(w, node, t);
	} else if (!error && kind == BTF_KIND_ARRAY) {
		struct btf_array array = { .type = ref_id(w, node, 0),
					   .index_type = ref_id(w, node, 1),
					   .nelems = btf_type_array(t)->nelems };

		error = buf_add(&w->trailing, &array, sizeof(array));
	} else if (!error && kind == BTF_KIND_INT) {
		error = buf_add(&w->trailing, t + 1, sizeof(uint32_t));
	}
	out.info = btf_info(kind, vlen, kflag);
	return error ? error : btf_build_type(w->build, &out, w->trailing.data, NULL);
}

static int init_writer(struct writer *w)
{
	uint32_t count = node_count(w->cut);

	w->refs = BUF_INIT(SIZE_MAX);
	w->trailing = BUF_INIT(SIZE_MAX);
	w->hashes = calloc(count + 1, sizeof(*w->hashes));
	w->next = calloc(count + 1, sizeof(*w->next));
	w->order = calloc(count + 1, sizeof(*w->order));
	w->new_ids = calloc(count + 1, sizeof(*w->new_ids));
	if (!w->hashes || !w->next || !w->order || !w->new_ids)
		return -ENOMEM;
	return btf_build_new(NULL, &w->build);
}

int btf_cut_finish(struct btf_cut *cut, bool no_enum64, struct btfpack_blob *ret)
{
	CLEANUP(deinit_writer) struct writer w = { .cut = cut, .no_enum64 = no_enum64 };
	int error = keep_what_ends_arrays(cut);

	/* Readers judge the size of a pointer by this type. */
	if (!error && cut->has_pointer)
		error = keep(cut, btf_view_find_long(cut->view), false);
	if (!error)
		error = init_writer(&w);
	if (!error)
		error = collect_refs(&w);
	if (!error)
		error = hash_all(&w);
	if (error)
		return error;
	number_nodes(&w);
	for (uint32_t i = 0; !error && i < w.order_count; i++)
		error = write_node(&w, &nodes_of(cut)[w.order[i]]);
	if (!error)
		error = btf_build_finish(w.build, cut->view->other_order, ret);
	if (!error)
		cut->new_ids = steal_ptr(w.new_ids); /* the cut's */
	return error;
}

uint32_t btf_cut_new_id(const struct btf_cut *cut, uint32_t id)
{
	uint32_t number = id ? cut->node_of[slot_of(cut, id, true)] : 0;

	if (!number && id)
		number = cut->node_of[slot_of(cut, id, false)];
	return number ? cut->new_ids[number - 1] : 0;
}
