/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading .debug_info: the list of units, and the one pass over a unit's DIEs
 * that leaves behind just what BTF can say. What a DIE refers to is kept as it
 * stands (an offset): the pass looks at nothing but the next byte.
 */
#ifndef BTFGEN_DWARF_UNIT_H
#define BTFGEN_DWARF_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "btfgen/dwarf-abbrev.h"
#include "btfgen/elf-image.h"

/* --- names ------------------------------------------------------------------------------------ */

/*
 * A name, without looking at its bytes where they lie in a string section. Equal
 * names mean equal strings; the linker merges .debug_str, so equal strings have
 * equal names, too; where it did not, names are looked up (dwarf_file_name). One
 * compiler writes the same string inline where another writes an offset: when the
 * result shows it, all is read again with names unified (dwarf_file_unify).
 * 0 is "no name". The top byte says where: up to seven bytes of the string itself
 * (what compilers write inline), or an offset into a section.
 */
typedef uint64_t dwarf_name;

enum name_place {
	NAME_NONE,
	NAME_PACKED,
	NAME_STR,
	NAME_LINE_STR,
	NAME_INFO,
	NAME_ALT_STR,
	NAME_ALT_INFO
};
#define NAME_MAKE(place, value) ((uint64_t)(place) << 56 | (value))
#define NAME_PLACE(name)        ((enum name_place)((name) >> 56))
#define NAME_VALUE(name)        ((name)&0xffffffffffffff)

/* --- a file's debug information -------------------------------------------------------------- */

struct dwarf_unit {
	uint64_t offset;    /* of the unit's header in .debug_info */
	uint64_t first_die; /* of its first DIE */
	uint64_t end;       /* one past its last byte */
	uint64_t abbrevs;   /* its entry in .debug_abbrev */
	uint64_t signature; /* of a type unit */
	uint64_t type_die;  /* likewise, of the type, in .debug_info */
	struct dwarf_encoding encoding;
	uint8_t unit_type; /* DW_UT_* */
	bool is_shared;    /* others import it or refer to it: partial and type units */
};

struct dwarf_file {
	struct elf_image *image;
	struct elf_section info, abbrev, str, line_str, str_offsets, addr, loc, loclists;
	const struct dwarf_file *alt;  /* dwz's supplementary file, or NULL */
	struct string_index *strings;  /* of .debug_str, where names need looking up */
	const struct dwarf_file *main; /* of a supplementary file: whom it serves */
	bool unified;                  /* see dwarf_file_unify() */
	struct dwarf_unit *units;
	size_t unit_count;
	uint64_t types_start; /* where in @info what was .debug_types begins */
	uint8_t *joined;      /* @info's bytes when there was such a section */
};

/* Find the sections. -EOPNOTSUPP when there is no DWARF. */
int dwarf_file_init(struct dwarf_file *file, struct elf_image *image, struct btfpack_error *err);
/* List the units; that asks the image for nothing. */
int dwarf_file_list(struct dwarf_file *file, struct btfpack_error *err);
void dwarf_file_deinit(struct dwarf_file *file);

/* Give @file the supplementary file @alt. From then on a string that stands in
 * both has one name, so that types are recognised across them. */
int dwarf_file_set_alt(struct dwarf_file *file, struct dwarf_file *alt, struct btfpack_error *err);

/* The one name of the string at @offset of .debug_str, where equal strings may lie at
 * several offsets: in @file->main's section if it is there, too. */
dwarf_name dwarf_file_name(const struct dwarf_file *file, uint64_t offset);

/* From now on equal strings have equal names, wherever they stand. Only one thread
 * may then read units of @file and its supplementary file. 0 or -ENOMEM. */
int dwarf_file_unify(struct dwarf_file *file);

/* Likewise for the string that @name means already, of whatever place. */
dwarf_name dwarf_file_unified(const struct dwarf_file *file, dwarf_name name);

/* Whether names need dwarf_file_name(), and others than those of .debug_str dwarf_file_unified(). */
static inline bool dwarf_file_has_repeats(const struct dwarf_file *file)
{
	return file->main || file->strings;
}

/* Say that the types are elsewhere. -EOPNOTSUPP. */
int dwarf_refuse_split(const char *path, struct btfpack_error *err);

/* The string of @name. Never NULL, "" where the offset is out of range. @packed
 * holds the bytes of a packed name: the result may lie there. */
const char *dwarf_string(const struct dwarf_file *file, dwarf_name name, char packed[8]);

/* Fetch what dwarf_string() will look at. */
static inline void dwarf_string_prefetch(const struct dwarf_file *file, dwarf_name name)
{
	if (NAME_PLACE(name) == NAME_STR && NAME_VALUE(name) < file->str.size)
		__builtin_prefetch(file->str.data + NAME_VALUE(name));
}

/* --- what a unit holds ------------------------------------------------------------------------ */

/* A reference to a DIE: its offset from the reader's base; or, with REF_FOREIGN
 * set, an index into the reader's foreign references. */
#define REF_NONE    UINT32_MAX
#define REF_FOREIGN UINT32_C(0x80000000)

enum foreign_place { FOREIGN_INFO, FOREIGN_ALT, FOREIGN_SIGNATURE };
struct foreign_ref {
	uint64_t value;
	enum foreign_place place;
};

/* Kinds of die_type beyond BTF's own. */
#define KIND_ALIAS       30 /* stands for the type it refers to */
#define KIND_VOID        31

#define TYPE_DECLARATION 1 /* incomplete */
#define TYPE_SIGNED      2 /* integers and enums */
#define TYPE_BOOL        4
#define TYPE_CHAR        8
#define TYPE_VARARGS     16
#define TYPE_WEAK        32 /* a declaration, or built on one: see type-table.h */

struct die_type {
	uint32_t offset; /* of its DIE, from the reader's base */
	uint32_t ref;
	uint32_t size; /* bytes */
	uint32_t first_item, last_item, item_count;
	uint32_t class_index;
	uint8_t kind;  /* BTF_KIND_*, KIND_* */
	uint8_t flags; /* TYPE_* */
	uint8_t full_state, shallow_state;
	dwarf_name name;
	uint64_t full, shallow; /* tokens: see type-table.h */
};

/* A member, an enumerator, a parameter, a dimension of an array, a type tag of a
 * pointer (the first is next to what it points at). */
struct die_item {
	dwarf_name name;
	uint64_t value; /* bit offset; the number; elements; a parameter's offset; a tag's class */
	uint32_t ref;
	uint32_t location; /* of a parameter with ITEM_LOCATION: index */
	uint16_t bits;	/* a bitfield's width */
	uint16_t flags; /* ITEM_* */
	uint32_t next;	/* index, ITEM_END at the end */
};
#define ITEM_END      UINT32_MAX
#define ITEM_ORIGIN   1  /* @value is the offset of the parameter it stands for */
#define ITEM_LOCATION 2  /* a parameter with DW_AT_location */
#define ITEM_CONSTANT 4  /* a parameter with DW_AT_const_value: optimised to it */
#define ITEM_NEGATIVE 8  /* an enumerator below zero */
#define ITEM_OLD_BITS 32 /* DW_AT_bit_offset, still to be turned around */

/* Where a parameter is found at run time. */
enum location_form { LOCATION_BLOCK, LOCATION_OFFSET, LOCATION_INDEX };
struct die_location {
	uint64_t value; /* of the expression in .debug_info; of the list; its index */
	uint32_t size;  /* bytes of the expression */
	enum location_form form;
};

/* A btf_decl_tag of a function or variable. (One of a type is a die_type itself, of
 * kind DECL_TAG, whose @size is the component.) */
struct die_tag {
	dwarf_name value;
	int32_t component; /* the parameter it is on; -1: the whole */
	uint32_t next;     /* index, TAG_END at the end */
};
#define TAG_END UINT32_MAX

/* A function. */
struct die_func {
	uint32_t offset;
	uint32_t ref;    /* what it returns */
	uint32_t origin; /* abstract origin or specification */
	uint32_t first_item, last_item, item_count;
	uint32_t flags;     /* FUNC_* */
	uint32_t first_tag; /* index, or TAG_END */
	dwarf_name name;
};
#define FUNC_DECLARATION 1
#define FUNC_EXTERNAL    2
#define FUNC_HAS_PC      4
#define FUNC_INLINE      8
#define FUNC_VARARGS     16
#define FUNC_NOCALL      32 /* not to be called as its prototype says */

/* A variable of the unit (not of a function) with a fixed address, or its declaration. */
struct die_var {
	uint32_t offset;
	uint32_t ref;
	uint32_t origin;
	uint32_t flags;     /* VAR_* */
	uint32_t first_tag; /* index, or TAG_END */
	uint64_t address;
	dwarf_name name;
};
#define VAR_EXTERNAL    1
#define VAR_DECLARATION 2
#define VAR_HAS_ADDRESS 4

/* The reader, one per thread, used for one unit after the other: its arrays keep
 * their room. */
struct unit_reader {
	const struct dwarf_file *file;
	const struct dwarf_unit *unit;
	uint64_t base;  /* offset in .debug_info that refs count from */
	uint64_t limit; /* one past the last offset that is not foreign */
	uint64_t str_offsets_base;
	uint64_t loclists_base;
	uint64_t addr_base;
	uint16_t language; /* DW_LANG_* */
	bool clang;        /* who made the unit */
	bool split;        /* it is but a skeleton of one in a .dwo file */
	struct abbrev_table abbrevs;
	struct die_type *types;
	uint32_t type_count, type_room;
	struct die_item *items;
	uint32_t item_count, item_room;
	struct die_func *funcs;
	uint32_t func_count, func_room;
	struct die_var *vars;
	uint32_t var_count, var_room;
	struct die_location *locations;
	uint32_t location_count, location_room;
	struct foreign_ref *foreign;
	uint32_t foreign_count, foreign_room;
	struct die_tag *tags;
	uint32_t tag_count, tag_room;
	uint64_t *imports; /* offsets of imported units; in the alt file with IMPORT_ALT */
	uint32_t import_count, import_room;
	/* Of the unit at hand: gcc's annotations, and what bears them. */
	struct die_annotation *annotations;
	uint32_t annotation_count, annotation_room;
	struct die_bearer *bearers;
	uint32_t bearer_count, bearer_room;
	/* types by offset: the first in each 4 bytes, an index that may be stale */
	uint32_t *map;
	size_t map_size;
};
#define IMPORT_ALT (UINT64_C(1) << 63)

void unit_reader_deinit(struct unit_reader *reader);
#define AUTO_UNIT_READER CLEANUP(unit_reader_deinit)

/* Forget what was read, and take refs to be within [@base, @limit). */
int unit_reader_reset(struct unit_reader *reader, const struct dwarf_file *file, uint64_t base,
		      uint64_t limit, struct btfpack_error *err);

/* Read one unit's DIEs, adding to what is there. */
int unit_reader_read(struct unit_reader *reader, const struct dwarf_unit *unit,
		     struct btfpack_error *err);

/* The ref, for @reader, of what @from calls @ref. */
uint32_t unit_reader_translate(struct unit_reader *reader, const struct unit_reader *from,
			       uint32_t ref);

/* The type whose DIE stands at @ref (not foreign); NULL when there is none. */
static inline struct die_type *unit_reader_find(const struct unit_reader *reader, uint32_t ref)
{
	size_t slot = ref / 4;
	uint32_t i;

	if (slot >= reader->map_size)
		return NULL;
	for (i = reader->map[slot]; i < reader->type_count; i++) {
		struct die_type *type = &reader->types[i];

		if (type->offset == ref)
			return type;
		if (type->offset > ref || type->offset / 4 != slot)
			return NULL;
	}
	return NULL;
}

/* The function, or the variable, whose DIE stands at @ref; NULL when there is none. */
const struct die_func *unit_reader_find_func(const struct unit_reader *reader, uint32_t ref);
const struct die_var *unit_reader_find_var(const struct unit_reader *reader, uint32_t ref);

#endif
