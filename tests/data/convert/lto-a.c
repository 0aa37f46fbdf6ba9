/* SPDX-License-Identifier: BSD-2-Clause */
/* With lto-b.c: what an LTO build takes from one file into another. */
/* Neither inlined nor changed. */
#define OUT_OF_LINE __attribute__((noinline, noipa))

struct record {
	int id;
	struct record *next;
	struct elsewhere *far; /* only declared here */
};

__attribute__((section(".data..percpu"))) struct record percpu_record = { 1 };

/* Small enough to be inlined into the other file, with it goes the call of what is
 * static here: that becomes a symbol with a suffix. */
static OUT_OF_LINE int hidden(struct record *r, int value)
{
	return r->id + value * percpu_record.id;
}

int small(struct record *r, int value)
{
	return hidden(r, value) + value;
}

/* Another of this name is in the other file. */
static OUT_OF_LINE int local(struct record *r)
{
	__asm__ volatile("");
	return r->id;
}

/* Inlined everywhere: has no code in the end. */
static int gone(struct record *r)
{
	return r->id + 1;
}

int first(struct record *r)
{
	return local(r) + small(r, 3) + gone(r);
}
