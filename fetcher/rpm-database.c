/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "core/cleanup.h"
#include "fetcher/rpm-database.h"

/* Fedora's largest has 90,000 packages in 200 MB: a hundredth of this. */
#define STEPS_MAXIMUM	  1000 /* of ... */
#define STEP_INSTRUCTIONS 1000000

struct database {
	sqlite3 *db;
	sqlite3_stmt *stmt;
	const char *what;
	unsigned int steps;
};

static void database_deinit(struct database *d)
{
	sqlite3_finalize(d->stmt);
	sqlite3_close(d->db);
}

static int fail(const struct database *d, int code, struct btfpack_error *err)
{
	int error = -EBADMSG;

	if (code == SQLITE_NOMEM)
		error = -ENOMEM;
	else if (code == SQLITE_INTERRUPT || code == SQLITE_TOOBIG)
		error = -EFBIG;
	return btfpack_error_set(err, error, "%s: expected an intact SQLite database of packages: %s",
				 d->what, d->db ? sqlite3_errmsg(d->db) : sqlite3_errstr(code));
}

/* Called every so many instructions; not 0 ends the query. */
static int count_steps(void *arg)
{
	struct database *d = arg;

	return ++d->steps > STEPS_MAXIMUM;
}

/* Plain reading of tables, the check before it, and nothing else. */
static int allow(void *arg, int action, const char *a, const char *b, const char *c, const char *d)
{
	(void)arg, (void)b, (void)c, (void)d;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
		return SQLITE_OK;
	case SQLITE_PRAGMA:
		return a && !strcmp(a, "quick_check") ? SQLITE_OK : SQLITE_DENY;
	}
	return SQLITE_DENY;
}

static int set_limits(struct database *d)
{
	static const struct {
		int what, value;
	} switches[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },      { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
	}, limits[] = {
		{ SQLITE_LIMIT_LENGTH, 4 << 20 },     { SQLITE_LIMIT_SQL_LENGTH, 1 << 16 },
		{ SQLITE_LIMIT_COLUMN, 100 },         { SQLITE_LIMIT_ATTACHED, 0 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 20 },      { SQLITE_LIMIT_VDBE_OP, 100000 },
		{ SQLITE_LIMIT_TRIGGER_DEPTH, 1 },    { SQLITE_LIMIT_WORKER_THREADS, 0 },
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < ARRAY_SIZE(switches) && code == SQLITE_OK; i++)
		code = sqlite3_db_config(d->db, switches[i].what, switches[i].value, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++)
		sqlite3_limit(d->db, limits[i].what, limits[i].value);
	if (code == SQLITE_OK)
		code = sqlite3_exec(d->db,
				    "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
				    "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY;",
				    NULL, NULL, NULL);
	sqlite3_progress_handler(d->db, STEP_INSTRUCTIONS, count_steps, d);
	if (code == SQLITE_OK)
		code = sqlite3_set_authorizer(d->db, allow, d);
	return code;
}

/* The library reads the bytes where they are, and never writes. */
static int open_database(struct database *d, const void *data, size_t size,
			 struct btfpack_error *err)
{
	int code = sqlite3_open_v2(":memory:", &d->db,
				   SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

	if (code == SQLITE_OK)
		code = sqlite3_deserialize(d->db, "main", (unsigned char *)data,
					   (sqlite3_int64)size, (sqlite3_int64)size,
					   SQLITE_DESERIALIZE_READONLY);
	if (code == SQLITE_OK)
		code = set_limits(d);
	return code == SQLITE_OK ? 0 : fail(d, code, err);
}

/* 1: a row, 0: the end, or an error. */
static int step(struct database *d, struct btfpack_error *err)
{
	int code = sqlite3_step(d->stmt);

	if (code == SQLITE_ROW)
		return 1;
	return code == SQLITE_DONE ? 0 : fail(d, code, err);
}

static int prepare(struct database *d, const char *sql, struct btfpack_error *err)
{
	int code;

	sqlite3_finalize(d->stmt);
	d->stmt = NULL;
	code = sqlite3_prepare_v2(d->db, sql, -1, &d->stmt, NULL);
	return code == SQLITE_OK ? 0 : fail(d, code, err);
}

static int check_intact(struct database *d, struct btfpack_error *err)
{
	int more = prepare(d, "PRAGMA quick_check(1)", err);
	const char *says;

	if (!more)
		more = step(d, err);
	if (more < 0)
		return more;
	says = more ? (const char *)sqlite3_column_text(d->stmt, 0) : NULL;
	return says && !strcmp(says, "ok")
		       ? 0
		       : btfpack_error_set(err, -EBADMSG,
					   "%s: expected an intact SQLite database, found damage",
					   d->what);
}

/* A table with pages of its own: no view, and nothing virtual, whose reading is code. */
static int check_table(struct database *d, struct btfpack_error *err)
{
	int more = prepare(d,
			   "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'packages' "
			   "AND rootpage > 0",
			   err);

	if (!more)
		more = step(d, err);
	if (more < 0)
		return more;
	return more ? 0
		    : btfpack_error_set(err, -EBADMSG,
					"%s: expected a table of packages in the SQLite database",
					d->what);
}

/* In the order of the columns below. */
static const int fields[] = { RPM_FIELD_NAME,    RPM_FIELD_ARCH,     RPM_FIELD_EPOCH,
			      RPM_FIELD_VERSION, RPM_FIELD_RELEASE,  RPM_FIELD_LOCATION,
			      RPM_FIELD_CHECKSUM, RPM_FIELD_CHECKSUM_KIND, RPM_FIELD_SIZE };

static int read_row(struct database *d, struct rpm_fields *ret, const struct rpm_packages_ops *ops,
		    void *arg, struct btfpack_error *err)
{
	struct rpm_package package;
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		rpm_fields_set(ret, fields[i], (const char *)sqlite3_column_text(d->stmt, (int)i));
	if (!*ret->text[RPM_FIELD_EPOCH])
		rpm_fields_set(ret, RPM_FIELD_EPOCH, "0");
	if (!rpm_fields_are_named(ret) || !ops->is_wanted(arg, ret->text[RPM_FIELD_NAME]))
		return 0;
	error = rpm_fields_read(ret, d->what, &package, err);
	return error < 0 ? error : ops->found(arg, &package, err);
}

int rpm_database_read(const void *data, size_t size, const struct rpm_packages_ops *ops, void *arg,
		      const char *what, struct btfpack_error *err)
{
	AUTO_FREE struct rpm_fields *row = calloc(1, sizeof(*row));
	CLEANUP(database_deinit) struct database d = { .what = what };
	int more;

	if (!row)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	more = open_database(&d, data, size, err);
	if (!more)
		more = check_intact(&d, err);
	if (!more)
		more = check_table(&d, err);
	if (!more)
		more = prepare(&d,
			       "SELECT name, arch, epoch, version, \"release\", location_href, pkgId, "
			       "checksum_type, size_package FROM packages ORDER BY pkgKey",
			       err);
	if (more < 0)
		return more;
	while ((more = step(&d, err)) > 0) {
		int error = read_row(&d, row, ops, arg, err);

		if (error < 0)
			return error;
	}
	return more;
}
