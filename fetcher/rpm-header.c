/* SPDX-License-Identifier: BSD-2-Clause */
#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "fetcher/rpm-header.h"

#define LEAD_SIZE	96
#define INTRO_SIZE	16
#define ENTRY_SIZE	16
#define ENTRIES_MAXIMUM (1u << 16)
#define STORE_MAXIMUM	(256u << 20) /* as rpm's own */

static const uint8_t lead_magic[] = { 0xed, 0xab, 0xee, 0xdb };
static const uint8_t header_magic[] = { 0x8e, 0xad, 0xe8, 0x01 };

enum { TYPE_INT32 = 4, TYPE_STRING = 6, TYPE_BYTES = 7, TYPE_STRINGS = 8, TYPE_I18N = 9 };

struct entry {
	uint32_t tag, type, offset, count;
};

static uint32_t get32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return be32toh(value);
}

/* --- reading -------------------------------------------------------------------------------------- */

static int read_at(int fd, uint64_t offset, void *ret, size_t size, const char *what,
		   struct btfpack_error *err)
{
	size_t done = 0;

	while (done < size) {
		ssize_t got = pread(fd, (uint8_t *)ret + done, size - done,
				    (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return btfpack_error_set(err, -errno, "%s: cannot read: %s", what,
						 strerror(errno));
		if (!got)
			return btfpack_error_set(err, -EBADMSG,
						 "%s: expected %zu bytes of its headers at %llu, "
						 "found its end",
						 what, size, (unsigned long long)offset);
		done += (size_t)got;
	}
	return 0;
}

/* Read piece by piece: a file of a few bytes that claims a large header gets no memory for it. */
static int read_whole(int fd, struct rpm_header *ret, size_t size, const char *what,
		      struct btfpack_error *err)
{
	off_t end = lseek(fd, 0, SEEK_END);
	void *bytes;
	int error;

	if (end < 0 || (uint64_t)end < ret->offset + size)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected a header of %zu bytes at %llu, found its end",
					 what, size, (unsigned long long)ret->offset);
	bytes = malloc(size);
	if (!bytes)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	error = read_at(fd, ret->offset, bytes, size, what, err);
	if (error < 0) {
		free(bytes);
		return error;
	}
	ret->bytes = (struct btfpack_blob){ bytes, size }; /* the caller's */
	return 0;
}

static int read_header(int fd, uint64_t offset, struct rpm_header *ret, const char *what,
		       struct btfpack_error *err)
{
	uint8_t intro[INTRO_SIZE];
	int error = read_at(fd, offset, intro, sizeof(intro), what, err);
	uint32_t entries, store;

	if (error < 0)
		return error;
	if (memcmp(intro, header_magic, sizeof(header_magic)))
		return btfpack_error_set(err, -EBADMSG, "%s: expected an rpm header at %llu", what,
					 (unsigned long long)offset);
	entries = get32(intro + 8);
	store = get32(intro + 12);
	if (entries > ENTRIES_MAXIMUM || store > STORE_MAXIMUM)
		return btfpack_error_set(err, -EFBIG,
					 "%s: its header at %llu has %u entries and %u bytes, more "
					 "than any package's",
					 what, (unsigned long long)offset, entries, store);
	ret->offset = offset;
	return read_whole(fd, ret, INTRO_SIZE + (size_t)entries * ENTRY_SIZE + store, what, err);
}

int rpm_headers_read(struct rpm_headers *ret, int fd, const char *what, struct btfpack_error *err)
{
	uint8_t lead[LEAD_SIZE];
	int error = read_at(fd, 0, lead, sizeof(lead), what, err);
	uint64_t next;

	*ret = (struct rpm_headers){ 0 };
	if (error < 0)
		return error;
	if (memcmp(lead, lead_magic, sizeof(lead_magic)))
		return btfpack_error_set(err, -EBADMSG, "%s: expected an rpm package", what);
	error = read_header(fd, LEAD_SIZE, &ret->signature, what, err);
	if (!error) {
		next = (LEAD_SIZE + ret->signature.bytes.size + 7) & ~(uint64_t)7;
		error = read_header(fd, next, &ret->header, what, err);
	}
	if (error < 0) {
		rpm_headers_deinit(ret);
		return error;
	}
	ret->payload = ret->header.offset + ret->header.bytes.size;
	return 0;
}

void rpm_headers_deinit(struct rpm_headers *headers)
{
	btfpack_blob_free(&headers->signature.bytes);
	btfpack_blob_free(&headers->header.bytes);
}

/* --- entries -------------------------------------------------------------------------------------- */

/* The first entry with @tag that lies within the store; @store_ret: from where it points
 * to the store's end. */
static bool find(const struct rpm_header *header, uint32_t tag, struct entry *ret,
		 struct btfpack_blob *store_ret)
{
	const uint8_t *bytes = header->bytes.data;
	uint32_t entries = get32(bytes + 8), size = get32(bytes + 12);
	const uint8_t *store = bytes + INTRO_SIZE + (size_t)entries * ENTRY_SIZE;

	for (uint32_t i = 0; i < entries; i++) {
		const uint8_t *at = bytes + INTRO_SIZE + (size_t)i * ENTRY_SIZE;
		struct entry e = { get32(at), get32(at + 4), get32(at + 8), get32(at + 12) };

		if (e.tag != tag || e.offset >= size || !e.count)
			continue;
		*ret = e;
		*store_ret = (struct btfpack_blob){ (void *)(store + e.offset), size - e.offset };
		return true;
	}
	return false;
}

int rpm_header_get(const struct rpm_header *header, uint32_t tag, struct btfpack_blob *ret)
{
	struct btfpack_blob store;
	struct entry e;

	if (!find(header, tag, &e, &store))
		return -ENOENT;
	if (e.type == TYPE_BYTES && e.count <= store.size) {
		*ret = (struct btfpack_blob){ store.data, e.count };
		return 0;
	}
	if (e.type == TYPE_STRING || e.type == TYPE_STRINGS || e.type == TYPE_I18N) {
		size_t length = strnlen(store.data, store.size);

		*ret = (struct btfpack_blob){ store.data, length + 1 };
		return length < store.size ? 0 : -ENOENT;
	}
	return -ENOENT;
}

const char *rpm_header_string(const struct rpm_header *header, uint32_t tag)
{
	struct btfpack_blob store;
	struct entry e;

	if (!find(header, tag, &e, &store) || !memchr(store.data, 0, store.size))
		return NULL;
	return e.type == TYPE_STRING || e.type == TYPE_STRINGS || e.type == TYPE_I18N ? store.data
										      : NULL;
}

int rpm_header_number(const struct rpm_header *header, uint32_t tag, uint32_t *ret)
{
	struct btfpack_blob store;
	struct entry e;

	if (!find(header, tag, &e, &store) || e.type != TYPE_INT32 || store.size < 4)
		return -ENOENT;
	*ret = get32(store.data);
	return 0;
}
