// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Round-trip times of TCP, as the kernel smooths them, at every segment received.
 * Segments come in whatever process was interrupted: filters by process would lie,
 * so there are none.
 */
#include "gadget.bpf.h"
#include "socket.bpf.h"

struct tcprtt_options {
	__u16 local_ports[PORTS] DOC("only these local ports") SHORT("p") NAME("local-port");
	__u16 remote_ports[PORTS] DOC("only these remote ports") SHORT("P") NAME("remote-port");
	bool by_laddr DOC("a histogram for each local address") SHORT("b");
	bool by_raddr DOC("a histogram for each remote address") SHORT("B");
	bool milliseconds DOC("count milliseconds, not microseconds") SHORT("m") UNIT("msecs");
	__u8 reserved[5] HIDDEN;
};

struct tcprtt_key {
	struct gadget_address laddr DOC("local address") FORMAT("ip") WITH("by-laddr");
	struct gadget_address raddr DOC("remote address") FORMAT("ip") WITH("by-raddr");
};

GADGET_HISTOGRAM("Round-trip times of TCP as histograms", struct tcprtt_options,
		 struct tcprtt_key, "usecs");

static __always_inline int count(const struct tcprtt_options *options, struct tcprtt_key *key,
				 __u16 local_port, __u16 remote_port, __u32 microseconds)
{
	if (!wants_port(options->local_ports, local_port) ||
	    !wants_port(options->remote_ports, remote_port))
		return 0;
	if (!options->by_laddr)
		__builtin_memset(&key->laddr, 0, sizeof(key->laddr));
	if (!options->by_raddr)
		__builtin_memset(&key->raddr, 0, sizeof(key->raddr));
	gadget_count(key, options->milliseconds ? microseconds / 1000 : microseconds);
	return 0;
}

/* struct sockaddr_in or sockaddr_in6, of the user interface. */
struct socket_address {
	__u16 family;
	__be16 port;
	__u8 v4[4];
	__u8 v6[16];
};

static __always_inline __u16 read_address(const void *from, struct gadget_address *ret)
{
	struct socket_address address = {};

	bpf_probe_read_kernel(&address, sizeof(address), from);
	ret->family = address.family;
	if (address.family == AF_INET)
		__builtin_memcpy(ret->bytes, address.v4, sizeof(address.v4));
	else
		__builtin_memcpy(ret->bytes, address.v6, sizeof(address.v6));
	return bpf_ntohs(address.port);
}

SEC("tracepoint/tcp/tcp_probe")
int receives(struct trace_event_raw_tcp_probe *ctx)
{
	const struct tcprtt_options *options = gadget_options();
	struct tcprtt_key key = {};
	__u16 local_port = read_address(ctx->saddr, &key.laddr);
	__u16 remote_port = read_address(ctx->daddr, &key.raddr);

	return options ? count(options, &key, local_port, remote_port, kernel_get(ctx, srtt)) : 0;
}

/* The tracepoint came with 4.16 (c3fde1bd28cd). */
SEC("kprobe/tcp_rcv_established")
int INSTEAD_OF(receives) receives_segment(void *ctx)
{
	const struct tcprtt_options *options = gadget_options();
	struct sock *sk = (struct sock *)function_argument_0(ctx);
	struct tcprtt_key key = {};

	socket_local_address(sk, &key.laddr);
	socket_remote_address(sk, &key.raddr);
	return options ? count(options, &key, socket_local_port(sk), socket_remote_port(sk),
			       kernel_get((struct tcp_sock *)sk, srtt_us) >> 3) :
			 0;
}
