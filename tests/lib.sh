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

need() {
  local tool
  for tool; do command -v "$tool" > /dev/null || skip "$tool is not installed"; done
}

finish() {
  echo "1..$test_count"
  [ "$test_failures" = 0 ]
}
