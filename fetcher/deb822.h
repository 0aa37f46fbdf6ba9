/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian's control format, read as it streams: stanzas of "Field: value" lines
 * with continuation lines that begin with a space. Packages and Release files
 * and apt's .sources are all written in it. Comments (#) are left out.
 */
#ifndef FETCHER_DEB822_H
#define FETCHER_DEB822_H

#include <stdbool.h>
#include <stddef.h>

#include <btfpack/error.h>

#include "core/buf.h"

/* A line: not NUL-terminated, lent for the call, without spaces around @value. */
struct deb822_line {
	const char *field; /* the field it belongs to; NULL: of one not asked for */
	bool first;        /* the line with the field's name, not a continuation */
	const char *value;
	size_t size;
};

struct deb822_ops {
	/* The fields to hear of, ending with NULL. Case matters not. */
	const char *const *fields;
	/* Negative stops the reading, with @err filled. */
	int (*line)(void *arg, const struct deb822_line *line, struct btfpack_error *err);
	int (*end_stanza)(void *arg, struct btfpack_error *err); /* NULL: not asked */
};

struct deb822 {
	const struct deb822_ops *ops;
	void *arg;
	const char *what;   /* named in errors */
	struct buf partial; /* a line whose end has not come yet */
	const char *field;  /* that the lines belong to now */
	bool in_stanza;
};

struct deb822 deb822_init(const struct deb822_ops *ops, void *arg, const char *what);
void deb822_deinit(struct deb822 *d);

/* Bytes as they come, cut anywhere. -EBADMSG for a line over 1 MiB. */
int deb822_feed(struct deb822 *d, const void *data, size_t size, struct btfpack_error *err);

/* There is no more: ends the last line and stanza. */
int deb822_finish(struct deb822 *d, struct btfpack_error *err);

/* All of it at once. */
int deb822_parse(const struct deb822_ops *ops, void *arg, const char *what, const void *data,
		 size_t size, struct btfpack_error *err);

/* Cut the next word off @text, at most @size bytes: its start, and its length in
 * @length_ret; NULL when there is none. Moves both on. */
const char *deb822_word(const char **text, size_t *size, size_t *length_ret);

#endif
