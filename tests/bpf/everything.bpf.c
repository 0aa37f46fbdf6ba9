// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* For tests of reading an object's BTF; it is never loaded. */
#include "gadget.bpf.h"
#include "everything.h"

struct everything_options {
	struct gadget_filter filter;
	bool loud DOC("shout") SHORT("l");
	__u8 reserved HIDDEN;
	__u16 ports[4] DOC("only these ports") SHORT("P");
	__s32 offset DOC("may be negative") DEFAULT("-7");
	enum colour colour DOC("which") DEFAULT("green");
	__u64 min DOC("shortest") FORMAT("ms") DEFAULT("1.5");
	char word[8] DOC("a word") NAME("say");
	struct point where DOC("cannot be set") FORMAT("hex");
	__u32 signal DOC("by name") FORMAT("signal");
	__u32 disk DOC("by name") FORMAT("dev");
};

GADGET("A bit of everything", struct everything_options, struct everything_event);

const volatile int constant_one = 1;
const volatile bool constant_two GADGET_TAG("doc:the other constant") = false;

struct size_key {
	__u32 device FORMAT("dev");
	__u32 padding HIDDEN;
};

struct size_value {
	__u32 slots[10];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, struct size_key);
	__type(value, struct size_value);
} histogram SEC(".maps") GADGET_TAG("unit:bytes");

SEC("tracepoint/sched/sched_switch")
int OPTIONAL switches(void *ctx)
{
	struct everything_event *event = gadget_event();
	const struct everything_options *options = gadget_options();

	if (event && options && constant_two)
		gadget_submit(ctx, event, sizeof(*event));
	return constant_one;
}

SEC("kprobe/finish_task_switch")
int INSTEAD_OF(switches) substitute(void *ctx)
{
	return 0;
}
