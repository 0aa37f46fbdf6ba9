/* SPDX-License-Identifier: BSD-2-Clause */
#define OUT_OF_LINE __attribute__((noinline, noipa))

struct elsewhere {
	long here;
};
struct record {
	int id;
	struct record *next;
	struct elsewhere *far;
};

extern struct record percpu_record;
int small(struct record *r, int value);

static OUT_OF_LINE long local(struct elsewhere *e, long by)
{
	__asm__ volatile("");
	return e->here * by;
}

long second(struct record *r, long by)
{
	return small(r, 5) + local(r->far, by) + percpu_record.id;
}
