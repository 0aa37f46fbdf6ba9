/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfrun on another machine: over a command that runs a shell line there (ssh), the
 * program is sent through its standard input into a directory of its own, on a file
 * system in memory where there is one, run, and taken away again. What it prints
 * comes back as it is.
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
	int argc;                /* what btfrun is given there */
	char **argv;
	const volatile sig_atomic_t *stop; /* becomes non-zero: end it */
};

/*
 * Run until the other side ends, and return its exit status. A machine of another
 * architecture gets the file btfrun-<its uname -m> that lies beside this program.
 * -ENOENT: there is none; -EPROTO: the transport failed; others from the system.
 */
int remote_run(const struct remote *remote, struct btfpack_error *err);

#endif
