/* SPDX-License-Identifier: BSD-2-Clause */
/* Writing what is asked for of vmlinux: its blocks, several at a time. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "fetcher/vmlinux.h"

#define THREADS_MAX 16

/* The caller's thread and helpers beside it, which come and go with the processors that
 * there are for them. */
struct task {
	struct btfpack_vmlinux *v;
	const struct btfpack_part *parts; /* in order, apart from one another */
	size_t part_count;
	int out;
	size_t *numbers; /* of the blocks with parts, in order */
	size_t count, largest;
	struct worker *workers; /* the first is the caller's */
	unsigned int threads;

	pthread_mutex_t lock; /* of all below, and of the workers' ended */
	size_t next, done;
	size_t returned[THREADS_MAX]; /* taken, but for no processor not decoded */
	size_t returned_count;
	bool stop;
};

struct worker {
	struct task *task;
	pthread_t thread;
	bool started, ended;
	uint8_t *room; /* for a block; NULL: none yet */
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

/* --- threads
 * ------------------------------------------------------------------------------------------ */

static bool is_first(const struct worker *w)
{
	return w == &w->task->workers[0];
}

static bool take_block(struct task *t, size_t *ret)
{
	bool found;

	pthread_mutex_lock(&t->lock);
	found = !t->stop && (t->returned_count || t->next < t->count);
	if (found)
		*ret = t->returned_count ? t->returned[--t->returned_count] : t->next++;
	pthread_mutex_unlock(&t->lock);
	return found;
}

/* Each helper has at most one. */
static void return_block(struct task *t, size_t i)
{
	pthread_mutex_lock(&t->lock);
	t->returned[t->returned_count++] = i;
	pthread_mutex_unlock(&t->lock);
}

/* Only the caller's thread may call back. */
static int tell(struct worker *w)
{
	struct task *t = w->task;
	size_t done;

	pthread_mutex_lock(&t->lock);
	done = t->done;
	pthread_mutex_unlock(&t->lock);
	return is_first(w) ? package_tell(&t->v->x, done, t->count, &w->err) : 0;
}

/* Of block @number's bytes, how many there are up to the last that is wanted. */
static size_t wanted_end(const struct task *t, size_t number)
{
	const struct btfpack_vmlinux *v = t->v;
	uint64_t start = xz_blocks_start(v->blocks, number), end = start;
	size_t length = xz_blocks_length(v->blocks, number);

	for (size_t i = 0; i < t->part_count; i++) {
		uint64_t from = v->start + t->parts[i].offset, to = from + t->parts[i].size;

		if (from < start + length && to > end)
			end = to;
	}
	return v->whole_blocks || end > start + length ? length : (size_t)(end - start);
}

static int decode(struct worker *w, size_t number, struct xz_decoding *decoding)
{
	const uint8_t *bytes;
	size_t size;
	int error =
		xz_decoding_reach(decoding, wanted_end(w->task, number), &bytes, &size, &w->err);

	return error < 0 ? error : write_block(w->task, number, bytes, &w->err);
}

static void free_decoding(struct xz_decoding **decoding)
{
	xz_decoding_free(*decoding);
}

/* Bytes first, which may be waited for, then a processor. 1: there was none. */
static int work_on_block(struct worker *w, size_t number)
{
	const struct btfpack_vmlinux *v = w->task->v;
	const struct cached_block *cached = vmlinux_find_cached(w->task->v, number);
	CLEANUP(free_decoding) struct xz_decoding *decoding = NULL;
	int error = 0;

	if (!cached && !w->room)
		w->room = malloc(w->task->largest);
	if (!cached && !w->room)
		return btfpack_error_set(&w->err, -ENOMEM, "%s: out of memory", v->what);
	if (!cached)
		error = xz_decoding_new(v->blocks, number, w->room, &decoding, &w->err);
	if (error < 0)
		return error;
	if (!package_begin(&v->x, is_first(w)))
		return 1;
	error = decode(w, number, cached ? cached->decoding : decoding);
	package_end(&v->x);
	return error;
}

/* Until there is no block left, or no processor. */
static void run_helper(struct worker *w)
{
	struct task *t = w->task;
	int result = 0;
	size_t i;

	while (!result && take_block(t, &i)) {
		result = tell(w);
		if (!result)
			result = work_on_block(w, t->numbers[i]);
		if (result > 0)
			return_block(t, i);
		pthread_mutex_lock(&t->lock);
		t->done += !result;
		t->stop |= result < 0;
		pthread_mutex_unlock(&t->lock);
		if (is_first(w))
			break; /* to look after the helpers */
	}
	w->error = result < 0 ? result : 0;
}

static void *start_helper(void *arg)
{
	struct worker *w = arg;

	run_helper(w);
	free(w->room);
	w->room = NULL;
	pthread_mutex_lock(&w->task->lock);
	w->ended = true;
	pthread_mutex_unlock(&w->task->lock);
	return NULL;
}

static void join(struct worker *w)
{
	if (w->started)
		pthread_join(w->thread, NULL);
	w->started = false;
}

/* Whether blocks are left for more than the caller's thread. */
static bool has_more(struct task *t)
{
	bool more;

	pthread_mutex_lock(&t->lock);
	more = !t->stop && t->returned_count + t->count - t->next > 1;
	pthread_mutex_unlock(&t->lock);
	return more;
}

/* Those that ended for want of a processor may find one now. */
static void start_helpers(struct task *t)
{
	for (unsigned int i = 1; i < t->threads && has_more(t); i++) {
		struct worker *w = &t->workers[i];
		bool ended;

		pthread_mutex_lock(&t->lock);
		ended = w->ended;
		pthread_mutex_unlock(&t->lock);
		if (w->started && !ended)
			continue;
		join(w);
		if (w->error < 0)
			continue;
		w->ended = false;
		w->started = !pthread_create(&w->thread, NULL, start_helper, w);
	}
}

/* What a helper gave back after all others were taken is left to the caller's thread. */
static bool is_over(struct task *t)
{
	bool over;

	pthread_mutex_lock(&t->lock);
	over = t->stop || (!t->returned_count && t->next == t->count);
	pthread_mutex_unlock(&t->lock);
	if (!over)
		return false;
	for (unsigned int i = 1; i < t->threads; i++)
		join(&t->workers[i]);
	return t->stop || !t->returned_count;
}

static int run_workers(struct task *t, struct btfpack_error *err)
{
	struct worker workers[THREADS_MAX] = { 0 };
	int error = 0;

	t->workers = workers;
	for (unsigned int i = 0; i < t->threads; i++)
		workers[i].task = t;
	while (!is_over(t)) {
		start_helpers(t);
		run_helper(&workers[0]);
	}
	free(workers[0].room);
	for (unsigned int i = 0; i < t->threads; i++)
		if (workers[i].error < 0 && !error)
			error = btfpack_error_set(err, workers[i].err.code, "%s",
						  workers[i].err.message);
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
	pthread_mutex_destroy(&t->lock);
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

static int extract_stream(struct btfpack_vmlinux *v, int fd, struct btfpack_error *err)
{
	uint64_t size;
	int error = btfpack_vmlinux_find(v, &size, err);

	if (!error)
		error = package_copy(v->package, fd, err);
	package_close(steal_ptr(v->package));
	return error;
}

int btfpack_vmlinux_extract(struct btfpack_vmlinux *v, const struct btfpack_part *parts,
			    size_t count, unsigned int threads, int fd, struct btfpack_error *err)
{
	const struct btfpack_part whole = { 0, v->size };
	CLEANUP(task_deinit)
	struct task t = { .v = v, .out = fd, .lock = PTHREAD_MUTEX_INITIALIZER };
	int error;

	if (!v->blocks)
		return extract_stream(v, fd, err);
	t.parts = parts ? parts : &whole;
	t.part_count = parts ? count : 1;
	error = check_parts(v, t.parts, t.part_count, err);
	if (!error)
		error = choose_blocks(&t, err);
	if (!error)
		t.threads = count_threads(threads, t.count);
	if (!error)
		error = run_workers(&t, err);
	vmlinux_forget_cached(v);
	if (!error && ftruncate(fd, (off_t)v->size) < 0)
		error = btfpack_error_set(err, -errno, "%s: cannot write its vmlinux: %s", v->what,
					  strerror(errno));
	return error;
}
