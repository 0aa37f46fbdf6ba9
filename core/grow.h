/* SPDX-License-Identifier: BSD-2-Clause */
/* Growing an array whose elements are counted in 32 bits. */
#ifndef CORE_GROW_H
#define CORE_GROW_H

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

/* Make room for @needed elements of @size bytes; *@room is for how many there is.
 * -ENOMEM, also beyond 32 bits; nothing has changed then. */
static inline int grow_array(void **array, uint32_t *room, uint64_t needed, size_t size)
{
	uint64_t wanted = *room + *room / 2 + 1024ull;
	void *bigger;

	if (needed <= *room)
		return 0;
	if (wanted < needed)
		wanted = needed;
	if (wanted >= UINT32_MAX)
		return -ENOMEM;
	bigger = reallocarray(*array, wanted, size);
	if (!bigger)
		return -ENOMEM;
	*array = bigger;
	*room = (uint32_t)wanted;
	return 0;
}

#endif
