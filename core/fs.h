/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files: read whole with a cap, write so that they appear whole or not at all,
 * make directories, open below a directory without following a path out of it.
 */
#ifndef CORE_FS_H
#define CORE_FS_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#include "core/cleanup.h"

/* Read the regular file, pipe or device @path, of at most @maximum bytes (-EFBIG
 * beyond). One NUL follows the bytes and is not counted. Free the blob. */
int fs_read(const char *path, size_t maximum, struct btfpack_blob *ret, struct btfpack_error *err);

/* Replace @path by @size bytes: written beside it, synced, renamed. The old
 * file stays untouched on any failure; the new one has its mode. Of a symlink, what it
 * leads to is replaced. A device, a pipe, /dev/stdout and the like are written to. */
int fs_write(const char *path, const void *data, size_t size, struct btfpack_error *err);

/* The same in steps, for writers that stream. fs_output_commit() makes the file
 * appear; fs_output_deinit() without it removes what was written. */
struct fs_output {
	char *path;
	char *target;	 /* what is replaced; NULL: @path is written to as it is */
	char *temporary; /* the unfinished file's name; NULL: it has none */
	int fd;		 /* to write to */
};
#define FS_OUTPUT_INIT ((struct fs_output){ .fd = -1 })
int fs_output_init(struct fs_output *out, const char *path, struct btfpack_error *err);
int fs_output_write(struct fs_output *out, const void *data, size_t size,
		    struct btfpack_error *err);
int fs_output_commit(struct fs_output *out, struct btfpack_error *err);
void fs_output_deinit(struct fs_output *out);

/* Write all of @size bytes to @fd. 0 or -errno. */
int fs_write_fd(int fd, const void *data, size_t size);

/* mkdir -p, mode 0777 less umask. */
int fs_make_dirs(const char *path, struct btfpack_error *err);

/* Open @path, which must be relative, below the directory @dirfd: symlinks are
 * followed as if @dirfd were "/" (openat2(2) RESOLVE_IN_ROOT, Linux 5.6; before
 * it, no symlink and no ".." is accepted). Returns a descriptor or -errno. */
int fs_open_beneath(int dirfd, const char *path, int flags);

/* A read-only mapping of a whole file. Empty files give data NULL, size 0. */
struct fs_map {
	const void *data;
	size_t size;
};
int fs_map_init(struct fs_map *map, const char *path, struct btfpack_error *err);
void fs_map_deinit(struct fs_map *map);

#endif
