/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relocations of many objects, prepared so that kernels are quick to serve.
 *
 * Objects ask for the same fields again and again: 57 tools of bcc make 3,900
 * relocations but far fewer different needs. A core_set, filled once, holds
 *
 *	roots   the names and kinds to look for in a kernel
 *	needs   the different paths from a root, each with what its types must be
 *	uses    the relocations, each of which is a need, a kind and an instruction
 *
 * and a core_run looks at one kernel: one pass over its types finds the
 * candidates of every root, each need is matched against its candidates once,
 * and every use gets its result. Memory is freed with the run.
 *
 * One subtlety of libbpf is kept: within an object, relocations of the same local
 * type share their list of candidates, and one that matches some of them strikes
 * the others out for those that follow.
 */
#ifndef BTFGEN_CORE_SET_H
#define BTFGEN_CORE_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>

#include "btfgen/bpf-object.h"
#include "btfgen/core-match.h"
#include "btfgen/intern.h"

/* How a need is compared, which is also what must be kept of a kernel for it. */
enum core_class { CORE_CLASS_FIELD, CORE_CLASS_ENUM_VALUE, CORE_CLASS_TYPE, CORE_CLASS_MATCH };

struct core_need {
	const struct core_btf *local; /* of an object that has it */
	enum core_class class_;
	enum bpf_core_relo_kind kind; /* one of the class */
	uint32_t root;                /* of core_set_find_root() */
	bool is_id;                   /* some use wants the id of the kernel's type */
	struct core_path path;
};

#define CORE_NO_NEED UINT32_MAX

struct core_use {
	const struct bpf_object_relo *relo;
	struct core_value old;
	uint32_t need;  /* CORE_NO_NEED: the result is @fixed on every kernel */
	uint32_t group; /* uses of an object that share a local root type */
	struct core_result fixed;
};

struct core_object {
	struct bpf_object *object;
	struct core_btf local;
	uint32_t first_use; /* in the order of all uses */
	uint32_t use_count;
	struct core_use *uses;
	uint32_t group_count;
	uint32_t *group_roots; /* of each group */
};

struct core_set {
	struct core_object **objects;
	size_t object_count;
	uint32_t use_count; /* of all objects */
	struct core_need **needs;
	uint32_t need_count;
	struct intern need_keys;
	struct intern names;      /* essential names of roots */
	uint32_t kinds;           /* bit set of the kinds of roots */
	uint64_t starts[1 << 10]; /* bit set: hashes of the roots' first four bytes */
};

void core_set_init(struct core_set *set);
void core_set_deinit(struct core_set *set);

/* Take @object over, which on failure is closed. -EBADMSG, -ENOMEM; the set then
 * is as it was. */
int core_set_add(struct core_set *set, struct bpf_object *object, struct btfpack_error *err);

/* The number of the root with that kind and essential name: below names.count times
 * NR_BTF_KINDS. Made to say CORE_NO_ROOT fast. */
#define CORE_NO_ROOT UINT32_MAX
uint32_t core_set_find_root(const struct core_set *set, unsigned int kind, const char *name);

/* Hears of every candidate that a need was matched against and how that went
 * (core_match()'s answer); @path is lent. Negative ends the run. */
typedef int (*core_match_fn)(const struct core_need *need, int matched,
			     const struct core_path *path, void *arg);

struct core_run {
	const struct core_set *set;
	struct core_btf kernel;
	uint32_t *candidates; /* type ids, by root, ascending */
	uint32_t *first;      /* of each root in @candidates, and the end */
	uint32_t *outcome_of; /* first outcome of each need */
	struct core_outcome *outcomes;
	struct core_result *results; /* of all uses, in the objects' order */
	core_match_fn on_match;
	void *arg;
};

/* Compute the result of every use on @kernel; @on_match may be NULL. The view must
 * outlive the run. -ENOMEM, or what @on_match returned. */
int core_run_init(struct core_run *run, const struct core_set *set, const struct btf_view *kernel,
		  core_match_fn on_match, void *arg);
void core_run_deinit(struct core_run *run);
#define AUTO_CORE_RUN CLEANUP(core_run_deinit)

/* The instruction of a use, relocated, in @ret[2] (a second one only where it is 16
 * bytes long); returns what finally became of it. */
struct core_result core_use_patch(const struct core_object *object, const struct core_use *use,
				  const struct core_result *result, struct bpf_insn ret[2]);

#endif
