/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "fetcher/apt-packages.h"

enum { NAME, VERSION, FILENAME, SIZE, SHA256, FIELDS };

static const char *const fields[FIELDS + 1] = {
	"Package", "Version", "Filename", "Size", "SHA256", NULL,
};

/* What each field's text may be. */
static const struct {
	size_t maximum;
	const char *punctuation; /* beside letters and digits */
} rules[FIELDS] = {
	[NAME] = { sizeof(((struct apt_package *)0)->name) - 1, "+-.~" },
	[VERSION] = { sizeof(((struct apt_package *)0)->version) - 1, "+-.~:" },
	[FILENAME] = { sizeof(((struct apt_package *)0)->filename) - 1, "+-.~:/_%" },
	[SIZE] = { 20, "" },
	[SHA256] = { DIGEST_HEX_SIZE - 1, "" },
};

#define TEXT_SIZE 1024

struct apt_packages_stanza {
	char text[FIELDS][TEXT_SIZE]; /* cut: then too long for every rule */
};

static int on_line(void *arg, const struct deb822_line *line, struct btfpack_error *err)
{
	struct apt_packages *p = arg;

	(void)err;
	for (size_t i = 0; i < FIELDS; i++) {
		size_t size = line->size < TEXT_SIZE - 1 ? line->size : TEXT_SIZE - 1;

		if (line->field != fields[i] || !line->first)
			continue;
		memcpy(p->stanza->text[i], line->value, size);
		p->stanza->text[i][size] = '\0';
	}
	return 0;
}

static bool follows_rule(const char *text, int field)
{
	size_t length = strlen(text);

	if (!length || length > rules[field].maximum)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(rules[field].punctuation, *text))
			return false;
	return true;
}

/* Below the base, without a way up. */
static bool is_relative_path(const char *path)
{
	size_t length;

	if (*path == '/')
		return false;
	for (; *path; path += length + (path[length] == '/')) {
		length = strcspn(path, "/");
		if (length == 2 && !strncmp(path, "..", 2))
			return false;
	}
	return true;
}

static int refuse(struct apt_packages *p, int code, const char *expected, int field,
		  struct btfpack_error *err)
{
	char shown[64];
	size_t n = 0;

	for (const char *c = p->stanza->text[field]; *c && n < sizeof(shown) - 1; c++)
		shown[n++] = isprint((unsigned char)*c) ? *c : '?';
	shown[n] = '\0';
	return btfpack_error_set(err, code, "%s: package %.80s: expected %s as its %s, found '%s'",
				 p->what, p->stanza->text[NAME], expected, fields[field], shown);
}

static int read_package(struct apt_packages *p, struct apt_package *ret, struct btfpack_error *err)
{
	struct apt_packages_stanza *s = p->stanza;
	struct btfpack_id id;

	for (int i = 0; i < FIELDS; i++)
		if (!follows_rule(s->text[i], i))
			return refuse(p, i == SIZE && *s->text[i] ? -EFBIG : -EBADMSG,
				      i == SIZE ? "a number of bytes" : "a plain short word", i,
				      err);
	if (!is_relative_path(s->text[FILENAME]))
		return refuse(p, -EBADMSG, "a path within the archive", FILENAME, err);
	if (digest_parse(s->text[SHA256], &id) < 0)
		return refuse(p, -EBADMSG, "64 hex digits", SHA256, err);
	if (strspn(s->text[SIZE], "0123456789") != strlen(s->text[SIZE]))
		return refuse(p, -EBADMSG, "a number of bytes", SIZE, err);
	errno = 0;
	ret->size = strtoull(s->text[SIZE], NULL, 10);
	if (errno || !ret->size || ret->size > APT_PACKAGE_SIZE_MAXIMUM)
		return refuse(p, -EFBIG, "1 to 17179869184 bytes", SIZE, err);
	strcpy(ret->name, s->text[NAME]);
	strcpy(ret->version, s->text[VERSION]);
	strcpy(ret->filename, s->text[FILENAME]);
	digest_format(&id, ret->sha256);
	return 0;
}

static int on_end(void *arg, struct btfpack_error *err)
{
	struct apt_packages *p = arg;
	struct apt_package package;
	int error = 0;

	if (follows_rule(p->stanza->text[NAME], NAME) &&
	    p->ops->is_wanted(p->arg, p->stanza->text[NAME])) {
		error = read_package(p, &package, err);
		if (!error)
			error = p->ops->found(p->arg, &package, err);
	}
	for (size_t i = 0; i < FIELDS; i++)
		p->stanza->text[i][0] = '\0';
	return error;
}

int apt_packages_init(struct apt_packages *p, const struct apt_packages_ops *ops, void *arg,
		      const char *what, struct btfpack_error *err)
{
	static const struct deb822_ops reader_ops = { fields, on_line, on_end };

	*p = (struct apt_packages){ .ops = ops, .arg = arg, .what = what };
	p->stanza = calloc(1, sizeof(*p->stanza));
	if (!p->stanza)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	p->reader = deb822_init(&reader_ops, p, what);
	return 0;
}

void apt_packages_deinit(struct apt_packages *p)
{
	deb822_deinit(&p->reader);
	free(p->stanza);
}

int apt_packages_feed(struct apt_packages *p, const void *data, size_t size,
		      struct btfpack_error *err)
{
	return deb822_feed(&p->reader, data, size, err);
}

int apt_packages_finish(struct apt_packages *p, struct btfpack_error *err)
{
	return deb822_finish(&p->reader, err);
}
