/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive-index/db.h"
#include "archive-index/schema.h"
#include "core/fs.h"

#define BUSY_MILLISECONDS 60000
#define STATEMENTS_MAXIMUM 64
#define TEXT_MAXIMUM	   (1 << 20) /* bytes of the longest value or statement */

struct db_stmt {
	const char *sql; /* its address is the key */
	sqlite3_stmt *handle;
	struct db *db;
};

struct db {
	char *path;
	sqlite3 *handle;
	struct db_stmt statements[STATEMENTS_MAXIMUM];
	size_t count;
	int version;
};

/* --- errors ----------------------------------------------------------------------------------- */

static int translate(sqlite3 *handle, int code)
{
	int system;

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT: /* our statements break none unless the file is damaged */
	case SQLITE_ERROR:	/* likewise: a table or column is missing */
	case SQLITE_MISMATCH:
	case SQLITE_TOOBIG:
		return -EBADMSG;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	}
	system = handle ? sqlite3_system_errno(handle) : 0;
	return system > 0 ? -system : -EIO;
}

static int fail(const char *path, sqlite3 *handle, int code, struct btfpack_error *err)
{
	int error = translate(handle, code), system;

	if (error == -EBUSY)
		return btfpack_error_set(err, error,
					 "%s: another process has been writing to it for %d s",
					 path, BUSY_MILLISECONDS / 1000);
	/* "disk I/O error" alone does not say that the disk is full. */
	system = handle && (code & 0xff) == SQLITE_IOERR ? sqlite3_system_errno(handle) : 0;
	return btfpack_error_set(err, error, "%s: %s: %s%s%s",
				 path, error == -EBADMSG ? "the index is damaged" : "sqlite",
				 handle ? sqlite3_errmsg(handle) : sqlite3_errstr(code),
				 system ? ": " : "", system ? strerror(system) : "");
}

static int db_fail(const struct db *db, int code, struct btfpack_error *err)
{
	return fail(db->path, db->handle, code, err);
}

/* --- functions of ours in SQL ----------------------------------------------------------------- */

/* XXH64 over type, length and bytes of each argument. Integers go in as eight
 * little-endian bytes, so the sum is the same on every machine. */
static void row_sum(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	XXH64_state_t state;

	XXH64_reset(&state, 0);
	for (int i = 0; i < argc; i++) {
		int type = sqlite3_value_type(argv[i]);
		uint8_t head[9] = { type };
		uint64_t number = type == SQLITE_INTEGER ? (uint64_t)sqlite3_value_int64(argv[i])
							 : (uint64_t)sqlite3_value_bytes(argv[i]);

		for (int b = 0; b < 8; b++)
			head[1 + b] = number >> (8 * b);
		XXH64_update(&state, head, sizeof(head));
		if (type == SQLITE_TEXT || type == SQLITE_BLOB)
			XXH64_update(&state, sqlite3_value_blob(argv[i]), number);
	}
	sqlite3_result_int64(context, (sqlite3_int64)XXH64_digest(&state));
}

/* strverscmp() over strings that are not NUL-terminated for sure. Names have at most
 * 255 bytes; of what a damaged index says instead the beginning is compared. */
static int compare_natural(void *arg, int a_size, const void *a, int b_size, const void *b)
{
	char left[256], right[256];

	(void)arg;
	snprintf(left, sizeof(left), "%.*s", a_size, (const char *)a);
	snprintf(right, sizeof(right), "%.*s", b_size, (const char *)b);
	return strverscmp(left, right);
}

/* --- opening ---------------------------------------------------------------------------------- */

int db_is_index(const char *path, bool *ret, struct btfpack_error *err)
{
	static const char magic[16] = "SQLite format 3";
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t head[100];
	ssize_t got;

	if (fd < 0)
		return btfpack_error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	got = pread(fd, head, sizeof(head), 0);
	if (got < 0)
		return btfpack_error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
	/* The header's field at 68 is what PRAGMA application_id gives, big-endian. */
	*ret = got == sizeof(head) && !memcmp(head, magic, sizeof(magic)) &&
	       (uint32_t)(head[68] << 24 | head[69] << 16 | head[70] << 8 | head[71]) ==
		       DB_APPLICATION_ID;
	return 0;
}

/* The file may be anyone's: nothing in its schema may run functions, its pages
 * are checked as they are read, and no value is larger than ours can be. */
static void distrust(sqlite3 *handle)
{
	sqlite3_extended_result_codes(handle, 1);
	sqlite3_busy_timeout(handle, BUSY_MILLISECONDS);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(handle, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, TEXT_MAXIMUM);
	sqlite3_limit(handle, SQLITE_LIMIT_SQL_LENGTH, TEXT_MAXIMUM);
	sqlite3_limit(handle, SQLITE_LIMIT_ATTACHED, 0);
}

static int open_handle(const char *name, int flags, sqlite3 **ret)
{
	int code = sqlite3_open_v2(name, ret, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI, NULL);

	if (code == SQLITE_OK) {
		distrust(*ret);
		code = sqlite3_create_function(*ret, "row_sum", -1,
					       SQLITE_UTF8 | SQLITE_DETERMINISTIC |
						       SQLITE_DIRECTONLY,
					       NULL, row_sum, NULL, NULL);
	}
	if (code == SQLITE_OK)
		code = sqlite3_create_collation(*ret, "NUMBERS", SQLITE_UTF8, NULL,
						compare_natural);
	return code;
}

static int db_new(const char *path, struct db **ret)
{
	struct db *db = calloc(1, sizeof(*db));

	if (db)
		db->path = strdup(path);
	if (!db || !db->path) {
		free(db);
		return -ENOMEM;
	}
	*ret = db;
	return 0;
}

void db_close(struct db *db)
{
	if (!db)
		return;
	for (size_t i = 0; i < db->count; i++)
		sqlite3_finalize(db->statements[i].handle);
	sqlite3_close(db->handle);
	free(db->path);
	free(db);
}

static int read_version(struct db *db, int64_t *ret, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(db, &s, err, "PRAGMA user_version", "");

	if (!error)
		error = db_next(s, err);
	if (error < 0)
		return error;
	*ret = db_int(s, 0);
	return 0;
}

int db_version(const struct db *db)
{
	return db->version;
}

static int set_version(struct db *db, int version, struct btfpack_error *err)
{
	char sql[64];

	snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version);
	return db_run(db, sql, err);
}

static int migrate_in_transaction(struct db *db, struct btfpack_error *err)
{
	int64_t version;
	int error = read_version(db, &version, err); /* again: another process may have been here */

	for (int at = (int)version; !error && at < schema_version; at++)
		error = db_run(db, schema_migrations[at], err);
	return error ? error : set_version(db, schema_version, err);
}

static int migrate(struct db *db, struct btfpack_error *err)
{
	int error = db_begin(db, err);

	if (error)
		return error;
	error = migrate_in_transaction(db, err);
	if (!error)
		error = db_commit(db, err);
	db_rollback(db);
	return error;
}

static int check_version(struct db *db, bool read_only, struct btfpack_error *err)
{
	int64_t version;
	int error = read_version(db, &version, err);

	if (error)
		return error;
	if (version > schema_version || version < 0)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: format %lld is newer than this btfpack knows "
					 "(expected at most %d)",
					 db->path, (long long)version, schema_version);
	db->version = read_only ? (int)version : schema_version;
	if (version == schema_version || (read_only && version >= VERSION_READABLE))
		return 0;
	if (read_only)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: format %lld is older than %d; any command that writes "
					 "to the archive brings it up to date",
					 db->path, (long long)version, schema_version);
	return migrate(db, err);
}

int db_create(const char *path, struct btfpack_error *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int code, error = db_new(path, &db);
	char sql[64];

	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", path);
	code = open_handle(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db->handle);
	if (code != SQLITE_OK)
		return db_fail(db, code, err);
	snprintf(sql, sizeof(sql), "PRAGMA application_id = %d", DB_APPLICATION_ID);
	error = db_run(db, sql, err);
	return error ? error : migrate(db, err);
}

static bool can_write_beside(const char *path)
{
	AUTO_FREE char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;

	if (slash)
		*slash = '\0';
	return copy && access(slash ? copy : ".", W_OK) == 0 && access(path, W_OK) == 0;
}

/* A write-ahead log that holds anything: its header alone has 32 bytes. */
static bool has_log(const char *path)
{
	AUTO_FREE char *log = NULL;

	if (asprintf(&log, "%s-wal", path) < 0) {
		log = NULL;
		return true;
	}
	AUTO_FD int fd = open(log, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && lseek(fd, 0, SEEK_END) > 32;
}

/* The path as a file: URI that says the file does not change: sqlite then makes
 * no files beside it. */
static char *immutable_uri(const char *path)
{
	char *uri = malloc(3 * strlen(path) + sizeof("file:?immutable=1")), *out = uri;

	if (!uri)
		return NULL;
	out = stpcpy(out, "file:");
	for (const char *p = path; *p; p++)
		out += sprintf(out, strchr("?#%", *p) ? "%%%02x" : "%c", (unsigned char)*p);
	strcpy(out, "?immutable=1");
	return uri;
}

/*
 * Opening for reading has three ways. Where we may write, a normal handle: sqlite
 * then tidies up its log at close, as it cannot through a read-only one. Where
 * we may not and there is no log: as a file that does not change. Else as sqlite
 * can.
 */
static int open_reading(struct db *db)
{
	AUTO_FREE char *uri = NULL;

	if (can_write_beside(db->path))
		return open_handle(db->path, SQLITE_OPEN_READWRITE, &db->handle);
	if (has_log(db->path))
		return open_handle(db->path, SQLITE_OPEN_READONLY, &db->handle);
	uri = immutable_uri(db->path);
	return uri ? open_handle(uri, SQLITE_OPEN_READONLY, &db->handle) : SQLITE_NOMEM;
}

/* What else is on a full disk: the index of the log lies in memory then and not in
 * a file, for which there is no room, and no other process may come in between. */
#define ALONE "PRAGMA locking_mode = EXCLUSIVE;"

static int set_up(struct db *db, bool read_only, bool alone, struct btfpack_error *err)
{
	int error = db_run(db,
			   alone ? ALONE "PRAGMA temp_store = MEMORY;"
				 : "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL;"
				   "PRAGMA temp_store = MEMORY;",
			   err);

	if (!error)
		error = db_run(db, "PRAGMA cell_size_check = ON", err);
	if (!error)
		error = db_run(db, read_only ? "PRAGMA query_only = ON" : "PRAGMA journal_mode = WAL",
			       err);
	return error ? error : check_version(db, read_only, err);
}

static int open_once(const char *path, bool read_only, bool alone, struct db **ret,
		     struct btfpack_error *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int code, error = db_new(path, &db);

	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", path);
	code = read_only ? open_reading(db)
			 : open_handle(path, SQLITE_OPEN_READWRITE, &db->handle);
	if (code != SQLITE_OK)
		return db_fail(db, code, err);
	error = set_up(db, read_only, alone, err);
	if (!error)
		*ret = steal_ptr(db); /* the caller's */
	return error;
}

int db_open(const char *path, bool read_only, struct db **ret, struct btfpack_error *err)
{
	int error = open_once(path, read_only, false, ret, err);

	return error == -ENOSPC && read_only ? open_once(path, true, true, ret, err) : error;
}

/* --- a file whose loss is none ------------------------------------------------------------------- */

static int make_tables(struct db *db, int version, const char *schema, struct btfpack_error *err)
{
	int64_t found;
	int error = db_begin(db, err);

	if (!error)
		error = read_version(db, &found, err); /* another process may have been here */
	if (!error && !found)
		error = db_run(db, schema, err);
	if (!error && !found)
		error = set_version(db, version, err);
	if (!error)
		error = db_commit(db, err);
	db_rollback(db);
	return error;
}

int db_open_scratch(const char *path, int version, const char *schema, struct db **ret,
		    struct btfpack_error *err)
{
	CLEANUP(db_closep) struct db *db = NULL;
	int code, error = db_new(path, &db);
	int64_t found;

	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", path);
	code = open_handle(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, &db->handle);
	if (code != SQLITE_OK)
		return db_fail(db, code, err);
	error = db_run(db,
		       "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA synchronous = NORMAL;"
		       "PRAGMA temp_store = MEMORY;"
		       "PRAGMA cell_size_check = ON; PRAGMA journal_mode = WAL",
		       err);
	if (!error)
		error = read_version(db, &found, err);
	if (!error && !found)
		error = make_tables(db, version, schema, err);
	else if (!error && found != version)
		error = btfpack_error_set(err, -EBADMSG, "%s: format %lld, expected %d", path,
					  (long long)found, version);
	if (!error)
		*ret = steal_ptr(db); /* the caller's */
	return error;
}

/* --- statements ------------------------------------------------------------------------------- */

int db_run(struct db *db, const char *sql, struct btfpack_error *err)
{
	int code = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return code == SQLITE_OK ? 0 : db_fail(db, code, err);
}

static int find_statement(struct db *db, const char *sql, struct db_stmt **ret,
			  struct btfpack_error *err)
{
	struct db_stmt *s;
	int code;

	for (size_t i = 0; i < db->count; i++) {
		if (db->statements[i].sql == sql) {
			*ret = &db->statements[i];
			return 0;
		}
	}
	if (db->count == STATEMENTS_MAXIMUM)
		return btfpack_error_set(err, -EINVAL, "%s: more than %d statements", db->path,
					 STATEMENTS_MAXIMUM);
	s = &db->statements[db->count];
	*s = (struct db_stmt){ .sql = sql, .db = db };
	code = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->handle, NULL);
	if (code != SQLITE_OK)
		return db_fail(db, code, err);
	db->count++;
	*ret = s;
	return 0;
}

static int bind(sqlite3_stmt *handle, int index, char type, va_list *args)
{
	const struct btfpack_blob *blob;
	const struct btfpack_id *id;

	switch (type) {
	case 't':
		return sqlite3_bind_text(handle, index, va_arg(*args, const char *), -1,
					 SQLITE_TRANSIENT);
	case 'i':
		return sqlite3_bind_int64(handle, index, va_arg(*args, int64_t));
	case 'd':
		id = va_arg(*args, const struct btfpack_id *);
		return id ? sqlite3_bind_blob(handle, index, id->bytes, sizeof(id->bytes),
					      SQLITE_TRANSIENT)
			  : sqlite3_bind_null(handle, index);
	case 'b':
		blob = va_arg(*args, const struct btfpack_blob *);
		return sqlite3_bind_blob64(handle, index, blob->data, blob->size,
					   SQLITE_TRANSIENT);
	}
	return SQLITE_MISUSE;
}

static int start(struct db *db, struct db_stmt **ret, struct btfpack_error *err, const char *sql,
		 const char *types, va_list *args)
{
	struct db_stmt *s = NULL;
	int error = find_statement(db, sql, &s, err);

	if (error)
		return error;
	for (int i = 0; types[i]; i++) {
		int code = bind(s->handle, i + 1, types[i], args);

		if (code != SQLITE_OK) {
			db_release(s);
			return db_fail(db, code, err);
		}
	}
	*ret = s;
	return 0;
}

int db_query(struct db *db, struct db_stmt **ret, struct btfpack_error *err, const char *sql,
	     const char *types, ...)
{
	va_list args;
	int error;

	va_start(args, types);
	error = start(db, ret, err, sql, types, &args);
	va_end(args);
	return error;
}

int db_do(struct db *db, struct btfpack_error *err, const char *sql, const char *types, ...)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	va_list args;
	int error;

	va_start(args, types);
	error = start(db, &s, err, sql, types, &args);
	va_end(args);
	if (!error)
		do
			error = db_next(s, err);
		while (error > 0);
	return error;
}

int db_next(struct db_stmt *s, struct btfpack_error *err)
{
	int code = sqlite3_step(s->handle);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : db_fail(s->db, code, err);
}

void db_release(struct db_stmt *s)
{
	if (!s)
		return;
	sqlite3_reset(s->handle);
	sqlite3_clear_bindings(s->handle);
}

int64_t db_int(const struct db_stmt *s, int column)
{
	return sqlite3_column_int64(s->handle, column);
}

const char *db_text(const struct db_stmt *s, int column)
{
	return (const char *)sqlite3_column_text(s->handle, column);
}

struct btfpack_blob db_blob(const struct db_stmt *s, int column)
{
	void *bytes = (void *)sqlite3_column_blob(s->handle, column);

	return (struct btfpack_blob){ bytes, (size_t)sqlite3_column_bytes(s->handle, column) };
}

bool db_id(const struct db_stmt *s, int column, struct btfpack_id *ret)
{
	const void *bytes = sqlite3_column_blob(s->handle, column);

	if (!bytes || sqlite3_column_bytes(s->handle, column) != sizeof(ret->bytes))
		return false;
	memcpy(ret->bytes, bytes, sizeof(ret->bytes));
	return true;
}

int64_t db_changes(const struct db *db)
{
	return sqlite3_changes64(db->handle);
}

int64_t db_last_rowid(const struct db *db)
{
	return sqlite3_last_insert_rowid(db->handle);
}

/* --- transactions ----------------------------------------------------------------------------- */

int db_begin(struct db *db, struct btfpack_error *err)
{
	return db_do(db, err, "BEGIN IMMEDIATE", "");
}

int db_begin_read(struct db *db, struct btfpack_error *err)
{
	return db_do(db, err, "BEGIN", "");
}

int db_commit(struct db *db, struct btfpack_error *err)
{
	return db_do(db, err, "COMMIT", "");
}

void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->handle))
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
}

/* --- verify ------------------------------------------------------------------------------------ */

int db_check(struct db *db, void (*fn)(const char *complaint, void *arg), void *arg,
	     struct btfpack_error *err)
{
	static const char *const checks[] = { "PRAGMA integrity_check", "PRAGMA foreign_key_check" };

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		AUTO_DB_STMT struct db_stmt *s = NULL;
		int error = db_query(db, &s, err, checks[i], "");

		while (!error && (error = db_next(s, err)) > 0) {
			const char *text = db_text(s, 0);

			if (text && strcmp(text, "ok"))
				fn(text, arg);
			error = 0;
		}
		if (error)
			return error;
	}
	return 0;
}
