/* SPDX-License-Identifier: BSD-2-Clause */
int table[16];

__attribute__((noinline)) void sink(int x)
{
	table[x & 15] += x;
}

/* One code for both, by gcc -O2; and as each is inlined below, the one that has none
 * of its own left looks like an inline function. */
int twin_one(int value)
{
	sink(value);
	sink(value + 1);
	return value * 3;
}

int twin_two(int value)
{
	sink(value);
	sink(value + 1);
	return value * 3;
}

static int only_inlined(int value)
{
	return value + 7;
}

int use_twins(int v)
{
	return twin_one(v + 1) + twin_two(v * 2) + only_inlined(v);
}
