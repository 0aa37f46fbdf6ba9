/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A C header being written: what the parts of btf_header_write() share. Downwards:
 *
 *	btf-header.c    which type must stand before which
 *	header-text.c   one type in C: bodies, declarators
 *	header-layout.c where the compiler would put members
 *	header-names.c  who has the plain name, who a flavour
 */
#ifndef BTF_HEADER_WRITER_H
#define BTF_HEADER_WRITER_H

#include "btf/btf-header.h"

#define HEADER_DECLARATOR_MAXIMUM ((size_t)1 << 16)
#define HEADER_DEPTH_MAXIMUM      512 /* needs within needs: kernels stay below 60 */

/* A name in use: in one of C's two name spaces. */
struct taken {
	uint64_t hash;  /* of space and name; 0: free */
	uint32_t id;    /* who has it */
	uint32_t count; /* how often it was asked for */
};

enum space { SPACE_TAG, SPACE_ORDINARY };

struct header {
	const struct btf_view *view;
	const struct btf_header_opts *opts;
	unsigned int pointer_size;
	struct buf *out;
	uint8_t *state;    /* by id: how far btf-header.c is with it */
	uint8_t *declared; /* by id: its tag has been seen by the compiler */
	uint8_t *inlined;  /* by id: an anonymous enum that was written already */
	uint32_t *flavour; /* by id: 0 or 1 none, else the number in ___N */
	uint32_t *align;   /* by id: bytes, 0 not known yet */
	uint8_t *packed;   /* by id, valid with align */
	struct taken *taken;
	uint32_t taken_size;
	int depth;
	const char *name;
	struct btfpack_error *err;
};

static inline const struct btf_type *header_type(const struct header *h, uint32_t id)
{
	return btf_view_type(h->view, id);
}

static inline const char *header_name(const struct header *h, uint32_t id)
{
	return btf_view_name(h->view, header_type(h, id));
}

static inline bool header_is_anonymous(const struct header *h, uint32_t id)
{
	unsigned int kind = btf_type_kind(header_type(h, id));

	return (btf_kind_is_composite(kind) || btf_kind_is_enum(kind)) && !*header_name(h, id);
}

static inline bool header_is_loose(const struct header *h, uint32_t id)
{
	return h->opts->loose && h->opts->loose[id];
}

static inline uint64_t header_size(const struct header *h, uint32_t id)
{
	uint64_t size;

	return btf_view_size(h->view, id, h->pointer_size, &size) < 0 ? 0 : size;
}

/* --- header-names.c ----------------------------------------------------------------------------- */

/* Ask for @name: the answer is how many times it has been asked for in @space. Who
 * asked first comes into @owner_ret, if not NULL. */
uint32_t header_take_name(struct header *h, enum space space, const char *name, uint32_t id,
			  uint32_t *owner_ret);

/* Names for all types, definitions first, so that they have the plain ones. */
void header_choose_names(struct header *h);

/* "struct sock___2": tag, name and flavour. */
int header_put_name(struct header *h, uint32_t id, struct buf *out);

/* An int or float as clang knows it: its own name where that is made of words, else by
 * size. */
const char *header_scalar_name(const struct header *h, uint32_t id);

bool header_has_tag(unsigned int kind);

/* --- header-layout.c ---------------------------------------------------------------------------- */

struct layout {
	uint64_t position; /* bits, behind the last member */
	bool packed;
	bool is_union;
};

static inline uint64_t header_align_up(uint64_t value, uint64_t align)
{
	return align ? (value + align - 1) / align * align : value;
}

/* Alignment in bytes of a type as this header writes it. */
uint32_t header_find_align(struct header *h, uint32_t id, int nesting);

/* Where the compiler would put a member, in bits. */
uint64_t header_next_place(struct header *h, const struct layout *l, const struct btf_member *m,
			   struct btf_bits bits, int nesting);

/* --- header-text.c ------------------------------------------------------------------------------ */

/* What the caller has to say of the type, or of its member @index. */
int header_put_comment(struct header *h, uint32_t id, uint32_t index, const char *before,
		       const char *after, struct buf *out);

/* "{ ... }" of a composite, of an enum. */
int header_put_body(struct header *h, uint32_t id, int nesting, struct buf *out);
int header_put_values(struct header *h, uint32_t id, int nesting, struct buf *out);

/* "int (*name)(long)". */
int header_put_declaration(struct header *h, uint32_t id, const char *name, int nesting,
			   struct buf *out);

/* Whether it is spelled around a declarator, and not before it. */
bool header_is_derived(unsigned int kind);

#endif
