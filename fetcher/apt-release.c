/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/cleanup.h"
#include "core/digest.h"
#include "fetcher/apt-release.h"
#include "fetcher/deb822.h"

#define INDEXES_MAXIMUM 1000

static const char field_suite[] = "Suite", field_codename[] = "Codename",
		  field_valid[] = "Valid-Until", field_architectures[] = "Architectures",
		  field_by_hash[] = "Acquire-By-Hash", field_sha256[] = "SHA256";
static const char *const fields[] = { field_suite,   field_codename,
				      field_valid,   field_architectures,
				      field_by_hash, field_sha256,
				      NULL };

struct reader {
	struct apt_release *release;
	const char *what;
};

static int add_index(struct apt_release *release, const struct apt_index *index)
{
	if (release->count == INDEXES_MAXIMUM)
		return -EFBIG;
	if (release->count == release->capacity) {
		size_t capacity = release->capacity ? 2 * release->capacity : 16;
		struct apt_index *grown = reallocarray(release->indexes, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		release->indexes = grown;
		release->capacity = capacity;
	}
	release->indexes[release->count] = *index;
	release->indexes[release->count].path = strdup(index->path);
	if (!release->indexes[release->count].path)
		return -ENOMEM;
	release->count++;
	return 0;
}

/* "<component>/binary-<arch>/Packages", compressed or not */
static bool is_packages(const char *path)
{
	const char *slash = strchr(path, '/');

	return slash && !strncmp(slash, "/binary-", strlen("/binary-")) &&
	       (slash = strchr(slash + 1, '/')) && !strncmp(slash, "/Packages", strlen("/Packages"));
}

/* " <64 digits> <size> <path>" */
static int read_digest_line(struct reader *r, const struct deb822_line *line,
			    struct btfpack_error *err)
{
	char hex[DIGEST_HEX_SIZE], path[256], text[512];
	unsigned long long size;
	struct apt_index index = { .path = path };
	int error;

	if (!line->size)
		return 0;
	snprintf(text, sizeof(text), "%.*s", (int)(line->size < 511 ? line->size : 511),
		 line->value);
	if (sscanf(text, "%64s %20llu %255s", hex, &size, path) != 3 ||
	    digest_parse(hex, &index.digest) < 0)
		return btfpack_error_set(
			err, -EBADMSG, "%s: expected a digest, a size and a path, found \"%.80s\"",
			r->what, text);
	if (!is_packages(path))
		return 0;
	index.size = size;
	error = add_index(r->release, &index);
	if (error < 0)
		return btfpack_error_set(err, error, "%s: more than %d indexes, or no memory",
					 r->what, INDEXES_MAXIMUM);
	return 0;
}

static int copy_value(struct reader *r, const struct deb822_line *line, char *ret, size_t size,
		      struct btfpack_error *err)
{
	if (line->size >= size)
		return btfpack_error_set(err, -EBADMSG, "%s: its %s is longer than %zu bytes",
					 r->what, line->field, size - 1);
	memcpy(ret, line->value, line->size);
	ret[line->size] = '\0';
	return 0;
}

static int on_line(void *arg, const struct deb822_line *line, struct btfpack_error *err)
{
	struct reader *r = arg;
	struct apt_release *release = r->release;

	if (line->field == field_sha256)
		return read_digest_line(r, line, err);
	if (line->field == field_suite)
		return copy_value(r, line, release->suite, sizeof(release->suite), err);
	if (line->field == field_codename)
		return copy_value(r, line, release->codename, sizeof(release->codename), err);
	if (line->field == field_valid)
		return copy_value(r, line, release->valid_until, sizeof(release->valid_until), err);
	if (line->field == field_architectures)
		return copy_value(r, line, release->architectures, sizeof(release->architectures),
				  err);
	if (line->field == field_by_hash)
		release->by_hash = line->size == 3 && !strncasecmp(line->value, "yes", 3);
	return 0;
}

int apt_release_init(struct apt_release *release, const char *what, const void *text, size_t size,
		     struct btfpack_error *err)
{
	static const struct deb822_ops ops = { fields, on_line, NULL };
	struct reader reader = { release, what };
	int error;

	*release = (struct apt_release){ 0 };
	error = deb822_parse(&ops, &reader, what, text, size, err);
	if (error < 0)
		apt_release_deinit(release);
	return error;
}

void apt_release_deinit(struct apt_release *release)
{
	for (size_t i = 0; i < release->count; i++)
		free(release->indexes[i].path);
	free(release->indexes);
	*release = (struct apt_release){ 0 };
}

const struct apt_index *apt_release_find(const struct apt_release *release, const char *path)
{
	for (size_t i = 0; i < release->count; i++)
		if (!strcmp(release->indexes[i].path, path))
			return &release->indexes[i];
	return NULL;
}

int apt_release_is_expired(const struct apt_release *release, int64_t now, const char *what,
			   struct btfpack_error *err)
{
	struct tm tm = { 0 };
	const char *end;

	if (!*release->valid_until)
		return 0;
	/* RFC 2822 in UTC: "Wed, 25 Nov 2026 22:17:41 UTC" */
	end = strptime(release->valid_until, "%a, %d %b %Y %H:%M:%S", &tm);
	if (!end || (strcmp(end, " UTC") && strcmp(end, " GMT") && strcmp(end, " +0000")))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected a date in UTC as Valid-Until, found '%s'",
					 what, release->valid_until);
	return now > (int64_t)timegm(&tm);
}
