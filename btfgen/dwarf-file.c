/* SPDX-License-Identifier: BSD-2-Clause */
/* A file's debug sections, its list of units, and its strings. */
#include <dwarf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/dwarf-unit.h"
#include "core/cursor.h"

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

static int read_header_fields(struct cursor *c, struct dwarf_unit *unit)
{
	unsigned int offset_size = unit->encoding.offset_size;
	uint64_t type_offset;
	int error;

	unit->unit_type = DW_UT_compile;
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

static int read_header(struct cursor *c, struct dwarf_unit *unit, const char *path,
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
	if (read_header_fields(c, unit) < 0 || unit->first_die > unit->end ||
	    (unit->encoding.address_size != 4 && unit->encoding.address_size != 8))
		return btfpack_error_set(
			err, -EBADMSG,
			"%s: .debug_info: at offset %#llx: the unit's header makes "
			"no sense",
			path, (unsigned long long)unit->offset);
	if (unit->unit_type == DW_UT_skeleton || unit->unit_type == DW_UT_split_compile ||
	    unit->unit_type == DW_UT_split_type)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: split DWARF: the types lie in .dwo files, which "
					 "btfpack does not read; build without -gsplit-dwarf",
					 path);
	if (unit->end - unit->offset >= REF_FOREIGN)
		return btfpack_error_set(err, -EFBIG,
					 "%s: .debug_info: at offset %#llx: a unit of 2 GB or more",
					 path, (unsigned long long)unit->offset);
	return cursor_seek(c, unit->end);
}

static int list_units(struct dwarf_file *file, struct btfpack_error *err)
{
	const char *path = file->image->path;
	struct cursor c = cursor_init(file->info.data, file->info.size, file->image->other_order,
				      ".debug_info");
	size_t room = 0;

	while (cursor_left(&c)) {
		int error;

		if (file->unit_count == room) {
			struct dwarf_unit *units;

			room = room ? room * 2 : 256;
			units = reallocarray(file->units, room, sizeof(*units));
			if (!units)
				return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
			file->units = units;
		}
		error = read_header(&c, &file->units[file->unit_count], path, err);
		if (error)
			return error;
		file->unit_count++;
	}
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
		{ ".debug_loc", &file->loc },
		{ ".debug_loclists", &file->loclists },
	};
	int error = 0;

	*file = (struct dwarf_file){ .image = image };
	for (size_t i = 0; i < ARRAY_SIZE(wanted) && !error; i++)
		error = elf_image_section(image, wanted[i].name, wanted[i].section, err);
	if (!error && !file->info.size)
		error = btfpack_error_set(err, -EOPNOTSUPP,
					  "%s: no DWARF debug information (.debug_info) in it; the "
					  "debug package of this kernel has a vmlinux with it",
					  image->path);
	if (!error)
		error = list_units(file, err);
	if (error)
		dwarf_file_deinit(file);
	return error;
}

void dwarf_file_deinit(struct dwarf_file *file)
{
	free(file->units);
	file->units = NULL;
	file->unit_count = 0;
}

/* A string at @offset of @section, if it ends inside. */
static const char *section_string(const struct elf_section *section, uint64_t offset)
{
	const char *start = (const char *)section->data + offset;

	if (offset >= section->size || !memchr(start, '\0', section->size - offset))
		return "";
	return start;
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
	case NAME_ALT_STR:
		return file->alt ? section_string(&file->alt->str, value) : "";
	default:
		return "";
	}
}
