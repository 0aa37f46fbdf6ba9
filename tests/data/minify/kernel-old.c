/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel that lacks much of what good-kinds.bpf.c and guards.bpf.c ask for. */
enum mode { MODE_NONE, MODE_READ };

struct part {
	unsigned char second;
};

struct thing {
	int plain_old;
	struct part parts[2];
	struct part empty[0];
	enum mode mode;
};

struct pair {
	long left;
	struct part *right;
};

void function(struct thing a, struct pair b)
{
}
