/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "host.h"

/* --- files below a root ------------------------------------------------------------------------- */

#ifdef SYS_openat2
/* As in <linux/openat2.h>, which C libraries other than glibc may not find. */
static int open_in_root(int root, const char *path)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, 0x10 /* RESOLVE_IN_ROOT */ };
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}
#else
static int open_in_root(int root, const char *path)
{
	(void)root, (void)path;
	return -ENOSYS;
}
#endif

/*
 * Symbolic links below a root are the root's: /etc/os-release of a mounted host
 * may point to /usr/lib/os-release, which must be the host's. Kernels before 5.6
 * cannot follow them so; there, a file that is itself a link is not opened, and
 * callers have another place to look.
 */
static int open_below(const char *root, const char *path)
{
	int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
	int root_fd, fd;

	root_fd = open(root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	if (!root) {
		fd = openat(root_fd, path, flags);
		fd = fd < 0 ? -errno : fd;
	} else {
		fd = open_in_root(root_fd, path);
		if (fd == -ENOSYS || fd == -EPERM) { /* EPERM: seccomp filters that predate it */
			fd = openat(root_fd, path, flags | O_NOFOLLOW);
			fd = fd < 0 ? -errno : fd;
		}
	}
	close(root_fd);
	return fd;
}

long host_read(const char *root, const char *path, char *ret, size_t size)
{
	int fd = open_below(root, path);
	size_t used = 0;
	struct stat st;
	ssize_t got = -1;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		do {
			got = read(fd, ret + used, size - 1 - used);
			used += got > 0 ? got : 0;
		} while ((got > 0 && used < size - 1) || (got < 0 && errno == EINTR));
	} else {
		errno = EINVAL;
	}
	ret[used] = '\0';
	got = got < 0 ? -errno : (ssize_t)used;
	close(fd);
	return got;
}

/* --- os-release --------------------------------------------------------------------------------- */

/* Take one value, as a shell would where it is plain: quotes around it go, a
 * backslash takes the next byte. False for what cannot be a part of a key. */
static bool parse_value(const char *value, const char *end, char *ret, size_t size)
{
	char quote = value < end && (*value == '"' || *value == '\'') ? *value++ : '\0';
	size_t n = 0;

	for (; value < end && *value != quote; value++) {
		if (!quote && isspace((unsigned char)*value))
			break;
		if (*value == '\\' && quote != '\'' && ++value == end)
			return false;
		if (n == size - 1 || *value <= ' ' || *value >= 0x7f || *value == '/')
			return false;
		ret[n++] = *value;
	}
	ret[n] = '\0';
	return quote ? value < end && n : n;
}

static void parse_assignment(const char *line, const char *end, const char *name, char *ret,
			     size_t size)
{
	size_t length = strlen(name);
	char value[128];

	if ((size_t)(end - line) <= length || memcmp(line, name, length) || line[length] != '=')
		return;
	/* As in a shell, the last assignment counts. */
	*ret = '\0';
	if (parse_value(line + length + 1, end, value, size < sizeof(value) ? size : sizeof(value)))
		strcpy(ret, value);
}

void host_parse_os_release(const char *text, size_t size, struct btfpack_host *host)
{
	const char *end = text + size;
	char codename[sizeof(host->release)] = "";

	host->distro[0] = host->release[0] = '\0';
	for (const char *line = text, *next; line < end; line = next + 1) {
		next = memchr(line, '\n', end - line);
		if (!next)
			next = end;
		while (line < next && isspace((unsigned char)*line))
			line++;
		parse_assignment(line, next, "ID", host->distro, sizeof(host->distro));
		parse_assignment(line, next, "VERSION_ID", host->release, sizeof(host->release));
		parse_assignment(line, next, "VERSION_CODENAME", codename, sizeof(codename));
	}
	if (!host->release[0])
		strcpy(host->release, codename);
}

/* --- ELF notes ---------------------------------------------------------------------------------- */

#define NOTE_GNU_BUILD_ID 3

static uint32_t get_u32(const uint8_t *p, bool big)
{
	return big ? (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3]
		   : (uint32_t)p[3] << 24 | p[2] << 16 | p[1] << 8 | p[0];
}

static void format_hex(const uint8_t *bytes, size_t size, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = '\0';
}

/*
 * A note: u32 name size, u32 descriptor size, u32 type, name, descriptor, both
 * filled up to a multiple of four bytes (Documentation: elf(5)).
 */
static bool find_build_id(const uint8_t *notes, size_t size, bool big, struct btfpack_host *host)
{
	size_t at = 0;

	while (size - at >= 12) {
		uint32_t name = get_u32(notes + at, big), desc = get_u32(notes + at + 4, big);
		uint64_t name_room = ((uint64_t)name + 3) & ~3ULL;
		uint64_t desc_room = ((uint64_t)desc + 3) & ~3ULL;
		const uint8_t *body = notes + at + 12;

		if (name_room > size - at - 12 || desc > size - at - 12 - name_room)
			return false;
		if (get_u32(notes + at + 8, big) == NOTE_GNU_BUILD_ID && name == 4 &&
		    !memcmp(body, "GNU", 4) && desc && 2 * desc < sizeof(host->build_id)) {
			format_hex(body + name_room, desc, host->build_id);
			return true;
		}
		if (desc_room > size - at - 12 - name_room)
			return false;
		at += 12 + name_room + desc_room;
	}
	return false;
}

void host_parse_notes(const void *notes, size_t size, struct btfpack_host *host)
{
	host->build_id[0] = '\0';
	if (!find_build_id((const uint8_t *)notes, size, false, host))
		find_build_id((const uint8_t *)notes, size, true, host);
}

/* --- all of it ---------------------------------------------------------------------------------- */

/* The first line of a small file; empty when there is none or it is too long. */
static void read_line(const char *root, const char *path, char *ret, size_t size)
{
	long got = host_read(root, path, ret, size);

	ret[got > 0 ? strcspn(ret, "\n") : 0] = '\0';
	if (got == (long)size - 1)
		ret[0] = '\0';
}

static void detect_distro(const char *root, struct btfpack_host *host)
{
	static const char *const places[] = { "host/etc/os-release", "host/usr/lib/os-release",
					      "etc/os-release", "usr/lib/os-release" };
	char text[16384];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		long got = host_read(root, places[i], text, sizeof(text));

		if (got > 0)
			host_parse_os_release(text, got, host);
		if (host->distro[0])
			return;
	}
}

static int detect_kernel(const char *root, struct btfpack_host *host, struct btfpack_error *err)
{
	struct utsname name;

	if (uname(&name) < 0)
		return btfpack_error_set(err, -errno, "uname(2) failed: %s", strerror(errno));
	if (root) {
		read_line(root, "proc/sys/kernel/osrelease", host->uname, sizeof(host->uname));
		read_line(root, "proc/sys/kernel/arch", host->arch, sizeof(host->arch));
	}
	if (!host->uname[0])
		snprintf(host->uname, sizeof(host->uname), "%s", name.release);
	if (!host->arch[0])
		snprintf(host->arch, sizeof(host->arch), "%.63s", name.machine);
	return 0;
}

int btfpack_host_detect(const char *root, struct btfpack_host *ret, struct btfpack_error *err)
{
	struct btfpack_host host = { 0 };
	char notes[16384];
	long got;
	int error;

	if (root && !strcmp(root, "/"))
		root = NULL;
	if (root && strlen(root) >= PATH_MAX)
		return btfpack_error_set(err, -EINVAL, "the root directory's path is too long");
	error = detect_kernel(root, &host, err);
	if (error)
		return error;
	detect_distro(root, &host);
	got = host_read(root, "sys/kernel/notes", notes, sizeof(notes));
	if (got > 0)
		host_parse_notes(notes, got, &host);
	*ret = host;
	return 0;
}
