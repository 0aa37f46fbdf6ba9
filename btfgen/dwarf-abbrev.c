/* SPDX-License-Identifier: BSD-2-Clause */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/dwarf-abbrev.h"
#include "core/cleanup.h"
#include "core/cursor.h"

#ifndef DW_TAG_LLVM_annotation
#define DW_TAG_LLVM_annotation 0x6000
#endif
/* gcc has them since 16. */
#ifndef DW_TAG_GNU_annotation
#define DW_TAG_GNU_annotation 0x6001
#endif
#ifndef DW_AT_GNU_annotation
#define DW_AT_GNU_annotation 0x2139
#endif

/* All units of a thread together may have their abbreviations compiled out of at
 * most this often the section's size. Where units share them they are mostly found
 * ready; a file made to be slow would have each unit start at another byte. */
#define WORK_FACTOR 64
#define WORK_FREE   ((size_t)1 << 20)

#define BIT(attr)   (1u << (attr))

/* Each tag of interest, and the attributes worth reading there. */
static const struct tag_row {
	uint8_t die_class;
	uint32_t attrs;
} tag_rows[] = {
	[DW_TAG_compile_unit] = { DIE_UNIT, BIT(ATTR_LANGUAGE) | BIT(ATTR_STR_OFFSETS_BASE) |
						    BIT(ATTR_DWO_NAME) | BIT(ATTR_LOCLISTS_BASE) |
						    BIT(ATTR_PRODUCER) | BIT(ATTR_ADDR_BASE) },
	[DW_TAG_partial_unit] = { DIE_UNIT, BIT(ATTR_LANGUAGE) | BIT(ATTR_STR_OFFSETS_BASE) |
						    BIT(ATTR_ADDR_BASE) },
	[DW_TAG_type_unit] = { DIE_UNIT, BIT(ATTR_LANGUAGE) | BIT(ATTR_STR_OFFSETS_BASE) },
	[DW_TAG_skeleton_unit] = { DIE_UNIT, BIT(ATTR_DWO_NAME) },
	[DW_TAG_imported_unit] = { DIE_IMPORTED_UNIT, BIT(ATTR_IMPORT) },
	[DW_TAG_base_type] = { DIE_BASE,
			       BIT(ATTR_NAME) | BIT(ATTR_BYTE_SIZE) | BIT(ATTR_ENCODING) },
	[DW_TAG_pointer_type] = { DIE_POINTER, BIT(ATTR_TYPE) | BIT(ATTR_ANNOTATION) },
	[DW_TAG_reference_type] = { DIE_POINTER, BIT(ATTR_TYPE) },
	[DW_TAG_rvalue_reference_type] = { DIE_POINTER, BIT(ATTR_TYPE) },
	[DW_TAG_const_type] = { DIE_CONST, BIT(ATTR_TYPE) },
	[DW_TAG_volatile_type] = { DIE_VOLATILE, BIT(ATTR_TYPE) },
	[DW_TAG_restrict_type] = { DIE_RESTRICT, BIT(ATTR_TYPE) },
	[DW_TAG_atomic_type] = { DIE_TRANSPARENT, BIT(ATTR_TYPE) },
	[DW_TAG_immutable_type] = { DIE_TRANSPARENT, BIT(ATTR_TYPE) },
	[DW_TAG_packed_type] = { DIE_TRANSPARENT, BIT(ATTR_TYPE) },
	[DW_TAG_shared_type] = { DIE_TRANSPARENT, BIT(ATTR_TYPE) },
	[DW_TAG_typedef] = { DIE_TYPEDEF, BIT(ATTR_NAME) | BIT(ATTR_TYPE) | BIT(ATTR_ANNOTATION) },
	[DW_TAG_unspecified_type] = { DIE_UNSPECIFIED, 0 },
	[DW_TAG_structure_type] = { DIE_STRUCT,
				    BIT(ATTR_NAME) | BIT(ATTR_BYTE_SIZE) | BIT(ATTR_DECLARATION) |
					    BIT(ATTR_SIGNATURE) | BIT(ATTR_ANNOTATION) },
	[DW_TAG_class_type] = { DIE_STRUCT, BIT(ATTR_NAME) | BIT(ATTR_BYTE_SIZE) |
						    BIT(ATTR_DECLARATION) | BIT(ATTR_SIGNATURE) },
	[DW_TAG_union_type] = { DIE_UNION, BIT(ATTR_NAME) | BIT(ATTR_BYTE_SIZE) |
						   BIT(ATTR_DECLARATION) | BIT(ATTR_SIGNATURE) |
						   BIT(ATTR_ANNOTATION) },
	[DW_TAG_enumeration_type] = { DIE_ENUM, BIT(ATTR_NAME) | BIT(ATTR_BYTE_SIZE) |
							BIT(ATTR_DECLARATION) | BIT(ATTR_TYPE) |
							BIT(ATTR_ENCODING) | BIT(ATTR_SIGNATURE) },
	[DW_TAG_enumerator] = { DIE_ENUMERATOR, BIT(ATTR_NAME) | BIT(ATTR_CONST_VALUE) },
	[DW_TAG_member] = { DIE_MEMBER, BIT(ATTR_NAME) | BIT(ATTR_TYPE) | BIT(ATTR_BYTE_SIZE) |
						BIT(ATTR_BIT_SIZE) | BIT(ATTR_BIT_OFFSET) |
						BIT(ATTR_DATA_BIT_OFFSET) |
						BIT(ATTR_MEMBER_LOCATION) | BIT(ATTR_DECLARATION) |
						BIT(ATTR_EXTERNAL) | BIT(ATTR_ANNOTATION) },
	[DW_TAG_array_type] = { DIE_ARRAY, BIT(ATTR_TYPE) },
	[DW_TAG_subrange_type] = { DIE_SUBRANGE, BIT(ATTR_UPPER_BOUND) | BIT(ATTR_COUNT) },
	[DW_TAG_subroutine_type] = { DIE_SUBROUTINE, BIT(ATTR_TYPE) },
	[DW_TAG_subprogram] = { DIE_SUBPROGRAM,
				BIT(ATTR_NAME) | BIT(ATTR_TYPE) | BIT(ATTR_DECLARATION) |
					BIT(ATTR_LOW_PC) | BIT(ATTR_RANGES) | BIT(ATTR_EXTERNAL) |
					BIT(ATTR_INLINE) | BIT(ATTR_ORIGIN) |
					BIT(ATTR_SPECIFICATION) | BIT(ATTR_ANNOTATION) |
					BIT(ATTR_CALLING_CONVENTION) },
	[DW_TAG_formal_parameter] = { DIE_PARAMETER, BIT(ATTR_NAME) | BIT(ATTR_TYPE) |
							     BIT(ATTR_ORIGIN) | BIT(ATTR_LOCATION) |
							     BIT(ATTR_CONST_VALUE) |
							     BIT(ATTR_ANNOTATION) },
	[DW_TAG_unspecified_parameters] = { DIE_VARARGS, 0 },
	[DW_TAG_variable] = { DIE_VARIABLE, BIT(ATTR_NAME) | BIT(ATTR_TYPE) | BIT(ATTR_LOCATION) |
						    BIT(ATTR_SPECIFICATION) | BIT(ATTR_ORIGIN) |
						    BIT(ATTR_EXTERNAL) | BIT(ATTR_DECLARATION) |
						    BIT(ATTR_ANNOTATION) },
};

static const struct tag_row annotation_row = { DIE_ANNOTATION,
					       BIT(ATTR_NAME) | BIT(ATTR_CONST_VALUE) };
static const struct tag_row gnu_annotation_row = {
	DIE_GNU_ANNOTATION,
	BIT(ATTR_NAME) | BIT(ATTR_CONST_VALUE) | BIT(ATTR_ANNOTATION),
};

static const uint8_t attr_by_dw[] = {
	[DW_AT_name] = ATTR_NAME,
	[DW_AT_type] = ATTR_TYPE,
	[DW_AT_byte_size] = ATTR_BYTE_SIZE,
	[DW_AT_bit_size] = ATTR_BIT_SIZE,
	[DW_AT_bit_offset] = ATTR_BIT_OFFSET,
	[DW_AT_data_bit_offset] = ATTR_DATA_BIT_OFFSET,
	[DW_AT_data_member_location] = ATTR_MEMBER_LOCATION,
	[DW_AT_encoding] = ATTR_ENCODING,
	[DW_AT_declaration] = ATTR_DECLARATION,
	[DW_AT_const_value] = ATTR_CONST_VALUE,
	[DW_AT_upper_bound] = ATTR_UPPER_BOUND,
	[DW_AT_count] = ATTR_COUNT,
	[DW_AT_low_pc] = ATTR_LOW_PC,
	[DW_AT_ranges] = ATTR_RANGES,
	[DW_AT_location] = ATTR_LOCATION,
	[DW_AT_external] = ATTR_EXTERNAL,
	[DW_AT_inline] = ATTR_INLINE,
	[DW_AT_abstract_origin] = ATTR_ORIGIN,
	[DW_AT_specification] = ATTR_SPECIFICATION,
	[DW_AT_signature] = ATTR_SIGNATURE,
	[DW_AT_language] = ATTR_LANGUAGE,
	[DW_AT_str_offsets_base] = ATTR_STR_OFFSETS_BASE,
	[DW_AT_import] = ATTR_IMPORT,
	[DW_AT_dwo_name] = ATTR_DWO_NAME,
	[DW_AT_loclists_base] = ATTR_LOCLISTS_BASE,
	[DW_AT_producer] = ATTR_PRODUCER,
	[DW_AT_addr_base] = ATTR_ADDR_BASE,
	[DW_AT_calling_convention] = ATTR_CALLING_CONVENTION,
};

/* What a form gives, and which of it an attribute is read as. A form that gives
 * something else is stepped over: a number must never be taken for a reference. */
enum { GIVES_NUMBER = 1, GIVES_BLOCK = 2, GIVES_NAME = 4, GIVES_REF = 8 };

static const uint8_t attr_wants[ATTR_COUNT_] = {
	[ATTR_NAME] = GIVES_NAME,
	[ATTR_TYPE] = GIVES_REF,
	[ATTR_BYTE_SIZE] = GIVES_NUMBER,
	[ATTR_BIT_SIZE] = GIVES_NUMBER,
	[ATTR_BIT_OFFSET] = GIVES_NUMBER,
	[ATTR_DATA_BIT_OFFSET] = GIVES_NUMBER,
	[ATTR_MEMBER_LOCATION] = GIVES_NUMBER | GIVES_BLOCK,
	[ATTR_ENCODING] = GIVES_NUMBER,
	[ATTR_DECLARATION] = GIVES_NUMBER,
	[ATTR_CONST_VALUE] = GIVES_NUMBER | GIVES_BLOCK | GIVES_NAME,
	[ATTR_UPPER_BOUND] = GIVES_NUMBER,
	[ATTR_COUNT] = GIVES_NUMBER,
	[ATTR_LOW_PC] = GIVES_NUMBER,
	[ATTR_RANGES] = GIVES_NUMBER,
	[ATTR_LOCATION] = GIVES_NUMBER | GIVES_BLOCK,
	[ATTR_EXTERNAL] = GIVES_NUMBER,
	[ATTR_INLINE] = GIVES_NUMBER,
	[ATTR_ORIGIN] = GIVES_REF,
	[ATTR_SPECIFICATION] = GIVES_REF,
	[ATTR_SIGNATURE] = GIVES_REF,
	[ATTR_LANGUAGE] = GIVES_NUMBER,
	[ATTR_STR_OFFSETS_BASE] = GIVES_NUMBER,
	[ATTR_IMPORT] = GIVES_REF,
	[ATTR_DWO_NAME] = GIVES_NAME,
	[ATTR_LOCLISTS_BASE] = GIVES_NUMBER,
	[ATTR_PRODUCER] = GIVES_NAME,
	[ATTR_ADDR_BASE] = GIVES_NUMBER,
	[ATTR_ANNOTATION] = GIVES_REF,
	[ATTR_CALLING_CONVENTION] = GIVES_NUMBER,
};

static unsigned int opcode_gives(uint8_t opcode)
{
	switch (opcode) {
	case OP_STRING ... OP_STRX:
		return GIVES_NAME;
	case OP_REF1 ... OP_REF_SIG:
		return GIVES_REF;
	case OP_BLOCK1 ... OP_BLOCK:
		return GIVES_BLOCK;
	default:
		return GIVES_NUMBER;
	}
}

bool abbrev_op_fits(const struct abbrev_op *op)
{
	return op->attr < ATTR_COUNT_ && attr_wants[op->attr] & opcode_gives(op->opcode);
}

/* The slot of an attribute plus one; 0 when nobody reads it. */
static inline unsigned int find_attr(uint64_t dw_at, uint32_t wanted)
{
	unsigned int attr;

	if (dw_at == DW_AT_GNU_dwo_name)
		attr = ATTR_DWO_NAME;
	else if (dw_at == DW_AT_GNU_annotation)
		attr = ATTR_ANNOTATION;
	else if (dw_at == DW_AT_name)
		attr = ATTR_NAME; /* the one row whose value is 0 */
	else if (dw_at >= ARRAY_SIZE(attr_by_dw) || !attr_by_dw[dw_at])
		return 0;
	else
		attr = attr_by_dw[dw_at];
	return wanted & BIT(attr) ? attr + 1 : 0;
}

/* How a form is read, how it is skipped, and its size in bytes where that is fixed. */
#define SIZE_ADDRESS 0xfe
#define SIZE_OFFSET  0xff
static const struct form_row {
	bool known;
	uint8_t read;
	uint8_t skip; /* OP_SKIP: by @size */
	uint8_t size; /* bytes, or SIZE_* */
	bool is_signed;
} form_rows[] = {
	[DW_FORM_addr] = { true, OP_SKIP, OP_SKIP, SIZE_ADDRESS, false },
	[DW_FORM_data1] = { true, OP_U8, OP_SKIP, 1, false },
	[DW_FORM_data2] = { true, OP_U16, OP_SKIP, 2, false },
	[DW_FORM_data4] = { true, OP_U32, OP_SKIP, 4, false },
	[DW_FORM_data8] = { true, OP_U64, OP_SKIP, 8, false },
	[DW_FORM_data16] = { true, OP_SKIP, OP_SKIP, 16, false },
	[DW_FORM_udata] = { true, OP_ULEB, OP_SKIP_LEB, 0, false },
	[DW_FORM_sdata] = { true, OP_SLEB, OP_SKIP_LEB, 0, true },
	[DW_FORM_flag] = { true, OP_U8, OP_SKIP, 1, false },
	[DW_FORM_flag_present] = { true, OP_CONSTANT, OP_SKIP, 0, false },
	[DW_FORM_implicit_const] = { true, OP_CONSTANT, OP_SKIP, 0, true },
	[DW_FORM_string] = { true, OP_STRING, OP_SKIP_STRING, 0, false },
	[DW_FORM_strp] = { true, OP_STRP, OP_SKIP, SIZE_OFFSET, false },
	[DW_FORM_line_strp] = { true, OP_LINE_STRP, OP_SKIP, SIZE_OFFSET, false },
	[DW_FORM_strp_sup] = { true, OP_ALT_STRP, OP_SKIP, SIZE_OFFSET, false },
	[DW_FORM_strx1] = { true, OP_STRX8, OP_SKIP, 1, false },
	[DW_FORM_strx2] = { true, OP_STRX16, OP_SKIP, 2, false },
	[DW_FORM_strx3] = { true, OP_STRX24, OP_SKIP, 3, false },
	[DW_FORM_strx4] = { true, OP_STRX32, OP_SKIP, 4, false },
	[DW_FORM_strx] = { true, OP_STRX, OP_SKIP_LEB, 0, false },
	[DW_FORM_addrx1] = { true, OP_ADDRX, OP_SKIP, 1, false },
	[DW_FORM_addrx2] = { true, OP_ADDRX, OP_SKIP, 2, false },
	[DW_FORM_addrx3] = { true, OP_ADDRX, OP_SKIP, 3, false },
	[DW_FORM_addrx4] = { true, OP_ADDRX, OP_SKIP, 4, false },
	[DW_FORM_addrx] = { true, OP_ULEB, OP_SKIP_LEB, 0, false },
	[DW_FORM_ref1] = { true, OP_REF1, OP_SKIP, 1, false },
	[DW_FORM_ref2] = { true, OP_REF2, OP_SKIP, 2, false },
	[DW_FORM_ref4] = { true, OP_REF4, OP_SKIP, 4, false },
	[DW_FORM_ref8] = { true, OP_REF8, OP_SKIP, 8, false },
	[DW_FORM_ref_udata] = { true, OP_REF_LEB, OP_SKIP_LEB, 0, false },
	[DW_FORM_ref_addr] = { true, OP_REF_ADDR, OP_SKIP, SIZE_OFFSET, false },
	[DW_FORM_ref_sup4] = { true, OP_REF_ALT, OP_SKIP, 4, false },
	[DW_FORM_ref_sup8] = { true, OP_REF_ALT, OP_SKIP, 8, false },
	[DW_FORM_ref_sig8] = { true, OP_REF_SIG, OP_SKIP, 8, false },
	[DW_FORM_sec_offset] = { true, OP_SEC_OFFSET, OP_SKIP, SIZE_OFFSET, false },
	[DW_FORM_loclistx] = { true, OP_ULEB, OP_SKIP_LEB, 0, false },
	[DW_FORM_rnglistx] = { true, OP_ULEB, OP_SKIP_LEB, 0, false },
	[DW_FORM_block1] = { true, OP_BLOCK1, OP_SKIP_BLOCK1, 0, false },
	[DW_FORM_block2] = { true, OP_BLOCK2, OP_SKIP_BLOCK2, 0, false },
	[DW_FORM_block4] = { true, OP_BLOCK4, OP_SKIP_BLOCK4, 0, false },
	[DW_FORM_block] = { true, OP_BLOCK, OP_SKIP_BLOCK, 0, false },
	[DW_FORM_exprloc] = { true, OP_BLOCK, OP_SKIP_BLOCK, 0, false },
	[DW_FORM_indirect] = { true, OP_INDIRECT, OP_INDIRECT, 0, false },
};

static inline const struct form_row *find_form(uint64_t form)
{
	static const struct form_row gnu_strp_alt = { true, OP_ALT_STRP, OP_SKIP, SIZE_OFFSET,
						      false };
	static const struct form_row gnu_ref_alt = { true, OP_REF_ALT, OP_SKIP, SIZE_OFFSET,
						     false };

	if (form == DW_FORM_GNU_strp_alt)
		return &gnu_strp_alt;
	if (form == DW_FORM_GNU_ref_alt)
		return &gnu_ref_alt;
	return form < ARRAY_SIZE(form_rows) && form_rows[form].known ? &form_rows[form] : NULL;
}

static uint32_t form_size(const struct form_row *row, struct dwarf_encoding encoding)
{
	if (row->size == SIZE_ADDRESS)
		return encoding.address_size;
	if (row->size == SIZE_OFFSET)
		return encoding.offset_size;
	return row->size;
}

static inline void op_from_row(struct abbrev_op *op, const struct form_row *row, uint64_t form,
			       struct dwarf_encoding encoding)
{
	op->opcode = row->read;
	op->is_signed = row->is_signed;
	op->skip = form_size(row, encoding);
	op->constant = 1; /* what DW_FORM_flag_present says */
	if (form == DW_FORM_addr)
		op->opcode = encoding.address_size == 4 ? OP_U32 : OP_U64;
	if (form == DW_FORM_ref_addr && encoding.version == 2) /* an address then */
		op->skip = encoding.address_size;
}

int abbrev_op_from_form(struct abbrev_op *op, uint64_t form, struct dwarf_encoding encoding)
{
	const struct form_row *row = find_form(form);

	if (!row)
		return -EOPNOTSUPP;
	op_from_row(op, row, form, encoding);
	return 0;
}

void abbrev_table_deinit(struct abbrev_table *table)
{
	free(table->abbrevs);
	free(table->ops);
	*table = (struct abbrev_table){ 0 };
}

/* Every unit of a kernel has a hundred abbreviations of its own: what the loop over
 * their attributes does mostly is inline. */
static inline int next_uleb(struct cursor *c, uint64_t *ret)
{
	if (c->pos < c->size && c->data[c->pos] < 0x80) {
		*ret = c->data[c->pos++];
		return 0;
	}
	return cursor_uleb(c, ret);
}

static int grow_more(void **array, size_t *room, size_t size)
{
	size_t wanted = *room ? *room * 2 : 64;
	void *bigger;

	bigger = reallocarray(*array, wanted, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*room = wanted;
	return 0;
}

static inline int grow(void **array, size_t *room, size_t count, size_t size)
{
	return count < *room ? 0 : grow_more(array, room, size);
}

/* Append an op to the abbreviation being compiled, merging skips of fixed size. */
static inline int add_op(struct abbrev_table *table, struct abbrev *abbrev,
			 const struct abbrev_op *op)
{
	struct abbrev_op *last = abbrev->op_count ? &table->ops[table->op_count - 1] : NULL;

	if (op->opcode == OP_SKIP && !op->skip)
		return 0;
	if (op->opcode == OP_SKIP && last && last->opcode == OP_SKIP) {
		last->skip += op->skip;
		return 0;
	}
	if (abbrev->op_count == UINT16_MAX)
		return -EBADMSG;
	if (grow((void **)&table->ops, &table->op_room, table->op_count, sizeof(*op)) < 0)
		return -ENOMEM;
	table->ops[table->op_count++] = *op;
	abbrev->op_count++;
	return 0;
}

static inline int compile_attr(struct abbrev_table *table, struct abbrev *abbrev, uint64_t dw_at,
			       uint64_t form, int64_t constant, uint32_t *wanted)
{
	unsigned int attr = find_attr(dw_at, *wanted);
	const struct form_row *row = find_form(form);
	struct abbrev_op op = { .attr = attr ? (uint8_t)(attr - 1) : ATTR_COUNT_ };

	if (!row)
		return -EOPNOTSUPP;
	op_from_row(&op, row, form, table->encoding);
	if (form == DW_FORM_implicit_const)
		op.constant = constant;
	/* An attribute counts once. (A thousand that take no bytes would make a DIE of
	 * one byte cost a thousand steps.) */
	if (attr)
		*wanted &= ~BIT(attr - 1);
	if (op.opcode != OP_INDIRECT && !abbrev_op_fits(&op))
		op.opcode = row->skip;
	return add_op(table, abbrev, &op);
}

/* --- layouts
 * ---------------------------------------------------------------------------------------- */

#define UNDER(place) (1u << (place))
#define ANYWHERE     0xff

/* Under which parents a DIE is read, and what its number is. No @number: such DIEs
 * are never simple. */
static const struct class_row {
	uint8_t places;
	uint8_t number;
	uint32_t simple; /* the attributes that a simple one may have */
} class_rows[DIE_CLASS_COUNT_] = {
	[DIE_UNIT] = { ANYWHERE },
	[DIE_IMPORTED_UNIT] = { ANYWHERE },
	[DIE_BASE] = { ANYWHERE },
	[DIE_POINTER] = { ANYWHERE, ATTR_COUNT_, BIT(ATTR_TYPE) },
	[DIE_CONST] = { ANYWHERE, ATTR_COUNT_, BIT(ATTR_TYPE) },
	[DIE_VOLATILE] = { ANYWHERE, ATTR_COUNT_, BIT(ATTR_TYPE) },
	[DIE_RESTRICT] = { ANYWHERE, ATTR_COUNT_, BIT(ATTR_TYPE) },
	[DIE_TYPEDEF] = { ANYWHERE, ATTR_COUNT_, BIT(ATTR_NAME) | BIT(ATTR_TYPE) },
	[DIE_TRANSPARENT] = { ANYWHERE },
	[DIE_UNSPECIFIED] = { ANYWHERE },
	[DIE_STRUCT] = { ANYWHERE, ATTR_BYTE_SIZE,
			 BIT(ATTR_NAME) | BIT(ATTR_BYTE_SIZE) | BIT(ATTR_DECLARATION) },
	[DIE_UNION] = { ANYWHERE, ATTR_BYTE_SIZE,
			BIT(ATTR_NAME) | BIT(ATTR_BYTE_SIZE) | BIT(ATTR_DECLARATION) },
	[DIE_ENUM] = { ANYWHERE },
	[DIE_ENUMERATOR] = { UNDER(PARENT_TYPE), ATTR_CONST_VALUE,
			     BIT(ATTR_NAME) | BIT(ATTR_CONST_VALUE) },
	[DIE_MEMBER] = { UNDER(PARENT_TYPE), ATTR_MEMBER_LOCATION,
			 BIT(ATTR_NAME) | BIT(ATTR_TYPE) | BIT(ATTR_MEMBER_LOCATION) },
	[DIE_ARRAY] = { ANYWHERE, ATTR_COUNT_, BIT(ATTR_TYPE) },
	[DIE_SUBRANGE] = { UNDER(PARENT_TYPE), ATTR_UPPER_BOUND, BIT(ATTR_UPPER_BOUND) },
	[DIE_SUBROUTINE] = { ANYWHERE, ATTR_COUNT_, BIT(ATTR_TYPE) },
	[DIE_SUBPROGRAM] = { ANYWHERE },
	[DIE_PARAMETER] = { UNDER(PARENT_TYPE) | UNDER(PARENT_FUNC), ATTR_COUNT_,
			    BIT(ATTR_NAME) | BIT(ATTR_TYPE) },
	[DIE_VARARGS] = { UNDER(PARENT_TYPE) | UNDER(PARENT_FUNC) },
	[DIE_VARIABLE] = { UNDER(PARENT_UNIT) },
	[DIE_ANNOTATION] = { ANYWHERE },
	[DIE_GNU_ANNOTATION] = { ANYWHERE },
};

/* Whether @op is of a size that is known, and without effect beyond its value. */
static bool is_fixed(const struct abbrev_op *op)
{
	switch (op->opcode) {
	case OP_SKIP:
	case OP_U8 ... OP_U64:
	case OP_CONSTANT:
	case OP_STRP:
	case OP_REF4:
	case OP_SEC_OFFSET:
		return true;
	default:
		return false;
	}
}

static bool place_constant(struct abbrev *abbrev, const struct abbrev_op *op, uint8_t number)
{
	if (op->attr == ATTR_DECLARATION && op->constant) {
		abbrev->layout |= LAYOUT_DECLARATION;
		return true;
	}
	abbrev->constant = (uint32_t)op->constant;
	return op->attr == number && op->constant >= 0 && op->constant <= UINT32_MAX;
}

/* Note where the op's value stands, @at bytes in. False: this one is not simple. */
static bool place_op(struct abbrev *abbrev, const struct abbrev_op *op, uint8_t at)
{
	const struct class_row *row = &class_rows[abbrev->die_class];

	if (op->opcode == OP_SKIP)
		return true;
	if (!row->number || op->attr >= ATTR_COUNT_ || !(row->simple & BIT(op->attr)))
		return false;
	if (op->opcode == OP_CONSTANT)
		return place_constant(abbrev, op, row->number);
	if (op->attr == ATTR_NAME && op->opcode == OP_STRP && op->skip == 4) {
		abbrev->layout |= LAYOUT_NAME;
		abbrev->name = at;
	} else if (op->attr == ATTR_TYPE && op->opcode == OP_REF4) {
		abbrev->no_ref = 0;
		abbrev->ref = at;
	} else if (op->attr == row->number && op->opcode >= OP_U8 && op->opcode <= OP_U32) {
		abbrev->layout |= LAYOUT_NUMBER;
		abbrev->number = at;
		abbrev->number_size = (uint8_t)op->skip;
		abbrev->number_mask = UINT32_MAX >> (32 - 8 * op->skip);
	} else {
		return false;
	}
	return true;
}

/* See whether the abbreviation has a layout, and if so, which. */
static void find_layout(const struct abbrev_table *table, struct abbrev *abbrev)
{
	const struct abbrev_op *op = &table->ops[abbrev->first_op], *end = op + abbrev->op_count;
	bool simple = class_rows[abbrev->die_class].number;
	uint32_t at = 0;

	abbrev->places = class_rows[abbrev->die_class].places;
	abbrev->layout = 0;
	abbrev->no_ref = UINT32_MAX;
	if (op < end && (op->opcode == OP_STRING || op->opcode == OP_SKIP_STRING)) {
		abbrev->layout = LAYOUT_STRING;
		simple = simple && op->opcode == OP_STRING && op->attr == ATTR_NAME;
		op++;
	}
	for (; op < end && is_fixed(op) && at + op->skip <= UINT8_MAX; at += op++->skip)
		simple = simple && place_op(abbrev, op, (uint8_t)at);
	if (op < end) {
		abbrev->layout = 0;
		return;
	}
	/* An array without bound is another than one with the bound 0. */
	if (abbrev->die_class == DIE_SUBRANGE && !(abbrev->layout & LAYOUT_NUMBER))
		simple = false;
	abbrev->layout |= LAYOUT_FIXED | (simple ? LAYOUT_SIMPLE : 0);
	abbrev->size = (uint8_t)at;
}

static const struct tag_row *find_tag(uint64_t tag)
{
	if (tag == DW_TAG_LLVM_annotation)
		return &annotation_row;
	if (tag == DW_TAG_GNU_annotation)
		return &gnu_annotation_row;
	return tag < ARRAY_SIZE(tag_rows) && tag_rows[tag].die_class ? &tag_rows[tag] : NULL;
}

static int compile_abbrev(struct abbrev_table *table, struct abbrev *abbrev, struct cursor *c)
{
	const struct tag_row *row;
	uint8_t has_children;
	uint32_t wanted;
	uint64_t tag;

	if (next_uleb(c, &tag) < 0 || cursor_u8(c, &has_children) < 0)
		return -EBADMSG;
	row = find_tag(tag);
	abbrev->die_class = row ? row->die_class : DIE_OTHER;
	wanted = row ? row->attrs : 0;
	abbrev->has_children = has_children;
	abbrev->first_op = (uint32_t)table->op_count;
	for (;;) {
		uint64_t dw_at, form;
		int64_t constant = 0;
		int error;

		if (next_uleb(c, &dw_at) < 0 || next_uleb(c, &form) < 0)
			return -EBADMSG;
		if (!dw_at && !form) {
			find_layout(table, abbrev);
			return 0;
		}
		if (form == DW_FORM_implicit_const && cursor_sleb(c, &constant) < 0)
			return -EBADMSG;
		error = compile_attr(table, abbrev, dw_at, form, constant, &wanted);
		if (error)
			return error;
	}
}

static int compare_codes(const void *a, const void *b)
{
	uint64_t x = ((const struct abbrev *)a)->code, y = ((const struct abbrev *)b)->code;

	return (x > y) - (x < y);
}

int abbrev_table_compile(struct abbrev_table *table, const uint8_t *section, size_t size,
			 uint64_t offset, struct dwarf_encoding encoding, const char *path,
			 struct btfpack_error *err)
{
	struct cursor c = cursor_init(section, size, false, ".debug_abbrev");
	int error = 0;

	if (table->valid && table->offset == offset &&
	    !memcmp(&table->encoding, &encoding, sizeof(encoding)))
		return 0;
	table->valid = false;
	table->count = table->op_count = 0;
	table->dense = true;
	table->offset = offset;
	table->encoding = encoding;
	/* There is an array even where no abbreviation has an op. */
	error = grow((void **)&table->ops, &table->op_room, 0, sizeof(*table->ops));
	if (!error && cursor_seek(&c, offset) < 0)
		error = -EBADMSG;
	while (!error) {
		struct abbrev abbrev = { 0 };

		error = next_uleb(&c, &abbrev.code);
		if (error || !abbrev.code)
			break;
		error = compile_abbrev(table, &abbrev, &c);
		if (!error)
			error = grow((void **)&table->abbrevs, &table->room, table->count,
				     sizeof(abbrev));
		if (error)
			break;
		table->dense = table->dense && abbrev.code == table->count + 1;
		table->abbrevs[table->count++] = abbrev;
	}
	table->bytes_compiled += c.pos - (offset < c.pos ? offset : c.pos);
	if (!error && table->bytes_compiled / WORK_FACTOR > size + WORK_FREE)
		return btfpack_error_set(err, -EFBIG,
					 "%s: .debug_abbrev: at offset %#llx: units share parts of "
					 "it without end",
					 path, (unsigned long long)offset);
	if (error == -EOPNOTSUPP)
		return btfpack_error_set(err, error,
					 "%s: .debug_abbrev: at offset %#zx: a form this btfpack "
					 "does not know",
					 path, c.pos);
	if (error == -ENOMEM)
		return btfpack_error_set(err, error, "%s: out of memory", path);
	if (error)
		return btfpack_error_set(err, error,
					 "%s: .debug_abbrev: at offset %#zx: expected an "
					 "abbreviation, found the end or nonsense",
					 path, c.pos);
	if (!table->dense)
		qsort(table->abbrevs, table->count, sizeof(*table->abbrevs), compare_codes);
	table->valid = true;
	return 0;
}

const struct abbrev *abbrev_table_search(const struct abbrev_table *table, uint64_t code)
{
	struct abbrev key = { .code = code };

	return table->count
		       ? bsearch(&key, table->abbrevs, table->count, sizeof(key), compare_codes)
		       : NULL;
}
