/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether an rpm package is what a distribution signed. What is believed, and why:
 *
 *	the header      its OpenPGP signature, by a key of the keyring (gpgv)
 *	  └ the payload   its digest in the header
 *
 * or, in packages made before rpm 4.14, a signature of both. The keys and the rules are
 * the same as for indexes: nothing expired, revoked or over SHA-1.
 */
#ifndef FETCHER_RPM_SIGNATURE_H
#define FETCHER_RPM_SIGNATURE_H

#include <btfpack/error.h>
#include <btfpack/fetch.h>

struct keyring;

/* Check the file @path, which must be of the name, version and architecture that the
 * index told of @package. -ENODATA: it has no signature; -EBADMSG: it is not genuine;
 * -ENOKEY, -ENOSYS as for signature_verify(). */
int rpm_signature_check(const char *path, const struct btfpack_package *package,
			const struct keyring *keyring, struct btfpack_error *err);

#endif
