/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/decl-tags.h"
#include "core/grow.h"

#define TAGS_MAXIMUM 256 /* of one function or variable */

void decl_tags_deinit(struct decl_tags *tags)
{
	free(tags->tags);
	*tags = (struct decl_tags){ 0 };
}

static int reserve(struct decl_tags *tags, uint32_t more)
{
	return grow_array((void **)&tags->tags, &tags->room, (uint64_t)tags->count + more,
			  sizeof(*tags->tags));
}

static bool has_tag(const struct decl_tags *tags, struct decl_tag_range range,
		    const struct die_tag *tag)
{
	for (uint32_t i = range.first; i < range.first + range.count; i++)
		if (tags->tags[i].value == tag->value && tags->tags[i].component == tag->component)
			return true;
	return false;
}

int decl_tags_add(struct decl_tags *tags, struct decl_tag_range *range,
		  const struct unit_reader *reader, uint32_t first_tag)
{
	if (!range->count)
		range->first = tags->count;
	for (uint32_t i = first_tag; i != TAG_END && range->count < TAGS_MAXIMUM;
	     i = reader->tags[i].next) {
		const struct die_tag *tag = &reader->tags[i];

		if (has_tag(tags, *range, tag))
			continue;
		if (reserve(tags, 1) < 0)
			return -ENOMEM;
		tags->tags[tags->count++] = (struct decl_tag){ tag->value, tag->component };
		range->count++;
	}
	return 0;
}

int decl_tags_merge(struct decl_tags *tags, struct decl_tags *other, uint32_t *shift)
{
	if (reserve(tags, other->count) < 0)
		return -ENOMEM;
	*shift = tags->count;
	if (other->count)
		memcpy(tags->tags + tags->count, other->tags, other->count * sizeof(*tags->tags));
	tags->count += other->count;
	decl_tags_deinit(other);
	return 0;
}
