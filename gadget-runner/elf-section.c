/* SPDX-License-Identifier: BSD-2-Clause */
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "gadget-runner/elf-section.h"

#ifndef EM_BPF
#define EM_BPF 247
#endif

static bool is_little_endian(void)
{
	const uint16_t one = 1;

	return *(const uint8_t *)&one == 1;
}

int elf_object_init(struct elf_object *elf, const void *data, size_t size, const char *name,
		    struct btfpack_error *err)
{
	const uint8_t *ident = data;
	struct cursor c;
	uint16_t machine, entry_size;

	if (size < sizeof(Elf64_Ehdr) || memcmp(ident, ELFMAG, SELFMAG))
		return btfpack_error_set(err, -EBADMSG, "%s: not an ELF file", name);
	c = cursor_init(data, size, (ident[EI_DATA] == ELFDATA2LSB) != is_little_endian(), name);
	if (cursor_seek(&c, offsetof(Elf64_Ehdr, e_machine)) || cursor_u16(&c, &machine) ||
	    ident[EI_CLASS] != ELFCLASS64 || machine != EM_BPF)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: not a BPF object (64-bit ELF for machine %d)", name,
					 EM_BPF);
	if (cursor_seek(&c, offsetof(Elf64_Ehdr, e_shoff)) || cursor_u64(&c, &elf->table) ||
	    cursor_seek(&c, offsetof(Elf64_Ehdr, e_shentsize)) || cursor_u16(&c, &entry_size) ||
	    cursor_u16(&c, &elf->count) || cursor_u16(&c, &elf->names))
		return cursor_fail(&c, err, "an ELF header");
	if (entry_size != sizeof(Elf64_Shdr) || elf->table > size ||
	    elf->count > (size - elf->table) / sizeof(Elf64_Shdr) || elf->names >= elf->count)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: ELF section headers lie outside the %zu bytes", name,
					 size);
	elf->bytes = c;
	return 0;
}

struct header {
	uint32_t name, type, link;
	uint64_t offset, size;
};

static int read_header(const struct elf_object *elf, uint16_t index, struct header *ret)
{
	struct cursor c = elf->bytes;
	uint64_t at = elf->table + (uint64_t)index * sizeof(Elf64_Shdr);

	if (index >= elf->count || cursor_seek(&c, at) || cursor_u32(&c, &ret->name) ||
	    cursor_u32(&c, &ret->type) || cursor_seek(&c, at + offsetof(Elf64_Shdr, sh_offset)) ||
	    cursor_u64(&c, &ret->offset) || cursor_u64(&c, &ret->size) ||
	    cursor_u32(&c, &ret->link))
		return -EBADMSG;
	if (ret->type == SHT_NOBITS)
		return 0;
	return ret->offset > c.size || ret->size > c.size - ret->offset ? -EBADMSG : 0;
}

/* The string at @offset of the string table in section @index. */
static int read_string(const struct elf_object *elf, uint16_t index, uint32_t offset,
		       const char **ret)
{
	struct header table;
	struct cursor c = elf->bytes;

	if (read_header(elf, index, &table) || table.type == SHT_NOBITS || offset >= table.size)
		return -EBADMSG;
	c.size = table.offset + table.size; /* the NUL must come before the section's end */
	if (cursor_seek(&c, table.offset + offset))
		return -EBADMSG;
	return cursor_string(&c, ret);
}

static int read_section(const struct elf_object *elf, uint16_t index, struct elf_section *ret)
{
	struct header header;

	if (read_header(elf, index, &header) ||
	    read_string(elf, elf->names, header.name, &ret->name))
		return -EBADMSG;
	ret->data = header.type == SHT_NOBITS ? NULL : elf->bytes.data + header.offset;
	ret->size = header.size;
	ret->link = header.link;
	ret->index = index;
	return 0;
}

int elf_object_find(const struct elf_object *elf, const char *name, struct elf_section *ret,
		    struct btfpack_error *err)
{
	for (uint16_t i = 1; i < elf->count; i++) {
		struct elf_section section;

		if (read_section(elf, i, &section) < 0)
			return btfpack_error_set(err, -EBADMSG,
						 "%s: the header of ELF section %u is damaged",
						 elf->bytes.what, i);
		if (!strcmp(section.name, name)) {
			*ret = section;
			return 0;
		}
	}
	return -ENOENT;
}

int elf_object_find_symbol(const struct elf_object *elf, const char *name, uint16_t section,
			   uint64_t *ret, struct btfpack_error *err)
{
	struct elf_section table;
	struct cursor c;
	int error = elf_object_find(elf, ".symtab", &table, err);

	if (error < 0)
		return error;
	if (!table.data)
		return -ENOENT;
	c = cursor_init(table.data, table.size, elf->bytes.swap, elf->bytes.what);
	while (cursor_left(&c) >= sizeof(Elf64_Sym)) {
		const uint8_t *info;
		const char *symbol;
		uint32_t name_offset;
		uint16_t index;
		uint64_t value, size;

		if (cursor_u32(&c, &name_offset) || cursor_bytes(&c, 2, &info) ||
		    cursor_u16(&c, &index) || cursor_u64(&c, &value) || cursor_u64(&c, &size))
			return cursor_fail(&c, err, "an ELF symbol");
		if (index != section)
			continue;
		if (read_string(elf, table.link, name_offset, &symbol) < 0)
			return cursor_fail(&c, err, "an ELF symbol with a name");
		if (!strcmp(symbol, name)) {
			*ret = value;
			return 0;
		}
	}
	return -ENOENT;
}
