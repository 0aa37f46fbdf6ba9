// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A map of a type that came with 5.16: before, libbpf cannot load anything of this. */
#include "verdicts.h"

#define BPF_MAP_TYPE_BLOOM_FILTER 30

struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 16);
	__type(value, unsigned int);
} bloom SEC(".maps");

SEC("tp/sched/sched_switch")
int map_bloom_filter(void *ctx)
{
	unsigned int value = 1;

	return (int)bpf_map_peek_elem(&bloom, &value);
}

SEC("tp/sched/sched_switch")
int map_not_used(void *ctx)
{
	return 0;
}
