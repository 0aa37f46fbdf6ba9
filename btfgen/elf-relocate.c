/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "btfgen/elf-relocate.h"

#ifndef EM_LOONGARCH
#define EM_LOONGARCH 258
#endif

/* The relocations that put an absolute value of four or eight bytes. The numbers are
 * those of the processors' ABI supplements (elf.h). 0: there is none. */
static const struct absolute {
	uint16_t machine;
	uint16_t word32, word32_signed, word64;
} absolutes[] = {
	{ EM_X86_64, R_X86_64_32, R_X86_64_32S, R_X86_64_64 },
	{ EM_386, R_386_32, 0, 0 },
	{ EM_AARCH64, R_AARCH64_ABS32, 0, R_AARCH64_ABS64 },
	{ EM_ARM, R_ARM_ABS32, 0, 0 },
	{ EM_S390, R_390_32, 0, R_390_64 },
	{ EM_PPC64, R_PPC64_ADDR32, 0, R_PPC64_ADDR64 },
	{ EM_PPC, R_PPC_ADDR32, 0, 0 },
	{ EM_RISCV, R_RISCV_32, 0, R_RISCV_64 },
	{ EM_MIPS, R_MIPS_32, 0, R_MIPS_64 },
	{ EM_LOONGARCH, 1, 0, 2 },
	{ EM_SPARCV9, R_SPARC_32, R_SPARC_UA32, R_SPARC_UA64 },
};

static const struct absolute *find_absolute(const struct elf_image *image)
{
	for (size_t i = 0; i < ARRAY_SIZE(absolutes); i++)
		if (absolutes[i].machine == image->machine)
			return &absolutes[i];
	return NULL;
}

/* Bytes that a relocation of this type puts; 0 for those that are passed over. */
static unsigned int relocated_size(const struct absolute *absolute, uint64_t type)
{
	if (!type)
		return 0;
	if (type == absolute->word32 || type == absolute->word32_signed)
		return 4;
	return type == absolute->word64 ? 8 : 0;
}

static uint64_t load(const uint8_t *at, unsigned int size, bool swap)
{
	uint32_t narrow;
	uint64_t wide;

	if (size == 4) {
		memcpy(&narrow, at, 4);
		return swap ? bswap_32(narrow) : narrow;
	}
	memcpy(&wide, at, 8);
	return swap ? bswap_64(wide) : wide;
}

static void store(uint8_t *at, unsigned int size, bool swap, uint64_t value)
{
	uint32_t narrow = (uint32_t)value;

	if (size == 4) {
		narrow = swap ? bswap_32(narrow) : narrow;
		memcpy(at, &narrow, 4);
		return;
	}
	value = swap ? bswap_64(value) : value;
	memcpy(at, &value, 8);
}

/* The relocation section of section @index, and whether its entries have addends. */
static Elf_Scn *find_relocations(struct elf_image *image, uint32_t index, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(image->elf, scn)))
		if (gelf_getshdr(scn, shdr) && shdr->sh_info == index &&
		    (shdr->sh_type == SHT_RELA || shdr->sh_type == SHT_REL))
			return scn;
	return NULL;
}

bool elf_has_relocations(struct elf_image *image, uint32_t index)
{
	GElf_Shdr shdr;

	return image->type == ET_REL && find_relocations(image, index, &shdr);
}

/* One entry, with or without addend; the type as the machine numbers it. */
static bool get_entry(struct elf_image *image, Elf_Data *entries, bool addends, size_t i,
		      GElf_Rela *ret, uint64_t *type_ret)
{
	GElf_Rel rel;

	if (addends) {
		if (!gelf_getrela(entries, (int)i, ret))
			return false;
	} else {
		if (!gelf_getrel(entries, (int)i, &rel))
			return false;
		*ret = (GElf_Rela){ .r_offset = rel.r_offset, .r_info = rel.r_info };
	}
	*type_ret = GELF_R_TYPE(ret->r_info);
	/* 64-bit MIPS packs up to three types into the field; debug sections use one. */
	if (image->machine == EM_MIPS && image->word == 8)
		*type_ret &= 0xff;
	return true;
}

int elf_relocate(struct elf_image *image, uint32_t index, uint8_t *data, size_t size,
		 struct btfpack_error *err)
{
	const struct absolute *absolute = find_absolute(image);
	GElf_Shdr shdr, symbols_shdr;
	Elf_Scn *scn = find_relocations(image, index, &shdr);
	Elf_Scn *symbols_scn = scn ? elf_getscn(image->elf, shdr.sh_link) : NULL;
	Elf_Data *entries, *symbols;
	bool addends = scn && shdr.sh_type == SHT_RELA;

	if (!scn)
		return 0;
	if (!absolute)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: a relocatable file for a machine (%u) whose "
					 "relocations btfpack does not know",
					 image->path, image->machine);
	entries = elf_getdata(scn, NULL);
	symbols = symbols_scn ? elf_getdata(symbols_scn, NULL) : NULL;
	if (!entries || !symbols || !shdr.sh_entsize || !gelf_getshdr(symbols_scn, &symbols_shdr))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: the relocations of its debug information cannot be "
					 "read: %s",
					 image->path, elf_errmsg(-1));
	for (size_t i = 0; i < shdr.sh_size / shdr.sh_entsize; i++) {
		uint64_t type, value;
		unsigned int bytes;
		GElf_Rela rela;
		GElf_Sym symbol;

		if (!get_entry(image, entries, addends, i, &rela, &type))
			break;
		bytes = relocated_size(absolute, type);
		if (!bytes)
			continue;
		if (rela.r_offset > size || size - rela.r_offset < bytes ||
		    !gelf_getsym(symbols, (int)GELF_R_SYM(rela.r_info), &symbol))
			return btfpack_error_set(err, -EBADMSG,
						 "%s: relocation %zu of its debug information "
						 "points outside of it",
						 image->path, i);
		value = symbol.st_value +
			(addends ? (uint64_t)rela.r_addend
				 : load(data + rela.r_offset, bytes, image->other_order));
		store(data + rela.r_offset, bytes, image->other_order, value);
	}
	return 0;
}
