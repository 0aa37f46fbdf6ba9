/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of `btfpack build` share: cmd-build.c plans and stores, build-events.c
 * says what happens, build-status.c how fresh an archive is. */
#ifndef CLI_BUILD_H
#define CLI_BUILD_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/archive.h>

#include "cli/fetching.h"
#include "cli/pipeline.h"
#include "cli/shard.h"

struct build {
	struct fetching fetching;
	const char *archive_dir;
	unsigned int jobs, downloads;
	uint64_t memory;
	bool dry_run, keep, status_only, skip_btf, partial, retry, modules;
	struct shard shard;

	struct btfpack_archive *archive;
	struct btfpack_fetcher *fetcher;
	struct btfpack_package_iter *list;
	const struct btfpack_package **todo; /* lent by the list */
	size_t todo_count, todo_capacity;
	size_t held;    /* in the archive already */
	size_t waiting; /* failed before; it is too early to try again */
	int64_t due;    /* when the first of these may be */
	size_t stored, failed;
	size_t skipped; /* have BTF of their own: in this run, and noted in one before */
	uint64_t bytes; /* to download at most */
	struct pipeline_metrics metrics;
	int status; /* the first that was not CMD_OK */
};

void build_note_status(struct build *b, int status);

void build_tell_plan(const struct build *b);
void build_tell_stored(const struct build *b, const struct pipeline_result *r,
		       const struct btfpack_id *id);
void build_tell_skipped(const struct btfpack_package *p);
void build_tell_failed(const struct btfpack_package *p, const struct btfpack_error *why);
void build_tell_done(const struct build *b);

/* Of each release, arch and flavour, the newest that is offered and held; returns the
 * exit status, CMD_NO when something is stale. */
int build_tell_status(struct build *b);

#endif
