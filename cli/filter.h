/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options that choose kernels, the same for every command that lists some. A
 * command begins its option table with FILTER_KEY_OPTIONS, or with those and
 * FILTER_MORE_OPTIONS, and hands each option to filter_take() first:
 *
 *	static const struct cmd_option options[] = {
 *		FILTER_KEY_OPTIONS, FILTER_MORE_OPTIONS, { 'o', "output", ... }, { 0 },
 *	};
 *	enum { OUTPUT = FILTER_END };
 */
#ifndef CLI_FILTER_H
#define CLI_FILTER_H

#include <btfpack/types.h>

#include "cli/cmd.h"

enum filter_option {
	FILTER_DISTRO,
	FILTER_RELEASE,
	FILTER_ARCH,
	FILTER_UNAME,
	FILTER_KEY_END,
	FILTER_FLAVOUR = FILTER_KEY_END,
	FILTER_LATEST,
	FILTER_END,
};

#define FILTER_KEY_OPTIONS                                                                  \
	{ 0, "distro", "ID", "the distribution, as os-release calls it: debian" },          \
		{ 0, "release", "R", "its release, by number or code name: 12, bookworm" }, \
		{ 0, "arch", "A", "architecture: x86_64 (amd64), aarch64 (arm64), ..." },   \
	{                                                                                   \
		0, "uname", "U", "kernels with this `uname -r`; a pattern: '6.1.*'"         \
	}

#define FILTER_MORE_OPTIONS                                                             \
	{ 0, "flavour", "F", "flavour: cloud-amd64, cloud; a pattern: 'rt-*'" },        \
	{                                                                               \
		0, "latest", "N", "only the newest N of each release, arch and flavour" \
	}

struct filter {
	struct btfpack_kernel kernel; /* strings of argv; arch as `uname -m` spells it */
	const char *flavour;
	unsigned int latest; /* 0: all */
};

/* 1: it was one of these options and is noted; 0: it is the command's own; -1: it
 * makes no sense, which was said: return CMD_USAGE. */
int filter_take(const struct cmd *cmd, struct filter *filter, int option, const char *value);

/* "debian 12 x86_64" and what else the filter says, for sentences. */
const char *filter_describe(const struct filter *filter, char ret[256]);

#endif
