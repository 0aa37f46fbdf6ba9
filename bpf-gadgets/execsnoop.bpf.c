// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * New processes: sched_process_exec tells every success, and the arguments lie
 * in one piece at the top of the new stack. The exit of execve(2) serves failures
 * only: on arm64 it does not fire for successes before 5.19 (de6921856f99).
 */
#include "gadget.bpf.h"

#define ARGS_SIZE   4096 /* a power of two */
#define ARGS_FAILED 16   /* arguments shown of a failed exec */
#define ARG_SIZE    128  /* bytes of each of those; a power of two */

struct execsnoop_options {
	struct gadget_filter filter;
	bool fails DOC("show execs that failed, too") SHORT("x");
	bool quote DOC("put arguments in quotes") SHORT("q");
	__u8 reserved[2] HIDDEN;
	__u32 max_args DOC("show at most this many arguments") DEFAULT("20");
};

struct execsnoop_event {
	struct gadget_process process;
	__u32 ppid DOC("parent's process id");
	__s32 ret DOC("0, or why exec failed") FORMAT("error");
	GADGET_ARGS(ARGS_SIZE) args DOC("arguments, from argv[0] on") FORMAT("args");
};

GADGET("Trace new processes with their arguments", struct execsnoop_options,
       struct execsnoop_event);

/* An execve(2) under way, by thread: what a failure will have to show. */
struct pending {
	__u64 argv;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, struct pending);
} pending SEC(".maps");

static __always_inline void fill(struct execsnoop_event *event, __s32 ret)
{
	gadget_fill_process(&event->process);
	event->ppid = task_parent(current_task());
	event->ret = ret;
}

static __always_inline void submit(void *ctx, struct execsnoop_event *event, __u32 args_size)
{
	event->args.size = args_size;
	gadget_submit(ctx, event,
		      __builtin_offsetof(struct execsnoop_event, args.data) + args_size);
}

SEC("tracepoint/sched/sched_process_exec")
int exec_succeeded(struct trace_event_raw_sched_process_exec *ctx)
{
	const struct execsnoop_options *options = gadget_options();
	struct execsnoop_event *event = gadget_event();
	struct mm_struct *mm;
	__u64 start, size;
	__u32 old_tid = kernel_get(ctx, old_pid);

	if (!options || !event)
		return 0;
	if (options->fails)
		bpf_map_delete_elem(&pending, &old_tid);
	if (!gadget_wants(&options->filter))
		return 0;
	fill(event, 0);
	mm = kernel_get(current_task(), mm);
	start = kernel_get(mm, arg_start);
	size = kernel_get(mm, arg_end) - start;
	if (size == 0) {
		submit(ctx, event, 0);
		return 0;
	}
	if (size > ARGS_SIZE)
		size = ARGS_SIZE;
	/* A form that verifiers before 4.15, which want a size above 0, can follow. */
	size = ((size - 1) & (ARGS_SIZE - 1)) + 1;
	if (bpf_probe_read_user(event->args.data, size, (void *)start) < 0)
		event->args.data[0] = '\0';
	submit(ctx, event, size);
	return 0;
}

static __always_inline int remember(const struct execsnoop_options *options, __u64 argv)
{
	struct pending entry = { .argv = argv };
	__u32 tid = bpf_get_current_pid_tgid();

	if (options && options->fails && gadget_wants(&options->filter))
		bpf_map_update_elem(&pending, &tid, &entry, BPF_ANY);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_execve")
int execve_enters(struct trace_event_raw_sys_enter *ctx)
{
	return remember(gadget_options(), kernel_get(ctx, args[1]));
}

SEC("tracepoint/syscalls/sys_enter_execveat")
int execveat_enters(struct trace_event_raw_sys_enter *ctx)
{
	return remember(gadget_options(), kernel_get(ctx, args[2]));
}

static __always_inline int failed(struct trace_event_raw_sys_exit *ctx)
{
	const struct execsnoop_options *options = gadget_options();
	struct execsnoop_event *event = gadget_event();
	__s32 ret = kernel_get_signed(ctx, ret);
	__u32 tid = bpf_get_current_pid_tgid(), size = 0;
	struct pending *entry = bpf_map_lookup_elem(&pending, &tid);
	__u64 argv;

	if (!options || !event || !entry)
		return 0;
	argv = entry->argv;
	bpf_map_delete_elem(&pending, &tid);
	if (ret >= 0)
		return 0;
	fill(event, ret);
#pragma unroll
	for (__u32 i = 0; i < ARGS_FAILED; i++) {
		__u64 argument = user_pointer_at(argv + i * kernel_pointer_size());
		long length;

		if (!argument || size > ARGS_SIZE - ARG_SIZE)
			break;
		length = bpf_probe_read_user_str(event->args.data + size, ARG_SIZE,
						 (void *)argument);
		if (length < 0)
			break;
		size += length & (2 * ARG_SIZE - 1);
	}
	if (size > ARGS_SIZE)
		return 0;
	submit(ctx, event, size);
	return 0;
}

SEC("tracepoint/syscalls/sys_exit_execve")
int execve_exits(struct trace_event_raw_sys_exit *ctx)
{
	return failed(ctx);
}

SEC("tracepoint/syscalls/sys_exit_execveat")
int execveat_exits(struct trace_event_raw_sys_exit *ctx)
{
	return failed(ctx);
}
