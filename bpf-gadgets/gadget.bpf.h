/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What a gadget includes. A gadget is one file, <name>.bpf.c, that says
 *
 *	struct hello_options {
 *		struct gadget_filter filter;
 *		bool loud DOC("shout") SHORT("l");
 *	};
 *	struct hello_event {
 *		struct gadget_process process;
 *		__u32 answer DOC("the answer");
 *	};
 *	GADGET("Trace greetings", struct hello_options, struct hello_event);
 *
 *	SEC("tracepoint/...")
 *	int greets(void *ctx)
 *	{
 *		const struct hello_options *options = gadget_options();
 *		struct hello_event *event = gadget_event();
 *
 *		if (!options || !event || !gadget_wants(&options->filter))
 *			return 0;
 *		gadget_fill_process(&event->process);
 *		event->answer = 42;
 *		gadget_submit(ctx, event, sizeof(*event));
 *		return 0;
 *	}
 *
 * and nothing else anywhere: the runner reads options, columns, formats and
 * words from the object's BTF. Each member of the options struct is an option of
 * the command line, each member of the event struct a column; members that are
 * structs are flattened.
 *
 * For kernels from 4.14 on: no global data and no string literals (5.2), no
 * loops left after unrolling (5.3), functions always inlined (4.16), options in
 * an array map. Events go through a perf event array, or a ring buffer where the
 * kernel has them: the runner changes the type of the map "events" before it is
 * loaded, by the same sign as gadget_submit().
 */
#ifndef GADGET_BPF_H
#define GADGET_BPF_H

#include "compat.bpf.h"

/* --- tags: words in the object's BTF that the runner reads ------------------ */

#ifndef GADGET_WITHOUT_TAGS
#define GADGET_TAG(text) __attribute__((btf_decl_tag(text)))
#else
/* For other loaders than our runner, which wants them: cilium/ebpf reads none before
 * 0.9.2, and on 32-bit machines in no version. */
#define GADGET_TAG(text)
#endif

/* One line about an option or column: DOC("process id"). */
#define DOC(text) GADGET_TAG("doc:" text)

/* An option's letter: SHORT("p") makes -p. Before the runner's own of that letter. */
#define SHORT(letter) GADGET_TAG("short:" letter)

/* An option's value when not given, instead of 0: DEFAULT("20"). */
#define DEFAULT(value) GADGET_TAG("default:" value)

/* What the command line calls an option or the output a column, where the
 * member's name (with "-" for "_") is not it. */
#define NAME(name) GADGET_TAG("name:" name)

/* How a value is written or read: see FORMATS in gadget-runner/value-format.h. */
#define FORMAT(format) GADGET_TAG("format:" format)

/* A column shown in tables only when the named option is given. */
#define WITH(option) GADGET_TAG("with:" option)

/* A column's width in tables, in characters. */
#define WIDTH(width) GADGET_TAG("width:" width)

/* Not an option and not a column: padding, or what the gadget keeps for itself. */
#define HIDDEN GADGET_TAG("hidden:")

/* A program the gadget can do without, where the kernel has no such tracepoint or
 * function; and one that runs only where @program's is missing. */
#define OPTIONAL            GADGET_TAG("optional:")
#define INSTEAD_OF(program) GADGET_TAG("instead-of:" #program)

/* --- what every gadget has -------------------------------------------------- */

#define GADGET_COMM_SIZE 16
#define GADGET_ANY       0xffffffff

/* Filters that come for free: make it the first member of the options. */
struct gadget_filter {
	__u32 pid DOC("only this process") SHORT("p");
	__u32 uid DOC("only this user") SHORT("u") DEFAULT("4294967295") FORMAT("uid");
	char comm[GADGET_COMM_SIZE] DOC("only commands of this name") SHORT("n");
	__u64 cgroup DOC("only this control group, by path or id") SHORT("c") FORMAT("cgroup");
	__u32 mntns DOC("only this mount namespace (a container), by number or by a process in it")
		FORMAT("mntns");
	__u32 reserved HIDDEN;
};

/* The kernel's arguments of a new process and the like: strings one after another,
 * @size bytes of them. Tag the member FORMAT("args"). */
#define GADGET_ARGS(capacity)        \
	struct {                     \
		__u32 size;          \
		char data[capacity]; \
	}

/* Who did it; make it the first member of the event. */
struct gadget_process {
	__u64 time DOC("when it happened") FORMAT("time");
	__u64 cgroup DOC("control group id") WITH("cgroup");
	__u32 mntns DOC("mount namespace") WIDTH("10") WITH("mntns");
	__u32 uid DOC("user id") WITH("print-uid");
	__u32 pid DOC("process id");
	__u32 tid DOC("thread id") WITH("print-tid");
	char comm[GADGET_COMM_SIZE] DOC("command name");
};

/*
 * The maps of a gadget: "options", "event" (where one CPU builds an event too
 * large for the stack; a tracing program is not interrupted by another on its
 * CPU), "events", on the way to user space, and "lost", those that found a ring
 * buffer full (perf event arrays count by themselves).
 */
#define GADGET(description, options_type, event_type)         \
	GADGET_OPTIONS(description, options_type);            \
	struct {                                              \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);      \
		__uint(max_entries, 1);                       \
		__type(key, __u32);                           \
		__type(value, event_type);                    \
	} event SEC(".maps");                                 \
	static __always_inline event_type *gadget_event(void) \
	{                                                     \
		__u32 zero = 0;                               \
                                                              \
		return bpf_map_lookup_elem(&event, &zero);    \
	}                                                     \
	GADGET_EVENTS

#define GADGET_OPTIONS(description, options_type)                       \
	char gadget_license[] SEC("license") = "Dual BSD/GPL";          \
	struct {                                                        \
		__uint(type, BPF_MAP_TYPE_ARRAY);                       \
		__uint(max_entries, 1);                                 \
		__type(key, __u32);                                     \
		__type(value, options_type);                            \
	} options SEC(".maps") DOC(description);                        \
	static __always_inline const options_type *gadget_options(void) \
	{                                                               \
		__u32 zero = 0;                                         \
                                                                        \
		return bpf_map_lookup_elem(&options, &zero);            \
	}                                                               \
	struct gadget_eat_semicolon

#define GADGET_EVENTS                                                                       \
	struct {                                                                            \
		__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);                                \
		__uint(key_size, sizeof(__u32));                                            \
		__uint(value_size, sizeof(__u32));                                          \
	} events SEC(".maps");                                                              \
	struct {                                                                            \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                    \
		__uint(max_entries, 1);                                                     \
		__type(key, __u32);                                                         \
		__type(value, __u64);                                                       \
	} lost SEC(".maps");                                                                \
	static __always_inline void gadget_count_lost(void)                                 \
	{                                                                                   \
		__u32 zero = 0;                                                             \
		__u64 *count = bpf_map_lookup_elem(&lost, &zero);                           \
                                                                                            \
		if (count)                                                                  \
			*count += 1;                                                        \
	}                                                                                   \
	static __always_inline void gadget_submit(void *ctx, void *data, __u64 size)        \
	{                                                                                   \
		if (!bpf_core_type_exists(struct bpf_ringbuf))                              \
			bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, data, size); \
		else if (bpf_ringbuf_output(&events, data, size, 0) < 0)                    \
			gadget_count_lost();                                                \
	}                                                                                   \
	struct gadget_eat_semicolon

/* --- histograms ----------------------------------------------------------------- */

#define GADGET_SLOTS 32

struct gadget_slots {
	__u32 slots[GADGET_SLOTS];
};

/*
 * A gadget that counts instead of telling: the map "histogram" has a histogram of
 * powers of two for each key, whose members are columns. @unit is of what is
 * counted; an option tagged UNIT() of its own, when given, changes it.
 */
#define UNIT(unit) GADGET_TAG("unit:" unit)

#define GADGET_HISTOGRAM(description, options_type, key_type, unit)                         \
	GADGET_OPTIONS(description, options_type);                                          \
	struct {                                                                            \
		__uint(type, BPF_MAP_TYPE_HASH);                                            \
		__uint(max_entries, 10240);                                                 \
		__type(key, key_type);                                                      \
		__type(value, struct gadget_slots);                                         \
	} histogram SEC(".maps") UNIT(unit);                                                \
	static __always_inline void gadget_count(const key_type *key, __u64 value)          \
	{                                                                                   \
		struct gadget_slots *slots = bpf_map_lookup_elem(&histogram, key);          \
		__u32 slot = gadget_slot(value);                                            \
                                                                                            \
		if (!slots) {                                                               \
			struct gadget_slots none = {};                                      \
                                                                                            \
			bpf_map_update_elem(&histogram, key, &none, BPF_NOEXIST);           \
			slots = bpf_map_lookup_elem(&histogram, key);                       \
		}                                                                           \
		/* clang knows that it is in bounds; the verifier of 4.15 has to see it. */ \
		asm volatile("" : "+r"(slot));                                              \
		if (slots)                                                                  \
			__sync_fetch_and_add(&slots->slots[slot & (GADGET_SLOTS - 1)], 1);  \
	}                                                                                   \
	struct gadget_eat_semicolon

/* The power of two below @value, in five steps. */
static __always_inline __u32 gadget_slot(__u64 value)
{
	__u32 slot = 0;

	if (value >> GADGET_SLOTS)
		return GADGET_SLOTS - 1;
#pragma unroll
	for (__u32 step = GADGET_SLOTS / 2; step; step /= 2) {
		if (value >> step) {
			value >>= step;
			slot += step;
		}
	}
	return slot;
}

/* --- filters and common members ---------------------------------------------- */

static __always_inline bool gadget_wants_comm(const char *wanted)
{
	__u64 comm[2] = {};
	const __u64 *want = (const __u64 *)wanted;

	bpf_get_current_comm(comm, sizeof(comm));
	return comm[0] == want[0] && comm[1] == want[1];
}

/* Does the current task pass the filters the user gave? */
static __always_inline bool gadget_wants(const struct gadget_filter *filter)
{
	if (filter->pid && filter->pid != bpf_get_current_pid_tgid() >> 32)
		return false;
	if (filter->uid != GADGET_ANY && filter->uid != (__u32)bpf_get_current_uid_gid())
		return false;
	if (filter->comm[0] && !gadget_wants_comm(filter->comm))
		return false;
	if (filter->cgroup && filter->cgroup != task_cgroup(current_task()))
		return false;
	if (filter->mntns && filter->mntns != task_mntns(current_task()))
		return false;
	return true;
}

/* Fill @process with the current task. */
static __always_inline void gadget_fill_process(struct gadget_process *process)
{
	struct task_struct *task = current_task();
	__u64 id = bpf_get_current_pid_tgid();

	process->time = bpf_ktime_get_ns();
	process->cgroup = task_cgroup(task);
	process->mntns = task_mntns(task);
	process->uid = bpf_get_current_uid_gid();
	process->pid = id >> 32;
	process->tid = id;
	bpf_get_current_comm(process->comm, sizeof(process->comm));
}

#endif
