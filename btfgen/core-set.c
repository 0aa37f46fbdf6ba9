/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/core-set.h"

void core_set_init(struct core_set *set)
{
	*set = (struct core_set){ 0 };
	intern_init(&set->need_keys);
	intern_init(&set->names);
}

static void free_object(struct core_object *object)
{
	if (!object)
		return;
	bpf_object_close(object->object);
	free(object->uses);
	free(object->group_roots);
	free(object);
}

void core_set_deinit(struct core_set *set)
{
	for (size_t i = 0; i < set->object_count; i++)
		free_object(set->objects[i]);
	for (uint32_t i = 0; i < set->need_count; i++)
		free(set->needs[i]);
	free(set->objects);
	free(set->needs);
	intern_deinit(&set->need_keys);
	intern_deinit(&set->names);
}

static enum core_class class_of(enum bpf_core_relo_kind kind)
{
	if (core_kind_is_field(kind))
		return CORE_CLASS_FIELD;
	if (core_kind_is_enum_value(kind))
		return CORE_CLASS_ENUM_VALUE;
	return kind == BPF_CORE_TYPE_MATCHES ? CORE_CLASS_MATCH : CORE_CLASS_TYPE;
}

/* --- roots -------------------------------------------------------------------------------------- */

/* An enum may be found as an enum64 and the other way round. */
static uint32_t root_kind(unsigned int kind)
{
	return kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind;
}

/* A number below 2^16 from the first four bytes of a name; zeroes after its end. */
static uint32_t hash_start(const char *name)
{
	uint32_t start = 0;

	for (int i = 0; i < 4 && name[i]; i++)
		start |= (uint32_t)(uint8_t)name[i] << (8 * i);
	return (start * UINT32_C(0x9e3779b1)) >> 16;
}

/* Of a name of fewer than four bytes the kernel may have a flavour: "f___x". */
static void remember_start(struct core_set *set, const char *name, size_t length)
{
	char starts[2][5] = { "", "____" };

	for (int i = 0; i < 2; i++) {
		uint32_t hash;

		memcpy(starts[i], name, length < 4 ? length : 4);
		hash = hash_start(starts[i]);
		set->starts[hash / 64] |= UINT64_C(1) << (hash % 64);
	}
}

static int add_root(struct core_set *set, const struct btf_view *view, uint32_t id, uint32_t *ret)
{
	const struct btf_type *t = btf_view_type(view, id);
	const char *name = btf_view_name(view, t);
	size_t length = btf_essential_length(name);
	uint32_t kind = root_kind(btf_type_kind(t));
	int error = intern_add(&set->names, name, length, ret);

	if (error)
		return error;
	*ret = *ret * NR_BTF_KINDS + kind;
	set->kinds |= UINT32_C(1) << kind;
	if (kind == BTF_KIND_ENUM)
		set->kinds |= UINT32_C(1) << BTF_KIND_ENUM64;
	remember_start(set, name, length);
	return 0;
}

uint32_t core_set_find_root(const struct core_set *set, unsigned int kind, const char *name)
{
	uint32_t hash = hash_start(name), number;

	if (!(set->starts[hash / 64] >> (hash % 64) & 1))
		return CORE_NO_ROOT;
	number = intern_find(&set->names, name, btf_essential_length(name));
	return number == INTERN_NONE ? CORE_NO_ROOT : number * NR_BTF_KINDS + root_kind(kind);
}

/* --- needs -------------------------------------------------------------------------------------- */

static int add_word(struct buf *key, uint32_t word)
{
	return buf_add(key, &word, sizeof(word));
}

/* What the type of a local member demands of the kernel's: see fields_agree(). */
static int add_demand(struct buf *key, const struct core_btf *local, uint32_t id)
{
	const struct btf_type *t;
	uint32_t dimensions = 0;
	int error;

	for (;; dimensions++) {
		id = btf_view_skip_typedefs(local->view, id);
		t = btf_view_type(local->view, id);
		if (btf_type_kind(t) != BTF_KIND_ARRAY || dimensions == CORE_PATH_MAXIMUM)
			break;
		id = btf_type_array(t)->type;
	}
	error = add_word(key, dimensions);
	if (!error)
		error = add_word(key, btf_kind_is_composite(btf_type_kind(t))
					      ? BTF_KIND_STRUCT
					      : root_kind(btf_type_kind(t)));
	if (!error && btf_type_kind(t) == BTF_KIND_INT)
		error = add_word(key, BTF_INT_OFFSET(btf_type_int_encoding(t)));
	if (!error && (btf_kind_is_enum(btf_type_kind(t)) || btf_type_kind(t) == BTF_KIND_FWD)) {
		const char *name = btf_view_name(local->view, t);

		error = buf_add(key, name, btf_essential_length(name));
		if (!error)
			error = buf_add(key, "", 1);
	}
	return error;
}

static int add_step_key(struct buf *key, const struct core_btf *local, const struct core_step *step,
			bool is_field)
{
	const struct btf_type *t = btf_view_type(local->view, step->type_id);
	int error;

	if (!step->name) {
		error = add_word(key, 1);
		return error ? error : add_word(key, step->index);
	}
	error = add_word(key, 2);
	if (!error)
		error = buf_add(key, step->name, strlen(step->name) + 1);
	if (!error && is_field)
		error = add_demand(key, local, btf_type_members(t)[step->index].type);
	return error;
}

/* Two relocations have equal keys only if they match the same candidates by the
 * same path. Those of whole types are not worth comparing between objects. */
static int need_key(struct buf *key, const struct core_object *object, const struct core_path *path,
		    enum core_class class_, uint32_t root)
{
	int error = add_word(key, class_);

	if (!error)
		error = add_word(key, root);
	if (class_ == CORE_CLASS_TYPE || class_ == CORE_CLASS_MATCH) {
		if (!error)
			error = add_word(key, object->first_use);
		return error ? error : add_word(key, path->root);
	}
	for (uint32_t i = 0; !error && i < path->step_count; i++)
		error = add_step_key(key, &object->local, &path->steps[i],
				     class_ == CORE_CLASS_FIELD);
	return error;
}

static int new_need(struct core_set *set, const struct core_object *object,
		    const struct core_path *path, enum bpf_core_relo_kind kind, uint32_t root)
{
	struct core_need **needs, *need;

	if (!(set->need_count & (set->need_count - 1))) { /* room is a power of two */
		needs = realloc(set->needs,
				(set->need_count ? set->need_count * 2 : 1) * sizeof(*needs));
		if (!needs)
			return -ENOMEM;
		set->needs = needs;
	}
	need = malloc(sizeof(*need));
	if (!need)
		return -ENOMEM;
	*need = (struct core_need){ .local = &object->local,
				    .class_ = class_of(kind),
				    .kind = kind,
				    .root = root,
				    .path = *path };
	set->needs[set->need_count++] = need;
	return 0;
}

static int add_need(struct core_set *set, const struct core_object *object,
		    const struct core_path *path, enum bpf_core_relo_kind kind, uint32_t root,
		    uint32_t *ret)
{
	AUTO_BUF struct buf key = BUF_INIT((size_t)1 << 30);
	uint32_t number;
	int error = need_key(&key, object, path, class_of(kind), root);

	if (!error)
		error = intern_add(&set->need_keys, key.data, key.size, &number);
	if (!error && number == set->need_count)
		error = new_need(set, object, path, kind, root);
	if (error)
		return error;
	if (kind == BPF_CORE_TYPE_ID_TARGET)
		set->needs[number]->is_id = true;
	*ret = number;
	return 0;
}

/* --- uses --------------------------------------------------------------------------------------- */

static void refuse(struct core_use *use, enum core_why why)
{
	use->need = CORE_NO_NEED;
	use->fixed = (struct core_result){ .state = CORE_REFUSED, .why = why };
}

static int add_use(struct core_set *set, struct core_object *object, struct core_use *use,
		   const struct bpf_object_relo *relo, const struct core_path *path)
{
	const struct btf_view *view = object->local.view;
	struct core_spot spot = core_path_end(path);
	uint32_t root;
	int error;

	*use = (struct core_use){ .relo = relo, .need = CORE_NO_NEED };
	if (core_calculate(&object->local, &spot, relo->kind, &use->old) < 0) {
		refuse(use, CORE_WHY_IMPOSSIBLE);
		return 0;
	}
	if (relo->kind == BPF_CORE_TYPE_ID_LOCAL) {
		use->fixed = (struct core_result){ .value = path->root };
		return 0;
	}
	if (!*btf_view_name(view, btf_view_type(view, path->root))) {
		refuse(use, CORE_WHY_ANONYMOUS);
		return 0;
	}
	error = add_root(set, view, path->root, &root);
	if (!error)
		error = add_need(set, object, path, relo->kind, root, &use->need);
	if (error)
		return error;
	use->group = root; /* until number_groups() */
	return 0;
}

static int compare_uses(const void *a_, const void *b_)
{
	const struct core_use *a = *(struct core_use *const *)a_;
	const struct core_use *b = *(struct core_use *const *)b_;

	return a->relo->type_id < b->relo->type_id ? -1 : a->relo->type_id > b->relo->type_id;
}

/* Uses of one local type form a group; add_use() has left the root in @group. */
static int number_groups(struct core_object *object)
{
	AUTO_FREE struct core_use **sorted = malloc((object->use_count + 1) * sizeof(*sorted));
	uint32_t last_type = 0;

	object->group_roots = malloc((object->use_count + 1) * sizeof(*object->group_roots));
	if (!sorted || !object->group_roots)
		return -ENOMEM;
	for (uint32_t i = 0; i < object->use_count; i++)
		sorted[i] = &object->uses[i];
	if (object->use_count)
		qsort(sorted, object->use_count, sizeof(*sorted), compare_uses);
	for (uint32_t i = 0; i < object->use_count; i++) {
		if (sorted[i]->need == CORE_NO_NEED)
			continue;
		if (!object->group_count || sorted[i]->relo->type_id != last_type)
			object->group_roots[object->group_count++] = sorted[i]->group;
		last_type = sorted[i]->relo->type_id;
		sorted[i]->group = object->group_count - 1;
	}
	return 0;
}

static int add_uses(struct core_set *set, struct core_object *object, struct btfpack_error *err)
{
	const struct bpf_object *o = object->object;
	struct core_path path;
	int error = 0;

	/* All are parsed before the first is added, so that a bad one leaves no trace. */
	for (size_t i = 0; !error && i < o->relo_count; i++)
		error = core_path_parse(o, &object->local, &o->relos[i], &path, err);
	if (error)
		return error;
	object->uses = calloc(o->relo_count + 1, sizeof(*object->uses));
	if (!object->uses)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", o->name);
	object->use_count = (uint32_t)o->relo_count;
	for (size_t i = 0; !error && i < o->relo_count; i++) {
		error = core_path_parse(o, &object->local, &o->relos[i], &path, err);
		if (!error)
			error = add_use(set, object, &object->uses[i], &o->relos[i], &path);
	}
	if (!error)
		error = number_groups(object);
	return error ? btfpack_error_set(err, error, "%s: out of memory", o->name) : 0;
}

int core_set_add(struct core_set *set, struct bpf_object *bpf, struct btfpack_error *err)
{
	bool big_host = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	struct core_object *object = calloc(1, sizeof(*object));
	struct core_object **objects =
		realloc(set->objects, (set->object_count + 1) * sizeof(*objects));
	int error;

	if (objects)
		set->objects = objects;
	if (!object || !objects || bpf->relo_count > UINT32_MAX / 2 - set->use_count) {
		free(object);
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", bpf->name);
		bpf_object_close(bpf);
		return error;
	}
	object->object = bpf;
	object->local = (struct core_btf){ .view = &bpf->btf,
					   .pointer_size = 8, /* BPF's, always */
					   .big_endian = bpf->other_order != big_host };
	object->first_use = set->use_count;
	error = add_uses(set, object, err);
	if (error == -ENOMEM && object->uses) {
		/* Needs may refer to it already: it stays, without uses. */
		object->use_count = object->group_count = 0;
		set->objects[set->object_count++] = object;
		return error;
	}
	if (error) {
		free_object(object);
		return error;
	}
	set->use_count += object->use_count;
	set->objects[set->object_count++] = object;
	return 0;
}
