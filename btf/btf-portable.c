/* SPDX-License-Identifier: BSD-2-Clause */
/* The portable header: types merged (btf-merge.h), written (btf-header.h), with
 * comments that say which kernels have what. */
#include <errno.h>
#include <string.h>

#include <btfpack/btf.h>

#include "btf/btf-check.h"
#include "btf/btf-header.h"
#include "btf/btf-merge.h"

struct notes {
	const struct btf_merge_input *inputs;
	uint32_t count;
	const struct btf_merged *merged;
	struct buf text; /* of the comment last asked for */
};

static void notes_deinit(struct notes *n)
{
	buf_deinit(&n->text);
}

static const char *list_labels(struct notes *n, uint64_t where, const char *before)
{
	const char *comma = "";

	n->text.size = 0;
	if (buf_add_string(&n->text, before) < 0)
		return NULL;
	for (uint32_t i = 0; i < n->count; i++) {
		if (!(where & 1ull << i))
			continue;
		if (buf_add_format(&n->text, "%s%s", comma, n->inputs[i].label) < 0)
			return NULL;
		comma = ", ";
	}
	return buf_string(&n->text);
}

static const char *comment(uint32_t id, uint32_t index, void *arg)
{
	struct notes *n = arg;
	uint64_t all = n->count == 64 ? ~0ull : (1ull << n->count) - 1;
	uint64_t where = n->merged->where[id];

	if (index == UINT32_MAX)
		return !where || where == all ? NULL : list_labels(n, where, "only ");
	if (n->merged->rows[id] == UINT32_MAX)
		return NULL;
	where = where ? where : all;
	return n->merged->row_where[n->merged->rows[id] + index] == where ?
		       NULL :
		       list_labels(n, n->merged->row_where[n->merged->rows[id] + index], "only ");
}

static int write_merged(const struct btf_merge_input *inputs, uint32_t count,
			const struct btf_merged *merged, struct btfpack_blob *ret,
			struct btfpack_error *err)
{
	CLEANUP(notes_deinit)
	struct notes notes = { .inputs = inputs,
			       .count = count,
			       .merged = merged,
			       .text = BUF_INIT((size_t)1 << 16) };
	struct btf_header_opts opts = { .loose = merged->loose, .comment = comment, .arg = &notes };
	AUTO_BUF struct buf preamble = BUF_INIT((size_t)1 << 16);
	AUTO_BUF struct buf out = BUF_INIT(BTF_HEADER_MAXIMUM);
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	int error = btf_view_init(&view, merged->btf.data, merged->btf.size, NULL, "merged BTF", err);

	if (error)
		return error;
	error = buf_add_format(&preamble,
			       "/*\n * One header for the kernels: %s.\n"
			       " * Types that differ have the members of all; use them by CO-RE only.\n"
			       " */\n",
			       list_labels(&notes, ~0ull, ""));
	opts.preamble = buf_string(&preamble);
	if (error || !opts.preamble)
		return btfpack_error_set(err, -ENOMEM, "out of memory");
	error = btf_header_write(&view, &opts, &out, "merged BTF", err);
	if (!error)
		*ret = buf_take(&out); /* the caller's */
	return error;
}

static bool is_label(const char *label)
{
	size_t length = strspn(label, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	/* Within a flavour's name a "___" would begin another. */
	return length && !label[length] && !strstr(label, "__") && label[0] != '_';
}

static int open_input(const struct btfpack_btf_header_input *input, struct btf_view *view,
		      struct btf_merge_input *merge, struct btfpack_error *err)
{
	struct btfpack_btf_check_opts check = { .size = sizeof(check), .skip_duplicates = true,
						.name = input->name };
	int error;

	if (!is_label(input->label))
		return btfpack_error_set(err, -EINVAL,
					 "%s: '%s' is no label: letters, digits and single underscores",
					 input->name, input->label);
	error = btfpack_btf_check(input->btf, &check, NULL, NULL, NULL, err);
	if (!error)
		error = btf_view_init(view, input->btf->data, input->btf->size, NULL, input->name,
				      err);
	*merge = (struct btf_merge_input){ .view = view, .label = input->label };
	return error;
}

int btfpack_btf_header_portable(const struct btfpack_btf_header_input *inputs, size_t count,
				struct btfpack_blob *ret, struct btfpack_error *err)
{
	struct btf_merge_input merge[BTF_MERGE_INPUTS];
	struct btf_view views[BTF_MERGE_INPUTS] = { 0 };
	struct btf_merged merged = { 0 };
	int error = 0;

	if (!count || count > BTF_MERGE_INPUTS)
		return btfpack_error_set(err, -EINVAL, "a header of %zu kernels, expected 1 to %d",
					 count, BTF_MERGE_INPUTS);
	for (size_t i = 0; !error && i < count; i++)
		error = open_input(&inputs[i], &views[i], &merge[i], err);
	if (!error) {
		error = btf_merge(merge, (uint32_t)count, &merged);
		if (error)
			btfpack_error_set(err, error, "cannot merge: %s",
					  error == -EFBIG ? "too many types or members" :
							    "out of memory");
	}
	if (!error)
		error = write_merged(merge, (uint32_t)count, &merged, ret, err);
	btf_merged_deinit(&merged);
	for (size_t i = 0; i < count; i++)
		btf_view_deinit(&views[i]);
	return error;
}
