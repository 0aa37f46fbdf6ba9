/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <string.h>

#include "core/arch.h"
#include "core/cleanup.h"

static const struct {
	const char *name;   /* any spelling */
	const char *arch;   /* uname -m */
	const char *debian; /* set on the row that Debian uses */
} arch_names[] = {
	{ "amd64", "x86_64", "amd64" },
	{ "x86-64", "x86_64", NULL },
	{ "arm64", "aarch64", "arm64" },
	{ "i386", "i686", "i386" },
	{ "i586", "i686", NULL },
	{ "x86", "i686", NULL },
	{ "armhf", "armv7l", "armhf" },
	{ "armv7hl", "armv7l", NULL },
	{ "armv8l", "armv7l", NULL },
	{ "armel", "armv6l", "armel" },
	{ "ppc64el", "ppc64le", "ppc64el" },
	{ "s390x", "s390x", "s390x" },
	{ "riscv64", "riscv64", "riscv64" },
	{ "mips64el", "mips64", "mips64el" },
	{ "mipsel", "mips", "mipsel" },
	{ "loong64", "loongarch64", "loong64" },
};

const char *arch_normalize(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(arch_names); i++)
		if (!strcmp(name, arch_names[i].name))
			return arch_names[i].arch;
	return name;
}

const char *arch_debian(const char *arch)
{
	for (size_t i = 0; i < ARRAY_SIZE(arch_names); i++)
		if (arch_names[i].debian && !strcmp(arch, arch_names[i].arch))
			return arch_names[i].debian;
	return NULL;
}
