/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdicts of a bundle. Kernels have most of what is said of them in common, and
 * programs their reasons: so each reason is there once, each thing said of a program
 * once, and a verdict is a list of these.
 */
#include <string.h>

#include "archive-index/bundle-parts.h"
#include "core/cleanup.h"

/* What is said of a program, out of a line of a verdict. */
struct said {
	uint32_t program;
	char letter;
	const char *reason;
	uint32_t number; /* of the reason */
};

struct collection {
	struct said *rows;    /* sorted, each once */
	const char **reasons; /* sorted, each once */
	size_t row_count, reason_count;
};

static void collection_deinit(struct collection *c)
{
	free(c->rows);
	free(c->reasons);
}

static int compare_said(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	if (x->program != y->program)
		return x->program < y->program ? -1 : 1;
	return x->letter != y->letter ? x->letter - y->letter : strcmp(x->reason, y->reason);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Cut the next line off *@rest: NUMBER LETTER [" " REASON]. */
static struct said take_line(char **rest)
{
	char *end = strchr(*rest, '\n'), *at;
	struct said said = { .program = (uint32_t)strtoul(*rest, &at, 10) };

	*end = '\0';
	*rest = end + 1;
	said.letter = *at;
	said.reason = at[1] ? at + 2 : "";
	return said;
}

static size_t count_lines(const char *text, size_t size)
{
	size_t count = 0;

	for (size_t i = 0; i < size; i++)
		count += text[i] == '\n';
	return count;
}

/* Keep one of those that are equal. */
static size_t unite(void *array, size_t count, size_t size,
		    int (*compare)(const void *, const void *))
{
	char *rows = array;
	size_t kept = 0;

	qsort(array, count, size, compare);
	for (size_t i = 0; i < count; i++)
		if (!kept || compare(rows + (kept - 1) * size, rows + i * size))
			memmove(rows + kept++ * size, rows + i * size, size);
	return kept;
}

/* All that the verdicts say; the strings lie in @text, which holds a copy of them. */
static int collect(struct plan *p, struct buf *text, struct collection *c)
{
	size_t lines;
	char *at;
	int error = 0;

	for (uint32_t i = 0; !error && i < p->verdict_count; i++)
		error = buf_add_string(text, p->verdicts[i]);
	if (error || !buf_string(text))
		return error ? error : -ENOMEM;
	lines = count_lines((char *)text->data, text->size);
	c->rows = calloc(lines + 1, sizeof(*c->rows));
	c->reasons = calloc(lines + 1, sizeof(*c->reasons));
	if (!c->rows || !c->reasons)
		return -ENOMEM;
	for (at = (char *)text->data; c->row_count < lines; c->row_count++) {
		c->rows[c->row_count] = take_line(&at);
		c->reasons[c->reason_count++] = c->rows[c->row_count].reason;
	}
	c->row_count = unite(c->rows, c->row_count, sizeof(*c->rows), compare_said);
	c->reason_count = unite(c->reasons, c->reason_count, sizeof(*c->reasons), compare_texts);
	return 0;
}

static int write_tables(struct buf *section, const struct collection *c)
{
	uint32_t program = 0;
	int error = bundle_add_uleb(section, (uint32_t)c->reason_count);

	for (size_t i = 0; !error && i < c->reason_count; i++)
		error = buf_add(section, c->reasons[i], strlen(c->reasons[i]) + 1);
	if (!error)
		error = bundle_add_uleb(section, (uint32_t)c->row_count);
	for (size_t i = 0; !error && i < c->row_count; i++) {
		const struct said *row = &c->rows[i];
		const char **found = bsearch(&row->reason, c->reasons, c->reason_count,
					     sizeof(*c->reasons), compare_texts);

		error = bundle_add_uleb(section, row->program - program);
		if (!error)
			error = buf_add(section, &row->letter, 1);
		if (!error)
			error = bundle_add_uleb(section, (uint32_t)(found - c->reasons));
		program = row->program;
	}
	return error;
}

static int write_list(struct buf *section, const struct collection *c, const char *verdict)
{
	AUTO_FREE char *copy = strdup(verdict);
	size_t next = 0, count = count_lines(verdict, strlen(verdict));
	char *at = copy;
	int error = copy ? bundle_add_uleb(section, (uint32_t)count) : -ENOMEM;

	for (; !error && count; count--) {
		struct said said = take_line(&at);
		const struct said *row =
			bsearch(&said, c->rows, c->row_count, sizeof(*c->rows), compare_said);

		error = bundle_add_uleb(section, (uint32_t)(row - c->rows - next));
		next = row - c->rows + 1;
	}
	return error;
}

int bundle_write_verdicts(struct plan *p)
{
	const struct buf *programs = &p->bundle->programs;
	struct buf *section = &p->sections[BUNDLE_VERDICTS];
	CLEANUP(collection_deinit) struct collection c = { 0 };
	AUTO_BUF struct buf text = BUF_INIT(UINT32_MAX);
	int error;

	if (!p->verdict_count)
		return 0;
	error = collect(p, &text, &c);
	if (!error)
		error = write_tables(section, &c);
	for (uint32_t i = 0; !error && i < p->verdict_count; i++)
		error = write_list(section, &c, p->verdicts[i]);
	return error ? error
		     : buf_add(&p->sections[BUNDLE_PROGRAMS], programs->data, programs->size);
}
