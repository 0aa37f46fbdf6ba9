/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * C declarators grow from the name outwards: pointers to the left, arrays and
 * parameters to the right, until a type with a word of its own is met, which
 * goes in front of it all. The declarator under way is one buffer, grown at
 * both ends.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "btf/btf-text.h"

#define CHAIN_MAXIMUM	   64 /* derivations on one type: compilers stay below 10 */
#define PROTO_DEPTH	   8  /* functions taking functions taking functions ... */
#define DECLARATOR_MAXIMUM ((size_t)1 << 16)

const char *btf_text_qualifier(unsigned int kind)
{
	switch (kind) {
	case BTF_KIND_CONST:
		return "const";
	case BTF_KIND_VOLATILE:
		return "volatile";
	case BTF_KIND_RESTRICT:
		return "restrict";
	default:
		return NULL;
	}
}

static int prepend(struct buf *out, const char *text)
{
	size_t length = strlen(text);
	int error = buf_reserve(out, length);

	if (error || !length)
		return error;
	if (out->size)
		memmove(out->data + length, out->data, out->size);
	memcpy(out->data, text, length);
	out->size += length;
	return 0;
}

/* A word before the declarator, with a space where two words would run together. */
static int prepend_word(struct buf *out, const char *word)
{
	bool space = out->size && out->data[0] != '[';
	int error = space ? prepend(out, " ") : 0;

	return error ? error : prepend(out, word);
}

static int declare(const struct btf_view *view, uint32_t id, const char *name, int depth,
		   struct buf *out);

static int add_params(const struct btf_view *view, const struct btf_type *t, int depth,
		      struct buf *out)
{
	uint32_t vlen = btf_type_vlen(t);
	int error = buf_add_string(out, vlen ? "(" : "(void");

	for (uint32_t i = 0; !error && i < vlen; i++) {
		const struct btf_param *p = &btf_type_params(t)[i];

		if (i)
			error = buf_add_string(out, ", ");
		if (!error && !p->type && i == vlen - 1)
			error = buf_add_string(out, "...");
		else if (!error)
			error = declare(view, p->type, btf_view_string(view, p->name_off),
					depth + 1, out);
	}
	return error ? error : buf_add_string(out, ")");
}

/* The word of a type that has one. */
static int prepend_base(const struct btf_view *view, const struct btf_type *t, struct buf *out)
{
	static const char *const words[NR_BTF_KINDS] = {
		[BTF_KIND_STRUCT] = "struct ", [BTF_KIND_UNION] = "union ",
		[BTF_KIND_ENUM] = "enum ",     [BTF_KIND_ENUM64] = "enum ",
	};
	unsigned int kind = btf_type_kind(t);
	const char *name = btf_view_name(view, t);
	int error;

	if (kind == BTF_KIND_UNKN)
		return prepend_word(out, "void");
	if (!*name)
		name = words[kind] ? "{...}" : "?";
	error = prepend_word(out, name);
	if (error)
		return error;
	if (kind == BTF_KIND_FWD)
		return prepend(out, btf_type_kflag(t) ? "union " : "struct ");
	return words[kind] ? prepend(out, words[kind]) : 0;
}

/* In "int (*f)(void)" and "int (*a)[2]" the pointer binds before the rest. */
static int parenthesize(struct buf *out)
{
	int error = 0;

	if (out->size && out->data[0] == '*') {
		error = prepend(out, "(");
		if (!error)
			error = buf_add_string(out, ")");
	}
	return error;
}

static int build(const struct btf_view *view, uint32_t id, int depth, struct buf *out)
{
	char words[128] = ""; /* qualifiers seen, waiting for what they qualify */
	int error = 0;

	for (int i = 0; !error && i < CHAIN_MAXIMUM; i++) {
		const struct btf_type *t = btf_view_type(view, id);
		unsigned int kind = btf_type_kind(t);
		const char *qualifier = btf_text_qualifier(kind);

		if (qualifier) {
			if (!strstr(words, qualifier))
				sprintf(words + strlen(words), "%s%s", *words ? " " : "", qualifier);
		} else if (kind == BTF_KIND_TYPE_TAG) {
			/* an attribute: says nothing that C would check */
		} else if (kind == BTF_KIND_PTR) {
			error = *words ? prepend_word(out, words) : 0;
			if (!error)
				error = prepend(out, "*");
			words[0] = '\0';
		} else if (kind == BTF_KIND_ARRAY) {
			error = parenthesize(out);
			if (!error)
				error = buf_add_format(out, "[%u]", btf_type_array(t)->nelems);
			id = btf_type_array(t)->type;
			continue;
		} else if (kind == BTF_KIND_FUNC_PROTO) {
			error = parenthesize(out);
			if (!error && depth < PROTO_DEPTH)
				error = add_params(view, t, depth, out);
			else if (!error)
				error = buf_add_string(out, "(...)");
		} else {
			error = prepend_base(view, t, out);
			if (!error && *words)
				error = prepend_word(out, words);
			return error;
		}
		id = t->type;
	}
	return error ? error : prepend_word(out, "...");
}

static int declare(const struct btf_view *view, uint32_t id, const char *name, int depth,
		   struct buf *out)
{
	AUTO_BUF struct buf declarator = BUF_INIT(DECLARATOR_MAXIMUM);
	int error = name ? buf_add_string(&declarator, name) : 0;

	if (!error)
		error = build(view, id, depth, &declarator);
	return error ? error : buf_add(out, declarator.data, declarator.size);
}

int btf_text_declare(const struct btf_view *view, uint32_t id, const char *name, struct buf *out)
{
	size_t before = out->size;
	int error = declare(view, id, name, 0, out);

	if (error)
		out->size = before;
	return error;
}

const char *btf_text(const struct btf_view *view, uint32_t id, const char *name,
		     char ret[BTF_TEXT_SIZE])
{
	AUTO_BUF struct buf out = BUF_INIT(DECLARATOR_MAXIMUM);

	if (btf_text_declare(view, id, name, &out) < 0)
		strcpy(ret, "...");
	else if (out.size < BTF_TEXT_SIZE)
		snprintf(ret, BTF_TEXT_SIZE, "%.*s", (int)out.size, (const char *)out.data);
	else
		snprintf(ret, BTF_TEXT_SIZE, "%.*s...", BTF_TEXT_SIZE - 4, (const char *)out.data);
	return ret;
}
