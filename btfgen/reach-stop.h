/* SPDX-License-Identifier: BSD-2-Clause */
/* What of a kernel stops a program, at one instruction. See reach.h. */
#ifndef BTFGEN_REACH_STOP_H
#define BTFGEN_REACH_STOP_H

#include "btfgen/reach.h"

/* What an extern is to the kernel; @target may be NULL, or none. */
enum reach_symbol reach_find_symbol(const struct reach_kernel *kernel,
				    const struct bpf_object_target *target);

/* @at is an instruction of @section. REACH_STOP_ARGUMENT is not for here: it hangs on
 * what registers hold. */
struct reach_stop reach_stop_at(const struct bpf_object *object, const struct reach_kernel *kernel,
				const struct bpf_object_section *section, uint32_t at);

/* Whether there is any such instruction in @object, reached or not. */
bool reach_has_stop(const struct bpf_object *object, const struct reach_kernel *kernel);

#endif
