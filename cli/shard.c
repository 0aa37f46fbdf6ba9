/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/shard.h"
#include "core/cleanup.h"
#include "core/digest.h"

#define SHARDS_MAXIMUM 10000

bool shard_parse(const struct cmd *cmd, const char *text, struct shard *ret)
{
	const char *slash = strchr(text, '/');
	AUTO_FREE char *index = slash ? strndup(text, (size_t)(slash - text)) : NULL;
	struct shard shard;

	if (!index) {
		cmd_usage(cmd, "--shard takes I/N, as in 2/8, not '%s'", text);
		return false;
	}
	if (!cmd_number(cmd, "shard", index, SHARDS_MAXIMUM, &shard.index) ||
	    !cmd_number(cmd, "shard", slash + 1, SHARDS_MAXIMUM, &shard.count))
		return false;
	if (!shard.index || shard.index > shard.count) {
		cmd_usage(cmd, "--shard %s: expected a part from 1 to %lu", text, shard.count);
		return false;
	}
	*ret = shard;
	return true;
}

bool shard_has(const struct shard *shard, const struct btfpack_kernel *k)
{
	struct btfpack_id id;
	char key[1100];
	int length;
	unsigned long number = 0;

	if (!shard->count)
		return true;
	length = snprintf(key, sizeof(key), "%s/%s/%s/%s", k->distro, k->release, k->arch, k->uname);
	if (length >= (int)sizeof(key) || digest_bytes(key, (size_t)length, &id) < 0)
		return shard->index == 1; /* too long to be a name: one part reports it */
	for (int i = 0; i < 4; i++)
		number = number << 8 | id.bytes[i];
	return number % shard->count + 1 == shard->index;
}
