/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "btfgen/intern.h"

void intern_init(struct intern *table)
{
	*table = (struct intern){ .bytes = BUF_INIT(UINT32_MAX / 2),
				  .ends = BUF_INIT(UINT32_MAX / 2) };
}

void intern_deinit(struct intern *table)
{
	buf_deinit(&table->bytes);
	buf_deinit(&table->ends);
	free(table->slots);
	*table = (struct intern){ 0 };
}

const uint8_t *intern_get(const struct intern *table, uint32_t number, size_t *size_ret)
{
	const uint32_t *ends = (const uint32_t *)table->ends.data;
	uint32_t start = number ? ends[number - 1] : 0;

	*size_ret = ends[number] - start;
	return table->bytes.data + start;
}

/* The slot that holds the string, or the free one where it belongs. */
static uint32_t *find_slot(const struct intern *table, const void *bytes, size_t size)
{
	uint32_t i = (uint32_t)XXH3_64bits(bytes, size);

	for (;; i++) {
		uint32_t *slot = &table->slots[i & (table->slot_count - 1)];
		const uint8_t *there;
		size_t length;

		if (!*slot)
			return slot;
		there = intern_get(table, *slot - 1, &length);
		if (length == size && !memcmp(there, bytes, size))
			return slot;
	}
}

static int grow(struct intern *table)
{
	uint32_t *old = table->slots;
	uint32_t count = table->slot_count ? table->slot_count * 2 : 256;

	table->slots = calloc(count, sizeof(*table->slots));
	if (!table->slots) {
		table->slots = old;
		return -ENOMEM;
	}
	table->slot_count = count;
	for (uint32_t i = 0; i < table->count; i++) {
		size_t size;
		const uint8_t *string = intern_get(table, i, &size);

		*find_slot(table, string, size) = i + 1;
	}
	free(old);
	return 0;
}

int intern_add(struct intern *table, const void *bytes, size_t size, uint32_t *ret)
{
	uint32_t *slot, end;
	int error = 0;

	if (table->count >= table->slot_count / 2)
		error = grow(table);
	if (error)
		return error;
	slot = find_slot(table, bytes, size);
	if (!*slot) {
		error = buf_reserve(&table->bytes, size);
		end = (uint32_t)(table->bytes.size + size);
		if (!error)
			error = buf_add(&table->ends, &end, sizeof(end));
		if (!error && size)
			error = buf_add(&table->bytes, bytes, size);
		if (error)
			return error;
		*slot = ++table->count;
	}
	*ret = *slot - 1;
	return 0;
}

uint32_t intern_find(const struct intern *table, const void *bytes, size_t size)
{
	if (!table->slot_count)
		return INTERN_NONE;
	return *find_slot(table, bytes, size) - 1; /* 0 - 1 is INTERN_NONE */
}
