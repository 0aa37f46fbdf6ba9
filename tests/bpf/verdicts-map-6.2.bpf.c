// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The same with one of 6.2. */
#include "verdicts.h"

#define BPF_MAP_TYPE_CGRP_STORAGE 32

struct {
	__uint(type, BPF_MAP_TYPE_CGRP_STORAGE);
	__uint(map_flags, 1 /* BPF_F_NO_PREALLOC */);
	__type(key, int);
	__type(value, long);
} storage SEC(".maps");

SEC("tp/sched/sched_switch")
int map_cgroup_storage(void *ctx)
{
	return 0;
}
