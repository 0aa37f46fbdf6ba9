/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A compiled BPF object as far as CO-RE is concerned: its BTF, the CO-RE records
 * of .BTF.ext, the instructions of its executable sections, the functions in
 * them, and where relocations point. Objects of either byte order are accepted;
 * everything here is in host order.
 *
 * Everything is read once and checked when the object is opened: section and
 * symbol numbers, instruction numbers, record sizes, ids and string offsets are
 * in range afterwards. An object is immutable then; any number of threads may
 * read it.
 */
#ifndef BTFGEN_BPF_OBJECT_H
#define BTFGEN_BPF_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/bpf.h>

#include <btfpack/error.h>

#include "btf/btf-view.h"
#include "core/cleanup.h"

/* What a relocation of an instruction points to. */
struct bpf_object_target {
	uint32_t instruction; /* which one, in its section */
	uint32_t elf_section; /* of the symbol; 0: undefined, an extern */
	uint64_t value;       /* of the symbol: bytes into that section */
	const char *symbol;   /* its name, "" for a section's own symbol */
	bool is_weak;	      /* an extern that may be missing */
};

struct bpf_object_section {
	const char *name;
	uint32_t elf_section;
	struct bpf_insn *instructions;
	uint32_t count;
	struct bpf_object_target *targets; /* by ascending instruction */
	size_t target_count;
};

/* A function, by its symbol. Those outside .text are programs: entry points. */
struct bpf_object_function {
	const char *name;
	uint32_t section; /* index in sections[] */
	uint32_t first;   /* instruction */
	uint32_t count;
	bool is_program;
	bool is_global; /* verified on its own, whatever calls it */
};

/* A section of constants, which libbpf makes a map that programs cannot write. */
struct bpf_object_constants {
	uint32_t elf_section;
	const uint8_t *data;
	size_t size;
};

/* One CO-RE record. */
struct bpf_object_relo {
	uint32_t section; /* index in sections[] */
	uint32_t instruction;
	uint32_t type_id;
	const char *access; /* "0:1:2" */
	enum bpf_core_relo_kind kind;
	int32_t function; /* index in functions[], -1: in none */
};

struct bpf_object {
	char *name;
	bool other_order;
	bool has_btf;
	struct btf_view btf; /* without has_btf: empty */
	struct bpf_object_section *sections;
	size_t section_count;
	struct bpf_object_constants *constants;
	size_t constants_count;
	struct bpf_object_function *functions; /* by section, then first */
	size_t function_count;
	struct bpf_object_relo *relos; /* in the records' order */
	size_t relo_count;
	void *bytes;     /* the file */
	struct Elf *elf; /* names are lent by it */
};

/* Read the object at @path, or the @size bytes at @data, which are copied; @name
 * is what to call them. Errors: see btfpack_minifier_add_object(). */
int bpf_object_open(const char *path, struct bpf_object **ret, struct btfpack_error *err);
int bpf_object_open_mem(const void *data, size_t size, const char *name, struct bpf_object **ret,
			struct btfpack_error *err);
void bpf_object_close(struct bpf_object *object);
static inline void bpf_object_closep(struct bpf_object **object)
{
	bpf_object_close(*object);
}
#define AUTO_BPF_OBJECT CLEANUP(bpf_object_closep)

/* The function that holds instruction @instruction of section @section, -1: none. */
int32_t bpf_object_find_function(const struct bpf_object *object, uint32_t section,
				 uint32_t instruction);

/* Index in sections[] of the executable section with that ELF number, -1: none. */
int32_t bpf_object_find_section(const struct bpf_object *object, uint32_t elf_section);

/* @size bytes (1, 2, 4 or 8) at @offset of the constants in that ELF section, in host
 * order; false: there are none. */
bool bpf_object_read_constant(const struct bpf_object *object, uint32_t elf_section,
			      uint64_t offset, uint64_t size, uint64_t *ret);

/* Where the relocation of an instruction points, NULL: it has none. */
const struct bpf_object_target *bpf_object_find_target(const struct bpf_object_section *section,
						       uint32_t instruction);

#endif
