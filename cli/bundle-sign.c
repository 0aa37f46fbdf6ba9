/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/bundle-sign.h"
#include "core/cleanup.h"
#include "core/sign.h"
#include "runtime-loader/bundle.h"

/* A copy with room for one more row in the table and for the section, which is the
 * last one; the header says so, the checksum is zero. */
static uint8_t *make_room(const struct btfpack_blob *old, size_t *size_ret)
{
	const uint8_t *from = old->data;
	uint32_t count = bundle_get_u32(from + BUNDLE_AT_SECTION_COUNT);
	size_t table_end = BUNDLE_AT_SECTIONS + (size_t)count * BUNDLE_SECTION_SIZE;
	size_t size = old->size + BUNDLE_SECTION_SIZE + BUNDLE_SIGNATURE_SIZE;
	uint8_t *to = calloc(1, size);

	if (!to)
		return NULL;
	memcpy(to, from, table_end);
	memcpy(to + table_end + BUNDLE_SECTION_SIZE, from + table_end, old->size - table_end);
	bundle_put_u32(to + table_end, BUNDLE_SIGNATURE);
	bundle_put_u32(to + table_end + 4, BUNDLE_SIGNATURE_SIZE);
	bundle_put_u32(to + table_end + 8, BUNDLE_SIGNATURE_SIZE);
	bundle_put_u32(to + BUNDLE_AT_SECTION_COUNT, count + 1);
	bundle_put_u64(to + BUNDLE_AT_FILE_SIZE, size);
	memset(to + BUNDLE_AT_CHECKSUM, 0, BUNDLE_CHECKSUM_SIZE);
	*size_ret = size;
	return to;
}

int bundle_sign(struct btfpack_blob *bytes, const char *key, struct btfpack_error *err)
{
	size_t size = 0;
	AUTO_FREE uint8_t *data = make_room(bytes, &size);
	uint8_t *section;
	int error;

	if (!data)
		return btfpack_error_set(err, -ENOMEM, "bundle: out of memory");
	section = data + size - BUNDLE_SIGNATURE_SIZE;
	error = sign_bytes(key, data, size - BUNDLE_SIGNATURE_SIZE, section,
			   section + SIGN_PUBLIC_SIZE, err);
	if (error)
		return error;
	bundle_put_u64(data + BUNDLE_AT_CHECKSUM, bundle_checksum(data, size));
	btfpack_blob_free(bytes);
	*bytes = (struct btfpack_blob){ steal_ptr(data), size }; /* the caller's */
	return 0;
}

/* What is signed: everything before the section, without the checksum. */
static int check_signature(const struct bundle *b, const uint8_t *section)
{
	size_t size = (size_t)(section - b->data);
	AUTO_FREE uint8_t *message = malloc(size);

	if (!message)
		return -ENOMEM;
	memcpy(message, b->data, size);
	memset(message + BUNDLE_AT_CHECKSUM, 0, BUNDLE_CHECKSUM_SIZE);
	return sign_check(message, size, section, section + SIGN_PUBLIC_SIZE);
}

int bundle_verify(const struct btfpack_blob *bytes, const char *name, const char *key,
		  struct btfpack_error *err)
{
	uint8_t public[SIGN_PUBLIC_SIZE];
	const uint8_t *section;
	struct bundle b;
	int error = sign_read_public(key, public, err);

	if (!error)
		error = bundle_init(&b, bytes->data, bytes->size, name, err);
	if (error)
		return error;
	section = b.sections[BUNDLE_SIGNATURE].data;
	if (!section)
		return btfpack_error_set(err, -EBADMSG, "%s: expected a signature, found none", name);
	/* What came after it would be unsigned. */
	if (section + BUNDLE_SIGNATURE_SIZE != b.data + b.size)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected the signature to be the last section", name);
	if (memcmp(section, public, sizeof(public)))
		return btfpack_error_set(err, -EBADMSG, "%s: signed with another key than %s", name,
					 key);
	error = check_signature(&b, section);
	return error ? btfpack_error_set(err, error, "%s: the signature does not match", name) : 0;
}
