/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernels of a bundle: their order, and the columns that say so little of each.
 *
 * Keys are sorted by their patterns, what is left of them when the numbers are taken
 * out, and within one by the numbers. So a kernel and its update are neighbours, which
 * differ in one number by little, and mostly in nothing else that the bundle knows.
 */
#include <string.h>

#include "archive-index/bundle-parts.h"
#include "core/cleanup.h"

/* A key taken apart. */
struct split {
	char pattern[BUNDLE_KEY_MAXIMUM + 1];
	uint32_t numbers[BUNDLE_NUMBERS_MAXIMUM];
	uint32_t count;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits that are a number: without a zero in front, which would get lost. */
static bool is_number(const char *text, size_t digits)
{
	return digits && digits <= BUNDLE_DIGITS_MAXIMUM && (text[0] != '0' || digits == 1);
}

static void split_key(const char *key, struct split *ret)
{
	char *to = ret->pattern;

	ret->count = 0;
	while (*key) {
		size_t digits = 0;

		while (is_digit(key[digits]))
			digits++;
		if (!is_number(key, digits)) {
			size_t length = digits ? digits : 1;

			memcpy(to, key, length);
			to += length;
			key += length;
			continue;
		}
		ret->numbers[ret->count] = 0;
		for (; digits; digits--)
			ret->numbers[ret->count] = 10 * ret->numbers[ret->count] + (*key++ - '0');
		ret->count++;
		*to++ = BUNDLE_NUMBER_MARK;
	}
	*to = '\0';
}

int bundle_compare_kernels(const void *a, const void *b)
{
	const struct bundle_kernel *x = *(const struct bundle_kernel *const *)a;
	const struct bundle_kernel *y = *(const struct bundle_kernel *const *)b;
	struct split one, other;
	int order;

	split_key(x->key, &one);
	split_key(y->key, &other);
	order = strcmp(one.pattern, other.pattern);
	for (uint32_t i = 0; !order && i < one.count; i++)
		order = (one.numbers[i] > other.numbers[i]) - (one.numbers[i] < other.numbers[i]);
	return order ? order : memcmp(x->build_id, y->build_id, sizeof(x->build_id));
}

/* --- keys --------------------------------------------------------------------------------------- */

static int write_numbers(struct buf *column, const struct split *key, uint32_t from)
{
	int error = 0;

	for (uint32_t i = from; !error && i < key->count; i++)
		error = bundle_add_uleb(column, key->numbers[i]);
	return error;
}

static int write_pattern(struct buf *column, const struct split *key, const struct split *previous)
{
	uint32_t shared = 0;
	int error;

	while (key->pattern[shared] && key->pattern[shared] == previous->pattern[shared])
		shared++;
	error = bundle_add_uleb(column, 0);
	if (!error)
		error = bundle_add_uleb(column, shared);
	if (!error)
		error = buf_add(column, key->pattern + shared, strlen(key->pattern + shared) + 1);
	return error ? error : write_numbers(column, key, 0);
}

static int write_key(struct buf *column, const struct split *key, const struct split *previous)
{
	uint32_t n = 0;
	bool more = false;
	int error;

	if (strcmp(key->pattern, previous->pattern))
		return write_pattern(column, key, previous);
	while (n < key->count && key->numbers[n] == previous->numbers[n])
		n++;
	for (uint32_t i = n + 1; i < key->count; i++)
		more = more || key->numbers[i] != previous->numbers[i];
	error = bundle_add_uleb(column, 2 * n + 1 + more);
	if (!error && n < key->count)
		error = bundle_add_uleb(column, key->numbers[n] - previous->numbers[n] - 1);
	return error || !more ? error : write_numbers(column, key, n + 1);
}

/* --- what they refer to --------------------------------------------------------------------------- */

static int write_blob(struct plan *p, struct buf *column, const struct bundle_kernel *k,
		      const struct bundle_kernel *previous)
{
	uint32_t *number = &p->blob_numbers[k->blob];

	if (previous && previous->blob == k->blob)
		return bundle_add_uleb(column, 0);
	if (*number != UINT32_MAX)
		return bundle_add_uleb(column, p->blob_count - *number + 1);
	*number = p->blob_count;
	p->blobs[p->blob_count++] = &p->bundle->blobs[k->blob];
	return bundle_add_uleb(column, 1);
}

static int write_verdict(struct plan *p, struct buf *column, const struct bundle_kernel *k,
			 const struct bundle_kernel *previous)
{
	uint32_t number = 0;

	if ((previous ? previous->verdict : 0) == k->verdict)
		return bundle_add_uleb(column, 0);
	if (k->verdict) {
		if (!p->verdict_numbers[k->verdict - 1]) {
			p->verdicts[p->verdict_count++] = p->bundle->verdicts[k->verdict - 1];
			p->verdict_numbers[k->verdict - 1] = p->verdict_count;
		}
		number = p->verdict_numbers[k->verdict - 1];
	}
	return bundle_add_uleb(column, number + 1);
}

/* --- build-ids ----------------------------------------------------------------------------------- */

static size_t width_of(const uint8_t *build_id)
{
	size_t width = BUNDLE_BUILD_ID_MAXIMUM;

	while (width && !build_id[width - 1])
		width--;
	return width;
}

/* How many bytes of each build-id to keep: enough to tell the host's build from another
 * of its name, and the builds here from one another. 0: none is known. */
static size_t choose_width(const struct plan *p)
{
	size_t width = 0, count = p->bundle->kernel_count;

	for (size_t i = 0; i < count && !width; i++)
		width = width_of(p->kernels[i]->build_id) ? p->build_id_size : 0;
	for (size_t i = 1; i < count; i++) {
		const struct bundle_kernel *a = p->kernels[i - 1], *b = p->kernels[i];

		if (strcmp(a->key, b->key))
			continue;
		while (width < BUNDLE_BUILD_ID_MAXIMUM && !memcmp(a->build_id, b->build_id, width))
			width++;
	}
	return width;
}

static int write_build_ids(struct plan *p)
{
	size_t width = choose_width(p);
	int error = 0;

	for (size_t i = 0; !error && i < p->bundle->kernel_count; i++)
		error = buf_add(&p->sections[BUNDLE_BUILD_IDS], p->kernels[i]->build_id, width);
	return error;
}

int bundle_write_kernels(struct plan *p)
{
	AUTO_BUF struct buf keys = BUF_INIT(BUNDLE_TEXT_MAXIMUM);
	AUTO_BUF struct buf blobs = BUF_INIT(BUNDLE_TEXT_MAXIMUM);
	AUTO_BUF struct buf verdicts = BUF_INIT(BUNDLE_TEXT_MAXIMUM);
	struct split splits[2] = { 0 };
	const struct bundle_kernel *previous = NULL;
	struct buf *section = &p->sections[BUNDLE_KEYS];
	int error = 0;

	for (size_t i = 0; !error && i < p->bundle->kernel_count; i++) {
		const struct bundle_kernel *k = p->kernels[i];

		split_key(k->key, &splits[i % 2]);
		error = write_key(&keys, &splits[i % 2], &splits[(i + 1) % 2]);
		if (!error)
			error = write_blob(p, &blobs, k, previous);
		if (!error)
			error = write_verdict(p, &verdicts, k, previous);
		previous = k;
	}
	if (!error)
		error = bundle_add_uleb(section, (uint32_t)keys.size);
	if (!error)
		error = bundle_add_uleb(section, (uint32_t)blobs.size);
	if (!error)
		error = buf_add(section, keys.data, keys.size);
	if (!error)
		error = buf_add(section, blobs.data, blobs.size);
	if (!error)
		error = buf_add(section, verdicts.data, verdicts.size);
	return error ? error : write_build_ids(p);
}
