/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The BTF of all modules of a kernel as one content of the archive.
 *
 * Split BTF is numbers on top of its vmlinux's: of another kernel's nothing is the
 * same. So the modules are kept behind a copy of what they stand on, as a BTF that
 * stands alone, which the codec "types" (types-codec.h) tells by what its types are:
 * vmlinux's own cost nothing against it, and of the next kernel of a series only what
 * changed does.
 *
 *	types	 vmlinux's, with their ids
 *		 FWD "module NAME", then that module's types; for each, by ascending name
 *	strings	 vmlinux's, with their offsets; then those of the modules, each once
 *
 * What comes out for a module has its types, in their order and with their ids; its
 * strings are those that vmlinux lacks, in the order in which the types first mention
 * them: as convert writes it. Byte order is vmlinux's.
 */
#ifndef ARCHIVE_INDEX_MODULES_JOINED_H
#define ARCHIVE_INDEX_MODULES_JOINED_H

#include <btfpack/archive.h>

#include "btf/btf-view.h"

/* Where what vmlinux has ends. */
struct modules_base {
	uint32_t types;	  /* ids, void included */
	uint32_t strings; /* bytes */
};

/* @modules: sorted by name, no two of one name, split BTF on top of @base. What is
 * joined was proved to come apart again as it was. @name is what to call the kernel.
 * -EBADMSG a module that is not BTF on that base, or that cannot be told; -EFBIG;
 * -ENOMEM. */
int modules_join(const struct btfpack_blob *base, const struct btfpack_module_btf *modules,
		 size_t count, const char *name, struct btfpack_blob *ret,
		 struct modules_base *base_ret, struct btfpack_error *err);

/* Which modules: those whose names match a shell pattern, and that have something that
 * is wanted. NULL: no matter. */
struct modules_choice {
	const char *pattern;
	btfpack_wants_fn wants;
	void *arg;
};

/* Take them out, in their order; *@all_ret (may be NULL) says how many there are in all.
 * -EBADMSG. */
int modules_split(const struct btfpack_blob *joined, const struct modules_base *base,
		  const struct modules_choice *choice, const char *name,
		  struct btfpack_modules *ret, size_t *all_ret, struct btfpack_error *err);

/* The module that begins with the type @id of what is joined; NULL: none does. */
const char *modules_mark(const struct btf_view *view, uint32_t id);

#endif
