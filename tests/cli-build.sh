#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# build: the pipeline from a mirror to an archive, undisturbed and disturbed.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"

build_command() {
  echo "$BTFPACK" build --archive store --distro debian --mirror "$url/debian" --fallback none \
    --keyring "$keyring" --cache cache --retries 0 --release 12
}
build() { $(build_command) "$@"; }
requested() { grep -c "$1" requests || true; }
held() { "$BTFPACK" ls --archive store 2> /dev/null | wc -l; }
is_clean() {
  expect_status 0 "$BTFPACK" verify --archive store
  [ -z "$(ls cache/files)" ]
}

builds() {
  serve
  expect_status 0 build
  [ "$(wc -l < out)" = 4 ]
  [ "$(held)" = 4 ]
  grep -q '4 stored, 0 in the archive already, 0 failed' err
  is_clean
  : > requests
  expect_status 0 build
  [ ! -s out ]
  [ "$(requested pool)" = 0 ]
  grep -q '0 stored, 4 in the archive already' err
}

records_where_from() {
  serve
  expect_status 0 build --uname "$KERNEL"
  expect_status 0 "$BTFPACK" ls --archive store --json
  jq -e --arg url "$url/$deb_path" --arg name "$NAME" \
    --arg id "$(readelf -n "$test_scratch/vmlinux" | sed -n 's/ *Build ID: //p')" \
    '.package == $name and .package_version == "6.1.9-1" and .suite == "bookworm" and
     .source == $url and .build_id == $id and .uname == "6.1.0-1-cloud-amd64"' out
  "$BTFPACK" convert -o expected.btf "$test_scratch/vmlinux"
  "$BTFPACK" show --archive store --uname "$KERNEL" -o found.btf
  cmp expected.btf found.btf
}

tells_events() {
  serve
  expect_status 0 build --json --latest 1
  jq -es '[.[].event] == ["plan", "stored", "stored", "stored", "done"] and .[0].kernels == 3 and
    (.[-1] | .stored == 3 and .held == 0 and .failed == 0 and .canceled == false and .bytes > 0 and
      .memory > 0 and .seconds > 0 and .kernels_per_hour > 0) and
    (.[1] | .size > 0 and .btf_size > 0 and (.id | length) == 64)' out
  [ ! -s err ]
}

# Every kernel is in one part, and the parts merged are the whole.
shards() {
  serve
  for i in 1 2 3; do
    expect_status 0 $(build_command | sed "s/--archive store/--archive part$i/") --shard $i/3
  done
  expect_status 0 "$BTFPACK" merge --archive store part1 part2 part3 --json
  [ "$(jq -c '[.stored, .known]' out)" = '[4,0]' ]
  is_clean
  expect_status 0 build --dry-run
  grep -q '0 to build' err
  for wrong in 0/3 4/3 x 1/ /2; do expect_status 2 build --shard $wrong; done
}

plans_only() {
  serve
  expect_status 0 build --dry-run
  [ "$(wc -l < out)" = 4 ]
  [ ! -e store ]
  [ "$(requested pool)" = 0 ]
  expect_status 0 build --uname "$KERNEL"
  expect_status 0 build --dry-run
  [ "$(wc -l < out)" = 3 ]
}

tells_status() {
  serve
  expect_status 1 build --status
  [ ! -e store ]
  [ "$(requested pool)" = 0 ]
  [ "$(grep -c ' stale$' out)" = 3 ]
  grep -q 'cloud-amd64 .*offered 6.1.0-2-cloud-amd64 .*held - ' out
  expect_status 0 build --uname "$KERNEL"
  expect_status 1 build --status --flavour cloud --json
  jq -e --arg held "$KERNEL" '.event == "status" and .offered == "6.1.0-2-cloud-amd64" and
    .held == $held and .behind == 1 and .fresh == false' out
  expect_status 0 build --latest 1
  expect_status 0 build --status
  [ "$(grep -c ' fresh$' out)" = 3 ]
  sed -i 's/^Codename:/Codename: /' site/debian-security/dists/bookworm-security/InRelease
  expect_status 3 build --status
}

lists_what_is_held() {
  serve
  expect_status 0 build --uname "$KERNEL"
  local options="--archive store --distro debian --release 12 --mirror $url/debian --fallback none"
  expect_status 0 "$BTFPACK" list $options --keyring "$keyring" --cache cache
  [ "$(grep -c ' have$' out)" = 1 ]
  grep -q "$KERNEL .* have$" out
  [ "$(grep -c ' -$' out)" = 3 ]
  expect_status 0 "$BTFPACK" list $options --keyring "$keyring" --cache cache --json
  [ "$(jq -s 'map(select(.have)) | length' out)" = 1 ]
}

# broken_deb: a package whose vmlinux has no debug information
broken_deb() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  strip -g -o "tree/usr/lib/debug/boot/vmlinux-$KERNEL" "$test_scratch/vmlinux"
  deb "site/$deb_path" "$NAME" 6.1.9-1
  repack_index
}

records_failures() {
  broken_deb
  serve
  expect_status 3 build
  [ "$(held)" = 3 ]
  grep -q "vmlinux of ${NAME}_6.1.9-1: " err
  grep -q '3 stored, 0 in the archive already, 1 failed' err
  expect_status 3 build --json
  jq -es 'any(.event == "failed" and (.reason | startswith("vmlinux of linux-image")))' out
  expect_status 0 "$BTFPACK" ls --failed --archive store
  grep -q "$KERNEL" out
  cp "$mirror/$deb_path" "site/$deb_path"
  repack_index
  expect_status 0 build
  [ "$(held)" = 4 ]
  expect_status 1 "$BTFPACK" ls --failed --archive store
}

# Half of this vmlinux is noise that conversion does not read: damage there goes unseen
# where blocks decode by themselves, and does not where all is decoded.
decodes_only_what_counts() {
  cp -r "$mirror" site
  reblock "site/$deb_path" 10000
  printf 'damaged' | dd of="site/$deb_path" bs=1 seek=100000 conv=notrunc 2> /dev/null
  repack_index
  serve
  expect_status 0 build --uname "$KERNEL"
  "$BTFPACK" convert -o expected.btf "$test_scratch/vmlinux"
  "$BTFPACK" show --archive store --uname "$KERNEL" -o found.btf
  cmp expected.btf found.btf
  expect_status 3 "$BTFPACK" fetch --distro debian --mirror "$url/debian" --keyring "$keyring" \
    --cache cache --release 12 --uname "$KERNEL" -o out.d
  grep -q 'cannot be decompressed' err
}

# What is stored and said hangs neither on threads nor on memory.
is_the_same_in_parallel() {
  serve
  local words='del(.seconds, .cpu_seconds, .memory, .kernels_per_hour, .added, .changed, .url)'
  expect_status 0 build --json -j1 --memory 1M --downloads 1
  jq -c "$words" out > first-events
  "$BTFPACK" ls --archive store --json | jq -c "$words" > first-list
  rm -rf store cache
  expect_status 0 build --json -j8 --memory 8G --downloads 8
  jq -c "$words" out | cmp first-events
  "$BTFPACK" ls --archive store --json | jq -c "$words" | cmp first-list
}

# with_btf: the package of a kernel that has BTF of its own
with_btf() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  "$BTFPACK" convert -o own.btf "$test_scratch/vmlinux"
  objcopy --add-section .BTF=own.btf "$test_scratch/vmlinux" "tree/usr/lib/debug/boot/vmlinux-$KERNEL"
  deb "site/$deb_path" "$NAME" 6.1.9-1
  reblock "site/$deb_path"
  repack_index
}

passes_over_btf() {
  with_btf
  serve
  expect_status 0 build --skip-btf
  [ "$(held)" = 3 ]
  grep -q "$KERNEL: has BTF of its own" err
  grep -q '3 stored, .* 1 passed over, 0 failed' err
  is_clean
  : > requests
  expect_status 0 build --skip-btf --json
  [ "$(requested pool)" = 0 ]
  jq -es '.[0].event == "plan" and .[0].skipped == 1 and .[0].kernels == 0' out
  expect_status 0 "$BTFPACK" ls --failed --archive store
  grep -q "$NAME .*has BTF of its own" out
  expect_status 0 build
  [ "$(held)" = 4 ]
  expect_status 1 "$BTFPACK" ls --failed --archive store
}

# Only the blocks that count come over the network: not the damaged one, which a digest
# would have told. A server without ranges, and a package without blocks, give all of it.
downloads_only_what_counts() {
  cp -r "$mirror" site
  reblock "site/$deb_path" 10000
  repack_index
  printf 'damaged' | dd of="site/$deb_path" bs=1 seek=100000 conv=notrunc 2> /dev/null
  serve
  expect_status 3 build --uname "$KERNEL"
  grep -q 'expected SHA-256' err
  expect_status 0 build --uname "$KERNEL" --partial --json
  jq -es --argjson size "$(stat -c %s "site/$deb_path")" '.[-1] | .bytes > 0 and .bytes < $size / 2' out
  "$BTFPACK" convert -o expected.btf "$test_scratch/vmlinux"
  "$BTFPACK" show --archive store --uname "$KERNEL" -o found.btf
  cmp expected.btf found.btf
  "$BTFPACK" show --archive store --uname "$KERNEL" | grep -q 'converter .* --partial'
  is_clean
  expect_status 0 build --partial
  [ "$(held)" = 4 ]
  rm -rf store
  echo "$NAME norange" > site/faults
  expect_status 3 build --uname "$KERNEL" --partial
  grep -q 'expected SHA-256' err
}

# To pass over a kernel takes two of its blocks.
looks_before_downloading() {
  with_btf
  serve
  expect_status 0 build --skip-btf --uname "$KERNEL"
  [ "$(requested "pool.* bytes=.* 206")" = "$(requested pool)" ]
  local size
  size=$(awk '/pool/ { sum += $NF } END { print sum }' requests)
  [ "$size" -lt "$(($(stat -c %s "site/$deb_path") / 2))" ]
}

# What failed twice waits, is not forgotten, and may be asked for.
waits_before_trying_again() {
  broken_deb
  serve
  expect_status 3 build
  expect_status 3 build
  : > requests
  expect_status 1 build
  [ "$(requested pool)" = 0 ]
  grep -q '1 failed before and wait, the first until 20' err
  expect_status 1 build --json
  jq -es '.[0].waiting == 1 and .[-1].waiting == 1' out
  expect_status 3 build --retry
  [ "$(requested pool)" = 1 ]
  expect_status 0 "$BTFPACK" ls --failed --archive store
  grep -q '(tried 3 times)' out
}

survives_missing_packages() {
  serve
  echo "$NAME status 404" > site/faults
  expect_status 4 build
  [ "$(held)" = 3 ]
  is_clean
  rm site/faults
  expect_status 0 build
  [ "$(held)" = 4 ]
  is_clean
}

survives_a_bad_index() {
  cp -r "$mirror" site
  sed -i 's/^Codename:/Codename: /' site/debian-security/dists/bookworm-security/InRelease
  serve
  expect_status 3 build
  [ "$(held)" = 3 ]
  grep -q 'signature does not match' err
}

stops_when_told() {
  serve
  echo "$NAME stall 7000" > site/faults
  $(build_command) > out 2> err &
  local pid=$! status=0
  for _ in $(seq 200); do grep -q "$NAME" requests && break; sleep 0.05; done
  sleep 0.2
  kill -TERM $pid
  wait $pid || status=$?
  [ $status = 4 ]
  grep -q 'canceled' err
  [ "$(stat -c %s cache/files/*.partial)" = 7000 ]
  expect_status 1 "$BTFPACK" ls --failed --archive store
  rm site/faults
  expect_status 0 build
  grep -q 'bytes=7000- -> 206' requests
  [ "$(held)" = 4 ]
  is_clean
}

# Ten moments, spread over what a run takes; a rerun must always end well.
survives_kills() {
  serve
  local i
  for i in $(seq 10); do
    rm -rf store cache
    $(build_command) > out 2> err &
    local pid=$!
    sleep "0.$(printf %03d $((RANDOM % 30 + i * 25)))"
    kill -KILL $pid 2> /dev/null || true
    wait $pid 2> /dev/null || true
    expect_status 0 build
    [ "$(held)" = 4 ]
    is_clean
  done
}

explains_usage() {
  serve
  expect_status 2 "$BTFPACK" build --distro debian
  expect_status 2 build --release 99
  for wrong in 0 1X G -1 99999999999999999999; do expect_status 2 build --memory $wrong; done
  [ ! -e store ]
  expect_status 1 build --arch arm64
  mkdir other
  touch other/file
  expect_status 3 build --archive other
  expect_one_sentence
  [ "$(ls other)" = file ]
}

need jq readelf strip objcopy ar
prepare_mirror
deb_path=debian/pool/${NAME}_6.1.9-1_amd64.deb
run "shards make a whole" shards
run "builds what the archive lacks, once" builds
run "records where a BTF came from" records_where_from
run "tells events as JSON" tells_events
run "plans only" plans_only
run "tells how fresh an archive is" tells_status
run "lists what an archive has" lists_what_is_held
run "records failures, and forgets them" records_failures
run "decodes only what counts" decodes_only_what_counts
run "is the same in parallel" is_the_same_in_parallel
run "passes over kernels with BTF" passes_over_btf
run "looks before it downloads" looks_before_downloading
run "downloads only what counts" downloads_only_what_counts
run "waits before trying again" waits_before_trying_again
run "survives a missing package" survives_missing_packages
run "survives an index that does not verify" survives_a_bad_index
run "stops when told, and continues" stops_when_told
run "survives ten kills" survives_kills
run "explains usage" explains_usage
finish_mirror
finish
