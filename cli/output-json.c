/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON of whatever bytes a file, or its name, has: jansson takes nothing but UTF-8. */
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "cli/output.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/utf8.h"

json_t *output_stringn(const char *text, size_t length)
{
	AUTO_BUF struct buf copy = BUF_INIT(SIZE_MAX);
	json_t *string = json_stringn(text, length);
	int error = 0;

	if (string)
		return string;
	for (size_t i = 0; i < length && !error;) {
		size_t size = utf8_length((const unsigned char *)text + i, length - i);

		error = size ? buf_add(&copy, text + i, size)
			     : buf_add_string(&copy, UTF8_REPLACEMENT);
		i += size ? size : 1;
	}
	return error ? NULL : json_stringn((const char *)copy.data, copy.size);
}

json_t *output_string(const char *text)
{
	return output_stringn(text, strlen(text));
}

static json_t *text_or(const char *text, json_t *other)
{
	if (!text)
		return other;
	json_decref(other);
	return output_string(text);
}

/* The value that @letter and @mark stand for; NULL when out of memory, or when it is to
 * be left out, which @left_out_ret tells. */
static json_t *take_value(char letter, char mark, va_list *args, bool *left_out_ret)
{
	const char *text;

	*left_out_ret = false;
	switch (letter) {
	case 's':
		text = va_arg(*args, const char *);
		*left_out_ret = !text && mark == '*';
		return *left_out_ret ? NULL : text_or(text, json_null());
	case 'i':
		return json_integer(va_arg(*args, int));
	case 'I':
		return json_integer(va_arg(*args, json_int_t));
	case 'b':
		return json_boolean(va_arg(*args, int));
	case 'f':
		return json_real(va_arg(*args, double));
	case 'o':
		return va_arg(*args, json_t *);
	default: /* 'n' */
		return json_null();
	}
}

json_t *output_object(const char *values, ...)
{
	json_t *object = json_object();
	bool failed = !object;
	va_list args;

	va_start(args, values);
	while (*values) {
		char letter = *values++;
		char mark = *values == '*' ? *values++ : 0;
		const char *key = va_arg(args, const char *);
		bool is_left_out;
		json_t *value = take_value(letter, mark, &args, &is_left_out);

		/* To the end, though it failed: what was given as 'o' is to be freed. */
		if (!is_left_out && json_object_set_new(object, key, value) < 0)
			failed = true;
	}
	va_end(args);
	if (!failed)
		return object;
	json_decref(object);
	return NULL;
}
