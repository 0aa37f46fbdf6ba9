/* SPDX-License-Identifier: BSD-2-Clause */
/* What this process may do here, and what somebody can do who may not. */
#ifndef GADGET_RUNNER_RIGHTS_H
#define GADGET_RUNNER_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is the kernel, whose file system begins at @root ("" for here), locked down so that
 * nothing may be traced? */
bool rights_is_locked_down(const char *root);

/* The effective capabilities, a bit each. */
uint64_t rights_capabilities(void);
bool rights_has_admin(uint64_t capabilities);       /* CAP_SYS_ADMIN */
bool rights_are_for_tracing(uint64_t capabilities); /* that, or CAP_BPF and CAP_PERFMON */

/* kernel.perf_event_paranoid, where it is so high that it takes CAP_SYS_ADMIN (Debian's and
 * Android's kernels); 0 where it is not. */
int rights_paranoia(void);

/* Kilobytes that may be locked, where that is so little that maps may not fit and it cannot
 * be raised; 0: enough. Kernels before 5.11 count maps as locked memory. */
unsigned long rights_locked_kilobytes(uint64_t capabilities);

/* What to do about the kernel's refusal with @code, a negative errno: a clause for the end
 * of a sentence, or "" when it has nothing to do with rights. @size: of @ret, 200 will do. */
const char *rights_advise(int code, char *ret, size_t size);

#endif
