/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files named by their digest: partial while they download, renamed when every
 * byte is there and the digest is right, never downloaded twice.
 *
 *	<dir>/files/<digest>           whole and verified when it was renamed; of what
 *	                               has no known digest, that of its URL
 *	<dir>/files/<digest>.partial   its first bytes; locked while someone adds to it
 *	<dir>/files/<digest>.from      the URL they came from and what the server called
 *	                               them (ETag), to continue with
 *	<dir>/notes/<name>             small texts that verify themselves
 */
#ifndef FETCHER_DOWNLOAD_CACHE_H
#define FETCHER_DOWNLOAD_CACHE_H

#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

struct btfpack_arrival;
struct checksum;
struct http;
struct download_cache;

/* @http is borrowed until close. */
int download_cache_open(const char *dir, struct http *http, struct download_cache **ret,
			struct btfpack_error *err);
void download_cache_close(struct download_cache *cache);
struct http *download_cache_http(struct download_cache *cache);
const char *download_cache_dir(const struct download_cache *cache);

/* Tell @arrival (NULL: nobody) of what is downloaded from here on; borrowed until another
 * is told. */
void download_cache_tell(struct download_cache *cache, struct btfpack_arrival *arrival);

/* The file of @size bytes with @digest, from the cache or from @url. What is there
 * is verified again before it is given. Where nobody tells the digest (NULL) it goes
 * by its URL, and only its size (0: not known either) is held against it. free() the
 * path. */
int download_cache_get(struct download_cache *cache, const char *url,
		       const struct checksum *digest, uint64_t size, char **path_ret,
		       struct btfpack_error *err);

/* Forget it, finished or partial. @url is looked at only without @digest. */
int download_cache_drop(struct download_cache *cache, const char *url,
			const struct checksum *digest, struct btfpack_error *err);

/* A note is text under a name of ours, with its digest before it. get gives -ENOENT
 * also for one that is damaged; a NUL follows the text. */
int download_cache_get_note(struct download_cache *cache, const char *name,
			    struct btfpack_blob *ret);
int download_cache_put_note(struct download_cache *cache, const char *name, const void *text,
			    size_t size, struct btfpack_error *err);

#endif
