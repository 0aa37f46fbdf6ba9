/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One block holds the table of programs and, behind it, copies of PROGRAMS and of the
 * reasons in VERDICTS.
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

/* The section VERDICTS: where its lists begin. */
struct lists {
	const char *reasons;
	size_t reasons_size; /* bytes of them, NULs included */
	uint32_t reason_count;
	const uint8_t *remarks;
	uint32_t remark_count;
	const uint8_t *verdicts;
	const uint8_t *end;
};

/* Read past a remark. */
static bool read_remark(const uint8_t **pos, const uint8_t *end, uint32_t *program, char *letter,
			uint32_t *reason)
{
	uint32_t gap;

	if (!bundle_get_uleb(pos, end, &gap) || *pos == end)
		return false;
	*letter = (char)*(*pos)++;
	if (gap >= BUNDLE_PROGRAMS_MAXIMUM - *program)
		return false;
	*program += gap;
	return bundle_get_uleb(pos, end, reason);
}

static bool find_lists(const struct bundle_bytes *section, struct lists *l)
{
	const uint8_t *pos = section->data, *end = section->data + section->size;
	uint32_t program = 0, reason;
	char letter;

	l->end = end;
	if (!bundle_get_uleb(&pos, end, &l->reason_count))
		return false;
	l->reasons = (const char *)pos;
	for (uint32_t i = 0; i < l->reason_count; i++) {
		pos = (const uint8_t *)memchr(pos, '\0', (size_t)(end - pos));
		if (!pos)
			return false;
		pos++;
	}
	l->reasons_size = (size_t)((const char *)pos - l->reasons);
	if (!bundle_get_uleb(&pos, end, &l->remark_count))
		return false;
	l->remarks = pos;
	for (uint32_t i = 0; i < l->remark_count; i++)
		if (!read_remark(&pos, end, &program, &letter, &reason))
			return false;
	l->verdicts = pos;
	return true;
}

/* Where verdict @number begins. */
static bool find_verdict(const struct lists *l, uint32_t number, const uint8_t **ret)
{
	uint32_t count, gap;

	for (*ret = l->verdicts; --number;) {
		if (!bundle_get_uleb(ret, l->end, &count))
			return false;
		for (; count; count--)
			if (!bundle_get_uleb(ret, l->end, &gap))
				return false;
	}
	return true;
}

/* The text of number @reason among those at @reasons. */
static const char *find_reason(const char *reasons, uint32_t reason)
{
	for (; reason; reason--)
		reasons += strlen(reasons) + 1;
	return reasons;
}

/* What a remark says of its program, which must not have been spoken of. */
static bool apply_remark(struct verdicts *v, const struct lists *l, const char *reasons,
			 uint32_t program, char letter, uint32_t reason)
{
	struct btfpack_program *p = &v->programs[program];

	if (program >= v->count || p->loads != BTFPACK_LOADS || reason >= l->reason_count ||
	    !read_letter(letter, &p->loads))
		return false;
	p->reason = find_reason(reasons, reason);
	return true;
}

/* Go through the remarks, and stop at those that the verdict at @at lists. */
static bool read_verdict(struct verdicts *v, const struct lists *l, const char *reasons,
			 const uint8_t *at)
{
	const uint8_t *pos = l->remarks;
	uint32_t count, gap, program = 0, reason = 0, left = l->remark_count;
	char letter = 0;

	if (!bundle_get_uleb(&at, l->end, &count))
		return false;
	for (; count; count--) {
		if (!bundle_get_uleb(&at, l->end, &gap) || gap >= left)
			return false;
		left -= gap + 1;
		do
			read_remark(&pos, l->verdicts, &program, &letter, &reason);
		while (gap--);
		if (!apply_remark(v, l, reasons, program, letter, reason))
			return false;
	}
	return true;
}

/* The lines for people. -ENOMEM; -EBADMSG when the bundle repeats itself to no end. */
static int write_rejected(struct verdicts *v)
{
	size_t size = 0;
	char *to;

	for (size_t i = 0; i < v->count; i++)
		if (v->programs[i].loads == BTFPACK_LOADS_NOT)
			size += strlen(v->programs[i].program) + strlen(v->programs[i].object) +
				strlen(v->programs[i].reason) + sizeof(" (): \n");
	if (!size)
		return 0;
	if (size > BUNDLE_TEXT_MAXIMUM)
		return -EBADMSG;
	to = v->rejected = (char *)malloc(size);
	for (size_t i = 0; to && i < v->count; i++)
		if (v->programs[i].loads == BTFPACK_LOADS_NOT)
			to += sprintf(to, "%s%s (%s): %s", to == v->rejected ? "" : "\n",
				      v->programs[i].program, v->programs[i].object,
				      v->programs[i].reason);
	return to ? 0 : -ENOMEM;
}

/* The block: the table, the names of programs, the reasons. */
static struct verdicts *make_room(size_t count, const struct bundle_bytes *names,
				  const struct lists *l)
{
	struct verdicts *v = (struct verdicts *)malloc(
		sizeof(*v) + count * sizeof(v->programs[0]) + names->size + l->reasons_size);
	char *strings;

	if (!v)
		return NULL;
	*v = (struct verdicts){ .count = count };
	strings = (char *)&v->programs[count];
	if (names->size)
		memcpy(strings, names->data, names->size);
	if (l->reasons_size)
		memcpy(strings + names->size, l->reasons, l->reasons_size);
	name_programs(v, strings);
	return v;
}

static int put_together(const struct bundle *b, const struct bundle_bytes *names,
			const struct bundle_bytes *section, uint32_t number, struct verdicts **ret,
			struct btfpack_error *err)
{
	struct lists l = { 0 };
	const uint8_t *at;
	struct verdicts *v;
	size_t count = 0;
	int error;

	if (!count_programs(names, &count))
		return damaged(b, "the names of programs", err);
	if (!find_lists(section, &l) || !find_verdict(&l, number, &at))
		return damaged(b, "a verdict", err);
	v = make_room(count, names, &l);
	if (!v)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", b->name);
	error = read_verdict(v, &l, (char *)&v->programs[count] + names->size, at)
			? write_rejected(v)
			: -EBADMSG;
	if (error) {
		verdicts_free(v);
		return error == -ENOMEM ? btfpack_error_set(err, error, "%s: out of memory", b->name)
					: damaged(b, "a verdict", err);
	}
	*ret = v;
	return 0;
}

int verdicts_read(const struct bundle *b, uint32_t number, struct verdicts **ret,
		  struct btfpack_error *err)
{
	struct bundle_bytes names = { 0 }, section = { 0 };
	int error;

	if (!b->sections[BUNDLE_VERDICTS].data || !b->sections[BUNDLE_PROGRAMS].data)
		return damaged(b, "a kernel names a verdict, but there are none", err);
	error = bundle_get_section(b, BUNDLE_PROGRAMS, &names, err);
	if (!error)
		error = bundle_get_section(b, BUNDLE_VERDICTS, &section, err);
	if (!error)
		error = put_together(b, &names, &section, number, ret, err);
	bundle_bytes_deinit(&names);
	bundle_bytes_deinit(&section);
	return error;
}

void verdicts_free(struct verdicts *v)
{
	if (!v)
		return;
	free(v->rejected);
	free(v);
}
