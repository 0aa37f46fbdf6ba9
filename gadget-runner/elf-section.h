/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sections and symbols of a BPF object file: 64-bit ELF, of either byte order,
 * from bytes that nobody vouches for. Just what gadget-spec needs; loading is
 * libbpf's business.
 */
#ifndef GADGET_RUNNER_ELF_SECTION_H
#define GADGET_RUNNER_ELF_SECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

#include "core/cursor.h"

struct elf_object {
	struct cursor bytes; /* the whole file, in its byte order */
	uint64_t table;      /* offset of the section headers */
	uint16_t count;
	uint16_t names; /* index of the section with their names */
};

struct elf_section {
	const char *name;
	const uint8_t *data; /* NULL for sections without bytes (.bss) */
	uint64_t size;       /* bytes */
	uint32_t link;
	uint16_t index;
};

/* Errors: -EBADMSG not an ELF file or damaged, -EOPNOTSUPP not a 64-bit BPF
 * object. @name is what to call it. The bytes are borrowed. */
int elf_object_init(struct elf_object *elf, const void *data, size_t size, const char *name,
		    struct btfpack_error *err);

/* The section @name. -ENOENT, without a sentence; -EBADMSG. */
int elf_object_find(const struct elf_object *elf, const char *name, struct elf_section *ret,
		    struct btfpack_error *err);

/* The value (an offset in its section, bytes) of the symbol @name in section
 * @section. -ENOENT, without a sentence; -EBADMSG. */
int elf_object_find_symbol(const struct elf_object *elf, const char *name, uint16_t section,
			   uint64_t *ret, struct btfpack_error *err);

#endif
