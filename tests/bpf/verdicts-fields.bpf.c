// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Members that a kernel may not have, in and out of a program's reach. */
#include "verdicts.h"

const volatile int zero = 0; /* as nobody else sets it here */
const volatile int five = 5;
int written;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, unsigned int);
	__type(value, long);
} array SEC(".maps");

#define TASK(flavour) ((struct task_struct___##flavour *)bpf_get_current_task())

SEC("tp/sched/sched_switch")
int field_always(void *ctx)
{
	return BPF_CORE_READ(TASK(always), pid);
}

SEC("tp/sched/sched_switch")
int field_never(void *ctx)
{
	return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
}

SEC("tp/sched/sched_switch")
int field_old(void *ctx)
{
	return BPF_CORE_READ(TASK(until_5_14), state);
}

SEC("tp/sched/sched_switch")
int field_new(void *ctx)
{
	return BPF_CORE_READ(TASK(since_5_14), __state);
}

SEC("tp/sched/sched_switch")
int field_either(void *ctx)
{
	if (bpf_core_field_exists(TASK(since_5_14)->__state))
		return BPF_CORE_READ(TASK(since_5_14), __state);
	return BPF_CORE_READ(TASK(until_5_14), state);
}

SEC("tp/sched/sched_switch")
int field_wrong_way(void *ctx)
{
	if (!bpf_core_field_exists(TASK(never)->a_member_of_no_kernel))
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

SEC("tp/sched/sched_switch")
int field_by_size(void *ctx)
{
	if (bpf_core_field_exists(TASK(since_5_14)->__state) &&
	    bpf_core_field_size(TASK(since_5_14)->__state) == 8)
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

SEC("tp/sched/sched_switch")
int type_guard(void *ctx)
{
	if (bpf_core_type_exists(struct a_type_of_no_kernel))
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

enum bpf_func_id___since_6_2 {
	BPF_FUNC_cgrp_storage_get___since_6_2 = 210,
};

SEC("tp/sched/sched_switch")
int enum_guard(void *ctx)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id___since_6_2,
				       BPF_FUNC_cgrp_storage_get___since_6_2))
		return 0;
	return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
}

/* Whether there is, asked here, used there. */
static NOINLINE int read_if(int exists)
{
	if (exists)
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 1;
}

SEC("tp/sched/sched_switch")
int called_guarded(void *ctx)
{
	return read_if(bpf_core_field_exists(TASK(never)->a_member_of_no_kernel));
}

SEC("tp/sched/sched_switch")
int called_unguarded(void *ctx)
{
	return read_if(1);
}

static NOINLINE int has_member(void)
{
	return bpf_core_field_exists(TASK(never)->a_member_of_no_kernel);
}

SEC("tp/sched/sched_switch")
int returned_guard(void *ctx)
{
	if (has_member())
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

/* A global function is verified by itself, whatever callers ask. */
NOINLINE int global_reader(int exists)
{
	if (exists)
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 1;
}

SEC("tp/sched/sched_switch")
int global_guarded(void *ctx)
{
	return global_reader(bpf_core_field_exists(TASK(never)->a_member_of_no_kernel));
}

SEC("tp/sched/sched_switch")
int on_the_stack(void *ctx)
{
	volatile int exists = bpf_core_field_exists(TASK(never)->a_member_of_no_kernel);

	if (exists)
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

/* Constants of .rodata are known to the verifier once libbpf froze the map. */
SEC("tp/sched/sched_switch")
int rodata_off(void *ctx)
{
	if (zero)
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

SEC("tp/sched/sched_switch")
int rodata_on(void *ctx)
{
	if (five == 5)
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

/* Those of .bss are not. */
SEC("tp/sched/sched_switch")
int bss_off(void *ctx)
{
	if (written)
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

SEC("tp/sched/sched_switch")
int map_value(void *ctx)
{
	unsigned int key = 1;
	long *value = bpf_map_lookup_elem(&array, &key);

	if (value && *value == 7)
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

/* Ranges: the verifier knows that what was masked is small. */
SEC("tp/sched/sched_switch")
int range_guard(void *ctx)
{
	unsigned int low = bpf_get_smp_processor_id() & 15;

	asm volatile("" : "+r"(low));
	if (low < 16)
		return 0;
	return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
}

SEC("tp/sched/sched_switch")
int in_a_loop(void *ctx)
{
	int exists = bpf_core_field_exists(TASK(never)->a_member_of_no_kernel), sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 20; i++) {
		if (exists)
			sum += BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
		sum += BPF_CORE_READ(TASK(always), tgid);
	}
	return sum;
}

SEC("tp/sched/sched_switch")
int after_the_loop(void *ctx)
{
	int sum = 0;

#pragma clang loop unroll(disable)
	for (int i = 0; i < 20; i++)
		sum += BPF_CORE_READ(TASK(always), tgid);
	return sum + BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
}

static long each_element(void *map, const void *key, void *value, void *ctx)
{
	return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
}

static long each_element_guarded(void *map, const void *key, void *value, void *ctx)
{
	if (bpf_core_field_exists(TASK(never)->a_member_of_no_kernel))
		return BPF_CORE_READ(TASK(never), a_member_of_no_kernel);
	return 0;
}

/* bpf_for_each_map_elem() is of 5.13. */
SEC("tp/sched/sched_switch")
int callback(void *ctx)
{
	return bpf_for_each_map_elem(&array, each_element, NULL, 0);
}

SEC("tp/sched/sched_switch")
int callback_guarded(void *ctx)
{
	return bpf_for_each_map_elem(&array, each_element_guarded, NULL, 0);
}
