/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/btf-ext.h"
#include "core/cursor.h"

/*
 * The layout, in the object's byte order (Documentation/bpf/btf.rst):
 *
 *	u16 magic, u8 version, u8 flags, u32 header length
 *	u32 offset, u32 length		of function information
 *	u32 offset, u32 length		of line information
 *	u32 offset, u32 length		of CO-RE records; since clang 10
 *
 * offsets counting from the header's end. A table is a u32 record size, then for
 * each section: u32 name, u32 number of records, the records.
 */
#define HEADER_WITHOUT_CORE 24
#define HEADER_WITH_CORE    32

struct table {
	uint32_t offset;
	uint32_t size;
};

static int read_header(struct cursor *c, struct table ret[3], uint32_t *length_ret,
		       struct btfpack_error *err)
{
	uint16_t magic = 0;
	uint8_t version = 0, flags;

	if (cursor_u16(c, &magic) || cursor_u8(c, &version) || cursor_u8(c, &flags) ||
	    cursor_u32(c, length_ret))
		return cursor_fail(c, err, "the header is cut off");
	if (magic != BTF_MAGIC)
		return cursor_fail(c, err, "expected the magic number 0xeb9f");
	if (version != BTF_VERSION)
		return btfpack_error_set(err, -EOPNOTSUPP, "%s: version %u, expected %u", c->what,
					 version, BTF_VERSION);
	if (*length_ret < HEADER_WITHOUT_CORE || *length_ret > c->size)
		return cursor_fail(c, err, "the header length is out of range");
	for (int i = 0; i < 3; i++) {
		ret[i] = (struct table){ 0 };
		if (i == 2 && *length_ret < HEADER_WITH_CORE)
			break;
		if (cursor_u32(c, &ret[i].offset) || cursor_u32(c, &ret[i].size))
			return cursor_fail(c, err, "the header is cut off");
		if ((uint64_t)ret[i].offset + ret[i].size > c->size - *length_ret)
			return cursor_fail(c, err, "a table lies outside the section");
	}
	return 0;
}

static int add_relo(struct bpf_object *object, struct cursor *c, int32_t section,
		    struct btfpack_error *err)
{
	struct bpf_object_relo *relo = &object->relos[object->relo_count];
	uint32_t offset, access, kind;

	if (cursor_u32(c, &offset) || cursor_u32(c, &relo->type_id) || cursor_u32(c, &access) ||
	    cursor_u32(c, &kind))
		return cursor_fail(c, err, "a CO-RE record is cut off");
	if (section < 0) /* of a section that is not code (any more): libbpf skips it too */
		return 0;
	if (relo->type_id >= object->btf.end_id)
		return cursor_fail(c, err, "a CO-RE record's type id is out of range");
	if (access >= object->btf.end_string)
		return cursor_fail(c, err, "a CO-RE record's access string is out of range");
	if (kind > BPF_CORE_TYPE_MATCHES)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: CO-RE relocation of unknown kind %u, for instruction "
					 "%u of section %s",
					 c->what, kind, offset / 8, object->sections[section].name);
	if (offset % sizeof(struct bpf_insn) ||
	    offset / sizeof(struct bpf_insn) >= object->sections[section].count)
		return cursor_fail(c, err, "a CO-RE record's instruction is out of range");
	relo->section = (uint32_t)section;
	relo->instruction = offset / sizeof(struct bpf_insn);
	relo->access = btf_view_string(&object->btf, access);
	relo->kind = kind;
	relo->function = bpf_object_find_function(object, relo->section, relo->instruction);
	object->relo_count++;
	return 0;
}

static int32_t find_section_by_name(const struct bpf_object *object, const char *name)
{
	for (size_t i = 0; i < object->section_count; i++)
		if (!strcmp(object->sections[i].name, name))
			return (int32_t)i;
	return -1;
}

static int read_core_section(struct bpf_object *object, struct cursor *c, uint32_t record_size,
			     struct btfpack_error *err)
{
	uint32_t name, count;
	int32_t section;
	int error = 0;

	if (cursor_u32(c, &name) || cursor_u32(c, &count))
		return cursor_fail(c, err, "the CO-RE table is cut off");
	if (name >= object->btf.end_string)
		return cursor_fail(c, err, "a section's name is out of range");
	if (!count)
		return cursor_fail(c, err, "a section has no CO-RE records");
	section = find_section_by_name(object, btf_view_string(&object->btf, name));
	for (uint32_t i = 0; !error && i < count; i++) {
		size_t next = c->pos + record_size;

		error = add_relo(object, c, section, err);
		if (!error && cursor_seek(c, next) < 0)
			return cursor_fail(c, err, "a CO-RE record is cut off");
	}
	return error;
}

static int read_core_table(struct bpf_object *object, struct cursor *c, struct btfpack_error *err)
{
	uint32_t record_size;
	int error = 0;

	if (cursor_u32(c, &record_size) || record_size < sizeof(struct bpf_core_relo) ||
	    record_size % 4)
		return cursor_fail(c, err, "the size of CO-RE records makes no sense");
	object->relos = calloc(cursor_left(c) / record_size + 1, sizeof(*object->relos));
	if (!object->relos)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", object->name);
	while (!error && cursor_left(c))
		error = read_core_section(object, c, record_size, err);
	return error;
}

int btf_ext_read(struct bpf_object *object, const void *data, size_t size,
		 struct btfpack_error *err)
{
	struct cursor c;
	struct table tables[3];
	uint32_t length;
	char what[280];
	int error;

	snprintf(what, sizeof(what), "%.255s: .BTF.ext", object->name);
	c = cursor_init(data, size, object->other_order, what);
	error = read_header(&c, tables, &length, err);
	if (error < 0 || !tables[2].size)
		return error;
	c = cursor_init((const uint8_t *)data + length + tables[2].offset, tables[2].size,
			object->other_order, what);
	return read_core_table(object, &c, err);
}
