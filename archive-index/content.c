/* SPDX-License-Identifier: BSD-2-Clause */
/* Contents: from bytes to a record in a pack and a row in the index, and back. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/codec.h"
#include "archive-index/handle.h"
#include "core/digest.h"

/* --- reading ------------------------------------------------------------------------------------ */

int content_read(const struct btfpack_archive *a, const struct db_stmt *s, struct content *ret,
		 struct btfpack_error *err)
{
	struct content c = {
		.record = {
			.raw_size = (uint64_t)db_int(s, 1),
			.payload_size = (uint64_t)db_int(s, 2),
			.codec = (unsigned int)db_int(s, 3),
		},
		.place = { .pack = db_int(s, 5), .offset = (uint64_t)db_int(s, 6) },
	};

	if (!db_id(s, 0, &c.record.id) || !db_int(s, 7))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: the index is damaged: a content's row does not match "
					 "its checksum",
					 a->dir);
	db_id(s, 4, &c.record.base); /* NULL: stays zero */
	c.place.size = record_size(&c.record);
	*ret = c;
	return 0;
}

int content_find(struct btfpack_archive *a, const struct btfpack_id *id, struct content *ret,
		 struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err, CONTENT_SELECT "WHERE digest = ?", "d", id);

	if (!error)
		error = db_next(s, err);
	if (error <= 0)
		return error;
	error = content_read(a, s, ret, err);
	return error ? error : 1;
}

int content_decode(struct btfpack_archive *a, const struct record *r, const void *payload,
		   const char *where, struct btfpack_blob *ret, struct btfpack_error *err)
{
	const struct codec *codec = codec_find(r->codec);
	AUTO_BLOB struct btfpack_blob raw = { 0 };
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id id;
	int error;

	(void)a;
	digest_format(&r->id, hex);
	if (!codec)
		return btfpack_error_set(err, -EOPNOTSUPP, "%s: content %.12s has codec %u, which "
					 "this btfpack does not know", where, hex, r->codec);
	error = codec->decode(payload, r->payload_size, NULL, r->raw_size, &raw);
	if (!error)
		error = digest_bytes(raw.data, raw.size, &id);
	if (error == -ENOMEM)
		return btfpack_error_set(err, error, "%s: out of memory", where);
	if (error || !digest_is_equal(&id, &r->id))
		return btfpack_error_set(err, -EBADMSG, "%s: content %.12s %s", where, hex,
					 error ? "does not decode" : "does not match its digest");
	*ret = (struct btfpack_blob){ steal_ptr(raw.data), raw.size }; /* the caller's */
	return 0;
}

static int load_from(struct btfpack_archive *a, const struct content *c, struct btfpack_blob *ret,
		     struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob payload = { 0 };
	int error = objects_read(a->objects, &c->place, &c->record, &payload, err);

	return error ? error : content_decode(a, &c->record, payload.data, a->dir, ret, err);
}

int content_load(struct btfpack_archive *a, const struct content *c, struct btfpack_blob *ret,
		 struct btfpack_error *err)
{
	struct content moved;
	int error = load_from(a, c, ret, err);

	if (error != -ENOENT)
		return error;
	/* The pack may have been collected since the index was read. */
	error = content_find(a, &c->record.id, &moved, err);
	if (error > 0)
		error = load_from(a, &moved, ret, err);
	if (error == -ENOENT)
		return btfpack_error_set(err, -EBADMSG, "%s/packs/%08" PRId64 ".pack: is missing",
					 a->dir, moved.place.pack);
	return error;
}

/* --- writing ------------------------------------------------------------------------------------ */

void prepared_deinit(struct prepared *p)
{
	btfpack_blob_free(&p->payload);
}

static int encode(struct btfpack_archive *a, const struct btfpack_blob *btf, struct prepared *p,
		  struct btfpack_error *err)
{
	int error;

	p->record.codec = CODEC_ZSTD;
	error = codec_find(p->record.codec)->encode(btf, NULL, &p->payload);
	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", a->dir);
	p->record.payload_size = p->payload.size;
	return 0;
}

int content_prepare(struct btfpack_archive *a, const struct btfpack_blob *btf,
		    const struct btfpack_id *id, struct prepared *ret, struct btfpack_error *err)
{
	struct content known;
	int found = content_find(a, id, &known, err);

	if (found < 0)
		return found;
	*ret = (struct prepared){ .record = { .raw_size = btf->size, .id = *id } };
	return found ? 0 : encode(a, btf, ret, err);
}

static int begin_pack(struct btfpack_archive *a, struct place *ret, struct btfpack_error *err)
{
	int error = db_do(a->db, err, "INSERT INTO pack (size, sum) VALUES (0, 0)", "");

	if (!error)
		*ret = (struct place){ .pack = db_last_rowid(a->db) };
	return error;
}

int content_begin_pack(struct btfpack_archive *a, int64_t *ret, struct btfpack_error *err)
{
	struct place place;
	int error = begin_pack(a, &place, err);

	if (!error)
		error = db_do(a->db, err, "UPDATE pack SET sum = row_sum(id, size) WHERE id = ?",
			      "i", place.pack);
	if (!error)
		*ret = place.pack;
	return error;
}

/* The pack that has room for @size more bytes: the last one, or a new one. */
static int choose_pack(struct btfpack_archive *a, uint64_t size, struct place *ret,
		       struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err,
			     "SELECT id, size, sum = row_sum(id, size) FROM pack "
			     "ORDER BY id DESC LIMIT 1",
			     "");

	if (!error)
		error = db_next(s, err);
	if (error < 0)
		return error;
	if (error && !db_int(s, 2))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: the index is damaged: the row of pack %" PRId64
					 " does not match its checksum",
					 a->dir, db_int(s, 0));
	if (!error || (uint64_t)db_int(s, 1) + size > PACK_SIZE_MAXIMUM)
		return begin_pack(a, ret, err);
	*ret = (struct place){ .pack = db_int(s, 0), .offset = (uint64_t)db_int(s, 1) };
	return 0;
}

int content_append(struct btfpack_archive *a, const struct record *r, const void *payload,
		   struct place *ret, struct btfpack_error *err)
{
	struct place place;
	int error = choose_pack(a, record_size(r), &place, err);

	if (!error)
		error = objects_append(a->objects, r, payload, &place, err);
	if (!error)
		error = db_do(a->db, err,
			      "UPDATE pack SET size = ?2, sum = row_sum(?1, ?2) WHERE id = ?1", "ii",
			      place.pack, (int64_t)(place.offset + place.size));
	if (!error)
		*ret = place;
	return error;
}

int content_put(struct btfpack_archive *a, const struct btfpack_blob *btf, struct prepared *p,
		struct btfpack_error *err)
{
	struct content known;
	struct place place;
	int error = content_find(a, &p->record.id, &known, err);

	if (error)
		return error < 0 ? error : 0;
	if (!p->payload.data) /* it was there, and has been collected since */
		error = encode(a, btf, p, err);
	if (error)
		return error;
	error = content_append(a, &p->record, p->payload.data, &place, err);
	if (!error)
		error = objects_sync(a->objects, place.pack, err);
	if (error)
		return error;
	return db_do(a->db, err,
		     "INSERT INTO content (" CONTENT_COLUMNS ", sum) "
		     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7))",
		     "diiidii", &p->record.id, (int64_t)p->record.raw_size,
		     (int64_t)p->record.payload_size, (int64_t)p->record.codec,
		     record_has_base(&p->record) ? &p->record.base : NULL, place.pack,
		     (int64_t)place.offset);
}
