/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A kernel of an archive, as check and bundle look at it: its BTF, and its modules where
 * they matter.
 */
#ifndef CLI_STORED_KERNEL_H
#define CLI_STORED_KERNEL_H

#include <btfpack/archive.h>

#include "core/cleanup.h"

struct stored_kernel {
	struct btfpack_blob btf;
	struct btfpack_stored_modules *modules; /* NULL: none were stored */
	const struct btfpack_module_source *source; /* of these */
};

/* The archive must stay open until deinit. */
int stored_kernel_init(struct stored_kernel *kernel, struct btfpack_archive *archive,
		       const struct btfpack_entry *entry, struct btfpack_error *err);
void stored_kernel_deinit(struct stored_kernel *kernel);
#define AUTO_STORED_KERNEL CLEANUP(stored_kernel_deinit)

#endif
