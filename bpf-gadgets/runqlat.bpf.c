// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * How long tasks that could run waited for a CPU. When a task gets the CPU its wait
 * ends, but only its thread id is known then; it is counted when the task leaves the
 * CPU again, when everything about it is at hand, for every filter.
 */
#include "gadget.bpf.h"

struct runqlat_options {
	struct gadget_filter filter;
	bool pids DOC("a histogram for each process") SHORT("P");
	bool tids DOC("a histogram for each thread") SHORT("L");
	bool milliseconds DOC("count milliseconds, not microseconds") SHORT("m") UNIT("msecs");
	__u8 reserved[5] HIDDEN;
};

struct runqlat_key {
	__u32 pid DOC("process id") WITH("pids");
	__u32 tid DOC("thread id") WITH("tids");
	char comm[GADGET_COMM_SIZE] DOC("command name") WITH("pids");
};

GADGET_HISTOGRAM("Waiting times of runnable tasks as histograms", struct runqlat_options,
		 struct runqlat_key, "usecs");

/* By thread id: since when it waits, and how long it has waited before it ran. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, __u32);
	__type(value, __u64);
} waiting SEC(".maps"), waited SEC(".maps");

static __always_inline int waits(__u32 tid)
{
	__u64 now = bpf_ktime_get_ns();

	if (tid)
		bpf_map_update_elem(&waiting, &tid, &now, BPF_ANY);
	return 0;
}

SEC("tracepoint/sched/sched_wakeup")
int wakes(struct trace_event_raw_sched_wakeup_template *ctx)
{
	return waits(kernel_get(ctx, pid));
}

SEC("tracepoint/sched/sched_wakeup_new")
int wakes_new(struct trace_event_raw_sched_wakeup_template *ctx)
{
	return waits(kernel_get(ctx, pid));
}

/* Count the wait of the current task, which is about to leave. */
static __always_inline void count_current(const struct runqlat_options *options)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tid = id;
	__u64 *wait = bpf_map_lookup_elem(&waited, &tid);
	struct runqlat_key key = {};
	__u64 microseconds;

	if (!wait)
		return;
	microseconds = *wait / 1000;
	bpf_map_delete_elem(&waited, &tid);
	if (!gadget_wants(&options->filter))
		return;
	if (options->pids || options->tids) {
		key.pid = id >> 32;
		bpf_get_current_comm(key.comm, sizeof(key.comm));
	}
	if (options->tids)
		key.tid = tid;
	gadget_count(&key, options->milliseconds ? microseconds / 1000 : microseconds);
}

SEC("tracepoint/sched/sched_switch")
int switches(struct trace_event_raw_sched_switch *ctx)
{
	const struct runqlat_options *options = gadget_options();
	__u32 next = kernel_get(ctx, next_pid);
	__u64 *since, wait;

	if (!options)
		return 0;
	count_current(options);
	/* Still runnable: the low bits are its state, above them the sign of preemption,
	 * whose place differs between releases. */
	if (!(kernel_get(ctx, prev_state) & 0xff))
		waits(kernel_get(ctx, prev_pid));
	since = bpf_map_lookup_elem(&waiting, &next);
	if (!next || !since)
		return 0;
	wait = bpf_ktime_get_ns() - *since;
	bpf_map_delete_elem(&waiting, &next);
	bpf_map_update_elem(&waited, &next, &wait, BPF_ANY);
	return 0;
}
