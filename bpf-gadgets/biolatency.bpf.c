// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Latency of block I/O, from the device's taking it (or, with --queued, from its
 * entering the queue) to its end. Requests are told apart by device and sector, which
 * all releases' tracepoints have. Filters look at the process that starts a request:
 * for writes that is often a thread of the kernel.
 */
#include "gadget.bpf.h"

struct biolatency_options {
	struct gadget_filter filter;
	bool queued DOC("count time in the queue, too") SHORT("Q");
	bool disks DOC("a histogram for each disk") SHORT("D");
	bool milliseconds DOC("count milliseconds, not microseconds") SHORT("m") UNIT("msecs");
	__u8 reserved[1] HIDDEN;
	__u32 disk DOC("only this disk, by name or as major:minor") SHORT("d") FORMAT("dev");
};

struct biolatency_key {
	__u32 disk DOC("device number") FORMAT("dev") WITH("disks");
};

GADGET_HISTOGRAM("Latency of block I/O as histograms", struct biolatency_options,
		 struct biolatency_key, "usecs");

struct request_key {
	__u64 sector;
	__u32 dev;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, struct request_key);
	__type(value, __u64); /* when it started */
} starts SEC(".maps");

static __always_inline int starts_at(struct trace_event_raw_block_rq *ctx, bool in_queue)
{
	const struct biolatency_options *options = gadget_options();
	struct request_key request = { .sector = kernel_get(ctx, sector), .dev = kernel_get(ctx, dev) };
	__u64 now = bpf_ktime_get_ns();

	if (!options || (in_queue && !options->queued) || !gadget_wants(&options->filter) ||
	    (options->disk && options->disk != request.dev))
		return 0;
	/* With --queued the issue must not overwrite the insertion; a request may be
	 * issued without having been in a queue. */
	bpf_map_update_elem(&starts, &request, &now,
			    options->queued && !in_queue ? BPF_NOEXIST : BPF_ANY);
	return 0;
}

SEC("tracepoint/block/block_rq_insert")
int inserts(struct trace_event_raw_block_rq *ctx)
{
	return starts_at(ctx, true);
}

SEC("tracepoint/block/block_rq_issue")
int issues(struct trace_event_raw_block_rq *ctx)
{
	return starts_at(ctx, false);
}

static __always_inline int ends(struct request_key *request)
{
	const struct biolatency_options *options = gadget_options();
	__u64 *start = bpf_map_lookup_elem(&starts, request);
	struct biolatency_key key = {};
	__u64 took;

	if (!options || !start)
		return 0;
	took = (bpf_ktime_get_ns() - *start) / 1000;
	bpf_map_delete_elem(&starts, request);
	if (options->disks)
		key.disk = request->dev;
	gadget_count(&key, options->milliseconds ? took / 1000 : took);
	return 0;
}

SEC("tracepoint/block/block_rq_complete")
int completes(void *ctx)
{
	struct trace_event_raw_block_rq_completion *record = ctx;
	struct trace_event_raw_block_rq_complete *old = ctx;
	struct request_key request = {};

	if (bpf_core_type_exists(struct trace_event_raw_block_rq_completion)) {
		request.sector = kernel_get(record, sector);
		request.dev = kernel_get(record, dev);
	} else {
		request.sector = kernel_get(old, sector);
		request.dev = kernel_get(old, dev);
	}
	return ends(&request);
}
