/* SPDX-License-Identifier: BSD-2-Clause */
/* Every kind of C type that kernels have; what it turns into is in types-*.btf. */
typedef unsigned char u8;
typedef signed long long s64;
#ifdef __SIZEOF_INT128__
typedef __int128 s128;
#endif
typedef u8 u8_again;

struct only_declared;
union union_only_declared;

struct numbers {
	char c;
	signed char sc;
	unsigned char uc;
	short s;
	unsigned short us;
	int i;
	unsigned int ui;
	long l;
	unsigned long ul;
	long long ll;
	unsigned long long ull;
#ifdef __SIZEOF_INT128__
	__int128 i128;
	unsigned __int128 u128;
#endif
	_Bool b;
	float f;
	double d;
};

enum plain { PLAIN_ZERO, PLAIN_SEVEN = 7, PLAIN_EIGHT };
enum negative { NEGATIVE_LOW = -2147483647 - 1, NEGATIVE_ONE = -1, NEGATIVE_HIGH = 2147483647 };
enum large { LARGE_BIT = 1ull << 40, LARGE_ALL = 0xffffffffffffffffull };
enum large_negative { LARGE_NEGATIVE = -(1ll << 40), LARGE_POSITIVE = 1 };
enum unsigned_high { UNSIGNED_HIGH = 0xffffffff };
enum __attribute__((packed)) tiny { TINY_A, TINY_B = 200 };
typedef enum { UNNAMED_ENUM_A, UNNAMED_ENUM_B } unnamed_enum;

struct bits {
	unsigned int a : 1;
	unsigned int b : 3;
	int c : 7;
	unsigned int : 5;
	unsigned int d : 20;
	u8 e : 4;
	u8 f : 4;
	unsigned long long g : 33;
	long long h : 31;
	_Bool i : 1;
	enum plain j : 4;
	unsigned int : 0;
	unsigned short k : 9;
};

struct __attribute__((packed)) packed_bits {
	u8 first;
	unsigned int a : 5;
	unsigned int across : 30;
	unsigned long long most : 61;
	u8 last;
};

struct __attribute__((packed)) packed_members {
	char c;
	long l;
	short s;
	void *p;
};

union overlay {
	int i;
	float f;
	u8 bytes[8];
	struct {
		unsigned int low : 12;
		unsigned int high : 20;
	};
};

struct nested {
	int first;
	struct {
		int in_struct;
		union {
			long deep;
			char deeper[3];
			struct {
				short deepest;
			};
		};
	};
	union {
		int alone;
	} named_member;
	struct inner_name {
		struct nested *up;
	} inner;
	struct {
	} empty;
};

struct arrays {
	int one[5];
	int two[2][3];
	char three[2][3][4];
	struct nested *pointers[4];
	int (*to_array)[7];
	u8 zero[0];
	int typed_dims[PLAIN_EIGHT];
};

struct flexible {
	unsigned long count;
	struct numbers items[];
};

struct list {
	struct list *next, **pprev;
};

struct mutual_b;
struct mutual_a {
	struct mutual_b *b;
};
struct mutual_b {
	struct mutual_a *a;
	struct mutual_a whole;
};

typedef int (*callback)(struct list *, const char *fmt, ...);
typedef void (*nothing)(void);
typedef int array_type[3];
typedef int function_type(long, void *);
typedef struct {
	int without_tag;
	callback call;
} without_tag;

struct qualified {
	const int c;
	volatile int v;
	const volatile int cv;
	char *const cp;
	const char *pc;
	const char *const *volatile pcp;
	int *restrict r;
	const array_type ca;
	void *const *vp;
	const struct list *cl;
};

struct functions {
	callback cb;
	nothing none;
	function_type *ft;
	int (*direct)(int (*inner)(char), without_tag);
	void (*(*signal_like)(int sig))(int);
};

struct pointers {
	struct only_declared *declared;
	union union_only_declared *union_declared;
	struct list *list;
	void ***vvv;
	enum large *large;
	unnamed_enum *ue;
};

struct __attribute__((aligned(64))) aligned {
	char c;
	long l __attribute__((aligned(32)));
};

struct numbers v_numbers;
enum negative v_negative;
enum large v_large;
enum large_negative v_large_negative;
enum unsigned_high v_unsigned_high;
enum tiny v_tiny;
struct bits v_bits;
struct packed_bits v_packed_bits;
struct packed_members v_packed_members;
union overlay v_overlay;
struct nested v_nested;
struct arrays v_arrays;
struct flexible *v_flexible;
struct mutual_b v_mutual;
struct qualified *v_qualified;
struct functions *v_functions;
struct pointers v_pointers;
struct aligned v_aligned;
s64 v_s64;
u8_again v_u8_again;
#ifdef __SIZEOF_INT128__
s128 v_s128;
#endif
