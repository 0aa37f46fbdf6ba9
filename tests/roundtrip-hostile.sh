#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# DWARF written by hand (make-dwarf.py): odd encodings are converted, damage and
# malice refused in one sentence, in bounded time and memory, with nothing written.
. "$(dirname "$0")/lib.sh"
need python3
# Sanitizers want address space without end.
[ -n "$(nm "$BTFPACK" 2> /dev/null | grep -m 1 __asan_init)" ] || limit=3000000

bounded() { (ulimit -v "${limit:-unlimited}"; exec timeout 60 "$@"); }

good() {
  "$TESTS/make-dwarf.py" "$case" > file
  expect_status 0 bounded "$BTFPACK" convert -j 1 -o one.btf file
  expect_status 0 bounded "$BTFPACK" convert -j 3 -o three.btf file
  cmp one.btf three.btf
  bpftool btf dump file one.btf > dump
  grep -q "INT 'int' size=4" dump
  [ "$(grep -c "INT 'int'" dump)" = 1 ]
}

bad() {
  "$TESTS/make-dwarf.py" "$case" > file
  expect_status 3 bounded "$BTFPACK" convert -o out.btf file
  expect_one_sentence
  [ ! -e out.btf ]
}

for case in $("$TESTS/make-dwarf.py"); do
  run "${case//_/ }" "${case%%_*}"
done

# The tag next to the pointer comes first; one annotation serves several.
gnu_annotations() {
  "$TESTS/make-dwarf.py" good_gnu_annotations > file
  "$BTFPACK" convert -o out.btf file
  bpftool btf dump file out.btf > dump
  outer=$(sed -n "s/^\[\([0-9]*\)\] TYPE_TAG 'outer' type_id=1\$/\1/p" dump)
  inner=$(sed -n "s/^\[\([0-9]*\)\] TYPE_TAG 'inner' type_id=$outer\$/\1/p" dump)
  grep -q "PTR '(anon)' type_id=$inner\$" dump
  s=$(sed -n "s/^\[\([0-9]*\)\] STRUCT 's'.*/\1/p" dump)
  grep -o "DECL_TAG.*" dump | sort > tags
  printf "DECL_TAG '%s' type_id=$s component_idx=%s\n" first -1 first 1 other -1 other 0 other 1 | diff - tags
}
run "gnu annotations, looked at" gnu_annotations

no_sense() {
  "$TESTS/make-dwarf.py" good_annotations_without_sense > file
  "$BTFPACK" convert -o out.btf file
  bpftool btf dump file out.btf > dump
  lacks TAG dump
}
run "annotations without sense leave no tag" no_sense

# What is the same but for how its names are written is one type.
two_spellings() {
  "$TESTS/make-dwarf.py" good_names_of_two_spellings > file
  "$BTFPACK" convert -o out.btf file
  bpftool btf dump file out.btf > dump
  [ "$(grep -c '^\[' dump)" = 3 ]
  grep -q "STRUCT 'record_of_both' size=4 vlen=1" dump
  grep -q "'first_member' type_id=$(sed -n "s/^\[\([0-9]*\)\] TYPEDEF 'a_long_name_t'.*/\1/p" dump) " dump
}
run "names of two spellings, looked at" two_spellings

# Cut anywhere, a file gives BTF or one sentence.
truncated() {
  "$TESTS/make-dwarf.py" good_every_version > file
  local size status
  for size in $(seq 0 7 "$(wc -c < file)"); do
    head -c "$size" file > cut
    status=0
    "$BTFPACK" convert -o out.btf cut > out 2> err || status=$?
    [ $status = 0 ] || expect_one_sentence
    case $status in 0|3) ;; *) echo "cut at $size: status $status"; return 1 ;; esac
  done
}
run "truncated" truncated

finish
