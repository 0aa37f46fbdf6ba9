/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/minify.h - BTF cut down to what a set of BPF objects needs
 *
 * A compiled BPF object names, in its CO-RE relocations, the few kernel types
 * and members it uses. A minifier is made once for a set of objects and then
 * serves any number of kernels: each run gives a small BTF on which every
 * relocation of every object computes what it computes on the full one. That is
 * checked, relocation by relocation, before a run returns.
 *
 *	struct btfpack_minifier *m;
 *	struct btfpack_blob small = {0};
 *	struct btfpack_error err;
 *
 *	btfpack_minifier_new(&m, &err);
 *	btfpack_minifier_add_object(m, "execsnoop.bpf.o", &err);
 *	btfpack_minifier_run(m, &full, "vmlinux.btf", NULL, &small, &err);
 *	...
 *	btfpack_blob_free(&small);
 *	btfpack_minifier_free(m);
 *
 * The result depends on the needs and on the types that satisfy them, not on
 * type ids or the order of the input: kernels that look alike to the objects
 * give the same bytes. Its header has 24 bytes, its byte order is the kernel's.
 *
 * A relocation that a kernel cannot satisfy is normal where the program asks
 * first (bpf_core_field_exists() and the like), and fatal where the program can
 * reach it: the kernel's verifier then refuses the program. A run tells the two
 * apart; see btfpack_minifier_run().
 *
 * Threads: objects are added by one thread. After the last is in, any number of
 * threads may run the same minifier at once. A run's memory is freed when it
 * returns; the minifier itself does not grow with the number of runs.
 */
#ifndef BTFPACK_MINIFY_H
#define BTFPACK_MINIFY_H

#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct btfpack_minifier;

/* A minifier without objects. Free it with btfpack_minifier_free(). -ENOMEM. */
int btfpack_minifier_new(struct btfpack_minifier **ret, struct btfpack_error *err);

/* NULL is fine. */
void btfpack_minifier_free(struct btfpack_minifier *m);

/*
 * Add the BPF object (ELF, EM_BPF, of either byte order) at @path. An object
 * without .BTF.ext has no relocations and is accepted: it needs nothing.
 *
 * -EBADMSG when it is damaged, -EOPNOTSUPP when it is no BPF object or has
 * relocations of a kind from the future, -ENOMEM, or the system's code. The
 * minifier then is as it was, and other objects can be added.
 */
int btfpack_minifier_add_object(struct btfpack_minifier *m, const char *path,
				struct btfpack_error *err);

/* The same for an object in memory: @size bytes at @data, which are copied.
 * @name is what to call it in sentences and reports; copied too. */
int btfpack_minifier_add_object_mem(struct btfpack_minifier *m, const void *data, size_t size,
				    const char *name, struct btfpack_error *err);

/*
 * Keep a type whatever the objects need: @what is "struct:NAME", "union:NAME",
 * "enum:NAME", "typedef:NAME" or "func:NAME". A struct or union keeps its
 * members, a function its prototype; what lies behind their pointers does not
 * follow, beyond its name. A kernel without that type is fine. -EINVAL when
 * @what is none of these.
 */
int btfpack_minifier_keep(struct btfpack_minifier *m, const char *what, struct btfpack_error *err);

/* How many objects, and relocations in all of them, were added. */
size_t btfpack_minifier_count_objects(const struct btfpack_minifier *m);
size_t btfpack_minifier_count_relocations(const struct btfpack_minifier *m);

/* How one relocation fares on one kernel. */
enum btfpack_relo_state {
	BTFPACK_RELO_RESOLVED = 0, /* it has a value; "does not exist" is one, where asked */
	BTFPACK_RELO_GUARDED = 1,  /* it has none, and no program gets there */
	BTFPACK_RELO_FATAL = 2,	   /* it has none, and a program gets there: not loadable */
};

/* Strings live until the callback returns. */
struct btfpack_relo_report {
	const char *object;   /* as it was added: path or name */
	const char *section;  /* of the instruction: "tp/sched/sched_process_exec" */
	const char *function; /* the C function it is in, "" when the object does not tell */
	uint32_t instruction; /* its number in the section, from 0 */
	const char *kind;     /* "field offset", "type exists", "enum value", ... */
	const char *wanted;   /* "struct task_struct.signal.nr_threads" */
	const char *program;  /* fatal: the program whose path leads there; else "" */
	enum btfpack_relo_state state;
	uint64_t value;	    /* when resolved */
	const char *reason; /* when not: "struct task_struct has no member 'state'" */
	const char *module; /* whose type it was resolved with; "": vmlinux's, or not known */
};

/* Called once a relocation: objects in the order they were added, relocations in
 * the order of the object's records. */
typedef void (*btfpack_relo_fn)(const struct btfpack_relo_report *report, void *arg);

#define BTFPACK_MINIFY_ALLOW_MISSING (1U << 0) /* write also when a relocation is fatal */
#define BTFPACK_MINIFY_NO_ENUM64     (1U << 1) /* for parsers before 2022: see below */

/*
 * Zero means the default, everywhere.
 *
 * @size        sizeof(struct btfpack_minify_opts)
 * @flags       BTFPACK_MINIFY_*. NO_ENUM64 writes a 64-bit enum as an enum where
 *              its values fit 32 bits; where they do not, the run fails with
 *              -EOPNOTSUPP.
 * @base        the vmlinux BTF when the run's BTF is a module's (split BTF); NULL
 *              when it stands alone. The result stands alone either way: one
 *              BTF with what is needed of both, as a custom BTF of libbpf must be.
 * @modules     split BTF of modules on top of the run's BTF, which is then vmlinux's;
 *              @module_count of them. Types are looked for there when vmlinux has
 *              none of that name, as libbpf does; the result stands alone and holds
 *              what is needed of all. Not together with @base.
 * @source      in place of @modules: the same, read only where they matter
 * @report      hears of every relocation, before the run returns; NULL: nobody
 * @report_arg  passed on to it
 */
struct btfpack_minify_opts {
	size_t size;
	uint32_t flags;
	const struct btfpack_blob *base;
	btfpack_relo_fn report;
	void *report_arg;
	const struct btfpack_module_btf *modules;
	size_t module_count;
	const struct btfpack_module_source *source;
};

/*
 * Cut @btf, the raw BTF of one kernel, down to what the objects need. @name is
 * what to call it in sentences. @opts may be NULL. @ret is the caller's to free.
 *
 * -ENOENT   a program reaches a relocation that this kernel cannot satisfy; the
 *           sentence names the first one and how many there are. Nothing is
 *           returned unless ALLOW_MISSING was set, which makes this a success.
 * -EBADMSG  @btf is damaged, or the result did not agree with it
 * -EOPNOTSUPP, -EINVAL, -ENOMEM as everywhere
 */
int btfpack_minifier_run(const struct btfpack_minifier *m, const struct btfpack_blob *btf,
			 const char *name, const struct btfpack_minify_opts *opts,
			 struct btfpack_blob *ret, struct btfpack_error *err);

#ifdef __cplusplus
}
#endif
#endif
