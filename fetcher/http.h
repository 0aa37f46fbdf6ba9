/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One GET or PUT at a time over libcurl, of which this file is the one owner: http,
 * https and file URLs, a few redirects, transfers that continue where they were
 * cut, limits on size and slowness.
 *
 * With keys of an S3-compatible store every request is signed (AWS Signature 4, by
 * libcurl) and no redirect is followed: neither keys nor what they sign are for
 * another host.
 */
#ifndef FETCHER_HTTP_H
#define FETCHER_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/fetch.h>

#define HTTP_VALIDATOR_SIZE 256

struct http_opts {
	int retries; /* as in struct btfpack_fetch_opts; strings are copied */
	const char *client_cert, *client_key, *ca_file;
	const char *aws_region; /* sign for S3 in this region; NULL: do not */
	const char *aws_key, *aws_secret, *aws_token; /* the token may be NULL */
	btfpack_fetch_progress_fn progress;
	void *progress_arg;
};

struct http;
int http_new(const struct http_opts *opts, struct http **ret, struct btfpack_error *err);
void http_free(struct http *http);

/* One more client like @http, for another thread, with a callback of its own. They know of
 * one another which servers are down: one that could not be reached after all retries is
 * tried once from then on. Its bytes count as @of's when it goes. */
int http_clone(const struct http *http, btfpack_fetch_progress_fn progress, void *arg,
	       struct http **ret, struct btfpack_error *err);
void http_free_clone(struct http *clone, struct http *of);

/* Take user, password and query out of @url, which ends up without them, and send them
 * with every request to its server from now on, and to no other: names that are said and
 * noted are without secrets. -EINVAL: it is no URL. */
int http_take_secrets(struct http *http, char **url, struct btfpack_error *err);

struct http_request {
	const char *url;
	uint64_t offset;       /* bytes the caller has: the answer begins after them */
	const char *validator; /* of those bytes, an earlier @validator_ret; or NULL */
	uint64_t size;         /* exact size of the whole; 0: unknown */
	uint64_t maximum;      /* the most the whole may have */
	uint64_t end;          /* only the bytes before this one; 0: to the end */

	/* The server sends the whole instead of the rest: forget what there was. */
	int (*restart)(void *arg, struct btfpack_error *err);
	int (*write)(void *arg, const void *data, size_t size, struct btfpack_error *err);
	/* What the server says identifies these bytes (ETag or date); may be NULL. */
	void (*identify)(void *arg, const char *validator);
	void *arg;
};

/* -ENOENT: the server has no such file. -EBADMSG: it is not of @size. */
int http_get(struct http *http, const struct http_request *request, struct btfpack_error *err);

/* Exactly @size bytes from @offset on of the file at @url, which has @whole bytes (0:
 * unknown). -EOPNOTSUPP: the server does not send parts. */
int http_get_range(struct http *http, const char *url, uint64_t whole, uint64_t offset, void *ret,
		   size_t size, struct btfpack_error *err);

/* A whole small file into memory, a NUL after it; free the blob. */
int http_get_blob(struct http *http, const char *url, size_t maximum, struct btfpack_blob *ret,
		  struct btfpack_error *err);

/* The same with the ETag that the server has for it; "" when it has none. One that
 * begins with W/ is weak and fits no condition. */
int http_get_tagged(struct http *http, const char *url, size_t maximum, struct btfpack_blob *ret,
		    char tag_ret[HTTP_VALIDATOR_SIZE], struct btfpack_error *err);

/* Bytes to store under a URL. */
struct http_upload {
	const char *url;
	const void *data;
	size_t size;
	const struct btfpack_id *digest; /* SHA-256 of the bytes; part of the signature */
	const char *if_match;            /* only if this is the ETag of what is there; or NULL */
	bool if_absent;                  /* only if nothing is there */
};

/*
 * Store them. -EEXIST: the condition does not hold; -EOPNOTSUPP: the server does not
 * know conditions, or does not take uploads; -EACCES. A try whose answer was lost is
 * repeated, so that -EEXIST may also mean: it is there by now.
 */
int http_put(struct http *http, const struct http_upload *upload, struct btfpack_error *err);

/* How many bytes there are under a URL; UINT64_MAX when the server does not say.
 * -ENOENT. */
int http_head(struct http *http, const char *url, uint64_t *size_ret, struct btfpack_error *err);

/* Take it away. -ENOENT: it is not there; -EOPNOTSUPP; -EACCES. */
int http_delete(struct http *http, const char *url, struct btfpack_error *err);

/* Tell the progress callback of other work. -ECANCELED when it says to stop. */
int http_tell_progress(struct http *http, const struct btfpack_fetch_progress *progress,
		       struct btfpack_error *err);

/* Bytes of all answers so far. */
uint64_t http_received(const struct http *http);

/* The last part of a URL or path, for people. */
const char *http_last_part(const char *url);

#endif
