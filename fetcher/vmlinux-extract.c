/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing what is asked for of vmlinux: its blocks, several at a time. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "fetcher/vmlinux.h"

#define THREADS_MAX 16

struct task {
	struct btfpack_vmlinux *v;
	const struct btfpack_part *parts; /* in order, apart from one another */
	size_t part_count;
	int out;
	size_t *numbers; /* of the blocks with parts, in order */
	size_t count, largest;
	atomic_size_t next, done;
	atomic_bool stop;
};

struct worker {
	struct task *task;
	pthread_t thread;
	bool started;
	int error;
	struct btfpack_error err;
};

/* Write what the parts want of @bytes, which are vmlinux's [@from, @to). */
static int write_wanted(const struct task *t, const uint8_t *bytes, uint64_t from, uint64_t to,
			struct btfpack_error *err)
{
	for (size_t i = 0; i < t->part_count; i++) {
		uint64_t start = t->parts[i].offset, end = start + t->parts[i].size;
		int error = 0;

		if (start < from)
			start = from;
		if (end > to)
			end = to;
		for (uint64_t at = start; at < end && !error;) {
			ssize_t put =
				pwrite(t->out, bytes + (at - from), (size_t)(end - at), (off_t)at);

			if (put < 0 && errno != EINTR)
				error = -errno;
			at += put > 0 ? (uint64_t)put : 0;
		}
		if (error)
			return btfpack_error_set(err, error, "%s: cannot write its vmlinux: %s",
						 t->v->what, strerror(-error));
	}
	return 0;
}

/* Write those bytes of block @number that are vmlinux's. */
static int write_block(const struct task *t, size_t number, const uint8_t *bytes,
		       struct btfpack_error *err)
{
	const struct btfpack_vmlinux *v = t->v;
	uint64_t start = xz_blocks_start(v->blocks, number);
	uint64_t end = start + xz_blocks_length(v->blocks, number);
	uint64_t from = start > v->start ? start : v->start;
	uint64_t to = end < v->start + v->size ? end : v->start + v->size;

	return from < to ? write_wanted(t, bytes + (from - start), from - v->start, to - v->start,
					err)
			 : 0;
}

/* The first worker is the caller's thread, which may call back. */
static int tell(struct worker *w, bool may_tell)
{
	struct task *t = w->task;

	return may_tell ? package_tell(&t->v->x, atomic_load(&t->done), t->count, &w->err) : 0;
}

static int work_on(struct worker *w, bool may_tell, uint8_t *bytes)
{
	struct task *t = w->task;

	for (;;) {
		size_t i = atomic_fetch_add(&t->next, 1);
		struct cached_block *cached;
		int error;

		if (i >= t->count || atomic_load(&t->stop))
			return 0;
		cached = vmlinux_find_cached(t->v, t->numbers[i]);
		error = tell(w, may_tell);
		if (!error && !cached)
			error = xz_blocks_decode(t->v->blocks, t->numbers[i], bytes, &w->err);
		if (!error)
			error = write_block(t, t->numbers[i], cached ? cached->bytes : bytes,
					    &w->err);
		if (error < 0)
			return error;
		atomic_fetch_add(&t->done, 1);
	}
}

static void run_worker(struct worker *w, bool may_tell)
{
	AUTO_FREE uint8_t *bytes = malloc(w->task->largest);

	w->error =
		bytes ? work_on(w, may_tell, bytes)
		      : btfpack_error_set(&w->err, -ENOMEM, "%s: out of memory", w->task->v->what);
	if (w->error < 0)
		atomic_store(&w->task->stop, true);
}

static void *start_worker(void *arg)
{
	run_worker(arg, false);
	return NULL;
}

static int run_workers(struct task *t, unsigned int threads, struct btfpack_error *err)
{
	struct worker workers[THREADS_MAX] = { 0 };
	int error = 0;

	for (unsigned int i = 0; i < threads; i++) {
		workers[i].task = t;
		workers[i].started =
			i && !pthread_create(&workers[i].thread, NULL, start_worker, &workers[i]);
	}
	run_worker(&workers[0], true);
	for (unsigned int i = 0; i < threads; i++) {
		if (workers[i].started)
			pthread_join(workers[i].thread, NULL);
		if (workers[i].error < 0 && !error)
			error = btfpack_error_set(err, workers[i].err.code, "%s",
						  workers[i].err.message);
	}
	return error;
}

static bool is_wanted(const struct task *t, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < t->part_count; i++)
		if (t->parts[i].size && t->parts[i].offset < to &&
		    t->parts[i].offset + t->parts[i].size > from)
			return true;
	return false;
}

/* The blocks that have something of the parts. */
static int choose_blocks(struct task *t, struct btfpack_error *err)
{
	const struct btfpack_vmlinux *v = t->v;
	size_t count = xz_blocks_count(v->blocks);

	t->numbers = calloc(count, sizeof(*t->numbers));
	if (!t->numbers)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", v->what);
	for (size_t i = xz_blocks_find(v->blocks, v->start); i < count; i++) {
		uint64_t start = xz_blocks_start(v->blocks, i);
		size_t length = xz_blocks_length(v->blocks, i);
		uint64_t from = start > v->start ? start - v->start : 0;

		if (start >= v->start + v->size)
			break;
		if (!is_wanted(t, from, start + length - v->start))
			continue;
		t->numbers[t->count++] = i;
		if (length > t->largest)
			t->largest = length;
	}
	return 0;
}

static void task_deinit(struct task *t)
{
	free(t->numbers);
}

static int check_parts(const struct btfpack_vmlinux *v, const struct btfpack_part *parts,
		       size_t count, struct btfpack_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].offset > v->size || parts[i].size > v->size - parts[i].offset)
			return btfpack_error_set(err, -EINVAL, "%s: no such part", v->what);
	return 0;
}

static unsigned int count_threads(unsigned int threads, size_t blocks)
{
	cpu_set_t set;

	if (!threads)
		threads = sched_getaffinity(0, sizeof(set), &set) == 0
				  ? (unsigned int)CPU_COUNT(&set)
				  : 1;
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	return threads > blocks ? blocks ? (unsigned int)blocks : 1 : threads;
}

int btfpack_vmlinux_extract(struct btfpack_vmlinux *v, const struct btfpack_part *parts,
			    size_t count, unsigned int threads, int fd, struct btfpack_error *err)
{
	const struct btfpack_part whole = { 0, v->size };
	CLEANUP(task_deinit) struct task t = { .v = v, .out = fd };
	int error;

	if (!v->blocks)
		return package_extract(&v->x, fd, err);
	t.parts = parts ? parts : &whole;
	t.part_count = parts ? count : 1;
	error = check_parts(v, t.parts, t.part_count, err);
	if (!error)
		error = choose_blocks(&t, err);
	if (!error)
		error = run_workers(&t, count_threads(threads, t.count), err);
	if (!error && ftruncate(fd, (off_t)v->size) < 0)
		error = btfpack_error_set(err, -errno, "%s: cannot write its vmlinux: %s", v->what,
					  strerror(errno));
	return error;
}
