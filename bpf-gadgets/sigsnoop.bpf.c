// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Signals at the moment the kernel makes them, whoever wants them: system calls,
 * faults, timers. A signal of the kernel is told in the name of the task that ran. */
#include "gadget.bpf.h"

#define SI_USER 0

struct sigsnoop_options {
	struct gadget_filter filter;
	__u32 signal DOC("only this signal, by name or number") SHORT("s") FORMAT("signal");
	bool failed DOC("only signals that were not delivered") SHORT("x");
	bool kill DOC("only those of kill(2)") SHORT("k");
	__u8 reserved[2] HIDDEN;
};

/* From the kernel's trace/events/signal.h. */
enum signal_result {
	delivered = 0,
	ignored = 1,
	already_pending = 2,
	overflow_fail = 3,
	lose_info = 4,
};

struct sigsnoop_event {
	struct gadget_process process;
	__u32 signal DOC("the signal") FORMAT("signal") WIDTH("9");
	__u32 tpid DOC("thread it was for");
	char tcomm[GADGET_COMM_SIZE] DOC("that thread's command name");
	__s32 code DOC("si_code: 0 from kill(2), above 0 from the kernel");
	enum signal_result result DOC("what became of it");
};

GADGET("Trace signals", struct sigsnoop_options, struct sigsnoop_event);

SEC("tracepoint/signal/signal_generate")
int generates(struct trace_event_raw_signal_generate *ctx)
{
	const struct sigsnoop_options *options = gadget_options();
	struct sigsnoop_event *event = gadget_event();
	__u32 signal = kernel_get(ctx, sig), result = kernel_get(ctx, result);
	__s32 code = kernel_get(ctx, code);

	if (!options || !event || !gadget_wants(&options->filter) ||
	    (options->signal && options->signal != signal) || (options->failed && !result) ||
	    (options->kill && code != SI_USER))
		return 0;
	gadget_fill_process(&event->process);
	event->signal = signal;
	event->tpid = kernel_get(ctx, pid);
	event->code = code;
	event->result = result;
	bpf_probe_read_kernel(event->tcomm, sizeof(event->tcomm), ctx->comm);
	gadget_submit(ctx, event, sizeof(*event));
	return 0;
}
