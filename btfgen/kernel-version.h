/* SPDX-License-Identifier: BSD-2-Clause */
/* LINUX_KERNEL_VERSION as libbpf fills it in, as far as `uname -r` tells. */
#ifndef BTFGEN_KERNEL_VERSION_H
#define BTFGEN_KERNEL_VERSION_H

#include <stdbool.h>
#include <stdint.h>

/* Lowest and highest, as the macro KERNEL_VERSION() writes them. */
struct kernel_version {
	uint32_t low;
	uint32_t high;
};

/*
 * Read @uname ("6.12.48+deb13-amd64"). Debian and Ubuntu call their kernels 6.1.0-28-amd64
 * or 5.15.0-91-generic whatever the patch level, which libbpf there reads elsewhere
 * (uname -v, /proc/version_signature): then any is possible. False: no version.
 */
bool kernel_version_parse(const char *uname, struct kernel_version *ret);

#endif
