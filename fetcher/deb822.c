/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <strings.h>

#include "fetcher/deb822.h"

/* Longer than the longest dependency list, shorter than what hurts. */
#define LINE_MAXIMUM (1 << 20)

struct deb822 deb822_init(const struct deb822_ops *ops, void *arg, const char *what)
{
	return (struct deb822){
		.ops = ops,
		.arg = arg,
		.what = what,
		.partial = BUF_INIT(LINE_MAXIMUM),
	};
}

void deb822_deinit(struct deb822 *d)
{
	buf_deinit(&d->partial);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static void trim(struct deb822_line *line)
{
	while (line->size && is_blank(*line->value)) {
		line->value++;
		line->size--;
	}
	while (line->size && is_blank(line->value[line->size - 1]))
		line->size--;
}

static int end_stanza(struct deb822 *d, struct btfpack_error *err)
{
	bool was_in_stanza = d->in_stanza;

	d->in_stanza = false;
	d->field = NULL;
	return was_in_stanza && d->ops->end_stanza ? d->ops->end_stanza(d->arg, err) : 0;
}

/* The name as the reader asked for it, so that it compares by pointer or text. */
static const char *find_field(const struct deb822 *d, const char *name, size_t size)
{
	for (const char *const *field = d->ops->fields; *field; field++)
		if (strlen(*field) == size && !strncasecmp(*field, name, size))
			return *field;
	return NULL;
}

static int handle_line(struct deb822 *d, const char *text, size_t size, struct btfpack_error *err)
{
	struct deb822_line line = { .value = text, .size = size };
	const char *colon;

	if (size && text[0] == '#')
		return 0;
	trim(&line);
	if (!line.size)
		return end_stanza(d, err);
	d->in_stanza = true;
	if (!is_blank(text[0])) {
		colon = memchr(text, ':', size);
		if (!colon)
			return btfpack_error_set(err, -EBADMSG,
						 "%s: expected \"Field: value\", found \"%.*s\"",
						 d->what, (int)(size < 60 ? size : 60), text);
		d->field = find_field(d, text, (size_t)(colon - text));
		line.first = true;
		line.value = colon + 1;
		line.size = size - (size_t)(colon + 1 - text);
		trim(&line);
	}
	if (!d->field)
		return 0;
	line.field = d->field;
	return d->ops->line(d->arg, &line, err);
}

static int keep_partial(struct deb822 *d, const char *data, size_t size, struct btfpack_error *err)
{
	int error = buf_add(&d->partial, data, size);

	if (error == -EFBIG)
		return btfpack_error_set(err, -EBADMSG, "%s: has a line of more than %d bytes",
					 d->what, LINE_MAXIMUM);
	return error < 0 ? btfpack_error_set(err, error, "%s: out of memory", d->what) : 0;
}

int deb822_feed(struct deb822 *d, const void *data, size_t size, struct btfpack_error *err)
{
	const char *text = data, *end = text + size;

	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		int error;

		if (!newline)
			return keep_partial(d, text, (size_t)(end - text), err);
		if (d->partial.size) {
			error = keep_partial(d, text, (size_t)(newline - text), err);
			if (!error)
				error = handle_line(d, (char *)d->partial.data, d->partial.size,
						    err);
			d->partial.size = 0;
		} else {
			error = handle_line(d, text, (size_t)(newline - text), err);
		}
		if (error < 0)
			return error;
		text = newline + 1;
	}
	return 0;
}

int deb822_finish(struct deb822 *d, struct btfpack_error *err)
{
	int error = 0;

	if (d->partial.size)
		error = handle_line(d, (char *)d->partial.data, d->partial.size, err);
	d->partial.size = 0;
	return error < 0 ? error : end_stanza(d, err);
}

int deb822_parse(const struct deb822_ops *ops, void *arg, const char *what, const void *data,
		 size_t size, struct btfpack_error *err)
{
	CLEANUP(deb822_deinit) struct deb822 d = deb822_init(ops, arg, what);
	int error = deb822_feed(&d, data, size, err);

	return error < 0 ? error : deb822_finish(&d, err);
}

const char *deb822_word(const char **text, size_t *size, size_t *length_ret)
{
	const char *word;

	while (*size && is_blank(**text)) {
		++*text;
		--*size;
	}
	if (!*size)
		return NULL;
	word = *text;
	while (*size && !is_blank(**text)) {
		++*text;
		--*size;
	}
	*length_ret = (size_t)(*text - word);
	return word;
}
