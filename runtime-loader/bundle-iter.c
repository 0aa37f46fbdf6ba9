/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernels of a bundle, one after another: three columns read side by side. */
#include "bundle.h"

static int damaged(const struct bundle *b, const char *where, struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG, "%s: damaged bundle: %s", b->name, where);
}

/* Where each column begins and ends. */
static bool find_columns(struct bundle_iter *it)
{
	const uint8_t *pos = it->keys.data, *end = it->keys.data + it->keys.size;
	uint32_t sizes[2];

	for (int i = 0; i < 2; i++)
		if (!bundle_get_uleb(&pos, end, &sizes[i]))
			return false;
	for (int i = 0; i < 3; i++) {
		uint32_t left = (uint32_t)(end - pos), size = i < 2 ? sizes[i] : left;

		if (size > left)
			return false;
		it->columns[i] = (struct bundle_column){ pos, pos + size };
		pos += size;
	}
	return true;
}

int bundle_iter_init(struct bundle_iter *it, const struct bundle *b, struct btfpack_error *err)
{
	int error;

	*it = (struct bundle_iter){ .bundle = b };
	error = bundle_get_section(b, BUNDLE_KEYS, &it->keys, err);
	if (error)
		return error;
	if (!find_columns(it)) {
		bundle_iter_deinit(it);
		return damaged(b, "the columns of keys", err);
	}
	return 0;
}

void bundle_iter_deinit(struct bundle_iter *it)
{
	bundle_bytes_deinit(&it->keys);
}

static bool read_uleb(struct bundle_column *c, uint32_t *ret)
{
	return bundle_get_uleb(&c->pos, c->end, ret);
}

/* --- keys --------------------------------------------------------------------------------------- */

static bool is_pattern_byte(uint8_t c)
{
	return (c > ' ' && c < 0x7f) || c == BUNDLE_NUMBER_MARK;
}

static bool read_numbers(struct bundle_iter *it, uint32_t from)
{
	for (; from < it->number_count; from++)
		if (!read_uleb(&it->columns[0], &it->numbers[from]))
			return false;
	return true;
}

/* Another pattern, with its numbers. */
static bool read_pattern(struct bundle_iter *it)
{
	struct bundle_column *c = &it->columns[0];
	uint32_t shared, at;

	if (!read_uleb(c, &shared) || shared > it->pattern_size)
		return false;
	for (at = shared; c->pos < c->end && *c->pos; at++) {
		if (at == BUNDLE_KEY_MAXIMUM || !is_pattern_byte(*c->pos))
			return false;
		it->pattern[at] = (char)*c->pos++;
	}
	if (c->pos == c->end)
		return false;
	c->pos++;
	it->pattern[at] = '\0';
	it->pattern_size = at;
	it->number_count = 0;
	for (at = 0; at < it->pattern_size; at++)
		it->number_count += it->pattern[at] == BUNDLE_NUMBER_MARK;
	return it->number_count <= BUNDLE_NUMBERS_MAXIMUM && read_numbers(it, 0);
}

/* Write @number at @to; where it ends, or NULL when that is beyond the room. */
static char *put_number(char *to, const char *end, uint32_t number)
{
	char digits[10];
	int count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	if (count > BUNDLE_DIGITS_MAXIMUM || count > end - to)
		return NULL;
	while (count)
		*to++ = digits[--count];
	return to;
}

/* The key: the pattern with its numbers, of which those before the @from-th are where
 * they were. */
static bool put_key(struct bundle_iter *it, uint32_t from)
{
	const char *pattern = it->pattern + (from ? it->pattern_at[from - 1] : 0);
	const char *end = it->key + BUNDLE_KEY_MAXIMUM;
	char *to = it->key + (from ? it->key_at[from - 1] : 0);

	it->key_kept = (size_t)(to - it->key);
	for (; *pattern; pattern++) {
		if (*pattern != BUNDLE_NUMBER_MARK) {
			if (to == end)
				return false;
			*to++ = *pattern;
			continue;
		}
		to = put_number(to, end, it->numbers[from]);
		if (!to)
			return false;
		it->key_at[from] = (uint8_t)(to - it->key);
		it->pattern_at[from++] = (uint8_t)(pattern + 1 - it->pattern);
	}
	*to = '\0';
	it->key_size = (size_t)(to - it->key);
	return true;
}

static bool read_key(struct bundle_iter *it)
{
	uint32_t step, n, more;

	if (!read_uleb(&it->columns[0], &step))
		return false;
	if (!step)
		return read_pattern(it) && put_key(it, 0);
	n = (step - 1) / 2;
	if (!it->index || n > it->number_count)
		return false;
	if (n == it->number_count) {
		it->key_kept = it->key_size;
		return step % 2; /* another build */
	}
	if (!read_uleb(&it->columns[0], &more) || more >= UINT32_MAX - it->numbers[n])
		return false;
	it->numbers[n] += 1 + more;
	if (step % 2 == 0 && !read_numbers(it, n + 1))
		return false;
	return put_key(it, n);
}

/* Cut "distro/release/arch/uname" at its slashes. */
static bool cut_key(struct bundle_iter *it)
{
	char *at = it->fields;

	memcpy(it->fields, it->key, it->key_size + 1);
	for (int i = 0; i < 4; i++) {
		char *slash = strchr(at, '/');

		if (*at == '\0' || *at == '/' || !slash != (i == 3))
			return false;
		it->field_at[i] = (uint8_t)(at - it->fields);
		if (slash) {
			*slash = '\0';
			at = slash + 1;
		}
	}
	return true;
}

/* The fields of the key. Mostly only the end of the uname is another one than before. */
static bool find_fields(struct bundle_iter *it, struct bundle_entry *entry)
{
	size_t kept = it->key_kept;

	if (it->index && kept > it->field_at[3]) {
		if (memchr(it->key + kept, '/', it->key_size - kept))
			return false;
		memcpy(it->fields + kept, it->key + kept, it->key_size - kept + 1);
	} else if (!cut_key(it)) {
		return false;
	}
	entry->distro = it->fields;
	entry->release = it->fields + it->field_at[1];
	entry->arch = it->fields + it->field_at[2];
	entry->uname = it->fields + it->field_at[3];
	return true;
}

/* --- what they refer to --------------------------------------------------------------------------- */

static bool read_blob(struct bundle_iter *it)
{
	uint32_t code;

	if (!read_uleb(&it->columns[1], &code))
		return false;
	if (code == 0)
		return it->index > 0;
	if (code - 1 > it->named)
		return false;
	if (code > 1) {
		it->blob = it->named - (code - 1);
		return true;
	}
	if (it->named == it->bundle->blob_count)
		return false;
	it->blob = it->named++;
	return true;
}

static bool read_verdict(struct bundle_iter *it)
{
	uint32_t code;

	if (!read_uleb(&it->columns[2], &code))
		return false;
	if (code)
		it->verdict = code - 1;
	return true;
}

static bool is_at_end(const struct bundle_iter *it)
{
	for (int i = 0; i < 3; i++)
		if (it->columns[i].pos != it->columns[i].end)
			return false;
	return it->named == it->bundle->blob_count;
}

int bundle_iter_next(struct bundle_iter *it, struct bundle_entry *ret, struct btfpack_error *err)
{
	const struct bundle *b = it->bundle;

	if (it->index == b->kernel_count)
		return is_at_end(it) ? 0 : damaged(b, "more keys or blobs than kernels", err);
	if (!read_key(it) || !find_fields(it, ret) || !read_blob(it) || !read_verdict(it))
		return btfpack_error_set(err, -EBADMSG, "%s: damaged bundle: the key of kernel %u",
					 b->name, it->index);
	ret->build_id = b->sections[BUNDLE_BUILD_IDS].data + (size_t)it->index * b->build_id_size;
	ret->build_id_size = b->build_id_size;
	ret->blob = it->blob;
	ret->verdict = it->verdict;
	it->index++;
	return 1;
}
