/* SPDX-License-Identifier: BSD-2-Clause */
#include <btfpack/btf.h>

#include "tests/test.h"

#include "tests/btf-help.h"

struct heard {
	struct btfpack_btf_check_summary sum;
	char text[2048];
	int status;
};

static void listen(const struct btfpack_btf_problem *problem, void *arg)
{
	struct heard *heard = arg;
	size_t used = strlen(heard->text);

	snprintf(heard->text + used, sizeof(heard->text) - used, "%s: %s\n",
		 btfpack_btf_problem_name(problem->sort), problem->text);
}

static struct heard check(const struct btfpack_blob *btf, const struct btfpack_btf_check_opts *opts)
{
	struct heard heard = { 0 };

	heard.status = btfpack_btf_check(btf, opts, listen, &heard, &heard.sum, NULL);
	return heard;
}

static void accepts_every_kind(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false), swapped = help_sample(true);
	struct btfpack_btf_check_opts opts = { .size = sizeof(opts), .is_vmlinux = true };
	struct heard heard = check(&a, &opts);

	CHECK_STRING(heard.text, "");
	CHECK_INT(heard.status, 0);
	CHECK_INT(heard.sum.types, S_END - 1);
	CHECK_INT(heard.sum.by_kind[BTF_KIND_DECL_TAG], 2);
	CHECK_INT(check(&swapped, &opts).sum.errors, 0);
}

/* --- one thing wrong ------------------------------------------------------------------------------- */

struct damage {
	int word; /* of what follows the type; -1: info, -2: size or type, -3: name */
	uint32_t value;
	const char *name;
};

static void apply_damage(struct btf_build *b, const struct btf_view *view, struct help_copy *copy,
			 void *arg)
{
	const struct damage *damage = arg;
	uint32_t value = damage->name ? help_name(b, damage->name) : damage->value;

	if (damage->word == -1)
		copy->t.info = value;
	else if (damage->word == -2)
		copy->t.size = value;
	else if (damage->word == -3)
		copy->t.name_off = value;
	else
		copy->words[damage->word] = value;
}

static struct heard check_damaged(uint32_t id, struct damage damage)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false);
	AUTO_BLOB struct btfpack_blob b = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };

	REQUIRE(btf_view_init(&view, a.data, a.size, NULL, "a", NULL) == 0);
	b = help_rewrite(&view, NULL, id, apply_damage, &damage);
	return check(&b, NULL);
}

static void finds_what_is_wrong(void)
{
	static const struct {
		uint32_t id;
		struct damage damage;
		const char *sort, *text;
	} cases[] = {
		{ S_INT, { 0, 0x01000040, NULL }, "bad-size", "64 bits at offset 0 do not fit into 4" },
		{ S_INT, { 0, 0x03000020, NULL }, "bad-field", "more than one thing" },
		{ S_INT, { 0, 0x81000020, NULL }, "bad-field", "unknown bits" },
		{ S_INT, { -1, 0x81000000, NULL }, "bad-field", "its flag is set" },
		{ S_INT, { -1, 0x01100000, NULL }, "bad-field", "unknown bits are set in its info" },
		{ S_INT_PTR, { -1, 0x02000001, NULL }, "bad-field", "vlen 1 where none belongs" },
		{ S_INT_PTR, { -3, 0, "p" }, "bad-name", "has a name" },
		{ S_INT_PTR, { -2, S_VAR, NULL }, "bad-ref", "a var" },
		{ S_INT_PTR, { -2, S_FUNC, NULL }, "bad-ref", "a func" },
		{ S_TYPEDEF, { -3, 0, "" }, "bad-name", "a name is missing" },
		{ S_TYPEDEF, { -3, 0, "pid t" }, "bad-name", "'pid t' is not a valid name" },
		{ S_TYPEDEF, { -2, S_TYPE_TAG, NULL }, "bad-ref", "before a type tag" },
		{ S_TYPEDEF, { -2, S_TYPEDEF, NULL }, "loop", "to itself" },
		{ S_LIST_PTR, { -2, S_LIST_PTR, NULL }, "loop", "to itself" },
		{ S_LIST_HEAD, { 1, S_LIST_HEAD, NULL }, "loop", "contains itself by value" },
		{ S_LIST_HEAD, { 1, S_TASK, NULL }, "loop", "contains itself by value" },
		{ S_ARRAY, { 0, S_ARRAY, NULL }, "loop", "contains itself by value" },
		{ S_ARRAY, { 0, 0, NULL }, "bad-ref", "elements, id 0, have no size" },
		{ S_ARRAY, { 1, S_TASK, NULL }, "bad-ref", "is not an int" },
		{ S_ARRAY, { -2, 16, NULL }, "bad-field", "a size where none belongs" },
		{ S_LIST_HEAD, { 5, 96, NULL }, "bad-member", "member prev ends past the end" },
		{ S_LIST_HEAD, { 5, 65, NULL }, "bad-member", "does not start on a byte" },
		{ S_TASK, { 2, 64, NULL }, "bad-member", "member pid starts before" },
		{ S_LIST_HEAD, { 1, S_FWD, NULL }, "bad-ref", "member next, id 17, has no size" },
		{ S_LIST_HEAD, { 0, 0, "a-b" }, "bad-name", "'a-b'" },
		{ S_ANON, { 2, 8, NULL }, "bad-member", "of a union is not at its start" },
		{ S_BITS, { 2, 33u << 24, NULL }, "bad-member", "wider than its type" },
		{ S_BITS, { 2, 3u << 24 | 30, NULL }, "bad-member", "ends past the end, in bits" },
		{ S_BITS, { 1, S_INT_PTR, NULL }, "bad-member", "cannot be one" },
		{ S_STATE, { -2, 3, NULL }, "bad-size", "3 bytes" },
		{ S_STATE, { 0, 0, "" }, "bad-name", "missing" },
		{ S_FWD, { -2, 1, NULL }, "bad-field", "a type where none belongs" },
		{ S_FWD, { -3, 0, "sock" }, "unresolved", "its definition is there as id 10" },
		{ S_FUNC, { -2, S_INT, NULL }, "bad-ref", "its prototype, id 1, is a int" },
		{ S_FUNC, { -1, 0x0c000003, NULL }, "bad-field", "unknown linkage 3" },
		{ S_PROTO, { 1, 0, NULL }, "bad-ref", "parameter 0 is void" },
		{ S_PROTO, { -2, S_FUNC, NULL }, "bad-ref", "returns id 20" },
		{ S_VAR, { -2, 0, NULL }, "bad-ref", "id 0, has no size" },
		{ S_VAR, { 0, 7, NULL }, "bad-field", "unknown linkage 7" },
		{ S_DATASEC, { 1, 250, NULL }, "bad-member", "is not within its 256 bytes" },
		{ S_DATASEC, { 2, 4, NULL }, "bad-size", "has 4 bytes, its type 8" },
		{ S_DATASEC, { 0, S_INT, NULL }, "bad-ref", "is no variable" },
		{ S_DECL_TAG, { 0, 7, NULL }, "bad-field", "is on part 7 of 7" },
		{ S_DECL_TAG, { -2, S_INT, NULL }, "bad-ref", "is on id 1, a int" },
		{ S_FLOAT, { -2, 5, NULL }, "bad-size", "5 bytes" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct heard heard = check_damaged(cases[i].id, cases[i].damage);

		if (!strstr(heard.text, cases[i].sort) || !strstr(heard.text, cases[i].text))
			printf("# case %zu\n", i);
		CHECK_CONTAINS(heard.text, cases[i].sort);
		CHECK_CONTAINS(heard.text, cases[i].text);
		CHECK_INT(heard.status, strcmp(cases[i].sort, "unresolved") ? -EBADMSG : 0);
	}
}

/* --- the whole ------------------------------------------------------------------------------------- */

static void wants_one_task_struct(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false), b = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	struct btfpack_btf_check_opts opts = { .size = sizeof(opts), .is_vmlinux = true };
	struct damage damage = { -3, 0, "task_struct" };

	REQUIRE(btf_view_init(&view, a.data, a.size, NULL, "a", NULL) == 0);
	b = help_rewrite(&view, NULL, S_SOCK, apply_damage, &damage);
	CHECK_CONTAINS(check(&b, &opts).text, "not-kernel: BTF: 2 definitions of struct task_struct");
	CHECK_INT(check(&b, NULL).status, 0);
	btfpack_blob_free(&b);
	damage.name = "task";
	b = help_rewrite(&view, NULL, S_TASK, apply_damage, &damage);
	CHECK_CONTAINS(check(&b, &opts).text, "0 definitions of struct task_struct");
}

/* A list of @count structs, each pointing to the next, the last to the @last-th;
 * all of one name and shape. */
static struct btfpack_blob make_ring(uint32_t count, uint32_t last, const char *odd_name)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_blob blob = { 0 };

	REQUIRE(btf_build_new(NULL, &b) == 0);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t self = 1 + 2 * i, next = 1 + 2 * (i + 1 < count ? i + 1 : last);
		const char *name = odd_name && i == count - 1 ? odd_name : "next";

		CHECK_INT(btf_build_next_id(b), self);
		help_struct(b, BTF_KIND_STRUCT, "node", 8,
			    HELP_MEMBERS(help_member(b, name, self + 1, 0)));
		help_type(b, BTF_KIND_PTR, NULL, 0, next, NULL);
	}
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	return blob;
}

static void finds_equal_types(void)
{
	AUTO_BLOB struct btfpack_blob alone = make_ring(1, 0, NULL), ring = make_ring(5, 0, NULL);
	AUTO_BLOB struct btfpack_blob tail = make_ring(5, 3, NULL);
	AUTO_BLOB struct btfpack_blob odd = make_ring(5, 0, "other");
	struct btfpack_btf_check_opts opts = { .size = sizeof(opts), .skip_duplicates = true };

	CHECK_INT(check(&alone, NULL).sum.warnings, 0);
	/* Five nodes that each look like the one that points to itself. */
	CHECK_INT(check(&ring, NULL).sum.by_sort[BTFPACK_BTF_DUPLICATE], 8);
	CHECK_INT(check(&tail, NULL).sum.by_sort[BTFPACK_BTF_DUPLICATE], 8);
	/* One is told from the others, hence also those one, two, ... before it. */
	CHECK_INT(check(&odd, NULL).sum.by_sort[BTFPACK_BTF_DUPLICATE], 0);
	CHECK_CONTAINS(check(&ring, NULL).text, "duplicate: struct node (id 3): the same type as id 1");
	CHECK_INT(check(&ring, &opts).sum.warnings, 0);
}

static void finds_duplicates_in_a_doubled_btf(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false), b = { 0 };
	AUTO_BTF_BUILD struct btf_build *build = NULL;
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_FREE struct help_copy *copy = malloc(sizeof(*copy));
	uint32_t map[S_END] = { 0 };

	REQUIRE(copy && btf_view_init(&view, a.data, a.size, NULL, "a", NULL) == 0);
	REQUIRE(btf_build_new(NULL, &build) == 0);
	for (uint32_t i = 0; i < 2 * (S_END - 1); i++) {
		uint32_t id = 1 + i % (S_END - 1);
		const struct btf_type *t = btf_view_type(&view, id);

		for (uint32_t j = 1; j < S_END; j++)
			map[j] = j + (i < S_END - 1 ? 0 : S_END - 1);
		copy->t = *t;
		memcpy(copy->words, t + 1, btf_trailing_size(t));
		help_translate(build, &view, map, copy);
		REQUIRE(btf_build_type(build, &copy->t, copy->words, NULL) == 0);
	}
	REQUIRE(btf_build_finish(build, false, &b) == 0);
	/* All but the variable and its section, which may be there twice. */
	CHECK_INT(check(&b, NULL).sum.by_sort[BTFPACK_BTF_DUPLICATE], S_END - 1 - 2);
}

#define NODES 14

/* Moore's way, slow and plain: classes by odd, then by the classes of left and right. */
static uint32_t count_classes(const uint32_t left[], const uint32_t right[], const bool odd[])
{
	uint32_t class[NODES], next[NODES], classes = 0, before;

	for (uint32_t i = 0; i < NODES; i++)
		class[i] = odd[i];
	do {
		before = classes;
		classes = 0;
		for (uint32_t i = 0; i < NODES; i++) {
			uint32_t j = 0;

			while (j < i && (class[j] != class[i] || class[left[j]] != class[left[i]] ||
					 class[right[j]] != class[right[i]]))
				j++;
			next[i] = j < i ? next[j] : classes++;
		}
		memcpy(class, next, sizeof(class));
	} while (classes != before);
	return classes;
}

static void agrees_with_a_plain_way(void)
{
	uint32_t state = 4711, smallest = NODES, largest = 0;

	for (int round = 0; round < 400; round++) {
		AUTO_BTF_BUILD struct btf_build *b = NULL;
		AUTO_BLOB struct btfpack_blob blob = { 0 };
		uint32_t left[NODES], right[NODES], classes;
		bool odd[NODES];

		REQUIRE(btf_build_new(NULL, &b) == 0);
		for (uint32_t i = 0; i < NODES; i++) {
			left[i] = help_random(&state) % NODES;
			right[i] = round % 2 ? left[i] : help_random(&state) % NODES;
			odd[i] = help_random(&state) % 8 == 0;
			help_struct(b, BTF_KIND_STRUCT, "node", 16,
				    HELP_MEMBERS(help_member(b, odd[i] ? "odd" : "left",
							     2 + 2 * left[i], 0),
						 help_member(b, "right", 2 + 2 * right[i], 64)));
			help_type(b, BTF_KIND_PTR, NULL, 0, 1 + 2 * i, NULL);
		}
		REQUIRE(btf_build_finish(b, false, &blob) == 0);
		classes = count_classes(left, right, odd);
		smallest = classes < smallest ? classes : smallest;
		largest = classes > largest ? classes : largest;
		CHECK_INT(check(&blob, NULL).sum.by_sort[BTFPACK_BTF_DUPLICATE],
			  2 * (NODES - classes));
	}
	CHECK(smallest < NODES / 2 && largest == NODES);
}

static void tells_only_so_many(void)
{
	AUTO_BLOB struct btfpack_blob ring = make_ring(50, 0, NULL);
	struct btfpack_btf_check_opts opts = { .size = sizeof(opts), .most = 3 };
	struct heard heard = check(&ring, &opts);
	int lines = 0;

	for (const char *p = heard.text; (p = strchr(p, '\n')); p++)
		lines++;
	CHECK_INT(lines, 3);
	CHECK_INT(heard.sum.warnings, 98);
}

static void ends_on_long_chains(void)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	AUTO_BLOB struct btfpack_blob chain = { 0 }, ring = make_ring(20000, 0, "odd");
	struct heard heard;

	REQUIRE(btf_build_new(NULL, &b) == 0);
	for (uint32_t i = 1; i < 300000; i++)
		help_type(b, BTF_KIND_PTR, NULL, 0, i + 1, NULL);
	help_type(b, BTF_KIND_PTR, NULL, 0, 1, NULL);
	REQUIRE(btf_build_finish(b, false, &chain) == 0);
	heard = check(&chain, NULL);
	CHECK_INT(heard.sum.by_sort[BTFPACK_BTF_LOOP], 1);
	/* Every node differs from every other, but only as far as the odd one is away. */
	heard = check(&ring, NULL);
	CHECK_INT(heard.status, 0);
	CHECK_INT(heard.sum.warnings, 0);
}

static void says_the_first_error(void)
{
	AUTO_BLOB struct btfpack_blob a = help_sample(false), b = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	struct damage damage = { 5, 96, NULL };
	struct btfpack_btf_check_opts opts = { .size = sizeof(opts), .name = "k.btf" };
	struct btfpack_error err;

	REQUIRE(btf_view_init(&view, a.data, a.size, NULL, "a", NULL) == 0);
	b = help_rewrite(&view, NULL, S_LIST_HEAD, apply_damage, &damage);
	CHECK_INT(btfpack_btf_check(&b, &opts, NULL, NULL, NULL, &err), -EBADMSG);
	CHECK_STRING(err.message, "k.btf: struct list_head (id 5): member prev ends past the end, "
				  "in bytes (20, limit 16)");
}

/* Every file of tests/data must get the answer that its name says. */
static void judges_specimens(void)
{
	const char *dir = "tests/data";
	AUTO_DIR DIR *d = opendir(dir);
	struct dirent *entry;
	int count = 0;

	if (!d)
		SKIP("run from the top of the tree");
	while ((entry = readdir(d))) {
		AUTO_BLOB struct btfpack_blob blob = { 0 };
		struct btfpack_error err = { 0 };
		char path[512];
		int expected = !strncmp(entry->d_name, "bad-", 4) ? -EBADMSG :
			       !strncmp(entry->d_name, "good-", 5) ? 0 : -EOPNOTSUPP;

		if (!strstr(entry->d_name, ".btf"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		REQUIRE(fs_read(path, 1 << 20, &blob, NULL) == 0);
		if (btfpack_btf_check(&blob, NULL, NULL, NULL, NULL, &err) != expected)
			printf("# %s: %s\n", entry->d_name, err.message);
		CHECK_INT(btfpack_btf_check(&blob, NULL, NULL, NULL, NULL, &err), expected);
		count++;
	}
	CHECK(count > 20);
}

TEST_MAIN({ "every kind, well made, passes", accepts_every_kind },
	  { "what is wrong is found", finds_what_is_wrong },
	  { "a vmlinux has one task_struct", wants_one_task_struct },
	  { "equal types are found around cycles", finds_equal_types },
	  { "duplicates are those that a plain way finds", agrees_with_a_plain_way },
	  { "a BTF said twice is all duplicates", finds_duplicates_in_a_doubled_btf },
	  { "problems of a sort are told up to a number", tells_only_so_many },
	  { "long chains come to an end", ends_on_long_chains },
	  { "specimens are judged as their names say", judges_specimens },
	  { "the error is the first problem", says_the_first_error })
