/* SPDX-License-Identifier: BSD-2-Clause */
/* Relocation of debug sections in relocatable files: modules, objects. */
#ifndef BTFGEN_ELF_RELOCATE_H
#define BTFGEN_ELF_RELOCATE_H

#include "btfgen/elf-image.h"

/*
 * Apply the relocations of section number @index to @data, its @size bytes, as a
 * linker would with every section at address 0. Only what debug sections hold is
 * known: addresses and offsets, absolute; differences of addresses, which nothing
 * here reads, stay as they are. -EBADMSG for one outside of the section.
 */
int elf_relocate(struct elf_image *image, uint32_t index, uint8_t *data, size_t size,
		 struct btfpack_error *err);

/* Whether the section has any. */
bool elf_has_relocations(struct elf_image *image, uint32_t index);

#endif
