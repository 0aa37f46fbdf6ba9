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
  [ "$(tail -n 1 out | tr -s ' ')" = 'missing gadgets cannot run here, for want of: BTF to use' ]
  # A bundle that cannot be read is not one that lacks this kernel.
  echo "no bundle" > bad.bundle
  expect_status 1 "$BTFPACK" doctor --root root --bundle bad.bundle
  grep -A 1 '^missing  *BTF to use' out | grep -q 'write the bundle anew'
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
  tail -n 1 out | grep -q 'can run here'
}

btfrun_is_small_and_alone() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  expect_status 0 "$BTFRUN" --list
  "$BTFPACK" gadgets | cmp - out
  [ "$(stat -c %s "$BTFRUN")" -lt 2000000 ]
  readelf -d "$BTFRUN" 2> /dev/null | lacks NEEDED
  expect_status 2 "$BTFRUN"
  expect_status 2 "$BTFRUN" execsnoop --nothing
  # The same as `btfpack doctor`, which status depends on this machine.
  "$BTFPACK" doctor > expected || [ $? = 1 ]
  "$BTFRUN" --doctor > out || [ $? = 1 ]
  cmp expected out
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
  { cat "$BTFRUN" end; } > liar
  chmod +x liar
  expect_status 3 ./liar execsnoop
  expect_status 2 "$BTFRUN" --attach bundle
}

# A transport that stays here: what ssh would do with the shell line, on a machine that
# says it is $MACHINE and whose login shell prints a word of its own.
fake_transport() {
  mkdir -p bin
  printf '#!/bin/sh\necho "${MACHINE:-%s}"\n' "$(uname -m)" > bin/uname
  cat > transport << 'END'
#!/bin/sh
[ "$1" = there ] || { echo "a warning" >&2; echo "$1: Permission denied (publickey)." >&2; exit 255; }
echo "Welcome to there"
PATH=$PWD/bin:$PATH exec "${LOGIN_SHELL:-sh}" -c "$2"
END
  chmod +x transport bin/uname
}

left_behind() { ls -d /dev/shm/btfrun.* /run/btfrun.* /tmp/btfrun.* 2> /dev/null; }

btfrun_runs_over_a_transport() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  fake_transport
  local shell
  for shell in sh bash busybox; do
    command -v $shell > /dev/null || continue
    [ $shell != busybox ] || { printf '#!/bin/sh\nexec busybox sh "$@"\n' > bin/shell; chmod +x bin/shell; }
    [ $shell != busybox ] || shell=$PWD/bin/shell
    LOGIN_SHELL=$shell expect_status 0 "$BTFRUN" --over ./transport there --list
    "$BTFPACK" gadgets | cmp - out
    # Words arrive as they were, the exit status comes back.
    LOGIN_SHELL=$shell expect_status 2 "$BTFRUN" --over ./transport there execsnoop --comm "it's \$a 'long' one, too"
    grep -qF "it's \$a 'long' one" err
  done
  expect_status 2 "$BTFRUN" --json --over ./transport there --list
  fails left_behind
}

btfrun_tells_why_the_transport_failed() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  fake_transport
  expect_status 4 "$BTFRUN" --over ./transport elsewhere --list
  [ "$(tail -n 1 err)" = 'btfrun: ./transport elsewhere: elsewhere: Permission denied (publickey).' ]
  expect_status 4 "$BTFRUN" --over ./no-such there --list
  [ "$(cat err)" = "btfrun: cannot run './no-such': No such file or directory" ]
  expect_status 4 "$BTFRUN" --over true there --list
  [ "$(cat err)" = "btfrun: true there: cannot run sh there" ]
}

btfrun_sends_what_the_machine_needs() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  fake_transport
  MACHINE=mips expect_status 4 "$BTFRUN" --over ./transport there --list
  [ "$(wc -l < err)" = 1 ]
  grep -q '^btfrun: there is mips, and .*/btfrun-mips is missing: ' err
  mkdir all
  cp "$BTFRUN" all/btfrun-mips
  MACHINE=mips expect_status 0 "$BTFRUN" --program all --over ./transport there --list
  MACHINE=armv7hf expect_status 4 "$BTFRUN" --program all --over ./transport there --list
  grep -q '^btfrun: there is armv7l, and all/btfrun-armv7l is missing: ' err
  MACHINE=mips expect_status 0 "$BTFRUN" --program "$BTFRUN" --over ./transport there --list
  fails left_behind
}

# The connection breaks while the program is on its way: half of it is not run.
btfrun_does_not_run_half_of_itself() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  fake_transport
  printf '#!/bin/sh\nhead -c 100000 | ./transport "$@"\n' > breaking
  chmod +x breaking
  expect_status 4 "$BTFRUN" --over ./breaking there --list
  grep -q '^btfrun: .*: no room for .* bytes, or the connection broke' err
  fails left_behind
}

# ssh asks for passwords on the terminal: it has to be in its foreground.
btfrun_lets_the_transport_ask() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  need python3
  fake_transport
  printf '#!/bin/sh\nread -r word < /dev/tty\n[ "$word" = secret ] || exit 255\nexec ./transport "$@"\n' > asking
  chmod +x asking
  cat > on-terminal.py << 'END'
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
os.write(terminal, b"secret\n")
try:
    while os.read(terminal, 4096):
        pass
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
END
  expect_status 0 timeout 30 python3 on-terminal.py "$BTFRUN" --over ./asking there --list
}

# ^C before the other side is reached.
btfrun_stops_while_it_connects() {
  [ -x "$BTFRUN" ] || skip "btfrun is not built"
  printf '#!/bin/sh\necho > reached\nexec sleep 60\n' > hanging
  chmod +x hanging
  "$BTFRUN" --over ./hanging there --list 2> err &
  local pid=$! status=0
  while [ ! -e reached ]; do sleep 0.05; done
  kill -INT $pid
  wait $pid || status=$?
  [ $status = 4 ]
  [ "$(cat err)" = "btfrun: ./hanging there: stopped before it was reached" ]
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
run "btfrun tells why the transport failed" btfrun_tells_why_the_transport_failed
run "btfrun sends what the machine needs" btfrun_sends_what_the_machine_needs
run "btfrun does not run half of itself" btfrun_does_not_run_half_of_itself
run "btfrun lets the transport ask for a password" btfrun_lets_the_transport_ask
run "btfrun stops while it connects" btfrun_stops_while_it_connects
finish
