/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a web service answers in JSON, over jansson, of which this file's .c is the one
 * owner in this folder. Values that are not there, or of another type, are NULL and 0:
 * whoever asks says what was expected.
 */
#ifndef FETCHER_ANSWER_H
#define FETCHER_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

struct http;
struct answer;
struct answer_value; /* lent: lives as long as its answer */

/* At most @maximum bytes. -EPROTO: no JSON; -ENOENT: no such page. */
int answer_get(struct http *http, const char *url, size_t maximum, struct answer **ret,
	       struct btfpack_error *err);
int answer_parse(const char *text, size_t size, const char *what, struct answer **ret,
		 struct btfpack_error *err);
void answer_free(struct answer *answer);

const struct answer_value *answer_root(const struct answer *answer);
const struct answer_value *answer_member(const struct answer_value *object, const char *name);
size_t answer_count(const struct answer_value *array);
const struct answer_value *answer_item(const struct answer_value *array, size_t i);
const char *answer_string(const struct answer_value *object, const char *name);
uint64_t answer_number(const struct answer_value *object, const char *name);

/* Whether @text is letters, digits and @punctuation, not empty, without a part "..". */
bool answer_is_plain(const char *text, const char *punctuation);

#endif
