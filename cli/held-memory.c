/* SPDX-License-Identifier: BSD-2-Clause */
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "cli/held-memory.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "core/parallel.h"

/* In kB, of a line of /proc/self/status. */
static uint64_t read_status(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoull(line + strlen(name), NULL, 10) : 0;
}

/* Under the lock. */
static void sample(struct held_memory *memory)
{
	AUTO_BLOB struct btfpack_blob status = { 0 };
	uint64_t bytes = memory->files;

	if (fs_read("/proc/self/status", 65536, &status, NULL) < 0)
		return;
	bytes += 1024 *
		 (read_status(status.data, "RssAnon:") + read_status(status.data, "RssFile:"));
	if (bytes > memory->most)
		memory->most = bytes;
}

void held_memory_sample(struct held_memory *memory)
{
	pthread_mutex_lock(&memory->lock);
	sample(memory);
	pthread_mutex_unlock(&memory->lock);
}

void held_memory_change(struct held_memory *memory, uint64_t more, uint64_t less)
{
	pthread_mutex_lock(&memory->lock);
	sample(memory);
	memory->files += more;
	memory->files -= less;
	pthread_mutex_unlock(&memory->lock);
}

/* --- the budget
 * --------------------------------------------------------------------------------------- */

#define WORTH_RETURNING ((uint64_t)64 << 20)

static bool has_room(const struct budget *b, uint64_t bytes, bool first)
{
	if (b->is_next && !first)
		return false;
	return !b->taken || (b->taken <= b->limit && bytes <= b->limit - b->taken);
}

bool budget_take(struct budget *b, uint64_t bytes, bool first, bool (*is_over)(void *arg),
		 void *arg)
{
	bool over;

	pthread_mutex_lock(&b->lock);
	b->is_next |= first;
	while (!(over = is_over(arg)) && !has_room(b, bytes, first))
		parallel_wait_a_tick(&b->changed, &b->lock);
	if (first)
		b->is_next = false;
	if (!over)
		b->taken += bytes;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	return !over;
}

/* What was freed is kept for the thread that had it, hundreds of megabytes, unless it is
 * asked back. */
static void return_memory(void)
{
#ifdef __GLIBC__
	malloc_trim(0);
#endif
}

void budget_give(struct budget *b, uint64_t bytes)
{
	if (bytes > WORTH_RETURNING)
		return_memory();
	pthread_mutex_lock(&b->lock);
	b->taken -= bytes;
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}
