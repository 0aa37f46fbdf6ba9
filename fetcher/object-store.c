/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "core/fs.h"
#include "fetcher/download-cache.h"
#include "fetcher/object-store.h"

#define REGION_DEFAULT "us-east-1"
#define LOCK_NAME      ".lock"

struct object_store {
	char *base; /* URL or directory, without a slash at its end */
	bool is_dir, is_s3;
	struct http *http;
	struct download_cache *cache;
};

/* --- where it is ------------------------------------------------------------------------------- */

/* Names are signed as they are spelled: what would have to be escaped is refused. */
static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "-._~/", *text))
			return false;
	return true;
}

static void trim_slashes(char *text)
{
	size_t length = strlen(text);

	while (length && text[length - 1] == '/')
		text[--length] = '\0';
}

/* BUCKET/PREFIX → URL; path style at an endpoint of one's own, where the bucket may
 * have no name of its own. */
static int locate_bucket(const char *place, const struct object_store_opts *opts, char **ret,
			 struct btfpack_error *err)
{
	const char *region = opts->region ? opts->region : REGION_DEFAULT;
	size_t bucket = strcspn(place, "/");
	int length;

	if (!bucket || !is_plain(place) || !is_plain(region))
		return btfpack_error_set(err, -EINVAL,
					 "s3://%s: expected s3://BUCKET/PREFIX of letters, digits and "
					 "-._~/", place);
	if (opts->endpoint)
		length = asprintf(ret, "%s%s%s", opts->endpoint,
				  opts->endpoint[strlen(opts->endpoint) - 1] == '/' ? "" : "/", place);
	else
		length = asprintf(ret, "https://%.*s.s3.%s.amazonaws.com%s", (int)bucket, place,
				  region, place + bucket);
	return length < 0 ? -ENOMEM : 0;
}

static int locate_dir(const char *path, struct object_store *s)
{
	s->is_dir = true;
	s->base = strdup(path);
	return s->base ? 0 : -ENOMEM;
}

static int locate(const char *location, const struct object_store_opts *opts,
		  struct object_store *s, struct btfpack_error *err)
{
	int error = 0;

	s->is_s3 = !strncmp(location, "s3://", 5);
	if (s->is_s3) {
		error = locate_bucket(location + 5, opts, &s->base, err);
	} else if (!strncmp(location, "http://", 7) || !strncmp(location, "https://", 8)) {
		s->base = strdup(location);
		error = s->base ? 0 : -ENOMEM;
	} else if (strstr(location, "://") && strncmp(location, "file:///", 8)) {
		error = btfpack_error_set(err, -EINVAL,
					  "%s: expected s3://, https://, http://, file:// or a directory",
					  location);
	} else {
		error = locate_dir(!strncmp(location, "file://", 7) ? location + 7 : location, s);
	}
	if (!error)
		trim_slashes(s->base);
	return error;
}

char *object_store_url(const struct object_store *s, const char *name)
{
	char *url;

	return asprintf(&url, "%s/%s", s->base, name) < 0 ? NULL : url;
}

static int make_url(const struct object_store *s, const char *name, char **ret,
		    struct btfpack_error *err)
{
	*ret = object_store_url(s, name);
	return *ret ? 0 : btfpack_error_set(err, -ENOMEM, "%s: out of memory", s->base);
}

/* --- opening ----------------------------------------------------------------------------------- */

void object_store_close(struct object_store *s)
{
	if (!s)
		return;
	download_cache_close(s->cache);
	http_free(s->http);
	free(s->base);
	free(s);
}

static void close_storep(struct object_store **s)
{
	object_store_close(*s);
}

int object_store_open(const char *location, const struct object_store_opts *opts,
		      struct object_store **ret, struct btfpack_error *err)
{
	CLEANUP(close_storep) struct object_store *s = calloc(1, sizeof(*s));
	struct http_opts http = {
		.retries = opts->retries,
		.progress = opts->progress,
		.progress_arg = opts->progress_arg,
	};
	int error = s ? locate(location, opts, s, err) : -ENOMEM;

	if (s && s->is_s3 && opts->key && opts->secret) {
		http.aws_region = opts->region ? opts->region : REGION_DEFAULT;
		http.aws_key = opts->key;
		http.aws_secret = opts->secret;
		http.aws_token = opts->token;
	}
	if (error == -ENOMEM)
		return btfpack_error_set(err, error, "%s: out of memory", location);
	if (!error)
		error = http_new(&http, &s->http, err);
	if (!error && opts->cache)
		error = download_cache_open(opts->cache, s->http, &s->cache, err);
	if (!error)
		*ret = steal_ptr(s); /* the caller's */
	return error;
}

/* --- getting ----------------------------------------------------------------------------------- */

/* A directory's state is its bytes. */
static int tag_bytes(const struct btfpack_blob *bytes, struct object_tag *ret)
{
	struct btfpack_id id;
	int error = digest_bytes(bytes->data, bytes->size, &id);

	if (!error)
		digest_format(&id, ret->text);
	return error;
}

static int get_file(const char *path, size_t maximum, struct btfpack_blob *ret,
		    struct object_tag *tag_ret, struct btfpack_error *err)
{
	int error = fs_read(path, maximum, ret, err);

	if (error || tag_bytes(ret, tag_ret) == 0)
		return error;
	btfpack_blob_free(ret);
	return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
}

int object_store_get(struct object_store *s, const char *name, size_t maximum,
		     struct btfpack_blob *ret, struct object_tag *tag_ret,
		     struct btfpack_error *err)
{
	AUTO_FREE char *url = NULL;
	struct object_tag tag = { "" };
	int error = make_url(s, name, &url, err);

	if (!error)
		error = s->is_dir ? get_file(url, maximum, ret, &tag, err)
				  : http_get_tagged(s->http, url, maximum, ret, tag.text, err);
	if (!error && tag_ret)
		*tag_ret = tag;
	return error;
}

/* A directory's file is used where it lies, once it is known to be the one. */
static int check_file(const char *path, const struct btfpack_id *digest, uint64_t size,
		      struct btfpack_error *err)
{
	CLEANUP(fs_map_deinit) struct fs_map map = { 0 };
	struct btfpack_id found;
	int error = fs_map_init(&map, path, err);

	if (error)
		return error;
	if (map.size != size)
		return btfpack_error_set(err, -EBADMSG, "%s: expected %llu bytes, found %zu", path,
					 (unsigned long long)size, map.size);
	if (digest_bytes(map.data, map.size, &found) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	if (!digest_is_equal(&found, digest))
		return btfpack_error_set(err, -EBADMSG, "%s: does not have the SHA-256 it is named by",
					 path);
	return 0;
}

int object_store_fetch(struct object_store *s, const char *name, const struct btfpack_id *digest,
		       uint64_t size, char **path_ret, struct btfpack_error *err)
{
	const struct checksum checksum = checksum_of_id(digest);
	AUTO_FREE char *url = NULL;
	int error = make_url(s, name, &url, err);

	if (error || !s->is_dir)
		return error ? error
			     : download_cache_get(s->cache, url, &checksum, size, path_ret, err);
	error = check_file(url, digest, size, err);
	if (!error)
		*path_ret = steal_ptr(url); /* the caller's */
	return error;
}

void object_store_drop(struct object_store *s, const struct btfpack_id *digest)
{
	const struct checksum checksum = checksum_of_id(digest);

	if (s->cache && !s->is_dir)
		download_cache_drop(s->cache, "", &checksum, NULL);
}

/* --- putting ----------------------------------------------------------------------------------- */

/* Make the directories above @path. */
static int make_parent(const char *path, struct btfpack_error *err)
{
	AUTO_FREE char *dir = strdup(path);

	if (!dir)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	*strrchr(dir, '/') = '\0';
	return fs_make_dirs(dir, err);
}

/* How many bytes are there; -ENOENT. */
static int find_size(struct object_store *s, const char *url, uint64_t *ret,
		     struct btfpack_error *err)
{
	struct stat st;

	if (!s->is_dir)
		return http_head(s->http, url, ret, err);
	if (stat(url, &st) < 0)
		return btfpack_error_set(err, -errno, "%s: %s", url, strerror(errno));
	*ret = (uint64_t)st.st_size;
	return 0;
}

static int put_url(struct object_store *s, const char *url, const struct btfpack_blob *bytes,
		   const struct object_tag *tag, bool only_if, struct btfpack_error *err)
{
	struct btfpack_id digest;
	struct http_upload upload = {
		.url = url,
		.data = bytes->data,
		.size = bytes->size,
		.digest = &digest,
		.if_match = only_if && tag ? tag->text : NULL,
		.if_absent = only_if && !tag,
	};

	if (digest_bytes(bytes->data, bytes->size, &digest) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", url);
	return http_put(s->http, &upload, err);
}

int object_store_put(struct object_store *s, const char *name, const struct btfpack_blob *bytes,
		     struct btfpack_error *err)
{
	AUTO_FREE char *url = NULL;
	uint64_t size = UINT64_MAX;
	int error = make_url(s, name, &url, err);

	if (error)
		return error;
	error = find_size(s, url, &size, err);
	/* Who may not list a bucket is told 403 of what is not there. */
	if (error && error != -ENOENT && error != -EACCES)
		return error;
	if (!error && size == bytes->size)
		return 1;
	if (!s->is_dir)
		return put_url(s, url, bytes, NULL, false, err);
	error = make_parent(url, err);
	return error ? error : fs_write(url, bytes->data, bytes->size, err);
}

/* Two who replace a file take turns, so that the second one sees the first one's. */
static int replace_file(const char *path, const struct btfpack_blob *bytes,
			const struct object_tag *tag, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob old = { 0 };
	AUTO_FREE char *lock = NULL;
	struct object_tag found;
	int error = make_parent(path, err);

	if (error)
		return error;
	if (asprintf(&lock, "%.*s/" LOCK_NAME, (int)(strrchr(path, '/') - path), path) < 0) {
		lock = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	}
	AUTO_FD int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return btfpack_error_set(err, -errno, "%s: cannot lock: %s", lock, strerror(errno));
	error = get_file(path, SIZE_MAX / 2, &old, &found, err);
	if (error && error != -ENOENT)
		return error;
	if (!tag != (error == -ENOENT) || (tag && strcmp(tag->text, found.text)))
		return btfpack_error_set(err, -EEXIST, "%s: something else is there by now", path);
	return fs_write(path, bytes->data, bytes->size, err);
}

int object_store_replace(struct object_store *s, const char *name, const struct btfpack_blob *bytes,
			 const struct object_tag *tag, bool alone, struct btfpack_error *err)
{
	AUTO_FREE char *url = NULL;
	int error = make_url(s, name, &url, err);

	if (error)
		return error;
	return s->is_dir ? replace_file(url, bytes, tag, err)
			 : put_url(s, url, bytes, tag, !alone, err);
}

int object_store_delete(struct object_store *s, const char *name, struct btfpack_error *err)
{
	AUTO_FREE char *url = NULL;
	int error = make_url(s, name, &url, err);

	if (error)
		return error;
	if (!s->is_dir)
		error = http_delete(s->http, url, err);
	else if (unlink(url) < 0)
		error = btfpack_error_set(err, -errno, "%s: cannot delete: %s", url,
					  strerror(errno));
	return error == -ENOENT ? 0 : error;
}

bool object_store_is_exact(const struct object_store *s)
{
	return s->is_dir || s->is_s3;
}

int object_store_is_conditional(struct object_store *s, const char *name, struct btfpack_error *err)
{
	const struct btfpack_blob bytes = { (char *)"btfpack\n", 8 };
	const struct object_tag never = { "\"btfpack\"" };
	AUTO_FREE char *url = NULL;
	int error = make_url(s, name, &url, err);

	if (error || s->is_dir)
		return error ? error : 1;
	error = put_url(s, url, &bytes, &never, true, err);
	if (error == -EEXIST)
		return 1;
	return error == -EOPNOTSUPP ? 0 : error;
}
