/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A part: kernels of one series that were published at once, as two immutable
 * objects. The pack is a pack file (objects.h), with the number 1, of the contents that
 * were not published before; the index says in text what there is:
 *
 *	btfpack-index 1
 *	content ID BASE                 one in the pack, and what it leans on, or "-"
 *	entry	DISTRO	RELEASE	...     one of the archive, its fields between tabs;
 *					four more when its modules are there
 *
 * Contents travel as they are stored, so that a further kernel of a series costs what
 * it costs on the disk. A base may lie in another part: the indexes tell in which.
 */
#ifndef ARCHIVE_INDEX_PART_H
#define ARCHIVE_INDEX_PART_H

#include <stdbool.h>

#include <btfpack/archive.h>

#define PART_INDEX_MAXIMUM ((size_t)16 << 20)
#define PART_PACK_MAXIMUM  ((uint64_t)1 << 30)

/* --- the index ---------------------------------------------------------------------------------- */

struct part_content {
	struct btfpack_id id, base;
	bool has_base;
};

struct part_index {
	struct part_content *contents;
	size_t content_count;
	struct btfpack_entry *entries; /* sizes and codec are not known: zero */
	size_t entry_count;
	char *text; /* what the entries' strings lie in */
};

void part_index_deinit(struct part_index *index);

/* @name is what to call it. -EBADMSG, with the number of the line; -EOPNOTSUPP another
 * version; -ENOMEM. Whether names of kernels are fit shows when they are stored. */
int part_index_parse(const struct btfpack_blob *text, const char *name, struct part_index *ret,
		     struct btfpack_error *err);

/* --- making a part ------------------------------------------------------------------------------- */

struct part;

/* @is_published says of a content whether another part has it. */
int part_new(bool (*is_published)(const struct btfpack_id *id, void *arg), void *arg,
	     struct part **ret, struct btfpack_error *err);
void part_free(struct part *p);

/* Add an entry of @a, with what it needs of contents. */
int part_add(struct part *p, struct btfpack_archive *a, const struct btfpack_entry *entry,
	     struct btfpack_error *err);

/* Entries so far, and bytes of the pack. */
size_t part_count(const struct part *p);
size_t part_size(const struct part *p);

/* The contents in the pack. Lent until the part changes. */
const struct btfpack_id *part_contents(const struct part *p, size_t *count_ret);

/* Hand out both objects, once; a pack without contents is empty. Free the blobs. */
int part_finish(struct part *p, struct btfpack_blob *index_ret, struct btfpack_blob *pack_ret,
		struct btfpack_error *err);

/* --- taking a part in ---------------------------------------------------------------------------- */

/*
 * Store those contents of the pack in the file @path that @is_wanted says. Each is
 * decoded and held against its digest first, and what it leans on must be stored
 * already. @name is what to call the pack. -EBADMSG; and as btfpack_archive_add().
 */
int part_store(struct btfpack_archive *a, const char *path, const char *name,
	       bool (*is_wanted)(const struct btfpack_id *id, void *arg), void *arg,
	       struct btfpack_error *err);

/* The modules of an entry of another archive, out of the content @entry->modules_id, which
 * is stored here, as is that of its BTF. Free them. -EBADMSG: they do not come apart, or
 * are not as many as @entry says. */
int part_modules(struct btfpack_archive *a, const struct btfpack_entry *entry,
		 struct btfpack_modules *ret, struct btfpack_error *err);

/* Is this content in the archive? 1, 0, <0. */
int part_has_content(struct btfpack_archive *a, const struct btfpack_id *id,
		     struct btfpack_error *err);

#endif
