#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# bundle and select as a user meets them: a tree of BTFs, fake roots, damage.
. "$(dirname "$0")/lib.sh"
unset BTFPACK_BTF

# absent GREP_ARGUMENTS: set -e does not look at a command behind "!".
absent() { if grep "$@"; then return 1; fi; }

# make_btf FILE WORD: BTF without types, its strings "" and WORD (below 100 bytes).
make_btf() {
  mkdir -p "$(dirname "$1")"
  # shellcheck disable=SC2059
  printf '\237\353\1\0\30\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'"\\$(printf %o $((${#2} + 2)))"'\0\0\0\0%s\0' \
    "$2" > "$1"
}

# make_root DIR OS_RELEASE UNAME ARCH [BUILD_ID_BYTE]: what select reads of a host.
make_root() {
  mkdir -p "$1/etc" "$1/proc/sys/kernel" "$1/sys/kernel"
  printf "$2" > "$1/etc/os-release"
  echo "$3" > "$1/proc/sys/kernel/osrelease"
  echo "$4" > "$1/proc/sys/kernel/arch"
  [ -z "${5:-}" ] || printf '\4\0\0\0\10\0\0\0\3\0\0\0GNU\0'"\\$5\\$5\\$5\\$5\\$5\\$5\\$5\\$5" \
    > "$1/sys/kernel/notes"
}

make_bundle() {
  make_btf tree/debian/12/x86_64/6.1.0-20-amd64.btf same
  make_btf tree/debian/12/x86_64/6.1.0-25-amd64.btf same
  make_btf tree/debian/12/x86_64/6.1.0-28-amd64.btf other
  make_btf tree/centos/7/x86_64/3.10.0-1160.el7.x86_64.btf seven
  make_btf tree/ubuntu/18.04/arm64/4.15.0-20-generic.btf arm
  [ -d store ] || "$BTFPACK" import -q --archive store tree
  "$BTFPACK" bundle --archive store -o test.bundle "$@"
}

quoted_or_not() {
  make_bundle
  make_root a 'ID=debian\nVERSION_ID="12"\n' 6.1.0-28-amd64 x86_64
  make_root b "ID='debian'\nVERSION_ID='12'\n" 6.1.0-28-amd64 x86_64
  make_root c 'ID="centos"\nVERSION_ID="7"\n' 3.10.0-1160.el7.x86_64 x86_64
  make_root d 'ID=ubuntu\nVERSION_ID=18.04\n' 4.15.0-20-generic aarch64
  for root in a b; do
    expect_status 0 "$BTFPACK" select --bundle test.bundle --root $root -o got.btf
    cmp got.btf tree/debian/12/x86_64/6.1.0-28-amd64.btf
    grep -q '^debian 12 x86_64 6.1.0-28-amd64: 31 bytes of BTF from the bundle, matched by name$' out
  done
  expect_status 0 "$BTFPACK" select --bundle test.bundle --root c -o got.btf
  cmp got.btf tree/centos/7/x86_64/3.10.0-1160.el7.x86_64.btf
  expect_status 0 "$BTFPACK" select --bundle test.bundle --root d -o - > /dev/null
  cmp out tree/ubuntu/18.04/arm64/4.15.0-20-generic.btf
}

in_a_container() {
  make_bundle
  make_root root 'ID=alpine\nVERSION_ID=3.18\n' 6.1.0-28-amd64 x86_64
  expect_status 0 "$BTFPACK" select --bundle test.bundle --root root --explain
  grep -q 'no kernel of this distribution, but all with this uname and architecture agree' out
  mkdir -p root/host/etc
  printf 'ID=debian\nVERSION_ID=12\n' > root/host/etc/os-release
  expect_status 0 "$BTFPACK" select --bundle test.bundle --root root --explain
  grep -q 'debian 12 x86_64 6.1.0-28-amd64: it is in the bundle: chosen' out
}

named_kernel() {
  make_bundle
  expect_status 0 "$BTFPACK" select --bundle test.bundle --distro debian --release bookworm \
    --arch amd64 --uname 6.1.0-20-amd64 -o got.btf
  cmp got.btf tree/debian/12/x86_64/6.1.0-20-amd64.btf
  expect_status 0 "$BTFPACK" select --bundle test.bundle --distro rhel --release 7.9 --arch x86_64 \
    --uname 3.10.0-1160.el7.x86_64
  grep -q 'matched by sibling' out
}

bracketed_and_nearest() {
  make_bundle
  named="--bundle test.bundle --distro debian --release 12 --arch x86_64"
  expect_status 0 "$BTFPACK" select $named --uname 6.1.0-22-amd64 --explain -o got.btf
  grep -q '6.1.0-20-amd64 and 6.1.0-25-amd64 on either side of it are the same: chosen' out
  cmp got.btf tree/debian/12/x86_64/6.1.0-20-amd64.btf
  rm got.btf
  expect_status 1 "$BTFPACK" select $named --uname 6.1.0-27-amd64 -o got.btf
  expect_one_sentence
  grep -q '6.1.0-25-amd64 and 6.1.0-28-amd64 on either side of it differ' err
  [ ! -e got.btf ]
  expect_status 0 "$BTFPACK" select $named --uname 6.1.0-27-amd64 --nearest -o got.btf
  cmp got.btf tree/debian/12/x86_64/6.1.0-28-amd64.btf
  grep -q 'may be wrong' err
}

own_btf_first() {
  make_bundle
  make_root root 'ID=debian\nVERSION_ID=12\n' 6.1.0-28-amd64 x86_64
  make_btf root/sys/kernel/btf/vmlinux own
  expect_status 0 "$BTFPACK" select --bundle test.bundle --root root -o got.btf
  grep -q 'from the kernel$' out
  cmp got.btf root/sys/kernel/btf/vmlinux
  make_btf named.btf named
  BTFPACK_BTF=named.btf expect_status 0 "$BTFPACK" select --bundle test.bundle --root root -o got.btf
  cmp got.btf named.btf
  BTFPACK_BTF=missing.btf expect_status 4 "$BTFPACK" select --bundle test.bundle --root root
  expect_one_sentence
  echo garbage > garbage
  BTFPACK_BTF=/dev/null expect_status 3 "$BTFPACK" select --bundle test.bundle --root root
  grep -q '/dev/null: expected a regular file, found a device' err
  BTFPACK_BTF=garbage expect_status 3 "$BTFPACK" select --bundle test.bundle --root root
  expect_one_sentence
}

json() {
  need jq
  make_bundle
  make_root root 'ID=debian\nVERSION_ID=12\n' 6.1.0-28-amd64 x86_64 125
  expect_status 0 "$BTFPACK" select --bundle test.bundle --root root --json
  [ "$(jq -r '[.source, .match, .kernel.uname, .host.build_id, .size] | join(" ")' out)" = \
    'bundle name 6.1.0-28-amd64 5555555555555555 31' ]
  [ "$(jq -r .sha256 out)" = "$(sha256sum < tree/debian/12/x86_64/6.1.0-28-amd64.btf | cut -c1-64)" ]
  jq -e '.reason | length > 3' out
  expect_status 1 "$BTFPACK" select --bundle test.bundle --uname 9.9 --json
  [ "$(jq -r '[.match, .host.uname] | join(" ")' out)" = 'none 9.9' ]
}

damage() {
  make_bundle
  make_root root 'ID=debian\nVERSION_ID=12\n' 6.1.0-28-amd64 x86_64
  size=$(stat -c %s test.bundle)
  for at in 0 9 17 40 60 $((size / 2)) $((size - 1)); do
    cp test.bundle bad.bundle
    printf '\377' | dd of=bad.bundle bs=1 seek="$at" conv=notrunc status=none
    cmp -s bad.bundle test.bundle && continue
    expect_status 3 "$BTFPACK" select --bundle bad.bundle --root root -o got.btf
    expect_one_sentence
  done
  head -c $((size - 10)) test.bundle > bad.bundle
  expect_status 3 "$BTFPACK" select --bundle bad.bundle --root root -o got.btf
  : > bad.bundle
  expect_status 3 "$BTFPACK" select --bundle bad.bundle --root root -o got.btf
  expect_one_sentence
  grep -q 'not a btfpack bundle' err
  [ ! -e got.btf ]
  expect_status 4 "$BTFPACK" select --bundle missing.bundle
  expect_one_sentence
}

# A device stays what it is, also for root: fs_write() must not rename over it.
writes_to_devices() {
  make_bundle
  ln -s /dev/full full
  expect_status 4 "$BTFPACK" select --bundle test.bundle --distro debian --release 12 \
    --arch x86_64 --uname 6.1.0-28-amd64 -o full
  expect_one_sentence
  [ -c full ]
  mkfifo pipe
  cat pipe > got.btf &
  expect_status 0 "$BTFPACK" select --bundle test.bundle --distro debian --release 12 \
    --arch x86_64 --uname 6.1.0-28-amd64 -o pipe
  wait
  [ -p pipe ]
  cmp got.btf tree/debian/12/x86_64/6.1.0-28-amd64.btf
}

usage() {
  expect_status 2 "$BTFPACK" select
  expect_status 2 "$BTFPACK" select --bundle x --distro debian
  expect_status 2 "$BTFPACK" select --bundle x extra
  expect_status 2 "$BTFPACK" select --bundle x --uname u --root /
  expect_status 2 "$BTFPACK" bundle -o x
  expect_status 2 "$BTFPACK" bundle --archive x
  expect_status 2 "$BTFPACK" bundle --archive x -o y --emit tapes
  expect_status 2 "$BTFPACK" bundle --archive x -o - --emit dir
  expect_status 0 "$BTFPACK" select --help
}

bundles() {
  make_bundle
  cp test.bundle first.bundle
  make_bundle
  cmp first.bundle test.bundle
  make_bundle --plain
  [ "$(stat -c %s test.bundle)" -gt "$(stat -c %s first.bundle)" ]
  expect_status 0 "$BTFPACK" bundle --archive store --json -o test.bundle --distro debian
  need jq
  [ "$(jq -r '[.kernels, .blobs] | join(" ")' out)" = '3 2' ]
  expect_status 1 "$BTFPACK" bundle --archive store -o no.bundle --distro arch
  expect_one_sentence
  expect_status 4 "$BTFPACK" bundle --archive nowhere -o no.bundle
  expect_one_sentence
  echo garbage > bad.bpf.o
  expect_status 3 "$BTFPACK" bundle --archive store -o no.bundle bad.bpf.o
  expect_one_sentence
  expect_status 4 "$BTFPACK" bundle --archive store -o no.bundle missing.bpf.o
  [ ! -e no.bundle ]
}

emits_trees() {
  make_bundle --emit dir -o again
  make_bundle --emit tar.gz -o again.tar.gz
  mv tree/ubuntu/18.04/arm64 tree/ubuntu/18.04/aarch64
  diff -r tree again
  mkdir unpacked
  tar -C unpacked -xzf again.tar.gz
  diff -r tree unpacked
  # bcc compares the whole ustar name, which begins as `tar -C DIR .` writes it.
  tar -tzf again.tar.gz | grep -qx './debian/12/x86_64/6.1.0-28-amd64.btf'
}

emits_rust() {
  need rustc
  make_bundle --emit rust -o embedded
  make_bundle
  cat > main.rs << 'END'
mod embedded;
use std::io::Write;
fn main() { std::io::stdout().write_all(embedded::BUNDLE).unwrap(); }
END
  rustc -o main main.rs
  ./main | cmp - test.bundle
}
run "bundle: as a Rust module" emits_rust

# Only what the object needs stays; who cannot load is said; provenance is there.
# What a bundle made of a kernel is not made again: the packs may even be gone. For
# other objects, options or contents it is.
makes_once() {
  minifies
  local pack=full.store/packs/00000001.pack
  bundle() { "$BTFPACK" bundle --archive full.store "$@"; }
  mv $pack away
  expect_status 0 bundle -o again.bundle need.bpf.o
  grep -q 'on 1 of them some program cannot load' err
  cmp need.bundle again.bundle
  expect_status 3 bundle -o other.bundle --no-enum64 need.bpf.o
  cp need.bpf.o renamed.bpf.o
  expect_status 3 bundle -o other.bundle renamed.bpf.o
  expect_status 3 bundle -o other.bundle need.bpf.o renamed.bpf.o
  mv full.store/made.sqlite made
  expect_status 3 bundle -o other.bundle need.bpf.o
  mv away $pack
  rm full.store/made.sqlite*
  for damage in none all; do
    [ $damage = none ] || head -c 20000 /dev/urandom > full.store/made.sqlite
    expect_status 0 bundle -o again.bundle need.bpf.o
    cmp need.bundle again.bundle
  done
  expect_status 0 "$BTFPACK" gc --archive full.store
  mv $pack away
  expect_status 0 bundle -o again.bundle need.bpf.o
  mv away $pack
  "$BTFPACK" rm -q --archive full.store --uname 6.1 > /dev/null
  expect_status 0 "$BTFPACK" gc --archive full.store
  [ "$(python3 -c 'import sqlite3
print(*[sqlite3.connect("full.store/made.sqlite").execute("SELECT count(*) FROM " + t).fetchone()[0]
        for t in ("made", "blob")])')" = '0 0' ]
}

minifies() {
  need clang
  cat > need.bpf.c << 'END'
struct here { int gone; long kept; } __attribute__((preserve_access_index));
struct missing { int member; } __attribute__((preserve_access_index));
__attribute__((section("license"))) char _license[] = "GPL";
__attribute__((section("raw_tp/good"))) long good(struct here *h) { return h->kept; }
__attribute__((section("raw_tp/bad"))) long bad(struct missing *m) { return m->member; }
END
  clang -g -O2 -target bpf -c -o need.bpf.o need.bpf.c
  printf 'struct here { int gone; long kept; int more[50]; } here; struct unused { int x; } unused;' > kernel.c
  gcc -g -shared -nostdlib -o kernel.so kernel.c
  mkdir -p full/debian/12/x86_64
  "$BTFPACK" convert -o full/debian/12/x86_64/6.1.btf kernel.so
  "$BTFPACK" import -q --archive full.store full
  expect_status 0 "$BTFPACK" bundle --archive full.store -o need.bundle need.bpf.o
  grep -q 'on 1 of them some program cannot load' err
  expect_status 0 "$BTFPACK" select --bundle need.bundle --distro debian --release 12 --arch x86_64 \
    --uname 6.1 -o small.btf
  grep -q 'bad (need.bpf.o): ' out
  absent 'good (need.bpf.o)' out
  expect_status 0 "$BTFPACK" select --bundle need.bundle --distro debian --release 12 --arch x86_64 \
    --uname 6.1 --explain
  grep -q '^1 of 2 programs load there$' out
  need jq
  expect_status 0 "$BTFPACK" select --bundle need.bundle --distro debian --release 12 --arch x86_64 \
    --uname 6.1 --json
  [ "$(jq -r '.programs[] | [.object, .program, .verdict, .reason != ""] | join(" ")' out | sort)" = \
    "$(printf 'need.bpf.o bad rejected true\nneed.bpf.o good loads false')" ]
  grep -qa kept small.btf
  absent -aE 'unused|more|gone' small.btf
}

# forge FILE: change a byte of the blobs and make the checksum right again, by another
# XXH64 than ours.
forge() {
  python3 - "$1" << 'END'
import subprocess, sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-150] ^= 1
data[32:40] = bytes(8)
said = subprocess.run(["xxhsum", "-H64"], input=bytes(data), stdout=subprocess.PIPE, check=True).stdout
data[32:40] = bytes.fromhex(said.split()[0].decode())[::-1]
open(sys.argv[1], "wb").write(data)
END
}

signs() {
  need openssl python3 xxhsum
  for key in ours theirs; do
    openssl genpkey -algorithm ed25519 -out $key.pem
    openssl pkey -in $key.pem -pubout -out $key.pub
  done
  openssl genpkey -algorithm x25519 -out other.pem
  kernel="--distro debian --release 12 --arch x86_64 --uname 6.1.0-28-amd64"
  make_bundle
  mv test.bundle unsigned.bundle
  make_bundle --sign ours.pem
  cp test.bundle again.bundle
  make_bundle --sign ours.pem
  cmp test.bundle again.bundle
  expect_status 0 "$BTFPACK" select --bundle test.bundle $kernel --verify ours.pub -o got.btf
  cmp got.btf tree/debian/12/x86_64/6.1.0-28-amd64.btf
  expect_status 0 "$BTFPACK" select --bundle test.bundle $kernel
  expect_status 3 "$BTFPACK" select --bundle test.bundle $kernel --verify theirs.pub
  expect_one_sentence
  grep -q 'signed with another key than theirs.pub' err
  expect_status 3 "$BTFPACK" select --bundle unsigned.bundle $kernel --verify ours.pub
  grep -q 'expected a signature, found none' err
  forge test.bundle
  expect_status 3 "$BTFPACK" select --bundle test.bundle $kernel --verify ours.pub -o forged.btf
  grep -q 'the signature does not match' err
  [ ! -e forged.btf ]
  for bad in other.pem ours.pub tree; do
    rm -f test.bundle
    "$BTFPACK" bundle --archive store -o test.bundle --sign $bad 2> err && return 1
    [ ! -e test.bundle ]
  done
  expect_status 2 "$BTFPACK" bundle --archive store -o tree2 --emit dir --sign ours.pem
  expect_status 2 "$BTFPACK" bundle --archive store -o tree2 --emit go --sign ours.pem
}
run "a bundle is signed, and verified" signs

run "select reads os-release however it is quoted" quoted_or_not
run "select in a container" in_a_container
run "select for a named kernel, by its aliases" named_kernel
run "select brackets, and guesses only when asked" bracketed_and_nearest
run "select takes the caller's file, then the kernel's own" own_btf_first
run "select --json" json
run "select refuses a damaged bundle" damage
run "select writes to devices and pipes as they are" writes_to_devices
run "wrong usage" usage
run "bundle: reproducible, filtered, from bad input" bundles
run "bundle: as a tree, as bcc's tarball" emits_trees
run "bundle cuts down to objects and says what cannot load" minifies
run "bundle makes of a kernel once what it needs" makes_once
finish
