// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* mount(2) and umount(2), with what came of them. */
#include "gadget.bpf.h"

#define PATH_SIZE 256

struct mountsnoop_options {
	struct gadget_filter filter;
	bool detailed DOC("print type, flags and data, too") SHORT("d");
	__u8 reserved[7] HIDDEN;
};

enum mount_operation { mount, umount };

struct mountsnoop_event {
	struct gadget_process process;
	__u64 took DOC("milliseconds it took") FORMAT("ms") WITH("detailed");
	enum mount_operation op DOC("mount or umount");
	__s32 error DOC("0, or why it failed") FORMAT("error");
	__u32 flags DOC("flags of the call") FORMAT("mount-flags") WITH("detailed");
	char type[32] DOC("file system type") WITH("detailed");
	char data[PATH_SIZE] DOC("options of the file system") WITH("detailed");
	char source[PATH_SIZE] DOC("what is mounted") WIDTH("20");
	char target[PATH_SIZE] DOC("where");
};

GADGET("Trace mounts and unmounts", struct mountsnoop_options, struct mountsnoop_event);

/* A call under way, by thread: its arguments, in the caller's memory. */
struct pending {
	__u64 start;
	__u64 source, target, type, data;
	__u32 flags;
	enum mount_operation op;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct pending);
} pending SEC(".maps");

static __always_inline int enters(struct pending *entry)
{
	const struct mountsnoop_options *options = gadget_options();
	__u32 tid = bpf_get_current_pid_tgid();

	if (!options || !gadget_wants(&options->filter))
		return 0;
	entry->start = bpf_ktime_get_ns();
	bpf_map_update_elem(&pending, &tid, entry, BPF_ANY);
	return 0;
}

static __always_inline void read_text(char *text, __u32 size, __u64 address)
{
	text[0] = '\0';
	if (address && bpf_probe_read_user_str(text, size, (void *)address) < 0)
		text[0] = '\0';
}

static __always_inline int exits(struct trace_event_raw_sys_exit *ctx)
{
	struct mountsnoop_event *event = gadget_event();
	__u32 tid = bpf_get_current_pid_tgid();
	struct pending *entry = bpf_map_lookup_elem(&pending, &tid);

	if (!event || !entry)
		return 0;
	gadget_fill_process(&event->process);
	event->took = event->process.time - entry->start;
	event->op = entry->op;
	event->error = kernel_get_signed(ctx, ret);
	event->flags = entry->flags;
	read_text(event->type, sizeof(event->type), entry->type);
	read_text(event->data, sizeof(event->data), entry->data);
	read_text(event->source, sizeof(event->source), entry->source);
	read_text(event->target, sizeof(event->target), entry->target);
	bpf_map_delete_elem(&pending, &tid);
	gadget_submit(ctx, event, sizeof(*event));
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_mount")
int mount_enters(struct trace_event_raw_sys_enter *ctx)
{
	struct pending entry = {
		.source = kernel_get(ctx, args[0]),
		.target = kernel_get(ctx, args[1]),
		.type = kernel_get(ctx, args[2]),
		.flags = kernel_get(ctx, args[3]),
		.data = kernel_get(ctx, args[4]),
		.op = mount,
	};

	return enters(&entry);
}

SEC("tracepoint/syscalls/sys_exit_mount")
int mount_exits(struct trace_event_raw_sys_exit *ctx)
{
	return exits(ctx);
}

SEC("tracepoint/syscalls/sys_enter_umount")
int umount_enters(struct trace_event_raw_sys_enter *ctx)
{
	struct pending entry = {
		.target = kernel_get(ctx, args[0]),
		.flags = kernel_get(ctx, args[1]),
		.op = umount,
	};

	return enters(&entry);
}

SEC("tracepoint/syscalls/sys_exit_umount")
int umount_exits(struct trace_event_raw_sys_exit *ctx)
{
	return exits(ctx);
}
