/* SPDX-License-Identifier: BSD-2-Clause */
#include <elf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "btfgen/elf-image.h"
#include "btfgen/elf-relocate.h"

/* A section may not inflate to more than this: the largest .debug_info of a
 * distribution's kernel so far is a tenth of it. */
#define INFLATED_MAXIMUM ((uint64_t)4 << 30)

int elf_image_init(struct elf_image *image, const char *path, struct btfpack_error *err)
{
	GElf_Ehdr ehdr;
	int error;

	*image = (struct elf_image){ .path = path };
	error = fs_map_init(&image->map, path, err);
	if (error)
		return error;
	elf_version(EV_CURRENT);
	if (image->map.size >= EI_NIDENT && !memcmp(image->map.data, ELFMAG, SELFMAG))
		image->elf = elf_memory((char *)image->map.data, image->map.size);
	if (!image->elf || !gelf_getehdr(image->elf, &ehdr)) {
		elf_image_deinit(image);
		return btfpack_error_set(err, -EBADMSG, "%s: not an ELF file", path);
	}
	image->big_endian = ehdr.e_ident[EI_DATA] == ELFDATA2MSB;
	image->other_order = image->big_endian != (__BYTE_ORDER == __BIG_ENDIAN);
	image->word = ehdr.e_ident[EI_CLASS] == ELFCLASS32 ? 4 : 8;
	image->type = ehdr.e_type;
	image->machine = ehdr.e_machine;
	return 0;
}

struct relocated {
	struct relocated *next;
	uint8_t bytes[];
};

void elf_image_deinit(struct elf_image *image)
{
	while (image->relocated) {
		struct relocated *next = image->relocated->next;

		free(image->relocated);
		image->relocated = next;
	}
	if (image->elf)
		elf_end(image->elf);
	image->elf = NULL;
	fs_map_deinit(&image->map);
}

static Elf_Scn *find_section(struct elf_image *image, const char *name, GElf_Shdr *shdr)
{
	size_t names;
	Elf_Scn *scn = NULL;

	if (elf_getshdrstrndx(image->elf, &names) < 0)
		return NULL;
	while ((scn = elf_nextscn(image->elf, scn))) {
		const char *found;

		if (!gelf_getshdr(scn, shdr))
			continue;
		found = elf_strptr(image->elf, names, shdr->sh_name);
		if (found && !strcmp(found, name))
			return scn;
	}
	return NULL;
}

/* Inflate a compressed section in place of its raw bytes; libelf keeps the result. */
static int inflate(struct elf_image *image, Elf_Scn *scn, const GElf_Shdr *shdr, const char *name,
		   struct btfpack_error *err)
{
	bool legacy = !strncmp(name, ".zdebug_", 8);
	uint64_t size = 0;

	if (legacy) {
		/* "ZLIB" and the size, big-endian: how binutils did it before gABI had a way. */
		Elf_Data *raw = elf_rawdata(scn, NULL);
		const uint8_t *bytes = raw ? raw->d_buf : NULL;

		if (!bytes || raw->d_size < 12 || memcmp(bytes, "ZLIB", 4))
			return btfpack_error_set(err, -EBADMSG, "%s: %s has no ZLIB header",
						 image->path, name);
		for (int i = 4; i < 12; i++)
			size = size << 8 | bytes[i];
	} else {
		GElf_Chdr chdr;

		if (!gelf_getchdr(scn, &chdr))
			return btfpack_error_set(err, -EBADMSG,
						 "%s: %s has no valid compression header",
						 image->path, name);
		if (chdr.ch_type != ELFCOMPRESS_ZLIB)
			return btfpack_error_set(err, -EOPNOTSUPP,
						 "%s: %s is compressed with method %u, which this "
						 "libelf does not know",
						 image->path, name, (unsigned int)chdr.ch_type);
		size = chdr.ch_size;
	}
	if (size > INFLATED_MAXIMUM)
		return btfpack_error_set(err, -EFBIG, "%s: %s claims to inflate to %llu bytes",
					 image->path, name, (unsigned long long)size);
	if ((legacy ? elf_compress_gnu(scn, 0, 0) : elf_compress(scn, 0, 0)) < 0)
		return btfpack_error_set(err, -EBADMSG, "%s: %s does not inflate: %s", image->path,
					 name, elf_errmsg(-1));
	return 0;
}

static int lend_section(struct elf_image *image, Elf_Scn *scn, GElf_Shdr *shdr, const char *name,
			struct elf_section *ret, struct btfpack_error *err)
{
	bool compressed = shdr->sh_flags & SHF_COMPRESSED || !strncmp(name, ".zdebug_", 8);
	const uint8_t *start = image->map.data;
	Elf_Data *data;

	if (shdr->sh_type == SHT_NOBITS) /* stripped into a .debug file: the bytes are elsewhere */
		return 0;
	if (compressed) {
		int error = inflate(image, scn, shdr, name, err);

		if (error)
			return error;
		data = elf_getdata(scn, NULL);
	} else {
		if (shdr->sh_offset > image->map.size ||
		    shdr->sh_size > image->map.size - shdr->sh_offset)
			return btfpack_error_set(err, -EBADMSG,
						 "%s: section %s reaches past the end of the file",
						 image->path, name);
		data = elf_rawdata(scn, NULL);
	}
	if (!data || (data->d_size && !data->d_buf))
		return btfpack_error_set(err, -EBADMSG, "%s: section %s cannot be read: %s",
					 image->path, name, elf_errmsg(-1));
	ret->data = data->d_buf;
	ret->size = data->d_size;
	ret->mapped = ret->data >= start && ret->data < start + image->map.size;
	return 0;
}

/* Lend a relocated copy instead. */
static int relocate_section(struct elf_image *image, struct elf_section *section,
			    struct btfpack_error *err)
{
	struct relocated *copy = malloc(sizeof(*copy) + section->size);

	if (!copy)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", image->path);
	memcpy(copy->bytes, section->data, section->size);
	copy->next = image->relocated;
	image->relocated = copy; /* its owner from here on */
	section->data = copy->bytes;
	section->mapped = false;
	return elf_relocate(image, section->index, copy->bytes, section->size, err);
}

int elf_image_section(struct elf_image *image, const char *name, struct elf_section *ret,
		      struct btfpack_error *err)
{
	char legacy[64];
	GElf_Shdr shdr;
	Elf_Scn *scn = find_section(image, name, &shdr);
	int error;

	*ret = (struct elf_section){ 0 };
	if (!scn && !strncmp(name, ".debug_", 7)) {
		snprintf(legacy, sizeof(legacy), ".z%s", name + 1);
		scn = find_section(image, legacy, &shdr);
		name = legacy;
	}
	if (!scn)
		return 0;
	ret->address = shdr.sh_addr;
	ret->index = (uint32_t)elf_ndxscn(scn);
	error = lend_section(image, scn, &shdr, name, ret, err);
	if (!error && ret->size && !strncmp(name, ".debug_", 7) &&
	    elf_has_relocations(image, ret->index))
		error = relocate_section(image, ret, err);
	return error;
}

void elf_section_drop(const struct elf_section *section, size_t from, size_t to)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = ((uintptr_t)section->data + from + page - 1) & ~(page - 1);
	uintptr_t end = ((uintptr_t)section->data + to) & ~(page - 1);

	if (section->mapped && start < end)
		madvise((void *)start, end - start, MADV_DONTNEED);
}

/* Look for the NT_GNU_BUILD_ID note in one section or segment of notes. */
static bool find_build_id(Elf_Data *data, char *ret)
{
	size_t offset = 0, name, desc, next;
	GElf_Nhdr note;

	while (data && (next = gelf_getnote(data, offset, &note, &name, &desc)) > 0) {
		const char *bytes = data->d_buf;

		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    !memcmp(bytes + name, "GNU", 4) && note.n_descsz > 0 &&
		    note.n_descsz <= (ELF_BUILD_ID_SIZE - 1) / 2) {
			for (size_t i = 0; i < note.n_descsz; i++)
				snprintf(ret + 2 * i, 3, "%02x", (uint8_t)bytes[desc + i]);
			return true;
		}
		offset = next;
	}
	return false;
}

void elf_image_build_id(struct elf_image *image, char ret[ELF_BUILD_ID_SIZE])
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	ret[0] = '\0';
	while ((scn = elf_nextscn(image->elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_NOTE &&
		    find_build_id(elf_getdata(scn, NULL), ret))
			return;
}

int elf_image_symbols(struct elf_image *image, elf_symbol_fn fn, void *arg,
		      struct btfpack_error *err)
{
	Elf_Data *symbols, *extended = NULL;
	Elf_Scn *scn = NULL, *found = NULL;
	GElf_Shdr shdr, table = { 0 };

	while ((scn = elf_nextscn(image->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr))
			continue;
		if (shdr.sh_type == SHT_SYMTAB) {
			found = scn;
			table = shdr;
		} else if (shdr.sh_type == SHT_SYMTAB_SHNDX) {
			extended = elf_getdata(scn, NULL);
		}
	}
	if (!found || !table.sh_entsize)
		return 0;
	symbols = elf_getdata(found, NULL);
	if (!symbols)
		return btfpack_error_set(err, -EBADMSG, "%s: the symbol table cannot be read: %s",
					 image->path, elf_errmsg(-1));
	for (size_t i = 0; i < symbols->d_size / table.sh_entsize; i++) {
		struct elf_symbol symbol;
		Elf32_Word section;
		GElf_Sym sym;
		int stop;

		if (!gelf_getsymshndx(symbols, extended, (int)i, &sym, &section))
			break;
		symbol.name = elf_strptr(image->elf, table.sh_link, sym.st_name);
		if (!symbol.name)
			continue;
		symbol.value = sym.st_value;
		symbol.size = sym.st_size;
		symbol.section = sym.st_shndx == SHN_XINDEX ? section : sym.st_shndx;
		symbol.type = GELF_ST_TYPE(sym.st_info);
		symbol.binding = GELF_ST_BIND(sym.st_info);
		stop = fn(&symbol, arg);
		if (stop)
			return stop;
	}
	return 0;
}
