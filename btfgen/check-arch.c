/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BPF is the same on all machines but for two things: the byte order, and what lies
 * in struct pt_regs, from which a kprobe takes the function's arguments. Without
 * CO-RE nothing would notice: the program loads and reads another register. The
 * structs tell: those of one architecture have their members at the same offsets
 * (though user space calls some of x86's by other names, and 6.9 has changed three),
 * those of two have none in common, or hardly one.
 */
#include <string.h>

#include "btfgen/check-arch.h"

#define FEW 8 /* members of a struct that holds no whole set of registers */

static const struct btf_type *find_struct(const struct btf_view *view, const char *name)
{
	for (uint32_t id = 1; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);

		if (btf_type_kind(t) == BTF_KIND_STRUCT && btf_type_vlen(t) &&
		    !strcmp(btf_view_name(view, t), name))
			return t;
	}
	return NULL;
}

#define ANY_OFFSET      UINT32_MAX
#define NESTING_MAXIMUM 4 /* of anonymous structs and unions */

static bool has_member(const struct btf_view *view, const struct btf_type *t, const char *name,
		       uint32_t offset, uint32_t base, int depth)
{
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = &btf_type_members(t)[i];
		uint32_t here = base + btf_member_bit_offset(t, m);
		const char *there = btf_view_string(view, m->name_off);
		const struct btf_type *inner = btf_view_type(view, m->type);

		if ((offset == ANY_OFFSET || offset == here) && !strcmp(there, name))
			return true;
		if (!*there && depth < NESTING_MAXIMUM && btf_type_vlen(inner) < FEW * FEW &&
		    btf_kind_is_composite(btf_type_kind(inner)) &&
		    has_member(view, inner, name, offset, here, depth + 1))
			return true;
	}
	return false;
}

/* At least a quarter of the object's members are the kernel's, which for x86 of user
 * space is 8 of 21. A struct of few members may be one for CO-RE, which leaves out
 * what it does not use: there offsets say nothing. */
static bool is_alike(const struct btf_view *object, const struct btf_type *ours,
		     const struct btf_view *kernel, const struct btf_type *theirs)
{
	uint32_t count = btf_type_vlen(ours), alike = 0;

	if (count > FEW * FEW || btf_type_vlen(theirs) > FEW * FEW)
		return true; /* that is no struct of registers */
	for (uint32_t i = 0; i < count; i++) {
		const struct btf_member *m = &btf_type_members(ours)[i];
		uint32_t offset = count <= FEW ? ANY_OFFSET : btf_member_bit_offset(ours, m);

		alike += has_member(kernel, theirs, btf_view_string(object, m->name_off), offset, 0,
				    0);
	}
	return alike * 4 >= count;
}

enum check_arch check_arch(const struct bpf_object *object, const struct btf_view *kernel)
{
	/* Where user space has another struct, that one holds the registers. */
	static const char *const names[] = { "pt_regs", "user_pt_regs" };

	if (object->other_order != kernel->other_order)
		return CHECK_ARCH_ORDER;
	for (size_t i = 0; object->has_btf && i < ARRAY_SIZE(names); i++) {
		const struct btf_type *ours = find_struct(&object->btf, names[i]);
		const struct btf_type *theirs = ours ? find_struct(kernel, names[i]) : NULL;

		if (theirs && !is_alike(&object->btf, ours, kernel, theirs))
			return CHECK_ARCH_REGISTERS;
	}
	return CHECK_ARCH_FITS;
}
