/* SPDX-License-Identifier: BSD-2-Clause */
/* Architecture names: many spellings in, the one of `uname -m` out. */
#ifndef CORE_ARCH_H
#define CORE_ARCH_H

/* The `uname -m` spelling of @name (amd64 → x86_64, arm64 → aarch64, i386 →
 * i686, armhf → armv7l, ppc64el → ppc64le); @name itself when it is already that
 * or unknown. The result is static or @name. */
const char *arch_normalize(const char *name);

/* Debian's name for a `uname -m` spelling (x86_64 → amd64), NULL when Debian has
 * no kernel for it. */
const char *arch_debian(const char *arch);

#endif
