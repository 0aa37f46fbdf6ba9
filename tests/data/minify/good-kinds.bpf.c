/* SPDX-License-Identifier: BSD-2-Clause */
/* Every kind of CO-RE relocation that clang 14 knows, in an order that the golden reports follow. */
#include "core.h"

enum mode { MODE_NONE, MODE_READ, MODE_WRITE = 7 };
typedef int (*callback)(int, void *);
typedef struct { int counter; } counter_t;

struct part {
	int first;
	unsigned char second;
} CORE;

struct thing {
	int plain;
	void *pointer;
	unsigned int bits : 3;
	int signed_bits : 5;
	struct {
		int hidden;
		union {
			long deeper;
			short shorter;
		};
	};
	struct part parts[4];
	enum mode mode;
	callback call;
	struct part last[];
} CORE;

struct thing___before { /* before a rename */
	int plain_old;
} CORE;

struct absent {
	int member;
} CORE;

SEC("tp/kinds") int kinds(struct thing *t)
{
	struct thing___before *before = (void *)t;
	struct absent *absent = (void *)t;

	USE(FIELD_OFFSET(t->plain));
	USE(FIELD_OFFSET(t->deeper));
	USE(FIELD_OFFSET(t->parts[2].second));
	USE(FIELD_OFFSET(t->last[9].first));
	USE(FIELD_OFFSET(t[1].plain));
	USE(FIELD_SIZE(t->parts));
	USE(FIELD_SIZE(t->pointer));
	USE(FIELD_EXISTS(t->hidden));
	USE(FIELD_EXISTS(before->plain_old));
	USE(FIELD_EXISTS(absent->member));
	USE(FIELD_SIGNED(t->plain));
	USE(FIELD_SIGNED(t->bits));
	USE(FIELD_OFFSET(t->signed_bits));
	USE(FIELD_SIZE(t->signed_bits));
	USE(FIELD_LSHIFT(t->signed_bits));
	USE(FIELD_RSHIFT(t->signed_bits));
	USE(TYPE_ID_KERNEL(struct thing));
	USE(TYPE_EXISTS(struct thing));
	USE(TYPE_EXISTS(struct absent));
	USE(TYPE_EXISTS(callback));
	USE(TYPE_SIZE(struct thing));
	USE(TYPE_SIZE(counter_t));
	USE(ENUM_EXISTS(enum mode, MODE_WRITE));
	USE(ENUM_VALUE(enum mode, MODE_WRITE));
	return t->plain;
}

/* Anonymous types: only the local id is possible. */
SEC("tp/local") int local(void *ctx)
{
	USE(TYPE_ID_LOCAL(struct thing) != 0);
	return 0;
}
