/* SPDX-License-Identifier: BSD-2-Clause */
/* The relocation engine's rules one by one, on types made by hand; tests/cli-minify.sh
 * has them as a compiler writes them. */
#include "tests/test.h"

#include "btfgen/btf-cut.h"
#include "btfgen/core-match.h"
#include "btfgen/core-types.h"
#include "tests/btf-help.h"

/* A BTF under construction, then read. Each test has a local and a kernel one. */
struct side {
	struct btf_build *b;
	struct btfpack_blob blob;
	struct btf_view view;
	struct core_btf btf;
};

static void begin(struct side *s)
{
	*s = (struct side){ 0 };
	REQUIRE(btf_build_new(NULL, &s->b) == 0);
	help_int(s->b, "int", 4, BTF_INT_SIGNED);  /* 1 */
	help_int(s->b, "long unsigned int", 8, 0); /* 2 */
	help_type(s->b, BTF_KIND_PTR, NULL, 0, 0, NULL); /* 3: void * */
}

static void finish(struct side *s)
{
	REQUIRE(btf_build_finish(s->b, false, &s->blob) == 0);
	REQUIRE(btf_view_init(&s->view, s->blob.data, s->blob.size, NULL, "test", NULL) == 0);
	s->btf = (struct core_btf){ .view = &s->view,
				    .pointer_size = btf_view_pointer_size(&s->view) };
}

static void end(struct side *s)
{
	btf_view_deinit(&s->view);
	btfpack_blob_free(&s->blob);
	btf_build_free(s->b);
}

static uint32_t add_struct(struct side *s, const char *name, uint32_t size, size_t count,
			   const struct btf_member *members)
{
	return help_struct(s->b, BTF_KIND_STRUCT, name, size, count, members);
}

/* The path of access string @access from type @id; NULL when it does not fit. */
static struct core_path *parse(const struct side *s, uint32_t id, const char *access,
			       enum bpf_core_relo_kind kind)
{
	static struct core_path path;
	struct bpf_object_section section = { .name = "test" };
	struct bpf_object object = { .name = (char *)"test", .btf = s->view, .sections = &section };
	struct bpf_object_relo relo = { .type_id = id, .access = access, .kind = kind };
	struct btfpack_error err = { 0 };
	int error = core_path_parse(&object, &s->btf, &relo, &path, &err);

	CHECK(!error || strstr(err.message, "does not fit"));
	return error ? NULL : &path;
}

static void parses_access_strings(void)
{
	static const struct btf_array four = { .type = 1, .index_type = 1, .nelems = 4 };
	static const char *const bad[] = { "",	  ":",	  "0:",	   "x",	    "0:9",  "0:1:4",
					   "0::1", "-1",  "0:0:0", "0 1",   "0:-1", "99999999999" };
	struct side s;
	uint32_t array, outer;
	struct core_path *path;
	char text[64];

	begin(&s);
	array = help_type(s.b, BTF_KIND_ARRAY, NULL, 0, 0, &four);
	outer = add_struct(&s, "outer", 24,
			   HELP_MEMBERS(help_member(s.b, "a", 1, 0),
					help_member(s.b, "b", array, 32)));
	finish(&s);
	path = parse(&s, outer, "1:1:3", BPF_CORE_FIELD_BYTE_OFFSET);
	REQUIRE(path);
	CHECK_INT(path->bit_offset, (24 + 4 + 12) * 8);
	core_path_format(&s.btf, path, BPF_CORE_FIELD_BYTE_OFFSET, text, sizeof(text));
	CHECK_STRING(text, "struct outer[1].b[3]");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!parse(&s, outer, bad[i], BPF_CORE_FIELD_BYTE_OFFSET));
	CHECK(!parse(&s, outer, "0:0", BPF_CORE_TYPE_EXISTS));
	CHECK(parse(&s, outer, "0", BPF_CORE_TYPE_EXISTS));
	CHECK(!parse(&s, outer, "0", BPF_CORE_ENUMVAL_VALUE));
	CHECK(!parse(&s, 0, "0", BPF_CORE_FIELD_BYTE_SIZE));
	end(&s);
}

/* A member of type @local_id against one of the same name of type @kernel_id. */
static int match_types(void (*fill)(struct side *), uint32_t local_id, uint32_t kernel_id)
{
	struct side local, kernel;
	struct core_path found;
	uint32_t l, k;
	int matched;

	begin(&local);
	fill(&local);
	l = add_struct(&local, "s", 8, HELP_MEMBERS(help_member(local.b, "m", local_id, 0)));
	finish(&local);
	begin(&kernel);
	fill(&kernel);
	k = add_struct(&kernel, "s", 16, HELP_MEMBERS(help_member(kernel.b, "m", kernel_id, 64)));
	finish(&kernel);
	matched = core_match(&local.btf, parse(&local, l, "0:0", BPF_CORE_FIELD_EXISTS),
			     BPF_CORE_FIELD_EXISTS, &kernel.btf, k, &found);
	if (matched > 0)
		CHECK_INT(found.bit_offset, 64);
	end(&local);
	end(&kernel);
	return matched;
}

enum { INT = 1, LONG, POINTER, STRUCT, UNION, ENUM_A, ENUM_B, ENUM_NONE, ENUM64_A, FWD, FLOAT, ARRAY,
       ARRAY_STRUCT, ODD_INT, CONST_INT, TYPEDEF, SELF_ARRAY };

static void fill_types(struct side *s)
{
	static const struct btf_array array = { INT, INT, 3 }, of_struct = { STRUCT, INT, 3 },
				      self = { SELF_ARRAY, INT, 2 };
	uint32_t odd = 4u << 16 | 3; /* three bits at bit four, as before 2019 */

	help_type(s->b, BTF_KIND_STRUCT, "x", 0, 8, NULL);
	help_type(s->b, BTF_KIND_UNION, "y", 0, 8, NULL);
	help_type(s->b, BTF_KIND_ENUM, "a", 0, 4, NULL);
	help_type(s->b, BTF_KIND_ENUM, "b___flavour", 0, 4, NULL);
	help_type(s->b, BTF_KIND_ENUM, NULL, 0, 4, NULL);
	help_type(s->b, BTF_KIND_ENUM64, "a___wide", 0, 8, NULL);
	help_type(s->b, BTF_KIND_FWD, "x", 0, 0, NULL);
	help_type(s->b, BTF_KIND_FLOAT, "float", 0, 4, NULL);
	help_type(s->b, BTF_KIND_ARRAY, NULL, 0, 0, &array);
	help_type(s->b, BTF_KIND_ARRAY, NULL, 0, 0, &of_struct);
	help_type(s->b, BTF_KIND_INT, "odd", 0, 4, &odd);
	help_type(s->b, BTF_KIND_CONST, NULL, 0, INT, NULL);
	help_type(s->b, BTF_KIND_TYPEDEF, "int_t", 0, CONST_INT, NULL);
	help_type(s->b, BTF_KIND_ARRAY, NULL, 0, 0, &self);
}

static void compares_field_types(void)
{
	static const struct {
		uint32_t local, kernel;
		int expected;
	} rows[] = {
		{ INT, LONG, 1 },	   { INT, POINTER, 0 },	      { POINTER, POINTER, 1 },
		{ STRUCT, UNION, 1 },	   { STRUCT, INT, 0 },	      { ENUM_A, ENUM_A, 1 },
		{ ENUM_A, ENUM_B, 0 },	   { ENUM_A, ENUM_NONE, 1 },  { ENUM_A, ENUM64_A, 1 },
		{ ENUM_A, INT, 0 },	   { FWD, FWD, 1 },	      { FWD, STRUCT, 0 },
		{ FLOAT, FLOAT, 1 },	   { ARRAY, ARRAY, 1 },	      { ARRAY, ARRAY_STRUCT, 0 },
		{ ARRAY, INT, 0 },	   { INT, ODD_INT, 0 },	      { ODD_INT, INT, 0 },
		{ TYPEDEF, LONG, 1 },	   { INT, TYPEDEF, 1 },	      { SELF_ARRAY, ARRAY, 0 },
		{ SELF_ARRAY, SELF_ARRAY, -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int got = match_types(fill_types, rows[i].local, rows[i].kernel);

		if (got != rows[i].expected)
			printf("# row %zu\n", i);
		CHECK_INT(got, rows[i].expected);
	}
}

/* struct list { struct list *next; T value; } and what may stand behind a pointer. */
static uint32_t add_list(struct side *s, const char *pointee, unsigned int kind, uint32_t value)
{
	uint32_t next = btf_build_next_id(s->b), pointer;

	help_type(s->b, kind, pointee, 0, kind == BTF_KIND_FWD ? 0 : 4, NULL);
	pointer = help_type(s->b, BTF_KIND_PTR, NULL, 0, next, NULL);
	return add_struct(s, "list", 16,
			  HELP_MEMBERS(help_member(s->b, "next", pointer, 0),
				       help_member(s->b, "value", value, 64)));
}

static int match_lists(const char *local_name, unsigned int local_kind, uint32_t local_value,
		       const char *kernel_name, unsigned int kernel_kind, uint32_t kernel_value)
{
	struct side local, kernel;
	uint32_t l, k;
	int matched;

	begin(&local);
	l = add_list(&local, local_name, local_kind, local_value);
	finish(&local);
	begin(&kernel);
	k = add_list(&kernel, kernel_name, kernel_kind, kernel_value);
	finish(&kernel);
	matched = core_types_match(&local.btf, l, &kernel.btf, k);
	end(&local);
	end(&kernel);
	return matched;
}

static void matches_whole_types(void)
{
	CHECK_INT(match_lists("x", BTF_KIND_STRUCT, 1, "x", BTF_KIND_STRUCT, 1), 1);
	CHECK_INT(match_lists("x", BTF_KIND_STRUCT, 1, "y", BTF_KIND_STRUCT, 1), 0);
	CHECK_INT(match_lists("x", BTF_KIND_STRUCT, 1, "x", BTF_KIND_UNION, 1), 0);
	CHECK_INT(match_lists("x", BTF_KIND_STRUCT, 1, "x", BTF_KIND_FWD, 1), 1);
	CHECK_INT(match_lists("x", BTF_KIND_UNION, 1, "x", BTF_KIND_FWD, 1), 0);
	CHECK_INT(match_lists("x", BTF_KIND_FWD, 1, "x", BTF_KIND_STRUCT, 1), 1);
	CHECK_INT(match_lists("x", BTF_KIND_FWD, 1, "x", BTF_KIND_UNION, 1), 0);
	CHECK_INT(match_lists("x___f", BTF_KIND_STRUCT, 1, "x", BTF_KIND_STRUCT, 1), 1);
	CHECK_INT(match_lists("x", BTF_KIND_STRUCT, 1, "x", BTF_KIND_STRUCT, 2), 0);
	CHECK_INT(match_lists("x", BTF_KIND_STRUCT, 3, "x", BTF_KIND_STRUCT, 3), 1);
}

static void names_end_before_flavours(void)
{
	static const struct {
		const char *name;
		size_t length;
	} rows[] = {
		{ "task", 4 },	  { "task___old", 4 }, { "a___b___c", 5 },	{ "___x", 4 },
		{ "task___", 7 }, { "task____x", 9 },  { "task__x", 7 },	{ "", 0 },
		{ "a___b", 1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(btf_essential_length(rows[i].name), rows[i].length);
}

/* An instruction at a time, as libbpf patches it. */
static void patches_instructions(void)
{
	struct core_value old = { .value = 8, .load_size = 8, .is_exact = true };
	struct core_result result = { .value = 16, .load_size = 4 };
	struct bpf_insn load = { .code = BPF_LDX | BPF_MEM | BPF_DW, .off = 8 };
	struct bpf_insn add = { .code = BPF_ALU64 | BPF_ADD | BPF_K, .imm = 8 };
	struct bpf_insn wide[2] = { { .code = BPF_LD | BPF_IMM | BPF_DW, .imm = 8 }, { 0 } };
	struct bpf_insn jump = { .code = BPF_JMP | BPF_JA };
	struct bpf_insn copy;

	copy = load;
	CHECK_INT(core_patch(&old, result, &copy, 1).state, CORE_VALUE);
	CHECK_INT(copy.off, 16);
	CHECK_INT(copy.code, BPF_LDX | BPF_MEM | BPF_W);
	copy = add;
	CHECK_INT(core_patch(&old, result, &copy, 1).state, CORE_VALUE);
	CHECK_INT(copy.imm, 16);
	result.value = 0x100000010;
	CHECK_INT(core_patch(&old, result, wide, 2).state, CORE_VALUE);
	CHECK_INT(wide[0].imm, 0x10);
	CHECK_INT(wide[1].imm, 1);
	copy = load; /* an offset beyond what the instruction holds */
	CHECK_INT(core_patch(&old, result, &copy, 1).why, CORE_WHY_RANGE);
	copy = jump;
	CHECK_INT(core_patch(&old, result, &copy, 1).why, CORE_WHY_INSTRUCTION);
	copy = wide[0]; /* cut off */
	CHECK_INT(core_patch(&old, result, &copy, 1).state, CORE_REFUSED);
	copy = load;
	copy.off = 9; /* not what the compiler wrote for that field */
	CHECK_INT(core_patch(&old, result, &copy, 1).why, CORE_WHY_INSTRUCTION);
	result = (struct core_result){ .value = 16, .load_size = 4, .is_misfit = true };
	copy = load;
	CHECK_INT(core_patch(&old, result, &copy, 1).state, CORE_POISONED);
	CHECK_INT(copy.imm, CORE_POISON_CALL);
	copy = add; /* arithmetic does not mind */
	CHECK_INT(core_patch(&old, result, &copy, 1).state, CORE_VALUE);
	result = (struct core_result){ .state = CORE_POISONED };
	core_patch(&old, result, wide, 2);
	CHECK_INT(wide[1].imm, CORE_POISON_CALL);
}

TEST_MAIN({ "parses access strings", parses_access_strings },
	  { "compares the types of fields", compares_field_types },
	  { "matches whole types", matches_whole_types },
	  { "finds where a flavour begins", names_end_before_flavours },
	  { "patches instructions", patches_instructions })
