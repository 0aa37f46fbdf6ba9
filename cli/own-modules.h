/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Modules outside of archives: of a package or a directory of one's own, and as a
 * directory like /sys/kernel/btf: vmlinux, and beside it the split BTF of each module
 * under its name.
 */
#ifndef CLI_OWN_MODULES_H
#define CLI_OWN_MODULES_H

#include <btfpack/archive.h>

#include "cli/modules.h"

/* Where what is large has room. */
const char *own_modules_scratch(void);

/* The modules at @path, a package or a directory, on @btf, the BTF of their kernel @uname.
 * Those that give none are said, and failures of @ret. */
int own_modules_load(const char *path, const char *uname, const struct btfpack_blob *btf,
		     struct module_set *ret, struct btfpack_error *err);

/* Write @dir, which is made if missing. */
int own_modules_write(const char *dir, const struct btfpack_blob *btf,
		      const struct btfpack_modules *modules, struct btfpack_error *err);

#endif
