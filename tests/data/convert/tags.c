/* SPDX-License-Identifier: BSD-2-Clause */
/* btf_type_tag and btf_decl_tag wherever C takes them; with tags-b.c, two files. */
#define TYPE_TAG(text) __attribute__((btf_type_tag(text)))
#define DECL_TAG(text) __attribute__((btf_decl_tag(text)))
#define NOINLINE       __attribute__((noinline))

#ifndef FILE_B
#define IN_FILE(name) a_##name
struct config {
	int in_a;
};
#else
#define IN_FILE(name) b_##name
struct config {
	long in_b;
};
#endif

/* The same in both files. */
struct node {
	struct node TYPE_TAG("rcu") * next;
	int TYPE_TAG("user") * p DECL_TAG("guarded by lock") DECL_TAG("short");
	int lock;
	struct {
		char inner DECL_TAG("of the nameless");
	};
} DECL_TAG("a tag of the struct") DECL_TAG("second");

union either {
	int a;
	char b[4] DECL_TAG("b");
} DECL_TAG("either");

struct declared; /* here; tags-b.c has it whole */
#ifdef FILE_B
struct declared {
	int x DECL_TAG("x");
} DECL_TAG("whole");
#endif
typedef struct declared declared_t DECL_TAG("typedef of a declaration");
typedef int number_t DECL_TAG("number");

/* Another in each file. */
struct holder {
	struct config TYPE_TAG("rcu") * config DECL_TAG("config");
} DECL_TAG("holder");

int TYPE_TAG("outer") TYPE_TAG("inner") * IN_FILE(two_tags);
const int TYPE_TAG("user") *const *IN_FILE(behind_const);
void TYPE_TAG("percpu") * IN_FILE(to_void);
struct node TYPE_TAG("a tag of more than seven") * IN_FILE(long_text);
__attribute__((section(".data..percpu"))) struct node TYPE_TAG("rcu") *
	IN_FILE(percpu) DECL_TAG("a variable's") = (void *)1;

NOINLINE int IN_FILE(function)(int value DECL_TAG("first"),
			       struct node TYPE_TAG("rcu") * node DECL_TAG("second"))
	DECL_TAG("a function's")
{
	return value + node->lock;
}

static inline int IN_FILE(inlined)(int value) DECL_TAG("inline's")
{
	return value + 1;
}
int (*IN_FILE(pointer))(int) = IN_FILE(inlined);

long IN_FILE(user)(union either *e, declared_t *d, number_t n, struct holder *h)
{
	return e->a + n + (d != 0) + (h->config != 0) + IN_FILE(inlined)(n);
}
