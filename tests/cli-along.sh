#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# build: blocks that are decoded while their package is on its way, and what becomes of them
# when it does not come to its end as it began. What is no such block has cli-stream.sh.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"
. "$TESTS/along.sh"

DEB=linux-image-$KERNEL-dbg_6.1.9-1_amd64.deb
package=$DEB name=$NAME uname=$KERNEL vmlinux=$test_scratch/vmlinux

site() { blocks 20000; }

# What is to be sent a signal is the process itself, no shell's child: with `exec`.
build() {
  ${as:-} "$BTFPACK" build -v -v --archive store --distro debian --mirror "$url/debian" --fallback none \
    --keyring "$keyring" --cache cache --retries 1 --release 12 --uname "$KERNEL" "$@"
}
# blocks [BYTES [THREADS]]: a site whose package is made of them
blocks() {
  cp -r "$mirror" site
  reblock "site/$deb_path" "$@"
  repack_index
}

decodes_ahead() {
  blocks 20000
  serve
  fault slow 400000
  expect_status 0 build
  went_ahead
  is_right
}

# The noise is not decoded: only the digest of the whole can tell.
believes_only_what_is_verified() {
  blocks 10000
  serve
  fault corrupt 100000
  expect_status 3 build
  grep -q 'expected SHA-256' err
  [ -z "$("$BTFPACK" ls --archive store)" ]
  lacks "$NAME.*: converted" err
  rm site/faults
  expect_status 0 build
  went_ahead
  is_right
}

# Whole in the cache, it is only read.
has_it_already() {
  blocks 20000
  serve
  expect_status 0 build --keep
  rm -rf store
  expect_status 0 build
  waited
  is_right
}

# vmlinux behind the modules, not in the first blocks, where its last bytes tell, with links
# behind it; or, of what is nearer to the end than another file, a search.
waits_for_the_end() {
  put_vmlinux_last 2
  repack_index
  serve
  expect_status 0 build
  went_ahead
  is_right
  rm -rf site data store cache
  put_vmlinux_last 2 100000
  repack_index
  expect_status 0 build
  waited
  is_right
}

# Section headers of every class and byte order; what is in them does not matter here.
knows_an_end_of_any_kind() {
  local format
  serve
  for format in elf64-little elf32-little elf64-big elf32-big; do
    rm -rf site data store cache its
    mkdir its
    head -c 200000 /dev/urandom > noise
    objcopy -I binary -O $format noise its/vmlinux
    (test_scratch=$PWD/its; put_vmlinux_last 2 0)
    repack_index
    build > out 2> err || true
    went_ahead
  done
}

# Without its vmlinux, or with damage in it, it is told as ever.
tells_what_is_wrong() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  head -c 200000 /dev/urandom > tree/usr/lib/debug/boot/another-file
  deb "site/$deb_path" "$NAME" 6.1.9-1
  reblock "site/$deb_path"
  repack_index
  serve
  expect_status 3 build
  grep -q "btfpack: $DEB: expected the vmlinux of $KERNEL in it, found none" err
  rm -rf site store cache
  blocks 10000
  printf 'damaged' | dd of="site/$deb_path" bs=1 seek=2000 conv=notrunc 2> /dev/null
  repack_index
  expect_status 3 build
  grep -q "btfpack: $DEB: cannot be decompressed: the xz data is corrupt" err
  [ "$(grep -c "btfpack: .*$DEB: " err)" = 1 ]
}

# Several at a time, with and without processors for all of them.
runs_in_parallel() {
  cp -r "$mirror" site
  for deb in site/debian/pool/linux-image-*.deb site/debian-security/pool/linux-image-6.1.0-2*.deb; do
    reblock "$deb" 7000 || true
  done
  rm -f site/debian/pool/*rt* site/debian/pool/*s390x*
  repack_index
  index site/debian-security bookworm-security pool
  release site/debian-security bookworm-security
  serve
  for jobs in 1 2 7; do
    rm -rf store
    expect_status 0 "$BTFPACK" build --archive store --distro debian --mirror "$url/debian" \
      --keyring "$keyring" --cache cache --release 12 -j$jobs --memory 4G
    "$BTFPACK" ls --archive store --json | jq -c 'del(.added, .changed)' > list-$jobs
    cmp list-1 list-$jobs
  done
  [ "$(wc -l < list-1)" = 2 ]
}

is_interrupted() {
  blocks 10000
  serve
  fault slow 30000
  as=exec build > out 2> err &
  local pid=$!
  for _ in $(seq 600); do
    [ -z "$(find cache/files -name '*.partial' -size +0 2> /dev/null)" ] || break
    sleep 0.05
  done
  kill -INT $pid
  local status=0
  wait $pid || status=$?
  [ $status = 4 ]
  grep -q canceled err
  rm site/faults
  expect_status 0 build
  is_right
}

prepare_mirror
deb_path=debian/pool/$DEB

run "decodes ahead" decodes_ahead
run "believes only what is verified" believes_only_what_is_verified
run "goes on with a partial" goes_on_with_a_partial
run "begins anew" begins_anew
run "a connection is cut" is_cut
run "has it already" has_it_already
run "waits for the end" waits_for_the_end
run "knows an end of any kind" knows_an_end_of_any_kind
run "tells what is wrong" tells_what_is_wrong
run "runs in parallel" runs_in_parallel
run "is interrupted" is_interrupted
finish_mirror
finish
