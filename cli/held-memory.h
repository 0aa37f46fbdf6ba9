/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory: what the process holds, and what parts of its work may take at a time.
 *
 * It holds its own pages, those of files it has mapped, and files that are memory, mapped
 * or not; of these it is told. The most of all samples counts.
 *
 * Who begins something large takes of the budget what that is estimated to take, waits
 * until there is so much, and gives it back. One alone may take more than there is.
 */
#ifndef CLI_HELD_MEMORY_H
#define CLI_HELD_MEMORY_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct held_memory {
	pthread_mutex_t lock;
	uint64_t files; /* bytes of files that are memory */
	uint64_t most;
};

/* Any thread. A change is one to the files; before it, a sample is taken. */
void held_memory_sample(struct held_memory *memory);
void held_memory_change(struct held_memory *memory, uint64_t more, uint64_t less);

struct budget {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t limit, taken;
	bool is_next; /* somebody waits who comes before all others */
};

/* One thread at a time may come @first. False when @is_over said so meanwhile: nothing is
 * taken. */
bool budget_take(struct budget *budget, uint64_t bytes, bool first, bool (*is_over)(void *arg),
		 void *arg);
void budget_give(struct budget *budget, uint64_t bytes);

#endif
