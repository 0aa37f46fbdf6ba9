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

/*
 * What cap_capable()'s last argument is. Since 5.1 (c1a85a00ea66) bits, of which the
 * second says "no audit record" and the third is none of ours; before, 1 for a record.
 * Distributions have taken that commit into older kernels (Ubuntu into its 4.15), and
 * it left no sign in any type or, without CONFIG_SECURITY, in any function's name. But
 * 1 is only ever said by the old, 2 and 4 by the new, and both are heard all the time
 * (2 with every fork and mmap): what was heard once is kept here.
 */
enum audit_argument { NOT_HEARD, OLD_FLAG, NEW_BITS };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} heard SEC(".maps");

/* Until something was heard, by the release that has the commit: 5.1 was also the first
 * with struct bpf_spin_lock. */
static __always_inline bool zero_is_audited(__u32 heard_before)
{
	if (heard_before == NOT_HEARD)
		return bpf_core_type_exists(struct bpf_spin_lock);
	return heard_before == NEW_BITS;
}

static __always_inline bool is_audited(void *ctx)
{
	__u32 value = function_argument_3(ctx), zero = 0;
	__u32 *before = bpf_map_lookup_elem(&heard, &zero), now = value & 1 ? OLD_FLAG : NEW_BITS;

	if (!before)
		return false;
	if (!value)
		return zero_is_audited(*before);
	if (*before != now) /* CPUs shall not fight for its cache line */
		*before = now;
	return !(value & 2);
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
