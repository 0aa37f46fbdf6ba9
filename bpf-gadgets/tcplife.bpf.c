// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * TCP sessions at their end: how long, how much. State changes happen in the name of
 * whatever task was interrupted, except when a process itself opens (SYN_SENT) or
 * closes (FIN_WAIT1, LAST_ACK) a connection: that process is the owner we tell.
 */
#include "gadget.bpf.h"
#include "socket.bpf.h"

struct tcplife_options {
	struct gadget_filter filter;
	__u16 local_ports[PORTS] DOC("only these local ports") SHORT("L") NAME("local-port");
	__u16 remote_ports[PORTS] DOC("only these remote ports") SHORT("D") NAME("remote-port");
	bool ipv4 DOC("only IPv4") SHORT("4");
	bool ipv6 DOC("only IPv6") SHORT("6");
	__u8 reserved[6] HIDDEN;
};

struct tcplife_event {
	struct gadget_process process;
	struct gadget_address laddr DOC("local address") FORMAT("ip");
	__u16 lport DOC("local port");
	struct gadget_address raddr DOC("remote address") FORMAT("ip");
	__u16 rport DOC("remote port");
	__u64 tx DOC("bytes sent and acknowledged; SYN and FIN count as one each");
	__u64 rx DOC("bytes received; FIN counts as one");
	__u64 duration DOC("milliseconds the session lasted") FORMAT("ms");
};

GADGET("Trace TCP sessions: how long, how much", struct tcplife_options, struct tcplife_event);

struct life {
	__u64 birth;
	struct gadget_process owner;
	bool has_owner;
	bool is_wanted; /* the owner passes the filters */
	__u8 reserved[6];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 10240);
	__type(key, __u64); /* address of the socket */
	__type(value, struct life);
} lives SEC(".maps");

static __always_inline void begin(__u64 key)
{
	struct life life = { .birth = bpf_ktime_get_ns() };

	bpf_map_update_elem(&lives, &key, &life, BPF_NOEXIST);
}

static __always_inline void own(const struct tcplife_options *options, struct life *life)
{
	gadget_fill_process(&life->owner);
	life->is_wanted = gadget_wants(&options->filter);
	life->has_owner = true;
}

static __always_inline bool wants_family(const struct tcplife_options *options, __u16 family)
{
	return (!options->ipv4 && !options->ipv6) || (options->ipv4 && family == AF_INET) ||
	       (options->ipv6 && family == AF_INET6);
}

static __always_inline void end(void *ctx, const struct tcplife_options *options, struct sock *sk,
				struct life *life)
{
	struct tcplife_event *event = gadget_event();

	if (!life->has_owner)
		own(options, life);
	if (!event || !life->is_wanted)
		return;
	event->process = life->owner;
	event->process.time = bpf_ktime_get_ns();
	event->duration = event->process.time - life->birth;
	socket_local_address(sk, &event->laddr);
	socket_remote_address(sk, &event->raddr);
	/* A closed socket has given its port back, but remembers it here. */
	event->lport = bpf_ntohs(kernel_get((struct inet_sock *)sk, inet_sport));
	event->rport = socket_remote_port(sk);
	event->tx = kernel_get((struct tcp_sock *)sk, bytes_acked);
	event->rx = kernel_get((struct tcp_sock *)sk, bytes_received);
	if (wants_family(options, event->laddr.family) &&
	    wants_port(options->local_ports, event->lport) &&
	    wants_port(options->remote_ports, event->rport))
		gadget_submit(ctx, event, sizeof(*event));
}

static __always_inline int changes(void *ctx, struct sock *sk, int state)
{
	const struct tcplife_options *options = gadget_options();
	__u64 key = (__u64)sk;
	struct life *life;

	if (!options)
		return 0;
	if (state == TCP_SYN_SENT || state == TCP_SYN_RECV || state == TCP_ESTABLISHED)
		begin(key);
	life = bpf_map_lookup_elem(&lives, &key);
	if (!life)
		return 0;
	if (state == TCP_SYN_SENT || state == TCP_FIN_WAIT1 || state == TCP_LAST_ACK)
		own(options, life);
	if (state == TCP_CLOSE) {
		end(ctx, options, sk, life);
		bpf_map_delete_elem(&lives, &key);
	}
	return 0;
}

SEC("tracepoint/sock/inet_sock_set_state")
int state_changes(struct trace_event_raw_inet_sock_set_state *ctx)
{
	if (kernel_get(ctx, protocol) != IPPROTO_TCP)
		return 0;
	return changes(ctx, (struct sock *)kernel_get(ctx, skaddr), kernel_get(ctx, newstate));
}

/* The tracepoint came with 4.16 (563e0bb0dc74). */
SEC("kprobe/tcp_set_state")
int INSTEAD_OF(state_changes) state_is_set(void *ctx)
{
	return changes(ctx, (struct sock *)function_argument_0(ctx), function_argument_1(ctx));
}
