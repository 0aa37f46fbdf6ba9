/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Several kernels' types as one set, for a header that serves them all. Types
 * are matched by name, as CO-RE does it. One that is the same everywhere, down to
 * what it holds by value, is kept as it is. Of one that differs, the members of
 * all kernels are put together, anonymous members opened up: such a type is
 * "loose", its layout means nothing, and programs reach it by relocations only.
 * Where a member's type cannot be one (an int of another size, a struct here and
 * a pointer there), the first kernel's is in the plain type and the other's in a
 * type with a flavour, "struct task_struct___6_1", that holds that member alone.
 *
 * Variables, sections and decl tags are left out, and functions but for kfuncs
 * (btf-kfuncs.h), which are as in the first kernel that has them.
 */
#ifndef BTF_BTF_MERGE_H
#define BTF_BTF_MERGE_H

#include "btf/btf-build.h"
#include "btf/btf-view.h"

#define BTF_MERGE_INPUTS 64

struct btf_merge_input {
	const struct btf_view *view;
	const char *label; /* letters, digits and underscores: goes into flavours */
};

/* Which inputs have a type or a member: a bit each. */
struct btf_merged {
	struct btfpack_blob btf;
	uint32_t types;	 /* ids end here */
	uint8_t *loose;	 /* by id */
	uint64_t *where; /* by id: the inputs that have the type; 0: not looked at */
	uint32_t *rows;	 /* by id: index into row_where of the first member; UINT32_MAX: none */
	uint64_t *row_where;
	uint32_t flavours; /* how many types have one */
};

/* -EFBIG when a merged type would have more members than BTF can say, -ENOMEM. */
int btf_merge(const struct btf_merge_input *inputs, uint32_t count, struct btf_merged *ret);
void btf_merged_deinit(struct btf_merged *merged);

#endif
