/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compressed sections. libelf could inflate zlib ones, but writes into the headers
 * while it does, which lie in a read-only mapping; and it knows no zstd.
 */
#ifndef BTFGEN_ELF_INFLATE_H
#define BTFGEN_ELF_INFLATE_H

#include "btfgen/elf-image.h"

/* How large the section's bytes are when inflated. @raw is the section as it lies
 * in the file, with the gABI's header (SHF_COMPRESSED) or, @legacy, with the one
 * that .zdebug_* sections have. -EBADMSG, -EOPNOTSUPP an unknown method, -EFBIG a
 * size that no debug section comes to. */
struct elf_compressed {
	const uint8_t *bytes;
	size_t size;       /* of @bytes */
	uint64_t inflated; /* bytes */
	uint32_t method;   /* ELFCOMPRESS_* */
};
int elf_compressed_init(struct elf_compressed *compressed, const struct elf_image *image,
			const uint8_t *raw, size_t size, bool legacy, const char *name,
			struct btfpack_error *err);

/* Inflate to @ret, which has room for @compressed->inflated bytes. -EBADMSG when
 * that is not just what there is. */
int elf_compressed_inflate(const struct elf_compressed *compressed, const struct elf_image *image,
			   const char *name, uint8_t *ret, struct btfpack_error *err);

#endif
