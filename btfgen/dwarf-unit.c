/* SPDX-License-Identifier: BSD-2-Clause */
/* The arrays of a unit reader. What fills them is in dwarf-scan.c and dwarf-keep.c. */
#include <errno.h>
#include <stdlib.h>

#include "btfgen/dwarf-scan.h"

void unit_reader_deinit(struct unit_reader *reader)
{
	abbrev_table_deinit(&reader->abbrevs);
	free(reader->types);
	free(reader->items);
	free(reader->funcs);
	free(reader->vars);
	free(reader->locations);
	free(reader->foreign);
	free(reader->imports);
	free(reader->tags);
	free(reader->annotations);
	free(reader->bearers);
	free(reader->map);
	*reader = (struct unit_reader){ 0 };
}

int unit_reader_reset(struct unit_reader *reader, const struct dwarf_file *file, uint64_t base,
		      uint64_t limit, struct btfpack_error *err)
{
	size_t size = (limit - base) / 4 + 1;

	if (reader->file != file)
		reader->abbrevs.valid = false;
	reader->file = file;
	reader->base = base;
	reader->limit = limit;
	reader->type_count = reader->item_count = reader->func_count = reader->var_count = 0;
	reader->foreign_count = reader->import_count = reader->location_count = 0;
	reader->tag_count = 0;
	if (limit - base >= REF_FOREIGN)
		return btfpack_error_set(err, -EFBIG,
					 "%s: 2 GB or more of shared debug information",
					 file->image->path);
	if (size > reader->map_size) {
		/* Stale entries are harmless (see unit_reader_find), wild ones are not. */
		free(reader->map);
		reader->map_size = 0;
		size += size / 2;
		reader->map = calloc(size, sizeof(*reader->map));
		if (!reader->map)
			return btfpack_error_set(err, -ENOMEM, "%s: out of memory",
						 file->image->path);
		reader->map_size = size;
	}
	return 0;
}
bool unit_reader_has_room(void **array, uint32_t *room, uint32_t count, size_t size)
{
	uint32_t wanted = *room ? *room * 2 : 1024;
	void *bigger;

	if (__builtin_expect(count < *room, 1))
		return true;
	if (wanted >= REF_FOREIGN)
		return false;
	bigger = reallocarray(*array, wanted, size);
	if (!bigger)
		return false;
	*array = bigger;
	*room = wanted;
	return true;
}

uint32_t unit_reader_add_foreign(struct unit_reader *reader, enum foreign_place place,
				 uint64_t value)
{
	struct foreign_ref *ref;
	uint32_t count = reader->foreign_count;

	/* A type is often referred to several times in a row. */
	if (count && reader->foreign[count - 1].value == value &&
	    reader->foreign[count - 1].place == place)
		return REF_FOREIGN | (count - 1);
	if (!unit_reader_has_room((void **)&reader->foreign, &reader->foreign_room, count,
				  sizeof(*ref)))
		return REF_NONE;
	reader->foreign[reader->foreign_count++] = (struct foreign_ref){ value, place };
	return REF_FOREIGN | count;
}

uint32_t unit_reader_translate(struct unit_reader *reader, const struct unit_reader *from,
			       uint32_t ref)
{
	enum foreign_place place = from->file == reader->file ? FOREIGN_INFO : FOREIGN_ALT;

	if (from == reader || ref == REF_NONE)
		return ref;
	if (ref & REF_FOREIGN) {
		const struct foreign_ref *foreign = &from->foreign[ref & ~REF_FOREIGN];

		return unit_reader_add_foreign(reader, foreign->place, foreign->value);
	}
	return unit_reader_add_foreign(reader, place, from->base + ref);
}
/* Functions and variables stand in the order of their offsets. */
const struct die_func *unit_reader_find_func(const struct unit_reader *reader, uint32_t ref)
{
	uint32_t low = 0, high = reader->func_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (reader->funcs[middle].offset < ref)
			low = middle + 1;
		else
			high = middle;
	}
	return low < reader->func_count && reader->funcs[low].offset == ref ? &reader->funcs[low]
									    : NULL;
}

const struct die_var *unit_reader_find_var(const struct unit_reader *reader, uint32_t ref)
{
	uint32_t low = 0, high = reader->var_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (reader->vars[middle].offset < ref)
			low = middle + 1;
		else
			high = middle;
	}
	return low < reader->var_count && reader->vars[low].offset == ref ? &reader->vars[low]
									  : NULL;
}
