/* SPDX-License-Identifier: BSD-2-Clause */
/* For kernel-two.c, whose structs disagree on this: libbpf refuses the object. */
#include "core.h"

struct thing {
	int hidden;
} CORE;

SEC("tp/ambiguous") int ambiguous(struct thing *t)
{
	return t->hidden;
}
