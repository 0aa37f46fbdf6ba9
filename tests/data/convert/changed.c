/* SPDX-License-Identifier: BSD-2-Clause */
/* Static functions whose parameters or result the compiler takes away in place. */
struct counter {
	long total, calls;
};

/* One parameter is unused, one is the same everywhere; those that are left are where they were. */
static __attribute__((noinline)) void lost_two(struct counter *c, int by, int constant, long unused)
{
	c->total += by * constant;
	c->calls++;
	__asm__ volatile("" ::: "memory");
}

/* Nobody looks at what it returns; its parameters are where they were. One is narrower
 * than its register. */
static __attribute__((noinline)) long lost_result(struct counter *c, long by, _Bool twice)
{
	c->total += twice ? 2 * by : by;
	__asm__ volatile("" ::: "memory");
	return c->total;
}

static __attribute__((noinline)) long whole(struct counter *c, long by, signed char more)
{
	__asm__ volatile("" ::: "memory");
	return c->total += by + more;
}

long use_all(struct counter *c, long x, long y)
{
	lost_two(c, (int)y, 3, x);
	lost_two(c, (int)x, 3, y);
	lost_result(c, x, y > 2);
	lost_result(c, y, x > 2);
	return whole(c, x, (signed char)y) + whole(c, y, (signed char)x);
}
