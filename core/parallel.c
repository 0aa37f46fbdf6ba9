/* SPDX-License-Identifier: BSD-2-Clause */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "core/parallel.h"

#define JOBS_MAXIMUM 256
#define TICK_NS      100000000L

struct work {
	atomic_size_t next;
	size_t count;
	parallel_fn fn;
	void *arg;
};

static void *take_turns(void *arg)
{
	struct work *work = arg;
	size_t index;

	while ((index = atomic_fetch_add(&work->next, 1)) < work->count)
		work->fn(index, work->arg);
	return NULL;
}

static unsigned int count_processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set) : 1;
}

void parallel_for(size_t count, unsigned int jobs, parallel_fn fn, void *arg)
{
	struct work work = { .count = count, .fn = fn, .arg = arg };
	pthread_t threads[JOBS_MAXIMUM];
	unsigned int started = 0;

	if (!jobs)
		jobs = count_processors();
	if (jobs > JOBS_MAXIMUM)
		jobs = JOBS_MAXIMUM;
	while (started + 1 < jobs && started + 1 < count &&
	       pthread_create(&threads[started], NULL, take_turns, &work) == 0)
		started++;
	take_turns(&work);
	for (unsigned int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

void parallel_wait_a_tick(pthread_cond_t *changed, pthread_mutex_t *lock)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += TICK_NS;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	pthread_cond_timedwait(changed, lock, &until);
}
