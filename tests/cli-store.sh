#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The store as a user meets it: add, ls, show, rm, verify, gc, stats, import, export.
. "$(dirname "$0")/lib.sh"

# make_btf NAME MEMBERS: an ELF program NAME with DWARF and its NAME.btf.
make_btf() {
  need gcc
  { echo 'struct sample {'; for i in $(seq "$2"); do echo "  int member_$i;"; done
    echo '} sample; int main(void) { return sample.member_1; }'; } > "$1.c"
  gcc -g -Wl,--build-id -o "$1" "$1.c"
  "$BTFPACK" convert -o "$1.btf" "$1"
}

KEY="--distro debian --release 12 --arch amd64"

# fill DIR: three kernels of two contents.
fill() {
  make_btf one 1
  make_btf two 2
  "$BTFPACK" add -q --archive "$1" $KEY --uname 6.1.0-9-amd64 one.btf
  "$BTFPACK" add -q --archive "$1" $KEY --uname 6.1.0-10-amd64 two.btf
  "$BTFPACK" add -q --archive "$1" --distro debian --release 13 --arch arm64 --uname 6.12-arm64 one.btf
}

adds_and_lists() {
  fill store
  expect_status 0 "$BTFPACK" ls --archive store
  [ "$(awk '{print $4}' out | paste -sd' ')" = "6.1.0-9-amd64 6.1.0-10-amd64 6.12-arm64" ]
  grep -q '^debian 12 x86_64 6.1.0-9-amd64 ' out
  expect_status 0 "$BTFPACK" ls --archive store --release 12 --uname '*-10-*' --json
  [ "$(jq -r '.uname + " " + .id' out)" = "6.1.0-10-amd64 $(sha256sum < two.btf | cut -d' ' -f1)" ]
  expect_status 1 "$BTFPACK" ls --archive store --distro ubuntu
  expect_one_sentence
  expect_status 0 "$BTFPACK" stats --archive store --json
  [ "$(jq -c '[.kernels, .contents, .failures]' out)" = '[3,2,0]' ]
  expect_status 0 "$BTFPACK" stats --archive store --series
  grep -q 'debian 13 aarch64: 1 entries' out
}

adds_elf_with_build_id() {
  make_btf one 1
  expect_status 0 "$BTFPACK" add --archive store $KEY --uname 6.1 --json one
  build_id=$(jq -r .build_id out)
  readelf -n one | grep -q "$build_id"
  expect_status 0 "$BTFPACK" show --archive store --build-id "$build_id" -o taken.btf
  cmp taken.btf one.btf
  expect_status 0 "$BTFPACK" add --archive store $KEY --uname 6.1 --json one.btf
  [ "$(jq -r .stored out)" = false ]
}

adds_packages() {
  need dpkg-deb jq
  make_btf one 1
  mkdir -p deb/DEBIAN deb/usr/lib/debug/boot deb/usr/lib/debug/lib/modules/6.1.0-9-amd64
  printf 'Package: linux-image-dbg\nVersion: 1\nArchitecture: amd64\nMaintainer: t <t@t>\nDescription: t\n' \
    > deb/DEBIAN/control
  cp one deb/usr/lib/debug/boot/vmlinux-6.1.0-9-amd64
  ln -s ../../../boot/vmlinux-6.1.0-9-amd64 deb/usr/lib/debug/lib/modules/6.1.0-9-amd64/vmlinux
  dpkg-deb --root-owner-group -Zxz -z1 -b deb k.deb > log
  expect_status 2 "$BTFPACK" add --archive store k.deb
  grep -q -- '--distro is missing' err
  [ ! -e store ]
  expect_status 0 "$BTFPACK" add --archive store --distro debian --release 12 --json k.deb
  [ "$(jq -r '[.distro, .release, .arch, .uname] | join(" ")' out)" = "debian 12 $(uname -m) 6.1.0-9-amd64" ]
  readelf -n one | grep -q "$(jq -r .build_id out)"
  expect_status 0 "$BTFPACK" ls --archive store --json
  [ "$(jq -r '[.package, .package_sha256] | join(" ")' out)" = "k.deb $(sha256sum < k.deb | cut -c1-64)" ]
  "$BTFPACK" show --archive store --uname 6.1.0-9-amd64 -o got.btf
  cmp got.btf one.btf
  head -c 2000 k.deb > cut.deb
  expect_status 3 "$BTFPACK" add --archive store --distro debian --release 12 cut.deb
  expect_one_sentence
  rm -r deb/usr; mkdir deb/usr
  dpkg-deb --root-owner-group -Zxz -z1 -b deb empty.deb > log
  expect_status 3 "$BTFPACK" add --archive store --distro debian --release 12 empty.deb
  grep -q 'expected the vmlinux of some kernel in it, found none' err
}

adds_rpm_packages() {
  need rpmbuild jq
  make_btf one 1
  mkdir -p usr/lib/debug/lib/modules/5.3.7-301.fc31.x86_64
  cp one usr/lib/debug/lib/modules/5.3.7-301.fc31.x86_64/vmlinux
  printf '%s\n' 'Name: kernel-debuginfo' 'Version: 5.3.7' 'Release: 301.fc31' 'Summary: t' 'License: t' \
    '%description' 't' '%files' '/usr/lib/debug' '%install' "mkdir -p %{buildroot}" "cp -r $PWD/usr %{buildroot}" > k.spec
  rpmbuild --quiet --define "_topdir $PWD/rpm" --define '_build_id_links none' --define 'debug_package %{nil}' \
    --define '__os_install_post %{nil}' -bb k.spec > log 2>&1
  expect_status 0 "$BTFPACK" add --archive store --json rpm/RPMS/*/*.rpm
  [ "$(jq -r '[.distro, .release, .arch, .uname] | join(" ")' out)" = "fedora 31 $(uname -m) 5.3.7-301.fc31.x86_64" ]
}

shows_and_takes_out() {
  fill store
  expect_status 0 "$BTFPACK" show --archive store --uname 6.1.0-9-amd64
  grep -q "$(sha256sum < one.btf | cut -d' ' -f1)" out
  grep -q 'source *one.btf' out
  expect_status 0 "$BTFPACK" show --archive store --uname 6.1.0-9-amd64 -o -
  cmp out one.btf
  expect_status 2 "$BTFPACK" show --archive store -o taken
  [ ! -e taken ]
  expect_status 1 "$BTFPACK" show --archive store --uname nope -o taken
  [ ! -e taken ]
}

removes_and_collects() {
  fill store
  expect_status 2 "$BTFPACK" rm --archive store
  expect_status 1 "$BTFPACK" rm --archive store --uname nope
  expect_status 0 "$BTFPACK" rm --archive store --uname 6.1.0-10-amd64
  grep -q '^removed debian 12 x86_64 6.1.0-10-amd64' out
  expect_status 0 "$BTFPACK" gc --archive store --json
  [ "$(jq .freed out)" -gt 0 ]
  expect_status 0 "$BTFPACK" verify --archive store
  grep -q '2 entries, 1 contents: no problem' out
  expect_status 0 "$BTFPACK" gc --archive store --json
  [ "$(jq .freed out)" = 0 ]
}

verify_says_what_is_lost() {
  fill store
  alter store/packs/00000001.pack 150
  expect_status 3 "$BTFPACK" verify --archive store
  grep -q 'packs/00000001.pack: at offset' out
  grep -q 'BTF of debian 12 x86_64 6.1.0-9-amd64 is lost' out
  expect_one_sentence
  expect_status 3 "$BTFPACK" verify --archive store --json
  jq -s -e 'map(.lost.uname) | index("6.1.0-9-amd64")' out
  expect_status 3 "$BTFPACK" show --archive store --uname 6.1.0-9-amd64 -o taken
  expect_status 0 "$BTFPACK" show --archive store --uname 6.1.0-10-amd64 -o taken
}

refuses_what_is_no_archive() {
  mkdir photos; echo cat > photos/cat.jpg
  make_btf one 1
  for verb in ls show verify stats gc; do
    expect_status 3 "$BTFPACK" $verb --archive photos
    expect_one_sentence
  done
  expect_status 3 "$BTFPACK" add --archive photos $KEY --uname 6.1 one.btf
  expect_one_sentence
  expect_status 4 "$BTFPACK" ls --archive nowhere
  expect_status 2 "$BTFPACK" ls
  [ "$(ls photos)" = cat.jpg ]
  [ ! -e nowhere ]
}

refuses_bad_input() {
  make_btf one 1
  head -c 60 one.btf > cut.btf
  echo text > text
  for bad in cut.btf text; do
    expect_status 3 "$BTFPACK" add --archive store $KEY --uname 6.1 $bad
    expect_one_sentence
  done
  expect_status 2 "$BTFPACK" add --archive store $KEY one.btf
  expect_status 2 "$BTFPACK" add --archive store $KEY --uname ../6.1 one.btf
  expect_one_sentence
  expect_status 4 "$BTFPACK" add --archive store $KEY --uname 6.1 missing
}

# A tree as BTFHub's: any owner, mode and time; both spellings of one architecture.
make_tree() {
  make_btf one 1
  make_btf two 2
  mkdir -p tree/centos/7/arm64 tree/centos/8/aarch64 tree/ol/7/x86_64
  tar -cJf tree/centos/7/arm64/4.18-a.btf.tar.xz --owner=someone:1234 --mode=0600 \
    --mtime=2011-11-11 --transform 's/one/4.18-a/' one.btf
  tar -czf tree/centos/8/aarch64/4.18-b.btf.tar.gz --transform 's/two/4.18-b/' two.btf
  cp two.btf tree/ol/7/x86_64/5.4-uek.btf
  touch tree/ol/7/x86_64/5.4-other.failed tree/ol/7/x86_64/5.5.hasbtf tree/README.md
}

imports_a_tree() {
  make_tree
  expect_status 0 "$BTFPACK" import --archive store --json tree
  [ "$(jq -r '[.distro, .release, .arch, .uname] | join(" ")' out | paste -sd, )" = \
    "centos 7 aarch64 4.18-a,centos 8 aarch64 4.18-b,ol 7 x86_64 5.4-uek" ]
  grep -q '3 stored, 0 were there already, 0 failed, 2 noted as without BTF' err
  expect_status 0 "$BTFPACK" ls --archive store --failed --json
  [ "$(jq -r '[.distro, .uname, .reason] | join(" ")' out | paste -sd,)" = \
    "ol 5.4-other BTFHub could not make BTF of it,ol 5.5 BTFHub found that the kernel has its own BTF" ]
  [ "$("$BTFPACK" stats --archive store --json | jq .failures)" = 2 ]
  expect_status 0 "$BTFPACK" import --archive store tree/ol tree/centos/7/arm64/4.18-a.btf.tar.xz
  grep -q '0 stored, 2 were there already' err
  "$BTFPACK" show --archive store --uname 4.18-a -o taken
  cmp taken one.btf
}

import_goes_on_after_bad_files() {
  make_tree
  head -c 100 tree/centos/7/arm64/4.18-a.btf.tar.xz > tree/centos/7/arm64/cut.btf.tar.xz
  tar -cJf tree/ol/7/x86_64/two-members.btf.tar.xz one.btf two.btf
  tar -cJf tree/ol/7/x86_64/none.btf.tar.xz one.c
  mkdir -p dir.btf; tar -cJf tree/ol/7/x86_64/directory.btf.tar.xz dir.btf
  echo 'not BTF' > tree/ol/7/x86_64/text.btf
  : > tree/ol/7/x86_64/empty.btf
  expect_status 3 "$BTFPACK" import --archive store tree
  grep -q '3 stored, 0 were there already, 6 failed' err
  for word in cut two-members none directory text empty; do grep -q "$word" err; done
  expect_status 0 "$BTFPACK" verify --archive store
  expect_status 3 "$BTFPACK" import --archive store one.c
  expect_status 4 "$BTFPACK" import --archive store missing
}

# What other projects ship: bcc's, Inspektor Gadget's, Datadog's layouts.
imports_tarballs() {
  make_btf one 1
  make_btf two 2
  mkdir -p bcc/debian/12/x86_64 bcc/rhel/7/x86_64 ig dd/ubuntu/18.04 dd/amzn dd/debian dd/inner
  cp one.btf bcc/debian/12/x86_64/6.1.btf
  cp two.btf bcc/rhel/7/x86_64/3.10.el7.x86_64.btf
  cp two.btf bcc/README
  tar -c --gz -f min_core_btfs.tar.gz -C bcc/ .
  expect_status 0 "$BTFPACK" import --archive store --set tools min_core_btfs.tar.gz
  [ "$("$BTFPACK" ls --archive store --set tools --json | jq -r '[.distro, .release, .arch, .uname, .set] | join(" ")' |
    paste -sd,)" = "debian 12 x86_64 6.1 tools,rhel 7 x86_64 3.10.el7.x86_64 tools" ]
  cp one.btf ig/5.3.7-301.fc31.x86_64.btf
  cp two.btf ig/4.19.0-5-amd64.btf
  tar -czf btfs-x86_64.tar.gz -C ig .
  expect_status 3 "$BTFPACK" import --archive flat btfs-x86_64.tar.gz
  expect_status 0 "$BTFPACK" import --archive flat2 --distro debian --release 10 btfs-x86_64.tar.gz
  [ "$("$BTFPACK" ls --archive flat --json | jq -r '[.distro, .release, .arch] | join(" ")')" = "fedora 31 x86_64" ]
  [ "$("$BTFPACK" ls --archive flat2 | wc -l)" = 2 ]
  for kernel in ubuntu/18.04/4.15.0-20-generic amzn/4.14.77-70.59.amzn1.x86_64 debian/4.19.0-5-amd64; do
    name=${kernel##*/}
    tar -cJf "dd/$kernel.btf.tar.xz" --owner=someone:1234 --transform "s/one/$name/" one.btf
  done
  (cd dd && tar -cJf ../minimized-btfs.tar.xz -- *)
  expect_status 0 "$BTFPACK" import --archive dds --release 10 --arch x86_64 --json minimized-btfs.tar.xz
  [ "$(jq -r '[.distro, .release, .arch, .uname] | join(" ")' out | sort | paste -sd,)" = \
    "amzn 1 x86_64 4.14.77-70.59.amzn1.x86_64,debian 10 x86_64 4.19.0-5-amd64,ubuntu 18.04 x86_64 4.15.0-20-generic" ]
  head -c 200 minimized-btfs.tar.xz > cut.tar.xz
  expect_status 3 "$BTFPACK" import --archive new cut.tar.xz
  tar -czf none.tar.gz one.c
  expect_status 3 "$BTFPACK" import --archive new none.tar.gz
  # A tarball that lies in a tree is not what was asked for.
  mkdir -p tree/debian/12/x86_64; cp one.btf tree/debian/12/x86_64/6.1.btf; cp btfs-x86_64.tar.gz tree/
  expect_status 0 "$BTFPACK" import --archive tree.store tree
  [ "$("$BTFPACK" ls --archive tree.store | wc -l)" = 1 ]
  # A flat file, and a key.
  expect_status 0 "$BTFPACK" import --archive plain --distro acme --release 1 --arch arm64 one.btf
  [ "$("$BTFPACK" ls --archive plain --json | jq -r '[.distro, .release, .arch, .uname] | join(" ")')" = "acme 1 aarch64 one" ]
}

exports_and_imports_back() {
  make_tree
  "$BTFPACK" import -q --archive store tree
  expect_status 0 "$BTFPACK" export --archive store --format btfhub -o hub
  (cd hub && find . -type f | sort) > names
  printf '%s\n' ./centos/7/arm64/4.18-a.btf.tar.xz ./centos/8/arm64/4.18-b.btf.tar.xz \
    ./ol/7/x86_64/5.4-uek.btf.tar.xz | cmp - names
  [ "$(tar -tf hub/centos/7/arm64/4.18-a.btf.tar.xz)" = 4.18-a.btf ]
  "$BTFPACK" import -q --archive again hub
  "$BTFPACK" ls --archive store --json | jq -c '[.arch, .uname, .id]' > a
  "$BTFPACK" ls --archive again --json | jq -c '[.arch, .uname, .id]' > b
  cmp a b
  expect_status 0 "$BTFPACK" export --archive store --format dir --distro ol -o dir
  cmp dir/ol/7/x86_64/5.4-uek.btf two.btf
  [ "$(find dir -type f | wc -l)" = 1 ]
  expect_status 1 "$BTFPACK" export --archive store --format tar --distro nope -o none.tar
  [ ! -e none.tar ]
  expect_status 2 "$BTFPACK" export --archive store --format zip -o none.zip
}

exports_reproducibly() {
  make_tree
  "$BTFPACK" import -q --archive a tree
  "$BTFPACK" import -q --archive b tree/ol
  sleep 1.1
  "$BTFPACK" import -q --archive b tree
  for suffix in tar tar.gz tar.xz; do
    "$BTFPACK" export -q --archive a --format tar -o a.$suffix
    "$BTFPACK" export -q --archive b --format tar -o b.$suffix
    cmp a.$suffix b.$suffix
  done
  "$BTFPACK" export -q --archive a --format btfhub -o ha
  "$BTFPACK" export -q --archive b --format btfhub -o hb
  diff -r ha hb
}

# What was deduplicated on the way in says so.
adds_repaired() {
  python3 - <<'END'
import struct
strings = b'\0int\0task_struct\0pid\0'
word = lambda *w: struct.pack('<%dI' % len(w), *w)
types = word(1, 1 << 24, 4, 32)
for _ in range(2):
    types += word(5, 4 << 24 | 1, 4, 17, 1, 0)
header = struct.pack('<HBBIIIII', 0xeb9f, 1, 0, 24, 0, len(types), len(types), len(strings))
open('twice.btf', 'wb').write(header + types + strings)
END
  local key='--archive store --distro d --release 1 --arch x86_64'
  expect_status 0 "$BTFPACK" add $key --uname 1.0 --json twice.btf
  jq -e .repaired out
  grep -q 'twice.btf: was not deduplicated: 2 struct task_struct in 3 types; repaired, now 1 in 2' err
  "$BTFPACK" show --archive store --uname 1.0 --json > out
  jq -e '.converter | endswith(" deduplicated")' out
  expect_status 0 "$BTFPACK" add $key --uname 1.1 --json "$TESTS/data/good-every-kind.btf"
  jq -e '.repaired == false' out
}

# A struct task_struct of each of two units that do not agree.
import_checks_kernels() {
  need gcc
  echo 'struct task_struct { int a; } x;' > a.c
  echo 'struct task_struct { long b; } y; int main(void) { return 0; }' > b.c
  gcc -g -o two a.c b.c
  mkdir -p tree/acme/1/x86_64
  "$BTFPACK" convert -o tree/acme/1/x86_64/1.0.btf two
  expect_status 3 "$BTFPACK" import --archive store tree
  grep -q '1.0.btf: 2 definitions of struct task_struct in .* types, expected one' err
  expect_status 3 "$BTFPACK" add --archive store $KEY --uname 1 two
  expect_status 0 "$BTFPACK" import --archive store --force tree
  expect_status 0 "$BTFPACK" add --archive store $KEY --uname 1 --force two
}
# Ids out of range, loops, members past the end of their struct: each specimen of BTF
# that is not sound is told in a sentence, and nothing of it is stored.
unsound_stays_out() {
  local bad name
  mkdir -p tree/acme/1/x86_64
  for bad in "$TESTS"/data/bad-*.btf; do
    name=$(basename "$bad" .btf)
    expect_status 3 "$BTFPACK" add --archive store $KEY --uname "$name" "$bad"
    expect_one_sentence
    cp "$bad" "tree/acme/1/x86_64/$name.btf"
  done
  expect_status 3 "$BTFPACK" import -q --archive store tree
  expect_status 0 "$BTFPACK" stats --archive store --json
  [ "$(jq .entries out)" = 0 ]
}
# BTF that says the same struct twice is stored once made right, and that is said.
repeats_are_repaired() {
  need python3
  python3 - > twice.btf <<'PYTHON'
import struct, sys
strings = b"\0int\0task_struct\0a\0"
integer = struct.pack("<IIII", 1, 1 << 24, 4, 1 << 24 | 32)
task = struct.pack("<IIIIII", 5, 4 << 24 | 1, 4, 17, 1, 0)
types = integer + task + task
sys.stdout.buffer.write(struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings)
PYTHON
  expect_status 0 "$BTFPACK" add --archive store $KEY --uname 1 twice.btf
  grep -q 'was not deduplicated: 2 struct task_struct in 3 types; repaired, now 1 in 2' err
  "$BTFPACK" show --archive store --uname 1 -o stored.btf
  [ "$(bpftool btf dump file stored.btf | grep -c "STRUCT 'task_struct'")" = 1 ]
}
merges() {
  make_btf one 1
  make_btf two 2
  "$BTFPACK" add -q --archive a $KEY --uname 6.1.0-9-amd64 one.btf
  "$BTFPACK" add -q --archive b $KEY --uname 6.1.0-9-amd64 one.btf
  "$BTFPACK" add -q --archive b $KEY --uname 6.1.0-10-amd64 one.btf
  "$BTFPACK" add -q --archive b $KEY --uname 6.1.0-11-amd64 --set tool two.btf
  expect_status 0 "$BTFPACK" merge --archive all a b --json
  [ "$(jq -c '[.stored, .known, .older]' out)" = '[3,1,0]' ]
  expect_status 0 "$BTFPACK" stats --archive all --json
  [ "$(jq -c '[.entries, .contents]' out)" = '[3,2]' ]
  expect_status 0 "$BTFPACK" show --archive all --uname 6.1.0-10-amd64
  grep -q 'source *one.btf' out
  expect_status 0 "$BTFPACK" merge --archive all b a --json
  [ "$(jq -c '[.stored, .known, .older]' out)" = '[0,4,0]' ]
  expect_status 0 "$BTFPACK" verify --archive all
  expect_status 2 "$BTFPACK" merge --archive all
  expect_status 4 "$BTFPACK" merge --archive all nowhere a
  grep -q '1 were there already' err
}

pack_bytes() { "$BTFPACK" stats --archive "$1" --json | jq .pack_bytes; }

# Halves of one series, as machines make them that share a distribution: the first of the
# one is told by the other's.
merges_halves() {
  local i
  for i in 300 301 302 303 304 305; do
    make_btf "k$i" "$i"
    "$BTFPACK" add -q --archive "half$((i % 2))" $KEY --uname "6.1.0-$i-amd64" "k$i.btf"
  done
  expect_status 0 "$BTFPACK" merge --archive all half0 half1
  expect_status 0 "$BTFPACK" verify --archive all
  [ "$(pack_bytes all)" -lt $(($(pack_bytes half0) + $(pack_bytes half1))) ]
  for i in 300 303 305; do
    "$BTFPACK" show -q --archive all --uname "6.1.0-$i-amd64" -o - | cmp - "k$i.btf"
  done
}

# What is told by another content is taken over as it is stored.
merges_as_stored() {
  local i
  for i in 300 301 302 303; do
    make_btf "k$i" "$i"
    "$BTFPACK" add -q --archive a $KEY --uname "6.1.0-$i-amd64" "k$i.btf"
  done
  "$BTFPACK" ls --archive a --json | jq -c '[.uname, .id, .stored_size]' > before
  [ "$(jq -s 'map(.[2]) | min * 4 < max' before)" = true ]
  expect_status 0 "$BTFPACK" merge --archive all a
  "$BTFPACK" ls --archive all --json | jq -c '[.uname, .id, .stored_size]' | cmp - before
  expect_status 0 "$BTFPACK" verify --archive all
  # The union of one archive is no larger than that.
  [ "$(pack_bytes all)" = "$(pack_bytes a)" ]
  "$BTFPACK" show -q --archive all --uname 6.1.0-302-amd64 -o back.btf
  cmp back.btf k302.btf
  # Entries alone, where the contents are there.
  "$BTFPACK" rm -q --archive all $KEY --uname 6.1.0-302-amd64
  expect_status 0 "$BTFPACK" merge --archive all a --json
  [ "$(jq -c '[.stored, .known]' out)" = '[1,3]' ]
  # A base that is not there: the others are encoded by themselves.
  "$BTFPACK" rm -q --archive a $KEY --uname 6.1.0-300-amd64
  expect_status 0 "$BTFPACK" merge --archive fewer a
  expect_status 0 "$BTFPACK" verify --archive fewer
  "$BTFPACK" show -q --archive fewer --uname 6.1.0-303-amd64 -o back.btf
  cmp back.btf k303.btf
  expect_status 0 "$BTFPACK" merge --recode --archive again a
  expect_status 0 "$BTFPACK" verify --archive again
}

# Two archives that do not agree about a kernel: the later one is right, in either order.
merge_takes_the_later() {
  make_btf one 1
  make_btf two 2
  "$BTFPACK" add -q --archive old $KEY --uname 6.1 one.btf
  sleep 1.1
  "$BTFPACK" add -q --archive new $KEY --uname 6.1 two.btf
  "$BTFPACK" merge -q --archive x old new
  "$BTFPACK" merge -q --archive y new old
  for store in x y; do
    "$BTFPACK" show --archive $store --uname 6.1 -o - | cmp - two.btf
  done
}
measures_and_draws() {
  fill store
  expect_status 0 "$BTFPACK" stats --archive store --measure --json --html page.html
  jq -es '.[1] | .types > .unique_types and .unique_types > 2 and .tar_xz_bytes > 600' out
  grep -q '<td>debian 12 x86_64<td>2<td>' page.html
  grep -q '<polyline points="0,240 240.0,' page.html
  grep -c 'https*:' page.html && return 1
  cp page.html before.html
  expect_status 0 "$BTFPACK" stats --archive store --measure --html page.html
  cmp page.html before.html
  grep -q 'full BTFs, each as tar.xz' out
  expect_status 2 "$BTFPACK" stats --archive store --html -
}
run "stats measures and draws" measures_and_draws

ls_says_what_failed() {
  fill store
  "$BTFPACK" ls --archive store --json > /dev/full 2> err && return 1
  grep -q 'standard output: cannot write: No space left on device' err
  grep -q 'out of memory' err && return 1
  return 0
}
run "JSON that cannot be written is said" ls_says_what_failed

run "merge is the union" merges
run "merge takes over what is stored" merges_as_stored
run "merge tells the halves of a series by each other" merges_halves
run "merge takes the later of two that differ" merge_takes_the_later

run "import and add want one task_struct" import_checks_kernels
run "add says what it repaired" adds_repaired
run "import and add want sound BTF" unsound_stays_out
run "add repairs what was not deduplicated" repeats_are_repaired

run "adds and lists" adds_and_lists
run "adds an ELF file, with its build-id" adds_elf_with_build_id
run "adds a Debian package" adds_packages
run "adds an rpm package" adds_rpm_packages
run "shows, and takes out" shows_and_takes_out
run "removes and collects" removes_and_collects
run "verify says what is lost" verify_says_what_is_lost
run "refuses what is no archive" refuses_what_is_no_archive
run "refuses bad input" refuses_bad_input
run "imports a BTFHub tree" imports_a_tree
run "imports tarballs of other projects" imports_tarballs
run "an import goes on after bad files" import_goes_on_after_bad_files
run "exports, and imports back" exports_and_imports_back
run "exports reproducibly" exports_reproducibly
finish
