/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/fs.h"

static int fail_errno(struct btfpack_error *err, const char *path, const char *doing)
{
	int code = errno;

	return btfpack_error_set(err, -code, "%s: cannot %s: %s", path, doing, strerror(code));
}

int fs_read(const char *path, size_t maximum, struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_BUF struct buf buf = BUF_INIT(SIZE_MAX);
	struct stat st;
	int error;

	if (fd < 0)
		return fail_errno(err, path, "open");
	if (fstat(fd, &st) < 0)
		return fail_errno(err, path, "stat");
	if (S_ISDIR(st.st_mode))
		return btfpack_error_set(err, -EISDIR, "%s: is a directory, not a file", path);
	error = buf_reserve(&buf, S_ISREG(st.st_mode) && (size_t)st.st_size < maximum
					  ? (size_t)st.st_size + 1
					  : 4096);
	while (!error) {
		ssize_t got;

		error = buf_reserve(&buf, buf.capacity > buf.size ? 1 : 65536);
		if (error)
			break;
		got = read(fd, buf.data + buf.size, buf.capacity - buf.size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(err, path, "read");
		if (got == 0)
			break;
		buf.size += got;
		if (buf.size > maximum)
			return btfpack_error_set(err, -EFBIG,
						 "%s: larger than the limit of %zu bytes", path,
						 maximum);
	}
	if (error || !buf_string(&buf))
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	*ret = buf_take(&buf); /* the caller's */
	return 0;
}

int fs_write_fd(int fd, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	while (size) {
		ssize_t put = write(fd, bytes, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		size -= put;
	}
	return 0;
}

static int no_memory(struct fs_output *out, const char *path, struct btfpack_error *err)
{
	fs_output_deinit(out);
	return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
}

/* The descriptor that @path is another name of, or -1. These are links that lead to
 * what is open: a file renamed over one would take the link's place. */
static int named_descriptor(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };

	if (!strcmp(path, "/dev/stdout"))
		return STDOUT_FILENO;
	if (!strcmp(path, "/dev/stderr"))
		return STDERR_FILENO;
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		const char *digits = path + strlen(folders[i]);

		if (!strncmp(path, folders[i], strlen(folders[i])) && *digits &&
		    strlen(digits) < 7 && !digits[strspn(digits, "0123456789")])
			return atoi(digits);
	}
	return -1;
}

/* A device or pipe is written to as it is: a file renamed over /dev/null would take
 * its place. */
static int open_special(struct fs_output *out, int descriptor, struct btfpack_error *err)
{
	out->fd = descriptor >= 0 ? fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
				  : open(out->path, O_WRONLY | O_CLOEXEC);
	if (out->fd < 0) {
		int error = fail_errno(err, out->path, "open");

		fs_output_deinit(out);
		return error;
	}
	return 0;
}

#define FD_PATH_SIZE 32

static const char *fd_path(int fd, char ret[FD_PATH_SIZE])
{
	snprintf(ret, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
	return ret;
}

/* Another name beside the target, different each time. */
static int name_temporary(struct fs_output *out)
{
	static atomic_uint count;
	struct timespec now;

	free(steal_ptr(out->temporary));
	clock_gettime(CLOCK_REALTIME, &now);
	if (asprintf(&out->temporary, "%s.%x%x", out->target, (unsigned int)getpid(),
		     (unsigned int)now.tv_nsec + atomic_fetch_add(&count, 1)) >= 0)
		return 0;
	out->temporary = NULL;
	return -ENOMEM;
}

#define NAMES_MOST 100

/* With a name from the start, where files without one cannot be had. */
static int create_named(struct fs_output *out)
{
	int error = -EEXIST;

	for (int i = 0; error == -EEXIST && i < NAMES_MOST; i++) {
		error = name_temporary(out);
		if (error)
			break;
		out->fd = open(out->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		error = out->fd < 0 ? -errno : 0;
	}
	if (error)
		free(steal_ptr(out->temporary)); /* nothing of ours to unlink */
	return error;
}

/* Without a name until it is whole, so that nothing stays behind when the process is
 * killed; it gets one through /proc. */
static int create_nameless(struct fs_output *out)
{
	AUTO_FREE char *copy = strdup(out->target);
	char link[FD_PATH_SIZE];
	char *slash = copy ? strrchr(copy, '/') : NULL;
	AUTO_FD int fd = -1;

	if (!copy)
		return -ENOMEM;
	if (slash)
		*(slash == copy ? slash + 1 : slash) = '\0';
	fd = open(slash ? copy : ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	if (access(fd_path(fd, link), F_OK) < 0)
		return -errno;
	out->fd = steal_fd(&fd);
	return 0;
}

static int give_name(struct fs_output *out)
{
	char link[FD_PATH_SIZE];
	int error = -EEXIST;

	fd_path(out->fd, link);
	for (int i = 0; error == -EEXIST && i < NAMES_MOST; i++) {
		error = name_temporary(out);
		if (!error && linkat(AT_FDCWD, link, AT_FDCWD, out->temporary, AT_SYMLINK_FOLLOW) < 0)
			error = -errno;
	}
	if (error)
		free(steal_ptr(out->temporary)); /* nothing of ours to unlink */
	return error;
}

/* What takes a file's place is as its owner had it. */
static int keep_mode(int fd, const struct stat *st)
{
	if (st->st_uid != geteuid() && fchown(fd, st->st_uid, st->st_gid) < 0)
		return 0; /* not ours to give away; then the mode is no one's wish either */
	return fchmod(fd, st->st_mode & 0777);
}

int fs_output_init(struct fs_output *out, const char *path, struct btfpack_error *err)
{
	struct stat st = { .st_mode = S_IFREG };
	int descriptor = named_descriptor(path);
	bool exists = stat(path, &st) == 0;
	int error;

	*out = FS_OUTPUT_INIT;
	if (!*path)
		return btfpack_error_set(err, -ENOENT, "expected the name of a file to write, found none");
	if (exists && S_ISDIR(st.st_mode))
		return btfpack_error_set(err, -EISDIR, "%s: is a directory, not a file", path);
	out->path = strdup(path);
	if (!out->path)
		return no_memory(out, path, err);
	if (descriptor >= 0 || !S_ISREG(st.st_mode))
		return open_special(out, descriptor, err);
	/* The file at the end of a link is replaced, not the link. */
	out->target = exists ? realpath(path, NULL) : strdup(path);
	if (!out->target)
		return no_memory(out, path, err);
	error = create_nameless(out);
	if (error)
		error = create_named(out);
	if (!error && exists && keep_mode(out->fd, &st) < 0)
		error = -errno;
	if (!error)
		return 0;
	fs_output_deinit(out);
	return btfpack_error_set(err, error, "%s: cannot create a file beside it: %s", path,
				 strerror(-error));
}

int fs_output_write(struct fs_output *out, const void *data, size_t size, struct btfpack_error *err)
{
	int error = fs_write_fd(out->fd, data, size);

	/* -EFBIG is for input over a limit; here the disk's, or the process's, ends. */
	if (error < 0)
		return btfpack_error_set(err, error == -EFBIG ? -EIO : error, "%s: cannot write: %s", out->path,
					 strerror(-error));
	return 0;
}

/* After a rename, the directory entry itself must reach the disk. */
static void sync_parent(const char *path)
{
	AUTO_FREE char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	AUTO_FD int fd = -1;

	if (!copy)
		return;
	if (slash)
		*(slash == copy ? slash + 1 : slash) = '\0';
	fd = open(slash ? copy : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		fsync(fd);
}

int fs_output_commit(struct fs_output *out, struct btfpack_error *err)
{
	int error = 0;

	if (out->target && fsync(out->fd) < 0)
		return fail_errno(err, out->path, "sync");
	if (out->target && !out->temporary)
		error = give_name(out);
	if (error)
		return btfpack_error_set(err, error, "%s: cannot give the finished file a name: %s",
					 out->path, strerror(-error));
	if (close(steal_fd(&out->fd)) < 0)
		return fail_errno(err, out->path, "close");
	if (!out->target)
		return 0;
	if (rename(out->temporary, out->target) < 0)
		return fail_errno(err, out->path, "rename the finished file to it");
	free(steal_ptr(out->temporary)); /* gone by that name */
	sync_parent(out->target);
	return 0;
}

void fs_output_deinit(struct fs_output *out)
{
	int saved = errno;

	if (out->fd >= 0)
		close(out->fd);
	if (out->temporary)
		unlink(out->temporary);
	free(out->temporary);
	free(out->target);
	free(out->path);
	*out = FS_OUTPUT_INIT;
	errno = saved;
}

int fs_write(const char *path, const void *data, size_t size, struct btfpack_error *err)
{
	CLEANUP(fs_output_deinit) struct fs_output out = FS_OUTPUT_INIT;
	int error;

	error = fs_output_init(&out, path, err);
	if (!error)
		error = fs_output_write(&out, data, size, err);
	if (!error)
		error = fs_output_commit(&out, err);
	return error;
}

int fs_make_dirs(const char *path, struct btfpack_error *err)
{
	AUTO_FREE char *copy = strdup(path);
	struct stat st;

	if (!copy)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	for (char *p = copy + 1; *copy && *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, 0777) < 0 && errno != EEXIST)
			return fail_errno(err, copy, "create the directory");
		*p = '/';
	}
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		return fail_errno(err, path, "create the directory");
	if (stat(path, &st) < 0)
		return fail_errno(err, path, "stat");
	if (!S_ISDIR(st.st_mode))
		return btfpack_error_set(err, -ENOTDIR, "%s: is a file, expected a directory",
					 path);
	return 0;
}

/* For kernels without openat2(2): one component at a time, no symlinks, no "..". */
static int open_stepwise(int dirfd, const char *path, int flags)
{
	AUTO_FREE char *copy = strdup(path);
	AUTO_FD int at = fcntl(dirfd, F_DUPFD_CLOEXEC, 3);
	char *saved = NULL, *name, *next;

	if (!copy)
		return -ENOMEM;
	if (at < 0)
		return -errno;
	for (name = strtok_r(copy, "/", &saved); name; name = next) {
		int fd;

		next = strtok_r(NULL, "/", &saved);
		if (!strcmp(name, ".."))
			return -EXDEV;
		fd = openat(at, name,
			    O_NOFOLLOW | O_CLOEXEC | (next ? O_PATH | O_DIRECTORY : flags), 0666);
		if (fd < 0)
			return -errno;
		close(at);
		at = fd;
	}
	return steal_fd(&at);
}

int fs_open_beneath(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned int)flags | O_CLOEXEC,
		.mode = flags & O_CREAT ? 0666 : 0,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	if (fd >= 0)
		return (int)fd;
	if (errno != ENOSYS && errno != EPERM) /* EPERM: seccomp filters that predate it */
		return -errno;
	return open_stepwise(dirfd, path, flags);
}

static const char *kind_of(const struct stat *st)
{
	if (S_ISFIFO(st->st_mode))
		return "a pipe";
	return S_ISSOCK(st->st_mode) ? "a socket" : "a device";
}

int fs_map_init(struct fs_map *map, const char *path, struct btfpack_error *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *data;

	*map = (struct fs_map){ 0 };
	if (fd < 0)
		return fail_errno(err, path, "open");
	if (fstat(fd, &st) < 0)
		return fail_errno(err, path, "stat");
	if (!S_ISREG(st.st_mode))
		return S_ISDIR(st.st_mode) ? btfpack_error_set(err, -EISDIR,
							       "%s: is a directory, not a file", path)
					   : btfpack_error_set(err, -EOPNOTSUPP,
							       "%s: expected a regular file, found %s",
							       path, kind_of(&st));
	if ((uintmax_t)st.st_size > SIZE_MAX)
		return btfpack_error_set(err, -EFBIG,
					 "%s: %jd bytes, more than this processor can map", path,
					 (intmax_t)st.st_size);
	if (st.st_size == 0)
		return 0;
	data = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return fail_errno(err, path, "map");
	map->data = data;
	map->size = st.st_size;
	return 0;
}

void fs_map_deinit(struct fs_map *map)
{
	if (map->data)
		munmap((void *)map->data, map->size);
	*map = (struct fs_map){ 0 };
}
