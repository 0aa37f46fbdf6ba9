/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A BTF taken apart for comparison: strings by ordinal, types as runs of words
 * whose meaning a table tells. Only BTF laid out as every writer lays it out is
 * taken: the 24-byte header, types, strings, nothing between or behind; each
 * string once, each name the start of a string. For any other, -EOPNOTSUPP: the
 * store then keeps it in another way.
 */
#ifndef ARCHIVE_INDEX_TYPES_IMAGE_H
#define ARCHIVE_INDEX_TYPES_IMAGE_H

#include "btf/btf-view.h"

#define BTF_HEADER_SIZE 24
#define IMAGE_NONE	UINT32_MAX

/* What a word of a type holds. */
enum word { WORD_PLAIN, WORD_STRING, WORD_TYPE };

/* How the words of a kind are laid out. Word 0 is always the name, word 1 the
 * info, word 2 as @reference says; then items of @words words each. */
struct shape {
	enum word reference;
	uint8_t words;	 /* of one item, 0: no items */
	bool counted;	 /* vlen items, else one */
	enum word item[3];
};
const struct shape *shape_of(unsigned int kind); /* NULL: not known */

static inline uint32_t shape_items(const struct shape *s, const struct btf_type *t)
{
	return !s->words ? 0 : s->counted ? btf_type_vlen(t) : 1;
}

struct image {
	struct btf_view view;
	bool big_endian;
	uint32_t types;	      /* how many, void (id 0) included */
	uint32_t strings;     /* how many */
	uint32_t *offset;     /* of each string, and the end */
	uint32_t *ordinal;    /* by offset: the string that begins there, or IMAGE_NONE */
	uint64_t *hash;	      /* of each string; NULL when not asked for */
};

/* @to_match: with hashes, and every name looked at. Without, a name may still be no
 * string's start: ordinal[] then says IMAGE_NONE. -EOPNOTSUPP, -EBADMSG, -ENOMEM.
 * @btf is borrowed until deinit. */
int image_init(struct image *image, const struct btfpack_blob *btf, bool to_match);
void image_deinit(struct image *image);
#define AUTO_IMAGE CLEANUP(image_deinit)

static inline const uint32_t *image_words(const struct image *image, uint32_t id)
{
	return (const uint32_t *)btf_view_type(&image->view, id);
}

#endif
