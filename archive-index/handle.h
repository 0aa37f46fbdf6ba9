/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files behind <btfpack/archive.h> share: the handle, contents, and rows
 * of the index. The rest of the project sees the public header only.
 */
#ifndef ARCHIVE_INDEX_HANDLE_H
#define ARCHIVE_INDEX_HANDLE_H

#include <btfpack/archive.h>

#include "archive-index/db.h"
#include "archive-index/objects.h"

/* Bases kept decoded: a series shares few. */
#define CACHE_SIZE	4
#define CACHE_MAXIMUM	((size_t)32 << 20) /* bytes: no larger one is kept */

struct types_model;

struct btfpack_archive {
	char *dir;
	int dirfd;
	bool read_only;
	struct db *db;
	struct objects *objects;
	struct cached {
		struct btfpack_id id;
		struct types_model *model;
	} cache[CACHE_SIZE]; /* bases decoded last, the latest first */
	unsigned int nesting; /* of content_decode() */
};

/* -EROFS with a sentence when the handle may not write. */
int archive_check_writable(const struct btfpack_archive *a, struct btfpack_error *err);

/* --- names -------------------------------------------------------------------------------------- */

/* The four names of a key fit and are there; build_id NULL or fit. -EINVAL. */
int key_check(const struct btfpack_kernel *k, struct btfpack_error *err);
int set_check(const char *set, struct btfpack_error *err); /* NULL is fine */
int provenance_check(const struct btfpack_provenance *p, struct btfpack_error *err);

/* "debian 12 x86_64 6.1.0-28-cloud-amd64", for sentences. */
#define KEY_TEXT_SIZE 160
const char *key_text(const struct btfpack_kernel *k, char ret[KEY_TEXT_SIZE]);

/* NULL ↔ '' of the columns build_id and set_name. */
static inline const char *text_or_empty(const char *text)
{
	return text ? text : "";
}

static inline const char *text_or_null(const char *text)
{
	return text && *text ? text : NULL;
}

/* --- contents ------------------------------------------------------------------------------------ */

/* A row of `content`: what its record says, and where it stands. */
struct content {
	struct record record;
	struct place place;
	unsigned int depth; /* how many bases in a row */
};

#define CONTENT_COLUMNS "digest, raw_size, stored_size, codec, base, depth, pack, offset"
#define CONTENT_SELECT                                                                             \
	"SELECT " CONTENT_COLUMNS ", sum = row_sum(" CONTENT_COLUMNS ") FROM content "

/* The current row of a statement made of CONTENT_SELECT. -EBADMSG. */
int content_read(const struct btfpack_archive *a, const struct db_stmt *s, struct content *ret,
		 struct btfpack_error *err);

/* 1 and the row, 0: no such content, <0. */
int content_find(struct btfpack_archive *a, const struct btfpack_id *id, struct content *ret,
		 struct btfpack_error *err);

/* Read and decode the content of a row, digest checked. */
int content_load(struct btfpack_archive *a, const struct content *c, struct btfpack_blob *ret,
		 struct btfpack_error *err);

/* Decode a record's payload, digest checked; @where names it in sentences. */
int content_decode(struct btfpack_archive *a, const struct record *r, const void *payload,
		   const char *where, struct btfpack_blob *ret, struct btfpack_error *err);

/* A base, decoded: lent until the next base is asked for, or in @own when it is
 * too large to be kept. Its digest is not compared: what is made with it has one. */
int content_lend_base(struct btfpack_archive *a, const struct btfpack_id *id, const char *where,
		      struct types_model **own, const struct types_model **ret,
		      struct btfpack_error *err);

/* A BTF made ready for a pack; done before the write transaction, since it takes
 * time. */
struct prepared {
	struct record record;
	unsigned int depth;
	struct btfpack_blob payload; /* empty: the content was there already */
};
int content_prepare(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
		    const struct btfpack_blob *btf, const struct btfpack_id *id,
		    struct prepared *ret, struct btfpack_error *err);
void prepared_deinit(struct prepared *p);

/* The same, to be told by @base, whatever others there are. */
int content_prepare_on(struct btfpack_archive *a, const struct content *base,
		       const struct btfpack_blob *btf, const struct btfpack_id *id,
		       struct prepared *ret, struct btfpack_error *err);

/* The same without encoding: @btf as @from has it, if it stands alone there or is told by
 * what @a has. But when it is the first of a series there, and @k (NULL: it is no full BTF) is
 * of one that @a has, it is told by that. 1; 0: neither; <0. */
int content_take(struct btfpack_archive *a, struct btfpack_archive *from,
		 const struct btfpack_kernel *k, const struct btfpack_id *id,
		 const struct btfpack_blob *btf, struct prepared *ret, struct btfpack_error *err);

/* The stored content that the full BTF of @k is likely to share most with. 1 and
 * the content, 0: there is none, <0. */
int base_choose(struct btfpack_archive *a, const struct btfpack_kernel *k, struct content *ret,
		struct btfpack_error *err);

/* The same of its series alone, with fewer than @depth bases, however many lean on it. */
int base_choose_series(struct btfpack_archive *a, const struct btfpack_kernel *k,
		       unsigned int depth, struct content *ret, struct btfpack_error *err);

/* The same for the modules of @k: modules of the same version and architecture. */
int base_choose_modules(struct btfpack_archive *a, const struct btfpack_kernel *k,
			struct content *ret, struct btfpack_error *err);

/* Forget the bases that are kept decoded. */
void content_forget(struct btfpack_archive *a);

/* Inside a write transaction: append a record to the current pack, or begin one,
 * and keep the pack's row. The caller syncs the pack before it commits. */
int content_append(struct btfpack_archive *a, const struct record *r, const void *payload,
		   struct place *ret, struct btfpack_error *err);

/* Inside a write transaction: what is appended from now on goes to a new pack. */
int content_begin_pack(struct btfpack_archive *a, int64_t *ret, struct btfpack_error *err);

/* Inside a write transaction: the content is in a pack, synced, and has a row. -ESTALE:
 * it was there and was collected, and @btf is empty. */
int content_put(struct btfpack_archive *a, const struct btfpack_blob *btf, struct prepared *p,
		struct btfpack_error *err);

/* --- modules -------------------------------------------------------------------------------------- */

/* Inside a write transaction, after entries of the four names of @k changed: rows of
 * modules move with the entry they belong to, or go with it. */
int modules_follow(struct btfpack_archive *a, const struct btfpack_kernel *k,
		   struct btfpack_error *err);

/* All modules of exactly the build @k, whose build_id NULL means the one that is not
 * known. -ENOENT: no entry has them. */
int modules_load(struct btfpack_archive *a, const struct btfpack_kernel *k,
		 struct btfpack_modules *ret, struct btfpack_error *err);

struct module_names;

/* Inside a write transaction, the content being there: keep its names. */
int module_names_put(struct btfpack_archive *a, const struct btfpack_id *content,
		     const struct module_names *names, struct btfpack_error *err);

/* 1 and the names of a content; 0: they were not kept, <0. */
int module_names_get(struct btfpack_archive *a, const struct btfpack_id *content,
		     struct module_names *ret, struct btfpack_error *err);

/* --- rows ---------------------------------------------------------------------------------------- */

/* A copy of the struct @row of @size bytes and, behind it, of the strings that
 * its pointers at @offsets point to; free() releases all. NULL: no memory. */
void *row_copy(const void *row, size_t size, const size_t *offsets, size_t count);

/* A growing list of such rows. */
struct rows {
	void **items;
	uint32_t count, room;
	uint32_t next;
};
int rows_add(struct rows *rows, void *row); /* takes it; -ENOMEM, then freed */
void rows_deinit(struct rows *rows);

/* All of a row of modules but its sum. */
#define MODULES_COLUMNS(m)                                                                         \
	m ".distro, " m ".release, " m ".arch, " m ".uname, " m ".build_id, " m ".base, " m        \
	  ".base_types, " m ".base_strings, " m ".content, " m ".count, " m ".failed, " m          \
	  ".changed"

/* What a statement selects for entry_read(). */
#define ENTRY_SELECT                                                                               \
	"SELECT e.distro, e.release, e.arch, e.uname, e.build_id, e.set_name, e.content, "         \
	"e.added, e.changed, e.package, e.package_version, e.package_sha256, e.source, e.suite, "  \
	"e.converter, c.raw_size, c.stored_size, c.codec, e.sum = row_sum(e.distro, e.release, "   \
	"e.arch, e.uname, e.build_id, e.set_name, e.content, e.added, e.changed, e.package, "      \
	"e.package_version, e.package_sha256, e.source, e.suite, e.converter) AND c.sum = "        \
	"row_sum(c.digest, c.raw_size, c.stored_size, c.codec, c.base, c.depth, c.pack, "          \
	"c.offset), m.content, m.count, m.failed, m.changed, "                                     \
	"m.sum = row_sum(" MODULES_COLUMNS("m") "), mc.stored_size, m.sum IS NOT NULL, c.depth "   \
	"FROM entry e JOIN content c ON c.digest = e.content "                                     \
	"LEFT JOIN modules m ON e.set_name = '' AND m.distro = e.distro AND "                      \
	"m.release = e.release AND m.arch = e.arch AND m.uname = e.uname AND "                     \
	"m.build_id = e.build_id AND m.base = e.content "                                          \
	"LEFT JOIN content mc ON mc.digest = m.content "

/* The current row of such a statement, copied: free() it. -EBADMSG. */
int entry_read(const struct btfpack_archive *a, const struct db_stmt *s,
	       struct btfpack_entry **ret, struct btfpack_error *err);

#endif
