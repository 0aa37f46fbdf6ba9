/* SPDX-License-Identifier: BSD-2-Clause */
/* What was made of contents: found again by all it depends on, and worth nothing more. */
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "archive-index/made.h"
#include "core/digest.h"
#include "core/fs.h"
#include "tests/scratch.h"
#include "tests/test.h"

static struct btfpack_error err;

static struct btfpack_id id_of(const char *text)
{
	struct btfpack_id id;

	REQUIRE(digest_bytes(text, strlen(text), &id) == 0);
	return id;
}

static const char *new_directory(const char *name)
{
	REQUIRE(fs_make_dirs(scratch(name), &err) == 0);
	return scratch(name);
}

static struct made *open_made(const char *name)
{
	struct made *m = NULL;

	if (made_open(scratch(name), &m, &err))
		printf("# %s\n", err.message);
	REQUIRE(m != NULL);
	return m;
}

static void keep(struct made *m, const char *content, const char *recipe, const char *text)
{
	struct btfpack_id c = id_of(content), r = id_of(recipe);

	CHECK_INT(made_keep(m, &c, &r, "", &(struct btfpack_blob){ (void *)text, strlen(text) }, &err), 0);
}

/* Is it @expected (NULL: not there)? */
static bool gives(struct made *m, const char *content, const char *recipe, const char *expected)
{
	struct btfpack_id c = id_of(content), r = id_of(recipe);
	AUTO_BLOB struct btfpack_blob got = { 0 };
	int found = made_find(m, &c, &r, "", &got, &err);

	if (found <= 0)
		return found == 0 && !expected;
	return expected && got.size == strlen(expected) && !memcmp(got.data, expected, got.size);
}

static void finds_by_content_and_recipe(void)
{
	struct made *m;

	new_directory("find");
	m = open_made("find");
	CHECK(gives(m, "a", "r", NULL));
	keep(m, "a", "r", "small");
	keep(m, "b", "r", "small");
	keep(m, "a", "s", "other");
	CHECK(gives(m, "a", "r", "small")); /* before the commit, too */
	made_close(m);
	m = open_made("find");
	CHECK(gives(m, "a", "r", "small") && gives(m, "b", "r", "small"));
	CHECK(gives(m, "a", "s", "other"));
	CHECK(gives(m, "b", "s", NULL));
	keep(m, "a", "r", "newer");
	CHECK(gives(m, "a", "r", "newer") && gives(m, "b", "r", "small"));
	made_close(m);
}

static void finds_by_name(void)
{
	struct btfpack_id c = id_of("a"), r = id_of("r");
	struct btfpack_blob one = { (void *)"one", 3 }, two = { (void *)"two", 3 }, got;
	struct made *m;

	new_directory("name");
	m = open_made("name");
	CHECK_INT(made_keep(m, &c, &r, "6.1", &one, &err), 0);
	CHECK_INT(made_find(m, &c, &r, "6.2", &got, &err), 0);
	CHECK_INT(made_keep(m, &c, &r, "6.2", &two, &err), 0);
	CHECK_INT(made_find(m, &c, &r, "6.1", &got, &err), 1);
	CHECK(got.size == 3 && !memcmp(got.data, "one", 3));
	btfpack_blob_free(&got);
	CHECK_INT(made_find(m, &c, &r, "", &got, &err), 0);
	made_close(m);
}

static void keeps_nothing_large(void)
{
	struct btfpack_blob large = { calloc(1, MADE_MAXIMUM + 1), MADE_MAXIMUM + 1 };
	struct btfpack_id c = id_of("a"), r = id_of("r");
	struct btfpack_blob got;
	struct made *m;

	new_directory("large");
	m = open_made("large");
	CHECK_INT(made_keep(m, &c, &r, "", &large, &err), 0);
	CHECK_INT(made_find(m, &c, &r, "", &got, &err), 0);
	large.size = MADE_MAXIMUM;
	CHECK_INT(made_keep(m, &c, &r, "", &large, &err), 0);
	CHECK_INT(made_find(m, &c, &r, "", &got, &err), 1);
	CHECK_INT(got.size, MADE_MAXIMUM);
	btfpack_blob_free(&got);
	free(large.data);
	made_close(m);
}

static void write_file(const char *path, const char *text)
{
	REQUIRE(fs_write(path, text, strlen(text), &err) == 0);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	REQUIRE(sqlite3_open(path, &db) == SQLITE_OK);
	CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void is_made_anew_when_damaged(void)
{
	char path[600];
	struct made *m;

	snprintf(path, sizeof(path), "%s/made.sqlite", new_directory("damaged"));
	write_file(path, "this is no file of sqlite's, and long enough to be taken for one: "
			 "..................................................................");
	m = open_made("damaged");
	keep(m, "a", "r", "small");
	CHECK(gives(m, "a", "r", "small"));
	made_close(m);
	run_sql(path, "PRAGMA user_version = 77"); /* of a format from the future */
	m = open_made("damaged");
	CHECK(gives(m, "a", "r", NULL));
	made_close(m);
}

/* A row that says another thing than it did is none. */
static void rows_do_not_pass_for_others(void)
{
	char path[600];
	struct made *m;

	snprintf(path, sizeof(path), "%s/made.sqlite", new_directory("rows"));
	m = open_made("rows");
	keep(m, "a", "r", "small");
	keep(m, "b", "r", "other");
	keep(m, "c", "r", "third");
	made_close(m);
	run_sql(path, "UPDATE made SET blob = (SELECT max(blob) FROM made) WHERE blob = "
		      "(SELECT min(blob) FROM made)");
	run_sql(path, "UPDATE blob SET data = x'00' WHERE digest = (SELECT max(digest) FROM blob)");
	m = open_made("rows");
	CHECK_INT(gives(m, "a", "r", NULL) + gives(m, "b", "r", NULL) + gives(m, "c", "r", NULL), 2);
	keep(m, "a", "r", "small");
	keep(m, "b", "r", "other");
	keep(m, "c", "r", "third");
	CHECK(gives(m, "a", "r", "small") && gives(m, "b", "r", "other") &&
	      gives(m, "c", "r", "third"));
	made_close(m);
}

static int has_only_a(const struct btfpack_id *content, void *arg, struct btfpack_error *e)
{
	struct btfpack_id a = id_of("a");

	(void)arg, (void)e;
	return digest_is_equal(content, &a);
}

static void collects_what_is_gone(void)
{
	const char *dir = new_directory("collect");
	char path[600];
	struct made *m;

	snprintf(path, sizeof(path), "%s/made.sqlite", dir);
	CHECK_INT(made_collect(dir, 30, has_only_a, NULL, &err), 0);
	CHECK(access(path, F_OK) < 0);
	m = open_made("collect");
	keep(m, "a", "r", "small");
	keep(m, "b", "r", "other");
	keep(m, "a", "old", "long ago");
	made_close(m);
	run_sql(path, "UPDATE recipe SET used = used - 31 * 86400 WHERE digest = "
		      "(SELECT recipe FROM made GROUP BY recipe HAVING count(*) = 1)");
	CHECK_INT(made_collect(scratch("collect"), 30, has_only_a, NULL, &err), 0);
	m = open_made("collect");
	CHECK(gives(m, "a", "r", "small"));
	CHECK(gives(m, "b", "r", NULL));
	CHECK(gives(m, "a", "old", NULL));
	made_close(m);
}

TEST_MAIN({ "finds by content and recipe", finds_by_content_and_recipe },
	  { "finds by name", finds_by_name },
	  { "keeps nothing large", keeps_nothing_large },
	  { "is made anew when damaged", is_made_anew_when_damaged },
	  { "rows do not pass for others", rows_do_not_pass_for_others },
	  { "collects what is gone", collects_what_is_gone })
