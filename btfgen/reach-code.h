/* SPDX-License-Identifier: BSD-2-Clause */
/* The instructions of an object as a kernel gets them: relocated. See reach.h. */
#ifndef BTFGEN_REACH_CODE_H
#define BTFGEN_REACH_CODE_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/bpf.h>

#include "btfgen/core-set.h"

/* What relocations made of an instruction. */
struct reach_note {
	int32_t poisoned_by; /* use, -1: none */
	bool is_vague;       /* its immediate or offset is to be taken as unknown */
};

struct reach_code {
	const struct bpf_object_section *section;
	struct bpf_insn *instructions; /* relocated */
	struct reach_note *notes;
};

/* One for each section of @object; @final is set to what became of each of its uses.
 * NULL: out of memory. */
struct reach_code *reach_codes_new(const struct core_object *object,
				   const struct core_result *results, struct core_result *final);
void reach_codes_free(struct reach_code *codes, size_t count);

#endif
