/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/bpf-object.h"
#include "btfgen/btf-ext.h"
#include "core/fs.h"

#define OBJECT_MAXIMUM ((size_t)256 << 20)
#define EM_BPF_MACHINE 247

static int no_memory(const struct bpf_object *object, struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "%s: out of memory", object->name);
}

static int damaged(const struct bpf_object *object, struct btfpack_error *err, const char *what)
{
	return btfpack_error_set(err, -EBADMSG, "%s: damaged ELF file: %s: %s", object->name, what,
				 elf_errmsg(-1));
}

static int open_elf(struct bpf_object *object, size_t size, struct btfpack_error *err)
{
	bool big_host = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	GElf_Ehdr ehdr;
	size_t sections;

	elf_version(EV_CURRENT);
	object->elf = elf_memory(object->bytes, size);
	if (!object->elf || elf_kind(object->elf) != ELF_K_ELF || !gelf_getehdr(object->elf, &ehdr))
		return btfpack_error_set(err, -EBADMSG, "%s: not an ELF file", object->name);
	if (ehdr.e_machine != EM_BPF_MACHINE)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: not a BPF object: ELF machine %u, expected %u",
					 object->name, ehdr.e_machine, EM_BPF_MACHINE);
	if (ehdr.e_type != ET_REL)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: not a relocatable object: ELF type %u, expected %u",
					 object->name, ehdr.e_type, ET_REL);
	/* libelf takes a file cut short for one without sections. */
	if (ehdr.e_shoff >= size || elf_getshdrnum(object->elf, &sections) < 0 || !sections)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: the section headers, at offset %llu, lie outside the "
					 "%zu bytes of the file",
					 object->name, (unsigned long long)ehdr.e_shoff, size);
	object->other_order = (ehdr.e_ident[EI_DATA] == ELFDATA2MSB) != big_host;
	return 0;
}

static const char *section_name(const struct bpf_object *object, const GElf_Shdr *shdr)
{
	const char *name = NULL;
	size_t names;

	if (elf_getshdrstrndx(object->elf, &names) == 0)
		name = elf_strptr(object->elf, names, shdr->sh_name);
	return name ? name : "";
}

static Elf_Scn *find_elf_section(const struct bpf_object *object, const char *name)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	while ((scn = elf_nextscn(object->elf, scn)))
		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_PROGBITS &&
		    !strcmp(section_name(object, &shdr), name))
			return scn;
	return NULL;
}

/* Registers share a byte: two nibbles, which lie the other way round in an object
 * of the other byte order. */
static void copy_instructions(struct bpf_insn *to, const struct bpf_insn *from, size_t count,
			      bool other_order)
{
	memcpy(to, from, count * sizeof(*to));
	for (size_t i = 0; other_order && i < count; i++) {
		unsigned int dst = to[i].dst_reg;

		to[i].dst_reg = to[i].src_reg;
		to[i].src_reg = dst;
		to[i].off = (int16_t)bswap_16((uint16_t)to[i].off);
		to[i].imm = (int32_t)bswap_32((uint32_t)to[i].imm);
	}
}

static int add_section(struct bpf_object *object, Elf_Scn *scn, const GElf_Shdr *shdr,
		       struct btfpack_error *err)
{
	struct bpf_object_section *section = &object->sections[object->section_count];
	Elf_Data *data = elf_rawdata(scn, NULL);

	if (!data)
		return damaged(object, err, section_name(object, shdr));
	if (data->d_size % sizeof(struct bpf_insn))
		return btfpack_error_set(
			err, -EBADMSG, "%s: section %s has %zu bytes, not a number of instructions",
			object->name, section_name(object, shdr), data->d_size);
	section->name = section_name(object, shdr);
	section->elf_section = (uint32_t)elf_ndxscn(scn);
	section->count = (uint32_t)(data->d_size / sizeof(struct bpf_insn));
	section->instructions = malloc(data->d_size ? data->d_size : 1);
	if (!section->instructions)
		return no_memory(object, err);
	object->section_count++;
	if (data->d_size)
		copy_instructions(section->instructions, data->d_buf, section->count,
				  object->other_order);
	return 0;
}

static bool is_constants(const char *name)
{
	size_t length = strlen(".rodata");

	return !strncmp(name, ".rodata", length) && (!name[length] || name[length] == '.');
}

static int add_constants(struct bpf_object *object, Elf_Scn *scn, const GElf_Shdr *shdr,
			 struct btfpack_error *err)
{
	Elf_Data *data = elf_rawdata(scn, NULL);

	if (!data)
		return damaged(object, err, section_name(object, shdr));
	object->constants[object->constants_count++] = (struct bpf_object_constants){
		.elf_section = (uint32_t)elf_ndxscn(scn),
		.data = data->d_buf,
		.size = data->d_buf ? data->d_size : 0,
	};
	return 0;
}

bool bpf_object_read_constant(const struct bpf_object *object, uint32_t elf_section,
			      uint64_t offset, uint64_t size, uint64_t *ret)
{
	bool is_big = (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) != object->other_order;
	uint64_t value = 0;

	for (size_t i = 0; i < object->constants_count; i++) {
		const struct bpf_object_constants *c = &object->constants[i];

		if (c->elf_section != elf_section)
			continue;
		if (offset > c->size || size > c->size - offset)
			return false;
		for (uint64_t j = 0; j < size; j++)
			value = value << 8 | c->data[offset + (is_big ? j : size - 1 - j)];
		*ret = value;
		return true;
	}
	return false;
}

static int read_sections(struct bpf_object *object, struct btfpack_error *err)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;
	size_t count = 0;
	int error = 0;

	elf_getshdrnum(object->elf, &count);
	object->sections = calloc(count ? count : 1, sizeof(*object->sections));
	object->constants = calloc(count ? count : 1, sizeof(*object->constants));
	if (!object->sections || !object->constants)
		return no_memory(object, err);
	while (!error && (scn = elf_nextscn(object->elf, scn))) {
		if (!gelf_getshdr(scn, &shdr))
			return damaged(object, err, "section header");
		if (shdr.sh_type == SHT_PROGBITS && (shdr.sh_flags & SHF_EXECINSTR))
			error = add_section(object, scn, &shdr, err);
		else if (shdr.sh_type == SHT_PROGBITS &&
			 is_constants(section_name(object, &shdr)))
			error = add_constants(object, scn, &shdr, err);
	}
	return error;
}

int32_t bpf_object_find_section(const struct bpf_object *object, uint32_t elf_section)
{
	size_t low = 0, high = object->section_count; /* they are in ascending order */

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (object->sections[middle].elf_section == elf_section)
			return (int32_t)middle;
		if (object->sections[middle].elf_section < elf_section)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

static int compare_functions(const void *a_, const void *b_)
{
	const struct bpf_object_function *a = a_, *b = b_;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return 0;
}

int32_t bpf_object_find_function(const struct bpf_object *object, uint32_t section,
				 uint32_t instruction)
{
	size_t low = 0, high = object->function_count;

	while (low < high) { /* the first function that starts after it */
		size_t middle = low + (high - low) / 2;
		const struct bpf_object_function *f = &object->functions[middle];

		if (f->section < section || (f->section == section && f->first <= instruction))
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || object->functions[low - 1].section != section ||
	    instruction - object->functions[low - 1].first >= object->functions[low - 1].count)
		return -1;
	return (int32_t)(low - 1);
}

static int add_function(struct bpf_object *object, const GElf_Sym *sym, const char *name,
			struct btfpack_error *err)
{
	int32_t index = bpf_object_find_section(object, sym->st_shndx);
	const struct bpf_object_section *section;

	if (index < 0)
		return 0;
	section = &object->sections[index];
	if (sym->st_value % sizeof(struct bpf_insn) || sym->st_size % sizeof(struct bpf_insn) ||
	    sym->st_value / sizeof(struct bpf_insn) > section->count ||
	    sym->st_size / sizeof(struct bpf_insn) >
		    section->count - sym->st_value / sizeof(struct bpf_insn))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: function %s lies outside its section %s",
					 object->name, name, section->name);
	object->functions[object->function_count++] = (struct bpf_object_function){
		.name = name,
		.section = (uint32_t)index,
		.first = (uint32_t)(sym->st_value / sizeof(struct bpf_insn)),
		.count = (uint32_t)(sym->st_size / sizeof(struct bpf_insn)),
		.is_program = strcmp(section->name, ".text") != 0,
		.is_global = GELF_ST_BIND(sym->st_info) != STB_LOCAL &&
			     GELF_ST_VISIBILITY(sym->st_other) == STV_DEFAULT,
	};
	return 0;
}

static Elf_Scn *find_symbols(const struct bpf_object *object, GElf_Shdr *shdr)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(object->elf, scn)))
		if (gelf_getshdr(scn, shdr) && shdr->sh_type == SHT_SYMTAB)
			return scn;
	return NULL;
}

static int read_functions(struct bpf_object *object, struct btfpack_error *err)
{
	GElf_Shdr shdr;
	Elf_Scn *scn = find_symbols(object, &shdr);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	size_t count = data && shdr.sh_entsize ? data->d_size / shdr.sh_entsize : 0;
	GElf_Sym sym;
	int error = 0;

	if (scn && !data)
		return damaged(object, err, "symbol table");
	object->functions = calloc(count ? count : 1, sizeof(*object->functions));
	if (!object->functions)
		return no_memory(object, err);
	for (size_t i = 0; !error && i < count && gelf_getsym(data, (int)i, &sym); i++) {
		const char *name = elf_strptr(object->elf, shdr.sh_link, sym.st_name);

		if (GELF_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_size)
			error = add_function(object, &sym, name ? name : "", err);
	}
	if (object->function_count)
		qsort(object->functions, object->function_count, sizeof(*object->functions),
		      compare_functions);
	return error;
}

static int compare_targets(const void *a_, const void *b_)
{
	const struct bpf_object_target *a = a_, *b = b_;

	return a->instruction < b->instruction ? -1 : a->instruction > b->instruction;
}

const struct bpf_object_target *bpf_object_find_target(const struct bpf_object_section *section,
						       uint32_t instruction)
{
	struct bpf_object_target key = { .instruction = instruction };

	if (!section->target_count)
		return NULL;
	return bsearch(&key, section->targets, section->target_count, sizeof(key), compare_targets);
}

static int read_target(struct bpf_object *object, struct bpf_object_section *section,
		       const GElf_Rel *rel, Elf_Data *symbols, uint32_t strings,
		       struct btfpack_error *err)
{
	uint64_t instruction = rel->r_offset / sizeof(struct bpf_insn);
	struct bpf_object_target *target = &section->targets[section->target_count];
	const char *name;
	GElf_Sym sym;

	if (rel->r_offset % sizeof(struct bpf_insn) || instruction >= section->count)
		return btfpack_error_set(
			err, -EBADMSG, "%s: relocation at offset %#llx lies outside section %s",
			object->name, (unsigned long long)rel->r_offset, section->name);
	if (!gelf_getsym(symbols, (int)GELF_R_SYM(rel->r_info), &sym))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: relocation of section %s refers to symbol %llu, "
					 "which is not there",
					 object->name, section->name,
					 (unsigned long long)GELF_R_SYM(rel->r_info));
	name = elf_strptr(object->elf, strings, sym.st_name);
	*target = (struct bpf_object_target){
		.instruction = (uint32_t)instruction,
		.elf_section = sym.st_shndx < SHN_LORESERVE ? sym.st_shndx : 0,
		.value = sym.st_value,
		.is_weak = GELF_ST_BIND(sym.st_info) == STB_WEAK,
		.symbol = name && GELF_ST_TYPE(sym.st_info) != STT_SECTION ? name : "",
	};
	section->target_count++;
	return 0;
}

static int read_section_targets(struct bpf_object *object, struct bpf_object_section *section,
				Elf_Data *relocations, size_t count, Elf_Data *symbols,
				uint32_t strings, struct btfpack_error *err)
{
	GElf_Rel rel;
	int error = 0;

	if (section->targets) /* a second table for the same section: no compiler writes it */
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: section %s has two relocation tables", object->name,
					 section->name);
	section->targets = calloc(count ? count : 1, sizeof(*section->targets));
	if (!section->targets)
		return no_memory(object, err);
	for (size_t i = 0; !error && i < count && gelf_getrel(relocations, (int)i, &rel); i++)
		error = read_target(object, section, &rel, symbols, strings, err);
	if (!error && section->target_count)
		qsort(section->targets, section->target_count, sizeof(*section->targets),
		      compare_targets);
	return error;
}

static int read_targets(struct bpf_object *object, struct btfpack_error *err)
{
	GElf_Shdr symbols_shdr, shdr;
	Elf_Scn *symbols_scn = find_symbols(object, &symbols_shdr), *scn = NULL;
	Elf_Data *symbols = symbols_scn ? elf_getdata(symbols_scn, NULL) : NULL;
	int error = 0;

	if (!symbols)
		return 0;
	while (!error && (scn = elf_nextscn(object->elf, scn))) {
		Elf_Data *data;
		int32_t index;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_REL || !shdr.sh_entsize)
			continue;
		index = bpf_object_find_section(object, shdr.sh_info);
		if (index < 0)
			continue;
		data = elf_getdata(scn, NULL);
		if (!data)
			return damaged(object, err, "relocations");
		error = read_section_targets(object, &object->sections[index], data,
					     data->d_size / shdr.sh_entsize, symbols,
					     symbols_shdr.sh_link, err);
	}
	return error;
}

static int read_btf(struct bpf_object *object, struct btfpack_error *err)
{
	Elf_Scn *scn = find_elf_section(object, ".BTF"),
		*ext = find_elf_section(object, ".BTF.ext");
	Elf_Data *data = scn ? elf_rawdata(scn, NULL) : NULL;
	Elf_Data *ext_data = ext ? elf_rawdata(ext, NULL) : NULL;
	char what[280];
	int error;

	if ((scn && !data) || (ext && !ext_data))
		return damaged(object, err, scn && !data ? ".BTF" : ".BTF.ext");
	if (!data)
		return ext ? btfpack_error_set(err, -EBADMSG, "%s: has .BTF.ext, but no .BTF",
					       object->name)
			   : 0;
	snprintf(what, sizeof(what), "%.255s: .BTF", object->name);
	error = btf_view_init(&object->btf, data->d_buf, data->d_size, NULL, what, err);
	if (error < 0)
		return error;
	object->has_btf = true;
	if (object->btf.other_order != object->other_order)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: .BTF is in the other byte order than the object",
					 object->name);
	return ext_data ? btf_ext_read(object, ext_data->d_buf, ext_data->d_size, err) : 0;
}

/* Takes @bytes over. */
static int open_bytes(void *bytes, size_t size, const char *name, struct bpf_object **ret,
		      struct btfpack_error *err)
{
	AUTO_BPF_OBJECT struct bpf_object *object = calloc(1, sizeof(*object));
	int error;

	if (object)
		object->name = strdup(name);
	if (!object || !object->name) {
		free(bytes);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	}
	object->bytes = bytes;
	error = open_elf(object, size, err);
	if (!error)
		error = read_sections(object, err);
	if (!error)
		error = read_functions(object, err);
	if (!error)
		error = read_targets(object, err);
	if (!error)
		error = read_btf(object, err);
	if (!error)
		*ret = steal_ptr(object); /* the caller's */
	return error;
}

int bpf_object_open(const char *path, struct bpf_object **ret, struct btfpack_error *err)
{
	struct btfpack_blob blob;
	int error = fs_read(path, OBJECT_MAXIMUM, &blob, err);

	return error < 0 ? error : open_bytes(blob.data, blob.size, path, ret, err);
}

int bpf_object_open_mem(const void *data, size_t size, const char *name, struct bpf_object **ret,
			struct btfpack_error *err)
{
	void *copy;

	if (size > OBJECT_MAXIMUM)
		return btfpack_error_set(err, -EFBIG, "%s: larger than the limit of %zu bytes",
					 name, OBJECT_MAXIMUM);
	copy = malloc(size ? size : 1);
	if (!copy)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	if (size)
		memcpy(copy, data, size);
	return open_bytes(copy, size, name, ret, err);
}

void bpf_object_close(struct bpf_object *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < object->section_count; i++) {
		free(object->sections[i].instructions);
		free(object->sections[i].targets);
	}
	free(object->sections);
	free(object->constants);
	free(object->functions);
	free(object->relos);
	btf_view_deinit(&object->btf);
	elf_end(object->elf);
	free(object->bytes);
	free(object->name);
	free(object);
}
