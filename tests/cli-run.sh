#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# run, gadgets, doctor and btfrun as a user meets them, as far as they go without
# loading anything into this machine's kernel. The rest is `make check-vm`.
. "$(dirname "$0")/lib.sh"

BTFRUN=${O:-$ROOT/build}/btfrun-$(uname -m)
OBJECT=$BUILD/bpf-gadgets/execsnoop.bpf.o

gadgets_are_listed() {
  expect_status 0 "$BTFPACK" gadgets
  [ "$(wc -l < out)" = "$(ls "$ROOT"/bpf-gadgets/*.bpf.c | wc -l)" ]
  grep -q '^execsnoop  *Trace new processes' out
  expect_status 0 "$BTFPACK" gadgets --json
  jq -se 'map(select(.name == "execsnoop"))[0] |
    (.options[] | select(.name == "max-args")).default == "20" and
    (.columns | map(.name) | index("args")) != null' out
}

help_is_the_gadgets() {
  expect_status 0 "$BTFPACK" run execsnoop --help
  grep -q -- '-x, --fails  *show execs that failed, too' out
  grep -q -- '--pid N  *only this process' out
  # The gadget's -t goes before the runner's.
  expect_status 0 "$BTFPACK" run opensnoop --help
  grep -q -- '-t, --tid N' out
  grep -q -- '^      --timestamp' out
  # The same of a file, and of one in the other byte order.
  expect_status 0 "$BTFPACK" run "$OBJECT" --help
  expect_status 0 "$BTFPACK" run "$BUILD/bpf-gadgets/be/execsnoop.bpf.o" --help
}

wrong_usage_is_one_sentence() {
  expect_status 2 "$BTFPACK" run execsnoop --no-such-option; expect_one_sentence
  expect_status 2 "$BTFPACK" run execsnoop --pid; expect_one_sentence
  expect_status 2 "$BTFPACK" run execsnoop --pid many; expect_one_sentence
  expect_status 2 "$BTFPACK" run execsnoop --columns pid,nothing; expect_one_sentence
  expect_status 2 "$BTFPACK" run execsnoop surplus; expect_one_sentence
  expect_status 2 "$BTFPACK" run --timeout soon execsnoop; expect_one_sentence
  expect_status 2 "$BTFPACK" run
  expect_status 2 "$BTFPACK" run nosuchgadget; expect_one_sentence
  grep -q 'btfpack gadgets' err
}

bad_objects_are_refused() {
  echo text > text.o
  expect_status 3 "$BTFPACK" run text.o; expect_one_sentence
  cp "$BTFPACK" program.o
  expect_status 3 "$BTFPACK" run program.o; expect_one_sentence
  head -c 3000 "$OBJECT" > cut.bpf.o
  expect_status 3 "$BTFPACK" run cut.bpf.o; expect_one_sentence
  expect_status 4 "$BTFPACK" run ./missing.bpf.o; expect_one_sentence
}

# A BTF that is none is found out before anything is loaded.
bad_btf_is_refused() {
  expect_status 4 "$BTFPACK" run --btf ./missing.btf execsnoop; expect_one_sentence
  echo text > text.btf
  expect_status 3 "$BTFPACK" run --btf text.btf execsnoop; expect_one_sentence
}

# A host made of files: nothing of this machine is seen.
fake_host() {
  mkdir -p root/{etc,proc/sys/kernel,proc/sys/net/core,sys/kernel/tracing/events}
  printf 'ID=debian\nVERSION_ID="12"\n' > root/etc/os-release
  echo 6.1.0-1-686-pae > root/proc/sys/kernel/osrelease
  echo 1 > root/proc/sys/net/core/bpf_jit_enable
  for symbol in bpf_check trace_call_bpf register_kprobe perf_syscall_enter; do
    echo "00000000 T $symbol"
  done > root/proc/kallsyms
}

doctor_finds_what_is_missing() {
  fake_host
  expect_status 1 "$BTFPACK" doctor --root root
  grep -q '^missing  *BTF to use' out
  grep -q '^lacks  *ring buffer' out
  grep -q '^ok  *tracefs' out
  expect_status 1 "$BTFPACK" doctor --root root --json
  jq -se 'map(select(.check == "kernel BTF"))[0].state == "lacks"' out
}

doctor_is_content() {
  need llvm-objcopy
  fake_host
  mkdir -p root/sys/kernel/btf
  # Some BTF or other: that of a gadget itself.
  llvm-objcopy --dump-section .BTF=root/sys/kernel/btf/vmlinux "$OBJECT" /dev/null
  expect_status 0 "$BTFPACK" doctor --root root
  grep -q '^ok  *BTF to use' out
}

btfrun_is_small_and_alone() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  expect_status 0 "$BTFRUN" --list
  "$BTFPACK" gadgets | cmp - out
  [ "$(stat -c %s "$BTFRUN")" -lt 2000000 ]
  ! readelf -d "$BTFRUN" 2> /dev/null | grep -q NEEDED
  expect_status 2 "$BTFRUN"
  expect_status 2 "$BTFRUN" execsnoop --nothing
}

btfrun_carries_a_bundle() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  echo "not a bundle, but bytes" > bundle
  expect_status 0 "$BTFRUN" --attach bundle -o with
  cmp -n "$(stat -c %s "$BTFRUN")" "$BTFRUN" with
  expect_status 0 ./with --list
  # Another takes its place; its own self is recovered.
  echo "other bytes" > other
  expect_status 0 ./with --attach other -o again
  [ "$(stat -c %s again)" = $(($(stat -c %s "$BTFRUN") + 12 + 16)) ]
  # An attachment longer than the file is told.
  tail -c 16 with | tr '\000' '\001' > end
  { cat "$BTFRUN" end; } > liar && chmod +x liar
  expect_status 3 ./liar execsnoop
  expect_status 2 "$BTFRUN" --attach bundle
}

# A transport that stays here: what ssh would do with the shell line.
fake_transport() {
  printf '#!/bin/sh\n[ "$1" = there ] || exit 255\nexec sh -c "$2"\n' > transport
  chmod +x transport
}

btfrun_runs_over_a_transport() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  fake_transport
  expect_status 0 "$BTFRUN" --over ./transport there --list
  "$BTFPACK" gadgets | cmp - out
  # Words arrive as they were, the exit status comes back.
  expect_status 2 "$BTFRUN" --over ./transport there execsnoop --comm "it's a long one, too long"
  grep -q "it's a long one" err
  expect_status 4 "$BTFRUN" --over ./transport elsewhere --list
  grep -q '^btfrun: ./transport elsewhere: ' err
  expect_status 2 "$BTFRUN" --json --over ./transport there --list
  # Nothing stays behind.
  ! ls -d /dev/shm/btfrun.* /run/btfrun.* /tmp/btfrun.* 2> /dev/null
}

run "gadgets are listed from their BTF" gadgets_are_listed
run "--help of a gadget is read from its BTF" help_is_the_gadgets
run "wrong usage is told in one sentence" wrong_usage_is_one_sentence
run "objects that are none are refused" bad_objects_are_refused
run "BTF that is none is refused" bad_btf_is_refused
run "doctor finds what is missing" doctor_finds_what_is_missing
run "doctor is content with a kernel that has its BTF" doctor_is_content
run "btfrun is one small static file" btfrun_is_small_and_alone
run "btfrun carries a bundle" btfrun_carries_a_bundle
run "btfrun runs over a transport and leaves nothing" btfrun_runs_over_a_transport
finish
