// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * TCP connections that are being opened. tcp_connect() has the caller's process and
 * both ends known; the tracepoint inet_sock_set_state comes before the local port
 * is chosen.
 */
#include "gadget.bpf.h"
#include "socket.bpf.h"

struct tcpconnect_options {
	struct gadget_filter filter;
	__u16 ports[PORTS] DOC("only these remote ports") SHORT("P") NAME("port");
	bool source_port DOC("print the local port") SHORT("s");
	__u8 reserved[7] HIDDEN;
};

struct tcpconnect_event {
	struct gadget_process process;
	struct gadget_address saddr DOC("local address") FORMAT("ip");
	struct gadget_address daddr DOC("remote address") FORMAT("ip");
	__u16 sport DOC("local port") WITH("source-port");
	__u16 dport DOC("remote port");
};

GADGET("Trace TCP connections opened", struct tcpconnect_options, struct tcpconnect_event);

SEC("kprobe/tcp_connect")
int connects(void *ctx)
{
	const struct tcpconnect_options *options = gadget_options();
	struct tcpconnect_event *event = gadget_event();
	struct sock *sk = (struct sock *)function_argument_0(ctx);

	if (!options || !event || !gadget_wants(&options->filter) ||
	    !wants_port(options->ports, socket_remote_port(sk)))
		return 0;
	gadget_fill_process(&event->process);
	socket_local_address(sk, &event->saddr);
	socket_remote_address(sk, &event->daddr);
	event->sport = socket_local_port(sk);
	event->dport = socket_remote_port(sk);
	gadget_submit(ctx, event, sizeof(*event));
	return 0;
}
