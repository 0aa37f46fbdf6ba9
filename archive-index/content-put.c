/* SPDX-License-Identifier: BSD-2-Clause */
/* Contents on their way in: which codec and base, and the record and row that come of it. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/codec.h"
#include "archive-index/handle.h"
#include "archive-index/types-model.h"
#include "core/digest.h"

/* Of what is taken over from another archive: the first of a series may lie so much deeper
 * than it did there, and all its series with it; bases in a row of what is taken as it is. */
#define DEEPER	    2
#define TAKEN_DEPTH 6

void prepared_deinit(struct prepared *p)
{
	btfpack_blob_free(&p->payload);
}

/* Encode with @codec, and prove that it decodes to the same bytes. -EOPNOTSUPP
 * when it does not. */
static int try_codec(unsigned int number, const struct btfpack_blob *btf,
		     const struct types_model *base, const struct btfpack_blob *base_bytes,
		     struct btfpack_blob *ret)
{
	const struct codec *codec = codec_find(number);
	AUTO_BLOB struct btfpack_blob payload = { 0 }, back = { 0 };
	int error = codec->encode(btf, base_bytes, &payload);

	if (!error)
		error = codec_decode(codec, payload.data, payload.size, base, btf->size, &back);
	if (!error && (back.size != btf->size || memcmp(back.data, btf->data, btf->size)))
		error = -EOPNOTSUPP;
	if (error)
		return error == -ENOMEM ? error : -EOPNOTSUPP;
	btfpack_blob_free(ret);
	*ret = (struct btfpack_blob){ steal_ptr(payload.data), payload.size }; /* the caller's */
	return 0;
}

/* Whether @candidate is better than what @p holds, which it then replaces. */
static bool take_smaller(struct prepared *p, struct btfpack_blob *candidate)
{
	if (!candidate->data || (p->payload.data && p->payload.size <= candidate->size))
		return false;
	btfpack_blob_free(&p->payload);
	p->payload = (struct btfpack_blob){ steal_ptr(candidate->data), candidate->size };
	p->record.base = (struct btfpack_id){ 0 };
	p->depth = 0;
	return true;
}

/* The base's bytes; false when they are not what its name says. */
static bool write_base(const struct types_model *base, const struct btfpack_id *id,
		      struct btfpack_blob *ret)
{
	struct btfpack_id found;

	return types_model_write(base, ret) == 0 &&
	       digest_bytes(ret->data, ret->size, &found) == 0 && digest_is_equal(&found, id);
}

/* Told by types against @base, by codec @number. */
static int encode_on(struct btfpack_archive *a, const struct content *base, unsigned int number,
		     const struct btfpack_blob *btf, struct prepared *p)
{
	AUTO_TYPES_MODEL struct types_model *own = NULL;
	AUTO_BLOB struct btfpack_blob payload = { 0 }, base_bytes = { 0 };
	const struct types_model *model;
	int error;

	/* A damaged base is no reason not to store: it is not leant on. */
	if (content_lend_base(a, &base->record.id, a->dir, &own, &model, NULL) < 0 ||
	    !write_base(model, &base->record.id, &base_bytes))
		return 0;
	error = try_codec(number, btf, model, &base_bytes, &payload);
	if (error)
		return error == -EOPNOTSUPP ? 0 : error;
	take_smaller(p, &payload);
	p->record.base = base->record.id;
	p->record.codec = number;
	p->depth = base->depth + 1;
	return 0;
}

/* Told by types against the nearest kernel, when there is one. */
static int encode_against(struct btfpack_archive *a, const struct btfpack_kernel *k,
			  const struct btfpack_blob *btf, struct prepared *p,
			  struct btfpack_error *err)
{
	struct content base;
	int found = base_choose(a, k, &base, err);

	return found > 0 ? encode_on(a, &base, CODEC_TYPES, btf, p) : found;
}

/* Told by itself: by types, or by zstd where that is smaller. */
static int encode_alone(const struct btfpack_blob *btf, struct prepared *p)
{
	AUTO_BLOB struct btfpack_blob types = { 0 }, plain = { 0 };
	int error = try_codec(CODEC_TYPES, btf, NULL, NULL, &types);

	/* What others will lean on is worth more: half the bytes must be saved. */
	if (!error && p->payload.size >= types.size / 2)
		btfpack_blob_free(&p->payload);
	if (!error && take_smaller(p, &types))
		p->record.codec = CODEC_TYPES;
	if (error == -ENOMEM)
		return error;
	error = try_codec(CODEC_ZSTD, btf, NULL, NULL, &plain);
	if (!error && take_smaller(p, &plain))
		p->record.codec = CODEC_ZSTD;
	return error;
}

/* A further one of a series is a small part of the first: no need to try alone. */
static bool is_further(const struct record *r)
{
	return r->payload_size < r->raw_size / 32;
}

static int encode(struct btfpack_archive *a, const struct btfpack_kernel *k,
		  const struct btfpack_blob *btf, struct prepared *p, struct btfpack_error *err)
{
	int error = k ? encode_against(a, k, btf, p, err) : 0;

	p->record.payload_size = p->payload.size;
	if (!error && !(p->payload.data && is_further(&p->record)))
		error = encode_alone(btf, p);
	if (error)
		return error == -ENOMEM ? btfpack_error_set(err, error, "%s: out of memory", a->dir)
					: error;
	p->record.payload_size = p->payload.size;
	return 0;
}

int content_prepare(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
		    const struct btfpack_blob *btf, const struct btfpack_id *id,
		    struct prepared *ret, struct btfpack_error *err)
{
	struct content known;
	int found = content_find(a, id, &known, err);

	if (found < 0)
		return found;
	*ret = (struct prepared){ .record = { .raw_size = btf->size, .id = *id } };
	return found ? 0 : encode(a, set ? NULL : k, btf, ret, err);
}

int content_prepare_on(struct btfpack_archive *a, const struct content *base,
		       const struct btfpack_blob *btf, const struct btfpack_id *id,
		       struct prepared *ret, struct btfpack_error *err)
{
	struct content known;
	int error, found = content_find(a, id, &known, err);

	if (found < 0)
		return found;
	*ret = (struct prepared){ .record = { .raw_size = btf->size, .id = *id } };
	error = found ? 0 : encode_on(a, base, CODEC_TYPES_BASED, btf, ret);
	if (!error && !found && !ret->payload.data)
		error = encode_alone(btf, ret);
	ret->record.payload_size = ret->payload.size;
	return error == -ENOMEM ? btfpack_error_set(err, error, "%s: out of memory", a->dir) : error;
}

/* The first of a series there need not be one here: told by one of its series, a few
 * kilobytes take the place of many. 1, 0, <0. */
static int encode_in_series(struct btfpack_archive *a, const struct btfpack_kernel *k,
			    const struct content *theirs, const struct btfpack_blob *btf,
			    struct prepared *ret, struct btfpack_error *err)
{
	CLEANUP(prepared_deinit) struct prepared p = { .record = theirs->record };
	struct content base;
	int found;

	if (!k || is_further(&theirs->record))
		return 0;
	found = base_choose_series(a, k, theirs->depth + DEEPER, &base, err);
	if (found <= 0)
		return found;
	if (encode_on(a, &base, CODEC_TYPES, btf, &p) == -ENOMEM)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", a->dir);
	if (!p.payload.data || p.payload.size >= theirs->record.payload_size)
		return 0;
	p.record.payload_size = p.payload.size;
	*ret = p;
	p.payload = (struct btfpack_blob){ 0 }; /* the caller's */
	return 1;
}

int content_take(struct btfpack_archive *a, struct btfpack_archive *from,
		 const struct btfpack_kernel *k, const struct btfpack_id *id,
		 const struct btfpack_blob *btf, struct prepared *ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob payload = { 0 };
	struct content theirs, base = { 0 };
	int found = content_find(from, id, &theirs, err);
	bool has_base = found > 0 && record_has_base(&theirs.record);

	if (found <= 0)
		return found;
	found = encode_in_series(a, k, &theirs, btf, ret, err);
	if (found)
		return found;
	found = has_base ? content_find(a, &theirs.record.base, &base, err) : 1;
	if (found <= 0 || (has_base && base.depth >= TAKEN_DEPTH))
		return found < 0 ? found : 0;
	found = objects_read(from->objects, &theirs.place, &theirs.record, &payload, err);
	if (found < 0)
		return found == -ENOENT ? 0 : found; /* collected in between: it is encoded */
	*ret = (struct prepared){
		.record = theirs.record,
		.depth = has_base ? base.depth + 1 : 0,
		.payload = { steal_ptr(payload.data), payload.size }, /* the caller's */
	};
	return 1;
}

/* It was there and was collected since it was prepared, or its base was: encode
 * it again, with no base. */
static int prepare_again(struct btfpack_archive *a, const struct btfpack_blob *btf,
			 struct prepared *p, struct btfpack_error *err)
{
	struct content base;
	int found = 1;

	if (p->payload.data && record_has_base(&p->record))
		found = content_find(a, &p->record.base, &base, err);
	if (found < 0 || (found && p->payload.data))
		return found < 0 ? found : 0;
	btfpack_blob_free(&p->payload);
	p->record.base = (struct btfpack_id){ 0 };
	p->depth = 0;
	return encode(a, NULL, btf, p, err);
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
	if (!btf->data)
		return btfpack_error_set(err, -ESTALE, "%s: a content was collected", a->dir);
	error = prepare_again(a, btf, p, err);
	if (error)
		return error;
	error = content_append(a, &p->record, p->payload.data, &place, err);
	if (!error)
		error = objects_sync(a->objects, place.pack, err);
	if (error)
		return error;
	return db_do(a->db, err,
		     "INSERT INTO content (" CONTENT_COLUMNS ", sum) "
		     "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, "
		     "row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8))",
		     "diiidiii", &p->record.id, (int64_t)p->record.raw_size,
		     (int64_t)p->record.payload_size, (int64_t)p->record.codec,
		     record_has_base(&p->record) ? &p->record.base : NULL, (int64_t)p->depth,
		     place.pack,
		     (int64_t)place.offset);
}
