/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include <expat.h>

#include "fetcher/xml.h"

#define DEPTH_MAXIMUM	   64
#define ATTRIBUTES_MAXIMUM 64
#define SPACES		   " \t\r\n"

struct xml {
	const struct xml_ops *ops;
	void *arg;
	const char *what;
	XML_Parser parser;
	unsigned int depth;
	char text[XML_TEXT_MAXIMUM + 1];
	size_t text_size;
	struct btfpack_error failure; /* code 0: none */
};

static void stop(struct xml *x)
{
	XML_StopParser(x->parser, XML_FALSE);
}

static void on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	struct xml *x = arg;

	x->text_size = 0;
	if (++x->depth > DEPTH_MAXIMUM)
		btfpack_error_set(&x->failure, -EBADMSG,
				  "%s: expected at most %d elements in each other, found more",
				  x->what, DEPTH_MAXIMUM);
	if (x->failure.code || x->ops->start(x->arg, name, (const char *const *)attributes,
					     &x->failure) < 0)
		stop(x);
}

static void on_end(void *arg, const XML_Char *name)
{
	struct xml *x = arg;
	char *text = x->text;

	x->depth--;
	while (x->text_size && strchr(SPACES, text[x->text_size - 1]))
		x->text_size--;
	text[x->text_size] = '\0';
	text += strspn(text, SPACES);
	if (x->failure.code || x->ops->end(x->arg, name, text, &x->failure) < 0)
		stop(x);
	x->text_size = 0;
}

static void on_text(void *arg, const XML_Char *text, int length)
{
	struct xml *x = arg;
	size_t room = XML_TEXT_MAXIMUM - x->text_size;
	size_t size = (size_t)length < room ? (size_t)length : room;

	if (memchr(text, '\0', size)) /* expat gives none; strings end at one */
		return;
	memcpy(x->text + x->text_size, text, size);
	x->text_size += size;
}

/* Entities come with it, and bombs made of them. Indexes have none. */
static void on_doctype(void *arg, const XML_Char *name, const XML_Char *system,
		       const XML_Char *public, int internal)
{
	struct xml *x = arg;

	(void)name, (void)system, (void)public, (void)internal;
	btfpack_error_set(&x->failure, -EBADMSG,
			  "%s: expected an index, found an XML document type", x->what);
	stop(x);
}

int xml_new(const struct xml_ops *ops, void *arg, const char *what, struct xml **ret,
	    struct btfpack_error *err)
{
	struct xml *x = calloc(1, sizeof(*x));

	if (x)
		*x = (struct xml){
			.ops = ops,
			.arg = arg,
			.what = what,
			.parser = XML_ParserCreate(NULL),
		};
	if (!x || !x->parser) {
		xml_free(x);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	}
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	*ret = x;
	return 0;
}

void xml_free(struct xml *x)
{
	if (!x)
		return;
	if (x->parser)
		XML_ParserFree(x->parser);
	free(x);
}

static int parse(struct xml *x, const void *data, int size, int last, struct btfpack_error *err)
{
	if (XML_Parse(x->parser, data, size, last) == XML_STATUS_OK)
		return 0;
	if (x->failure.code)
		return btfpack_error_set(err, x->failure.code, "%s", x->failure.message);
	return btfpack_error_set(
		err, XML_GetErrorCode(x->parser) == XML_ERROR_NO_MEMORY ? -ENOMEM : -EBADMSG,
		"%s: expected well-formed XML, found at line %lu: %s", x->what,
		(unsigned long)XML_GetCurrentLineNumber(x->parser),
		XML_ErrorString(XML_GetErrorCode(x->parser)));
}

int xml_feed(struct xml *x, const void *data, size_t size, struct btfpack_error *err)
{
	const char *bytes = data;
	int error = 0;

	while (!error && size) {
		size_t part = size < (1 << 20) ? size : (1 << 20);

		error = parse(x, bytes, (int)part, 0, err);
		bytes += part;
		size -= part;
	}
	return error;
}

int xml_finish(struct xml *x, struct btfpack_error *err)
{
	return parse(x, "", 0, 1, err);
}

const char *xml_attribute(const char *const *attributes, const char *name)
{
	for (size_t i = 0; i < ATTRIBUTES_MAXIMUM && attributes[2 * i]; i++)
		if (!strcmp(attributes[2 * i], name))
			return attributes[2 * i + 1];
	return NULL;
}
