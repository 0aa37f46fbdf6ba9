/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/types-model.h"

void types_model_free(struct types_model *m)
{
	if (!m)
		return;
	if (m->is_complete) {
		image_deinit(&m->image); /* arrays of its own that we merely point to */
	} else {
		free(m->start);
		free(m->offset);
		free(m->ordinal);
	}
	btfpack_blob_free(&m->raw);
	free(m);
}

int types_model_of(struct btfpack_blob *raw, struct types_model **ret)
{
	AUTO_TYPES_MODEL struct types_model *m = calloc(1, sizeof(*m));
	int error;

	if (!m) {
		btfpack_blob_free(raw);
		return -ENOMEM;
	}
	m->is_complete = true;
	m->raw = (struct btfpack_blob){ steal_ptr(raw->data), raw->size };
	error = image_init(&m->image, &m->raw, false);
	if (error)
		return error;
	m->big_endian = m->image.big_endian;
	m->types = m->image.types;
	m->strings = m->image.strings;
	m->bytes = m->image.view.types;
	m->types_size = m->image.view.types_size;
	m->start = m->image.view.offsets;
	m->text = m->image.view.strings;
	m->text_size = m->image.view.end_string;
	m->offset = m->image.offset;
	m->ordinal = m->image.ordinal;
	*ret = steal_ptr(m); /* the caller's */
	return 0;
}

/* Every name of @words, of @count of them in all, becomes its string's offset. */
static void resolve_names(const struct types_model *m, uint32_t *words, size_t count)
{
	for (uint32_t *end = words + count; words < end;) {
		const struct shape *shape = shape_of(BTF_INFO_KIND(words[1]));
		uint32_t items = shape_items(shape, (struct btf_type *)words);
		unsigned int step = shape->words;

		words[0] = m->offset[m->ordinal[words[0]]];
		words += 3;
		if (!step || shape->item[0] != WORD_STRING) {
			words += (size_t)items * step;
			continue;
		}
		for (; items; items--, words += step)
			words[0] = m->offset[m->ordinal[words[0]]];
	}
}

static void write_header(const struct types_model *m, uint8_t *raw)
{
	uint32_t types = (uint32_t)m->types_size, *words = (uint32_t *)(raw + BTF_HEADER_SIZE);
	struct btf_header header = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = BTF_HEADER_SIZE,
		.type_len = types, .str_off = types, .str_len = m->text_size,
	};

	if (m->big_endian != (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)) {
		header.magic = bswap_16(header.magic);
		header.hdr_len = bswap_32(header.hdr_len);
		header.type_len = bswap_32(header.type_len);
		header.str_off = bswap_32(header.str_off);
		header.str_len = bswap_32(header.str_len);
		for (size_t i = 0; i < types / sizeof(*words); i++)
			words[i] = bswap_32(words[i]);
	}
	memcpy(raw, &header, BTF_HEADER_SIZE);
}

void types_model_turn(struct types_model *m, struct btfpack_blob *ret)
{
	if (!m->is_complete) {
		resolve_names(m, (uint32_t *)((uint8_t *)m->raw.data + BTF_HEADER_SIZE),
			      m->types_size / sizeof(uint32_t));
		write_header(m, m->raw.data);
	}
	*ret = (struct btfpack_blob){ steal_ptr(m->raw.data), m->raw.size }; /* the caller's */
	types_model_free(m);
}

int types_model_write(const struct types_model *m, struct btfpack_blob *ret)
{
	uint8_t *raw = malloc(m->raw.size);

	if (!raw)
		return -ENOMEM;
	memcpy(raw, m->raw.data, m->raw.size);
	if (!m->is_complete) {
		resolve_names(m, (uint32_t *)(raw + BTF_HEADER_SIZE),
			      m->types_size / sizeof(uint32_t));
		write_header(m, raw);
	}
	*ret = (struct btfpack_blob){ raw, m->raw.size }; /* the caller's */
	return 0;
}

size_t types_model_size(const struct types_model *m)
{
	size_t names = m->is_complete ? m->text_size : m->strings;

	return m->raw.size + sizeof(uint32_t) * ((size_t)m->types + m->strings + names);
}
