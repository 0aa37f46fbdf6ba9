/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The compiler played: where it would put the next member. Where that is not the
 * offset in the BTF, unnamed bitfields fill the gap; where alignment is in the way,
 * the struct is packed.
 */
#include "btf/header-writer.h"

/* Where the compiler would put a member, in bits. */
uint64_t header_next_place(struct header *h, const struct layout *l, const struct btf_member *m,
			   struct btf_bits bits, int nesting)
{
	uint64_t unit = header_size(h, m->type) * 8;
	uint64_t align = l->packed ? 1 : header_find_align(h, m->type, nesting);

	if (l->is_union)
		return 0;
	if (!bits.width)
		return header_align_up(l->position, align * 8);
	if (!l->packed && unit && l->position % unit + bits.width > unit)
		return header_align_up(l->position, unit);
	return l->position;
}

/* Whether the struct can only be so as packed. */
static bool must_pack(struct header *h, uint32_t id, uint32_t align, int nesting)
{
	const struct btf_type *t = header_type(h, id);

	if (t->size % align)
		return true;
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = &btf_type_members(t)[i];
		struct btf_bits bits = btf_view_member_bits(h->view, t, m);
		uint64_t unit = header_size(h, m->type) * 8;

		if (bits.width ? unit && bits.offset % unit + bits.width > unit
			       : bits.offset % (header_find_align(h, m->type, nesting) * 8) != 0)
			return true;
	}
	return false;
}

static uint32_t find_composite_align(struct header *h, uint32_t id, int nesting)
{
	const struct btf_type *t = header_type(h, id);
	uint32_t align = 1;

	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		uint32_t one = header_find_align(h, btf_type_members(t)[i].type, nesting + 1);

		align = one > align ? one : align;
	}
	h->packed[id] = !header_is_loose(h, id) && must_pack(h, id, align, nesting + 1);
	return h->packed[id] ? 1 : align;
}

/* Alignment in bytes of a type as this header writes it. */
uint32_t header_find_align(struct header *h, uint32_t id, int nesting)
{
	const struct btf_type *t;
	uint32_t align = 1;

	if (nesting > HEADER_DEPTH_MAXIMUM)
		return 1;
	id = btf_view_skip_typedefs(h->view, id);
	while (btf_type_kind(header_type(h, id)) == BTF_KIND_ARRAY)
		id = btf_view_skip_typedefs(h->view, btf_type_array(header_type(h, id))->type);
	if (h->align[id])
		return h->align[id];
	t = header_type(h, id);
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
