/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * One way to say what kernels from 4.14 to 7.x, of 32 and 64 bits and either
 * byte order, each say in theirs. Every difference names its commit and release.
 */
#ifndef COMPAT_BPF_H
#define COMPAT_BPF_H

#include "kernel-types.bpf.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/*
 * The value of an integer or pointer member, of whatever size the running kernel
 * gives it: a long or a pointer is four bytes on i386 and arm, eight in the type
 * this was compiled with, and BPF_CORE_READ() would copy eight. 0 when the read
 * fails. Signed members narrower here than there are fine; for a signed long use
 * kernel_get_signed(). Works on a tracepoint's context too.
 */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define kernel_value_of(bytes, size) (bytes)
#else
#define kernel_value_of(bytes, size) ((bytes) >> (64 - 8 * (size)))
#endif

#define kernel_get_raw(source, member)                                                           \
	({                                                                                       \
		__u64 value_ = 0;                                                                \
		bpf_probe_read_kernel(&value_, bpf_core_field_size((source)->member),            \
				      (const void *)(source) +                                   \
					      __builtin_preserve_field_info(                     \
						      (source)->member, BPF_FIELD_BYTE_OFFSET)); \
		kernel_value_of(value_, bpf_core_field_size((source)->member));                  \
	})

#define kernel_get(source, member) ((typeof((source)->member))kernel_get_raw(source, member))

#define kernel_get_signed(source, member)                                      \
	({                                                                     \
		__u32 spare_ = 64 - 8 * bpf_core_field_size((source)->member); \
		(__s64)(kernel_get_raw(source, member) << spare_) >> spare_;   \
	})

/* Bytes of a pointer, and of a long, in the running kernel. */
static __always_inline __u32 kernel_pointer_size(void)
{
	return bpf_core_field_size(((struct mm_struct *)0)->arg_start);
}

/* The pointer at @address in user memory; 0 when it cannot be read. */
static __always_inline __u64 user_pointer_at(__u64 address)
{
	__u64 bytes = 0;

	bpf_probe_read_user(&bytes, kernel_pointer_size(), (void *)address);
	return kernel_value_of(bytes, kernel_pointer_size());
}

/*
 * Arguments of the function a kprobe stands on, numbered from 0 to 3, and what a
 * kretprobe returns. One object is for every architecture, so the registers are told
 * apart by what the kernel's struct pt_regs has. i386 kernels pass three arguments in
 * registers (-mregparm=3), unlike what libbpf's PT_REGS_PARM1() believes, and the
 * fourth on the stack, which regs->sp points to since 5.3 (3c88c692c287).
 */
#define HAS_REGISTER(arch, member) bpf_core_field_exists(((struct pt_regs___##arch *)0)->member)
#define GET_REGISTER(ctx, arch, member) kernel_get_raw((struct pt_regs___##arch *)(ctx), member)

#define function_argument_in(ctx, n, x86_64_register, i386_value, riscv_register)         \
	(HAS_REGISTER(x86_64, r8)       ? GET_REGISTER(ctx, x86_64, x86_64_register) :    \
	 HAS_REGISTER(i386, ax)         ? (i386_value) :                                  \
	 HAS_REGISTER(arm64, pstate)    ? GET_REGISTER(ctx, arm64, regs[n]) :             \
	 HAS_REGISTER(arm, uregs)       ? GET_REGISTER(ctx, arm, uregs[n]) :              \
	 HAS_REGISTER(s390, gprs)       ? GET_REGISTER(ctx, s390, gprs[2 + (n)]) :        \
	 HAS_REGISTER(powerpc, gpr)     ? GET_REGISTER(ctx, powerpc, gpr[3 + (n)]) :      \
	 HAS_REGISTER(mips, cp0_status) ? GET_REGISTER(ctx, mips, regs[4 + (n)]) :        \
					  GET_REGISTER(ctx, riscv, riscv_register))

static __always_inline __u64 function_argument_0(void *ctx)
{
	return function_argument_in(ctx, 0, di, GET_REGISTER(ctx, i386, ax), a0);
}

static __always_inline __u64 function_argument_1(void *ctx)
{
	return function_argument_in(ctx, 1, si, GET_REGISTER(ctx, i386, dx), a1);
}

static __always_inline __u64 function_argument_2(void *ctx)
{
	return function_argument_in(ctx, 2, dx, GET_REGISTER(ctx, i386, cx), a2);
}

static __always_inline __u64 i386_stack_argument(void *ctx)
{
	__u32 value = 0; /* above the return address */

	bpf_probe_read_kernel(&value, sizeof(value), (void *)GET_REGISTER(ctx, i386, sp) + 4);
	return value;
}

static __always_inline __u64 function_argument_3(void *ctx)
{
	return function_argument_in(ctx, 3, cx, i386_stack_argument(ctx), a3);
}

static __always_inline __u64 function_result(void *ctx)
{
	if (HAS_REGISTER(x86_64, r8))
		return GET_REGISTER(ctx, x86_64, ax);
	if (HAS_REGISTER(mips, cp0_status))
		return GET_REGISTER(ctx, mips, regs[2]);
	return function_argument_0(ctx);
}

static __always_inline struct task_struct *current_task(void)
{
	return (struct task_struct *)bpf_get_current_task();
}

/* The process id of the parent. */
static __always_inline __u32 task_parent(struct task_struct *task)
{
	return kernel_get(kernel_get(task, real_parent), tgid);
}

/* The number in /proc/PID/ns/mnt; 0 without namespaces. */
static __always_inline __u32 task_mntns(struct task_struct *task)
{
	struct mnt_namespace *ns;

	if (!bpf_core_field_exists(task->nsproxy->mnt_ns))
		return 0;
	ns = kernel_get(kernel_get(task, nsproxy), mnt_ns);
	return kernel_get(ns, ns.inum);
}

/*
 * The id of the task's control group in the unified hierarchy: the handle
 * name_to_handle_at(2) gives for its directory. Read from the task because the
 * helper came with 4.18 (bf6fa2c893c5).
 */
static __always_inline __u64 task_cgroup(struct task_struct *task)
{
	struct kernfs_node *node;

	if (!bpf_core_field_exists(task->cgroups))
		return 0;
	node = kernel_get(kernel_get(kernel_get(task, cgroups), dfl_cgrp), kn);
	if (bpf_core_field_exists(((struct kernfs_node___before_5_5 *)0)->id.id))
		return kernel_get((struct kernfs_node___before_5_5 *)node, id.id);
	return kernel_get(node, id);
}

#endif
