/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Objects by name in a store: a bucket of an S3-compatible service, a web server, or
 * a directory that a web server serves.
 *
 *	s3://BUCKET/PREFIX      below https://BUCKET.s3.REGION.amazonaws.com/, or below
 *	                        ENDPOINT/BUCKET/ when there is an endpoint; signed when
 *	                        there are keys
 *	http://... https://...  GET and PUT; a name and password from ~/.netrc
 *	file:///DIR  DIR        the file system
 *
 * Objects are immutable, named by their digest and put once, but for one that is
 * replaced on condition: so that of two who replace it one learns that it came late.
 * One thread at a time.
 */
#ifndef FETCHER_OBJECT_STORE_H
#define FETCHER_OBJECT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/fetch.h>
#include <btfpack/types.h>

#include "fetcher/http.h"

struct object_store_opts {
	const char *endpoint; /* of an S3 service; NULL: Amazon's */
	const char *region;   /* NULL: us-east-1 */
	const char *key, *secret, *token; /* of an S3 service; NULL: do not sign */
	int retries;	      /* as in struct btfpack_fetch_opts; strings are copied */
	const char *cache;    /* directory for what object_store_fetch() gets; NULL: it is not called */
	btfpack_fetch_progress_fn progress;
	void *progress_arg;
};

struct object_store;

/* -EINVAL: @location makes no sense. Nothing is asked yet. */
int object_store_open(const char *location, const struct object_store_opts *opts,
		      struct object_store **ret, struct btfpack_error *err);
void object_store_close(struct object_store *s);

/* What identifies one state of an object: empty when the store does not say. A weak one
 * ("W/...") fits no condition: some servers, Apache for one, give it to what changed
 * within the last second. */
struct object_tag {
	char text[HTTP_VALIDATOR_SIZE];
};
static inline bool object_tag_is_weak(const struct object_tag *tag)
{
	return tag->text[0] == 'W' && tag->text[1] == '/';
}

/* A whole object of at most @maximum bytes; free the blob. @tag_ret may be NULL.
 * -ENOENT. */
int object_store_get(struct object_store *s, const char *name, size_t maximum,
		     struct btfpack_blob *ret, struct object_tag *tag_ret,
		     struct btfpack_error *err);

/* Get the object of @size bytes with @digest as a file, from the cache or continuing
 * there; free() the path. -EBADMSG: it is another. */
int object_store_fetch(struct object_store *s, const char *name, const struct btfpack_id *digest,
		       uint64_t size, char **path_ret, struct btfpack_error *err);

/* It is not needed any more as a file. */
void object_store_drop(struct object_store *s, const struct btfpack_id *digest);

/* Have it there: what is there already with this size, under its digest's name, stays.
 * 1: it was, 0: it was put. */
int object_store_put(struct object_store *s, const char *name, const struct btfpack_blob *bytes,
		     struct btfpack_error *err);

/* Replace the object by @bytes if it still is what @tag says; NULL: if there is none.
 * -EEXIST: it is not. @alone: without the condition. */
int object_store_replace(struct object_store *s, const char *name, const struct btfpack_blob *bytes,
			 const struct object_tag *tag, bool alone, struct btfpack_error *err);

/* Take an object away; one that is not there is gone already. */
int object_store_delete(struct object_store *s, const char *name, struct btfpack_error *err);

/* Does the store honour conditions? It is asked to put @name on one that cannot hold.
 * 1, 0, or an error. */
int object_store_is_conditional(struct object_store *s, const char *name, struct btfpack_error *err);

/* Are condition and replacement one step? So it is with S3 and in a directory. A web
 * server may look at the condition of two requests before it carries out either: Apache's
 * mod_dav does, and then the second one undoes the first one's. */
bool object_store_is_exact(const struct object_store *s);

/* The URL or path of @name, for sentences; free() it. NULL: no memory. */
char *object_store_url(const struct object_store *s, const char *name);

#endif
