#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# btfpack check as a user meets it, on the small objects and kernels of minify.
. "$(dirname "$0")/lib.sh"
data=$TESTS/data/minify

compile() {
  local name
  for name; do clang -g -O2 -target bpf -c -o "$name.o" "$data/$name.c"; done
}

# verdicts KERNEL OBJECT...: "program verdict" lines.
verdicts() {
  "$BTFPACK" check --json --btf "$1" "${@:2}" > out || [ $? = 1 ]
  jq -r '.program + " " + .verdict' out
}

guards_and_fatal() {
  need jq
  compile good-guards.bpf kernel-old kernel-new
  verdicts kernel-old.o good-guards.bpf.o > got
  cat > want << 'END'
fatal_condition rejected
fatal_field rejected
fatal_negated rejected
guarded_call loads-without
guarded_enum loads-without
guarded_field loads-without
guarded_type loads-without
END
  sort got | diff want -
  [ "$(jq -r 'select(.program == "fatal_field") | "\(.where)+\(.instruction)"' out)" = tp/fatal_field+0 ]
  jq -r 'select(.program == "fatal_field") | .reason' out | grep -q hidden
  [ "$(verdicts kernel-new.o good-guards.bpf.o | grep rejected | sort | tr '\n' ' ')" = \
    "fatal_condition rejected " ]
}

exit_status() {
  compile good-guards.bpf kernel-old kernel-new good-two.bpf
  expect_status 1 "$BTFPACK" check --btf kernel-old.o --btf kernel-new.o good-guards.bpf.o
  expect_status 0 "$BTFPACK" check --btf kernel-new.o --btf kernel-old.o --require 'none*' good-guards.bpf.o
  expect_status 1 "$BTFPACK" check --btf kernel-old.o --require '*old*' good-guards.bpf.o
  expect_status 2 "$BTFPACK" check good-guards.bpf.o; expect_one_sentence
  expect_status 2 "$BTFPACK" check --btf kernel-old.o; expect_one_sentence
  echo nonsense > nonsense
  expect_status 3 "$BTFPACK" check --btf nonsense good-guards.bpf.o; expect_one_sentence
  expect_status 3 "$BTFPACK" check --btf kernel-old.o nonsense; expect_one_sentence
}

matrix() {
  compile good-guards.bpf kernel-old kernel-new
  expect_status 1 "$BTFPACK" check --btf kernel-old.o --btf kernel-new.o good-guards.bpf.o
  grep -q '^X+  good-guards.bpf.o *fatal_field$' out
  grep -q '^o+  good-guards.bpf.o *guarded_enum$' out
  grep -q '^rejected good-guards.bpf.o fatal_field at tp/fatal_field+0: .* \[1\]$' out
}

# Attach targets, helpers, maps and kernel functions, as far as BTF tells.
beyond_relocations() {
  need jq
  cat > kernel.c << 'END'
enum bpf_func_id { BPF_FUNC_unspec, BPF_FUNC_map_lookup_elem, BPF_FUNC_ktime_get_ns = 5, __BPF_FUNC_MAX_ID = 130 };
enum bpf_map_type { BPF_MAP_TYPE_UNSPEC, BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY, __MAX_BPF_MAP_TYPE };
enum bpf_prog_type { BPF_PROG_TYPE_UNSPEC, BPF_PROG_TYPE_KPROBE = 2, BPF_PROG_TYPE_TRACEPOINT = 5, BPF_PROG_TYPE_TRACING = 26 };
typedef void (*btf_trace_sched_switch)(void *);
int present(enum bpf_func_id a, enum bpf_map_type b, enum bpf_prog_type c, btf_trace_sched_switch d) { return a; }
END
  cat > programs.bpf.c << 'END'
#include "core.h"
SEC("fentry/present") int f_present(void *c) { return 0; }
SEC("fentry/absent") int f_absent(void *c) { return 0; }
SEC("kprobe/absent+0x4") int k_absent(void *c) { return 0; }
SEC("tp_btf/sched_switch") int t_present(void *c) { return 0; }
SEC("tp/sched/sched_gone") int t_absent(void *c) { return 0; }
SEC("tp/syscalls/sys_enter_open") int t_syscall(void *c) { return 0; }
SEC("xdp") int x(void *c) { return 0; }
SEC("kprobe") int h_old(void *c) { return ((long (*)(void))5)(); }
SEC("kprobe") int h_new(void *c) { return ((long (*)(void))131)(); }
END
  cat > map.bpf.c << 'END'
#include "core.h"
struct { int (*type)[27]; int (*max_entries)[4096]; } ring SEC(".maps");
SEC("kprobe") int with_ring(void *c) { return 0; }
END
  cat > kfunc.bpf.c << 'END'
#include "core.h"
extern int present(int) SEC(".ksyms");
extern int absent(int) SEC(".ksyms");
SEC("kprobe") int with_kfunc(void *c) { return present(1) + absent(2); }
END
  clang -g -O2 -target bpf -c kernel.c
  clang -g -O2 -target bpf -I "$data" -c programs.bpf.c
  clang -g -O2 -target bpf -I "$data" -c map.bpf.c
  sed -i 's/SEC(".ksyms")/__attribute__((section(".ksyms")))/' kfunc.bpf.c
  clang -g -O2 -target bpf -I "$data" -c kfunc.bpf.c
  verdicts kernel.o programs.bpf.o map.bpf.o kfunc.bpf.o | sort > got
  cat > want << 'END'
f_absent rejected
f_present loads
h_new rejected
h_old loads
k_absent unsure
t_absent rejected
t_present loads
t_syscall loads
with_kfunc rejected
with_ring rejected
x rejected
END
  diff want got
  jq -r 'select(.program == "with_kfunc") | .reason' out | grep -q absent
  jq -r 'select(.program == "h_new") | .reason' out | grep -q 'helper 131'
}

# What only the verifier sees; tests/vm/check-verdicts has kernels confirm the like.
write_kernel() {
  cat > kernel.c << 'END'
struct task { int pid; };
enum bpf_func_id { BPF_FUNC_unspec, __BPF_FUNC_MAX_ID = 200 };
enum bpf_attach_type { BPF_CGROUP_INET_INGRESS, BPF_TRACE_FENTRY = 24, __MAX_BPF_ATTACH_TYPE };
typedef void (*btf_trace_switched)(void *, int, struct task *);
int one(int a) { return a; }
long __x64_sys_close(void) { return 0; }
long __x64_sys_read(void) { return 0; }
int btf_new_fd(enum bpf_func_id a, enum bpf_attach_type b, btf_trace_switched c) { return a; }
int security_file(int a) { return a; }
END
  cat > programs.bpf.c << 'END'
#include "core.h"
typedef unsigned long long u64;
struct task { int gone; } CORE;
extern int LINUX_KERNEL_VERSION __attribute__((section(".kconfig")));
const volatile int zero = 0;
const volatile char four[4] = { 1, 2, 3, 4 };
#define READ(place) ({ u64 v_ = *(volatile u64 *)&(place); USE(v_); 0; })
SEC("tp_btf/switched") int two_arguments(u64 *c) { return READ(c[1]); }
SEC("tp_btf/switched") int three_arguments(u64 *c) { return READ(c[2]); }
SEC("raw_tp/switched") int three_raw(u64 *c) { return READ(c[2]); }
SEC("tp/a/switched") int three_else(u64 *c) { return READ(c[2]); }
SEC("fentry/one") int entry_result(u64 *c) { return READ(c[1]); }
SEC("fexit/one") int exit_result(u64 *c) { return READ(c[1]); }
SEC("tp_btf/switched") int by_version(u64 *c) { return LINUX_KERNEL_VERSION > 7 ? READ(c[1]) : READ(c[2]); }
SEC("tp_btf/switched") int after_version(u64 *c) { if (LINUX_KERNEL_VERSION > 7) USE(1); return READ(c[2]); }
SEC("tp/a/switched") int constant_off(struct task **c) { return zero ? (*c)->gone : 0; }
SEC("tp/a/switched") int constant_on(struct task **c) { return four[2] == 3 ? (*c)->gone : 0; }
SEC("tp/a/switched") int helper_off(u64 *c) { return zero ? ((long (*)(void))201)() : 0; }
SEC("tracepoint/syscalls/sys_enter_read") int call_there(u64 *c) { return 0; }
SEC("tracepoint/syscalls/sys_exit_gone") int call_gone(u64 *c) { return 0; }
SEC("ksyscall/gone") int kcall_gone(u64 *c) { return 0; }
SEC("kprobe.multi/one") int way_gone(u64 *c) { return 0; }
SEC("fmod_ret/one") int alters(u64 *c) { return 0; }
SEC("fmod_ret/security_file") int alters_security(u64 *c) { return 0; }
SEC("words") int no_type(u64 *c) { return 0; }
SEC("tp/a/switched") int typed(u64 *c) { return ((long (*)(void))158)() != 0; }
END
  clang -g -O2 -target bpf -I "$data" -c programs.bpf.c
  sed 's/btf_new_fd/btf_vmlinux_init/; s/^long __x64_sys_close/int btf_new_fd(void) { return 0; } &/' kernel.c > own.c
  clang -g -O2 -target bpf -c kernel.c
  clang -g -O2 -target bpf -c own.c
}

as_the_verifier() {
  need jq
  write_kernel
  verdicts own.o programs.bpf.o > got
  cat > want << 'END'
after_version rejected
alters unsure
alters_security loads
by_version unsure
call_gone rejected
call_there loads
constant_off unsure
constant_on rejected
entry_result rejected
exit_result loads
helper_off unsure
kcall_gone rejected
no_type unsure
three_arguments rejected
three_else loads
three_raw rejected
two_arguments loads
typed loads
way_gone rejected
END
  sort got | diff want -
  reason() { jq -r "select(.program == \"$1\").reason" out; }
  reason three_arguments | grep -qx 'it reads argument 3 of switched, which has fewer'
  reason constant_off | grep -q "'gone' that fits; whether it gets there"
  reason call_gone | grep -qx 'the kernel has no system call gone'
}

# What such a kernel cannot do even with a BTF that is handed to it.
without_own_btf() {
  need jq
  write_kernel
  verdicts kernel.o programs.bpf.o | grep -v 'rejected$' | sort | tr '\n' ' ' > got
  same=$(cat got)
  [ "$same" = "call_there loads constant_off unsure helper_off unsure no_type unsure three_else loads " ] || {
    echo "$same"; return 1; }
  jq -r 'select(.program == "two_arguments" or .program == "typed").reason' out > reasons
  grep -q 'no BTF of its own, which programs of this type take' reasons
  grep -q 'bpf_get_current_task_btf(), which takes a kernel with BTF' reasons
}

atomics() {
  need jq
  cat > atomic.bpf.c << 'END'
#include "core.h"
long counter;
SEC("tp/a/switched") int adds(void *c) { __sync_fetch_and_add(&counter, 1); return 0; }
SEC("tp/a/switched") int fetches(void *c) { return __sync_fetch_and_add(&counter, 1); }
END
  clang -g -O2 -mcpu=v3 -target bpf -I "$data" -c atomic.bpf.c
  for maximum in 163 164; do
    echo "enum bpf_func_id { BPF_FUNC_unspec, __BPF_FUNC_MAX_ID = $maximum } e;
      typedef void (*btf_trace_switched)(void *); btf_trace_switched t;" > kernel.c
    clang -g -O2 -target bpf -c kernel.c
    verdicts kernel.o atomic.bpf.o
  done | tr '\n' ' ' > got
  [ "$(cat got)" = "adds loads fetches rejected adds loads fetches loads " ]
}

callbacks() {
  need jq
  cat > callback.bpf.c << 'END'
#include "core.h"
static long each(void *c) { return 0; }
SEC("tp/a/switched") int passes(void *c) { return ((long (*)(int, void *, void *, int))181)(1, each, 0, 0); }
SEC("tp/a/switched") int passes_not(void *c) { return each(c); }
END
  clang -g -O2 -target bpf -I "$data" -c callback.bpf.c
  echo 'typedef void (*btf_trace_switched)(void *); btf_trace_switched t; long l; unsigned long u;' > kernel.c
  for machine in 32 64; do
    gcc -m$machine -g -fno-eliminate-unused-debug-symbols -c kernel.c
    "$BTFPACK" convert -q -o kernel.btf kernel.o
    verdicts kernel.btf callback.bpf.o
  done | tr '\n' ' ' > got
  [ "$(cat got)" = "passes rejected passes_not loads passes loads passes_not loads " ]
}

fprobe() {
  need jq
  echo '#include "core.h"
    SEC("kprobe.multi/one") int multi(void *c) { return 0; }' > multi.bpf.c
  clang -g -O2 -target bpf -I "$data" -c multi.bpf.c
  for name in fprobe_handler something_else; do
    echo "enum bpf_attach_type { BPF_TRACE_KPROBE_MULTI = 42 };
      int btf_new_fd(enum bpf_attach_type a) { return a; } int one(void) { return 0; }
      int $name(void) { return 0; }" > kernel.c
    clang -g -O2 -target bpf -c kernel.c
    verdicts kernel.o multi.bpf.o
  done | tr '\n' ' ' > got
  [ "$(cat got)" = "multi loads multi rejected " ]
}

weak_kfuncs() {
  need jq
  write_kernel
  cat > weak.bpf.c << 'END'
#include "core.h"
extern int one(int) __attribute__((section(".ksyms"), weak));
extern int gone(int) __attribute__((section(".ksyms"), weak));
SEC("tp/a/switched") int calls(void *c) { return one(1); }
SEC("tp/a/switched") int calls_gone(void *c) { return gone(1); }
SEC("tp/a/switched") int asks_gone(void *c) { return gone ? gone(1) : 0; }
SEC("tp/a/switched") int asks(void *c) { return one ? one(1) : gone(1); }
END
  clang -g -O2 -target bpf -I "$data" -c weak.bpf.c
  [ "$(verdicts own.o weak.bpf.o | tr '\n' ' ')" = \
    "calls loads calls_gone rejected asks_gone loads asks loads " ]
  jq -r 'select(.program == "calls_gone").reason' out | grep -qx \
    "it calls the kernel's function gone, which is not in its BTF"
  verdicts kernel.o weak.bpf.o > got
  lacks -v rejected got
}

modules() {
  need jq
  make_modules
  expect_status 1 "$BTFPACK" check --json --btf k.btf --module m1.btf --module m2.btf modules.bpf.o
  jq -r '.program + " " + .verdict + " " + ((.modules // []) | join(","))' out > got
  cat > want << 'END'
of_m1 loads m1
misnamed rejected 
named loads m2
of_call loads m2
of_kernel loads 
of_event loads m1,m2
END
  sort want > sorted; sort got | diff sorted -
  # Without their BTF, what is said depends on it.
  verdicts k.btf modules.bpf.o | sort > got
  cat > want << 'END'
misnamed unsure
named unsure
of_call rejected
of_event rejected
of_kernel loads
of_m1 rejected
END
  diff want got
  jq -r 'select(.program == "of_m1") | .reason' out | grep -q 'if a module has it'
  jq -r 'select(.program == "of_call") | .reason' out | grep -q 'no struct other'
  # Candidates of all modules count, as long as they agree.
  expect_status 0 "$BTFPACK" check --btf k.btf --module m1.btf --module m2.btf both.bpf.o
  expect_status 1 "$BTFPACK" check --btf k.btf --module m1.btf --module m2.btf disagree.bpf.o
  expect_status 0 "$BTFPACK" check --btf k.btf --module m1.btf disagree.bpf.o
  # A directory like /sys/kernel/btf; names by option.
  mkdir btf; cp k.btf btf/vmlinux; cp m1.btf btf/m1; cp m2.btf btf/m2
  expect_status 1 "$BTFPACK" check --btf btf modules.bpf.o
  grep -q '^needs    modules.bpf.o of_event: modules m1 m2 \[1\]$' out
  expect_status 1 "$BTFPACK" check --btf btf/vmlinux --module btf --html page.html modules.bpf.o
  grep -q '"modules":"m1 m2"' page.html
  expect_status 1 "$BTFPACK" check --json --btf k.btf --module x-y=m1.btf --btf k.btf modules.bpf.o
  [ "$(jq -c 'select(.program == "of_m1") | [.verdict, .modules]' out | tr '\n' ' ')" = \
    '["loads",["x_y"]] ["rejected",null] ' ]
  expect_status 2 "$BTFPACK" check --module m1.btf --btf k.btf modules.bpf.o; expect_one_sentence
  expect_status 4 "$BTFPACK" check --btf k.btf --module none modules.bpf.o; expect_one_sentence
  echo nonsense > bad.btf
  expect_status 3 "$BTFPACK" check --btf k.btf --module bad.btf modules.bpf.o; expect_one_sentence
  head -c 200 m1.btf > bad.btf
  expect_status 3 "$BTFPACK" check --btf k.btf --module bad.btf modules.bpf.o; expect_one_sentence
}

# What libbpf fills in by itself.
settings() {
  need jq
  cat > kernel.c << 'END'
struct task { int pid; };
enum bpf_func_id { BPF_FUNC_unspec, __BPF_FUNC_MAX_ID = 170 } e;
long __x64_sys_bpf(struct task *t) { return t->pid; }
END
  cat > version.bpf.c << 'END'
#include "core.h"
struct task { int pid, gone; } CORE;
#define KCONFIG __attribute__((section(".kconfig")))
extern int LINUX_KERNEL_VERSION KCONFIG;
extern _Bool LINUX_HAS_SYSCALL_WRAPPER KCONFIG, LINUX_HAS_BPF_COOKIE KCONFIG;
extern _Bool LINUX_HAS_NOTHING KCONFIG __attribute__((weak));
extern _Bool CONFIG_X KCONFIG;
#define IF(name, what) SEC("kprobe") int name(struct task *t) { return (what) ? t->gone : t->pid; }
IF(since_5_10, LINUX_KERNEL_VERSION >= (5 << 16 | 10 << 8))
IF(before_5_10, LINUX_KERNEL_VERSION < (5 << 16 | 10 << 8))
IF(since_6_1_50, LINUX_KERNEL_VERSION >= (6 << 16 | 1 << 8 | 50))
IF(before_6_1_50, LINUX_KERNEL_VERSION < (6 << 16 | 1 << 8 | 50))
IF(wrapper, LINUX_HAS_SYSCALL_WRAPPER)
IF(no_wrapper, !LINUX_HAS_SYSCALL_WRAPPER)
IF(cookie, LINUX_HAS_BPF_COOKIE)
IF(no_cookie, !LINUX_HAS_BPF_COOKIE)
IF(nothing, LINUX_HAS_NOTHING)
IF(config, CONFIG_X)
END
  gcc -g -O2 -c kernel.c
  "$BTFPACK" convert -q -o kernel.btf kernel.o
  clang -g -O2 -target bpf -I "$data" -c version.bpf.c
  # with UNAME: the verdicts of all programs, a letter each.
  with() {
    "$BTFPACK" check --json --btf kernel.btf "$@" version.bpf.o > out || [ $? = 1 ]
    jq -r '.verdict[0:2]' out | sed 's/lo/l/; s/re/r/; s/un/u/' | tr -d '\n'
  }
  # since_5_10 before_5_10 since_6_1_50 before_6_1_50, wrapper, no_, cookie, no_, nothing, config
  [ "$(with --kernel 6.1.60)" = rlrlrllrlu ]
  [ "$(with --kernel 6.1.0)" = rllrrllrlu ]
  [ "$(with --kernel 5.4.0-1103-aws)" = lrlrrllrlu ]
  [ "$(with --kernel 6.1.0-28-amd64)" = rluurllrlu ]
  jq -r 'select(.program == "since_6_1_50") | .reason' out | grep -q "hangs on the kernel's patch level"
  [ "$(with)" = uuuurllrlu ]
  sed -i s/170/180/ kernel.c
  gcc -g -O2 -c kernel.c
  "$BTFPACK" convert -q -o kernel.btf kernel.o
  [ "$(with --kernel 6.1.60)" = rlrlrlrllu ]
  expect_status 2 "$BTFPACK" check --kernel 6.1.0 --btf kernel.btf version.bpf.o; expect_one_sentence
}

# What is only known when the loader runs.
left_to_the_loader() {
  need jq
  cat > kernel.c << 'END'
struct task { int pid; };
typedef void (*btf_trace_there)(void *);
long there(struct task *t, btf_trace_there e) { return t->pid; }
END
  cat > late.bpf.c << 'END'
#include "core.h"
struct task { int pid, gone; } CORE;
SEC("fentry") int late_entry(void *c) { return 0; }
SEC("tp_btf") int late_event(void *c) { return 0; }
SEC("freplace") int late_other(void *c) { return 0; }
SEC("fexit/dummy_fexit") int dummy(void *c) { return 0; }
SEC("?fentry/gone") int asked_gone(void *c) { return 0; }
SEC("?kprobe/there") int asked_member(struct task *t) { return t->gone; }
SEC("?kprobe/there") int asked_fine(struct task *t) { return t->pid; }
SEC("fentry/gone") int twin_entry(void *c) { return 0; }
SEC("kprobe/gone") int twin_probe(void *c) { return 0; }
SEC("fentry/away") int alone(void *c) { return 0; }
END
  clang -g -O2 -target bpf -c kernel.c
  clang -g -O2 -target bpf -I "$data" -c late.bpf.c
  verdicts kernel.o late.bpf.o | sort > got
  cat > want << 'END'
alone rejected
asked_fine loads
asked_gone unsure
asked_member unsure
dummy unsure
late_entry unsure
late_event unsure
late_other unsure
twin_entry rejected
twin_probe unsure
END
  diff want got
  reason() { jq -r "select(.program == \"$1\").reason" out; }
  reason late_entry | grep -qx 'the loader must name what it attaches to'
  reason asked_member | grep -q "has no 'gone' that fits; it is only loaded when the loader asks"
  reason twin_entry | grep -q 'twin_probe is for the same target'
  reason alone | lacks same
  expect_status 0 "$BTFPACK" check --btf kernel.o --optional 'twin_*' --optional alone late.bpf.o
  grep -q 'alone: .*; it is one that the loader may leave out' out
  expect_status 1 "$BTFPACK" check --btf kernel.o --optional 'twin_*' late.bpf.o
}

other_architectures() {
  need jq
  for registers in 'long a, b, c, d, e, f, g, h, i' 'long a, b; int c[2]; long d, e, f, g, h, i' 'long x[9]'; do
    echo "struct pt_regs { $registers; }; long f(struct pt_regs *r) { return sizeof(*r); }"
  done > kernels
  for i in 1 2 3; do
    sed -n ${i}p kernels > kernel$i.c
    clang -g -O2 -target bpf -c kernel$i.c
  done
  clang -g -O2 -target bpfeb -c kernel1.c -o big.o
  { sed -n 1p kernels | sed 's/;  *long.*/;/'; echo '
#include "core.h"
SEC("kprobe/f") int probe(struct pt_regs *r) { return r->b; }
SEC("tp/f") int other(void *c) { return 0; }'; } > arch.bpf.c
  clang -g -O2 -target bpf -I "$data" -c arch.bpf.c
  [ "$(for k in kernel1 kernel2 kernel3 big; do verdicts $k.o arch.bpf.o | sort; done | tr '\n' ' ')" = \
    "other loads probe loads other loads probe loads other loads probe unsure other rejected probe rejected " ]
  jq -r .reason out | sort -u | grep -qx 'it is little-endian, and the kernel is not'
}

# What browser-check.sh cannot see: the file as such.
page() {
  need jq
  compile good-guards.bpf kernel-old
  expect_status 1 "$BTFPACK" check --btf kernel-old.o --html page.html good-guards.bpf.o
  lacks -E '(src|href)=|url\(|https?:|@import|@DATA@' page.html
  sed -n 's/.*id="data">\(.*\)<\/script>$/\1/p' page.html > data.json
  [ "$(jq -r '.programs | length' data.json)" = 7 ]
  [ "$(jq -r '[.kernels[0].verdicts | explode[] | select(. == 51)] | length' data.json)" = 3 ]
  jq -r '.reasons[]' data.json | grep -q hidden
  cp page.html again.html
  expect_status 1 "$BTFPACK" check -j 2 --btf kernel-old.o --html page.html good-guards.bpf.o
  cmp page.html again.html
  # A kernel that is no kernel is in the page too, with its sentence.
  echo nonsense > nonsense
  expect_status 3 "$BTFPACK" check --btf nonsense --btf kernel-old.o --html page.html good-guards.bpf.o
  grep -q '"failure":"nonsense: ' page.html
  expect_status 4 "$BTFPACK" check --btf kernel-old.o --html none/page.html good-guards.bpf.o
  expect_one_sentence
  [ ! -e none ]
}

run "tells guarded from fatal" guards_and_fatal
run "answers by exit status" exit_status
run "draws a matrix" matrix
run "looks beyond relocations" beyond_relocations
run "sees what the verifier sees" as_the_verifier
run "knows kernels without BTF" without_own_btf
run "knows when atomic instructions came" atomics
run "knows whose JIT takes callbacks" callbacks
run "knows what kprobe.multi takes" fprobe
run "follows weak kernel functions" weak_kfuncs
run "looks into modules" modules
run "knows what libbpf fills in" settings
run "says what is left to the loader" left_to_the_loader
run "knows other architectures" other_architectures
run "writes a page" page
finish
