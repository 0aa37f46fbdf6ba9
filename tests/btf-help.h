/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * BTF for tests: a small kernel with every kind in it, copies of any BTF with
 * its ids shuffled, and copies with one thing changed. A test program includes
 * this after test.h.
 */
#ifndef TESTS_BTF_HELP_H
#define TESTS_BTF_HELP_H

#include "btf/btf-build.h"
#include "btf/btf-view.h"
#include "core/fs.h"

/* --- building ------------------------------------------------------------------------------------- */

static inline uint32_t help_name(struct btf_build *b, const char *name)
{
	uint32_t offset = 0;

	REQUIRE(btf_build_string(b, name, &offset) == 0);
	return offset;
}

static inline uint32_t help_type(struct btf_build *b, unsigned int kind, const char *name,
				 unsigned int vlen, uint32_t size_or_type, const void *trailing)
{
	struct btf_type t = {
		.name_off = help_name(b, name),
		.info = btf_info(kind, vlen, false),
		.size = size_or_type,
	};
	uint32_t id = 0;

	REQUIRE(btf_build_type(b, &t, trailing, &id) == 0);
	return id;
}

static inline uint32_t help_int(struct btf_build *b, const char *name, uint32_t size,
				uint32_t encoding)
{
	uint32_t word = encoding << 24 | size * 8;

	return help_type(b, BTF_KIND_INT, name, 0, size, &word);
}

#define HELP_MEMBERS(...)                                                                          \
	(sizeof((struct btf_member[]){ __VA_ARGS__ }) / sizeof(struct btf_member)),                \
		(struct btf_member[]){ __VA_ARGS__ }

static inline uint32_t help_struct(struct btf_build *b, unsigned int kind, const char *name,
				   uint32_t size, size_t count, const struct btf_member *members)
{
	return help_type(b, kind, name, (unsigned int)count, size, members);
}

static inline struct btf_member help_member(struct btf_build *b, const char *name, uint32_t type,
					    uint32_t bit_offset)
{
	return (struct btf_member){ help_name(b, name), type, bit_offset };
}

/* A kernel in small: ids as in the enum, every kind but DATASEC's extern. */
enum sample_id {
	S_INT = 1, S_CHAR, S_ULONG, S_INT_PTR, S_LIST_HEAD, S_LIST_PTR, S_TASK, S_TASK_PTR, S_ANON,
	S_SOCK, S_ARRAY, S_CONST, S_CONST_PTR, S_STATE, S_WIDE, S_TYPEDEF, S_FWD, S_FWD_PTR, S_PROTO,
	S_FUNC, S_VAR, S_DATASEC, S_FLOAT, S_TYPE_TAG, S_TAGGED_PTR, S_DECL_TAG, S_UNION, S_FUNC_TAG,
	S_VOLATILE, S_RESTRICT, S_ANON_ENUM, S_TYPEDEF_ANON, S_ANON2, S_BITS, S_FUNC_PTR, S_END
};

static inline void help_sample_composites(struct btf_build *b)
{
	help_struct(b, BTF_KIND_STRUCT, "list_head", 16,
		    HELP_MEMBERS(help_member(b, "next", S_LIST_PTR, 0),
				 help_member(b, "prev", S_LIST_PTR, 64)));
	help_type(b, BTF_KIND_PTR, NULL, 0, S_LIST_HEAD, NULL);
	help_struct(b, BTF_KIND_STRUCT, "task_struct", 64,
		    HELP_MEMBERS(help_member(b, "state", S_STATE, 0),
				 help_member(b, "pid", S_TYPEDEF, 32),
				 help_member(b, "tasks", S_LIST_HEAD, 64),
				 help_member(b, "parent", S_TASK_PTR, 192),
				 help_member(b, "", S_ANON, 256),
				 help_member(b, "comm", S_ARRAY, 320),
				 help_member(b, "mm", S_FWD_PTR, 448)));
	help_type(b, BTF_KIND_PTR, NULL, 0, S_TASK, NULL);
	help_struct(b, BTF_KIND_UNION, NULL, 8,
		    HELP_MEMBERS(help_member(b, "flags", S_ULONG, 0),
				 help_member(b, "low", S_INT, 0)));
	help_struct(b, BTF_KIND_STRUCT, "sock", 32,
		    HELP_MEMBERS(help_member(b, "owner", S_TASK_PTR, 0),
				 help_member(b, "name", S_CONST_PTR, 64),
				 help_member(b, "user", S_TAGGED_PTR, 128),
				 help_member(b, "handler", S_FUNC_PTR, 192)));
}

static inline void help_sample_others(struct btf_build *b)
{
	static const struct btf_array array = { S_CHAR, S_ULONG, 16 };
	const struct btf_enum states[] = { { help_name(b, "RUNNING"), 0 },
					   { help_name(b, "SLEEPING"), 1 } };
	const struct btf_enum64 wides[] = { { help_name(b, "WIDE_MASK"), 0xffffffff, 0x7fffffff } };
	const struct btf_param params[] = { { help_name(b, "sk"), S_CONST_PTR },
					    { help_name(b, "how"), S_INT } };

	help_type(b, BTF_KIND_ARRAY, NULL, 0, 0, &array);
	help_type(b, BTF_KIND_CONST, NULL, 0, S_CHAR, NULL);
	help_type(b, BTF_KIND_PTR, NULL, 0, S_CONST, NULL);
	help_type(b, BTF_KIND_ENUM, "task_state", 2, 4, states);
	help_type(b, BTF_KIND_ENUM64, "wide", 1, 8, wides);
	help_type(b, BTF_KIND_TYPEDEF, "pid_t", 0, S_INT, NULL);
	help_type(b, BTF_KIND_FWD, "mm_struct", 0, 0, NULL);
	help_type(b, BTF_KIND_PTR, NULL, 0, S_FWD, NULL);
	help_type(b, BTF_KIND_FUNC_PROTO, NULL, 2, S_INT, params);
	help_type(b, BTF_KIND_FUNC, "tcp_connect", BTF_FUNC_GLOBAL, S_PROTO, NULL);
}

static inline void help_sample_rest(struct btf_build *b)
{
	const struct btf_var var = { BTF_VAR_GLOBAL_ALLOCATED };
	const struct btf_var_secinfo info = { S_VAR, 128, 8 };
	const struct btf_decl_tag on_member = { 1 }, on_func = { -1 };
	const struct btf_enum unnamed[] = { { help_name(b, "LIMIT"), 100 } };
	struct btf_type bits = { .name_off = help_name(b, "bits"),
				 .info = btf_info(BTF_KIND_STRUCT, 3, true),
				 .size = 4 };
	const struct btf_member fields[] = {
		{ help_name(b, "one"), S_INT, 1u << 24 | 0 },
		{ help_name(b, "two"), S_INT, 2u << 24 | 1 },
		{ help_name(b, "rest"), S_CHAR, 8 },
	};

	help_type(b, BTF_KIND_VAR, "current_task", 0, S_TASK_PTR, &var);
	help_type(b, BTF_KIND_DATASEC, ".data..percpu", 1, 256, &info);
	help_type(b, BTF_KIND_FLOAT, "double", 0, 8, NULL);
	help_type(b, BTF_KIND_TYPE_TAG, "user", 0, S_CHAR, NULL);
	help_type(b, BTF_KIND_PTR, NULL, 0, S_TYPE_TAG, NULL);
	help_type(b, BTF_KIND_DECL_TAG, "guarded", 0, S_TASK, &on_member);
	help_struct(b, BTF_KIND_UNION, "value", 8,
		    HELP_MEMBERS(help_member(b, "word", S_ULONG, 0),
				 help_member(b, "real", S_FLOAT, 0)));
	help_type(b, BTF_KIND_DECL_TAG, "kfunc", 0, S_FUNC, &on_func);
	help_type(b, BTF_KIND_VOLATILE, NULL, 0, S_INT, NULL);
	help_type(b, BTF_KIND_RESTRICT, NULL, 0, S_INT_PTR, NULL);
	help_type(b, BTF_KIND_ENUM, NULL, 1, 4, unnamed);
	help_type(b, BTF_KIND_TYPEDEF, "pair_t", 0, S_ANON2, NULL);
	help_struct(b, BTF_KIND_STRUCT, NULL, 8,
		    HELP_MEMBERS(help_member(b, "first", S_INT, 0),
				 help_member(b, "second", S_INT, 32)));
	btf_build_type(b, &bits, fields, NULL);
	help_type(b, BTF_KIND_PTR, NULL, 0, S_PROTO, NULL);
}

static inline struct btfpack_blob help_sample(bool other_order)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_blob blob = { 0 };

	REQUIRE(btf_build_new(NULL, &b) == 0);
	help_int(b, "int", 4, BTF_INT_SIGNED);
	help_int(b, "char", 1, BTF_INT_SIGNED);
	help_int(b, "long unsigned int", 8, 0);
	help_type(b, BTF_KIND_PTR, NULL, 0, S_INT, NULL);
	help_sample_composites(b);
	help_sample_others(b);
	help_sample_rest(b);
	REQUIRE(btf_build_next_id(b) == S_END);
	REQUIRE(btf_build_finish(b, other_order, &blob) == 0);
	return blob;
}

/* --- copying -------------------------------------------------------------------------------------- */

static inline uint32_t help_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A type and what follows it, writable, with its own names and ids. */
struct help_copy {
	struct btf_type t;
	uint32_t words[3 * 65536];
};

/* Move the names and ids within @copy from @view into @b by @map (NULL: keep ids). */
static inline void help_translate(struct btf_build *b, const struct btf_view *view,
				  const uint32_t *map, struct help_copy *copy)
{
	unsigned int kind = btf_type_kind(&copy->t), vlen = btf_type_vlen(&copy->t);
	/* Rows of the list: how many words, where a name and an id stand in them. */
	static const struct { int words, name, id, id2; } rows[NR_BTF_KINDS] = {
		[BTF_KIND_ARRAY] = { 3, -1, 0, 1 },	  [BTF_KIND_STRUCT] = { 3, 0, 1, -1 },
		[BTF_KIND_UNION] = { 3, 0, 1, -1 },	  [BTF_KIND_ENUM] = { 2, 0, -1, -1 },
		[BTF_KIND_ENUM64] = { 3, 0, -1, -1 },	  [BTF_KIND_FUNC_PROTO] = { 2, 0, 1, -1 },
		[BTF_KIND_DATASEC] = { 3, -1, 0, -1 },
	};
	uint32_t *row = copy->words;

	copy->t.name_off = help_name(b, btf_view_string(view, copy->t.name_off));
	if (map && btf_kind_has_ref(kind))
		copy->t.type = map[copy->t.type];
	for (unsigned int i = 0; rows[kind].words && i < (kind == BTF_KIND_ARRAY ? 1 : vlen); i++) {
		if (rows[kind].name >= 0)
			row[rows[kind].name] =
				help_name(b, btf_view_string(view, row[rows[kind].name]));
		if (map && rows[kind].id >= 0)
			row[rows[kind].id] = map[row[rows[kind].id]];
		if (map && rows[kind].id2 >= 0)
			row[rows[kind].id2] = map[row[rows[kind].id2]];
		row += rows[kind].words;
	}
}

typedef void (*help_change_fn)(struct btf_build *b, const struct btf_view *view,
			       struct help_copy *copy, void *arg);

/* Copy @view's types in the order @order (ids; NULL: as they are), id @victim
 * through @change once it has been translated. */
static inline struct btfpack_blob help_rewrite(const struct btf_view *view, const uint32_t *order,
					       uint32_t victim, help_change_fn change, void *arg)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	AUTO_FREE uint32_t *map = calloc(view->end_id, sizeof(*map));
	AUTO_FREE struct help_copy *copy = malloc(sizeof(*copy));
	struct btfpack_blob blob = { 0 };

	REQUIRE(map && copy && btf_build_new(NULL, &b) == 0);
	for (uint32_t i = 1; i < view->end_id; i++)
		map[order ? order[i] : i] = i;
	for (uint32_t i = 1; i < view->end_id; i++) {
		uint32_t id = order ? order[i] : i;
		const struct btf_type *t = btf_view_type(view, id);

		copy->t = *t;
		memcpy(copy->words, t + 1, btf_trailing_size(t));
		help_translate(b, view, map, copy);
		if (id == victim)
			change(b, view, copy, arg);
		REQUIRE(btf_build_type(b, &copy->t, copy->words, NULL) == 0);
	}
	REQUIRE(btf_build_finish(b, false, &blob) == 0);
	return blob;
}

/* The same BTF with its types, and so its strings, in another order. */
static inline struct btfpack_blob help_shuffle(const struct btf_view *view, uint32_t seed)
{
	AUTO_FREE uint32_t *order = calloc(view->end_id, sizeof(*order));

	REQUIRE(order);
	for (uint32_t i = 1; i < view->end_id; i++)
		order[i] = i;
	for (uint32_t i = view->end_id - 1; i > 1; i--) {
		uint32_t j = 1 + help_random(&seed) % i, swapped = order[i];

		order[i] = order[j];
		order[j] = swapped;
	}
	return help_rewrite(view, order, 0, NULL, NULL);
}

/* BTF to try a property on: the file BTFPACK_TEST_BTF names, or the sample. */
static inline struct btfpack_blob help_some_btf(void)
{
	const char *path = getenv("BTFPACK_TEST_BTF");
	struct btfpack_blob blob = { 0 };

	if (!path)
		return help_sample(false);
	REQUIRE(fs_read(path, (size_t)1 << 28, &blob, NULL) == 0);
	return blob;
}

#endif
