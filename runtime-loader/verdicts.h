/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a bundle says of the programs on one kernel: the sections PROGRAMS and
 * VERDICTS, brought together.
 */
#ifndef RUNTIME_LOADER_VERDICTS_H
#define RUNTIME_LOADER_VERDICTS_H

#include <btfpack/loader.h>

#include "bundle.h"

struct verdicts {
	char *rejected; /* "PROGRAM (OBJECT): REASON" lines; NULL: none */
	size_t count;
	struct btfpack_program programs[]; /* their strings lie behind */
};

/* All programs on the kernels that name verdict @number, from 1. -EBADMSG when the
 * sections are not as they should be; -ENOSYS; -ENOMEM. */
int verdicts_read(const struct bundle *b, uint32_t number, struct verdicts **ret,
		  struct btfpack_error *err);

/* NULL is fine. */
void verdicts_free(struct verdicts *v);

#endif
