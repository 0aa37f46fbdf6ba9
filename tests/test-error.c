/* SPDX-License-Identifier: BSD-2-Clause */
/* error.h: what is kept of sentences that are too long. */
#include <errno.h>
#include <string.h>

#include <btfpack/error.h>

#include "tests/test.h"

/* A long path must not push out what was wrong. */
static void long_sentences_keep_their_end(void)
{
	struct btfpack_error err;
	char path[4000];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	btfpack_error_set(&err, -ENOENT, "/begin/%s/end: cannot open: No such file", path);
	CHECK(strlen(err.message) == sizeof(err.message) - 1);
	CHECK(!strncmp(err.message, "/begin/xxx", 10));
	CHECK(strstr(err.message, "x...x"));
	CHECK(strstr(err.message, "x/end: cannot open: No such file"));
}

static void long_sentences_keep_characters_whole(void)
{
	for (int shift = 0; shift < 4; shift++) {
		struct btfpack_error err;
		char path[2001];
		size_t i = 0;

		for (; i < (size_t)shift; i++)
			path[i] = 'x';
		for (; i + 3 < sizeof(path); i += 3)
			memcpy(path + i, "\xe2\x82\xac", 3); /* the euro sign */
		path[i] = '\0';
		btfpack_error_set(&err, -ENOENT, "%s: no", path);
		CHECK(strlen(err.message) < sizeof(err.message));
		i = (size_t)shift;
		while (!strncmp(err.message + i, "\xe2\x82\xac", 3))
			i += 3;
		CHECK(!strncmp(err.message + i, "...", 3));
		i += 3;
		while (!strncmp(err.message + i, "\xe2\x82\xac", 3))
			i += 3;
		CHECK_STRING(err.message + i, ": no");
	}
}

static void a_sentence_that_fits_is_left_alone(void)
{
	struct btfpack_error err;
	char whole[sizeof(err.message)];

	memset(whole, 'x', sizeof(whole) - 1);
	whole[sizeof(whole) - 1] = '\0';
	btfpack_error_set(&err, -EINVAL, "%s", whole);
	CHECK_STRING(err.message, whole);
}

TEST_MAIN({ "long sentences keep their end", long_sentences_keep_their_end },
	  { "long sentences keep characters whole", long_sentences_keep_characters_whole },
	  { "a sentence that fits is left alone", a_sentence_that_fits_is_left_alone })
