/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BTF from a path, whichever way it lies there: raw, as /sys/kernel/btf/vmlinux
 * and archives have it, or as the .BTF section of an ELF file (vmlinux, a
 * module, a BPF object), of either byte order.
 */
#ifndef BTFGEN_BTF_FILE_H
#define BTFGEN_BTF_FILE_H

#include <btfpack/error.h>
#include <btfpack/types.h>

/* The bytes only; btf_view_init() judges them. Free the blob. -EBADMSG when @path
 * is neither BTF nor ELF, -EOPNOTSUPP for an ELF file without .BTF, -EFBIG over
 * 1 GiB, or the system's code. */
int btf_file_load(const char *path, struct btfpack_blob *ret, struct btfpack_error *err);

/* The same of a module. An out-of-tree one may bring the base that its types go on
 * from (.BTF.base), which is not the kernel's: -EOPNOTSUPP. */
int btf_file_load_split(const char *path, struct btfpack_blob *ret, struct btfpack_error *err);

#endif
