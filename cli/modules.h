/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modules of a package, or of a directory, to split BTF: one thread takes them out,
 * others convert them. Few are in memory at a time. What is split BTF already must stand
 * on the base, as far as that can be told.
 */
#ifndef CLI_MODULES_H
#define CLI_MODULES_H

#include <btfpack/archive.h>
#include <btfpack/fetch.h>

/* A module that gave no BTF. */
struct module_failure {
	char *name;
	char *reason;
};

struct module_set {
	struct btfpack_modules modules; /* by ascending name */
	struct module_failure *failures;
	size_t failure_count;
};

void module_set_deinit(struct module_set *set);

struct module_job {
	const char *directory; /* of modules; NULL: they are in the package */
	const char *package_path;
	const char *scratch; /* directory for what is too large for memory */
	const struct btfpack_package *package;
	const struct btfpack_blob *base; /* its vmlinux's BTF */
	unsigned int threads;		 /* that convert; 1: the caller's does */
	uint64_t memory;		 /* bytes of modules to hold at a time, about */
	btfpack_fetch_progress_fn progress;
	void *arg; /* for progress and hold */
	/* Hears of files that are memory: bytes more, and less. Any thread. NULL: nobody. */
	void (*hold)(void *arg, uint64_t more, uint64_t less);
};

/* A module that cannot be converted is a failure in @ret and does not end it. */
int modules_convert(const struct module_job *job, struct module_set *ret,
		    struct btfpack_error *err);

#endif
