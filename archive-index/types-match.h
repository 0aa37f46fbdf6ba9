/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which type of one BTF is which of another, by what they are and not by their
 * numbers. Two rounds: types that look the same (kind, name, size, members, and
 * the names of what they refer to), then those left that have the same kind and
 * name. Equal candidates are paired in the order in which they stand. What a pair
 * does not share is the encoder's business; a poor pairing costs bytes, never
 * correctness.
 */
#ifndef ARCHIVE_INDEX_TYPES_MATCH_H
#define ARCHIVE_INDEX_TYPES_MATCH_H

#include "archive-index/types-image.h"

struct match {
	uint32_t *type;	   /* of each id: the other's id, or IMAGE_NONE; type[0] is 0 */
	uint32_t *inverse; /* the other way round */
	uint32_t *string;  /* of each string's ordinal: the other's, or IMAGE_NONE */
};

/* -ENOMEM. */
int match_init(struct match *match, const struct image *image, const struct image *other);
void match_deinit(struct match *match);
#define AUTO_MATCH CLEANUP(match_deinit)

#endif
