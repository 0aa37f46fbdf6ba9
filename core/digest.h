/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SHA-256 by OpenSSL's libcrypto, of which this file is the one owner. The
 * runtime loader does not come here.
 */
#ifndef CORE_DIGEST_H
#define CORE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#include <btfpack/types.h>

#define DIGEST_HEX_SIZE 65 /* 64 digits and a NUL */

/* A running SHA-256, for data that streams. NULL from new: out of memory. */
struct digest;
struct digest *digest_new(void);
void digest_free(struct digest *d);
int digest_add(struct digest *d, const void *data, size_t size);
int digest_finish(struct digest *d, struct btfpack_id *ret); /* once; then free */

/* SHA-256 of @size bytes in one go. -ENOMEM. */
int digest_bytes(const void *data, size_t size, struct btfpack_id *ret);

void digest_format(const struct btfpack_id *id, char ret[DIGEST_HEX_SIZE]);

/* 64 hex digits of either case, nothing else. -EINVAL. */
int digest_parse(const char *hex, struct btfpack_id *ret);
bool digest_is_equal(const struct btfpack_id *a, const struct btfpack_id *b);

#endif
