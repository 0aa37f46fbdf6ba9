/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/test.h"

#include "tests/btf-help.h"

static void says_strings_once(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	uint32_t a, again, other, prefix, empty = 7;

	REQUIRE(btf_build_new(NULL, &b) == 0);
	CHECK_INT(btf_build_string(b, "task", &a), 0);
	CHECK_INT(btf_build_string(b, "tasks", &other), 0);
	CHECK_INT(btf_build_string_n(b, "task_struct", 4, &again), 0);
	CHECK_INT(btf_build_string_n(b, "tas", 3, &prefix), 0);
	CHECK_INT(a, 1);
	CHECK_INT(other, 6);
	CHECK_INT(again, a);
	CHECK_INT(prefix, 12);
	CHECK_INT(btf_build_string(b, NULL, &empty), 0);
	CHECK_INT(empty, 0);
	CHECK_INT(btf_build_string_n(b, "x", 0, &empty), 0);
	CHECK_INT(empty, 0);
	/* A NUL inside ends a string, here as in the file. */
	CHECK_INT(btf_build_string_n(b, "task\0tail", 9, &again), 0);
	CHECK_INT(again, a);
}

static void finds_many_strings_again(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	AUTO_FREE uint32_t *offsets = calloc(20000, sizeof(*offsets));
	char name[32];

	REQUIRE(offsets && btf_build_new(NULL, &b) == 0);
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 20000; i++) {
			uint32_t offset;

			snprintf(name, sizeof(name), "name_%u", i);
			REQUIRE(btf_build_string(b, name, &offset) == 0);
			if (!round)
				offsets[i] = offset;
			else if (offset != offsets[i])
				CHECK_INT(offset, offsets[i]);
		}
}

static void gives_the_same_bytes(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false), b = help_sample(false);
	AUTO_BLOB struct btfpack_blob copy = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };

	REQUIRE(a.size == b.size);
	CHECK(!memcmp(a.data, b.data, a.size));
	REQUIRE(btf_view_init(&view, a.data, a.size, NULL, "a", NULL) == 0);
	copy = help_rewrite(&view, NULL, 0, NULL, NULL);
	CHECK(copy.size <= a.size); /* as strings come: none that nobody uses */
}

static void writes_a_header_of_24_bytes(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false), b = help_sample(true);
	struct btf_header hdr = { 0 };
	uint8_t *big = b.data;

	memcpy(&hdr, a.data, 24);
	CHECK_INT(hdr.magic, BTF_MAGIC);
	CHECK_INT(hdr.version, 1);
	CHECK_INT(hdr.hdr_len, 24);
	CHECK_INT(hdr.type_off, 0);
	CHECK_INT(hdr.str_off, hdr.type_len);
	CHECK_INT(24 + hdr.type_len + hdr.str_len, a.size);
	REQUIRE(a.size == b.size);
	CHECK_INT(big[2], 1); /* version and flags are bytes: no order */
	CHECK(!memcmp((char *)a.data + a.size - hdr.str_len, big + b.size - hdr.str_len,
		      hdr.str_len));
}

static void writes_nothing_at_all(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };

	REQUIRE(btf_build_new(NULL, &b) == 0);
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	CHECK_INT(blob.size, 25);
	CHECK_INT(btf_view_init(&view, blob.data, blob.size, NULL, "empty", NULL), 0);
	CHECK_INT(view.end_id, 1);
}

static void patches_in_place(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	uint32_t id;

	REQUIRE(btf_build_new(NULL, &b) == 0);
	help_int(b, "int", 4, 0);
	id = help_type(b, BTF_KIND_PTR, NULL, 0, 0, NULL);
	btf_build_get(b, id)->type = 1;
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	REQUIRE(btf_view_init(&view, blob.data, blob.size, NULL, "a", NULL) == 0);
	CHECK_INT(btf_view_type(&view, id)->type, 1);
}

static void refuses_unknown_kinds(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btf_type t = { .info = btf_info(31, 0, false) };

	REQUIRE(btf_build_new(NULL, &b) == 0);
	CHECK_INT(btf_build_type(b, &t, NULL, NULL), -EINVAL);
	CHECK_INT(btf_build_next_id(b), 1);
}

TEST_MAIN({ "a string is stored once", says_strings_once },
	  { "strings are found again among many", finds_many_strings_again },
	  { "equal calls give equal bytes", gives_the_same_bytes },
	  { "the header has 24 bytes", writes_a_header_of_24_bytes },
	  { "nothing is a BTF too", writes_nothing_at_all },
	  { "types can be patched", patches_in_place },
	  { "unknown kinds are refused", refuses_unknown_kinds })
