/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One callback, four levels, silent until a program sets it. Libraries say
 * through it what a person may want to know and no return value carries.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

typedef void (*log_fn)(enum log_level level, const char *message, void *arg);

/* Set once, before threads start. NULL: silent. Messages above @most are dropped. */
void log_set(log_fn fn, enum log_level most, void *arg);
void log_set_level(enum log_level most);

__attribute__((format(printf, 2, 3))) void log_say(enum log_level level, const char *format, ...);

#define log_warning(...) log_say(LOG_WARNING, __VA_ARGS__)
#define log_info(...)    log_say(LOG_INFO, __VA_ARGS__)
#define log_debug(...)   log_say(LOG_DEBUG, __VA_ARGS__)

#endif
