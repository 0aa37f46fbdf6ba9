/* SPDX-License-Identifier: BSD-2-Clause */
/* Is a BPF object made for the architecture of a kernel? */
#ifndef BTFGEN_CHECK_ARCH_H
#define BTFGEN_CHECK_ARCH_H

#include "btf/btf-view.h"
#include "btfgen/bpf-object.h"

enum check_arch {
	CHECK_ARCH_FITS,      /* or nothing speaks against it */
	CHECK_ARCH_ORDER,     /* it is of the other byte order: nothing of it loads */
	CHECK_ARCH_REGISTERS, /* it knows registers (struct pt_regs) that the kernel has not
				 in their places: whoever reads them reads others */
};

enum check_arch check_arch(const struct bpf_object *object, const struct btf_view *kernel);

#endif
