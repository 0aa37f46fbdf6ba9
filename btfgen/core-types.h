/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparing whole types across two BTFs, by libbpf's rules for relocations of
 * types (exists, size, id: core_types_agree(); matches: core_types_match()), and
 * the rules for names that these and the field relocations share.
 */
#ifndef BTFGEN_CORE_TYPES_H
#define BTFGEN_CORE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "btfgen/core-relos.h"

/* Same name before "___flavour". */
bool core_names_agree(const struct core_btf *local, uint32_t local_name,
		      const struct core_btf *kernel, uint32_t kernel_name);

/* The same, or one of them has no name. */
bool core_names_agree_or_anonymous(const struct core_btf *local, uint32_t local_name,
				   const struct core_btf *kernel, uint32_t kernel_name);

/* Do the kinds agree all the way, through pointers, arrays and prototypes, to the
 * first named struct, union or enum? Names and sizes do not matter. 1, 0, or
 * -EINVAL when nested beyond reason. */
int core_types_agree(const struct core_btf *local, uint32_t local_id, const struct core_btf *kernel,
		     uint32_t kernel_id);

/* Is all that the local type has in the kernel's too: members by name and type,
 * enumerators by name, sizes and signs, array lengths? Behind a pointer a name
 * is enough. 1, 0, or -EINVAL when nested beyond reason. */
int core_types_match(const struct core_btf *local, uint32_t local_id, const struct core_btf *kernel,
		     uint32_t kernel_id);

#endif
