/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive-index/db.h"
#include "archive-index/handle.h"
#include "archive-index/made.h"
#include "core/digest.h"

#define NAME	"made.sqlite"
#define VERSION 1
#define BATCH	200 /* kept in one transaction: a kill loses so many */

/* `sum` is row_sum() of the columns before it, so that no row passes for another. */
static const char schema[] =
	"CREATE TABLE recipe (digest BLOB PRIMARY KEY, used INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE TABLE blob (digest BLOB PRIMARY KEY, data BLOB NOT NULL) STRICT;"
	"CREATE TABLE made ("
	"	content BLOB NOT NULL,"
	"	recipe BLOB NOT NULL,"
	"	name TEXT NOT NULL,"
	"	blob BLOB NOT NULL,"
	"	sum INTEGER NOT NULL,"
	"	PRIMARY KEY (content, recipe, name)"
	") STRICT, WITHOUT ROWID;"
	"CREATE INDEX made_by_blob ON made (blob);";

struct made {
	struct db *db;
	unsigned int pending; /* kept in the transaction that is open */
	struct btfpack_id used; /* the recipe noted as used last */
};

/* --- the file ---------------------------------------------------------------------------------- */

static char *path_of(const char *dir, const char *suffix)
{
	char *path;

	return asprintf(&path, "%s/" NAME "%s", dir, suffix) < 0 ? NULL : path;
}

static void remove_file(const char *dir)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		AUTO_FREE char *path = path_of(dir, suffixes[i]);

		if (path)
			unlink(path);
	}
}

/* One that is damaged, or of another format, is nothing to keep. */
static int open_db(const char *dir, struct db **ret, struct btfpack_error *err)
{
	AUTO_FREE char *path = path_of(dir, "");
	int error;

	if (!path)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	error = db_open_scratch(path, VERSION, schema, ret, err);
	if (error != -EBADMSG)
		return error;
	remove_file(dir);
	return db_open_scratch(path, VERSION, schema, ret, err);
}

int made_open(const char *dir, struct made **ret, struct btfpack_error *err)
{
	AUTO_FREE struct made *m = calloc(1, sizeof(*m));
	int error;

	if (!m)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	error = open_db(dir, &m->db, err);
	if (!error)
		*ret = steal_ptr(m); /* the caller's */
	return error;
}

static int commit(struct made *m, struct btfpack_error *err)
{
	int error = m->pending ? db_commit(m->db, err) : 0;

	m->pending = 0;
	return error;
}

void made_close(struct made *m)
{
	if (!m)
		return;
	commit(m, NULL);
	db_rollback(m->db);
	db_close(m->db);
	free(m);
}

/* --- finding and keeping ------------------------------------------------------------------------ */

static int begin(struct made *m, struct btfpack_error *err)
{
	int error = m->pending ? 0 : db_begin(m->db, err);

	m->pending += !error;
	return error;
}

/* Once a handle and recipe: when it was of use. */
static int note_use(struct made *m, const struct btfpack_id *recipe, struct btfpack_error *err)
{
	int error;

	if (digest_is_equal(&m->used, recipe))
		return 0;
	error = begin(m, err);
	if (!error)
		error = db_do(m->db, err, "INSERT OR REPLACE INTO recipe VALUES (?, ?)", "di", recipe,
			      (int64_t)time(NULL));
	m->used = *recipe;
	return error;
}

static int read_blob(const struct db_stmt *s, struct btfpack_blob *ret)
{
	struct btfpack_blob lent, copy;
	struct btfpack_id named, found;

	lent = db_blob(s, 1);
	if (!db_int(s, 2) || !db_id(s, 0, &named) ||
	    digest_bytes(lent.data, lent.size, &found) || !digest_is_equal(&named, &found))
		return 0; /* damaged: to be made again */
	copy = (struct btfpack_blob){ malloc(lent.size + 1), lent.size };
	if (!copy.data)
		return 0;
	memcpy(copy.data, lent.data, lent.size);
	*ret = copy; /* the caller's */
	return 1;
}

int made_find(struct made *m, const struct btfpack_id *content, const struct btfpack_id *recipe,
	      const char *name, struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(m->db, &s, err,
			     "SELECT m.blob, b.data, m.sum = row_sum(m.content, m.recipe, m.name, "
			     "m.blob) FROM made m JOIN blob b ON b.digest = m.blob WHERE "
			     "m.content = ? AND m.recipe = ? AND m.name = ?",
			     "ddt", content, recipe, name);

	if (!error)
		error = db_next(s, err);
	if (error <= 0 || !read_blob(s, ret))
		return error < 0 ? error : 0;
	note_use(m, recipe, NULL); /* what fails there fails again when it matters */
	return 1;
}

int made_keep(struct made *m, const struct btfpack_id *content, const struct btfpack_id *recipe,
	      const char *name, const struct btfpack_blob *blob, struct btfpack_error *err)
{
	struct btfpack_id id;
	int error;

	if (blob->size > MADE_MAXIMUM || !blob->size || digest_bytes(blob->data, blob->size, &id))
		return 0;
	error = begin(m, err);
	if (!error)
		error = note_use(m, recipe, err);
	if (!error) /* replaced: what is there may be damaged */
		error = db_do(m->db, err, "INSERT OR REPLACE INTO blob VALUES (?, ?)", "db", &id, blob);
	if (!error)
		error = db_do(m->db, err,
			      "INSERT OR REPLACE INTO made VALUES (?1, ?2, ?3, ?4, "
			      "row_sum(?1, ?2, ?3, ?4))",
			      "ddtd", content, recipe, name, &id);
	if (!error && m->pending++ >= BATCH)
		error = commit(m, err);
	return error;
}

/* --- collecting --------------------------------------------------------------------------------- */

struct sweep {
	struct db *db;
	int (*has)(const struct btfpack_id *content, void *arg, struct btfpack_error *err);
	void *arg;
};

/* The contents that are no more, into a table of their own. */
static int find_gone(const struct sweep *sweep, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	struct btfpack_id id;
	int error = db_run(sweep->db, "CREATE TEMP TABLE gone (content BLOB PRIMARY KEY)", err);

	if (!error)
		error = db_query(sweep->db, &s, err, "SELECT DISTINCT content FROM made", "");
	while (!error && (error = db_next(s, err)) > 0) {
		int has = db_id(s, 0, &id) ? sweep->has(&id, sweep->arg, err) : 0;

		error = has < 0 ? has : 0;
		if (!has)
			error = db_do(sweep->db, err, "INSERT OR IGNORE INTO gone VALUES (?)", "d", &id);
	}
	return error;
}

static int drop(const struct sweep *sweep, unsigned int days, struct btfpack_error *err)
{
	int64_t since = (int64_t)time(NULL) - (int64_t)days * 24 * 60 * 60;
	int error = find_gone(sweep, err);

	if (!error)
		error = db_do(sweep->db, err, "DELETE FROM recipe WHERE used < ?", "i", since);
	if (!error)
		error = db_run(sweep->db,
			       "DELETE FROM made WHERE content IN (SELECT content FROM gone) OR "
			       "recipe NOT IN (SELECT digest FROM recipe);"
			       "DELETE FROM blob WHERE digest NOT IN (SELECT blob FROM made)",
			       err);
	return error;
}

int made_collect(const char *dir, unsigned int days,
		 int (*has)(const struct btfpack_id *content, void *arg, struct btfpack_error *err),
		 void *arg, struct btfpack_error *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	AUTO_FREE char *path = path_of(dir, "");
	struct sweep sweep;
	int error;

	if (!path || access(path, F_OK) < 0)
		return 0;
	error = open_db(dir, &db, err);
	if (!error)
		error = db_begin(db, err);
	if (error)
		return error;
	sweep = (struct sweep){ db, has, arg };
	error = drop(&sweep, days, err);
	if (!error)
		error = db_commit(db, err);
	db_rollback(db);
	return error ? error : db_run(db, "PRAGMA incremental_vacuum", err);
}
