/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/check.h - will these BPF programs load on that kernel?
 *
 * A checker is made once for a set of BPF objects and asked about any number of
 * kernels, given their BTF. For each program it looks at
 *
 *   - CO-RE relocations, by libbpf's rules, and which of those without a value the
 *     program can reach (see btfpack/minify.h);
 *   - helpers, map types, program types and ways to attach, which the kernel's own
 *     enums list, and atomic instructions that are younger than they are;
 *   - what it attaches to, where BTF tells: functions for fentry, fexit, fmod_ret,
 *     lsm, iter and kprobes, tracepoints, system calls; and how many arguments of it
 *     the program reads;
 *   - kernel functions and variables it refers to by BTF (kfuncs, typed ksyms);
 *   - what takes a kernel with BTF of its own, which is seen from the functions behind
 *     /sys/kernel/btf.
 *
 * All of these are looked for in vmlinux, then in the modules whose BTF is given.
 *
 *	struct btfpack_checker *c;
 *
 *	btfpack_checker_new(&c, &err);
 *	btfpack_checker_add_object(c, "agent.bpf.o", &err);
 *	struct btfpack_check_kernel kernel = { .size = sizeof(kernel), .btf = &btf,
 *					       .name = "6.1.0-28-amd64" };
 *
 *	btfpack_checker_run(c, &kernel, print_verdict, NULL, &err);
 *	btfpack_checker_free(c);
 *
 * Constants of .rodata are taken as unknown, as a loader may set them, and so are
 * .kconfig (but for what libbpf fills in by itself, LINUX_KERNEL_VERSION and the like)
 * and weak symbols by address. Where a verdict hangs on one of them it is UNSURE, and
 * so it is where the loader must still name a target, where the program is only loaded
 * on demand (SEC("?...")), and where a kprobe reads registers of another architecture.
 *
 * What it cannot see: the verifier's other rules (memory safety, complexity, helpers
 * that only some types of programs may call), the kernel's configuration where it
 * leaves no trace in BTF, privileges.
 *
 * Threads: objects are added by one; then any number may run the same checker.
 */
#ifndef BTFPACK_CHECK_H
#define BTFPACK_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct btfpack_checker;

/* As the functions of btfpack/minify.h with these names. */
int btfpack_checker_new(struct btfpack_checker **ret, struct btfpack_error *err);
void btfpack_checker_free(struct btfpack_checker *c);
int btfpack_checker_add_object(struct btfpack_checker *c, const char *path,
			       struct btfpack_error *err);

/* The same for an object in memory, which is copied. */
int btfpack_checker_add_object_mem(struct btfpack_checker *c, const void *data, size_t size,
				   const char *name, struct btfpack_error *err);

/* How many programs all objects have, and what they are called: in the order in
 * which a run calls back. Strings live as long as the checker. */
size_t btfpack_checker_count_programs(const struct btfpack_checker *c);
typedef void (*btfpack_program_fn)(const char *object, const char *program, const char *section,
				   void *arg);
void btfpack_checker_list(const struct btfpack_checker *c, btfpack_program_fn fn, void *arg);

/* From best to worst. */
enum btfpack_verdict {
	BTFPACK_VERDICT_LOADS = 0,
	BTFPACK_VERDICT_LOADS_WITHOUT = 1, /* without some optional fields: it asks first */
	BTFPACK_VERDICT_UNSURE = 2,	   /* it hangs on what BTF does not tell */
	BTFPACK_VERDICT_REJECTED = 3,
};

/* One program on one kernel. @reason lives until the callback returns, the other
 * strings as long as the checker. */
struct btfpack_program_verdict {
	const char *object;   /* as it was added */
	const char *program;  /* the C function */
	const char *section;  /* "fentry/tcp_connect" */
	enum btfpack_verdict verdict;
	uint32_t optional;    /* relocations without a value that it does not get to */
	uint32_t instruction; /* rejected for an instruction: its number in @where */
	const char *where;    /* the section of that instruction; "" when for another reason */
	const char *reason;   /* a sentence without its point; "" when it loads */
	const char *modules;  /* those it needs something of, "nf_conntrack nf_nat"; "" none.
				 Lives until the callback returns, too */
};

typedef void (*btfpack_verdict_fn)(const struct btfpack_program_verdict *verdict, void *arg);

/* A kernel to ask about. Zero everywhere means not known, but for the first three. */
struct btfpack_check_kernel {
	size_t size;                              /* sizeof(struct btfpack_check_kernel) */
	const char *name;                         /* what to call it in sentences */
	const struct btfpack_blob *btf;           /* vmlinux's */
	const struct btfpack_module_btf *modules; /* that may be loaded */
	size_t module_count;
	const char *uname; /* `uname -r`, for programs that ask for the kernel's version. Of
			      "6.1.0-28-amd64" any patch level is thought possible */
	const struct btfpack_module_source *source; /* in place of @modules: the same, read
						       only where they matter */
};

/*
 * Judge every program on @kernel. @fn hears of programs in the order of objects and
 * of the programs in each. A module whose types, functions or tracepoints a program
 * needs is named in its verdict, which holds when that module is loaded. -EBADMSG,
 * -EOPNOTSUPP when BTF is damaged or from the future, -ENOMEM.
 */
int btfpack_checker_run(const struct btfpack_checker *c, const struct btfpack_check_kernel *kernel,
			btfpack_verdict_fn fn, void *arg, struct btfpack_error *err);

#ifdef __cplusplus
}
#endif
#endif
