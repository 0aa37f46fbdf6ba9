/* SPDX-License-Identifier: BSD-2-Clause */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/decoder.h"
#include "fetcher/package.h"
#include "fetcher/xz-blocks.h"

/*
 * A .deb is an ar archive of debian-binary, control.tar.* and data.tar.*; a .rpm is
 * a head and a compressed cpio archive. Three readers stand one behind the other,
 * each pulling from the one before, the first and the last of them libarchive's:
 *
 *	file ──▶ ar ─────────────▶ decoder ──▶ tar ───▶ fd
 *	file ──▶ rpm's head off ──▶ decoder ──▶ cpio ──▶ fd
 *
 * All of it is pulled by one thread from the end: where the file is still on its way that
 * thread waits in the first reader, and what ends the wait with an error ends them all.
 */
#define READ_SIZE  (1 << 20)
#define ALONG_SIZE (64 << 10) /* at a time, of what is waited for */
#define PATH_SIZE 512

/* Where a debug package may keep it; %s is the uname. */
static const char *const places[] = {
	"usr/lib/debug/boot/vmlinux-%s",
	"usr/lib/debug/lib/modules/%s/vmlinux",
	"usr/lib/debug/boot/vmlinux-%s.debug",
	"usr/lib/debug/vmlinux-%s",
	"usr/lib/debug/usr/lib/modules/%s/vmlinux",
	"usr/lib/debug/usr/lib/modules/%s/vmlinux.debug",
	"usr/lib/debug/lib/modules/%s/vmlinux.debug",
};

static const uint8_t rpm_magic[] = { 0xed, 0xab, 0xee, 0xdb };

struct package {
	const struct extraction *x;
	const char *what; /* named in errors */
	char found[BTFPACK_UNAME_SIZE]; /* of whatever kernel it is, when nobody asked for one */
	uint64_t size;                  /* of the package file; 0: not known */
	uint64_t at, decoded;           /* bytes of a source, and of its payload */
	uint8_t *bytes;                 /* of a source */
	int64_t vmlinux_size;
	bool is_rpm;
	struct archive *outer, *inner; /* ar or rpm; tar or cpio */
	struct decoder *decoder;
	struct btfpack_error failure; /* of a reader below, while libarchive unwinds */
};

static void package_deinit(struct package *p)
{
	archive_read_free(p->inner);
	decoder_free(p->decoder);
	archive_read_free(p->outer);
	free(p->bytes);
}

int package_begin(const struct extraction *x, int must)
{
	return x->begin ? x->begin(x->turn_arg, must) : 1;
}

void package_end(const struct extraction *x)
{
	if (x->end)
		x->end(x->turn_arg);
}

static int damaged(const struct package *p, struct archive *a, struct btfpack_error *err)
{
	const char *reason = a ? archive_error_string(a) : NULL;

	if (p->failure.code)
		return btfpack_error_set(err, p->failure.code, "%s", p->failure.message);
	return btfpack_error_set(err, -EBADMSG, "%s: expected an intact %s package: %s", p->what,
				 p->is_rpm ? "rpm" : "Debian",
				 reason ? reason : "its data.tar is missing");
}

static int read_magic(struct package *p, uint8_t ret[sizeof(rpm_magic)], struct btfpack_error *err)
{
	AUTO_FD int fd = open(p->x->path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || read(fd, ret, sizeof(rpm_magic)) < 0)
		return btfpack_error_set(err, -errno, "%s: cannot open: %s", p->what,
					 strerror(errno));
	p->size = (uint64_t)st.st_size;
	return 0;
}

static int take_magic(struct package *p, uint8_t ret[sizeof(rpm_magic)], struct btfpack_error *err)
{
	const struct byte_source *source = p->x->source;
	ssize_t got = source->take(source->arg, 0, ret, sizeof(rpm_magic), err);

	p->size = source->size;
	return got < 0 ? (int)got : 0;
}

/* By the first bytes: names say nothing certain. */
static int tell_kind(struct package *p, struct btfpack_error *err)
{
	uint8_t magic[sizeof(rpm_magic)] = { 0 };
	int error = p->x->source ? take_magic(p, magic, err) : read_magic(p, magic, err);

	p->is_rpm = !memcmp(magic, rpm_magic, sizeof(magic));
	return error;
}

/* Others may compute while this waits. */
static ssize_t read_source(struct archive *a, void *arg, const void **ret)
{
	struct package *p = arg;
	const struct byte_source *source = p->x->source;
	ssize_t got;

	package_end(p->x);
	got = source->take(source->arg, p->at, p->bytes, ALONG_SIZE, &p->failure);
	package_begin(p->x, 1);
	if (got < 0) {
		archive_set_error(a, EIO, "%s", p->failure.message);
		return ARCHIVE_FATAL;
	}
	p->at += (uint64_t)got;
	*ret = p->bytes;
	return got;
}

static int open_bytes(struct package *p)
{
	return p->x->source ? archive_read_open(p->outer, p, NULL, read_source, NULL)
			    : archive_read_open_filename(p->outer, p->x->path, READ_SIZE);
}

/* Without any other filter what the rpm filter leaves is the payload as it is. */
static bool set_outer(const struct package *p)
{
	if (!p->is_rpm)
		return archive_read_support_format_ar(p->outer) == ARCHIVE_OK;
	return archive_read_support_filter_rpm(p->outer) == ARCHIVE_OK &&
	       archive_read_support_format_raw(p->outer) == ARCHIVE_OK;
}

static int open_outer(struct package *p, struct btfpack_error *err)
{
	int error = tell_kind(p, err);

	if (error < 0)
		return error;
	p->outer = archive_read_new();
	p->bytes = p->x->source ? malloc(ALONG_SIZE) : NULL;
	if (!p->outer || !set_outer(p) || (p->x->source && !p->bytes))
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", p->what);
	if (open_bytes(p) != ARCHIVE_OK)
		return damaged(p, p->outer, err);
	return 0;
}

static int find_payload(struct package *p, struct btfpack_error *err)
{
	struct archive_entry *entry;

	for (int i = 0; i < AR_MEMBERS_MAXIMUM; i++) {
		int code = archive_read_next_header(p->outer, &entry);
		const char *name;

		if (code == ARCHIVE_EOF)
			break;
		if (code != ARCHIVE_OK)
			return damaged(p, p->outer, err);
		name = archive_entry_pathname(entry);
		if (p->is_rpm || (name && !strncmp(name, "data.tar", strlen("data.tar"))))
			return 0;
	}
	return damaged(p, NULL, err);
}

int package_tell(const struct extraction *x, uint64_t done, uint64_t total,
		 struct btfpack_error *err)
{
	struct btfpack_fetch_progress progress = {
		.doing = "extracting",
		.what = x->what,
		.done = done,
		.total = total,
	};

	if (!x->progress || !x->progress(&progress, x->progress_arg))
		return 0;
	return btfpack_error_set(err, -ECANCELED, "%s: extracting was canceled", x->what);
}

static ssize_t read_payload(void *arg, const void **ret, struct btfpack_error *err)
{
	struct package *p = arg;
	la_int64_t offset;
	size_t size = 0;
	int code, error = package_tell(p->x, (uint64_t)archive_filter_bytes(p->outer, 0), p->size,
				       err);

	if (error < 0)
		return error;
	do
		code = archive_read_data_block(p->outer, ret, &size, &offset);
	while (code == ARCHIVE_OK && !size);
	if (code == ARCHIVE_EOF)
		return 0;
	return code == ARCHIVE_OK ? (ssize_t)size : damaged(p, p->outer, err);
}

/* What the decoder cannot hold against a size that nobody knows, is held against the bytes
 * that it has taken for it. */
static ssize_t check_ratio(struct package *p, ssize_t got)
{
	if (got > 0)
		p->decoded += (uint64_t)got;
	if (got <= 0 || p->size || p->decoded <= PAYLOAD_MAXIMUM(p->at))
		return got;
	return btfpack_error_set(&p->failure, -EFBIG,
				 "%s: %llu bytes of it decompress to more than the limit of %llu",
				 p->what, (unsigned long long)p->at,
				 (unsigned long long)PAYLOAD_MAXIMUM(p->at));
}

static ssize_t read_decoded(struct archive *a, void *arg, const void **ret)
{
	struct package *p = arg;
	ssize_t got = check_ratio(p, decoder_read(p->decoder, ret, &p->failure));

	if (got < 0)
		archive_set_error(a, EIO, "%s", p->failure.message);
	return got < 0 ? ARCHIVE_FATAL : got;
}

static int open_inner(struct package *p, struct btfpack_error *err)
{
	uint64_t maximum = p->size ? PAYLOAD_MAXIMUM(p->size) : UINT64_MAX;
	int error = decoder_new(read_payload, p, maximum, p->what, &p->decoder, err);

	if (error < 0)
		return error;
	p->inner = archive_read_new();
	if (!p->inner || (p->is_rpm ? archive_read_support_format_cpio(p->inner)
				    : archive_read_support_format_tar(p->inner)) != ARCHIVE_OK)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", p->what);
	if (archive_read_open(p->inner, p, NULL, read_decoded, NULL) != ARCHIVE_OK)
		return damaged(p, p->inner, err);
	return 0;
}

/* Read the uname out of a path of this kind. */
static bool match_place(const char *path, const char *place, char ret[BTFPACK_UNAME_SIZE])
{
	const char *percent = strchr(place, '%'), *after = percent + 2;
	size_t before = (size_t)(percent - place), length = strlen(path), tail = strlen(after);

	if (strncmp(path, place, before) || length <= before + tail ||
	    strcmp(path + length - tail, after) || length - before - tail >= BTFPACK_UNAME_SIZE)
		return false;
	memcpy(ret, path + before, length - before - tail);
	ret[length - before - tail] = '\0';
	return !strchr(ret, '/');
}

/* What ends in .debug is of a kind of its own, not a uname that does. */
static bool is_any_place(const char *path, char ret[BTFPACK_UNAME_SIZE])
{
	size_t length = strlen(path);
	bool is_debug = length > 6 && !strcmp(path + length - 6, ".debug");

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t end = strlen(places[i]);

		if (is_debug == !strcmp(places[i] + end - 6, ".debug") &&
		    match_place(path, places[i], ret))
			return true;
	}
	return false;
}

const char *package_file_path(struct archive_entry *entry)
{
	const char *path = archive_entry_pathname(entry);

	if (!path || archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return NULL;
	return strncmp(path, "./", 2) ? path : path + 2;
}

bool package_is_vmlinux(const char *uname, struct archive_entry *entry)
{
	const char *path = package_file_path(entry);
	char wanted[PATH_SIZE];

	for (size_t i = 0; path && i < ARRAY_SIZE(places); i++) {
		/* The table's rows are literals with one %s. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		int length = snprintf(wanted, sizeof(wanted), places[i], uname);
#pragma GCC diagnostic pop

		if (length < PATH_SIZE && !strcmp(path, wanted))
			return true;
	}
	return false;
}

int package_check_elf(const char *what, const void *data, size_t size, struct btfpack_error *err)
{
	if (size >= 4 && !memcmp(data, "\177ELF", 4))
		return 0;
	return btfpack_error_set(err, -EBADMSG,
				 "%s: expected its vmlinux to be an ELF file; it begins otherwise",
				 what);
}

int package_check_size(const char *what, int64_t size, struct btfpack_error *err)
{
	if (size <= VMLINUX_MAXIMUM)
		return 0;
	return btfpack_error_set(err, -EFBIG,
				 "%s: its vmlinux has %lld bytes, more than the limit of %lld",
				 what, (long long)size, (long long)VMLINUX_MAXIMUM);
}

static int copy_vmlinux(struct package *p, int fd, struct btfpack_error *err)
{
	la_int64_t offset;
	const void *data;
	bool first = true;
	size_t size;
	int code;

	while ((code = archive_read_data_block(p->inner, &data, &size, &offset)) == ARCHIVE_OK) {
		int error = first ? package_check_elf(p->what, data, size, err) : 0;

		/* Sparse members leave holes: what they skip stays zero. */
		if (!error && lseek(fd, (off_t)offset, SEEK_SET) < 0)
			error = -errno;
		if (!error)
			error = fs_write_fd(fd, data, size);
		if (error < 0)
			return error == -EBADMSG
				       ? error
				       : btfpack_error_set(err, error,
							   "%s: cannot write its vmlinux: %s",
							   p->what, strerror(-error));
		first = false;
	}
	if (code != ARCHIVE_EOF)
		return damaged(p, p->inner, err);
	if (first)
		return package_check_elf(p->what, NULL, 0, err);
	return ftruncate(fd, (off_t)p->vmlinux_size) < 0
		       ? btfpack_error_set(err, -errno, "%s: cannot write its vmlinux: %s", p->what,
					   strerror(errno))
		       : 0;
}

int package_found_none(const struct extraction *x, struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG, "%s: expected the vmlinux of %s in it, found none",
				 x->what, x->uname ? x->uname : "some kernel");
}

static bool is_wanted(struct package *p, struct archive_entry *entry)
{
	const char *path;

	if (p->x->uname)
		return package_is_vmlinux(p->x->uname, entry);
	path = package_file_path(entry);
	return path && is_any_place(path, p->found);
}

static int find_vmlinux(struct package *p, struct btfpack_error *err)
{
	struct archive_entry *entry;

	for (int i = 0; i < ENTRIES_MAXIMUM; i++) {
		int code = archive_read_next_header(p->inner, &entry);

		if (code == ARCHIVE_EOF)
			return package_found_none(p->x, err);
		if (code != ARCHIVE_OK)
			return damaged(p, p->inner, err);
		if (!is_wanted(p, entry))
			continue;
		p->vmlinux_size = archive_entry_size(entry);
		return package_check_size(p->what, p->vmlinux_size, err);
	}
	return btfpack_error_set(err, -EFBIG, "%s: has more than the limit of %d files", p->what,
				 ENTRIES_MAXIMUM);
}

static int open_payload(struct package *p, struct btfpack_error *err)
{
	int error = open_outer(p, err);

	if (!error)
		error = find_payload(p, err);
	return error < 0 ? error : open_inner(p, err);
}

int package_open(const struct extraction *x, struct package **ret, uint64_t *size_ret,
		 struct btfpack_error *err)
{
	struct package *p = calloc(1, sizeof(*p));
	int error;

	if (!p)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", x->what);
	*p = (struct package){ .x = x, .what = x->what };
	package_begin(x, 1);
	error = open_payload(p, err);
	if (!error)
		error = find_vmlinux(p, err);
	package_end(x);
	if (error < 0) {
		package_close(p);
		return error;
	}
	*size_ret = (uint64_t)p->vmlinux_size;
	*ret = p; /* the caller's */
	return 0;
}

void package_close(struct package *p)
{
	if (!p)
		return;
	package_deinit(p);
	free(p);
}

int package_copy(struct package *p, int fd, struct btfpack_error *err)
{
	int error;

	package_begin(p->x, 1);
	error = copy_vmlinux(p, fd, err);
	package_end(p->x);
	return error;
}

static void closep(struct package **p)
{
	package_close(*p);
}

int package_find(const char *path, int fd, char uname_ret[BTFPACK_UNAME_SIZE],
		 struct btfpack_error *err)
{
	const struct extraction x = { .path = path, .what = path };
	CLEANUP(closep) struct package *p = NULL;
	uint64_t size;
	int error = package_open(&x, &p, &size, err);

	if (!error)
		error = package_copy(p, fd, err);
	if (!error)
		strcpy(uname_ret, p->found);
	return error;
}

static int walk(struct package *p, package_entry_fn fn, void *arg, struct btfpack_error *err)
{
	struct archive_entry *entry;
	int error = open_payload(p, err);

	for (int i = 0; !error && i < ENTRIES_MAXIMUM; i++) {
		int code = archive_read_next_header(p->inner, &entry);

		if (code == ARCHIVE_EOF)
			return 0;
		if (code != ARCHIVE_OK)
			return damaged(p, p->inner, err);
		error = fn(p->inner, entry, arg, err);
	}
	return error ? error
		     : btfpack_error_set(err, -EFBIG, "%s: has more than the limit of %d files",
					 p->what, ENTRIES_MAXIMUM);
}

int package_walk(const struct extraction *x, package_entry_fn fn, void *arg,
		 struct btfpack_error *err)
{
	CLEANUP(package_deinit) struct package p = { .x = x, .what = x->what };
	int error;

	package_begin(x, 1);
	error = walk(&p, fn, arg, err);
	package_end(x);
	return error;
}
