/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer of the format drawn in runtime-loader/bundle-format.h.
 *
 * Kernels are sorted, blobs numbered in the order in which the sorted kernels first
 * name them: so the bytes do not depend on the order of adding.
 */
#include <stdio.h>
#include <string.h>

#if __has_include(<zstd.h>)
#include <zstd.h>
#define HAVE_ZSTD 1
#else
#define HAVE_ZSTD 0
#endif

#include "archive-index/bundle-parts.h"
#include "core/cleanup.h"

#define ZSTD_LEVEL  19
#define KNOWN_FLAGS (BTFPACK_BUNDLE_PLAIN | BTFPACK_BUNDLE_NO_PROVENANCE)

static int no_memory(struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "bundle: out of memory");
}

int bundle_add_uleb(struct buf *buf, uint32_t value)
{
	uint8_t bytes[5];

	return buf_add(buf, bytes, bundle_put_uleb(bytes, value));
}

static void plan_deinit(struct plan *p)
{
	free(p->kernels);
	free(p->blob_numbers);
	free(p->blobs);
	free(p->verdict_numbers);
	free(p->verdicts);
	for (int i = 0; i < BUNDLE_SECTION_END; i++)
		buf_deinit(&p->sections[i]);
}

static int plan_init(struct plan *p, const struct btfpack_bundle *b,
		     const struct btfpack_bundle_opts *opts)
{
	*p = (struct plan){ .bundle = b,
			    .flags = opts ? opts->flags : 0,
			    .build_id_size = opts && opts->build_id_size ? opts->build_id_size
									 : BUNDLE_BUILD_ID_SIZE };
	for (int i = 0; i < BUNDLE_SECTION_END; i++)
		p->sections[i] = BUF_INIT(UINT32_MAX);
	p->kernels = calloc(b->kernel_count + 1, sizeof(*p->kernels));
	p->blob_numbers = calloc(b->blob_count + 1, sizeof(*p->blob_numbers));
	p->blobs = calloc(b->blob_count + 1, sizeof(*p->blobs));
	p->verdict_numbers = calloc(b->verdict_count + 1, sizeof(*p->verdict_numbers));
	p->verdicts = calloc(b->verdict_count + 1, sizeof(*p->verdicts));
	if (!p->kernels || !p->blob_numbers || !p->blobs || !p->verdict_numbers || !p->verdicts)
		return -ENOMEM;
	for (size_t i = 0; i < b->kernel_count; i++)
		p->kernels[i] = &b->kernels[i];
	qsort(p->kernels, b->kernel_count, sizeof(*p->kernels), bundle_compare_kernels);
	memset(p->blob_numbers, 0xff, b->blob_count * sizeof(*p->blob_numbers));
	return 0;
}

/* --- provenance ---------------------------------------------------------------------------------- */

/* A package as a line has it: the kernel's uname in it as "%". */
static int add_package(struct buf *text, const struct bundle_kernel *k)
{
	const char *uname = strrchr(k->key, '/') + 1, *at = k->package;
	size_t length = strlen(uname);
	int error = 0;

	for (; !error && at && *at; at++) {
		if (!strncmp(at, uname, length)) {
			error = buf_add_string(text, "%");
			at += length - 1;
		} else {
			error = buf_add(text, *at == '%' ? "%%" : at, *at == '%' ? 2 : 1);
		}
	}
	return error || at ? error : buf_add_string(text, "-");
}

/* The lines, with @digits of each digest. */
static int add_lines(struct buf *text, const struct plan *p, int digits)
{
	const struct btfpack_bundle *b = p->bundle;
	bool has_packages = false;
	int error = 0;

	for (size_t i = 0; !error && i < b->object_count; i++)
		error = buf_add_format(text, "object %.*s %s\n", digits, b->objects[i],
				       b->objects[i] + DIGEST_HEX_SIZE);
	for (size_t i = 0; i < b->kernel_count; i++)
		has_packages = has_packages || p->kernels[i]->package || p->kernels[i]->digest;
	for (size_t i = 0; !error && has_packages && i < b->kernel_count; i++) {
		const char *digest = p->kernels[i]->digest;

		error = buf_add_format(text, "kernel %.*s ", digits, digest ? digest : "-");
		if (!error)
			error = add_package(text, p->kernels[i]);
		if (!error)
			error = buf_add_string(text, "\n");
	}
	return error;
}

/* What the sections say of digests is their beginnings: this is the digest of all of
 * them in full, and of the blobs'. */
static int digest_of_all(const struct plan *p, char ret[DIGEST_HEX_SIZE])
{
	AUTO_BUF struct buf full = BUF_INIT(UINT32_MAX);
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id id;
	int error = add_lines(&full, p, DIGEST_HEX_SIZE - 1);

	for (uint32_t i = 0; !error && i < p->blob_count; i++) {
		digest_format(&p->blobs[i]->id, hex);
		error = buf_add_format(&full, "blob %s\n", hex);
	}
	if (!error)
		error = digest_bytes(full.data, full.size, &id);
	if (!error)
		digest_format(&id, ret);
	return error;
}

static int write_provenance(struct plan *p)
{
	struct buf *text = &p->sections[BUNDLE_PROVENANCE];
	char hex[DIGEST_HEX_SIZE];
	int error;

	if (p->flags & BTFPACK_BUNDLE_NO_PROVENANCE)
		return 0;
	error = digest_of_all(p, hex);
	if (!error)
		error = buf_add_format(text, "btfpack %s\ndigest %s\n", BTFPACK_VERSION, hex);
	return error ? error : add_lines(text, p, 2 * BUNDLE_DIGEST_SIZE);
}

/* --- compression ---------------------------------------------------------------------------------- */

int bundle_add_compressed(const struct plan *p, struct buf *buf, const void *data, size_t size)
{
	bool plain = p->flags & BTFPACK_BUNDLE_PLAIN;
#if HAVE_ZSTD
	size_t bound = ZSTD_compressBound(size), got;

	if (!plain && size) {
		if (buf_reserve(buf, bound) < 0)
			return -ENOMEM;
		got = ZSTD_compress(buf->data + buf->size, bound, data, size, ZSTD_LEVEL);
		if (ZSTD_isError(got))
			return -ENOMEM; /* the one reason it has, given a large enough buffer */
		if (got < size) {
			buf->size += got;
			return 0;
		}
	}
#else
	if (!plain)
		return -ENOSYS;
#endif
	return buf_add(buf, data, size);
}

/* Replace a section's bytes by their compressed form. */
static int compress_section(struct plan *p, enum bundle_section type)
{
	AUTO_BUF struct buf raw = p->sections[type];

	p->sections[type] = BUF_INIT(UINT32_MAX);
	p->raw_sizes[type] = raw.size;
	if (raw.size > BUNDLE_TEXT_MAXIMUM)
		return -EFBIG;
	return bundle_add_compressed(p, &p->sections[type], raw.data, raw.size);
}

static int compress_sections(struct plan *p)
{
	static const enum bundle_section types[] = { BUNDLE_KEYS, BUNDLE_BLOBS, BUNDLE_PROGRAMS,
						     BUNDLE_VERDICTS, BUNDLE_PROVENANCE };
	int error = 0;

	for (int i = 0; i < BUNDLE_SECTION_END; i++)
		p->raw_sizes[i] = p->sections[i].size;
	for (size_t i = 0; !error && i < ARRAY_SIZE(types); i++)
		error = compress_section(p, types[i]);
	return error;
}

/* --- the file -------------------------------------------------------------------------- */

static bool has_section(const struct plan *p, int type)
{
	return type <= BUNDLE_DATA || p->sections[type].size;
}

static int put_together(const struct plan *p, struct buf *file)
{
	uint8_t header[BUNDLE_AT_SECTIONS] = BUNDLE_MAGIC;
	uint32_t count = 0;
	int error;

	for (int type = 1; type < BUNDLE_SECTION_END; type++)
		count += has_section(p, type);
	bundle_put_u32(header + BUNDLE_AT_VERSION, BUNDLE_VERSION);
	bundle_put_u32(header + BUNDLE_AT_SECTION_COUNT, count);
	bundle_put_u32(header + BUNDLE_AT_KERNEL_COUNT, p->bundle->kernel_count);
	bundle_put_u32(header + BUNDLE_AT_BLOB_COUNT, p->blob_count);
	error = buf_add(file, header, sizeof(header));
	for (int type = 1; !error && type < BUNDLE_SECTION_END; type++) {
		uint8_t row[BUNDLE_SECTION_SIZE] = { 0 };

		bundle_put_u32(row, type);
		bundle_put_u32(row + 4, p->sections[type].size);
		bundle_put_u32(row + 8, p->raw_sizes[type]);
		if (has_section(p, type))
			error = buf_add(file, row, sizeof(row));
	}
	for (int type = 1; !error && type < BUNDLE_SECTION_END; type++)
		error = buf_add(file, p->sections[type].data, p->sections[type].size);
	if (error)
		return error;
	bundle_put_u64(file->data + BUNDLE_AT_FILE_SIZE, file->size);
	bundle_put_u64(file->data + BUNDLE_AT_CHECKSUM, bundle_checksum(file->data, file->size));
	return 0;
}

static int check_opts(const struct btfpack_bundle_opts *opts, struct btfpack_error *err)
{
	if (opts && (opts->size != sizeof(*opts) || opts->flags & ~KNOWN_FLAGS ||
		     opts->build_id_size > BUNDLE_BUILD_ID_MAXIMUM))
		return btfpack_error_set(
			err, -EINVAL,
			"bundle: options of size %zu with flags %#x and build-ids of "
			"%u bytes",
			opts->size, opts->flags, opts->build_id_size);
	return 0;
}

int btfpack_bundle_write(const struct btfpack_bundle *b, const struct btfpack_bundle_opts *opts,
			 struct btfpack_blob *ret, struct btfpack_error *err)
{
	CLEANUP(plan_deinit) struct plan p = { 0 };
	AUTO_BUF struct buf file = BUF_INIT(UINT32_MAX);
	int error = check_opts(opts, err);

	if (error)
		return error;
	error = plan_init(&p, b, opts);
	if (!error)
		error = bundle_write_kernels(&p);
	if (!error)
		error = bundle_write_verdicts(&p);
	if (!error)
		error = write_provenance(&p);
	if (!error)
		error = bundle_write_blobs(&p);
	if (!error)
		error = compress_sections(&p);
	if (!error)
		error = put_together(&p, &file);
	if (error == -ENOSYS)
		return btfpack_error_set(err, error, "bundle: built without zstd: cannot compress");
	if (error == -EFBIG)
		return btfpack_error_set(err, error,
					 "bundle: %zu kernels and their BTFs do not fit the format",
					 b->kernel_count);
	if (error)
		return no_memory(err);
	*ret = buf_take(&file); /* the caller's */
	return 0;
}
