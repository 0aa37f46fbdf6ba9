/* SPDX-License-Identifier: BSD-2-Clause */
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
