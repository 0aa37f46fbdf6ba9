/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "btf/btf-text.h"
#include "btf/header-writer.h"

#define NEST_MAXIMUM 16 /* anonymous bodies within bodies */

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

int header_put_comment(struct header *h, uint32_t id, uint32_t index, const char *before,
		       const char *after, struct buf *out)
{
	const char *comment = h->opts->comment ? h->opts->comment(id, index, h->opts->arg) : NULL;

	return comment ? buf_add_format(out, "%s/* %s */%s", before, comment, after) : 0;
}

/* "struct foo;" as a member, of gcc -fms-extensions (Linux since 6.19): its
 * members are the outer struct's. Standard C wants an anonymous body. */
static bool is_embedded(const struct header *h, const struct btf_member *m)
{
	uint32_t id = btf_view_skip_typedefs(h->view, m->type);

	return !*btf_view_string(h->view, m->name_off) && !header_is_anonymous(h, id) &&
	       btf_kind_is_composite(btf_type_kind(header_type(h, id)));
}

static int put_embedded(struct header *h, uint32_t id, int nesting, struct buf *out)
{
	int error;

	id = btf_view_skip_typedefs(h->view, id);
	if (nesting > NEST_MAXIMUM)
		return btfpack_error_set(h->err, -EBADMSG,
					 "%s: unnamed members nested more than %d deep (id %u)",
					 h->name, NEST_MAXIMUM, id);
	error = buf_add_string(
		out, btf_type_kind(header_type(h, id)) == BTF_KIND_STRUCT ? "struct " : "union ");
	return error ? error : header_put_body(h, id, nesting, out);
}

static int put_member(struct header *h, uint32_t id, uint32_t index, struct layout *l, int nesting,
		      struct buf *out)
{
	const struct btf_type *t = header_type(h, id);
	const struct btf_member *m = &btf_type_members(t)[index];
	struct btf_bits bits = btf_view_member_bits(h->view, t, m);
	bool loose = header_is_loose(h, id);
	int error = 0;

	if (!loose && header_next_place(h, l, m, bits, 0) != bits.offset)
		error = put_padding(out, l->position, bits.offset, nesting);
	if (!error)
		error = indent(out, nesting);
	if (!error)
		error = is_embedded(h, m)
				? put_embedded(h, m->type, nesting, out)
				: header_put_declaration(h, m->type,
							 btf_view_string(h->view, m->name_off),
							 nesting, out);
	if (!error && bits.width)
		error = buf_add_format(out, ": %u", bits.width);
	if (!error)
		error = buf_add_string(out, ";");
	if (!error)
		error = header_put_comment(h, id, index, " ", "", out);
	l->position =
		l->is_union ? 0
			    : bits.offset + (bits.width ? bits.width : header_size(h, m->type) * 8);
	return error ? error : buf_add_string(out, "\n");
}

static uint64_t find_end(const struct header *h, const struct btf_type *t)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = &btf_type_members(t)[i];
		struct btf_bits bits = btf_view_member_bits(h->view, t, m);
		uint64_t own =
			bits.offset + (bits.width ? bits.width : header_size(h, m->type) * 8);

		end = own > end ? own : end;
	}
	return end;
}

/* "{ ... }" with its attribute. */
int header_put_body(struct header *h, uint32_t id, int nesting, struct buf *out)
{
	const struct btf_type *t = header_type(h, id);
	uint32_t align = header_find_align(h, id, 0);
	struct layout l = { .packed = h->packed[id],
			    .is_union = btf_type_kind(t) == BTF_KIND_UNION };
	uint64_t end = header_align_up(find_end(h, t), align * 8), size = (uint64_t)t->size * 8;
	int error = buf_add_string(out, "{\n");

	for (uint32_t i = 0; !error && i < btf_type_vlen(t); i++)
		error = put_member(h, id, i, &l, nesting + 1, out);
	if (!error && !header_is_loose(h, id) && end < size)
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
	const struct btf_type *t = header_type(h, id);
	bool wide = btf_type_kind(t) == BTF_KIND_ENUM64;
	const char *name = btf_view_string(h->view, wide ? btf_type_enums64(t)[index].name_off
							 : btf_type_enums(t)[index].name_off);
	uint32_t count = header_take_name(h, SPACE_ORDINARY, name, 0, NULL);
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
		error = header_put_comment(h, id, index, " ", "", out);
	return error ? error : buf_add_string(out, "\n");
}

int header_put_values(struct header *h, uint32_t id, int nesting, struct buf *out)
{
	const struct btf_type *t = header_type(h, id);
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
	const struct btf_type *t = header_type(h, id);
	unsigned int kind = btf_type_kind(t);
	int error;

	if (kind == BTF_KIND_UNKN)
		return buf_add_string(out, "void");
	if (kind == BTF_KIND_INT || kind == BTF_KIND_FLOAT)
		return buf_add_string(out, header_scalar_name(h, id));
	if (!header_is_anonymous(h, id))
		return header_put_name(h, id, out);
	if (btf_kind_is_enum(kind) && (h->inlined[id] || !btf_type_vlen(t)))
		return buf_add_string(out, t->size == 1   ? "unsigned char"
					   : t->size == 2 ? "unsigned short"
					   : t->size == 8 ? "unsigned long long"
							  : "unsigned int");
	if (nesting > NEST_MAXIMUM)
		return btfpack_error_set(h->err, -EBADMSG,
					 "%s: anonymous types nested more than %d deep (id %u)",
					 h->name, NEST_MAXIMUM, id);
	error = buf_add_string(out, kind == BTF_KIND_STRUCT  ? "struct "
				    : kind == BTF_KIND_UNION ? "union "
							     : "enum ");
	if (error)
		return error;
	return btf_kind_is_enum(kind) ? header_put_values(h, id, nesting, out)
				      : header_put_body(h, id, nesting, out);
}

static int prepend(struct buf *out, const char *text)
{
	AUTO_BUF struct buf joined = BUF_INIT(HEADER_DECLARATOR_MAXIMUM);
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
			error = header_put_declaration(h, type, "", nesting, out);
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

bool header_is_derived(unsigned int kind)
{
	return kind == BTF_KIND_PTR || kind == BTF_KIND_ARRAY || kind == BTF_KIND_FUNC_PROTO ||
	       btf_kind_is_modifier(kind);
}

int header_put_declaration(struct header *h, uint32_t id, const char *name, int nesting,
			   struct buf *out)
{
	AUTO_BUF struct buf declarator = BUF_INIT(HEADER_DECLARATOR_MAXIMUM);
	char words[64] = "";
	int error = buf_add_string(&declarator, name);

	if (!error && ++h->depth > HEADER_DEPTH_MAXIMUM)
		error = btfpack_error_set(h->err, -EBADMSG,
					  "%s: declarations nested more than %d deep (id %u)",
					  h->name, HEADER_DEPTH_MAXIMUM, id);
	while (!error && header_is_derived(btf_type_kind(header_type(h, id)))) {
		const struct btf_type *t = header_type(h, id);

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
