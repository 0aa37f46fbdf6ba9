/* SPDX-License-Identifier: BSD-2-Clause */
#include "btf/btf-fit.h"

static bool is_start(const struct btf_view *view, uint32_t offset)
{
	return !offset || offset >= view->base->end_string ||
	       !*btf_view_string(view->base, offset - 1);
}

/* Words of @step, of which the first is a name. */
static bool are_starts(const struct btf_view *view, const void *items, size_t step, uint32_t count)
{
	const uint32_t *word = items;

	for (; count; count--, word += step / sizeof(*word))
		if (!is_start(view, *word))
			return false;
	return true;
}

static bool has_good_names(const struct btf_view *view, const struct btf_type *t)
{
	uint32_t count = btf_type_vlen(t);

	if (!is_start(view, t->name_off))
		return false;
	switch (btf_type_kind(t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return are_starts(view, btf_type_members(t), sizeof(struct btf_member), count);
	case BTF_KIND_ENUM:
		return are_starts(view, btf_type_enums(t), sizeof(struct btf_enum), count);
	case BTF_KIND_ENUM64:
		return are_starts(view, btf_type_enums64(t), sizeof(struct btf_enum64), count);
	case BTF_KIND_FUNC_PROTO:
		return are_starts(view, btf_type_params(t), sizeof(struct btf_param), count);
	default:
		return true;
	}
}

bool btf_fits_base(const struct btf_view *view)
{
	for (uint32_t id = view->first_id; id < view->end_id; id++)
		if (!has_good_names(view, btf_view_type(view, id)))
			return false;
	return true;
}
