/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a kernel has beyond types to relocate to, as its BTF tells: functions,
 * tracepoints and variables of certain names, system calls, helpers, types of maps
 * and programs. The names to look for are collected first, from all objects; then
 * vmlinux and each module are passed over once.
 */
#ifndef BTFGEN_CHECK_FACTS_H
#define BTFGEN_CHECK_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/types.h>

#include "btf/btf-view.h"
#include "btfgen/core-kernel.h"
#include "btfgen/intern.h"
#include "core/cleanup.h"

/* A kind's byte, then a name, to number. */
struct check_names {
	struct intern table;
	bool has_qualified; /* some functions are of one module only */
};

void check_names_init(struct check_names *names);
void check_names_deinit(struct check_names *names);

/* A function (BTF_KIND_FUNC), a variable (VAR) or a typedef. A function of one module
 * is called "nf_nat:nf_nat_init". What is longer than any kernel's is passed over.
 * -ENOMEM. */
int check_names_add(struct check_names *names, unsigned int kind, const char *name);

/* A system call, by its bare name. */
int check_names_add_syscall(struct check_names *names, const char *name);

/* Types of maps, programs and ways to attach that the kernel's enum lists. */
struct known_types {
	bool is_known; /* there is such an enum */
	uint64_t bits; /* by value, below 64 */
};

#define ARGUMENTS_UNKNOWN UINT8_MAX

struct known_name {
	bool is_there;
	uint8_t arguments; /* of a function or tracepoint, each of one register */
	uint32_t module;   /* of modules[], plus 1; 0: it is vmlinux's */
};

struct check_facts {
	const struct check_names *names;
	struct known_name *has;                   /* by number in names */
	bool has_tracepoints;                     /* any typedef btf_trace_*: since 5.5 */
	bool has_functions;
	bool has_modules; /* there are some, looked at or known not to matter */
	uint32_t helpers; /* ids below are known; 0: nobody knows */
	struct known_types maps;
	struct known_types programs;
	struct known_types attaches;
	bool is_narrow;    /* its pointers have 4 bytes */
	bool has_btf_code; /* functions that all kernels of 4.18 and later have */
	bool has_own_btf;  /* functions that only kernels with BTF in themselves have */
	bool has_fprobe;   /* those behind kprobe.multi, which CONFIG_FPROBE brings */
};

/* Nothing is known yet. -ENOMEM. */
int check_facts_init(struct check_facts *facts, const struct check_names *names);
void check_facts_deinit(struct check_facts *facts);

/* Who collects; he needs no module among what is looked at. */
struct core_looker check_facts_looker(struct check_facts *facts);

/* What is known of a name that was added; NULL: no BTF has it. */
const struct known_name *check_facts_find(const struct check_facts *facts, unsigned int kind,
					  const char *name);

/* False also where nothing can be told. */
bool check_facts_lack_syscall(const struct check_facts *facts, const char *name);
bool check_facts_lack_own_btf(const struct check_facts *facts);
bool check_facts_lack_fprobe(const struct check_facts *facts);
bool check_facts_lack_type(const struct known_types *types, uint32_t type);

#endif
