/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/arch.h"
#include "core/buf.h"
#include "core/fs.h"
#include "gadget-runner/attached-bundle.h"
#include "gadget-runner/remote.h"

#define WORDS_MAXIMUM 32 /* of the transport */
#define POLL_MS       200
#define TEXT_MAXIMUM  ((size_t)64 << 10) /* before the other side's first word */
#define END_SECONDS   15                 /* from being told to end until the end */
#define GREETING      "btfrun-on "

/*
 * What sh on the other side runs. It says what machine it is and reads how many bytes
 * will come, so that one login is enough. The first directory where a file can be
 * executed is taken: memory first, and any may be mounted noexec. What comes short, as
 * the connection broke, is not run. It is handed over as one word in single quotes,
 * which every login shell passes on alike; so there is none, and no "!", within.
 */
static const char script[] =
	"echo; echo \"" GREETING "$(uname -m)\"; "
	"read -r size && [ \"$size\" -gt 0 ] || exit 4; "
	"for d in /dev/shm /run /tmp /var/tmp \"$HOME\"; do "
	"t=$d/btfrun.$$; (umask 077; mkdir \"$t\") 2>/dev/null || continue; "
	"trap \"rm -rf \\\"$t\\\"\" EXIT; trap \"exit 4\" HUP INT TERM; "
	"echo exit 0 > \"$t/try\" && chmod 700 \"$t/try\" && \"$t/try\" 2>/dev/null && break; "
	"rm -rf \"$t\"; t=; done; "
	"[ -n \"$t\" ] || { echo \"btfrun: nowhere to run from: /dev/shm, /run, /tmp, /var/tmp and "
	"the home directory $HOME are missing, not writable or noexec\" >&2; exit 4; }; "
	"head -c \"$size\" > \"$t/btfrun\" && [ \"$(wc -c < \"$t/btfrun\")\" -eq \"$size\" ] || "
	"{ echo \"btfrun: $t: no room for $size bytes, or the connection broke\" >&2; exit 4; }; "
	"chmod 700 \"$t/btfrun\"; \"$t/btfrun\" --until-eof \"$@\"";

struct child {
	pid_t pid;
	int input;  /* written to; -1 when closed */
	int output; /* read from */
	int errors; /* read from */
};

/* A conversation: the program on its way there, words and events on their way here. */
struct talk {
	const struct remote *remote;
	struct child child;
	const uint8_t *data; /* still to be sent */
	size_t size;
	struct buf output, words; /* held back until the other side has said what it is */
	time_t told_to_end;       /* 0: not yet */
};

static int fail(const struct remote *remote, int code, const char *what, struct btfpack_error *err)
{
	return btfpack_error_set(err, code, "%s %s: %s", remote->transport, remote->host, what);
}

/* --- the transport ------------------------------------------------------------------------ */

/* One argument for a shell, in single quotes. */
static int add_quoted(struct buf *buf, const char *word)
{
	int error = buf_add_string(buf, " '");

	for (; *word && !error; word++)
		error = *word == '\'' ? buf_add_string(buf, "'\\''") : buf_add(buf, word, 1);
	return error ? error : buf_add_string(buf, "'");
}

static const char *compose_line(const struct remote *remote, struct buf *ret)
{
	int error = buf_add_string(ret, "exec sh -c");

	if (!error)
		error = add_quoted(ret, script);
	if (!error)
		error = buf_add_string(ret, " btfrun");
	for (int i = 0; i < remote->argc && !error; i++)
		error = add_quoted(ret, remote->argv[i]);
	return error ? NULL : buf_string(ret);
}

/* In the child. The terminal stays its own, for passwords; but ^C is for us, who close
 * the pipe then. Only a failing exec returns: it is told through @failed. */
static void become(char **words, const int input[2], const int output[2], const int errors[2],
		   int failed)
{
	int error;

	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_DFL);
	if (dup2(input[0], STDIN_FILENO) >= 0 && dup2(output[1], STDOUT_FILENO) >= 0 &&
	    dup2(errors[1], STDERR_FILENO) >= 0)
		execvp(words[0], words);
	error = errno;
	_exit(write(failed, &error, sizeof(error)) == sizeof(error) ? 127 : 126);
}

static void close_pair(int pair[2])
{
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			close(pair[i]);
}

static int spawn(char **words, struct child *ret)
{
	int pipes[4][2] = { { -1, -1 }, { -1, -1 }, { -1, -1 }, { -1, -1 } }, error = 0;

	*ret = (struct child){ .pid = -1, .input = -1, .output = -1, .errors = -1 };
	for (int i = 0; i < 4 && !error; i++)
		error = pipe2(pipes[i], O_CLOEXEC) < 0 ? -errno : 0;
	if (!error && (ret->pid = fork()) < 0)
		error = -errno;
	if (error) {
		for (int i = 0; i < 4; i++)
			close_pair(pipes[i]);
		return error;
	}
	if (ret->pid == 0)
		become(words, pipes[0], pipes[1], pipes[2], pipes[3][1]);
	close(pipes[0][0]);
	close(pipes[1][1]);
	close(pipes[2][1]);
	close(pipes[3][1]);
	ret->input = pipes[0][1];
	ret->output = pipes[1][0];
	ret->errors = pipes[2][0];
	fcntl(ret->input, F_SETFL, O_NONBLOCK);
	if (read(pipes[3][0], &error, sizeof(error)) != sizeof(error))
		error = 0; /* closed by exec */
	close(pipes[3][0]);
	return -error;
}

static void close_input(struct child *child)
{
	if (child->input >= 0)
		close(child->input);
	child->input = -1;
}

/* The exit status of the other side, as ssh hands it on. */
static int finish(struct child *child)
{
	int status = 0;

	close_input(child);
	if (child->output >= 0)
		close(child->output);
	if (child->errors >= 0)
		close(child->errors);
	while (child->pid > 0 && waitpid(child->pid, &status, 0) < 0)
		if (errno != EINTR)
			return 255;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int start(struct talk *talk, struct btfpack_error *err)
{
	const struct remote *remote = talk->remote;
	AUTO_BUF struct buf line = BUF_INIT(2 << 20);
	AUTO_FREE char *copy = strdup(remote->transport);
	char *words[WORDS_MAXIMUM + 3], *rest = copy, *word;
	int n = 0, error;

	if (!copy || !compose_line(remote, &line))
		return fail(remote, -ENOMEM, "out of memory", err);
	while ((word = strsep(&rest, " ")) && n < WORDS_MAXIMUM)
		if (*word)
			words[n++] = word;
	words[n++] = (char *)remote->host;
	words[n++] = (char *)line.data;
	words[n] = NULL;
	error = spawn(words, &talk->child);
	if (!error)
		return 0;
	finish(&talk->child);
	return btfpack_error_set(err, error, "cannot run '%s': %s", words[0], strerror(-error));
}

/* --- talking -------------------------------------------------------------------------------- */

static int pass_on(struct buf *held, int fd)
{
	int error = fs_write_fd(fd, held->data, held->size);

	held->size = 0;
	return error;
}

/* Read what is there into @held. At the end of the file @fd becomes -1. */
static int take(struct buf *held, int *fd)
{
	char bytes[16 << 10];
	ssize_t got = read(*fd, bytes, sizeof(bytes));

	if (got > 0)
		return buf_add(held, bytes, got);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	close(*fd);
	*fd = -1;
	return 0;
}

static void send_some(struct talk *talk)
{
	ssize_t sent = write(talk->child.input, talk->data, talk->size);

	if (sent > 0) {
		talk->data += sent;
		talk->size -= sent;
	} else if (sent < 0 && errno != EINTR && errno != EAGAIN) {
		talk->size = 0; /* it has ended, and will say why */
		close_input(&talk->child);
	}
}

static bool is_stopped(const struct talk *talk)
{
	return talk->remote->stop && *talk->remote->stop;
}

/* Closing its input tells it to end; who does not in time is left. */
static int tell_to_end(struct talk *talk)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!talk->told_to_end) {
		talk->told_to_end = now.tv_sec;
		talk->size = 0;
		close_input(&talk->child);
	}
	return now.tv_sec - talk->told_to_end > END_SECONDS ? -ETIMEDOUT : 0;
}

/* Wait for something to happen, and take it. 1: the other side has ended. */
static int step(struct talk *talk)
{
	struct child *child = &talk->child;
	struct pollfd polls[3] = {
		{ .fd = child->output, .events = POLLIN },
		{ .fd = child->errors, .events = POLLIN },
		{ .fd = talk->size ? child->input : -1, .events = POLLOUT },
	};
	int error = is_stopped(talk) ? tell_to_end(talk) : 0;

	if (error || (child->output < 0 && child->errors < 0))
		return error ? error : 1;
	if (poll(polls, 3, POLL_MS) <= 0)
		return 0;
	if (polls[0].revents)
		error = take(&talk->output, &child->output);
	if (polls[1].revents && !error)
		error = take(&talk->words, &child->errors);
	if (polls[2].revents)
		send_some(talk);
	return error;
}

/* The machine's name out of the line that begins with GREETING; a login shell may have
 * printed others before. 1 when it was found: what follows stays held. */
static int find_greeting(struct buf *held, char *ret, size_t size)
{
	const char *text = buf_string(held), *line, *end;
	size_t length;

	if (!text)
		return -ENOMEM;
	line = strstr(text, "\n" GREETING);
	end = line ? strchr(line + 1, '\n') : NULL;
	if (!end)
		return 0;
	line += 1 + strlen(GREETING);
	length = strcspn(line, "\r\n");
	if (!length || length >= size)
		return -EPROTO;
	memcpy(ret, line, length);
	ret[length] = '\0';
	held->size -= end + 1 - text;
	memmove(held->data, end + 1, held->size);
	return 1;
}

/* The connection failed: the transport's last words say why, those before are passed on. */
static int tell_failure(struct talk *talk, struct btfpack_error *err)
{
	char *text = (char *)buf_string(&talk->words), *last;

	if (!text)
		return fail(talk->remote, -ENOMEM, "out of memory", err);
	for (size_t i = strlen(text); i > 0 && strchr(" \r\n", text[i - 1]); i--)
		text[i - 1] = '\0';
	last = strrchr(text, '\n');
	if (last)
		fs_write_fd(STDERR_FILENO, text, last + 1 - text);
	last = last ? last + 1 : text;
	return fail(talk->remote, -EPROTO, *last ? last : "cannot run sh there", err);
}

/* Until the other side has said what machine it is. */
static int await_greeting(struct talk *talk, char *ret, size_t size, struct btfpack_error *err)
{
	int got = 0, ended = 0;

	while (!ended && !(got = find_greeting(&talk->output, ret, size))) {
		ended = step(talk);
		if (is_stopped(talk)) { /* nothing runs there yet */
			kill(talk->child.pid, SIGTERM);
			return fail(talk->remote, -EINTR, "stopped before it was reached", err);
		}
	}
	if (got < 0 || ended < 0)
		return fail(talk->remote, -EPROTO, "the other side does not say what it is", err);
	if (!got)
		return tell_failure(talk, err);
	return 0;
}

/* Until the other side ends. */
static int converse(struct talk *talk)
{
	int ended = 0, error = 0;

	while (!ended && !error) {
		error = pass_on(&talk->output, STDOUT_FILENO);
		if (!error)
			error = pass_on(&talk->words, STDERR_FILENO);
		if (!error)
			ended = step(talk);
	}
	if (error) /* nobody reads what we print */
		close_input(&talk->child);
	return error ? error : ended < 0 ? ended : 0;
}

/* --- what to send --------------------------------------------------------------------------- */

/* "i386", "i586" and "i686" run the same program. */
static const char *program_arch(const char *arch)
{
	if (strlen(arch) == 4 && arch[0] == 'i' && !strcmp(arch + 2, "86"))
		return "i686";
	return !strncmp(arch, "armv7", 5) ? "armv7l" : arch_normalize(arch);
}

/* The directory this program lies in. */
static char *own_directory(void)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[length < 0 ? 0 : length] = '\0';
	if (strrchr(self, '/'))
		*strrchr(self, '/') = '\0';
	return strdup(self);
}

static bool is_directory(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISDIR(st.st_mode);
}

/* btfrun-@arch out of @directory, or the user's words on why not. */
static int choose_from(const struct remote *remote, const char *directory, const char *arch,
		       char **ret, struct btfpack_error *err)
{
	if (asprintf(ret, "%s/btfrun-%s", directory, arch) < 0) {
		*ret = NULL;
		return fail(remote, -ENOMEM, "out of memory", err);
	}
	if (!access(*ret, R_OK))
		return 0;
	return btfpack_error_set(err, -ENOENT,
				 "%s is %s, and %s is missing: `make btfrun-%s` builds it, "
				 "--program tells where it is",
				 remote->host, arch, *ret, arch);
}

/* The file to send; free() it, on failure too. */
static int find_program(const struct remote *remote, const char *there, char **ret,
			struct btfpack_error *err)
{
	AUTO_FREE char *directory = NULL;
	const char *arch = program_arch(there);
	struct utsname here;

	uname(&here);
	if (remote->program && is_directory(remote->program))
		return choose_from(remote, remote->program, arch, ret, err);
	if (remote->program || !strcmp(arch, program_arch(here.machine))) {
		*ret = strdup(remote->program ? remote->program : "/proc/self/exe");
		return *ret ? 0 : fail(remote, -ENOMEM, "out of memory", err);
	}
	directory = own_directory();
	if (!directory)
		return fail(remote, -ENOMEM, "out of memory", err);
	return choose_from(remote, directory, arch, ret, err);
}

static int compose_program(const struct remote *remote, const char *arch, struct buf *ret,
			   struct btfpack_error *err)
{
	AUTO_FREE char *path = NULL;
	AUTO_BLOB struct btfpack_blob program = { 0 };
	int error = find_program(remote, arch, &path, err);

	if (!error)
		error = attached_bundle_compose(path, remote->bundle_path, &program, err);
	if (error < 0)
		return error;
	if (buf_add_format(ret, "%zu\n", program.size) < 0 ||
	    buf_add(ret, program.data, program.size) < 0)
		return fail(remote, -ENOMEM, "out of memory", err);
	return 0;
}

/* --- the whole -------------------------------------------------------------------------------- */

static int run(struct talk *talk, struct buf *program, struct btfpack_error *err)
{
	char arch[64];
	int error = start(talk, err);

	if (!error)
		error = await_greeting(talk, arch, sizeof(arch), err);
	if (!error)
		error = compose_program(talk->remote, arch, program, err);
	if (error)
		return error;
	talk->data = program->data;
	talk->size = program->size;
	error = converse(talk);
	if (error == -ETIMEDOUT) {
		kill(talk->child.pid, SIGTERM);
		return fail(talk->remote, error,
			    "the other side did not end when told to; look for btfrun there", err);
	}
	return error ? fail(talk->remote, error, strerror(-error), err) : 0;
}

int remote_run(const struct remote *remote, struct btfpack_error *err)
{
	AUTO_BUF struct buf program = BUF_INIT((size_t)1 << 30);
	struct talk talk = {
		.remote = remote,
		.child = { .pid = -1, .input = -1, .output = -1, .errors = -1 },
		.output = BUF_INIT(TEXT_MAXIMUM),
		.words = BUF_INIT(TEXT_MAXIMUM),
	};
	int error = run(&talk, &program, err), status = finish(&talk.child);

	buf_deinit(&talk.output);
	buf_deinit(&talk.words);
	if (error)
		return error;
	if (status == 255)
		return fail(remote, -EPROTO, "the connection broke", err);
	return status;
}
