/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btf/btf-kfuncs.h"
#include "core/cleanup.h"

struct kfunc {
	const char *name;
	uint32_t id;
};

static int compare(const void *a, const void *b)
{
	const struct kfunc *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (x->id > y->id) - (x->id < y->id);
}

/* The function that the type @id says is a kfunc; 0: it says no such thing. */
static uint32_t marked_by(const struct btf_view *view, uint32_t id)
{
	const struct btf_type *t = btf_view_type(view, id);
	const struct btf_decl_tag *tag = (const void *)(t + 1);

	if (btf_type_kind(t) != BTF_KIND_DECL_TAG || tag->component_idx != -1 ||
	    strcmp(btf_view_name(view, t), BTF_KFUNC_TAG) ||
	    btf_type_kind(btf_view_type(view, t->type)) != BTF_KIND_FUNC)
		return 0;
	return t->type;
}

int btf_kfuncs_list(const struct btf_view *view, uint32_t **ret, uint32_t *count_ret)
{
	AUTO_FREE struct kfunc *found = NULL;
	uint32_t *ids, count = 0, kept = 0;

	for (uint32_t id = view->first_id; id < view->end_id; id++)
		count += !!marked_by(view, id);
	found = calloc(count + 1, sizeof(*found));
	ids = calloc(count + 1, sizeof(*ids));
	if (!found || !ids) {
		free(ids);
		return -ENOMEM;
	}
	count = 0;
	for (uint32_t id = view->first_id; id < view->end_id; id++) {
		uint32_t func = marked_by(view, id);

		if (func)
			found[count++] = (struct kfunc){
				btf_view_name(view, btf_view_type(view, func)), func
			};
	}
	qsort(found, count, sizeof(*found), compare);
	for (uint32_t i = 0; i < count; i++)
		if (*found[i].name && (!i || strcmp(found[i].name, found[i - 1].name)))
			ids[kept++] = found[i].id;
	*ret = ids; /* the caller's */
	*count_ret = kept;
	return 0;
}
