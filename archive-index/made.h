/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was made of stored contents, kept so that it need not be made again: the file
 * made.sqlite of an archive. It may be deleted at any time, by anyone, and is made
 * anew when it is damaged: nothing in it is more than the work it saves. The archive
 * proper does not speak of it.
 *
 * A thing made has as its key the content, the digest of the recipe, which is all else
 * that it depends on, and, where a content has several names and it depends on these,
 * the name ("" otherwise). Equal things are kept once; each read compares the digest.
 *
 *	if (made_open(dir, &made, &err) == 0)
 *		found = made_find(made, &content, &recipe, "", &blob, &err);
 *	if (found <= 0)
 *		made_keep(made, &content, &recipe, "", &blob, &err);
 *	made_close(made);
 *
 * One thread a handle, any number of processes.
 */
#ifndef ARCHIVE_INDEX_MADE_H
#define ARCHIVE_INDEX_MADE_H

#include <btfpack/error.h>
#include <btfpack/types.h>

struct made;

/* The larger is not kept. */
#define MADE_MAXIMUM ((size_t)512 << 10)

/* Where the archive cannot be written, as the system says: go without it. */
int made_open(const char *dir, struct made **ret, struct btfpack_error *err);

/* What was kept is on its way to the disk. NULL is fine. */
void made_close(struct made *m);

/* 1 and the bytes, which the caller frees; 0: there is none. */
int made_find(struct made *m, const struct btfpack_id *content, const struct btfpack_id *recipe,
	      const char *name, struct btfpack_blob *ret, struct btfpack_error *err);

int made_keep(struct made *m, const struct btfpack_id *content, const struct btfpack_id *recipe,
	      const char *name, const struct btfpack_blob *blob, struct btfpack_error *err);

/*
 * Drop what was made of contents that @has says (0) are no more, and what was made by
 * recipes that nobody used for @days. @has gives 1, 0, or <0, which ends it. Where
 * there is no such file, none is made.
 */
int made_collect(const char *dir, unsigned int days,
		 int (*has)(const struct btfpack_id *content, void *arg, struct btfpack_error *err),
		 void *arg, struct btfpack_error *err);

#endif
