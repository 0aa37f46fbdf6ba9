#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Where users' machines are odd: names that are no UTF-8, links, devices, descriptors that are
# closed, disks that are full.
. "$(dirname "$0")/lib.sh"

BTF_OBJECT=$BUILD/bpf-gadgets/execsnoop.bpf.o

# An ELF file with DWARF, as `kernel`.
make_kernel() {
  need gcc
  echo 'struct task_struct { int pid; struct task_struct *next; } init; int main(void) { return init.pid; }' > k.c
  gcc -g -o "${1:-kernel}" k.c
}

json_of_names_that_are_no_utf8() {
  local name=$'k\377\303(.elf'
  need jq
  make_kernel "$name"
  expect_status 0 "$BTFPACK" convert --json -o $'out\200' "$name"
  [ "$(jq -r '.input, .output' out)" = $'k\xef\xbf\xbd\xef\xbf\xbd(.elf\nout\xef\xbf\xbd' ]
  cp "$BTF_OBJECT" $'o\377.bpf.o'
  "$BTFPACK" check --json --btf $'out\200' $'o\377.bpf.o' > out || [ $? = 1 ]
  [ "$(jq -r 'select(.verdict).label' out | sort -u)" = $'out\xef\xbf\xbd' ]
}

# Rename over /dev/stdout, and it is a file for everyone from then on: tried without the right to.
standard_output_by_name() {
  local path as=
  [ -L /dev/stdout ] && [ -e /proc/self/fd/1 ] || skip "no /dev/stdout here"
  if [ "$(id -u)" = 0 ]; then
    need setpriv
    as="setpriv --reuid=65534 --regid=65534 --clear-groups"
    chmod 711 "$test_scratch"
    chmod 777 .
  fi
  make_kernel
  "$BTFPACK" convert -o expected kernel
  install "$BTFPACK" btfpack
  for path in /dev/stdout /dev/fd/1 /proc/self/fd/1; do
    (echo first; $as ./btfpack convert -o $path kernel) > result
    (echo first; cat expected) | cmp - result
  done
  $as ./btfpack convert -o /dev/stdout kernel | cmp - expected
}

links_lead_to_what_is_written() {
  make_kernel
  mkdir there
  : > there/file
  chmod 600 there/file
  ln -s there/file link
  expect_status 0 "$BTFPACK" convert -o link kernel
  [ -L link ]
  [ -s there/file ]
  [ "$(stat -c %a there/file)" = 600 ]
  [ "$(ls -A there)" = file ]
}

# The next file that is opened would take the number of what is closed, and then get what is printed.
closed_descriptors() {
  local pid numbers
  [ -d /proc/self/fd ] || skip "no /proc"
  make_kernel
  expect_status 4 sh -c '"$0" convert --json -o btf kernel >&-' "$BTFPACK"
  mkfifo pipe
  exec 9<> pipe
  "$BTFPACK" minify -o small btf pipe <&- >&- 2>&- 9>&- &
  pid=$!
  numbers=
  for _ in $(seq 200); do
    # The shell that becomes it has other numbers.
    [[ $(readlink /proc/$pid/exe || true) != */btfpack ]] ||
      numbers=$(find /proc/$pid/fd -lname "$PWD/pipe" -printf '%f\n' 2> /dev/null || true)
    [ -z "$numbers" ] || break
    sleep 0.05
  done
  exec 9>&-
  wait $pid || true
  [ -n "$numbers" ]
  [ "$numbers" -gt 2 ]
}

no_file_to_read() {
  need mkfifo
  make_kernel
  mkfifo pipe
  cat kernel > pipe &
  expect_status 3 "$BTFPACK" convert -o btf pipe
  expect_one_sentence
  grep -q 'pipe: expected a regular file, found a pipe' err
  expect_status 3 "$BTFPACK" convert -o btf /dev/null
  grep -q '/dev/null: expected a regular file, found a device' err
  expect_status 4 "$BTFPACK" convert -o btf .
  expect_status 4 "$BTFPACK" convert -o '' kernel
  expect_one_sentence
  [ ! -e btf ]
}

full_disk() {
  [ -c /dev/full ] || skip "no /dev/full"
  make_kernel
  expect_status 4 "$BTFPACK" convert -o /dev/full kernel
  grep -q '/dev/full: cannot write: No space left on device' err
  [ -c /dev/full ]
  expect_status 4 sh -c '"$0" convert -o - kernel > /dev/full' "$BTFPACK"
  expect_status 4 sh -c '"$0" convert --json -o btf kernel > /dev/full' "$BTFPACK"
}

# A tree like BTFHub's of one kernel.
make_tree() {
  make_kernel
  mkdir -p tree/debian/12/x86_64
  "$BTFPACK" convert -o tree/debian/12/x86_64/6.1.0-1-amd64.btf kernel
}

dash_is_standard_output_or_refused() {
  local kernels=tree/debian/12/x86_64
  make_tree
  "$BTFPACK" import -q --archive store tree
  expect_status 0 "$BTFPACK" export -q --archive store --format tar -o x.tar
  "$BTFPACK" export -q --archive store --format tar -o - | cmp - x.tar
  expect_status 2 "$BTFPACK" export --archive store --format dir -o -
  expect_status 2 "$BTFPACK" export --archive store --json --format tar -o -
  expect_status 2 "$BTFPACK" minify --kernels $kernels -o - "$BTF_OBJECT"
  expect_status 2 "$BTFPACK" check --btf $kernels/*.btf --html - "$BTF_OBJECT"
  [ ! -e ./- ]
}

kernels_are_not_minified_in_place() {
  make_tree
  cp -r tree before
  ln -s tree/debian/12/x86_64 link
  expect_status 2 "$BTFPACK" minify --allow-missing --kernels tree/debian/12/x86_64 -o link "$BTF_OBJECT"
  expect_one_sentence
  diff -r before tree
}

import_reads_all_or_says_so() {
  local as=
  make_tree
  ln -s tree link
  expect_status 0 "$BTFPACK" import --archive store link
  grep -q '1 stored' err
  if [ "$(id -u)" = 0 ]; then
    need setpriv
    as="setpriv --reuid=65534 --regid=65534 --clear-groups"
    chmod 711 "$test_scratch"
    chmod 777 .
  fi
  install "$BTFPACK" btfpack
  mkdir tree/debian/13
  chmod 000 tree/debian/13
  expect_status 4 $as ./btfpack import --archive other tree
  grep -q 'tree/debian/13: cannot be read' err
  grep -q '1 stored' err
}

# A limit on the size of files is a full disk, and no crash.
limited_files() {
  make_kernel
  expect_status 4 bash -c \
    '(ulimit -f 0; exec "$0" convert -o btf kernel) 2>&1 | cat >&2; exit ${PIPESTATUS[0]}' "$BTFPACK"
  expect_one_sentence
  grep -q 'btf: cannot write: File too large' err
  [ -z "$(find . -name 'btf*')" ]
}

# What is shown of progress never takes a second line, which could not be taken away.
progress_in_a_narrow_terminal() {
  local kernels
  need script python3
  make_tree
  cd tree/debian/12/x86_64
  for kernels in $(seq 30); do cp 6.1.0-1-amd64.btf 6.1.0-1-$kernels-long-names-of-kernels-amd64.btf; done
  cd "$OLDPWD"
  script -qec "stty cols 24; $(printf %q "$BTFPACK") import --archive store $PWD/tree/debian/12/../12" log > shown < /dev/null
  expect_status 0 "$BTFPACK" ls --archive store
  script -qec "stty cols 24; $(printf %q "$BTFPACK") bundle --archive store -o all.bundle" log > shown < /dev/null
  python3 - shown << 'END'
import re, sys
shown = open(sys.argv[1], "rb").read().decode()
lines = [l for l in re.findall(r"\r\x1b\[K([^\r\n]*)", shown) if "kernels, now" in l]
assert lines, shown
assert all(len(l) < 24 for l in lines), lines
END
}

run "JSON of names that are no UTF-8" json_of_names_that_are_no_utf8
run "standard output by its name in /dev" standard_output_by_name
run "links lead to what is written" links_lead_to_what_is_written
run "closed descriptors stay closed" closed_descriptors
run "what is no file to read" no_file_to_read
run "a full disk" full_disk
run "a limit on the size of files" limited_files
run "progress in a narrow terminal" progress_in_a_narrow_terminal
run "- is standard output, or refused" dash_is_standard_output_or_refused
run "kernels are not minified in place" kernels_are_not_minified_in_place
run "an import reads all, or says so" import_reads_all_or_says_so
finish
