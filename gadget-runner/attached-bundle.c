/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/fs.h"
#include "gadget-runner/attached-bundle.h"

#define MAGIC           "btfrun\n\x1a"
#define MAGIC_SIZE      8
#define TRAILER_SIZE    (8 + MAGIC_SIZE)
#define PROGRAM_MAXIMUM ((size_t)1 << 30)

/* Bytes of the bundle that @trailer tells of; 0: it is no trailer. */
static uint64_t bundle_size(const uint8_t trailer[TRAILER_SIZE])
{
	uint64_t size = 0;

	if (memcmp(trailer + 8, MAGIC, MAGIC_SIZE))
		return 0;
	for (int i = 7; i >= 0; i--)
		size = size << 8 | trailer[i];
	return size;
}

static int read_at(int fd, off_t offset, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = pread(fd, (char *)data + done, size - done, offset + done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EBADMSG;
		done += got;
	}
	return 0;
}

int attached_bundle_read(const char *path, struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE void *data = NULL;
	uint8_t trailer[TRAILER_SIZE];
	struct stat st;
	uint64_t size;
	int error;

	*ret = (struct btfpack_blob){ 0 };
	if (fd < 0 || fstat(fd, &st) < 0)
		return btfpack_error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	if (st.st_size < TRAILER_SIZE)
		return 0;
	error = read_at(fd, st.st_size - TRAILER_SIZE, trailer, sizeof(trailer));
	if (error < 0)
		return btfpack_error_set(err, error, "%s: cannot read: %s", path, strerror(-error));
	size = bundle_size(trailer);
	if (!size)
		return 0;
	if (size > (uint64_t)st.st_size - TRAILER_SIZE || size > PROGRAM_MAXIMUM)
		return btfpack_error_set(
			err, -EBADMSG,
			"%s: the bundle attached to it is said to have %llu bytes, "
			"more than the file",
			path, (unsigned long long)size);
	data = malloc(size);
	if (!data)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	error = read_at(fd, st.st_size - TRAILER_SIZE - size, data, size);
	if (error < 0)
		return btfpack_error_set(err, error, "%s: cannot read: %s", path, strerror(-error));
	ret->data = steal_ptr(data); /* now the caller's */
	ret->size = size;
	return 0;
}

static int add_trailer(struct buf *buf, uint64_t size)
{
	uint8_t trailer[TRAILER_SIZE];

	for (int i = 0; i < 8; i++)
		trailer[i] = size >> 8 * i;
	memcpy(trailer + 8, MAGIC, MAGIC_SIZE);
	return buf_add(buf, trailer, sizeof(trailer));
}

int attached_bundle_compose(const char *path, const char *bundle_path, struct btfpack_blob *ret,
			    struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob program = { 0 };
	AUTO_BLOB struct btfpack_blob bundle = { 0 };
	AUTO_BUF struct buf out = BUF_INIT(2 * PROGRAM_MAXIMUM);
	uint64_t old;
	int error = fs_read(path, PROGRAM_MAXIMUM, &program, err);

	if (!error && bundle_path)
		error = fs_read(bundle_path, PROGRAM_MAXIMUM, &bundle, err);
	if (error < 0)
		return error;
	if (!bundle_path) {
		*ret = program; /* now the caller's */
		program = (struct btfpack_blob){ 0 };
		return 0;
	}
	if (program.size >= TRAILER_SIZE) {
		old = bundle_size((uint8_t *)program.data + program.size - TRAILER_SIZE);
		if (old && old <= program.size - TRAILER_SIZE)
			program.size -= TRAILER_SIZE + old;
	}
	error = buf_add(&out, program.data, program.size);
	if (!error)
		error = buf_add(&out, bundle.data, bundle.size);
	if (!error)
		error = add_trailer(&out, bundle.size);
	if (error < 0)
		return btfpack_error_set(err, error, "%s: out of memory", path);
	*ret = buf_take(&out);
	return 0;
}
