/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/digest.h"

/* The library's context is ours under another name, so no header of theirs leaks. */
struct digest *digest_new(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return (struct digest *)ctx;
}

void digest_free(struct digest *d)
{
	EVP_MD_CTX_free((EVP_MD_CTX *)d);
}

int digest_add(struct digest *d, const void *data, size_t size)
{
	return EVP_DigestUpdate((EVP_MD_CTX *)d, data, size) == 1 ? 0 : -ENOMEM;
}

int digest_finish(struct digest *d, struct btfpack_id *ret)
{
	return EVP_DigestFinal_ex((EVP_MD_CTX *)d, ret->bytes, NULL) == 1 ? 0 : -ENOMEM;
}

int digest_bytes(const void *data, size_t size, struct btfpack_id *ret)
{
	return EVP_Digest(data, size, ret->bytes, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}

void digest_format(const struct btfpack_id *id, char ret[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < sizeof(id->bytes); i++) {
		ret[2 * i] = digits[id->bytes[i] >> 4];
		ret[2 * i + 1] = digits[id->bytes[i] & 15];
	}
	ret[DIGEST_HEX_SIZE - 1] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int digest_parse(const char *hex, struct btfpack_id *ret)
{
	struct btfpack_id id;

	if (strlen(hex) != 2 * sizeof(id.bytes))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		id.bytes[i] = high << 4 | low;
	}
	*ret = id;
	return 0;
}

bool digest_is_equal(const struct btfpack_id *a, const struct btfpack_id *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}
