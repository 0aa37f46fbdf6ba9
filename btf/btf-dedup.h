/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deduplication: BTF with every type once. For BTF that comes from elsewhere and
 * was not, or not well, deduplicated; our own converter has no need of it.
 *
 * Types are one when they are equal and what they refer to is. Three things stand
 * in the way of that in real files and are understood here:
 *
 *  - a forward, where its name has one definition, becomes that definition
 *  - two units that saw different parts of a graph, one the definition of a name
 *    that others define in another way, the other only a forward of it, hold the
 *    same types nevertheless
 *  - RHEL's kABI macros name members __UNIQUE_ID_rh_kabi_hide123 with a number that
 *    differs in every unit, and so differs everything that reaches such a struct.
 *    Nobody can ask for such a name; the number does not count
 *
 * Every definition that differs in itself from the others of its name stays, and
 * its users do so with it, and theirs; farther away one type is enough.
 */
#ifndef BTF_BTF_DEDUP_H
#define BTF_BTF_DEDUP_H

#include <stdint.h>

#include <btfpack/types.h>

#include "btf/btf-view.h"

/*
 * Deduplicate @view into new bytes of the same byte order; free the blob.
 * @map_ret (may be NULL; free() it) says which id each id has become. The same
 * input gives the same bytes. Takes time for a few hashings of all types, about
 * 1 µs a type each.
 *
 * -EOPNOTSUPP split BTF; -EBADMSG types that reach themselves without meeting a
 * name; -ENOMEM.
 */
int btf_dedup(const struct btf_view *view, struct btfpack_blob *ret, uint32_t **map_ret);

#endif
