// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* A function of the kernel that must be there, since 6.2. */
#include "verdicts.h"

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

void bpf_rcu_read_lock(void) __ksym;
void bpf_rcu_read_unlock(void) __ksym;

SEC("tp_btf/sched_switch")
int kfunc_strong(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}
