#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# btfpack header: what it writes compiles, and has the layout of what it read.
. "$(dirname "$0")/lib.sh"

CLANG=${CLANG:-clang}

# Kernel-like types, among them what C makes hard: order, gaps, packing, bitfields.
write_source() {
  cat > in.c << 'EOF'
typedef unsigned int u32;
typedef _Bool flag_t;
struct late;
typedef struct late late_t;
typedef int (*handler_t)(late_t *self, const char *const *names, ...);
enum color { RED, GREEN = -5, BLUE = 70000 };
struct list { struct list *next, *prev; };
struct late {
  struct list list;
  handler_t handlers[3];
  int (*(*chain)(int (*)(void)))[4];
  union { struct { u32 low, high; }; unsigned long both; };
  struct { enum { ON, OFF } state; } power;
  flag_t a : 1; unsigned char b : 3;
  unsigned short c : 11, : 0, d : 2;
  unsigned long e : 40;
  char tail[0];
};
struct packed { char c; long l; short s : 3; } __attribute__((packed));
struct aligned { int i __attribute__((aligned(64))); char c; };
struct holds { char c; struct aligned a; struct packed p; struct { char x; int y; } in[2]; double d; };
union word { struct packed p; volatile long *restrict q; __int128 big; };
struct empty { };
struct late v1; struct packed v2; struct aligned v3; struct holds v4; union word v5;
struct empty v6; enum color v7; late_t *v8; handler_t v9;
EOF
  $CLANG -target bpf -g -O2 -c -o in.o in.c
}

compiles_to_the_same() {
  need "$CLANG"
  write_source
  expect_status 0 "$BTFPACK" header -o vmlinux.h in.o
  { echo '#include "vmlinux.h"'; sed -n 's/^\(.*v[0-9]; .*\)/\1/p; /^struct empty v6/p' in.c | sort -u; } > out.c
  $CLANG -target bpf -g -O2 -Werror -c -o out.o out.c
  expect_status 0 "$BTFPACK" diff --kind struct --kind union --kind enum --kind typedef in.o out.o
  "$BTFPACK" header in.o | cmp - vmlinux.h
}

marks_records() {
  need "$CLANG" llvm-readelf
  write_source
  "$BTFPACK" header -o vmlinux.h in.o
  echo '#include "vmlinux.h"
    int f(struct late *late) { return late->low; }' > out.c
  $CLANG -target bpf -g -O2 -Werror -c -o out.o out.c
  llvm-readelf -S out.o | grep -q '\.BTF\.ext'
}

refuses_what_is_no_btf() {
  echo garbage > garbage
  expect_status 3 "$BTFPACK" header garbage
  expect_one_sentence
  expect_status 3 "$BTFPACK" header "$TESTS/data/bad-holds-itself.btf"
  expect_one_sentence
  expect_status 2 "$BTFPACK" header
  expect_one_sentence
  expect_status 3 "$BTFPACK" header -o vmlinux.h "$TESTS/data/bad-member-past-end.btf"
  [ ! -e vmlinux.h ]
}

run "compiles to the layout it came from" compiles_to_the_same
run "records are preserve_access_index" marks_records
run "refuses unsound BTF" refuses_what_is_no_btf
finish
