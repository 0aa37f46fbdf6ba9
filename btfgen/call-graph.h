/* SPDX-License-Identifier: BSD-2-Clause */
/* Which functions of a BPF object call which. */
#ifndef BTFGEN_CALL_GRAPH_H
#define BTFGEN_CALL_GRAPH_H

#include <stdint.h>

#include "btfgen/bpf-object.h"

/* The function that instruction @at of section @section calls or takes the address
 * of, by its number in functions; -1: none of this object. */
int32_t call_graph_callee(const struct bpf_object *object, uint32_t section, uint32_t at);

/* Set @ret, a byte for each function of @object, to 1 where @function may get to by
 * calls, itself among them, and to 0 elsewhere. -ENOMEM. */
int call_graph_reach(const struct bpf_object *object, int32_t function, uint8_t *ret);

#endif
