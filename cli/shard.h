/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --shard I/N: which machine does which kernel. It hangs on the kernel's key alone,
 * so that machines need not talk: each kernel is in exactly one part, the same one
 * whatever else the distribution offers.
 */
#ifndef CLI_SHARD_H
#define CLI_SHARD_H

#include <stdbool.h>

#include <btfpack/types.h>

#include "cli/cmd.h"

struct shard {
	unsigned long index; /* 1 to count */
	unsigned long count; /* 0: everything is ours */
};

/* "2/8"; false when it makes no sense, which was said. */
bool shard_parse(const struct cmd *cmd, const char *text, struct shard *ret);

/* Whether @kernel is in our part: by distro, release, arch and uname. */
bool shard_has(const struct shard *shard, const struct btfpack_kernel *kernel);

#endif
