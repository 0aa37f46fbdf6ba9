/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <btfpack/btfgen.h>

#include "btf/btf-fit.h"
#include "cli/kernel-image.h"
#include "cli/modules.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "core/grow.h"

#define THREADS_MAX	 64
#define FILE_IN_MEMORY	 ((uint64_t)64 << 20) /* larger modules lie in a file without a name */
#define CONVERSION_SHARE 2 /* what conversion takes besides, as a part of the module */

/* Of all kernels on their way one large module is converted at a time: amdgpu of Debian's
 * kernel for PCs has hundreds of megabytes of debug information. */
static pthread_mutex_t large = PTHREAD_MUTEX_INITIALIZER;

void module_set_deinit(struct module_set *set)
{
	btfpack_modules_free(&set->modules);
	for (size_t i = 0; i < set->failure_count; i++) {
		free(set->failures[i].name);
		free(set->failures[i].reason);
	}
	free(set->failures);
	*set = (struct module_set){ 0 };
}

/* A module out of the package, on its way. */
struct waiting {
	char name[BTFPACK_MODULE_NAME_SIZE];
	int fd;
	uint64_t size;	 /* bytes that it counts for */
	uint64_t memory; /* of these, in a file that is memory */
	struct waiting *next;
};

/* One that arrived. */
struct arrived {
	char *name;
	struct btfpack_blob btf;
	char *reason; /* NULL: it has BTF */
};

struct conversion {
	const struct module_job *job;
	struct btfpack_module_base *base;
	struct btf_view vmlinux;
	struct waiting *opened; /* between the sink's two calls */

	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	struct waiting *first, **last;
	bool is_over;	   /* no more will come */
	bool has_no_memory; /* some thread had not */
	uint64_t in_flight; /* bytes waiting or being converted */
	struct arrived *arrived;
	uint32_t count, room;
};

static void waiting_free(const struct conversion *c, struct waiting *w)
{
	if (!w)
		return;
	cleanup_fd(&w->fd);
	if (c->job->hold)
		c->job->hold(c->job->arg, 0, w->memory);
	free(w);
}

/* --- results ------------------------------------------------------------------------------------ */

/* Takes @btf. */
static void add_arrived(struct conversion *c, const char *name, struct btfpack_blob *btf,
			const char *reason)
{
	struct arrived a = { .name = strdup(name), .btf = *btf,
			     .reason = reason ? strdup(reason) : NULL };

	*btf = (struct btfpack_blob){ 0 };
	pthread_mutex_lock(&c->lock);
	if (a.name && (a.reason || !reason) &&
	    !grow_array((void **)&c->arrived, &c->room, c->count + 1ull, sizeof(a))) {
		c->arrived[c->count++] = a;
		a = (struct arrived){ 0 };
	} else {
		c->has_no_memory = true;
	}
	pthread_mutex_unlock(&c->lock);
	free(a.name);
	free(a.reason);
	btfpack_blob_free(&a.btf);
}

/* Good ones first within a name; then by the bytes, so that threads do not show. */
static int compare_arrived(const void *x, const void *y)
{
	const struct arrived *a = x, *b = y;
	size_t size = a->btf.size < b->btf.size ? a->btf.size : b->btf.size;
	int order = strcmp(a->name, b->name);

	if (!order)
		order = (a->reason != NULL) - (b->reason != NULL);
	if (!order && a->reason)
		return strcmp(a->reason, b->reason);
	if (!order && size)
		order = memcmp(a->btf.data, b->btf.data, size);
	return order ? order : (a->btf.size > b->btf.size) - (a->btf.size < b->btf.size);
}

static void add_failure(struct module_set *set, struct arrived *a, const char *reason)
{
	struct module_failure *f = &set->failures[set->failure_count];

	f->reason = a->reason ? steal_ptr(a->reason) : strdup(reason);
	f->name = steal_ptr(a->name); /* the set's, as the reason */
	set->failure_count++;
}

static int sort_out(struct conversion *c, struct module_set *ret)
{
	CLEANUP(module_set_deinit)
	struct module_set set = {
		.modules.modules = calloc(c->count + 1ull, sizeof(*set.modules.modules)),
		.failures = calloc(c->count + 1ull, sizeof(*set.failures)),
	};
	const char *before = NULL;

	if (!set.modules.modules || !set.failures)
		return -ENOMEM;
	if (c->count)
		qsort(c->arrived, c->count, sizeof(*c->arrived), compare_arrived);
	for (uint32_t i = 0; i < c->count; i++) {
		struct arrived *a = &c->arrived[i];

		if (a->reason || (before && !strcmp(before, a->name))) {
			add_failure(&set, a, "another module of the package has this name");
			continue;
		}
		before = a->name;
		set.modules.modules[set.modules.count++] =
			(struct btfpack_module_btf){ steal_ptr(a->name), a->btf }; /* the set's */
		a->btf = (struct btfpack_blob){ 0 };
	}
	*ret = set; /* the caller's */
	set = (struct module_set){ 0 };
	return 0;
}

/* --- converting --------------------------------------------------------------------------------- */

/* A sentence without the name of a file that has none. */
static const char *without_path(const char *message, const char *path)
{
	size_t length = strlen(path);

	return strncmp(message, path, length) || strncmp(message + length, ": ", 2)
		       ? message
		       : message + length + 2;
}

static bool is_btf(int fd)
{
	uint8_t magic[2] = { 0 };

	return pread(fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	       ((magic[0] == 0x9f && magic[1] == 0xeb) || (magic[0] == 0xeb && magic[1] == 0x9f));
}

/* BTF as it is, of a file or a section of it, may be made for another vmlinux. */
static int check_base(const struct conversion *c, const struct waiting *w,
		      const struct btfpack_blob *btf, struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	int error = btf_view_init(&view, btf->data, btf->size, &c->vmlinux, w->name, err);

	if (error)
		return error;
	return view.other_order == c->vmlinux.other_order && btf_fits_base(&view)
		       ? 0
		       : btfpack_error_set(err, -EBADMSG, "its BTF was made for another kernel's");
}

static void convert(struct conversion *c, struct waiting *w)
{
	bool is_large = w->size > FILE_IN_MEMORY;
	const struct btfpack_convert_opts opts = { .size = sizeof(opts), .jobs = 1 };
	struct btfpack_blob btf = { 0 };
	struct btfpack_error err = { 0 };
	char path[32];
	int error;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", w->fd);
	if (is_large)
		pthread_mutex_lock(&large);
	if (is_btf(w->fd))
		error = fs_read(path, BTFPACK_ARCHIVE_BTF_MAX, &btf, &err);
	else
		error = btfpack_convert_module_on(path, c->base, &opts, &btf, &err);
	if (!error)
		error = check_base(c, w, &btf, &err);
	if (is_large)
		pthread_mutex_unlock(&large);
	if (error == -ENOMEM) {
		pthread_mutex_lock(&c->lock);
		c->has_no_memory = true;
		pthread_mutex_unlock(&c->lock);
		return;
	}
	if (error < 0)
		btfpack_blob_free(&btf);
	add_arrived(c, w->name, &btf, error < 0 ? without_path(err.message, path) : NULL);
}

static void finish(struct conversion *c, struct waiting *w)
{
	uint64_t size = w->size;

	waiting_free(c, w);
	pthread_mutex_lock(&c->lock);
	c->in_flight -= size;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
}

static struct waiting *next_waiting(struct conversion *c)
{
	struct waiting *w;

	pthread_mutex_lock(&c->lock);
	while (!c->first && !c->is_over)
		pthread_cond_wait(&c->changed, &c->lock);
	w = c->first;
	if (w) {
		c->first = w->next;
		if (!c->first)
			c->last = &c->first;
	}
	pthread_mutex_unlock(&c->lock);
	return w;
}

static void *run_worker(void *arg)
{
	struct conversion *c = arg;
	struct waiting *w;

	while ((w = next_waiting(c))) {
		convert(c, w);
		finish(c, w);
	}
	return NULL;
}

/* --- out of the package ------------------------------------------------------------------------- */

/* Wait until there is room for @size bytes more; one alone always has room. */
static void wait_for_room(struct conversion *c, uint64_t size)
{
	pthread_mutex_lock(&c->lock);
	while (c->in_flight && c->in_flight + size > c->job->memory)
		pthread_cond_wait(&c->changed, &c->lock);
	c->in_flight += size;
	pthread_mutex_unlock(&c->lock);
}

static int open_module(void *arg, const char *name, uint64_t size, struct btfpack_error *err)
{
	struct conversion *c = arg;
	struct waiting *w = calloc(1, sizeof(*w));
	bool in_memory = size <= FILE_IN_MEMORY && size <= c->job->memory;

	if (!w)
		return btfpack_error_set(err, -ENOMEM, "out of memory for module %s", name);
	snprintf(w->name, sizeof(w->name), "%s", name);
	w->size = size + size / CONVERSION_SHARE;
	wait_for_room(c, w->size);
	w->fd = in_memory ? memfd_create("module", MFD_CLOEXEC) : -1;
	if (w->fd < 0)
		w->fd = kernel_image_temporary(c->job->scratch, err);
	else
		w->memory = size;
	if (c->job->hold)
		c->job->hold(c->job->arg, w->memory, 0);
	c->opened = w;
	return w->fd;
}

/* The descriptor is the one that open_module() gave. */
static int take_module(void *arg, const char *name, int fd, const struct btfpack_error *why,
		       struct btfpack_error *err)
{
	struct conversion *c = arg;
	struct waiting *w = c->opened;
	bool is_lost;

	(void)fd;
	c->opened = NULL;
	if (why)
		add_arrived(c, name, &(struct btfpack_blob){ 0 }, why->message);
	if (!why && c->job->threads == 1)
		convert(c, w);
	pthread_mutex_lock(&c->lock);
	is_lost = c->has_no_memory;
	if (!why && c->job->threads > 1) {
		*c->last = w;
		c->last = &w->next;
		w = NULL; /* the queue's */
		pthread_cond_broadcast(&c->changed);
	}
	pthread_mutex_unlock(&c->lock);
	if (w)
		finish(c, w);
	return is_lost ? btfpack_error_set(err, -ENOMEM, "out of memory for modules") : 0;
}

static int take_out_of_package(struct conversion *c, const struct btfpack_module_sink *sink,
			       struct btfpack_error *err)
{
	const struct module_job *job = c->job;
	const char *slash = strrchr(job->package->url, '/');
	const struct btfpack_vmlinux_opts opts = {
		.size = sizeof(opts),
		.name = slash ? slash + 1 : job->package->name,
		.progress = job->progress,
		.progress_arg = job->arg,
	};
	struct btfpack_vmlinux *vmlinux;
	int error = btfpack_vmlinux_open(job->package_path, job->package->kernel.uname, &opts,
					 &vmlinux, err);

	if (error < 0)
		return error;
	error = btfpack_vmlinux_modules(vmlinux, sink, err);
	btfpack_vmlinux_close(vmlinux);
	return error;
}

static int take_out(struct conversion *c, struct btfpack_error *err)
{
	const struct btfpack_module_sink sink = { open_module, take_module, c };
	int error = c->job->directory
			    ? btfpack_directory_modules(c->job->directory, &sink, err)
			    : take_out_of_package(c, &sink, err);

	if (c->opened) { /* its descriptor was closed where the walk ended */
		c->opened->fd = -1;
		finish(c, c->opened);
	}
	return error;
}

/* --- the whole ---------------------------------------------------------------------------------- */

static void conversion_deinit(struct conversion *c)
{
	for (struct waiting *w = c->first, *next; w; w = next) {
		next = w->next;
		waiting_free(c, w);
	}
	for (uint32_t i = 0; i < c->count; i++) {
		free(c->arrived[i].name);
		free(c->arrived[i].reason);
		btfpack_blob_free(&c->arrived[i].btf);
	}
	free(c->arrived);
	btfpack_module_base_free(c->base);
	btf_view_deinit(&c->vmlinux);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
}

static unsigned int start_workers(struct conversion *c, unsigned int count,
				  pthread_t threads[THREADS_MAX], struct btfpack_error *err)
{
	unsigned int started = 0;

	while (started < count && !pthread_create(&threads[started], NULL, run_worker, c))
		started++;
	if (count && !started)
		btfpack_error_set(err, -EAGAIN, "cannot start a thread");
	return started;
}

int modules_convert(const struct module_job *job, struct module_set *ret, struct btfpack_error *err)
{
	CLEANUP(conversion_deinit)
	struct conversion c = { .job = job,
				.lock = PTHREAD_MUTEX_INITIALIZER,
				.changed = PTHREAD_COND_INITIALIZER };
	unsigned int threads = job->threads < THREADS_MAX ? job->threads : THREADS_MAX, started;
	unsigned int wanted = threads > 1 ? threads : 0;
	pthread_t workers[THREADS_MAX];
	int error = btfpack_module_base_new(job->base, &c.base, err);

	if (!error)
		error = btf_view_init(&c.vmlinux, job->base->data, job->base->size, NULL, "vmlinux",
				      err);
	if (error < 0)
		return error;
	c.last = &c.first;
	started = start_workers(&c, wanted, workers, err);
	error = wanted && !started ? -EAGAIN : take_out(&c, err);
	pthread_mutex_lock(&c.lock);
	c.is_over = true;
	pthread_cond_broadcast(&c.changed);
	pthread_mutex_unlock(&c.lock);
	while (started)
		pthread_join(workers[--started], NULL);
	if (!error && (c.has_no_memory || sort_out(&c, ret)))
		error = btfpack_error_set(err, -ENOMEM, "out of memory for modules");
	return error;
}
