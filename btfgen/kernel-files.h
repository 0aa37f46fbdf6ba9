/* SPDX-License-Identifier: BSD-2-Clause */
/* The BTF of a kernel and of its modules, from files or a directory. */
#ifndef BTFGEN_KERNEL_FILES_H
#define BTFGEN_KERNEL_FILES_H

#include <btfpack/error.h>
#include <btfpack/types.h>

#include "core/cleanup.h"

struct kernel_files {
	struct btfpack_blob btf; /* vmlinux's */
	struct btfpack_module_btf *modules;
	size_t module_count;
};

/*
 * Read the BTF at @path, raw or in an ELF file. A directory is one like
 * /sys/kernel/btf: vmlinux is the kernel's, every other file a module's.
 */
int kernel_files_load(struct kernel_files *files, const char *path, struct btfpack_error *err);

/* Add a module: NAME=FILE, or FILE, which then tells the name ("nf-nat.ko" is nf_nat),
 * or a directory of such files, where one called vmlinux is passed over. */
int kernel_files_add(struct kernel_files *files, const char *module, struct btfpack_error *err);

void kernel_files_deinit(struct kernel_files *files);
#define AUTO_KERNEL_FILES CLEANUP(kernel_files_deinit)

#endif
