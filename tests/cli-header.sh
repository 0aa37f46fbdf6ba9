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

# Two kernels that disagree in every way that members can.
make_kernels() {
  cat > old.c << 'EOF'
typedef unsigned short mask_t;
struct same { int a; long b; };
struct ctx { int n; };
typedef struct { int counter; } atomic_t;
enum mode { SLOW, FAST };
struct task_struct { volatile long state; struct same same; int pid; struct ctx *ctx[2];
  mask_t mask : 3; union { int x; long y; }; struct { int lo; } raw; char comm[16]; };
struct holder { struct task_struct t; int n; };
struct holder v; enum mode m; atomic_t a;
EOF
  cat > new.c << 'EOF'
typedef unsigned int mask_t;
struct same { int a; long b; };
struct ctx { int n; };
typedef struct { int counter; int more; } atomic_t;
enum mode { SLOW = 1, FAST, TURBO };
struct task_struct { unsigned int __state; struct same same; long pid; struct ctx *ctx;
  mask_t mask : 20; long y; struct { int lo, hi; } raw; char comm[32]; };
struct holder { struct task_struct t; int n; };
struct fresh { int z; };
struct holder v; enum mode m; atomic_t a; struct fresh f;
EOF
  $CLANG -target bpf -g -O2 -c -o old.o old.c
  $CLANG -target bpf -g -O2 -c -o new.o new.c
}

merges_kernels() {
  need "$CLANG"
  make_kernels
  expect_status 0 "$BTFPACK" header -o vmlinux.h old=old.o v7=new.o
  grep -q 'state; /\* only old \*/' vmlinux.h
  grep -q '__state; /\* only v7 \*/' vmlinux.h
  grep -q '^struct task_struct___v7 {' vmlinux.h
  grep -q '^typedef unsigned int mask_t___v7;' vmlinux.h
  cat > out.c << 'EOF'
#include "vmlinux.h"
#define HAS(field) __builtin_preserve_field_info(field, 2)
int f(struct task_struct *t, struct fresh *f) {
  struct task_struct___v7 *v7 = (void *)t;
  if (HAS(t->state)) return t->state;
  if (HAS(v7->pid)) return v7->pid + t->raw.hi + t->raw.lo + f->z + TURBO;
  return t->__state + t->x + t->y + t->comm[31];
}
_Static_assert(sizeof(struct same) == 16, "a struct that all have alike keeps its layout");
EOF
  $CLANG -target bpf -g -O2 -Werror -c -o out.o out.c
}

# What the gadgets name of a kernel: as it is now, and as it was before the flavours.
write_gadget_kernel() {
  local types=$ROOT/bpf-gadgets/kernel-types.bpf.h regs=x86_64
  cp "$types" types.c
  if [ "$1" = old ]; then
    regs=arm64
    sed -i '/^union kernfs_node_id {$/,/^};$/d
      s/^struct kernfs_node {$/union kernfs_node_id { __u64 id; };\n&/
      /^struct kernfs_node {$/,/^};$/s/__u64 id;/union kernfs_node_id id;/
      s/__u16 sk_protocol;/unsigned int sk_protocol : 8;/
      s/unsigned long inet_flags;.*/__u8 freebind : 1, transparent : 1, bind_address_no_port : 1;/' types.c
  fi
  sed "s/pt_regs___$regs/pt_regs/; /^struct .*___.* {$/,/^};$/d" types.c > "$1.c"
  gcc -w -g -O2 -fno-eliminate-unused-debug-types -c "$1.c"
  "$BTFPACK" convert -q -o "$1.btf" "$1.o"
}

serves_gadgets() {
  need "$CLANG" python3 jq
  local name
  for name in old new; do write_gadget_kernel $name; done
  expect_status 0 "$BTFPACK" header -o vmlinux.h new=new.btf old=old.btf
  grep -q '^struct sock___old {$' vmlinux.h
  mkdir sources
  "$TESTS/with-header" vmlinux.h sources "$ROOT"/bpf-gadgets/*.bpf.[ch]
  lacks '^struct task_struct {' sources/kernel-types.bpf.h
  for name in sources/*.bpf.c; do
    $CLANG -target bpf -g -O2 -Wall -Wextra -Wno-unused-parameter -Werror -I. -c "$name" || return 1
  done
  [ "$(ls ./*.bpf.o | wc -l)" = "$(ls "$ROOT"/bpf-gadgets/*.bpf.c | wc -l)" ]
  # Each finds what it asks for on both, or does without.
  "$BTFPACK" check --json --btf old.btf --btf new.btf ./*.bpf.o > verdicts || [ $? = 1 ]
  jq -r 'select(.where or .verdict == "rejected") | "\(.object) \(.program) \(.reason)"' verdicts > bad
  cat bad
  [ ! -s bad ]
  jq -e 'select(.verdict == "loads-without")' verdicts > /dev/null
}

refuses_labels() {
  need "$CLANG"
  make_kernels
  expect_status 2 "$BTFPACK" header 'a-b=old.o' new.o
  expect_one_sentence
  expect_status 0 "$BTFPACK" header old.o new.o
  grep -q 'struct task_struct___k2 {' out
}

# Functions that kernels give to programs; not those that only look like it.
make_kfuncs() {
  cat > "$1.c" << EOF
#define KFUNC __attribute__((btf_decl_tag("bpf_kfunc"), noinline))
struct thing { int n; };
enum taken { bpf_taken };
enum taken take;
KFUNC struct thing *bpf_thing_$1(long id, const char *const *names) { return (void *)(id + **names); }
KFUNC int bpf_thing_both($2) { return sizeof(struct thing); }
__attribute__((noinline)) int bpf_ordinary(struct thing *t) { return t->n; }
int bpf_argument(int x __attribute__((btf_decl_tag("bpf_kfunc")))) { return x; }
int use(struct thing *t) { return bpf_ordinary(t); }
EOF
  $CLANG -target bpf -g -O2 -c -o "$1.o" "$1.c"
}

writes_kfuncs() {
  need "$CLANG" llvm-readelf
  make_kfuncs a "struct thing *t"
  expect_status 0 "$BTFPACK" header -o vmlinux.h a.o
  grep '^extern' vmlinux.h > externs
  diff - externs << 'EOF'
extern struct thing *bpf_thing_a(long, const char *const *) __weak __ksym;
extern int bpf_thing_both(struct thing *) __weak __ksym;
EOF
  cat > out.c << 'EOF'
#include "vmlinux.h"
int f(struct thing *t) { return bpf_thing_both ? bpf_thing_both(t) : t->n; }
EOF
  $CLANG -target bpf -g -O2 -Werror -c -o out.o out.c
  llvm-readelf -s out.o | grep 'WEAK.*UND bpf_thing_both'
  llvm-readelf -s out.o | lacks bpf_thing_a
  fails $CLANG -target bpf -g -O2 -Werror -DBPF_NO_KFUNC_PROTOTYPES -c -o out.o out.c
}

merges_kfuncs() {
  need "$CLANG"
  make_kfuncs a "struct thing *t"
  make_kfuncs b "struct thing *t, unsigned long flags"
  expect_status 0 "$BTFPACK" header -o vmlinux.h a=a.o b=b.o
  sed -n '/^#define __weak/,/^#endif.*PROTOTYPES/p' vmlinux.h | grep '^extern\|^/' > externs
  diff - externs << 'EOF'
/* only a */
extern struct thing *bpf_thing_a(long, const char *const *) __weak __ksym;
/* only b */
extern struct thing *bpf_thing_b(long, const char *const *) __weak __ksym;
extern int bpf_thing_both(struct thing *) __weak __ksym;
EOF
  echo '#include "vmlinux.h"' > out.c
  $CLANG -target bpf -g -O2 -Werror -c -o out.o out.c
}

run "compiles to the layout it came from" compiles_to_the_same
run "records are preserve_access_index" marks_records
run "puts kernels together that disagree" merges_kernels
run "a portable one serves the gadgets" serves_gadgets
run "kfuncs get prototypes" writes_kfuncs
run "kfuncs of several kernels" merges_kfuncs
run "labels are names" refuses_labels
run "refuses unsound BTF" refuses_what_is_no_btf
finish
