/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What simple DIEs (dwarf-abbrev.h) leave behind: most of them. It is inlined into the
 * loop that reads them, where a call for each would be a tenth of the time, and serves
 * dwarf-keep.c, which adds what is rare.
 */
#ifndef BTFGEN_DWARF_SIMPLE_H
#define BTFGEN_DWARF_SIMPLE_H

#include <linux/btf.h>

#include "btfgen/dwarf-scan.h"

#define HOT static inline __attribute__((always_inline))

HOT struct die_type *add_type(struct scan *scan, uint8_t kind)
{
	struct unit_reader *reader = scan->reader;
	struct die_type *type = ADD(reader, type);
	uint32_t index = reader->type_count - 1;

	if (!type)
		return NULL;
	*type = (struct die_type){
		.offset = scan->die,
		.ref = REF_NONE,
		.first_item = ITEM_END,
		.last_item = ITEM_END,
		.kind = kind,
	};
	/* Offsets ascend, so the slot is taken only if the type before it took it; what else
	 * it says is stale. */
	if (!index || type[-1].offset / 4 != scan->die / 4)
		reader->map[scan->die / 4] = index;
	return type;
}

HOT struct die_item *add_item(struct unit_reader *reader, uint32_t *first, uint32_t *last,
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

HOT bool add_reference(struct scan *scan, uint8_t kind, const struct simple_attrs *attrs)
{
	struct die_type *type = add_type(scan, kind);

	if (!type)
		return false;
	type->ref = attrs->ref;
	type->name = attrs->name;
	return true;
}

HOT struct die_type *add_composite(struct scan *scan, uint8_t kind,
				   const struct simple_attrs *attrs, bool is_declaration)
{
	struct die_type *type = add_type(scan, kind);

	if (!type)
		return NULL;
	type->name = attrs->name;
	type->size = attrs->number > UINT32_MAX ? 0 : (uint32_t)attrs->number;
	type->flags = is_declaration ? TYPE_DECLARATION : 0;
	return type;
}

/* Append an item to the type @parent, if it is of @kinds (bits): that, or NULL, goes
 * to @ret. False: out of memory. */
HOT bool add_type_item(struct scan *scan, uint32_t parent, uint32_t kinds,
		       const struct simple_attrs *attrs, struct die_item **ret)
{
	struct die_type *type = &scan->reader->types[parent];

	*ret = NULL;
	if (!(kinds >> type->kind & 1))
		return true;
	*ret = add_item(scan->reader, &type->first_item, &type->last_item, &type->item_count);
	if (!*ret)
		return false;
	(*ret)->name = attrs->name;
	(*ret)->ref = attrs->ref;
	(*ret)->value = attrs->number;
	return true;
}

#define HAVE_MEMBERS     (1u << BTF_KIND_STRUCT | 1u << BTF_KIND_UNION)
#define HAVE_ENUMERATORS (1u << BTF_KIND_ENUM)
#define HAVE_DIMENSIONS  (1u << BTF_KIND_ARRAY)
#define HAVE_PARAMETERS  (1u << BTF_KIND_FUNC_PROTO)

/* Elements of one dimension; 0 where the length is open or known only at run time. */
HOT uint64_t count_elements(uint64_t bound)
{
	/* -1 stands for none, in whatever width it was written. */
	return bound >= UINT32_MAX ? 0 : bound + 1;
}

/* A parameter of a function or of a type that is one: the item goes to @item_ret. */
HOT bool add_parameter(struct scan *scan, struct parent parent, const struct simple_attrs *attrs,
		       struct parent *ret, struct die_item **item_ret)
{
	struct unit_reader *reader = scan->reader;
	struct die_func *func;

	if (parent.place == PARENT_TYPE)
		return add_type_item(scan, parent.index, HAVE_PARAMETERS, attrs, item_ret);
	func = &reader->funcs[parent.index];
	*item_ret = add_item(reader, &func->first_item, &func->last_item, &func->item_count);
	if (!*item_ret)
		return false;
	(*item_ret)->name = attrs->name;
	(*item_ret)->ref = attrs->ref;
	(*item_ret)->value = attrs->number;
	*ret = (struct parent){ PARENT_PARAMETER, parent.index };
	return true;
}

/* What needs no more than a look at name, number and reference: most DIEs. */
HOT bool keep_simple(struct scan *scan, const struct abbrev *abbrev, struct parent parent,
		     const struct simple_attrs *attrs, struct parent *ret)
{
	bool is_declaration = abbrev->layout & LAYOUT_DECLARATION;
	struct simple_attrs item_attrs = *attrs;
	struct die_item *item;
	bool ok = true;

	switch (abbrev->die_class) {
	case DIE_MEMBER:
		item_attrs.number *= 8;
		ok = add_type_item(scan, parent.index, HAVE_MEMBERS, &item_attrs, &item);
		if (item)
			*ret = (struct parent){ PARENT_MEMBER, parent.index };
		return ok;
	case DIE_ENUMERATOR:
		return add_type_item(scan, parent.index, HAVE_ENUMERATORS, attrs, &item);
	case DIE_SUBRANGE:
		item_attrs.number = count_elements(attrs->number);
		return add_type_item(scan, parent.index, HAVE_DIMENSIONS, &item_attrs, &item);
	case DIE_PARAMETER:
		item_attrs.number = scan->die;
		return add_parameter(scan, parent, &item_attrs, ret, &item);
	case DIE_POINTER:
		ok = add_reference(scan, BTF_KIND_PTR, attrs);
		break;
	case DIE_CONST:
		ok = add_reference(scan, BTF_KIND_CONST, attrs);
		break;
	case DIE_VOLATILE:
		ok = add_reference(scan, BTF_KIND_VOLATILE, attrs);
		break;
	case DIE_RESTRICT:
		ok = add_reference(scan, BTF_KIND_RESTRICT, attrs);
		break;
	case DIE_TYPEDEF:
		ok = add_reference(scan, BTF_KIND_TYPEDEF, attrs);
		break;
	case DIE_ARRAY:
		ok = add_reference(scan, BTF_KIND_ARRAY, attrs);
		break;
	case DIE_SUBROUTINE:
		ok = add_reference(scan, BTF_KIND_FUNC_PROTO, attrs);
		break;
	case DIE_STRUCT:
		ok = add_composite(scan, BTF_KIND_STRUCT, attrs, is_declaration);
		break;
	case DIE_UNION:
		ok = add_composite(scan, BTF_KIND_UNION, attrs, is_declaration);
		break;
	}
	*ret = (struct parent){ PARENT_TYPE, scan->reader->type_count - 1 };
	return ok;
}

#undef HOT

#endif
