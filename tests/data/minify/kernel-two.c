/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel with two structs of one name: they agree on `plain` and on nothing else. */
long one(void)
{
	static struct thing {
		long plain;
		int hidden;
		int only_here;
	} thing;

	return thing.plain++;
}

long two(void)
{
	static struct thing {
		long plain;
		long between;
		int hidden;
		int only_there;
	} thing;

	return thing.plain++;
}
