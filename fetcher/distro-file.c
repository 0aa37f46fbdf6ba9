/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <dirent.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/deb822.h"
#include "fetcher/distro-file.h"

#define FILE_MAXIMUM	((size_t)1 << 20)
#define VALUE_SIZE	2048
#define ENTRIES_MAXIMUM 1000
#define WORDS_MAXIMUM	32

enum { DISTRO, RELEASES, KIND, KERNELS, URL, PATHS, SUITES, COMPONENTS, ARCHES, KEYRING,
       FIELDS };

static const char *const fields[FIELDS + 1] = {
	"Distro", "Releases", "Kind", "Kernels", "Url", "Paths", "Suites", "Components",
	"Arches", "Keyring", NULL,
};

/* All that the distribution points to is here, and ends as the tables do. */
struct distro_entry {
	struct distro distro;
	struct distro_release releases[WORDS_MAXIMUM + 1];
	struct distro_suite suites[WORDS_MAXIMUM + 1];
	char text[FIELDS][VALUE_SIZE];
};

struct reader {
	struct distro_file *file;
	const char *what;
	char text[FIELDS][VALUE_SIZE];
};

static const struct repo_ops *const kinds[] = { &repo_apt, &repo_rpmmd, &repo_html };

static int on_line(void *arg, const struct deb822_line *line, struct btfpack_error *err)
{
	struct reader *r = arg;

	for (int i = 0; i < FIELDS; i++) {
		size_t used = strlen(r->text[i]);

		if (line->field != fields[i])
			continue;
		if (used + line->size + 2 > VALUE_SIZE)
			return btfpack_error_set(err, -EINVAL, "%s: its %s is longer than %d bytes",
						 r->what, fields[i], VALUE_SIZE - 2);
		snprintf(r->text[i] + used, VALUE_SIZE - used, "%s%.*s", used ? " " : "",
			 (int)line->size, line->value);
	}
	return 0;
}

static int refuse(const struct reader *r, int field, const char *expected,
		  struct btfpack_error *err)
{
	return btfpack_error_set(err, -EINVAL, "%s: distribution '%.64s': expected %s as its %s, "
				 "found '%.64s'",
				 r->what, r->text[DISTRO], expected, fields[field], r->text[field]);
}

static bool is_name(const char *text)
{
	if (!*text || *text == '.' || strlen(text) > 64)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("+-._", *text))
			return false;
	return true;
}

/* Names, passwords and tokens belong elsewhere: this one is said and recorded. */
static bool is_url(const char *text)
{
	if (strpbrk(text, "@?"))
		return false;
	return !strncmp(text, "http://", 7) || !strncmp(text, "https://", 8) ||
	       !strncmp(text, "file://", 7);
}

static int check(const struct reader *r, struct btfpack_error *err)
{
	if (!is_name(r->text[DISTRO]))
		return refuse(r, DISTRO, "a name", err);
	if (!is_url(r->text[URL]))
		return refuse(r, URL, "a URL (http, https, file)", err);
	return 0;
}

/* The words of @text, each a string of its own after this. */
static size_t split_words(char *text, const char *words[WORDS_MAXIMUM])
{
	char *saved = NULL;
	size_t count = 0;

	for (char *word = strtok_r(text, " ", &saved); word && count < WORDS_MAXIMUM;
	     word = strtok_r(NULL, " ", &saved))
		words[count++] = word;
	return count;
}

/* Suites of apt are the code name and a suffix; of the other kinds, paths. */
static void set_suites(struct distro_entry *e)
{
	bool is_apt = e->distro.ops == &repo_apt;
	const char *words[WORDS_MAXIMUM];
	size_t count = split_words(e->text[is_apt ? SUITES : PATHS], words);

	if (!count)
		words[count++] = "";
	for (size_t i = 0; i < count; i++) {
		/* "." is the suite without a suffix, the path without a part */
		const char *word = strcmp(words[i], ".") ? words[i] : "";

		e->suites[i] = (struct distro_suite){
			.suffix = is_apt ? word : "",
			.path = is_apt ? NULL : word,
			.presence = i ? SUITE_EXPECTED : SUITE_REQUIRED,
		};
	}
}

/* "9", or "12/bookworm" with the code name that paths and apt's suites are made of. */
static int set_releases(struct distro_entry *e, const struct reader *r, struct btfpack_error *err)
{
	const char *words[WORDS_MAXIMUM];
	size_t count = split_words(e->text[RELEASES], words);

	for (size_t i = 0; i < count; i++) {
		char *slash = strchr(words[i], '/');

		if (slash)
			*slash = '\0';
		if (!is_name(words[i]) || (slash && !is_name(slash + 1)))
			return refuse(r, RELEASES, "names", err);
		e->releases[i] = (struct distro_release){
			.name = words[i],
			.codename = slash ? slash + 1 : words[i],
			.suites = e->suites,
		};
	}
	return count ? 0 : refuse(r, RELEASES, "one name or more", err);
}

static int set_kind(const struct reader *r, struct distro *distro, struct btfpack_error *err)
{
	const char *kernels = r->text[KERNELS];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(kinds[i]->name, r->text[KIND]))
			distro->ops = kinds[i];
	if (!distro->ops)
		return refuse(r, KIND, "apt, rpm-md or html", err);
	if (!*kernels)
		kernels = distro->ops == &repo_apt ? "debian" : "rpm";
	distro->recognize = distro_find_recognizer(kernels);
	return distro->recognize ? 0 : refuse(r, KERNELS, "debian, ubuntu, rpm or suse", err);
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static int fill(struct distro_entry *e, const struct reader *r, struct btfpack_error *err)
{
	int error = set_kind(r, &e->distro, err);

	if (error < 0)
		return error;
	memcpy(e->text, r->text, sizeof(e->text));
	for (size_t length = strlen(e->text[URL]); length && e->text[URL][length - 1] == '/';)
		e->text[URL][--length] = '\0';
	set_suites(e);
	e->distro.name = e->text[DISTRO];
	e->distro.keyring = or_null(e->text[KEYRING]);
	e->distro.components = or_null(e->text[COMPONENTS]);
	e->distro.arches = *e->text[ARCHES] ? e->text[ARCHES] : "x86_64 aarch64";
	e->distro.bases[0] = (struct distro_base){ e->text[URL], "" };
	e->distro.releases = e->releases;
	return set_releases(e, r, err);
}

static int on_end(void *arg, struct btfpack_error *err)
{
	struct reader *r = arg;
	struct distro_file *file = r->file;
	struct distro_entry *entry, **grown;
	int error = check(r, err);

	if (error < 0)
		return error;
	if (file->count == ENTRIES_MAXIMUM || distro_file_find(file, r->text[DISTRO]))
		return refuse(r, DISTRO, "each name once", err);
	grown = reallocarray(file->entries, file->count + 1, sizeof(*grown));
	if (grown)
		file->entries = grown;
	entry = grown ? calloc(1, sizeof(*entry)) : NULL;
	if (!entry)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", r->what);
	file->entries[file->count++] = entry;
	error = fill(entry, r, err);
	memset(r->text, 0, sizeof(r->text));
	return error;
}

int distro_file_parse(struct distro_file *file, const char *what, const char *text, size_t size,
		      struct btfpack_error *err)
{
	static const struct deb822_ops ops = { fields, on_line, on_end };
	AUTO_FREE struct reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	reader->file = file;
	reader->what = what;
	return deb822_parse(&ops, reader, what, text, size, err);
}

static int read_file(struct distro_file *file, const char *path, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	int error = fs_read(path, FILE_MAXIMUM, &blob, err);

	return error < 0 ? error : distro_file_parse(file, path, blob.data, blob.size, err);
}

static int is_distro_file(const struct dirent *entry)
{
	return !fnmatch("*.distro", entry->d_name, FNM_PERIOD);
}

static int read_directory(struct distro_file *file, const char *path, struct btfpack_error *err)
{
	struct dirent **found;
	int count = scandir(path, &found, is_distro_file, alphasort), error = 0;

	if (count < 0)
		return btfpack_error_set(err, -errno, "%s: cannot read the directory: %s", path,
					 strerror(errno));
	for (int i = 0; i < count; i++) {
		AUTO_FREE char *name = NULL;

		if (!error && asprintf(&name, "%s/%s", path, found[i]->d_name) < 0) {
			name = NULL;
			error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
		}
		if (!error)
			error = read_file(file, name, err);
		free(found[i]);
	}
	free(found);
	return error;
}

int distro_file_init(struct distro_file *file, const char *path, struct btfpack_error *err)
{
	struct stat st;
	int error;

	*file = (struct distro_file){ 0 };
	error = stat(path, &st) == 0 && S_ISDIR(st.st_mode) ? read_directory(file, path, err)
							     : read_file(file, path, err);
	if (error < 0)
		distro_file_deinit(file);
	return error;
}

void distro_file_deinit(struct distro_file *file)
{
	for (size_t i = 0; i < file->count; i++)
		free(file->entries[i]);
	free(file->entries);
	*file = (struct distro_file){ 0 };
}

const struct distro *distro_file_find(const struct distro_file *file, const char *name)
{
	for (size_t i = 0; i < file->count; i++)
		if (!strcmp(file->entries[i]->text[DISTRO], name))
			return &file->entries[i]->distro;
	return NULL;
}
