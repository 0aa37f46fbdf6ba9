/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <errno.h>

#include <openssl/evp.h>

#include "core/base64.h"

/* The library decodes groups of four and counts padding as zero bytes. */
static int decode_group(const char group[4], bool *last, struct buf *ret)
{
	int padding = group[3] != '=' ? 0 : group[2] != '=' ? 1 : 2;
	unsigned char bytes[4];

	if (*last || EVP_DecodeBlock(bytes, (const unsigned char *)group, 4) != 3)
		return -EINVAL;
	*last = padding > 0;
	return buf_add(ret, bytes, (size_t)(3 - padding));
}

int base64_decode(const char *text, size_t size, struct buf *ret)
{
	bool last = false;
	char group[4];
	size_t used = 0;

	for (size_t i = 0; i < size; i++) {
		int error;

		if (isspace((unsigned char)text[i]))
			continue;
		group[used++] = text[i];
		if (used < sizeof(group))
			continue;
		used = 0;
		error = decode_group(group, &last, ret);
		if (error < 0)
			return error;
	}
	return used ? -EINVAL : 0;
}
