/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
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

static void format_hex(const uint8_t *bytes, size_t size, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		ret[2 * i] = digits[bytes[i] >> 4];
		ret[2 * i + 1] = digits[bytes[i] & 15];
	}
	ret[2 * size] = '\0';
}

void digest_format(const struct btfpack_id *id, char ret[DIGEST_HEX_SIZE])
{
	format_hex(id->bytes, sizeof(id->bytes), ret);
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

static int parse_hex(const char *hex, size_t size, uint8_t *ret)
{
	if (strlen(hex) != 2 * size)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		ret[i] = high << 4 | low;
	}
	return 0;
}

int digest_parse(const char *hex, struct btfpack_id *ret)
{
	struct btfpack_id id;

	if (parse_hex(hex, sizeof(id.bytes), id.bytes) < 0)
		return -EINVAL;
	*ret = id;
	return 0;
}

bool digest_is_equal(const struct btfpack_id *a, const struct btfpack_id *b)
{
	return !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

/* --- of other kinds ------------------------------------------------------------------------------ */

static const struct {
	const char *spellings[3]; /* without dash, small */
	const char *shown;
	size_t size; /* bytes */
	const EVP_MD *(*method)(void);
} kinds[] = {
	[CHECKSUM_SHA1] = { { "sha1", "sha" }, "SHA-1", 20, EVP_sha1 },
	[CHECKSUM_SHA224] = { { "sha224" }, "SHA-224", 28, EVP_sha224 },
	[CHECKSUM_SHA256] = { { "sha256" }, "SHA-256", 32, EVP_sha256 },
	[CHECKSUM_SHA384] = { { "sha384" }, "SHA-384", 48, EVP_sha384 },
	[CHECKSUM_SHA512] = { { "sha512" }, "SHA-512", 64, EVP_sha512 },
};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static bool is_spelled(const char *name, const char *spelling)
{
	for (; *name; name++) {
		if (*name == '-')
			continue;
		if (tolower((unsigned char)*name) != *spelling++)
			return false;
	}
	return !*spelling;
}

enum checksum_kind checksum_kind_find(const char *name)
{
	for (int kind = CHECKSUM_SHA1; kind < KINDS; kind++)
		for (size_t i = 0; kinds[kind].spellings[i]; i++)
			if (is_spelled(name, kinds[kind].spellings[i]))
				return (enum checksum_kind)kind;
	return CHECKSUM_NONE;
}

const char *checksum_kind_name(enum checksum_kind kind)
{
	return kind == CHECKSUM_NONE ? "no digest" : kinds[kind].shown;
}

bool checksum_is_weak(enum checksum_kind kind)
{
	return kind == CHECKSUM_NONE || kind == CHECKSUM_SHA1;
}

struct digest *digest_new_of(enum checksum_kind kind)
{
	EVP_MD_CTX *ctx = kind == CHECKSUM_NONE ? NULL : EVP_MD_CTX_new();

	if (ctx && EVP_DigestInit_ex(ctx, kinds[kind].method(), NULL) != 1) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	return (struct digest *)ctx;
}

int digest_finish_checksum(struct digest *d, enum checksum_kind kind, struct checksum *ret)
{
	*ret = (struct checksum){ .kind = kind };
	return EVP_DigestFinal_ex((EVP_MD_CTX *)d, ret->bytes, NULL) == 1 ? 0 : -ENOMEM;
}

int checksum_parse(enum checksum_kind kind, const char *hex, struct checksum *ret)
{
	struct checksum c = { .kind = kind };

	if (kind == CHECKSUM_NONE || parse_hex(hex, kinds[kind].size, c.bytes) < 0)
		return -EINVAL;
	*ret = c;
	return 0;
}

void checksum_format(const struct checksum *c, char ret[CHECKSUM_HEX_SIZE])
{
	format_hex(c->bytes, c->kind == CHECKSUM_NONE ? 0 : kinds[c->kind].size, ret);
}

bool checksum_is_equal(const struct checksum *a, const struct checksum *b)
{
	return a->kind == b->kind && !memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

struct checksum checksum_of_id(const struct btfpack_id *id)
{
	struct checksum c = { .kind = CHECKSUM_SHA256 };

	memcpy(c.bytes, id->bytes, sizeof(id->bytes));
	return c;
}

int checksum_get_id(const struct checksum *c, struct btfpack_id *ret)
{
	if (c->kind != CHECKSUM_SHA256)
		return -EINVAL;
	memcpy(ret->bytes, c->bytes, sizeof(ret->bytes));
	return 0;
}
