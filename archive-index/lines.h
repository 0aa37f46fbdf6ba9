/* SPDX-License-Identifier: BSD-2-Clause */
/* Text of lines whose first one says what it is and of which version: "btfpack-index 1". */
#ifndef ARCHIVE_INDEX_LINES_H
#define ARCHIVE_INDEX_LINES_H

#include <stddef.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/* A copy with a NUL behind it; the caller frees it. NULL: no memory. */
char *lines_copy(const struct btfpack_blob *text);

/* What to do with each line but the first: it may be cut up. 0; -EBADMSG it is not as
 * expected; -EFBIG; -ENOMEM. */
typedef int (*line_fn)(char *line, void *arg);

/*
 * Go through the @size bytes at @text, which lines_copy() gave. @name is what to call
 * them, @first their first line, which ends with a digit, @expected what a line should
 * be. -EBADMSG, with the number of the line; -EOPNOTSUPP another version; as @fn.
 */
int lines_read(char *text, size_t size, const char *name, const char *first, const char *expected,
	       line_fn fn, void *arg, struct btfpack_error *err);

#endif
