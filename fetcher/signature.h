/* SPDX-License-Identifier: BSD-2-Clause */
/* OpenPGP signatures, checked by gpgv(1). */
#ifndef FETCHER_SIGNATURE_H
#define FETCHER_SIGNATURE_H

#include <btfpack/error.h>
#include <btfpack/types.h>

/*
 * Check the clear-signed @message against the keys in the file @keyring and give
 * the text that the signature covers, and nothing around it, in @text_ret
 * (followed by a NUL that is not counted). At least one signature must be good by
 * a key that is neither expired nor revoked, and none may be bad; signatures by
 * keys that @keyring does not hold count for nothing. @what names the message in
 * errors. -EBADMSG when it does not verify; -ENOSYS without gpgv, -ENOKEY without @keyring.
 */
int signature_verify(const struct btfpack_blob *message, const char *keyring, const char *what,
		     struct btfpack_blob *text_ret, struct btfpack_error *err);

/* The same for a @signature, armored or not, in a file of its own: it covers all of
 * @message. */
int signature_verify_detached(const struct btfpack_blob *message,
			      const struct btfpack_blob *signature, const char *keyring,
			      const char *what, struct btfpack_error *err);

#endif
