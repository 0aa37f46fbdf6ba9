/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What publish and pull share: where a store is, its manifest, and what its parts say
 * that they hold. In their option tables PUBLISHED_OPTIONS follow the store's, and
 * their own begin at PUBLISHED_END.
 */
#ifndef CLI_PUBLISHED_H
#define CLI_PUBLISHED_H

#include "archive-index/manifest.h"
#include "archive-index/part.h"
#include "cli/store.h"
#include "fetcher/object-store.h"

enum published_option {
	PUBLISHED_ENDPOINT = STORE_END,
	PUBLISHED_REGION,
	PUBLISHED_CACHE,
	PUBLISHED_RETRIES,
	PUBLISHED_END,
};

#define PUBLISHED_OPTIONS                                                                    \
	{ 0, "endpoint", "URL", "of the S3 service; default: Amazon's" },                    \
		{ 0, "region", "R", "of the bucket; default: AWS_REGION, or us-east-1" },    \
		{ 0, "cache", "DIR", "for downloads; default: ~/.cache/btfpack" },           \
	{                                                                                    \
		0, "retries", "N", "try N times more when the network fails; default: 4"     \
	}

struct published_args {
	struct store_args store;
	struct object_store_opts opts;
};

/* As filter_take(), for the store's options and these. */
int published_take(const struct cmd *cmd, struct published_args *args, int option,
		   const char *value);

/* Texts to be found again. */
struct text_set {
	char **items;
	size_t count;
	bool is_sorted;
};
int text_set_add(struct text_set *set, const char *text); /* -ENOMEM */
bool text_set_has(struct text_set *set, const char *text);
void text_set_deinit(struct text_set *set);

/* An entry's key and contents, that of its modules too, as one text. */
#define PUBLISHED_KEY_SIZE 2048
const char *published_key(const struct btfpack_entry *e, char ret[PUBLISHED_KEY_SIZE]);

/* Add that to @set; who has an entry with modules has it without them, too. -ENOMEM */
int published_know(struct text_set *set, const struct btfpack_entry *e);

/* A content in the pack of a part. */
struct published_content {
	struct part_content content;
	size_t part; /* its number in the manifest */
	bool is_wanted; /* a note of the caller's */
};

struct published {
	struct object_store *store;
	struct manifest manifest;
	struct object_tag tag; /* of the manifest */
	bool exists;	       /* there is a manifest */
	struct part_index *indexes; /* by part of the manifest as it was read; without a text:
				     * not read yet */
	size_t index_count;
	struct published_content *contents; /* of the indexes read; sorted by id */
	size_t content_count;
};

/* Open the store and read its manifest: the parts' indexes are read when asked for.
 * Signals cancel from here on. */
int published_open(struct published *p, const char *location, const struct published_args *args,
		   struct btfpack_error *err);
void published_deinit(struct published *p);

/* Read the manifest again, which others may have changed. Indexes are forgotten. */
int published_refresh(struct published *p, struct btfpack_error *err);

/* Have the index of part @number in p->indexes, and its contents in p->contents. */
int published_read_index(struct published *p, size_t number, struct btfpack_error *err);
int published_read_all(struct published *p, struct btfpack_error *err);

/* The first of those that are it, which follow each other up to @end_ret (may be NULL):
 * two publishers at once may both have sent it. NULL: in no index that was read. Lives
 * until another index is read. */
struct published_content *published_find(const struct published *p, const struct btfpack_id *id,
					 struct published_content **end_ret);

/* From now on these are known to be there. */
int published_note(struct published *p, const struct btfpack_id *ids, size_t count,
		   struct btfpack_error *err);

/* "index/<digest>", "packs/<digest>", "bundles/<digest>" */
#define PUBLISHED_NAME_SIZE 80
const char *published_name(const char *kind, const struct btfpack_id *id,
			   char ret[PUBLISHED_NAME_SIZE]);

#endif
