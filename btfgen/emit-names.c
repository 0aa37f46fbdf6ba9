/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/emit-names.h"

#define SLOTS_AT_FIRST 4096
#define SLOTS_AT_MOST  (1u << 20) /* when the table is made */

static struct emit_name *find_slot(const struct emit_name *slots, uint32_t count, dwarf_name name)
{
	uint64_t mixed = name * UINT64_C(0x9e3779b97f4a7c15);

	for (uint32_t i = (uint32_t)(mixed >> 32);; i++) {
		const struct emit_name *slot = &slots[i & (count - 1)];

		if (!slot->name || slot->name == name)
			return (struct emit_name *)slot;
	}
}

static int grow(struct emit_names *names)
{
	uint32_t count = names->slot_count * 2;
	struct emit_name *slots = count ? calloc(count, sizeof(*slots)) : NULL;

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < names->slot_count; i++)
		if (names->slots[i].name)
			*find_slot(slots, count, names->slots[i].name) = names->slots[i];
	free(names->slots);
	names->slots = slots;
	names->slot_count = count;
	return 0;
}

int emit_names_init(struct emit_names *names, struct btf_build *build,
		    const struct dwarf_file *file, uint32_t expected)
{
	*names = (struct emit_names){
		.build = build,
		.file = file,
		.slot_count = SLOTS_AT_FIRST,
	};
	while (names->slot_count / 2 < expected && names->slot_count < SLOTS_AT_MOST)
		names->slot_count *= 2;
	names->slots = calloc(names->slot_count, sizeof(*names->slots));
	return names->slots ? 0 : -ENOMEM;
}

void emit_names_deinit(struct emit_names *names)
{
	free(names->slots);
	free(names->named);
	*names = (struct emit_names){ 0 };
}

/* Note that the string at @offset has a name, and whether it had one. */
static int note_name(struct emit_names *names, uint32_t offset)
{
	uint8_t bit = (uint8_t)(1u << offset % 8);

	if (offset / 8 >= names->named_size) {
		size_t size = 2 * (size_t)(offset / 8) + 4096;
		uint8_t *bigger = realloc(names->named, size);

		if (!bigger)
			return -ENOMEM;
		memset(bigger + names->named_size, 0, size - names->named_size);
		names->named = bigger;
		names->named_size = size;
	}
	names->has_repeats = names->has_repeats || names->named[offset / 8] & bit;
	names->named[offset / 8] |= bit;
	return 0;
}

void emit_names_expect(const struct emit_names *names, dwarf_name name)
{
	if (name && !find_slot(names->slots, names->slot_count, name)->name)
		dwarf_string_prefetch(names->file, name);
}

int emit_names_string(struct emit_names *names, dwarf_name name, uint32_t *ret)
{
	struct emit_name *slot = find_slot(names->slots, names->slot_count, name);
	char packed[8];
	int error;

	*ret = slot->offset; /* 0 for a name that is none */
	if (slot->name || !name)
		return 0;
	error = btf_build_string(names->build, dwarf_string(names->file, name, packed), ret);
	if (!error && *ret) /* what is out of range is "", under any name */
		error = note_name(names, *ret);
	if (error)
		return error;
	*slot = (struct emit_name){ name, *ret };
	return ++names->used * 2 < names->slot_count ? 0 : grow(names);
}
