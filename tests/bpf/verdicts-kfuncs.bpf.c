// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Functions and variables of the kernel; weak, so that the others here do not fall with
 * them. */
#include "verdicts.h"

#ifndef __weak
#define __weak __attribute__((weak))
#endif
#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif

void bpf_rcu_read_lock(void) __weak __ksym;
void bpf_rcu_read_unlock(void) __weak __ksym;
void a_kfunc_of_no_kernel(void) __weak __ksym;
extern const int a_variable_of_no_kernel __weak __ksym;
extern const int bpf_prog_active __weak __ksym; /* per CPU, of all kernels so far */

#define EXISTS(symbol) ((void *)(symbol) != NULL)

SEC("tp_btf/sched_switch")
int kfunc_6_2(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tp_btf/sched_switch")
int kfunc_6_2_asked(void *ctx)
{
	if (!EXISTS(bpf_rcu_read_lock) || !EXISTS(bpf_rcu_read_unlock))
		return 0;
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tp_btf/sched_switch")
int kfunc_never(void *ctx)
{
	a_kfunc_of_no_kernel();
	return 0;
}

SEC("tp_btf/sched_switch")
int kfunc_never_asked(void *ctx)
{
	if (EXISTS(a_kfunc_of_no_kernel))
		a_kfunc_of_no_kernel();
	return 0;
}

SEC("tp_btf/sched_switch")
int ksym_never_asked(void *ctx)
{
	return EXISTS(&a_variable_of_no_kernel) ? a_variable_of_no_kernel : 0;
}

SEC("tp_btf/sched_switch")
int ksym_there(void *ctx)
{
	return EXISTS(&bpf_prog_active);
}
