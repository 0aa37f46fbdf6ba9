#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# btfpack minify as a user meets it, on small objects and kernels of tests/data/minify.
. "$(dirname "$0")/lib.sh"
data=$TESTS/data/minify
CLANG=${CLANG:-clang}

# compile NAME...: tests/data/minify/NAME.c → NAME.o, for BPF; kernels carry BTF too.
compile() {
  local name
  for name; do
    "$CLANG" -g -O2 -target "${target:-bpf}" -c -o "$name.o" "$data/$name.c"
  done
}

# For what clang knows since 15 only.
need_new_clang() {
  local try
  for try in "$CLANG" clang-{15..25}; do
    CLANG=$try
    (compile good-matches.bpf) > clang.log 2>&1 && return
  done
  skip "no clang of version 15 or later"
}

# report_is GOLDEN KERNEL OBJECT: every relocation and how it fares, without
# instruction numbers, which depend on the compiler.
report_is() {
  local status=0
  "$BTFPACK" minify --report --allow-missing -o small.btf "$2.o" "$3.o" > out 2> err || status=$?
  cat err
  [ $status = 0 ]
  sed 's/+[0-9]*//' out | diff "$data/$1" -
}

all_kinds() { compile good-kinds.bpf kernel-new; report_is kinds.new.txt kernel-new good-kinds.bpf; }
lacking_kernel() { compile good-kinds.bpf kernel-old; report_is kinds.old.txt kernel-old good-kinds.bpf; }
guards() { compile good-guards.bpf kernel-old; report_is guards.old.txt kernel-old good-guards.bpf; }
two_candidates() { compile good-two.bpf kernel-two; report_is two.txt kernel-two good-two.bpf; }
types_match() {
  need_new_clang
  compile good-matches.bpf kernel-new kernel-old
  report_is matches.new.txt kernel-new good-matches.bpf
  report_is matches.old.txt kernel-old good-matches.bpf
}
big_endian() {
  target=bpfeb compile good-kinds.bpf kernel-new
  report_is kinds.big.txt kernel-new good-kinds.bpf
  [ "$(head -c 2 small.btf | od -An -tx1)" = " eb 9f" ]
  # The other byte order on either side makes no difference but to bit shifts.
  target=bpf compile good-kinds.bpf
  "$BTFPACK" minify -q -o other.btf kernel-new.o good-kinds.bpf.o --allow-missing
  cmp small.btf other.btf
}

# What is left of a kernel does not depend on its ids.
canonical() {
  compile good-kinds.bpf kernel-new
  sed -e 's/^void function.*/void function(enum wide d, counter_t c, struct thing b, struct unneeded a)/' \
    "$data/kernel-new.c" > shuffled.c
  "$CLANG" -g -O2 -target bpf -c -o shuffled.o shuffled.c
  "$BTFPACK" minify -q --allow-missing -o a.btf kernel-new.o good-kinds.bpf.o
  "$BTFPACK" minify -q --allow-missing -o b.btf shuffled.o good-kinds.bpf.o
  differ kernel-new.o shuffled.o
  cmp a.btf b.btf
  "$BTFPACK" minify -q --allow-missing -o c.btf a.btf good-kinds.bpf.o # and once more changes nothing
  cmp a.btf c.btf
  [ "$(od -An -tu4 -j4 -N4 a.btf | tr -d ' ')" = 24 ]
}

fatal_is_no() {
  compile good-guards.bpf kernel-old
  expect_status 1 "$BTFPACK" minify -o out.btf kernel-old.o good-guards.bpf.o
  expect_one_sentence
  grep -q "fatal_field of good-guards.bpf.o" err
  [ ! -e out.btf ]
  expect_status 0 "$BTFPACK" minify --allow-missing -o out.btf kernel-old.o good-guards.bpf.o
  [ -s out.btf ]
}

ambiguous_is_no() {
  compile bad-ambiguous.bpf kernel-two
  expect_status 1 "$BTFPACK" minify -o out.btf kernel-two.o bad-ambiguous.bpf.o
  expect_one_sentence
  grep -q "several struct thing that disagree" err
}

# libbpf gives up on a path of more than 64 steps, whatever it finds below: so must
# it on what is cut.
too_deep() {
  local i
  { echo 'struct outer { int a; '; for i in {1..70}; do echo 'struct {'; done; echo 'int b;'
    for i in {1..70}; do echo '};'; done; echo '} outer;'; } > deep.c
  printf '#include "core.h"\n%s\n%s\n' 'struct outer { int a, b; } CORE;' \
    'SEC("tp/deep") int deep(struct outer *o) { return o->a + o->b; }' > deep.bpf.c
  clang -g -O2 -target bpf -c deep.c
  clang -g -O2 -target bpf -I "$data" -c deep.bpf.c
  expect_status 1 "$BTFPACK" minify -o out.btf deep.o deep.bpf.o
  expect_one_sentence
  "$BTFPACK" minify --allow-missing -o out.btf deep.o deep.bpf.o
  expect_status 1 "$BTFPACK" minify -o again.btf out.btf deep.bpf.o
  sed s/outer/other/ deep.c > other.c
  clang -g -O2 -target bpf -c other.c
  "$BTFPACK" minify -q --allow-missing -o none.btf other.o deep.bpf.o
}

json_report() {
  need jq
  compile good-guards.bpf kernel-old
  "$BTFPACK" minify --json --report --allow-missing -o out.btf kernel-old.o good-guards.bpf.o > out
  [ "$(jq -r 'select(.state == "fatal") | .program' out | sort -u | tr '\n' ' ')" = \
    "fatal_condition fatal_field fatal_negated " ]
  [ "$(jq -r 'select(.function == "guarded_field" and .kind == "field exists") | .value' out)" = 0 ]
}

no_enum64() {
  need_new_clang
  compile good-matches.bpf kernel-new
  sed '/ENUM_VALUE.*WIDE_HIGH/d' "$data/good-matches.bpf.c" > low.bpf.c
  "$CLANG" -g -O2 -target bpf -I "$data" -c -o low.bpf.o low.bpf.c
  "$BTFPACK" minify -q -o with.btf kernel-new.o low.bpf.o
  "$BTFPACK" minify -q --no-enum64 -o without.btf kernel-new.o low.bpf.o
  bpftool btf dump file with.btf | grep -q "ENUM64 'wide'"
  bpftool btf dump file without.btf | grep -q "ENUM 'wide'.*size=8"
  bpftool btf dump file without.btf | lacks ENUM64
  expect_status 3 "$BTFPACK" minify --no-enum64 -o out.btf kernel-new.o good-matches.bpf.o
  expect_one_sentence
  [ ! -e out.btf ]
}

keeps() {
  compile good-guards.bpf kernel-new
  "$BTFPACK" minify -q --keep struct:unneeded --keep enum:mode --keep-func function \
    -o out.btf kernel-new.o good-guards.bpf.o --allow-missing
  bpftool btf dump file out.btf > dump
  grep -q "STRUCT 'unneeded' size=32 vlen=2" dump
  grep -q "MODE_MORE" dump
  grep -q "FUNC 'function'" dump
  grep -q "'d' type_id" dump
  expect_status 2 "$BTFPACK" minify --keep nonsense -o out.btf kernel-new.o good-guards.bpf.o
  expect_one_sentence
}

no_relocations() {
  compile kernel-new
  echo 'int answer(void) { return 42; }' > plain.bpf.c
  "$CLANG" -g -O2 -target bpf -c -o plain.bpf.o plain.bpf.c
  expect_status 0 "$BTFPACK" minify -o out.btf kernel-new.o plain.bpf.o
  "$CLANG" -O2 -target bpf -c -o bare.bpf.o plain.bpf.c # neither .BTF nor .BTF.ext
  expect_status 0 "$BTFPACK" minify -o bare.btf kernel-new.o bare.bpf.o
  cmp out.btf bare.btf
}

# The peer's result, where it has one, relocates to the same values, and is no smaller.
peer() {
  need bpftool
  compile good-kinds.bpf kernel-new
  "$BTFPACK" minify -q --report --allow-missing -o ours.btf kernel-new.o good-kinds.bpf.o > full
  bpftool gen min_core_btf kernel-new.o theirs.btf good-kinds.bpf.o
  for btf in ours theirs; do
    "$BTFPACK" minify -q --report --allow-missing -o /dev/null $btf.btf good-kinds.bpf.o |
      sed 's/\(target type id.*\) = [0-9]*/\1/' > $btf
    sed 's/\(target type id.*\) = [0-9]*/\1/' full | diff - $btf
  done
  [ "$(stat -c %s ours.btf)" -le "$(stat -c %s theirs.btf)" ]
}

# Many kernels at once give what one at a time gives; a bad one does not stop the others.
many_kernels() {
  compile good-kinds.bpf kernel-new kernel-old kernel-two
  mkdir in; cp kernel-*.o in/; echo nonsense > in/nonsense
  expect_status 3 "$BTFPACK" minify --allow-missing -j 3 --kernels in -o out.d good-kinds.bpf.o
  grep -q "in/nonsense: neither BTF nor ELF" err
  for kernel in kernel-new kernel-old kernel-two; do
    "$BTFPACK" minify -q --allow-missing -o one.btf $kernel.o good-kinds.bpf.o
    cmp one.btf out.d/$kernel.o
  done
  [ "$(ls out.d | wc -l)" = 3 ]
  rm in/nonsense
  expect_status 1 "$BTFPACK" minify --kernels in -o out.e good-kinds.bpf.o
  expect_status 4 "$BTFPACK" minify --kernels missing -o out.e good-kinds.bpf.o; expect_one_sentence
}

# libbpf itself computes the same on the full and on the minimized BTF.
libbpf_agrees() {
  local name object kernel
  make -s -C "$ROOT" witness > make.log 2>&1 || skip "the witness cannot be built: no libbpf-dev?"
  compile good-kinds.bpf good-guards.bpf good-two.bpf bad-ambiguous.bpf kernel-new kernel-old kernel-two
  for object in good-kinds good-guards good-two bad-ambiguous; do
    for kernel in kernel-new kernel-old kernel-two; do
      "$BTFPACK" minify -q --allow-missing -o small.btf $kernel.o $object.bpf.o
      "$BUILD/tests/witness-relocate" $object.bpf.o $kernel.o small.btf
    done
  done
}

# Minified base and modules in one file, which libbpf takes for all of them.
modules() {
  need jq
  make_modules
  "$BTFPACK" minify --json --report --allow-missing --module m1.btf --module m2.btf -o out.btf k.btf \
    modules.bpf.o > report
  [ "$(jq -r 'select(.wanted == "struct only.x") | .module + " " + (.value | tostring)' report |
    sort -u)" = "m1 24" ]
  [ "$(jq -r 'select(.wanted == "struct other.w") | .module' report | sort -u)" = m2 ]
  [ "$(jq -r 'select(.wanted == "struct common.b") | .module' report)" = null ]
  "$BTFPACK" minify --report --allow-missing -o again.btf out.btf modules.bpf.o > again
  [ "$(sed 's/, of module .*//; s/target type id .*//' again)" = \
    "$(jq -r '"\(.state) \(.object) \(.section)+\(.instruction) \(.kind) \(.wanted) = \(.value)"' report |
      sed 's/^resolved/resolved/; s/target type id .*//')" ]
  cmp out.btf again.btf
  mkdir btf; cp k.btf btf/vmlinux; cp m1.btf btf/m1; cp m2.btf btf/m2
  "$BTFPACK" minify -q -o again.btf btf modules.bpf.o
  cmp out.btf again.btf
  # The order of modules does not matter, nor what else is there.
  "$BTFPACK" minify -q --module m2.btf --module m1.btf -o again.btf k.btf modules.bpf.o
  cmp out.btf again.btf
  expect_status 1 "$BTFPACK" minify -o again.btf btf disagree.bpf.o
  grep -q 'several struct both that disagree' err
  "$BTFPACK" minify -q --keep struct:other -o kept.btf btf both.bpf.o
  bpftool btf dump file kept.btf | grep -q "'w' type_id"
  expect_status 2 "$BTFPACK" minify --base k.btf --module m1.btf -o again.btf m2.btf both.bpf.o
  expect_one_sentence
  make -s -C "$ROOT" witness > make.log 2>&1 || skip "the witness cannot be built: no libbpf-dev?"
  "$BUILD/tests/witness-relocate" --module m1.btf --module m2.btf modules.bpf.o k.btf out.btf
  "$BTFPACK" minify -q --allow-missing -o none.btf btf disagree.bpf.o
  "$BUILD/tests/witness-relocate" --module m1.btf --module m2.btf disagree.bpf.o k.btf none.btf
  "$BUILD/tests/witness-relocate" --module m1.btf both.bpf.o k.btf
}

bad_input() {
  compile good-kinds.bpf kernel-new
  expect_status 2 "$BTFPACK" minify kernel-new.o good-kinds.bpf.o; expect_one_sentence
  expect_status 2 "$BTFPACK" minify -o out.btf kernel-new.o; expect_one_sentence
  expect_status 4 "$BTFPACK" minify -o out.btf kernel-new.o missing.o; expect_one_sentence
  expect_status 4 "$BTFPACK" minify -o out.btf missing good-kinds.bpf.o; expect_one_sentence
  echo nonsense > nonsense
  expect_status 3 "$BTFPACK" minify -o out.btf nonsense good-kinds.bpf.o; expect_one_sentence
  expect_status 3 "$BTFPACK" minify -o out.btf kernel-new.o nonsense; expect_one_sentence
  expect_status 3 "$BTFPACK" minify -o out.btf kernel-new.o /bin/true; expect_one_sentence
  expect_status 3 "$BTFPACK" minify -o out.btf /bin/true good-kinds.bpf.o; expect_one_sentence
  head -c 700 good-kinds.bpf.o > short.o
  expect_status 3 "$BTFPACK" minify -o out.btf kernel-new.o short.o; expect_one_sentence
  # Every bad object gets its sentence, and nothing is written for the good one.
  expect_status 3 "$BTFPACK" minify -o out.btf kernel-new.o short.o good-kinds.bpf.o nonsense
  [ "$(wc -l < err)" = 2 ]
  [ ! -e out.btf ]
}

# A record of a kind from the future, an access string that does not fit.
bad_records() {
  need llvm-objcopy python3
  compile good-kinds.bpf kernel-new
  llvm-objcopy --dump-section .BTF.ext=ext --dump-section .BTF=btf good-kinds.bpf.o unused.o
  cp good-kinds.bpf.o future.o
  python3 - << 'PY'
import struct
ext = bytearray(open('ext', 'rb').read())
_, _, _, hlen, _, _, _, _, off, size = struct.unpack_from('<HBBIIIIIII', ext)
at = hlen + off + 4 + 8 # the first record
changed = bytearray(ext); struct.pack_into('<I', changed, at + 12, 99); open('kind', 'wb').write(changed)
changed = bytearray(ext); struct.pack_into('<I', changed, at + 4, 1); open('type', 'wb').write(changed)
changed = bytearray(ext); struct.pack_into('<I', changed, at + 8, 1 << 30); open('string', 'wb').write(changed)
changed = bytearray(ext); struct.pack_into('<I', changed, at, 1 << 20); open('instruction', 'wb').write(changed)
open('cut', 'wb').write(ext[:at + 7])
PY
  for what in kind type string instruction cut; do
    cp good-kinds.bpf.o bad-$what.o
    llvm-objcopy --update-section .BTF.ext=$what bad-$what.o
    expect_status 3 "$BTFPACK" minify -o out.btf kernel-new.o bad-$what.o
    expect_one_sentence
  done
}

run "computes every kind of relocation" all_kinds
run "does so on a kernel that lacks most" lacking_kernel
run "tells guarded relocations from reachable ones" guards
run "follows libbpf with two candidates" two_candidates
run "matches whole types and 64-bit enums" types_match
run "takes big-endian objects and kernels" big_endian
run "gives equal bytes for equal needs" canonical
run "says no when a program reaches what is missing" fatal_is_no
run "says no to ambiguity" ambiguous_is_no
run "keeps what libbpf gives up on" too_deep
run "reports as JSON" json_report
run "writes without 64-bit enums" no_enum64
run "keeps what it is told to" keeps
run "accepts objects without relocations" no_relocations
run "takes many kernels at once" many_kernels
run "agrees with bpftool" peer
run "agrees with libbpf" libbpf_agrees
run "looks into modules" modules
run "refuses bad input" bad_input
run "refuses damaged .BTF.ext records" bad_records
finish
