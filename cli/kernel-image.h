/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vmlinux between its package and its BTF: where it is, in memory or in a file without
 * a name, and what of it is there. One thread at a time; only processor_take() and
 * processor_give() are for all.
 */
#ifndef CLI_KERNEL_IMAGE_H
#define CLI_KERNEL_IMAGE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <btfpack/btfgen.h>
#include <btfpack/fetch.h>

/* Threads that compute, over all kernels: each kernel has one of its own, and more while
 * there are processors left. */
struct processors {
	pthread_mutex_t lock;
	unsigned int count, busy;
};

/* Up to @most of those that are free; one even if none is. How many. */
unsigned int processors_take(struct processors *p, unsigned int most);
/* One, if one is free. */
bool processors_try(struct processors *p);
void processors_give(struct processors *p, unsigned int count);

/* What all images of a run share; borrowed. */
struct kernel_image_host {
	struct processors *processors;
	uint64_t memory;                    /* bytes that one kernel may take */
	unsigned int threads;               /* of one kernel, when all are busy */
	const char *scratch;                /* directory for what does not fit */
	btfpack_fetch_progress_fn progress; /* cancels */
	/* Files in memory hold so many bytes @more, or @less. */
	void (*hold)(void *arg, uint64_t more, uint64_t less);
	void *arg; /* of both */
};

struct kernel_image {
	const struct kernel_image_host *host;
	struct btfpack_vmlinux *vmlinux; /* the image's once it is there */
	struct btfpack_convert_parts parts;
	bool has_parts;
	int fd; /* -1: none yet */
	uint64_t in_memory;
};

#define KERNEL_IMAGE_INIT(its_host)          \
	{                                    \
		.host = (its_host), .fd = -1 \
	}

void kernel_image_deinit(struct kernel_image *image);

/* To open image->vmlinux with. */
struct btfpack_vmlinux_opts kernel_image_opts(const struct kernel_image *image,
					      const struct btfpack_package *package);

/* Read its heads: what of it is needed. Those of a package without parts, or that make no
 * sense, say nothing: then it is extracted whole, for the conversion to say why. */
int kernel_image_read_heads(struct kernel_image *image, struct btfpack_error *err);

/* Take out of the package what is needed. Of one without parts its heads are read then. */
int kernel_image_extract(struct kernel_image *image, struct btfpack_error *err);

/* A file without a name, in the directory @dir: it goes when its descriptor does. */
int kernel_image_temporary(const char *dir, struct btfpack_error *err);

/* To BTF; in errors the vmlinux goes by its package's name. */
int kernel_image_convert(struct kernel_image *image, const struct btfpack_package *package,
			 char build_id_ret[BTFPACK_BUILD_ID_SIZE], struct btfpack_blob *ret,
			 struct btfpack_error *err);

#endif
