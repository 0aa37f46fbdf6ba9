/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names on their way into BTF: each is looked up and hashed as a string once. And
 * what shows a file where equal strings have several names, so that types counted
 * as different that are not: as many names must come as strings.
 */
#ifndef BTFGEN_EMIT_NAMES_H
#define BTFGEN_EMIT_NAMES_H

#include <stdbool.h>

#include "btf/btf-build.h"
#include "btfgen/dwarf-unit.h"
#include "core/buf.h"

struct emit_names {
	struct btf_build *build;
	const struct dwarf_file *file;
	struct emit_name {
		dwarf_name name; /* 0: free */
		uint32_t offset;
	} *slots;
	uint32_t slot_count, used;
	uint8_t *named; /* a bit for each offset that has a name */
	size_t named_size;
	bool has_repeats; /* out: two names are one string */
};

/* Both borrowed until deinit. @expected: how many names there may be, roughly. -ENOMEM. */
int emit_names_init(struct emit_names *names, struct btf_build *build,
		    const struct dwarf_file *file, uint32_t expected);
void emit_names_deinit(struct emit_names *names);

/* Say that @name comes soon: its string may lie anywhere in a section of megabytes. */
void emit_names_expect(const struct emit_names *names, dwarf_name name);

/* The offset of @name's string in the BTF. */
int emit_names_string(struct emit_names *names, dwarf_name name, uint32_t *ret);

#endif
