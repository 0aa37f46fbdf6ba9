/* SPDX-License-Identifier: BSD-2-Clause */
/* What the index knows: lists of entries and failures, and figures. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "archive-index/handle.h"

static const struct btfpack_kernel no_filter;

/* A filter's fields are patterns; the parameters ?1 to ?5. */
#define FILTERED(t)                                                                                \
	"(?1 IS NULL OR " t ".distro GLOB ?1) AND (?2 IS NULL OR " t ".release GLOB ?2) AND "      \
	"(?3 IS NULL OR " t ".arch GLOB ?3) AND (?4 IS NULL OR " t ".uname GLOB ?4) AND "          \
	"(?5 IS NULL OR " t ".build_id GLOB ?5) "
#define FILTER_PARAMETERS "ttttt"
#define FILTER_ARGUMENTS(f) (f)->distro, (f)->release, (f)->arch, (f)->uname, (f)->build_id

#define ORDER(t)                                                                                   \
	"ORDER BY " t ".distro, " t ".release COLLATE NUMBERS, " t ".arch, " t                     \
	".uname COLLATE NUMBERS, " t ".build_id"

/* --- entries ------------------------------------------------------------------------------------ */

/* A listing is read whole at once: it is of one moment, and holds no lock. */
struct btfpack_entry_iter {
	struct rows rows;
};

void btfpack_entry_iter_free(struct btfpack_entry_iter *it)
{
	if (it)
		rows_deinit(&it->rows);
	free(it);
}

static void free_entry_iterp(struct btfpack_entry_iter **it)
{
	btfpack_entry_iter_free(*it);
}

static int out_of_memory(const struct btfpack_archive *a, struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "%s: out of memory", a->dir);
}

static int read_entries(struct btfpack_archive *a, struct db_stmt *s, struct rows *rows,
			struct btfpack_error *err)
{
	struct btfpack_entry *entry = NULL;
	int error;

	while ((error = db_next(s, err)) > 0) {
		error = entry_read(a, s, &entry, err);
		if (error)
			return error;
		if (rows_add(rows, entry))
			return out_of_memory(a, err);
	}
	return error;
}

int btfpack_archive_list(struct btfpack_archive *a, const struct btfpack_kernel *filter,
			 const char *set, struct btfpack_entry_iter **ret,
			 struct btfpack_error *err)
{
	CLEANUP(free_entry_iterp) struct btfpack_entry_iter *it = calloc(1, sizeof(*it));
	const struct btfpack_kernel *f = filter ? filter : &no_filter;
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error;

	if (!it)
		return out_of_memory(a, err);
	error = db_query(a->db, &s, err,
			 ENTRY_SELECT "WHERE " FILTERED("e") "AND (?6 = '*' OR e.set_name = ?6) "
			 ORDER("e") ", set_name COLLATE NUMBERS",
			 FILTER_PARAMETERS "t", FILTER_ARGUMENTS(f), text_or_empty(set));
	if (!error)
		error = read_entries(a, s, &it->rows, err);
	if (!error)
		*ret = steal_ptr(it); /* the caller's */
	return error;
}

int btfpack_entry_iter_next(struct btfpack_entry_iter *it, const struct btfpack_entry **ret,
			    struct btfpack_error *err)
{
	(void)err;
	if (it->rows.next == it->rows.count)
		return 0;
	*ret = it->rows.items[it->rows.next++];
	return 1;
}

/* --- failures ----------------------------------------------------------------------------------- */

struct btfpack_failure_iter {
	struct rows rows;
};

void btfpack_failure_iter_free(struct btfpack_failure_iter *it)
{
	if (it)
		rows_deinit(&it->rows);
	free(it);
}

static void free_failure_iterp(struct btfpack_failure_iter **it)
{
	btfpack_failure_iter_free(*it);
}

static const size_t failure_strings[] = {
	offsetof(struct btfpack_failure, kernel.distro),
	offsetof(struct btfpack_failure, kernel.release),
	offsetof(struct btfpack_failure, kernel.arch),
	offsetof(struct btfpack_failure, kernel.uname),
	offsetof(struct btfpack_failure, kernel.build_id),
	offsetof(struct btfpack_failure, provenance.package),
	offsetof(struct btfpack_failure, provenance.package_version),
	offsetof(struct btfpack_failure, provenance.package_sha256),
	offsetof(struct btfpack_failure, provenance.source),
	offsetof(struct btfpack_failure, provenance.suite),
	offsetof(struct btfpack_failure, provenance.converter),
	offsetof(struct btfpack_failure, reason),
};

#define FAILURE_COLUMNS                                                                            \
	"distro, release, arch, uname, build_id, package, package_version, package_sha256, "       \
	"source, suite, converter, code, reason, attempts, first, last"
#define FAILURE_SELECT                                                                             \
	"SELECT " FAILURE_COLUMNS ", sum = row_sum(" FAILURE_COLUMNS ") FROM failure f WHERE "

static int read_failure(const struct btfpack_archive *a, const struct db_stmt *s,
			struct btfpack_failure **ret, struct btfpack_error *err)
{
	struct btfpack_failure f = {
		.kernel = { db_text(s, 0), db_text(s, 1), db_text(s, 2),
			    text_or_null(db_text(s, 3)), text_or_null(db_text(s, 4)) },
		.provenance = { db_text(s, 5), text_or_null(db_text(s, 6)), db_text(s, 7),
				db_text(s, 8), db_text(s, 9), db_text(s, 10) },
		.code = (int)db_int(s, 11),
		.reason = db_text(s, 12),
		.attempts = (uint32_t)db_int(s, 13),
		.first = db_int(s, 14),
		.last = db_int(s, 15),
	};

	if (!db_int(s, 16))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: the index is damaged: the row of failed package %.80s "
					 "does not match its checksum",
					 a->dir, text_or_empty(f.provenance.package));
	*ret = row_copy(&f, sizeof(f), failure_strings, ARRAY_SIZE(failure_strings));
	return *ret ? 0 : out_of_memory(a, err);
}

static int read_failures(struct btfpack_archive *a, struct db_stmt *s, struct rows *rows,
			 struct btfpack_error *err)
{
	struct btfpack_failure *failure = NULL;
	int error;

	while ((error = db_next(s, err)) > 0) {
		error = read_failure(a, s, &failure, err);
		if (error)
			return error;
		if (rows_add(rows, failure))
			return out_of_memory(a, err);
	}
	return error;
}

int btfpack_archive_list_failures(struct btfpack_archive *a, const struct btfpack_kernel *filter,
				  struct btfpack_failure_iter **ret, struct btfpack_error *err)
{
	CLEANUP(free_failure_iterp) struct btfpack_failure_iter *it = calloc(1, sizeof(*it));
	const struct btfpack_kernel *f = filter ? filter : &no_filter;
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error;

	if (!it)
		return out_of_memory(a, err);
	error = db_query(a->db, &s, err, FAILURE_SELECT FILTERED("f") ORDER("f") ", package",
			 FILTER_PARAMETERS, FILTER_ARGUMENTS(f));
	if (!error)
		error = read_failures(a, s, &it->rows, err);
	if (!error)
		*ret = steal_ptr(it); /* the caller's */
	return error;
}

int btfpack_failure_iter_next(struct btfpack_failure_iter *it, const struct btfpack_failure **ret,
			      struct btfpack_error *err)
{
	(void)err;
	if (it->rows.next == it->rows.count)
		return 0;
	*ret = it->rows.items[it->rows.next++];
	return 1;
}

/* How often the package was tried before, and when first. */
static int find_attempts(struct btfpack_archive *a, const struct btfpack_kernel *k,
			 const struct btfpack_provenance *p, int64_t *attempts, int64_t *first,
			 struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err,
			     "SELECT attempts, first FROM failure WHERE distro = ? AND release = ? "
			     "AND arch = ? AND package = ? AND package_version = ?",
			     "ttttt", k->distro, k->release, k->arch, p->package,
			     text_or_empty(p->package_version));

	if (!error)
		error = db_next(s, err);
	if (error <= 0)
		return error;
	*attempts = db_int(s, 0);
	*first = db_int(s, 1);
	return 0;
}

static int note_in_transaction(struct btfpack_archive *a, const struct btfpack_kernel *k,
			       const struct btfpack_provenance *p, const struct btfpack_error *why,
			       struct btfpack_error *err)
{
	int64_t now = time(NULL), first = now, attempts = 0;
	int error = find_attempts(a, k, p, &attempts, &first, err);

	if (error)
		return error;
	return db_do(a->db, err,
		     "INSERT OR REPLACE INTO failure (" FAILURE_COLUMNS ", sum) VALUES (?1, ?2, ?3, "
		     "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, row_sum(?1, ?2, ?3, "
		     "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16))",
		     "tttttttttttitiii", k->distro, k->release, k->arch, text_or_empty(k->uname),
		     text_or_empty(k->build_id), p->package, text_or_empty(p->package_version),
		     p->package_sha256, p->source, p->suite, p->converter, (int64_t)why->code,
		     why->message, attempts + 1, first, now);
}

int btfpack_archive_note_failure(struct btfpack_archive *a, const struct btfpack_kernel *k,
				 const struct btfpack_provenance *provenance,
				 const struct btfpack_error *why, struct btfpack_error *err)
{
	struct btfpack_kernel complete = *k;
	int error = archive_check_writable(a, err);

	if (!complete.uname)
		complete.uname = "unknown"; /* only for the check */
	if (!error)
		error = key_check(&complete, err);
	if (!error)
		error = provenance_check(provenance, err);
	if (!error && !provenance->package)
		error = btfpack_error_set(err, -EINVAL, "a failure: expected the package's name");
	if (!error)
		error = db_begin(a->db, err);
	if (error)
		return error;
	error = note_in_transaction(a, k, provenance, why, err);
	if (!error)
		error = db_commit(a->db, err);
	db_rollback(a->db);
	return error;
}

int btfpack_archive_clear_failures(struct btfpack_archive *a, const struct btfpack_kernel *filter,
				   struct btfpack_error *err)
{
	const struct btfpack_kernel *f = filter ? filter : &no_filter;
	int error = archive_check_writable(a, err);

	if (!error)
		error = db_do(a->db, err, "DELETE FROM failure AS f WHERE " FILTERED("f"),
			      FILTER_PARAMETERS, FILTER_ARGUMENTS(f));
	return error ? error : (int)db_changes(a->db);
}

/* --- figures ------------------------------------------------------------------------------------- */

/* Queries that answer in one row of numbers, and which figures these are. */
#define FIGURE(name)   offsetof(struct btfpack_archive_stats, name)
#define FIGURES_MAXIMUM 4
static const struct figures {
	const char *sql;
	size_t count, members[FIGURES_MAXIMUM];
} counted[] = {
	{ "SELECT count(*), ifnull(sum(set_name = ''), 0), ifnull(sum(c.raw_size), 0), "
	  "count(DISTINCT distro || '/' || release || '/' || arch || '/' || uname || '/' || "
	  "build_id) FROM entry e JOIN content c ON c.digest = e.content WHERE " FILTERED("e"),
	  4, { FIGURE(entries), FIGURE(full), FIGURE(raw_bytes), FIGURE(kernels) } },
	{ "SELECT count(*), ifnull(sum(raw_size), 0), ifnull(sum(stored_size), 0) FROM content "
	  "WHERE digest IN (SELECT e.content FROM entry e WHERE " FILTERED("e") ")",
	  3, { FIGURE(contents), FIGURE(content_bytes), FIGURE(stored_bytes) } },
	{ "SELECT count(*), ifnull(sum(count), 0), (SELECT ifnull(sum(stored_size), 0) FROM "
	  "content WHERE digest IN (SELECT m.content FROM modules m WHERE " FILTERED("m")
	  ")) FROM modules m WHERE " FILTERED("m"),
	  3, { FIGURE(module_kernels), FIGURE(modules), FIGURE(module_bytes) } },
	{ "SELECT count(*) FROM failure f WHERE " FILTERED("f"), 1, { FIGURE(failures) } },
};

static int count(struct btfpack_archive *a, const struct btfpack_kernel *f,
		 const struct figures *figures, struct btfpack_archive_stats *st,
		 struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err, figures->sql, FILTER_PARAMETERS, FILTER_ARGUMENTS(f));

	if (!error)
		error = db_next(s, err);
	if (error < 0)
		return error;
	for (size_t i = 0; i < figures->count; i++)
		*(uint64_t *)((char *)st + figures->members[i]) = (uint64_t)db_int(s, (int)i);
	return 0;
}

/* Records take their header and padding too; what no entry reaches, directly or
 * as a base, is unused. */
static int count_packs(struct btfpack_archive *a, struct btfpack_archive_stats *st,
		       struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err,
			     "WITH RECURSIVE used (digest) AS (SELECT content FROM entry UNION "
			     "SELECT content FROM modules WHERE content IS NOT NULL UNION "
			     "SELECT c.base FROM content c JOIN used USING (digest) WHERE c.base IS NOT "
			     "NULL) SELECT (SELECT ifnull(sum(size), 0) FROM pack), "
			     "(SELECT ifnull(sum((stored_size + ?1 + 7) & ~7), 0) FROM content "
			     "WHERE digest NOT IN (SELECT digest FROM used))",
			     "i", (int64_t)RECORD_HEADER_SIZE);

	if (!error)
		error = db_next(s, err);
	if (error < 0)
		return error;
	st->pack_bytes = (uint64_t)db_int(s, 0);
	st->unused_bytes = (uint64_t)db_int(s, 1);
	return 0;
}

static void measure_index(const struct btfpack_archive *a, struct btfpack_archive_stats *st)
{
	static const char *const names[] = { "index.sqlite", "index.sqlite-wal" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct stat file;

		if (fstatat(a->dirfd, names[i], &file, 0) == 0)
			st->index_bytes += (uint64_t)file.st_size;
	}
}

int btfpack_archive_get_stats(struct btfpack_archive *a, const struct btfpack_kernel *filter,
			      struct btfpack_archive_stats *ret, struct btfpack_error *err)
{
	const struct btfpack_kernel *f = filter ? filter : &no_filter;
	struct btfpack_archive_stats st = { 0 };
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(counted); i++)
		error = count(a, f, &counted[i], &st, err);
	if (!error)
		error = count_packs(a, &st, err);
	if (error)
		return error;
	measure_index(a, &st);
	*ret = st;
	return 0;
}
