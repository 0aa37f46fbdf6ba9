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

# What browser-check.sh cannot see: the file as such.
page() {
  need jq
  compile good-guards.bpf kernel-old
  expect_status 1 "$BTFPACK" check --btf kernel-old.o --html page.html good-guards.bpf.o
  ! grep -E '(src|href)=|url\(|https?:|@import|@DATA@' page.html
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
run "writes a page" page
finish
