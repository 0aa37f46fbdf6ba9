# SPDX-License-Identifier: BSD-2-Clause
# Shell tests source this. A test is a function; `run NAME FUNCTION` runs it in a
# subshell with its own empty directory and prints TAP. Inside, any failing
# command fails the test (set -e); expect_status checks an exit status.
#
#   . "$(dirname "$0")/lib.sh"
#   refuses_garbage() { expect_status 3 "$BTFPACK" convert -o out garbage; }
#   run "refuses garbage" refuses_garbage
#   finish

set -u
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(dirname "$TESTS")
BUILD=${BUILD:-$ROOT/build}
BTFPACK=${BTFPACK:-$BUILD/btfpack}
PATH=$PATH:/usr/sbin:/sbin
export LC_ALL=C
test_count=0
test_failures=0
test_scratch=$(mktemp -d "${TMPDIR:-/tmp}/btfpack-test.XXXXXX")
trap 'rm -rf "$test_scratch"' EXIT

# run NAME FUNCTION: the function's exit status 77 means skipped, its last line says why.
run() {
  local status=0 log="$test_scratch/log" dir="$test_scratch/$((test_count + 1))"
  test_count=$((test_count + 1))
  mkdir -p "$dir"
  # set -e is ignored inside a condition, so the subshell stands alone.
  set +e
  (set -e; cd "$dir"; "$2") > "$log" 2>&1
  status=$?
  if [ $status = 0 ]; then
    echo "ok $test_count - $1"
  elif [ $status = 77 ]; then
    echo "ok $test_count - $1 # SKIP $(tail -n 1 "$log")"
  else
    sed 's/^/# /' "$log" | tail -n 40
    echo "not ok $test_count - $1"
    test_failures=$((test_failures + 1))
  fi
}

skip() { echo "$*"; exit 77; }

# expect_status N COMMAND...: stdout goes to the file `out`, stderr to `err`.
expect_status() {
  local expected=$1 status=0
  shift
  "$@" > out 2> err || status=$?
  if [ "$status" != "$expected" ]; then
    echo "exit status $status, expected $expected: $*"
    echo "stdout:"; head -n 20 out
    echo "stderr:"; head -n 20 err
    return 1
  fi
}

# expect_one_sentence: stderr of the last expect_status is one line, from btfpack.
expect_one_sentence() {
  if [ "$(wc -l < err)" != 1 ] || ! grep -q '^btfpack' err; then
    echo "expected one sentence on stderr, found:"; cat err
    return 1
  fi
}

# Under set -e a line "! COMMAND" fails nothing, whatever COMMAND says, and of "A && B" only B
# does: one thing a line, and these for what is not to be. tests/check-tests.sh holds us to it.

# lacks ARGUMENTS OF grep: no line matches; a file that is not there fails, too.
lacks() {
  local status=0
  grep "$@" > "$test_scratch/lines" || status=$?
  [ $status != 1 ] || return 0
  echo "not to be there (grep $*):"; head -n 20 "$test_scratch/lines"
  return 1
}

# differ A B: two files that are there.
differ() { local status=0; cmp -s "$@" || status=$?; [ $status = 1 ]; }

# fails COMMAND...: it runs, and says no.
fails() { local status=0; "$@" || status=$?; [ $status != 0 ] && [ $status -lt 126 ]; }

# alter FILE OFFSET: the byte there becomes another one, whatever it was.
alter() {
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  # shellcheck disable=SC2059
  printf "\\$(printf %03o $((byte ^ 255)))" | dd of="$1" bs=1 seek="$2" conv=notrunc 2> /dev/null
}

need() {
  local tool
  for tool; do command -v "$tool" > /dev/null || skip "$tool is not installed"; done
}

finish() {
  echo "1..$test_count"
  [ "$test_failures" = 0 ]
}

# make_modules: k.btf, and on top of it m1 (with a struct, a function and a tracepoint of
# its own) and m2, which has another "struct both" than m1.
make_modules() {
  local name
  cat > k.c << 'END'
struct common { int a; long b; };
long in_kernel(struct common *c) { return c->b; }
END
  cat > m1.c << 'END'
struct common { int a; long b; };
struct only { int pad; struct common c; int x; };
struct both { int x; int y; };
typedef void (*btf_trace_m1_event)(void *, struct only *);
long in_m1(struct only *o, btf_trace_m1_event e) { return o->x; }
long m1_both(struct both *o) { return o->y; }
END
  cat > m2.c << 'END'
struct both { int x; int z; int y; };
struct other { char c; struct both b; int w; };
long m2_both(struct both *o) { return o->y; }
long in_m2(struct other *o) { return o->w; }
END
  cat > modules.bpf.c << 'END'
#include "core.h"
struct common { int a; long b; } CORE;
struct only { int x; struct common c; } CORE;
struct other { int w; } CORE;
static __attribute__((noinline)) int called(struct other *o) { return o->w; }
SEC("kprobe/in_kernel") int of_kernel(struct common *c) { return c->b; }
SEC("fentry/in_m1") int of_m1(struct only *o) { return o->x + o->c.a + TYPE_ID_KERNEL(struct only); }
SEC("fentry/m2:in_m2") int named(struct other *o) { return 0; }
SEC("fentry/m1:in_m2") int misnamed(struct other *o) { return 0; }
SEC("kprobe") int of_call(struct other *o) { return called(o); }
SEC("tp_btf/m1_event") int of_event(struct only *o) { return called((void *)o) + o->x; }
END
  cat > both.bpf.c << 'END'
#include "core.h"
struct both { int x; int y; } CORE;
SEC("kprobe") int agree(struct both *b) { return b->x; }
END
  sed 's/agree/disagree/; s/b->x/b->y/' both.bpf.c > disagree.bpf.c
  for name in k m1 m2; do gcc -g -O2 -c $name.c; done
  for name in modules both disagree; do
    clang -g -O2 -target bpf -I "$TESTS/data/minify" -c $name.bpf.c
  done
  "$BTFPACK" convert -q -o k.btf k.o
  "$BTFPACK" convert -q --base k.btf -o m1.btf m1.o
  "$BTFPACK" convert -q --base k.btf -o m2.btf m2.o
}
