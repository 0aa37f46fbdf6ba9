/* SPDX-License-Identifier: BSD-2-Clause */
/* Relocations that kernel-old.c cannot satisfy: behind a question in the programs
 * called guarded_*, reached in those called fatal_*. */
#include "core.h"

enum mode { MODE_NONE, MODE_READ, MODE_WRITE };

struct thing {
	int plain;
	int hidden;
} CORE;

struct thing___before {
	int plain_old;
} CORE;

struct absent {
	int member;
} CORE;

SEC("tp/guarded_field") int guarded_field(struct thing *t)
{
	if (FIELD_EXISTS(t->plain))
		return t->plain;
	return ((struct thing___before *)t)->plain_old;
}

SEC("tp/guarded_type") int guarded_type(void *ctx)
{
	int enabled = 0;

	if (TYPE_EXISTS(struct absent))
		enabled = 1;
	USE(ctx);
	if (enabled)
		return ((struct absent *)ctx)->member;
	return 0;
}

SEC("tp/guarded_enum") int guarded_enum(void *ctx)
{
	if (ENUM_EXISTS(enum mode, MODE_WRITE))
		return ENUM_VALUE(enum mode, MODE_WRITE);
	return 0;
}

/* The question is asked by a function, and another one has the answer's use. */
static __attribute__((noinline)) int has_hidden(void)
{
	return FIELD_EXISTS(((struct thing *)0)->hidden);
}

static __attribute__((noinline)) int read_hidden(struct thing *t, int really)
{
	asm volatile("" : "+r"(t));
	return really ? t->hidden : 0;
}

SEC("tp/guarded_call") int guarded_call(struct thing *t)
{
	return read_hidden(t, has_hidden());
}

SEC("tp/fatal_field") int fatal_field(struct thing *t)
{
	return t->hidden;
}

SEC("tp/fatal_condition") int fatal_condition(struct thing *t)
{
	if (((struct thing___before *)t)->plain_old == 3)
		return ((struct absent *)t)->member;
	return 0;
}

/* The answer is turned round. */
SEC("tp/fatal_negated") int fatal_negated(struct thing *t)
{
	if (!FIELD_EXISTS(t->hidden))
		return t->hidden;
	return 0;
}
