/* SPDX-License-Identifier: BSD-2-Clause */
struct config {
	long in_b;
	struct shared *s;
};
struct whole {
	int defined_here;
	struct config *config;
};
struct shared {
	int id;
	struct config *config;
	struct whole *whole;
};
union only_in_b {
	struct whole w;
	long l;
};

static __attribute__((noinline)) long same_name(struct config *c)
{
	return c->in_b;
}

int global_a(struct shared *s, struct config *c);

static inline int inlined(struct shared *s)
{
	return s->id + 1;
}

long global_b(struct shared *s, struct whole *w, union only_in_b *u)
{
	return same_name(s->config) + w->defined_here + u->l + inlined(s);
}
