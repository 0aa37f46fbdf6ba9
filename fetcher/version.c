/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "fetcher/version.h"

/* [epoch:]upstream[-revision]; parts are lent from the version's text. */
struct part {
	const char *text;
	size_t size;
};

struct version {
	struct part epoch, upstream, revision;
};

static struct version split(const char *text)
{
	const char *colon = strchr(text, ':');
	struct version v = { 0 };
	const char *dash;

	if (colon) {
		v.epoch = (struct part){ text, (size_t)(colon - text) };
		text = colon + 1;
	}
	dash = strrchr(text, '-');
	v.upstream = (struct part){ text, dash ? (size_t)(dash - text) : strlen(text) };
	if (dash)
		v.revision = (struct part){ dash + 1, strlen(dash + 1) };
	return v;
}

static int is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Where a character stands among those that are no digits: a tilde before the end
 * of the part, then the end (or a digit), then letters, then the rest. */
static int rank(const struct part *p)
{
	unsigned char c = p->size ? *p->text : 0;

	if (c == '~')
		return -1;
	if (!c || is_digit((char)c))
		return 0;
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return c;
	return c + 256;
}

static void step(struct part *p)
{
	p->text++;
	p->size--;
}

static struct part take_number(struct part *p)
{
	struct part number;

	while (p->size && *p->text == '0')
		step(p);
	number = *p;
	while (p->size && is_digit(*p->text))
		step(p);
	number.size -= p->size;
	return number;
}

/* Without leading zeroes the longer number is the larger: no overflow. */
static int compare_numbers(const struct part *a, const struct part *b)
{
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->size ? memcmp(a->text, b->text, a->size) : 0;
}

/* Runs without digits and runs of digits, in turn, until one differs. */
static int compare_parts(struct part a, struct part b)
{
	while (a.size || b.size) {
		struct part number_a, number_b;
		int difference;

		while ((a.size && !is_digit(*a.text)) || (b.size && !is_digit(*b.text))) {
			difference = rank(&a) - rank(&b);
			if (difference)
				return difference;
			step(&a);
			step(&b);
		}
		number_a = take_number(&a);
		number_b = take_number(&b);
		difference = compare_numbers(&number_a, &number_b);
		if (difference)
			return difference;
	}
	return 0;
}

int version_compare_deb(const char *a, const char *b)
{
	struct version va = split(a), vb = split(b);
	int difference = compare_parts(va.epoch, vb.epoch);

	if (!difference)
		difference = compare_parts(va.upstream, vb.upstream);
	return difference ? difference : compare_parts(va.revision, vb.revision);
}

/* --- rpm ----------------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What stands between segments says nothing, but for ~ and ^. */
static void skip_separators(struct part *p)
{
	while (p->size && !is_digit(*p->text) && !is_letter(*p->text) && *p->text != '~' &&
	       *p->text != '^')
		step(p);
}

static bool begins_with(const struct part *p, char c)
{
	return p->size && *p->text == c;
}

static struct part take_letters(struct part *p)
{
	struct part letters = *p;

	while (p->size && is_letter(*p->text))
		step(p);
	letters.size -= p->size;
	return letters;
}

static int compare_texts(const struct part *a, const struct part *b)
{
	size_t common = a->size < b->size ? a->size : b->size;
	int difference = common ? memcmp(a->text, b->text, common) : 0;

	return difference ? difference : (a->size > b->size) - (a->size < b->size);
}

/* A segment of each; @a's first character chooses the kind. */
static int compare_segments(struct part *a, struct part *b)
{
	struct part segment_a, segment_b;

	if (is_digit(*a->text)) {
		if (!is_digit(*b->text))
			return 1; /* a number is newer than letters */
		segment_a = take_number(a);
		segment_b = take_number(b);
		return compare_numbers(&segment_a, &segment_b);
	}
	if (is_digit(*b->text))
		return -1;
	segment_a = take_letters(a);
	segment_b = take_letters(b);
	return compare_texts(&segment_a, &segment_b);
}

/* Where one has a mark and the other not: ~ is older than even the end, ^ newer than
 * the end but older than anything else. */
static int compare_marks(const struct part *a, const struct part *b)
{
	if (begins_with(a, '~') || begins_with(b, '~'))
		return begins_with(a, '~') ? -1 : 1;
	if (begins_with(a, '^'))
		return b->size ? -1 : 1;
	return a->size ? 1 : -1;
}

static bool is_marked(const struct part *p)
{
	return begins_with(p, '~') || begins_with(p, '^');
}

static int compare_rpm_parts(struct part a, struct part b)
{
	for (;;) {
		int difference;

		skip_separators(&a);
		skip_separators(&b);
		if (is_marked(&a) || is_marked(&b)) {
			if (!a.size || !b.size || *a.text != *b.text)
				return compare_marks(&a, &b);
			step(&a);
			step(&b);
			continue;
		}
		if (!a.size || !b.size)
			return (a.size > 0) - (b.size > 0);
		difference = compare_segments(&a, &b);
		if (difference)
			return difference;
	}
}

int version_compare_rpm(const char *a, const char *b)
{
	struct version va = split(a), vb = split(b);
	struct part none = { "0", 1 };
	int difference = compare_rpm_parts(va.epoch.size ? va.epoch : none,
					   vb.epoch.size ? vb.epoch : none);

	if (!difference)
		difference = compare_rpm_parts(va.upstream, vb.upstream);
	return difference ? difference : compare_rpm_parts(va.revision, vb.revision);
}
