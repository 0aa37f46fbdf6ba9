/* SPDX-License-Identifier: BSD-2-Clause */
/* Contents: from a row of the index and a record in a pack to bytes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/codec.h"
#include "archive-index/handle.h"
#include "archive-index/types-model.h"
#include "core/digest.h"

#define DEPTH_MAXIMUM 16 /* bases in a row: base.c makes far fewer */

int content_read(const struct btfpack_archive *a, const struct db_stmt *s, struct content *ret,
		 struct btfpack_error *err)
{
	struct content c = {
		.record = {
			.raw_size = (uint64_t)db_int(s, 1),
			.payload_size = (uint64_t)db_int(s, 2),
			.codec = (unsigned int)db_int(s, 3),
		},
		.depth = (unsigned int)db_int(s, 5),
		.place = { .pack = db_int(s, 6), .offset = (uint64_t)db_int(s, 7) },
	};

	if (!db_id(s, 0, &c.record.id) || !db_int(s, 8))
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

void content_forget(struct btfpack_archive *a)
{
	for (size_t i = 0; i < CACHE_SIZE; i++) {
		types_model_free(a->cache[i].model);
		a->cache[i].model = NULL;
	}
}

/* Keep @model, which the cache then owns, in place of the one used longest ago. */
static void remember(struct btfpack_archive *a, const struct btfpack_id *id,
		     struct types_model *model)
{
	types_model_free(a->cache[CACHE_SIZE - 1].model);
	memmove(&a->cache[1], &a->cache[0], (CACHE_SIZE - 1) * sizeof(a->cache[0]));
	a->cache[0] = (struct cached){ *id, model };
}

static const struct types_model *recall(struct btfpack_archive *a, const struct btfpack_id *id)
{
	for (size_t i = 0; i < CACHE_SIZE; i++) {
		struct cached found = a->cache[i];

		if (!found.model || !digest_is_equal(&found.id, id))
			continue;
		memmove(&a->cache[1], &a->cache[0], i * sizeof(found));
		a->cache[0] = found;
		return found.model;
	}
	return NULL;
}

static int fail_decode(int error, const char *where, struct btfpack_error *err)
{
	if (error == -ENOMEM)
		return btfpack_error_set(err, error, "%s: out of memory", where);
	return btfpack_error_set(err, error, "%s: a content does not decode", where);
}

static int find_codec(const struct record *r, const char *where, const struct codec **ret,
		      struct btfpack_error *err)
{
	char hex[DIGEST_HEX_SIZE];

	*ret = codec_find(r->codec);
	if (*ret)
		return 0;
	digest_format(&r->id, hex);
	return btfpack_error_set(err, -EOPNOTSUPP, "%s: content %.12s has codec %u, which this "
				 "btfpack does not know", where, hex, r->codec);
}

static int load_base(struct btfpack_archive *a, const struct btfpack_id *id, const char *where,
		     struct types_model **ret, struct btfpack_error *err);

int content_lend_base(struct btfpack_archive *a, const struct btfpack_id *id, const char *where,
		     struct types_model **own, const struct types_model **ret,
		     struct btfpack_error *err)
{
	char hex[DIGEST_HEX_SIZE];
	int error;

	*ret = recall(a, id);
	if (*ret)
		return 0;
	digest_format(id, hex);
	if (a->nesting >= DEPTH_MAXIMUM)
		return btfpack_error_set(err, -EBADMSG, "%s: content %.12s has more than %d bases",
					 where, hex, DEPTH_MAXIMUM);
	a->nesting++;
	error = load_base(a, id, where, own, err);
	a->nesting--;
	if (error)
		return error;
	*ret = *own;
	if (types_model_size(*own) <= CACHE_MAXIMUM)
		remember(a, id, steal_ptr(*own)); /* the cache's */
	return 0;
}

/* A record's payload to a model. */
static int decode_base(struct btfpack_archive *a, const struct record *r, const void *payload,
		       const char *where, struct types_model **ret, struct btfpack_error *err)
{
	AUTO_TYPES_MODEL struct types_model *own = NULL;
	const struct types_model *base = NULL;
	const struct codec *codec;
	int error = find_codec(r, where, &codec, err);

	if (!error && record_has_base(r))
		error = content_lend_base(a, &r->base, where, &own, &base, err);
	if (error)
		return error;
	error = codec->model(payload, r->payload_size, base, r->raw_size, ret);
	return error ? fail_decode(error, where, err) : 0;
}

int content_decode(struct btfpack_archive *a, const struct record *r, const void *payload,
		   const char *where, struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_TYPES_MODEL struct types_model *own = NULL;
	AUTO_BLOB struct btfpack_blob raw = { 0 };
	const struct types_model *base = NULL;
	const struct codec *codec;
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id id;
	int error = find_codec(r, where, &codec, err);

	if (!error && record_has_base(r))
		error = content_lend_base(a, &r->base, where, &own, &base, err);
	if (error)
		return error;
	error = codec_decode(codec, payload, r->payload_size, base, r->raw_size, &raw);
	if (error)
		return fail_decode(error, where, err);
	error = digest_bytes(raw.data, raw.size, &id);
	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", where);
	digest_format(&r->id, hex);
	if (!digest_is_equal(&id, &r->id))
		return btfpack_error_set(err, -EBADMSG, "%s: content %.12s does not match its digest",
					 where, hex);
	*ret = (struct btfpack_blob){ steal_ptr(raw.data), raw.size }; /* the caller's */
	return 0;
}

/* What a content's row or payload is read for. */
struct wanted {
	struct btfpack_blob *bytes; /* one of the two */
	struct types_model **model;
};

static int load_from(struct btfpack_archive *a, const struct content *c,
		     const struct wanted *wanted, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob payload = { 0 };
	int error = objects_read(a->objects, &c->place, &c->record, &payload, err);

	if (error)
		return error;
	if (wanted->model)
		return decode_base(a, &c->record, payload.data, a->dir, wanted->model, err);
	return content_decode(a, &c->record, payload.data, a->dir, wanted->bytes, err);
}

static int load(struct btfpack_archive *a, const struct content *c, const struct wanted *wanted,
		struct btfpack_error *err)
{
	struct content moved;
	int error = load_from(a, c, wanted, err);

	if (error != -ENOENT)
		return error;
	/* The pack may have been collected since the index was read. */
	error = content_find(a, &c->record.id, &moved, err);
	if (error > 0)
		error = load_from(a, &moved, wanted, err);
	if (error == -ENOENT)
		return btfpack_error_set(err, -EBADMSG, "%s/packs/%08" PRId64 ".pack: is missing",
					 a->dir, moved.place.pack);
	return error;
}

static int load_base(struct btfpack_archive *a, const struct btfpack_id *id, const char *where,
		     struct types_model **ret, struct btfpack_error *err)
{
	char hex[DIGEST_HEX_SIZE];
	struct content base;
	int error = content_find(a, id, &base, err);

	if (error > 0)
		return load(a, &base, &(struct wanted){ .model = ret }, err);
	if (error < 0)
		return error;
	digest_format(id, hex);
	return btfpack_error_set(err, -EBADMSG, "%s: the base %.12s is not there", where, hex);
}

int content_load(struct btfpack_archive *a, const struct content *c, struct btfpack_blob *ret,
		 struct btfpack_error *err)
{
	return load(a, c, &(struct wanted){ .bytes = ret }, err);
}
