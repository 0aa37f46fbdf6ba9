/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The forms in which `btfpack bundle` hands out a bundle: the file itself, or
 * what is in it laid out for a language or for another tool.
 */
#ifndef CLI_BUNDLE_EMIT_H
#define CLI_BUNDLE_EMIT_H

#include <stdbool.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

struct bundle_form {
	const char *name; /* as --emit says it */
	const char *what; /* one line */
	/* Write the bundle @bytes, which are sound, to @out. */
	int (*emit)(const struct btfpack_blob *bytes, const char *out, struct btfpack_error *err);
	bool drops_signature; /* the bundle itself is not in it */
};

/* The form of that name, NULL when there is none. */
const struct bundle_form *bundle_form_find(const char *name);

/* "file, dir, ...", static. */
const char *bundle_form_names(void);

#endif
