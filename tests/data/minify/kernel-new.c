/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel's types for good-kinds.bpf.c, all of them, laid out differently. */
enum mode { MODE_EXTRA, MODE_NONE, MODE_READ, MODE_WRITE = 9, MODE_MORE };
enum wide { WIDE_LOW = 1, WIDE_HIGH = 0x500000006 };
typedef int (*callback)(int, void *);
typedef struct { int counter; int more; } counter_t;

struct part {
	short inserted;
	int first;
	unsigned char second;
};

struct thing {
	long inserted;
	unsigned int bits : 3;
	int signed_bits : 7;
	void *pointer;
	union {
		struct {
			int hidden;
			long deeper;
		};
		short shorter;
	};
	long plain;
	struct part parts[5];
	enum mode mode;
	callback call;
	struct part last[];
};

struct pair {
	int left;
	struct part *right;
	long more;
};

struct unneeded {
	struct thing *thing;
	struct pair pair;
};

void function(struct unneeded a, struct thing b, counter_t c, enum wide d)
{
}
