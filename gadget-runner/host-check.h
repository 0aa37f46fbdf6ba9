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

/* What to look at. */
struct host_check_input {
	const char *root;        /* where the host's file system begins; NULL: this machine */
	const char *bundle;      /* a file to choose BTF from; NULL: bundle_data */
	const void *bundle_data; /* one in memory; NULL: none */
	size_t bundle_size;
};

/*
 * Call @fn for each check, in an order to be read; the last, "gadgets", says what comes
 * of all. Of this machine the rights of this process are looked at, too. Returns the
 * worst state there was, with HOST_UNKNOWN counting as HOST_OK.
 */
enum host_state host_check_all(const struct host_check_input *input, host_check_fn fn, void *arg);

/* A check as lines to be read, @size bytes at most, NUL included. */
void host_check_print(const struct host_check *check, char *ret, size_t size);

#endif
