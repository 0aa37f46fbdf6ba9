/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive-index/types-image.h"

#define P WORD_PLAIN
#define S WORD_STRING
#define T WORD_TYPE

static const struct shape shapes[] = {
	[BTF_KIND_INT] = { P, 1, false, { P } },
	[BTF_KIND_PTR] = { T },
	[BTF_KIND_ARRAY] = { P, 3, false, { T, T, P } },
	[BTF_KIND_STRUCT] = { P, 3, true, { S, T, P } },
	[BTF_KIND_UNION] = { P, 3, true, { S, T, P } },
	[BTF_KIND_ENUM] = { P, 2, true, { S, P } },
	[BTF_KIND_FWD] = { P },
	[BTF_KIND_TYPEDEF] = { T },
	[BTF_KIND_VOLATILE] = { T },
	[BTF_KIND_CONST] = { T },
	[BTF_KIND_RESTRICT] = { T },
	[BTF_KIND_FUNC] = { T },
	[BTF_KIND_FUNC_PROTO] = { T, 2, true, { S, T } },
	[BTF_KIND_VAR] = { T, 1, false, { P } },
	[BTF_KIND_DATASEC] = { P, 3, true, { T, P, P } },
	[BTF_KIND_FLOAT] = { P },
	[BTF_KIND_DECL_TAG] = { T, 1, false, { P } },
	[BTF_KIND_TYPE_TAG] = { T },
	[BTF_KIND_ENUM64] = { P, 3, true, { S, P, P } },
};

const struct shape *shape_of(unsigned int kind)
{
	return kind != BTF_KIND_UNKN && kind < ARRAY_SIZE(shapes) ? &shapes[kind] : NULL;
}

/* The header says types from 0, strings right behind them, up to the end. */
static bool is_plain_layout(const struct btfpack_blob *btf, bool other_order)
{
	uint32_t words[5];

	if (btf->size < BTF_HEADER_SIZE || ((const uint8_t *)btf->data)[3] != 0)
		return false;
	memcpy(words, (const uint8_t *)btf->data + 4, sizeof(words));
	for (size_t i = 0; other_order && i < ARRAY_SIZE(words); i++)
		words[i] = bswap_32(words[i]);
	return words[0] == BTF_HEADER_SIZE && words[1] == 0 && words[2] % 4 == 0 &&
	       words[3] == words[2] &&
	       (uint64_t)BTF_HEADER_SIZE + words[2] + words[4] == btf->size;
}

/* Where each string begins. The view has seen that the last one ends. */
static int index_strings(struct image *image)
{
	const char *text = image->view.strings;
	uint32_t size = image->view.end_string, count = 0, at = 0;

	for (uint32_t i = 0; i < size; i++)
		count += !text[i];
	image->strings = count;
	image->ordinal = malloc(sizeof(uint32_t) * ((size_t)size + 1));
	image->offset = malloc(sizeof(uint32_t) * ((size_t)count + 1));
	if (!image->ordinal || !image->offset)
		return -ENOMEM;
	memset(image->ordinal, 0xff, sizeof(uint32_t) * ((size_t)size + 1));
	for (uint32_t i = 0; i < count; at += (uint32_t)strlen(text + at) + 1, i++) {
		image->ordinal[at] = i;
		image->offset[i] = at;
	}
	image->offset[count] = size;
	return 0;
}

static int hash_strings(struct image *image)
{
	image->hash = malloc(sizeof(uint64_t) * ((size_t)image->strings + 1));
	if (!image->hash)
		return -ENOMEM;
	for (uint32_t i = 0; i < image->strings; i++)
		image->hash[i] = XXH3_64bits(image->view.strings + image->offset[i],
					     image->offset[i + 1] - image->offset[i]);
	return 0;
}

static bool is_string(const struct image *image, uint32_t offset)
{
	return image->ordinal[offset] != IMAGE_NONE;
}

/* Every name is the start of a string. */
static int check_names(const struct image *image)
{
	for (uint32_t id = 1; id < image->types; id++) {
		const struct btf_type *t = btf_view_type(&image->view, id);
		const struct shape *shape = shape_of(btf_type_kind(t));
		const uint32_t *word = (const uint32_t *)(t + 1);

		if (!shape || !is_string(image, t->name_off))
			return -EOPNOTSUPP;
		for (uint32_t i = shape_items(shape, t); i; i--, word += shape->words)
			for (unsigned int w = 0; w < shape->words; w++)
				if (shape->item[w] == WORD_STRING && !is_string(image, word[w]))
					return -EOPNOTSUPP;
	}
	return 0;
}

int image_init(struct image *image, const struct btfpack_blob *btf, bool to_match)
{
	int error;

	*image = (struct image){ 0 };
	error = btf_view_init(&image->view, btf->data, btf->size, NULL, "BTF", NULL);
	if (error)
		return error;
	if (!is_plain_layout(btf, image->view.other_order))
		return -EOPNOTSUPP;
	image->big_endian = ((const uint8_t *)btf->data)[0] == 0xeb;
	image->types = image->view.end_id;
	error = index_strings(image);
	if (!error && to_match)
		error = hash_strings(image);
	return error || !to_match ? error : check_names(image);
}

void image_deinit(struct image *image)
{
	btf_view_deinit(&image->view);
	free(image->offset);
	free(image->ordinal);
	free(image->hash);
	*image = (struct image){ 0 };
}
