/* SPDX-License-Identifier: BSD-2-Clause */
/* A file's debug sections, its list of units, and its strings. */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btfgen/dwarf-unit.h"
#include "core/cursor.h"

/* Looking for the units that are shared may go through as many attributes of
 * abbreviations as this often the section's bytes: see dwarf-abbrev.c. */
#define WORK_FACTOR 64
#define WORK_FREE   ((size_t)1 << 20)
/* Bytes of .debug_info whose pages are held while its units are listed. */
#define LISTED_AT_ONCE ((size_t)8 << 20)

/* The names of strings by content; open addressing. */
struct string_index {
	const struct dwarf_file *file;
	dwarf_name *slots;
	size_t slot_count, used;
};

static int read_offset(struct cursor *c, unsigned int size, uint64_t *ret)
{
	uint32_t narrow;
	int error;

	if (size == 8)
		return cursor_u64(c, ret);
	error = cursor_u32(c, &narrow);
	if (!error)
		*ret = narrow;
	return error;
}

/* The initial length, which also says whether this is 64-bit DWARF. */
static int read_length(struct cursor *c, struct dwarf_unit *unit)
{
	uint32_t narrow;
	uint64_t length;

	if (cursor_u32(c, &narrow) < 0)
		return -EBADMSG;
	length = narrow;
	unit->encoding.offset_size = 4;
	if (narrow == 0xffffffff) {
		unit->encoding.offset_size = 8;
		if (cursor_u64(c, &length) < 0)
			return -EBADMSG;
	}
	if (length > cursor_left(c))
		return -EBADMSG;
	unit->end = c->pos + length;
	return 0;
}

/* @in_types: the unit stood in .debug_types, whose headers are those of type units
 * without saying so. */
static int read_header_fields(struct cursor *c, struct dwarf_unit *unit, bool in_types)
{
	unsigned int offset_size = unit->encoding.offset_size;
	uint64_t type_offset;
	int error;

	unit->unit_type = in_types ? DW_UT_type : DW_UT_compile;
	if (unit->encoding.version >= 5) {
		error = cursor_u8(c, &unit->unit_type);
		if (!error)
			error = cursor_u8(c, &unit->encoding.address_size);
		if (!error)
			error = read_offset(c, offset_size, &unit->abbrevs);
	} else {
		error = read_offset(c, offset_size, &unit->abbrevs);
		if (!error)
			error = cursor_u8(c, &unit->encoding.address_size);
	}
	if (!error && (unit->unit_type == DW_UT_type || unit->unit_type == DW_UT_split_type)) {
		error = cursor_u64(c, &unit->signature);
		if (!error)
			error = read_offset(c, offset_size, &type_offset);
		if (!error)
			unit->type_die = unit->offset + type_offset;
	} else if (!error &&
		   (unit->unit_type == DW_UT_skeleton || unit->unit_type == DW_UT_split_compile)) {
		error = cursor_skip(c, 8);
	}
	unit->first_die = c->pos;
	return error;
}

int dwarf_refuse_split(const char *path, struct btfpack_error *err)
{
	return btfpack_error_set(err, -EOPNOTSUPP,
				 "%s: split DWARF: the types lie in .dwo files, which btfpack "
				 "does not read; build without -gsplit-dwarf",
				 path);
}

static int read_header(struct cursor *c, struct dwarf_unit *unit, bool in_types, const char *path,
		       struct btfpack_error *err)
{
	*unit = (struct dwarf_unit){ .offset = c->pos };
	if (read_length(c, unit) < 0 || cursor_u16(c, &unit->encoding.version) < 0)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: .debug_info: at offset %#llx: expected a unit, found "
					 "one that reaches past the end",
					 path, (unsigned long long)unit->offset);
	if (unit->encoding.version < 2 || unit->encoding.version > 5)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: .debug_info: at offset %#llx: DWARF version %u, "
					 "expected 2 to 5",
					 path, (unsigned long long)unit->offset,
					 unit->encoding.version);
	if (read_header_fields(c, unit, in_types) < 0 || unit->first_die > unit->end ||
	    (unit->encoding.address_size != 4 && unit->encoding.address_size != 8))
		return btfpack_error_set(
			err, -EBADMSG,
			"%s: .debug_info: at offset %#llx: the unit's header makes "
			"no sense",
			path, (unsigned long long)unit->offset);
	if (unit->unit_type == DW_UT_skeleton || unit->unit_type == DW_UT_split_compile ||
	    unit->unit_type == DW_UT_split_type)
		return dwarf_refuse_split(path, err);
	if (unit->end - unit->offset >= REF_FOREIGN)
		return btfpack_error_set(err, -EFBIG,
					 "%s: .debug_info: at offset %#llx: a unit of 2 GB or more",
					 path, (unsigned long long)unit->offset);
	return cursor_seek(c, unit->end);
}

/* The tag of a unit's first DIE, by its abbreviation; 0 when it cannot be told. Adds
 * to *@work the bytes that were looked at. */
static uint64_t first_tag(const struct dwarf_file *file, const struct dwarf_unit *unit,
			  uint64_t *work)
{
	struct cursor die = cursor_init(file->info.data, unit->end, false, ".debug_info");
	struct cursor c = cursor_init(file->abbrev.data, file->abbrev.size, false, ".debug_abbrev");
	uint64_t wanted, code, tag, name, form;
	uint8_t children;
	int64_t constant;

	if (cursor_seek(&die, unit->first_die) < 0 || cursor_uleb(&die, &wanted) < 0 ||
	    cursor_seek(&c, unit->abbrevs) < 0)
		return 0;
	while (!cursor_uleb(&c, &code) && code && !cursor_uleb(&c, &tag) &&
	       !cursor_u8(&c, &children)) {
		if (code == wanted)
			return tag;
		do {
			++*work;
			if (cursor_uleb(&c, &name) < 0 || cursor_uleb(&c, &form) < 0 ||
			    (form == DW_FORM_implicit_const && cursor_sleb(&c, &constant) < 0))
				return 0;
		} while (name || form);
	}
	return 0;
}

static bool find_shared(const struct dwarf_file *file, const struct dwarf_unit *unit,
			uint64_t *work)
{
	if (unit->unit_type == DW_UT_partial || unit->unit_type == DW_UT_type)
		return true;
	return unit->encoding.version < 5 && first_tag(file, unit, work) == DW_TAG_partial_unit;
}

/* Only heads are read here, yet where the page cache is made of huge pages each maps 2 MiB:
 * without letting go of them all of .debug_info would be resident at a time. */
static void drop_listed(const struct dwarf_file *file, size_t end, size_t *dropped)
{
	if (end - *dropped < LISTED_AT_ONCE)
		return;
	elf_section_drop(&file->info, *dropped, end);
	*dropped = end;
}

static int list_units(struct dwarf_file *file, struct btfpack_error *err)
{
	const char *path = file->image->path;
	struct cursor c = cursor_init(file->info.data, file->info.size, file->image->other_order,
				      ".debug_info");
	uint64_t work = 0;
	size_t room = 0, dropped = 0;

	while (cursor_left(&c)) {
		struct dwarf_unit *unit;
		int error;

		drop_listed(file, c.pos, &dropped);
		if (file->unit_count == room) {
			struct dwarf_unit *units;

			room = room ? room * 2 : 256;
			units = reallocarray(file->units, room, sizeof(*units));
			if (!units)
				return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
			file->units = units;
		}
		unit = &file->units[file->unit_count];
		error = read_header(&c, unit, c.pos >= file->types_start, path, err);
		if (error)
			return error;
		unit->is_shared = find_shared(file, unit, &work);
		if (work / WORK_FACTOR > file->abbrev.size + WORK_FREE)
			return btfpack_error_set(err, -EFBIG,
						 "%s: .debug_abbrev: units share parts of it "
						 "without end",
						 path);
		file->unit_count++;
	}
	elf_section_drop(&file->info, dropped, c.pos);
	return 0;
}

/* --- strings ------------------------------------------------------------------------------------- */

static dwarf_name *string_slot(const struct string_index *index, const char *string, size_t length)
{
	for (size_t i = XXH3_64bits(string, length);; i++) {
		dwarf_name *slot = &index->slots[i & (index->slot_count - 1)];
		char packed[8];
		const char *there;

		if (!*slot)
			return slot;
		there = NAME_PLACE(*slot) == NAME_STR
				? (const char *)index->file->str.data + NAME_VALUE(*slot)
				: dwarf_string(index->file, *slot, packed);
		if (!strncmp(there, string, length) && !there[length])
			return slot;
	}
}

static int string_index_new(const struct dwarf_file *file, struct string_index **ret)
{
	const struct elf_section *section = &file->str;
	const char *start = (const char *)section->data, *nul;
	struct string_index *index = calloc(1, sizeof(*index));
	size_t count = 0;

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; i < section->size; i++)
		count += !start[i];
	index->file = file;
	index->slot_count = 1024;
	while (index->slot_count < count * 2)
		index->slot_count *= 2;
	index->slots = calloc(index->slot_count, sizeof(*index->slots));
	if (!index->slots) {
		free(index);
		return -ENOMEM;
	}
	for (size_t i = 0; i < section->size; i += (size_t)(nul - (start + i)) + 1) {
		dwarf_name *slot;

		nul = memchr(start + i, 0, section->size - i);
		if (!nul)
			break;
		slot = string_slot(index, start + i, (size_t)(nul - (start + i)));
		index->used += !*slot;
		if (!*slot)
			*slot = NAME_MAKE(NAME_STR, i);
	}
	*ret = index; /* the file's */
	return 0;
}

/* A string at @offset of @section, if it ends inside. What is longer than any name
 * is none: a file could name the same megabytes in each of its DIEs. */
#define STRING_MAXIMUM 16384

static const char *section_string(const struct elf_section *section, uint64_t offset)
{
	const char *start;
	size_t left;

	if (offset >= section->size)
		return "";
	start = (const char *)section->data + offset;
	left = section->size - offset;
	return memchr(start, '\0', left < STRING_MAXIMUM ? left : STRING_MAXIMUM) ? start : "";
}

int dwarf_file_set_alt(struct dwarf_file *file, struct dwarf_file *alt, struct btfpack_error *err)
{
	if (!file->strings && string_index_new(file, &file->strings) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", file->image->path);
	file->alt = alt;
	alt->main = file;
	return 0;
}

/* Make room for one more string. */
static bool string_index_has_room(struct string_index *index)
{
	struct string_index bigger = *index;

	if (index->used * 2 < index->slot_count)
		return true;
	bigger.slot_count *= 2;
	bigger.slots = calloc(bigger.slot_count, sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (size_t i = 0; i < index->slot_count; i++) {
		char packed[8];
		const char *string = dwarf_string(index->file, index->slots[i], packed);

		if (index->slots[i])
			*string_slot(&bigger, string, strlen(string)) = index->slots[i];
	}
	free(index->slots);
	*index = bigger;
	return true;
}

/* The one name of @string, which is @name's: its bytes when they are few, else the
 * name under which it was seen first. */
static dwarf_name unify(const struct dwarf_file *home, dwarf_name name, const char *string)
{
	size_t length = strlen(string);
	dwarf_name *slot, packed = 0;

	for (size_t i = 0; i < length && length < 8; i++)
		packed |= (uint64_t)(uint8_t)string[i] << 8 * i;
	if (length < 8)
		return length ? NAME_MAKE(NAME_PACKED, packed) : 0;
	slot = string_slot(home->strings, string, length);
	if (*slot || !string_index_has_room(home->strings)) /* at worst another type */
		return *slot ? *slot : name;
	slot = string_slot(home->strings, string, length);
	home->strings->used++;
	return *slot = name;
}

dwarf_name dwarf_file_name(const struct dwarf_file *file, uint64_t offset)
{
	const struct dwarf_file *home = file->main ? file->main : file;
	dwarf_name name = NAME_MAKE(file->main ? NAME_ALT_STR : NAME_STR, NAME_VALUE(offset));
	const char *string = section_string(&file->str, offset);
	dwarf_name *slot;

	if (home->unified)
		return unify(home, name, string);
	slot = string_slot(home->strings, string, strlen(string));
	return *slot ? *slot : name;
}

dwarf_name dwarf_file_unified(const struct dwarf_file *file, dwarf_name name)
{
	const struct dwarf_file *home = file->main ? file->main : file;
	char packed[8];

	return home->unified ? unify(home, name, dwarf_string(home, name, packed)) : name;
}

int dwarf_file_unify(struct dwarf_file *file)
{
	file->unified = true;
	return file->strings ? 0 : string_index_new(file, &file->strings);
}

/* Whether .debug_str has one string several times: `ld -r` does not merge them, nor
 * do linkers at -O0. Every unit of C names this type, so it tells. */
static bool has_repeats(const struct elf_section *section)
{
	static const char *const common[] = { "long unsigned int", "unsigned long", "int", "char" };

	for (size_t i = 0; i < ARRAY_SIZE(common); i++) {
		size_t length = strlen(common[i]) + 1, count = 0;
		const uint8_t *at = section->data, *end = at ? at + section->size : NULL;

		while (count < 2 && at < end &&
		       (at = memmem(at, (size_t)(end - at), common[i], length))) {
			count += at == section->data || !at[-1];
			at += length;
		}
		if (count > 1)
			return true;
	}
	return false;
}

/* --- the file
 * ---------------------------------------------------------------------------------------- */

/* Before DWARF 5, type units had a section of their own. They are read as if they
 * stood at the end of .debug_info: their references are relative to the unit, and
 * others refer to them by signature. */
static int join_types(struct dwarf_file *file, struct btfpack_error *err)
{
	struct elf_section types;
	uint8_t *joined;
	int error = elf_image_section(file->image, ".debug_types", &types, err);

	file->types_start = file->info.size;
	if (error || !types.size)
		return error;
	joined = malloc(file->info.size + types.size);
	if (!joined)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", file->image->path);
	if (file->info.size)
		memcpy(joined, file->info.data, file->info.size);
	memcpy(joined + file->info.size, types.data, types.size);
	file->joined = joined;
	file->info = (struct elf_section){
		.data = joined,
		.size = file->info.size + types.size,
	};
	return 0;
}

int dwarf_file_init(struct dwarf_file *file, struct elf_image *image, struct btfpack_error *err)
{
	const struct {
		const char *name;
		struct elf_section *section;
	} wanted[] = {
		{ ".debug_info", &file->info },
		{ ".debug_abbrev", &file->abbrev },
		{ ".debug_str", &file->str },
		{ ".debug_line_str", &file->line_str },
		{ ".debug_str_offsets", &file->str_offsets },
		{ ".debug_addr", &file->addr },
		{ ".debug_loc", &file->loc },
		{ ".debug_loclists", &file->loclists },
	};
	int error = 0;

	*file = (struct dwarf_file){ .image = image };
	for (size_t i = 0; i < ARRAY_SIZE(wanted) && !error; i++)
		error = elf_image_section(image, wanted[i].name, wanted[i].section, err);
	if (!error)
		error = join_types(file, err);
	if (!error && !file->info.size)
		error = btfpack_error_set(err, -EOPNOTSUPP,
					  "%s: no DWARF debug information (.debug_info) in it; the "
					  "debug package of this kernel has a vmlinux with it",
					  image->path);
	if (error)
		dwarf_file_deinit(file);
	return error;
}

int dwarf_file_list(struct dwarf_file *file, struct btfpack_error *err)
{
	int error = list_units(file, err);

	if (!error && has_repeats(&file->str) && string_index_new(file, &file->strings) < 0)
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", file->image->path);
	return error;
}

void dwarf_file_deinit(struct dwarf_file *file)
{
	free(file->units);
	free(file->joined);
	file->joined = NULL;
	if (file->strings)
		free(file->strings->slots);
	free(file->strings);
	file->strings = NULL;
	file->units = NULL;
	file->unit_count = 0;
}

const char *dwarf_string(const struct dwarf_file *file, dwarf_name name, char packed[8])
{
	uint64_t value = NAME_VALUE(name);

	switch (NAME_PLACE(name)) {
	case NAME_PACKED:
		for (int i = 0; i < 8; i++)
			packed[i] = (char)(value >> 8 * i);
		return packed; /* the eighth byte is the place, cut off: a NUL */
	case NAME_STR:
		return section_string(&file->str, value);
	case NAME_LINE_STR:
		return section_string(&file->line_str, value);
	case NAME_INFO:
		return section_string(&file->info, value);
	case NAME_ALT_INFO:
		return file->alt ? section_string(&file->alt->info, value) : "";
	case NAME_ALT_STR:
		return file->alt ? section_string(&file->alt->str, value) : "";
	default:
		return "";
	}
}
