/* SPDX-License-Identifier: BSD-2-Clause */
/* core/fs: files that appear whole or not at all, and where. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/fs.h"
#include "tests/scratch.h"
#include "tests/test.h"

static const char text[] = "what is written";

static int write_text(const char *path)
{
	return fs_write(path, text, sizeof(text), NULL);
}

static size_t count_files(const char *dir)
{
	AUTO_DIR DIR *d = opendir(dir);
	size_t count = 0;

	while (d && readdir(d))
		count++;
	return count - 2;
}

static bool has_text(const char *path)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };

	return fs_read(path, 4096, &blob, NULL) == 0 && blob.size == sizeof(text) &&
	       !memcmp(blob.data, text, sizeof(text));
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_mode & 07777;
}

static void writes_a_file_and_nothing_else(void)
{
	const char *dir = scratch("one");

	REQUIRE(mkdir(dir, 0777) == 0);
	CHECK(write_text(scratch("one/file")) == 0);
	CHECK(write_text(scratch("one/file")) == 0);
	CHECK(has_text(scratch("one/file")));
	CHECK(count_files(dir) == 1);
}

static void leaves_nothing_when_dropped(void)
{
	CLEANUP(fs_output_deinit) struct fs_output out = FS_OUTPUT_INIT;
	const char *dir = scratch("dropped");

	REQUIRE(mkdir(dir, 0777) == 0);
	REQUIRE(fs_output_init(&out, scratch("dropped/file"), NULL) == 0);
	CHECK(fs_output_write(&out, text, sizeof(text), NULL) == 0);
	fs_output_deinit(&out);
	CHECK(count_files(dir) == 0);
}

/* A process that is killed removes nothing. */
static void leaves_nothing_when_killed(void)
{
	CLEANUP(fs_output_deinit) struct fs_output out = FS_OUTPUT_INIT;
	const char *dir = scratch("killed");

	REQUIRE(mkdir(dir, 0777) == 0);
	REQUIRE(fs_output_init(&out, scratch("killed/file"), NULL) == 0);
	CHECK(fs_output_write(&out, text, sizeof(text), NULL) == 0);
	if (out.temporary)
		SKIP("the scratch directory's file system has no O_TMPFILE");
	CHECK(count_files(dir) == 0);
}

static void a_new_file_has_the_mode_of_the_umask(void)
{
	mode_t before = umask(027);

	CHECK(write_text(scratch("new")) == 0);
	CHECK(mode_of(scratch("new")) == 0640);
	CHECK(umask(before) == 027);
}

static void a_file_keeps_its_mode(void)
{
	const char *path = scratch("private");

	CHECK(write_text(path) == 0);
	REQUIRE(chmod(path, 0600) == 0);
	CHECK(write_text(path) == 0);
	CHECK(mode_of(path) == 0600);
}

static void a_link_stays_a_link(void)
{
	const char *target = scratch("target"), *link = scratch("link");
	struct stat st;

	REQUIRE(symlink("target", link) == 0 && close(creat(target, 0666)) == 0);
	CHECK(write_text(link) == 0);
	CHECK(lstat(link, &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(has_text(target));
}

/* /proc/self/fd/N, as /dev/stdout, is a link; renamed over, it would be gone. */
static void a_descriptor_is_written_to(void)
{
	AUTO_FD int fd = open(scratch("open"), O_CREAT | O_RDWR, 0666);
	char path[32];
	struct stat before, after;

	REQUIRE(fd >= 0 && fstat(fd, &before) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(write_text(path) == 0);
	CHECK(has_text(scratch("open")));
	CHECK(stat(scratch("open"), &after) == 0 && after.st_ino == before.st_ino);
}

static void a_pipe_is_written_to(void)
{
	const char *path = scratch("pipe");
	AUTO_FD int reader = -1;
	struct stat st;

	REQUIRE(mkfifo(path, 0666) == 0);
	reader = open(path, O_RDONLY | O_NONBLOCK);
	CHECK(write_text(path) == 0);
	CHECK(lstat(path, &st) == 0 && S_ISFIFO(st.st_mode));
}

static void refuses_what_is_no_file(void)
{
	struct btfpack_error err = { 0 };
	struct fs_map map;

	CHECK(fs_write("", text, sizeof(text), &err) == -ENOENT);
	CHECK(fs_write(scratch("."), text, sizeof(text), &err) == -EISDIR);
	CHECK(fs_write(scratch("nowhere/file"), text, sizeof(text), &err) == -ENOENT);
	CHECK(fs_map_init(&map, "/dev/null", &err) == -EOPNOTSUPP);
	CHECK(strstr(err.message, "found a device"));
}

TEST_MAIN({ "writes a file and nothing else", writes_a_file_and_nothing_else },
	  { "leaves nothing when dropped", leaves_nothing_when_dropped },
	  { "leaves nothing when killed", leaves_nothing_when_killed },
	  { "a new file has the mode of the umask", a_new_file_has_the_mode_of_the_umask },
	  { "a file keeps its mode", a_file_keeps_its_mode },
	  { "a link stays a link", a_link_stays_a_link },
	  { "a descriptor is written to", a_descriptor_is_written_to },
	  { "a pipe is written to", a_pipe_is_written_to },
	  { "refuses what is no file", refuses_what_is_no_file })
