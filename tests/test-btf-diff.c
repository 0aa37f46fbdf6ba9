/* SPDX-License-Identifier: BSD-2-Clause */
#include <btfpack/btf.h>

#include "tests/test.h"

#include "tests/btf-help.h"

/* What a comparison told: the sum, how many lines, the first few of them. */
struct told {
	struct btfpack_btf_diff_summary sum;
	uint32_t lines, elsewhere; /* elsewhere: about other names than expected */
	const char *expected;	   /* NULL: any */
	char text[4096];
};

static void listen(const struct btfpack_btf_change *change, void *arg)
{
	struct told *told = arg;
	size_t used = strlen(told->text);

	told->lines++;
	told->elsewhere += told->expected && strcmp(change->name, told->expected) != 0;
	snprintf(told->text + used, sizeof(told->text) - used, "%s\n", change->text);
}

static uint32_t count_differences(const struct told *told)
{
	return told->sum.total.changed + told->sum.total.added + told->sum.total.removed;
}

static struct told compare(const struct btfpack_blob *a, const struct btfpack_blob *b,
			   const struct btfpack_btf_diff_opts *opts)
{
	struct told told = { 0 };

	REQUIRE(btfpack_btf_diff(a, b, opts, listen, &told, &told.sum, NULL) == 0);
	return told;
}

static void is_equal_to_itself(void)
{
	AUTO_BLOB struct btfpack_blob a = help_some_btf();
	struct told told = compare(&a, &a, NULL);

	CHECK_INT(told.lines, 0);
	CHECK_INT(count_differences(&told), 0);
	CHECK(told.sum.total.same > 20);
}

static void ignores_order_and_ids(void)
{
	AUTO_BLOB struct btfpack_blob a = help_some_btf();
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	uint32_t seeds = getenv("BTFPACK_TEST_BTF") ? 3 : 50;

	REQUIRE(btf_view_init(&view, a.data, a.size, NULL, "a", NULL) == 0);
	for (uint32_t seed = 1; seed <= seeds; seed++) {
		AUTO_BLOB struct btfpack_blob b = help_shuffle(&view, seed * 7919);
		struct told told = compare(&a, &b, NULL);

		CHECK(a.size != b.size || memcmp(a.data, b.data, a.size));
		CHECK_INT(count_differences(&told), 0);
		CHECK_STRING(told.text, "");
	}
}

static void ignores_byte_order(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false), b = help_sample(true);
	struct told told = compare(&a, &b, NULL);

	CHECK(memcmp(a.data, b.data, a.size));
	CHECK_INT(count_differences(&told), 0);
}

/* --- one change, one report ------------------------------------------------------------------------ */

/* Change one random thing of a type, such that it means something else. */
static void change_something(struct btf_build *b, const struct btf_view *view,
			     struct help_copy *copy, void *arg)
{
	uint32_t *seed = arg, vlen = btf_type_vlen(&copy->t);
	uint32_t row = vlen ? help_random(seed) % vlen : 0, pick = help_random(seed);
	char name[32];

	snprintf(name, sizeof(name), "changed_%u", pick);
	switch (btf_type_kind(&copy->t)) {
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		if (!vlen || pick % 4 == 0)
			copy->t.size += 8;
		else if (pick % 4 == 1)
			copy->words[row * 3] = help_name(b, name);
		else if (pick % 4 == 2)
			copy->words[row * 3 + 2] += 8;
		else
			copy->words[row * 3 + 1] = 0;
		break;
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		if (!vlen || pick % 3 == 0)
			copy->t.info ^= 1u << 31;
		else if (pick % 3 == 1)
			copy->words[row * (btf_type_kind(&copy->t) == BTF_KIND_ENUM ? 2 : 3) + 1]++;
		else
			copy->words[row * (btf_type_kind(&copy->t) == BTF_KIND_ENUM ? 2 : 3)] =
				help_name(b, name);
		break;
	case BTF_KIND_INT:
		copy->words[0] ^= pick % 2 ? 1u << 24 : 1u << 25;
		break;
	case BTF_KIND_ARRAY:
		copy->words[2]++;
		break;
	case BTF_KIND_FUNC_PROTO:
		if (vlen)
			copy->words[row * 2] = help_name(b, name);
		else
			copy->t.type = copy->t.type ? 0 : 1;
		break;
	case BTF_KIND_TYPEDEF:
		copy->t.type = copy->t.type ? 0 : 1;
		break;
	case BTF_KIND_FUNC:
		copy->t.info ^= 1;
		break;
	case BTF_KIND_VAR:
		copy->words[0] ^= 1;
		break;
	case BTF_KIND_FLOAT:
		copy->t.size ^= 16;
		break;
	case BTF_KIND_DATASEC:
		copy->words[row * 3 + 2]++;
		break;
	case BTF_KIND_DECL_TAG: /* matched by all it is: gone, and another there */
		copy->words[0]++;
		break;
	default: /* FWD, TYPE_TAG, pointers and the like */
		copy->t.info ^= 1u << 31;
	}
}

static void try_one_change(const struct btfpack_blob *a, const struct btf_view *view, uint32_t id,
			   uint32_t seed)
{
	uint32_t state = seed;
	const struct btf_type *t = btf_view_type(view, id);
	const char *name = btf_view_name(view, t);
	AUTO_BLOB struct btfpack_blob b = help_rewrite(view, NULL, id, change_something, &state);
	AUTO_BTF_VIEW struct btf_view changed = { 0 };
	AUTO_BLOB struct btfpack_blob shuffled = { 0 };
	struct told told = { .expected = name };
	bool by_value = btf_kind_is_composite(btf_type_kind(t)) ||
			btf_type_kind(t) == BTF_KIND_FLOAT || btf_type_kind(t) == BTF_KIND_TYPEDEF;

	REQUIRE(btf_view_init(&changed, b.data, b.size, NULL, "b", NULL) == 0);
	shuffled = help_shuffle(&changed, seed | 1);
	REQUIRE(btfpack_btf_diff(a, &shuffled, NULL, listen, &told, &told.sum, NULL) == 0);
	if (!told.lines)
		printf("# a change of id %u (%s %s) passed unseen\n", id,
		       btf_kind_name(btf_type_kind(t)), name);
	CHECK(told.lines > 0);
	CHECK(count_differences(&told) > 0);
	/* Who holds a type by value sees its size; an unnamed type is its users'. */
	if (!*name || by_value || btf_type_kind(t) == BTF_KIND_DECL_TAG ||
	    btf_type_kind(t) == BTF_KIND_TYPE_TAG || btf_type_kind(t) == BTF_KIND_FWD)
		return;
	CHECK_INT(told.elsewhere, 0);
	CHECK_INT(told.sum.total.changed, 1);
	CHECK_INT(told.sum.total.added + told.sum.total.removed, 0);
	if (test_failed)
		printf("# seed %u, id %u\n%s", seed, id, told.text);
}

static void sees_every_change(void)
{
	AUTO_BLOB struct btfpack_blob a = help_some_btf();
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	uint32_t state = 12345;

	REQUIRE(btf_view_init(&view, a.data, a.size, NULL, "a", NULL) == 0);
	for (int i = 0; i < (view.end_id < 1000 ? 600 : 40) && !test_failed; i++) {
		uint32_t id = 1 + help_random(&state) % (view.end_id - 1);

		try_one_change(&a, &view, id, help_random(&state));
	}
}

/* --- what it says ---------------------------------------------------------------------------------- */

struct edit {
	uint32_t index, value;
	const char *name;
};

static void edit_word(struct btf_build *b, const struct btf_view *view, struct help_copy *copy,
		      void *arg)
{
	const struct edit *edit = arg;

	copy->words[edit->index] = edit->name ? help_name(b, edit->name) : edit->value;
}

static struct told compare_edited(uint32_t id, struct edit edit,
				  const struct btfpack_btf_diff_opts *opts)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false);
	AUTO_BLOB struct btfpack_blob b = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };

	REQUIRE(btf_view_init(&view, a.data, a.size, NULL, "a", NULL) == 0);
	b = help_rewrite(&view, NULL, id, edit_word, &edit);
	return compare(&a, &b, opts);
}

static void says_what_changed(void)
{
	static const struct {
		uint32_t id;
		struct edit edit;
		const char *text;
	} cases[] = {
		{ S_TASK, { 3 * 3 + 2, 200, NULL }, "struct task_struct: member parent moved 24 → 25 bytes\n" },
		{ S_TASK, { 3 * 3 + 2, 193, NULL }, "struct task_struct: member parent moved 192 → 193 bits\n" },
		{ S_TASK, { 3 * 3, 0, "real_parent" }, "struct task_struct: member parent renamed real_parent\n" },
		{ S_TASK, { 1 * 3 + 1, S_INT, NULL }, "struct task_struct: member pid type pid_t → int\n" },
		{ S_ANON, { 1 * 3 + 1, S_CHAR, NULL }, "struct task_struct: member low type int → char\n" },
		{ S_BITS, { 1 * 3 + 2, 3u << 24 | 1, NULL }, "struct bits: member two 2 → 3 bits wide (0: no bitfield)\n" },
		{ S_STATE, { 3, 2, NULL }, "enum task_state: value SLEEPING 1 → 2\n" },
		{ S_STATE, { 2, 0, "WAITING" },
		  "enum task_state: value SLEEPING removed (1)\nenum task_state: value WAITING added (1)\n" },
		{ S_PROTO, { 3, S_CHAR, NULL },
		  "struct sock: member handler type int (*)(const char *sk, int how) → int (*)(const char *sk, char how)\n"
		  "func tcp_connect: prototype int tcp_connect(const char *sk, int how) → int tcp_connect(const char *sk, char how)\n" },
		{ S_ARRAY, { 2, 32, NULL }, "struct task_struct: member comm type char[16] → char[32]\n" },
		{ S_ANON2, { 0, 0, "eins" }, "typedef pair_t: member first renamed eins\n" },
		{ S_VAR, { 0, 0, NULL }, "var current_task: linkage global → static\n" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct told told = compare_edited(cases[i].id, cases[i].edit, NULL);

		CHECK_STRING(told.text, cases[i].text);
	}
}

static void looks_at_offsets_when_asked(void)
{
	struct btfpack_btf_diff_opts opts = { .size = sizeof(opts) };
	struct edit edit = { 1, 136, NULL };
	struct told told = compare_edited(S_DATASEC, edit, &opts);

	CHECK_STRING(told.text, "");
	opts.offsets = true;
	told = compare_edited(S_DATASEC, edit, &opts);
	CHECK_STRING(told.text, "datasec .data..percpu: variable current_task moved 128 → 136 bytes\n");
}

static void filters_kinds_and_names(void)
{
	struct edit edit = { 3, S_CHAR, NULL }; /* changes struct sock and func tcp_connect */
	struct btfpack_btf_diff_opts opts = { .size = sizeof(opts), .kinds = 1u << BTF_KIND_FUNC };
	struct told told = compare_edited(S_PROTO, edit, &opts);

	CHECK_INT(told.lines, 1);
	CHECK_INT(told.sum.total.same, 0);
	opts = (struct btfpack_btf_diff_opts){ .size = sizeof(opts), .pattern = "so*" };
	told = compare_edited(S_PROTO, edit, &opts);
	CHECK_INT(told.lines, 1);
	CHECK_CONTAINS(told.text, "struct sock");
	opts.pattern = "nothing";
	told = compare_edited(S_PROTO, edit, &opts);
	CHECK_INT(told.lines, 0);
}

/* struct pair twice under one name, of @first and @second ints, and a user of one. */
static struct btfpack_blob make_pairs(uint32_t first, uint32_t second, int used)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_blob blob = { 0 };
	uint32_t sizes[2] = { first, second }, ids[2];

	REQUIRE(btf_build_new(NULL, &b) == 0);
	help_int(b, "int", 4, BTF_INT_SIGNED);
	for (int i = 0; i < 2; i++)
		ids[i] = help_struct(b, BTF_KIND_STRUCT, "pair", 8,
				     HELP_MEMBERS(help_member(b, sizes[i] == 1 ? "x" : "y", 1, 0)));
	help_struct(b, BTF_KIND_STRUCT, "user", 8,
		    HELP_MEMBERS(help_member(b, "pair", ids[used], 0)));
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	return blob;
}

static void takes_namesakes_as_a_set(void)
{
	AUTO_BLOB struct btfpack_blob a = make_pairs(1, 2, 0), same = make_pairs(2, 1, 1);
	AUTO_BLOB struct btfpack_blob other = make_pairs(1, 2, 1), twice = make_pairs(1, 1, 0);
	struct told told = compare(&a, &same, NULL);

	CHECK_STRING(told.text, "");
	told = compare(&a, &other, NULL); /* the same set, but the user means the other one */
	CHECK_INT(told.sum.total.changed, 1);
	CHECK_CONTAINS(told.text, "struct user: member pair is another 'struct pair'");
	told = compare(&a, &twice, NULL);
	CHECK_STRING(told.text, "struct pair: member y renamed x\n");
}

static struct btfpack_blob make_enum(bool wide, int32_t value)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_blob blob = { 0 };
	struct btf_enum narrow_row;
	struct btf_enum64 wide_row;

	REQUIRE(btf_build_new(NULL, &b) == 0);
	narrow_row = (struct btf_enum){ help_name(b, "A"), value };
	wide_row = (struct btf_enum64){ help_name(b, "A"), (uint32_t)value, value < 0 ? ~0u : 0 };
	if (wide)
		help_type(b, BTF_KIND_ENUM64, "e", 1, 8, &wide_row);
	else
		help_type(b, BTF_KIND_ENUM, "e", 1, 8, &narrow_row);
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	return blob;
}

static void can_ignore_enum64(void)
{
	AUTO_BLOB struct btfpack_blob wide = make_enum(true, -5), narrow = make_enum(false, -5);
	AUTO_BLOB struct btfpack_blob other = make_enum(false, 6);
	struct btfpack_btf_diff_opts opts = { .size = sizeof(opts), .ignore_enum64 = true };
	struct told told = compare(&wide, &narrow, NULL);

	CHECK_CONTAINS(told.text, "enum e: kind enum64 → enum\n");
	told = compare(&wide, &narrow, &opts);
	CHECK_STRING(told.text, "");
	told = compare(&wide, &other, &opts);
	CHECK_INT(told.sum.by_kind[BTF_KIND_ENUM].changed, 1);
}

static void compares_split_btf(void)
{
	AUTO_BLOB struct btfpack_blob base = help_sample(false), a = { 0 }, b = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	struct btfpack_btf_diff_opts opts = { .size = sizeof(opts), .base_a = &base, .base_b = &base };
	struct told told;

	REQUIRE(btf_view_init(&view, base.data, base.size, NULL, "base", NULL) == 0);
	for (int i = 0; i < 2; i++) {
		AUTO_BTF_BUILD struct btf_build *build = NULL;

		REQUIRE(btf_build_new(&view, &build) == 0);
		help_struct(build, BTF_KIND_STRUCT, "module_thing", 16,
			    HELP_MEMBERS(help_member(build, "task", S_TASK_PTR, 0),
					 help_member(build, "n", i ? S_CHAR : S_INT, 64)));
		REQUIRE(btf_build_finish(build, false, i ? &b : &a) == 0);
	}
	told = compare(&a, &a, &opts);
	CHECK_INT(told.sum.total.same, 1);
	told = compare(&a, &b, &opts);
	CHECK_STRING(told.text, "struct module_thing: member n type int → char\n");
	opts.base_b = NULL;
	CHECK_INT(btfpack_btf_diff(&a, &b, &opts, NULL, NULL, &told.sum, NULL), -EBADMSG);
}

static void refuses_garbage(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false);
	struct btfpack_blob garbage = { (char[]){ "not BTF at all, but long enough" }, 30 };
	struct btfpack_btf_diff_summary sum;
	struct btfpack_error err;

	CHECK_INT(btfpack_btf_diff(&a, &garbage, NULL, NULL, NULL, &sum, &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "second: not BTF");
}

TEST_MAIN({ "a BTF equals itself", is_equal_to_itself },
	  { "order and ids do not matter", ignores_order_and_ids },
	  { "byte order does not matter", ignores_byte_order },
	  { "any one change is seen, and only it is told", sees_every_change },
	  { "sentences say what changed", says_what_changed },
	  { "places in sections count when asked", looks_at_offsets_when_asked },
	  { "kinds and names can be chosen", filters_kinds_and_names },
	  { "several definitions of a name are a set", takes_namesakes_as_a_set },
	  { "enum64 can pass for enum", can_ignore_enum64 },
	  { "split BTF compares on top of its base", compares_split_btf },
	  { "garbage is refused", refuses_garbage })
