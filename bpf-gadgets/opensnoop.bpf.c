// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Opened files, with what came of it. arm64 has no open(2), kernels before 5.6 no
 * openat2(2): those programs are optional.
 */
#include "gadget.bpf.h"

#define PATH_SIZE 256

struct opensnoop_options {
	struct gadget_filter filter;
	__u32 tid DOC("only this thread") SHORT("t");
	bool failed DOC("only opens that failed") SHORT("x");
	bool extended_fields DOC("print flags and mode") SHORT("e");
	__u8 reserved[2] HIDDEN;
};

struct opensnoop_event {
	struct gadget_process process;
	__s32 fd DOC("the new descriptor, -1 when it failed");
	__s32 error DOC("0, or why it failed") FORMAT("error");
	__u32 flags DOC("flags of open(2)") FORMAT("open-flags") WITH("extended-fields");
	__u32 mode DOC("mode of a file to be created") FORMAT("octal") WITH("extended-fields");
	char path[PATH_SIZE] DOC("the path as it was asked for");
};

GADGET("Trace opened files", struct opensnoop_options, struct opensnoop_event);

/* An open under way, by thread. */
struct pending {
	__u64 path;
	__u32 flags;
	__u32 mode;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct pending);
} pending SEC(".maps");

static __always_inline int enters(__u64 path, __u32 flags, __u32 mode)
{
	const struct opensnoop_options *options = gadget_options();
	struct pending entry = { .path = path, .flags = flags, .mode = mode };
	__u32 tid = bpf_get_current_pid_tgid();

	if (!options || !gadget_wants(&options->filter) || (options->tid && options->tid != tid))
		return 0;
	bpf_map_update_elem(&pending, &tid, &entry, BPF_ANY);
	return 0;
}

static __always_inline int exits(struct trace_event_raw_sys_exit *ctx)
{
	const struct opensnoop_options *options = gadget_options();
	struct opensnoop_event *event = gadget_event();
	__s32 ret = kernel_get_signed(ctx, ret);
	__u32 tid = bpf_get_current_pid_tgid();
	struct pending *entry = bpf_map_lookup_elem(&pending, &tid);

	if (!entry)
		return 0;
	if (options && event && (ret < 0 || !options->failed)) {
		gadget_fill_process(&event->process);
		event->fd = ret < 0 ? -1 : ret;
		event->error = ret < 0 ? ret : 0;
		event->flags = entry->flags;
		event->mode = entry->mode;
		bpf_probe_read_user_str(event->path, PATH_SIZE, (void *)entry->path);
		gadget_submit(ctx, event, sizeof(*event));
	}
	bpf_map_delete_elem(&pending, &tid);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_open")
int OPTIONAL open_enters(struct trace_event_raw_sys_enter *ctx)
{
	return enters(kernel_get(ctx, args[0]), kernel_get(ctx, args[1]), kernel_get(ctx, args[2]));
}

SEC("tracepoint/syscalls/sys_exit_open")
int OPTIONAL open_exits(struct trace_event_raw_sys_exit *ctx)
{
	return exits(ctx);
}

SEC("tracepoint/syscalls/sys_enter_openat")
int openat_enters(struct trace_event_raw_sys_enter *ctx)
{
	return enters(kernel_get(ctx, args[1]), kernel_get(ctx, args[2]), kernel_get(ctx, args[3]));
}

SEC("tracepoint/syscalls/sys_exit_openat")
int openat_exits(struct trace_event_raw_sys_exit *ctx)
{
	return exits(ctx);
}

/* The third argument points to this, of the system call interface. */
struct open_how {
	__u64 flags;
	__u64 mode;
};

SEC("tracepoint/syscalls/sys_enter_openat2")
int OPTIONAL openat2_enters(struct trace_event_raw_sys_enter *ctx)
{
	struct open_how how = {};

	bpf_probe_read_user(&how, sizeof(how), (void *)kernel_get(ctx, args[2]));
	return enters(kernel_get(ctx, args[1]), how.flags, how.mode);
}

SEC("tracepoint/syscalls/sys_exit_openat2")
int OPTIONAL openat2_exits(struct trace_event_raw_sys_exit *ctx)
{
	return exits(ctx);
}
