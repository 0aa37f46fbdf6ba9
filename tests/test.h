/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small TAP harness. A test program is a table of named functions:
 *
 *	static void finds_by_build_id(void)
 *	{
 *		CHECK(select(...) == 0);
 *		CHECK_STRING(entry.uname, "6.1.0");
 *	}
 *	TEST_MAIN({ "finds by build-id", finds_by_build_id }, ...)
 *
 * Each prints "ok N - name" or "not ok N - name"; a CHECK that fails says where
 * and what, and the test goes on. SKIP("why") leaves a test, counted as skipped.
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};

static bool test_failed;
static const char *test_skipped;
static jmp_buf test_leave;

#define CHECK(condition)                                                                   \
	do {                                                                               \
		if (!(condition)) {                                                        \
			printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #condition); \
			test_failed = true;                                                \
		}                                                                          \
	} while (0)

/* Like CHECK, but leaves the test: for what the rest of it stands on. */
#define REQUIRE(condition)                      \
	do {                                    \
		CHECK(condition);               \
		if (test_failed)                \
			longjmp(test_leave, 1); \
	} while (0)

#define CHECK_INT(got, expected)                                                                 \
	do {                                                                                     \
		long long got_ = (got), expected_ = (expected);                                  \
		if (got_ != expected_) {                                                         \
			printf("# %s:%d: %s is %lld, expected %lld\n", __FILE__, __LINE__, #got, \
			       got_, expected_);                                                 \
			test_failed = true;                                                      \
		}                                                                                \
	} while (0)

#define CHECK_STRING(got, expected)                                                              \
	do {                                                                                     \
		const char *got_ = (got), *expected_ = (expected);                               \
		if (!got_ || strcmp(got_, expected_)) {                                          \
			printf("# %s:%d: %s is '%s', expected '%s'\n", __FILE__, __LINE__, #got, \
			       got_ ? got_ : "(null)", expected_);                               \
			test_failed = true;                                                      \
		}                                                                                \
	} while (0)

/* Whether @text contains @part: for error sentences. */
#define CHECK_CONTAINS(text, part)                                                          \
	do {                                                                                \
		if (!strstr((text), (part))) {                                              \
			printf("# %s:%d: '%s' does not contain '%s'\n", __FILE__, __LINE__, \
			       (text), (part));                                             \
			test_failed = true;                                                 \
		}                                                                           \
	} while (0)

#define SKIP(why)                       \
	do {                            \
		test_skipped = (why);   \
		longjmp(test_leave, 1); \
	} while (0)

#define TEST_MAIN(...)                                                                    \
	int main(void)                                                                    \
	{                                                                                 \
		static const struct test tests[] = { __VA_ARGS__ };                       \
		size_t count = sizeof(tests) / sizeof(tests[0]);                          \
		volatile int failures = 0;                                                         \
                                                                                          \
		setvbuf(stdout, NULL, _IOLBF, 0);                                         \
		printf("1..%zu\n", count);                                                \
		for (size_t i = 0; i < count; i++) {                                      \
			test_failed = false;                                              \
			test_skipped = NULL;                                              \
			if (!setjmp(test_leave))                                          \
				tests[i].run();                                           \
			failures += test_failed;                                          \
			printf("%s %zu - %s%s%s\n", test_failed ? "not ok" : "ok", i + 1, \
			       tests[i].name, test_skipped ? " # SKIP " : "",             \
			       test_skipped ? test_skipped : "");                         \
		}                                                                         \
		return failures ? 1 : 0;                                                  \
	}

#endif
