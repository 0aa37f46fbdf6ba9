/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing BTF. Strings are deduplicated as they come; types are appended and get
 * consecutive ids; btf_build_finish() gives the bytes, in the byte order asked
 * for, with the 24-byte header that every reader understands. The same calls in
 * the same order give the same bytes.
 *
 *	struct btf_build *b;
 *	uint32_t name, id;
 *
 *	btf_build_new(NULL, &b);
 *	btf_build_string(b, "pid_t", &name);
 *	btf_build_type(b, &(struct btf_type){ .name_off = name, .info = ..., .type = int_id },
 *		       NULL, &id);
 *	btf_build_finish(b, false, &blob);
 *	btf_build_free(b);
 *
 * One thread per builder.
 */
#ifndef BTF_BTF_BUILD_H
#define BTF_BTF_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/btf.h>

#include <btfpack/types.h>

#include "btf/btf-view.h"

struct btf_build;

/* @base not NULL: split BTF on top of it; the base's strings are then used where
 * they are, and ids go on after the base's. It is borrowed until free. */
int btf_build_new(const struct btf_view *base, struct btf_build **ret);
void btf_build_free(struct btf_build *b);
static inline void btf_build_freep(struct btf_build **b)
{
	btf_build_free(*b);
}
#define AUTO_BTF_BUILD CLEANUP(btf_build_freep)

/*
 * For many split BTFs on one base: its names are made findable once, in a builder to
 * which nothing is added, and those made on it only look there. Any number of threads
 * may build on one index, which must outlive them.
 */
int btf_build_index(struct btf_build *b);
int btf_build_new_on(const struct btf_build *index, struct btf_build **ret);

/* The offset of @string (of @length bytes), added if new. "" and NULL give 0. */
int btf_build_string(struct btf_build *b, const char *string, uint32_t *ret);
int btf_build_string_n(struct btf_build *b, const char *string, size_t length, uint32_t *ret);

/* Append a type with its trailing data, of which btf_trailing_size(@t) bytes are
 * copied. Ids inside may lie ahead: nothing is checked here. */
int btf_build_type(struct btf_build *b, const struct btf_type *t, const void *trailing,
		   uint32_t *id_ret);

/* The id that the next type will get. */
uint32_t btf_build_next_id(const struct btf_build *b);

/* The type @id of this builder (not the base's), to be patched in place. Valid
 * until the next btf_build_type(). */
struct btf_type *btf_build_get(struct btf_build *b, uint32_t id);

/* Write the bytes. @other_order: in the byte order that is not this machine's. */
int btf_build_finish(struct btf_build *b, bool other_order, struct btfpack_blob *ret);

static inline uint32_t btf_info(unsigned int kind, unsigned int vlen, bool kflag)
{
	return (uint32_t)kflag << 31 | kind << 24 | vlen;
}

#endif
