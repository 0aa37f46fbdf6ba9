/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdarg.h>
#include <stdio.h>

#include "core/log.h"

static log_fn log_callback;
static void *log_arg;
static enum log_level log_most;

void log_set(log_fn fn, enum log_level most, void *arg)
{
	log_callback = fn;
	log_most = most;
	log_arg = arg;
}

void log_set_level(enum log_level most)
{
	log_most = most;
}

void log_say(enum log_level level, const char *format, ...)
{
	char message[512];
	va_list args;

	if (!log_callback || level > log_most)
		return;
	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	log_callback(level, message, log_arg);
}
