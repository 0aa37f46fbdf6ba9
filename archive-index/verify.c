/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is everything there that was reported stored?
 *
 * The index is asked first: sqlite's own check of its pages, then the sum of
 * every row. Then every pack is walked as its records say, not as the index says,
 * and each record is compared with its row, decoded, its digest taken and its BTF
 * read. Whatever the index names and no walk found whole is lost, and the entries
 * that named it are told.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "archive-index/handle.h"
#include "archive-index/module-names.h"
#include "archive-index/schema.h"
#include "btf/btf-view.h"
#include "core/digest.h"
#include "core/grow.h"

struct verify {
	struct btfpack_archive *a;
	const struct btfpack_verify_opts *opts;
	struct btfpack_error *err;
	struct btfpack_id *good; /* contents found whole, sorted before they are asked for */
	uint32_t good_count, good_room;
	uint64_t done, total; /* bytes of packs */
	int problems;
};

static void report(struct verify *v, const struct btfpack_kernel *k, const char *set,
		   const char *message)
{
	struct btfpack_problem problem = { .message = message, .kernel = k, .set = set };

	v->problems++;
	if (v->opts->problem)
		v->opts->problem(&problem, v->opts->arg);
}

static void report_sentence(const char *sentence, void *arg)
{
	report(arg, NULL, NULL, sentence);
}

__attribute__((format(printf, 2, 3))) static void say(struct verify *v, const char *format, ...)
{
	char sentence[512];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	report(v, NULL, NULL, sentence);
}

static void index_complaint(const char *complaint, void *arg)
{
	struct verify *v = arg;

	say(v, "%s/index.sqlite: %s", v->a->dir, complaint);
}

/* What damage means for a step: a problem to be counted, not the end. */
static int forgive(struct verify *v, int error)
{
	if (error != -EBADMSG)
		return error;
	say(v, "%s", v->err->message);
	return 0;
}

/* --- the index ----------------------------------------------------------------------------------- */

/* Each gives the rows whose sum does not hold, as a word for a sentence. */
static const char *const sum_queries[] = {
	"SELECT 'the row of pack ' || id FROM pack WHERE sum IS NOT row_sum(id, size)",
	"SELECT 'the row of content ' || lower(hex(digest)) FROM content WHERE sum IS NOT "
	"row_sum(digest, raw_size, stored_size, codec, base, depth, pack, offset)",
	"SELECT 'the row of ' || distro || ' ' || release || ' ' || arch || ' ' || uname || ' ' || "
	"set_name FROM entry WHERE sum IS NOT row_sum(distro, release, arch, uname, build_id, "
	"set_name, content, added, changed, package, package_version, package_sha256, source, suite, "
	"converter)",
	"SELECT 'the row of the modules of ' || distro || ' ' || release || ' ' || arch || ' ' || "
	"uname FROM modules WHERE sum IS NOT row_sum(" MODULES_COLUMNS("modules") ")",
	"SELECT 'the row of failed package ' || package FROM failure WHERE sum IS NOT "
	"row_sum(distro, release, arch, uname, build_id, package, package_version, package_sha256, "
	"source, suite, converter, code, reason, attempts, first, last)",
};

static int check_sums(struct verify *v, const char *query)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(v->a->db, &s, v->err, query, "");

	while (!error && (error = db_next(s, v->err)) > 0) {
		say(v, "%s/index.sqlite: %.300s does not match its checksum", v->a->dir,
		    text_or_empty(db_text(s, 0)));
		error = 0;
	}
	return error;
}

static int check_index(struct verify *v)
{
	int error = forgive(v, db_check(v->a->db, index_complaint, v, v->err));

	for (size_t i = 0; !error && i < ARRAY_SIZE(sum_queries); i++)
		error = forgive(v, check_sums(v, sum_queries[i]));
	return error;
}

/* --- the packs ----------------------------------------------------------------------------------- */

static int add_good(struct verify *v, const struct btfpack_id *id)
{
	if (grow_array((void **)&v->good, &v->good_room, v->good_count + 1ull, sizeof(*v->good)))
		return btfpack_error_set(v->err, -ENOMEM, "%s: out of memory", v->a->dir);
	v->good[v->good_count++] = *id;
	return 0;
}

/* The record is what its row says. False: a problem that has been said. */
static bool is_known(struct verify *v, const struct record *r, const struct place *place)
{
	struct content row;
	char hex[DIGEST_HEX_SIZE];
	int found = content_find(v->a, &r->id, &row, v->err);

	digest_format(&r->id, hex);
	if (found < 0)
		say(v, "%s", v->err->message);
	else if (!found)
		say(v, "%s/packs/%08" PRId64 ".pack: at offset %" PRIu64 ": content %.12s, which the "
		       "index does not know",
		    v->a->dir, place->pack, place->offset, hex);
	else if (row.place.pack != place->pack || row.place.offset != place->offset)
		say(v, "%s/packs/%08" PRId64 ".pack: at offset %" PRIu64 ": content %.12s, which the "
		       "index expects at offset %" PRIu64 " of pack %" PRId64,
		    v->a->dir, place->pack, place->offset, hex, row.place.offset, row.place.pack);
	else if (row.record.codec != r->codec || row.record.raw_size != r->raw_size ||
		 row.record.payload_size != r->payload_size ||
		 !digest_is_equal(&row.record.base, &r->base))
		say(v, "%s/packs/%08" PRId64 ".pack: at offset %" PRIu64 ": content %.12s, whose "
		       "header is not as the index expects",
		    v->a->dir, place->pack, place->offset, hex);
	else
		return true;
	return false;
}

static int check_record(const struct record *r, const struct place *place, const void *payload,
			void *arg)
{
	struct verify *v = arg;
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	char where[64];
	int error;

	v->done += place->size;
	if (v->opts->progress && v->opts->progress(v->done, v->total, v->opts->arg))
		return btfpack_error_set(v->err, -ECANCELED, "%s: verify was stopped", v->a->dir);
	if (!is_known(v, r, place))
		return 0;
	snprintf(where, sizeof(where), "packs/%08" PRId64 ".pack, offset %" PRIu64, place->pack,
		 place->offset);
	error = content_decode(v->a, r, payload, where, &btf, v->err);
	if (!error)
		error = btf_view_init(&view, btf.data, btf.size, NULL, where, v->err);
	if (error == -EOPNOTSUPP)
		error = -EBADMSG; /* we stored it, so we should know it */
	return error ? forgive(v, error) : add_good(v, &r->id);
}

static int check_pack(struct verify *v, int64_t pack, uint64_t size)
{
	int error = objects_walk(v->a->objects, pack, size, check_record, report_sentence, v,
				 v->err);

	return forgive(v, error == -ENOENT ? -EBADMSG : error);
}

static int check_packs(struct verify *v)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(v->a->db, &s, v->err, "SELECT id, size FROM pack ORDER BY id", "");

	while (!error && (error = db_next(s, v->err)) > 0)
		error = check_pack(v, db_int(s, 0), (uint64_t)db_int(s, 1));
	return forgive(v, error);
}

/* --- what is lost ---------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct btfpack_id));
}

static bool is_good(const struct verify *v, const struct btfpack_id *id)
{
	return v->good_count &&
	       bsearch(id, v->good, v->good_count, sizeof(*id), compare_ids) != NULL;
}

static int check_entry(struct verify *v, const struct db_stmt *s)
{
	struct btfpack_kernel k = { text_or_empty(db_text(s, 0)), text_or_empty(db_text(s, 1)),
				    text_or_empty(db_text(s, 2)), text_or_empty(db_text(s, 3)),
				    text_or_null(db_text(s, 4)) };
	const char *set = text_or_null(db_text(s, 5));
	char key[KEY_TEXT_SIZE], sentence[400];
	struct btfpack_id id;

	if (db_id(s, 6, &id) && is_good(v, &id))
		return 0;
	snprintf(sentence, sizeof(sentence), "%s: %s%s of %s is lost: its content is not there",
		 v->a->dir, set ? "set " : "the BTF", set ? set : "", key_text(&k, key));
	report(v, &k, set, sentence);
	return 0;
}

static int check_entries(struct verify *v)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(v->a->db, &s, v->err,
			     "SELECT distro, release, arch, uname, build_id, set_name, content "
			     "FROM entry ORDER BY distro, release, arch, uname, build_id, set_name",
			     "");

	if (v->good_count)
		qsort(v->good, v->good_count, sizeof(*v->good), compare_ids);
	while (!error && (error = db_next(s, v->err)) > 0)
		error = check_entry(v, s);
	return forgive(v, error);
}

/* The modules of a kernel are there, come apart, and stand on what the entry has. */
static int check_modules_of(struct verify *v, const struct db_stmt *s)
{
	struct btfpack_kernel k = { text_or_empty(db_text(s, 0)), text_or_empty(db_text(s, 1)),
				    text_or_empty(db_text(s, 2)), text_or_empty(db_text(s, 3)),
				    text_or_null(db_text(s, 4)) };
	struct btfpack_modules modules = { 0 };
	char key[KEY_TEXT_SIZE], sentence[400];
	struct btfpack_id id;
	bool is_there = !db_int(s, 6) || (db_id(s, 5, &id) && is_good(v, &id));
	int error = is_there ? modules_load(v->a, &k, &modules, v->err) : 0;

	btfpack_modules_free(&modules);
	if (is_there && error != -ENOENT)
		return forgive(v, error);
	snprintf(sentence, sizeof(sentence), "%s: the modules of %s are lost: %s", v->a->dir,
		 key_text(&k, key),
		 is_there ? "there is no entry with what they stand on" : "their content is not there");
	report(v, &k, NULL, sentence);
	return 0;
}

static int check_modules(struct verify *v)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(v->a->db, &s, v->err,
			     "SELECT distro, release, arch, uname, build_id, content, count "
			     "FROM modules ORDER BY distro, release, arch, uname, build_id",
			     "");

	while (!error && (error = db_next(s, v->err)) > 0)
		error = check_modules_of(v, s);
	return forgive(v, error);
}

/* The names that were kept of a content of modules are those it has. */
static int check_names_of(struct verify *v, const struct db_stmt *s)
{
	AUTO_MODULE_NAMES struct module_names kept = { 0 }, names = { 0 };
	const struct modules_base ends = { (uint32_t)db_int(s, 1), (uint32_t)db_int(s, 2) };
	AUTO_BLOB struct btfpack_blob joined = { 0 };
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id id;
	int error = 0;

	if (!db_id(s, 0, &id) || !is_good(v, &id))
		return 0;
	if (module_names_get(v->a, &id, &kept, v->err) < 0)
		return forgive(v, v->err->code);
	error = btfpack_archive_get(v->a, &id, &joined, v->err);
	if (error)
		return forgive(v, error);
	error = module_names_of(&joined, &ends, &names);
	if (error == -ENOMEM)
		return btfpack_error_set(v->err, error, "%s: out of memory", v->a->dir);
	if (error || kept.count != names.count ||
	    (names.count && memcmp(kept.hashes, names.hashes, names.count * sizeof(*names.hashes)))) {
		digest_format(&id, hex);
		say(v, "%s/index.sqlite: the names of modules of content %.12s are not those it has",
		    v->a->dir, hex);
	}
	return 0;
}

static int check_names(struct verify *v)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error;

	if (db_version(v->a->db) < VERSION_MODULE_NAMES)
		return 0;
	error = db_query(v->a->db, &s, v->err,
			 "SELECT content, base_types, base_strings FROM modules WHERE content IN "
			 "(SELECT content FROM module_names) GROUP BY content ORDER BY content", "");
	while (!error && (error = db_next(s, v->err)) > 0)
		error = check_names_of(v, s);
	return forgive(v, error);
}

/* Contents that no entry names may be lost too; they are only worth a word. */
static int check_contents(struct verify *v)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(v->a->db, &s, v->err,
			     "SELECT digest FROM content WHERE digest NOT IN "
			     "(SELECT content FROM entry) AND digest NOT IN (SELECT content FROM "
			     "modules WHERE content IS NOT NULL)",
			     "");
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id id;

	while (!error && (error = db_next(s, v->err)) > 0) {
		error = 0;
		if (!db_id(s, 0, &id) || is_good(v, &id))
			continue;
		digest_format(&id, hex);
		say(v, "%s: content %.12s, which no entry names, is not there", v->a->dir, hex);
	}
	return forgive(v, error);
}

static int sum_packs(struct verify *v)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(v->a->db, &s, v->err, "SELECT ifnull(sum(size), 0) FROM pack", "");

	if (!error)
		error = db_next(s, v->err);
	if (error > 0)
		v->total = (uint64_t)db_int(s, 0);
	return forgive(v, error < 0 ? error : 0);
}

static int verify(struct verify *v)
{
	int error = check_index(v);

	if (!error)
		error = sum_packs(v);
	if (!error)
		error = check_packs(v);
	if (!error)
		error = check_entries(v);
	if (!error)
		error = check_modules(v);
	if (!error)
		error = check_names(v);
	if (!error)
		error = check_contents(v);
	return error;
}

int btfpack_archive_verify(struct btfpack_archive *a, const struct btfpack_verify_opts *opts,
			   struct btfpack_error *err)
{
	struct btfpack_verify_opts none = { .size = sizeof(none) };
	struct btfpack_error own;
	struct verify v = { .a = a, .opts = opts ? opts : &none, .err = err ? err : &own };
	int error;

	if (v.opts->size != sizeof(none))
		return btfpack_error_set(err, -EINVAL, "verify: options of %zu bytes, expected %zu",
					 v.opts->size, sizeof(none));
	/* Collecting, which deletes packs that this moment's index names, waits. */
	flock(a->dirfd, LOCK_SH);
	error = db_begin_read(a->db, v.err);
	if (!error)
		error = verify(&v);
	db_rollback(a->db);
	flock(a->dirfd, LOCK_UN);
	free(v.good);
	return error ? error : v.problems;
}
