/* SPDX-License-Identifier: BSD-2-Clause */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "cli/filter.h"
#include "core/arch.h"

int filter_take(const struct cmd *cmd, struct filter *f, int option, const char *value)
{
	unsigned long number;

	switch (option) {
	case FILTER_DISTRO:
		f->kernel.distro = value;
		return 1;
	case FILTER_RELEASE:
		f->kernel.release = value;
		return 1;
	case FILTER_ARCH:
		f->kernel.arch = arch_normalize(value);
		return 1;
	case FILTER_UNAME:
		f->kernel.uname = value;
		return 1;
	case FILTER_FLAVOUR:
		f->flavour = value;
		return 1;
	case FILTER_LATEST:
		if (!cmd_number(cmd, "latest", value, UINT_MAX, &number))
			return -1;
		f->latest = (unsigned int)number;
		return 1;
	}
	return 0;
}

const char *filter_describe(const struct filter *f, char ret[256])
{
	const char *const words[] = { f->kernel.distro, f->kernel.release, f->kernel.arch,
				      f->flavour, f->kernel.uname };
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (words[i] && used < 256)
			used += (size_t)snprintf(ret + used, 256 - used, "%s%s", used ? " " : "",
						 words[i]);
	return ret;
}
