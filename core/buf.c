/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"

void buf_deinit(struct buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->size = buf->capacity = 0;
}

int buf_reserve(struct buf *buf, size_t size)
{
	size_t capacity, needed;
	uint8_t *data;

	if (__builtin_add_overflow(buf->size, size, &needed) || needed > buf->maximum)
		return -EFBIG;
	if (needed <= buf->capacity)
		return 0;
	capacity = buf->capacity < 128 ? 128 : buf->capacity + buf->capacity / 2;
	if (capacity < needed)
		capacity = needed;
	if (capacity > buf->maximum)
		capacity = buf->maximum;
	data = realloc(buf->data, capacity);
	if (!data)
		return -ENOMEM;
	buf->data = data;
	buf->capacity = capacity;
	return 0;
}

int buf_add(struct buf *buf, const void *data, size_t size)
{
	int ret = buf_reserve(buf, size);

	if (ret < 0)
		return ret;
	if (size && data)
		memcpy(buf->data + buf->size, data, size);
	else if (size)
		memset(buf->data + buf->size, 0, size);
	buf->size += size;
	return 0;
}

int buf_add_string(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

int buf_add_format(struct buf *buf, const char *format, ...)
{
	AUTO_FREE char *text = NULL;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&text, format, args);
	va_end(args);
	if (length < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return buf_add(buf, text, length);
}

const char *buf_string(struct buf *buf)
{
	/* The NUL may go past the maximum by one: it is ours, not the input's. */
	if (buf->size == buf->capacity) {
		uint8_t *data = realloc(buf->data, buf->size + 1);

		if (!data)
			return NULL;
		buf->data = data;
		buf->capacity = buf->size + 1;
	}
	buf->data[buf->size] = '\0';
	return (const char *)buf->data;
}

struct btfpack_blob buf_take(struct buf *buf)
{
	struct btfpack_blob blob = { .data = buf->data, .size = buf->size };

	buf->data = NULL; /* now the blob's */
	buf->size = buf->capacity = 0;
	return blob;
}
