/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tarballs of BTF, as BTFHub keeps them: <uname>.btf.tar.xz with one member,
 * <uname>.btf. Reading trusts no path in them and bounds what comes out; writing
 * gives the same bytes for the same members: owner root, mode 0644, the epoch as
 * the time.
 */
#ifndef FETCHER_TARBALL_H
#define FETCHER_TARBALL_H

#include <stdbool.h>
#include <stddef.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/*
 * The one regular member of the tarball @path (plain, or compressed with xz, gzip,
 * zstd or bzip2) whose name ends in @suffix, of at most @maximum bytes. Other
 * members are passed over, at most a hundred. The caller frees the blob.
 *
 * Errors: -EBADMSG not a tarball, damaged, no such member or more than one;
 * -EFBIG; -ENOMEM; the system's.
 */
int tarball_read_one(const char *path, const char *suffix, size_t maximum,
		     struct btfpack_blob *ret, struct btfpack_error *err);

/* The same from memory; @name is what to call it. */
int tarball_read_one_mem(const struct btfpack_blob *bytes, const char *name, const char *suffix,
			 size_t maximum, struct btfpack_blob *ret, struct btfpack_error *err);

/*
 * Go through a tarball of many BTFs: @fn gets each regular member whose name @is_wanted
 * says, at most @maximum bytes each, and may keep nothing of it. What @fn returns other
 * than 0 ends the walk. At most a million members. Errors as above.
 */
struct tarball_walk {
	bool (*is_wanted)(const char *member, void *arg);
	int (*fn)(const char *member, const struct btfpack_blob *bytes, void *arg,
		  struct btfpack_error *err);
	void *arg;
};
int tarball_walk(const char *path, size_t maximum, const struct tarball_walk *walk,
		 struct btfpack_error *err);

struct tarball;

enum tarball_compression { TARBALL_PLAIN, TARBALL_GZIP, TARBALL_XZ };

/* The compression that a file name asks for: .tar.xz, .tar.gz or .tgz, else plain. */
enum tarball_compression tarball_compression_of(const char *path);

/* Begin a tarball on the descriptor @fd (borrowed); @name is what to call it. */
int tarball_new(int fd, const char *name, enum tarball_compression compression,
		struct tarball **ret, struct btfpack_error *err);

/* Append a regular file @path, relative, made of @blob. */
int tarball_add(struct tarball *t, const char *path, const struct btfpack_blob *blob,
		struct btfpack_error *err);

/* Write the end; then free. */
int tarball_finish(struct tarball *t, struct btfpack_error *err);
void tarball_free(struct tarball *t);

#endif
