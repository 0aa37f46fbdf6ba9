/* SPDX-License-Identifier: BSD-2-Clause */
/* The files that a web server's listing of a directory links to. */
#ifndef FETCHER_HTML_LINKS_H
#define FETCHER_HTML_LINKS_H

#include <stdbool.h>
#include <stddef.h>

#include <btfpack/error.h>

#define HTML_NAME_SIZE 256

/* Call @found with each file name that @html links to, decoded, as often as it does.
 * Names are of the directory itself: letters, digits and +-._~^ alone, however the
 * server writes the link. What leads elsewhere, or is no such name, is passed over. Whatever
 * @found returns other than 0 ends it and is returned. */
int html_links(const char *html, size_t size,
	       int (*found)(void *arg, const char *name, struct btfpack_error *err), void *arg,
	       struct btfpack_error *err);

#endif
