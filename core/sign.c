/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "core/sign.h"

#define KEY_FILE_MAXIMUM ((size_t)64 << 10)

static void free_key(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void free_context(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

/* Nobody is there to ask for a passphrase. */
static int no_passphrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer, (void)size, (void)writing, (void)arg;
	return -1;
}

static int read_key(const char *path, bool is_private, EVP_PKEY **ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob text = { 0 };
	BIO *bio;
	int error = fs_read(path, KEY_FILE_MAXIMUM, &text, err);

	if (error)
		return error;
	bio = BIO_new_mem_buf(text.data, (int)text.size);
	if (!bio)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	*ret = is_private ? PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL) :
			    PEM_read_bio_PUBKEY(bio, NULL, no_passphrase, NULL);
	BIO_free(bio);
	OPENSSL_cleanse(text.data, text.size);
	if (*ret && EVP_PKEY_get_id(*ret) == EVP_PKEY_ED25519)
		return 0;
	EVP_PKEY_free(*ret);
	*ret = NULL;
	return btfpack_error_set(err, -EBADMSG, "%s: expected an Ed25519 %s key in PEM%s", path,
				 is_private ? "private" : "public",
				 is_private ? ", without a passphrase" : "");
}

static int get_public(const EVP_PKEY *key, uint8_t ret[SIGN_PUBLIC_SIZE])
{
	size_t size = SIGN_PUBLIC_SIZE;

	return EVP_PKEY_get_raw_public_key(key, ret, &size) == 1 ? 0 : -ENOMEM;
}

int sign_bytes(const char *path, const void *data, size_t size, uint8_t public[SIGN_PUBLIC_SIZE],
	       uint8_t signature[SIGN_SIGNATURE_SIZE], struct btfpack_error *err)
{
	CLEANUP(free_context) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	CLEANUP(free_key) EVP_PKEY *key = NULL;
	size_t length = SIGN_SIGNATURE_SIZE;
	int error = read_key(path, true, &key, err);

	if (error)
		return error;
	if (!ctx || get_public(key, public) < 0 ||
	    EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, signature, &length, data, size) != 1)
		return btfpack_error_set(err, -ENOMEM, "%s: cannot sign: out of memory", path);
	return 0;
}

int sign_read_public(const char *path, uint8_t ret[SIGN_PUBLIC_SIZE], struct btfpack_error *err)
{
	CLEANUP(free_key) EVP_PKEY *key = NULL;
	int error = read_key(path, false, &key, err);

	if (!error && get_public(key, ret) < 0)
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	return error;
}

int sign_check(const void *data, size_t size, const uint8_t public[SIGN_PUBLIC_SIZE],
	       const uint8_t signature[SIGN_SIGNATURE_SIZE])
{
	CLEANUP(free_context) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	CLEANUP(free_key) EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public,
								      SIGN_PUBLIC_SIZE);

	if (!ctx || !key || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1)
		return -EBADMSG;
	return EVP_DigestVerify(ctx, signature, SIGN_SIGNATURE_SIZE, data, size) == 1 ? 0 : -EBADMSG;
}
