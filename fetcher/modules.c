/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modules of a debug package, one after the other, as they stand in it. Names and
 * paths are compared and never used to make a file; what is compressed by itself
 * (foo.ko.xz) is decoded on the way.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/decoder.h"
#include "fetcher/package.h"

static const char *const suffixes[] = { ".ko",	       ".ko.debug",    ".ko.xz",
					".ko.zst",     ".ko.gz",       ".ko.xz.debug",
					".ko.zst.debug", ".ko.gz.debug" };

struct walk {
	const struct btfpack_module_sink *sink;
	const char *what;
	char directory[BTFPACK_UNAME_SIZE + 32]; /* "lib/modules/UNAME/" */
};

/* Without its suffix; 0: it is not called as a module is. */
static size_t name_length(const char *file)
{
	size_t length = strlen(file);

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		size_t suffix = strlen(suffixes[i]);

		if (length > suffix && !strcmp(file + length - suffix, suffixes[i]))
			return length - suffix;
	}
	return 0;
}

bool module_name_of(const char *file, size_t length, char ret[BTFPACK_MODULE_NAME_SIZE])
{
	if (!length)
		length = name_length(file);
	if (!length || length >= BTFPACK_MODULE_NAME_SIZE)
		return false;
	memcpy(ret, file, length);
	ret[length] = '\0';
	for (char *c = ret; *c; c++)
		if (*c == '-')
			*c = '_';
	return true;
}

/* False: it is no module of this kernel. */
static bool module_name(const struct walk *w, struct archive_entry *entry,
			char ret[BTFPACK_MODULE_NAME_SIZE])
{
	const char *path = package_file_path(entry);
	const char *file = path ? strrchr(path, '/') : NULL;
	const char *directory = file ? strstr(path, w->directory) : NULL;

	return directory && directory < file && !strncmp(path, "usr/lib/debug/", 14) &&
	       directory[-1] == '/' && module_name_of(file + 1, 0, ret);
}

/* An entry's data, as a decoder wants it. */
struct data {
	struct archive *a;
	const char *what;
	bool is_damaged; /* the package, not the module */
};

static ssize_t read_data(void *arg, const void **ret, struct btfpack_error *err)
{
	struct data *d = arg;
	la_int64_t offset;
	size_t size = 0;
	int code;

	do
		code = archive_read_data_block(d->a, ret, &size, &offset);
	while (code == ARCHIVE_OK && !size);
	if (code == ARCHIVE_OK)
		return (ssize_t)size;
	d->is_damaged = code != ARCHIVE_EOF;
	return code == ARCHIVE_EOF ? 0
				   : btfpack_error_set(err, -EBADMSG, "%s: %s", d->what,
						       archive_error_string(d->a) ?: "is damaged");
}

static int copy(struct data *d, const char *name, int fd, struct btfpack_error *err)
{
	struct decoder *decoder;
	const void *bytes;
	ssize_t got;
	int error = decoder_new(read_data, d, MODULE_MAXIMUM, name, &decoder, err);

	if (error < 0)
		return error;
	while ((got = decoder_read(decoder, &bytes, err)) > 0 && !error)
		error = fs_write_fd(fd, bytes, (size_t)got);
	decoder_free(decoder);
	if (got < 0)
		return (int)got;
	if (error < 0)
		d->is_damaged = true; /* no room for it: nor for the next */
	return error < 0 ? btfpack_error_set(err, error, "%s: cannot write module %s: %s", d->what,
					     name, strerror(-error))
			 : 0;
}

static int take_entry(struct archive *a, struct archive_entry *entry, void *arg,
		      struct btfpack_error *err)
{
	const struct walk *w = arg;
	struct data data = { .a = a, .what = w->what };
	char name[BTFPACK_MODULE_NAME_SIZE];
	struct btfpack_error why = { 0 };
	int fd, error;

	if (!module_name(w, entry, name) || archive_entry_sparse_count(entry))
		return 0;
	fd = w->sink->open(w->sink->arg, name, (uint64_t)archive_entry_size(entry), err);
	if (fd < 0)
		return fd;
	error = copy(&data, name, fd, &why);
	if (error == -ENOMEM || data.is_damaged) {
		close(fd);
		return btfpack_error_set(err, error, "%s", why.message);
	}
	return w->sink->done(w->sink->arg, name, fd, error ? &why : NULL, err);
}

int btfpack_vmlinux_modules(struct btfpack_vmlinux *vmlinux, const struct btfpack_module_sink *sink,
			    struct btfpack_error *err)
{
	const struct extraction *x = vmlinux_extraction(vmlinux);
	struct walk w = { .sink = sink, .what = x->what };

	if (snprintf(w.directory, sizeof(w.directory), "lib/modules/%s/", x->uname) >=
	    (int)sizeof(w.directory))
		return btfpack_error_set(err, -EINVAL, "%s: '%.80s' is too long for a uname",
					 x->what, x->uname);
	return vmlinux_walk(vmlinux, take_entry, &w, err);
}
