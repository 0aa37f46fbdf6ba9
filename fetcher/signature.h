/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenPGP signatures, checked by gpgv(1). */
#ifndef FETCHER_SIGNATURE_H
#define FETCHER_SIGNATURE_H

#include <btfpack/error.h>
#include <btfpack/types.h>

struct keyring;

/*
 * Check the clear-signed @message against the keys of @keyring and give the text that
 * the signature covers, and nothing around it, in @text_ret (followed by a NUL that is
 * not counted). At least one signature must be good by a key that is neither expired
 * nor revoked, and none may be bad; signatures by keys that @keyring does not hold
 * count for nothing, nor do those over SHA-1. @what names the message in errors.
 * -EBADMSG when it does not verify; -ENOSYS without gpgv, -ENOKEY without keys.
 */
int signature_verify(const struct btfpack_blob *message, const struct keyring *keyring,
		     const char *what, struct btfpack_blob *text_ret, struct btfpack_error *err);

/* The same for a @signature, armored or not, in a file of its own: it covers all of
 * @message. */
int signature_verify_detached(const struct btfpack_blob *message,
			      const struct btfpack_blob *signature, const struct keyring *keyring,
			      const char *what, struct btfpack_error *err);

/* The same where it covers the file @fd from @offset to its end. */
int signature_verify_file(int fd, uint64_t offset, const struct btfpack_blob *signature,
			  const struct keyring *keyring, const char *what,
			  struct btfpack_error *err);

#endif
