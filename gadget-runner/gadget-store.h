/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gadgets inside this program: their objects were compressed (gzip) and put
 * in when it was built. Nothing is read from disk.
 */
#ifndef GADGET_RUNNER_GADGET_STORE_H
#define GADGET_RUNNER_GADGET_STORE_H

#include <stdbool.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/* The name of the @index-th gadget, in alphabetical order; NULL at the end. */
const char *gadget_store_name(size_t index);

/* The BPF object of the gadget @name; free the blob. -ENOENT: none of that name. */
int gadget_store_find(const char *name, struct btfpack_blob *ret, struct btfpack_error *err);

/* Whether gadget_store_open() looks for a file under this name, or has such a gadget. */
bool gadget_store_has(const char *name_or_path);

/* The same by name or, where @name_or_path has a slash or ends in ".o", from that
 * file. */
int gadget_store_open(const char *name_or_path, struct btfpack_blob *ret,
		      struct btfpack_error *err);

#endif
