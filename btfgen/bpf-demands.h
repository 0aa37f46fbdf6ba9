/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a BPF object demands of a kernel beyond its relocations, read off its
 * section names, map definitions and externs: program types, what programs attach
 * to, map types, kernel functions and variables.
 */
#ifndef BTFGEN_BPF_DEMANDS_H
#define BTFGEN_BPF_DEMANDS_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/bpf.h>

#include <btfpack/error.h>

#include "btfgen/bpf-object.h"

/* How BTF can tell whether there is something to attach to. */
enum demand_target {
	DEMAND_NOTHING,    /* it cannot, or nothing is named */
	DEMAND_FUNCTION,   /* a function, which libbpf looks up in BTF at load time */
	DEMAND_PROBE,      /* a function, which BTF may not list though it can be probed */
	DEMAND_TRACEPOINT, /* a tracepoint, known by its typedef btf_trace_<name> */
	DEMAND_EVENT,      /* the same, attached to after loading, by another way */
	DEMAND_SYSCALL,    /* a system call, by its bare name */
};

/* How many of its target's arguments a program may read. */
enum demand_arguments {
	DEMAND_ANY,
	DEMAND_ARGUMENTS,
	DEMAND_AND_RESULT, /* one more: what the function returned */
};

struct demand_program {
	int32_t function; /* in bpf_object.functions */
	int type;         /* enum bpf_prog_type; 0: not known */
	int attach_type;  /* enum bpf_attach_type, where an old kernel minds; 0: it does not */
	bool is_unknown;  /* its section says nothing to libbpf: the loader must */
	bool is_on_demand;  /* "?kprobe": only loaded when the loader asks for it */
	bool is_named_late; /* "fentry": the loader must name what it attaches to */
	bool takes_fprobe; /* kprobe.multi and the like */
	bool alters_result; /* fmod_ret, which only some functions allow */
	enum demand_arguments arguments;
	enum demand_target target;
	char *name;   /* of the target; NULL with DEMAND_NOTHING */
	char *module; /* @name is "nf_nat:nf_nat_init", of that one only; mostly NULL */
};

struct demand_map {
	const char *name;
	uint32_t type; /* enum bpf_map_type */
};

struct demand_extern {
	const char *name;
	bool is_function;
	bool is_weak;
};

struct demand_setting {
	const char *name;
	uint32_t size; /* bytes */
	bool is_weak;
};

struct bpf_demands {
	struct demand_program *programs;
	size_t program_count;
	struct demand_map *maps;
	size_t map_count;
	struct demand_extern *externs; /* those that BTF types describe */
	size_t extern_count;
	struct demand_setting *settings; /* externs that libbpf fills in */
	size_t setting_count;
};

/* Whether the program is attached by the kernel's own BTF. */
bool bpf_demands_own_btf(const struct demand_program *program);

/* The number in settings of @name (an extern of .kconfig), -1: it is none. */
int64_t bpf_demands_find_setting(const struct bpf_demands *demands, const char *name);

/* Names are lent by @object. -ENOMEM. */
int bpf_demands_init(struct bpf_demands *demands, const struct bpf_object *object);
void bpf_demands_deinit(struct bpf_demands *demands);

#endif
