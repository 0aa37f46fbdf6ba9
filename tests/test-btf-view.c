/* SPDX-License-Identifier: BSD-2-Clause */
#include <byteswap.h>

#include "tests/test.h"

#include "tests/btf-help.h"

static struct btf_view open_view(const struct btfpack_blob *blob, const struct btf_view *base)
{
	struct btf_view view = { 0 };
	struct btfpack_error err;

	if (btf_view_init(&view, blob->data, blob->size, base, "test", &err) < 0) {
		printf("# %s\n", err.message);
		REQUIRE(!"a BTF that opens");
	}
	return view;
}

static void reads_every_kind(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false);
	AUTO_BTF_VIEW struct btf_view view = open_view(&a, NULL);
	uint64_t size;

	CHECK_INT(view.first_id, 1);
	CHECK_INT(view.end_id, S_END);
	CHECK_INT(btf_type_kind(btf_view_type(&view, 0)), BTF_KIND_UNKN);
	CHECK_STRING(btf_view_name(&view, btf_view_type(&view, S_TASK)), "task_struct");
	CHECK_INT(btf_type_vlen(btf_view_type(&view, S_TASK)), 7);
	CHECK_INT(btf_view_skip_typedefs(&view, S_TYPEDEF), S_INT);
	CHECK_INT(btf_view_skip_modifiers(&view, S_TYPEDEF), S_TYPEDEF);
	CHECK_INT(btf_view_skip_modifiers(&view, S_CONST), S_CHAR);
	CHECK_INT(btf_view_pointer_size(&view), 8);
	CHECK_INT(btf_view_size(&view, S_ARRAY, 8, &size), 0);
	CHECK_INT(size, 16);
	CHECK_INT(btf_view_size(&view, S_VAR, 4, &size), 0);
	CHECK_INT(size, 4);
	CHECK_INT(btf_view_size(&view, S_FWD, 8, &size), -EINVAL);
	CHECK_INT(btf_view_size(&view, S_FUNC, 8, &size), -EINVAL);
	CHECK_INT(btf_view_size(&view, 0, 8, &size), -EINVAL);
}

static void reads_the_other_byte_order(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false), b = help_sample(true);
	AUTO_BTF_VIEW struct btf_view native = open_view(&a, NULL), swapped = open_view(&b, NULL);

	CHECK(!native.other_order);
	CHECK(swapped.other_order);
	REQUIRE(native.types_size == swapped.types_size);
	CHECK(!memcmp(native.types, swapped.types, native.types_size));
	CHECK_INT(btf_view_member_bits(&swapped, btf_view_type(&swapped, S_BITS),
				       &btf_type_members(btf_view_type(&swapped, S_BITS))[1])
			  .width,
		  2);
}

static void accepts_any_alignment(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false);
	AUTO_FREE char *shifted = malloc(a.size + 3);

	REQUIRE(shifted);
	for (int shift = 1; shift < 4; shift++) {
		AUTO_BTF_VIEW struct btf_view view = { 0 };

		memcpy(shifted + shift, a.data, a.size);
		CHECK_INT(btf_view_init(&view, shifted + shift, a.size, NULL, "a", NULL), 0);
		CHECK_STRING(btf_view_name(&view, btf_view_type(&view, S_SOCK)), "sock");
	}
}

static void accepts_a_longer_header_of_zeroes(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false);
	AUTO_FREE char *longer = calloc(1, a.size + 8);
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	uint32_t header = 32;

	REQUIRE(longer);
	memcpy(longer, a.data, 24);
	memcpy(longer + 4, &header, 4);
	memcpy(longer + 32, (char *)a.data + 24, a.size - 24);
	CHECK_INT(btf_view_init(&view, longer, a.size + 8, NULL, "a", NULL), 0);
	CHECK_INT(view.end_id, S_END);
	btf_view_deinit(&view);
	longer[31] = 1;
	CHECK_INT(btf_view_init(&view, longer, a.size + 8, NULL, "a", NULL), -EOPNOTSUPP);
}

/* --- damage ---------------------------------------------------------------------------------------- */

/* One 32-bit word of the file is set; -1: the file is cut instead. */
static void refuses_damage(void)
{
	static const struct {
		long offset;
		uint32_t value;
		int status;
		const char *text;
	} cases[] = {
		{ -1, 0, -EBADMSG, "0 bytes, shorter than a header" },
		{ -1, 23, -EBADMSG, "23 bytes, shorter than a header" },
		{ -1, 24, -EBADMSG, "type section lies outside" },
		{ 0, 0x464c457f, -EBADMSG, "starts with 0x457f, expected 0xeb9f" },
		{ 0, 0x0002eb9f, -EOPNOTSUPP, "version 2, expected 1" },
		{ 4, 23, -EBADMSG, "header length 23" },
		{ 4, 0xffffffff, -EBADMSG, "header length 4294967295" },
		{ 8, 2, -EBADMSG, "type section lies outside" },
		{ 8, 0xfffffffc, -EBADMSG, "type section lies outside" },
		{ 12, 0xfffffffc, -EBADMSG, "type section lies outside" },
		{ 12, 3, -EBADMSG, "type section lies outside" },
		{ 12, 8, -EBADMSG, "type 1 is cut off" },
		{ 12, 12, -EBADMSG, "type 1 (int) reaches past" },
		{ 16, 0xffffffff, -EBADMSG, "string section lies outside" },
		{ 16, 1, -EBADMSG, "sections overlap" },
		{ 20, 0, -EBADMSG, "does not start and end with NUL" },
		{ 20, 0xffffffff, -EBADMSG, "string section lies outside" },
		{ 24, 0x7fffffff, -EBADMSG, "type 1 (int) refers to an id or string out of range" },
		{ 28, 0x1f000000, -EOPNOTSUPP, "type 1 is of unknown kind 31" },
		{ 28, 0, -EOPNOTSUPP, "type 1 is of unknown kind 0" },
		{ 28, 0x0400ffff, -EBADMSG, "type 1 (struct) reaches past the type section" },
	};
	struct btfpack_error err = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		AUTO_BLOB struct btfpack_blob a = help_sample(false);
		AUTO_BTF_VIEW struct btf_view view = { 0 };
		size_t size = cases[i].offset < 0 ? cases[i].value : a.size;

		if (cases[i].offset >= 0)
			memcpy((char *)a.data + cases[i].offset, &cases[i].value, 4);
		err.message[0] = '\0';
		CHECK_INT(btf_view_init(&view, a.data, size, NULL, "x.btf", &err), cases[i].status);
		CHECK_CONTAINS(err.message, cases[i].text);
		CHECK_CONTAINS(err.message, "x.btf: ");
		CHECK(!view.offsets && !view.copy);
	}
}

/* Each id and each name in each kind, pushed out of range, is seen. */
static void sees_every_reference(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false);
	AUTO_BTF_VIEW struct btf_view view = open_view(&a, NULL);
	uint32_t strings = view.end_string, seen = 0, words = (uint32_t)(view.types_size / 4);
	uint32_t *types = (uint32_t *)((char *)a.data + 24);

	for (uint32_t i = 0; i < words; i++) {
		AUTO_BTF_VIEW struct btf_view damaged = { 0 };
		uint32_t saved = types[i];

		types[i] = strings + 100000;
		seen += btf_view_init(&damaged, a.data, a.size, NULL, "a", NULL) < 0;
		types[i] = saved;
	}
	/* All but sizes, encodings, offsets, values; vlens and kinds are seen otherwise. */
	CHECK(seen > words / 2);
}

/* --- split ----------------------------------------------------------------------------------------- */

static void reads_split_btf(void)
{
	AUTO_BLOB struct btfpack_blob base = help_sample(false), split = { 0 };
	AUTO_BTF_VIEW struct btf_view view = open_view(&base, NULL), top = { 0 };
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	uint32_t id, base_name;

	REQUIRE(btf_build_new(&view, &b) == 0);
	base_name = help_name(b, "task_struct");
	CHECK(base_name < view.end_string);
	CHECK_INT(base_name, btf_view_type(&view, S_TASK)->name_off);
	CHECK(help_name(b, "only_here") >= view.end_string);
	id = help_struct(b, BTF_KIND_STRUCT, "only_here", 8,
			 HELP_MEMBERS(help_member(b, "pid", S_TASK_PTR, 0)));
	CHECK_INT(id, S_END);
	REQUIRE(btf_build_finish(b, true, &split) == 0);
	top = open_view(&split, &view);
	CHECK_INT(top.first_id, S_END);
	CHECK_INT(top.end_id, S_END + 1);
	CHECK_STRING(btf_view_name(&top, btf_view_type(&top, id)), "only_here");
	CHECK_STRING(btf_view_string(&top, btf_type_members(btf_view_type(&top, id))->name_off),
		     "pid");
	CHECK_STRING(btf_view_name(&top, btf_view_type(&top, S_TASK)), "task_struct");
	CHECK_INT(btf_view_pointer_size(&top), 8);
	CHECK_INT(btf_type_kind(btf_view_type(&top, 0)), BTF_KIND_UNKN);
	btf_view_deinit(&top);
	/* Without its base its ids are out of range. */
	CHECK_INT(btf_view_init(&top, split.data, split.size, NULL, "split", NULL), -EBADMSG);
}

/* --- helpers --------------------------------------------------------------------------------------- */

static void gives_up_on_loops(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	uint64_t size;

	REQUIRE(btf_build_new(NULL, &b) == 0);
	help_type(b, BTF_KIND_CONST, NULL, 0, 2, NULL);
	help_type(b, BTF_KIND_VOLATILE, NULL, 0, 1, NULL);
	help_type(b, BTF_KIND_ARRAY, NULL, 0, 0, &(struct btf_array){ 3, 3, 2 });
	help_type(b, BTF_KIND_ARRAY, NULL, 0, 0, &(struct btf_array){ 5, 3, ~0u });
	help_type(b, BTF_KIND_ARRAY, NULL, 0, 0, &(struct btf_array){ 6, 3, ~0u });
	help_type(b, BTF_KIND_STRUCT, "big", 0, ~0u, NULL);
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	view = open_view(&blob, NULL);
	CHECK_INT(btf_view_skip_modifiers(&view, 1), 0);
	CHECK_INT(btf_view_skip_typedefs(&view, 2), 0);
	CHECK_INT(btf_view_size(&view, 1, 8, &size), -EINVAL);
	CHECK_INT(btf_view_size(&view, 3, 8, &size), -EINVAL);
	CHECK_INT(btf_view_size(&view, 4, 8, &size), -EINVAL); /* over 64 bits */
	CHECK_INT(btf_view_size(&view, 5, 8, &size), 0);
}

static void cuts_flavours_off(void)
{
	static const struct {
		const char *name, *essential;
	} cases[] = {
		{ "task_struct", "task_struct" }, { "task_struct___old", "task_struct" },
		{ "a___b___c", "a___b" },	  { "___x", "___x" },
		{ "x___", "x___" },		  { "x____y", "x____y" },
		{ "a___b_", "a" },		  { "", "" },
		{ "___", "___" },		  { "a__b", "a__b" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_INT(btf_essential_length(cases[i].name), strlen(cases[i].essential));
}

static void reads_old_bitfields(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	uint32_t encoding = 3u << 16 | 5;
	const struct btf_type *t;
	struct btf_bits bits;

	REQUIRE(btf_build_new(NULL, &b) == 0);
	help_type(b, BTF_KIND_INT, "unsigned int", 0, 4, &encoding);
	help_type(b, BTF_KIND_TYPEDEF, "u32", 0, 1, NULL);
	help_struct(b, BTF_KIND_STRUCT, "old", 4, HELP_MEMBERS(help_member(b, "f", 2, 8)));
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	view = open_view(&blob, NULL);
	t = btf_view_type(&view, 3);
	bits = btf_view_member_bits(&view, t, btf_type_members(t));
	CHECK_INT(bits.offset, 11);
	CHECK_INT(bits.width, 5);
}

TEST_MAIN({ "every kind is read", reads_every_kind },
	  { "the other byte order is read", reads_the_other_byte_order },
	  { "any alignment is accepted", accepts_any_alignment },
	  { "a longer header is accepted while it says nothing", accepts_a_longer_header_of_zeroes },
	  { "damage is refused with a sentence", refuses_damage },
	  { "references out of range are seen", sees_every_reference },
	  { "split BTF is read on top of its base", reads_split_btf },
	  { "helpers give up on loops", gives_up_on_loops },
	  { "flavours are cut off", cuts_flavours_off },
	  { "bitfields of before 5.0 are read", reads_old_bitfields })
