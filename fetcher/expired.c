/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "fetcher/download-cache.h"
#include "fetcher/expired.h"
#include "fetcher/package-list.h"
#include "fetcher/repo.h"

#define URL_MAXIMUM 4096
#define NOTE_SIZE   96

char *expired_escape(const char *text)
{
	AUTO_BUF struct buf buf = BUF_INIT(URL_MAXIMUM);
	int error = 0;

	for (; *text && !error; text++)
		error = isalnum((unsigned char)*text) || strchr("-._~", *text)
				? buf_add(&buf, text, 1)
				: buf_add_format(&buf, "%%%02X", (unsigned char)*text);
	return error < 0 || !buf_string(&buf) ? NULL : strdup(buf_string(&buf));
}

static void file_deinit(struct expired_file *file)
{
	free(file->url);
}

/* --- notes: "URL digest-or-dash size" ---------------------------------------------------------------- */

static int note_name(const struct btfpack_package *package, char ret[NOTE_SIZE])
{
	char hex[DIGEST_HEX_SIZE];
	struct btfpack_id id;

	if (digest_bytes(package->url, strlen(package->url), &id) < 0)
		return -ENOMEM;
	digest_format(&id, hex);
	snprintf(ret, NOTE_SIZE, "expired-1-%s", hex);
	return 0;
}

static int recall(const struct repo *repo, const char *note, struct expired_file *ret)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	char url[URL_MAXIMUM], digest[PACKAGE_DIGEST_SIZE];
	unsigned long long size;

	if (download_cache_get_note(repo->cache, note, &blob) < 0 ||
	    sscanf(blob.data, "%4095s %143s %llu", url, digest, &size) != 3)
		return -ENOENT;
	*ret = (struct expired_file){ .url = strdup(url), .size = size };
	if (strcmp(digest, "-") && package_digest_parse(digest, &ret->digest) < 0)
		return -ENOENT;
	return ret->url ? 0 : -ENOMEM;
}

static void remember(const struct repo *repo, const char *note, const struct expired_file *file)
{
	AUTO_BUF struct buf buf = BUF_INIT(2 * URL_MAXIMUM);
	char digest[PACKAGE_DIGEST_SIZE];
	const char *told = package_digest_format(&file->digest, digest);
	struct btfpack_error err;

	if (buf_add_format(&buf, "%s %s %llu\n", file->url, told ? told : "-",
			   (unsigned long long)file->size) < 0 ||
	    download_cache_put_note(repo->cache, note, buf.data, buf.size, &err) < 0)
		log_info("%s: cannot note where it is", file->url);
}

/* --- what is done with them -------------------------------------------------------------------------- */

/* The index's digest and size, where there are such, whatever the service says. */
static int take_package(const struct btfpack_package *package, struct expired_file *file,
			struct btfpack_error *err)
{
	if (package->digest && package_digest_parse(package->digest, &file->digest) < 0)
		return btfpack_error_set(err, -EINVAL, "%s: the package has no valid digest",
					 package->name);
	if (package->size)
		file->size = package->size;
	return 0;
}

static int find(const struct expired_ops *ops, const struct repo *repo,
		const struct btfpack_package *package, struct expired_file *ret,
		struct btfpack_error *err)
{
	char note[NOTE_SIZE];
	int error;

	if (note_name(package, note) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", package->name);
	if (recall(repo, note, ret) == 0)
		return 0;
	error = ops->find(repo, package, ret, err);
	if (!error)
		remember(repo, note, ret);
	return error;
}

int expired_download(const struct expired_ops *ops, const struct repo *repo,
		     const struct btfpack_package *package, char **path_ret,
		     struct btfpack_error *err)
{
	CLEANUP(file_deinit) struct expired_file file = { 0 };
	int error = find(ops, repo, package, &file, err);

	if (!error)
		error = take_package(package, &file, err);
	if (error < 0)
		return error;
	log_info("%s: taken from %s", package->name, file.url);
	return download_cache_get(repo->cache, file.url,
				  file.digest.kind == CHECKSUM_NONE ? NULL : &file.digest, file.size,
				  path_ret, err);
}

int expired_drop(const struct repo *repo, const struct btfpack_package *package,
		 struct btfpack_error *err)
{
	CLEANUP(file_deinit) struct expired_file file = { 0 };
	char note[NOTE_SIZE];

	if (note_name(package, note) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", package->name);
	if (recall(repo, note, &file) < 0)
		return 0;
	if (take_package(package, &file, err) < 0)
		return err->code;
	return download_cache_drop(repo->cache, file.url,
				   file.digest.kind == CHECKSUM_NONE ? NULL : &file.digest, err);
}
