/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/stored-kernel.h"

int stored_kernel_init(struct stored_kernel *kernel, struct btfpack_archive *archive,
		       const struct btfpack_entry *entry, struct btfpack_error *err)
{
	int error = btfpack_archive_get(archive, &entry->id, &kernel->btf, err);

	if (!error && entry->has_modules)
		error = btfpack_archive_open_modules(archive, entry, &kernel->modules, err);
	if (!error && kernel->modules)
		kernel->source = btfpack_stored_modules_source(kernel->modules);
	return error;
}

void stored_kernel_deinit(struct stored_kernel *kernel)
{
	btfpack_stored_modules_close(kernel->modules);
	btfpack_blob_free(&kernel->btf);
	*kernel = (struct stored_kernel){ 0 };
}
