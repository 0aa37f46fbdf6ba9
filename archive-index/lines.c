/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/lines.h"

char *lines_copy(const struct btfpack_blob *text)
{
	char *copy = malloc(text->size + 1);

	if (!copy)
		return NULL;
	if (text->size)
		memcpy(copy, text->data, text->size);
	copy[text->size] = '\0';
	return copy;
}

static int check_first(const char *line, const char *name, const char *first,
		       struct btfpack_error *err)
{
	bool is_other_version = !strncmp(line, first, strlen(first) - 1);

	if (!strcmp(line, first))
		return 0;
	return btfpack_error_set(err, is_other_version ? -EOPNOTSUPP : -EBADMSG,
				 "%s: begins with '%.40s', expected '%s'", name, line, first);
}

int lines_read(char *text, size_t size, const char *name, const char *first, const char *expected,
	       line_fn fn, void *arg, struct btfpack_error *err)
{
	size_t number = 0;
	char *line, *end;
	int error;

	for (line = text; *line; line = end + 1) {
		end = strchr(line, '\n');
		if (!end)
			break;
		*end = '\0';
		if (!number++) {
			error = check_first(line, name, first, err);
			if (error)
				return error;
			continue;
		}
		error = fn(line, arg);
		if (error)
			return btfpack_error_set(err, error, "%s: line %zu: %s%s", name, number,
						 error == -EBADMSG ? "expected " : "",
						 error == -ENOMEM  ? "out of memory"
						 : error == -EFBIG ? "more than there may be"
								   : expected);
	}
	if (line != text + size || !number)
		return btfpack_error_set(err, -EBADMSG, "%s: expected whole lines of text", name);
	return 0;
}
