/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <string.h>

#include <jansson.h>

#include "core/cleanup.h"
#include "fetcher/answer.h"
#include "fetcher/http.h"

/* The library's values are ours under other names, so no header of theirs leaks. */
static const json_t *json_of(const struct answer_value *value)
{
	return (const json_t *)value;
}

static const struct answer_value *value_of(const json_t *json)
{
	return (const struct answer_value *)json;
}

int answer_parse(const char *text, size_t size, const char *what, struct answer **ret,
		 struct btfpack_error *err)
{
	json_error_t why;
	json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);

	if (!json)
		return btfpack_error_set(err, -EPROTO,
					 "%s: expected well-formed JSON, found at line %d: %.60s",
					 what, why.line, why.text);
	*ret = (struct answer *)json; /* the caller's */
	return 0;
}

int answer_get(struct http *http, const char *url, size_t maximum, struct answer **ret,
	       struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob text = { 0 };
	int error = http_get_blob(http, url, maximum, &text, err);

	return error < 0 ? error : answer_parse(text.data, text.size, url, ret, err);
}

void answer_free(struct answer *answer)
{
	json_decref((json_t *)answer);
}

const struct answer_value *answer_root(const struct answer *answer)
{
	return value_of((const json_t *)answer);
}

const struct answer_value *answer_member(const struct answer_value *object, const char *name)
{
	return value_of(json_object_get(json_of(object), name));
}

size_t answer_count(const struct answer_value *array)
{
	return json_array_size(json_of(array));
}

const struct answer_value *answer_item(const struct answer_value *array, size_t i)
{
	return value_of(json_array_get(json_of(array), i));
}

const char *answer_string(const struct answer_value *object, const char *name)
{
	return json_string_value(json_object_get(json_of(object), name));
}

uint64_t answer_number(const struct answer_value *object, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(json_of(object), name));

	return number > 0 ? (uint64_t)number : 0;
}

bool answer_is_plain(const char *text, const char *punctuation)
{
	if (!text || !*text || strstr(text, ".."))
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(punctuation, *text))
			return false;
	return true;
}
