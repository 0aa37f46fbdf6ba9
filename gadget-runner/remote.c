/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/arch.h"
#include "core/buf.h"
#include "core/fs.h"
#include "gadget-runner/attached-bundle.h"
#include "gadget-runner/remote.h"

#define WORDS_MAXIMUM 32 /* of the transport */
#define POLL_MS       200

/*
 * What the other side's shell runs. The first directory where a script can be run is
 * taken: memory first, and /dev/shm may be mounted noexec. head(1) reads not a byte
 * more than it should, so that btfrun has the rest of the input, which is its end.
 */
static const char script[] =
	"for d in /dev/shm /run /tmp /var/tmp \"$HOME\"; do "
	"t=$d/btfrun.$$; (umask 077; mkdir \"$t\") 2>/dev/null || continue; "
	"printf '#!/bin/sh\\n' > \"$t/try\" && chmod 700 \"$t/try\" && \"$t/try\" 2>/dev/null && "
	"break; "
	"rm -rf \"$t\"; t=; done; "
	"[ -n \"$t\" ] || { echo 'btfrun: no directory to run from' >&2; exit 4; }; "
	"trap 'rm -rf \"$t\"' EXIT; trap 'exit 4' HUP INT TERM; "
	"head -c %zu > \"$t/btfrun\" && chmod 700 \"$t/btfrun\" || exit 4; "
	"\"$t/btfrun\" --until-eof%s";

struct child {
	pid_t pid;
	int input;  /* written to; -1 when closed */
	int output; /* read from; -1: it has ours */
};

/* Start the transport with @line for the other side's shell. */
static int start(const struct remote *remote, const char *line, bool read_output, struct child *ret)
{
	char *words[WORDS_MAXIMUM + 3], *rest = strdup(remote->transport);
	AUTO_FREE char *copy = rest;
	int input[2] = { -1, -1 }, output[2] = { -1, -1 }, n = 0;
	char *word;

	if (!copy)
		return -ENOMEM;
	while ((word = strsep(&rest, " ")) && n < WORDS_MAXIMUM)
		if (*word)
			words[n++] = word;
	words[n++] = (char *)remote->host;
	words[n++] = (char *)line;
	words[n] = NULL;
	if (pipe2(input, O_CLOEXEC) < 0 || (read_output && pipe2(output, O_CLOEXEC) < 0))
		return -errno;
	ret->pid = fork();
	if (ret->pid == 0) {
		/* Signals of the terminal are for us, who close the pipe then. */
		setpgid(0, 0);
		if (dup2(input[0], STDIN_FILENO) >= 0 &&
		    (!read_output || dup2(output[1], STDOUT_FILENO) >= 0))
			execvp(words[0], words);
		_exit(127);
	}
	close(input[0]);
	if (read_output)
		close(output[1]);
	ret->input = input[1];
	ret->output = output[0];
	return ret->pid < 0 ? -errno : 0;
}

/* The exit status of the other side, as ssh hands it on. */
static int finish(struct child *child)
{
	int status;

	if (child->input >= 0)
		close(child->input);
	if (child->output >= 0)
		close(child->output);
	while (waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int fail(const struct remote *remote, int code, const char *what, struct btfpack_error *err)
{
	return btfpack_error_set(err, code, "%s %s: %s", remote->transport, remote->host, what);
}

static int ask_arch(const struct remote *remote, char *ret, size_t size, struct btfpack_error *err)
{
	struct child child;
	size_t length = 0;
	ssize_t got;
	int error = start(remote, "uname -m", true, &child);

	if (error < 0)
		return fail(remote, error, strerror(-error), err);
	while (length + 1 < size && (got = read(child.output, ret + length, size - 1 - length)) > 0)
		length += got;
	ret[length] = '\0';
	ret[strcspn(ret, "\r\n")] = '\0';
	if (finish(&child) != 0 || !*ret)
		return fail(remote, -EPROTO, "cannot run `uname -m` there", err);
	return 0;
}

/* "i386", "i586" and "i686" run the same program. */
static const char *program_arch(const char *arch)
{
	if (strlen(arch) == 4 && arch[0] == 'i' && !strcmp(arch + 2, "86"))
		return "i686";
	return !strncmp(arch, "armv7", 5) || !strcmp(arch, "armv8l") ? "armv7l"
								     : arch_normalize(arch);
}

/* The file to send; free() it. */
static int find_program(const struct remote *remote, char **ret, struct btfpack_error *err)
{
	struct utsname here;
	char there[64], self[4096];
	ssize_t length;
	int error = ask_arch(remote, there, sizeof(there), err);

	if (error < 0)
		return error;
	uname(&here);
	if (!strcmp(program_arch(there), program_arch(here.machine))) {
		*ret = strdup("/proc/self/exe");
		return *ret ? 0 : fail(remote, -ENOMEM, "out of memory", err);
	}
	length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[length < 0 ? 0 : length] = '\0';
	if (strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	if (asprintf(ret, "%s/btfrun-%s", self, program_arch(there)) < 0)
		return fail(remote, -ENOMEM, "out of memory", err);
	if (access(*ret, R_OK)) {
		btfpack_error_set(err, -ENOENT, "%s is %s, and there is no %s to send",
				  remote->host, there, *ret);
		free(*ret);
		return -ENOENT;
	}
	return 0;
}

/* One argument for a shell, in single quotes. */
static int add_quoted(struct buf *buf, const char *word)
{
	int error = buf_add_string(buf, " '");

	for (; *word && !error; word++)
		error = *word == '\'' ? buf_add_string(buf, "'\\''") : buf_add(buf, word, 1);
	return error ? error : buf_add_string(buf, "'");
}

static int compose_line(const struct remote *remote, size_t size, struct buf *ret)
{
	AUTO_BUF struct buf words = BUF_INIT(1 << 20);
	const char *text;

	for (int i = 0; i < remote->argc; i++)
		if (add_quoted(&words, remote->argv[i]) < 0)
			return -ENOMEM;
	text = buf_string(&words);
	return text ? buf_add_format(ret, script, size, text) : -ENOMEM;
}

/* Wait for the other side to end; on *stop tell it to, and wait on. */
static void wait_for_end(const struct remote *remote, struct child *child)
{
	/* The pipe's other end goes away with the transport: POLLERR. */
	struct pollfd poller = { .fd = child->input };

	while (!(remote->stop && *remote->stop))
		if (poll(&poller, 1, POLL_MS) > 0 && poller.revents)
			return;
}

int remote_run(const struct remote *remote, struct btfpack_error *err)
{
	AUTO_FREE char *path = NULL;
	AUTO_BLOB struct btfpack_blob program = { 0 };
	AUTO_BUF struct buf line = BUF_INIT(2 << 20);
	struct child child;
	int error = find_program(remote, &path, err);

	if (!error)
		error = attached_bundle_compose(path, remote->bundle_path, &program, err);
	if (error < 0)
		return error;
	if (compose_line(remote, program.size, &line) < 0 || !buf_string(&line))
		return fail(remote, -ENOMEM, "out of memory", err);
	error = start(remote, (const char *)line.data, false, &child);
	if (error < 0)
		return fail(remote, error, strerror(-error), err);
	error = fs_write_fd(child.input, program.data, program.size);
	if (!error)
		wait_for_end(remote, &child);
	error = finish(&child);
	if (error == 255 || error == 127)
		return fail(remote, -EPROTO, "the connection failed", err);
	return error;
}
