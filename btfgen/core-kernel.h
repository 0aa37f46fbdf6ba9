/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel that a core_run looks at: vmlinux, and of its modules those that
 * matter.
 *
 * libbpf looks for a type in vmlinux first; only when nothing there has its name,
 * it looks into all modules, and what it finds in any of them is a candidate. A
 * kernel has thousands of modules, and few have anything that a program names. So
 * each is read once, and stacked (btf-stack.h) only when it has; and from a source
 * (btfpack/types.h) none is read where none can have anything.
 */
#ifndef BTFGEN_CORE_KERNEL_H
#define BTFGEN_CORE_KERNEL_H

#include <btfpack/error.h>
#include <btfpack/types.h>

#include "btf/btf-stack.h"
#include "btfgen/core-set.h"

#define CORE_NO_MODULE (-1)

/* What a kernel is made of. */
struct core_parts {
	const struct btfpack_blob *btf;
	const struct btfpack_module_btf *modules;
	size_t module_count;
	const struct btfpack_module_source *source; /* in their place; NULL: none */
	const char *name; /* what to call the kernel in sentences */
};

/* Who looks at the kernel's types, too. All three functions must be there. */
struct core_looker {
	/* Hears of vmlinux (@module is NULL, @number CORE_NO_MODULE) and then of each module,
	 * of which it sees the module's own types on top of vmlinux. 1: it must be
	 * among what is looked at, whatever the relocations say; 0; or an error, which
	 * ends it. */
	int (*look)(const struct btf_view *view, const char *module, int64_t number, void *arg);
	/* Asked when vmlinux was looked at: whether something of the source's modules could
	 * matter, and whether that could. A module of which nothing does is not looked at. */
	bool (*asks)(const struct btfpack_module_source *source, void *arg);
	bool (*wants)(unsigned int kind, const char *name, void *arg);
	void *arg;
};

struct core_kernel {
	const struct btf_view *view; /* what to look at */
	struct btf_view vmlinux;
	struct btf_stack stack;
	const struct btfpack_module_btf *modules; /* lent */
	size_t module_count;
};

/* What @parts points to must outlive it; @looker may be NULL. -EBADMSG, -EOPNOTSUPP, -EFBIG, -ENOMEM, or what
 * the looker or the source returned. */
int core_kernel_init(struct core_kernel *kernel, const struct core_set *set,
		     const struct core_parts *parts, const struct core_looker *looker,
		     struct btfpack_error *err);
void core_kernel_deinit(struct core_kernel *kernel);
#define AUTO_CORE_KERNEL CLEANUP(core_kernel_deinit)

/* Whose type the @id of kernel->view is: an index in modules, or CORE_NO_MODULE. */
int64_t core_kernel_module(const struct core_kernel *kernel, uint32_t id);

#endif
