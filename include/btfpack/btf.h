/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack/btf.h - is this BTF sound, and what differs between two?
 *
 * All functions take raw BTF (the bytes of a .BTF section or of
 * /sys/kernel/btf/vmlinux) in either byte order, and tell what they find through
 * a callback:
 *
 *	static void say(const struct btfpack_btf_change *change, void *arg)
 *	{
 *		puts(change->text);
 *	}
 *	...
 *	struct btfpack_btf_diff_summary sum;
 *	struct btfpack_error err;
 *
 *	if (btfpack_btf_diff(&a, &b, NULL, say, NULL, &sum, &err) < 0)
 *		fprintf(stderr, "%s\n", err.message);
 *	else if (!sum.total.changed && !sum.total.removed && !sum.total.added)
 *		puts("the same");
 *
 * Pure computation over the caller's bytes: no files, no printing, no state. Any
 * number of threads may call at once, on the same bytes too. Damaged and hostile
 * input gives an error or a list of problems, in time and memory that grow with
 * the size of the input.
 */
#ifndef BTFPACK_BTF_H
#define BTFPACK_BTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The number of BTF kinds known here; tables by kind have this many rows. */
#define BTFPACK_BTF_KINDS 20

/* "struct", "func_proto", ...: the name of a kind < BTFPACK_BTF_KINDS, static. */
const char *btfpack_btf_kind_name(unsigned int kind);

/* --- check ----------------------------------------------------------------------------------- */

enum btfpack_btf_severity {
	BTFPACK_BTF_ERROR = 1, /* the kernel or libbpf would refuse it, or a layout cannot be */
	BTFPACK_BTF_WARNING,   /* usable, but not as a good converter leaves it */
};

/* Sorts of problems. Names for machines are given by btfpack_btf_problem_name(). */
enum btfpack_btf_problem_sort {
	BTFPACK_BTF_BAD_FIELD = 1, /* a flag, length or encoding that its kind forbids */
	BTFPACK_BTF_BAD_NAME,	   /* missing, forbidden, or not an identifier */
	BTFPACK_BTF_BAD_REF,	   /* refers to a type of a kind that cannot stand there */
	BTFPACK_BTF_BAD_SIZE,	   /* a size that cannot be */
	BTFPACK_BTF_BAD_MEMBER,	   /* a member outside its struct, or out of order */
	BTFPACK_BTF_LOOP,	   /* a type that contains or only ever refers to itself */
	BTFPACK_BTF_DUPLICATE,	   /* structurally equal to another type */
	BTFPACK_BTF_UNRESOLVED,	   /* a forward although one definition of it is there */
	BTFPACK_BTF_NOT_KERNEL,	   /* vmlinux expected: not exactly one struct task_struct */
	BTFPACK_BTF_PROBLEM_SORTS
};

/* "bad-field", "loop", ...: static; "unknown" out of range. */
const char *btfpack_btf_problem_name(enum btfpack_btf_problem_sort sort);

/* One problem. Strings live until the callback returns. */
struct btfpack_btf_problem {
	size_t size; /* of this struct */
	enum btfpack_btf_problem_sort sort;
	enum btfpack_btf_severity severity;
	uint32_t type_id; /* 0: the whole BTF */
	const char *text; /* a sentence: "struct foo (id 12): member x ends at bit 96, ..." */
};
typedef void (*btfpack_btf_problem_fn)(const struct btfpack_btf_problem *problem, void *arg);

/* What btfpack_btf_check() is to look at. Zero everywhere means the default. */
struct btfpack_btf_check_opts {
	size_t size;			/* sizeof(struct btfpack_btf_check_opts) */
	const char *name;		/* what to call it in sentences; NULL: "BTF" */
	const struct btfpack_blob *base; /* BTF is split, on top of this; NULL: stands alone */
	bool is_vmlinux;		/* demand exactly one struct task_struct */
	bool skip_duplicates;		/* do not look for duplicate types */
	uint32_t most;			/* problems of one sort to tell; the rest is counted. 0: 20 */
};

/* What was found. */
struct btfpack_btf_check_summary {
	uint32_t types;	   /* the split's own only */
	uint32_t errors;   /* told or not */
	uint32_t warnings;
	uint32_t by_sort[BTFPACK_BTF_PROBLEM_SORTS];
	uint32_t by_kind[BTFPACK_BTF_KINDS]; /* types of each kind */
};

/*
 * Check @btf: what the kernel's verifier demands of BTF (fields, names, kinds of
 * references, members inside their struct, sizes, no loops) are errors; types
 * that appear twice and forwards left unresolved are warnings. Problems go to
 * @fn (NULL: nowhere) in the order of type ids, sort by sort.
 *
 * Returns 0 when there are no errors (warnings there may be), -EBADMSG when there
 * are (@err says the first; *@ret is filled) or when the bytes cannot be read as
 * BTF at all (nothing else is filled), -EOPNOTSUPP for a version or kind from the
 * future, -ENOMEM. @opts and @ret may be NULL.
 */
int btfpack_btf_check(const struct btfpack_blob *btf, const struct btfpack_btf_check_opts *opts,
		      btfpack_btf_problem_fn fn, void *arg, struct btfpack_btf_check_summary *ret,
		      struct btfpack_error *err);

/* --- deduplicate ----------------------------------------------------------------------------- */

/*
 * Write into *@ret what @btf describes with every type once, in the same byte
 * order; free the blob. For BTF from elsewhere that was deduplicated badly or not
 * at all. Forwards become definitions where there is one; RHEL's members called
 * __UNIQUE_ID_... count as equal whatever their number. Definitions that differ in
 * themselves from others of their name all stay. @name is what to call it in
 * sentences; NULL: "BTF". The same input gives the same bytes; half a million
 * types take about a second.
 *
 * -EBADMSG for what is not BTF or has types that only ever refer to themselves,
 * -EOPNOTSUPP for a version or kind from the future, -ENOMEM.
 */
int btfpack_btf_dedup(const struct btfpack_blob *btf, const char *name, struct btfpack_blob *ret,
		      struct btfpack_error *err);

/* --- diff ------------------------------------------------------------------------------------ */

/* How to compare. Zero everywhere means the default. */
struct btfpack_btf_diff_opts {
	size_t size;			  /* sizeof(struct btfpack_btf_diff_opts) */
	const char *name_a, *name_b;	  /* what to call them in errors; NULL: "first", "second" */
	const struct btfpack_blob *base_a; /* split BTF: the base of each; NULL: stands alone */
	const struct btfpack_blob *base_b;
	uint32_t kinds;	     /* bit 1 << kind: what to compare; 0: all kinds */
	const char *pattern; /* compare only names matching this glob(7); NULL: all */
	/* An ENUM64 equals an ENUM whose values agree in their low 32 bits, signedness aside. */
	bool ignore_enum64;
	/* Compare the places of variables in their sections, and the sections' sizes. */
	bool offsets;
	/* Ints and floats are equal when size and signedness are, however they are
	 * called, and arrays whatever their index type: what compilers differ in. */
	bool ignore_spelling;
	/* Tell arrays of arrays (T[4][2]) from the array of as many elements (T[8]),
	 * which have the same layout: kernels up to 6.12 were built with a pahole that
	 * writes the latter for the former. */
	bool dimensions;
};

enum btfpack_btf_change_sort {
	BTFPACK_BTF_REMOVED = 1, /* only the first has it */
	BTFPACK_BTF_ADDED,	 /* only the second has it */
	BTFPACK_BTF_CHANGED,	 /* both have it, and this differs */
};

/* One difference. A type that changed in several ways gives several, one after
 * another. Strings live until the callback returns. */
struct btfpack_btf_change {
	size_t size; /* of this struct */
	enum btfpack_btf_change_sort sort;
	unsigned int kind; /* BTF_KIND_STRUCT, ... */
	const char *name;  /* of the type; a description where it has none */
	/* Of a change: "size", "member", "value", "prototype", "type", "linkage",
	 * "encoding", "kind", "variable", "definitions", "reference". NULL otherwise. */
	const char *aspect;
	const char *part; /* the member ("outer.inner"), value or variable; NULL when not of one */
	const char *from, *to; /* as text; NULL: not there. Both NULL but for changes */
	const char *text; /* all of it for a person: "struct sock: member x moved 40 → 48 bytes" */
};
typedef void (*btfpack_btf_change_fn)(const struct btfpack_btf_change *change, void *arg);

/* How many types (or functions, variables) were found the same, and so on. One
 * with three changes counts once. */
struct btfpack_btf_diff_counts {
	uint32_t same, changed, removed, added;
};
struct btfpack_btf_diff_summary {
	struct btfpack_btf_diff_counts by_kind[BTFPACK_BTF_KINDS]; /* enum64 counts as enum */
	struct btfpack_btf_diff_counts total;
};

/*
 * Compare @a with @b by what they describe, not by how: order, ids and string
 * offsets do not matter. Types, functions and variables are matched by kind and
 * name. Two definitions agree when everything about them does: size, and every
 * member's name, place, size and type; other named types are meant by their
 * names, unnamed ones by their structure. Several definitions under one name are
 * a set (with repetition), and then a reference to that name also tells which of
 * the set it means. Types without name that nothing refers to are a set a kind;
 * the other unnamed ones are compared where they are used.
 *
 * Differences go to @fn (NULL: nowhere), ordered by kind and name. Returns 0
 * whether or not there are any: see *@ret. -EBADMSG for bytes that are not BTF,
 * -EOPNOTSUPP for a version or kind from the future, -ENOMEM. @opts may be NULL.
 */
int btfpack_btf_diff(const struct btfpack_blob *a, const struct btfpack_blob *b,
		     const struct btfpack_btf_diff_opts *opts, btfpack_btf_change_fn fn, void *arg,
		     struct btfpack_btf_diff_summary *ret, struct btfpack_error *err);

/* --- header ---------------------------------------------------------------------------------- */

/*
 * Write @btf as a C header (vmlinux.h) into *@ret, a string of @ret->size bytes
 * without its NUL: all its types, in an order and with the padding and packing
 * that give clang -target bpf the layout of the BTF, records marked
 * preserve_access_index. What C cannot have (a second type of one name) gets a
 * "___2" that CO-RE ignores. Functions tagged "bpf_kfunc" get weak prototypes,
 * unless BPF_NO_KFUNC_PROTOTYPES is defined. @name is what to call the BTF in sentences and in
 * the header's first line; NULL: "BTF".
 *
 * Free the blob. -EBADMSG when the BTF is not sound (see btfpack_btf_check()),
 * -EOPNOTSUPP for a version or kind from the future, -EFBIG when the header
 * would be larger than 256 MiB, -ENOMEM.
 */
int btfpack_btf_header(const struct btfpack_blob *btf, const char *name, struct btfpack_blob *ret,
		       struct btfpack_error *err);

/* One kernel of several for a portable header. */
struct btfpack_btf_header_input {
	const struct btfpack_blob *btf;
	const char *name;  /* what to call it in sentences */
	const char *label; /* its name in the header: letters, digits, underscores */
};

/*
 * Write one header for @count kernels (at most 64), whatever their architecture:
 * programs compiled with it run on all of them by CO-RE. Types that all kernels
 * have alike keep their layout. Others have the members of all, each with a
 * comment saying which kernels have it; their layout and size mean nothing, so
 * such a type must not be copied whole or measured with sizeof (ask
 * bpf_core_type_size()). Where kernels disagree about the type of a member, the
 * first that has it wins, and the others' stands in a flavour of its own:
 * "struct task_struct___<label>". The same enumerator with another value is as in
 * the first kernel: ask bpf_core_enum_value().
 *
 * Returns as btfpack_btf_header(); -EINVAL for no or too many inputs, or a label
 * with other characters.
 */
int btfpack_btf_header_portable(const struct btfpack_btf_header_input *inputs, size_t count,
				struct btfpack_blob *ret, struct btfpack_error *err);

#ifdef __cplusplus
}
#endif
#endif
