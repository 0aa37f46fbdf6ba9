/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/test.h"

#include "btf/btf-stack.h"
#include "tests/btf-help.h"

static struct btfpack_blob empty_base(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_blob blob = { 0 };

	REQUIRE(btf_build_new(NULL, &b) == 0);
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	return blob;
}

/* The sample as a module on a base without types, whose only string is "": with that
 * string gone from its own, all its ids and offsets stay right. */
static struct btfpack_blob sample_module(void)
{
	struct btfpack_blob blob = help_sample(false);
	uint32_t *header = blob.data; /* from byte 16: str_off, str_len */

	header[4]++;
	header[5]--;
	return blob;
}

/* All that is said of a type: itself, its names and what it refers to. */
static void check_same(const struct btf_stack *stack, const struct btf_view *module, uint32_t id,
		       uint32_t stacked)
{
	const struct btf_type *own = btf_view_type(module, id);
	const struct btf_type *there = btf_view_type(&stack->view, stacked);
	uint32_t a, b;

	CHECK_INT(there->info, own->info);
	CHECK_STRING(btf_view_name(&stack->view, there), btf_view_name(module, own));
	for (uint32_t i = 0; btf_type_child(own, i, &a); i++) {
		CHECK(btf_type_child(there, i, &b));
		CHECK_INT(btf_stack_own_id(stack, b), a);
		CHECK(!a || btf_stack_find(stack, b) == btf_stack_find(stack, stacked));
	}
	for (uint32_t i = 0; btf_kind_is_composite(btf_type_kind(own)) && i < btf_type_vlen(own);
	     i++)
		CHECK_STRING(btf_view_string(&stack->view, btf_type_members(there)[i].name_off),
			     btf_view_string(module, btf_type_members(own)[i].name_off));
	for (uint32_t i = 0; btf_type_kind(own) == BTF_KIND_FUNC_PROTO && i < btf_type_vlen(own);
	     i++)
		CHECK_STRING(btf_view_string(&stack->view, btf_type_params(there)[i].name_off),
			     btf_view_string(module, btf_type_params(own)[i].name_off));
	if (btf_type_kind(own) == BTF_KIND_ENUM)
		CHECK_STRING(btf_view_string(&stack->view, btf_type_enums(there)[0].name_off),
			     btf_view_string(module, btf_type_enums(own)[0].name_off));
	if (btf_type_kind(own) == BTF_KIND_ENUM64)
		CHECK_STRING(btf_view_string(&stack->view, btf_type_enums64(there)[0].name_off),
			     btf_view_string(module, btf_type_enums64(own)[0].name_off));
}

static void keeps_every_kind(void)
{
	AUTO_BLOB struct btfpack_blob base_blob = empty_base(), module_blob = sample_module();
	AUTO_BTF_VIEW struct btf_view base = { 0 }, module = { 0 };
	AUTO_BTF_STACK struct btf_stack stack = { 0 };
	struct btfpack_error err;

	REQUIRE(btf_view_init(&base, base_blob.data, base_blob.size, NULL, "base", &err) == 0);
	REQUIRE(btf_view_init(&module, module_blob.data, module_blob.size, &base, "m", &err) == 0);
	REQUIRE(module.end_id == S_END);
	btf_stack_init(&stack, &base);
	CHECK_INT(stack.view.end_id, 1);
	CHECK_INT(btf_stack_find(&stack, 0), -1);
	for (uint32_t layer = 0; layer < 3; layer++)
		REQUIRE(btf_stack_add(&stack, &module, 7 + layer) == 0);
	CHECK_INT(stack.view.end_id, 1 + 3 * (S_END - 1));
	for (uint32_t layer = 0; layer < 3; layer++)
		for (uint32_t id = 1; id < S_END; id++) {
			uint32_t stacked = id + layer * (S_END - 1);

			CHECK_INT(btf_stack_find(&stack, stacked), 7 + layer);
			CHECK_INT(btf_stack_own_id(&stack, stacked), id);
			check_same(&stack, &module, id, stacked);
		}
}

/* What a module refers to in its base stays there. */
static void keeps_the_base(void)
{
	AUTO_BLOB struct btfpack_blob blob = help_sample(false);
	AUTO_BTF_VIEW struct btf_view base = { 0 }, module = { 0 };
	AUTO_BTF_STACK struct btf_stack stack = { 0 };
	const struct btf_type *t;

	REQUIRE(btf_view_init(&base, blob.data, blob.size, NULL, "base", NULL) == 0);
	REQUIRE(btf_view_init(&module, blob.data, blob.size, &base, "m", NULL) == 0);
	btf_stack_init(&stack, &base);
	REQUIRE(btf_stack_add(&stack, &module, 0) == 0);
	REQUIRE(btf_stack_add(&stack, &module, 1) == 0);
	t = btf_view_type(&stack.view, S_END + S_END - 1 + S_TASK - 1);
	CHECK_STRING(btf_view_name(&stack.view, t), "task_struct");
	CHECK_INT(btf_type_members(t)[0].type, S_STATE);
	CHECK_INT(btf_stack_find(&stack, S_STATE), -1);
	CHECK_INT(btf_stack_find(&stack, S_END), 0);
	CHECK_INT(btf_stack_find(&stack, S_END + S_END - 1), 1);
	CHECK_INT(btf_stack_own_id(&stack, S_END + S_END - 1), S_END);
}

TEST_MAIN({ "keeps types, names and references of every kind", keeps_every_kind },
	  { "keeps references to the base", keeps_the_base })
