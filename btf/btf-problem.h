/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of btf_check(): the check under way, how its parts report what they find,
 * and the parts that have a file of their own. btf-check.c looks at each type,
 * btf-loops.c at the graph, btf-duplicates.c at types that are equal.
 */
#ifndef BTF_BTF_PROBLEM_H
#define BTF_BTF_PROBLEM_H

#include <btfpack/btf.h>

#include "btf/btf-view.h"

/* A check under way. */
struct btf_checker {
	const struct btf_view *view;
	const struct btfpack_btf_check_opts *opts;
	unsigned int pointer_size;
	btfpack_btf_problem_fn fn;
	void *arg;
	struct btfpack_btf_check_summary *sum;
	struct btfpack_error *first;
};

/* Of a name, what a sentence shows at most. */
#define BTF_NAME_SHOWN 120

/* Count a problem of type @id (0: of the whole) and tell it, unless enough of its
 * sort have been told. The sentence is "<kind> <name> (id N): <format>". */
__attribute__((format(printf, 5, 6))) void
btf_check_report(struct btf_checker *c, enum btfpack_btf_problem_sort sort,
		 enum btfpack_btf_severity severity, uint32_t id, const char *format, ...);

#define btf_check_error(c, sort, id, ...)                                                          \
	btf_check_report(c, BTFPACK_BTF_##sort, BTFPACK_BTF_ERROR, id, __VA_ARGS__)
#define btf_check_warning(c, sort, id, ...)                                                        \
	btf_check_report(c, BTFPACK_BTF_##sort, BTFPACK_BTF_WARNING, id, __VA_ARGS__)

/* Types that contain themselves by value, and chains of references without an
 * end. -ENOMEM. */
int btf_check_loops(struct btf_checker *c);

/* Types that are structurally equal to another, bases included. -ENOMEM. */
int btf_check_duplicates(struct btf_checker *c);

#endif
