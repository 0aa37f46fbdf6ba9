/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "btfgen/btf-emit.h"
#include "core/buf.h"

#define MEMBERS_MAXIMUM 0xffff /* what the type's vlen field holds */

static int emit_name(struct btf_emit *emit, dwarf_name name, uint32_t *ret)
{
	return emit_names_string(&emit->names, name, ret);
}

static const struct class_item *items_of(const struct btf_emit *emit,
					 const struct type_class *class)
{
	return class->item_count ? emit->graph->table->items + class->first_item : NULL;
}

/* The id of what item @i of the node leads to. */
static uint32_t target_id(const struct btf_emit *emit, const struct type_node *node, uint32_t i)
{
	return btf_emit_id(emit, emit->graph->targets[node->first_target + i]);
}

static int too_much(struct btf_emit *emit, const struct type_class *class, const char *what,
		    struct btfpack_error *err)
{
	char packed[8];

	return btfpack_error_set(err, -EFBIG, "%s: %s %s: %s", emit->file->image->path,
				 btf_kind_name(class->kind),
				 dwarf_string(emit->file, class->name, packed), what);
}

static int emit_int(struct btf_emit *emit, const struct type_class *class)
{
	bool odd = !class->size || class->size > 16 || (class->size & (class->size - 1));
	/* clang makes base types of any width for DW_OP_convert. Readers want powers of
	 * two; pahole writes such types so, and nothing but locations refers to them. */
	uint32_t size = odd ? 4 : class->size, encoding = 0;
	struct btf_type t = { .info = btf_info(BTF_KIND_INT, 0, false), .size = size };
	int error;

	if (class->flags & TYPE_SIGNED)
		encoding = BTF_INT_SIGNED;
	else if (class->flags & TYPE_BOOL)
		encoding = BTF_INT_BOOL;
	encoding = encoding << 24 | size * 8;
	error = odd ? btf_build_string(emit->build, "__SANITIZED_FAKE_INT__", &t.name_off)
		    : emit_name(emit, class->name, &t.name_off);
	return error ? error : btf_build_type(emit->build, &t, &encoding, NULL);
}

static int emit_float(struct btf_emit *emit, const struct type_class *class)
{
	struct btf_type t = { .info = btf_info(BTF_KIND_FLOAT, 0, false), .size = class->size };
	int error = emit_name(emit, class->name, &t.name_off);

	return error ? error : btf_build_type(emit->build, &t, NULL, NULL);
}

static int emit_reference(struct btf_emit *emit, const struct type_class *class,
			  const struct type_node *node)
{
	struct btf_type t = {
		.info = btf_info(class->kind, 0, false),
		.type = target_id(emit, node, 0),
	};
	int error = emit_name(emit, class->name, &t.name_off);

	return error ? error : btf_build_type(emit->build, &t, NULL, NULL);
}

static int emit_array(struct btf_emit *emit, const struct type_class *class,
		      const struct type_node *node)
{
	struct btf_type t = { .info = btf_info(BTF_KIND_ARRAY, 0, false) };
	struct btf_array array = {
		.type = target_id(emit, node, 0),
		.index_type = emit->index_type,
		.nelems = class->size,
	};

	return btf_build_type(emit->build, &t, &array, NULL);
}

static int emit_forward(struct btf_emit *emit, const struct type_class *class)
{
	struct btf_type t = {
		.info = btf_info(BTF_KIND_FWD, 0, class->kind == BTF_KIND_UNION),
	};
	int error = emit_name(emit, class->name, &t.name_off);

	return error ? error : btf_build_type(emit->build, &t, NULL, NULL);
}

static int emit_members(struct btf_emit *emit, const struct type_class *class,
			const struct type_node *node, struct buf *buf, bool kflag,
			struct btfpack_error *err)
{
	const struct class_item *items = items_of(emit, class);

	for (uint32_t i = 0; i < class->item_count; i++) {
		struct btf_member m = { .type = target_id(emit, node, i) };
		int error;

		if (items[i].value > (kflag ? 0xffffff : UINT32_MAX))
			return too_much(emit, class, "a member lies further in than BTF can say",
					err);
		m.offset = (uint32_t)items[i].value | (kflag ? (uint32_t)items[i].bits << 24 : 0);
		error = emit_name(emit, items[i].name, &m.name_off);
		if (!error)
			error = buf_add(buf, &m, sizeof(m));
		if (error)
			return error;
	}
	return 0;
}

static int emit_composite(struct btf_emit *emit, const struct type_class *class,
			  const struct type_node *node, struct btfpack_error *err)
{
	AUTO_BUF struct buf buf = BUF_INIT(MEMBERS_MAXIMUM * sizeof(struct btf_member));
	const struct class_item *items = items_of(emit, class);
	struct btf_type t = { .size = class->size };
	bool kflag = false;
	int error;

	if (class->flags & TYPE_DECLARATION)
		return emit_forward(emit, class);
	for (uint32_t i = 0; i < class->item_count; i++)
		kflag = kflag || items[i].bits;
	if (class->item_count > MEMBERS_MAXIMUM)
		return too_much(emit, class, "more than 65,535 members", err);
	t.info = btf_info(class->kind, class->item_count, kflag);
	error = emit_name(emit, class->name, &t.name_off);
	if (!error)
		error = emit_members(emit, class, node, &buf, kflag, err);
	return error ? error : btf_build_type(emit->build, &t, buf.data, NULL);
}

static int emit_enumerators(struct btf_emit *emit, const struct type_class *class, bool wide,
			    struct buf *buf)
{
	const struct class_item *items = items_of(emit, class);
	int error = 0;

	for (uint32_t i = 0; i < class->item_count && !error; i++) {
		uint32_t name;

		error = emit_name(emit, items[i].name, &name);
		if (!error && wide)
			error = buf_add(buf,
					&(struct btf_enum64){
						name,
						(uint32_t)items[i].value,
						(uint32_t)(items[i].value >> 32),
					},
					sizeof(struct btf_enum64));
		else if (!error)
			error = buf_add(buf, &(struct btf_enum){ name, (int32_t)items[i].value },
					sizeof(struct btf_enum));
	}
	return error;
}

static int emit_enum(struct btf_emit *emit, const struct type_class *class,
		     struct btfpack_error *err)
{
	AUTO_BUF struct buf buf = BUF_INIT(MEMBERS_MAXIMUM * sizeof(struct btf_enum64));
	const struct class_item *items = items_of(emit, class);
	bool wide = class->size > 4 && !emit->no_enum64, is_signed = false;
	struct btf_type t = { .size = class->size ? class->size : 4 };
	int error;

	for (uint32_t i = 0; i < class->item_count; i++)
		is_signed = is_signed || items[i].is_negative;
	if (class->item_count > MEMBERS_MAXIMUM)
		return too_much(emit, class, "more than 65,535 values", err);
	t.info = btf_info(wide ? BTF_KIND_ENUM64 : BTF_KIND_ENUM, class->item_count, is_signed);
	error = emit_name(emit, class->name, &t.name_off);
	if (!error)
		error = emit_enumerators(emit, class, wide, &buf);
	return error ? error : btf_build_type(emit->build, &t, buf.data, NULL);
}

/* The first item is what it returns; variable arguments end as a parameter
 * without name and type. */
static int emit_proto(struct btf_emit *emit, const struct type_class *class,
		      const struct type_node *node, struct btfpack_error *err)
{
	AUTO_BUF struct buf buf = BUF_INIT((MEMBERS_MAXIMUM + 1) * sizeof(struct btf_param));
	const struct class_item *items = items_of(emit, class);
	bool varargs = class->flags & TYPE_VARARGS;
	uint32_t count = class->item_count - 1 + varargs;
	struct btf_type t = { .type = target_id(emit, node, 0) };
	int error = 0;

	if (count > MEMBERS_MAXIMUM)
		return too_much(emit, class, "more than 65,535 parameters", err);
	t.info = btf_info(BTF_KIND_FUNC_PROTO, count, false);
	for (uint32_t i = 1; i < class->item_count && !error; i++) {
		struct btf_param p = { .type = target_id(emit, node, i) };

		error = emit_name(emit, items[i].name, &p.name_off);
		if (!error)
			error = buf_add(&buf, &p, sizeof(p));
	}
	if (!error && varargs)
		error = buf_add(&buf, NULL, sizeof(struct btf_param));
	return error ? error : btf_build_type(emit->build, &t, buf.data, NULL);
}

/* A tag on what @id declares, or on its component. */
static int emit_tag(struct btf_emit *emit, const char *text, uint32_t id, int32_t component)
{
	struct btf_type t = { .info = btf_info(BTF_KIND_DECL_TAG, 0, false), .type = id };
	struct btf_decl_tag tag = { .component_idx = component };
	int error = btf_build_string(emit->build, text, &t.name_off);

	return error ? error : btf_build_type(emit->build, &t, &tag, NULL);
}

static int emit_decl_tag(struct btf_emit *emit, const struct type_class *class,
			 const struct type_node *node)
{
	char packed[8];

	return emit_tag(emit, dwarf_string(emit->file, class->name, packed),
			target_id(emit, node, 0), (int32_t) class->size);
}

static int emit_node(struct btf_emit *emit, const struct type_node *node, struct btfpack_error *err)
{
	const struct type_class *class = &emit->graph->table->classes[node->class_index];

	switch (class->kind) {
	case BTF_KIND_INT:
		return emit_int(emit, class);
	case BTF_KIND_FLOAT:
		return emit_float(emit, class);
	case BTF_KIND_ARRAY:
		return emit_array(emit, class, node);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return emit_composite(emit, class, node, err);
	case BTF_KIND_ENUM:
		return emit_enum(emit, class, err);
	case BTF_KIND_FUNC_PROTO:
		return emit_proto(emit, class, node, err);
	case BTF_KIND_DECL_TAG:
		return emit_decl_tag(emit, class, node);
	default:
		return emit_reference(emit, class, node);
	}
}

/* The name may be an inline string (gcc) or one of .debug_str (clang). */
static bool is_index_class(const struct btf_emit *emit, const struct type_class *class)
{
	char packed[8];

	return class->kind == BTF_KIND_INT && class->size == 4 && class->flags & TYPE_SIGNED &&
	       !strcmp(dwarf_string(emit->file, class->name, packed), "int");
}

static uint32_t find_index_in_base(const struct btf_view *base)
{
	for (uint32_t id = 1; base && id < base->end_id; id++) {
		const struct btf_type *t = btf_view_type(base, id);

		if (btf_type_kind(t) == BTF_KIND_INT && t->size == 4 &&
		    !strcmp(btf_view_name(base, t), "int"))
			return id;
	}
	return 0;
}

/* Number the nodes, and find the type of array indices. DWARF's own (a subrange's
 * type) is of no use to anyone; every array gets "int", as kernels have it. Where
 * there is none it goes behind all nodes. */
static void number_nodes(struct btf_emit *emit)
{
	uint32_t next = btf_build_next_id(emit->build);
	bool needed = false;

	emit->index_type = find_index_in_base(emit->base);
	for (uint32_t n = 0; n < emit->graph->node_count; n++) {
		const struct type_class *class =
			&emit->graph->table->classes[emit->graph->nodes[n].class_index];

		if (!emit->ids[n])
			emit->ids[n] = next++;
		needed = needed || class->kind == BTF_KIND_ARRAY;
		if (!emit->index_type && is_index_class(emit, class))
			emit->index_type = emit->ids[n];
	}
	if (needed && !emit->index_type)
		emit->index_type = next;
}

static int emit_index_type(struct btf_emit *emit)
{
	static const struct type_class class = {
		.kind = BTF_KIND_INT,
		.size = 4,
		.flags = TYPE_SIGNED,
		.name = NAME_MAKE(NAME_PACKED, 'i' | 'n' << 8 | 't' << 16),
	};

	return emit_int(emit, &class);
}

int btf_emit_graph(struct btf_emit *emit, struct btfpack_error *err)
{
	int error = 0;

	number_nodes(emit);
	for (uint32_t n = 0; n < emit->graph->node_count && !error; n++)
		if (emit->ids[n] == btf_build_next_id(emit->build))
			error = emit_node(emit, &emit->graph->nodes[n], err);
	if (!error && emit->index_type == btf_build_next_id(emit->build))
		error = emit_index_type(emit);
	if (error && (!err || err->code != error))
		return btfpack_error_set(err, error, "%s: cannot write its BTF: %s",
					 emit->file->image->path, strerror(-error));
	return error;
}

/* The tags of what @id declares. */
static int emit_tags(struct btf_emit *emit, const struct decl_tags *tags,
		     struct decl_tag_range range, uint32_t id)
{
	char packed[8];
	int error = 0;

	for (uint32_t i = range.first; i < range.first + range.count && !error; i++)
		error = emit_tag(emit, dwarf_string(emit->file, tags->tags[i].value, packed), id,
				 tags->tags[i].component);
	return error;
}

/* A tag that the build adds, unless the source has it. */
static int emit_own_tag(struct btf_emit *emit, const struct func_defs *funcs,
			const struct func_def *func, const char *text, uint32_t id)
{
	const struct decl_tag *tags = funcs->tags.tags + func->tags.first;
	char packed[8];

	for (uint32_t i = 0; i < func->tags.count; i++)
		if (tags[i].component == -1 &&
		    !strcmp(dwarf_string(emit->file, tags[i].value, packed), text))
			return 0;
	return emit_tag(emit, text, id, -1);
}

static int emit_function_tags(struct btf_emit *emit, const struct func_defs *funcs,
			      const struct kfuncs *kfuncs, uint32_t first_id)
{
	int error = 0;

	for (uint32_t i = 0; i < funcs->count && !error; i++) {
		char packed[8];
		const struct func_def *func = &funcs->defs[i];
		const struct kfunc *kfunc =
			kfuncs_find(kfuncs, dwarf_string(emit->file, func->dwarf_name, packed));

		error = emit_tags(emit, &funcs->tags, func->tags, first_id + i);
		if (kfunc && !error)
			error = emit_own_tag(emit, funcs, func, "bpf_kfunc", first_id + i);
		if (kfunc && kfunc->is_fastcall && !error)
			error = emit_own_tag(emit, funcs, func, "bpf_fastcall", first_id + i);
	}
	return error;
}

/* How many functions ahead of the one at hand a name is asked for: nearly each is
 * another, anywhere in memory. */
#define NAMES_AHEAD 32

int btf_emit_functions(struct btf_emit *emit, const struct func_defs *funcs,
		       const struct kfuncs *kfuncs, const uint32_t *nodes)
{
	uint32_t first_id = btf_build_next_id(emit->build);
	int error = 0;

	for (uint32_t i = 0; i < funcs->count && !error; i++) {
		/* Kernels' FUNCs are all BTF_FUNC_STATIC, which is 0. */
		struct btf_type t = {
			.info = btf_info(BTF_KIND_FUNC, BTF_FUNC_STATIC, false),
			.type = btf_emit_id(emit, nodes[i]),
		};

		if (i + NAMES_AHEAD < funcs->count)
			emit_names_expect(&emit->names, funcs->defs[i + NAMES_AHEAD].dwarf_name);
		error = emit_name(emit, funcs->defs[i].dwarf_name, &t.name_off);
		if (!error)
			error = btf_build_type(emit->build, &t, NULL, NULL);
	}
	return error ? error : emit_function_tags(emit, funcs, kfuncs, first_id);
}

static int emit_datasec(struct btf_emit *emit, const struct percpu_section *section,
			const struct buf *secinfos)
{
	size_t count = secinfos->size / sizeof(struct btf_var_secinfo);
	struct btf_type t = {
		.info = btf_info(BTF_KIND_DATASEC, (unsigned int)count, false),
		.size = (uint32_t)section->size,
	};
	int error = btf_build_string(emit->build, PERCPU_NAME, &t.name_off);

	return error ? error : btf_build_type(emit->build, &t, secinfos->data, NULL);
}

int btf_emit_variables(struct btf_emit *emit, const struct var_defs *vars,
		       const struct percpu_section *section, const uint32_t *nodes)
{
	AUTO_BUF struct buf secinfos = BUF_INIT(MEMBERS_MAXIMUM * sizeof(struct btf_var_secinfo));
	uint32_t first_id = btf_build_next_id(emit->build);
	int error = 0;

	for (uint32_t i = 0; i < vars->count && !error; i++) {
		const struct var_def *var = &vars->defs[i];
		struct btf_type t = {
			.info = btf_info(BTF_KIND_VAR, 0, false),
			.type = btf_emit_id(emit, nodes[i]),
		};
		struct btf_var linkage = {
			var->is_global ? BTF_VAR_GLOBAL_ALLOCATED : BTF_VAR_STATIC,
		};
		struct btf_var_secinfo secinfo = { .offset = var->position, .size = var->size };

		error = emit_name(emit, var->name, &t.name_off);
		if (!error)
			error = btf_build_type(emit->build, &t, &linkage, &secinfo.type);
		if (!error)
			error = buf_add(&secinfos, &secinfo, sizeof(secinfo));
	}
	if (error || !vars->count)
		return error;
	error = emit_datasec(emit, section, &secinfos);
	for (uint32_t i = 0; i < vars->count && !error; i++)
		error = emit_tags(emit, &vars->tags, vars->defs[i].tags, first_id + i);
	return error;
}
