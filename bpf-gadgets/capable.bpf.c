// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Capabilities that the kernel asks for, and its answers. */
#include "gadget.bpf.h"

struct capable_options {
	struct gadget_filter filter;
	bool extra DOC("checks that leave no audit record, too") SHORT("v");
	bool denied DOC("only those that were denied") SHORT("x");
	__u8 reserved[6] HIDDEN;
};

struct capable_event {
	struct gadget_process process;
	__u32 cap DOC("capability asked for") FORMAT("capability");
	__s32 error DOC("0 when granted, EPERM when not") FORMAT("error");
	bool audit DOC("does a denial leave an audit record") WIDTH("5");
	__u8 reserved[3] HIDDEN;
};

GADGET("Trace capability checks", struct capable_options, struct capable_event);

/* A check under way, by thread. */
struct pending {
	__u32 cap;
	bool audit;
	__u8 reserved[3];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct pending);
} pending SEC(".maps");

/* cap_capable()'s last argument: since 5.1 (c1a85a00ea66) bits, of which the second
 * says "no audit record"; before, 1 for a record. */
static __always_inline bool is_audited(void *ctx)
{
	__u32 value = function_argument_3(ctx);

	return bpf_core_type_exists(struct bpf_spin_lock) ? !(value & 2) : value & 1;
}

SEC("kprobe/cap_capable")
int enters(void *ctx)
{
	const struct capable_options *options = gadget_options();
	struct pending entry = { .cap = function_argument_2(ctx), .audit = is_audited(ctx) };
	__u32 tid = bpf_get_current_pid_tgid();

	if (options && gadget_wants(&options->filter) && (entry.audit || options->extra))
		bpf_map_update_elem(&pending, &tid, &entry, BPF_ANY);
	return 0;
}

SEC("kretprobe/cap_capable")
int exits(void *ctx)
{
	const struct capable_options *options = gadget_options();
	struct capable_event *event = gadget_event();
	__u32 tid = bpf_get_current_pid_tgid();
	struct pending *entry = bpf_map_lookup_elem(&pending, &tid);
	__s32 error = function_result(ctx);

	if (!entry)
		return 0;
	if (options && event && (error || !options->denied)) {
		gadget_fill_process(&event->process);
		event->cap = entry->cap;
		event->error = error;
		event->audit = entry->audit;
		gadget_submit(ctx, event, sizeof(*event));
	}
	bpf_map_delete_elem(&pending, &tid);
	return 0;
}
