#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# btfpack diff as its users meet it, on BTF that clang makes.
. "$(dirname "$0")/lib.sh"

# compile NAME: C on stdin, NAME.o with .BTF out
compile() {
  need clang
  { cat; echo 'struct sock *use_sock(struct sock *sk) { return sk; }'; } > "$1.c"
  clang -target bpf -g -O2 -c -o "$1.o" "$1.c"
}

make_pair() {
  compile a << 'EOF'
struct pad { long x; };
struct sock { struct pad pad; int a; union { int low; long flags; }; struct sock *sk_prot; };
EOF
  compile b << 'EOF'
struct pad { long x; };
struct sock { struct pad pad; int a; union { int low; long flags; }; char *added; struct sock *sk_prot; };
EOF
}

says_what_differs() {
  make_pair
  expect_status 1 "$BTFPACK" diff a.o b.o
  grep -Fx 'struct sock: size 32 → 40 bytes' out
  grep -Fx 'struct sock: member sk_prot moved 24 → 32 bytes' out
  grep -Fx 'struct sock: member added added (char *added, at 24 bytes)' out
  grep -E '^struct +1 +1 +0 +0$' out
}

same_is_zero() {
  make_pair
  expect_status 0 "$BTFPACK" diff a.o a.o
  grep -E '^total +[0-9]+ +0 +0 +0$' out
}

reads_raw_btf() {
  make_pair
  need llvm-objcopy
  llvm-objcopy --dump-section .BTF=a.btf a.o
  expect_status 0 "$BTFPACK" diff a.btf a.o
}

chooses() {
  make_pair
  expect_status 0 "$BTFPACK" diff --kind func --kind typedef a.o b.o
  expect_status 0 "$BTFPACK" diff --name 'p*' a.o b.o
  expect_status 1 "$BTFPACK" diff --kind struct --name 's?ck' a.o b.o
  expect_status 2 "$BTFPACK" diff --kind klass a.o b.o
  expect_one_sentence
}

speaks_json() {
  need jq
  make_pair
  expect_status 1 "$BTFPACK" diff --json a.o b.o
  jq -e . < out > /dev/null
  jq -se 'any(.[]; .change == "changed" and .kind == "struct" and .name == "sock" and
    .aspect == "member" and .part == "sk_prot" and .from == "24" and .to == "32")' < out > /dev/null
  jq -se 'any(.[]; .summary == "kind" and .kind == "total" and .changed == 1)' < out > /dev/null
}

is_silent_when_asked() {
  make_pair
  expect_status 1 "$BTFPACK" diff -q a.o b.o
  [ ! -s out ]
  [ ! -s err ]
  expect_status 1 "$BTFPACK" diff --summary a.o b.o
  lacks sk_prot out
  grep -q '^total' out
}

refuses_what_is_no_btf() {
  make_pair
  echo garbage > c
  expect_status 3 "$BTFPACK" diff a.o c
  expect_one_sentence
  expect_status 3 "$BTFPACK" diff a.o "$BTFPACK"
  expect_one_sentence
  expect_status 4 "$BTFPACK" diff a.o nowhere
  expect_one_sentence
  expect_status 2 "$BTFPACK" diff a.o
  expect_one_sentence
}

run "says what differs, exit 1" says_what_differs
run "the same, exit 0" same_is_zero
run "reads raw BTF and ELF" reads_raw_btf
run "chooses kinds and names" chooses
run "speaks JSON" speaks_json
run "-q says nothing, --summary counts" is_silent_when_asked
run "refuses what is no BTF" refuses_what_is_no_btf
finish
