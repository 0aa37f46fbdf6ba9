/* SPDX-License-Identifier: BSD-2-Clause */
/* The gate before the archive: BTF that is not sound, or no kernel's, stays out. */
#ifndef CLI_GATE_H
#define CLI_GATE_H

#include <stdbool.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

/*
 * Check full BTF that is to be stored: well-formed, one struct task_struct,
 * deduplicated. Where the last two fail it is deduplicated, in place, and that is
 * said; @repaired_ret (may be NULL) tells. Only BTF of so few types that no kernel
 * can have so few may lack task_struct: what tests and programs are made of.
 * @name: what to call it in sentences. -EBADMSG and the reason.
 */
int gate_pass(struct btfpack_blob *btf, const char *name, bool *repaired_ret,
	      struct btfpack_error *err);

#endif
