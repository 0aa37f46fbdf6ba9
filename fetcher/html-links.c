/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "fetcher/html-links.h"

/*
 * No parser of HTML: listings of Apache, nginx, lighttpd and S3-like servers differ in
 * everything but <a href="NAME">, and what is no listing has no such names in it.
 */
#define ATTRIBUTE "href"

struct text {
	const char *at, *end;
};

/* To behind the next href and its sign of equality. */
static bool find_attribute(struct text *t)
{
	const size_t length = strlen(ATTRIBUTE);

	for (; (size_t)(t->end - t->at) > length; t->at++) {
		const char *p = t->at + length;

		if (strncasecmp(t->at, ATTRIBUTE, length))
			continue;
		while (p < t->end && isspace((unsigned char)*p))
			p++;
		if (p == t->end || *p != '=')
			continue;
		t->at = p + 1;
		return true;
	}
	return false;
}

/* The attribute's value, quoted in either way or not. */
static struct text take_value(struct text *t)
{
	struct text value;
	char quote = 0;

	while (t->at < t->end && isspace((unsigned char)*t->at))
		t->at++;
	if (t->at < t->end && (*t->at == '"' || *t->at == '\''))
		quote = *t->at++;
	value.at = t->at;
	while (t->at < t->end && (quote ? *t->at != quote
					: !isspace((unsigned char)*t->at) && *t->at != '>'))
		t->at++;
	value.end = t->at;
	return value;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The next character, %XX decoded; -1 at the end or for half an escape. */
static int take_character(struct text *t)
{
	int high, low;

	if (t->at == t->end)
		return -1;
	if (*t->at != '%')
		return (unsigned char)*t->at++;
	if (t->end - t->at < 3)
		return -1;
	high = hex_digit(t->at[1]);
	low = hex_digit(t->at[2]);
	t->at += 3;
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

static bool is_name_character(int c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c > 0 && strchr("+-._~^", c));
}

/* Some write the whole path: what counts is its last part, for the directory that we
 * asked for is the one that is listed. */
static void skip_directories(struct text *t)
{
	for (const char *p = t->at; p < t->end; p++)
		if (*p == '/')
			t->at = p + 1;
}

static bool read_name(struct text value, char ret[HTML_NAME_SIZE])
{
	size_t size = 0;

	skip_directories(&value);
	while (value.at < value.end) {
		int c = take_character(&value);

		if (!is_name_character(c) || size == HTML_NAME_SIZE - 1)
			return false;
		ret[size++] = (char)c;
	}
	ret[size] = '\0';
	return size && ret[0] != '.';
}

int html_links(const char *html, size_t size,
	       int (*found)(void *arg, const char *name, struct btfpack_error *err), void *arg,
	       struct btfpack_error *err)
{
	struct text text = { html, html + size };
	char name[HTML_NAME_SIZE];
	int result = 0;

	while (!result && find_attribute(&text))
		if (read_name(take_value(&text), name))
			result = found(arg, name, err);
	return result;
}
