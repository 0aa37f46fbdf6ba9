/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results on stdout, by one thread; words on stderr, by any. JSON is one object a line, written by
 * jansson, of which the commands see only json_pack() values.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/* Print @object on one line of stdout and drop the reference to it. */
void output_json(json_t *object);

/* {"distro":..., "release":..., "arch":..., "uname":..., "build_id":...}; fields
 * that are NULL come as null. The caller owns it. */
json_t *output_kernel(const struct btfpack_kernel *kernel);

/* One line of words on stderr, after "btfpack: ". Clears the progress line. */
__attribute__((format(printf, 1, 2))) void output_say(const char *format, ...);

/* A line of words that is not an error: left out with -q. */
__attribute__((format(printf, 1, 2))) void output_tell(const char *format, ...);

/* The progress line: shown only when stderr is a terminal and not with -q; at
 * most ten times a second. NULL takes it away. */
__attribute__((format(printf, 1, 2))) void output_progress(const char *format, ...);

/* Write a result where -o said: "-" is stdout, a file appears whole or not. */
int output_file(const char *path, const void *data, size_t size, struct btfpack_error *err);

/* "12.3 MB" into @ret: decimal units, as disks and networks count. */
const char *output_size(uint64_t bytes, char ret[16]);

/* Flush stdout; a failed write turns success into CMD_IO. Returns the status. */
int output_finish(int status);

#endif
