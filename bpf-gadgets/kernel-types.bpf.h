/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * The little of the kernel that gadgets look at. Each struct names only the
 * members somebody reads; CO-RE finds them by name in the running kernel's BTF,
 * so order, offsets and sizes here mean nothing. Where a kernel release renamed
 * or moved something, the other shape is a flavour ("struct name___what", the
 * suffix is ignored in matching) and compat.bpf.h picks between them.
 *
 * There is no vmlinux.h and no kernel header behind this: one object then serves
 * every architecture of its byte order.
 */
#ifndef KERNEL_TYPES_BPF_H
#define KERNEL_TYPES_BPF_H

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false, true };

#ifndef NULL
#define NULL ((void *)0)
#endif

/* From the kernel's user interface, which never changes. */
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
};
enum { BPF_ANY = 0, BPF_NOEXIST = 1, BPF_EXIST = 2 };
#define BPF_F_CURRENT_CPU 0xffffffffULL

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

/* --- tasks ---------------------------------------------------------------- */

struct mm_struct {
	unsigned long arg_start;
	unsigned long arg_end;
};

struct ns_common {
	unsigned int inum;
};

struct mnt_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
};

struct kernfs_node {
	__u64 id;
};

/* Before 5.5 (67c0496e87d1) id was a union of a number and its halves. */
union kernfs_node_id {
	__u64 id;
};

struct kernfs_node___before_5_5 {
	union kernfs_node_id id;
};

struct cgroup {
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct task_struct {
	int pid;
	int tgid;
	int exit_code;
	__u64 start_time;
	char comm[16];
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
};

/* 5.5 (cf25e24db61c) renamed real_start_time, which counts suspended time too. */
struct task_struct___boottime {
	__u64 start_boottime;
};

struct task_struct___real_start_time {
	__u64 real_start_time;
};

/* --- records of tracepoints ------------------------------------------------ */

struct trace_event_raw_sys_enter {
	unsigned long args[6];
};

struct trace_event_raw_sys_exit {
	long ret;
};

struct trace_event_raw_sched_process_exec {
	int pid;
	int old_pid;
};

/* --- what tells kernels apart ---------------------------------------------- */

/* 5.8 (457f44363a88): a kernel that has this type has ring buffers. */
struct bpf_ringbuf {
};

#pragma clang attribute pop

#endif
