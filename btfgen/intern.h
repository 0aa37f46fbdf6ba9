/* SPDX-License-Identifier: BSD-2-Clause */
/* Byte strings to consecutive numbers: equal strings get equal numbers, from 0 in
 * the order they first came. Once filled, any number of threads may look up. */
#ifndef BTFGEN_INTERN_H
#define BTFGEN_INTERN_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

struct intern {
	uint32_t count;
	struct buf bytes;
	struct buf ends;     /* uint32_t: where each string ends in @bytes */
	uint32_t *slots;     /* number + 1 by hash, open addressing; 0 is free */
	uint32_t slot_count; /* a power of two, or 0 */
};

#define INTERN_NONE UINT32_MAX

/* Holds at most 2 GiB of strings. */
void intern_init(struct intern *table);
void intern_deinit(struct intern *table);

/* -ENOMEM, -EFBIG. */
int intern_add(struct intern *table, const void *bytes, size_t size, uint32_t *ret);

/* INTERN_NONE when it is not there. */
uint32_t intern_find(const struct intern *table, const void *bytes, size_t size);

/* The string of that number, without a NUL; lent until the next is added. */
const uint8_t *intern_get(const struct intern *table, uint32_t number, size_t *size_ret);

#endif
