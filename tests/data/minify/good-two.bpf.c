/* SPDX-License-Identifier: BSD-2-Clause */
/* For kernel-two.c: what both structs agree on, what one of them has (which strikes
 * out the other for the rest of the object), and what they disagree on. */
#include "core.h"

struct thing {
	long plain;
	int hidden;
	int only_here;
	int only_there;
} CORE;

struct thing___again { /* another local type starts with all candidates again */
	int hidden;
	int only_there;
} CORE;

SEC("tp/two") int two(struct thing *t)
{
	struct thing___again *again = (void *)t;

	USE(FIELD_OFFSET(t->plain));
	USE(FIELD_OFFSET(t->only_here));
	USE(FIELD_EXISTS(t->only_there));
	USE(FIELD_OFFSET(t->hidden));
	USE(FIELD_EXISTS(again->only_there));
	USE(FIELD_OFFSET(again->hidden));
	return 0;
}
