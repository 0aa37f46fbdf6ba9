/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernels on their way from the mirror to BTF, several at a time:
 *
 *	download ──▶ read what counts of vmlinux ──▶ convert, check ──▶ the caller
 *	(threads)    (as many kernels at a time as the memory allows)   (in order)
 *
 * While one kernel is converted the next is downloaded. The caller gets them in the
 * order of the list, whichever was ready first, so that what it stores and says is the
 * same however many threads there are.
 */
#ifndef CLI_PIPELINE_H
#define CLI_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/btfgen.h>
#include <btfpack/fetch.h>

#include "cli/fetching.h"
#include "cli/modules.h"

#define PIPELINE_DOWNLOADS_MAX 8

struct pipeline_opts {
	const struct fetching *fetching; /* each thread that downloads has a fetcher by it */
	unsigned int jobs;               /* threads that compute; 0: one a processor */
	unsigned int downloads;          /* at a time, 1 to PIPELINE_DOWNLOADS_MAX */
	uint64_t memory;                 /* bytes that all of it may take, about */
	bool skip_btf;                   /* leave kernels alone that have BTF of their own */
	bool partial;                    /* download only what counts, unverified */
	bool modules;                    /* split BTF of the modules, too */
};

/* One kernel at the end of its way. */
struct pipeline_result {
	const struct btfpack_package *package;
	struct btfpack_error err; /* code 0: it went well */
	bool has_btf;             /* the kernel carries BTF of its own */
	bool is_skipped;          /* and was left alone for it; there is no @btf */
	bool is_repaired;         /* it had to be deduplicated */
	bool is_partial;          /* nothing verified the package as a whole */
	struct btfpack_blob btf;  /* the pipeline's: gone after the call */
	struct module_set modules; /* likewise; with @modules asked for */
	char build_id[BTFPACK_BUILD_ID_SIZE];
	double seconds; /* from its download's begin to its BTF, waiting included */
};

/* What it took. */
struct pipeline_metrics {
	uint64_t bytes;       /* downloaded, or taken from the cache */
	double seconds;       /* from begin to end */
	double cpu_seconds;   /* of all threads */
	/* The most the process held at a time, mapped files and files in memory included;
	 * looked at ten times a second. */
	uint64_t memory;
	unsigned int at_once; /* kernels */
};

/*
 * Hand each of @count @packages to @done, in their order, in the calling thread. @done
 * gives 0 to go on and anything else to stop, which is then the result. Stops with
 * -ECANCELED on SIGINT. What is not handed over is left in the cache.
 */
int pipeline_run(const struct btfpack_package *const *packages, size_t count,
		 const struct pipeline_opts *opts,
		 int (*done)(void *arg, struct pipeline_result *result), void *arg,
		 struct pipeline_metrics *ret, struct btfpack_error *err);

#endif
