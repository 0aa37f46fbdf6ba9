/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which programs of an object are loaded into this kernel: asked before each try.
 *
 *	struct choice choice = { .spec = &spec, .has_own_btf = ... };
 *
 *	do {
 *		choice_make(&choice, object, &err);
 *		... load it ...
 *	} while (failed && choice_refuse(&choice, program, why) > 0);
 *
 * A gadget says itself what it can do without. Of any other object left out is what
 * has no place here, what this kernel did not take when it was tried, and what would
 * see the same a second time: tools bring one program for fentry and one for kprobe of
 * the same function, and load one of them.
 */
#ifndef GADGET_RUNNER_CHOICE_H
#define GADGET_RUNNER_CHOICE_H

#include <stdbool.h>
#include <stddef.h>

#include <btfpack/error.h>

#include "gadget-runner/gadget-spec.h"

struct bpf_object;
struct bpf_program;

struct choice {
	const struct gadget_spec *spec;
	bool has_own_btf; /* the kernel's */
	char **refused;   /* names of programs that this kernel did not take */
	size_t refused_count;
	char first_reason[320]; /* why the first one was left out; "" */
};

/* Say which programs of @object are to be loaded. -ENOENT: the kernel has no place for
 * one that the gadget cannot do without; -EACCES: no right to see what it has. */
int choice_make(struct choice *choice, struct bpf_object *object, struct btfpack_error *err);

/* The kernel did not take this program: the next choice_make() leaves it out. 1; 0 when
 * it cannot be done without; -ENOMEM. */
int choice_refuse(struct choice *choice, const char *program, const char *why);

/* Does another program of @object do the work of @program when that is refused? */
bool choice_has_other(const struct choice *choice, const struct bpf_object *object,
		      const struct bpf_program *program);

/* Tell, and remember the first time, why a program is left out. */
__attribute__((format(printf, 3, 4))) void
choice_tell(struct choice *choice, const struct bpf_program *program, const char *format, ...);

void choice_deinit(struct choice *choice);

/* Gadgets say which of their programs they can do without; others do not know how. */
bool choice_is_gadget(const struct choice *choice);

#endif
