/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The two headers at the start of an rpm package, of versions 3, 4 and 6:
 *
 *	lead        96 bytes that say nothing any more
 *	signature   a header: signatures and digests of what follows; to a multiple of 8
 *	header      a header: name, version, ..., digest of the payload
 *	payload     compressed cpio, to the end of the file
 *
 * A header is magic and two counts (16 bytes), as many entries of 16 bytes (tag, type,
 * offset, count; big-endian) and a store of bytes that they point into. Only what tells
 * whether a package is genuine is read here; the payload is libarchive's.
 */
#ifndef FETCHER_RPM_HEADER_H
#define FETCHER_RPM_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/* Tags, of the signature header and of the header. */
enum {
	RPM_SIG_DSA = 267,     /* signature of the header; EdDSA's, too */
	RPM_SIG_RSA = 268,     /* the same */
	RPM_SIG_OPENPGP = 278, /* the same, several, in base64 */
	RPM_SIG_PGP = 1002,    /* signature of header and payload */
	RPM_SIG_GPG = 1005,    /* the same */
	RPM_NAME = 1000,
	RPM_VERSION = 1001,
	RPM_RELEASE = 1002,
	RPM_EPOCH = 1003,
	RPM_ARCH = 1022,
	RPM_PAYLOAD_DIGEST = 5092,
	RPM_PAYLOAD_DIGEST_KIND = 5093,
};

struct rpm_header {
	struct btfpack_blob bytes; /* all of it, from its magic on */
	uint64_t offset;           /* in the file */
};

struct rpm_headers {
	struct rpm_header signature, header;
	uint64_t payload; /* its offset in the file */
};

/* Read both from @fd. -EBADMSG: they are damaged; -EFBIG. */
int rpm_headers_read(struct rpm_headers *ret, int fd, const char *what, struct btfpack_error *err);
void rpm_headers_deinit(struct rpm_headers *headers);

/* A binary entry, or a string with its NUL counted. Lent. -ENOENT. */
int rpm_header_get(const struct rpm_header *header, uint32_t tag, struct btfpack_blob *ret);

/* A string, or the first of several; NULL when there is none. Lent. */
const char *rpm_header_string(const struct rpm_header *header, uint32_t tag);

/* The first of 32-bit numbers. -ENOENT. */
int rpm_header_number(const struct rpm_header *header, uint32_t tag, uint32_t *ret);

#endif
