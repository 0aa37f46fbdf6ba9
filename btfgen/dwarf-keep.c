/* SPDX-License-Identifier: BSD-2-Clause */
/* What a DIE leaves behind: one small function for each class. */
#include <dwarf.h>
#include <linux/btf.h>

#include "btfgen/dwarf-simple.h"

struct die_type *dwarf_add_type(struct scan *scan, uint8_t kind)
{
	return add_type(scan, kind);
}

struct die_item *dwarf_add_item(struct unit_reader *reader, uint32_t *first, uint32_t *last,
				uint32_t *count)
{
	return add_item(reader, first, last, count);
}

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

/* What is mostly read of the DIE at hand; @number is the attribute that is its number. */
static struct simple_attrs simple_of(const struct scan *scan, enum die_attr number)
{
	return (struct simple_attrs){
		.name = name_of(scan),
		.number = HAS(scan, number) ? VALUE(scan, number) : 0,
		.ref = ref_of(scan, ATTR_TYPE),
	};
}

static bool keep_reference(struct scan *scan, uint8_t kind)
{
	struct simple_attrs attrs = simple_of(scan, ATTR_TYPE);

	return add_reference(scan, kind, &attrs);
}

static bool keep_base(struct scan *scan)
{
	struct die_type *type = dwarf_add_type(scan, BTF_KIND_INT);

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
	struct simple_attrs attrs = simple_of(scan, ATTR_BYTE_SIZE);
	bool is_elsewhere = HAS(scan, ATTR_SIGNATURE);
	struct die_type *type =
		add_composite(scan, kind, &attrs, !is_elsewhere && FLAG(scan, ATTR_DECLARATION));

	if (!type)
		return false;
	if (is_elsewhere) { /* its body is in a type unit */
		type->kind = KIND_ALIAS;
		type->ref = ref_of(scan, ATTR_SIGNATURE);
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

static bool keep_member(struct scan *scan, uint32_t parent, struct parent *ret)
{
	struct simple_attrs attrs = simple_of(scan, ATTR_MEMBER_LOCATION);
	struct die_item *item;

	if (FLAG(scan, ATTR_DECLARATION) || FLAG(scan, ATTR_EXTERNAL)) /* a static one of C++ */
		return true;
	attrs.number = HAS(scan, ATTR_MEMBER_LOCATION) ? 8 * location_offset(scan) : 0;
	if (!add_type_item(scan, parent, HAVE_MEMBERS, &attrs, &item))
		return false;
	if (!item)
		return true;
	if (HAS(scan, ATTR_BIT_SIZE))
		set_bitfield(scan, item);
	*ret = (struct parent){ PARENT_MEMBER, parent };
	return true;
}

static bool keep_enumerator(struct scan *scan, uint32_t parent)
{
	struct simple_attrs attrs = simple_of(scan, ATTR_CONST_VALUE);
	struct die_item *item;

	if (scan->attrs.blocks & 1u << ATTR_CONST_VALUE)
		attrs.number = 0;
	if (!add_type_item(scan, parent, HAVE_ENUMERATORS, &attrs, &item))
		return false;
	if (item && scan->attrs.negative & 1u << ATTR_CONST_VALUE)
		item->flags = ITEM_NEGATIVE;
	return true;
}

static bool keep_dimension(struct scan *scan, uint32_t parent)
{
	struct simple_attrs attrs = { .ref = REF_NONE };
	struct die_item *item;

	if (HAS(scan, ATTR_COUNT))
		attrs.number = VALUE(scan, ATTR_COUNT);
	else if (HAS(scan, ATTR_UPPER_BOUND))
		attrs.number = count_elements(VALUE(scan, ATTR_UPPER_BOUND));
	if (attrs.number > UINT32_MAX)
		attrs.number = 0;
	return add_type_item(scan, parent, HAVE_DIMENSIONS, &attrs, &item);
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

static bool keep_parameter(struct scan *scan, struct parent parent, struct parent *ret)
{
	struct simple_attrs attrs = simple_of(scan, ATTR_ORIGIN);
	struct die_item *item;

	if (!HAS(scan, ATTR_ORIGIN))
		attrs.number = scan->die;
	if (!add_parameter(scan, parent, &attrs, ret, &item))
		return false;
	if (!item)
		return true;
	if (HAS(scan, ATTR_ORIGIN))
		item->flags |= ITEM_ORIGIN;
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
		.first_tag = TAG_END,
	};
	if (FLAG(scan, ATTR_DECLARATION))
		func->flags |= FUNC_DECLARATION;
	if (FLAG(scan, ATTR_EXTERNAL))
		func->flags |= FUNC_EXTERNAL;
	if (HAS(scan, ATTR_LOW_PC) || HAS(scan, ATTR_RANGES))
		func->flags |= FUNC_HAS_PC;
	if (FLAG(scan, ATTR_INLINE) && VALUE(scan, ATTR_INLINE) != DW_INL_inlined)
		func->flags |= FUNC_INLINE;
	if (HAS(scan, ATTR_CALLING_CONVENTION) &&
	    VALUE(scan, ATTR_CALLING_CONVENTION) == DW_CC_nocall)
		func->flags |= FUNC_NOCALL;
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
		.first_tag = TAG_END,
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
	if (!unit_reader_has_room((void **)&reader->imports, &reader->import_room,
				  reader->import_count, sizeof(value)))
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
	/* DWARF 5 has units of their own type for it, refused by their headers. */
	reader->split = HAS(scan, ATTR_DWO_NAME);
	reader->clang = HAS(scan, ATTR_PRODUCER) &&
			strstr(dwarf_string(reader->file, VALUE(scan, ATTR_PRODUCER), packed),
			       "clang version");
}

/* Keep what one DIE says. The parent its children get is set in @ret. */
bool dwarf_keep_die(struct scan *scan, const struct abbrev *abbrev, struct parent parent, bool swap,
		    struct parent *ret)
{
	struct unit_reader *reader = scan->reader;
	bool ok = true;

	switch (abbrev->die_class) {
	case DIE_MEMBER:
		return parent.place != PARENT_TYPE || keep_member(scan, parent.index, ret);
	case DIE_ENUMERATOR:
		return parent.place != PARENT_TYPE || keep_enumerator(scan, parent.index);
	case DIE_SUBRANGE:
		return parent.place != PARENT_TYPE || keep_dimension(scan, parent.index);
	case DIE_PARAMETER:
		return parent.place < PARENT_TYPE || keep_parameter(scan, parent, ret);
	case DIE_VARARGS:
		if (parent.place == PARENT_TYPE)
			reader->types[parent.index].flags |= TYPE_VARARGS;
		else if (parent.place == PARENT_FUNC)
			reader->funcs[parent.index].flags |= FUNC_VARARGS;
		return true;
	case DIE_VARIABLE:
		if (parent.place != PARENT_UNIT)
			return true;
		ok = keep_variable(scan, swap);
		*ret = (struct parent){ PARENT_VARIABLE, reader->var_count - 1 };
		return ok;
	case DIE_ANNOTATION:
		return dwarf_keep_annotation(scan, parent);
	case DIE_GNU_ANNOTATION:
		return dwarf_keep_gnu_annotation(scan);
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
		ok = dwarf_add_type(scan, KIND_VOID) != NULL;
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
