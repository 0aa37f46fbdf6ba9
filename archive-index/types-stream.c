/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive-index/types-stream.h"

int stream_long_slowly(struct stream *s, uint64_t *ret)
{
	struct cursor c = cursor_init(s->at, stream_left(s), false, "stream");
	int error = cursor_uleb(&c, ret);

	s->at += c.pos;
	return error;
}

int stream_number_slowly(struct stream *s, uint32_t *ret)
{
	uint64_t value;

	if (stream_long_slowly(s, &value) < 0 || value > UINT32_MAX)
		return -EBADMSG;
	*ret = (uint32_t)value;
	return 0;
}

int stream_string(struct stream *s, const char **ret)
{
	struct cursor c = cursor_init(s->at, stream_left(s), false, "stream");
	int error = cursor_string(&c, ret);

	s->at += c.pos;
	return error;
}
