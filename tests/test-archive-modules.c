/* SPDX-License-Identifier: BSD-2-Clause */
/* Modules in the store: they come back as they were, and live and die with their kernel. */
#include <sqlite3.h>

#include <btfpack/archive.h>

#include "btf/btf-build.h"
#include "btf/btf-view.h"
#include "tests/scratch.h"
#include "tests/test.h"

static void close_archive(struct btfpack_archive **a)
{
	btfpack_archive_close(*a);
}
#define AUTO_ARCHIVE CLEANUP(close_archive)

static void free_modules(struct btfpack_modules *modules)
{
	btfpack_modules_free(modules);
}
#define AUTO_MODULES CLEANUP(free_modules)

static struct btfpack_error err;

static struct btfpack_archive *new_archive(const char *name)
{
	struct btfpack_archive *a = NULL;

	if (btfpack_archive_open(scratch(name), BTFPACK_ARCHIVE_CREATE, &a, &err))
		printf("# %s\n", err.message);
	REQUIRE(a != NULL);
	return a;
}

static struct btfpack_kernel kernel(const char *uname, const char *build_id)
{
	return (struct btfpack_kernel){ "debian", "12", "x86_64", uname, build_id };
}

/* Split BTF: a struct of @name with two members, of the base's first type and of a
 * pointer to itself; a name that the base has, too. */
static struct btfpack_blob module_btf(const struct btfpack_blob *base, const char *name,
				      uint32_t size)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_BTF_BUILD struct btf_build *build = NULL;
	struct btfpack_blob btf = { 0 };
	struct btf_member members[2] = { { .type = 1 }, { .offset = 64 } };
	struct btf_type t = { .info = btf_info(BTF_KIND_STRUCT, 2, false), .size = size };
	uint32_t id;

	REQUIRE(btf_view_init(&view, base->data, base->size, NULL, "base", &err) == 0);
	REQUIRE(btf_build_new(&view, &build) == 0);
	btf_build_string(build, name, &t.name_off);
	btf_build_string(build, btf_view_name(&view, btf_view_type(&view, 1)), &members[0].name_off);
	btf_build_string(build, "next", &members[1].name_off);
	members[1].type = btf_build_next_id(build) + 1;
	btf_build_type(build, &t, members, &id);
	t = (struct btf_type){ .info = btf_info(BTF_KIND_PTR, 0, false), .type = id };
	btf_build_type(build, &t, NULL, NULL);
	REQUIRE(btf_build_finish(build, view.other_order, &btf) == 0);
	return btf;
}

struct fixture {
	struct btfpack_archive *a;
	struct btfpack_blob base;
	struct btfpack_id id;
	struct btfpack_module_btf modules[3];
};

static void fixture_deinit(struct fixture *f)
{
	btfpack_archive_close(f->a);
	btfpack_blob_free(&f->base);
	for (int i = 0; i < 3; i++)
		btfpack_blob_free(&f->modules[i].btf);
}
#define AUTO_FIXTURE CLEANUP(fixture_deinit)

/* An archive with one kernel, made of @seed, and three modules that are not stored yet. */
static struct fixture fixture(const char *name, const struct btfpack_kernel *k, unsigned int seed)
{
	struct fixture f = { .a = new_archive(name), .base = scratch_btf(seed, 20) };

	f.modules[0] = (struct btfpack_module_btf){ "xfs", module_btf(&f.base, "xfs_inode", 16) };
	f.modules[1] = (struct btfpack_module_btf){ "ext4", module_btf(&f.base, "ext4_inode", 24) };
	f.modules[2] = (struct btfpack_module_btf){ "nf_nat", module_btf(&f.base, "nf_nat", 32) };
	REQUIRE(btfpack_archive_add(f.a, k, NULL, &f.base, NULL, &f.id, &err) == 0);
	return f;
}

static int add_modules(struct fixture *f, const struct btfpack_kernel *k, size_t count)
{
	int error = btfpack_archive_add_modules(f->a, k, &f->id, f->modules, count, 2, &err);

	if (error < 0)
		printf("# %s\n", err.message);
	return error;
}

static int verify_aloud(struct btfpack_archive *a)
{
	int problems = btfpack_archive_verify(a, NULL, &err);

	if (problems < 0)
		printf("# %s\n", err.message);
	return problems;
}

static bool is_same(const struct btfpack_module_btf *a, const struct btfpack_module_btf *b)
{
	return !strcmp(a->name, b->name) && a->btf.size == b->btf.size &&
	       !memcmp(a->btf.data, b->btf.data, a->btf.size);
}

/* As btfpack_archive_get_modules(), of the kernel @k. */
static int get_modules(struct btfpack_archive *a, const struct btfpack_kernel *k,
		       const char *pattern, struct btfpack_modules *ret)
{
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;
	int error = -ENOENT;

	REQUIRE(btfpack_archive_list(a, k, NULL, &it, &err) == 0);
	if (btfpack_entry_iter_next(it, &e, &err) > 0)
		error = btfpack_archive_get_modules(a, e, pattern, ret, &err);
	btfpack_entry_iter_free(it);
	return error;
}

/* What the listing says of the one full BTF. */
static int listed_modules(struct btfpack_archive *a, bool *has_ret)
{
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;
	int count = -1;

	REQUIRE(btfpack_archive_list(a, NULL, NULL, &it, &err) == 0);
	while (btfpack_entry_iter_next(it, &e, &err) > 0) {
		count = (int)e->modules;
		*has_ret = e->has_modules;
	}
	btfpack_entry_iter_free(it);
	return count;
}

static void test_round_trip(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("round", &k, 1);
	AUTO_MODULES struct btfpack_modules all = { 0 }, some = { 0 }, none = { 0 };
	struct btfpack_archive_stats stats;
	bool has = true;

	CHECK_INT(get_modules(f.a, &k, NULL, &all), -ENOENT);
	CHECK_INT(listed_modules(f.a, &has), 0);
	CHECK(!has);
	CHECK_INT(add_modules(&f, &k, 3), 0);
	CHECK_INT(add_modules(&f, &k, 3), 1);
	CHECK_INT(get_modules(f.a, &k, NULL, &all), 0);
	REQUIRE(all.count == 3);
	CHECK(is_same(&all.modules[0], &f.modules[1])); /* by name */
	CHECK(is_same(&all.modules[1], &f.modules[2]));
	CHECK(is_same(&all.modules[2], &f.modules[0]));
	CHECK_INT(get_modules(f.a, &k, "*f*", &some), 0);
	CHECK_INT(some.count, 2);
	CHECK_INT(get_modules(f.a, &k, "btrfs", &none), 0);
	CHECK_INT(none.count, 0);
	CHECK_INT(listed_modules(f.a, &has), 3);
	CHECK(has);
	CHECK_INT(btfpack_archive_get_stats(f.a, NULL, &stats, &err), 0);
	CHECK_INT(stats.modules, 3);
	CHECK_INT(stats.module_kernels, 1);
	CHECK(stats.module_bytes > 0);
	CHECK_INT(verify_aloud(f.a), 0);
}

/* Big-endian BTF, from a little-endian machine or the other way round. */
static void test_other_order(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	CLEANUP(btfpack_blob_free) struct btfpack_blob plain = scratch_btf(1, 20), other = { 0 };
	CLEANUP(btfpack_blob_free) struct btfpack_blob module = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_BTF_BUILD struct btf_build *build = NULL;
	AUTO_ARCHIVE struct btfpack_archive *a = new_archive("order");
	AUTO_MODULES struct btfpack_modules got = { 0 };
	struct btfpack_module_btf m = { .name = "xfs" };
	struct btfpack_id id;

	REQUIRE(btf_view_init(&view, plain.data, plain.size, NULL, "plain", &err) == 0);
	REQUIRE(btf_build_new(NULL, &build) == 0);
	for (uint32_t at = 1; at < 4; at++) {
		struct btf_type t = { .info = btf_info(BTF_KIND_INT, 0, false), .size = at };
		uint32_t encoding = 8 * at;

		btf_build_string(build, at == 1 ? "one" : at == 2 ? "two" : "three", &t.name_off);
		btf_build_type(build, &t, &encoding, NULL);
	}
	REQUIRE(btf_build_finish(build, true, &other) == 0);
	module = module_btf(&other, "xfs_inode", 16);
	CHECK(memcmp(module.data, other.data, 4) == 0);
	m.btf = module;
	CHECK_INT(btfpack_archive_add(a, &k, NULL, &other, NULL, &id, &err), 0);
	CHECK_INT(btfpack_archive_add_modules(a, &k, &id, &m, 1, 0, &err), 0);
	CHECK_INT(get_modules(a, &k, NULL, &got), 0);
	REQUIRE(got.count == 1);
	CHECK(is_same(&got.modules[0], &m));
	CHECK_INT(verify_aloud(a), 0);
}

/* A second kernel's are told by the first one's, and outlive it. */
static void test_series(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd"), k2 = kernel("6.1.0-2", "abce");
	AUTO_FIXTURE struct fixture f = fixture("series", &k, 1);
	AUTO_FIXTURE struct fixture g = fixture("other", &k2, 2);
	AUTO_MODULES struct btfpack_modules got = { 0 };
	struct btfpack_archive *other = g.a;
	uint64_t freed = 0;

	CHECK_INT(add_modules(&f, &k, 3), 0);
	CHECK_INT(btfpack_archive_add(f.a, &k2, NULL, &g.base, NULL, &g.id, &err), 0);
	g.a = f.a;
	CHECK_INT(add_modules(&g, &k2, 3), 0);
	g.a = other;
	CHECK_INT(btfpack_archive_remove(f.a, &k, NULL, &err), 0);
	CHECK_INT(get_modules(f.a, &k, NULL, &got), -ENOENT);
	CHECK_INT(btfpack_archive_collect(f.a, &freed, &err), 0);
	CHECK_INT(verify_aloud(f.a), 0);
	CHECK_INT(get_modules(f.a, &k2, NULL, &got), 0);
	REQUIRE(got.count == 3);
	CHECK(is_same(&got.modules[2], &g.modules[0]));
	CHECK_INT(btfpack_archive_remove(f.a, &k2, NULL, &err), 0);
	CHECK_INT(btfpack_archive_collect(f.a, &freed, &err), 0);
	CHECK(freed > 0);
	CHECK_INT(verify_aloud(f.a), 0);
}

/* Another BTF under the same key: the modules stood on the one before. */
static void test_replaced_kernel(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("replaced", &k, 1);
	CLEANUP(btfpack_blob_free) struct btfpack_blob changed = scratch_btf(3, 20);
	AUTO_MODULES struct btfpack_modules got = { 0 };

	CHECK_INT(add_modules(&f, &k, 3), 0);
	CHECK_INT(btfpack_archive_add(f.a, &k, NULL, &changed, NULL, NULL, &err), 0);
	CHECK_INT(get_modules(f.a, &k, NULL, &got), -ENOENT);
	CHECK_INT(add_modules(&f, &k, 3), -ENOENT); /* on the old one */
	CHECK_INT(verify_aloud(f.a), 0);
}

/* The build-id becomes known later: the same kernel, with its modules. */
static void test_build_id_learnt(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", NULL), known = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("learnt", &k, 1);
	AUTO_MODULES struct btfpack_modules got = { 0 };

	CHECK_INT(add_modules(&f, &k, 3), 0);
	CHECK_INT(btfpack_archive_add(f.a, &known, NULL, &f.base, NULL, NULL, &err), 1);
	CHECK_INT(get_modules(f.a, &known, NULL, &got), 0);
	CHECK_INT(got.count, 3);
	CHECK_INT(verify_aloud(f.a), 0);
}

static void test_no_modules(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("none", &k, 1);
	AUTO_MODULES struct btfpack_modules got = { 0 };
	bool has = false;

	CHECK_INT(add_modules(&f, &k, 0), 0);
	CHECK_INT(get_modules(f.a, &k, NULL, &got), 0);
	CHECK_INT(got.count, 0);
	CHECK_INT(listed_modules(f.a, &has), 0);
	CHECK(has);
	CHECK_INT(verify_aloud(f.a), 0);
}

/* Copied there and back in either order, two archives agree. */
static void test_copy(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("copy", &k, 1);
	AUTO_ARCHIVE struct btfpack_archive *b = new_archive("copied");
	AUTO_MODULES struct btfpack_modules got = { 0 }, back = { 0 };
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;

	CHECK_INT(add_modules(&f, &k, 3), 0);
	CHECK_INT(get_modules(f.a, &k, NULL, &got), 0);
	REQUIRE(btfpack_archive_list(f.a, NULL, NULL, &it, &err) == 0);
	REQUIRE(btfpack_entry_iter_next(it, &e, &err) == 1);
	CHECK_INT(btfpack_archive_copy_modules(b, e, &got, &err), -ENOENT);
	CHECK_INT(btfpack_archive_copy(b, e, &f.base, &err), 0);
	CHECK_INT(btfpack_archive_copy_modules(b, e, &got, &err), 0);
	CHECK_INT(btfpack_archive_copy_modules(b, e, &got, &err), 1);
	got.count = 2; /* fewer, as of the same time: one of the two stands in either archive */
	int one = btfpack_archive_copy_modules(b, e, &got, &err);

	CHECK(one == 0 || one == BTFPACK_ARCHIVE_OLDER);
	got.count = 3;
	CHECK_INT(btfpack_archive_copy_modules(b, e, &got, &err), one ? 1 : BTFPACK_ARCHIVE_OLDER);
	CHECK_INT(get_modules(b, &k, NULL, &back), 0);
	CHECK_INT(back.count, one ? 3 : 2);
	CHECK_INT(verify_aloud(b), 0);
	btfpack_entry_iter_free(it);
}

/* An archive of the format before there were modules. */
static void test_older_format(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("older", &k, 1);
	AUTO_MODULES struct btfpack_modules got = { 0 };
	struct btfpack_archive *a = NULL;
	bool has = true;
	sqlite3 *db;

	btfpack_archive_close(f.a);
	f.a = NULL;
	REQUIRE(sqlite3_open(scratch("older/index.sqlite"), &db) == SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, "DROP TABLE modules; DROP TABLE module_names; PRAGMA "
			       "user_version = 1", NULL, NULL, NULL),
		  SQLITE_OK);
	sqlite3_close(db);
	CHECK_INT(btfpack_archive_open(scratch("older"), BTFPACK_ARCHIVE_READ_ONLY, &a, &err),
		  -EOPNOTSUPP);
	CHECK_CONTAINS(err.message, "older");
	f.a = new_archive("older");
	CHECK_INT(listed_modules(f.a, &has), 0);
	CHECK(!has);
	CHECK_INT(add_modules(&f, &k, 3), 0);
	CHECK_INT(get_modules(f.a, &k, NULL, &got), 0);
	CHECK_INT(got.count, 3);
	CHECK_INT(verify_aloud(f.a), 0);
	CHECK_INT(btfpack_archive_open(scratch("older"), BTFPACK_ARCHIVE_READ_ONLY, &a, &err), 0);
	btfpack_archive_close(a);
}

static void test_bad(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("bad", &k, 1);
	CLEANUP(btfpack_blob_free)
	struct btfpack_blob marked = module_btf(&f.base, "module x", 16);
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	struct btf_type *t;
	static const char *const names[] = { "", ".hidden", "a/b", "a b", "vmlinux", "xfs" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		f.modules[1].name = names[i]; /* the last is the name of another, too */
		CHECK_INT(add_modules(&f, &k, 3), -EINVAL);
	}
	f.modules[1].name = "ext4";
	f.modules[1].btf.size--;
	CHECK_INT(add_modules(&f, &k, 3), -EBADMSG);
	f.modules[1].btf.size++;
	/* What looks like the mark between two modules. */
	btfpack_blob_free(&f.modules[1].btf);
	t = (struct btf_type *)((uint8_t *)marked.data + sizeof(struct btf_header));
	t->info = btf_info(BTF_KIND_FWD, 0, false);
	memmove(t + 1, (uint8_t *)(t + 1) + 2 * sizeof(struct btf_member),
		marked.size - sizeof(struct btf_header) - sizeof(*t) - 2 * sizeof(struct btf_member));
	marked.size -= 2 * sizeof(struct btf_member);
	((struct btf_header *)marked.data)->type_len -= 2 * sizeof(struct btf_member);
	((struct btf_header *)marked.data)->str_off -= 2 * sizeof(struct btf_member);
	f.modules[1].btf = marked;
	marked = (struct btfpack_blob){ 0 };
	CHECK_INT(add_modules(&f, &k, 3), -EBADMSG);
	CHECK_INT(verify_aloud(f.a), 0);
}

/* --- read where they matter ----------------------------------------------------------------------- */

static void close_stored(struct btfpack_stored_modules **m)
{
	btfpack_stored_modules_close(*m);
}
#define AUTO_STORED CLEANUP(close_stored)

/* As btfpack_archive_open_modules(), of the kernel @k. */
static struct btfpack_stored_modules *open_stored(struct btfpack_archive *a,
						  const struct btfpack_kernel *k)
{
	struct btfpack_stored_modules *m = NULL;
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;

	REQUIRE(btfpack_archive_list(a, k, NULL, &it, &err) == 0);
	REQUIRE(btfpack_entry_iter_next(it, &e, &err) == 1);
	if (btfpack_archive_open_modules(a, e, &m, &err))
		printf("# %s\n", err.message);
	REQUIRE(m != NULL);
	btfpack_entry_iter_free(it);
	return m;
}

static bool may_have(const struct btfpack_stored_modules *m, unsigned int kind, const char *name)
{
	const struct btfpack_module_source *source = btfpack_stored_modules_source(m);

	return source->may_have(kind, name, source->arg);
}

static int wants_struct(unsigned int kind, const char *name, void *arg)
{
	return kind == BTF_KIND_STRUCT && !strcmp(name, arg);
}

/* The modules with a struct of @name, as "one two". */
static const char *load_with(const struct btfpack_stored_modules *m, const char *name)
{
	const struct btfpack_module_source *source = btfpack_stored_modules_source(m);
	const struct btfpack_module_btf *modules;
	static char text[100];
	size_t count;

	if (source->load(wants_struct, (char *)name, &modules, &count, source->arg, &err))
		return err.message;
	*text = '\0';
	for (size_t i = 0; i < count; i++) {
		strcat(text, i ? " " : "");
		strcat(text, modules[i].name);
	}
	return text;
}

static void check_source(const struct btfpack_stored_modules *m)
{
	CHECK_INT(btfpack_stored_modules_source(m)->count, 3);
	CHECK(may_have(m, BTF_KIND_STRUCT, "xfs_inode"));
	CHECK(may_have(m, BTF_KIND_STRUCT, "xfs_inode___flavour"));
	CHECK_STRING(load_with(m, "xfs_inode"), "xfs");
	CHECK_STRING(load_with(m, "nf_nat"), "nf_nat");
	CHECK_STRING(load_with(m, "inode"), "");
}

static void test_source(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd"), k2 = kernel("6.1.0-2", "abce");
	AUTO_FIXTURE struct fixture f = fixture("source", &k, 1);
	AUTO_STORED struct btfpack_stored_modules *m = NULL, *none = NULL;

	CHECK_INT(add_modules(&f, &k, 3), 0);
	m = open_stored(f.a, &k);
	check_source(m);
	CHECK(!may_have(m, BTF_KIND_STRUCT, "inode"));
	CHECK(!may_have(m, BTF_KIND_UNION, "xfs_inode"));
	CHECK(!may_have(m, BTF_KIND_FUNC, ""));
	CHECK(!may_have(m, BTF_KIND_TYPEDEF, "btf_trace_"));
	CHECK_INT(btfpack_archive_add(f.a, &k2, NULL, &f.base, NULL, NULL, &err), 0);
	CHECK_INT(add_modules(&f, &k2, 0), 0);
	none = open_stored(f.a, &k2);
	CHECK_INT(btfpack_stored_modules_source(none)->count, 0);
}

/* The names of the one are told by those of the other, which was removed. */
static void test_source_of_series(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd"), k2 = kernel("6.1.0-2", "abce");
	AUTO_FIXTURE struct fixture f = fixture("source-series", &k, 1);
	AUTO_FIXTURE struct fixture g = fixture("source-other", &k2, 2);
	AUTO_STORED struct btfpack_stored_modules *m = NULL;
	struct btfpack_archive *other = g.a;
	uint64_t freed;

	CHECK_INT(add_modules(&f, &k, 2), 0);
	CHECK_INT(btfpack_archive_add(f.a, &k2, NULL, &g.base, NULL, &g.id, &err), 0);
	g.a = f.a;
	CHECK_INT(add_modules(&g, &k2, 3), 0);
	g.a = other;
	CHECK_INT(btfpack_archive_remove(f.a, &k, NULL, &err), 0);
	CHECK_INT(btfpack_archive_collect(f.a, &freed, &err), 0);
	m = open_stored(f.a, &k2);
	check_source(m);
	CHECK(!may_have(m, BTF_KIND_STRUCT, "inode"));
	CHECK_INT(verify_aloud(f.a), 0);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	REQUIRE(sqlite3_open(scratch(path), &db) == SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* Where names were not kept any may be there; such an archive is read as it is. */
static void test_source_without_names(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("no-names", &k, 1);

	CHECK_INT(add_modules(&f, &k, 3), 0);
	btfpack_archive_close(f.a);
	f.a = NULL;
	run_sql("no-names/index.sqlite", "DROP TABLE module_names; PRAGMA user_version = 2");
	for (int i = 0; i < 2; i++) {
		AUTO_STORED struct btfpack_stored_modules *m = NULL;

		CHECK_INT(btfpack_archive_open(scratch("no-names"),
					       i ? 0 : BTFPACK_ARCHIVE_READ_ONLY, &f.a, &err), 0);
		m = open_stored(f.a, &k);
		check_source(m);
		CHECK(may_have(m, BTF_KIND_STRUCT, "inode"));
		CHECK_INT(verify_aloud(f.a), 0);
		btfpack_stored_modules_close(m);
		m = NULL;
		if (!i)
			btfpack_archive_close(f.a);
	}
}

/* A row that was damaged, with its sum and without, and one of other modules. */
static void test_source_damaged(void)
{
	const struct btfpack_kernel k = kernel("6.1.0-1", "abcd");
	AUTO_FIXTURE struct fixture f = fixture("damaged", &k, 1);
	struct btfpack_stored_modules *m = NULL;
	struct btfpack_entry_iter *it;
	const struct btfpack_entry *e;

	CHECK_INT(add_modules(&f, &k, 3), 0);
	run_sql("damaged/index.sqlite", "UPDATE module_names SET names = x'00'");
	REQUIRE(btfpack_archive_list(f.a, &k, NULL, &it, &err) == 0);
	REQUIRE(btfpack_entry_iter_next(it, &e, &err) == 1);
	CHECK_INT(btfpack_archive_open_modules(f.a, e, &m, &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "checksum");
	CHECK_INT(btfpack_archive_verify(f.a, NULL, &err), 1);
	btfpack_entry_iter_free(it);
}

TEST_MAIN({ "round trip", test_round_trip }, { "other byte order", test_other_order },
	  { "a series", test_series }, { "a kernel that is replaced", test_replaced_kernel },
	  { "a build-id that is learnt", test_build_id_learnt },
	  { "a kernel without modules", test_no_modules }, { "copied", test_copy },
	  { "an archive of the older format", test_older_format },
	  { "what cannot be stored", test_bad }, { "a source", test_source },
	  { "a source of a series", test_source_of_series },
	  { "a source without names", test_source_without_names },
	  { "names that are damaged", test_source_damaged })
