/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Counts execs per parent. The one kernel type it knows, it knows by name. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

struct task_struct {
	int tgid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, int);
	__type(value, long);
} counts SEC(".maps");

SEC("tracepoint/sched/sched_process_exec")
int count(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	int parent = BPF_CORE_READ(task, real_parent, tgid);
	long one = 1, *sum = bpf_map_lookup_elem(&counts, &parent);

	if (sum)
		__sync_fetch_and_add(sum, 1);
	else
		bpf_map_update_elem(&counts, &parent, &one, BPF_ANY);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
