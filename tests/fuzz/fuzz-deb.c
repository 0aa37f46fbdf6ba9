/* SPDX-License-Identifier: BSD-2-Clause */
/* Packages of Debian and rpm: ar, decompression, tar and cpio, and the choice of the vmlinux
 * and of modules; the same of one whose end is not there yet, in blocks or as a stream. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <btfpack/fetch.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/package.h"
#include "fetcher/xz-blocks.h"

struct bytes {
	const uint8_t *data;
	size_t size;    /* that are there */
	uint64_t whole; /* that there will be */
};

static int read_bytes(void *arg, uint64_t offset, void *ret, size_t size, struct btfpack_error *err)
{
	const struct bytes *bytes = arg;

	if (offset > bytes->size || size > bytes->size - offset)
		return btfpack_error_set(err, -ESTALE, "not there yet");
	memcpy(ret, bytes->data + offset, size);
	return 0;
}

static ssize_t take_bytes(void *arg, uint64_t offset, void *ret, size_t size,
			  struct btfpack_error *err)
{
	const struct bytes *bytes = arg;
	uint64_t left = offset < bytes->whole ? bytes->whole - offset : 0;

	if (size > left)
		size = (size_t)left;
	return read_bytes(arg, offset, ret, size, err) < 0 ? err->code : (ssize_t)size;
}

static void keep(void *arg)
{
	(void)arg;
}

/* The first @size bytes of @whole are there. @told: the reader knows how many there will be. */
static void read_along(const uint8_t *data, size_t size, uint64_t whole, bool told, int out)
{
	struct bytes bytes = { data, size, whole };
	const struct byte_source source = { read_bytes, take_bytes, &bytes, told ? whole : 0 };
	const struct btfpack_vmlinux_opts opts = { .size = sizeof(opts), .name = "package" };
	struct btfpack_vmlinux *vmlinux;
	struct btfpack_error err;

	if (vmlinux_open_arriving(&source, keep, "6.1.0-1-tiny", &opts, &vmlinux, &err) < 0)
		return;
	btfpack_vmlinux_extract(vmlinux, NULL, 0, 1, out, &err);
	vmlinux_check_blocks(vmlinux, &err);
	btfpack_vmlinux_close(vmlinux);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int open_module(void *arg, const char *name, uint64_t size, struct btfpack_error *err)
{
	(void)arg, (void)size, (void)err;
	if (!*name || strchr(name, '/') || strchr(name, '-') ||
	    strlen(name) >= BTFPACK_MODULE_NAME_SIZE)
		abort();
	return memfd_create("fuzz-module", MFD_CLOEXEC);
}

static int take_module(void *arg, const char *name, int fd, const struct btfpack_error *why,
		       struct btfpack_error *err)
{
	(void)arg, (void)name, (void)why, (void)err;
	close(fd);
	return 0;
}

static void walk_modules(const char *path, struct btfpack_error *err)
{
	const struct btfpack_module_sink sink = { open_module, take_module, NULL };
	struct btfpack_vmlinux *vmlinux;

	if (btfpack_vmlinux_open(path, "6.1.0-1-tiny", NULL, &vmlinux, err))
		return;
	btfpack_vmlinux_modules(vmlinux, &sink, err);
	btfpack_vmlinux_close(vmlinux);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD int package = memfd_create("fuzz-package", MFD_CLOEXEC);
	AUTO_FD int out = memfd_create("fuzz-vmlinux", MFD_CLOEXEC);
	struct btfpack_error err;
	char path[32], uname[BTFPACK_UNAME_SIZE];

	if (package < 0 || out < 0 || fs_write_fd(package, data, size) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", package);
	btfpack_package_extract(path, "6.1.0-1-tiny", out, &err);
	btfpack_package_find(path, out, uname, &err);
	walk_modules(path, &err);
	read_along(data, size, size, true, out);
	read_along(data, size, size, false, out);
	read_along(data, size, 2 * (uint64_t)size, true, out);
	return 0;
}
