/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel functions that BPF programs may call. Since Linux 6.9 the sets of them in
 * the section .BTF_ids say so (6f3189f38a3e), and the kernel's BTF has the tag
 * "bpf_kfunc" on each; since 6.12 also "bpf_fastcall" where that holds. A set is a
 * symbol __BTF_ID__set8__NAME over struct btf_id_set8: a count, flags, then pairs of
 * an id and flags; the symbols __BTF_ID__func__NAME__NUMBER stand at the pairs.
 */
#ifndef BTFGEN_KFUNCS_H
#define BTFGEN_KFUNCS_H

#include "btfgen/elf-image.h"

struct kfunc {
	const char *name; /* lent by the image, not terminated */
	uint32_t length;
	bool is_fastcall;
};

struct kfuncs {
	struct kfunc *funcs; /* by name */
	uint32_t count;
};

/* An image without them has none, which is not an error. */
int kfuncs_init(struct kfuncs *kfuncs, struct elf_image *image, struct btfpack_error *err);
void kfuncs_deinit(struct kfuncs *kfuncs);

/* NULL when there is none of that name. */
const struct kfunc *kfuncs_find(const struct kfuncs *kfuncs, const char *name);

#endif
