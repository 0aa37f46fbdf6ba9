/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a type is, in 128 bits: the same in every BTF, whatever the ids, the
 * order and the string offsets. Two hashes a type:
 *
 *	ref  how others speak of it: a named struct, union, forward, enum, typedef,
 *	     int, float, function or variable by its name; all else (pointers,
 *	     arrays, qualifiers, prototypes, anonymous composites) by what it is
 *	def  what it is: kind, name, size and every part, the parts' types by ref
 *
 * So a change inside struct foo changes foo's def and nobody else's, and
 * recursion ends at names. Where it does not (only damaged BTF has types that
 * reach themselves without meeting a name) the loop is cut and counted.
 *
 * A collision of XXH3's 128 bits would hide a difference: not a thing to meet by
 * accident (1 in 10^28 for a kernel's types), though possible to craft.
 */
#ifndef BTF_BTF_HASH_H
#define BTF_BTF_HASH_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "btf/btf-view.h"

struct btf_hash {
	uint64_t low, high;
};

static inline bool btf_hash_is_equal(struct btf_hash a, struct btf_hash b)
{
	return a.low == b.low && a.high == b.high;
}

static inline int btf_hash_compare(struct btf_hash a, struct btf_hash b)
{
	if (a.low != b.low)
		return a.low < b.low ? -1 : 1;
	return a.high < b.high ? -1 : a.high > b.high;
}

/* An ENUM64 counts as an ENUM, values by their low 32 bits, signs not at all: how
 * the same enum looks where old parsers had to be served. */
#define BTF_HASH_IGNORE_ENUM64 1u
/* The places of variables in sections and the sections' sizes count too. */
#define BTF_HASH_OFFSETS 2u
/* Ints and floats are what they are, not what they are called ("unsigned long",
 * "long unsigned int"), and arrays are not told apart by their index type: what
 * compilers do not agree in. */
#define BTF_HASH_IGNORE_SPELLING 4u
/* Tell an array of arrays from the array of as many elements. */
#define BTF_HASH_DIMENSIONS 8u
/* Of member names "__UNIQUE_ID_foo123" the number does not count: it is the
 * compiler's running one, another in every unit. */
#define BTF_HASH_IGNORE_UNIQUE_IDS 16u

struct btf_hasher {
	const struct btf_view *view;
	unsigned int flags;
	unsigned int pointer_size; /* bytes */
	struct btf_hash *refs;	   /* by id, from 0 */
	struct btf_hash *defs;	   /* likewise */
	uint32_t loops;		   /* references cut, see above */
	uint64_t *words;	   /* scratch */
	size_t words_size;
};

/* Room only; hash nothing yet. -ENOMEM. */
int btf_hasher_init(struct btf_hasher *h, const struct btf_view *view, unsigned int flags);
void btf_hasher_deinit(struct btf_hasher *h);

/* Fill refs and defs for all ids, the base's too, in time linear to the BTF's
 * size. @salts, by id, may be NULL: a salt that is not zero goes into the ref of
 * that type, to tell apart types that share a name. -ENOMEM. */
int btf_hasher_run(struct btf_hasher *h, const struct btf_hash *salts);

/* The def of type @id with @refs (by id) in place of h->refs. @ret. -ENOMEM. */
int btf_hasher_define(struct btf_hasher *h, uint32_t id, const struct btf_hash *refs,
		      struct btf_hash *ret);

uint64_t btf_hash_string(const char *string);

/* The hash of two hashes, in this order. */
struct btf_hash btf_hash_join(struct btf_hash a, struct btf_hash b);

/* Whether others speak of type @id by its name. */
bool btf_hash_is_by_name(const struct btf_hasher *h, uint32_t id);

#endif
