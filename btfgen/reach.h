/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which poisoned instructions a program can get to. A relocation without a value
 * does no harm where the program asks first:
 *
 *	if (bpf_core_field_exists(task->__state))	r1 = 1 or 0, relocated
 *		state = BPF_CORE_READ(task, __state);	may be poisoned
 *
 * The kernel's verifier follows a program with constants folded, and so do we:
 * registers and stack slots hold a known constant, an address in the own stack
 * frame, or something unknown; a branch on constants goes one way only.
 *
 * Where paths meet, up to REACH_STATES different states are followed apart and
 * only then merged, as constants that disagree become unknown. Less is known
 * than the verifier knows (it has ranges and bits), so what is called unreachable
 * here is so for it too, and on rare occasions it accepts what is called
 * reachable here. Static functions are followed for each set of constant
 * arguments; global ones once, with unknown arguments, as the verifier does. What
 * lies in maps, .rodata and .kconfig is unknown.
 *
 * Values of field offsets are taken as unknown too: no program branches on them,
 * and so the answer is the same for kernels that differ in nothing else.
 */
#ifndef BTFGEN_REACH_H
#define BTFGEN_REACH_H

#include <stdint.h>

#include "btfgen/core-set.h"

#define REACH_STATES 8

/* A call that the kernel does not know. */
struct reach_call {
	uint32_t helper; /* its number; 0: there is none */
	uint32_t section;
	uint32_t instruction;
};

struct reach {
	struct core_result *final; /* by use: what became of it once patched */
	int32_t *reached_by;       /* by use: the first program (its number in functions)
				      that gets there poisoned; -1: none does */
	int32_t *rejected_at;      /* by function: the use that a program gets to poisoned;
				      -1: none, or not a program */
	struct reach_call *missing; /* by function: a helper too new that a program gets to */
	uint32_t *guarded;	   /* by function: uses without a value in what a program
				      runs, none of which it gets to */
};

/* Follow all programs of @object, given the results of its uses on a kernel: those
 * of core_run.results from object->first_use on. The kernel knows helpers with
 * numbers below @helpers; 0: that is not looked at. -ENOMEM. */
int reach_init(struct reach *reach, const struct core_object *object,
	       const struct core_result *results, uint32_t helpers);
void reach_deinit(struct reach *reach);
#define AUTO_REACH CLEANUP(reach_deinit)

#endif
