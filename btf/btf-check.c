/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each type on its own: what kernel/bpf/btf.c demands of its fields and name, of
 * the kinds it refers to, of its members' places. One small function a kind.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf-check.h"
#include "btf/btf-hash.h"
#include "btf/btf-problem.h"
#include "core/cleanup.h"

#define NAME_MAXIMUM 511 /* KSYM_NAME_LEN - 1 since Linux 6.1 */

/* --- names ---------------------------------------------------------------------------------------- */

/* As __btf_name_valid() of the kernel: dots are letters to it. */
static bool is_identifier(const char *name)
{
	size_t length = 0;

	for (; name[length]; length++) {
		char ch = name[length];
		bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_' ||
			      ch == '.';

		if (length > NAME_MAXIMUM || !(letter || (length && ch >= '0' && ch <= '9')))
			return false;
	}
	return length > 0 && length <= NAME_MAXIMUM;
}

static bool is_section_name(const char *name)
{
	size_t length = 0;

	for (; name[length]; length++)
		if (length > NAME_MAXIMUM || name[length] < ' ' || name[length] > '~')
			return false;
	return length > 0;
}

enum name_rule { NAME_NONE, NAME_MAY, NAME_MUST, NAME_TEXT, NAME_SECTION };

static void check_name(struct btf_checker *c, uint32_t id, const char *name, enum name_rule rule)
{
	bool ok = true;

	switch (rule) {
	case NAME_NONE:
		ok = !*name;
		break;
	case NAME_MAY:
		ok = !*name || is_identifier(name);
		break;
	case NAME_MUST:
		ok = is_identifier(name);
		break;
	case NAME_TEXT:
		ok = *name;
		break;
	case NAME_SECTION:
		ok = is_section_name(name);
		break;
	}
	if (ok)
		return;
	if (rule == NAME_NONE)
		btf_check_error(c, BAD_NAME, id, "has a name, which its kind must not");
	else if (*name)
		btf_check_error(c, BAD_NAME, id, "'%.*s' is not a valid name", BTF_NAME_SHOWN, name);
	else
		btf_check_error(c, BAD_NAME, id, "a name is missing");
}

/* --- what may be referred to ---------------------------------------------------------------------- */

static const struct btf_type *type_at(const struct btf_checker *c, uint32_t id)
{
	return btf_view_type(c->view, id);
}

/* Pointers, typedefs and qualifiers: anything that is a type in C. */
static void check_ref(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	unsigned int target = btf_type_kind(type_at(c, t->type));

	if (target == BTF_KIND_VAR || target == BTF_KIND_DATASEC || target == BTF_KIND_DECL_TAG ||
	    target == BTF_KIND_FUNC)
		btf_check_error(c, BAD_REF, id, "refers to id %u, a %s", t->type,
				btf_kind_name(target));
	/* Linux 5.17: type tags come right after their pointer. */
	if (target == BTF_KIND_TYPE_TAG && btf_type_kind(t) != BTF_KIND_PTR &&
	    btf_type_kind(t) != BTF_KIND_TYPE_TAG)
		btf_check_error(c, BAD_REF, id, "stands before a type tag, id %u", t->type);
}

static bool has_size(const struct btf_checker *c, uint32_t id, uint64_t *ret)
{
	return !btf_view_size(c->view, id, c->pointer_size, ret) &&
	       btf_type_kind(type_at(c, id)) != BTF_KIND_VAR &&
	       btf_type_kind(type_at(c, id)) != BTF_KIND_DATASEC;
}

/* --- kinds ---------------------------------------------------------------------------------------- */

static void check_int(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	uint32_t word = btf_type_int_encoding(t), encoding = BTF_INT_ENCODING(word);
	uint32_t bits = BTF_INT_BITS(word) + BTF_INT_OFFSET(word);

	if (word & 0xf000ff00)
		btf_check_error(c, BAD_FIELD, id, "unknown bits are set in its encoding %#x", word);
	if (encoding & (encoding - 1))
		btf_check_error(c, BAD_FIELD, id, "encoding %u says more than one thing", encoding);
	if (bits > 128 || (bits + 7) / 8 > t->size || !BTF_INT_BITS(word))
		btf_check_error(c, BAD_SIZE, id, "%u bits at offset %u do not fit into %u bytes",
				BTF_INT_BITS(word), BTF_INT_OFFSET(word), t->size);
}

static void check_float(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	if (t->size != 2 && t->size != 4 && t->size != 8 && t->size != 12 && t->size != 16)
		btf_check_error(c, BAD_SIZE, id, "%u bytes", t->size);
}

static void check_array(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	const struct btf_array *array = btf_type_array(t);
	uint32_t index = btf_view_skip_typedefs(c->view, array->index_type);
	uint64_t size;

	if (t->size)
		btf_check_error(c, BAD_FIELD, id, "a size where none belongs");
	if (!has_size(c, array->type, &size))
		btf_check_error(c, BAD_REF, id, "its elements, id %u, have no size", array->type);
	else if (!has_size(c, id, &size) || size > UINT32_MAX)
		btf_check_error(c, BAD_SIZE, id, "%u elements make more than 4 GiB",
				array->nelems);
	if (btf_type_kind(type_at(c, index)) != BTF_KIND_INT)
		btf_check_error(c, BAD_REF, id, "its index, id %u, is not an int",
				array->index_type);
}

static void check_enum(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	bool wide = btf_type_kind(t) == BTF_KIND_ENUM64;

	if (!t->size || t->size > 8 || t->size & (t->size - 1))
		btf_check_error(c, BAD_SIZE, id, "%u bytes", t->size);
	for (uint32_t i = 0; i < btf_type_vlen(t); i++)
		check_name(c, id,
			   btf_view_string(c->view, wide ? btf_type_enums64(t)[i].name_off :
							   btf_type_enums(t)[i].name_off),
			   NAME_MUST);
}

static void check_fwd(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	if (t->type)
		btf_check_error(c, BAD_FIELD, id, "a type where none belongs");
}

static void report_member(struct btf_checker *c, uint32_t id, const struct btf_member *m,
			  const char *what, uint64_t number, uint64_t limit)
{
	const char *name = btf_view_string(c->view, m->name_off);

	btf_check_error(c, BAD_MEMBER, id, "member %.*s %s (%" PRIu64 ", limit %" PRIu64 ")",
			BTF_NAME_SHOWN, *name ? name : "(unnamed)", what, number, limit);
}

static void check_bitfield(struct btf_checker *c, uint32_t id, const struct btf_type *t,
			   const struct btf_member *m, struct btf_bits bits)
{
	const struct btf_type *type = type_at(c, btf_view_skip_typedefs(c->view, m->type));
	unsigned int kind = btf_type_kind(type);
	uint64_t end = (uint64_t)bits.offset + bits.width;

	if (kind != BTF_KIND_INT && !btf_kind_is_enum(kind))
		report_member(c, id, m, "is a bitfield of a type that cannot be one, kind", kind, 0);
	else if (bits.width > (uint64_t)type->size * 8)
		report_member(c, id, m, "is a bitfield wider than its type, in bits", bits.width,
			      (uint64_t)type->size * 8);
	if (end > (uint64_t)t->size * 8)
		report_member(c, id, m, "ends past the end, in bits", end, (uint64_t)t->size * 8);
}

static void check_member(struct btf_checker *c, uint32_t id, const struct btf_type *t,
			 const struct btf_member *m)
{
	struct btf_bits bits = btf_view_member_bits(c->view, t, m);
	uint64_t size;

	check_name(c, id, btf_view_string(c->view, m->name_off), NAME_MAY);
	if (bits.width) {
		check_bitfield(c, id, t, m, bits);
	} else if (!has_size(c, m->type, &size)) {
		btf_check_error(c, BAD_REF, id, "member %.*s, id %u, has no size", BTF_NAME_SHOWN,
				btf_view_string(c->view, m->name_off), m->type);
	} else {
		if (bits.offset % 8)
			report_member(c, id, m, "does not start on a byte, at bit", bits.offset, 0);
		if (size > t->size || bits.offset / 8 > t->size - size)
			report_member(c, id, m, "ends past the end, in bytes",
				      bits.offset / 8 + size, t->size);
	}
}

static void check_composite(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	bool is_union = btf_type_kind(t) == BTF_KIND_UNION;
	uint32_t last = 0;

	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = &btf_type_members(t)[i];
		uint32_t offset = btf_member_bit_offset(t, m);

		check_member(c, id, t, m);
		if (is_union && offset)
			report_member(c, id, m, "of a union is not at its start, at bit", offset,
				      0);
		if (!is_union && offset < last)
			report_member(c, id, m, "starts before the one before it, at bit", offset,
				      last);
		last = offset;
	}
}

static void check_func(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	if (btf_type_kind(type_at(c, t->type)) != BTF_KIND_FUNC_PROTO)
		btf_check_error(c, BAD_REF, id, "its prototype, id %u, is a %s", t->type,
				btf_kind_name(btf_type_kind(type_at(c, t->type))));
	if (btf_type_vlen(t) > BTF_FUNC_EXTERN)
		btf_check_error(c, BAD_FIELD, id, "unknown linkage %u", btf_type_vlen(t));
}

/* A value that can be passed: it has a size, or will have one in another unit. */
static bool is_passable(const struct btf_checker *c, uint32_t id)
{
	uint64_t size;

	return has_size(c, id, &size) ||
	       btf_type_kind(type_at(c, btf_view_skip_typedefs(c->view, id))) == BTF_KIND_FWD;
}

static bool is_void(const struct btf_checker *c, uint32_t id)
{
	/* Void for a loop too, but that is told as one. */
	return !btf_view_skip_typedefs(c->view, id);
}

static void check_func_proto(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	uint32_t vlen = btf_type_vlen(t);

	if (!is_void(c, t->type) && !is_passable(c, t->type))
		btf_check_error(c, BAD_REF, id, "returns id %u, which is no value", t->type);
	for (uint32_t i = 0; i < vlen; i++) {
		const struct btf_param *p = &btf_type_params(t)[i];
		const char *name = btf_view_string(c->view, p->name_off);

		check_name(c, id, name, NAME_MAY);
		if (!p->type && (i != vlen - 1 || *name))
			btf_check_error(c, BAD_REF, id, "parameter %u is void", i);
		else if (p->type && !is_passable(c, p->type))
			btf_check_error(c, BAD_REF, id, "parameter %u is id %u, which is no value",
					i, p->type);
	}
}

static void check_var(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	uint64_t size;

	if (!has_size(c, t->type, &size))
		btf_check_error(c, BAD_REF, id, "its type, id %u, has no size", t->type);
	if (btf_type_var(t)->linkage > BTF_VAR_GLOBAL_EXTERN)
		btf_check_error(c, BAD_FIELD, id, "unknown linkage %u", btf_type_var(t)->linkage);
}

static void check_datasec(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	uint64_t last_end = 0, size;

	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_var_secinfo *info = &btf_type_secinfos(t)[i];
		const struct btf_type *var = type_at(c, info->type);
		uint64_t end = (uint64_t)info->offset + info->size;

		if (btf_type_kind(var) != BTF_KIND_VAR && btf_type_kind(var) != BTF_KIND_FUNC)
			btf_check_error(c, BAD_REF, id, "entry %u, id %u, is no variable", i,
					info->type);
		else if (btf_type_kind(var) == BTF_KIND_VAR && has_size(c, var->type, &size) &&
			 size > info->size)
			btf_check_error(c, BAD_SIZE, id,
					"variable %.*s has %u bytes, its type %" PRIu64, BTF_NAME_SHOWN,
					btf_view_name(c->view, var), info->size, size);
		if (!t->size) /* an object file's: libbpf fills in sizes and offsets */
			continue;
		if (info->offset < last_end)
			btf_check_error(c, BAD_MEMBER, id, "entry %u starts at %u, before %" PRIu64,
					i, info->offset, last_end);
		if (end > t->size || !info->size)
			btf_check_error(c, BAD_MEMBER, id,
					"entry %u (%u bytes at %u) is not within its %u bytes", i,
					info->size, info->offset, t->size);
		last_end = end;
	}
}

static void check_decl_tag(struct btf_checker *c, uint32_t id, const struct btf_type *t)
{
	const struct btf_type *target = type_at(c, t->type);
	int64_t part = btf_type_decl_tag(t)->component_idx, parts = 0;

	switch (btf_type_kind(target)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		parts = btf_type_vlen(target);
		break;
	case BTF_KIND_FUNC:
		target = type_at(c, target->type);
		parts = btf_type_kind(target) == BTF_KIND_FUNC_PROTO ? btf_type_vlen(target) : 0;
		break;
	case BTF_KIND_VAR:
	case BTF_KIND_TYPEDEF:
		break;
	default:
		btf_check_error(c, BAD_REF, id, "is on id %u, a %s", t->type,
				btf_kind_name(btf_type_kind(target)));
		return;
	}
	if (part < -1 || part >= parts)
		btf_check_error(c, BAD_FIELD, id, "is on part %" PRId64 " of %" PRId64, part,
				parts);
}

/* --- all of them ---------------------------------------------------------------------------------- */

#define VLEN  1u /* vlen means something */
#define KFLAG 2u /* the flag means something */

static const struct {
	void (*check)(struct btf_checker *c, uint32_t id, const struct btf_type *t);
	enum name_rule name;
	unsigned int flags;
} rules[NR_BTF_KINDS] = {
	[BTF_KIND_INT] = { check_int, NAME_TEXT, 0 },
	[BTF_KIND_PTR] = { check_ref, NAME_NONE, 0 },
	[BTF_KIND_ARRAY] = { check_array, NAME_NONE, 0 },
	[BTF_KIND_STRUCT] = { check_composite, NAME_MAY, VLEN | KFLAG },
	[BTF_KIND_UNION] = { check_composite, NAME_MAY, VLEN | KFLAG },
	[BTF_KIND_ENUM] = { check_enum, NAME_MAY, VLEN | KFLAG },
	[BTF_KIND_FWD] = { check_fwd, NAME_MUST, KFLAG },
	[BTF_KIND_TYPEDEF] = { check_ref, NAME_MUST, 0 },
	[BTF_KIND_VOLATILE] = { check_ref, NAME_NONE, 0 },
	[BTF_KIND_CONST] = { check_ref, NAME_NONE, 0 },
	[BTF_KIND_RESTRICT] = { check_ref, NAME_NONE, 0 },
	[BTF_KIND_FUNC] = { check_func, NAME_MUST, VLEN },
	[BTF_KIND_FUNC_PROTO] = { check_func_proto, NAME_NONE, VLEN },
	[BTF_KIND_VAR] = { check_var, NAME_MUST, 0 },
	[BTF_KIND_DATASEC] = { check_datasec, NAME_SECTION, VLEN },
	[BTF_KIND_FLOAT] = { check_float, NAME_TEXT, 0 },
	[BTF_KIND_DECL_TAG] = { NULL, NAME_TEXT, KFLAG },
	[BTF_KIND_TYPE_TAG] = { check_ref, NAME_TEXT, KFLAG },
	[BTF_KIND_ENUM64] = { check_enum, NAME_MAY, VLEN | KFLAG },
};

static void check_type(struct btf_checker *c, uint32_t id)
{
	const struct btf_type *t = type_at(c, id);
	unsigned int kind = btf_type_kind(t);

	c->sum->by_kind[kind]++;
	if (t->info & ~0x9f00ffffu)
		btf_check_error(c, BAD_FIELD, id, "unknown bits are set in its info %#x", t->info);
	if (!(rules[kind].flags & VLEN) && btf_type_vlen(t))
		btf_check_error(c, BAD_FIELD, id, "vlen %u where none belongs", btf_type_vlen(t));
	if (!(rules[kind].flags & KFLAG) && btf_type_kflag(t))
		btf_check_error(c, BAD_FIELD, id, "its flag is set where none belongs");
	check_name(c, id, btf_view_name(c->view, t), rules[kind].name);
	if (kind == BTF_KIND_DECL_TAG)
		check_decl_tag(c, id, t);
	else
		rules[kind].check(c, id, t);
}

/* --- the whole ------------------------------------------------------------------------------------ */

static void check_task_struct(struct btf_checker *c)
{
	uint32_t count = 0;

	for (uint32_t id = c->view->first_id; id < c->view->end_id; id++) {
		const struct btf_type *t = type_at(c, id);

		count += btf_type_kind(t) == BTF_KIND_STRUCT &&
			 !strcmp(btf_view_name(c->view, t), "task_struct");
	}
	if (count != 1)
		btf_check_error(c, NOT_KERNEL, 0,
				"%u definitions of struct task_struct, a kernel has exactly one",
				count);
}

struct named {
	uint64_t hash; /* of kind and name */
	uint32_t id;
};

static int compare_named(const void *a, const void *b)
{
	const struct named *x = a, *y = b;

	return x->hash != y->hash ? (x->hash < y->hash ? -1 : 1) :
				    (x->id > y->id) - (x->id < y->id);
}

static uint64_t hash_named(const struct btf_view *view, const struct btf_type *t)
{
	bool is_union = btf_type_kind(t) == BTF_KIND_UNION ||
			(btf_type_kind(t) == BTF_KIND_FWD && btf_type_kflag(t));

	return btf_hash_string(btf_view_name(view, t)) * 2 + is_union;
}

static uint32_t list_definitions(const struct btf_view *view, struct named *named)
{
	uint32_t count = 0;

	for (uint32_t id = 1; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);

		if (btf_kind_is_composite(btf_type_kind(t)) && *btf_view_name(view, t))
			named[count++] = (struct named){ hash_named(view, t), id };
	}
	qsort(named, count, sizeof(*named), compare_named);
	return count;
}

/* The first definition with @hash, or @count. */
static uint32_t find_definition(const struct named *named, uint32_t count, uint64_t hash)
{
	uint32_t low = 0, high = count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (named[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && named[low].hash == hash ? low : count;
}

/* With several definitions nobody can say which was meant: no problem then. */
static int check_forwards(struct btf_checker *c)
{
	AUTO_FREE struct named *named = malloc(c->view->end_id * sizeof(*named));
	uint32_t count;

	if (!named)
		return -ENOMEM;
	count = list_definitions(c->view, named);
	for (uint32_t id = c->view->first_id; id < c->view->end_id; id++) {
		const struct btf_type *t = type_at(c, id);
		uint64_t hash = hash_named(c->view, t);
		uint32_t i;

		if (btf_type_kind(t) != BTF_KIND_FWD)
			continue;
		i = find_definition(named, count, hash);
		if (i < count && (i + 1 == count || named[i + 1].hash != hash))
			btf_check_warning(c, UNRESOLVED, id, "its definition is there as id %u",
					  named[i].id);
	}
	return 0;
}

int btf_check(const struct btf_view *view, const struct btfpack_btf_check_opts *opts,
	      btfpack_btf_problem_fn fn, void *arg, struct btfpack_btf_check_summary *ret,
	      struct btfpack_error *first)
{
	struct btfpack_btf_check_summary sum = { .types = view->end_id - view->first_id };
	struct btf_checker c = {
		.view = view,
		.opts = opts,
		.pointer_size = btf_view_pointer_size(view),
		.fn = fn,
		.arg = arg,
		.sum = &sum,
		.first = first,
	};
	int error;

	for (uint32_t id = view->first_id; id < view->end_id; id++)
		check_type(&c, id);
	error = btf_check_loops(&c);
	if (!error && opts->is_vmlinux)
		check_task_struct(&c);
	if (!error)
		error = check_forwards(&c);
	if (!error && !opts->skip_duplicates)
		error = btf_check_duplicates(&c);
	if (error)
		return error;
	*ret = sum;
	return 0;
}

int btfpack_btf_check(const struct btfpack_blob *btf, const struct btfpack_btf_check_opts *opts,
		      btfpack_btf_problem_fn fn, void *arg, struct btfpack_btf_check_summary *ret,
		      struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view base = { 0 }, view = { 0 };
	struct btfpack_btf_check_opts own = { 0 };
	struct btfpack_btf_check_summary sum;
	struct btfpack_error first;
	int error = 0;

	if (opts && opts->size < sizeof(opts->size))
		return btfpack_error_set(err, -EINVAL, "btfpack_btf_check: opts->size is not set");
	if (opts)
		memcpy(&own, opts, opts->size < sizeof(own) ? opts->size : sizeof(own));
	own.name = own.name ? own.name : "BTF";
	if (own.base)
		error = btf_view_init(&base, own.base->data, own.base->size, NULL,
				      "the base of the BTF", err);
	if (!error)
		error = btf_view_init(&view, btf->data, btf->size, own.base ? &base : NULL,
				      own.name, err);
	if (error)
		return error;
	error = btf_check(&view, &own, fn, arg, &sum, &first);
	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", own.name);
	if (ret)
		*ret = sum;
	return sum.errors ? btfpack_error_set(err, -EBADMSG, "%s", first.message) : 0;
}
