/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of a command line become the bytes of a gadget's options struct, and of
 * the object's .rodata. Every option begins with its default.
 *
 * How values are written: numbers in decimal, 0x or 0 notation; yes/no for bool
 * (an option without a value means yes); text for char arrays; an enumerator's
 * name or number; numbers with commas between for arrays. By format:
 *
 *	cgroup	the path of a control group's directory, or its id
 *	mntns	the number of a mount namespace, or pid:N for that of process N
 *	signal	a signal's name, with or without SIG, or its number
 *	dev	the name of a block device, or its major:minor
 *	ms, us	milliseconds, microseconds, with decimals; kept in nanoseconds
 */
#ifndef GADGET_RUNNER_GADGET_OPTIONS_H
#define GADGET_RUNNER_GADGET_OPTIONS_H

#include <stdint.h>

#include "gadget-runner/gadget-spec.h"

struct gadget_options {
	const struct gadget_spec *spec;
	uint8_t *options;    /* spec->options.size bytes: the value of the map "options" */
	uint8_t *variables;  /* spec->variables.size bytes: .rodata */
	bool *variables_set; /* one a variable: was it given? */
};

/* Fill in the defaults. @rodata: the object's own .rodata, or NULL for zeroes.
 * -ENOMEM; -EBADMSG for a default that is no value. */
int gadget_options_init(struct gadget_options *options, const struct gadget_spec *spec,
			struct btfpack_error *err);
void gadget_options_deinit(struct gadget_options *options);
#define AUTO_GADGET_OPTIONS CLEANUP(gadget_options_deinit)

/* Set the option @field of the spec to @text. -EINVAL and a sentence: no such value. */
int gadget_options_set(struct gadget_options *options, const struct gadget_field *field,
		       const char *text, struct btfpack_error *err);

/* The number an option stands at: 0 for those that hold none. */
uint64_t gadget_options_number(const struct gadget_options *options,
			       const struct gadget_field *field);

/* Does the option take a value, or is it a mere flag? */
bool gadget_option_takes_value(const struct gadget_field *field);

/* What help calls the value: "N", "TEXT", "SIGNAL"; NULL for a flag. */
const char *gadget_option_word(const struct gadget_field *field);

#endif
