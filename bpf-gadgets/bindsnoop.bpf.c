// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* IPv4 and IPv6 sockets that are bound to an address. The system call's tracepoint
 * would miss i386, where bind(2) may come through socketcall(2). */
#include "gadget.bpf.h"
#include "socket.bpf.h"

struct bindsnoop_options {
	struct gadget_filter filter;
	__u16 ports[PORTS] DOC("only these ports") SHORT("P") NAME("port");
	bool failed DOC("only binds that failed") SHORT("x");
	__u8 reserved[7] HIDDEN;
};

enum protocol { icmp = 1, tcp = 6, udp = 17, udplite = 136, raw = 255, mptcp = 262 };

enum bind_option {
	freebind = 1,
	transparent = 2,
	bind_address_no_port = 4,
	reuseaddr = 8,
	reuseport = 16,
};

struct bindsnoop_event {
	struct gadget_process process;
	__s32 error DOC("0, or why it failed") FORMAT("error");
	enum protocol protocol DOC("transport protocol") WIDTH("8");
	enum bind_option options DOC("options of the socket") FORMAT("set") WIDTH("20");
	__u32 interface DOC("interface it is bound to, 0 for none") NAME("if") WIDTH("4");
	__u16 port DOC("port; the kernel's choice when 0 was asked for");
	struct gadget_address address DOC("address") FORMAT("ip");
};

GADGET("Trace sockets bound to addresses", struct bindsnoop_options, struct bindsnoop_event);

/* A bind under way, by thread. */
struct pending {
	__u64 socket, address;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 10240);
	__type(key, __u32);
	__type(value, struct pending);
} pending SEC(".maps");

/* The beginning of struct sockaddr_in and sockaddr_in6, of the user interface. */
struct socket_address {
	__u16 family;
	__be16 port;
	__u8 v4[4];
	__u8 v6[16];
};

static __always_inline int enters(__u64 socket, __u64 address)
{
	const struct bindsnoop_options *options = gadget_options();
	struct pending entry = { .socket = socket, .address = address };
	__u32 tid = bpf_get_current_pid_tgid();

	if (options && gadget_wants(&options->filter))
		bpf_map_update_elem(&pending, &tid, &entry, BPF_ANY);
	return 0;
}

static __always_inline __u32 socket_protocol(struct sock *sk)
{
	if (bpf_core_field_size(sk->sk_protocol) == 2)
		return kernel_get(sk, sk_protocol);
	return BPF_CORE_READ_BITFIELD_PROBED((struct sock___before_5_6 *)sk, sk_protocol);
}

/* Since 6.6 these are bits 11, 15 and 18 of a word (include/net/inet_sock.h). */
static __always_inline __u32 inet_options(struct sock *sk)
{
	struct inet_sock___before_6_6 *old = (struct inet_sock___before_6_6 *)sk;
	__u32 ret = 0;

	if (bpf_core_field_exists(((struct inet_sock *)sk)->inet_flags)) {
		__u64 flags = kernel_get((struct inet_sock *)sk, inet_flags);

		return (flags >> 11 & 1 ? freebind : 0) | (flags >> 15 & 1 ? transparent : 0) |
		       (flags >> 18 & 1 ? bind_address_no_port : 0);
	}
	if (BPF_CORE_READ_BITFIELD_PROBED(old, freebind))
		ret |= freebind;
	if (BPF_CORE_READ_BITFIELD_PROBED(old, transparent))
		ret |= transparent;
	if (BPF_CORE_READ_BITFIELD_PROBED(old, bind_address_no_port))
		ret |= bind_address_no_port;
	return ret;
}

static __always_inline __u32 socket_options(struct sock *sk)
{
	__u32 ret = inet_options(sk);

	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuse))
		ret |= reuseaddr;
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, __sk_common.skc_reuseport))
		ret |= reuseport;
	return ret;
}

static __always_inline void fill_address(struct bindsnoop_event *event, __u64 from)
{
	struct socket_address address = {};

	bpf_probe_read_kernel(&address, 8, (void *)from);
	__builtin_memset(&event->address, 0, sizeof(event->address));
	event->address.family = address.family;
	if (address.family == AF_INET6)
		bpf_probe_read_kernel(event->address.bytes, 16, (void *)(from + 8));
	else
		__builtin_memcpy(event->address.bytes, address.v4, sizeof(address.v4));
	if (!event->port)
		event->port = bpf_ntohs(address.port);
}

static __always_inline int exits(void *ctx)
{
	const struct bindsnoop_options *options = gadget_options();
	struct bindsnoop_event *event = gadget_event();
	__u32 tid = bpf_get_current_pid_tgid();
	struct pending *entry = bpf_map_lookup_elem(&pending, &tid);
	struct sock *sk;

	if (!entry)
		return 0;
	if (options && event) {
		sk = kernel_get((struct socket *)entry->socket, sk);
		gadget_fill_process(&event->process);
		event->error = (__s32)function_result(ctx);
		event->protocol = socket_protocol(sk);
		event->options = socket_options(sk);
		event->interface = kernel_get(sk, __sk_common.skc_bound_dev_if);
		event->port = socket_local_port(sk);
		fill_address(event, entry->address);
		if (wants_port(options->ports, event->port) && (event->error || !options->failed))
			gadget_submit(ctx, event, sizeof(*event));
	}
	bpf_map_delete_elem(&pending, &tid);
	return 0;
}

SEC("kprobe/inet_bind")
int inet_bind_enters(void *ctx)
{
	return enters(function_argument_0(ctx), function_argument_1(ctx));
}

SEC("kretprobe/inet_bind")
int inet_bind_exits(void *ctx)
{
	return exits(ctx);
}

/* Where IPv6 is left out, or a module that is not loaded. */
SEC("kprobe/inet6_bind")
int OPTIONAL inet6_bind_enters(void *ctx)
{
	return enters(function_argument_0(ctx), function_argument_1(ctx));
}

SEC("kretprobe/inet6_bind")
int OPTIONAL inet6_bind_exits(void *ctx)
{
	return exits(ctx);
}
