/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XML as it streams in, over expat, of which this file's .c is the one owner. No
 * document types and so no entities of its own, bounded depth, attributes and text.
 */
#ifndef FETCHER_XML_H
#define FETCHER_XML_H

#include <stddef.h>

#include <btfpack/error.h>

/* What a text is cut to: longer than any that is meant. */
#define XML_TEXT_MAXIMUM 1024

/* Either may fail, with @err filled: reading then ends. @attributes: name, value,
 * ..., NULL. @text: the characters since the last tag, spaces around them cut. */
struct xml_ops {
	int (*start)(void *arg, const char *name, const char *const *attributes,
		     struct btfpack_error *err);
	int (*end)(void *arg, const char *name, const char *text, struct btfpack_error *err);
};

struct xml;

/* @what is named in errors and borrowed, as are @ops and @arg. */
int xml_new(const struct xml_ops *ops, void *arg, const char *what, struct xml **ret,
	    struct btfpack_error *err);
void xml_free(struct xml *xml);

/* -EBADMSG: it is not well-formed; else what an op said. */
int xml_feed(struct xml *xml, const void *data, size_t size, struct btfpack_error *err);
int xml_finish(struct xml *xml, struct btfpack_error *err);

/* The value of an attribute, or NULL. */
const char *xml_attribute(const char *const *attributes, const char *name);

#endif
