/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convert, over debug sections alone, so that no mutation is lost on ELF headers.
 * The input is a byte of flags, then for all sections but the last two bytes of
 * length (little-endian) and the bytes; what is left is .debug_info. (See
 * make-dwarf-corpus, which turns objects into such inputs.) Around them comes an
 * ELF file with a few symbols for functions and per-CPU variables to match.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <btfpack/btfgen.h>

#include "btf/btf-view.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FLAG_THREADS   1 /* two threads; their result must be that of one */
#define FLAG_NO_FUNCS  2
#define FLAG_NO_ENUM64 4

enum {
	SECTION_PERCPU = 1,
	SECTION_SYMBOLS,
	SECTION_STRINGS,
	SECTION_ABBREV,
	SECTION_STR,
	SECTION_LINE_STR,
	SECTION_STR_OFFSETS,
	SECTION_LOC,
	SECTION_LOCLISTS,
	SECTION_TYPES,
	SECTION_INFO,
	SECTION_COUNT
};

/* Names of sections and symbols in one table. */
static const char strings[] = "\0.data..percpu\0.symtab\0.strtab\0.debug_abbrev\0.debug_str\0"
			      ".debug_line_str\0.debug_str_offsets\0.debug_loc\0.debug_loclists\0"
			      ".debug_types\0.debug_info\0main\0f\0g.isra.0\0v";

static uint32_t string_offset(const char *string)
{
	const char *at = memmem(strings, sizeof(strings), string, strlen(string) + 1);

	return (uint32_t)(at - strings);
}

static const struct {
	const char *name;
	uint8_t type;
	uint16_t section;
	uint64_t value;
} symbols[] = {
	{ "main", STT_FUNC, SHN_ABS, 0x1000 },
	{ "f", STT_FUNC, SHN_ABS, 0x1100 },
	{ "g.isra.0", STT_FUNC, SHN_ABS, 0x1200 },
	{ "v", STT_OBJECT, SECTION_PERCPU, 0 },
};

struct maker {
	struct buf file;
	Elf64_Shdr sections[SECTION_COUNT];
};

static int add_section(struct maker *m, unsigned int number, const char *name, uint32_t type,
		       const void *data, size_t size)
{
	m->sections[number] = (Elf64_Shdr){
		.sh_name = string_offset(name),
		.sh_type = type,
		.sh_offset = m->file.size,
		.sh_size = size,
		.sh_addralign = 1,
	};
	return buf_add(&m->file, data, size);
}

static int add_symbols(struct maker *m)
{
	Elf64_Sym table[ARRAY_SIZE(symbols) + 1] = { 0 };
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(symbols); i++)
		table[i + 1] = (Elf64_Sym){
			.st_name = string_offset(symbols[i].name),
			.st_info = ELF64_ST_INFO(STB_GLOBAL, symbols[i].type),
			.st_shndx = symbols[i].section,
			.st_value = symbols[i].value,
		};
	error = add_section(m, SECTION_SYMBOLS, ".symtab", SHT_SYMTAB, table, sizeof(table));
	m->sections[SECTION_SYMBOLS].sh_link = SECTION_STRINGS;
	m->sections[SECTION_SYMBOLS].sh_entsize = sizeof(table[0]);
	return error ? error
		     : add_section(m, SECTION_STRINGS, ".strtab", SHT_STRTAB, strings,
				   sizeof(strings));
}

/* The debug sections out of the input. */
static int add_input(struct maker *m, const uint8_t *data, size_t size)
{
	static const char *const names[] = { ".debug_abbrev",      ".debug_str", ".debug_line_str",
					     ".debug_str_offsets", ".debug_loc", ".debug_loclists",
					     ".debug_types" };
	int error = 0;

	for (size_t i = 0; i < ARRAY_SIZE(names) && !error; i++) {
		size_t length = size < 2 ? 0 : data[0] | data[1] << 8;

		data += size < 2 ? size : 2;
		size -= size < 2 ? size : 2;
		length = length < size ? length : size;
		error = add_section(m, SECTION_ABBREV + (unsigned int)i, names[i], SHT_PROGBITS,
				    data, length);
		data += length;
		size -= length;
	}
	return error ? error
		     : add_section(m, SECTION_INFO, ".debug_info", SHT_PROGBITS, data, size);
}

static int make_file(struct maker *m, const uint8_t *data, size_t size)
{
	static const uint8_t percpu[16];
	Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = SECTION_COUNT,
		.e_shstrndx = SECTION_STRINGS,
	};
	int error = buf_add(&m->file, &ehdr, sizeof(ehdr));

	if (!error)
		error = add_section(m, SECTION_PERCPU, ".data..percpu", SHT_PROGBITS, percpu,
				    sizeof(percpu));
	if (!error)
		error = add_symbols(m);
	if (!error)
		error = add_input(m, data, size);
	while (!error && m->file.size % 8)
		error = buf_add(&m->file, NULL, 1);
	((Elf64_Ehdr *)m->file.data)->e_shoff = m->file.size;
	return error ? error : buf_add(&m->file, m->sections, sizeof(m->sections));
}

static void complain(const char *what)
{
	fprintf(stderr, "convert: %s\n", what);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD int file = memfd_create("fuzz-dwarf", MFD_CLOEXEC);
	struct maker m = { .file = BUF_INIT((size_t)64 << 20) };
	struct btfpack_convert_opts opts = { .size = sizeof(opts), .jobs = 1 };
	AUTO_BLOB struct btfpack_blob btf = { 0 }, again = { 0 };
	struct btfpack_error err;
	struct btf_view view;
	char path[32];
	int error = size && file >= 0 ? make_file(&m, data + 1, size - 1) : -1;

	if (!error)
		error = fs_write_fd(file, m.file.data, m.file.size);
	buf_deinit(&m.file);
	if (error)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (data[0] & FLAG_NO_FUNCS)
		opts.flags |= BTFPACK_CONVERT_NO_FUNCS;
	if (data[0] & FLAG_NO_ENUM64)
		opts.flags |= BTFPACK_CONVERT_NO_ENUM64;
	error = btfpack_convert(path, &opts, &btf, &err);
	if (data[0] & FLAG_THREADS) {
		opts.jobs = 2;
		/* Which of several errors is told may differ, that there is one may not. */
		if (!btfpack_convert(path, &opts, &again, &err) != !error)
			complain("two threads end otherwise than one");
		if (!error && (btf.size != again.size || memcmp(btf.data, again.data, btf.size)))
			complain("two threads give other bytes than one");
	}
	if (error)
		return 0;
	if (btf_view_init(&view, btf.data, btf.size, NULL, "result", &err) < 0)
		complain(err.message);
	btf_view_deinit(&view);
	return 0;
}
