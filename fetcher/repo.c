/* SPDX-License-Identifier: BSD-2-Clause */
/* What kinds of repository share. */
#include <stdio.h>
#include <string.h>

#include "core/arch.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "fetcher/decoder.h"
#include "fetcher/download-cache.h"
#include "fetcher/http.h"
#include "fetcher/repo.h"

#define URL_MAXIMUM	    4096
#define MIRROR_LIST_MAXIMUM (64 << 10)
#define ARCH_SIZE	    32

char *repo_expand(const char *text, const struct distro_release *release, const char *arch)
{
	const struct {
		const char *variable, *value;
	} variables[] = {
		{ "$release", release ? release->name : NULL },
		{ "$codename", release ? release->codename : NULL },
		{ "$basearch", arch },
		{ "$arch", arch },
	};
	AUTO_BUF struct buf buf = BUF_INIT(URL_MAXIMUM);
	int error = 0;

	while (*text && !error) {
		const char *value = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(variables) && !value; i++) {
			size_t length = strlen(variables[i].variable);

			if (!variables[i].value || strncmp(text, variables[i].variable, length))
				continue;
			value = variables[i].value;
			error = buf_add_string(&buf, value);
			text += length;
		}
		if (!value)
			error = buf_add(&buf, text++, 1);
	}
	return error < 0 || !buf_string(&buf) ? NULL : strdup(buf_string(&buf));
}

int repo_read_index(const char *path, uint64_t maximum, const char *what,
		    int (*feed)(void *arg, const void *data, size_t size,
				struct btfpack_error *err),
		    void *arg, struct btfpack_error *err)
{
	CLEANUP(decoder_file_deinit) struct decoder_file file = { .fd = -1 };
	struct decoder *decoder;
	int error = decoder_file_init(&file, path, err);
	const void *bytes;
	ssize_t got;

	if (!error)
		error = decoder_new(decoder_file_read, &file, maximum, what, &decoder, err);
	if (error < 0)
		return error;
	while (!error && (got = decoder_read(decoder, &bytes, err)) != 0)
		error = got < 0 ? (int)got : feed(arg, bytes, (size_t)got, err);
	decoder_free(decoder);
	return error;
}

/* How much of @url stays: its archive's base, else scheme and host. */
static size_t root_length(const struct repo *repo, const char *url)
{
	size_t length = repo->base ? strlen(repo->base) : 0;
	const char *host = strstr(url, "://");

	if (length && !strncmp(url, repo->base, length) && (!url[length] || url[length] == '/'))
		return length;
	return host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/") : strlen(url);
}

/* Take the last part off @buf, which keeps @root. */
static bool climb(struct buf *buf, size_t root)
{
	size_t size = buf->size;

	while (size > root && buf->data[size - 1] != '/')
		size--;
	if (size <= root)
		return false;
	buf->size = size - 1;
	return true;
}

int repo_resolve(const struct repo *repo, const char *url, const char *location, char **ret,
		 struct btfpack_error *err)
{
	AUTO_BUF struct buf buf = BUF_INIT(URL_MAXIMUM);
	size_t root = root_length(repo, url), length;
	bool inside = *location && *location != '/';
	int error = buf_add_string(&buf, url);

	for (const char *p = location; inside && !error && *p; p += length + (p[length] == '/')) {
		length = strcspn(p, "/");
		if (length == 2 && !strncmp(p, "..", 2))
			inside = climb(&buf, root);
		else if (length && !(length == 1 && *p == '.'))
			error = buf_add_format(&buf, "/%.*s", (int)length, p);
	}
	if (!inside)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected a location within the archive, found '%.100s'",
					 url, location);
	*ret = error < 0 || !buf_string(&buf) ? NULL : strdup(buf_string(&buf)); /* the caller's */
	return *ret ? 0 : btfpack_error_set(err, -ENOMEM, "%s: out of memory", url);
}

/* The first line of a mirror list that is a URL. */
static int read_mirror_list(const struct repo *repo, const char *url, const char *arch,
			    char **ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	char *saved = NULL;
	int error = http_get_blob(download_cache_http(repo->cache), url, MIRROR_LIST_MAXIMUM,
				  &blob, err);

	if (error < 0)
		return error;
	for (char *line = strtok_r(blob.data, "\r\n", &saved); line;
	     line = strtok_r(NULL, "\r\n", &saved)) {
		size_t length = strlen(line);

		if (strncmp(line, "http://", 7) && strncmp(line, "https://", 8))
			continue;
		while (length && line[length - 1] == '/')
			line[--length] = '\0';
		*ret = repo_expand(line, NULL, arch); /* the caller's */
		return *ret ? 0 : btfpack_error_set(err, -ENOMEM, "%s: out of memory", url);
	}
	return btfpack_error_set(err, -EPROTO, "%s: expected the URL of a mirror, found none", url);
}

static int list_at(const struct repo *repo, const char *arch, const char *url_arch,
		   struct package_list *list,
		   int (*list_one)(const struct repo *repo, const char *url, const char *arch,
				   struct package_list *list, struct btfpack_error *err),
		   struct btfpack_error *err)
{
	AUTO_FREE char *url = repo_expand(repo->url, NULL, url_arch);
	AUTO_FREE char *mirror = NULL;
	int error;

	if (!url)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	if (strcmp(http_last_part(url), "mirror.list"))
		return list_one(repo, url, arch, list, err);
	error = read_mirror_list(repo, url, url_arch, &mirror, err);
	return error < 0 ? error : list_one(repo, mirror, arch, list, err);
}

int repo_list_arches(const struct repo *repo, const char *arch, struct package_list *list,
		     int (*list_one)(const struct repo *repo, const char *url, const char *arch,
				     struct package_list *list, struct btfpack_error *err),
		     struct btfpack_error *err)
{
	const char *words = repo->distro->arches;
	struct btfpack_error missing = { 0 };
	bool one_for_all = !strstr(repo->url, "$arch"), any = false;

	while (*words) {
		struct btfpack_error why = { 0 };
		size_t length = strcspn(words, " "), before = list->count;
		char word[ARCH_SIZE];
		int error;

		snprintf(word, sizeof(word), "%.*s", (int)length, words);
		words += length + strspn(words + length, " ");
		if (!one_for_all && arch && strcmp(arch_normalize(word), arch))
			continue;
		error = list_at(repo, one_for_all ? arch : arch_normalize(word), word, list,
				list_one, &why);
		any |= error != -ENOENT;
		if (error == -ENOENT)
			missing = why;
		else if (error < 0) {
			package_list_cut(list, before);
			error = package_list_note_failure(list, &why);
			if (error < 0)
				return btfpack_error_set(err, error, "%s", why.message);
		}
		if (one_for_all)
			break;
	}
	if (any || !missing.code)
		return 0;
	return btfpack_error_set(err, missing.code, "%s", missing.message);
}

/* --- notes
 * -------------------------------------------------------------------------------------------- */

#define LOCKS 64 /* names that share one wait for one another, no more */

static pthread_mutex_t locks[LOCKS];
static pthread_once_t locks_once = PTHREAD_ONCE_INIT;

static void init_locks(void)
{
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&locks[i], NULL);
}

pthread_mutex_t *repo_lock_note(const char *note)
{
	unsigned int hash = 0;

	pthread_once(&locks_once, init_locks);
	while (*note)
		hash = hash * 31 + (unsigned char)*note++;
	pthread_mutex_lock(&locks[hash % LOCKS]);
	return &locks[hash % LOCKS];
}
