// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* What programs attach to, and the types of programs. */
#include "verdicts.h"

#define PROGRAM(name, section)                                                                     \
	SEC(section) int name(void *ctx)                                                           \
	{                                                                                          \
		return 0;                                                                          \
	}

PROGRAM(kprobe_there, "kprobe/vfs_read")
PROGRAM(kprobe_gone, "kprobe/a_function_of_no_kernel")
PROGRAM(kprobe_offset, "kprobe/vfs_read+0x0")
PROGRAM(kretprobe_there, "kretprobe/vfs_read")
PROGRAM(ksyscall_there, "ksyscall/nanosleep")
PROGRAM(fentry_there, "fentry/vfs_read")
PROGRAM(fentry_gone, "fentry/a_function_of_no_kernel")
PROGRAM(fentry_since_5_12, "fentry/blk_account_io_merge_bio")
PROGRAM(fentry_until_5_14, "fentry/blk_account_io_start")
PROGRAM(fexit_there, "fexit/vfs_read")
PROGRAM(fentry_of_seven, "fentry/tcp_v4_syn_recv_sock")
PROGRAM(fmod_ret_there, "fmod_ret/__x64_sys_nanosleep")
PROGRAM(tp_there, "tp/sched/sched_process_exec")
PROGRAM(tp_gone, "tp/sched/a_tracepoint_of_no_kernel")
PROGRAM(tp_syscall, "tracepoint/syscalls/sys_enter_nanosleep")
PROGRAM(tp_syscall_bare, "tracepoint/syscalls/sys_enter_sync")
PROGRAM(tp_syscall_gone, "tracepoint/syscalls/sys_enter_a_call_of_no_kernel")
PROGRAM(ksyscall_gone, "ksyscall/a_call_of_no_kernel")
PROGRAM(way_since_5_18, "kprobe.multi/vfs_read")
PROGRAM(raw_tp_there, "raw_tp/sched_process_exec")
PROGRAM(raw_tp_gone, "raw_tracepoint/a_tracepoint_of_no_kernel")
PROGRAM(tp_btf_there, "tp_btf/sched_process_exec")
PROGRAM(tp_btf_gone, "tp_btf/a_tracepoint_of_no_kernel")
PROGRAM(tp_btf_since_6_2, "tp_btf/block_io_start")
PROGRAM(lsm_there, "lsm/file_open")
PROGRAM(lsm_gone, "lsm/a_hook_of_no_kernel")
PROGRAM(lsm_since_5_16, "lsm/uring_sqpoll")
PROGRAM(iter_task, "iter/task")
PROGRAM(iter_since_6_0, "iter/ksym")
PROGRAM(iter_gone, "iter/a_target_of_no_kernel")
PROGRAM(type_5_14, "syscall")
PROGRAM(type_6_4, "netfilter")
PROGRAM(type_old, "socket")
PROGRAM(type_xdp, "xdp")
PROGRAM(type_unknown, "a_section_of_no_libbpf")
