/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfrun on another machine: over a command that runs a shell line there (ssh), the
 * program is sent through its standard input into a directory of its own, on a file
 * system in memory where there is one, run, and taken away again. What it prints
 * comes back as it is. One login is enough: the other side first says what machine it
 * is, and gets the program for that.
 *
 * The pipe stays open while it runs: when this side goes away, whatever the reason,
 * the other side sees the end of its input, detaches, and cleans up.
 */
#ifndef GADGET_RUNNER_REMOTE_H
#define GADGET_RUNNER_REMOTE_H

#include <signal.h>

#include <btfpack/error.h>

struct remote {
	const char *transport;   /* "ssh", or words with blanks between: "ssh -p 22" */
	const char *host;        /* its next argument */
	const char *bundle_path; /* attached to what is sent; NULL: none */
	const char *program;     /* file to send, or directory of btfrun-<arch>; NULL: see below */
	int argc;                /* what btfrun is given there */
	char **argv;
	const volatile sig_atomic_t *stop; /* becomes non-zero: end it */
};

/*
 * Run until the other side ends, and return its exit status. A machine of this one's
 * architecture gets this very program, another the file btfrun-<its uname -m> that lies
 * beside. Once *stop is set, the other side has 15 seconds to end.
 * -ENOENT: no program for that machine; -EPROTO: the transport failed, in its own words;
 * -EINTR: stopped before it was reached; -ETIMEDOUT: it did not end; others from the
 * system.
 */
int remote_run(const struct remote *remote, struct btfpack_error *err);

#endif
