/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "btfgen/core-match.h"
#include "btfgen/core-types.h"

/* Types of a field on both sides: see the rules in core-match.h. */
static int fields_agree(const struct core_btf *local, uint32_t local_id,
			const struct core_btf *kernel, uint32_t kernel_id)
{
	/* An array of itself is the one loop that can be here; no array has 64 dimensions. */
	for (int depth = 0; depth < CORE_PATH_MAXIMUM; depth++) {
		const struct btf_type *l, *k;

		l = btf_view_type(local->view, btf_view_skip_typedefs(local->view, local_id));
		k = btf_view_type(kernel->view, btf_view_skip_typedefs(kernel->view, kernel_id));
		if (btf_kind_is_composite(btf_type_kind(l)) &&
		    btf_kind_is_composite(btf_type_kind(k)))
			return 1;
		if (!core_kinds_agree(l, k))
			return 0;
		switch (btf_type_kind(l)) {
		case BTF_KIND_PTR:
		case BTF_KIND_FLOAT:
			return 1;
		case BTF_KIND_FWD:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return core_names_agree_or_anonymous(local, l->name_off, kernel,
							     k->name_off);
		case BTF_KIND_INT: /* bitfields written as integers, before 2019: not relocatable */
			return !BTF_INT_OFFSET(btf_type_int_encoding(l)) &&
			       !BTF_INT_OFFSET(btf_type_int_encoding(k));
		case BTF_KIND_ARRAY:
			local_id = btf_type_array(l)->type;
			kernel_id = btf_type_array(k)->type;
			continue;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

/* The search for one member: what stays the same on the way down. */
struct search {
	const struct core_btf *local;
	const struct core_btf *kernel;
	const char *name;
	uint32_t local_type; /* of the member */
	struct core_path *path;
	uint32_t found_type; /* of the kernel's member */
};

/* Find the member in the struct or union @id or in the anonymous ones within; the
 * path grows by the members on the way. */
static int find_member(struct search *search, uint32_t id)
{
	const struct btf_view *view = search->kernel->view;
	const struct btf_type *t;
	struct core_path *path = search->path;

	id = btf_view_skip_typedefs(view, id);
	t = btf_view_type(view, id);
	if (!btf_kind_is_composite(btf_type_kind(t)))
		return 0;
	if (btf_type_vlen(t) && path->raw_count == CORE_PATH_MAXIMUM)
		return -E2BIG;
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = btf_type_members(t) + i;
		const char *name = btf_view_string(view, m->name_off);
		uint32_t raw_count = path->raw_count, bit_offset = path->bit_offset;
		int found;

		if (*name && (*name != *search->name || strcmp(name, search->name)))
			continue;
		path->raw[path->raw_count++] = i;
		path->bit_offset += btf_member_bit_offset(t, m);
		if (*name) {
			path->steps[path->step_count++] =
				(struct core_step){ .name = name, .type_id = id, .index = i };
			search->found_type = m->type;
			return fields_agree(search->local, search->local_type, search->kernel,
					    m->type);
		}
		found = find_member(search, m->type);
		if (found)
			return found;
		path->raw_count = raw_count;
		path->bit_offset = bit_offset;
	}
	return 0;
}

static int match_member(const struct core_btf *local, const struct core_step *step,
			const struct core_btf *kernel, uint32_t *id, struct core_path *ret)
{
	const struct btf_type *t = btf_view_type(local->view, step->type_id);
	struct search search = {
		.local = local,
		.kernel = kernel,
		.name = step->name,
		.local_type = btf_type_members(t)[step->index].type,
		.path = ret,
	};
	int found = find_member(&search, *id);

	*id = search.found_type;
	return found;
}

/* The first step stands for p[0], on the root itself; later ones for elements. */
static int match_element(const struct core_step *step, const struct core_btf *kernel, uint32_t *id,
			 struct core_path *ret)
{
	const struct btf_type *t = btf_view_type(kernel->view, *id);
	int64_t size;

	if (ret->step_count) {
		const struct btf_array *array = btf_type_array(t);

		if (btf_type_kind(t) != BTF_KIND_ARRAY)
			return 0;
		if (step->index >= array->nelems &&
		    !core_is_flexible(kernel, &ret->steps[ret->step_count - 1], array))
			return 0;
		*id = btf_view_skip_typedefs(kernel->view, array->type);
	}
	if (ret->raw_count == CORE_PATH_MAXIMUM)
		return -E2BIG;
	ret->steps[ret->step_count++] = (struct core_step){ .type_id = *id, .index = step->index };
	ret->raw[ret->raw_count++] = step->index;
	size = core_size(kernel, *id);
	if (size < 0)
		return (int)size;
	ret->bit_offset += (uint32_t)(step->index * (uint64_t)size * 8);
	return 1;
}

static int match_field(const struct core_btf *local, const struct core_path *path,
		       const struct core_btf *kernel, uint32_t id, struct core_path *ret)
{
	for (uint32_t i = 0; i < path->step_count; i++) {
		const struct core_step *step = &path->steps[i];
		int matched;

		id = btf_view_skip_typedefs(kernel->view, id);
		matched = step->name ? match_member(local, step, kernel, &id, ret)
				     : match_element(step, kernel, &id, ret);
		if (matched <= 0)
			return matched;
	}
	return 1;
}

static int match_enum_value(const struct core_path *path, const struct core_btf *kernel,
			    uint32_t id, struct core_path *ret)
{
	const char *name = path->steps[0].name;
	size_t length = btf_essential_length(name);
	const struct btf_type *t;

	id = btf_view_skip_typedefs(kernel->view, id);
	t = btf_view_type(kernel->view, id);
	if (!btf_kind_is_enum(btf_type_kind(t)))
		return 0;
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		uint32_t offset = btf_type_kind(t) == BTF_KIND_ENUM
					  ? btf_type_enums(t)[i].name_off
					  : btf_type_enums64(t)[i].name_off;
		const char *there = btf_view_string(kernel->view, offset);

		if (strncmp(there, name, length) || btf_essential_length(there) != length)
			continue;
		ret->steps[0] = (struct core_step){ .name = there, .type_id = id, .index = i };
		ret->raw[0] = i;
		ret->step_count = ret->raw_count = 1;
		return 1;
	}
	return 0;
}

int core_match(const struct core_btf *local, const struct core_path *path,
	       enum bpf_core_relo_kind kind, const struct core_btf *kernel, uint32_t candidate,
	       struct core_path *ret)
{
	ret->root = candidate;
	ret->step_count = ret->raw_count = ret->bit_offset = 0;
	if (core_kind_is_field(kind))
		return match_field(local, path, kernel, candidate, ret);
	if (core_kind_is_enum_value(kind))
		return match_enum_value(path, kernel, candidate, ret);
	if (kind == BPF_CORE_TYPE_MATCHES)
		return core_types_match(local, path->root, kernel, candidate);
	return core_types_agree(local, path->root, kernel, candidate);
}

/* Bytes of one element of what may be an array (of arrays) of them. */
static int64_t element_size(const struct core_btf *btf, uint32_t id)
{
	for (int depth = 0; depth < CORE_PATH_MAXIMUM; depth++) {
		const struct btf_type *t;

		id = btf_view_skip_typedefs(btf->view, id);
		t = btf_view_type(btf->view, id);
		if (btf_type_kind(t) != BTF_KIND_ARRAY)
			return core_size(btf, id);
		id = btf_type_array(t)->type;
	}
	return -EINVAL;
}

static int set_load(const struct core_btf *btf, uint32_t id, struct core_value *ret)
{
	int64_t size = element_size(btf, id);

	if (size < 0)
		return -EINVAL;
	ret->load_size = (uint32_t)size;
	ret->load_type = id;
	return 0;
}

static int calculate_element(const struct core_btf *btf, const struct core_spot *spot,
			     enum bpf_core_relo_kind kind, struct core_value *ret)
{
	uint32_t id = spot->last.type_id;
	int64_t size;

	if (kind == BPF_CORE_FIELD_BYTE_OFFSET) {
		ret->value = spot->bit_offset / 8;
		return set_load(btf, id, ret);
	}
	if (kind != BPF_CORE_FIELD_BYTE_SIZE)
		return -EINVAL;
	size = core_size(btf, id);
	if (size < 0)
		return -EINVAL;
	ret->value = (uint64_t)size;
	return 0;
}

/* Where a member's bits lie: in which @size bytes (the smallest naturally aligned
 * integer that holds a bitfield) at which @offset. */
struct extent {
	uint32_t offset;
	uint32_t size;
	uint32_t bit_offset;
	uint32_t bit_size;
	bool is_bitfield;
};

static int bitfield_extent(uint32_t type_size, struct extent *e)
{
	if (!type_size) /* an integer of no bytes: only hostile BTF has it */
		return -EINVAL;
	e->size = type_size;
	e->offset = e->bit_offset / 8 / e->size * e->size;
	while (e->bit_offset + e->bit_size - e->offset * 8 > e->size * 8) {
		if (e->size >= 8)
			return -E2BIG;
		e->size *= 2;
		e->offset = e->bit_offset / 8 / e->size * e->size;
	}
	return 0;
}

static int member_extent(const struct core_btf *btf, const struct core_spot *spot,
			 uint32_t *type_ret, struct extent *e)
{
	const struct btf_type *t = btf_view_type(btf->view, spot->last.type_id);
	const struct btf_member *m = btf_type_members(t) + spot->last.index;
	int64_t size;

	*type_ret = btf_view_skip_typedefs(btf->view, m->type);
	e->bit_offset = spot->bit_offset;
	e->bit_size = btf_member_bit_width(t, m);
	e->is_bitfield = e->bit_size;
	if (e->is_bitfield)
		return bitfield_extent(btf_view_type(btf->view, *type_ret)->size, e);
	size = core_size(btf, *type_ret);
	if (size < 0)
		return -EINVAL;
	e->size = (uint32_t)size;
	e->offset = e->bit_offset / 8;
	e->bit_size = e->size * 8;
	return 0;
}

static bool is_signed(const struct btf_type *t)
{
	if (btf_kind_is_enum(btf_type_kind(t)))
		return btf_type_kflag(t);
	return btf_type_kind(t) == BTF_KIND_INT &&
	       (BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_SIGNED);
}

static int calculate_member(const struct core_btf *btf, const struct core_spot *spot,
			    enum bpf_core_relo_kind kind, struct core_value *ret)
{
	struct extent e;
	uint32_t type;
	int error = member_extent(btf, spot, &type, &e);

	if (error < 0)
		return error;
	/* The compiler may have chosen another integer around a bitfield than we. */
	ret->is_exact = !e.is_bitfield;
	switch (kind) {
	case BPF_CORE_FIELD_BYTE_OFFSET:
		ret->value = e.offset;
		return e.is_bitfield ? 0 : set_load(btf, type, ret);
	case BPF_CORE_FIELD_BYTE_SIZE:
		ret->value = e.size;
		return 0;
	case BPF_CORE_FIELD_SIGNED:
		ret->value = is_signed(btf_view_type(btf->view, type));
		ret->is_exact = true;
		return 0;
	case BPF_CORE_FIELD_LSHIFT_U64:
		ret->value = btf->big_endian ? (8 - e.size) * 8 + (e.bit_offset - e.offset * 8)
					     : 64 - (e.bit_offset + e.bit_size - e.offset * 8);
		return 0;
	case BPF_CORE_FIELD_RSHIFT_U64:
		ret->value = 64 - e.bit_size;
		ret->is_exact = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static uint64_t enum_value(const struct core_btf *btf, const struct core_step *step)
{
	const struct btf_type *t = btf_view_type(btf->view, step->type_id);

	if (btf_type_kind(t) == BTF_KIND_ENUM)
		return (uint64_t)(int64_t)btf_type_enums(t)[step->index].val;
	return (uint64_t)btf_type_enums64(t)[step->index].val_hi32 << 32 |
	       btf_type_enums64(t)[step->index].val_lo32;
}

int core_calculate(const struct core_btf *btf, const struct core_spot *spot,
		   enum bpf_core_relo_kind kind, struct core_value *ret)
{
	int64_t size;

	*ret = (struct core_value){ .is_exact = true };
	switch (kind) {
	case BPF_CORE_FIELD_EXISTS:
	case BPF_CORE_TYPE_EXISTS:
	case BPF_CORE_TYPE_MATCHES:
	case BPF_CORE_ENUMVAL_EXISTS:
		ret->value = 1;
		return 0;
	case BPF_CORE_TYPE_ID_LOCAL:
	case BPF_CORE_TYPE_ID_TARGET:
		ret->value = spot->root;
		ret->is_exact = false; /* linkers renumber types */
		return 0;
	case BPF_CORE_TYPE_SIZE:
		size = core_size(btf, spot->root);
		ret->value = (uint64_t)size;
		return size < 0 ? -EINVAL : 0;
	case BPF_CORE_ENUMVAL_VALUE:
		ret->value = enum_value(btf, &spot->last);
		return 0;
	default:
		if (spot->last.name)
			return calculate_member(btf, spot, kind, ret);
		return calculate_element(btf, spot, kind, ret);
	}
}

/* A load may take another size when nothing but zero extension changes: pointers,
 * which BPF has 64-bit ones of whatever the kernel, and integers not signed. */
static bool can_resize(const struct btf_type *old, const struct btf_type *new_)
{
	if (btf_type_kind(old) == BTF_KIND_PTR && btf_type_kind(new_) == BTF_KIND_PTR)
		return true;
	return btf_type_kind(old) == BTF_KIND_INT && btf_type_kind(new_) == BTF_KIND_INT &&
	       BTF_INT_ENCODING(btf_type_int_encoding(old)) != BTF_INT_SIGNED &&
	       BTF_INT_ENCODING(btf_type_int_encoding(new_)) != BTF_INT_SIGNED;
}

struct core_result core_compare(const struct core_btf *local, const struct core_value *old,
				const struct core_btf *kernel, const struct core_value *new_)
{
	struct core_result result = { .value = new_->value, .load_size = new_->load_size };

	if (old->load_size != new_->load_size)
		result.is_misfit = !can_resize(btf_view_type(local->view, old->load_type),
					       btf_view_type(kernel->view, new_->load_type));
	return result;
}

static void poison(struct bpf_insn *instruction)
{
	*instruction = (struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = CORE_POISON_CALL };
}

static struct core_result fail(struct core_result result, enum core_state state, enum core_why why)
{
	result.state = state;
	result.why = why;
	return result;
}

static bool is_wide_load(const struct bpf_insn *instruction, uint32_t left)
{
	return instruction->code == (BPF_LD | BPF_IMM | BPF_DW) && left > 1;
}

static const struct {
	uint32_t bytes;
	uint8_t code;
} load_sizes[] = { { 1, BPF_B }, { 2, BPF_H }, { 4, BPF_W }, { 8, BPF_DW } };

static uint32_t load_bytes(uint8_t code)
{
	size_t i = 0;

	while (load_sizes[i].code != BPF_SIZE(code))
		i++;
	return load_sizes[i].bytes;
}

static bool set_load_bytes(struct bpf_insn *instruction, uint32_t bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(load_sizes); i++) {
		if (load_sizes[i].bytes != bytes)
			continue;
		instruction->code = (uint8_t)(BPF_MODE(instruction->code) | load_sizes[i].code |
					      BPF_CLASS(instruction->code));
		return true;
	}
	return false;
}

static struct core_result patch_load(const struct core_value *old, struct core_result result,
				     struct bpf_insn *instruction)
{

	if (old->is_exact && (uint64_t)(int64_t)instruction->off != old->value)
		return fail(result, CORE_REFUSED, CORE_WHY_INSTRUCTION);
	if (result.value > SHRT_MAX)
		return fail(result, CORE_REFUSED, CORE_WHY_RANGE);
	if (result.is_misfit) {
		poison(instruction);
		return fail(result, CORE_POISONED, CORE_WHY_MISFIT);
	}
	instruction->off = (int16_t)result.value;
	if (result.load_size == old->load_size)
		return result;
	if (load_bytes(instruction->code) != old->load_size)
		return fail(result, CORE_REFUSED, CORE_WHY_INSTRUCTION);
	if (!set_load_bytes(instruction, result.load_size))
		return fail(result, CORE_REFUSED, CORE_WHY_MISFIT);
	return result;
}

static struct core_result patch_wide(const struct core_value *old, struct core_result result,
				     struct bpf_insn *instruction, uint32_t left)
{
	uint64_t there;

	if (!is_wide_load(instruction, left) || instruction[0].src_reg || instruction[0].off ||
	    instruction[1].code || instruction[1].dst_reg || instruction[1].src_reg ||
	    instruction[1].off)
		return fail(result, CORE_REFUSED, CORE_WHY_INSTRUCTION);
	there = (uint32_t)instruction[0].imm | (uint64_t)(uint32_t)instruction[1].imm << 32;
	if (old->is_exact && there != old->value)
		return fail(result, CORE_REFUSED, CORE_WHY_INSTRUCTION);
	instruction[0].imm = (int32_t)result.value;
	instruction[1].imm = (int32_t)(result.value >> 32);
	return result;
}

struct core_result core_patch(const struct core_value *old, struct core_result result,
			      struct bpf_insn *instruction, uint32_t left)
{
	if (result.state == CORE_REFUSED)
		return result;
	if (result.state == CORE_POISONED) {
		if (is_wide_load(instruction, left))
			poison(instruction + 1);
		poison(instruction);
		return result;
	}
	switch (BPF_CLASS(instruction->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		if (BPF_SRC(instruction->code) != BPF_K ||
		    (old->is_exact && (uint64_t)(int64_t)instruction->imm != old->value))
			return fail(result, CORE_REFUSED, CORE_WHY_INSTRUCTION);
		instruction->imm = (int32_t)result.value;
		return result;
	case BPF_LDX:
	case BPF_ST:
	case BPF_STX:
		return patch_load(old, result, instruction);
	case BPF_LD:
		return patch_wide(old, result, instruction, left);
	default:
		return fail(result, CORE_REFUSED, CORE_WHY_INSTRUCTION);
	}
}
