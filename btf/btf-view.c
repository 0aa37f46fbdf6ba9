/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <string.h>

#include "btf/btf-view.h"

/* The first four header fields; the rest is read as far as hdr_len says. */
#define HEADER_MINIMUM 24
#define CHAIN_MAXIMUM  64 /* modifiers and typedefs on one type: compilers stay below 10 */

const char *btf_kind_name(unsigned int kind)
{
	static const char *const names[] = {
		"void", "int",     "ptr",      "array",    "struct",   "union",  "enum",
		"fwd",  "typedef", "volatile", "const",    "restrict", "func",   "func_proto",
		"var",  "datasec", "float",    "decl_tag", "type_tag", "enum64",
	};

	return kind < ARRAY_SIZE(names) ? names[kind] : "unknown";
}

/* What follows a type of each kind, in bytes: always, and for each of vlen; every
 * type of a kernel passes here, so it is a table and no switch. 255: no such kind. */
static const struct {
	uint8_t fixed;
	uint8_t each;
} trailing_sizes[32] = {
	[BTF_KIND_UNKN] = { 255, 0 },
	[BTF_KIND_INT] = { sizeof(uint32_t), 0 },
	[BTF_KIND_ARRAY] = { sizeof(struct btf_array), 0 },
	[BTF_KIND_STRUCT] = { 0, sizeof(struct btf_member) },
	[BTF_KIND_UNION] = { 0, sizeof(struct btf_member) },
	[BTF_KIND_ENUM] = { 0, sizeof(struct btf_enum) },
	[BTF_KIND_FUNC_PROTO] = { 0, sizeof(struct btf_param) },
	[BTF_KIND_VAR] = { sizeof(struct btf_var), 0 },
	[BTF_KIND_DATASEC] = { 0, sizeof(struct btf_var_secinfo) },
	[BTF_KIND_DECL_TAG] = { sizeof(struct btf_decl_tag), 0 },
	[BTF_KIND_ENUM64] = { 0, sizeof(struct btf_enum64) },
	[NR_BTF_KINDS ... 31] = { 255, 0 },
};

static inline int trailing_size(const struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t), fixed = trailing_sizes[kind].fixed;

	return fixed == 255 ? -1 : (int)(fixed + trailing_sizes[kind].each * btf_type_vlen(t));
}

int btf_trailing_size(const struct btf_type *t)
{
	return trailing_size(t);
}

bool btf_kind_has_ref(unsigned int kind)
{
	switch (kind) {
	case BTF_KIND_PTR:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FUNC_PROTO:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
	case BTF_KIND_TYPE_TAG:
		return true;
	default:
		return false;
	}
}

int64_t btf_type_enum_value(const struct btf_type *t, uint32_t index)
{
	if (btf_type_kind(t) == BTF_KIND_ENUM64) {
		const struct btf_enum64 *e = &btf_type_enums64(t)[index];

		return (int64_t)((uint64_t)e->val_hi32 << 32 | e->val_lo32);
	}
	/* BTF without the signed flag (before Linux 6.0) has negative values too:
	 * whoever wants to know a sign asks the flag. */
	return btf_type_kflag(t) ? btf_type_enums(t)[index].val :
				   (int64_t)(uint32_t)btf_type_enums(t)[index].val;
}

bool btf_type_child(const struct btf_type *t, uint32_t index, uint32_t *ret)
{
	unsigned int kind = btf_type_kind(t), vlen = btf_type_vlen(t);

	switch (kind) {
	case BTF_KIND_ARRAY:
		*ret = index ? btf_type_array(t)->index_type : btf_type_array(t)->type;
		return index < 2;
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (index >= vlen)
			return false;
		*ret = btf_type_members(t)[index].type;
		return true;
	case BTF_KIND_FUNC_PROTO:
		if (index > vlen)
			return false;
		*ret = index ? btf_type_params(t)[index - 1].type : t->type;
		return true;
	case BTF_KIND_DATASEC:
		if (index >= vlen)
			return false;
		*ret = btf_type_secinfos(t)[index].type;
		return true;
	default:
		*ret = t->type;
		return index == 0 && btf_kind_has_ref(kind);
	}
}

static void swap_words(void *data, size_t count)
{
	uint32_t *words = data;

	for (size_t i = 0; i < count; i++)
		words[i] = bswap_32(words[i]);
}

/* Everything in the type section is 32-bit words, so one pass turns it all. */
static int adopt_bytes(struct btf_view *view, const uint8_t *types, size_t size)
{
	bool aligned = (uintptr_t)types % sizeof(uint32_t) == 0;

	view->types = types;
	view->types_size = size;
	if (!size || (aligned && !view->other_order))
		return 0;
	view->copy = malloc(size);
	if (!view->copy)
		return -ENOMEM;
	memcpy(view->copy, types, size);
	if (view->other_order)
		swap_words(view->copy, size / sizeof(uint32_t));
	view->types = view->copy;
	return 0;
}

/* Pass 1: find where each type begins. */
static int index_types(struct btf_view *view, const char *name, struct btfpack_error *err)
{
	size_t room = 0, pos = 0;
	uint32_t count = 0;

	while (pos < view->types_size) {
		const struct btf_type *t = (const void *)(view->types + pos);
		size_t left = view->types_size - pos;
		int trailing;

		if (left < sizeof(*t))
			return btfpack_error_set(err, -EBADMSG,
						 "%s: BTF type %u is cut off at offset %#zx", name,
						 view->first_id + count, pos);
		trailing = trailing_size(t);
		if (trailing < 0)
			return btfpack_error_set(err, -EOPNOTSUPP,
						 "%s: BTF type %u is of unknown kind %u", name,
						 view->first_id + count, btf_type_kind(t));
		if (left - sizeof(*t) < (size_t)trailing)
			return btfpack_error_set(
				err, -EBADMSG, "%s: BTF type %u (%s) reaches past the type section",
				name, view->first_id + count, btf_kind_name(btf_type_kind(t)));
		if (count == room) {
			uint32_t *offsets;

			room = room ? room * 2 : view->types_size / 40 + 16;
			offsets = realloc(view->offsets, room * sizeof(*offsets));
			if (!offsets)
				return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
			view->offsets = offsets;
		}
		view->offsets[count++] = pos;
		pos += sizeof(*t) + trailing;
	}
	if (count > UINT32_MAX / 2 - view->first_id)
		return btfpack_error_set(err, -EFBIG, "%s: too many BTF types", name);
	view->end_id = view->first_id + count;
	return 0;
}

static bool has_string(const struct btf_view *view, uint32_t offset)
{
	return offset < view->end_string;
}

static bool has_id(const struct btf_view *view, uint32_t id)
{
	return id < view->end_id;
}

/* Whether every id and string offset inside @t is in range. (No branch for each: they
 * are all good, but a million.) */
static bool is_in_range(const struct btf_view *view, const struct btf_type *t)
{
	unsigned int kind = btf_type_kind(t), vlen = btf_type_vlen(t);
	bool ok = has_string(view, t->name_off);

	if (btf_kind_has_ref(kind))
		ok &= has_id(view, t->type);
	switch (kind) {
	case BTF_KIND_ARRAY:
		return ok && has_id(view, btf_type_array(t)->type) &&
		       has_id(view, btf_type_array(t)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		for (unsigned int i = 0; i < vlen; i++) {
			ok &= has_string(view, btf_type_members(t)[i].name_off);
			ok &= has_id(view, btf_type_members(t)[i].type);
		}
		return ok;
	case BTF_KIND_ENUM:
		for (unsigned int i = 0; i < vlen; i++)
			ok &= has_string(view, btf_type_enums(t)[i].name_off);
		return ok;
	case BTF_KIND_ENUM64:
		for (unsigned int i = 0; i < vlen; i++)
			ok &= has_string(view, btf_type_enums64(t)[i].name_off);
		return ok;
	case BTF_KIND_FUNC_PROTO:
		for (unsigned int i = 0; i < vlen; i++) {
			ok &= has_string(view, btf_type_params(t)[i].name_off);
			ok &= has_id(view, btf_type_params(t)[i].type);
		}
		return ok;
	case BTF_KIND_DATASEC:
		for (unsigned int i = 0; i < vlen; i++)
			ok &= has_id(view, btf_type_secinfos(t)[i].type);
		return ok;
	default:
		return ok;
	}
}

/* Pass 2, once the number of types is known. */
static int check_ranges(const struct btf_view *view, const char *name, struct btfpack_error *err)
{
	for (uint32_t id = view->first_id; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);

		if (!is_in_range(view, t))
			return btfpack_error_set(
				err, -EBADMSG,
				"%s: BTF type %u (%s) refers to an id or string out of range", name,
				id, btf_kind_name(btf_type_kind(t)));
	}
	return 0;
}

int btf_view_init(struct btf_view *view, const void *data, size_t size, const struct btf_view *base,
		  const char *name, struct btfpack_error *err)
{
	const uint8_t *bytes = data;
	struct btf_header hdr;
	uint64_t after;
	int error;

	*view = (struct btf_view){ .base = base };
	if (size < HEADER_MINIMUM)
		return btfpack_error_set(
			err, -EBADMSG, "%s: not BTF: %zu bytes, shorter than a header", name, size);
	memcpy(&hdr, bytes, HEADER_MINIMUM);
	if (hdr.magic == bswap_16(BTF_MAGIC))
		view->other_order = true;
	else if (hdr.magic != BTF_MAGIC)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: not BTF: it starts with %#06x, expected %#06x", name,
					 hdr.magic, BTF_MAGIC);
	if (view->other_order)
		swap_words(&hdr.hdr_len, (HEADER_MINIMUM - 4) / 4);
	if (hdr.version != BTF_VERSION)
		return btfpack_error_set(err, -EOPNOTSUPP, "%s: BTF version %u, expected %u", name,
					 hdr.version, BTF_VERSION);
	/* A longer header may say things we do not know (bpftool 7.8 writes 32 bytes);
	 * the kernel accepts it when the rest is zero, and so do we. */
	if (hdr.hdr_len < HEADER_MINIMUM || hdr.hdr_len > size)
		return btfpack_error_set(err, -EBADMSG, "%s: BTF header length %u is out of range",
					 name, hdr.hdr_len);
	for (uint32_t i = HEADER_MINIMUM; i < hdr.hdr_len; i++)
		if (bytes[i])
			return btfpack_error_set(
				err, -EOPNOTSUPP,
				"%s: BTF header has fields beyond the %d bytes we know", name,
				HEADER_MINIMUM);
	after = size - hdr.hdr_len;
	if (hdr.type_off % 4 || (uint64_t)hdr.type_off + hdr.type_len > after || hdr.type_len % 4)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: BTF type section lies outside the %zu bytes", name,
					 size);
	if ((uint64_t)hdr.str_off + hdr.str_len > after)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: BTF string section lies outside the %zu bytes", name,
					 size);
	if (hdr.type_off < (uint64_t)hdr.str_off + hdr.str_len &&
	    hdr.str_off < (uint64_t)hdr.type_off + hdr.type_len)
		return btfpack_error_set(err, -EBADMSG, "%s: BTF sections overlap", name);
	view->strings = (const char *)bytes + hdr.hdr_len + hdr.str_off;
	if ((!base && (!hdr.str_len || view->strings[0])) ||
	    (hdr.str_len && view->strings[hdr.str_len - 1]))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: BTF string section does not start and end with NUL",
					 name);
	view->first_id = base ? base->end_id : 1;
	view->first_string = base ? base->end_string : 0;
	if (__builtin_add_overflow(view->first_string, hdr.str_len, &view->end_string))
		return btfpack_error_set(err, -EFBIG, "%s: too many BTF strings", name);

	error = adopt_bytes(view, bytes + hdr.hdr_len + hdr.type_off, hdr.type_len);
	if (error < 0)
		error = btfpack_error_set(err, error, "%s: out of memory", name);
	if (!error)
		error = index_types(view, name, err);
	if (!error)
		error = check_ranges(view, name, err);
	if (error)
		btf_view_deinit(view);
	return error;
}

void btf_view_deinit(struct btf_view *view)
{
	free(view->offsets);
	free(view->copy);
	*view = (struct btf_view){ 0 };
}

const struct btf_type *btf_view_type(const struct btf_view *view, uint32_t id)
{
	static const struct btf_type void_type;

	while (id < view->first_id && view->base)
		view = view->base;
	if (id < view->first_id)
		return &void_type;
	return (const void *)(view->types + view->offsets[id - view->first_id]);
}

const char *btf_view_string(const struct btf_view *view, uint32_t offset)
{
	while (offset < view->first_string)
		view = view->base;
	return view->strings + (offset - view->first_string);
}

static uint32_t skip_chain(const struct btf_view *view, uint32_t id, bool typedefs)
{
	for (int i = 0; i < CHAIN_MAXIMUM; i++) {
		const struct btf_type *t = btf_view_type(view, id);
		unsigned int kind = btf_type_kind(t);

		if (!btf_kind_is_modifier(kind) && !(typedefs && kind == BTF_KIND_TYPEDEF))
			return id;
		id = t->type;
	}
	return 0;
}

uint32_t btf_view_skip_modifiers(const struct btf_view *view, uint32_t id)
{
	return skip_chain(view, id, false);
}

uint32_t btf_view_skip_typedefs(const struct btf_view *view, uint32_t id)
{
	return skip_chain(view, id, true);
}

int btf_view_size(const struct btf_view *view, uint32_t id, unsigned int pointer_size,
		  uint64_t *ret)
{
	uint64_t factor = 1, size;

	for (int i = 0; i < CHAIN_MAXIMUM; i++) {
		const struct btf_type *t = btf_view_type(view, id);

		switch (btf_type_kind(t)) {
		case BTF_KIND_INT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
		case BTF_KIND_FLOAT:
		case BTF_KIND_DATASEC:
			size = t->size;
			break;
		case BTF_KIND_PTR:
			size = pointer_size;
			break;
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_CONST:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
		case BTF_KIND_VAR:
			id = t->type;
			continue;
		case BTF_KIND_ARRAY:
			if (__builtin_mul_overflow(factor, btf_type_array(t)->nelems, &factor))
				return -EINVAL;
			id = btf_type_array(t)->type;
			continue;
		default:
			return -EINVAL;
		}
		return __builtin_mul_overflow(factor, size, ret) ? -EINVAL : 0;
	}
	return -EINVAL;
}

struct btf_bits btf_view_member_bits(const struct btf_view *view, const struct btf_type *t,
				     const struct btf_member *m)
{
	struct btf_bits bits = { btf_member_bit_offset(t, m), btf_member_bit_width(t, m) };
	const struct btf_type *type;
	uint32_t encoding;

	if (btf_type_kflag(t))
		return bits;
	type = btf_view_type(view, btf_view_skip_typedefs(view, m->type));
	if (btf_type_kind(type) != BTF_KIND_INT)
		return bits;
	encoding = btf_type_int_encoding(type);
	if (BTF_INT_OFFSET(encoding) || BTF_INT_BITS(encoding) != (uint64_t)type->size * 8) {
		bits.offset += BTF_INT_OFFSET(encoding);
		bits.width = BTF_INT_BITS(encoding);
	}
	return bits;
}

static bool is_long(const char *name)
{
	static const char *const names[] = {
		"long unsigned int", "long int",	  "unsigned long",     "long",
		"int long",	     "long unsigned",	  "unsigned long int", "unsigned int long",
		"long int unsigned", "int unsigned long", "int long unsigned",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

uint32_t btf_view_find_long(const struct btf_view *view)
{
	while (view->base)
		view = view->base;
	for (uint32_t id = view->first_id; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);

		if (btf_type_kind(t) == BTF_KIND_INT && (t->size == 4 || t->size == 8) &&
		    is_long(btf_view_name(view, t)))
			return id;
	}
	return 0;
}

unsigned int btf_view_pointer_size(const struct btf_view *view)
{
	uint32_t id = btf_view_find_long(view);

	return id ? btf_view_type(view, id)->size : 8;
}

size_t btf_essential_length(const char *name)
{
	size_t length = strlen(name);

	/* The last "___" that has something before and after it. */
	for (size_t i = length; i-- > 1;)
		if (i + 3 < length && !strncmp(name + i, "___", 3) && name[i - 1] != '_' &&
		    name[i + 3] != '_')
			return i;
	return length;
}
