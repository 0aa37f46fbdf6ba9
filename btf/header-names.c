/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "btf/btf-hash.h"
#include "btf/header-writer.h"

/* Ask for @name: the answer is how many times it has been asked for in @space. A
 * forward and what it stands for share one name: @shares says so. */
uint32_t header_take_name(struct header *h, enum space space, const char *name, uint32_t id,
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

bool header_has_tag(unsigned int kind)
{
	return btf_kind_is_composite(kind) || btf_kind_is_enum(kind);
}

/* A forward means the definition of its kind, if that has the plain name. */
static void name_forward(struct header *h, uint32_t id)
{
	const struct btf_type *t = header_type(h, id);
	unsigned int wanted = btf_type_kflag(t) ? BTF_KIND_UNION : BTF_KIND_STRUCT;
	uint32_t owner, count = header_take_name(h, SPACE_TAG, header_name(h, id), id, &owner);
	const struct btf_type *other = header_type(h, owner);
	bool same = owner == id || btf_type_kind(other) == wanted ||
		    (btf_type_kind(other) == BTF_KIND_FWD &&
		     btf_type_kflag(other) == btf_type_kflag(t));

	h->flavour[id] = same ? 1 : count;
}

/* Definitions first, so that they have the plain names. */
void header_choose_names(struct header *h)
{
	for (uint32_t id = 1; id < h->view->end_id; id++) {
		const struct btf_type *t = header_type(h, id);
		unsigned int kind = btf_type_kind(t);

		if (*header_name(h, id) && header_has_tag(kind))
			h->flavour[id] =
				header_take_name(h, SPACE_TAG, header_name(h, id), id, NULL);
		else if (kind == BTF_KIND_TYPEDEF)
			h->flavour[id] =
				header_take_name(h, SPACE_ORDINARY, header_name(h, id), id, NULL);
	}
	for (uint32_t id = 1; id < h->view->end_id; id++)
		if (btf_type_kind(header_type(h, id)) == BTF_KIND_FWD)
			name_forward(h, id);
}

int header_put_name(struct header *h, uint32_t id, struct buf *out)
{
	const struct btf_type *t = header_type(h, id);
	static const char *const tags[NR_BTF_KINDS] = {
		[BTF_KIND_STRUCT] = "struct ",
		[BTF_KIND_UNION] = "union ",
		[BTF_KIND_ENUM] = "enum ",
		[BTF_KIND_ENUM64] = "enum ",
	};
	unsigned int kind = btf_type_kind(t);
	const char *tag =
		kind == BTF_KIND_FWD ? (btf_type_kflag(t) ? "union " : "struct ") : tags[kind];
	int error = tag ? buf_add_string(out, tag) : 0;

	if (!error)
		error = buf_add_string(out, header_name(h, id));
	if (!error && h->flavour[id] > 1)
		error = buf_add_format(out, "___%u", h->flavour[id]);
	return error;
}

/* An int as clang knows it: its own name where that is made of words, else by size. */
const char *header_scalar_name(const struct header *h, uint32_t id)
{
	const struct btf_type *t = header_type(h, id);
	const char *name = header_name(h, id);
	bool is_signed = btf_type_kind(t) == BTF_KIND_INT &&
			 BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_SIGNED;
	static const char *const known[] = {
		"int",    "char",  "long",     "short", "unsigned",
		"signed", "_Bool", "__int128", "float", "double",
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
