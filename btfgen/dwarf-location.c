/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Location lists and expressions, as far as parameters need them. A list's first
 * entry covers the start of the function; a later one tells by DW_OP_entry_value
 * in which register the caller passed a value that has moved since.
 */
#include <dwarf.h>
#include <string.h>

#include "btfgen/dwarf-location.h"
#include "core/cursor.h"

#define ENTRIES_MAXIMUM 64 /* looked at, of one list */
#define PIECES_MAXIMUM  64 /* operations looked at, of one value in pieces */

/* An operation, and how many bytes it takes. Only those that say where a parameter
 * was passed are known by name; at any other the reading ends. */
struct operation {
	uint8_t opcode;
	uint64_t number;    /* of a piece: its bytes */
	int entry_register; /* of an entry value: the register, or -1 */
};

static int single_register(const uint8_t *bytes, size_t size)
{
	return size == 1 && bytes[0] >= DW_OP_reg0 && bytes[0] <= DW_OP_reg31
		       ? bytes[0] - DW_OP_reg0
		       : -1;
}

static bool read_operation(struct cursor *c, struct operation *ret)
{
	const uint8_t *inner;
	uint64_t length;
	int64_t ignored;

	*ret = (struct operation){ .entry_register = -1 };
	if (cursor_u8(c, &ret->opcode) < 0)
		return false;
	if ((ret->opcode >= DW_OP_reg0 && ret->opcode <= DW_OP_reg31) ||
	    ret->opcode == DW_OP_stack_value || ret->opcode == DW_OP_and)
		return true;
	if (ret->opcode >= DW_OP_breg0 && ret->opcode <= DW_OP_breg31)
		return cursor_sleb(c, &ignored) == 0;
	switch (ret->opcode) {
	case DW_OP_piece:
	case DW_OP_constu:
	case DW_OP_convert:
		return cursor_uleb(c, &ret->number) == 0;
	case DW_OP_entry_value:
	case DW_OP_GNU_entry_value:
		if (cursor_uleb(c, &length) < 0 || cursor_bytes(c, length, &inner) < 0)
			return false;
		ret->entry_register = single_register(inner, length);
		return true;
	default:
		return false;
	}
}

static bool is_register(const struct operation *op)
{
	return op->opcode >= DW_OP_reg0 && op->opcode <= DW_OP_reg31;
}

/* A value in pieces, larger than a register: the register of the first word. */
static int pieces_register(struct cursor *c, struct operation op, uint64_t word)
{
	uint64_t offset = 0;
	int found = -1, left = PIECES_MAXIMUM;

	do {
		if (op.opcode == DW_OP_piece)
			offset += op.number;
		else if (is_register(&op) && (offset < word || found < 0))
			found = op.opcode - DW_OP_reg0;
		else if (!is_register(&op))
			break;
	} while (--left && cursor_left(c) && read_operation(c, &op));
	return found;
}

/* Whether what is left gives the value as it is, or cut to its width, as clang writes it
 * down for what is narrower than a register. */
static bool cuts_only(struct cursor *c)
{
	struct operation op;

	for (int i = 0; i < PIECES_MAXIMUM && read_operation(c, &op); i++) {
		if (op.opcode == DW_OP_stack_value)
			return true;
		if (op.opcode != DW_OP_constu && op.opcode != DW_OP_and &&
		    op.opcode != DW_OP_convert)
			break;
	}
	return false;
}

/* What one expression says. @first: it covers the start of the function. */
static int expression_register(const uint8_t *bytes, size_t size, bool first, uint64_t value_size,
			       uint64_t word)
{
	struct cursor c = cursor_init(bytes, size, false, "");
	struct operation op;

	if (!read_operation(&c, &op))
		return -1;
	if (op.entry_register >= 0) {
		bool alone = !cursor_left(&c) ||
			     (cursor_left(&c) == 1 && bytes[size - 1] == DW_OP_stack_value);

		return alone ? op.entry_register : -1;
	}
	if (cursor_left(&c) && value_size > word)
		return pieces_register(&c, op, word);
	if (!first)
		return -1;
	if (is_register(&op))
		return op.opcode - DW_OP_reg0;
	if (op.opcode >= DW_OP_breg0 && op.opcode <= DW_OP_breg31 && cuts_only(&c))
		return op.opcode - DW_OP_breg0;
	return -1;
}

/* --- lists
 * ------------------------------------------------------------------------------------------ */

static int read_word(struct cursor *c, unsigned int size, uint64_t *ret)
{
	uint32_t narrow;

	if (size == 8)
		return cursor_u64(c, ret);
	if (cursor_u32(c, &narrow) < 0)
		return -1;
	*ret = narrow;
	return 0;
}

/* The next expression of a .debug_loc list (DWARF 2 to 4); false at its end. */
static bool next_expression_v4(struct cursor *c, unsigned int address, const uint8_t **bytes,
			       size_t *size)
{
	uint64_t highest = address == 8 ? UINT64_MAX : UINT32_MAX, start, end;
	uint16_t length;

	for (;;) {
		if (read_word(c, address, &start) < 0 || read_word(c, address, &end) < 0 ||
		    (!start && !end))
			return false;
		if (start != highest) /* else: a new base address */
			break;
	}
	*size = 0;
	if (cursor_u16(c, &length) < 0 || cursor_bytes(c, length, bytes) < 0)
		return false;
	*size = length;
	return true;
}

/* The next expression of a .debug_loclists list (DWARF 5). */
static bool next_expression_v5(struct cursor *c, unsigned int address, const uint8_t **bytes,
			       size_t *size)
{
	uint64_t ignored, length;
	uint8_t kind;

	for (;;) {
		int error = cursor_u8(c, &kind);

		if (error || kind == DW_LLE_end_of_list)
			return false;
		if (kind == DW_LLE_base_addressx)
			error = cursor_uleb(c, &ignored);
		else if (kind == DW_LLE_base_address)
			error = cursor_skip(c, address);
		else if (kind == DW_LLE_GNU_view_pair) /* gcc's -gvariable-location-views */
			error = cursor_uleb(c, &ignored) < 0 || cursor_uleb(c, &ignored) < 0;
		else
			break;
		if (error)
			return false;
	}
	switch (kind) {
	case DW_LLE_startx_endx:
	case DW_LLE_startx_length:
	case DW_LLE_offset_pair:
		if (cursor_uleb(c, &ignored) < 0 || cursor_uleb(c, &ignored) < 0)
			return false;
		break;
	case DW_LLE_start_end:
		if (cursor_skip(c, 2 * (size_t)address) < 0)
			return false;
		break;
	case DW_LLE_start_length:
		if (cursor_skip(c, address) < 0 || cursor_uleb(c, &ignored) < 0)
			return false;
		break;
	case DW_LLE_default_location:
		break;
	default:
		return false;
	}
	if (cursor_uleb(c, &length) < 0 || cursor_bytes(c, length, bytes) < 0)
		return false;
	*size = length;
	return true;
}

static bool seek_list(struct cursor *c, const struct unit_reader *reader,
		      const struct die_location *location)
{
	unsigned int size = reader->unit->encoding.offset_size;
	uint64_t offset = location->value, at;

	if (location->form == LOCATION_INDEX) {
		if (__builtin_mul_overflow(offset, size, &at) ||
		    __builtin_add_overflow(at, reader->loclists_base, &at) ||
		    cursor_seek(c, at) < 0 || read_word(c, size, &offset) < 0 ||
		    __builtin_add_overflow(offset, reader->loclists_base, &offset))
			return false;
	}
	return cursor_seek(c, offset) == 0;
}

static int list_register(const struct unit_reader *reader, const struct die_location *location,
			 uint64_t value_size)
{
	const struct dwarf_encoding *encoding = &reader->unit->encoding;
	bool v5 = encoding->version >= 5;
	const struct elf_section *section = v5 ? &reader->file->loclists : &reader->file->loc;
	struct cursor c = cursor_init(section->data, section->size,
				      reader->file->image->other_order, ".debug_loclists");
	const uint8_t *bytes;
	size_t size;

	if (!seek_list(&c, reader, location))
		return -1;
	for (int i = 0; i < ENTRIES_MAXIMUM; i++) {
		int found;

		if (!(v5 ? next_expression_v5 : next_expression_v4)(&c, encoding->address_size,
								    &bytes, &size))
			break;
		if (!size)
			continue;
		found = expression_register(bytes, size, i == 0, value_size,
					    encoding->address_size);
		if (found >= 0)
			return found;
	}
	return -1;
}

int dwarf_location_register(const struct unit_reader *reader, const struct die_location *location,
			    uint64_t value_size)
{
	if (location->form == LOCATION_BLOCK)
		return expression_register(reader->file->info.data + location->value,
					   location->size, true, value_size,
					   reader->unit->encoding.address_size);
	return list_register(reader, location, value_size);
}
