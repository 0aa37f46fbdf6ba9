/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/fs.h"
#include "core/log.h"
#include "fetcher/arrival.h"
#include "fetcher/download-cache.h"
#include "fetcher/http.h"

#define READ_SIZE    (1 << 20)
#define NOTE_MAXIMUM (16 << 20)
#define FROM_MAXIMUM 8192
#define FILE_MAXIMUM ((uint64_t)16 << 30) /* of unknown size */

struct download_cache {
	char *dir;
	struct http *http;
	struct btfpack_arrival *arrival; /* NULL: nobody reads along */
};

/* One file on its way into the cache. */
struct download {
	struct download_cache *cache;
	const char *url;
	const struct checksum *expected; /* NULL: nobody tells */
	uint64_t size;                     /* 0: unknown */
	char *path, *partial, *from;
	int fd; /* of the partial, locked */
	uint64_t have;
	struct digest *digest;
	char validator[HTTP_VALIDATOR_SIZE];
};

static void download_deinit(struct download *d)
{
	if (d->fd >= 0)
		close(d->fd); /* unlocks */
	digest_free(d->digest);
	free(d->path);
	free(d->partial);
	free(d->from);
}

static int fail_errno(struct btfpack_error *err, const char *path, const char *doing)
{
	int code = errno;

	return btfpack_error_set(err, -code, "%s: cannot %s: %s", path, doing, strerror(code));
}

static int download_init(struct download *d, struct download_cache *cache,
			 const char *url, const struct checksum *expected,
			 struct btfpack_error *err)
{
	struct btfpack_id of_url;
	char hex[CHECKSUM_HEX_SIZE];

	*d = (struct download){ .cache = cache, .url = url, .expected = expected, .fd = -1 };
	if (!expected && digest_bytes(url, strlen(url), &of_url) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", cache->dir);
	if (expected)
		checksum_format(expected, hex);
	else
		digest_format(&of_url, hex);
	if (asprintf(&d->path, "%s/files/%s", cache->dir, hex) < 0)
		d->path = NULL;
	if (asprintf(&d->partial, "%s/files/%s.partial", cache->dir, hex) < 0)
		d->partial = NULL;
	if (asprintf(&d->from, "%s/files/%s.from", cache->dir, hex) < 0)
		d->from = NULL;
	if (!d->path || !d->partial || !d->from)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", cache->dir);
	return 0;
}

static enum checksum_kind kind_of(const struct download *d)
{
	return d->expected ? d->expected->kind : CHECKSUM_SHA256;
}

/* Add what @fd holds to a fresh digest; the number of bytes in @size_ret. */
static int digest_file(const struct download *d, int fd, const char *path, struct digest **ret,
		       uint64_t *size_ret, struct btfpack_error *err)
{
	AUTO_FREE uint8_t *bytes = malloc(READ_SIZE);
	struct digest *digest = digest_new_of(kind_of(d));
	uint64_t size = 0;
	ssize_t got;

	if (!bytes || !digest) {
		digest_free(digest);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	}
	while ((got = pread(fd, bytes, READ_SIZE, (off_t)size)) > 0) {
		digest_add(digest, bytes, (size_t)got);
		size += (uint64_t)got;
	}
	if (got < 0) {
		int error = fail_errno(err, path, "read");

		digest_free(digest);
		return error;
	}
	*ret = digest; /* the caller's */
	*size_ret = size;
	return 0;
}

/* Whether the file at d->path is what it should be. 1, 0, or an error. */
static int is_whole(struct download *d, struct btfpack_error *err)
{
	AUTO_FD int fd = open(d->path, O_RDONLY | O_CLOEXEC);
	struct digest *digest;
	struct checksum found;
	uint64_t size;
	int error;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail_errno(err, d->path, "open");
	error = digest_file(d, fd, d->path, &digest, &size, err);
	if (error < 0)
		return error;
	digest_finish_checksum(digest, kind_of(d), &found);
	digest_free(digest);
	if (d->expected ? checksum_is_equal(&found, d->expected) : !d->size || size == d->size)
		return 1;
	log_warning("%s: damaged in the cache; downloading it again", d->path);
	unlink(d->path);
	return 0;
}

/* Whoever holds the lock may add to the partial. While we waited for it, the file
 * may have been finished and renamed, or dropped: then it is not that one any more. */
static int lock_partial(struct download *d, struct btfpack_error *err)
{
	struct stat ours, there;

	for (;;) {
		d->fd = open(d->partial, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (d->fd < 0)
			return fail_errno(err, d->partial, "open");
		if (flock(d->fd, LOCK_EX | LOCK_NB) < 0) {
			log_info("%s: waiting for another btfpack to download it",
				 http_last_part(d->url));
			while (flock(d->fd, LOCK_EX) < 0)
				if (errno != EINTR)
					return fail_errno(err, d->partial, "lock");
		}
		if (fstat(d->fd, &ours) < 0)
			return fail_errno(err, d->partial, "stat");
		if (stat(d->partial, &there) == 0 && there.st_ino == ours.st_ino)
			return 0;
		close(steal_fd(&d->fd));
	}
}

static int restart(void *arg, struct btfpack_error *err)
{
	struct download *d = arg;

	digest_free(d->digest);
	d->digest = digest_new_of(kind_of(d));
	d->have = 0;
	arrival_spoil(d->cache->arrival);
	if (!d->digest)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", d->partial);
	if (ftruncate(d->fd, 0) < 0)
		return fail_errno(err, d->partial, "truncate");
	return 0;
}

static int add_bytes(void *arg, const void *data, size_t size, struct btfpack_error *err)
{
	struct download *d = arg;
	int error;

	if (lseek(d->fd, (off_t)d->have, SEEK_SET) < 0)
		return fail_errno(err, d->partial, "seek");
	error = fs_write_fd(d->fd, data, size);
	if (error < 0)
		return btfpack_error_set(err, error, "%s: cannot write: %s", d->partial,
					 strerror(-error));
	d->have += size;
	arrival_grow(d->cache->arrival, d->have);
	return digest_add(d->digest, data, size);
}

/* The next run continues with it; without it, it only asks less precisely. Written in
 * place: the partial's lock keeps others away, and a validator cut short by a kill
 * matches nothing, so the server sends the whole. */
static void note_origin(void *arg, const char *validator)
{
	struct download *d = arg;
	AUTO_FILE FILE *file = fopen(d->from, "we");

	if (file)
		fprintf(file, "%s\n%s\n", d->url, validator);
}

/* A validator means something only to the server that gave it. */
static const char *recall_origin(struct download *d)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	size_t length = strlen(d->url);
	const char *text;

	if (fs_read(d->from, FROM_MAXIMUM, &blob, NULL) < 0)
		return NULL;
	text = blob.data;
	if (strncmp(text, d->url, length) || text[length] != '\n')
		return NULL;
	text += length + 1;
	if (strcspn(text, "\n") >= sizeof(d->validator))
		return NULL;
	memcpy(d->validator, text, strcspn(text, "\n"));
	return *d->validator ? d->validator : NULL;
}

static int remove_partial(struct download *d, struct btfpack_error *err)
{
	unlink(d->from);
	if (unlink(d->partial) < 0 && errno != ENOENT)
		return fail_errno(err, d->partial, "remove");
	return 0;
}

static int transfer(struct download *d, struct btfpack_error *err)
{
	struct http_request request = {
		.url = d->url,
		.offset = d->have,
		.validator = d->have ? recall_origin(d) : NULL,
		.size = d->size,
		.maximum = d->size ? d->size : FILE_MAXIMUM,
		.restart = restart,
		.write = add_bytes,
		.identify = note_origin,
		.arg = d,
	};

	if (d->have)
		log_info("%s: continuing at byte %llu", http_last_part(d->url),
			 (unsigned long long)d->have);
	return http_get(d->cache->http, &request, err);
}

/* All bytes are there. Not synced to disk: what is found in the cache later is
 * verified anew before it is used. */
static int finish(struct download *d, struct btfpack_error *err)
{
	char expected[CHECKSUM_HEX_SIZE], found[CHECKSUM_HEX_SIZE];
	struct checksum is;

	digest_finish_checksum(d->digest, kind_of(d), &is);
	if (d->expected && !checksum_is_equal(&is, d->expected)) {
		checksum_format(d->expected, expected);
		checksum_format(&is, found);
		remove_partial(d, NULL);
		return btfpack_error_set(err, -EBADMSG, "%s: expected %s %.16s..., found %.16s...",
					 d->url, checksum_kind_name(is.kind), expected, found);
	}
	if (rename(d->partial, d->path) < 0)
		return fail_errno(err, d->partial, "rename");
	unlink(d->from);
	return 0;
}

/* Continue the partial or start it, to the end. */
static int complete(struct download *d, bool *continued_ret, struct btfpack_error *err)
{
	int error = lock_partial(d, err);

	if (!error)
		error = digest_file(d, d->fd, d->partial, &d->digest, &d->have, err);
	if (!error && d->size && d->have > d->size)
		error = restart(d, err);
	if (error < 0)
		return error;
	*continued_ret = d->have > 0;
	arrival_begin(d->cache->arrival, d->partial, d->have);
	if (!d->size || d->have < d->size)
		error = transfer(d, err);
	/* A server that has another size has another file: what came is no start of ours.
	 * Where nothing came there is nothing to go on with. */
	if (error == -EBADMSG || (error < 0 && !d->have))
		remove_partial(d, NULL);
	return error < 0 ? error : finish(d, err);
}

static int get_once(struct download_cache *cache, const char *url, const struct checksum *digest,
		    uint64_t size, char **path_ret, bool *continued_ret, struct btfpack_error *err)
{
	CLEANUP(download_deinit) struct download d;
	int error = download_init(&d, cache, url, digest, err);

	*continued_ret = false;
	if (error < 0)
		return error;
	d.size = size;
	error = is_whole(&d, err);
	if (error == 0)
		error = complete(&d, continued_ret, err);
	if (error < 0)
		return error;
	*path_ret = steal_ptr(d.path); /* the caller's */
	return 0;
}

int download_cache_get(struct download_cache *cache, const char *url,
		       const struct checksum *digest, uint64_t size, char **path_ret,
		       struct btfpack_error *err)
{
	struct btfpack_error first = { 0 };
	bool continued;
	int error = get_once(cache, url, digest, size, path_ret, &continued, &first);

	/* The bytes of an earlier run may be what was wrong: once more without them. */
	if (error == -EBADMSG && continued) {
		log_info("%s; downloading it from the start", first.message);
		error = get_once(cache, url, digest, size, path_ret, &continued, &first);
	}
	return error < 0 ? btfpack_error_set(err, error, "%s", first.message) : 0;
}

int download_cache_drop(struct download_cache *cache, const char *url,
			const struct checksum *digest, struct btfpack_error *err)
{
	CLEANUP(download_deinit) struct download d;
	int error = download_init(&d, cache, url, digest, err);

	if (error < 0)
		return error;
	if (unlink(d.path) < 0 && errno != ENOENT)
		return fail_errno(err, d.path, "remove");
	return remove_partial(&d, err);
}

static char *note_path(struct download_cache *cache, const char *name)
{
	char *path;

	return asprintf(&path, "%s/notes/%s", cache->dir, name) < 0 ? NULL : path;
}

/* A note: 64 digits, a newline, the text that they are the digest of. */
int download_cache_get_note(struct download_cache *cache, const char *name,
			    struct btfpack_blob *ret)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	AUTO_FREE char *path = note_path(cache, name);
	struct btfpack_id expected, found;
	const size_t head = DIGEST_HEX_SIZE;
	char *text;

	if (!path || fs_read(path, NOTE_MAXIMUM, &blob, NULL) < 0 || blob.size < head)
		return -ENOENT;
	text = blob.data;
	text[head - 1] = '\0';
	if (digest_parse(text, &expected) < 0 ||
	    digest_bytes(text + head, blob.size - head, &found) < 0 ||
	    !digest_is_equal(&expected, &found))
		return -ENOENT;
	memmove(text, text + head, blob.size - head + 1);                       /* the NUL too */
	*ret = (struct btfpack_blob){ steal_ptr(blob.data), blob.size - head }; /* the caller's */
	return 0;
}

int download_cache_put_note(struct download_cache *cache, const char *name, const void *text,
			    size_t size, struct btfpack_error *err)
{
	AUTO_BUF struct buf buf = BUF_INIT(NOTE_MAXIMUM);
	AUTO_FREE char *path = note_path(cache, name);
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id id;

	if (!path || digest_bytes(text, size, &id) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", cache->dir);
	digest_format(&id, hex);
	if (buf_add_format(&buf, "%s\n", hex) < 0 || buf_add(&buf, text, size) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	return fs_write(path, buf.data, buf.size, err);
}

static int make_subdir(const char *dir, const char *name, struct btfpack_error *err)
{
	AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0) {
		path = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	}
	return fs_make_dirs(path, err);
}

int download_cache_open(const char *dir, struct http *http, struct download_cache **ret,
			struct btfpack_error *err)
{
	struct download_cache *cache;
	int error = make_subdir(dir, "files", err);

	if (!error)
		error = make_subdir(dir, "notes", err);
	if (error < 0)
		return error;
	cache = calloc(1, sizeof(*cache));
	if (cache)
		cache->dir = strdup(dir);
	if (!cache || !cache->dir) {
		free(cache);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	}
	cache->http = http;
	*ret = cache;
	return 0;
}

void download_cache_close(struct download_cache *cache)
{
	if (!cache)
		return;
	free(cache->dir);
	free(cache);
}

void download_cache_tell(struct download_cache *cache, struct btfpack_arrival *arrival)
{
	cache->arrival = arrival;
}

struct http *download_cache_http(struct download_cache *cache)
{
	return cache->http;
}

const char *download_cache_dir(const struct download_cache *cache)
{
	return cache->dir;
}
