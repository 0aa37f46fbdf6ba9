// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Processes killed for want of memory, and the one that wanted it. */
#include "gadget.bpf.h"

struct oomkill_options {
	struct gadget_filter filter;
};

struct oomkill_event {
	struct gadget_process process;
	__u32 tpid DOC("process that is killed");
	char tcomm[GADGET_COMM_SIZE] DOC("its command name");
	__u64 pages DOC("pages there were in all, 0 when not known");
};

GADGET("Trace kills for want of memory", struct oomkill_options, struct oomkill_event);

SEC("kprobe/oom_kill_process")
int kills(void *ctx)
{
	const struct oomkill_options *options = gadget_options();
	struct oomkill_event *event = gadget_event();
	struct oom_control *control = (struct oom_control *)function_argument_0(ctx);
	struct task_struct *victim;

	if (!options || !event || !gadget_wants(&options->filter))
		return 0;
	victim = kernel_get(control, chosen);
	gadget_fill_process(&event->process);
	event->tpid = kernel_get(victim, tgid);
	bpf_probe_read_kernel(event->tcomm, sizeof(event->tcomm), victim->comm);
	event->pages = kernel_get(control, totalpages);
	gadget_submit(ctx, event, sizeof(*event));
	return 0;
}

/* Where the compiler left no such function; this says less. */
SEC("tracepoint/oom/mark_victim")
int INSTEAD_OF(kills) marks(struct trace_event_raw_mark_victim *ctx)
{
	const struct oomkill_options *options = gadget_options();
	struct oomkill_event *event = gadget_event();

	if (!options || !event || !gadget_wants(&options->filter))
		return 0;
	gadget_fill_process(&event->process);
	event->tpid = kernel_get(ctx, pid);
	__builtin_memset(event->tcomm, 0, sizeof(event->tcomm));
	event->pages = 0;
	gadget_submit(ctx, event, sizeof(*event));
	return 0;
}
