/* SPDX-License-Identifier: BSD-2-Clause */
/* The signature of a bundle: section 9 of btfpack-bundle(5). */
#ifndef CLI_BUNDLE_SIGN_H
#define CLI_BUNDLE_SIGN_H

#include <btfpack/error.h>
#include <btfpack/types.h>

/* Replace the unsigned bundle in @bytes by the same one signed with the private
 * key in the file @key. -EBADMSG for a bad key. */
int bundle_sign(struct btfpack_blob *bytes, const char *key, struct btfpack_error *err);

/* 0: the bundle @bytes, called @name, is signed by the owner of the public key in
 * the file @key. -EBADMSG: it is not, or is no bundle. */
int bundle_verify(const struct btfpack_blob *bytes, const char *name, const char *key,
		  struct btfpack_error *err);

#endif
