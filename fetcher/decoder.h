/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decompression as a pull: bytes in from a callback, plain bytes out. The format
 * (xz, gzip, zstd, bzip2, or none) is told by the first bytes. An xz stream made
 * of sized blocks, as Debian's packages are, is decoded on all processors.
 */
#ifndef FETCHER_DECODER_H
#define FETCHER_DECODER_H

#include <stdint.h>
#include <sys/types.h>

#include <btfpack/error.h>

/* Lends the next bytes in *@ret; 0 at the end; negative with @err filled. */
typedef ssize_t (*decoder_source_fn)(void *arg, const void **ret, struct btfpack_error *err);

struct decoder;

/* @maximum: how many plain bytes to give at most. @what is named in errors. Both
 * it and @arg are borrowed until free. */
int decoder_new(decoder_source_fn source, void *arg, uint64_t maximum, const char *what,
		struct decoder **ret, struct btfpack_error *err);
void decoder_free(struct decoder *decoder);

/* Lends the next plain bytes in *@ret, until the next call; 0 at the end. -EBADMSG
 * for input that is damaged or cut; -EFBIG over the maximum. */
ssize_t decoder_read(struct decoder *decoder, const void **ret, struct btfpack_error *err);

/* A source that reads the file @fd from its position on. */
struct decoder_file {
	int fd;
	const char *path;
	uint8_t *bytes;
};
int decoder_file_init(struct decoder_file *file, const char *path, struct btfpack_error *err);
void decoder_file_deinit(struct decoder_file *file);
ssize_t decoder_file_read(void *file, const void **ret, struct btfpack_error *err);

#endif
