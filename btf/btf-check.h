/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is this BTF well-formed? What include/btfpack/btf.h promises, for users who
 * have a view already.
 */
#ifndef BTF_BTF_CHECK_H
#define BTF_BTF_CHECK_H

#include <btfpack/btf.h>

#include "btf/btf-view.h"

/* As btfpack_btf_check(); @opts->base is not looked at: the view has its base.
 * 0 whatever is found, -ENOMEM. @first, when not NULL, gets the first error. */
int btf_check(const struct btf_view *view, const struct btfpack_btf_check_opts *opts,
	      btfpack_btf_problem_fn fn, void *arg, struct btfpack_btf_check_summary *ret,
	      struct btfpack_error *first);

#endif
