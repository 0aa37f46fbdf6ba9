/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "btfgen/core-types.h"

#define DEPTH_MAXIMUM 32        /* libbpf's: of nesting, and of each chain of pointers and arrays */
#define WORK_MAXIMUM  (1 << 22) /* comparisons of names in one match; real types need hundreds */

bool core_names_agree(const struct core_btf *local, uint32_t local_name,
		      const struct core_btf *kernel, uint32_t kernel_name)
{
	const char *l = btf_view_string(local->view, local_name);
	const char *k = btf_view_string(kernel->view, kernel_name);
	size_t length = btf_essential_length(l);

	return !strncmp(l, k, length) && btf_essential_length(k) == length;
}

bool core_names_agree_or_anonymous(const struct core_btf *local, uint32_t local_name,
				   const struct core_btf *kernel, uint32_t kernel_name)
{
	return !*btf_view_string(local->view, local_name) ||
	       !*btf_view_string(kernel->view, kernel_name) ||
	       core_names_agree(local, local_name, kernel, kernel_name);
}

/* Two types being compared, and how much more of it there may be. */
struct pair {
	const struct core_btf *local;
	const struct core_btf *kernel;
	uint32_t work;
};

static int agree(struct pair *pair, uint32_t local_id, uint32_t kernel_id, int level);

static int protos_agree(struct pair *pair, const struct btf_type *l, const struct btf_type *k,
			int level)
{
	if (btf_type_vlen(l) != btf_type_vlen(k))
		return 0;
	for (uint32_t i = 0; i < btf_type_vlen(l); i++) {
		int same;

		if (!level)
			return -EINVAL;
		same = agree(pair,
			     btf_view_skip_typedefs(pair->local->view, btf_type_params(l)[i].type),
			     btf_view_skip_typedefs(pair->kernel->view, btf_type_params(k)[i].type),
			     level - 1);
		if (same <= 0)
			return same;
	}
	return 1;
}

static int agree(struct pair *pair, uint32_t local_id, uint32_t kernel_id, int level)
{
	/* What the two are called by counts first: a typedef is not a struct. */
	if (!core_kinds_agree(btf_view_type(pair->local->view, local_id),
			      btf_view_type(pair->kernel->view, kernel_id)))
		return 0;
	for (int depth = 0; depth < DEPTH_MAXIMUM; depth++) {
		const struct btf_type *l, *k;
		int same;

		if (!pair->work--)
			return -EINVAL;
		l = btf_view_type(pair->local->view,
				  btf_view_skip_typedefs(pair->local->view, local_id));
		k = btf_view_type(pair->kernel->view,
				  btf_view_skip_typedefs(pair->kernel->view, kernel_id));
		if (!core_kinds_agree(l, k))
			return 0;
		switch (btf_type_kind(l)) {
		case BTF_KIND_UNKN:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FWD:
			return 1;
		case BTF_KIND_INT:
			return !BTF_INT_OFFSET(btf_type_int_encoding(l)) &&
			       !BTF_INT_OFFSET(btf_type_int_encoding(k));
		case BTF_KIND_PTR:
			local_id = l->type;
			kernel_id = k->type;
			continue;
		case BTF_KIND_ARRAY:
			local_id = btf_type_array(l)->type;
			kernel_id = btf_type_array(k)->type;
			continue;
		case BTF_KIND_FUNC_PROTO:
			same = protos_agree(pair, l, k, level);
			if (same <= 0)
				return same;
			local_id = btf_view_skip_typedefs(pair->local->view, l->type);
			kernel_id = btf_view_skip_typedefs(pair->kernel->view, k->type);
			continue;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

int core_types_agree(const struct core_btf *local, uint32_t local_id, const struct core_btf *kernel,
		     uint32_t kernel_id)
{
	struct pair pair = { .local = local, .kernel = kernel, .work = WORK_MAXIMUM };

	return agree(&pair, local_id, kernel_id, DEPTH_MAXIMUM);
}

static int match(struct pair *pair, uint32_t local_id, uint32_t kernel_id, bool behind_pointer,
		 int level);

static uint32_t enumerator_name(const struct btf_type *t, uint32_t index)
{
	return btf_type_kind(t) == BTF_KIND_ENUM ? btf_type_enums(t)[index].name_off
						 : btf_type_enums64(t)[index].name_off;
}

static int enums_match(struct pair *pair, const struct btf_type *l, const struct btf_type *k)
{
	if (l->size != k->size || btf_type_vlen(l) > btf_type_vlen(k))
		return 0;
	for (uint32_t i = 0; i < btf_type_vlen(l); i++) {
		uint32_t j = 0;

		while (j < btf_type_vlen(k) &&
		       !core_names_agree(pair->local, enumerator_name(l, i), pair->kernel,
					 enumerator_name(k, j))) {
			if (!pair->work--)
				return -EINVAL;
			j++;
		}
		if (j == btf_type_vlen(k))
			return 0;
	}
	return 1;
}

/* Is there a member of @k with the name of @m whose type matches? */
static int has_member(struct pair *pair, const struct btf_member *m, const struct btf_type *k,
		      bool behind_pointer, int level)
{
	for (uint32_t i = 0; i < btf_type_vlen(k); i++) {
		const struct btf_member *there = btf_type_members(k) + i;
		int matched;

		if (!pair->work--)
			return -EINVAL;
		if (!core_names_agree(pair->local, m->name_off, pair->kernel, there->name_off))
			continue;
		matched = match(pair, m->type, there->type, behind_pointer, level - 1);
		if (matched)
			return matched;
	}
	return 0;
}

static int composites_match(struct pair *pair, const struct btf_type *l, const struct btf_type *k,
			    bool behind_pointer, int level)
{
	if (btf_type_vlen(l) > btf_type_vlen(k))
		return 0;
	for (uint32_t i = 0; i < btf_type_vlen(l); i++) {
		int found = has_member(pair, btf_type_members(l) + i, k, behind_pointer, level);

		if (found <= 0)
			return found;
	}
	return 1;
}

static int params_match(struct pair *pair, const struct btf_type *l, const struct btf_type *k,
			bool behind_pointer, int level)
{
	if (btf_type_vlen(l) != btf_type_vlen(k))
		return 0;
	for (uint32_t i = 0; i < btf_type_vlen(l); i++) {
		int matched = match(pair, btf_type_params(l)[i].type, btf_type_params(k)[i].type,
				    behind_pointer, level - 1);

		if (matched <= 0)
			return matched;
	}
	return 1;
}

/* A forward declaration says which of the two it will be in its flag. */
static bool forward_is(const struct btf_type *forward, unsigned int kind)
{
	return kind == (btf_type_kflag(forward) ? BTF_KIND_UNION : BTF_KIND_STRUCT);
}

static bool forwards_match(const struct btf_type *l, const struct btf_type *k, bool behind_pointer)
{
	if (btf_type_kind(k) == BTF_KIND_FWD)
		return btf_type_kflag(l) == btf_type_kflag(k);
	return behind_pointer && forward_is(l, btf_type_kind(k));
}

static bool ints_match(const struct btf_type *l, const struct btf_type *k)
{
	uint32_t differ = BTF_INT_ENCODING(btf_type_int_encoding(l)) ^
			  BTF_INT_ENCODING(btf_type_int_encoding(k));

	return l->size == k->size && !(differ & BTF_INT_SIGNED);
}

static int match(struct pair *pair, uint32_t local_id, uint32_t kernel_id, bool behind_pointer,
		 int level)
{
	if (level <= 0)
		return -EINVAL;
	for (int depth = 0; depth < DEPTH_MAXIMUM; depth++) {
		const struct btf_type *l, *k;
		bool same_kind;
		int matched;

		if (!pair->work--)
			return -EINVAL;
		l = btf_view_type(pair->local->view,
				  btf_view_skip_typedefs(pair->local->view, local_id));
		k = btf_view_type(pair->kernel->view,
				  btf_view_skip_typedefs(pair->kernel->view, kernel_id));
		if (!core_names_agree(pair->local, l->name_off, pair->kernel, k->name_off))
			return 0;
		same_kind = btf_type_kind(l) == btf_type_kind(k);
		switch (btf_type_kind(l)) {
		case BTF_KIND_UNKN:
			return same_kind;
		case BTF_KIND_FWD:
			return forwards_match(l, k, behind_pointer);
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			return btf_kind_is_enum(btf_type_kind(k)) ? enums_match(pair, l, k) : 0;
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			if (behind_pointer)
				return same_kind || (btf_type_kind(k) == BTF_KIND_FWD &&
						     forward_is(k, btf_type_kind(l)));
			return same_kind ? composites_match(pair, l, k, behind_pointer, level) : 0;
		case BTF_KIND_INT:
			return same_kind && ints_match(l, k);
		case BTF_KIND_PTR:
			if (!same_kind)
				return 0;
			behind_pointer = true;
			local_id = l->type;
			kernel_id = k->type;
			continue;
		case BTF_KIND_ARRAY:
			if (!same_kind || btf_type_array(l)->nelems != btf_type_array(k)->nelems)
				return 0;
			local_id = btf_type_array(l)->type;
			kernel_id = btf_type_array(k)->type;
			continue;
		case BTF_KIND_FUNC_PROTO:
			matched = same_kind ? params_match(pair, l, k, behind_pointer, level) : 0;
			if (matched <= 0)
				return matched;
			local_id = l->type;
			kernel_id = k->type;
			continue;
		default:
			return 0;
		}
	}
	return -EINVAL;
}

int core_types_match(const struct core_btf *local, uint32_t local_id, const struct core_btf *kernel,
		     uint32_t kernel_id)
{
	struct pair pair = { .local = local, .kernel = kernel, .work = WORK_MAXIMUM };

	return match(&pair, local_id, kernel_id, false, DEPTH_MAXIMUM);
}
