/* SPDX-License-Identifier: BSD-2-Clause */
/* The same work on many things, by several threads. */
#ifndef CORE_PARALLEL_H
#define CORE_PARALLEL_H

#include <pthread.h>
#include <stddef.h>

/* One thing's work: number @index of what parallel_for() was told. */
typedef void (*parallel_fn)(size_t index, void *arg);

/* Call @fn for each index below @count, by @jobs threads (0: as many as the machine
 * has processors), this one among them; they take indices in ascending order.
 * Returns when all are done. Fewer threads do it when no more can be had. */
void parallel_for(size_t count, unsigned int jobs, parallel_fn fn, void *arg);

/* Wait on @changed, whose @lock is held, for a tenth of a second at most: for who also
 * looks after what nobody signals. */
void parallel_wait_a_tick(pthread_cond_t *changed, pthread_mutex_t *lock);

#endif
