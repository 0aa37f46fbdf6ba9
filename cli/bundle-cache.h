/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What bundle makes of a kernel, its small BTF and the verdicts on it, kept beside
 * the archive (archive-index/made.h), so that the next bundle of the same objects
 * makes only what is new. The recipe is the objects, by name and digest and in their
 * order, the flags, and this very program, by the digest of its file: another btfpack
 * makes everything anew.
 *
 * Nothing here fails a bundle: without a cache it only takes longer. One thread.
 */
#ifndef CLI_BUNDLE_CACHE_H
#define CLI_BUNDLE_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/bundle.h>

struct bundle_cache;

/* NULL when there is no memory, which is fine with all the others. */
struct bundle_cache *bundle_cache_new(void);
void bundle_cache_free(struct bundle_cache *c);

void bundle_cache_add_object(struct bundle_cache *c, const char *name, const struct btfpack_id *id);

/* After the last object. @dir: the archive's. */
void bundle_cache_open(struct bundle_cache *c, const char *dir, uint32_t flags);

/* What was made of the content @id as the kernel @name, since verdicts depend on that,
 * too: true. The caller frees the BTF, and the verdicts
 * as deinit_judgement() does: each reason, then the array. */
bool bundle_cache_find(struct bundle_cache *c, const struct btfpack_id *id,
		       const char *name, struct btfpack_blob *btf_ret, struct btfpack_bundle_verdict **verdicts_ret,
		       size_t *count_ret);

void bundle_cache_keep(struct bundle_cache *c, const struct btfpack_id *id, const char *name,
		       const struct btfpack_blob *btf, const struct btfpack_bundle_verdict *verdicts,
		       size_t count);

#endif
