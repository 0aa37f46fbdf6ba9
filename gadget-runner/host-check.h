/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Can this host run gadgets, and if not, why? All is found out by reading files,
 * so that it may be asked of a file system elsewhere, by anybody, and nothing is
 * loaded.
 */
#ifndef GADGET_RUNNER_HOST_CHECK_H
#define GADGET_RUNNER_HOST_CHECK_H

#include <stddef.h>

enum host_state {
	HOST_OK,
	HOST_LACKS,   /* runs without, some things do not */
	HOST_MISSING, /* gadgets cannot run */
	HOST_UNKNOWN, /* nothing says */
};

struct host_check {
	const char *name; /* "kernel BTF" */
	enum host_state state;
	char found[512];    /* what was found, and where */
	const char *advice; /* what to do about it; "" when there is nothing to do */
};

typedef void (*host_check_fn)(const struct host_check *check, void *arg);

/* "ok", "lacks", "missing", "unknown". */
const char *host_state_name(enum host_state state);

/*
 * Call @fn for each check, in an order to be read. @root is where the host's file
 * system begins, NULL: "/" (and then the rights of this process are looked at, too);
 * @bundle a bundle file to choose from, NULL: none. Returns the worst state there
 * was, with HOST_UNKNOWN counting as HOST_OK.
 */
enum host_state host_check_all(const char *root, const char *bundle, host_check_fn fn, void *arg);

#endif
