#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# `make demo`'s script on the real mirror (300 MB), and what it leaves behind, looked at
# by others: bpftool, cmp, the mirror's own answer the second time.
. "$(dirname "$0")/lib.sh"
demo=$test_scratch/demo

goes_all_the_way() {
  expect_status 0 env DEMO="$demo" BUILD="$BUILD" "$ROOT/scripts/demo"
  grep -q '^Chosen  *debian 12 x86_64 6\.1\..*-cloud-amd64$' out
  grep -q '^build-id [0-9a-f]*: chosen, it is debian 12 x86_64' out
  grep -Eq '^Bundle  *[0-9]+ bytes' out
}

ended() { [ -s "$demo/gadgets.bundle" ] || skip "the demo did not end"; }

leaves_good_btf() {
  need bpftool
  ended
  bpftool btf dump file "$demo/kernel.btf" > dump
  grep -q "STRUCT 'task_struct'" dump
  bpftool btf dump file "$demo/execsnoop.btf" | grep -q "STRUCT 'task_struct'"
  expect_status 0 "$BTFPACK" verify --archive "$demo/archive"
}

# For the kernel by name the bundle gives what the host with its build-id got.
agrees_with_itself() {
  ended
  local uname
  uname=$(cat "$demo/host/proc/sys/kernel/osrelease")
  expect_status 0 "$BTFPACK" select --bundle "$demo/gadgets.bundle" --distro debian --release 12 \
    --arch amd64 --uname "$uname" -o named.btf
  cmp named.btf "$demo/selected.btf"
  expect_status 1 "$BTFPACK" select --bundle "$demo/gadgets.bundle" --distro debian --release 12 \
    --arch amd64 --uname 5.10.0-1-amd64
}

downloads_nothing_twice() {
  ended
  cp "$demo/gadgets.bundle" first
  expect_status 0 env DEMO="$demo" BUILD="$BUILD" "$ROOT/scripts/demo"
  grep -q '0 to build' err
  cmp first "$demo/gadgets.bundle"
}

run "the demo goes all the way" goes_all_the_way
run "what it leaves is good BTF" leaves_good_btf
run "by name as by build-id" agrees_with_itself
run "a second run downloads nothing" downloads_nothing_twice
finish
