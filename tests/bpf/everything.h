/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* One event with a bit of everything, for tests on both sides: the BPF object and
 * the program that decodes what it would send. */
#ifndef EVERYTHING_H
#define EVERYTHING_H

#ifndef DOC /* outside of BPF */
#define GADGET_TAG(text)
#define DOC(text)
#define FORMAT(format)
#define WITH(option)
#define WIDTH(width)
#define NAME(name)
#define HIDDEN
#endif

enum colour { RED = 1, GREEN = 2, BLUE = -3 };

struct point {
	signed short x;
	signed short y;
};

struct everything_event {
	unsigned long long time FORMAT("time");
	unsigned int pid DOC("who");
	int ret FORMAT("error");
	char comm[16];
	unsigned char raw[4];
	_Bool yes;
	unsigned char hidden HIDDEN;
	unsigned short port;
	enum colour colour;
	unsigned int low : 3;
	unsigned int high : 5;
	int negative : 4;
	struct {
		unsigned char bytes[16];
		unsigned short family;
	} address FORMAT("ip");
	struct point at; /* dissolves into x and y */
	struct point corners[2];
	union {
		unsigned int whole;
		unsigned char parts[4];
	} either;
	unsigned long long took FORMAT("ms");
	unsigned int signal FORMAT("signal") WITH("signals");
	unsigned int capability FORMAT("capability");
	unsigned int flags FORMAT("open-flags");
	unsigned int mode FORMAT("octal");
	unsigned int device FORMAT("dev");
	unsigned int state FORMAT("tcp-state") NAME("tcp_state") WIDTH("13");
	long long big;
	struct {
		unsigned int size;
		char data[64];
	} args FORMAT("args");
};

#endif
