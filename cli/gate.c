/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <btfpack/btf.h>

#include "btf/btf-view.h"
#include "cli/gate.h"
#include "cli/output.h"
#include "core/cleanup.h"

/* The smallest kernel that loads BPF programs has about 20,000 types. */
#define KERNEL_LEAST 10000

/* Deduplicated BTF has none or a handful, of static functions' local types. */
#define MAY_BE_DUPLICATE(types) ((types) / 50)

struct finding {
	uint32_t types, duplicates, tasks;
};

static int count_tasks(const struct btfpack_blob *btf, const char *name, uint32_t *ret,
		       struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	int error = btf_view_init(&view, btf->data, btf->size, NULL, name, err);

	*ret = 0;
	for (uint32_t id = 1; !error && id < view.end_id; id++) {
		const struct btf_type *t = btf_view_type(&view, id);

		*ret += btf_type_kind(t) == BTF_KIND_STRUCT &&
			!strcmp(btf_view_name(&view, t), "task_struct");
	}
	return error;
}

static int look(const struct btfpack_blob *btf, const char *name, struct finding *ret,
		struct btfpack_error *err)
{
	const struct btfpack_btf_check_opts opts = { .size = sizeof(opts), .name = name };
	struct btfpack_btf_check_summary sum;
	int error = btfpack_btf_check(btf, &opts, NULL, NULL, &sum, err);

	if (error)
		return error;
	ret->types = sum.types;
	ret->duplicates = sum.by_sort[BTFPACK_BTF_DUPLICATE];
	return count_tasks(btf, name, &ret->tasks, err);
}

static bool needs_dedup(const struct finding *f)
{
	return f->tasks > 1 || (f->types >= KERNEL_LEAST &&
				f->duplicates > MAY_BE_DUPLICATE(f->types));
}

static int repair(struct btfpack_blob *btf, const char *name, struct finding *f,
		  struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob smaller = { 0 };
	struct finding before = *f;
	int error = btfpack_btf_dedup(btf, name, &smaller, err);

	if (!error)
		error = look(&smaller, name, f, err);
	if (error)
		return error;
	output_tell("%s: was not deduplicated: %u struct task_struct in %u types; repaired, now %u "
		    "in %u",
		    name, before.tasks, before.types, f->tasks, f->types);
	btfpack_blob_free(btf);
	*btf = smaller; /* the caller's */
	smaller = (struct btfpack_blob){ 0 };
	return 0;
}

int gate_pass(struct btfpack_blob *btf, const char *name, bool *repaired_ret,
	      struct btfpack_error *err)
{
	struct finding f;
	int error = look(btf, name, &f, err);
	bool repairs = !error && needs_dedup(&f);

	if (repairs)
		error = repair(btf, name, &f, err);
	if (error)
		return error;
	if (repaired_ret)
		*repaired_ret = repairs;
	if (f.tasks == 1 || (!f.tasks && f.types < KERNEL_LEAST))
		return 0;
	return btfpack_error_set(err, -EBADMSG,
				 "%s: %u definitions of struct task_struct in %u types, expected "
				 "one as in every kernel (--force stores it nevertheless)",
				 name, f.tasks, f.types);
}
