/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparing two BTFs: what include/btfpack/btf.h promises, for users who have
 * views already. btf-diff.c matches types, btf-explain.c says in what a matched
 * pair differs.
 */
#ifndef BTF_BTF_DIFF_H
#define BTF_BTF_DIFF_H

#include <btfpack/btf.h>

#include "btf/btf-hash.h"
#include "btf/btf-view.h"

/* As btfpack_btf_diff(); the bases are the views' own. -ENOMEM only. */
int btf_diff(const struct btf_view *a, const struct btf_view *b,
	     const struct btfpack_btf_diff_opts *opts, btfpack_btf_change_fn fn, void *arg,
	     struct btfpack_btf_diff_summary *ret);

/* One side of a comparison. */
struct btf_diff_side {
	const struct btf_view *view;
	struct btf_hasher hasher; /* has run */
};

/* Where the explanation of a changed pair goes. */
struct btf_explain {
	const struct btf_diff_side *a, *b;
	const struct btfpack_btf_diff_opts *opts;
	btfpack_btf_change_fn fn;
	void *arg;
	unsigned int kind;  /* of the pair, see struct btfpack_btf_change */
	const char *name;   /* likewise */
	uint32_t told;	    /* changes of this pair told so far */
	const char *path;   /* "outer.inner.": which members' bodies are being compared, or NULL */
	int depth;	    /* of that */
	uint32_t opened;    /* members of anonymous composites looked at, by all pairs */
};

/* Tell everything in which type @id_a of the first differs from @id_b of the
 * second; at least one change. -ENOMEM. */
int btf_explain_pair(struct btf_explain *e, uint32_t id_a, uint32_t id_b);

#endif
