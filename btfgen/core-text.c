/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "btfgen/core-text.h"

/* Parsing worked when the object was added, so it does now. */
static void parse(const struct core_object *object, const struct core_use *use,
		  struct core_path *ret)
{
	core_path_parse(object->object, &object->local, use->relo, ret, NULL);
}

void core_text_wanted(const struct core_object *object, const struct core_use *use, char *ret,
		      size_t size)
{
	struct core_path path;

	parse(object, use, &path);
	core_path_format(&object->local, &path, use->relo->kind, ret, size);
}

static void describe_mismatch(const struct core_object *object, const struct core_use *use,
			      const char *root, char *ret, size_t size)
{
	struct core_path path;

	parse(object, use, &path);
	if (path.step_count && path.steps[path.step_count - 1].name)
		snprintf(ret, size, "the kernel's %s has no '%s' that fits", root,
			 path.steps[path.step_count - 1].name);
	else
		snprintf(ret, size, "the kernel's %s does not fit", root);
}

void core_text_reason(const struct core_object *object, const struct core_use *use,
		      const struct core_result *result, char *ret, size_t size)
{
	const struct btf_view *view = object->local.view;
	const struct btf_type *t = btf_view_type(view, use->relo->type_id);
	const char *name = btf_view_name(view, t);
	char root[128];

	snprintf(root, sizeof(root), "%s %.*s", btf_kind_name(btf_type_kind(t)),
		 (int)btf_essential_length(name), name);
	*ret = '\0';
	switch (result->state == CORE_VALUE ? CORE_WHY_NONE : (enum core_why)result->why) {
	case CORE_WHY_NONE:
		return;
	case CORE_WHY_NO_TYPE:
		snprintf(ret, size, "the kernel has no %s", root);
		return;
	case CORE_WHY_NO_MATCH:
		describe_mismatch(object, use, root, ret, size);
		return;
	case CORE_WHY_AMBIGUOUS:
		snprintf(ret, size, "the kernel has several %s that disagree", root);
		return;
	case CORE_WHY_ANONYMOUS:
		snprintf(ret, size, "the type has no name to look for");
		return;
	case CORE_WHY_IMPOSSIBLE:
		snprintf(ret, size, "the kernel's %s cannot be computed with", root);
		return;
	case CORE_WHY_MISFIT:
		snprintf(ret, size,
			 "the field has another size in the kernel, and the instruction "
			 "cannot be adjusted to it");
		return;
	case CORE_WHY_RANGE:
		snprintf(ret, size, "the offset in the kernel does not fit the instruction");
		return;
	case CORE_WHY_INSTRUCTION:
		snprintf(ret, size, "the instruction is not one that can be relocated");
		return;
	}
}
