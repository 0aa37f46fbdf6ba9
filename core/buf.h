/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Growable bytes. Every instance states its maximum when it is born, so that
 * no input can make it grow without bound. A failed call changes nothing.
 */
#ifndef CORE_BUF_H
#define CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/types.h>

#include "core/cleanup.h"

struct buf {
	uint8_t *data;
	size_t size;     /* bytes in use */
	size_t capacity; /* bytes allocated */
	size_t maximum;  /* bytes it may ever hold */
};

#define BUF_INIT(max) ((struct buf){ .maximum = (max) })

void buf_deinit(struct buf *buf);
#define AUTO_BUF CLEANUP(buf_deinit)

/* Make room for @size more bytes. -EFBIG over the maximum, -ENOMEM. */
int buf_reserve(struct buf *buf, size_t size);

/* Append @size bytes. @data NULL: append zeroes. */
int buf_add(struct buf *buf, const void *data, size_t size);

/* Append a string without its NUL. */
int buf_add_string(struct buf *buf, const char *string);

/* Append printf-formatted text without its NUL. */
__attribute__((format(printf, 2, 3))) int buf_add_format(struct buf *buf, const char *format, ...);

/* A NUL-terminated view of the content, or NULL when out of memory. Lives until
 * the next change; the NUL is not counted in @size. */
const char *buf_string(struct buf *buf);

/* Hand the bytes over as a blob (the caller frees it) and leave the buffer empty. */
struct btfpack_blob buf_take(struct buf *buf);

#endif
