/* SPDX-License-Identifier: BSD-2-Clause */
/* What clang knows since 15: types matched as a whole, and 64-bit enums. */
#include "core.h"

enum mode { MODE_NONE, MODE_READ };
enum wide { WIDE_LOW = 1, WIDE_HIGH = 0x100000002 };

struct part {
	unsigned char second;
};

struct pair {
	int left;
	struct part *right;
};

struct thing { /* of a member of it, more is asked than of the whole */
	void *pointer;
};

struct thing___field {
	void *pointer;
} CORE;

SEC("tp/matches") int matches(struct thing___field *t)
{
	USE(TYPE_MATCHES(struct pair));
	USE(TYPE_MATCHES(struct part));
	USE(TYPE_MATCHES(enum mode));
	USE(TYPE_MATCHES(struct thing));
	USE(ENUM_VALUE(enum wide, WIDE_LOW));
	USE(ENUM_VALUE(enum wide, WIDE_HIGH));
	return t->pointer != 0;
}
