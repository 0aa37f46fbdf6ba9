/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/output.h"
#include "core/fs.h"
#include "core/utf8.h"

/* Of stderr's lines: build's threads have words to say, too. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool progress_shown;

static void clear_progress(void)
{
	if (progress_shown)
		fputs("\r\033[K", stderr);
	progress_shown = false;
}

/* Why standard output failed first; what fails after it, fails for it. */
static int output_error;

void output_json(json_t *object)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	if (!text) {
		output_say("cannot write the result as JSON: out of memory");
		output_error = ENOMEM;
	} else if ((fputs(text, stdout) < 0 || putchar('\n') < 0) && !output_error)
		output_error = errno;
	free(text);
	json_decref(object);
}

json_t *output_kernel(const struct btfpack_kernel *k)
{
	return output_object("sssss", "distro", k->distro, "release",
			 k->release, "arch", k->arch, "uname", k->uname, "build_id", k->build_id);
}

__attribute__((format(printf, 1, 0))) static void say(const char *format, va_list args)
{
	pthread_mutex_lock(&lock);
	clear_progress();
	fputs("btfpack: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	pthread_mutex_unlock(&lock);
}

void output_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void output_tell(const char *format, ...)
{
	va_list args;

	if (cmd_common.verbosity < 0)
		return;
	va_start(args, format);
	say(format, args);
	va_end(args);
}

/* Whether it is time for another. */
static bool progress_is_due(void)
{
	static struct timespec last;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (progress_shown &&
	    (now.tv_sec - last.tv_sec) * 1000000000L + now.tv_nsec - last.tv_nsec < 100000000L)
		return false;
	last = now;
	return true;
}

/* A line that wraps cannot be taken away again: only its last row would be. */
static void cut_to_width(char *line)
{
	size_t size = strlen(line), at = 0, columns = 0;
	struct winsize window = { 0 };

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) < 0 || !window.ws_col)
		return;
	while (at < size && columns + 1 < window.ws_col) {
		size_t length = utf8_length((const unsigned char *)line + at, size - at);

		at += length ? length : 1;
		columns++;
	}
	line[at] = '\0';
}

void output_progress(const char *format, ...)
{
	char line[1024];
	va_list args;

	pthread_mutex_lock(&lock);
	if (!format) {
		clear_progress();
	} else if (cmd_common.verbosity >= 0 && isatty(STDERR_FILENO) && progress_is_due()) {
		va_start(args, format);
		vsnprintf(line, sizeof(line), format, args);
		va_end(args);
		cut_to_width(line);
		fprintf(stderr, "\r\033[K%s", line);
		progress_shown = true;
	}
	pthread_mutex_unlock(&lock);
}

int output_file(const char *path, const void *data, size_t size, struct btfpack_error *err)
{
	int error;

	if (strcmp(path, "-"))
		return fs_write(path, data, size, err);
	fflush(stdout);
	error = fs_write_fd(STDOUT_FILENO, data, size);
	if (error < 0)
		return btfpack_error_set(err, error, "standard output: cannot write: %s",
					 strerror(-error));
	return 0;
}

const char *output_size(uint64_t bytes, char ret[16])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB" };
	double value = bytes;
	size_t unit = 0;

	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	snprintf(ret, 16, value < 9.95 && unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return ret;
}

int output_finish(int status)
{
	output_progress(NULL);
	if (fflush(stdout) == 0 && !ferror(stdout) && !output_error)
		return status;
	output_say("standard output: cannot write: %s",
		   strerror(output_error ? output_error : errno));
	return status == CMD_OK ? CMD_IO : status;
}
