#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The table of network faults in tests/README.md, row by row: what the user saw, with which exit
# status, what was kept, and where the next run, without the fault, went on.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"

DEB=linux-image-$KERNEL-dbg_6.1.9-1_amd64.deb

fetch() {
  "$BTFPACK" fetch --distro debian --release 12 --arch amd64 --uname "$KERNEL" -o out.d \
    --mirror "$url/debian" --keyring "$keyring" --fallback none --cache cache --retries 0 "$@"
}

# rows: "fault|exit|sentence|kept|next" of the table, without its dress
rows() {
  sed -n '/^| fault /,/^$/p' "$TESTS/README.md" | sed -n '3,$s/^| *\(.*[^ ]\) *|$/\1/p' |
    sed 's/ *| */|/g; s/`//g'
}

# sees SENTENCE: it is all that was said; "..." stands for anything, SIZE for the package's
sees() {
  local pattern=${1//SIZE/$size}
  pattern=$(printf %s "$pattern" | sed 's/[][\\.*^$+?(){}|]/\\&/g; s/\\\.\\\.\\\./.*/g')
  grep -qxE "btfpack: $url/debian/pool/$DEB: $pattern" err || { echo "expected: $pattern"; cat err; return 1; }
}

row() {
  local fault status sentence kept next size
  IFS='|' read -r fault status sentence kept next <<< "$1"
  serve
  size=$(stat -c %s "site/debian/pool/$DEB")
  echo "$DEB ${fault//URL/$url}" > site/faults
  expect_status "$status" fetch
  [ "$status" = 0 ] || { expect_one_sentence; sees "$sentence"; [ -z "$(ls -A out.d 2> /dev/null)" ]; }
  if [ "$kept" = nothing ]; then
    [ -z "$(find cache/files -type f -size +0 ! -name '*.from')" ]
  elif [ "$kept" != all ]; then
    [ "$(stat -c %s cache/files/*.partial)" = "$kept" ]
  fi
  # The next run, the fault being gone; the server may be, too.
  kill "$server" 2> /dev/null || true
  rm site/faults
  cp requests before
  serve
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
  case $next in
    "from the start") grep -q "$DEB - -> 200 $size" requests ;;
    "from byte "*) grep -q "$DEB bytes=${next##* }- -> 206 $((size - ${next##* }))" requests ;;
    "has it") ! grep -q "$DEB" requests ;;
  esac
}

# A server that has another file by now: shorter, by If-Range; or it says so itself.
shrinks() {
  serve
  echo "$DEB cut 7000" > site/faults
  expect_status 4 fetch
  rm site/faults
  truncate -s 5000 "site/debian/pool/$DEB"
  expect_status 3 fetch
  grep -q "expected [0-9]* bytes, the server has 5000" err
  cp "$mirror/debian/pool/$DEB" site/debian/pool/
  echo "$DEB cut 7000" > site/faults
  expect_status 4 fetch
  echo "$DEB status 416" > site/faults
  expect_status 4 fetch --retries 1
  grep -q "$DEB bytes=7000- -> 416" requests
  grep -q "$DEB - -> 416" requests   # asked anew, from the start
  rm site/faults
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
}

# A passing fault is tried again; what came counts.
passes() {
  serve
  echo "$DEB cut-once 7000" > site/faults
  expect_status 0 fetch --retries 1
  grep -q "$DEB bytes=7000- -> 206" requests
}

prepare_mirror
[ "$(rows | wc -l)" -ge 18 ] || { echo "Bail out! no table in tests/README.md"; exit 1; }
while IFS= read -r line; do
  this_row() { row "$line"; }
  run "${line%%|*}" this_row
done < <(rows)
run "a file that shrinks" shrinks
run "a fault that passes" passes
finish_mirror
finish
