/* SPDX-License-Identifier: BSD-2-Clause */
/* Relocations in words, for reports and error sentences. */
#ifndef BTFGEN_CORE_TEXT_H
#define BTFGEN_CORE_TEXT_H

#include <stddef.h>

#include "btfgen/core-set.h"

/* What a relocation asks for: "struct task_struct.signal.nr_threads". */
void core_text_wanted(const struct core_object *object, const struct core_use *use, char *ret,
		      size_t size);

/* Why it has no value: "the kernel's struct task_struct has no 'state' that fits".
 * Empty when it has one. */
void core_text_reason(const struct core_object *object, const struct core_use *use,
		      const struct core_result *result, char *ret, size_t size);

#endif
