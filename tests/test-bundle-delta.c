/* SPDX-License-Identifier: BSD-2-Clause */
/* Blobs of a bundle as deltas: what is written is put together again, whatever is like
 * what; what is no delta is refused. */
#include <btfpack/types.h>

#include "archive-index/bundle-delta.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "runtime-loader/blob-delta.h"
#include "runtime-loader/bundle-format.h"
#include "tests/synthetic.h"
#include "tests/test.h"

static struct btfpack_error err;

/* The delta of @blob against @base, of which @ret is put together again. */
static struct buf make_delta(const struct btfpack_blob *blob, const struct btfpack_blob *base)
{
	struct delta_blob *a = delta_blob_new(blob), *b = base ? delta_blob_new(base) : NULL;
	struct buf delta = BUF_INIT(1 << 20);

	REQUIRE(a && delta_write(a, b, &delta) == 0);
	delta_blob_free(a);
	delta_blob_free(b);
	return delta;
}

/* Whether the base can be one: what is no BTF is none. */
static bool is_base(const struct btfpack_blob *blob)
{
	struct delta_blob *a = delta_blob_new(blob);
	bool is = delta_distance(a, a, 1) == 0;

	delta_blob_free(a);
	return is;
}

static size_t check_pair(const char *what, const struct btfpack_blob *blob,
			 const struct btfpack_blob *base)
{
	AUTO_BUF struct buf delta = make_delta(blob, base);
	AUTO_FREE uint8_t *got = NULL;
	size_t size = 0;

	CHECK_INT(blob_delta_apply(delta.data, delta.size, base ? base->data : NULL,
				   base ? base->size : 0, &got, &size),
		  0);
	if (size != blob->size || !got || memcmp(got, blob->data, size) != 0) {
		printf("# %s: another blob\n", what);
		CHECK(false);
	}
	return delta.size;
}

static void puts_together_any_btf(void)
{
	static const char *const names[] = {
		"good-every-kind",   "good-big-endian",       "good-deep-prototypes",
		"good-empty",        "bad-anonymous-bomb",    "bad-anonymous-loop",
		"bad-truncated",     "bad-string-offset",     "bad-type-id",
		"bad-no-nul",        "bad-nothing-but-magic", "bad-magic",
		"bad-header-length", "unsupported-kind",      "unsupported-header",
	};
	struct btfpack_blob blobs[ARRAY_SIZE(names)];
	size_t bases = 0;
	char path[128];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "tests/data/%s.btf", names[i]);
		REQUIRE(fs_read(path, 1 << 20, &blobs[i], &err) == 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		check_pair(names[i], &blobs[i], NULL);
		bases += is_base(&blobs[i]);
		for (size_t j = 0; j < ARRAY_SIZE(names) && is_base(&blobs[i]); j++)
			check_pair(names[j], &blobs[j], &blobs[i]);
	}
	CHECK(bases >= 5);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		btfpack_blob_free(&blobs[i]);
}

static void says_little_of_what_changed(void)
{
	struct synthetic old, new;
	size_t whole, part;

	synthetic_make(0, &old);
	for (uint32_t n = 0; n < 1000; n += 49) {
		synthetic_make(n, &new);
		whole = check_pair("alone", &new.blob, NULL);
		part = check_pair("beside another", &new.blob, &old.blob);
		CHECK(part < whole / (n / 250 ? 2 : 8));
		CHECK(check_pair("the other way", &old.blob, &new.blob) < whole);
	}
	CHECK(check_pair("the same", &old.blob, &old.blob) <= 4);
}

/* The kinds of one are the other's in another order and byte order. */
static void turns_byte_orders(void)
{
	AUTO_BLOB struct btfpack_blob little = { 0 }, big = { 0 };

	REQUIRE(fs_read("tests/data/good-every-kind.btf", 1 << 20, &little, &err) == 0);
	REQUIRE(fs_read("tests/data/good-big-endian.btf", 1 << 20, &big, &err) == 0);
	CHECK(check_pair("big", &big, &little) < 16);
	CHECK(check_pair("little", &little, &big) < 16);
}

/* Any bytes: refused, or some blob of a bounded size. */
static void survives_damage(void)
{
	struct synthetic old, new;
	uint32_t state = 1;
	size_t refused = 0;

	synthetic_make(0, &old);
	synthetic_make(800, &new);
	for (int round = 0; round < 20000; round++) {
		AUTO_BUF struct buf delta = make_delta(&new.blob, round % 3 ? &old.blob : NULL);
		AUTO_FREE uint8_t *got = NULL;
		size_t size, at = 1 + synthetic_random(&state) % (delta.size - 1);

		delta.data[at] = (uint8_t)synthetic_random(&state);
		if (round % 2)
			delta.data[synthetic_random(&state) % delta.size] ^= 1 << round / 2 % 8;
		if (blob_delta_apply(delta.data, delta.size, round % 3 ? old.blob.data : NULL,
				     round % 3 ? old.blob.size : 0, &got, &size) < 0)
			refused++;
		else
			CHECK(size < 8 * (old.blob.size + delta.size));
	}
	CHECK(refused > 1000);
}

static void refuses_what_is_no_delta(void)
{
	static const struct {
		const char *what;
		const char *bytes;
		size_t size;
	} rows[] = {
		{ "nothing", "", 0 },
		{ "another form", "\3\0", 2 },
		{ "no end", "\1", 1 },
		{ "bytes after the end", "\1\0\0", 3 },
		{ "a copy of nothing", "\1\4", 2 },
		{ "a type cut off", "\1\2\1\0\4", 5 },
		{ "a struct without its member", "\1\2\1\0\204\2\10\0", 8 },
		{ "no such kind", "\1\2\1\0\37\0\0", 7 },
		{ "a name that does not end", "\1\2\1\1nam", 7 },
		{ "a name of no base", "\1\2\1\4\2\0\0", 7 },
		{ "an own name that is not there", "\1\2\1\15\2\0\0", 7 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t *got = NULL;
		size_t size;
		int error = blob_delta_apply((const uint8_t *)rows[i].bytes, rows[i].size, NULL, 0,
					     &got, &size);

		if (error != -EBADMSG)
			printf("# %s: %d\n", rows[i].what, error);
		CHECK_INT(error, -EBADMSG);
		free(got);
	}
}

TEST_MAIN({ "puts together any BTF out of any other", puts_together_any_btf },
	  { "says little of what changed", says_little_of_what_changed },
	  { "turns byte orders", turns_byte_orders }, { "survives damage", survives_damage },
	  { "refuses what is no delta", refuses_what_is_no_delta })
