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
