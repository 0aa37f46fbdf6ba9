/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "core/log.h"
#include "fetcher/apt-sources.h"
#include "fetcher/deb822.h"

#define FILE_MAXIMUM    ((size_t)1 << 20)
#define VALUE_MAXIMUM   ((size_t)64 << 10)
#define SOURCES_MAXIMUM 10000
#define MIRROR_PREFIX   "mirror+file:"

/* A stanza, or a one-line entry brought into the same form. */
struct stanza {
	struct buf types, uris, suites, components, signed_by;
	bool disabled;
};

static void stanza_deinit(struct stanza *s)
{
	buf_deinit(&s->types);
	buf_deinit(&s->uris);
	buf_deinit(&s->suites);
	buf_deinit(&s->components);
	buf_deinit(&s->signed_by);
}

static struct stanza stanza_init(void)
{
	return (struct stanza){
		.types = BUF_INIT(VALUE_MAXIMUM),
		.uris = BUF_INIT(VALUE_MAXIMUM),
		.suites = BUF_INIT(VALUE_MAXIMUM),
		.components = BUF_INIT(VALUE_MAXIMUM),
		.signed_by = BUF_INIT(VALUE_MAXIMUM),
	};
}

/* Append words, with a space before and after each. */
static int add_words(struct buf *buf, const char *text, size_t size)
{
	const char *word;
	size_t length;
	int error = 0;

	while (!error && (word = deb822_word(&text, &size, &length))) {
		if (!buf->size)
			error = buf_add_string(buf, " ");
		if (!error)
			error = buf_add(buf, word, length);
		if (!error)
			error = buf_add_string(buf, " ");
	}
	return error;
}

static bool has_word(struct buf *buf, const char *word)
{
	AUTO_FREE char *spaced = NULL;
	const char *text = buf_string(buf);

	if (asprintf(&spaced, " %s ", word) < 0)
		spaced = NULL;
	return text && spaced && strstr(text, spaced);
}

/* mirror+file:PATH names a file that lists mirrors, one a line: the first that
 * we can use. Debian's cloud images have it. */
static char *resolve_mirror_list(const char *root, const char *uri)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	AUTO_FREE char *path = NULL;
	char *saved = NULL;

	if (asprintf(&path, "%s%s", root, uri + strlen(MIRROR_PREFIX)) < 0) {
		path = NULL;
		return NULL;
	}
	if (fs_read(path, FILE_MAXIMUM, &blob, NULL) < 0)
		return NULL;
	for (char *line = strtok_r(blob.data, "\n", &saved); line;
	     line = strtok_r(NULL, "\n", &saved)) {
		line[strcspn(line, " \t\r")] = '\0';
		if (!strncmp(line, "http:", 5) || !strncmp(line, "https:", 6))
			return strdup(line);
	}
	return NULL;
}

/* A URI that we can use, without slashes at its end; NULL for others. */
static char *resolve_uri(const char *root, const char *word, size_t length)
{
	AUTO_FREE char *uri = strndup(word, length);
	char *resolved;

	if (!uri)
		return NULL;
	if (!strncmp(uri, MIRROR_PREFIX, strlen(MIRROR_PREFIX)))
		resolved = resolve_mirror_list(root, uri);
	else if (!strncmp(uri, "http:", 5) || !strncmp(uri, "https:", 6) ||
		 !strncmp(uri, "file:", 5))
		resolved = steal_ptr(uri);
	else
		return NULL;
	while (resolved && *resolved && resolved[strlen(resolved) - 1] == '/')
		resolved[strlen(resolved) - 1] = '\0';
	return resolved;
}

static void source_deinit(struct apt_source *s)
{
	free(s->uri);
	free(s->suite);
	free(s->components);
	free(s->signed_by);
}

static char *string_of(struct buf *buf)
{
	const char *text = buf_string(buf);

	return text ? strdup(text) : NULL;
}

static int add_source(struct apt_sources *list, struct stanza *s, const char *uri,
		      const char *suite, size_t suite_length)
{
	struct apt_source source;

	if (list->count == SOURCES_MAXIMUM)
		return -EFBIG;
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 8;
		struct apt_source *grown = reallocarray(list->sources, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->sources = grown;
		list->capacity = capacity;
	}
	source = (struct apt_source){
		.uri = strdup(uri),
		.suite = strndup(suite, suite_length),
		.components = string_of(&s->components),
		.signed_by = s->signed_by.size ? string_of(&s->signed_by) : NULL,
	};
	if (!source.uri || !source.suite || !source.components) {
		source_deinit(&source);
		return -ENOMEM;
	}
	list->sources[list->count++] = source; /* the list owns its strings */
	return 0;
}

static int add_suites(struct apt_sources *list, struct stanza *s, const char *uri)
{
	const char *text = (char *)s->suites.data, *word;
	size_t size = s->suites.size, length;
	int error = 0;

	while (!error && (word = deb822_word(&text, &size, &length)))
		error = add_source(list, s, uri, word, length);
	return error;
}

static int add_stanza(struct apt_sources *list, const char *root, struct stanza *s)
{
	const char *text = (char *)s->uris.data, *word;
	size_t size = s->uris.size, length;
	int error = 0;

	if (s->disabled || !has_word(&s->types, "deb"))
		return 0;
	while (!error && (word = deb822_word(&text, &size, &length))) {
		AUTO_FREE char *uri = resolve_uri(root, word, length);

		if (uri)
			error = add_suites(list, s, uri);
	}
	return error;
}

/* --- sources.list: type [options] URI suite component... ---------------------------------------- */

/* [ arch=amd64 signed-by=/path ]: only signed-by matters here. */
static int parse_options(struct stanza *s, const char *text, size_t size)
{
	static const char key[] = "signed-by=";
	const char *word;
	size_t length;

	while ((word = deb822_word(&text, &size, &length)))
		if (length > strlen(key) && !strncmp(word, key, strlen(key)))
			return buf_add(&s->signed_by, word + strlen(key), length - strlen(key));
	return 0;
}

static int parse_entry(struct apt_sources *list, const char *root, const char *name,
		       const char *line, size_t size)
{
	CLEANUP(stanza_deinit) struct stanza s = stanza_init();
	const char *comment = memchr(line, '#', size), *bracket, *word;
	size_t length = 0;
	int error;

	if (comment)
		size = (size_t)(comment - line);
	word = deb822_word(&line, &size, &length);
	if (!word)
		return 0;
	error = add_words(&s.types, word, length);
	while (size && (*line == ' ' || *line == '\t')) {
		line++;
		size--;
	}
	if (!error && size && *line == '[') {
		bracket = memchr(line, ']', size);
		if (!bracket) {
			log_info("%s: an entry has '[' without ']'; passed over", name);
			return 0;
		}
		error = parse_options(&s, line + 1, (size_t)(bracket - line - 1));
		size -= (size_t)(bracket + 1 - line);
		line = bracket + 1;
	}
	word = deb822_word(&line, &size, &length);
	if (!error && word)
		error = add_words(&s.uris, word, length);
	word = word ? deb822_word(&line, &size, &length) : NULL;
	if (!error && word)
		error = add_words(&s.suites, word, length);
	if (!error)
		error = add_words(&s.components, line, size);
	return error < 0 ? error : add_stanza(list, root, &s);
}

static int parse_list(struct apt_sources *list, const char *root, const char *name,
		      const char *text, size_t size)
{
	const char *end = text + size;
	int error = 0;

	while (!error && text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((newline ? newline : end) - text);

		error = parse_entry(list, root, name, text, length);
		text += length + 1;
	}
	return error;
}

/* --- *.sources: stanzas
 * --------------------------------------------------------------------------- */

struct stanza_reader {
	struct apt_sources *list;
	const char *root;
	struct stanza stanza;
};

static const char field_types[] = "Types", field_uris[] = "URIs", field_suites[] = "Suites",
		  field_components[] = "Components", field_signed[] = "Signed-By",
		  field_enabled[] = "Enabled";
static const char *const fields[] = { field_types,  field_uris,    field_suites, field_components,
				      field_signed, field_enabled, NULL };

static int on_line(void *arg, const struct deb822_line *line, struct btfpack_error *err)
{
	struct stanza *s = &((struct stanza_reader *)arg)->stanza;
	int error = 0;

	if (line->field == field_types)
		error = add_words(&s->types, line->value, line->size);
	else if (line->field == field_uris)
		error = add_words(&s->uris, line->value, line->size);
	else if (line->field == field_suites)
		error = add_words(&s->suites, line->value, line->size);
	else if (line->field == field_components)
		error = add_words(&s->components, line->value, line->size);
	else if (line->field == field_signed)
		error = buf_add(&s->signed_by, line->value, line->size);
	else if (line->field == field_enabled)
		s->disabled = line->size == 2 && !strncasecmp(line->value, "no", 2);
	return error < 0 ? btfpack_error_set(err, error, "apt sources: a value is too long") : 0;
}

static int on_end(void *arg, struct btfpack_error *err)
{
	struct stanza_reader *reader = arg;
	int error = add_stanza(reader->list, reader->root, &reader->stanza);

	stanza_deinit(&reader->stanza);
	reader->stanza = stanza_init();
	return error < 0 ? btfpack_error_set(err, error, "apt sources: too many, or no memory") : 0;
}

static int parse_sources(struct apt_sources *list, const char *root, const char *name,
			 const char *text, size_t size)
{
	static const struct deb822_ops ops = { fields, on_line, on_end };
	struct stanza_reader reader = { list, root, stanza_init() };
	struct btfpack_error err;
	int error = deb822_parse(&ops, &reader, name, text, size, &err);

	stanza_deinit(&reader.stanza);
	if (error != -EBADMSG)
		return error;
	log_info("%s; passed over", err.message); /* apt would say the same */
	return 0;
}

/* --- all of them
 * ------------------------------------------------------------------------------------ */

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name), end_length = strlen(end);

	return length > end_length && !strcmp(name + length - end_length, end);
}

int apt_sources_parse(struct apt_sources *list, const char *root, const char *name,
		      const char *text, size_t size, struct btfpack_error *err)
{
	int error;

	if (ends_with(name, ".sources"))
		error = parse_sources(list, root ? root : "", name, text, size);
	else
		error = parse_list(list, root ? root : "", name, text, size);
	if (error < 0)
		return btfpack_error_set(err, error,
					 "%s: too large to be apt's sources, or no memory", name);
	return 0;
}

static int read_file(struct apt_sources *list, const char *root, const char *path,
		     struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	struct btfpack_error why;
	int error = fs_read(path, FILE_MAXIMUM, &blob, &why);

	if (error == -ENOENT)
		return 0;
	if (error < 0) {
		log_info("%s; passed over", why.message);
		return 0;
	}
	return apt_sources_parse(list, root, path, blob.data, blob.size, err);
}

static int is_sources_file(const struct dirent *entry)
{
	return ends_with(entry->d_name, ".list") || ends_with(entry->d_name, ".sources");
}

static int read_dir(struct apt_sources *list, const char *root, const char *dir,
		    struct btfpack_error *err)
{
	struct dirent **names;
	int count = scandir(dir, &names, is_sources_file, alphasort), error = 0;

	if (count < 0)
		return 0; /* no such directory */
	for (int i = 0; i < count; i++) {
		AUTO_FREE char *path = NULL;

		if (asprintf(&path, "%s/%s", dir, names[i]->d_name) < 0)
			path = NULL;
		if (!error)
			error = path ? read_file(list, root, path, err) : -ENOMEM;
		free(names[i]);
	}
	free(names);
	return error;
}

int apt_sources_init(struct apt_sources *list, const char *root, struct btfpack_error *err)
{
	AUTO_FREE char *file = NULL, *dir = NULL;
	int error;

	*list = (struct apt_sources){ 0 };
	if (!root || !strcmp(root, "/"))
		root = "";
	if (asprintf(&file, "%s/etc/apt/sources.list", root) < 0)
		file = NULL;
	if (asprintf(&dir, "%s/etc/apt/sources.list.d", root) < 0)
		dir = NULL;
	if (!file || !dir)
		return btfpack_error_set(err, -ENOMEM, "out of memory for apt's sources");
	error = read_file(list, root, file, err);
	if (!error)
		error = read_dir(list, root, dir, err);
	if (error < 0)
		apt_sources_deinit(list);
	return error;
}

void apt_sources_deinit(struct apt_sources *list)
{
	for (size_t i = 0; i < list->count; i++)
		source_deinit(&list->sources[i]);
	free(list->sources);
	*list = (struct apt_sources){ 0 };
}

/* Other archives use the distribution's suite names too; their keys tell them apart. */
static bool may_be_signed_by(const struct apt_source *source, const char *keyring)
{
	const char *theirs, *ours;
	size_t length;

	if (!source->signed_by)
		return true;
	theirs = strrchr(source->signed_by, '/');
	ours = strrchr(keyring, '/');
	if (!theirs || !ours)
		return false;
	length = strcspn(ours, "-");
	length += ours[length] ? 1 + strcspn(ours + length + 1, "-.") : 0;
	return !strncmp(theirs, ours, length);
}

const char *apt_sources_find(const struct apt_sources *list, const char *suite, const char *keyring)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct apt_source *source = &list->sources[i];

		if (!strcmp(source->suite, suite) && strstr(source->components, " main ") &&
		    may_be_signed_by(source, keyring))
			return source->uri;
	}
	return NULL;
}
