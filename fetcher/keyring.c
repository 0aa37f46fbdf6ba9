/* SPDX-License-Identifier: BSD-2-Clause */
#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base64.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/keyring.h"

#define KEYS_MAXIMUM ((size_t)16 << 20)
#define ARMOR_BEGIN  "-----BEGIN PGP PUBLIC KEY BLOCK-----"
#define ARMOR_END    "-----END PGP PUBLIC KEY BLOCK-----"

/* --- files ------------------------------------------------------------------------------------------ */

/* Headers of the armor ("Version: ...") end with an empty line; what follows up to a
 * checksum ("=abcd" on a line) is base64. */
static int add_armored(struct buf *ret, const char *body, const char *end)
{
	const char *line = body;
	size_t before = ret->size;

	while (line < end) {
		size_t length = strcspn(line, "\r\n");
		int error = 0;

		if (memchr(line, ':', length)) /* a header */
			length = strcspn(line, "\r\n");
		else if (*line == '=')
			break;
		else
			error = base64_decode(line, length, ret);
		if (error < 0)
			return error;
		line += length;
		line += strspn(line, "\r\n");
	}
	return ret->size > before ? 0 : -EINVAL;
}

static int refuse(const char *path, int error, struct btfpack_error *err)
{
	if (error == -EINVAL)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected OpenPGP keys, found damaged ones", path);
	return btfpack_error_set(err, error, "%s: its keys have more than %zu bytes, or no memory",
				 path, KEYS_MAXIMUM);
}

int keyring_add(struct buf *ret, const char *path, const void *text, size_t size,
		struct btfpack_error *err)
{
	const char *begin = memmem(text, size, ARMOR_BEGIN, strlen(ARMOR_BEGIN));
	const char *limit = (const char *)text + size;
	int error = 0;

	if (!begin) {
		error = buf_add(ret, text, size);
		return error < 0 ? refuse(path, error, err) : 0;
	}
	while (begin && !error) {
		const char *body = begin + strlen(ARMOR_BEGIN);
		const char *end = memmem(body, (size_t)(limit - body), ARMOR_END, strlen(ARMOR_END));

		error = end ? add_armored(ret, body, end) : -EINVAL;
		if (!error)
			begin = memmem(end, (size_t)(limit - end), ARMOR_BEGIN,
				       strlen(ARMOR_BEGIN));
	}
	return error < 0 ? refuse(path, error, err) : 0;
}

static int add_file(struct buf *keys, const char *path, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	int error = fs_read(path, KEYS_MAXIMUM, &blob, err);

	return error < 0 ? error : keyring_add(keys, path, blob.data, blob.size, err);
}

/* Regular files alone: a directory of keys may hold others. How many, or an error. */
static int add_matches(struct buf *keys, const char *pattern, struct btfpack_error *err)
{
	glob_t found;
	int error = 0, count = 0;

	if (glob(pattern, 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; i < found.gl_pathc && !error; i++) {
		struct stat st;

		if (stat(found.gl_pathv[i], &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		error = add_file(keys, found.gl_pathv[i], err);
		count++;
	}
	globfree(&found);
	return error < 0 ? error : count;
}

/* --- keyrings --------------------------------------------------------------------------------------- */

static int cannot_use(struct keyring *keyring, const char *why)
{
	return btfpack_error_set(&keyring->missing, -ENOKEY,
				 "%s: cannot use it as the keyring: %s", keyring->name, why);
}

/* An empty file is a keyring, too: it holds nobody's key. */
static int finish(struct keyring *keyring, struct buf *keys, int found)
{
	if (found == 0)
		cannot_use(keyring, "No such file or directory");
	if (found > 0)
		keyring->keys = buf_take(keys); /* the caller's */
	buf_deinit(keys);
	return found == -ENOMEM ? found : 0;
}

static int add_directory(struct buf *keys, const char *path, struct btfpack_error *err)
{
	AUTO_FREE char *pattern = NULL;

	if (asprintf(&pattern, "%s/*", path) < 0) {
		pattern = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	}
	return add_matches(keys, pattern, err);
}

int keyring_init(struct keyring *keyring, const char *path)
{
	struct buf keys = BUF_INIT(KEYS_MAXIMUM);
	struct stat st;
	int found;

	*keyring = (struct keyring){ .name = strdup(path) };
	if (!keyring->name)
		return -ENOMEM;
	if (stat(path, &st) < 0) {
		cannot_use(keyring, strerror(errno));
		return 0;
	}
	if (S_ISDIR(st.st_mode)) {
		found = add_directory(&keys, path, &keyring->missing);
	} else {
		found = add_file(&keys, path, &keyring->missing);
		found = found < 0 ? found : 1;
	}
	return finish(keyring, &keys, found);
}

int keyring_init_patterns(struct keyring *keyring, const char *root, const char *patterns)
{
	struct buf keys = BUF_INIT(KEYS_MAXIMUM);
	int found = 0, more = 0;

	*keyring = (struct keyring){ 0 };
	if (asprintf(&keyring->name, "%s%.*s", root, (int)strcspn(patterns, " "), patterns) < 0) {
		keyring->name = NULL;
		return -ENOMEM;
	}
	while (*patterns && more >= 0) {
		size_t length = strcspn(patterns, " ");
		AUTO_FREE char *pattern = NULL;

		if (asprintf(&pattern, "%s%.*s", root, (int)length, patterns) < 0) {
			pattern = NULL;
			more = -ENOMEM;
		} else {
			more = add_matches(&keys, pattern, &keyring->missing);
			found += more;
		}
		patterns += length + strspn(patterns + length, " ");
	}
	return finish(keyring, &keys, more < 0 ? more : found);
}

void keyring_deinit(struct keyring *keyring)
{
	free(keyring->name);
	btfpack_blob_free(&keyring->keys);
	*keyring = (struct keyring){ 0 };
}

int keyring_check(const struct keyring *keyring, const char *what, struct btfpack_error *err)
{
	if (!keyring->missing.code)
		return 0;
	return btfpack_error_set(err, -ENOKEY, "%s (to verify %s; --keyring names another, "
				 "--allow-unsigned does without)",
				 keyring->missing.message, what);
}
