/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gadget-runner/elf-section.h"
#include "gadget-runner/gadget-spec.h"

#define FIELDS_MAXIMUM 256 /* options or columns of one object */
#define DEPTH_MAXIMUM  8   /* structs in structs */

/* --- decl tags --------------------------------------------------------------- */

struct tags {
	const char *doc, *short_name, *default_text, *name, *format, *with, *width;
	const char *optional, *instead_of, *unit, *hidden;
};

static void note_tag(struct tags *tags, const char *text)
{
	const struct {
		const char *prefix;
		const char **value;
	} table[] = {
		{ "doc:", &tags->doc },
		{ "short:", &tags->short_name },
		{ "default:", &tags->default_text },
		{ "name:", &tags->name },
		{ "format:", &tags->format },
		{ "with:", &tags->with },
		{ "width:", &tags->width },
		{ "optional:", &tags->optional },
		{ "instead-of:", &tags->instead_of },
		{ "unit:", &tags->unit },
		{ "hidden:", &tags->hidden },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strncmp(text, table[i].prefix, strlen(table[i].prefix)))
			*table[i].value = text + strlen(table[i].prefix);
}

/* The tags on type @id, or on its member @component; -1: on the type itself. */
static struct tags find_tags(const struct btf_view *btf, uint32_t id, int component)
{
	struct tags tags = { 0 };

	for (uint32_t i = 1; i < btf->end_id; i++) {
		const struct btf_type *t = btf_view_type(btf, i);

		if (btf_type_kind(t) == BTF_KIND_DECL_TAG && t->type == id &&
		    ((const struct btf_decl_tag *)(t + 1))->component_idx == component)
			note_tag(&tags, btf_view_name(btf, t));
	}
	return tags;
}

/* --- structs to fields ------------------------------------------------------- */

static enum gadget_kind array_kind(const struct btf_view *btf, const struct btf_type *array)
{
	const struct btf_type *item =
		btf_view_type(btf, btf_view_skip_typedefs(btf, btf_type_array(array)->type));

	if (btf_type_kind(item) != BTF_KIND_INT || item->size != 1)
		return GADGET_OTHER;
	return !strcmp(btf_view_name(btf, item), "char") ? GADGET_STRING : GADGET_BYTES;
}

static enum gadget_kind kind_of(const struct btf_view *btf, const struct btf_type *t)
{
	switch (btf_type_kind(t)) {
	case BTF_KIND_INT:
		if (BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_BOOL)
			return GADGET_BOOL;
		return BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_SIGNED
			       ? GADGET_SIGNED
			       : GADGET_UNSIGNED;
	case BTF_KIND_PTR:
		return GADGET_UNSIGNED;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return GADGET_ENUM;
	case BTF_KIND_ARRAY:
		return array_kind(btf, t);
	default:
		return GADGET_OTHER;
	}
}

static bool is_taken(const struct gadget_fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (!strcmp(fields->items[i].name, name))
			return true;
	return false;
}

/* "max_args" → "max-args" for the command line; the other way for columns. */
static void respell(char *name, char from, char to)
{
	for (; *name; name++)
		if (*name == from)
			*name = to;
}

static char *field_name(const struct gadget_fields *fields, const char *outer, const char *name,
			char separator)
{
	char *ret;

	if (is_taken(fields, name) && *outer) {
		if (asprintf(&ret, "%s%c%s", outer, separator, name) < 0)
			return NULL;
	} else {
		ret = strdup(name);
	}
	if (ret)
		respell(ret, separator == '-' ? '_' : '-', separator);
	return ret;
}

static struct gadget_field *add_field(struct gadget_fields *fields)
{
	struct gadget_field *items;

	if (fields->count == FIELDS_MAXIMUM)
		return NULL;
	items = realloc(fields->items, (fields->count + 1) * sizeof(*items));
	if (!items)
		return NULL;
	fields->items = items;
	items[fields->count] = (struct gadget_field){ .doc = "", .format = "" };
	return &items[fields->count];
}

struct place {
	const char *outer; /* name of the struct member this lies in, or "" */
	uint64_t bit_offset;
	char separator; /* '-' for options, '_' for columns */
};

static int add_value(const struct btf_view *btf, struct gadget_fields *fields, const char *name,
		     const struct tags *tags, uint32_t type_id, uint32_t bit_width,
		     const struct place *place)
{
	uint64_t size;
	struct gadget_field *field;
	uint32_t id = btf_view_skip_typedefs(btf, type_id);
	const struct btf_type *t = btf_view_type(btf, id);

	/* Whatever has no size, or lies beyond all reason, is nobody's column. */
	if (btf_view_size(btf, id, 8, &size) < 0 || size > UINT32_MAX / 8 ||
	    place->bit_offset > UINT32_MAX)
		return 0;
	field = add_field(fields);
	if (!field)
		return fields->count == FIELDS_MAXIMUM ? -EFBIG : -ENOMEM;
	field->name =
		field_name(fields, place->outer, tags->name ? tags->name : name, place->separator);
	if (!field->name)
		return -ENOMEM;
	field->doc = tags->doc ? tags->doc : "";
	field->format = tags->format ? tags->format : "";
	field->default_text = tags->default_text;
	field->with = tags->with;
	field->unit = tags->unit;
	field->short_name = tags->short_name ? tags->short_name[0] : 0;
	field->width = tags->width ? strtoul(tags->width, NULL, 10) % 1000 : 0;
	field->kind = kind_of(btf, t);
	field->type_id = id;
	field->bit_offset = place->bit_offset;
	field->bit_size = bit_width ? bit_width : size * 8;
	fields->count++;
	return 0;
}

/* Structs without a format of their own dissolve into their members. */
static int add_members(const struct btf_view *btf, struct gadget_fields *fields, uint32_t struct_id,
		       const struct place *outer, int depth)
{
	const struct btf_type *t = btf_view_type(btf, struct_id);
	const struct btf_member *members = btf_type_members(t);

	for (unsigned int i = 0; i < btf_type_vlen(t); i++) {
		uint32_t id = btf_view_skip_typedefs(btf, members[i].type);
		const char *name = btf_view_string(btf, members[i].name_off);
		struct tags tags = find_tags(btf, struct_id, i);
		struct place place = *outer;
		int ret;

		place.bit_offset += btf_member_bit_offset(t, &members[i]);
		if (tags.hidden)
			continue;
		if (btf_type_kind(btf_view_type(btf, id)) == BTF_KIND_STRUCT && !tags.format &&
		    depth < DEPTH_MAXIMUM) {
			place.outer = name;
			ret = add_members(btf, fields, id, &place, depth + 1);
		} else if (*name) {
			ret = add_value(btf, fields, name, &tags, members[i].type,
					btf_member_bit_width(t, &members[i]), &place);
		} else {
			ret = 0;
		}
		if (ret < 0)
			return ret;
	}
	return 0;
}

static int fields_of(const struct btf_view *btf, uint32_t type_id, char separator,
		     struct gadget_fields *ret)
{
	uint32_t id = btf_view_skip_typedefs(btf, type_id);
	const struct btf_type *t = btf_view_type(btf, id);
	struct place place = { .outer = "", .separator = separator };
	uint64_t size;

	if (btf_view_size(btf, id, 8, &size) < 0)
		return 0;
	ret->size = size;
	if (btf_type_kind(t) == BTF_KIND_STRUCT)
		return add_members(btf, ret, id, &place, 0);
	if (separator == '_') {
		struct tags none = { 0 };

		return add_value(btf, ret, "value", &none, id, 0, &place);
	}
	return 0;
}

static void free_fields(struct gadget_fields *fields)
{
	for (size_t i = 0; i < fields->count; i++)
		free(fields->items[i].name);
	free(fields->items);
}

/* --- maps, variables, programs ------------------------------------------------ */

static uint32_t find_datasec(const struct btf_view *btf, const char *name)
{
	for (uint32_t id = 1; id < btf->end_id; id++) {
		const struct btf_type *t = btf_view_type(btf, id);

		if (btf_type_kind(t) == BTF_KIND_DATASEC && !strcmp(btf_view_name(btf, t), name))
			return id;
	}
	return 0;
}

static const struct btf_type *section_variable(const struct btf_view *btf, uint32_t datasec,
					       unsigned int index, uint32_t *id_ret)
{
	const struct btf_type *t = btf_view_type(btf, datasec);

	*id_ret = btf_type_secinfos(t)[index].type;
	t = btf_view_type(btf, *id_ret);
	return btf_type_kind(t) == BTF_KIND_VAR ? t : NULL;
}

/* The VAR of the map @name; 0 when the object has none. */
static uint32_t find_map(const struct btf_view *btf, const char *name)
{
	uint32_t datasec = find_datasec(btf, ".maps");

	for (unsigned int i = 0; i < btf_type_vlen(btf_view_type(btf, datasec)); i++) {
		uint32_t id;
		const struct btf_type *var = section_variable(btf, datasec, i, &id);

		if (var && !strcmp(btf_view_name(btf, var), name))
			return id;
	}
	return 0;
}

/* What the map's definition points to under @what ("key", "value"); 0: nothing. */
static uint32_t map_type(const struct btf_view *btf, uint32_t map, const char *what)
{
	const struct btf_type *t =
		btf_view_type(btf, btf_view_skip_typedefs(btf, btf_view_type(btf, map)->type));

	if (!map || btf_type_kind(t) != BTF_KIND_STRUCT)
		return 0;
	for (unsigned int i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *member = &btf_type_members(t)[i];
		const struct btf_type *pointer = btf_view_type(btf, member->type);

		if (!strcmp(btf_view_string(btf, member->name_off), what) &&
		    btf_type_kind(pointer) == BTF_KIND_PTR)
			return pointer->type;
	}
	return 0;
}

static int read_options(struct gadget_spec *spec)
{
	uint32_t map = find_map(&spec->btf, "options");
	uint32_t value = map_type(&spec->btf, map, "value");
	struct tags tags = find_tags(&spec->btf, map, -1);

	if (map && tags.doc)
		spec->doc = tags.doc;
	return value ? fields_of(&spec->btf, value, '-', &spec->options) : 0;
}

/* Constants of the object (const volatile int min_ms = 10;): settable before load. */
static int read_variables(struct gadget_spec *spec, const struct elf_object *elf,
			  struct btfpack_error *err)
{
	const struct btf_view *btf = &spec->btf;
	uint32_t datasec = find_datasec(btf, ".rodata");
	struct elf_section section;
	int ret = datasec ? elf_object_find(elf, ".rodata", &section, err) : -ENOENT;

	if (ret < 0)
		return ret == -ENOENT ? 0 : ret;
	spec->variables.size = section.size;
	for (unsigned int i = 0; i < btf_type_vlen(btf_view_type(btf, datasec)); i++) {
		uint32_t id;
		const struct btf_type *var = section_variable(btf, datasec, i, &id);
		struct place place = { .outer = "", .separator = '-' };
		size_t before = spec->variables.count;
		struct tags tags;
		uint64_t offset;

		if (!var || !*btf_view_name(btf, var))
			continue;
		ret = elf_object_find_symbol(elf, btf_view_name(btf, var), section.index, &offset,
					     err);
		if (ret == -ENOENT || (!ret && offset > UINT32_MAX / 8))
			continue;
		if (ret < 0)
			return ret;
		place.bit_offset = offset * 8;
		tags = find_tags(btf, id, -1);
		ret = add_value(btf, &spec->variables, btf_view_name(btf, var), &tags, var->type, 0,
				&place);
		if (ret < 0)
			return ret;
		if (spec->variables.count > before)
			spec->variables.items[before].variable = btf_view_name(btf, var);
	}
	return 0;
}

static uint32_t find_struct(const struct btf_view *btf, const char *name)
{
	for (uint32_t id = 1; id < btf->end_id; id++) {
		const struct btf_type *t = btf_view_type(btf, id);

		if ((btf_type_kind(t) == BTF_KIND_STRUCT || btf_type_kind(t) == BTF_KIND_TYPEDEF) &&
		    !strcmp(btf_view_name(btf, t), name))
			return id;
	}
	return 0;
}

/* The names people give the struct of their events, likeliest first. */
static uint32_t guess_event(const struct gadget_spec *spec)
{
	static const char *const patterns[] = { "event", "%s_event", "event_t", "%s_event_t",
						"data_t" };

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		char name[128];
		uint32_t id;
		const char *percent = strchr(patterns[i], '%');

		snprintf(name, sizeof(name), "%s%s", percent ? spec->name : "",
			 percent ? percent + 2 : patterns[i]);
		id = find_struct(&spec->btf, name);
		if (id)
			return id;
	}
	return 0;
}

static int read_columns(struct gadget_spec *spec, const char *event_type, struct btfpack_error *err)
{
	uint32_t id;

	if (event_type) {
		id = find_struct(&spec->btf, event_type);
		if (!id)
			return btfpack_error_set(err, -ENOENT, "%s: its BTF has no struct '%s'",
						 spec->name, event_type);
	} else {
		id = map_type(&spec->btf, find_map(&spec->btf, "event"), "value");
		if (!id)
			id = guess_event(spec);
	}
	return id ? fields_of(&spec->btf, id, '_', &spec->columns) : 0;
}

static int read_histogram(struct gadget_spec *spec)
{
	const struct btf_view *btf = &spec->btf;
	uint32_t map = find_map(btf, "histogram");
	uint32_t value = btf_view_skip_typedefs(btf, map_type(btf, map, "value"));
	const struct btf_type *t = btf_view_type(btf, value);
	struct tags tags;

	if (!map || btf_type_kind(t) != BTF_KIND_STRUCT || !btf_type_vlen(t))
		return 0;
	t = btf_view_type(btf, btf_view_skip_typedefs(btf, btf_type_members(t)[0].type));
	if (btf_type_kind(t) != BTF_KIND_ARRAY || btf_type_array(t)->nelems > 64)
		return 0;
	tags = find_tags(btf, map, -1);
	spec->has_histogram = true;
	spec->histogram_slots = btf_type_array(t)->nelems;
	spec->histogram_unit = tags.unit ? tags.unit : "";
	return fields_of(btf, map_type(btf, map, "key"), '_', &spec->keys);
}

static int read_programs(struct gadget_spec *spec)
{
	const struct btf_view *btf = &spec->btf;

	for (uint32_t id = 1; id < btf->end_id; id++) {
		const struct btf_type *t = btf_view_type(btf, id);
		struct gadget_program *programs;
		struct tags tags;

		if (btf_type_kind(t) != BTF_KIND_FUNC || spec->program_count == FIELDS_MAXIMUM)
			continue;
		programs = realloc(spec->programs, (spec->program_count + 1) * sizeof(*programs));
		if (!programs)
			return -ENOMEM;
		spec->programs = programs;
		tags = find_tags(btf, id, -1);
		programs[spec->program_count++] = (struct gadget_program){
			.name = btf_view_name(btf, t),
			.is_optional = tags.optional,
			.instead_of = tags.instead_of,
		};
	}
	return 0;
}

/* --- the whole ------------------------------------------------------------------ */

/* .BTF.ext's header, of 32 bytes since it knows CO-RE, ends with the length of the
 * relocations. */
static int read_relocations(struct gadget_spec *spec, const struct elf_object *elf,
			    struct btfpack_error *err)
{
	struct elf_section section;
	struct cursor c;
	uint32_t header = 0, length = 0;
	int ret = elf_object_find(elf, ".BTF.ext", &section, err);

	if (ret < 0 || !section.data)
		return ret == -ENOENT ? 0 : ret;
	c = cursor_init(section.data, section.size, elf->bytes.swap, elf->bytes.what);
	if (!cursor_seek(&c, 4) && !cursor_u32(&c, &header) && header >= 32 && !cursor_seek(&c, 28))
		cursor_u32(&c, &length);
	spec->needs_kernel_btf = length > 0;
	return 0;
}

/* "/usr/share/gadgets/execsnoop.bpf.o" → "execsnoop". */
static char *object_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	size_t length = strlen(base);

	if (length > 2 && !strcmp(base + length - 2, ".o"))
		length -= 2;
	if (length > 4 && !strncmp(base + length - 4, ".bpf", 4))
		length -= 4;
	return strndup(base, length);
}

static int read_all(struct gadget_spec *spec, const struct elf_object *elf, const char *event_type,
		    struct btfpack_error *err)
{
	int ret = read_options(spec);

	if (!ret)
		ret = read_variables(spec, elf, err);
	if (!ret)
		ret = read_relocations(spec, elf, err);
	if (!ret)
		ret = read_columns(spec, event_type, err);
	if (!ret)
		ret = read_histogram(spec);
	return ret ? ret : read_programs(spec);
}

int gadget_spec_init(struct gadget_spec *spec, const void *object, size_t size, const char *name,
		     const char *event_type, struct btfpack_error *err)
{
	struct btfpack_error why = { 0 };
	struct elf_object elf;
	struct elf_section btf;
	int ret;

	*spec = (struct gadget_spec){ .doc = "", .histogram_unit = "" };
	ret = elf_object_init(&elf, object, size, name, err);
	if (ret < 0)
		return ret;
	ret = elf_object_find(&elf, ".BTF", &btf, err);
	if (ret == -ENOENT || (!ret && !btf.data))
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: has no BTF (compile it with clang -g)", name);
	if (ret < 0)
		return ret;
	ret = btf_view_init(&spec->btf, btf.data, btf.size, NULL, name, err);
	if (ret < 0)
		return ret;
	spec->is_big_endian = *(const uint8_t *)btf.data == 0xeb;
	spec->name = object_name(name);
	ret = spec->name ? read_all(spec, &elf, event_type, &why) : -ENOMEM;
	if (ret < 0) {
		gadget_spec_deinit(spec);
		return btfpack_error_set(
			err, ret, "%s%s%s", why.code ? "" : name, why.code ? "" : ": ",
			why.code        ? why.message
			: ret == -EFBIG ? "more options or columns than anybody needs"
					: "out of memory");
	}
	return 0;
}

void gadget_spec_deinit(struct gadget_spec *spec)
{
	free(spec->name);
	free_fields(&spec->options);
	free_fields(&spec->variables);
	free_fields(&spec->columns);
	free_fields(&spec->keys);
	free(spec->programs);
	btf_view_deinit(&spec->btf);
	*spec = (struct gadget_spec){ 0 };
}

static bool is_same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
			return false;
	return *a == *b;
}

const struct gadget_field *gadget_spec_find_option(const struct gadget_spec *spec, const char *name)
{
	const struct gadget_fields *const groups[] = { &spec->options, &spec->variables };

	for (size_t g = 0; g < ARRAY_SIZE(groups); g++)
		for (size_t i = 0; i < groups[g]->count; i++)
			if (is_same_name(groups[g]->items[i].name, name))
				return &groups[g]->items[i];
	return NULL;
}
