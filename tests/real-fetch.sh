#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The fetcher against the real mirror of this machine: signature, indexes, names.
# About 10 MB. BTFPACK_FETCH=1 also downloads one package (300 MB).
. "$(dirname "$0")/lib.sh"

lists_debian_12() {
  expect_status 0 "$BTFPACK" list --distro debian --release 12 --arch amd64 --flavour cloud \
    --cache "$test_scratch/cache" --json
  [ "$(wc -l < out)" -ge 2 ]
  jq -es 'all(.release == "12" and .arch == "x86_64" and .flavour == "cloud-amd64" and
    (.uname | test("^[0-9]+[.][0-9]+[.][0-9]+.*-cloud-amd64$")) and .size > 100000000)' out
}

agrees_with_dpkg_on_order() {
  expect_status 0 "$BTFPACK" list --distro debian --release 12 --arch amd64 --flavour cloud \
    --cache "$test_scratch/cache" --json
  local version newer=
  jq -r .version out | while read -r version; do
    [ -z "$newer" ] || dpkg --compare-versions "$newer" ge "$version"
    newer=$version
  done
}

lists_again_quickly() {
  expect_status 0 "$BTFPACK" list --distro debian --release bookworm --arch x86_64 --latest 1 \
    --cache "$test_scratch/cache"
  [ -z "$(ls "$test_scratch/cache/files")" ]
}

refuses_without_the_key() {
  : > empty.gpg
  expect_status 3 "$BTFPACK" list --distro debian --release 12 --arch amd64 --cache cache \
    --keyring empty.gpg
  [ ! -s out ]
}

fetches_the_newest() {
  [ -n "${BTFPACK_FETCH:-}" ] || skip "BTFPACK_FETCH is not set"
  expect_status 0 "$BTFPACK" fetch --distro debian --release 12 --arch amd64 --flavour cloud \
    --uname '6.1.0-*' --latest 1 --cache "$test_scratch/cache" -o out.d
  readelf -SW out.d/vmlinux-* | grep -q debug_info
}

need jq dpkg
run "lists Debian 12's cloud kernels" lists_debian_12
run "in dpkg's order" agrees_with_dpkg_on_order
run "again without downloading" lists_again_quickly
run "refuses it without the key" refuses_without_the_key
run "fetches the newest" fetches_the_newest
finish
