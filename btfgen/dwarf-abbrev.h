/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Abbreviations, compiled. Each unit's .debug_abbrev entry becomes a short
 * program: which bytes of a DIE to step over, which to read and as what. Forms
 * without interest for BTF are merged into one skip where their size is fixed,
 * so that most DIEs of a function's body cost one addition.
 */
#ifndef BTFGEN_DWARF_ABBREV_H
#define BTFGEN_DWARF_ABBREV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

/* What a DIE means to us, by its tag. */
enum die_class {
	DIE_OTHER, /* nothing, but its children may be types */
	DIE_UNIT,
	DIE_IMPORTED_UNIT,
	DIE_BASE,
	DIE_POINTER,
	DIE_CONST,
	DIE_VOLATILE,
	DIE_RESTRICT,
	DIE_TYPEDEF,
	DIE_TRANSPARENT, /* _Atomic and the like: stands for the type it names */
	DIE_UNSPECIFIED, /* stands for void */
	DIE_STRUCT,
	DIE_UNION,
	DIE_ENUM,
	DIE_ENUMERATOR,
	DIE_MEMBER,
	DIE_ARRAY,
	DIE_SUBRANGE,
	DIE_SUBROUTINE,
	DIE_SUBPROGRAM,
	DIE_PARAMETER,
	DIE_VARARGS,
	DIE_VARIABLE,
	DIE_ANNOTATION,     /* btf_decl_tag, btf_type_tag: clang's, a child of what it is on */
	DIE_GNU_ANNOTATION, /* gcc's, referred to by it */
	DIE_CLASS_COUNT_,
};

/* What the children of a DIE belong to. */
enum parent_place {
	PARENT_NONE,
	PARENT_UNIT,
	PARENT_MEMBER,    /* the last of a type */
	PARENT_PARAMETER, /* the last of a function */
	PARENT_VARIABLE,
	PARENT_TYPE,
	PARENT_FUNC
};

/* The attributes that are read. */
enum die_attr {
	ATTR_NAME,
	ATTR_TYPE,
	ATTR_BYTE_SIZE,
	ATTR_BIT_SIZE,
	ATTR_BIT_OFFSET,
	ATTR_DATA_BIT_OFFSET,
	ATTR_MEMBER_LOCATION,
	ATTR_ENCODING,
	ATTR_DECLARATION,
	ATTR_CONST_VALUE,
	ATTR_UPPER_BOUND,
	ATTR_COUNT,
	ATTR_LOW_PC,
	ATTR_RANGES,
	ATTR_LOCATION,
	ATTR_EXTERNAL,
	ATTR_INLINE,
	ATTR_ORIGIN,
	ATTR_SPECIFICATION,
	ATTR_SIGNATURE,
	ATTR_LANGUAGE,
	ATTR_STR_OFFSETS_BASE,
	ATTR_IMPORT,
	ATTR_DWO_NAME,
	ATTR_LOCLISTS_BASE,
	ATTR_PRODUCER,
	ATTR_ADDR_BASE,
	ATTR_ANNOTATION,
	ATTR_CALLING_CONVENTION,
	ATTR_COUNT_,
};

/* One step of reading a DIE. */
enum abbrev_opcode {
	OP_SKIP, /* @skip bytes */
	OP_SKIP_LEB,
	OP_SKIP_STRING,
	OP_SKIP_BLOCK1,
	OP_SKIP_BLOCK2,
	OP_SKIP_BLOCK4,
	OP_SKIP_BLOCK,
	OP_U8,
	OP_U16,
	OP_U24,
	OP_U32,
	OP_U64,
	OP_ULEB,
	OP_SLEB,
	OP_CONSTANT, /* in the abbreviation itself */
	OP_STRING,
	OP_STRP,
	OP_LINE_STRP,
	OP_ALT_STRP,
	OP_STRX8,
	OP_STRX16,
	OP_STRX24,
	OP_STRX32,
	OP_STRX,
	OP_REF1,
	OP_REF2,
	OP_REF4,
	OP_REF8,
	OP_REF_LEB,
	OP_REF_ADDR,
	OP_REF_ALT,
	OP_REF_SIG,
	OP_SEC_OFFSET,
	OP_BLOCK1,
	OP_BLOCK2,
	OP_BLOCK4,
	OP_BLOCK,
	OP_ADDRX, /* an index into .debug_addr: present, value unknown */
	OP_INDIRECT,
};

struct abbrev_op {
	uint8_t opcode;
	uint8_t attr;
	bool is_signed; /* OP_CONSTANT, OP_U*: the form says the number is signed */
	uint32_t skip;
	int64_t constant;
};

/*
 * Most abbreviations put their attributes at fixed places, behind an inline string
 * or not: a DIE of one that is not wanted where it stands is stepped over at once.
 * Of most, no more than a name, a reference and a number are read; these need no
 * ops, and no branches: what is not there is masked out. Nine of ten DIEs are of
 * either kind.
 */
enum {
	LAYOUT_FIXED = 1,  /* @size bytes, but for the string; all refs are in the unit */
	LAYOUT_STRING = 2, /* an inline string comes first; it is the name, if any is read */
	LAYOUT_SIMPLE = 4, /* the following is all that is read */
	LAYOUT_NAME = 8,   /* 4 bytes at @name: an offset into .debug_str */
	LAYOUT_NUMBER = 16,
	LAYOUT_DECLARATION = 32,
};

struct abbrev {
	uint64_t code;
	uint8_t die_class;
	bool has_children;
	uint16_t op_count;
	uint32_t first_op;
	uint8_t places; /* it is read under these: bits, by enum parent_place */
	uint8_t layout; /* LAYOUT_* */
	uint8_t size;
	uint8_t name, ref, number; /* where they stand, 0 when they do not */
	uint8_t number_size;       /* bytes: 0 to 4 */
	uint32_t no_ref;           /* all bits set where there is none, else 0 */
	uint32_t number_mask;      /* of the bytes at @number, little endian */
	uint32_t constant;         /* the number when there are none */
};

/* How a unit encodes numbers: part of what its abbreviations compile to. */
struct dwarf_encoding {
	uint16_t version;
	uint8_t address_size; /* bytes: 4 or 8 */
	uint8_t offset_size;  /* bytes: 4, or 8 in 64-bit DWARF */
};

struct abbrev_table {
	struct abbrev *abbrevs;
	size_t count, room;
	struct abbrev_op *ops;
	size_t op_count, op_room;
	bool dense; /* abbrevs[code - 1] */
	/* What it was compiled from, so that the next unit may find it ready. */
	uint64_t offset;
	struct dwarf_encoding encoding;
	bool valid;
	uint64_t bytes_compiled; /* of .debug_abbrev, repeats included */
};

void abbrev_table_deinit(struct abbrev_table *table);

/* Compile the entry at @offset of .debug_abbrev. */
int abbrev_table_compile(struct abbrev_table *table, const uint8_t *section, size_t size,
			 uint64_t offset, struct dwarf_encoding encoding, const char *path,
			 struct btfpack_error *err);

/* For the form that DW_FORM_indirect finds in the data. Negative: unknown. */
int abbrev_op_from_form(struct abbrev_op *op, uint64_t form, struct dwarf_encoding encoding);

/* Whether the op gives what its attribute is read as (a reference, a name, ...). */
bool abbrev_op_fits(const struct abbrev_op *op);

/* NULL when there is no such code. */
const struct abbrev *abbrev_table_search(const struct abbrev_table *table, uint64_t code);

static inline const struct abbrev *abbrev_table_find(const struct abbrev_table *table,
						     uint64_t code)
{
	if (table->dense)
		return code - 1 < table->count ? &table->abbrevs[code - 1] : NULL;
	return abbrev_table_search(table, code);
}

#endif
