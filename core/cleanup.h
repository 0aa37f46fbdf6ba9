/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scope guards. Declare a variable where its value is born, with its cleanup
 * attached; hand the value on with steal_ptr() or steal_fd(), next to a comment
 * that names the new owner. Guards keep errno as it was.
 */
#ifndef CORE_CLEANUP_H
#define CORE_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <btfpack/types.h>

#define CLEANUP(func) __attribute__((cleanup(func)))

static inline void cleanup_free(void *p)
{
	int saved = errno;

	free(*(void **)p);
	errno = saved;
}

static inline void cleanup_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void cleanup_file(FILE **file)
{
	int saved = errno;

	if (*file)
		fclose(*file);
	errno = saved;
}

static inline void cleanup_dir(DIR **dir)
{
	int saved = errno;

	if (*dir)
		closedir(*dir);
	errno = saved;
}

#define AUTO_FREE CLEANUP(cleanup_free)
#define AUTO_FD   CLEANUP(cleanup_fd)
#define AUTO_FILE CLEANUP(cleanup_file)
#define AUTO_DIR  CLEANUP(cleanup_dir)
#define AUTO_BLOB CLEANUP(btfpack_blob_free)

/* Take the value out of a guarded variable: the caller names its new owner. */
#define steal_ptr(p)                         \
	({                                   \
		__typeof__(p) stolen_ = (p); \
		(p) = NULL;                  \
		stolen_;                     \
	})

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
