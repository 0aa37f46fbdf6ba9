/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Functions: which of them BTF names, and why not the others.
 *
 * A function gets a FUNC when a program could attach to it by name and trust its
 * prototype. The rules are those by which kernels are built (pahole's
 * optimized_func and consistent_func), so that what attaches to a kernel with its
 * own BTF attaches to one with ours:
 *
 *   - it is defined, its parameters have names, and the ELF symbol table has a
 *     function of that name, a compiler's suffix (.isra.0, .constprop.0) aside;
 *     pieces split off (.cold, .part.0) are no functions. (Its code may be another
 *     function's: gcc's -fipa-icf leaves a symbol, and of DWARF what an inlined
 *     function has. One declared inline does not count so: in a kernel these are
 *     the wrappers of what assembler has, "memset" say.)
 *   - all functions of that name have one prototype, and one address: where two
 *     files each have a static "init", the name means neither;
 *   - its parameters stand in the order of the source, and each that the calling
 *     convention puts into a register is where it should be. A copy that the compiler specialised (.isra, .constprop) and that
 *     lost a parameter is not what its prototype says.
 *
 * On purpose unlike pahole (counts for Debian's kernels are in btfpack-convert(1)):
 *
 *   - inline functions without code of their own do not count. pahole compares their
 *     abstract instances too, and so drops a function because some unit inlines
 *     another of the same name;
 *   - a copy that lost a parameter is known as such also where it is in two parts, hot
 *     and cold: its DIE then has ranges, and pahole looks for the symbol by low_pc.
 */
#ifndef BTFGEN_DWARF_FUNCS_H
#define BTFGEN_DWARF_FUNCS_H

#include "btfgen/decl-tags.h"
#include "btfgen/type-graph.h"
#include "btfgen/type-table.h"

/* The functions of the symbol table, by name without suffix. */
struct func_name {
	const char *name; /* lent by the image, not terminated */
	uint32_t length;
	bool is_ambiguous; /* its symbols have several addresses */
	bool is_optimized; /* one of them is .isra or .constprop */
	uint64_t address;
};

struct func_symbols {
	struct func_name *names;
	uint32_t name_count;
	uint64_t *slots; /* half of the name's hash, and its index + 1; 0 is free */
	uint32_t slot_count;
};

int func_symbols_init(struct func_symbols *symbols, struct elf_image *image,
		      struct btfpack_error *err);
void func_symbols_deinit(struct func_symbols *symbols);

/* A function with code, as one unit has it. */
struct func_def {
	uint64_t offset;  /* in .debug_info */
	type_token proto; /* its class */
	type_token shape; /* the same without the parameters' names */
	uint32_t unit;
	uint32_t name;     /* index into the symbols' names */
	bool is_displaced; /* a parameter is in another place or register than it should be */
	bool is_optimized; /* a parameter is gone */
	bool is_changed;   /* it is not called as its prototype says */
	bool is_folded;    /* its code is another function's (gcc's -fipa-icf) */
	dwarf_name dwarf_name;
	struct decl_tag_range tags;
};

struct func_defs {
	struct func_def *defs;
	uint32_t count, room;
	struct decl_tags tags;
};
void func_defs_deinit(struct func_defs *defs);

/* Add the functions [@first, @end) of the reader just recognised, of unit @unit. */
int func_defs_collect(struct func_defs *defs, const struct func_symbols *symbols,
		      struct recognizer *r, uint32_t first, uint32_t end, uint32_t unit);

/* Add to @defs all of @other, which is emptied. */
int func_defs_merge(struct func_defs *defs, struct func_defs *other);

/* Choose among all units' functions those that BTF names: they are moved to the
 * front, sorted by name; the rest is dropped. -ENOMEM. */
int func_defs_choose(struct func_defs *defs, const struct func_symbols *symbols);

#endif
