// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Arguments of what a program attaches to: the verifier counts them. */
#include "verdicts.h"

typedef unsigned long long u64;

/* Read and thrown away: some of these programs may only return 0. */
#define READ(place)                                                                                \
	do {                                                                                       \
		u64 value_ = *(volatile u64 *)&(place);                                            \
		asm volatile("" : : "r"(value_));                                                  \
	} while (0)

/* Of (preempt, prev, next[, prev_state since 5.18]) */
SEC("tp_btf/sched_switch")
int arguments_three(u64 *ctx)
{
	READ(ctx[2]);
	return 0;
}

SEC("tp_btf/sched_switch")
int arguments_four(u64 *ctx)
{
	READ(ctx[3]);
	return 0;
}

SEC("tp_btf/sched_switch")
int arguments_nine(u64 *ctx)
{
	READ(ctx[8]);
	return 0;
}

/* A raw tracepoint is counted when the program is attached. */
SEC("raw_tp/sched_switch")
int arguments_raw(u64 *ctx)
{
	READ(ctx[8]);
	return 0;
}

/* vfs_fsync_range(file, start, end, datasync) */
SEC("fentry/vfs_fsync_range")
int arguments_fentry(u64 *ctx)
{
	READ(ctx[3]);
	return 0;
}

SEC("fentry/vfs_fsync_range")
int arguments_fentry_result(u64 *ctx)
{
	READ(ctx[4]);
	return 0;
}

SEC("fexit/vfs_fsync_range")
int arguments_fexit_result(u64 *ctx)
{
	READ(ctx[4]);
	return 0;
}

SEC("fexit/vfs_fsync_range")
int arguments_fexit_more(u64 *ctx)
{
	READ(ctx[5]);
	return 0;
}

/* Passed on, and after a question. */
static NOINLINE void read_ninth(u64 *ctx, int asked)
{
	if (asked)
		READ(ctx[8]);
}

SEC("tp_btf/sched_switch")
int arguments_asked(u64 *ctx)
{
	read_ninth(ctx, bpf_core_type_exists(struct a_type_of_no_kernel));
	return 0;
}

SEC("tp_btf/sched_switch")
int arguments_called(u64 *ctx)
{
	read_ninth(ctx, !bpf_core_type_exists(struct a_type_of_no_kernel));
	return 0;
}

/* What differs between releases asked the way that others do. */
extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));

SEC("tp_btf/sched_switch")
int arguments_by_version(u64 *ctx)
{
	if (LINUX_KERNEL_VERSION >= 0x051200 /* 5.18 */)
		READ(ctx[3]);
	else
		READ(ctx[2]);
	return 0;
}
