/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * publish --prune: what the new manifest no longer names goes, but not at once. Somebody
 * may still read by the old one; so it is noted in a list with the time, and deleted by
 * whoever prunes after that has been so for the time of grace. The list is written before
 * the manifest is replaced: what a prune that was killed leaves is not forgotten.
 */
#ifndef CLI_PRUNE_H
#define CLI_PRUNE_H

#include "archive-index/retired.h"
#include "cli/published.h"

#define PRUNE_DAYS 7 /* of grace */

struct prune {
	bool is_wanted, is_forced;
	unsigned long days;     /* of grace */
	struct text_set before; /* objects that were named */
	size_t retired, deleted;
};

void prune_deinit(struct prune *prune);

/* What the manifest, as it was read, names. -ENOMEM with a sentence. */
int prune_note(struct prune *prune, const struct published *p, struct btfpack_error *err);

/* Has the archive every kernel that is published, the same or a later BTF of it, and its
 * modules? 1; 0 and a sentence about one that it has not; <0. All indexes must be read. */
int prune_may(const struct published *p, struct btfpack_archive *a, struct btfpack_error *err);

/* The manifest is about to be replaced by @p's: what was named and is no longer waits from
 * now on. @alone: as for object_store_replace(). */
int prune_retire(struct prune *prune, const struct published *p, bool alone,
		 struct btfpack_error *err);

/* The manifest was replaced: delete what has waited long enough. */
int prune_delete(struct prune *prune, struct published *p, bool alone, struct btfpack_error *err);

#endif
