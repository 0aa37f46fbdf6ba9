/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Giving back the room of contents that no entry reaches.
 *
 * In one write transaction: their rows go; each pack that held some is copied,
 * record by record and without decoding, to a new pack; the rows of what was
 * copied move. Only when the commit is on the disk do the old files go. Killed
 * before the commit, what was copied is a tail or a file that the index does not
 * know; killed after it, old files are left that the next collection removes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "archive-index/handle.h"
#include "archive-index/made.h"

#define UNUSED_DAYS 30 /* what was made for a bundle that is not made any more goes then */

/* What is only a base of something unreachable becomes unreachable with it. */
static int drop_contents(struct btfpack_archive *a, struct btfpack_error *err)
{
	int error;

	do
		error = db_do(a->db, err,
			      "DELETE FROM content WHERE digest NOT IN (SELECT content FROM entry) AND "
			      "digest NOT IN (SELECT content FROM modules WHERE content IS NOT NULL) AND "
			      "digest NOT IN (SELECT base FROM content WHERE base IS NOT NULL)",
			      "");
	while (!error && db_changes(a->db) > 0);
	return error ? error
		     : db_do(a->db, err,
			     "DELETE FROM module_names WHERE content NOT IN (SELECT digest FROM content)",
			     "");
}

/* Packs that hold more than their live records, oldest first, as a list of ids. */
static int find_wasteful(struct btfpack_archive *a, struct rows *ret, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err,
			     "SELECT id FROM pack p WHERE size > ?2 + (SELECT "
			     "ifnull(sum((stored_size + ?1 + 7) & ~7), 0) FROM content WHERE pack = p.id) "
			     "OR NOT EXISTS (SELECT 1 FROM content WHERE pack = p.id) ORDER BY id",
			     "ii", (int64_t)RECORD_HEADER_SIZE, (int64_t)PACK_HEADER_SIZE);

	while (!error && (error = db_next(s, err)) > 0) {
		int64_t *id = malloc(sizeof(*id));

		if (id)
			*id = db_int(s, 0);
		error = rows_add(ret, id);
	}
	return error == -ENOMEM ? btfpack_error_set(err, error, "%s: out of memory", a->dir)
				: error;
}

static int list_contents(struct btfpack_archive *a, int64_t pack, struct rows *ret,
			 struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err, CONTENT_SELECT "WHERE pack = ? ORDER BY offset", "i",
			     pack);

	while (!error && (error = db_next(s, err)) > 0) {
		struct content *c = malloc(sizeof(*c));

		error = c ? content_read(a, s, c, err) : 0;
		if (error)
			free(c);
		else
			error = rows_add(ret, c);
	}
	return error == -ENOMEM ? btfpack_error_set(err, error, "%s: out of memory", a->dir)
				: error;
}

static int move_content(struct btfpack_archive *a, const struct content *c,
			struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob payload = { 0 };
	struct place place;
	int error = objects_read(a->objects, &c->place, &c->record, &payload, err);

	if (!error)
		error = content_append(a, &c->record, payload.data, &place, err);
	if (error)
		return error;
	return db_do(a->db, err,
		     "UPDATE content SET pack = ?2, offset = ?3, sum = row_sum(digest, raw_size, "
		     "stored_size, codec, base, depth, ?2, ?3) WHERE digest = ?1",
		     "dii", &c->record.id, place.pack, (int64_t)place.offset);
}

static int rewrite_pack(struct btfpack_archive *a, int64_t pack, struct btfpack_error *err)
{
	CLEANUP(rows_deinit) struct rows contents = { 0 };
	int error = list_contents(a, pack, &contents, err);

	for (size_t i = 0; !error && i < contents.count; i++)
		error = move_content(a, contents.items[i], err);
	return error ? error : db_do(a->db, err, "DELETE FROM pack WHERE id = ?", "i", pack);
}

/* Sync the packs from @first on, whichever were written. */
static int sync_from(struct btfpack_archive *a, int64_t first, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err, "SELECT id FROM pack WHERE id >= ? AND size > 0", "i",
			     first);

	while (!error && (error = db_next(s, err)) > 0)
		error = objects_sync(a->objects, db_int(s, 0), err);
	return error;
}

static int collect_in_transaction(struct btfpack_archive *a, struct btfpack_error *err)
{
	CLEANUP(rows_deinit) struct rows packs = { 0 };
	int64_t first_new;
	int error = drop_contents(a, err);

	if (!error)
		error = find_wasteful(a, &packs, err);
	if (error || !packs.count)
		return error;
	/* Nothing is appended to a pack that is to go. */
	error = content_begin_pack(a, &first_new, err);
	for (size_t i = 0; !error && i < packs.count; i++)
		error = rewrite_pack(a, *(int64_t *)packs.items[i], err);
	if (!error)
		error = sync_from(a, first_new, err);
	/* The new one, if nothing was left to copy. */
	return error ? error : db_do(a->db, err, "DELETE FROM pack WHERE size = 0", "");
}

struct sweep {
	struct btfpack_archive *a;
	struct btfpack_error *err;
};

/* A file of packs/ that has no row. */
static int sweep_file(int64_t pack, void *arg)
{
	struct sweep *sweep = arg;
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(sweep->a->db, &s, sweep->err, "SELECT 1 FROM pack WHERE id = ?", "i",
			     pack);

	if (!error)
		error = db_next(s, sweep->err);
	if (error)
		return error < 0 ? error : 0;
	return objects_remove(sweep->a->objects, pack, sweep->err);
}

static int total_size(struct btfpack_archive *a, uint64_t *ret, struct btfpack_error *err)
{
	struct btfpack_archive_stats stats;
	int error = btfpack_archive_get_stats(a, NULL, &stats, err);

	if (!error)
		*ret = stats.pack_bytes;
	return error;
}

/* The files go under a write transaction of their own: a writer that has just
 * made a pack, but not yet committed its row, is not disturbed. */
static int sweep(struct btfpack_archive *a, struct btfpack_error *err)
{
	struct sweep sweep = { .a = a, .err = err };
	int error = db_begin(a->db, err);

	if (!error)
		error = objects_list(a->objects, sweep_file, &sweep, err);
	db_rollback(a->db);
	return error;
}

static int collect(struct btfpack_archive *a, struct btfpack_error *err)
{
	int error = db_begin(a->db, err);

	if (error)
		return error;
	error = collect_in_transaction(a, err);
	if (!error)
		error = db_commit(a->db, err);
	db_rollback(a->db);
	return error ? error : sweep(a, err);
}

/* For made_collect(). */
static int has_content(const struct btfpack_id *id, void *arg, struct btfpack_error *err)
{
	struct content content;

	return content_find(arg, id, &content, err);
}

int btfpack_archive_collect(struct btfpack_archive *a, uint64_t *freed_ret,
			    struct btfpack_error *err)
{
	uint64_t before = 0, after = 0;
	int error = archive_check_writable(a, err);

	if (error)
		return error;
	flock(a->dirfd, LOCK_EX); /* see btfpack_archive_verify() */
	error = total_size(a, &before, err);
	if (!error)
		error = collect(a, err);
	if (!error)
		error = total_size(a, &after, err);
	if (!error)
		error = made_collect(a->dir, UNUSED_DAYS, has_content, a, err);
	flock(a->dirfd, LOCK_UN);
	if (!error && freed_ret)
		*freed_ret = before > after ? before - after : 0;
	return error;
}
