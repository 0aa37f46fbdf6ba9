/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#if defined(__has_include) && !defined(BTFPACK_WITHOUT_ZSTD)
#if __has_include(<zstd.h>)
#include <zstd.h>
#define HAVE_ZSTD 1
#endif
#endif
#ifndef HAVE_ZSTD
#define HAVE_ZSTD 0
#endif

#include "bundle.h"

static const struct {
	const char *name;
	bool required;
	bool may_be_compressed;
} section_rules[BUNDLE_SECTION_END] = {
	[BUNDLE_KEYS] = { "keys", true, true },
	[BUNDLE_BUILD_IDS] = { "build-ids", true, false },
	[BUNDLE_BLOBS] = { "blobs", true, true },
	[BUNDLE_GROUPS] = { "groups", true, false },
	[BUNDLE_DATA] = { "data", true, false },
	[BUNDLE_DIGESTS] = { "digests", false, false },
	[BUNDLE_PROGRAMS] = { "programs", false, true },
	[BUNDLE_VERDICTS] = { "verdicts", false, true },
	[BUNDLE_PROVENANCE] = { "provenance", false, true },
	[BUNDLE_SIGNATURE] = { "signature", false, false },
};

static int damaged(const struct bundle *b, const char *where, struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG, "%s: damaged bundle: %s", b->name, where);
}

/* --- header and section table ------------------------------------------------------------------ */

static int check_header(const struct bundle *b, struct btfpack_error *err)
{
	uint64_t file_size;
	uint32_t version;

	if (b->size < BUNDLE_AT_SECTIONS || memcmp(b->data, BUNDLE_MAGIC, BUNDLE_AT_VERSION))
		return btfpack_error_set(err, -EBADMSG, "%s: not a btfpack bundle", b->name);
	version = bundle_get_u32(b->data + BUNDLE_AT_VERSION);
	file_size = bundle_get_u64(b->data + BUNDLE_AT_FILE_SIZE);
	if (file_size != b->size)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: damaged bundle: it says it has %llu bytes, but has %zu",
					 b->name, (unsigned long long)file_size, b->size);
	if (version == 1) /* had another checksum */
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: bundle version 1, expected %u: made by an earlier btfpack",
					 b->name, BUNDLE_VERSION);
	if (bundle_get_u64(b->data + BUNDLE_AT_CHECKSUM) != bundle_checksum(b->data, b->size))
		return damaged(b, "the checksum does not match", err);
	/* Only now: a flipped bit in the version is damage, not a bundle from the future. */
	if (version != BUNDLE_VERSION)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: bundle version %u, expected %u: made by a later btfpack",
					 b->name, version, BUNDLE_VERSION);
	return 0;
}

static int check_section(struct bundle *b, uint32_t type, const struct bundle_span *span,
			 struct btfpack_error *err)
{
	if (type >= BUNDLE_IGNORABLE)
		return 0;
	if (type == 0 || type >= BUNDLE_SECTION_END)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: bundle with a section of type %u: made by a later btfpack",
					 b->name, type);
	if (b->sections[type].data)
		return damaged(b, "two sections of one type", err);
	if (span->stored_size > span->raw_size ||
	    (span->stored_size < span->raw_size && !section_rules[type].may_be_compressed) ||
	    (section_rules[type].may_be_compressed && span->raw_size > BUNDLE_TEXT_MAXIMUM))
		return damaged(b, "a section of an impossible size", err);
	b->sections[type] = *span;
	return 0;
}

static int read_sections(struct bundle *b, struct btfpack_error *err)
{
	uint32_t count = bundle_get_u32(b->data + BUNDLE_AT_SECTION_COUNT);
	size_t pos;

	if (count > BUNDLE_SECTIONS_MAXIMUM ||
	    count * BUNDLE_SECTION_SIZE > b->size - BUNDLE_AT_SECTIONS)
		return damaged(b, "too many sections", err);
	pos = BUNDLE_AT_SECTIONS + count * BUNDLE_SECTION_SIZE;
	for (uint32_t i = 0; i < count; i++) {
		const uint8_t *row = b->data + BUNDLE_AT_SECTIONS + i * BUNDLE_SECTION_SIZE;
		struct bundle_span span = {
			.data = b->data + pos,
			.stored_size = bundle_get_u32(row + 4),
			.raw_size = bundle_get_u32(row + 8),
		};
		int error;

		if (span.stored_size > b->size - pos || bundle_get_u32(row + 12))
			return damaged(b, "a section goes beyond the end", err);
		error = check_section(b, bundle_get_u32(row), &span, err);
		if (error)
			return error;
		pos += span.stored_size;
	}
	return pos == b->size ? 0 : damaged(b, "bytes after the last section", err);
}

static int check_counts(struct bundle *b, struct btfpack_error *err)
{
	const struct bundle_span *s = b->sections;

	b->kernel_count = bundle_get_u32(b->data + BUNDLE_AT_KERNEL_COUNT);
	b->blob_count = bundle_get_u32(b->data + BUNDLE_AT_BLOB_COUNT);
	for (int type = 1; type < BUNDLE_SECTION_END; type++)
		if (section_rules[type].required && !s[type].data)
			return btfpack_error_set(err, -EBADMSG, "%s: damaged bundle: no section '%s'",
						 b->name, section_rules[type].name);
	if (b->kernel_count > BUNDLE_KERNELS_MAXIMUM || b->blob_count > b->kernel_count)
		return damaged(b, "impossible numbers of kernels and blobs", err);
	if (s[BUNDLE_BUILD_IDS].raw_size != b->kernel_count * BUNDLE_BUILD_ID_SIZE ||
	    s[BUNDLE_BLOBS].raw_size != b->blob_count * BUNDLE_BLOB_SIZE ||
	    s[BUNDLE_GROUPS].raw_size % BUNDLE_GROUP_SIZE ||
	    (s[BUNDLE_DIGESTS].data &&
	     s[BUNDLE_DIGESTS].raw_size != b->blob_count * BUNDLE_DIGEST_SIZE) ||
	    (s[BUNDLE_SIGNATURE].data && s[BUNDLE_SIGNATURE].raw_size != BUNDLE_SIGNATURE_SIZE))
		return damaged(b, "a section does not fit the number of kernels and blobs", err);
	return 0;
}

int bundle_init(struct bundle *b, const void *data, size_t size, const char *name,
		struct btfpack_error *err)
{
	int error;

	*b = (struct bundle){ .data = (const uint8_t *)data, .size = size, .name = name };
	error = check_header(b, err);
	if (!error)
		error = read_sections(b, err);
	if (!error)
		error = check_counts(b, err);
	return error;
}

/* --- bytes, plain or compressed ---------------------------------------------------------------- */

#if HAVE_ZSTD
static bool decompress(uint8_t *to, size_t raw_size, const uint8_t *from, size_t stored_size)
{
	return ZSTD_decompress(to, raw_size, from, stored_size) == raw_size;
}
#else
static bool decompress(uint8_t *to, size_t raw_size, const uint8_t *from, size_t stored_size)
{
	(void)to, (void)raw_size, (void)from, (void)stored_size;
	return false;
}
#endif

static int get_bytes(const struct bundle *b, const struct bundle_span *span,
		     struct bundle_bytes *ret, struct btfpack_error *err)
{
	uint8_t *raw;

	if (span->stored_size == span->raw_size) {
		*ret = (struct bundle_bytes){ .data = span->data, .size = span->raw_size };
		return 0;
	}
	if (!HAVE_ZSTD)
		return btfpack_error_set(err, -ENOSYS,
					 "%s: compressed bundle, but this loader was built without zstd",
					 b->name);
	raw = (uint8_t *)malloc(span->raw_size);
	if (!raw)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->name);
	if (!decompress(raw, span->raw_size, span->data, span->stored_size)) {
		free(raw);
		return damaged(b, "compressed bytes that do not decompress", err);
	}
	*ret = (struct bundle_bytes){ raw, span->raw_size, raw };
	return 0;
}

void bundle_bytes_deinit(struct bundle_bytes *bytes)
{
	free(bytes->decompressed);
	*bytes = (struct bundle_bytes){ 0 };
}

int bundle_get_section(const struct bundle *b, enum bundle_section type, struct bundle_bytes *ret,
		       struct btfpack_error *err)
{
	if (!b->sections[type].data)
		return btfpack_error_set(err, -ENOENT, "%s: the bundle has no section '%s'", b->name,
					 section_rules[type].name);
	return get_bytes(b, &b->sections[type], ret, err);
}

int bundle_find_verdict(const struct bundle *b, const struct bundle_bytes *bytes, uint32_t number,
			const char **ret, struct btfpack_error *err)
{
	const uint8_t *pos = bytes->data, *end = bytes->data + bytes->size;

	for (; number; number--) {
		const uint8_t *nul = pos < end ? memchr(pos, '\0', end - pos) : NULL;

		if (!nul)
			return damaged(b, "a kernel names a verdict that is not there", err);
		*ret = (const char *)pos;
		pos = nul + 1;
	}
	return 0;
}

/* --- kernels ------------------------------------------------------------------------------------ */

int bundle_iter_init(struct bundle_iter *it, const struct bundle *b, struct btfpack_error *err)
{
	struct bundle_bytes keys = { 0 }, build_ids = { 0 };
	int error = get_bytes(b, &b->sections[BUNDLE_KEYS], &keys, err);

	if (!error)
		error = get_bytes(b, &b->sections[BUNDLE_BUILD_IDS], &build_ids, err);
	if (error) {
		bundle_bytes_deinit(&keys);
		return error;
	}
	*it = (struct bundle_iter){
		.bundle = b,
		.keys = keys, /* the iterator's */
		.build_ids = build_ids,
		.pos = keys.data,
		.end = keys.data + keys.size,
	};
	return 0;
}

void bundle_iter_deinit(struct bundle_iter *it)
{
	bundle_bytes_deinit(&it->keys);
	bundle_bytes_deinit(&it->build_ids);
}

static bool read_uleb(struct bundle_iter *it, uint32_t *ret)
{
	uint32_t value = 0;

	for (unsigned int shift = 0; shift < 32 && it->pos < it->end; shift += 7) {
		uint8_t byte = *it->pos++;

		if (shift == 28 && byte > 0x0f)
			return false;
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

static bool is_key_byte(uint8_t c)
{
	return c > ' ' && c < 0x7f;
}

/* Put the next key together; equal to the previous one is fine, less is not. */
static bool read_key(struct bundle_iter *it)
{
	uint32_t shared, length;

	if (!read_uleb(it, &shared) || !read_uleb(it, &length) || shared > it->key_size ||
	    length > BUNDLE_KEY_MAXIMUM - shared || length > (size_t)(it->end - it->pos))
		return false;
	for (uint32_t i = 0; i < length; i++)
		if (!is_key_byte(it->pos[i]))
			return false;
	if (shared < it->key_size && (!length || it->pos[0] <= (uint8_t)it->key[shared]))
		return false;
	memcpy(it->key + shared, it->pos, length);
	it->key_size = shared + length;
	it->key[it->key_size] = '\0';
	it->pos += length;
	return true;
}

/* Cut "distro/release/arch/uname" at its slashes. */
static bool cut_key(struct bundle_iter *it, struct bundle_entry *entry)
{
	const char **const fields[] = { &entry->distro, &entry->release, &entry->arch, &entry->uname };
	char *at = it->fields;

	memcpy(it->fields, it->key, it->key_size + 1);
	for (int i = 0; i < 4; i++) {
		char *slash = strchr(at, '/');

		if (*at == '\0' || *at == '/' || !slash != (i == 3))
			return false;
		*fields[i] = at;
		if (slash) {
			*slash = '\0';
			at = slash + 1;
		}
	}
	return true;
}

static bool read_blob_number(struct bundle_iter *it, uint32_t *ret)
{
	uint32_t back;

	if (!read_uleb(it, &back) || back > it->named)
		return false;
	if (back) {
		*ret = it->named - back;
		return true;
	}
	if (it->named == it->bundle->blob_count)
		return false;
	*ret = it->named++;
	return true;
}

int bundle_iter_next(struct bundle_iter *it, struct bundle_entry *ret, struct btfpack_error *err)
{
	const struct bundle *b = it->bundle;

	if (it->index == b->kernel_count) {
		if (it->pos != it->end || it->named != b->blob_count)
			return damaged(b, "more keys or blobs than kernels", err);
		return 0;
	}
	if (!read_key(it) || !cut_key(it, ret) || !read_blob_number(it, &ret->blob) ||
	    !read_uleb(it, &ret->verdict))
		return btfpack_error_set(err, -EBADMSG, "%s: damaged bundle: the key of kernel %u",
					 b->name, it->index);
	ret->build_id = it->build_ids.data + (size_t)it->index * BUNDLE_BUILD_ID_SIZE;
	it->index++;
	return 1;
}

/* --- blobs -------------------------------------------------------------------------------------- */

static uint32_t blob_size(const struct bundle_bytes *sizes, uint32_t index)
{
	return bundle_get_u32(sizes->data + (size_t)index * BUNDLE_BLOB_SIZE);
}

struct group {
	struct bundle_span span;
	uint32_t first_blob;
	uint32_t blob_count;
};

/* Find the group of blob @index: they lie one after another, and are few. */
static bool find_group(const struct bundle *b, uint32_t index, struct group *ret)
{
	const struct bundle_span *table = &b->sections[BUNDLE_GROUPS];
	const struct bundle_span *data = &b->sections[BUNDLE_DATA];
	uint32_t at = 0, first = 0;

	for (uint32_t i = 0; i < table->raw_size; i += BUNDLE_GROUP_SIZE) {
		const uint8_t *row = table->data + i;
		uint32_t stored = bundle_get_u32(row), blobs = bundle_get_u32(row + 8);

		if (stored > data->raw_size - at || blobs > b->blob_count - first)
			return false;
		if (index - first < blobs) {
			*ret = (struct group){
				.span = { data->data + at, stored, bundle_get_u32(row + 4) },
				.first_blob = first,
				.blob_count = blobs,
			};
			return true;
		}
		at += stored;
		first += blobs;
	}
	return false;
}

/* Where in its group blob @index lies; false when the sizes do not add up. */
static bool place_blob(const struct bundle_bytes *sizes, const struct group *group, uint32_t index,
		       uint32_t *offset_ret, uint32_t *size_ret)
{
	uint64_t sum = 0;

	*offset_ret = 0;
	*size_ret = blob_size(sizes, index);
	for (uint32_t i = 0; i < group->blob_count; i++) {
		if (group->first_blob + i == index)
			*offset_ret = (uint32_t)sum;
		sum += blob_size(sizes, group->first_blob + i);
		if (sum > group->span.raw_size)
			return false;
	}
	return sum == group->span.raw_size;
}

static int find_blob(const struct bundle *b, uint32_t index, struct group *group_ret,
		     uint32_t *offset_ret, uint32_t *size_ret, struct btfpack_error *err)
{
	struct bundle_bytes sizes = { 0 };
	int error = get_bytes(b, &b->sections[BUNDLE_BLOBS], &sizes, err);
	bool found;

	if (error)
		return error;
	found = find_group(b, index, group_ret) &&
		place_blob(&sizes, group_ret, index, offset_ret, size_ret) &&
		group_ret->span.stored_size <= group_ret->span.raw_size &&
		group_ret->span.raw_size <=
			(group_ret->blob_count > 1 ? BUNDLE_GROUP_MAXIMUM : BUNDLE_BLOB_MAXIMUM);
	bundle_bytes_deinit(&sizes);
	if (!found)
		return btfpack_error_set(err, -EBADMSG, "%s: damaged bundle: the place of blob %u",
					 b->name, index);
	return 0;
}

int bundle_get_blob(const struct bundle *b, uint32_t index, struct bundle_bytes *ret,
		    struct btfpack_error *err)
{
	struct bundle_bytes bytes = { 0 };
	struct group group = { .blob_count = 0 };
	uint32_t offset = 0, size = 0;
	int error;

	if (index >= b->blob_count)
		return damaged(b, "a kernel names a blob that is not there", err);
	error = find_blob(b, index, &group, &offset, &size, err);
	if (!error)
		error = get_bytes(b, &group.span, &bytes, err);
	if (error)
		return error;
	*ret = (struct bundle_bytes){
		.data = bytes.data + offset,
		.size = size,
		.decompressed = bytes.decompressed,
	};
	return 0;
}
