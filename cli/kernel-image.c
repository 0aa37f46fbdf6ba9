/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/kernel-image.h"
#include "core/cleanup.h"

#define DECODE_MEMORY ((uint64_t)48 << 20) /* a thread */

/* --- processors
 * --------------------------------------------------------------------------------------- */

unsigned int processors_take(struct processors *p, unsigned int most)
{
	unsigned int left, taken;

	pthread_mutex_lock(&p->lock);
	left = p->busy < p->count ? p->count - p->busy : 1;
	taken = left < most ? left : most;
	p->busy += taken;
	pthread_mutex_unlock(&p->lock);
	return taken;
}

bool processors_try(struct processors *p)
{
	bool free;

	pthread_mutex_lock(&p->lock);
	free = p->busy < p->count;
	p->busy += free;
	pthread_mutex_unlock(&p->lock);
	return free;
}

void processors_give(struct processors *p, unsigned int count)
{
	pthread_mutex_lock(&p->lock);
	p->busy -= count;
	pthread_mutex_unlock(&p->lock);
}

static int begin_block(void *arg, int must)
{
	struct processors *p = arg;

	return must ? (int)processors_take(p, 1) : processors_try(p);
}

static void end_block(void *arg)
{
	processors_give(arg, 1);
}

/* --- the image
 * ---------------------------------------------------------------------------------------- */

void kernel_image_deinit(struct kernel_image *image)
{
	btfpack_convert_parts_free(&image->parts);
	btfpack_vmlinux_close(image->vmlinux);
	cleanup_fd(&image->fd);
	if (image->in_memory)
		image->host->hold(image->host->arg, 0, image->in_memory);
	*image = (struct kernel_image)KERNEL_IMAGE_INIT(image->host);
}

struct btfpack_vmlinux_opts kernel_image_opts(const struct kernel_image *image,
					      const struct btfpack_package *package)
{
	const char *slash = strrchr(package->url, '/');

	return (struct btfpack_vmlinux_opts){
		.size = sizeof(struct btfpack_vmlinux_opts),
		.name = slash ? slash + 1 : package->name,
		.progress = image->host->progress,
		.progress_arg = image->host->arg,
		.begin = begin_block,
		.end = end_block,
		.turn_arg = image->host->processors,
	};
}

int kernel_image_read_heads(struct kernel_image *image, struct btfpack_error *err)
{
	uint64_t size = btfpack_vmlinux_size(image->vmlinux);
	int error;

	if (!size)
		return 0;
	error = btfpack_convert_parts(btfpack_vmlinux_read, image->vmlinux, size, &image->parts,
				      err);
	image->has_parts = error == 0;
	return error;
}

int kernel_image_temporary(const char *dir, struct btfpack_error *err)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		return btfpack_error_set(err, -errno,
					 "%s: cannot make a file without a name in it: %s", dir,
					 strerror(errno));
	return fd;
}

/* In memory, where that leaves enough of the kernel's share for the conversion, which
 * takes about three quarters of .debug_info. What is read as a stream comes whole, and may be
 * .debug_info from one end to the other. */
static int choose_home(struct kernel_image *image, struct btfpack_error *err)
{
	const struct kernel_image_host *host = image->host;
	uint64_t bytes = image->parts.bytes, dwarf = image->parts.dwarf;
	int error = image->has_parts ? 0 : btfpack_vmlinux_find(image->vmlinux, &bytes, err);

	if (error < 0)
		return error;
	if (!image->has_parts)
		dwarf = bytes;
	if (bytes + dwarf / 4 * 3 + DECODE_MEMORY * host->threads <= host->memory)
		image->fd = memfd_create("vmlinux", MFD_CLOEXEC);
	if (image->fd >= 0) {
		image->in_memory = bytes;
		host->hold(host->arg, image->in_memory, 0);
		return 0;
	}
	image->fd = kernel_image_temporary(host->scratch, err);
	return image->fd < 0 ? image->fd : 0;
}

static int read_image(void *arg, uint64_t offset, void *ret, size_t size, struct btfpack_error *err)
{
	const struct kernel_image *image = arg;
	ssize_t got = pread(image->fd, ret, size, (off_t)offset);

	return got == (ssize_t)size ? 0 : btfpack_error_set(err, -EBADMSG, "ends too early");
}

/* What only the whole could tell: that there is BTF. */
static void read_own_heads(struct kernel_image *image)
{
	struct stat st;

	if (fstat(image->fd, &st) == 0)
		btfpack_convert_parts(read_image, image, (uint64_t)st.st_size, &image->parts, NULL);
}

int kernel_image_extract(struct kernel_image *image, struct btfpack_error *err)
{
	int error = choose_home(image, err);

	if (!error)
		error = btfpack_vmlinux_extract(
			image->vmlinux, image->has_parts ? image->parts.parts : NULL,
			image->parts.count, image->host->processors->count, image->fd, err);
	if (!error && !image->has_parts)
		read_own_heads(image);
	return error;
}

/* The vmlinux has no name of its own. */
static int rename_in(struct btfpack_error *err, const char *path, const struct btfpack_package *p)
{
	struct btfpack_error original = *err;
	size_t length = strlen(path);

	if (strncmp(original.message, path, length))
		return err->code;
	return btfpack_error_set(err, original.code, "vmlinux of %s_%s%s", p->name, p->version,
				 original.message + length);
}

int kernel_image_convert(struct kernel_image *image, const struct btfpack_package *package,
			 char build_id_ret[BTFPACK_BUILD_ID_SIZE], struct btfpack_blob *ret,
			 struct btfpack_error *err)
{
	struct processors *p = image->host->processors;
	struct btfpack_convert_opts opts = { .size = sizeof(opts) };
	char path[32];
	int error;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", image->fd);
	opts.jobs = processors_take(p, p->count);
	error = btfpack_build_id(path, build_id_ret, err);
	if (!error)
		error = btfpack_convert(path, &opts, ret, err);
	processors_give(p, opts.jobs);
	return error < 0 ? rename_in(err, path, package) : 0;
}
