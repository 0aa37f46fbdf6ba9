/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sqlite in our words; no other file of the project knows it. A statement is
 * prepared once per handle and found again by its text's address, so texts are
 * string constants:
 *
 *	AUTO_DB_STMT struct db_stmt *s = NULL;
 *
 *	error = db_query(db, &s, err, "SELECT size FROM pack WHERE id = ?", "i", (int64_t)1);
 *	if (!error && (error = db_next(s, err)) > 0)
 *		size = db_int(s, 0);
 *
 * A statement is in use from db_query() until its guard runs; the same text must
 * not be queried again meanwhile. Errors are translated: -EBUSY, -ENOSPC,
 * -EBADMSG (damaged), -EROFS, -ENOMEM, else the system's errno or -EIO; the
 * sentence begins with the file's name.
 *
 * What goes through a handle is durable when a transaction's commit returns:
 * write-ahead log, synced at each commit (synchronous=FULL; NORMAL could lose the
 * last commits at a power cut, which we promise not to).
 */
#ifndef ARCHIVE_INDEX_DB_H
#define ARCHIVE_INDEX_DB_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#include "core/cleanup.h"

struct db;
struct db_stmt;

/* What an index is in sqlite's file header (`file` shows it): "BTFp". */
#define DB_APPLICATION_ID 0x42544670

/* Read a file's header without sqlite, which would write beside it. False when
 * @path is no sqlite file of ours; -errno when it cannot be read. */
int db_is_index(const char *path, bool *ret, struct btfpack_error *err);

/* Make a new, empty index at @path, which must not exist, with every table. */
int db_create(const char *path, struct btfpack_error *err);

/* Open an index, bringing its tables up to date unless @read_only. */
int db_open(const char *path, bool read_only, struct db **ret, struct btfpack_error *err);
void db_close(struct db *db);
static inline void db_closep(struct db **db)
{
	db_close(*db);
}

/*
 * Open a file of our own whose loss is none, or make it: tables by @schema, of format
 * @version. Durable up to some commits ago. -EBADMSG: damaged, or of another format.
 */
int db_open_scratch(const char *path, int version, const char *schema, struct db **ret,
		    struct btfpack_error *err);

/* What user_version was when it was opened: below the newest only where @read_only. */
int db_version(const struct db *db);

/* A write transaction: waits its turn among all processes. -EBUSY after a minute. */
int db_begin(struct db *db, struct btfpack_error *err);
int db_commit(struct db *db, struct btfpack_error *err);
void db_rollback(struct db *db); /* nothing if none is open */

/* A read transaction, so that several statements see one moment. */
int db_begin_read(struct db *db, struct btfpack_error *err);

/* Statements without parameters or results. */
int db_run(struct db *db, const char *sql, struct btfpack_error *err);

/*
 * Prepare @sql and bind its parameters, one character of @types each: 't' const
 * char * (NULL binds NULL), 'i' int64_t, 'd' const struct btfpack_id *, 'b' const
 * struct btfpack_blob *.
 */
int db_query(struct db *db, struct db_stmt **ret, struct btfpack_error *err, const char *sql,
	     const char *types, ...);

/* The same, run to its end: for statements that give no rows. */
int db_do(struct db *db, struct btfpack_error *err, const char *sql, const char *types, ...);

/* 1: a row; 0: no more; <0: error. */
int db_next(struct db_stmt *stmt, struct btfpack_error *err);
void db_release(struct db_stmt *stmt);
static inline void db_releasep(struct db_stmt **stmt)
{
	db_release(*stmt);
}
#define AUTO_DB_STMT CLEANUP(db_releasep)

/* Columns of the current row, from 0. Text lives until the next db_next(). */
int64_t db_int(const struct db_stmt *stmt, int column);
const char *db_text(const struct db_stmt *stmt, int column); /* NULL for NULL */
struct btfpack_blob db_blob(const struct db_stmt *stmt, int column); /* lent likewise */
bool db_id(const struct db_stmt *stmt, int column, struct btfpack_id *ret); /* false: not one */

/* How many rows the last db_do() changed; the row id its INSERT made. */
int64_t db_changes(const struct db *db);
int64_t db_last_rowid(const struct db *db);

/* sqlite's own check of the file, each complaint given to @fn. 0 or <0. */
int db_check(struct db *db, void (*fn)(const char *complaint, void *arg), void *arg,
	     struct btfpack_error *err);

/*
 * SQL functions and collations of ours, for use in statements:
 *   row_sum(...)   XXH64 over all arguments: every table has a column `sum` of its
 *                  others, so that a flipped bit in a row does not pass for data
 *   NUMBERS        collation: numbers within names by their value
 */

#endif
