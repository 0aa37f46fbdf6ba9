/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tree of BTF files as BTFHub lays it out, unpacked:
 * distro/release/arch/uname.btf. Architectures may have any of their names.
 */
#ifndef CLI_BTF_TREE_H
#define CLI_BTF_TREE_H

#include <btfpack/error.h>
#include <btfpack/types.h>

/* Called for every file, in the order of the names. The key and the bytes live
 * until it returns; a negative result ends the walk. */
typedef int (*btf_tree_fn)(const struct btfpack_kernel *kernel, const struct btfpack_blob *btf,
			   const char *path, void *arg, struct btfpack_error *err);

/* Go through the tree at @dir. Names that start with a dot and files that do not
 * end in ".btf" are skipped. -ENOENT no such directory; what @fn gave. */
int btf_tree_walk(const char *dir, btf_tree_fn fn, void *arg, struct btfpack_error *err);

#endif
