/* SPDX-License-Identifier: BSD-2-Clause */
/* The btf_decl_tags of functions and variables, kept beyond their unit. */
#ifndef BTFGEN_DECL_TAGS_H
#define BTFGEN_DECL_TAGS_H

#include "btfgen/dwarf-unit.h"

struct decl_tag {
	dwarf_name value;
	int32_t component; /* the parameter it is on; -1: the whole */
};

struct decl_tags {
	struct decl_tag *tags;
	uint32_t count, room;
};

/* Which of them are one function's or variable's. */
struct decl_tag_range {
	uint32_t first, count;
};

void decl_tags_deinit(struct decl_tags *tags);

/* Append the reader's tags from @first_tag on to those of @range, the last added, but
 * what is there already. -ENOMEM. */
int decl_tags_add(struct decl_tags *tags, struct decl_tag_range *range,
		  const struct unit_reader *reader, uint32_t first_tag);

/* Append all of @other, which is emptied; its ranges then begin *@shift further on. */
int decl_tags_merge(struct decl_tags *tags, struct decl_tags *other, uint32_t *shift);

#endif
