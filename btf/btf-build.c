/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btf/btf-build.h"
#include "core/buf.h"

#define SECTION_MAXIMUM ((size_t)1 << 31) /* ids and offsets are 32-bit */

struct btf_build {
	const struct btf_view *base;
	const struct btf_build *index; /* has the base's names; NULL: the table has them */
	uint32_t first_id;
	uint32_t first_string;
	struct buf types;
	struct buf strings;
	struct buf offsets;  /* uint32_t, one a type */
	uint64_t *table;     /* half of the string's hash, and its offset + 1; 0 is free */
	uint32_t table_size; /* a power of two */
	uint32_t table_used;
};

int btf_build_new(const struct btf_view *base, struct btf_build **ret)
{
	struct btf_build *b = calloc(1, sizeof(*b));
	int error = 0;

	if (!b)
		return -ENOMEM;
	b->base = base;
	b->first_id = base ? base->end_id : 1;
	b->first_string = base ? base->end_string : 0;
	b->types = BUF_INIT(SECTION_MAXIMUM);
	b->strings = BUF_INIT(SECTION_MAXIMUM);
	b->offsets = BUF_INIT(SECTION_MAXIMUM);
	if (!base) /* offset 0 is the empty string */
		error = buf_add(&b->strings, "", 1);
	if (error) {
		btf_build_free(b);
		return error;
	}
	*ret = b;
	return 0;
}

void btf_build_free(struct btf_build *b)
{
	if (!b)
		return;
	buf_deinit(&b->types);
	buf_deinit(&b->strings);
	buf_deinit(&b->offsets);
	free(b->table);
	free(b);
}

static const char *string_at(const struct btf_build *b, uint32_t offset)
{
	if (offset < b->first_string)
		return btf_view_string(b->base, offset);
	return (const char *)b->strings.data + (offset - b->first_string);
}

/* Whether @length bytes of @string are what stands at the slot's offset. */
static bool is_string(const struct btf_build *b, uint64_t slot, const char *string, size_t length)
{
	const char *there = string_at(b, (uint32_t)slot - 1);

	return !strncmp(there, string, length) && !there[length];
}

/* The slot of a string, or the free one for it; @hash is of the string. Nearly all
 * others are told without a look at the string. */
static uint64_t *find_slot(const struct btf_build *b, uint64_t hash, const char *string,
			   size_t length)
{
	for (uint32_t i = (uint32_t)(hash >> 32);; i++) {
		uint64_t *slot = &b->table[i & (b->table_size - 1)];

		if (!*slot || (!((*slot ^ hash) >> 32) && is_string(b, *slot, string, length)))
			return slot;
	}
}

static uint64_t make_slot(uint64_t hash, uint32_t offset)
{
	return (hash & ~UINT64_C(0xffffffff)) | (offset + 1);
}

static int grow_table(struct btf_build *b)
{
	uint32_t size = b->table_size ? b->table_size * 2 : 4096;
	uint64_t *table = calloc(size, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (uint32_t k = 0; k < b->table_size; k++) {
		uint32_t i = (uint32_t)(b->table[k] >> 32);

		while (b->table[k] && table[i & (size - 1)])
			i++;
		if (b->table[k])
			table[i & (size - 1)] = b->table[k];
	}
	free(b->table);
	b->table = table;
	b->table_size = size;
	return 0;
}

/* Make every string of the base findable; done once, when the first is asked for. */
static int index_base(struct btf_build *b, const struct btf_view *view)
{
	const char *end = view->strings + (view->end_string - view->first_string);
	int error = view->base ? index_base(b, view->base) : 0;

	for (const char *s = view->strings; !error && s < end; s += strlen(s) + 1) {
		size_t length = strlen(s);
		uint64_t hash = XXH3_64bits(s, length), *slot;

		if (b->table_used * 2 >= b->table_size)
			error = grow_table(b);
		if (error)
			break;
		slot = find_slot(b, hash, s, length);
		if (!*slot) {
			*slot = make_slot(hash, view->first_string + (uint32_t)(s - view->strings));
			b->table_used++;
		}
	}
	return error;
}

int btf_build_index(struct btf_build *b)
{
	return b->table || !b->base ? 0 : index_base(b, b->base);
}

int btf_build_new_on(const struct btf_build *index, struct btf_build **ret)
{
	int error = btf_build_new(index->base, ret);

	if (!error)
		(*ret)->index = index;
	return error;
}

/* Among the names of an index; 0: not there. */
static uint32_t find_in_index(const struct btf_build *index, uint64_t hash, const char *string,
			      size_t length)
{
	return index && index->table ? (uint32_t)*find_slot(index, hash, string, length) : 0;
}

int btf_build_string_n(struct btf_build *b, const char *string, size_t length, uint32_t *ret)
{
	uint64_t hash, *slot;
	uint32_t known;
	int error = 0;

	if (length) /* a NUL inside would end it for every reader */
		length = strnlen(string, length);
	if (!length) {
		*ret = 0;
		return 0;
	}
	hash = XXH3_64bits(string, length);
	known = find_in_index(b->index, hash, string, length);
	if (known) {
		*ret = known - 1;
		return 0;
	}
	if (!b->table && b->base && !b->index)
		error = index_base(b, b->base);
	if (!error && b->table_used * 2 >= b->table_size)
		error = grow_table(b);
	if (error)
		return error;
	slot = find_slot(b, hash, string, length);
	if (!*slot) {
		uint64_t offset = (uint64_t)b->first_string + b->strings.size;

		if (offset + length + 1 > UINT32_MAX - 1)
			return -EFBIG;
		error = buf_reserve(&b->strings, length + 1);
		if (!error)
			error = buf_add(&b->strings, string, length);
		if (!error)
			error = buf_add(&b->strings, "", 1);
		if (error)
			return error;
		*slot = make_slot(hash, (uint32_t)offset);
		b->table_used++;
	}
	*ret = (uint32_t)*slot - 1;
	return 0;
}

int btf_build_string(struct btf_build *b, const char *string, uint32_t *ret)
{
	return btf_build_string_n(b, string ? string : "", string ? strlen(string) : 0, ret);
}

uint32_t btf_build_next_id(const struct btf_build *b)
{
	return b->first_id + (uint32_t)(b->offsets.size / sizeof(uint32_t));
}

int btf_build_type(struct btf_build *b, const struct btf_type *t, const void *trailing,
		   uint32_t *id_ret)
{
	int size = btf_trailing_size(t);
	uint32_t offset = (uint32_t)b->types.size, id = btf_build_next_id(b);
	int error;

	if (size < 0)
		return -EINVAL;
	error = buf_reserve(&b->types, sizeof(*t) + size);
	if (!error)
		error = buf_add(&b->offsets, &offset, sizeof(offset));
	if (!error)
		error = buf_add(&b->types, t, sizeof(*t));
	if (!error)
		error = buf_add(&b->types, trailing, size);
	if (!error && id_ret)
		*id_ret = id;
	return error;
}

struct btf_type *btf_build_get(struct btf_build *b, uint32_t id)
{
	const uint32_t *offsets = (const uint32_t *)b->offsets.data;

	return (struct btf_type *)(b->types.data + offsets[id - b->first_id]);
}

int btf_build_finish(struct btf_build *b, bool other_order, struct btfpack_blob *ret)
{
	struct btf_header hdr = {
		.magic = BTF_MAGIC,
		.version = BTF_VERSION,
		.hdr_len = 24, /* not sizeof: the struct may grow with the kernel's headers */
		.type_len = (uint32_t)b->types.size,
		.str_off = (uint32_t)b->types.size,
		.str_len = (uint32_t)b->strings.size,
	};
	size_t size = 24 + b->types.size + b->strings.size;
	uint8_t *data = malloc(size);

	if (!data)
		return -ENOMEM;
	memcpy(data, &hdr, 24);
	if (b->types.size)
		memcpy(data + 24, b->types.data, b->types.size);
	if (b->strings.size)
		memcpy(data + 24 + b->types.size, b->strings.data, b->strings.size);
	if (other_order) {
		uint16_t magic = bswap_16(BTF_MAGIC);
		uint32_t *words = (uint32_t *)(data + 4);

		memcpy(data, &magic, sizeof(magic));
		for (size_t i = 0; i < (20 + b->types.size) / 4; i++)
			words[i] = bswap_32(words[i]);
	}
	*ret = (struct btfpack_blob){ .data = data, .size = size }; /* the caller's */
	return 0;
}
