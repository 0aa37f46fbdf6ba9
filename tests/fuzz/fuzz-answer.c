/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON of web services: any of it can be asked for anything. */
#include <stdlib.h>
#include <string.h>

#include "fetcher/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t walk(const struct answer_value *value, unsigned int depth)
{
	static const char *const names[] = { "result", "entries", "fileinfo", "hash", "url", "" };
	size_t read = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *text = answer_string(value, names[i]);

		if (text && answer_is_plain(text, "/") && strstr(text, ".."))
			abort();
		read += answer_number(value, names[i]) + (text ? strlen(text) : 0);
		if (depth < 4)
			read += walk(answer_member(value, names[i]), depth + 1);
	}
	for (size_t i = 0; depth < 4 && i < answer_count(value) && i < 100; i++)
		read += walk(answer_item(value, i), depth + 1);
	return read;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct answer *answer;
	struct btfpack_error err;
	volatile size_t read;

	if (answer_parse((const char *)data, size, "fuzz", &answer, &err) < 0)
		return 0;
	read = walk(answer_root(answer), 0);
	(void)read;
	answer_free(answer);
	return 0;
}
