// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* An object as others write them: a ring buffer, a constant of .rodata, a struct called
 * event, no tag. Run in guests, to see that any object will do. */
#include "kernel-types.bpf.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#define BPF_MAP_TYPE_RINGBUF 27

char LICENSE[] SEC("license") = "GPL";

const volatile unsigned int answer = 0;
const volatile bool with_parent = false;

struct event {
	unsigned int pid;
	unsigned int ppid;
	unsigned int answer;
	char comm[16];
};

const struct event *unused __attribute__((unused));

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} rb SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, unsigned int);
	__type(value, struct event);
} last SEC(".maps");

SEC("tp/sched/sched_process_exec")
int exec(void *ctx)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct event event = { .answer = answer };
	unsigned int zero = 0;

	event.pid = bpf_get_current_pid_tgid() >> 32;
	if (with_parent)
		event.ppid = BPF_CORE_READ(task, real_parent, tgid);
	bpf_get_current_comm(event.comm, sizeof(event.comm));
	bpf_map_update_elem(&last, &zero, &event, BPF_ANY);
	bpf_ringbuf_output(&rb, &event, sizeof(event), 0);
	return 0;
}

/* No kernel has it: the rest runs all the same. */
SEC("kprobe/a_function_of_no_kernel")
int nowhere(void *ctx)
{
	return 0;
}
