/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A BTF as a decoder leaves it and as the next one leans on it: types whose names
 * are not offsets yet. A chain of bases is decoded through models, and only the
 * BTF that was asked for is written out: an offset for every name, and a digest
 * over all of it, would cost more than the step itself.
 */
#ifndef ARCHIVE_INDEX_TYPES_MODEL_H
#define ARCHIVE_INDEX_TYPES_MODEL_H

#include <btfpack/types.h>

#include "archive-index/types-image.h"

struct types_model {
	struct btfpack_blob raw; /* room for the header, the words, the strings */
	struct image image;	 /* of @raw, where that was complete before */
	bool is_complete;
	bool big_endian;
	uint32_t types, strings; /* as struct image's */
	const uint8_t *bytes;	 /* of the types, in this machine's order */
	size_t types_size;
	uint32_t *start;    /* of type id at id - 1: where in @bytes */
	const char *text;   /* the string section */
	uint32_t text_size;
	uint32_t *offset;   /* of each string's ordinal, and the end */
	uint32_t *ordinal;  /* of each name as the types have it */
};

/* Of a whole BTF, which the model owns from then on, also when this fails.
 * -EOPNOTSUPP, -EBADMSG, -ENOMEM. */
int types_model_of(struct btfpack_blob *raw, struct types_model **ret);
void types_model_free(struct types_model *model);
static inline void types_model_freep(struct types_model **model)
{
	types_model_free(*model);
}
#define AUTO_TYPES_MODEL CLEANUP(types_model_freep)

/* The BTF, as bytes the caller owns; the model stays as it is. -ENOMEM. */
int types_model_write(const struct types_model *model, struct btfpack_blob *ret);

/* The same, for which the model is used up; NULL it after. */
void types_model_turn(struct types_model *model, struct btfpack_blob *ret);

/* What it holds in memory, about. */
size_t types_model_size(const struct types_model *model);

static inline const uint32_t *model_words(const struct types_model *model, uint32_t id)
{
	return (const uint32_t *)(model->bytes + model->start[id - 1]);
}

#endif
