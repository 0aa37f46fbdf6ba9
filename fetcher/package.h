/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one vmlinux out of a package file, as a stream: no path of the package is
 * ever used to make a file, only compared; nothing but a regular file that begins
 * like an ELF file counts; and reading stops when it is out.
 */
#ifndef FETCHER_PACKAGE_H
#define FETCHER_PACKAGE_H

#include <btfpack/error.h>

struct http;

/* As btfpack_package_extract(). @what is named in errors; @http, for its progress
 * callback, may be NULL. */
int package_extract(const char *path, const char *what, const char *uname, int fd,
		    struct http *http, struct btfpack_error *err);

#endif
