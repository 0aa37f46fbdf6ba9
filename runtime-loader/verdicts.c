/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One block holds the table of programs and, behind it, copies of PROGRAMS and of the
 * verdict's text, which are cut into strings in place.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdicts.h"

static int damaged(const struct bundle *b, const char *where, struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG, "%s: damaged bundle: %s", b->name, where);
}

/* How many programs the section names; false when it is not pairs of strings. */
static bool count_programs(const struct bundle_bytes *names, size_t *ret)
{
	size_t strings = 0;

	if (names->size && names->data[names->size - 1])
		return false;
	for (size_t i = 0; i < names->size; i++)
		strings += !names->data[i];
	*ret = strings / 2;
	return !(strings % 2) && *ret <= BUNDLE_PROGRAMS_MAXIMUM &&
	       (!names->size || names->data[0]); /* the first object has a name */
}

static void name_programs(struct verdicts *v, const char *names)
{
	const char *object = names;

	for (size_t i = 0; i < v->count; i++) {
		if (*names)
			object = names;
		names += strlen(names) + 1;
		v->programs[i] = (struct btfpack_program){ .object = object,
							   .program = names,
							   .loads = BTFPACK_LOADS,
							   .reason = "" };
		names += strlen(names) + 1;
	}
}

static bool read_letter(char letter, enum btfpack_loads *ret)
{
	static const char letters[] = { [BTFPACK_LOADS_WITHOUT] = 'o',
					[BTFPACK_LOADS_UNSURE] = '?',
					[BTFPACK_LOADS_NOT] = 'X' };

	for (size_t i = BTFPACK_LOADS_WITHOUT; i < sizeof(letters); i++) {
		if (letters[i] != letter)
			continue;
		*ret = (enum btfpack_loads)i;
		return true;
	}
	return false;
}

/* A line of a verdict, cut off the rest; NULL when there is none or it has no end. */
static char *take_line(char **rest)
{
	char *line = *rest, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*rest = end + 1;
	return line;
}

/* Read the lines into the programs they are about, which come in order. */
static bool read_lines(struct verdicts *v, char *text)
{
	size_t next = 0;

	while (*text) {
		struct btfpack_program *p;
		char *line = take_line(&text), *at;
		unsigned long number;

		if (!line || *line < '0' || *line > '9')
			return false;
		number = strtoul(line, &at, 10);
		if (number < next || number >= v->count)
			return false;
		p = &v->programs[number];
		next = number + 1;
		if (!read_letter(*at, &p->loads) || (at[1] && at[1] != ' '))
			return false;
		p->reason = at[1] ? at + 2 : "";
	}
	return true;
}

/* The lines for people. False: no memory. */
static bool write_rejected(struct verdicts *v)
{
	size_t size = 0;
	char *to;

	for (size_t i = 0; i < v->count; i++)
		if (v->programs[i].loads == BTFPACK_LOADS_NOT)
			size += strlen(v->programs[i].program) + strlen(v->programs[i].object) +
				strlen(v->programs[i].reason) + sizeof(" (): \n");
	if (!size)
		return true;
	to = v->rejected = (char *)malloc(size);
	for (size_t i = 0; to && i < v->count; i++)
		if (v->programs[i].loads == BTFPACK_LOADS_NOT)
			to += sprintf(to, "%s%s (%s): %s", to == v->rejected ? "" : "\n",
				      v->programs[i].program, v->programs[i].object,
				      v->programs[i].reason);
	return to;
}

static int put_together(const struct bundle *b, const struct bundle_bytes *names, const char *text,
			struct verdicts **ret, struct btfpack_error *err)
{
	size_t count = 0, length = strlen(text);
	struct verdicts *v;
	char *strings;

	if (!count_programs(names, &count))
		return damaged(b, "the names of programs", err);
	v = (struct verdicts *)malloc(sizeof(*v) + count * sizeof(v->programs[0]) + names->size +
				      length + 1);
	if (!v)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->name);
	*v = (struct verdicts){ .count = count };
	strings = (char *)&v->programs[count];
	memcpy(strings + names->size, text, length + 1);
	if (names->size)
		memcpy(strings, names->data, names->size);
	name_programs(v, strings);
	if (!read_lines(v, strings + names->size)) {
		verdicts_free(v);
		return damaged(b, "a verdict", err);
	}
	if (!write_rejected(v)) {
		verdicts_free(v);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->name);
	}
	*ret = v;
	return 0;
}

int verdicts_read(const struct bundle *b, uint32_t number, struct verdicts **ret,
		  struct btfpack_error *err)
{
	struct bundle_bytes names = { 0 }, texts = { 0 };
	const char *text = NULL;
	int error;

	if (!b->sections[BUNDLE_VERDICTS].data || !b->sections[BUNDLE_PROGRAMS].data)
		return damaged(b, "a kernel names a verdict, but there are none", err);
	error = bundle_get_section(b, BUNDLE_PROGRAMS, &names, err);
	if (!error)
		error = bundle_get_section(b, BUNDLE_VERDICTS, &texts, err);
	if (!error)
		error = bundle_find_verdict(b, &texts, number, &text, err);
	if (!error)
		error = put_together(b, &names, text, ret, err);
	bundle_bytes_deinit(&names);
	bundle_bytes_deinit(&texts);
	return error;
}

void verdicts_free(struct verdicts *v)
{
	if (!v)
		return;
	free(v->rejected);
	free(v);
}
