/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The externs of .kconfig that libbpf fills in by itself, whatever the kernel's
 * configuration says: LINUX_KERNEL_VERSION, LINUX_HAS_BPF_COOKIE,
 * LINUX_HAS_SYSCALL_WRAPPER. CONFIG_* are not known to BTF.
 */
#ifndef BTFGEN_CHECK_SETTINGS_H
#define BTFGEN_CHECK_SETTINGS_H

#include "btfgen/bpf-demands.h"
#include "btfgen/check-facts.h"
#include "btfgen/reach.h"

/* Names that check_settings_fill() will look for. -ENOMEM. */
int check_settings_want(struct check_names *names, const struct bpf_demands *demands);

/* The values of all settings of an object, in their order. @version is what the kernel
 * calls itself, 0: not known. */
void check_settings_fill(const struct bpf_demands *demands, const struct check_facts *facts,
			 uint32_t version, struct reach_setting *ret);

bool check_settings_ask_version(const struct bpf_demands *demands);

#endif
