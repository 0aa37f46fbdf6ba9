/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one gate through which bytes from outside are read: every read is
 * bounds-checked, in the byte order the cursor was given, and a failed read
 * moves nothing. Reads return 0 or -EBADMSG; cursor_fail() turns that into a
 * sentence with the offset.
 */
#ifndef CORE_CURSOR_H
#define CORE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

struct cursor {
	const uint8_t *data;
	size_t size;
	size_t pos;
	bool swap;        /* the bytes are in the other byte order */
	const char *what; /* named in errors: a path and section, borrowed */
};

struct cursor cursor_init(const void *data, size_t size, bool swap, const char *what);
size_t cursor_left(const struct cursor *c);
int cursor_u8(struct cursor *c, uint8_t *ret);
int cursor_u16(struct cursor *c, uint16_t *ret);
int cursor_u32(struct cursor *c, uint32_t *ret);
int cursor_u64(struct cursor *c, uint64_t *ret);
int cursor_uleb(struct cursor *c, uint64_t *ret); /* LEB128, at most 64 bits */
int cursor_sleb(struct cursor *c, int64_t *ret);
int cursor_string(struct cursor *c, const char **ret); /* NUL-terminated, lent */
int cursor_bytes(struct cursor *c, size_t size, const uint8_t **ret);
int cursor_skip(struct cursor *c, size_t size);
int cursor_seek(struct cursor *c, size_t pos);

/* -EBADMSG with "<what>: at offset <pos>: <expected>". */
int cursor_fail(const struct cursor *c, struct btfpack_error *err, const char *expected);

#endif
