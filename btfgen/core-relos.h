/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a CO-RE relocation asks for. A record of an object names a type of the
 * object's own BTF and an access string; core_path_parse() turns them into a
 * path: the member names and array indices on the way from the type to the
 * field. The same struct describes where that path leads in a kernel's BTF
 * (core-match.h).
 *
 * For "0:1:2" with
 *
 *	struct outer { int a; struct { int b; int c[4]; }; } *p;
 *
 * as in &p->c (0: p[0], 1: the anonymous struct, 1: c), raw[] is the string's
 * numbers, 0 1 1, and steps[] what has a meaning of its own: [0] and "c".
 */
#ifndef BTFGEN_CORE_RELOS_H
#define BTFGEN_CORE_RELOS_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/bpf.h>

#include <btfpack/error.h>

#include "btf/btf-view.h"
#include "btfgen/bpf-object.h"

#define CORE_PATH_MAXIMUM 64 /* libbpf's limit too */

/* A BTF and what computing on it needs to know beyond the types. */
struct core_btf {
	const struct btf_view *view;
	unsigned int pointer_size; /* bytes */
	bool big_endian;
};

/* One step: a member by name, or an array element when @name is NULL. @type_id is
 * the struct or union that has the member, or the element's type. */
struct core_step {
	const char *name;
	uint32_t type_id;
	uint32_t index;
};

struct core_path {
	uint32_t root; /* type id, typedefs and all */
	uint32_t step_count;
	uint32_t raw_count;
	uint32_t bit_offset; /* from the root's start */
	struct core_step steps[CORE_PATH_MAXIMUM];
	uint32_t raw[CORE_PATH_MAXIMUM];
};

/* Where a path ends, which is all that computing a value takes. @last is zero for
 * relocations of whole types. */
struct core_spot {
	uint32_t root;
	uint32_t bit_offset;
	struct core_step last;
};

static inline struct core_spot core_path_end(const struct core_path *path)
{
	struct core_spot spot = { .root = path->root, .bit_offset = path->bit_offset };

	if (path->step_count)
		spot.last = path->steps[path->step_count - 1];
	return spot;
}

static inline bool core_kind_is_field(enum bpf_core_relo_kind kind)
{
	return kind <= BPF_CORE_FIELD_RSHIFT_U64;
}

static inline bool core_kind_is_enum_value(enum bpf_core_relo_kind kind)
{
	return kind == BPF_CORE_ENUMVAL_EXISTS || kind == BPF_CORE_ENUMVAL_VALUE;
}

/* "field offset", "type exists", ... */
const char *core_kind_name(enum bpf_core_relo_kind kind);

/* Whether libbpf takes two types for the same kind: enum and enum64 are. */
bool core_kinds_agree(const struct btf_type *a, const struct btf_type *b);

/* Size in bytes of a type, or a negative code: what has none, or over 4 GiB. */
int64_t core_size(const struct core_btf *btf, uint32_t id);

/* Whether @array, which the member step @last leads to, is a flexible one: without
 * elements and its struct's last member. Any index is in range then. */
bool core_is_flexible(const struct core_btf *btf, const struct core_step *last,
		      const struct btf_array *array);

/* The path of an object's relocation, in the object's own BTF. -EBADMSG with a
 * sentence when the access string does not fit the type. */
int core_path_parse(const struct bpf_object *object, const struct core_btf *btf,
		    const struct bpf_object_relo *relo, struct core_path *ret,
		    struct btfpack_error *err);

/* "struct task_struct.signal.nr_threads", "enum bpf_func_id::BPF_FUNC_...",
 * "typedef pid_t" into @ret, cut to @size. @path is one of core_path_parse(). */
void core_path_format(const struct core_btf *btf, const struct core_path *path,
		      enum bpf_core_relo_kind kind, char *ret, size_t size);

#endif
