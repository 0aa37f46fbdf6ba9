/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>
#include <errno.h>
#include <string.h>

#include "core/cursor.h"

struct cursor cursor_init(const void *data, size_t size, bool swap, const char *what)
{
	return (struct cursor){ .data = data, .size = size, .swap = swap, .what = what };
}

size_t cursor_left(const struct cursor *c)
{
	return c->size - c->pos;
}

int cursor_bytes(struct cursor *c, size_t size, const uint8_t **ret)
{
	if (size > cursor_left(c))
		return -EBADMSG;
	*ret = c->data + c->pos;
	c->pos += size;
	return 0;
}

int cursor_skip(struct cursor *c, size_t size)
{
	const uint8_t *ignored;

	return cursor_bytes(c, size, &ignored);
}

int cursor_seek(struct cursor *c, size_t pos)
{
	if (pos > c->size)
		return -EBADMSG;
	c->pos = pos;
	return 0;
}

static int read_scalar(struct cursor *c, void *ret, size_t size)
{
	const uint8_t *bytes;
	int error = cursor_bytes(c, size, &bytes);

	if (error < 0)
		return error;
	memcpy(ret, bytes, size);
	return 0;
}

int cursor_u8(struct cursor *c, uint8_t *ret)
{
	return read_scalar(c, ret, sizeof(*ret));
}

int cursor_u16(struct cursor *c, uint16_t *ret)
{
	int error = read_scalar(c, ret, sizeof(*ret));

	if (!error && c->swap)
		*ret = bswap_16(*ret);
	return error;
}

int cursor_u32(struct cursor *c, uint32_t *ret)
{
	int error = read_scalar(c, ret, sizeof(*ret));

	if (!error && c->swap)
		*ret = bswap_32(*ret);
	return error;
}

int cursor_u64(struct cursor *c, uint64_t *ret)
{
	int error = read_scalar(c, ret, sizeof(*ret));

	if (!error && c->swap)
		*ret = bswap_64(*ret);
	return error;
}

/* Read one LEB128 number's raw bits, and whether its last byte had the sign bit. */
static int read_leb(struct cursor *c, uint64_t *ret, unsigned int *bits_ret, bool *negative_ret)
{
	uint64_t value = 0;
	unsigned int shift = 0;
	size_t pos = c->pos;

	for (;;) {
		uint8_t byte;

		if (pos >= c->size)
			return -EBADMSG;
		byte = c->data[pos++];
		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80)) {
			*negative_ret = byte & 0x40;
			break;
		}
		if (shift >= 70) /* ten bytes hold 64 bits; more is not a number we know */
			return -EBADMSG;
	}
	*ret = value;
	*bits_ret = shift;
	c->pos = pos;
	return 0;
}

int cursor_uleb(struct cursor *c, uint64_t *ret)
{
	unsigned int bits;
	bool negative;

	return read_leb(c, ret, &bits, &negative);
}

int cursor_sleb(struct cursor *c, int64_t *ret)
{
	unsigned int bits;
	uint64_t value;
	bool negative;
	int error = read_leb(c, &value, &bits, &negative);

	if (error < 0)
		return error;
	if (negative && bits < 64)
		value |= ~UINT64_C(0) << bits;
	*ret = (int64_t)value;
	return 0;
}

int cursor_string(struct cursor *c, const char **ret)
{
	const uint8_t *start = c->data + c->pos;
	const uint8_t *end = cursor_left(c) ? memchr(start, '\0', cursor_left(c)) : NULL;

	if (!end)
		return -EBADMSG;
	*ret = (const char *)start;
	c->pos += end - start + 1;
	return 0;
}

int cursor_fail(const struct cursor *c, struct btfpack_error *err, const char *expected)
{
	return btfpack_error_set(err, -EBADMSG, "%s: at offset %#zx: %s", c->what, c->pos,
				 expected);
}
