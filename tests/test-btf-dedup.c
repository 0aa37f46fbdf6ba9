/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include <btfpack/btf.h>

#include "tests/test.h"

#include "btf/btf-dedup.h"
#include "btf/btf-hash.h"
#include "tests/btf-help.h"

#define UNITS 24

static uint32_t pointer_to(struct btf_build *b, uint32_t id)
{
	return help_type(b, BTF_KIND_PTR, "", 0, id, NULL);
}

/* Two structs of one name; every third unit knows a forward only. */
static uint32_t add_node(struct btf_build *b, unsigned int unit, uint32_t number)
{
	if (unit % 3 == 2)
		return help_type(b, BTF_KIND_FWD, "node", 0, 0, NULL);
	return help_struct(b, BTF_KIND_STRUCT, "node", 4,
			   HELP_MEMBERS(help_member(b, unit % 3 ? "parent" : "zone", number, 0)));
}

/* What one compilation unit sees of task_struct. */
static void add_unit(struct btf_build *b, unsigned int unit)
{
	char hidden[32];
	uint32_t number = help_int(b, "int", 4, BTF_INT_SIGNED), node, event, choice;

	snprintf(hidden, sizeof(hidden), "__UNIQUE_ID_hide%u", unit * 7);
	node = pointer_to(b, add_node(b, unit, number));
	event = unit % 2 ? help_type(b, BTF_KIND_FWD, "event", 0, 0, NULL) :
			   help_struct(b, BTF_KIND_STRUCT, "event", 16,
				       HELP_MEMBERS(help_member(b, "node", node, 0),
						    help_member(b, "number", number, 64)));
	/* Which node it is in the end does not matter from farther away. */
	event = help_struct(b, BTF_KIND_STRUCT, "stat", 8,
			    HELP_MEMBERS(help_member(b, "event", pointer_to(b, event), 0)));
	event = help_struct(b, BTF_KIND_STRUCT, "signal", 8,
			    HELP_MEMBERS(help_member(b, "stat", pointer_to(b, event), 0)));
	choice = help_struct(b, BTF_KIND_UNION, "", 4,
			     HELP_MEMBERS(help_member(b, "seen", number, 0),
					  help_member(b, hidden, number, 0)));
	help_struct(b, BTF_KIND_STRUCT, "task_struct", 24,
		    HELP_MEMBERS(help_member(b, "signal", pointer_to(b, event), 0),
				 help_member(b, "self", pointer_to(b, btf_build_next_id(b) + 1), 64),
				 help_member(b, "", choice, 128)));
}

static struct btfpack_blob make_units(unsigned int units, bool other_order)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_blob blob = { 0 };

	REQUIRE(btf_build_new(NULL, &b) == 0);
	for (unsigned int unit = 0; unit < units; unit++)
		add_unit(b, unit);
	REQUIRE(btf_build_finish(b, other_order, &blob) == 0);
	return blob;
}

static uint32_t count_named(const struct btf_view *view, unsigned int kind, const char *name)
{
	uint32_t count = 0;

	for (uint32_t id = 1; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);

		count += btf_type_kind(t) == kind && !strcmp(btf_view_name(view, t), name);
	}
	return count;
}

/* Every type is, in itself, what it was; a forward may have become what it meant. */
static uint32_t count_lost(const struct btf_view *before, const struct btf_view *after,
			   const uint32_t *map)
{
	const unsigned int flags = BTF_HASH_IGNORE_UNIQUE_IDS | BTF_HASH_DIMENSIONS;
	struct btf_hasher old, new;
	uint32_t lost = 0;

	REQUIRE(btf_hasher_init(&old, before, flags) == 0 && btf_hasher_run(&old, NULL) == 0);
	REQUIRE(btf_hasher_init(&new, after, flags) == 0 && btf_hasher_run(&new, NULL) == 0);
	for (uint32_t id = 1; id < before->end_id; id++) {
		bool is_forward = btf_type_kind(btf_view_type(before, id)) == BTF_KIND_FWD;

		if (is_forward)
			lost += !btf_hash_is_equal(old.refs[id], new.refs[map[id]]);
		else
			lost += !btf_hash_is_equal(old.defs[id], new.defs[map[id]]);
	}
	btf_hasher_deinit(&old);
	btf_hasher_deinit(&new);
	return lost;
}

static void merges_units(void)
{
	AUTO_BLOB struct btfpack_blob in = make_units(UNITS, false), out = { 0 }, again = { 0 };
	AUTO_BTF_VIEW struct btf_view before = { 0 }, after = { 0 };
	AUTO_FREE uint32_t *map = NULL;
	struct btfpack_btf_check_opts opts = { .size = sizeof(opts), .is_vmlinux = true };
	struct btfpack_btf_check_summary sum;

	REQUIRE(btf_view_init(&before, in.data, in.size, NULL, "in", NULL) == 0);
	CHECK_INT(count_named(&before, BTF_KIND_STRUCT, "task_struct"), UNITS);
	CHECK_INT(btfpack_btf_check(&in, &opts, NULL, NULL, &sum, NULL), -EBADMSG);
	REQUIRE(btf_dedup(&before, &out, &map) == 0);
	REQUIRE(btf_view_init(&after, out.data, out.size, NULL, "out", NULL) == 0);
	CHECK_INT(count_named(&after, BTF_KIND_STRUCT, "task_struct"), 1);
	CHECK_INT(count_named(&after, BTF_KIND_STRUCT, "node"), 2);
	CHECK_INT(count_named(&after, BTF_KIND_INT, "int"), 1);
	/* One for each node: who refers to which is kept. What knew a forward joined none. */
	CHECK_INT(count_named(&after, BTF_KIND_STRUCT, "event"), 3);
	CHECK_INT(count_named(&after, BTF_KIND_FWD, "node"), 1);
	CHECK_INT(btfpack_btf_check(&out, &opts, NULL, NULL, &sum, NULL), 0);
	CHECK_INT(count_lost(&before, &after, map), 0);
	REQUIRE(btf_dedup(&after, &again, NULL) == 0);
	CHECK(again.size == out.size && !memcmp(again.data, out.data, out.size));
}

static void joins_what_saw_less(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	AUTO_BLOB struct btfpack_blob in = { 0 }, out = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	uint32_t number;

	/* Two nodes, of which events see one or only a forward. */
	REQUIRE(btf_build_new(NULL, &b) == 0);
	number = help_int(b, "int", 4, BTF_INT_SIGNED);
	add_node(b, 1, number);
	for (unsigned int unit = 0; unit < 6; unit += 2)
		help_struct(b, BTF_KIND_STRUCT, "event", 8,
			    HELP_MEMBERS(help_member(b, "node",
						     pointer_to(b, add_node(b, unit % 4, number)),
						     0)));
	REQUIRE(btf_build_finish(b, false, &in) == 0);
	REQUIRE(btfpack_btf_dedup(&in, NULL, &out, NULL) == 0);
	REQUIRE(btf_view_init(&view, out.data, out.size, NULL, "out", NULL) == 0);
	CHECK_INT(count_named(&view, BTF_KIND_STRUCT, "node"), 2);
	CHECK_INT(count_named(&view, BTF_KIND_STRUCT, "event"), 1);
}

static void keeps_byte_order(void)
{
	AUTO_BLOB struct btfpack_blob in = make_units(3, false), swapped = make_units(3, true);
	AUTO_BLOB struct btfpack_blob a = { 0 }, b = { 0 };
	struct btfpack_btf_diff_summary sum;

	REQUIRE(btfpack_btf_dedup(&in, NULL, &a, NULL) == 0);
	REQUIRE(btfpack_btf_dedup(&swapped, NULL, &b, NULL) == 0);
	CHECK_INT(a.size, b.size);
	CHECK_INT(((uint8_t *)a.data)[0], 0x9f);
	CHECK_INT(((uint8_t *)b.data)[0], 0xeb);
	REQUIRE(btfpack_btf_diff(&a, &b, NULL, NULL, NULL, &sum, NULL) == 0);
	CHECK_INT(sum.total.changed + sum.total.added + sum.total.removed, 0);
}

static void leaves_good_btf_alone(void)
{
	AUTO_BLOB struct btfpack_blob in = help_some_btf(), out = { 0 };
	AUTO_BTF_VIEW struct btf_view before = { 0 }, after = { 0 };
	AUTO_FREE uint32_t *map = NULL;

	REQUIRE(btf_view_init(&before, in.data, in.size, NULL, "in", NULL) == 0);
	REQUIRE(btf_dedup(&before, &out, &map) == 0);
	REQUIRE(btf_view_init(&after, out.data, out.size, NULL, "out", NULL) == 0);
	CHECK_INT(count_lost(&before, &after, map), 0);
	if (!getenv("BTFPACK_TEST_BTF"))
		CHECK_INT(before.end_id, after.end_id);
}

static void refuses_what_it_cannot(void)
{
	AUTO_BLOB struct btfpack_blob loop = { 0 }, out = { 0 };
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_error err;

	REQUIRE(btf_build_new(NULL, &b) == 0);
	pointer_to(b, 1);
	REQUIRE(btf_build_finish(b, false, &loop) == 0);
	CHECK_INT(btfpack_btf_dedup(&loop, "loop", &out, &err), -EBADMSG);
	CHECK_STRING(err.message, "loop: types that refer only to themselves");
	loop.size -= 3;
	CHECK_INT(btfpack_btf_dedup(&loop, "loop", &out, &err), -EBADMSG);
	CHECK(!out.data);
}

TEST_MAIN({ "units of a kernel become one", merges_units },
	  { "what saw a forward joins what saw the type", joins_what_saw_less },
	  { "either byte order stays as it is", keeps_byte_order },
	  { "good BTF loses nothing", leaves_good_btf_alone },
	  { "loops and damage are refused", refuses_what_it_cannot })
