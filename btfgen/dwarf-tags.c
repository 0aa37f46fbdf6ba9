/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What C's attributes btf_type_tag and btf_decl_tag leave in DWARF. clang puts
 * an annotation DIE under each thing that bears it, in the order of the source.
 * gcc lets the bearer refer to one, which refers to the next; they may stand
 * behind those who refer to them, and several may share one. So gcc's are gathered
 * while the unit is read and handed out at its end.
 */
#include <linux/btf.h>

#include "btfgen/dwarf-scan.h"

#define CHAIN_MAXIMUM 64 /* annotations of one bearer, of gcc's */

static enum tag_sort sort_of(const struct scan *scan)
{
	const struct dwarf_file *file = scan->reader->file;
	char packed[8];
	const char *name =
		HAS(scan, ATTR_NAME) ? dwarf_string(file, VALUE(scan, ATTR_NAME), packed) : "";

	if (!strcmp(name, "btf_type_tag"))
		return TAG_TYPE;
	return strcmp(name, "btf_decl_tag") ? TAG_UNKNOWN : TAG_DECL;
}

/* The text of an annotation; 0 when there is none. */
static dwarf_name value_of(const struct scan *scan)
{
	dwarf_name value = HAS(scan, ATTR_CONST_VALUE) ? VALUE(scan, ATTR_CONST_VALUE) : 0;
	char packed[8];

	if (scan->attrs.blocks & 1u << ATTR_CONST_VALUE)
		return 0;
	return *dwarf_string(scan->reader->file, value, packed) ? value : 0;
}

/* Which component of its parent the bearer just read is. */
static int32_t component_of(const struct unit_reader *reader, struct parent bearer)
{
	switch (bearer.place) {
	case PARENT_MEMBER:
		return (int32_t)reader->types[bearer.index].item_count - 1;
	case PARENT_PARAMETER:
		return (int32_t)reader->funcs[bearer.index].item_count - 1;
	default:
		return -1;
	}
}

/* --- adding tags -------------------------------------------------------------------------------- */

static bool tag_type(struct scan *scan, uint32_t index, int32_t component, dwarf_name value)
{
	const struct die_type *type = &scan->reader->types[index];
	uint32_t ref = type->offset;
	struct die_type *tag;

	/* The kernel takes none on what is only declared. */
	if ((type->kind != BTF_KIND_STRUCT && type->kind != BTF_KIND_UNION &&
	     type->kind != BTF_KIND_TYPEDEF) ||
	    type->flags & TYPE_DECLARATION)
		return true;
	tag = dwarf_add_type(scan, BTF_KIND_DECL_TAG);
	if (!tag)
		return false;
	tag->name = value;
	tag->ref = ref;
	tag->size = (uint32_t)component;
	return true;
}

static bool tag_pointer(struct unit_reader *reader, uint32_t index, dwarf_name value)
{
	struct die_type *type = &reader->types[index];
	struct die_item *item =
		dwarf_add_item(reader, &type->first_item, &type->last_item, &type->item_count);

	if (item)
		item->name = value;
	return item;
}

static bool tag_object(struct unit_reader *reader, uint32_t *first, int32_t component,
		       dwarf_name value)
{
	struct die_tag *tag = ADD(reader, tag);

	if (!tag)
		return false;
	*tag = (struct die_tag){ value, component, *first };
	*first = reader->tag_count - 1;
	return true;
}

static bool add_tag(struct scan *scan, struct parent bearer, int32_t component, enum tag_sort sort,
		    dwarf_name value)
{
	struct unit_reader *reader = scan->reader;

	if (bearer.place == PARENT_TYPE && reader->types[bearer.index].kind == BTF_KIND_PTR)
		return sort != TAG_TYPE || tag_pointer(reader, bearer.index, value);
	if (sort != TAG_DECL)
		return true;
	switch (bearer.place) {
	case PARENT_TYPE:
	case PARENT_MEMBER:
		return tag_type(scan, bearer.index, component, value);
	case PARENT_FUNC:
	case PARENT_PARAMETER:
		return tag_object(reader, &reader->funcs[bearer.index].first_tag, component, value);
	case PARENT_VARIABLE:
		return tag_object(reader, &reader->vars[bearer.index].first_tag, component, value);
	default:
		return true;
	}
}

bool dwarf_keep_annotation(struct scan *scan, struct parent bearer)
{
	dwarf_name value = value_of(scan);

	return !value ||
	       add_tag(scan, bearer, component_of(scan->reader, bearer), sort_of(scan), value);
}

/* --- gcc's -------------------------------------------------------------------------------------- */

bool dwarf_keep_gnu_annotation(struct scan *scan)
{
	struct die_annotation *annotation = ADD(scan->reader, annotation);

	if (!annotation)
		return false;
	*annotation = (struct die_annotation){
		.offset = scan->die,
		.next = HAS(scan, ATTR_ANNOTATION) ? (uint32_t)VALUE(scan, ATTR_ANNOTATION)
						   : REF_NONE,
		.value = value_of(scan),
		.sort = sort_of(scan),
	};
	return true;
}

bool dwarf_keep_bearer(struct scan *scan, struct parent place)
{
	struct die_bearer *bearer;

	if (place.place == PARENT_NONE) /* a local variable, or an annotation itself */
		return true;
	bearer = ADD(scan->reader, bearer);
	if (!bearer)
		return false;
	*bearer = (struct die_bearer){
		.place = place.place,
		.index = place.index,
		.component = component_of(scan->reader, place),
		.first = (uint32_t)VALUE(scan, ATTR_ANNOTATION),
	};
	return true;
}

/* They stand in the order of their offsets. */
static const struct die_annotation *find_annotation(const struct unit_reader *reader, uint32_t ref)
{
	uint32_t low = 0, high = reader->annotation_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (reader->annotations[middle].offset < ref)
			low = middle + 1;
		else
			high = middle;
	}
	return low < reader->annotation_count && reader->annotations[low].offset == ref
		       ? &reader->annotations[low]
		       : NULL;
}

static bool hand_out(struct scan *scan, const struct die_bearer *bearer)
{
	const struct die_annotation *chain[CHAIN_MAXIMUM], *at;
	struct unit_reader *reader = scan->reader;
	struct parent place = { bearer->place, bearer->index };
	uint32_t ref = bearer->first;
	unsigned int count = 0;
	bool ok = true;

	while (count < CHAIN_MAXIMUM && (at = find_annotation(reader, ref))) {
		chain[count++] = at;
		ref = at->next;
	}
	/* A tag of a type, which has no DIE of its own, stands where the type does. */
	if (place.place == PARENT_TYPE || place.place == PARENT_MEMBER)
		scan->die = reader->types[place.index].offset;
	/* The chain begins next to the bearer, tags begin next to the pointee. */
	while (count-- && ok)
		if (chain[count]->value)
			ok = add_tag(scan, place, bearer->component, chain[count]->sort,
				     chain[count]->value);
	return ok;
}

bool dwarf_hand_out_annotations(struct scan *scan)
{
	bool ok = true;

	for (uint32_t i = 0; i < scan->reader->bearer_count && ok; i++)
		ok = hand_out(scan, &scan->reader->bearers[i]);
	return ok;
}
