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
#include "btfgen/elf-inflate.h"
#include "btfgen/elf-relocate.h"

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

/* Longer names are passed over. A kernel's own limit is 512; the file could make
 * each of a million symbols name the same megabytes. */
#define SYMBOL_NAME_MAXIMUM 4096

struct section_copy {
	struct section_copy *next;
	uint8_t bytes[];
};

void elf_image_deinit(struct elf_image *image)
{
	while (image->copies) {
		struct section_copy *next = image->copies->next;

		free(image->copies);
		image->copies = next;
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

/* Bytes of the image's own, freed with it. NULL when out of memory. */
static uint8_t *add_copy(struct elf_image *image, size_t size)
{
	struct section_copy *copy = malloc(sizeof(*copy) + size);

	if (!copy)
		return NULL;
	copy->next = image->copies;
	image->copies = copy;
	return copy->bytes;
}

/* Inflate, and lend that. */
static int inflate_section(struct elf_image *image, const Elf_Data *raw, const char *name,
			   struct elf_section *ret, struct btfpack_error *err)
{
	struct elf_compressed compressed;
	uint8_t *bytes;
	int error = elf_compressed_init(&compressed, image, raw->d_buf, raw->d_size,
					!strncmp(name, ".zdebug_", 8), name, err);

	if (error)
		return error;
	bytes = add_copy(image, compressed.inflated);
	if (!bytes)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", image->path);
	error = elf_compressed_inflate(&compressed, image, name, bytes, err);
	if (error)
		return error;
	ret->data = bytes;
	ret->size = compressed.inflated;
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
	if (shdr->sh_offset > image->map.size || shdr->sh_size > image->map.size - shdr->sh_offset)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: section %s reaches past the end of the file",
					 image->path, name);
	data = elf_rawdata(scn, NULL);
	if (!data || (data->d_size && !data->d_buf))
		return btfpack_error_set(err, -EBADMSG, "%s: section %s cannot be read: %s",
					 image->path, name, elf_errmsg(-1));
	if (compressed)
		return inflate_section(image, data, name, ret, err);
	ret->data = data->d_buf;
	ret->size = data->d_size;
	ret->mapped = ret->data >= start && ret->data < start + image->map.size;
	return 0;
}

/* Lend a relocated copy instead. */
static int relocate_section(struct elf_image *image, struct elf_section *section,
			    struct btfpack_error *err)
{
	uint8_t *bytes = add_copy(image, section->size);

	if (!bytes)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", image->path);
	memcpy(bytes, section->data, section->size);
	section->data = bytes;
	section->mapped = false;
	return elf_relocate(image, section->index, bytes, section->size, err);
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

/* The string table of the symbols, which must end like its last string does. */
static int get_strings(struct elf_image *image, size_t index, Elf_Data **ret,
		       struct btfpack_error *err)
{
	Elf_Scn *scn = elf_getscn(image->elf, index);

	*ret = scn ? elf_rawdata(scn, NULL) : NULL;
	/* A section that claims to be SHT_NOBITS has a size, but no bytes. */
	if (!*ret || !(*ret)->d_size || !(*ret)->d_buf ||
	    ((const char *)(*ret)->d_buf)[(*ret)->d_size - 1])
		return btfpack_error_set(err, -EBADMSG,
					 "%s: the symbol table's strings cannot be read",
					 image->path);
	return 0;
}

int elf_image_symbols(struct elf_image *image, elf_symbol_fn fn, void *arg,
		      struct btfpack_error *err)
{
	Elf_Data *symbols, *strings, *extended = NULL;
	Elf_Scn *scn = NULL, *found = NULL;
	GElf_Shdr shdr, table = { 0 };
	int error;

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
	error = get_strings(image, table.sh_link, &strings, err);
	if (error)
		return error;
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
		if (sym.st_name >= strings->d_size)
			continue;
		symbol.name = (const char *)strings->d_buf + sym.st_name;
		if (strnlen(symbol.name, SYMBOL_NAME_MAXIMUM) == SYMBOL_NAME_MAXIMUM)
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
