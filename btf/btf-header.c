/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C wants a type complete before it is held by value, and its name before it is
 * pointed to. So there are two needs: complete(type) writes the definition after
 * those of everything it holds; name(type) writes a forward declaration or a
 * typedef. Going through all ids with complete() writes all; what is written is
 * marked. Well-formed BTF has no loops by value, and a loop by names only where
 * no C could have been (an anonymous struct that points to itself): an error.
 *
 * Layout: lay_out() plays the compiler. Where the next member would not land on
 * the offset in the BTF, unnamed bitfields fill the gap; where alignment is in
 * the way, the struct is packed.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/btf.h>

#include "btf/btf-check.h"
#include "btf/btf-hash.h"
#include "btf/btf-header.h"
#include "btf/btf-text.h"
#include "core/cleanup.h"

#define DEPTH_MAXIMUM	 512 /* needs within needs: kernels stay below 60 */
#define NEST_MAXIMUM	 16  /* anonymous bodies within bodies */
#define DECLARATOR_LIMIT ((size_t)1 << 16)

enum { NEW, OPEN, NAMED, COMPLETE };

/* A name in use: in one of C's two name spaces. */
struct taken {
	uint64_t hash; /* of space and name; 0: free */
	uint32_t id;   /* who has it */
	uint32_t count; /* how often it was asked for */
};

enum space { SPACE_TAG, SPACE_ORDINARY };

struct header {
	const struct btf_view *view;
	const struct btf_header_opts *opts;
	unsigned int pointer_size;
	struct buf *out;
	uint8_t *state;	   /* by id */
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

static void header_deinit(struct header *h)
{
	free(h->state);
	free(h->declared);
	free(h->inlined);
	free(h->flavour);
	free(h->align);
	free(h->packed);
	free(h->taken);
}

static const struct btf_type *type_at(const struct header *h, uint32_t id)
{
	return btf_view_type(h->view, id);
}

static const char *name_at(const struct header *h, uint32_t id)
{
	return btf_view_name(h->view, type_at(h, id));
}

static bool is_anonymous(const struct header *h, uint32_t id)
{
	unsigned int kind = btf_type_kind(type_at(h, id));

	return (btf_kind_is_composite(kind) || btf_kind_is_enum(kind)) && !*name_at(h, id);
}

static bool is_loose(const struct header *h, uint32_t id)
{
	return h->opts->loose && h->opts->loose[id];
}

/* --- names ---------------------------------------------------------------------------------------- */

/* Ask for @name: the answer is how many times it has been asked for in @space. A
 * forward and what it stands for share one name: @shares says so. */
static uint32_t take_name(struct header *h, enum space space, const char *name, uint32_t id,
			  uint32_t *owner_ret)
{
	uint64_t hash = (btf_hash_string(name) * 2 + space) | 1ull << 63;
	uint32_t slot = (uint32_t)hash;

	while (h->taken[slot & (h->taken_size - 1)].hash &&
	       h->taken[slot & (h->taken_size - 1)].hash != hash)
		slot++;
	slot &= h->taken_size - 1;
	if (!h->taken[slot].hash)
		h->taken[slot] = (struct taken){ .hash = hash, .id = id };
	if (owner_ret)
		*owner_ret = h->taken[slot].id;
	return ++h->taken[slot].count;
}

static bool has_tag(unsigned int kind)
{
	return btf_kind_is_composite(kind) || btf_kind_is_enum(kind);
}

/* A forward means the definition of its kind, if that has the plain name. */
static void name_forward(struct header *h, uint32_t id)
{
	const struct btf_type *t = type_at(h, id);
	unsigned int wanted = btf_type_kflag(t) ? BTF_KIND_UNION : BTF_KIND_STRUCT;
	uint32_t owner, count = take_name(h, SPACE_TAG, name_at(h, id), id, &owner);
	const struct btf_type *other = type_at(h, owner);
	bool same = owner == id || btf_type_kind(other) == wanted ||
		    (btf_type_kind(other) == BTF_KIND_FWD &&
		     btf_type_kflag(other) == btf_type_kflag(t));

	h->flavour[id] = same ? 1 : count;
}

/* Definitions first, so that they have the plain names. */
static void choose_names(struct header *h)
{
	for (uint32_t id = 1; id < h->view->end_id; id++) {
		const struct btf_type *t = type_at(h, id);
		unsigned int kind = btf_type_kind(t);

		if (*name_at(h, id) && has_tag(kind))
			h->flavour[id] = take_name(h, SPACE_TAG, name_at(h, id), id, NULL);
		else if (kind == BTF_KIND_TYPEDEF)
			h->flavour[id] = take_name(h, SPACE_ORDINARY, name_at(h, id), id, NULL);
	}
	for (uint32_t id = 1; id < h->view->end_id; id++)
		if (btf_type_kind(type_at(h, id)) == BTF_KIND_FWD)
			name_forward(h, id);
}

static int put_name(struct header *h, uint32_t id, struct buf *out)
{
	const struct btf_type *t = type_at(h, id);
	static const char *const tags[NR_BTF_KINDS] = {
		[BTF_KIND_STRUCT] = "struct ", [BTF_KIND_UNION] = "union ",
		[BTF_KIND_ENUM] = "enum ",     [BTF_KIND_ENUM64] = "enum ",
	};
	unsigned int kind = btf_type_kind(t);
	const char *tag = kind == BTF_KIND_FWD ? (btf_type_kflag(t) ? "union " : "struct ") :
						 tags[kind];
	int error = tag ? buf_add_string(out, tag) : 0;

	if (!error)
		error = buf_add_string(out, name_at(h, id));
	if (!error && h->flavour[id] > 1)
		error = buf_add_format(out, "___%u", h->flavour[id]);
	return error;
}

/* An int as clang knows it: its own name where that is made of words, else by size. */
static const char *scalar_name(const struct header *h, uint32_t id)
{
	const struct btf_type *t = type_at(h, id);
	const char *name = name_at(h, id);
	bool is_signed = btf_type_kind(t) == BTF_KIND_INT &&
			 BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_SIGNED;
	static const char *const known[] = {
		"int", "char", "long", "short", "unsigned", "signed", "_Bool", "__int128", "float",
		"double",
	};
	size_t length = strcspn(name, " ");

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strlen(known[i]) == length && !strncmp(known[i], name, length) &&
		    strspn(name, "abcdefghijklmnopqrstuvwxyzB_1238 ") == strlen(name))
			return name;
	switch (t->size) {
	case 1:
		return is_signed ? "signed char" : "unsigned char";
	case 2:
		return is_signed ? "short" : "unsigned short";
	case 4:
		return is_signed ? "int" : "unsigned int";
	case 16:
		return is_signed ? "__int128" : "unsigned __int128";
	default:
		return is_signed ? "long long" : "unsigned long long";
	}
}

/* --- what the compiler would do ------------------------------------------------------------------- */

struct layout {
	uint64_t position; /* bits, behind the last member */
	bool packed;
	bool is_union;
};

static uint32_t find_align(struct header *h, uint32_t id, int nesting);

static uint64_t align_up(uint64_t value, uint64_t align)
{
	return align ? (value + align - 1) / align * align : value;
}

static uint64_t size_of(const struct header *h, uint32_t id)
{
	uint64_t size;

	return btf_view_size(h->view, id, h->pointer_size, &size) < 0 ? 0 : size;
}

/* Where the compiler would put a member, in bits. */
static uint64_t next_place(struct header *h, const struct layout *l, const struct btf_member *m,
			   struct btf_bits bits, int nesting)
{
	uint64_t unit = size_of(h, m->type) * 8;
	uint64_t align = l->packed ? 1 : find_align(h, m->type, nesting);

	if (l->is_union)
		return 0;
	if (!bits.width)
		return align_up(l->position, align * 8);
	if (!l->packed && unit && l->position % unit + bits.width > unit)
		return align_up(l->position, unit);
	return l->position;
}

/* Whether the struct can only be so as packed. */
static bool must_pack(struct header *h, uint32_t id, uint32_t align, int nesting)
{
	const struct btf_type *t = type_at(h, id);

	if (t->size % align)
		return true;
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = &btf_type_members(t)[i];
		struct btf_bits bits = btf_view_member_bits(h->view, t, m);
		uint64_t unit = size_of(h, m->type) * 8;

		if (bits.width ? unit && bits.offset % unit + bits.width > unit :
				 bits.offset % (find_align(h, m->type, nesting) * 8) != 0)
			return true;
	}
	return false;
}

static uint32_t find_composite_align(struct header *h, uint32_t id, int nesting)
{
	const struct btf_type *t = type_at(h, id);
	uint32_t align = 1;

	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		uint32_t one = find_align(h, btf_type_members(t)[i].type, nesting + 1);

		align = one > align ? one : align;
	}
	h->packed[id] = !is_loose(h, id) && must_pack(h, id, align, nesting + 1);
	return h->packed[id] ? 1 : align;
}

/* Alignment in bytes of a type as this header writes it. */
static uint32_t find_align(struct header *h, uint32_t id, int nesting)
{
	const struct btf_type *t;
	uint32_t align = 1;

	if (nesting > DEPTH_MAXIMUM)
		return 1;
	id = btf_view_skip_typedefs(h->view, id);
	while (btf_type_kind(type_at(h, id)) == BTF_KIND_ARRAY)
		id = btf_view_skip_typedefs(h->view, btf_type_array(type_at(h, id))->type);
	if (h->align[id])
		return h->align[id];
	t = type_at(h, id);
	switch (btf_type_kind(t)) {
	case BTF_KIND_PTR:
		align = h->pointer_size;
		break;
	case BTF_KIND_INT:
	case BTF_KIND_FLOAT:
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		align = t->size > 16 ? 16 : t->size ? t->size : 1;
		align = align & (align - 1) ? 4 : align;
		break;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		align = find_composite_align(h, id, nesting);
		break;
	}
	h->align[id] = align;
	return align;
}

/* --- bodies --------------------------------------------------------------------------------------- */

static int put_declaration(struct header *h, uint32_t id, const char *name, int nesting,
			   struct buf *out);

static int indent(struct buf *out, int nesting)
{
	int error = 0;

	for (int i = 0; !error && i < nesting; i++)
		error = buf_add_string(out, "\t");
	return error;
}

/* Unnamed bitfields from @from to @to, in bits, none across its own boundary. */
static int put_padding(struct buf *out, uint64_t from, uint64_t to, int nesting)
{
	static const struct {
		uint32_t bits;
		const char *type;
	} units[] = { { 64, "long long" }, { 32, "int" }, { 16, "short" }, { 8, "char" } };
	int error = 0;

	while (!error && from < to) {
		uint64_t left = to - from, chunk = 8 - from % 8;
		const char *type = "char";

		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (from % units[i].bits == 0 && left >= units[i].bits) {
				chunk = units[i].bits;
				type = units[i].type;
				break;
			}
		chunk = chunk < left ? chunk : left;
		error = indent(out, nesting);
		if (!error)
			error = buf_add_format(out, "%s: %" PRIu64 ";\n", type, chunk);
		from += chunk;
	}
	return error;
}

static int put_comment(struct header *h, uint32_t id, uint32_t index, const char *before,
		       const char *after, struct buf *out)
{
	const char *comment = h->opts->comment ? h->opts->comment(id, index, h->opts->arg) : NULL;

	return comment ? buf_add_format(out, "%s/* %s */%s", before, comment, after) : 0;
}

static int put_body(struct header *h, uint32_t id, int nesting, struct buf *out);

/* "struct foo;" as a member, of gcc -fms-extensions (Linux since 6.19): its
 * members are the outer struct's. Standard C wants an anonymous body. */
static bool is_embedded(const struct header *h, const struct btf_member *m)
{
	uint32_t id = btf_view_skip_typedefs(h->view, m->type);

	return !*btf_view_string(h->view, m->name_off) && !is_anonymous(h, id) &&
	       btf_kind_is_composite(btf_type_kind(type_at(h, id)));
}

static int put_embedded(struct header *h, uint32_t id, int nesting, struct buf *out)
{
	int error;

	id = btf_view_skip_typedefs(h->view, id);
	if (nesting > NEST_MAXIMUM)
		return btfpack_error_set(h->err, -EBADMSG,
					 "%s: unnamed members nested more than %d deep (id %u)",
					 h->name, NEST_MAXIMUM, id);
	error = buf_add_string(out, btf_type_kind(type_at(h, id)) == BTF_KIND_STRUCT ? "struct " :
										      "union ");
	return error ? error : put_body(h, id, nesting, out);
}

static int put_member(struct header *h, uint32_t id, uint32_t index, struct layout *l, int nesting,
		      struct buf *out)
{
	const struct btf_type *t = type_at(h, id);
	const struct btf_member *m = &btf_type_members(t)[index];
	struct btf_bits bits = btf_view_member_bits(h->view, t, m);
	bool loose = is_loose(h, id);
	int error = 0;

	if (!loose && next_place(h, l, m, bits, 0) != bits.offset)
		error = put_padding(out, l->position, bits.offset, nesting);
	if (!error)
		error = indent(out, nesting);
	if (!error)
		error = is_embedded(h, m) ? put_embedded(h, m->type, nesting, out) :
					    put_declaration(h, m->type,
							    btf_view_string(h->view, m->name_off),
							    nesting, out);
	if (!error && bits.width)
		error = buf_add_format(out, ": %u", bits.width);
	if (!error)
		error = buf_add_string(out, ";");
	if (!error)
		error = put_comment(h, id, index, " ", "", out);
	l->position = l->is_union ? 0 : bits.offset + (bits.width ? bits.width :
								    size_of(h, m->type) * 8);
	return error ? error : buf_add_string(out, "\n");
}

static uint64_t find_end(const struct header *h, const struct btf_type *t)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = &btf_type_members(t)[i];
		struct btf_bits bits = btf_view_member_bits(h->view, t, m);
		uint64_t own = bits.offset + (bits.width ? bits.width : size_of(h, m->type) * 8);

		end = own > end ? own : end;
	}
	return end;
}

/* "{ ... }" with its attribute. */
static int put_body(struct header *h, uint32_t id, int nesting, struct buf *out)
{
	const struct btf_type *t = type_at(h, id);
	uint32_t align = find_align(h, id, 0);
	struct layout l = { .packed = h->packed[id],
			    .is_union = btf_type_kind(t) == BTF_KIND_UNION };
	uint64_t end = align_up(find_end(h, t), align * 8), size = (uint64_t)t->size * 8;
	int error = buf_add_string(out, "{\n");

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
		error = put_member(h, id, i, &l, nesting + 1, out);
	if (!error && !is_loose(h, id) && end < size)
		error = put_padding(out, l.position, size, nesting + 1);
	if (!error)
		error = indent(out, nesting);
	if (!error)
		error = buf_add_string(out, "}");
	if (!error && l.packed)
		error = buf_add_string(out, " __attribute__((packed))");
	return error;
}

static int put_value(struct header *h, uint32_t id, uint32_t index, int nesting, struct buf *out)
{
	const struct btf_type *t = type_at(h, id);
	bool wide = btf_type_kind(t) == BTF_KIND_ENUM64;
	const char *name = btf_view_string(h->view, wide ? btf_type_enums64(t)[index].name_off :
							   btf_type_enums(t)[index].name_off);
	uint32_t count = take_name(h, SPACE_ORDINARY, name, 0, NULL);
	int64_t value = btf_type_enum_value(t, index);
	int error = indent(out, nesting);

	if (!error)
		error = buf_add_string(out, name);
	if (!error && count > 1)
		error = buf_add_format(out, "___%u", count);
	/* The smallest number has no literal of its own. */
	if (!error && btf_type_kflag(t) && value == INT64_MIN)
		error = buf_add_string(out, " = (-9223372036854775807LL - 1)");
	else if (!error && btf_type_kflag(t))
		error = buf_add_format(out, " = %" PRId64 "%s", value, wide ? "LL" : "");
	else if (!error)
		error = buf_add_format(out, " = %" PRIu64 "%s", (uint64_t)value, wide ? "ULL" : "");
	if (!error)
		error = buf_add_string(out, ",");
	if (!error)
		error = put_comment(h, id, index, " ", "", out);
	return error ? error : buf_add_string(out, "\n");
}

static int put_values(struct header *h, uint32_t id, int nesting, struct buf *out)
{
	const struct btf_type *t = type_at(h, id);
	int error = buf_add_string(out, "{\n");

	h->inlined[id] = true;
	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
		error = put_value(h, id, i, nesting + 1, out);
	if (!error)
		error = indent(out, nesting);
	if (!error)
		error = buf_add_string(out, "}");
	if (!error && t->size == 1)
		error = buf_add_string(out, " __attribute__((mode(byte)))");
	if (!error && t->size == 2)
		error = buf_add_string(out, " __attribute__((mode(HI)))");
	if (!error && t->size == 8)
		error = buf_add_string(out, " __attribute__((mode(DI)))");
	return error;
}

/* --- declarations --------------------------------------------------------------------------------- */

/* The word, or the body, that a declaration starts with. */
static int put_base(struct header *h, uint32_t id, int nesting, struct buf *out)
{
	const struct btf_type *t = type_at(h, id);
	unsigned int kind = btf_type_kind(t);
	int error;

	if (kind == BTF_KIND_UNKN)
		return buf_add_string(out, "void");
	if (kind == BTF_KIND_INT || kind == BTF_KIND_FLOAT)
		return buf_add_string(out, scalar_name(h, id));
	if (!is_anonymous(h, id))
		return put_name(h, id, out);
	if (btf_kind_is_enum(kind) && (h->inlined[id] || !btf_type_vlen(t)))
		return buf_add_string(out, t->size == 1 ? "unsigned char" :
					   t->size == 2 ? "unsigned short" :
					   t->size == 8 ? "unsigned long long" : "unsigned int");
	if (nesting > NEST_MAXIMUM)
		return btfpack_error_set(h->err, -EBADMSG,
					 "%s: anonymous types nested more than %d deep (id %u)",
					 h->name, NEST_MAXIMUM, id);
	error = buf_add_string(out, kind == BTF_KIND_STRUCT ? "struct " :
				    kind == BTF_KIND_UNION ? "union " : "enum ");
	if (error)
		return error;
	return btf_kind_is_enum(kind) ? put_values(h, id, nesting, out) :
					put_body(h, id, nesting, out);
}

static int prepend(struct buf *out, const char *text)
{
	AUTO_BUF struct buf joined = BUF_INIT(DECLARATOR_LIMIT);
	int error = buf_add_string(&joined, text);

	if (!error)
		error = buf_add(&joined, out->data, out->size);
	out->size = 0;
	return error ? error : buf_add(out, joined.data, joined.size);
}

static int put_params(struct header *h, const struct btf_type *t, int nesting, struct buf *out)
{
	uint32_t vlen = btf_type_vlen(t);
	int error = buf_add_string(out, vlen ? "(" : "(void");

	for (uint32_t i = 0; !error && i < vlen; i++) {
		uint32_t type = btf_type_params(t)[i].type;

		if (i)
			error = buf_add_string(out, ", ");
		if (!error && !type && i == vlen - 1)
			error = buf_add_string(out, vlen > 1 ? "..." : "");
		else if (!error)
			error = put_declaration(h, type, "", nesting, out);
	}
	return error ? error : buf_add_string(out, ")");
}

static int bracket(struct buf *out)
{
	int error = 0;

	if (out->size && out->data[0] == '*') {
		error = prepend(out, "(");
		if (!error)
			error = buf_add_string(out, ")");
	}
	return error;
}

/* One step outwards from the name: a pointer, array, prototype or qualifier.
 * Qualifiers collect in @words until what they qualify is met. */
static int step(struct header *h, const struct btf_type *t, int nesting, char words[64],
		struct buf *declarator)
{
	unsigned int kind = btf_type_kind(t);
	const char *qualifier = btf_text_qualifier(kind);
	int error = 0;

	if (qualifier) {
		if (!strstr(words, qualifier))
			strcat(strcat(words, qualifier), " ");
	} else if (kind == BTF_KIND_PTR) {
		error = prepend(declarator, words);
		if (!error)
			error = prepend(declarator, "*");
		words[0] = '\0';
	} else if (kind == BTF_KIND_ARRAY) {
		error = bracket(declarator);
		if (!error)
			error = buf_add_format(declarator, "[%u]", btf_type_array(t)->nelems);
	} else if (kind == BTF_KIND_FUNC_PROTO) {
		error = bracket(declarator);
		if (!error)
			error = put_params(h, t, nesting, declarator);
		words[0] = '\0'; /* a const function is one that promises, not a type */
	}
	return error;
}

static bool is_derived(unsigned int kind)
{
	return kind == BTF_KIND_PTR || kind == BTF_KIND_ARRAY || kind == BTF_KIND_FUNC_PROTO ||
	       btf_kind_is_modifier(kind);
}

static int put_declaration(struct header *h, uint32_t id, const char *name, int nesting,
			   struct buf *out)
{
	AUTO_BUF struct buf declarator = BUF_INIT(DECLARATOR_LIMIT);
	char words[64] = "";
	int error = buf_add_string(&declarator, name);

	if (!error && ++h->depth > DEPTH_MAXIMUM)
		error = btfpack_error_set(h->err, -EBADMSG,
					  "%s: declarations nested more than %d deep (id %u)",
					  h->name, DEPTH_MAXIMUM, id);
	while (!error && is_derived(btf_type_kind(type_at(h, id)))) {
		const struct btf_type *t = type_at(h, id);

		error = step(h, t, nesting, words, &declarator);
		id = btf_type_kind(t) == BTF_KIND_ARRAY ? btf_type_array(t)->type : t->type;
	}
	if (!error)
		error = buf_add_string(out, strstr(words, "restrict") ? "" : words);
	if (!error)
		error = put_base(h, id, nesting, out);
	if (!error && declarator.size)
		error = buf_add_string(out, " ");
	h->depth--;
	return error ? error : buf_add(out, declarator.data, declarator.size);
}

/* --- order ---------------------------------------------------------------------------------------- */

static int need_complete(struct header *h, uint32_t id);
static int need_name(struct header *h, uint32_t id);

static int deeper(struct header *h, int (*need)(struct header *, uint32_t), uint32_t id)
{
	int error;

	if (++h->depth > DEPTH_MAXIMUM)
		error = btfpack_error_set(h->err, -EBADMSG,
					  "%s: types depend on one another more than %d deep (id %u)",
					  h->name, DEPTH_MAXIMUM, id);
	else
		error = need(h, id);
	h->depth--;
	return error;
}

static int need_members(struct header *h, uint32_t id)
{
	const struct btf_type *t = type_at(h, id);
	int error = 0;

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
		error = deeper(h, need_complete, btf_type_members(t)[i].type);
	return error;
}

static int refuse_loop(struct header *h, uint32_t id)
{
	return btfpack_error_set(h->err, -EBADMSG,
				 "%s: %s %s (id %u) needs itself to be defined before it", h->name,
				 btf_kind_name(btf_type_kind(type_at(h, id))), name_at(h, id), id);
}

/* The compiler has this one built in. */
static bool is_builtin(const struct header *h, uint32_t id)
{
	return !strcmp(name_at(h, id), "__builtin_va_list");
}

static int write_typedef(struct header *h, uint32_t id)
{
	AUTO_BUF struct buf name = BUF_INIT(DECLARATOR_LIMIT);
	int error = deeper(h, need_name, type_at(h, id)->type);

	if (error || is_builtin(h, id))
		return error;
	error = put_name(h, id, &name);
	if (!error)
		error = buf_add_string(h->out, "typedef ");
	if (!error)
		error = put_declaration(h, type_at(h, id)->type, buf_string(&name), 0, h->out);
	return error ? error : buf_add_string(h->out, ";\n\n");
}

static int write_forward(struct header *h, uint32_t id)
{
	int error = put_name(h, id, h->out);

	h->declared[id] = true;
	return error ? error : buf_add_string(h->out, ";\n\n");
}

static int write_definition(struct header *h, uint32_t id)
{
	int error = put_comment(h, id, UINT32_MAX, "", "\n", h->out);

	if (!error)
		error = put_name(h, id, h->out);
	if (!error)
		error = buf_add_string(h->out, " ");
	if (!error)
		error = btf_kind_is_enum(btf_type_kind(type_at(h, id))) ?
				put_values(h, id, 0, h->out) :
				put_body(h, id, 0, h->out);
	return error ? error : buf_add_string(h->out, ";\n\n");
}

static int need_prototype(struct header *h, uint32_t id)
{
	const struct btf_type *t = type_at(h, id);
	int error = deeper(h, need_name, t->type);

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
		error = deeper(h, need_name, btf_type_params(t)[i].type);
	return error;
}

/* What a type that has no word of its own is written with, once. */
static int need_parts(struct header *h, uint32_t id)
{
	const struct btf_type *t = type_at(h, id);

	switch (btf_type_kind(t)) {
	case BTF_KIND_TYPEDEF:
		return write_typedef(h, id);
	case BTF_KIND_ARRAY: /* C wants its elements complete even behind a pointer */
		return deeper(h, need_complete, btf_type_array(t)->type);
	case BTF_KIND_FUNC_PROTO:
		return need_prototype(h, id);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return need_members(h, id);
	default:
		return deeper(h, need_name, t->type);
	}
}

/* After this the type can be pointed to, or be a parameter. */
static int need_name(struct header *h, uint32_t id)
{
	unsigned int kind = btf_type_kind(type_at(h, id));
	int error;

	if (btf_kind_is_enum(kind)) /* no forward declaration of those in C */
		return is_anonymous(h, id) ? 0 : need_complete(h, id);
	if (!is_derived(kind) && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_FWD &&
	    !btf_kind_is_composite(kind))
		return 0;
	if (kind == BTF_KIND_FWD || (btf_kind_is_composite(kind) && !is_anonymous(h, id)))
		return h->declared[id] ? 0 : write_forward(h, id);
	if (h->state[id] == OPEN)
		return refuse_loop(h, id);
	if (h->state[id] != NEW)
		return 0;
	h->state[id] = OPEN;
	error = need_parts(h, id);
	h->state[id] = NAMED;
	return error;
}

/* After this the type can be held by value. */
static int need_complete(struct header *h, uint32_t id)
{
	const struct btf_type *t = type_at(h, id);
	int error = 0;

	switch (btf_type_kind(t)) {
	case BTF_KIND_CONST:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return deeper(h, need_complete, t->type);
	case BTF_KIND_TYPEDEF:
		error = deeper(h, need_complete, t->type);
		return error ? error : need_name(h, id);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (is_anonymous(h, id))
			return need_name(h, id);
		if (h->state[id] == OPEN)
			return refuse_loop(h, id);
		if (h->state[id] == COMPLETE)
			return 0;
		h->state[id] = OPEN;
		error = need_members(h, id);
		h->state[id] = COMPLETE;
		h->declared[id] = true;
		return error ? error : write_definition(h, id);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (is_anonymous(h, id) || h->state[id] == COMPLETE)
			return 0;
		h->state[id] = COMPLETE;
		return btf_type_vlen(t) ? write_definition(h, id) : write_forward(h, id);
	default:
		return need_name(h, id);
	}
}

/* An anonymous enum that nothing holds: constants of the kernel's headers. */
static int write_constants(struct header *h, uint32_t id)
{
	int error = buf_add_string(h->out, "enum ");

	if (!error)
		error = put_values(h, id, 0, h->out);
	return error ? error : buf_add_string(h->out, ";\n\n");
}

static int write_types(struct header *h)
{
	int error = 0;

	for (uint32_t id = h->view->first_id; !error && id < h->view->end_id; id++) {
		unsigned int kind = btf_type_kind(type_at(h, id));

		if (kind == BTF_KIND_TYPEDEF || kind == BTF_KIND_FWD ||
		    (has_tag(kind) && !is_anonymous(h, id)))
			error = need_complete(h, id);
	}
	for (uint32_t id = h->view->first_id; !error && id < h->view->end_id; id++)
		if (btf_kind_is_enum(btf_type_kind(type_at(h, id))) && is_anonymous(h, id) &&
		    !h->inlined[id] && btf_type_vlen(type_at(h, id)))
			error = write_constants(h, id);
	return error;
}

/* --- the whole ------------------------------------------------------------------------------------ */

static int header_init(struct header *h)
{
	uint32_t end = h->view->end_id;
	uint64_t names = end, size = 1024;

	for (uint32_t id = 1; id < end; id++)
		if (btf_kind_is_enum(btf_type_kind(type_at(h, id))))
			names += btf_type_vlen(type_at(h, id));
	while (size < names * 2)
		size *= 2;
	h->taken_size = (uint32_t)size;
	h->taken = calloc(size, sizeof(*h->taken));
	h->state = calloc(end, 1);
	h->declared = calloc(end, 1);
	h->inlined = calloc(end, 1);
	h->flavour = calloc(end, sizeof(*h->flavour));
	h->align = calloc(end, sizeof(*h->align));
	h->packed = calloc(end, 1);
	if (!h->taken || !h->state || !h->declared || !h->inlined || !h->flavour || !h->align || !h->packed)
		return -ENOMEM;
	choose_names(h);
	return 0;
}

#define TOP                                                                                        \
	"#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n\n"                                         \
	"#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n"                                                   \
	"#pragma clang attribute push (__attribute__((preserve_access_index)), apply_to = record)\n" \
	"#endif\n\n"
#define BOTTOM                                                                                     \
	"#ifndef BPF_NO_PRESERVE_ACCESS_INDEX\n#pragma clang attribute pop\n#endif\n\n"           \
	"#endif /* __VMLINUX_H__ */\n"

int btf_header_write(const struct btf_view *view, const struct btf_header_opts *opts,
		     struct buf *out, const char *name, struct btfpack_error *err)
{
	CLEANUP(header_deinit)
	struct header h = {
		.view = view,
		.opts = opts,
		.pointer_size = 8, /* that is what -target bpf has, whatever the kernel */
		.out = out,
		.name = name,
		.err = err,
	};
	struct btfpack_error own = { 0 };
	int error;

	h.err = &own;
	error = header_init(&h);
	if (!error && opts->preamble)
		error = buf_add_string(out, opts->preamble);
	if (!error)
		error = buf_add_string(out, TOP);
	if (!error)
		error = write_types(&h);
	if (!error)
		error = buf_add_string(out, BOTTOM);
	if (!error)
		return 0;
	if (own.code)
		return btfpack_error_set(err, own.code, "%s", own.message);
	return btfpack_error_set(err, error, "%s: %s", name,
				 error == -EFBIG ? "the header would be too large" : "out of memory");
}

int btfpack_btf_header(const struct btfpack_blob *btf, const char *name, struct btfpack_blob *ret,
		       struct btfpack_error *err)
{
	struct btfpack_btf_check_opts check = { .size = sizeof(check), .skip_duplicates = true };
	static const struct btf_header_opts opts;
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(BTF_HEADER_MAXIMUM);
	int error;

	check.name = name ? name : "BTF";
	error = btfpack_btf_check(btf, &check, NULL, NULL, NULL, err);
	if (!error)
		error = btf_view_init(&view, btf->data, btf->size, NULL, check.name, err);
	if (!error)
		error = btf_header_write(&view, &opts, &out, check.name, err);
	if (!error)
		*ret = buf_take(&out); /* the caller's */
	return error;
}
