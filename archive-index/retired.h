/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was published and is no longer named: objects that wait for those who still read by
 * an older manifest. btfpack-published(5) says it in words.
 *
 *	btfpack-retired 1
 *	KIND/SHA256 SINCE
 *
 * Who deletes goes by these names, so only names that publish itself gives are taken.
 */
#ifndef ARCHIVE_INDEX_RETIRED_H
#define ARCHIVE_INDEX_RETIRED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#define RETIRED_NAME      "btfpack.retired"
#define RETIRED_MAXIMUM   ((size_t)16 << 20)
#define RETIRED_NAME_SIZE 80

struct retired_object {
	char name[RETIRED_NAME_SIZE]; /* "packs/4f53...": below the store's place */
	int64_t since;                /* seconds since the epoch */
};

struct retired {
	struct retired_object *objects;
	size_t count;
};

void retired_deinit(struct retired *r);

/* @name is what to call it. -EBADMSG, with the number of the line; -EOPNOTSUPP another
 * version; -EFBIG more than 16,384; -ENOMEM. */
int retired_parse(const struct btfpack_blob *text, const char *name, struct retired *ret,
		  struct btfpack_error *err);

/* 1 when it is there already, with its own time; 0 added; -EFBIG; -ENOMEM. */
int retired_note(struct retired *r, const char *name, int64_t since);

/* Take out those that @fn says. How many. */
size_t retired_drop(struct retired *r, bool (*fn)(const struct retired_object *o, void *arg),
		    void *arg);

/* Ordered by name; free the blob. -ENOMEM. */
int retired_format(struct retired *r, struct btfpack_blob *ret);

#endif
