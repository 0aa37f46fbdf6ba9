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
 * lies in maps is unknown. What lies in .rodata a loader may set before it loads, and
 * .kconfig is read off the kernel's configuration: the verifier knows both. Here they
 * are unknown as well (but for what libbpf fills in whatever the configuration), or, to see what is sure all the same, those constants are
 * taken as the object has them, and jumps that hang on the rest all go one way
 * (enum reach_settings).
 *
 * Values of field offsets are taken as unknown too: no program branches on them,
 * and so the answer is the same for kernels that differ in nothing else.
 */
#ifndef BTFGEN_REACH_H
#define BTFGEN_REACH_H

#include <stdbool.h>
#include <stdint.h>

#include "btfgen/core-set.h"

#define REACH_STATES 8

/* Whether the kernel has what an extern names. */
enum reach_symbol {
	REACH_SYMBOL_UNKNOWN,
	REACH_SYMBOL_MISSING,
	REACH_SYMBOL_THERE,
	REACH_SYMBOL_SETTING, /* it is a line of the configuration */
};

enum reach_settings {
	REACH_SETTINGS_UNKNOWN,
	REACH_SETTINGS_TAKEN, /* .rodata as it is; jumps on .kconfig are taken */
	REACH_SETTINGS_NOT,   /* the same; they are not taken */
};

/* An extern of .kconfig. */
struct reach_setting {
	const char *name;
	uint32_t size; /* bytes */
	bool is_known;
	uint64_t value;
};

/* What a program meets beyond relocations. All zero: that is not looked at. */
struct reach_kernel {
	uint32_t helpers; /* those with numbers below are known; 0: nobody knows */
	bool without_btf; /* nor are those that return what only BTF describes */
	bool without_callbacks; /* no function of the program may be passed to a helper */
	enum reach_symbol (*symbol)(const char *name, const void *arg);
	const void *arg;
	const uint32_t *context_sizes; /* by function: bytes of arguments that a program
					  may read; 0: any */
	enum reach_settings settings;
	const struct reach_setting *values; /* of REACH_SYMBOL_SETTING, those that are known */
	size_t value_count;
};

/* Where the kernel stops a program. */
struct reach_stop {
	enum {
		REACH_STOP_NONE,
		REACH_STOP_HELPER,   /* @number is too new */
		REACH_STOP_TYPED,    /* helper @number is for kernels with BTF */
		REACH_STOP_CALLBACK, /* a function's address */
		REACH_STOP_ATOMIC,   /* an instruction that is too new */
		REACH_STOP_FUNCTION, /* it has no @name */
		REACH_STOP_ARGUMENT, /* there is no argument @number */
	} kind;
	uint32_t number;
	const char *name; /* lent by the object */
	uint32_t section;
	uint32_t instruction;
};

struct reach {
	struct core_result *final; /* by use: what became of it once patched */
	int32_t *reached_by;       /* by use: the first program (its number in functions)
				      that gets there poisoned; -1: none does */
	int32_t *rejected_at;      /* by function: the use that a program gets to poisoned;
				      -1: none, or not a program */
	struct reach_stop *stops;  /* by function: the first that a program gets to */
	uint32_t *guarded;	   /* by function: uses without a value in what a program
				      runs, none of which it gets to */
};

/* Follow all programs of @object, given the results of its uses on a kernel: those
 * of core_run.results from object->first_use on. -ENOMEM. */
int reach_init(struct reach *reach, const struct core_object *object,
	       const struct core_result *results, const struct reach_kernel *kernel);
void reach_deinit(struct reach *reach);
#define AUTO_REACH CLEANUP(reach_deinit)

#endif
