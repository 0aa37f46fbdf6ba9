/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU variables: what programs reach by bpf_per_cpu_ptr(&var). They are the
 * variables of the section .data..percpu, which BTF lists as a DATASEC.
 */
#ifndef BTFGEN_DWARF_VARS_H
#define BTFGEN_DWARF_VARS_H

#include "btfgen/decl-tags.h"
#include "btfgen/type-table.h"

/* Where per-CPU variables lie, and which there are. (In x86 kernels before 6.15 the
 * section begins at address 0, where discarded variables claim to be too; so a
 * variable counts when a symbol of its name stands at its address.) */
struct percpu_symbol {
	uint64_t address;
	const char *name; /* lent by the image */
};
struct percpu_section {
	uint64_t address, size;
	uint32_t index;
	struct percpu_symbol *symbols; /* by address */
	size_t symbol_count, symbol_room;
};

#define PERCPU_NAME ".data..percpu"

int percpu_section_init(struct percpu_section *section, struct elf_image *image,
			struct btfpack_error *err);
void percpu_section_deinit(struct percpu_section *section);

struct var_def {
	uint64_t offset; /* of the DIE in .debug_info */
	dwarf_name name;
	type_token type; /* its class */
	uint32_t unit;
	uint32_t position; /* bytes from the section's start */
	uint32_t size;     /* bytes */
	bool is_global;
	struct decl_tag_range tags;
};

struct var_defs {
	struct var_def *defs;
	uint32_t count, room;
	struct decl_tags tags;
};
void var_defs_deinit(struct var_defs *defs);

/* Add those of the variables [@first, @end) of the reader just recognised, of unit
 * @unit, that are per-CPU. */
int var_defs_collect(struct var_defs *defs, const struct percpu_section *section,
		     struct recognizer *r, uint32_t first, uint32_t end, uint32_t unit);

/* Add to @defs all of @other, which is emptied. */
int var_defs_merge(struct var_defs *defs, struct var_defs *other);

/* Sort by position and drop what stands there twice. */
void var_defs_sort(struct var_defs *defs);

#endif
