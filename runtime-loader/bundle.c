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

#include "blob-delta.h"
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
	if (version && version < BUNDLE_VERSION) /* 1 had another checksum */
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: bundle version %u, expected %u: made by an earlier "
					 "btfpack; make it again with `btfpack bundle`",
					 b->name, version, BUNDLE_VERSION);
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

		if (span.stored_size > b->size - pos)
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
	if (b->kernel_count)
		b->build_id_size = s[BUNDLE_BUILD_IDS].raw_size / b->kernel_count;
	if (b->build_id_size > BUNDLE_BUILD_ID_MAXIMUM ||
	    s[BUNDLE_BUILD_IDS].raw_size != b->kernel_count * b->build_id_size ||
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
/* 0; -EBADMSG; -ENOMEM: zstd needs memory of its own, and a bundle is not damaged by that. */
static int decompress(uint8_t *to, size_t raw_size, const uint8_t *from, size_t stored_size)
{
	ZSTD_DCtx *context = ZSTD_createDCtx();
	size_t size;

	if (!context)
		return -ENOMEM;
	size = ZSTD_decompressDCtx(context, to, raw_size, from, stored_size);
	ZSTD_freeDCtx(context);
	return size == raw_size ? 0 : -EBADMSG;
}
#else
static int decompress(uint8_t *to, size_t raw_size, const uint8_t *from, size_t stored_size)
{
	(void)to, (void)raw_size, (void)from, (void)stored_size;
	return -EBADMSG;
}
#endif

static int get_bytes(const struct bundle *b, const struct bundle_span *span,
		     struct bundle_bytes *ret, struct btfpack_error *err)
{
	uint8_t *raw;
	int error;

	if (span->stored_size == span->raw_size) {
		*ret = (struct bundle_bytes){ .data = span->data, .size = span->raw_size };
		return 0;
	}
	if (!HAVE_ZSTD)
		return btfpack_error_set(err, -ENOSYS,
					 "%s: compressed bundle, but this loader was built without zstd",
					 b->name);
	raw = (uint8_t *)malloc(span->raw_size);
	error = raw ? decompress(raw, span->raw_size, span->data, span->stored_size) : -ENOMEM;
	if (error) {
		free(raw);
		return error == -ENOMEM ? btfpack_error_set(err, error, "%s: out of memory", b->name)
					: damaged(b, "compressed bytes that do not decompress", err);
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

/* --- blobs -------------------------------------------------------------------------------------- */

/* What BLOBS says of a blob. */
struct place {
	uint32_t base;	 /* its number; UINT32_MAX: none */
	uint32_t size;	 /* of the delta */
	uint64_t offset; /* of the delta, among all deltas */
};

/* The other blob that @code names. */
static bool find_base(const struct bundle *b, uint32_t index, uint32_t code, uint32_t *ret)
{
	uint32_t distance = code / 2 + code % 2;

	*ret = code == 0 ? UINT32_MAX : code % 2 ? index - distance : index + distance;
	return code == 0 || (code % 2 ? distance <= index : distance < b->blob_count - index);
}

/* Read the columns, bases and then sizes, into @places. */
static bool read_places(const struct bundle *b, const struct bundle_bytes *columns,
			struct place *places)
{
	const uint8_t *pos = columns->data, *end = columns->data + columns->size;
	uint64_t offset = 0;
	uint32_t code;

	for (uint32_t i = 0; i < b->blob_count; i++)
		if (!bundle_get_uleb(&pos, end, &code) || !find_base(b, i, code, &places[i].base))
			return false;
	for (uint32_t i = 0; i < b->blob_count; i++) {
		places[i].offset = offset;
		if (!bundle_get_uleb(&pos, end, &places[i].size))
			return false;
		offset += places[i].size;
	}
	return pos == end;
}

/* The places of all blobs, which the caller frees. */
static int get_places(const struct bundle *b, struct place **ret, struct btfpack_error *err)
{
	struct bundle_bytes columns = { 0 };
	int error = get_bytes(b, &b->sections[BUNDLE_BLOBS], &columns, err);
	struct place *places = NULL;

	if (!error && columns.size / 2 >= b->blob_count)
		places = (struct place *)malloc(b->blob_count * sizeof(*places));
	if (!error && columns.size / 2 >= b->blob_count && !places)
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->name);
	else if (!error && (!places || !read_places(b, &columns, places)))
		error = damaged(b, "the places of blobs", err);
	bundle_bytes_deinit(&columns);
	if (error)
		free(places);
	else
		*ret = places;
	return error;
}

/* A group, decompressed. Neighbours lie in one: the last is kept. */
struct group {
	struct bundle_bytes bytes;
	uint64_t start, end; /* among all deltas; both 0: none yet */
};

static bool find_group(const struct bundle *b, uint64_t offset, struct bundle_span *ret,
		       uint64_t *start_ret)
{
	const struct bundle_span *table = &b->sections[BUNDLE_GROUPS];
	const struct bundle_span *data = &b->sections[BUNDLE_DATA];
	uint32_t at = 0;

	*start_ret = 0;
	for (uint32_t i = 0; i < table->raw_size; i += BUNDLE_GROUP_SIZE) {
		uint32_t stored = bundle_get_u32(table->data + i);
		uint32_t raw = bundle_get_u32(table->data + i + 4);

		if (stored > data->raw_size - at || stored > raw ||
		    raw > BUNDLE_BLOB_MAXIMUM + BUNDLE_GROUP_MAXIMUM)
			return false;
		*ret = (struct bundle_span){ data->data + at, stored, raw };
		if (offset - *start_ret < raw)
			return true;
		*start_ret += raw;
		at += stored;
	}
	return false;
}

/* The bytes of a delta. */
static int get_delta(const struct bundle *b, const struct place *place, struct group *group,
		     const uint8_t **ret, struct btfpack_error *err)
{
	struct bundle_span span;
	int error;

	if (place->offset < group->start || place->offset >= group->end) {
		bundle_bytes_deinit(&group->bytes);
		group->end = 0;
		if (!find_group(b, place->offset, &span, &group->start))
			return damaged(b, "a blob that is in no group", err);
		error = get_bytes(b, &span, &group->bytes, err);
		if (error)
			return error;
		group->end = group->start + span.raw_size;
	}
	if (place->size > group->end - place->offset)
		return damaged(b, "a blob that goes beyond its group", err);
	*ret = group->bytes.data + (place->offset - group->start);
	return 0;
}

/* The way up from a blob to one without a base. */
static int find_chain(const struct bundle *b, uint32_t index,
		      struct place chain[BUNDLE_DEPTH_MAXIMUM + 1], uint32_t *count_ret,
		      struct btfpack_error *err)
{
	struct place *places = NULL;
	uint32_t count = 0;
	int error = get_places(b, &places, err);

	if (error)
		return error;
	for (; index != UINT32_MAX && count <= BUNDLE_DEPTH_MAXIMUM; count++) {
		chain[count] = places[index];
		index = chain[count].base;
	}
	free(places);
	*count_ret = count;
	return index == UINT32_MAX ? 0 : damaged(b, "a blob too far from one without a base", err);
}

/* Apply the deltas of the chain, from its end. */
static int apply_chain(const struct bundle *b, const struct place *chain, uint32_t count,
		       struct group *group, struct bundle_bytes *ret, struct btfpack_error *err)
{
	uint8_t *base = NULL, *blob = NULL;
	size_t base_size = 0, size = 0;
	const uint8_t *delta = NULL;
	int error = 0;

	while (!error && count--) {
		error = get_delta(b, &chain[count], group, &delta, err);
		if (error)
			break;
		error = blob_delta_apply(delta, chain[count].size, base, base_size, &blob, &size);
		if (error)
			error = error == -ENOMEM
					? btfpack_error_set(err, error, "%s: out of memory", b->name)
					: damaged(b, "a blob that does not fit together", err);
		free(base);
		base = error ? NULL : blob;
		base_size = size;
	}
	if (error)
		free(base);
	else
		*ret = (struct bundle_bytes){ base, base_size, base };
	return error;
}

int bundle_get_blob(const struct bundle *b, uint32_t index, struct bundle_bytes *ret,
		    struct btfpack_error *err)
{
	struct place chain[BUNDLE_DEPTH_MAXIMUM + 1];
	struct group group = { .start = 0 };
	uint32_t count = 0;
	int error;

	if (index >= b->blob_count)
		return damaged(b, "a kernel names a blob that is not there", err);
	error = find_chain(b, index, chain, &count, err);
	if (!error)
		error = apply_chain(b, chain, count, &group, ret, err);
	bundle_bytes_deinit(&group.bytes);
	return error;
}
