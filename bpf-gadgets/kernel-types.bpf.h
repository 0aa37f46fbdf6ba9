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
	struct mm_struct *mm;
	struct nsproxy *nsproxy;
	struct css_set *cgroups;
};

/* --- sockets --------------------------------------------------------------- */

struct in6_addr {
	__u8 bytes[16]; /* never read by member */
};

struct sock_common {
	__u16 skc_family;
	__u16 skc_num; /* the local port, in host order */
	__be16 skc_dport;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	struct in6_addr skc_v6_daddr; /* only with IPv6 */
	struct in6_addr skc_v6_rcv_saddr;
	unsigned char skc_reuse : 4;
	unsigned char skc_reuseport : 1;
	volatile unsigned char skc_state;
	int skc_bound_dev_if;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

/* Before 5.6 (bf9765145b85) a bitfield beside others. */
struct sock___before_5_6 {
	unsigned int sk_protocol : 8;
};

struct socket {
	struct sock *sk;
};

struct inet_sock {
	__be16 inet_sport;
	unsigned long inet_flags; /* 6.6 (c274af224269) */
};

struct inet_sock___before_6_6 {
	__u8 freebind : 1;
	__u8 transparent : 1;
	__u8 bind_address_no_port : 1;
};

struct tcp_sock {
	__u64 bytes_acked;
	__u64 bytes_received;
	__u32 srtt_us; /* eight times the smoothed round trip */
};

/* --- memory, capabilities --------------------------------------------------- */

struct oom_control {
	struct task_struct *chosen;
	unsigned long totalpages;
};

/* --- registers: who calls what, by architecture (see function_argument()) ---- */

struct pt_regs___x86_64 {
	unsigned long di, si, dx, cx, ax, r8;
};

struct pt_regs___i386 {
	unsigned long ax, dx, cx, sp;
};

struct pt_regs___arm64 {
	__u64 regs[31];
	__u64 pstate;
};

struct pt_regs___arm {
	unsigned long uregs[18];
};

struct pt_regs___s390 {
	unsigned long gprs[16];
};

struct pt_regs___powerpc {
	unsigned long gpr[32];
};

struct pt_regs___riscv {
	unsigned long a0, a1, a2, a3;
};

struct pt_regs___mips {
	unsigned long regs[32];
	unsigned long cp0_status;
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

struct trace_event_raw_sched_wakeup_template {
	int pid;
};

struct trace_event_raw_sched_switch {
	int prev_pid;
	long prev_state;
	int next_pid;
};

struct trace_event_raw_signal_generate {
	int sig;
	int code;
	char comm[16];
	int pid;
	int result;
};

struct trace_event_raw_inet_sock_set_state {
	const void *skaddr;
	int newstate;
	__u16 protocol;
};

struct trace_event_raw_tcp_probe {
	__u8 saddr[28]; /* struct sockaddr_in6 or what is shorter */
	__u8 daddr[28];
	__u32 srtt; /* microseconds */
};

struct trace_event_raw_mark_victim {
	int pid;
};

struct trace_event_raw_block_rq {
	__u32 dev;
	__u64 sector;
};

/* 5.16 (3a9a0ba26e85 makes a class of it) renamed the record of block_rq_complete. */
struct trace_event_raw_block_rq_completion {
	__u32 dev;
	__u64 sector;
};

struct trace_event_raw_block_rq_complete {
	__u32 dev;
	__u64 sector;
};

/* --- what tells kernels apart ---------------------------------------------- */

/* 5.8 (457f44363a88): a kernel that has this type has ring buffers. */
struct bpf_ringbuf {
};

/* 5.1 (d83525ca62cf). */
struct bpf_spin_lock {
};

#pragma clang attribute pop

#endif
