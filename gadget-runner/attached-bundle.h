/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bundle at the end of a program file: the program, the bundle's bytes, their
 * number (eight bytes, little-endian), eight bytes of magic. ELF does not mind
 * what follows it, and no compiler is needed to put a bundle in.
 */
#ifndef GADGET_RUNNER_ATTACHED_BUNDLE_H
#define GADGET_RUNNER_ATTACHED_BUNDLE_H

#include <btfpack/error.h>
#include <btfpack/types.h>

/* The bundle attached to the program file @path ("/proc/self/exe"); empty when it
 * has none. Free the blob. -EBADMSG: the file ends as if it had one, but has not. */
int attached_bundle_read(const char *path, struct btfpack_blob *ret, struct btfpack_error *err);

/* The program at @path with the bundle file @bundle_path attached, in place of one
 * it may have; @bundle_path NULL: as it is. Free the blob. */
int attached_bundle_compose(const char *path, const char *bundle_path, struct btfpack_blob *ret,
			    struct btfpack_error *err);

#endif
