// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Processes that end, how, and how old they got. */
#include "gadget.bpf.h"

struct exitsnoop_options {
	struct gadget_filter filter;
	bool failed DOC("only those with an exit status or signal") SHORT("x");
	bool threads DOC("each thread that ends, not only processes") SHORT("T");
	__u8 reserved[6] HIDDEN;
};

struct exitsnoop_event {
	struct gadget_process process;
	__u64 age DOC("time from start to end, in milliseconds") FORMAT("ms");
	__u32 ppid DOC("parent's process id");
	__u32 status DOC("exit status");
	__u32 signal DOC("signal that ended it, 0 for none") FORMAT("signal");
	bool core_dump DOC("did it dump core") NAME("core");
	__u8 reserved[3] HIDDEN;
};

GADGET("Trace the end of processes", struct exitsnoop_options, struct exitsnoop_event);

SEC("tracepoint/sched/sched_process_exit")
int exits(void *ctx)
{
	const struct exitsnoop_options *options = gadget_options();
	struct exitsnoop_event *event = gadget_event();
	struct task_struct *task = current_task();
	__u64 id = bpf_get_current_pid_tgid();
	__u32 code = kernel_get(task, exit_code);

	if (!options || !event || !gadget_wants(&options->filter))
		return 0;
	if ((!options->threads && id >> 32 != (__u32)id) || (options->failed && !code))
		return 0;
	gadget_fill_process(&event->process);
	event->age = event->process.time - kernel_get(task, start_time);
	event->ppid = task_parent(task);
	event->status = code >> 8 & 0xff;
	event->signal = code & 0x7f;
	event->core_dump = code & 0x80;
	gadget_submit(ctx, event, sizeof(*event));
	return 0;
}
