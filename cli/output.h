/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Results on stdout, by one thread; words on stderr, by any. JSON is one object a line, written by
 * jansson; commands make its strings and objects by the functions here, as names are any bytes.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/* Print @object on one line of stdout and drop the reference to it. NULL, for want of
 * memory, is said and makes output_finish() fail. */
void output_json(json_t *object);

/*
 * A JSON object of keys and values: a letter of @values for each pair of arguments. s: a
 * string, NULL gives null (s*: leaves the pair out); i: int; I: json_int_t; b: int, as
 * true or false; f: double; o: json_t *, which becomes the object's; n: null, no value
 * follows the key. NULL when out of memory.
 *
 *	output_object("sIs*", "path", path, "size", (json_int_t)size, "reason", reason)
 */
json_t *output_object(const char *values, ...);

/* A JSON string of any bytes: what is no UTF-8 comes as U+FFFD. NULL when out of memory. */
json_t *output_string(const char *text);
json_t *output_stringn(const char *text, size_t length);

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
