/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading BTF: a validated view over bytes. btf_view_init() walks everything
 * once: header, sections, every type's length, every type id and every string
 * offset are in range, so that accessors afterwards need no checks. What the
 * types *mean* (loops, members beyond a struct's size) is btf-check's business.
 *
 * Format: Documentation/bpf/btf.rst of the Linux kernel; struct btf_type and its
 * companions come from <linux/btf.h>. BTF in the other byte order is accepted
 * and held as a swapped copy: through a view everything is in host order.
 *
 * Split BTF (a module's): pass the view of its base. Ids and string offsets go
 * on where the base's end. A view borrows the bytes and the base: both must
 * outlive it. Any number of threads may read one view.
 */
#ifndef BTF_BTF_VIEW_H
#define BTF_BTF_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/btf.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#include "core/cleanup.h"

struct btf_view {
	const struct btf_view *base; /* NULL: stands alone */
	bool other_order;            /* the input was in the other byte order */
	uint32_t first_id;           /* 1, or the base's end */
	uint32_t end_id;             /* one past the last id */
	uint32_t first_string;       /* 0, or the base's end */
	uint32_t end_string;         /* one past the last byte */
	const char *strings;         /* this view's own section */
	const uint8_t *types;        /* likewise */
	size_t types_size;
	uint32_t *offsets; /* byte offset in @types of id first_id + index */
	uint8_t *copy;     /* when swapped or realigned */
};

/* Errors: -EBADMSG not BTF or damaged, -EOPNOTSUPP a version or kind from the
 * future, -ENOMEM. @name is what to call it in sentences (a path). */
int btf_view_init(struct btf_view *view, const void *data, size_t size, const struct btf_view *base,
		  const char *name, struct btfpack_error *err);
void btf_view_deinit(struct btf_view *view);
#define AUTO_BTF_VIEW CLEANUP(btf_view_deinit)

/* The type @id < end_id, which may be the base's. Id 0 is void: kind UNKN. */
const struct btf_type *btf_view_type(const struct btf_view *view, uint32_t id);

/* The string at @offset < end_string. Never NULL; "" for anonymous. */
const char *btf_view_string(const struct btf_view *view, uint32_t offset);

static inline const char *btf_view_name(const struct btf_view *view, const struct btf_type *t)
{
	return btf_view_string(view, t->name_off);
}

/* How many bytes follow struct btf_type for a type of this kind and vlen; -1 for
 * a kind we do not know. */
int btf_trailing_size(const struct btf_type *t);

/* "struct", "func_proto", ...; "unknown" beyond what we know. */
const char *btf_kind_name(unsigned int kind);

static inline unsigned int btf_type_kind(const struct btf_type *t)
{
	return BTF_INFO_KIND(t->info);
}

static inline unsigned int btf_type_vlen(const struct btf_type *t)
{
	return BTF_INFO_VLEN(t->info);
}

static inline bool btf_type_kflag(const struct btf_type *t)
{
	return BTF_INFO_KFLAG(t->info);
}

static inline bool btf_kind_is_composite(unsigned int kind)
{
	return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION;
}

static inline bool btf_kind_is_enum(unsigned int kind)
{
	return kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
}

/* const, volatile, restrict, type_tag: qualify another type, say nothing of layout. */
static inline bool btf_kind_is_modifier(unsigned int kind)
{
	return kind == BTF_KIND_CONST || kind == BTF_KIND_VOLATILE || kind == BTF_KIND_RESTRICT ||
	       kind == BTF_KIND_TYPE_TAG;
}

/* Kinds whose @type field refers to another type (rather than holding a size). */
bool btf_kind_has_ref(unsigned int kind);

/* What follows struct btf_type, by kind. */
static inline const struct btf_member *btf_type_members(const struct btf_type *t)
{
	return (const struct btf_member *)(t + 1);
}

static inline const struct btf_enum *btf_type_enums(const struct btf_type *t)
{
	return (const struct btf_enum *)(t + 1);
}

static inline const struct btf_enum64 *btf_type_enums64(const struct btf_type *t)
{
	return (const struct btf_enum64 *)(t + 1);
}

static inline const struct btf_param *btf_type_params(const struct btf_type *t)
{
	return (const struct btf_param *)(t + 1);
}

static inline const struct btf_array *btf_type_array(const struct btf_type *t)
{
	return (const struct btf_array *)(t + 1);
}

static inline const struct btf_var_secinfo *btf_type_secinfos(const struct btf_type *t)
{
	return (const struct btf_var_secinfo *)(t + 1);
}

static inline const struct btf_var *btf_type_var(const struct btf_type *t)
{
	return (const struct btf_var *)(t + 1);
}

static inline const struct btf_decl_tag *btf_type_decl_tag(const struct btf_type *t)
{
	return (const struct btf_decl_tag *)(t + 1);
}

/* The value of an enumerator of either kind, sign-extended where the enum is
 * signed. */
int64_t btf_type_enum_value(const struct btf_type *t, uint32_t index);

static inline uint32_t btf_type_int_encoding(const struct btf_type *t)
{
	return *(const uint32_t *)(t + 1);
}

/* A member's position and, for a bitfield, its width, both in bits; width 0: not
 * a bitfield. Bitfields of BTF before Linux 5.0, whose width stands in their INT
 * type, are not seen here: see btf_view_member_bits(). */
static inline uint32_t btf_member_bit_offset(const struct btf_type *t, const struct btf_member *m)
{
	return btf_type_kflag(t) ? BTF_MEMBER_BIT_OFFSET(m->offset) : m->offset;
}

static inline uint32_t btf_member_bit_width(const struct btf_type *t, const struct btf_member *m)
{
	return btf_type_kflag(t) ? BTF_MEMBER_BITFIELD_SIZE(m->offset) : 0;
}

/* The same for either way of writing bitfields: position and width in bits, the
 * width 0 when the member is no bitfield. */
struct btf_bits {
	uint32_t offset, width;
};
struct btf_bits btf_view_member_bits(const struct btf_view *view, const struct btf_type *t,
				     const struct btf_member *m);

/* The ids that @t refers to, one after another: sets *ret and returns true for
 * @index 0, 1, ... until there are no more. Id 0 (void) is told like any other. */
bool btf_type_child(const struct btf_type *t, uint32_t index, uint32_t *ret);

/* Follow modifiers, and typedefs too; 0 for void. Gives up (returns 0) on a
 * chain longer than any compiler writes, which only a loop can be. */
uint32_t btf_view_skip_modifiers(const struct btf_view *view, uint32_t id);
uint32_t btf_view_skip_typedefs(const struct btf_view *view, uint32_t id);

/* Size in bytes of a type, following typedefs and arrays, with pointers being
 * @pointer_size bytes. -EINVAL for what has none (void, functions, forwards). */
int btf_view_size(const struct btf_view *view, uint32_t id, unsigned int pointer_size,
		  uint64_t *ret);

/* The integer type that tells how wide a pointer is: the first one called "long" in
 * any of C's ways, of 4 or 8 bytes, in the bottom view. 0: there is none. */
uint32_t btf_view_find_long(const struct btf_view *view);

/* Bytes of a pointer in what the view describes: 4 or 8, judged by that type as
 * libbpf does; 8 when it is not there. */
unsigned int btf_view_pointer_size(const struct btf_view *view);

/* Length in bytes of the name before a "___flavour" suffix. */
size_t btf_essential_length(const char *name);

#endif
