// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Helpers by the release that brought them. */
#include "verdicts.h"

const volatile int zero = 0;

enum bpf_func_id___newer {
	BPF_FUNC_ktime_get_tai_ns___newer = 208,
};

SEC("tp/sched/sched_switch")
int helper_4_20(void *ctx)
{
	return (int)bpf_get_current_cgroup_id();
}

SEC("tp/sched/sched_switch")
int helper_5_8(void *ctx)
{
	return (int)bpf_ktime_get_boot_ns();
}

SEC("tp/sched/sched_switch")
int helper_5_11(void *ctx)
{
	return bpf_get_current_task_btf() != NULL;
}

static long once(unsigned int index, void *ctx)
{
	return 1;
}

SEC("tp/sched/sched_switch")
int helper_5_17(void *ctx)
{
	return (int)bpf_loop(1, once, NULL, 0);
}

SEC("tp/sched/sched_switch")
int helper_6_1(void *ctx)
{
	return (int)bpf_ktime_get_tai_ns();
}

SEC("tp/sched/sched_switch")
int helper_6_1_asked(void *ctx)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___newer, BPF_FUNC_ktime_get_tai_ns___newer))
		return (int)bpf_ktime_get_tai_ns();
	return (int)bpf_ktime_get_ns();
}

SEC("tp/sched/sched_switch")
int helper_6_1_switched_off(void *ctx)
{
	return zero ? (int)bpf_ktime_get_tai_ns() : 0;
}

/* libbpf replaces these on kernels before 5.5; elsewhere they are there. */
SEC("tp/sched/sched_switch")
int helper_5_5(void *ctx)
{
	char buffer[8];

	return (int)bpf_probe_read_kernel_str(buffer, sizeof(buffer), ctx);
}

SEC("tp/sched/sched_switch")
int helper_of_no_kernel(void *ctx)
{
	return (int)((long (*)(void))999)();
}
