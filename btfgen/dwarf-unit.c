/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pass over a unit's DIEs. It is where conversion spends half of its time:
 * a kernel has some 14 million DIEs in 165 MB. So: one loop, no recursion, no
 * look at any other DIE, no look at a string; what the abbreviations say is not
 * wanted is stepped over in one addition. The loop is written once and compiled
 * twice, for either byte order.
 */
#include <byteswap.h>
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/btf.h>

#include "btfgen/dwarf-unit.h"

#define DEPTH_MAXIMUM 1024 /* of nested DIEs; kernels stay below 60 */

/* The attributes of one DIE. Only slots named in @present hold anything. */
struct die_attrs {
	uint64_t value[ATTR_COUNT_ + 1];
	uint32_t present;
	uint32_t blocks;     /* @value is the offset of a block's bytes in .debug_info */
	uint32_t negative;   /* @value is below zero */
	uint32_t indexed;    /* @value counts entries of a table */
	uint32_t block_size; /* bytes of the block read last */
};

/* Where the pass stands. */
struct scan {
	struct unit_reader *reader;
	const uint8_t *start; /* of .debug_info */
	const uint8_t *at;
	const uint8_t *end; /* of the unit */
	uint64_t shift;	   /* from unit-relative to reader-relative offsets */
	uint64_t span;	   /* of the latter */
	bool has_repeats;  /* names need looking up */
	struct die_attrs attrs;
	uint32_t die; /* offset of the DIE at hand, from the reader's base */
};

#define HAS(scan, attr)   ((scan)->attrs.present & 1u << (attr))
#define VALUE(scan, attr) ((scan)->attrs.value[attr])
#define FLAG(scan, attr)  (HAS(scan, attr) && VALUE(scan, attr))

void unit_reader_deinit(struct unit_reader *reader)
{
	abbrev_table_deinit(&reader->abbrevs);
	free(reader->types);
	free(reader->items);
	free(reader->funcs);
	free(reader->vars);
	free(reader->locations);
	free(reader->foreign);
	free(reader->imports);
	free(reader->map);
	*reader = (struct unit_reader){ 0 };
}

int unit_reader_reset(struct unit_reader *reader, const struct dwarf_file *file, uint64_t base,
		      uint64_t limit, struct btfpack_error *err)
{
	size_t size = (limit - base) / 4 + 1;

	if (reader->file != file)
		reader->abbrevs.valid = false;
	reader->file = file;
	reader->base = base;
	reader->limit = limit;
	reader->type_count = reader->item_count = reader->func_count = reader->var_count = 0;
	reader->foreign_count = reader->import_count = reader->location_count = 0;
	if (limit - base >= REF_FOREIGN)
		return btfpack_error_set(err, -EFBIG,
					 "%s: 2 GB or more of shared debug information",
					 file->image->path);
	if (size > reader->map_size) {
		/* Stale entries are harmless (see unit_reader_find), wild ones are not. */
		free(reader->map);
		reader->map_size = 0;
		size += size / 2;
		reader->map = calloc(size, sizeof(*reader->map));
		if (!reader->map)
			return btfpack_error_set(err, -ENOMEM, "%s: out of memory",
						 file->image->path);
		reader->map_size = size;
	}
	return 0;
}

/* --- appending to the reader's arrays --------------------------------------------------------- */

static bool has_room(void **array, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t wanted = *room ? *room * 2 : 1024;
	void *bigger;

	if (__builtin_expect(count < *room, 1))
		return true;
	if (wanted >= REF_FOREIGN)
		return false;
	bigger = reallocarray(*array, wanted, size);
	if (!bigger)
		return false;
	*array = bigger;
	*room = wanted;
	return true;
}

#define ADD(reader, noun)                                                                      \
	(has_room((void **)&(reader)->noun##s, &(reader)->noun##_room, (reader)->noun##_count, \
		  sizeof(*(reader)->noun##s))                                                  \
		 ? &(reader)->noun##s[(reader)->noun##_count++]                                \
		 : NULL)

static struct die_type *add_type(struct scan *scan, uint8_t kind)
{
	struct unit_reader *reader = scan->reader;
	struct die_type *type = ADD(reader, type);
	uint32_t index, *slot = &reader->map[scan->die / 4], first;

	if (!type)
		return NULL;
	*type = (struct die_type){
		.offset = scan->die,
		.ref = REF_NONE,
		.first_item = ITEM_END,
		.last_item = ITEM_END,
		.kind = kind,
	};
	index = reader->type_count - 1;
	/* Keep the slot if it names an earlier type of these same four bytes. */
	first = *slot;
	if (first >= index || reader->types[first].offset / 4 != scan->die / 4)
		*slot = index;
	return type;
}

static struct die_item *add_item(struct unit_reader *reader, uint32_t *first, uint32_t *last,
				 uint32_t *count)
{
	struct die_item *item = ADD(reader, item);

	if (!item)
		return NULL;
	*item = (struct die_item){ .ref = REF_NONE, .next = ITEM_END };
	if (*last == ITEM_END)
		*first = reader->item_count - 1;
	else
		reader->items[*last].next = reader->item_count - 1;
	*last = reader->item_count - 1;
	++*count;
	return item;
}

static uint32_t add_foreign(struct unit_reader *reader, enum foreign_place place, uint64_t value)
{
	struct foreign_ref *ref;
	uint32_t count = reader->foreign_count;

	/* A type is often referred to several times in a row. */
	if (count && reader->foreign[count - 1].value == value &&
	    reader->foreign[count - 1].place == place)
		return REF_FOREIGN | (count - 1);
	if (!has_room((void **)&reader->foreign, &reader->foreign_room, count, sizeof(*ref)))
		return REF_NONE;
	reader->foreign[reader->foreign_count++] = (struct foreign_ref){ value, place };
	return REF_FOREIGN | count;
}

uint32_t unit_reader_translate(struct unit_reader *reader, const struct unit_reader *from,
			       uint32_t ref)
{
	enum foreign_place place = from->file == reader->file ? FOREIGN_INFO : FOREIGN_ALT;

	if (from == reader || ref == REF_NONE)
		return ref;
	if (ref & REF_FOREIGN) {
		const struct foreign_ref *foreign = &from->foreign[ref & ~REF_FOREIGN];

		return add_foreign(reader, foreign->place, foreign->value);
	}
	return add_foreign(reader, place, from->base + ref);
}

/* --- reading ----------------------------------------------------------------------------------- */

static inline __attribute__((always_inline)) uint64_t load(const uint8_t *p, unsigned int size,
							   bool swap)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (size) {
	case 1:
		return *p;
	case 2:
		memcpy(&u16, p, 2);
		return swap ? bswap_16(u16) : u16;
	case 3:
		return swap == (__BYTE_ORDER == __BIG_ENDIAN)
			       ? p[0] | p[1] << 8 | (uint32_t)p[2] << 16
			       : p[2] | p[1] << 8 | (uint32_t)p[0] << 16;
	case 4:
		memcpy(&u32, p, 4);
		return swap ? bswap_32(u32) : u32;
	default:
		memcpy(&u64, p, 8);
		return swap ? bswap_64(u64) : u64;
	}
}

/* An unsigned LEB128 below @end; NULL when it does not end there. */
static inline const uint8_t *read_uleb(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	unsigned int shift = 0;
	uint64_t value = 0;

	while (p < end) {
		uint8_t byte = *p++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80)) {
			*ret = value;
			return p;
		}
		if (shift > 70)
			break;
	}
	return NULL;
}

static const uint8_t *read_sleb(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	const uint8_t *after = read_uleb(p, end, ret);
	unsigned int bits = after ? 7 * (unsigned int)(after - p) : 0;

	if (after && bits < 64 && after[-1] & 0x40)
		*ret |= ~UINT64_C(0) << bits;
	return after;
}

static const uint8_t *skip_leb(const uint8_t *p, const uint8_t *end)
{
	while (p < end)
		if (!(*p++ & 0x80))
			return p;
	return NULL;
}

static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *nul = memchr(p, '\0', (size_t)(end - p));

	return nul ? nul + 1 : NULL;
}

/* The end of a block whose length has @size bytes (0: LEB128); its bytes begin at
 * *@ret. */
static inline __attribute__((always_inline)) const uint8_t *
read_block(const uint8_t *p, const uint8_t *end, unsigned int size, bool swap, const uint8_t **ret)
{
	uint64_t length;

	if (size) {
		if ((size_t)(end - p) < size)
			return NULL;
		length = load(p, size, swap);
		p += size;
	} else {
		p = read_uleb(p, end, &length);
		if (!p)
			return NULL;
	}
	if (length > (size_t)(end - p))
		return NULL;
	*ret = p;
	return p + length;
}

static dwarf_name name_inline(const struct scan *scan, const uint8_t *string, size_t length)
{
	uint64_t value = 0;

	if (!length)
		return 0;
	if (length > 7)
		return NAME_MAKE(scan->reader->file->main ? NAME_ALT_INFO : NAME_INFO,
				 (uint64_t)(string - scan->start));
	for (size_t i = 0; i < length; i++)
		value |= (uint64_t)string[i] << 8 * i;
	return NAME_MAKE(NAME_PACKED, value);
}

/* DW_FORM_strx: through .debug_str_offsets. */
static dwarf_name name_indexed(const struct scan *scan, uint64_t index, bool swap)
{
	const struct elf_section *offsets = &scan->reader->file->str_offsets;
	unsigned int size = scan->reader->unit->encoding.offset_size;
	uint64_t at;

	if (__builtin_mul_overflow(index, size, &at) ||
	    __builtin_add_overflow(at, scan->reader->str_offsets_base, &at) || at > offsets->size ||
	    offsets->size - at < size)
		return 0;
	at = load(offsets->data + at, size, swap);
	return dwarf_file_has_repeats(scan->reader->file) ? dwarf_file_name(scan->reader->file, at)
							  : NAME_MAKE(NAME_STR, NAME_VALUE(at));
}

/* DW_FORM_strp. */
static inline dwarf_name name_at(const struct scan *scan, uint64_t offset)
{
	if (__builtin_expect(scan->has_repeats, 0))
		return dwarf_file_name(scan->reader->file, NAME_VALUE(offset));
	return NAME_MAKE(NAME_STR, NAME_VALUE(offset));
}

/* A reference within .debug_info, by absolute offset. */
static uint32_t ref_absolute(struct scan *scan, uint64_t offset)
{
	struct unit_reader *reader = scan->reader;

	if (offset >= reader->base && offset < reader->limit)
		return (uint32_t)(offset - reader->base);
	return add_foreign(reader, FOREIGN_INFO, offset);
}

/* A reference within the unit. What lies outside of it can name no type: it is
 * kept as an offset at which none will be found. */
static inline uint32_t ref_relative(const struct scan *scan, uint64_t offset)
{
	uint64_t sum = offset + scan->shift;

	return sum < scan->span && offset <= UINT32_MAX
		       ? (uint32_t)sum
		       : REF_FOREIGN - 1;
}

/* Read the value of one attribute, in one of the rarer forms. NULL when it does not
 * fit the unit. */
static __attribute__((noinline)) const uint8_t *
read_value(struct scan *scan, const struct abbrev_op *op, const uint8_t *p, bool swap)
{
	const uint8_t *end = scan->end, *block;
	unsigned int size = op->skip; /* are there: read_attrs() looked */
	uint64_t raw = 0, *ret = &scan->attrs.value[op->attr];

	switch (op->opcode) {
	case OP_U8:
	case OP_U16:
	case OP_U24:
	case OP_U32:
	case OP_U64:
		*ret = load(p, size, swap);
		return p + size;
	case OP_STRP:
		*ret = name_at(scan, load(p, size, swap));
		return p + size;
	case OP_LINE_STRP:
		*ret = NAME_MAKE(NAME_LINE_STR, NAME_VALUE(load(p, size, swap)));
		return p + size;
	case OP_ALT_STRP:
		*ret = load(p, size, swap);
		*ret = scan->reader->file->alt ? dwarf_file_name(scan->reader->file->alt, *ret) : 0;
		return p + size;
	case OP_STRX8:
	case OP_STRX16:
	case OP_STRX24:
	case OP_STRX32:
		*ret = name_indexed(scan, load(p, size, swap), swap);
		return p + size;
	case OP_STRX:
		p = read_uleb(p, end, &raw);
		*ret = name_indexed(scan, raw, swap);
		return p;
	case OP_REF1:
	case OP_REF2:
	case OP_REF4:
	case OP_REF8:
		*ret = ref_relative(scan, load(p, size, swap));
		return p + size;
	case OP_REF_LEB:
		p = read_uleb(p, end, &raw);
		*ret = ref_relative(scan, raw);
		return p;
	case OP_REF_ADDR:
		*ret = ref_absolute(scan, load(p, size, swap));
		return p + size;
	case OP_REF_ALT:
		*ret = add_foreign(scan->reader, FOREIGN_ALT, load(p, size, swap));
		return p + size;
	case OP_REF_SIG:
		*ret = add_foreign(scan->reader, FOREIGN_SIGNATURE, load(p, 8, swap));
		return p + 8;
	case OP_SEC_OFFSET:
		*ret = load(p, size, swap);
		return p + size;
	case OP_ULEB:
		scan->attrs.indexed |= 1u << op->attr;
		return read_uleb(p, end, ret);
	case OP_SLEB:
		p = read_sleb(p, end, ret);
		if (p && (int64_t)*ret < 0)
			scan->attrs.negative |= 1u << op->attr;
		return p;
	case OP_CONSTANT:
		*ret = (uint64_t)op->constant;
		if (op->is_signed && op->constant < 0)
			scan->attrs.negative |= 1u << op->attr;
		return p;
	case OP_STRING:
		block = p;
		p = skip_string(p, end);
		if (p)
			*ret = name_inline(scan, block, (size_t)(p - block) - 1);
		return p;
	case OP_BLOCK1:
		p = read_block(p, end, 1, swap, &block);
		break;
	case OP_BLOCK2:
		p = read_block(p, end, 2, swap, &block);
		break;
	case OP_BLOCK4:
		p = read_block(p, end, 4, swap, &block);
		break;
	case OP_BLOCK:
		p = read_block(p, end, 0, swap, &block);
		break;
	default: /* OP_ADDRX, OP_SKIP of 16 bytes: present, value unknown */
		*ret = 0;
		return p + size;
	}
	if (p) {
		*ret = (uint64_t)(block - scan->start);
		scan->attrs.blocks |= 1u << op->attr;
		scan->attrs.block_size = (uint32_t)(p - block);
	}
	return p;
}

/* DW_FORM_indirect: the form stands in the data. Rare, so out of line. */
static __attribute__((noinline)) const uint8_t *
read_indirect(struct scan *scan, const struct abbrev_op *op, const uint8_t *p, bool swap)
{
	struct abbrev_op actual = { .attr = op->attr };
	uint64_t form;

	p = read_uleb(p, scan->end, &form);
	if (!p || form == DW_FORM_indirect || form == DW_FORM_implicit_const ||
	    abbrev_op_from_form(&actual, form, scan->reader->unit->encoding) < 0)
		return NULL;
	if (!abbrev_op_fits(&actual))
		actual.attr = ATTR_COUNT_; /* where nobody looks */
	scan->attrs.present |= 1u << actual.attr;
	return (size_t)(scan->end - p) < actual.skip ? NULL : read_value(scan, &actual, p, swap);
}

/* Read or step over the attributes of one DIE. @keep false: only step over. */
static inline __attribute__((always_inline)) bool read_attrs(struct scan *scan,
							     const struct abbrev *abbrev, bool swap)
{
	const struct abbrev_op *op = &scan->reader->abbrevs.ops[abbrev->first_op];
	const struct abbrev_op *last = op + abbrev->op_count;
	const uint8_t *p = scan->at, *end = scan->end, *block;

	scan->attrs.present = scan->attrs.blocks = 0;
	scan->attrs.negative = scan->attrs.indexed = 0;
	for (; op < last; op++) {
		uint64_t *value = &scan->attrs.value[op->attr];

		if ((size_t)(end - p) < op->skip) /* 0 where the size is not fixed */
			return false;
		switch (op->opcode) {
		case OP_SKIP:
			p += op->skip;
			continue;
		case OP_STRP:
			*value = name_at(scan, load(p, op->skip == 4 ? 4 : 8, swap));
			scan->attrs.present |= 1u << op->attr;
			p += op->skip;
			continue;
		case OP_REF4:
			*value = ref_relative(scan, load(p, 4, swap));
			scan->attrs.present |= 1u << op->attr;
			p += 4;
			continue;
		case OP_CONSTANT:
			*value = (uint64_t)op->constant;
			if (op->is_signed && op->constant < 0)
				scan->attrs.negative |= 1u << op->attr;
			scan->attrs.present |= 1u << op->attr;
			continue;
		case OP_U8:
			*value = *p++;
			scan->attrs.present |= 1u << op->attr;
			continue;
		case OP_U16:
			*value = load(p, 2, swap);
			scan->attrs.present |= 1u << op->attr;
			p += 2;
			continue;
		case OP_U32:
			*value = load(p, 4, swap);
			scan->attrs.present |= 1u << op->attr;
			p += 4;
			continue;
		case OP_SKIP_LEB:
			p = skip_leb(p, end);
			break;
		case OP_SKIP_STRING:
			p = skip_string(p, end);
			break;
		case OP_SKIP_BLOCK1:
			p = read_block(p, end, 1, swap, &block);
			break;
		case OP_SKIP_BLOCK2:
			p = read_block(p, end, 2, swap, &block);
			break;
		case OP_SKIP_BLOCK4:
			p = read_block(p, end, 4, swap, &block);
			break;
		case OP_SKIP_BLOCK:
			p = read_block(p, end, 0, swap, &block);
			break;
		case OP_INDIRECT:
			p = read_indirect(scan, op, p, swap);
			break;
		default:
			p = read_value(scan, op, p, swap);
			scan->attrs.present |= 1u << op->attr;
			break;
		}
		if (!p)
			return false;
	}
	scan->at = p;
	return true;
}

/* --- one DIE, by class -------------------------------------------------------------------------- */

/* What the children of a DIE belong to. */
enum parent_place { PARENT_NONE, PARENT_UNIT, PARENT_TYPE, PARENT_FUNC };
struct parent {
	enum parent_place place;
	uint32_t index;
};

static uint32_t ref_of(const struct scan *scan, enum die_attr attr)
{
	return HAS(scan, attr) ? (uint32_t)VALUE(scan, attr) : REF_NONE;
}

static dwarf_name name_of(const struct scan *scan)
{
	return HAS(scan, ATTR_NAME) ? VALUE(scan, ATTR_NAME) : 0;
}

static uint32_t size_of(const struct scan *scan)
{
	if (!HAS(scan, ATTR_BYTE_SIZE) || VALUE(scan, ATTR_BYTE_SIZE) > UINT32_MAX)
		return 0;
	return (uint32_t)VALUE(scan, ATTR_BYTE_SIZE);
}

static bool keep_reference(struct scan *scan, uint8_t kind)
{
	struct die_type *type = add_type(scan, kind);

	if (!type)
		return false;
	type->ref = ref_of(scan, ATTR_TYPE);
	if (kind == BTF_KIND_TYPEDEF)
		type->name = name_of(scan);
	return true;
}

static bool keep_base(struct scan *scan)
{
	struct die_type *type = add_type(scan, BTF_KIND_INT);

	if (!type)
		return false;
	type->name = name_of(scan);
	type->size = size_of(scan);
	switch (HAS(scan, ATTR_ENCODING) ? VALUE(scan, ATTR_ENCODING) : 0) {
	case DW_ATE_float:
	case DW_ATE_complex_float:
	case DW_ATE_imaginary_float:
	case DW_ATE_decimal_float:
		type->kind = BTF_KIND_FLOAT;
		break;
	case DW_ATE_boolean:
		type->flags = TYPE_BOOL;
		break;
	case DW_ATE_signed:
	case DW_ATE_signed_char:
		type->flags = TYPE_SIGNED;
		break;
	}
	return true;
}

static bool keep_composite(struct scan *scan, uint8_t kind)
{
	struct die_type *type = add_type(scan, kind);

	if (!type)
		return false;
	type->name = name_of(scan);
	type->size = size_of(scan);
	if (HAS(scan, ATTR_SIGNATURE)) { /* its body is in a type unit */
		type->kind = KIND_ALIAS;
		type->ref = ref_of(scan, ATTR_SIGNATURE);
	} else if (FLAG(scan, ATTR_DECLARATION)) {
		type->flags |= TYPE_DECLARATION;
	}
	if (kind == BTF_KIND_ENUM) {
		uint64_t encoding = HAS(scan, ATTR_ENCODING) ? VALUE(scan, ATTR_ENCODING) : 0;

		type->ref = ref_of(scan, ATTR_TYPE);
		if (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char)
			type->flags |= TYPE_SIGNED;
	}
	return true;
}

/* DW_AT_data_member_location as an expression, as DWARF 2 had it. */
static uint64_t location_offset(const struct scan *scan)
{
	uint64_t value = VALUE(scan, ATTR_MEMBER_LOCATION), offset = 0;
	const uint8_t *p;

	if (!(scan->attrs.blocks & 1u << ATTR_MEMBER_LOCATION))
		return value;
	p = scan->start + value;
	if (p < scan->end && *p == DW_OP_plus_uconst)
		read_uleb(p + 1, scan->end, &offset);
	return offset;
}

static void set_bitfield(struct scan *scan, struct die_item *item)
{
	uint64_t bits = VALUE(scan, ATTR_BIT_SIZE);
	uint64_t storage = 8 * (uint64_t)size_of(scan);

	if (bits > 255)
		return;
	item->bits = (uint16_t)bits;
	if (HAS(scan, ATTR_DATA_BIT_OFFSET)) {
		item->value += VALUE(scan, ATTR_DATA_BIT_OFFSET);
	} else if (HAS(scan, ATTR_BIT_OFFSET)) {
		/* Before DWARF 4 a bitfield's place counted from the most significant bit
		 * of its storage unit, whatever the byte order. */
		uint64_t from_top = VALUE(scan, ATTR_BIT_OFFSET);

		if (scan->reader->file->image->big_endian)
			item->value += from_top;
		else if (storage)
			item->value += storage - from_top - bits;
		else { /* the unit is the member's type, seen later */
			item->flags |= ITEM_OLD_BITS;
			item->value -= from_top + bits;
		}
	}
}

static bool keep_member(struct scan *scan, uint32_t parent)
{
	struct die_type *type = &scan->reader->types[parent];
	struct die_item *item;

	if ((type->kind != BTF_KIND_STRUCT && type->kind != BTF_KIND_UNION) ||
	    FLAG(scan, ATTR_DECLARATION) || FLAG(scan, ATTR_EXTERNAL)) /* a static member of C++ */
		return true;
	item = add_item(scan->reader, &type->first_item, &type->last_item, &type->item_count);
	if (!item)
		return false;
	item->name = name_of(scan);
	item->ref = ref_of(scan, ATTR_TYPE);
	if (HAS(scan, ATTR_MEMBER_LOCATION))
		item->value = 8 * location_offset(scan);
	if (HAS(scan, ATTR_BIT_SIZE))
		set_bitfield(scan, item);
	return true;
}

static bool keep_enumerator(struct scan *scan, uint32_t parent)
{
	struct die_type *type = &scan->reader->types[parent];
	struct die_item *item;

	if (type->kind != BTF_KIND_ENUM)
		return true;
	item = add_item(scan->reader, &type->first_item, &type->last_item, &type->item_count);
	if (!item)
		return false;
	item->name = name_of(scan);
	if (HAS(scan, ATTR_CONST_VALUE) && !(scan->attrs.blocks & 1u << ATTR_CONST_VALUE))
		item->value = VALUE(scan, ATTR_CONST_VALUE);
	if (scan->attrs.negative & 1u << ATTR_CONST_VALUE)
		item->flags = ITEM_NEGATIVE;
	return true;
}

/* Elements of one dimension; 0 where the length is open or known only at run time. */
static uint64_t count_elements(const struct scan *scan)
{
	uint64_t bound;

	if (HAS(scan, ATTR_COUNT))
		return VALUE(scan, ATTR_COUNT);
	if (!HAS(scan, ATTR_UPPER_BOUND))
		return 0;
	bound = VALUE(scan, ATTR_UPPER_BOUND);
	/* -1 stands for none, in whatever width it was written. */
	return bound == UINT32_MAX ? 0 : bound + 1;
}

static bool keep_dimension(struct scan *scan, uint32_t parent)
{
	struct die_type *type = &scan->reader->types[parent];
	uint64_t count = count_elements(scan);
	struct die_item *item;

	if (type->kind != BTF_KIND_ARRAY)
		return true;
	item = add_item(scan->reader, &type->first_item, &type->last_item, &type->item_count);
	if (!item)
		return false;
	item->value = count > UINT32_MAX ? 0 : count;
	return true;
}

static bool keep_location(struct scan *scan, struct die_item *item)
{
	struct die_location *location = ADD(scan->reader, location);

	if (!location)
		return false;
	*location = (struct die_location){ .value = VALUE(scan, ATTR_LOCATION),
					   .form = LOCATION_OFFSET };
	if (scan->attrs.blocks & 1u << ATTR_LOCATION) {
		location->form = LOCATION_BLOCK;
		location->size = scan->attrs.block_size;
	} else if (scan->attrs.indexed & 1u << ATTR_LOCATION) {
		location->form = LOCATION_INDEX;
	}
	item->flags |= ITEM_LOCATION;
	item->location = scan->reader->location_count - 1;
	return true;
}

static bool keep_parameter(struct scan *scan, struct parent parent)
{
	struct unit_reader *reader = scan->reader;
	struct die_item *item;

	if (parent.place == PARENT_TYPE) {
		struct die_type *type = &reader->types[parent.index];

		if (type->kind != BTF_KIND_FUNC_PROTO)
			return true;
		item = add_item(reader, &type->first_item, &type->last_item, &type->item_count);
	} else {
		struct die_func *func = &reader->funcs[parent.index];

		item = add_item(reader, &func->first_item, &func->last_item, &func->item_count);
	}
	if (!item)
		return false;
	item->name = name_of(scan);
	item->ref = ref_of(scan, ATTR_TYPE);
	item->value = scan->die;
	if (HAS(scan, ATTR_ORIGIN)) {
		item->value = VALUE(scan, ATTR_ORIGIN);
		item->flags |= ITEM_ORIGIN;
	}
	if (HAS(scan, ATTR_CONST_VALUE))
		item->flags |= ITEM_CONSTANT;
	return !HAS(scan, ATTR_LOCATION) || keep_location(scan, item);
}

static bool keep_function(struct scan *scan)
{
	struct die_func *func = ADD(scan->reader, func);

	if (!func)
		return false;
	*func = (struct die_func){
		.offset = scan->die,
		.name = name_of(scan),
		.ref = ref_of(scan, ATTR_TYPE),
		.origin = HAS(scan, ATTR_ORIGIN) ? ref_of(scan, ATTR_ORIGIN)
						 : ref_of(scan, ATTR_SPECIFICATION),
		.first_item = ITEM_END,
		.last_item = ITEM_END,
	};
	if (FLAG(scan, ATTR_DECLARATION))
		func->flags |= FUNC_DECLARATION;
	if (FLAG(scan, ATTR_EXTERNAL))
		func->flags |= FUNC_EXTERNAL;
	if (HAS(scan, ATTR_LOW_PC) || HAS(scan, ATTR_RANGES))
		func->flags |= FUNC_HAS_PC;
	if (FLAG(scan, ATTR_INLINE))
		func->flags |= FUNC_INLINE;
	return true;
}

/* An expression that is one address: in itself, or (clang's DWARF 5) as an index
 * into .debug_addr. */
static bool read_address(const struct scan *scan, const uint8_t *p, const uint8_t *end, bool swap,
			 uint64_t *ret)
{
	const struct elf_section *addresses = &scan->reader->file->addr;
	unsigned int size = scan->reader->unit->encoding.address_size;
	uint64_t at;

	if ((size_t)(end - p) > size && *p == DW_OP_addr) {
		*ret = load(p + 1, size, swap);
		return true;
	}
	if (end == p || *p != DW_OP_addrx || !read_uleb(p + 1, end, &at) ||
	    __builtin_mul_overflow(at, size, &at) ||
	    __builtin_add_overflow(at, scan->reader->addr_base, &at) || at > addresses->size ||
	    addresses->size - at < size)
		return false;
	*ret = load(addresses->data + at, size, swap);
	return true;
}

static bool keep_variable(struct scan *scan, bool swap)
{
	struct die_var *var = ADD(scan->reader, var);

	if (!var)
		return false;
	*var = (struct die_var){
		.offset = scan->die,
		.name = name_of(scan),
		.ref = ref_of(scan, ATTR_TYPE),
		.origin = HAS(scan, ATTR_SPECIFICATION) ? ref_of(scan, ATTR_SPECIFICATION)
							: ref_of(scan, ATTR_ORIGIN),
	};
	if (FLAG(scan, ATTR_EXTERNAL))
		var->flags |= VAR_EXTERNAL;
	if (FLAG(scan, ATTR_DECLARATION))
		var->flags |= VAR_DECLARATION;
	if (HAS(scan, ATTR_LOCATION) && scan->attrs.blocks & 1u << ATTR_LOCATION) {
		const uint8_t *block = scan->start + VALUE(scan, ATTR_LOCATION);

		if (read_address(scan, block, block + scan->attrs.block_size, swap, &var->address))
			var->flags |= VAR_HAS_ADDRESS;
	}
	return true;
}

static bool keep_import(struct scan *scan)
{
	struct unit_reader *reader = scan->reader;
	uint32_t ref = ref_of(scan, ATTR_IMPORT);
	uint64_t value = reader->base + ref;

	if (ref == REF_NONE)
		return true;
	if (ref & REF_FOREIGN) {
		const struct foreign_ref *foreign = &reader->foreign[ref & ~REF_FOREIGN];

		if (foreign->place == FOREIGN_SIGNATURE)
			return true;
		value = foreign->value | (foreign->place == FOREIGN_ALT ? IMPORT_ALT : 0);
	}
	if (!has_room((void **)&reader->imports, &reader->import_room, reader->import_count,
		      sizeof(value)))
		return false;
	reader->imports[reader->import_count++] = value;
	return true;
}

static void keep_unit(struct scan *scan)
{
	struct unit_reader *reader = scan->reader;
	char packed[8];

	reader->language = HAS(scan, ATTR_LANGUAGE) ? (uint16_t)VALUE(scan, ATTR_LANGUAGE) : 0;
	reader->loclists_base = HAS(scan, ATTR_LOCLISTS_BASE) ? VALUE(scan, ATTR_LOCLISTS_BASE) : 0;
	if (HAS(scan, ATTR_ADDR_BASE))
		reader->addr_base = VALUE(scan, ATTR_ADDR_BASE);
	reader->clang = HAS(scan, ATTR_PRODUCER) &&
			strstr(dwarf_string(reader->file, VALUE(scan, ATTR_PRODUCER), packed),
			       "clang version");
}

/* The attributes of the unit's own DIE: its strings need DW_AT_str_offsets_base,
 * which may stand behind them. */
static __attribute__((noinline)) bool reread_unit(struct scan *scan, const struct abbrev *abbrev,
						  const uint8_t *at, bool swap)
{
	if (!HAS(scan, ATTR_STR_OFFSETS_BASE))
		return true;
	scan->reader->str_offsets_base = VALUE(scan, ATTR_STR_OFFSETS_BASE);
	scan->at = at;
	return read_attrs(scan, abbrev, swap);
}

/* What a unit says of itself, where it says nothing. */
static void forget_unit(struct unit_reader *reader, const struct dwarf_unit *unit)
{
	reader->unit = unit;
	reader->language = 0;
	reader->clang = false;
	reader->loclists_base = 0;
	reader->addr_base = 8; /* behind the section's first header */
	/* Right behind the section's first header. */
	reader->str_offsets_base = unit->encoding.offset_size == 8 ? 16 : 8;
}

/* Keep what one DIE says. The parent its children get is set in @ret. */
static inline bool keep_die(struct scan *scan, const struct abbrev *abbrev, struct parent parent,
			    bool swap, struct parent *ret)
{
	struct unit_reader *reader = scan->reader;
	bool ok = true;

	switch (abbrev->die_class) {
	case DIE_MEMBER:
		return parent.place != PARENT_TYPE || keep_member(scan, parent.index);
	case DIE_ENUMERATOR:
		return parent.place != PARENT_TYPE || keep_enumerator(scan, parent.index);
	case DIE_SUBRANGE:
		return parent.place != PARENT_TYPE || keep_dimension(scan, parent.index);
	case DIE_PARAMETER:
		return parent.place < PARENT_TYPE || keep_parameter(scan, parent);
	case DIE_VARARGS:
		if (parent.place == PARENT_TYPE)
			reader->types[parent.index].flags |= TYPE_VARARGS;
		else if (parent.place == PARENT_FUNC)
			reader->funcs[parent.index].flags |= FUNC_VARARGS;
		return true;
	case DIE_VARIABLE:
		return parent.place != PARENT_UNIT || keep_variable(scan, swap);
	case DIE_IMPORTED_UNIT:
		return keep_import(scan);
	case DIE_SUBPROGRAM:
		ok = keep_function(scan);
		*ret = (struct parent){ PARENT_FUNC, reader->func_count - 1 };
		return ok;
	case DIE_UNIT:
		keep_unit(scan);
		*ret = (struct parent){ PARENT_UNIT, 0 };
		return true;
	case DIE_BASE:
		ok = keep_base(scan);
		break;
	case DIE_POINTER:
		ok = keep_reference(scan, BTF_KIND_PTR);
		break;
	case DIE_CONST:
		ok = keep_reference(scan, BTF_KIND_CONST);
		break;
	case DIE_VOLATILE:
		ok = keep_reference(scan, BTF_KIND_VOLATILE);
		break;
	case DIE_RESTRICT:
		ok = keep_reference(scan, BTF_KIND_RESTRICT);
		break;
	case DIE_TYPEDEF:
		ok = keep_reference(scan, BTF_KIND_TYPEDEF);
		break;
	case DIE_TRANSPARENT:
		ok = keep_reference(scan, KIND_ALIAS);
		break;
	case DIE_ARRAY:
		ok = keep_reference(scan, BTF_KIND_ARRAY);
		break;
	case DIE_SUBROUTINE:
		ok = keep_reference(scan, BTF_KIND_FUNC_PROTO);
		break;
	case DIE_UNSPECIFIED:
		ok = add_type(scan, KIND_VOID) != NULL;
		break;
	case DIE_STRUCT:
		ok = keep_composite(scan, BTF_KIND_STRUCT);
		break;
	case DIE_UNION:
		ok = keep_composite(scan, BTF_KIND_UNION);
		break;
	case DIE_ENUM:
		ok = keep_composite(scan, BTF_KIND_ENUM);
		break;
	default:
		return true;
	}
	*ret = (struct parent){ PARENT_TYPE, reader->type_count - 1 };
	return ok;
}

static int fail_at(const struct scan *scan, const uint8_t *at, const char *what,
		   struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG, "%s: .debug_info: at offset %#zx: %s",
				 scan->reader->file->image->path, (size_t)(at - scan->start), what);
}

static inline __attribute__((always_inline)) int scan_unit(struct scan *scan, bool swap,
							   struct btfpack_error *err)
{
	struct unit_reader *reader = scan->reader;
	struct parent parents[DEPTH_MAXIMUM];
	unsigned int depth = 0;

	parents[0] = (struct parent){ PARENT_NONE, 0 };
	while (scan->at < scan->end) {
		const uint8_t *at = scan->at, *attrs;
		struct parent children = { PARENT_NONE, 0 };
		const struct abbrev *abbrev;
		uint64_t code = *at;

		scan->at = code < 0x80 ? at + 1 : read_uleb(at, scan->end, &code);
		if (!scan->at)
			return fail_at(scan, at, "expected a DIE, found the end of the unit", err);
		if (!code) { /* the end of a list of children; at the top, padding */
			depth -= depth > 0;
			continue;
		}
		abbrev = abbrev_table_find(&reader->abbrevs, code);
		if (!abbrev)
			return fail_at(scan, at, "a DIE with an abbreviation that is not there",
				       err);
		attrs = scan->at;
		if (!read_attrs(scan, abbrev, swap) ||
		    (abbrev->die_class == DIE_UNIT && !reread_unit(scan, abbrev, attrs, swap)))
			return fail_at(scan, at, "a DIE reaches past the end of its unit", err);
		if (abbrev->die_class != DIE_OTHER) {
			scan->die = (uint32_t)((size_t)(at - scan->start) - reader->base);
			if (!keep_die(scan, abbrev, parents[depth], swap, &children))
				return btfpack_error_set(err, -ENOMEM, "%s: out of memory",
							 reader->file->image->path);
		}
		if (abbrev->has_children) {
			if (++depth == DEPTH_MAXIMUM)
				return fail_at(scan, at, "DIEs nested more than 1024 deep", err);
			parents[depth] = children;
		}
	}
	return 0;
}

static __attribute__((noinline)) int scan_native(struct scan *scan, struct btfpack_error *err)
{
	return scan_unit(scan, false, err);
}

static __attribute__((noinline)) int scan_swapped(struct scan *scan, struct btfpack_error *err)
{
	return scan_unit(scan, true, err);
}

int unit_reader_read(struct unit_reader *reader, const struct dwarf_unit *unit,
		     struct btfpack_error *err)
{
	const struct dwarf_file *file = reader->file;
	struct scan scan = {
		.reader = reader,
		.start = file->info.data,
		.at = file->info.data + unit->first_die,
		.end = file->info.data + unit->end,
		.shift = unit->offset - reader->base,
		.span = reader->limit - reader->base,
		.has_repeats = dwarf_file_has_repeats(file),
	};
	int error;

	forget_unit(reader, unit);
	error = abbrev_table_compile(&reader->abbrevs, file->abbrev.data, file->abbrev.size,
				     unit->abbrevs, unit->encoding, file->image->path, err);
	if (error)
		return error;
	return file->image->other_order ? scan_swapped(&scan, err) : scan_native(&scan, err);
}

/* Functions and variables stand in the order of their offsets. */
const struct die_func *unit_reader_find_func(const struct unit_reader *reader, uint32_t ref)
{
	uint32_t low = 0, high = reader->func_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (reader->funcs[middle].offset < ref)
			low = middle + 1;
		else
			high = middle;
	}
	return low < reader->func_count && reader->funcs[low].offset == ref ? &reader->funcs[low]
									    : NULL;
}

const struct die_var *unit_reader_find_var(const struct unit_reader *reader, uint32_t ref)
{
	uint32_t low = 0, high = reader->var_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (reader->vars[middle].offset < ref)
			low = middle + 1;
		else
			high = middle;
	}
	return low < reader->var_count && reader->vars[low].offset == ref ? &reader->vars[low]
									  : NULL;
}
