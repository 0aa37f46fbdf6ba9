/* SPDX-License-Identifier: BSD-2-Clause */
/* With unit-b.c: what two files of one program say of the same names. */
struct shared {
	int id;
	struct config *config; /* this file's own */
	struct whole *whole;   /* declared here, defined there */
};
struct config {
	int in_a;
};
struct whole;
typedef struct config config_t;

/* As kernels do with per-CPU variables. */
__attribute__((section(".data..percpu"))) int percpu_int = 1;
__attribute__((section(".data..percpu"))) struct shared percpu_shared[3] = { { 1 } };
__attribute__((section(".data..percpu"))) static long percpu_static = 2;
int not_percpu;

static __attribute__((noinline)) int same_name(struct config *c)
{
	return c->in_a + not_percpu;
}

static __attribute__((noinline)) int only_in_a(config_t *c, long unused, int used)
{
	return c->in_a * used;
}

static inline int inlined(struct shared *s)
{
	return s->id + 1;
}

int global_a(struct shared *s, config_t *c)
{
	struct local_type {
		int x;
		struct shared *s;
	} local = { s->id, s };
	percpu_static += local.x;
	return same_name(s->config) + only_in_a(c, 4, local.s->id) + inlined(s);
}

int with_varargs(const char *format, ...)
{
	return format[0];
}

unsigned long no_parameters(void)
{
	return (unsigned long)percpu_static;
}

struct shared by_value(struct shared s, double d, char narrow)
{
	s.id += (int)d + narrow;
	return s;
}

struct whole *returns_declared(struct whole *w, int (*fn)(struct whole *))
{
	return fn(w) ? w : 0;
}
