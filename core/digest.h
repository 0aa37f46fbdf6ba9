/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Digests by OpenSSL's libcrypto, of which this file is the one owner. What we name
 * is named by SHA-256 (struct btfpack_id); what others tell of their files can be
 * another one of the SHAs (struct checksum). The runtime loader does not come here.
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

/* The digest of a file as an index tells it. */
enum checksum_kind { CHECKSUM_NONE, CHECKSUM_SHA1, CHECKSUM_SHA224, CHECKSUM_SHA256,
		     CHECKSUM_SHA384, CHECKSUM_SHA512 };
#define CHECKSUM_BYTES	  64
#define CHECKSUM_HEX_SIZE (2 * CHECKSUM_BYTES + 1)
struct checksum {
	enum checksum_kind kind;
	uint8_t bytes[CHECKSUM_BYTES]; /* zeroes after the kind's own */
};

/* A running digest of another kind than SHA-256; for digest_finish_checksum() only. */
struct digest *digest_new_of(enum checksum_kind kind);
int digest_finish_checksum(struct digest *d, enum checksum_kind kind, struct checksum *ret);

/* "sha", "sha1", "sha256", "SHA-512", ...: as indexes spell them. CHECKSUM_NONE for any
 * other, MD5 among them. The name to show: "SHA-256". */
enum checksum_kind checksum_kind_find(const char *name);
const char *checksum_kind_name(enum checksum_kind kind);

/* Forged files of the same digest are within reach: believed only beside something else. */
bool checksum_is_weak(enum checksum_kind kind);

/* As many hex digits as @kind has, nothing else. -EINVAL. */
int checksum_parse(enum checksum_kind kind, const char *hex, struct checksum *ret);
void checksum_format(const struct checksum *c, char ret[CHECKSUM_HEX_SIZE]);
bool checksum_is_equal(const struct checksum *a, const struct checksum *b);

/* Between the two. Of SHA-256 only: -EINVAL else. */
struct checksum checksum_of_id(const struct btfpack_id *id);
int checksum_get_id(const struct checksum *c, struct btfpack_id *ret);

/* SHA-256 of @size bytes in one go. -ENOMEM. */
int digest_bytes(const void *data, size_t size, struct btfpack_id *ret);

void digest_format(const struct btfpack_id *id, char ret[DIGEST_HEX_SIZE]);

/* 64 hex digits of either case, nothing else. -EINVAL. */
int digest_parse(const char *hex, struct btfpack_id *ret);
bool digest_is_equal(const struct btfpack_id *a, const struct btfpack_id *b);

#endif
