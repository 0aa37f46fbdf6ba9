/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ed25519 signatures by OpenSSL's libcrypto. Keys are PEM files as openssl makes
 * them: "openssl genpkey -algorithm ed25519" and "openssl pkey -pubout".
 */
#ifndef CORE_SIGN_H
#define CORE_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

#define SIGN_PUBLIC_SIZE    32
#define SIGN_SIGNATURE_SIZE 64

/* Sign @size bytes with the private key in the file @key. -EBADMSG: it holds no
 * Ed25519 private key, or one with a passphrase; -ENOMEM; the system's. */
int sign_bytes(const char *key, const void *data, size_t size, uint8_t public_ret[SIGN_PUBLIC_SIZE],
	       uint8_t signature_ret[SIGN_SIGNATURE_SIZE], struct btfpack_error *err);

/* The public key in the file @key. -EBADMSG: it holds none; the system's. */
int sign_read_public(const char *key, uint8_t ret[SIGN_PUBLIC_SIZE], struct btfpack_error *err);

/* 0: @signature of @size bytes is by the owner of @public. -EBADMSG, without a sentence. */
int sign_check(const void *data, size_t size, const uint8_t public[SIGN_PUBLIC_SIZE],
	       const uint8_t signature[SIGN_SIGNATURE_SIZE]);

#endif
