/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * For programs whose fate differs from kernel to kernel; tests/vm/check-verdicts has
 * kernels judge them. Their names begin with what is asked of: field_, helper_, ...
 */
#ifndef VERDICTS_H
#define VERDICTS_H

#include "kernel-types.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define CORE	 __attribute__((preserve_access_index))
#define NOINLINE __attribute__((noinline))

/* task_struct as no kernel, only some, and every kernel has it. */
struct task_struct___never {
	int a_member_of_no_kernel;
} CORE;

struct task_struct___until_5_14 {
	volatile long state;
} CORE;

struct task_struct___since_5_14 {
	unsigned int __state;
} CORE;

struct task_struct___always {
	int pid;
	int tgid;
} CORE;

struct a_type_of_no_kernel {
	int x;
} CORE;

#endif
