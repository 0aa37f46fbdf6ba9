/* SPDX-License-Identifier: BSD-2-Clause */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "btfgen/elf-inflate.h"
#include "core/cursor.h"

#ifndef ELFCOMPRESS_ZSTD
#define ELFCOMPRESS_ZSTD 2
#endif

/* A section may not inflate to more than this: the largest .debug_info of a
 * distribution's kernel so far is a tenth of it. */
#define INFLATED_MAXIMUM ((uint64_t)4 << 30)

/* Nor by more than this factor, a little apart for tiny ones: debug sections of
 * kernels come to 2 to 10. */
#define FACTOR_MAXIMUM 200
#define FACTOR_FREE    ((uint64_t)1 << 20)

/* "ZLIB" and the size, big-endian: how binutils did it before gABI had a way. */
static int read_legacy_header(struct elf_compressed *compressed, struct cursor *c)
{
	const uint8_t *magic, *size;

	if (cursor_bytes(c, 4, &magic) < 0 || memcmp(magic, "ZLIB", 4) ||
	    cursor_bytes(c, 8, &size) < 0)
		return -EBADMSG;
	for (int i = 0; i < 8; i++)
		compressed->inflated = compressed->inflated << 8 | size[i];
	compressed->method = ELFCOMPRESS_ZLIB;
	return 0;
}

/* Elf32_Chdr: method, size, alignment. Elf64_Chdr: method, reserved, size, alignment. */
static int read_header(struct elf_compressed *compressed, struct cursor *c, unsigned int word)
{
	uint32_t narrow;

	if (cursor_u32(c, &compressed->method) < 0)
		return -EBADMSG;
	if (word == 8)
		return cursor_skip(c, 4) < 0 || cursor_u64(c, &compressed->inflated) < 0 ||
				       cursor_skip(c, 8) < 0
			       ? -EBADMSG
			       : 0;
	if (cursor_u32(c, &narrow) < 0 || cursor_skip(c, 4) < 0)
		return -EBADMSG;
	compressed->inflated = narrow;
	return 0;
}

int elf_compressed_init(struct elf_compressed *compressed, const struct elf_image *image,
			const uint8_t *raw, size_t size, bool legacy, const char *name,
			struct btfpack_error *err)
{
	struct cursor c = cursor_init(raw, size, image->other_order, name);
	int error;

	*compressed = (struct elf_compressed){ 0 };
	error = legacy ? read_legacy_header(compressed, &c)
		       : read_header(compressed, &c, image->word);
	if (error)
		return btfpack_error_set(err, -EBADMSG, "%s: %s has no compression header",
					 image->path, name);
	if (compressed->method != ELFCOMPRESS_ZLIB && compressed->method != ELFCOMPRESS_ZSTD)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: %s is compressed by method %u, expected 1 (zlib) or "
					 "2 (zstd)",
					 image->path, name, compressed->method);
	compressed->bytes = raw + c.pos;
	compressed->size = size - c.pos;
	if (compressed->inflated > INFLATED_MAXIMUM ||
	    compressed->inflated > FACTOR_FREE + FACTOR_MAXIMUM * (uint64_t)compressed->size)
		return btfpack_error_set(err, -EFBIG, "%s: the %zu bytes of %s claim to be %llu",
					 image->path, compressed->size, name,
					 (unsigned long long)compressed->inflated);
	return 0;
}

/* zlib counts in 32 bits, so a large section goes through it in steps. */
static bool inflate_zlib(const struct elf_compressed *compressed, uint8_t *ret)
{
	const uint64_t step = (uint64_t)1 << 30;
	uint64_t in = 0, out = 0;
	z_stream z = { 0 };
	int status = inflateInit(&z) == Z_OK ? Z_OK : Z_MEM_ERROR;

	while (status == Z_OK) {
		uint64_t in_left = compressed->size - in, out_left = compressed->inflated - out;

		z.next_in = (uint8_t *)(compressed->bytes + in);
		z.avail_in = (uInt)(in_left < step ? in_left : step);
		z.next_out = ret + out;
		z.avail_out = (uInt)(out_left < step ? out_left : step);
		status = inflate(&z, Z_NO_FLUSH);
		in = (uint64_t)(z.next_in - compressed->bytes);
		out = (uint64_t)(z.next_out - ret);
	}
	inflateEnd(&z);
	return status == Z_STREAM_END && out == compressed->inflated;
}

int elf_compressed_inflate(const struct elf_compressed *compressed, const struct elf_image *image,
			   const char *name, uint8_t *ret, struct btfpack_error *err)
{
	bool is_whole;

	if (compressed->method == ELFCOMPRESS_ZSTD)
		is_whole = ZSTD_decompress(ret, compressed->inflated, compressed->bytes,
					   compressed->size) == compressed->inflated;
	else
		is_whole = inflate_zlib(compressed, ret);
	if (!is_whole)
		return btfpack_error_set(
			err, -EBADMSG, "%s: %s does not inflate to the %llu bytes it claims",
			image->path, name, (unsigned long long)compressed->inflated);
	return 0;
}
