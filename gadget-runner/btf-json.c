/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "core/utf8.h"
#include "gadget-runner/btf-json.h"

#define DEPTH_MAXIMUM 16 /* structs in structs */

/* Bitfields count from the least significant bit on little-endian machines and
 * from the most significant on big-endian ones, as compilers lay them out. */
static uint64_t bits_of(const uint8_t *bytes, unsigned int start, unsigned int size)
{
	uint64_t ret = 0;

	for (unsigned int i = 0; i < size; i++) {
		unsigned int at = start + i;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		ret |= (uint64_t)(bytes[at / 8] >> at % 8 & 1) << i;
#else
		ret = ret << 1 | (bytes[at / 8] >> (7 - at % 8) & 1);
#endif
	}
	return ret;
}

uint64_t btf_json_bits(const void *data, uint32_t bit_offset, uint32_t bit_size, bool is_signed)
{
	const uint8_t *bytes = (const uint8_t *)data + bit_offset / 8;
	uint64_t ret;

	if (!bit_size || bit_size > 64)
		return 0;
	ret = bits_of(bytes, bit_offset % 8, bit_size);
	if (is_signed && bit_size < 64 && ret >> (bit_size - 1))
		ret |= ~0ULL << bit_size;
	return ret;
}

int btf_json_string(const char *text, size_t length, struct buf *ret)
{
	int error = buf_add_string(ret, "\"");

	for (size_t i = 0; i < length && !error;) {
		const unsigned char *c = (const unsigned char *)text + i;
		size_t size = utf8_length(c, length - i);

		if (!size)
			error = buf_add_string(ret, "\\ufffd");
		else if (*c < ' ')
			error = buf_add_format(ret, "\\u%04x", *c);
		else if (*c == '"' || *c == '\\')
			error = buf_add_format(ret, "\\%c", *c);
		else
			error = buf_add(ret, c, size);
		i += size ? size : 1;
	}
	return error ? error : buf_add_string(ret, "\"");
}

int btf_json_hex(const uint8_t *data, size_t size, struct buf *ret)
{
	int error = 0;

	for (size_t i = 0; i < size && !error; i++)
		error = buf_add_format(ret, "%02x", data[i]);
	return error;
}

const char *btf_json_enum_name(const struct btf_view *btf, const struct btf_type *t,
			       uint64_t number)
{
	for (unsigned int i = 0; i < btf_type_vlen(t); i++) {
		if (btf_type_kind(t) == BTF_KIND_ENUM &&
		    (uint32_t)btf_type_enums(t)[i].val == (uint32_t)number)
			return btf_view_string(btf, btf_type_enums(t)[i].name_off);
		if (btf_type_kind(t) == BTF_KIND_ENUM64 &&
		    btf_type_enums64(t)[i].val_lo32 == (uint32_t)number &&
		    btf_type_enums64(t)[i].val_hi32 == number >> 32)
			return btf_view_string(btf, btf_type_enums64(t)[i].name_off);
	}
	return NULL;
}

/* What a value by BTF is written from. */
struct walk {
	const struct btf_view *btf;
	const uint8_t *data;
	size_t size;
};

static int walk_value(const struct walk *w, uint32_t type_id, uint64_t bit_offset,
		      uint32_t bit_width, int depth, struct buf *ret);

static int walk_members(const struct walk *w, const struct btf_type *t, uint64_t bit_offset,
			int depth, struct buf *ret)
{
	int error = buf_add_string(ret, "{");
	const char *separator = "";

	for (unsigned int i = 0; i < btf_type_vlen(t) && !error; i++) {
		const struct btf_member *member = &btf_type_members(t)[i];
		const char *name = btf_view_string(w->btf, member->name_off);

		error = buf_add_string(ret, separator);
		if (!error)
			error = btf_json_string(name, strlen(name), ret);
		if (!error)
			error = buf_add_string(ret, ":");
		if (!error)
			error = walk_value(w, member->type,
					   bit_offset + btf_member_bit_offset(t, member),
					   btf_member_bit_width(t, member), depth + 1, ret);
		separator = ",";
	}
	return error ? error : buf_add_string(ret, "}");
}

static int walk_array(const struct walk *w, const struct btf_type *t, uint64_t bit_offset,
		      int depth, struct buf *ret)
{
	const struct btf_type *item =
		btf_view_type(w->btf, btf_view_skip_typedefs(w->btf, btf_type_array(t)->type));
	uint32_t count = btf_type_array(t)->nelems;
	uint64_t size, start = bit_offset / 8;
	int error;

	if (btf_view_size(w->btf, btf_type_array(t)->type, sizeof(void *), &size) < 0 ||
	    start > w->size || (count && size > (w->size - start) / count))
		return buf_add_string(ret, "null");
	if (btf_type_kind(item) == BTF_KIND_INT && size == 1) {
		const char *text = (const char *)w->data + start;

		if (!strcmp(btf_view_name(w->btf, item), "char"))
			return btf_json_string(text, strnlen(text, count), ret);
		error = buf_add_string(ret, "\"");
		if (!error)
			error = btf_json_hex(w->data + start, count, ret);
		return error ? error : buf_add_string(ret, "\"");
	}
	error = buf_add_string(ret, "[");
	for (uint32_t i = 0; i < count && !error; i++) {
		error = buf_add_string(ret, i ? "," : "");
		if (!error)
			error = walk_value(w, btf_type_array(t)->type, bit_offset + 8 * size * i, 0,
					   depth + 1, ret);
	}
	return error ? error : buf_add_string(ret, "]");
}

int btf_json_number(const struct btf_view *btf, const struct btf_type *t, uint64_t number,
		    struct buf *ret)
{
	const char *name;

	switch (btf_type_kind(t)) {
	case BTF_KIND_INT:
		if (BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_BOOL)
			return buf_add_string(ret, number ? "true" : "false");
		if (BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_SIGNED)
			return buf_add_format(ret, "%" PRId64, (int64_t)number);
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		name = btf_json_enum_name(btf, t, number);
		if (name)
			return btf_json_string(name, strlen(name), ret);
		break;
	case BTF_KIND_PTR:
		return buf_add_format(ret, "\"0x%" PRIx64 "\"", number);
	}
	return buf_add_format(ret, "%" PRIu64, number);
}

static int walk_value(const struct walk *w, uint32_t type_id, uint64_t bit_offset,
		      uint32_t bit_width, int depth, struct buf *ret)
{
	const struct btf_type *t = btf_view_type(w->btf, btf_view_skip_typedefs(w->btf, type_id));
	unsigned int kind = btf_type_kind(t);
	bool is_signed =
		kind == BTF_KIND_INT && BTF_INT_ENCODING(btf_type_int_encoding(t)) & BTF_INT_SIGNED;
	uint64_t size;

	if (depth > DEPTH_MAXIMUM)
		return buf_add_string(ret, "null");
	if (btf_kind_is_composite(kind))
		return walk_members(w, t, bit_offset, depth, ret);
	if (kind == BTF_KIND_ARRAY)
		return walk_array(w, t, bit_offset, depth, ret);
	if (kind != BTF_KIND_INT && kind != BTF_KIND_PTR && !btf_kind_is_enum(kind))
		return buf_add_string(ret, "null");
	if (!bit_width) {
		if (btf_view_size(w->btf, btf_view_skip_typedefs(w->btf, type_id), sizeof(void *),
				  &size) < 0 ||
		    size > 8)
			return buf_add_string(ret, "null");
		bit_width = size * 8;
	}
	if (bit_width > 64 || bit_offset / 8 > w->size ||
	    (bit_offset + bit_width + 7) / 8 > w->size)
		return buf_add_string(ret, "null");
	return btf_json_number(
		w->btf, t,
		btf_json_bits(w->data + bit_offset / 8, bit_offset % 8, bit_width, is_signed), ret);
}

int btf_json_value(const struct btf_view *btf, uint32_t type_id, const void *data, size_t size,
		   struct buf *ret)
{
	struct walk w = { .btf = btf, .data = data, .size = size };

	return walk_value(&w, type_id, 0, 0, 0, ret);
}
