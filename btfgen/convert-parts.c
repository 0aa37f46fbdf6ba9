/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which parts of a file conversion reads: its heads, the sections of DWARF that types
 * and functions come from, symbols, notes, the sets of kfuncs. Everything else stays
 * out: code and data, line numbers, and, in a file that is linked, relocations, which
 * kernels for x86 keep though they are applied.
 *
 * The file may be anywhere, so there is nothing to map: heads are read by a callback and
 * put into this machine's order by libelf.
 */
#include <errno.h>
#include <libelf.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/btfgen.h>

#include "core/cleanup.h"

#define SECTIONS_MAXIMUM 1000000
#define NAMES_MAXIMUM    ((uint64_t)16 << 20)

/* What is read of a section head, of either word size. */
struct section {
	const char *name;
	uint32_t name_offset, type, link;
	uint64_t offset, size;
	bool strings; /* of section or symbol names */
};

struct elf_heads {
	btfpack_read_fn read;
	void *arg;
	uint64_t file_size;
	bool wide;              /* 64-bit */
	unsigned char encoding; /* ELFDATA2LSB, ELFDATA2MSB */
	bool relocatable;
	uint64_t table; /* where the section heads are */
	uint64_t entry; /* bytes of one */
	uint64_t count;
	uint32_t names_index;
	struct section *sections;
	char *names;
};

static int not_elf(struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG,
				 "not an ELF file, or its section heads are damaged");
}

static void heads_deinit(struct elf_heads *h)
{
	free(h->sections);
	free(h->names);
}

/* --- heads
 * ------------------------------------------------------------------------------------------- */

static bool translate(const struct elf_heads *h, Elf_Type type, void *from, size_t from_size,
		      void *to, size_t to_size)
{
	Elf_Data source = {
		.d_buf = from, .d_type = type, .d_size = from_size, .d_version = EV_CURRENT
	};
	Elf_Data target = {
		.d_buf = to, .d_type = type, .d_size = to_size, .d_version = EV_CURRENT
	};

	return h->wide ? elf64_xlatetom(&target, &source, h->encoding) != NULL
		       : elf32_xlatetom(&target, &source, h->encoding) != NULL;
}

static bool take_wide_head(struct elf_heads *h, uint8_t *bytes)
{
	Elf64_Ehdr head;

	if (!translate(h, ELF_T_EHDR, bytes, sizeof(head), &head, sizeof(head)))
		return false;
	h->relocatable = head.e_type == ET_REL;
	h->table = head.e_shoff;
	h->entry = head.e_shentsize;
	h->count = head.e_shnum;
	h->names_index = head.e_shstrndx;
	return h->entry == sizeof(Elf64_Shdr);
}

static bool take_narrow_head(struct elf_heads *h, uint8_t *bytes)
{
	Elf32_Ehdr head;

	if (!translate(h, ELF_T_EHDR, bytes, sizeof(head), &head, sizeof(head)))
		return false;
	h->relocatable = head.e_type == ET_REL;
	h->table = head.e_shoff;
	h->entry = head.e_shentsize;
	h->count = head.e_shnum;
	h->names_index = head.e_shstrndx;
	return h->entry == sizeof(Elf32_Shdr);
}

static int read_head(struct elf_heads *h, struct btfpack_error *err)
{
	uint8_t bytes[sizeof(Elf64_Ehdr)] = { 0 };
	size_t size = h->file_size < sizeof(bytes) ? (size_t)h->file_size : sizeof(bytes);
	int error = size < sizeof(Elf32_Ehdr) ? not_elf(err) : h->read(h->arg, 0, bytes, size, err);

	if (error < 0)
		return error;
	h->wide = bytes[EI_CLASS] == ELFCLASS64;
	h->encoding = bytes[EI_DATA];
	elf_version(EV_CURRENT);
	if (memcmp(bytes, ELFMAG, SELFMAG) || (!h->wide && bytes[EI_CLASS] != ELFCLASS32) ||
	    (h->encoding != ELFDATA2LSB && h->encoding != ELFDATA2MSB) ||
	    !(h->wide ? take_wide_head(h, bytes) : take_narrow_head(h, bytes)) || !h->table)
		return not_elf(err);
	return 0;
}

static bool take_section(const struct elf_heads *h, uint8_t *bytes, struct section *ret)
{
	Elf64_Shdr wide;
	Elf32_Shdr narrow;

	if (h->wide) {
		if (!translate(h, ELF_T_SHDR, bytes, sizeof(wide), &wide, sizeof(wide)))
			return false;
		*ret = (struct section){
			.name_offset = wide.sh_name,
			.type = wide.sh_type,
			.link = wide.sh_link,
			.offset = wide.sh_offset,
			.size = wide.sh_size,
		};
		return true;
	}
	if (!translate(h, ELF_T_SHDR, bytes, sizeof(narrow), &narrow, sizeof(narrow)))
		return false;
	*ret = (struct section){
		.name_offset = narrow.sh_name,
		.type = narrow.sh_type,
		.link = narrow.sh_link,
		.offset = narrow.sh_offset,
		.size = narrow.sh_size,
	};
	return true;
}

/* More sections than the head has room to count are counted in the first of them. */
static int count_sections(struct elf_heads *h, struct btfpack_error *err)
{
	uint8_t bytes[sizeof(Elf64_Shdr)];
	struct section first;
	int error;

	if (h->table > h->file_size || h->file_size - h->table < h->entry)
		return not_elf(err);
	error = h->read(h->arg, h->table, bytes, (size_t)h->entry, err);
	if (error < 0)
		return error;
	if (!take_section(h, bytes, &first))
		return not_elf(err);
	if (!h->count)
		h->count = first.size;
	if (h->names_index == SHN_XINDEX)
		h->names_index = first.link;
	if (h->count > SECTIONS_MAXIMUM || h->names_index >= h->count ||
	    h->count * h->entry > h->file_size - h->table)
		return not_elf(err);
	return 0;
}

static int read_sections(struct elf_heads *h, struct btfpack_error *err)
{
	AUTO_FREE uint8_t *bytes = NULL;
	int error = count_sections(h, err);

	if (error < 0)
		return error;
	bytes = malloc((size_t)(h->count * h->entry));
	h->sections = calloc((size_t)h->count, sizeof(*h->sections));
	if (!bytes || !h->sections)
		return btfpack_error_set(err, -ENOMEM, "out of memory for section heads");
	error = h->read(h->arg, h->table, bytes, (size_t)(h->count * h->entry), err);
	for (uint64_t i = 0; i < h->count && !error; i++)
		if (!take_section(h, bytes + i * h->entry, &h->sections[i]))
			error = not_elf(err);
	return error;
}

static bool is_inside(const struct elf_heads *h, const struct section *s)
{
	return s->type != SHT_NOBITS && s->offset <= h->file_size &&
	       s->size <= h->file_size - s->offset;
}

static int read_names(struct elf_heads *h, struct btfpack_error *err)
{
	const struct section *names = &h->sections[h->names_index];
	int error;

	if (!is_inside(h, names) || names->size > NAMES_MAXIMUM)
		return not_elf(err);
	h->names = malloc((size_t)names->size + 1);
	if (!h->names)
		return btfpack_error_set(err, -ENOMEM, "out of memory for section names");
	h->names[names->size] = '\0';
	error = h->read(h->arg, names->offset, h->names, (size_t)names->size, err);
	for (uint64_t i = 0; i < h->count && !error; i++)
		h->sections[i].name = h->sections[i].name_offset < names->size
					      ? h->names + h->sections[i].name_offset
					      : "";
	return error;
}

/* --- what is read
 * ------------------------------------------------------------------------------------ */

/* By name; a section that is compressed the old way begins with ".z" instead of ".". */
static const char *const wanted[] = {
	".debug_info",        ".debug_abbrev", ".debug_str",        ".debug_line_str",
	".debug_str_offsets", ".debug_addr",   ".debug_loc",        ".debug_loclists",
	".debug_types",       ".debug_sup",    ".gnu_debugaltlink", ".BTF_ids",
};

static bool is_named(const struct section *s, const char *name)
{
	return !strcmp(s->name, name) ||
	       (!strncmp(s->name, ".z", 2) && !strcmp(s->name + 2, name + 1));
}

static bool is_read(const struct elf_heads *h, const struct section *s, bool has_dwarf)
{
	if (s->type == SHT_NOTE || s->type == SHT_SYMTAB || s->type == SHT_SYMTAB_SHNDX)
		return true;
	/* Only a file that is not linked yet has relocations to apply. */
	if (s->type == SHT_RELA || s->type == SHT_REL)
		return h->relocatable;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (is_named(s, wanted[i]))
			return true;
	return !has_dwarf && !strcmp(s->name, ".BTF");
}

static int compare_parts(const void *a, const void *b)
{
	const struct btfpack_part *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Put them in order and join what touches. */
static void join_parts(struct btfpack_convert_parts *p)
{
	size_t kept = 0;

	qsort(p->parts, p->count, sizeof(*p->parts), compare_parts);
	for (size_t i = 0; i < p->count; i++) {
		struct btfpack_part *part = &p->parts[i], *last = kept ? &p->parts[kept - 1] : NULL;
		uint64_t end = part->offset + part->size;

		if (last && part->offset <= last->offset + last->size) {
			if (end > last->offset + last->size)
				last->size = end - last->offset;
		} else {
			p->parts[kept++] = *part;
		}
	}
	p->count = kept;
	p->bytes = 0;
	for (size_t i = 0; i < kept; i++)
		p->bytes += p->parts[i].size;
}

static uint64_t size_of(const struct elf_heads *h, const char *name)
{
	for (uint64_t i = 0; i < h->count; i++)
		if (is_named(&h->sections[i], name) && h->sections[i].type != SHT_NOBITS)
			return h->sections[i].size;
	return 0;
}

static int list_parts(const struct elf_heads *h, struct btfpack_convert_parts *p,
		      struct btfpack_error *err)
{
	uint64_t head = h->file_size < sizeof(Elf64_Ehdr) ? h->file_size : sizeof(Elf64_Ehdr);

	p->parts = calloc((size_t)h->count + 2, sizeof(*p->parts));
	if (!p->parts)
		return btfpack_error_set(err, -ENOMEM, "out of memory for a list of sections");
	p->dwarf = size_of(h, ".debug_info");
	p->btf = size_of(h, ".BTF");
	h->sections[h->names_index].strings = true;
	for (uint64_t i = 0; i < h->count; i++)
		if (h->sections[i].type == SHT_SYMTAB && h->sections[i].link < h->count)
			h->sections[h->sections[i].link].strings = true;
	p->parts[p->count++] = (struct btfpack_part){ 0, head };
	p->parts[p->count++] = (struct btfpack_part){ h->table, h->count * h->entry };
	for (uint64_t i = 0; i < h->count; i++) {
		const struct section *s = &h->sections[i];

		/* What reaches past the end is for the conversion to complain about. */
		if (is_inside(h, s) && s->size && (s->strings || is_read(h, s, p->dwarf > 0)))
			p->parts[p->count++] = (struct btfpack_part){ s->offset, s->size };
	}
	join_parts(p);
	return 0;
}

int btfpack_convert_parts(btfpack_read_fn read, void *arg, uint64_t size,
			  struct btfpack_convert_parts *ret, struct btfpack_error *err)
{
	CLEANUP(heads_deinit)
	struct elf_heads h = { .read = read, .arg = arg, .file_size = size };
	CLEANUP(btfpack_convert_parts_free) struct btfpack_convert_parts parts = { 0 };
	int error = read_head(&h, err);

	if (!error)
		error = read_sections(&h, err);
	if (!error)
		error = read_names(&h, err);
	if (!error)
		error = list_parts(&h, &parts, err);
	if (error < 0)
		return error;
	*ret = parts; /* the caller's */
	parts.parts = NULL;
	return 0;
}
