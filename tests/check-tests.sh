#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Shell tests that cannot fail: under set -e, neither "! COMMAND" nor what stands before "&&" ends
# a test, unless it happens to be its last line.
. "$(dirname "$0")/lib.sh"

# FILE:LINE: STATEMENT of those in @files. What is quoted or in parentheses does not count, nor what
# goes on with ||, nor a condition.
lost_statements() {
  awk 'FNR == 1 { joined = 0 }
    { line = $0; gsub(/"[^"]*"/, "", line); gsub(/\047[^\047]*\047/, "", line)
      while (sub(/\([^()]*\)/, "", line)); sub(/ #.*/, "", line)
      was_joined = joined; joined = line ~ /(\\|\||&&)$/ }
    was_joined || joined || line ~ /\|\||[()]/ || line ~ /&$/ { next }
    line ~ /^ *(if|elif|while|until|for|#)/ || line ~ /&& *(return|continue|break|exit|skip)/ { next }
    line ~ /^ +! / || line ~ /^ +[^ ].* && / { print FILENAME ":" FNR ": " $0 }' "$@"
}

no_statement_is_lost() {
  lost_statements "$TESTS"/*.sh > lost
  cat lost
  [ ! -s lost ]
}

finds_what_is_lost() {
  sed 's/^|//' > specimen << 'END'
|f() {
|  ! grep -q x out
|  [ -e a ] && [ -e b ]
|  grep -q x out && cmp a b
|  held && whole
|  [ -e a ] || return 1
|  (cd a && make)
|  if a && b; then c; fi
|  [ -e a ] && return 0
|  grep x out ||
|    ! false
|}
END
  lost_statements specimen | cut -d: -f2 > found
  printf '2\n3\n4\n5\n' | cmp - found
}

helpers_can_fail() {
  echo line > file; cp file same; echo other > another
  lacks nothing file
  fails lacks line file
  fails lacks x no-such-file
  differ file another
  fails differ file same
  fails differ file no-such-file
  fails false
  [ "$(fails true; echo $?)" = 1 ]
  [ "$(fails no-such-command 2> err; echo $?)" = 1 ]
}

run "no statement is lost" no_statement_is_lost
run "what is lost is found" finds_what_is_lost
run "lacks, differ and fails can fail" helpers_can_fail
finish
