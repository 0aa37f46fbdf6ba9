/* SPDX-License-Identifier: BSD-2-Clause */
/* The modules of a directory: built ones, or such as /sys/kernel/btf has. */
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/decoder.h"
#include "fetcher/package.h"

static bool begins_as_btf(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char magic[2];

	return fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	       ((magic[0] == 0x9f && magic[1] == 0xeb) || (magic[0] == 0xeb && magic[1] == 0x9f));
}

static bool is_module(const FTSENT *file, char ret[BTFPACK_MODULE_NAME_SIZE])
{
	if (file->fts_info != FTS_F)
		return false;
	if (module_name_of(file->fts_name, 0, ret))
		return true;
	return !strchr(file->fts_name, '.') && strcmp(file->fts_name, "vmlinux") &&
	       begins_as_btf(file->fts_path) &&
	       module_name_of(file->fts_name, strlen(file->fts_name), ret);
}

/* What cannot be written is the walk's end, in *@is_over; anything else the module's. */
static int copy(const char *path, int fd, bool *is_over, struct btfpack_error *err)
{
	CLEANUP(decoder_file_deinit) struct decoder_file file = { .fd = -1 };
	struct decoder *decoder;
	const void *bytes;
	ssize_t got = 0;
	int error = decoder_file_init(&file, path, err);

	if (!error)
		error = decoder_new(decoder_file_read, &file, MODULE_MAXIMUM, path, &decoder, err);
	if (error < 0)
		return error;
	while (!error && (got = decoder_read(decoder, &bytes, err)) > 0)
		error = fs_write_fd(fd, bytes, (size_t)got);
	decoder_free(decoder);
	*is_over = error < 0;
	if (error < 0)
		return btfpack_error_set(err, error, "%s: cannot be copied: %s", path,
					 strerror(-error));
	return got < 0 ? (int)got : 0;
}

static int take_file(const FTSENT *file, const char *name, const struct btfpack_module_sink *sink,
		     struct btfpack_error *err)
{
	struct btfpack_error why = { 0 };
	bool is_over = false;
	int fd = sink->open(sink->arg, name, (uint64_t)file->fts_statp->st_size, err), error;

	if (fd < 0)
		return fd;
	error = copy(file->fts_path, fd, &is_over, &why);
	if (is_over || error == -ENOMEM) {
		close(fd);
		return btfpack_error_set(err, error, "%s", why.message);
	}
	return sink->done(sink->arg, name, fd, error ? &why : NULL, err);
}

static int compare(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int walk(FTS *fts, const struct btfpack_module_sink *sink, struct btfpack_error *err)
{
	char name[BTFPACK_MODULE_NAME_SIZE];
	const FTSENT *file;
	int error = 0;

	while (!error && (errno = 0, file = fts_read(fts))) {
		if (file->fts_info == FTS_DNR || file->fts_info == FTS_ERR ||
		    file->fts_info == FTS_NS)
			error = btfpack_error_set(err, -file->fts_errno, "%s: cannot be read: %s",
						  file->fts_path, strerror(file->fts_errno));
		else if (is_module(file, name))
			error = take_file(file, name, sink, err);
	}
	if (!error && errno)
		error = btfpack_error_set(err, -errno, "cannot read a directory: %s",
					  strerror(errno));
	return error;
}

int btfpack_directory_modules(const char *dir, const struct btfpack_module_sink *sink,
			      struct btfpack_error *err)
{
	char *const paths[] = { (char *)dir, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, compare);
	int error;

	if (!fts)
		return btfpack_error_set(err, -errno, "%s: cannot be read: %s", dir,
					 strerror(errno));
	error = walk(fts, sink, err);
	fts_close(fts);
	return error;
}
