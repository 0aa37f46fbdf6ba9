/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/core-relos.h"

const char *core_kind_name(enum bpf_core_relo_kind kind)
{
	static const char *const names[] = {
		[BPF_CORE_FIELD_BYTE_OFFSET] = "field offset",
		[BPF_CORE_FIELD_BYTE_SIZE] = "field size",
		[BPF_CORE_FIELD_EXISTS] = "field exists",
		[BPF_CORE_FIELD_SIGNED] = "field signed",
		[BPF_CORE_FIELD_LSHIFT_U64] = "field left shift",
		[BPF_CORE_FIELD_RSHIFT_U64] = "field right shift",
		[BPF_CORE_TYPE_ID_LOCAL] = "local type id",
		[BPF_CORE_TYPE_ID_TARGET] = "target type id",
		[BPF_CORE_TYPE_EXISTS] = "type exists",
		[BPF_CORE_TYPE_SIZE] = "type size",
		[BPF_CORE_ENUMVAL_EXISTS] = "enum value exists",
		[BPF_CORE_ENUMVAL_VALUE] = "enum value",
		[BPF_CORE_TYPE_MATCHES] = "type matches",
	};

	return (size_t)kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}

bool core_kinds_agree(const struct btf_type *a, const struct btf_type *b)
{
	return btf_type_kind(a) == btf_type_kind(b) ||
	       (btf_kind_is_enum(btf_type_kind(a)) && btf_kind_is_enum(btf_type_kind(b)));
}

int64_t core_size(const struct core_btf *btf, uint32_t id)
{
	uint64_t size;

	if (btf_view_size(btf->view, id, btf->pointer_size, &size) < 0)
		return -EINVAL;
	return size > UINT32_MAX ? -E2BIG : (int64_t)size;
}

bool core_is_flexible(const struct core_btf *btf, const struct core_step *last,
		      const struct btf_array *array)
{
	const struct btf_type *composite;

	if (!last->name || array->nelems)
		return false;
	composite = btf_view_type(btf->view, last->type_id);
	return last->index + 1 == btf_type_vlen(composite);
}

static int bad_access(const struct bpf_object *object, const struct bpf_object_relo *relo,
		      const char *why, struct btfpack_error *err)
{
	const struct btf_type *t = btf_view_type(&object->btf, relo->type_id);

	return btfpack_error_set(err, -EBADMSG,
				 "%s: section %s, instruction %u: access string '%.40s' does not "
				 "fit %s %.60s: %s",
				 object->name, object->sections[relo->section].name,
				 relo->instruction, relo->access, btf_kind_name(btf_type_kind(t)),
				 btf_view_name(&object->btf, t), why);
}

/* "0:1:2" → numbers. NULL, or what is wrong. */
static const char *parse_numbers(const char *access, struct core_path *path)
{
	for (;;) {
		unsigned long number;
		char *end;

		if (*access < '0' || *access > '9')
			return "expected numbers with colons between";
		errno = 0;
		number = strtoul(access, &end, 10);
		if (errno || number > INT32_MAX)
			return "a number is too large";
		if (path->raw_count == CORE_PATH_MAXIMUM)
			return "too many numbers";
		path->raw[path->raw_count++] = (uint32_t)number;
		if (!*end)
			return NULL;
		if (*end != ':')
			return "expected numbers with colons between";
		access = end + 1;
	}
}

static void add_step(struct core_path *path, const char *name, uint32_t type_id, uint32_t index)
{
	path->steps[path->step_count++] =
		(struct core_step){ .name = name, .type_id = type_id, .index = index };
}

static const char *parse_enum_value(const struct core_btf *btf, struct core_path *path, uint32_t id)
{
	const struct btf_type *t = btf_view_type(btf->view, id);
	uint32_t name;

	if (!btf_kind_is_enum(btf_type_kind(t)))
		return "not an enum";
	if (path->raw_count > 1 || path->raw[0] >= btf_type_vlen(t))
		return "no such enumerator";
	name = btf_type_kind(t) == BTF_KIND_ENUM ? btf_type_enums(t)[path->raw[0]].name_off
						 : btf_type_enums64(t)[path->raw[0]].name_off;
	add_step(path, btf_view_string(btf->view, name), id, path->raw[0]);
	return NULL;
}

static const char *parse_member(const struct core_btf *btf, struct core_path *path,
				const struct btf_type *t, uint32_t *id, uint32_t index)
{
	const struct btf_member *m = btf_type_members(t) + index;
	const char *name;

	if (index >= btf_type_vlen(t))
		return "no such member";
	name = btf_view_string(btf->view, m->name_off);
	path->bit_offset += btf_member_bit_offset(t, m);
	if (*name)
		add_step(path, name, *id, index);
	*id = m->type;
	return NULL;
}

static const char *parse_element(const struct core_btf *btf, struct core_path *path,
				 const struct btf_type *t, uint32_t *id, uint32_t index)
{
	const struct btf_array *array = btf_type_array(t);
	int64_t size;

	if (index >= array->nelems &&
	    !core_is_flexible(btf, &path->steps[path->step_count - 1], array))
		return "beyond the end of the array";
	*id = btf_view_skip_typedefs(btf->view, array->type);
	size = core_size(btf, *id);
	if (size < 0)
		return "an array of something without a size";
	add_step(path, NULL, *id, index);
	path->bit_offset += (uint32_t)(index * (uint64_t)size * 8);
	return NULL;
}

static const char *parse_field(const struct core_btf *btf, struct core_path *path, uint32_t id)
{
	int64_t size = core_size(btf, id);
	const char *wrong = NULL;

	if (size < 0)
		return "a type without a size";
	add_step(path, NULL, id, path->raw[0]);
	path->bit_offset = (uint32_t)(path->raw[0] * (uint64_t)size * 8);
	for (uint32_t i = 1; !wrong && i < path->raw_count; i++) {
		const struct btf_type *t;

		id = btf_view_skip_typedefs(btf->view, id);
		t = btf_view_type(btf->view, id);
		if (btf_kind_is_composite(btf_type_kind(t)))
			wrong = parse_member(btf, path, t, &id, path->raw[i]);
		else if (btf_type_kind(t) == BTF_KIND_ARRAY)
			wrong = parse_element(btf, path, t, &id, path->raw[i]);
		else
			wrong = "it goes on below a type that has neither members nor elements";
	}
	return wrong;
}

int core_path_parse(const struct bpf_object *object, const struct core_btf *btf,
		    const struct bpf_object_relo *relo, struct core_path *ret,
		    struct btfpack_error *err)
{
	uint32_t id = btf_view_skip_typedefs(btf->view, relo->type_id);
	const char *wrong;

	ret->root = relo->type_id;
	ret->step_count = ret->raw_count = ret->bit_offset = 0;
	wrong = parse_numbers(relo->access, ret);
	if (!wrong && core_kind_is_field(relo->kind))
		wrong = parse_field(btf, ret, id);
	else if (!wrong && core_kind_is_enum_value(relo->kind))
		wrong = parse_enum_value(btf, ret, id);
	else if (!wrong && (ret->raw_count != 1 || ret->raw[0]))
		wrong = "expected 0 for a relocation of a whole type";
	return wrong ? bad_access(object, relo, wrong, err) : 0;
}

/* A position in a caller's buffer, which stays NUL-terminated and is cut. */
struct text {
	char *data;
	size_t size;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void add_text(struct text *text, const char *format,
							   ...)
{
	va_list args;
	int length;

	if (text->used + 1 >= text->size)
		return;
	va_start(args, format);
	length = vsnprintf(text->data + text->used, text->size - text->used, format, args);
	va_end(args);
	if (length > 0)
		text->used += (size_t)length;
}

void core_path_format(const struct core_btf *btf, const struct core_path *path,
		      enum bpf_core_relo_kind kind, char *ret, size_t size)
{
	const struct btf_type *t = btf_view_type(btf->view, path->root);
	const char *name = btf_view_name(btf->view, t);
	struct text text = { .data = ret, .size = size };

	add_text(&text, "%s %s", btf_kind_name(btf_type_kind(t)), *name ? name : "(anonymous)");
	if (core_kind_is_enum_value(kind))
		add_text(&text, "::%s", path->steps[0].name);
	if (!core_kind_is_field(kind))
		return;
	for (uint32_t i = 0; i < path->step_count; i++) {
		const struct core_step *step = &path->steps[i];

		if (step->name)
			add_text(&text, ".%s", step->name);
		else if (i || step->index)
			add_text(&text, "[%u]", step->index);
	}
}
