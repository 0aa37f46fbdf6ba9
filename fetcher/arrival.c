/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A package that is read while it is downloaded: a byte source whose reader waits until
 * the bytes are there. What it gives is not verified yet, so nobody may use what comes of
 * it before btfpack_arrival_check() has said that it was the file which was.
 *
 * A wait has an end because every download has one, by whoever downloads: a server that is
 * too slow or silent, a signal, an error end it, and arrival_end() wakes all. A reader holds
 * no lock that the download needs, and nothing of a library's: it waits between two calls.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "fetcher/arrival.h"
#include "fetcher/http.h"
#include "fetcher/package.h"
#include "fetcher/xz-blocks.h"

struct btfpack_arrival {
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t changed;
	int fd;        /* of the file; -1: there is none yet. Never another */
	uint64_t have; /* bytes of it */
	bool spoiled;  /* the file began anew: what was read is void */
	bool over;     /* no more comes */
};

int btfpack_arrival_new(struct btfpack_arrival **ret, struct btfpack_error *err)
{
	struct btfpack_arrival *a = calloc(1, sizeof(*a));

	if (!a)
		return btfpack_error_set(err, -ENOMEM, "out of memory for a download");
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->changed, NULL);
	a->fd = -1;
	*ret = a;
	return 0;
}

void btfpack_arrival_free(struct btfpack_arrival *a)
{
	if (!a)
		return;
	cleanup_fd(&a->fd);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* --- who downloads
 * ------------------------------------------------------------------------------------ */

/* By a descriptor of its own: one that is shared would keep the partial's lock. */
void arrival_begin(struct btfpack_arrival *a, const char *path, uint64_t have)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->spoiled |= a->fd >= 0;
	if (a->fd < 0)
		a->fd = open(path, O_RDONLY | O_CLOEXEC);
	a->spoiled |= a->fd < 0;
	a->have = have;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

void arrival_grow(struct btfpack_arrival *a, uint64_t have)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->have = have;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

void arrival_spoil(struct btfpack_arrival *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->spoiled = true;
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

/* Whether the two are one file. */
static bool is_file(int fd, const char *path)
{
	struct stat x, y;

	return path && fd >= 0 && fstat(fd, &x) == 0 && stat(path, &y) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

void arrival_end(struct btfpack_arrival *a, const char *path)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->over = true;
	a->spoiled |= !is_file(a->fd, path);
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
}

void btfpack_arrival_cancel(struct btfpack_arrival *a)
{
	arrival_end(a, NULL);
}

/* --- who reads
 * ---------------------------------------------------------------------------------------- */

static int not_there(struct btfpack_error *err)
{
	return btfpack_error_set(err, -ESTALE,
				 "the download ended or began anew before its bytes were read");
}

/* Wait until @end bytes are there, or all: *@have_ret. -ESTALE: it did not go well. */
static int wait_for(struct btfpack_arrival *a, uint64_t end, uint64_t *have_ret,
		    struct btfpack_error *err)
{
	bool good;

	pthread_mutex_lock(&a->lock);
	while (!a->over && !a->spoiled && (a->fd < 0 || a->have < end))
		pthread_cond_wait(&a->changed, &a->lock);
	good = !a->spoiled && a->fd >= 0;
	*have_ret = a->have;
	pthread_mutex_unlock(&a->lock);
	return good ? 0 : not_there(err);
}

/* Bytes that are there do not change; where the file begins anew meanwhile, the next wait
 * or the check at the end tells. */
static int read_there(const struct btfpack_arrival *a, uint64_t offset, void *ret, size_t size,
		      struct btfpack_error *err)
{
	int error = 0;

	for (size_t done = 0; !error && done < size;) {
		ssize_t got =
			pread(a->fd, (uint8_t *)ret + done, size - done, (off_t)(offset + done));

		if (got > 0)
			done += (size_t)got;
		else if (!got || errno != EINTR)
			error = btfpack_error_set(err, -ESTALE, "a download cannot be read along");
	}
	return error;
}

static int read_arrived(void *arg, uint64_t offset, void *ret, size_t size,
			struct btfpack_error *err)
{
	uint64_t have;
	int error = wait_for(arg, offset + size, &have, err);

	if (!error && have < offset + size)
		error = not_there(err);
	return error < 0 ? error : read_there(arg, offset, ret, size, err);
}

/* As much as there is, when all is there. */
static ssize_t take_arrived(void *arg, uint64_t offset, void *ret, size_t size,
			    struct btfpack_error *err)
{
	uint64_t have;
	int error = wait_for(arg, offset + size, &have, err);

	if (error < 0 || have <= offset)
		return error;
	if (size > have - offset)
		size = (size_t)(have - offset);
	error = read_there(arg, offset, ret, size, err);
	return error < 0 ? error : (ssize_t)size;
}

static void keep_arrival(void *arg)
{
	(void)arg; /* the caller's */
}

int btfpack_arrival_open_vmlinux(struct btfpack_arrival *a, const struct btfpack_package *package,
				 const struct btfpack_vmlinux_opts *opts,
				 struct btfpack_vmlinux **ret, struct btfpack_error *err)
{
	const struct byte_source source = {
		.read = read_arrived, .take = take_arrived, .arg = a, .size = package->size
	};
	struct btfpack_vmlinux_opts named = { .size = sizeof(named) };

	if (opts)
		named = *opts;
	if (!named.name)
		named.name = http_last_part(package->url);
	return vmlinux_open_arriving(&source, keep_arrival, package->kernel.uname, &named, ret,
				     err);
}

int btfpack_arrival_check(struct btfpack_arrival *a, struct btfpack_vmlinux *vmlinux,
			  struct btfpack_error *err)
{
	bool spoiled;

	pthread_mutex_lock(&a->lock);
	spoiled = a->spoiled || !a->over;
	pthread_mutex_unlock(&a->lock);
	if (spoiled)
		return btfpack_error_set(err, -ESTALE,
					 "what was read is not of what was downloaded");
	return vmlinux_check_blocks(vmlinux, err);
}
