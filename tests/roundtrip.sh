#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# C source -> compiler -> DWARF of every shape -> convert. The same source must
# give the same types whatever the compiler wrote them down in: each build is held
# against a golden BTF (tests/data/convert/*.btf), and against pahole's.
#
# UPDATE=1 makes goldens that are not there, each from the first build that names it.
. "$(dirname "$0")/lib.sh"
data=$TESTS/data/convert
linked="-shared -nostdlib -fPIC -w"

# build COMPILER FLAGS SOURCE...: makes the file `image`; skips what is not there.
build() {
  local compiler=$1 flags=$2
  shift 2
  need "${compiler%% *}"
  # shellcheck disable=SC2086
  $compiler $linked $flags -o image "${@/#/$data/}" 2> compiler.log || skip "$compiler cannot: $flags"
}

# convert FILE OUT [OPTION...]: by one, two and seven threads, which must agree.
convert() {
  local file=$1 out=$2 jobs
  shift 2
  "$BTFPACK" convert -j 1 -o "$out" "$@" "$file"
  for jobs in 2 7; do
    "$BTFPACK" convert -j $jobs -o other.btf "$@" "$file"
    cmp "$out" other.btf
  done
}

# like_golden NAME [OPTION...]: `image` has the golden's types, and nothing else.
like_golden() {
  local golden=$data/$1.btf
  shift
  convert image ours.btf "$@"
  [ -z "${UPDATE:-}" ] || [ -e "$golden" ] || cp ours.btf "$golden"
  expect_status 0 "$BTFPACK" diff "$golden" ours.btf
}

# What differs from pahole 1.24 on purpose, or by its faults:
# - it writes arrays of several dimensions as one of all elements;
# - it takes one of several static functions of a name (newer ones do not), and
#   inline functions that have code here or there;
# - it leaves out what a prototype is not used for;
# - it does not see the declaration tags of a function that is both inlined and compiled.
like_pahole() {
  local known='^(struct arrays: member (two|three) type|func (same_name|inlined|only_in_a): |func_proto .*: added|decl_tag "inline.s" on .*: added)'
  need pahole
  pahole --btf_gen_floats --btf_encode_detached=pahole.btf image > pahole.log 2>&1 ||
    skip "pahole cannot: $(tail -n 1 pahole.log)"
  "$BTFPACK" diff pahole.btf ours.btf > diff || [ $? = 1 ]
  grep -E ': |→' diff | lacks -Ev "$known"
}

# types GOLDEN COMPILER FLAGS: types.c gives the golden's types and pahole's.
types() {
  build "$2" "$3" types.c
  like_golden "$1" --no-funcs
  case "$3" in *-gdwarf-2*|*debug-types*|*dwarf64*) ;; *) like_pahole ;; esac
}

# program COMPILER FLAGS: two files that mean different things by one name.
program() {
  case "$2" in *lld*) ;; *) unique=-Wl,--unique=.data..percpu ;; esac # else it joins .data
  build "$1" "$2 ${unique:-}" unit-a.c unit-b.c
  convert image ours.btf
  bpftool btf dump file ours.btf > dump
  grep -q "FUNC 'global_a'" dump
  # Two functions of a name are none in BTF; where LTO inlined one of them, the other is left.
  nm image > symbols
  case $(grep -c ' t same_name$' symbols) in
    1) grep -q "FUNC 'same_name'" dump ;;
    *) lacks "FUNC 'same_name'" dump ;;
  esac
  if [ -n "${unique:-}" ]; then
    grep -q "VAR 'percpu_shared'" dump
    grep -q "DATASEC '.data..percpu' size=[0-9]* vlen=3" dump
  fi
  [ "$(grep -c "STRUCT 'config'" dump)" = 2 ]
  [ "$(grep -c "STRUCT 'whole'" dump)" = 1 ]
  lacks "FWD 'whole'" dump
  # It crashes on type units, reads no 64-bit DWARF, and finds no variables in gcc's LTO.
  case "$1 $2" in *debug-types*|*dwarf64*|gcc*flto*) ;; *) like_pahole ;; esac
}

# lto COMPILER FLAGS: what was inlined across files is neither lost nor there twice.
lto() {
  case "$2" in *lld*) ;; *) unique=-Wl,--unique=.data..percpu ;; esac
  build "$1" "$2 ${unique:-}" lto-a.c lto-b.c
  case "$1 $2" in
    clang*)
      readelf --debug-dump=abbrev image > abbrevs 2> readelf.log
      grep -q DW_FORM_ref_addr abbrevs # units refer to others
      ;;
  esac
  case "$2" in
    *thin*)
      nm image > symbols
      grep -q ' hidden\.llvm\.' symbols
      ;;
  esac
  convert image ours.btf
  bpftool btf dump file ours.btf > dump
  [ "$(grep -c "STRUCT 'record'" dump)" = 1 ]
  [ "$(grep -c "STRUCT 'elsewhere'" dump)" = 1 ]
  [ "$(grep -c "INT 'int'" dump)" = 1 ]
  lacks FWD dump
  grep "FUNC '" dump | sed "s/.*FUNC '\(.*\)' .*/\1/" | sort > funcs
  printf '%s\n' first hidden second small | diff - funcs
}

# tagged COMPILER FLAGS: btf_type_tag and btf_decl_tag, the same in both files or not.
tagged() {
  case "$2" in *lld*) ;; *) unique=-Wl,--unique=.data..percpu ;; esac
  build "$1" "$2 ${unique:-}" tags.c tags-b.c
  if [ -n "${unique:-}" ]; then
    like_golden tags-clang
  else
    convert image ours.btf
  fi
  bpftool btf dump file ours.btf > dump
  # The pointer is to the tag that stands next to it.
  outer=$(sed -n "s/^\[\([0-9]*\)\] TYPE_TAG 'outer'.*/\1/p" dump)
  inner=$(sed -n "s/^\[\([0-9]*\)\] TYPE_TAG 'inner' type_id=$outer\$/\1/p" dump)
  grep -q "PTR '(anon)' type_id=$inner\$" dump
  [ "$(grep -c "DECL_TAG 'holder'" dump)" = 2 ]
  [ "$(grep -c "DECL_TAG 'a tag of the struct'" dump)" = 1 ]
  grep -q "DECL_TAG 'guarded by lock' type_id=[0-9]* component_idx=1" dump
  grep -q "DECL_TAG 'inline's' type_id=[0-9]* component_idx=-1" dump
  case "$2" in *debug-types*) ;; *) like_pahole ;; esac
}

# Each row: golden, compiler, flags. In DWARF 2 there is no "restrict"; a 32-bit
# golden is one of a target.
while IFS='|' read -r golden compiler flags; do
  eval "row() { types '$golden' '$compiler' '$flags'; }"
  run "types: $compiler $flags" row
done <<'ROWS'
types-gcc|gcc|-gdwarf-5 -O0
types-gcc|gcc|-gdwarf-5 -O2
types-gcc|gcc|-gdwarf-4 -O0
types-gcc|gcc|-gdwarf-4 -O2 -gstrict-dwarf
types-gcc|gcc|-gdwarf-3 -O2
types-gcc-2|gcc|-gdwarf-2 -O2
types-gcc|gcc|-g -gz=zlib
types-gcc|gcc|-g -gz=zlib-gnu
types-gcc|gcc|-g -flto -O2
types-gcc|gcc|-gdwarf-4 -fdebug-types-section
types-gcc|gcc|-gdwarf-5 -fdebug-types-section
types-gcc|gcc|-gdwarf-5 -gdwarf64
types-gcc|gcc|-g -fno-merge-debug-strings
types-clang|clang|-gdwarf-5 -O0
types-clang|clang|-gdwarf-5 -O2
types-clang|clang|-gdwarf-4 -O2
types-clang|clang|-gdwarf-3 -O2
types-clang-2|clang|-gdwarf-2 -O2
types-clang|clang|-g -gz=zlib
types-clang|clang|-gdwarf-4 -fdebug-types-section
types-clang|clang|-gdwarf-5 -fdebug-types-section
types-clang|clang|-gdwarf-5 -gdwarf64
types-clang|clang|-g -flto -O2 -fuse-ld=lld
types-gcc-32|i686-linux-gnu-gcc|-gdwarf-5
types-gcc-32|gcc|-m32 -gdwarf-4
types-arm|arm-linux-gnueabihf-gcc|-gdwarf-5
types-s390x|s390x-linux-gnu-gcc|-gdwarf-5
types-s390x|s390x-linux-gnu-gcc|-gdwarf-4
types-s390x-2|s390x-linux-gnu-gcc|-gdwarf-2
types-mips|clang|--target=mips-linux-gnu -fuse-ld=lld -gdwarf-5
types-mips|clang|--target=mips-linux-gnu -fuse-ld=lld -gdwarf-4
types-riscv32|clang|--target=riscv32-linux-gnu -fuse-ld=lld -gdwarf-5
ROWS

while IFS='|' read -r compiler flags; do
  eval "row() { program '$compiler' '$flags'; }"
  run "program: $compiler $flags" row
done <<'ROWS'
gcc|-gdwarf-5 -O0
gcc|-gdwarf-5 -O2
gcc|-gdwarf-4 -O2
gcc|-gdwarf-2 -O2
gcc|-g -flto -O2
gcc|-gdwarf-4 -fdebug-types-section
gcc|-gdwarf-5 -fdebug-types-section
gcc|-gdwarf-5 -gdwarf64
clang|-gdwarf-5 -O0
clang|-gdwarf-5 -O2
clang|-gdwarf-4 -O2
clang|-gdwarf-5 -fdebug-types-section
clang|-gdwarf-3 -O2
clang|-gdwarf-2 -O2
clang|-gdwarf-4 -fdebug-types-section
clang|-g -flto -O2 -fuse-ld=lld
clang-19|-g -flto=thin -O2 -fuse-ld=lld
clang|-gdwarf-5 -fuse-ld=lld -Wl,-O0
i686-linux-gnu-gcc|-g -O2
s390x-linux-gnu-gcc|-g -O2
ROWS

while IFS='|' read -r compiler flags; do
  eval "row() { tagged '$compiler' '$flags'; }"
  run "tagged: $compiler $flags" row
done <<'ROWS'
clang|-gdwarf-5 -O0
clang|-gdwarf-5 -O2
clang|-gdwarf-4 -O2
clang|-gdwarf-4 -fdebug-types-section
clang|-gdwarf-5 -fdebug-types-section
clang|-g -flto -O2 -fuse-ld=lld
clang-19|-gdwarf-5 -O0
clang-19|-gdwarf-5 -O2
clang-19|-g -flto -O2 -fuse-ld=lld
ROWS

while IFS='|' read -r compiler flags; do
  eval "row() { lto '$compiler' '$flags'; }"
  run "lto: $compiler $flags" row
done <<'ROWS'
gcc|-g -flto -O2
clang|-g -flto -O2 -fuse-ld=lld
clang|-g -flto=thin -O2 -fuse-ld=lld
clang-19|-gdwarf-5 -flto -O2 -fuse-ld=lld
clang-19|-gdwarf-5 -flto=thin -O2 -fuse-ld=lld
clang-19|-gdwarf-4 -flto=thin -O2 -fuse-ld=lld
ROWS

# zstd, which this gcc does not write: by objcopy, where that can.
compressed_by_zstd() {
  build gcc -g types.c
  objcopy --compress-debug-sections=zstd image image.zstd 2> err || skip "objcopy knows no zstd"
  mv image.zstd image
  like_golden types-gcc --no-funcs
}
run "types: compressed by zstd" compressed_by_zstd

folded() {
  build gcc "-g -O3 -fno-semantic-interposition" folded.c
  convert image ours.btf
  bpftool btf dump file ours.btf > dump
  grep -q "FUNC 'twin_one'" dump
  grep -q "FUNC 'twin_two'" dump
  lacks "FUNC 'only_inlined'" dump
}
run "functions: code that is another's" folded

# gcc writes short names inline, clang all of them into .debug_str.
two_compilers() {
  need clang
  gcc -g -O1 -fPIC -w -c -o a.o "$data/unit-a.c"
  clang -g -O1 -fPIC -w -c -o b.o "$data/unit-b.c"
  gcc -shared -nostdlib -o image a.o b.o
  ld -r -o image.o a.o b.o
  for file in image image.o; do
    convert $file ours.btf
    bpftool btf dump file ours.btf > dump
    [ "$(grep -c "INT 'int'" dump)" = 1 ]
    [ "$(grep -c "STRUCT 'whole'" dump)" = 1 ]
    lacks "FWD" dump
  done
}
run "program: of two compilers" two_compilers

# Nothing is told of Rust, though its strings and symbols are among C's.
rust_units() {
  need rustc
  build gcc "-g -O1" unit-b.c
  convert image c.btf
  rustc -g -C opt-level=1 -C panic=abort -C relocation-model=pic --crate-type=lib --emit=obj \
    -o unit.o "$data/unit.rs" 2> compiler.log || skip "rustc cannot: $(tail -n 1 compiler.log)"
  # shellcheck disable=SC2086
  gcc $linked -g -O1 -o image unit.o "$data/unit-b.c"
  nm image > symbols
  grep -q ' T rust_function' symbols
  convert image ours.btf
  expect_status 0 "$BTFPACK" diff c.btf ours.btf
}
run "program: of C and Rust" rust_units

# changed COMPILER FLAGS: a prototype that no longer says how to call is not told. (Older
# clang, as 14, does not know.)
changed() {
  build "$1" "$2" changed.c
  case "$1" in clang*)
    readelf --debug-dump=info image > info 2> readelf.log
    [ "$(grep -c 'calling_convention.*nocall' info)" = 2 ]
    ;;
  esac
  convert image ours.btf
  bpftool btf dump file ours.btf > dump
  sed -n "s/.* FUNC '\(.*\)' .*/\1/p" dump | sort > funcs
  printf '%s\n' lost_result use_all whole | diff - funcs
}

while IFS='|' read -r compiler flags; do
  eval "row() { changed '$compiler' '$flags'; }"
  run "functions: what the compiler changed: $compiler $flags" row
done <<'ROWS'
gcc|-g -O2
clang-19|-gdwarf-5 -O2
clang-19|-gdwarf-4 -O2
clang-19|-g -O2 -flto -fuse-ld=lld
ROWS

supplementary_file() {
  need dwz
  build gcc "-g -O0" unit-a.c unit-b.c
  convert image plain.btf
  dwz -o packed image
  convert packed ours.btf
  expect_status 0 "$BTFPACK" diff plain.btf ours.btf
}
run "program: by way of dwz" supplementary_file

# multifile COMPILER OPTION...: two modules share a supplementary file, in which lies
# what both have.
multifile() {
  local compiler=$1
  shift
  need dwz
  build "${compiler%% *}" "${compiler#* }" unit-a.c unit-b.c
  mv image one
  build "${compiler%% *}" "${compiler#* }" unit-b.c types.c
  mv image two
  convert one one.btf
  convert two two.btf
  # However small they are.
  dwz -q -l none -L none -m common "$@" one two 2> dwz.log || skip "dwz $*: $(tail -n 1 dwz.log)"
  for file in one two; do
    readelf -S -W $file > sections
    grep -qE 'gnu_debugaltlink|debug_sup' sections
    convert $file ours.btf
    expect_status 0 "$BTFPACK" diff $file.btf ours.btf
    mv common elsewhere
    expect_status 4 "$BTFPACK" convert -o out.btf $file
    expect_one_sentence
    convert $file ours.btf --dwz-file elsewhere
    expect_status 0 "$BTFPACK" diff $file.btf ours.btf
    expect_status 3 "$BTFPACK" convert -o out.btf --dwz-file two.btf $file
    expect_one_sentence
    mv elsewhere common
  done
}

while IFS='|' read -r compiler options; do
  eval "row() { multifile '$compiler' $options; }"
  run "program: by way of dwz -m $options: $compiler" row
done <<'ROWS'
gcc -gdwarf-5 -O0|
gcc -gdwarf-4 -O2|
gcc -gdwarf-5 -O2|-5
gcc -gdwarf-5 -O0|-r
gcc -gdwarf-4 -O2 -m32|
clang -gdwarf-4 -O2|
ROWS

# split_dwarf COMPILER FLAGS
split_dwarf() {
  need "$1"
  # shellcheck disable=SC2086
  $1 $linked $2 -o image "$data/unit-a.c"
  expect_status 3 "$BTFPACK" convert -o out.btf image
  expect_one_sentence
  grep -q 'split DWARF' err
  [ ! -e out.btf ]
}
while IFS='|' read -r compiler flags; do
  eval "row() { split_dwarf '$compiler' '$flags'; }"
  run "split DWARF is refused: $compiler $flags" row
done <<'ROWS'
gcc|-gdwarf-5 -gsplit-dwarf
gcc|-gdwarf-4 -gsplit-dwarf
clang|-gdwarf-5 -gsplit-dwarf
clang|-gdwarf-4 -gsplit-dwarf
clang|-gdwarf-5 -gsplit-dwarf=single
ROWS

finish
