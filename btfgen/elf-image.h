/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An ELF file, mapped: its byte order, its sections' bytes, its build-id and
 * its symbols. libelf parses the headers; sections' bytes are lent straight from
 * the mapping, but for those that are compressed or need relocation.
 */
#ifndef BTFGEN_ELF_IMAGE_H
#define BTFGEN_ELF_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

#include "core/fs.h"

struct Elf;

/* Bytes of a section; empty when the file has none of that name. */
struct elf_section {
	const uint8_t *data;
	size_t size;
	uint64_t address;
	uint32_t index;
	bool mapped; /* lies in the file's mapping, page by page, and may be dropped */
};

struct elf_image {
	const char *path; /* borrowed */
	struct fs_map map;
	struct Elf *elf;
	bool other_order;            /* the file's byte order is not this machine's */
	bool big_endian;             /* the file's byte order */
	unsigned int word;           /* bytes of an address: 4 or 8 */
	uint16_t type;               /* ET_EXEC, ET_DYN, ET_REL */
	uint16_t machine;            /* EM_* */
	struct section_copy *copies; /* sections inflated or relocated */
};

int elf_image_init(struct elf_image *image, const char *path, struct btfpack_error *err);
void elf_image_deinit(struct elf_image *image);
#define AUTO_ELF_IMAGE CLEANUP(elf_image_deinit)

/* Find a section by name; debug sections of a relocatable file come relocated; when ".debug_x" is
 * absent ".zdebug_x" is tried.
 * *@ret is empty (data NULL) when there is none, which is not an error. */
int elf_image_section(struct elf_image *image, const char *name, struct elf_section *ret,
		      struct btfpack_error *err);

/* Let go of the pages under [@from, @to) of a mapped section: they can be read
 * again, at the price of a page fault. */
void elf_section_drop(const struct elf_section *section, size_t from, size_t to);

/* The GNU build-id as lower-case hex; "" when there is none. */
#define ELF_BUILD_ID_SIZE 65
void elf_image_build_id(struct elf_image *image, char ret[ELF_BUILD_ID_SIZE]);

/* A symbol, as the callback of elf_image_symbols() sees it. */
struct elf_symbol {
	const char *name; /* lent until deinit; below 4 KB, longer ones are passed over */
	uint64_t value;
	uint64_t size;
	uint32_t section; /* index, after SHN_XINDEX */
	uint8_t type;     /* STT_* */
	uint8_t binding;  /* STB_* */
};
typedef int (*elf_symbol_fn)(const struct elf_symbol *symbol, void *arg);

/* Call @fn for each symbol of .symtab until it returns non-zero, which is handed
 * on. A file without symbols has none, which is not an error. */
int elf_image_symbols(struct elf_image *image, elf_symbol_fn fn, void *arg,
		      struct btfpack_error *err);

#endif
