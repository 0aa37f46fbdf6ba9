/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/gate.h"
#include "cli/held-memory.h"
#include "cli/kernel-image.h"
#include "cli/output.h"
#include "cli/pipeline.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "core/log.h"
#include "core/parallel.h"

#define KERNEL_MEMORY  ((uint64_t)480 << 20) /* what a kernel takes on its way */
#define REST_MEMORY    ((uint64_t)160 << 20) /* indexes, results, what malloc keeps */
#define MODULES_SHARE  8 /* of a kernel's memory: modules on their way */
#define EXTRACT_MEMORY ((uint64_t)48 << 20)  /* of a thread that decodes */
#define MODULES_MEMORY ((uint64_t)280 << 20) /* what modules take on their way: 4,000 of a PC's */
#define STORING_SHARE  8 /* what storing modules takes, as a multiple of their BTF */
#define WAITING_SHARE  8 /* of all memory: results that wait to be stored */
#define AT_ONCE_MAX    16
#define ESTIMATE_AFTER 3.0 /* seconds */

enum state {
	WAITING,
	DOWNLOADING,
	DOWNLOADED,
	CONVERTING,
	FINISHED, /* with or without success */
};

struct item {
	struct pipeline_result result;
	enum state state;
	uint64_t loaded; /* bytes, while it is on its way */
	char *path;      /* of the package */
	/* For who decodes while it is downloaded; NULL: nobody does. */
	struct btfpack_arrival *arrival;
	double began;
	uint64_t size;	/* of the result, until it is handed over */
	uint64_t taken; /* of the budget */
};

struct pipeline {
	const struct pipeline_opts *opts;
	struct item *items;
	size_t count;
	unsigned int at_once; /* kernels */
	char *cache;          /* where downloads are */
	struct processors processors;
	struct kernel_image_host host;
	uint64_t total_bytes;
	struct held_memory memory;
	struct budget budget;

	pthread_mutex_t lock; /* of all below, and the items' state */
	pthread_cond_t changed;
	bool stop;
	uint64_t waiting;    /* bytes of results that were not handed over yet */
	size_t to_download, to_convert; /* the next that a thread takes */
	size_t handed;                  /* how many the caller has had */
	uint64_t bytes;                 /* of packages that are there */
};

static double now(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* With -v -v: where the time goes. */
static void tell_time(const struct btfpack_package *package, const char *done, double began)
{
	log_debug("%s_%s: %s in %.2f s", package->name, package->version, done,
		  now(CLOCK_MONOTONIC) - began);
}

static bool is_over(struct pipeline *p)
{
	return p->stop || fetching_is_canceled();
}

static bool is_over_now(void *arg)
{
	struct pipeline *p = arg;
	bool over;

	pthread_mutex_lock(&p->lock);
	over = is_over(p);
	pthread_mutex_unlock(&p->lock);
	return over;
}

static void set_state(struct pipeline *p, struct item *item, enum state state)
{
	pthread_mutex_lock(&p->lock);
	item->state = state;
	item->loaded = 0;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static void count_bytes(struct pipeline *p, uint64_t bytes)
{
	pthread_mutex_lock(&p->lock);
	p->bytes += bytes;
	pthread_mutex_unlock(&p->lock);
}

/* --- download
 * ------------------------------------------------------------------------------------------ */

/* A thread that downloads. */
struct loader {
	struct pipeline *p;
	struct item *item; /* on its way */
};

static int note_download(const struct btfpack_fetch_progress *progress, void *arg)
{
	struct loader *loader = arg;
	bool over;

	pthread_mutex_lock(&loader->p->lock);
	if (loader->item)
		loader->item->loaded = progress->done;
	over = is_over(loader->p);
	pthread_mutex_unlock(&loader->p->lock);
	return over;
}

/* The next to download, NULL at the end. Packages wait on the disk, so there are not many. */
static struct item *next_download(struct pipeline *p)
{
	struct item *item = NULL;

	pthread_mutex_lock(&p->lock);
	while (!is_over(p) && p->to_download < p->count &&
	       p->to_download >= p->to_convert + p->at_once + p->opts->downloads - 1)
		parallel_wait_a_tick(&p->changed, &p->lock);
	if (!is_over(p) && p->to_download < p->count) {
		item = &p->items[p->to_download++];
		if (!p->opts->partial && btfpack_arrival_new(&item->arrival, NULL) < 0)
			item->arrival = NULL;
		item->state = DOWNLOADING;
	}
	pthread_mutex_unlock(&p->lock);
	return item;
}

/* Whether the heads of vmlinux, by themselves, say that there is BTF. What cannot be
 * asked for in parts is downloaded and asked then. */
static bool has_btf(struct btfpack_fetcher *fetcher, const struct btfpack_package *package)
{
	CLEANUP(btfpack_convert_parts_free) struct btfpack_convert_parts parts = { 0 };
	struct btfpack_vmlinux *vmlinux;
	struct btfpack_error err;

	if (btfpack_fetcher_open_remote(fetcher, package, &vmlinux, &err) < 0)
		return false;
	if (btfpack_convert_parts(btfpack_vmlinux_read, vmlinux, btfpack_vmlinux_size(vmlinux),
				  &parts, &err) < 0)
		parts.btf = 0;
	btfpack_vmlinux_close(vmlinux);
	return parts.btf > 0;
}

/* A package that was in the cache counts, too. */
static void download(struct pipeline *p, struct btfpack_fetcher *fetcher, struct item *item)
{
	struct pipeline_result *r = &item->result;
	int error = item->arrival
			    ? btfpack_fetcher_download_along(fetcher, r->package, item->arrival,
							     &item->path, &r->err)
			    : btfpack_fetcher_download(fetcher, r->package, &item->path, &r->err);
	struct stat st;

	if (!error && stat(item->path, &st) == 0)
		count_bytes(p, (uint64_t)st.st_size);
	tell_time(r->package, "downloaded", item->began);
	set_state(p, item, error < 0 ? FINISHED : DOWNLOADED);
}

static void pass_over(struct pipeline *p, struct item *item, uint64_t bytes)
{
	count_bytes(p, bytes);
	item->result.has_btf = item->result.is_skipped = true;
	item->result.seconds = now(CLOCK_MONOTONIC) - item->began;
	btfpack_arrival_cancel(item->arrival);
	set_state(p, item, FINISHED);
}

static void get(struct pipeline *p, struct btfpack_fetcher *fetcher, struct item *item)
{
	uint64_t before = btfpack_fetcher_received(fetcher);

	item->began = now(CLOCK_MONOTONIC);
	if (p->opts->partial) /* the worker does it */
		set_state(p, item, DOWNLOADED);
	else if (p->opts->skip_btf && has_btf(fetcher, item->result.package))
		pass_over(p, item, btfpack_fetcher_received(fetcher) - before);
	else
		download(p, fetcher, item);
}

static void *run_downloads(void *arg)
{
	struct loader loader = { .p = arg };
	struct btfpack_fetcher *fetcher;
	struct btfpack_error err;
	int error = fetching_new(loader.p->opts->fetching, note_download, &loader, &fetcher, &err);

	while ((loader.item = next_download(loader.p))) {
		if (!error) {
			get(loader.p, fetcher, loader.item);
			continue;
		}
		loader.item->result.err = err;
		btfpack_arrival_cancel(loader.item->arrival);
		set_state(loader.p, loader.item, FINISHED);
	}
	if (!error)
		btfpack_fetcher_close(fetcher);
	return NULL;
}

/* --- convert
 * -------------------------------------------------------------------------------------------- */

static int note_extraction(const struct btfpack_fetch_progress *progress, void *arg)
{
	(void)progress;
	return is_over_now(arg);
}

static void hold_memory(void *arg, uint64_t more, uint64_t less)
{
	struct pipeline *p = arg;

	held_memory_change(&p->memory, more, less);
}

static int open_local(struct kernel_image *image, const struct item *item,
		      struct btfpack_error *err)
{
	const struct btfpack_package *package = item->result.package;
	struct btfpack_vmlinux_opts opts = kernel_image_opts(image, package);

	return btfpack_vmlinux_open(item->path, package->kernel.uname, &opts, &image->vmlinux, err);
}

/* A package without parts, a server that gives none or does not have it: all of it after
 * all, by the way that knows what to do then. */
static int open_remote(struct kernel_image *image, struct btfpack_fetcher *fetcher,
		       struct item *item, struct btfpack_error *err)
{
	struct pipeline_result *r = &item->result;
	int error = btfpack_fetcher_open_remote(fetcher, r->package, &image->vmlinux, err);

	r->is_partial = !error;
	if (!error || error == -ECANCELED || error == -ENOMEM)
		return error;
	error = btfpack_fetcher_download(fetcher, r->package, &item->path, err);
	return error < 0 ? error : open_local(image, item, err);
}

/* @fetcher NULL: the package is there. */
static int open_image(struct kernel_image *image, struct btfpack_fetcher *fetcher,
		      struct item *item, struct btfpack_error *err)
{
	int error = fetcher ? open_remote(image, fetcher, item, err) : open_local(image, item, err);

	if (!error)
		error = kernel_image_read_heads(image, err);
	/* What makes no sense is extracted whole, for the conversion to say why. */
	return error == -EBADMSG && item->path && image->vmlinux ? 0 : error;
}

static int take_memory(struct pipeline *p, struct item *item, uint64_t bytes,
		       struct btfpack_error *err)
{
	if (item->taken)
		return 0;
	if (!budget_take(&p->budget, bytes, false, is_over_now, p))
		return btfpack_error_set(err, -ECANCELED, "canceled");
	item->taken = bytes;
	return 0;
}

static void give_memory(struct pipeline *p, struct item *item)
{
	budget_give(&p->budget, item->taken);
	item->taken = 0;
}

/* What conversion reads is there, and what it makes of debug information is about as much
 * as that again: 620 MB of Debian's kernels for PCs. */
static int extract(struct pipeline *p, struct kernel_image *image, struct item *item,
		   struct btfpack_error *err)
{
	uint64_t bytes = p->host.memory; /* of what comes as a stream nothing is known */
	int error;

	if (image->has_parts)
		bytes = image->parts.bytes + image->parts.dwarf + EXTRACT_MEMORY * p->host.threads;
	error = take_memory(p, item, bytes, err);

	return error ? error : kernel_image_extract(image, err);
}

/* --- while it is downloaded
 * --------------------------------------------------------------------------- */

/* What counts of the vmlinux, decoded as it comes. Errors are nobody's business: what does
 * not work so is done, and complained about, when the package is there. */
static bool look_ahead(struct pipeline *p, struct kernel_image *image, struct item *item)
{
	struct btfpack_vmlinux_opts opts = kernel_image_opts(image, item->result.package);
	int error = btfpack_arrival_open_vmlinux(item->arrival, item->result.package, &opts,
						 &image->vmlinux, NULL);

	if (!error)
		error = kernel_image_read_heads(image, NULL);
	if (!error && !(image->parts.btf && p->opts->skip_btf))
		error = extract(p, image, item, NULL);
	if (error < 0)
		kernel_image_deinit(image);
	return !error;
}

static int convert(struct pipeline *p, struct kernel_image *image, struct pipeline_result *r)
{
	double began = now(CLOCK_MONOTONIC);
	int error = kernel_image_convert(image, r->package, r->build_id, &r->btf, &r->err);

	if (!error) {
		processors_take(&p->processors, 1);
		error = gate_pass(&r->btf, r->package->name, &r->is_repaired, &r->err);
		processors_give(&p->processors, 1);
	}
	tell_time(r->package, "converted", began);
	return error;
}

/* Until the download is at its end: whether it went well. */
static bool wait_for_download(struct pipeline *p, struct item *item)
{
	bool there;

	pthread_mutex_lock(&p->lock);
	while (item->state == DOWNLOADING)
		pthread_cond_wait(&p->changed, &p->lock);
	there = item->state == DOWNLOADED;
	if (there)
		item->state = CONVERTING;
	pthread_mutex_unlock(&p->lock);
	return there;
}

/* Whether what was decoded ahead is of the package that was verified; else it is
 * forgotten. */
static bool keep_ahead(struct kernel_image *image, struct item *item)
{
	bool same = btfpack_arrival_check(item->arrival, image->vmlinux, NULL) == 0;

	if (!same)
		kernel_image_deinit(image);
	return same;
}

/* After its vmlinux, whose memory they take over. */
static int convert_modules(struct pipeline *p, struct item *item)
{
	struct pipeline_result *r = &item->result;
	const struct module_job job = {
		.package_path = item->path,
		.scratch = p->host.scratch,
		.package = r->package,
		.base = &r->btf,
		.threads = processors_take(&p->processors, p->processors.count),
		.memory = p->opts->memory / p->at_once / MODULES_SHARE,
		.progress = note_extraction,
		.arg = p,
		.hold = hold_memory,
	};
	int error = modules_convert(&job, &r->modules, &r->err);

	processors_give(&p->processors, job.threads);
	return error;
}

/* Whether it is left alone for the BTF that it has, as far as is known. */
static bool is_passed_over(const struct pipeline *p, const struct kernel_image *image,
			   struct pipeline_result *r)
{
	r->has_btf = image->parts.btf > 0;
	r->is_skipped = r->has_btf && p->opts->skip_btf;
	return r->is_skipped;
}

/* 1: the download failed, which its thread has said. */
static int make_btf(struct pipeline *p, struct btfpack_fetcher *fetcher, struct item *item)
{
	CLEANUP(kernel_image_deinit) struct kernel_image image = KERNEL_IMAGE_INIT(&p->host);
	struct pipeline_result *r = &item->result;
	bool ahead = item->arrival && look_ahead(p, &image, item);
	double began = now(CLOCK_MONOTONIC);
	int error = 0;

	if (!wait_for_download(p, item))
		return 1;
	ahead = ahead && keep_ahead(&image, item);
	btfpack_arrival_free(steal_ptr(item->arrival)); /* it keeps the package on the disk */
	if (!ahead)
		error = open_image(&image, fetcher, item, &r->err);
	if (error < 0)
		return error;
	if (is_passed_over(p, &image, r))
		return 0;
	if (!ahead)
		error = extract(p, &image, item, &r->err);
	btfpack_vmlinux_close(steal_ptr(image.vmlinux));
	tell_time(r->package, ahead ? "extracted ahead; waited" : "extracted", began);
	if (error < 0 || is_passed_over(p, &image, r)) /* a stream tells only now */
		return error;
	return convert(p, &image, r);
}

static int work_on(struct pipeline *p, struct btfpack_fetcher *fetcher, struct item *item)
{
	int error = make_btf(p, fetcher, item);

	give_memory(p, item);
	if (error || !p->opts->modules || item->result.is_skipped)
		return error;
	error = take_memory(p, item, MODULES_MEMORY, &item->result.err);
	if (!error)
		error = convert_modules(p, item);
	give_memory(p, item);
	return error;
}

/* Whether one more may be begun. Results that nobody took yet are memory, too; but the
 * one that is to be taken next must come. */
static bool has_room(const struct pipeline *p)
{
	return p->to_convert < p->handed + 4 * p->at_once &&
	       (p->to_convert == p->handed || p->waiting <= p->opts->memory / WAITING_SHARE);
}

/* The next that is downloaded or about to be, in the order of the list; NULL at the end. */
static struct item *next_item(struct pipeline *p)
{
	struct item *item = NULL;

	pthread_mutex_lock(&p->lock);
	while (!is_over(p) && p->to_convert < p->count && !item) {
		struct item *next = &p->items[p->to_convert];

		if (next->state == FINISHED) { /* its download failed */
			p->to_convert++;
		} else if ((next->state == DOWNLOADED || next->arrival) && has_room(p)) {
			p->to_convert++;
			item = next;
			pthread_cond_broadcast(&p->changed);
		} else {
			parallel_wait_a_tick(&p->changed, &p->lock);
		}
	}
	pthread_mutex_unlock(&p->lock);
	return item;
}

static uint64_t modules_size(const struct item *item)
{
	const struct btfpack_modules *modules = &item->result.modules.modules;
	uint64_t size = 0;

	for (size_t i = 0; i < modules->count; i++)
		size += modules->modules[i].btf.size;
	return size;
}

static void finish(struct pipeline *p, struct item *item, int error)
{
	if (!error)
		item->result.err.code = 0;
	item->result.seconds = now(CLOCK_MONOTONIC) - item->began;
	item->size = item->result.btf.size + modules_size(item);
	pthread_mutex_lock(&p->lock);
	p->waiting += item->size;
	pthread_mutex_unlock(&p->lock);
	set_state(p, item, FINISHED);
}

/* Who downloads parts has a fetcher of his own. */
static void *run_conversions(void *arg)
{
	struct pipeline *p = arg;
	struct btfpack_fetcher *fetcher = NULL;
	struct btfpack_error err;
	struct item *item;
	int error = 0;

	if (p->opts->partial)
		error = fetching_new(p->opts->fetching, note_extraction, p, &fetcher, &err);
	while ((item = next_item(p))) {
		uint64_t before = fetcher ? btfpack_fetcher_received(fetcher) : 0;
		int result = error;

		if (error < 0)
			item->result.err = err;
		if (error >= 0)
			result = work_on(p, fetcher, item);
		if (result <= 0)
			finish(p, item, result);
		if (fetcher)
			count_bytes(p, btfpack_fetcher_received(fetcher) - before);
	}
	btfpack_fetcher_close(fetcher);
	return NULL;
}

/* --- the caller's thread
 * -------------------------------------------------------------------------------- */

static const char *describe_time(double seconds, char ret[32])
{
	if (seconds < 90)
		snprintf(ret, 32, "%.0f s", seconds);
	else if (seconds < 5400)
		snprintf(ret, 32, "%.0f min", seconds / 60);
	else
		snprintf(ret, 32, "%.1f h", seconds / 3600);
	return ret;
}

/* "[3/12] 1.2 GB of 3.4 GB, 2 converting, 1 downloading (about 3 min left)" */
static void show_progress(struct pipeline *p, double began)
{
	double elapsed = now(CLOCK_MONOTONIC) - began;
	size_t count[FINISHED + 1] = { 0 };
	char size[16], total[16], left[32], estimate[64] = "";
	uint64_t done = p->bytes;

	for (size_t i = p->handed; i < p->count && p->items[i].state != WAITING; i++) {
		count[p->items[i].state]++;
		done += p->items[i].loaded;
	}
	if (done && p->total_bytes > done && elapsed > ESTIMATE_AFTER)
		snprintf(estimate, sizeof(estimate), " (about %s left)",
			 describe_time(elapsed * (double)(p->total_bytes - done) / (double)done,
				       left));
	output_progress("[%zu/%zu] %s of %s, %zu converting, %zu downloading%s", p->handed + 1,
			p->count, output_size(done, size), output_size(p->total_bytes, total),
			count[CONVERTING], count[DOWNLOADING], estimate);
}

static bool wait_for(struct pipeline *p, struct item *item, double began)
{
	bool ready;

	pthread_mutex_lock(&p->lock);
	while (item->state != FINISHED && !fetching_is_canceled()) {
		show_progress(p, began);
		held_memory_sample(&p->memory);
		parallel_wait_a_tick(&p->changed, &p->lock);
	}
	ready = item->state == FINISHED;
	pthread_mutex_unlock(&p->lock);
	return ready;
}

static bool is_canceled(void *arg)
{
	(void)arg;
	return fetching_is_canceled();
}

static int store(struct pipeline *p, struct item *item,
		 int (*done)(void *arg, struct pipeline_result *result), void *arg,
		 struct btfpack_error *err)
{
	uint64_t bytes = item->size * STORING_SHARE;
	double taken;
	int result;

	if (!budget_take(&p->budget, bytes, true, is_canceled, NULL))
		return btfpack_error_set(err, -ECANCELED, "canceled");
	taken = now(CLOCK_MONOTONIC);
	result = done(arg, &item->result);
	tell_time(item->result.package, "stored", taken);
	btfpack_blob_free(&item->result.btf);
	module_set_deinit(&item->result.modules);
	budget_give(&p->budget, bytes);
	return result;
}

static int hand_over(struct pipeline *p, int (*done)(void *arg, struct pipeline_result *result),
		     void *arg, double began, struct btfpack_error *err)
{
	for (size_t i = 0; i < p->count; i++) {
		struct item *item = &p->items[i];
		int result;

		if (!wait_for(p, item, began))
			return btfpack_error_set(err, -ECANCELED, "canceled");
		result = store(p, item, done, arg, err);
		pthread_mutex_lock(&p->lock);
		p->handed++;
		p->waiting -= item->size;
		pthread_cond_broadcast(&p->changed);
		pthread_mutex_unlock(&p->lock);
		if (result)
			return result;
	}
	return 0;
}

static void stop(struct pipeline *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
}

static void measure(struct pipeline *p, double began, double cpu_began,
		    struct pipeline_metrics *ret)
{
	held_memory_sample(&p->memory);
	*ret = (struct pipeline_metrics){
		.bytes = p->bytes,
		.seconds = now(CLOCK_MONOTONIC) - began,
		.cpu_seconds = now(CLOCK_PROCESS_CPUTIME_ID) - cpu_began,
		.memory = p->memory.most,
		.at_once = p->at_once,
	};
}

static int run_threads(struct pipeline *p, int (*done)(void *, struct pipeline_result *), void *arg,
		       double began, struct btfpack_error *err)
{
	pthread_t threads[AT_ONCE_MAX + PIPELINE_DOWNLOADS_MAX];
	unsigned int started = 0;
	int error = 0;

	while (started < p->at_once + p->opts->downloads && !error) {
		error = -pthread_create(&threads[started], NULL,
					started < p->at_once ? run_conversions : run_downloads, p);
		started += !error;
	}
	if (error)
		btfpack_error_set(err, error, "cannot start a thread: %s", strerror(-error));
	else
		error = hand_over(p, done, arg, began, err);
	stop(p);
	while (started)
		pthread_join(threads[--started], NULL);
	return error;
}

static void pipeline_deinit(struct pipeline *p)
{
	for (size_t i = 0; i < p->count && p->items; i++) {
		btfpack_blob_free(&p->items[i].result.btf);
		module_set_deinit(&p->items[i].result.modules);
		btfpack_arrival_free(p->items[i].arrival);
		free(p->items[i].path);
	}
	free(p->items);
	free(p->cache);
	pthread_mutex_destroy(&p->processors.lock);
	pthread_mutex_destroy(&p->memory.lock);
	pthread_mutex_destroy(&p->budget.lock);
	pthread_cond_destroy(&p->budget.changed);
	pthread_cond_destroy(&p->changed);
	pthread_mutex_destroy(&p->lock);
}

/* Kernels at a time by memory, and no more than there are threads for. */
static void choose_width(struct pipeline *p)
{
	cpu_set_t set;
	unsigned int jobs = p->opts->jobs;
	uint64_t fit = p->opts->memory / KERNEL_MEMORY;

	if (!jobs)
		jobs = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned int)CPU_COUNT(&set)
								    : 1;
	p->at_once = jobs < AT_ONCE_MAX ? jobs : AT_ONCE_MAX;
	if (fit < p->at_once)
		p->at_once = fit ? (unsigned int)fit : 1;
	if (p->count < p->at_once)
		p->at_once = p->count ? (unsigned int)p->count : 1;
	p->processors.count = jobs;
}

/* What all kernels' images share. */
static int set_host(struct pipeline *p, struct btfpack_error *err)
{
	const char *cache = p->opts->fetching->cache;
	uint64_t memory = p->opts->memory;

	memory = memory > REST_MEMORY ? memory - REST_MEMORY : 0;
	p->budget.limit = memory;
	p->cache = cache ? strdup(cache) : fetching_default_cache();
	if (!p->cache)
		return btfpack_error_set(err, -ENOMEM, "out of memory for the plan");
	p->host = (struct kernel_image_host){
		.processors = &p->processors,
		.memory = memory / p->at_once,
		.threads = (p->processors.count + p->at_once - 1) / p->at_once,
		.scratch = p->cache,
		.progress = note_extraction,
		.hold = hold_memory,
		.arg = p,
	};
	return 0;
}

int pipeline_run(const struct btfpack_package *const *packages, size_t count,
		 const struct pipeline_opts *opts,
		 int (*done)(void *arg, struct pipeline_result *result), void *arg,
		 struct pipeline_metrics *ret, struct btfpack_error *err)
{
	CLEANUP(pipeline_deinit)
	struct pipeline p = {
		.opts = opts,
		.count = count,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
		.processors.lock = PTHREAD_MUTEX_INITIALIZER,
		.memory.lock = PTHREAD_MUTEX_INITIALIZER,
		.budget = { .lock = PTHREAD_MUTEX_INITIALIZER,
			    .changed = PTHREAD_COND_INITIALIZER },
	};
	double began = now(CLOCK_MONOTONIC), cpu_began = now(CLOCK_PROCESS_CPUTIME_ID);
	int error;

	choose_width(&p);
	p.items = calloc(count + 1, sizeof(*p.items));
	if (!p.items)
		return btfpack_error_set(err, -ENOMEM, "out of memory for the plan");
	for (size_t i = 0; i < count; i++) {
		p.items[i].result.package = packages[i];
		p.total_bytes += packages[i]->size;
	}
	error = set_host(&p, err);
	if (!error)
		error = run_threads(&p, done, arg, began, err);
	output_progress(NULL);
	measure(&p, began, cpu_began, ret);
	return error;
}
