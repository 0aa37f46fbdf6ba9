/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BTF from anywhere: read, checked, compared with itself, read as split BTF on
 * top of itself, written as a header. Whatever is accepted must equal itself and survive all
 * accessors. Input that starts with '+' holds two BTFs, to be compared: '+', a
 * byte, the length of the first (16 bits, little-endian), the first, the second.
 */
#include <stdlib.h>

#include <btfpack/btf.h>

#include "btf/btf-check.h"
#include "btf/btf-diff.h"
#include "btf/btf-text.h"
#include "btf/btf-view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count_problem(const struct btfpack_btf_problem *problem, void *arg)
{
	*(size_t *)arg += strlen(problem->text);
}

static void count_change(const struct btfpack_btf_change *change, void *arg)
{
	*(size_t *)arg += strlen(change->text);
}

static void look_at_all(const struct btf_view *view)
{
	char text[BTF_TEXT_SIZE];
	uint64_t size;

	for (uint32_t id = 0; id < view->end_id; id++) {
		if (btf_view_skip_typedefs(view, id) >= view->end_id)
			abort();
		btf_view_size(view, id, 8, &size);
		btf_text(view, id, "name", text);
	}
}

static void compare(const struct btfpack_blob *a, const struct btfpack_blob *b,
		    const struct btfpack_btf_diff_opts *opts, bool must_equal)
{
	struct btfpack_btf_diff_summary sum;
	size_t said = 0;

	if (btfpack_btf_diff(a, b, opts, count_change, &said, &sum, NULL) < 0)
		return;
	if (must_equal && (said || sum.total.changed || sum.total.removed || sum.total.added))
		abort();
}

static void compare_two(const uint8_t *data, size_t size, size_t first)
{
	struct btfpack_blob a = { .data = (void *)data, .size = first };
	struct btfpack_blob b = { .data = (void *)(data + first), .size = size - first };

	if (first > size)
		return;
	compare(&a, &b, NULL, false);
	compare(&b, &a, &(struct btfpack_btf_diff_opts){ .size = sizeof(struct btfpack_btf_diff_opts),
							 .ignore_enum64 = true },
		false);
}

/* What is left has as many types at most, and stays as it is the next time. */
static void deduplicate(const struct btfpack_blob *blob)
{
	AUTO_BLOB struct btfpack_blob once = { 0 }, twice = { 0 };

	if (btfpack_btf_dedup(blob, NULL, &once, NULL) < 0)
		return;
	if (btfpack_btf_dedup(&once, NULL, &twice, NULL) < 0 || twice.size > once.size)
		abort();
}

/* As a header, alone and with itself. */
static void write_headers(const struct btfpack_blob *blob)
{
	const struct btfpack_btf_header_input twice[] = { { blob, "a", "a" }, { blob, "b", "b" } };
	struct btfpack_blob text = { 0 };

	btfpack_btf_header(blob, NULL, &text, NULL);
	btfpack_blob_free(&text);
	btfpack_btf_header_portable(twice, 2, &text, NULL);
	btfpack_blob_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btfpack_blob blob = { .data = (void *)data, .size = size }; /* only read */
	struct btfpack_btf_check_opts check = { .size = sizeof(check), .is_vmlinux = true };
	struct btfpack_btf_diff_opts split = { .size = sizeof(split), .base_a = &blob, .base_b = &blob,
					       .offsets = true };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	size_t said = 0;

	if (size > 4 && data[0] == '+') {
		compare_two(data + 4, size - 4, data[2] | data[3] << 8);
		return 0;
	}
	if (btf_view_init(&view, data, size, NULL, "input", NULL) < 0)
		return 0;
	look_at_all(&view);
	btfpack_btf_check(&blob, &check, count_problem, &said, NULL, NULL);
	compare(&blob, &blob, NULL, true);
	compare(&blob, &blob, &split, true);
	write_headers(&blob);
	deduplicate(&blob);
	check.base = &blob;
	btfpack_btf_check(&blob, &check, count_problem, &said, NULL, NULL);
	return 0;
}
