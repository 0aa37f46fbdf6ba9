// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* Programs that see the same in several ways, as tools bring them. Opened by test-choice, never
 * loaded. */
#include "kernel-types.bpf.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

#define PROGRAM(section, name)       \
	SEC(section) int name(void *ctx) \
	{                            \
		return 0;            \
	}

PROGRAM("fentry/vfs_read", entry_best)
PROGRAM("kprobe/vfs_read", entry)
PROGRAM("fexit/vfs_read", leave_best)
PROGRAM("kretprobe/vfs_read", leave)
PROGRAM("kprobe/vfs_read", entry_too)
PROGRAM("kprobe/vfs_write", elsewhere)
PROGRAM("kprobe/a_function_of_no_kernel", nowhere)
PROGRAM("fentry/another_of_no_kernel", nowhere_best)
PROGRAM("tp_btf/sched_switch", point_best)
PROGRAM("raw_tp/sched_switch", point)
PROGRAM("xdp", other)
