/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* Sockets in words of the gadgets: who talks to whom. */
#ifndef SOCKET_BPF_H
#define SOCKET_BPF_H

#include "compat.bpf.h"

#include <bpf/bpf_endian.h>

#define AF_INET     2
#define AF_INET6    10
#define IPPROTO_TCP 6
#define PORTS       8

enum tcp_state {
	TCP_ESTABLISHED = 1,
	TCP_SYN_SENT = 2,
	TCP_SYN_RECV = 3,
	TCP_FIN_WAIT1 = 4,
	TCP_CLOSE = 7,
	TCP_LAST_ACK = 9,
};

/* An address of either family; tag the member FORMAT("ip"). */
struct gadget_address {
	__u8 bytes[16];
	__u16 family;
};

static __always_inline __u16 socket_family(struct sock *sk)
{
	return kernel_get(sk, __sk_common.skc_family);
}

static __always_inline __u16 socket_local_port(struct sock *sk)
{
	return kernel_get(sk, __sk_common.skc_num);
}

static __always_inline __u16 socket_remote_port(struct sock *sk)
{
	return bpf_ntohs(kernel_get(sk, __sk_common.skc_dport));
}

static __always_inline void socket_local_address(struct sock *sk, struct gadget_address *ret)
{
	__builtin_memset(ret, 0, sizeof(*ret));
	ret->family = socket_family(sk);
	if (ret->family == AF_INET)
		bpf_probe_read_kernel(ret->bytes, 4, &sk->__sk_common.skc_rcv_saddr);
	else if (bpf_core_field_exists(sk->__sk_common.skc_v6_rcv_saddr))
		bpf_probe_read_kernel(ret->bytes, 16, &sk->__sk_common.skc_v6_rcv_saddr);
}

static __always_inline void socket_remote_address(struct sock *sk, struct gadget_address *ret)
{
	__builtin_memset(ret, 0, sizeof(*ret));
	ret->family = socket_family(sk);
	if (ret->family == AF_INET)
		bpf_probe_read_kernel(ret->bytes, 4, &sk->__sk_common.skc_daddr);
	else if (bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
		bpf_probe_read_kernel(ret->bytes, 16, &sk->__sk_common.skc_v6_daddr);
}

/* Is @port in the list the user gave? An empty list has them all. */
static __always_inline bool wants_port(const __u16 *ports, __u16 port)
{
	bool wanted = !ports[0];

#pragma unroll
	for (int i = 0; i < PORTS; i++)
		wanted |= ports[i] && ports[i] == port;
	return wanted;
}

#endif
