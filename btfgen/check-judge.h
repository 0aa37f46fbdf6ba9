/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The verdict on a program, from all that was found out about kernel and object: types of
 * its relocations (core-set.h), what the kernel has (check-facts.h), where its code gets
 * to (reach.h).
 */
#ifndef BTFGEN_CHECK_JUDGE_H
#define BTFGEN_CHECK_JUDGE_H

#include <btfpack/check.h>

#include "btfgen/bpf-demands.h"
#include "btfgen/check-arch.h"
#include "btfgen/check-facts.h"
#include "btfgen/core-kernel.h"
#include "btfgen/kernel-version.h"
#include "btfgen/reach.h"

/* As what a target, or something of the kernel that is referred to, is found in BTF. */
static inline unsigned int check_target_kind(enum demand_target target)
{
	return target == DEMAND_FUNCTION || target == DEMAND_PROBE ? BTF_KIND_FUNC
								   : BTF_KIND_TYPEDEF;
}

static inline unsigned int check_extern_kind(const struct demand_extern *e)
{
	return e->is_function ? BTF_KIND_FUNC : BTF_KIND_VAR;
}

/* One object on one kernel. */
struct judgement {
	const struct check_facts *facts;
	const struct core_kernel *kernel;
	uint8_t *is_used; /* by module: scratch */
	const struct core_object *object;
	const struct bpf_demands *demands;
	const struct core_result *results;
	const struct reach *reach;
	const struct reach *sure[2]; /* with settings one way and the other; NULL: the same */
	const struct reach *newest;  /* with the highest patch level; NULL: the same */
	struct kernel_version version; /* zero: not known */
	enum check_arch arch;
	char object_reason[256]; /* why libbpf or the kernel refuses the object as a whole */
};

/* Why the object as a whole is refused, if it is: j->object_reason. */
void check_judge_object(struct judgement *j);

/* @fn hears the verdict. -ENOMEM. */
int check_judge_program(const struct judgement *j, const struct demand_program *program,
			btfpack_verdict_fn fn, void *arg);

/* Whether the verifier stops the function, or libbpf a relocation that it gets to. */
bool check_is_stopped(const struct reach *reach, int32_t function);

#endif
