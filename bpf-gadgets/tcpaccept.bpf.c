// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* TCP connections that a process accepts. */
#include "gadget.bpf.h"
#include "socket.bpf.h"

struct tcpaccept_options {
	struct gadget_filter filter;
	__u16 ports[PORTS] DOC("only these local ports") SHORT("P") NAME("port");
};

struct tcpaccept_event {
	struct gadget_process process;
	struct gadget_address raddr DOC("remote address") FORMAT("ip");
	__u16 rport DOC("remote port");
	struct gadget_address laddr DOC("local address") FORMAT("ip");
	__u16 lport DOC("local port");
};

GADGET("Trace TCP connections accepted", struct tcpaccept_options, struct tcpaccept_event);

SEC("kretprobe/inet_csk_accept")
int accepted(void *ctx)
{
	const struct tcpaccept_options *options = gadget_options();
	struct tcpaccept_event *event = gadget_event();
	struct sock *sk = (struct sock *)function_result(ctx);

	if (!sk || !options || !event || !gadget_wants(&options->filter) ||
	    !wants_port(options->ports, socket_local_port(sk)))
		return 0;
	gadget_fill_process(&event->process);
	socket_remote_address(sk, &event->raddr);
	socket_local_address(sk, &event->laddr);
	event->rport = socket_remote_port(sk);
	event->lport = socket_local_port(sk);
	gadget_submit(ctx, event, sizeof(*event));
	return 0;
}
