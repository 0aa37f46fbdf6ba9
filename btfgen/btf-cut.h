/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A BTF cut down to marked parts of another one. Marks say what is needed:
 *
 *   a path        the members on the way and their types; other members go, a
 *                 pointer points to void, sizes and offsets stay
 *   a type        it and what it refers to, through pointers too; structs and
 *                 unions without members, enums without enumerators
 *   a whole type  the same, with all members and enumerators, up to what lies
 *                 behind pointers
 *   an enumerator
 *
 * What is written is in a canonical order, by what the types are: two inputs whose
 * marked parts are alike give the same bytes, whatever their ids were. Types that
 * become alike become one.
 *
 * The order comes from hashes: each type starts with the hash of its own kind,
 * name and numbers, and takes in those of the types it refers to, round by round,
 * until no round tells more types apart. Loops (struct list_head) need no care.
 */
#ifndef BTFGEN_BTF_CUT_H
#define BTFGEN_BTF_CUT_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/types.h>

#include "btf/btf-view.h"
#include "btfgen/core-relos.h"
#include "core/buf.h"

struct btf_cut {
	const struct btf_view *view;
	struct buf nodes;  /* struct cut_node: the types kept */
	uint32_t *node_of; /* number + 1 by 2 * type id, + 1 when deep; 0: not kept */
	uint32_t expanded; /* nodes before this one have theirs marked too */
	bool has_pointer;
	uint32_t *new_ids; /* by node, after btf_cut_finish() */
};

/* -ENOMEM. The view is borrowed until deinit. */
int btf_cut_init(struct btf_cut *cut, const struct btf_view *view);
void btf_cut_deinit(struct btf_cut *cut);
#define AUTO_BTF_CUT CLEANUP(btf_cut_deinit)

/* Mark. @path as core_match() gave it, for a field or an enumerator. A type marked
 * with @alone stays apart from types that are like it. -ENOMEM; -EBADMSG when a type
 * is said to be made of a variable, a section or a declaration's tag. */
int btf_cut_keep_field(struct btf_cut *cut, const struct core_path *path);
int btf_cut_keep_enumerator(struct btf_cut *cut, const struct core_path *path);
int btf_cut_keep_type(struct btf_cut *cut, uint32_t id, bool alone);
int btf_cut_keep_whole(struct btf_cut *cut, uint32_t id);

/* Write what is marked, in the byte order that the view's input had. With
 * @no_enum64, 64-bit enums become enums: -EOPNOTSUPP if a marked enumerator does
 * not fit 32 signed bits. -ENOMEM. */
int btf_cut_finish(struct btf_cut *cut, bool no_enum64, struct btfpack_blob *ret);

/* After finish: the id that a marked type got; 0 when it was not marked. */
uint32_t btf_cut_new_id(const struct btf_cut *cut, uint32_t id);

#endif
