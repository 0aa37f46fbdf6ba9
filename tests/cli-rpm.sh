#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# list, fetch and build from rpm-md repositories on loopback, made by rpm's own tools.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"
. "$TESTS/rpm-mirror.sh"

rocky() {
  local verb=$1
  shift
  "$BTFPACK" "$verb" --distro rocky --release 9 --arch x86_64 --mirror "$url/rocky" \
    --keyring "$keyring" --cache cache --retries 1 "$@"
}
fetch() { rocky fetch --uname "$RPM_UNAME" -o out.d "$@"; }
requested() { grep -c "$1" requests || true; }
nothing_written() { [ -z "$(ls -A out.d 2> /dev/null)" ]; }
PACKAGE=kernel-debuginfo-5.14.0-70.13.1.el9_0.x86_64.rpm
site_copy() { cp -r "$mirror" site; }

lists() {
  serve
  expect_status 0 rocky list
  cat > expected << 'END'
rocky 9 x86_64 5.14.0-162.6.1.el9_1.x86_64 5.14.0-162.6.1.el9_1 rocky9
rocky 9 x86_64 5.14.0-70.13.1.el9_0.x86_64 5.14.0-70.13.1.el9_0 rocky9
rocky 9 x86_64 5.14.0-362.8.1.el9_3.x86_64+rt 5.14.0-362.8.1.el9_3 rocky9
END
  awk '{print $1, $2, $3, $4, $5, $NF}' out | diff expected -
  [ ! -s err ]
  expect_status 0 rocky list --flavour kernel --latest 1
  [ "$(awk '{print $4}' out)" = 5.14.0-162.6.1.el9_1.x86_64 ]
}

lists_every_arch() {
  serve
  expect_status 0 "$BTFPACK" list --distro rocky --release 9 --mirror "$url/rocky" \
    --keyring "$keyring" --cache cache
  [ "$(wc -l < out)" = 3 ]
  expect_status 4 "$BTFPACK" list --distro rocky --release 9 --arch arm64 --mirror "$url/rocky" \
    --keyring "$keyring" --cache cache
  grep -q "9/BaseOS/aarch64/debug/tree/repodata/repomd.xml: .*status 404" err
}

lists_json() {
  need jq
  serve
  expect_status 0 rocky list --json --uname "$RPM_UNAME"
  local rpm=$ROCKY/Packages/k/$PACKAGE
  jq -e --arg sha "$(sha256sum < "site/$rpm" | cut -d' ' -f1)" \
    --argjson size "$(stat -c %s "site/$rpm")" --arg url "$url/$rpm" '
    .distro == "rocky" and .release == "9" and .arch == "x86_64" and .signed == true and
    .flavour == "kernel" and .version == "5.14.0-70.13.1.el9_0" and
    .package == "kernel-debuginfo" and .sha256 == $sha and .size == $size and .url == $url' out
}

takes_every_compression() {
  local form
  site_copy
  serve
  gunzip -c site/$ROCKY/repodata/*-primary.xml.gz > plain.xml
  for form in gz xz zst bz2 plain; do
    case $form in
      gz) gzip -c plain.xml ;;
      xz) xz -c plain.xml ;;
      zst) zstd -qc plain.xml ;;
      bz2) bzip2 -c plain.xml ;;
      plain) cat plain.xml ;;
    esac > primary.xml.$form
    put_primary primary.xml.$form
    rm -rf cache
    expect_status 0 rocky list
    [ "$(wc -l < out)" = 3 ]
  done
}

downloads_indexes_once() {
  serve
  expect_status 0 rocky list
  [ "$(requested primary)" = 1 ]
  cp out first
  : > requests
  expect_status 0 rocky list
  cmp first out
  [ "$(requested primary)" = 0 ]
  [ "$(requested repomd.xml)" = 2 ]
}

fetches_every_payload() {
  serve
  expect_status 0 rocky fetch -o out.d
  [ "$(wc -l < out)" = 3 ]
  for file in out.d/*; do cmp "$test_scratch/vmlinux" "$file"; done
  [ -z "$(ls cache/files)" ]
}

fetches_from_suse() {
  serve
  expect_status 0 "$BTFPACK" fetch --distro sles --release 15.3 --arch x86_64 -o out.d \
    --mirror "$url/suse" --keyring "$keyring" --cache cache
  grep -q "^sles 15.3 x86_64 5.3.18-57-default " out
  [ "$(wc -l < out)" = 1 ]
  cmp "$test_scratch/vmlinux" out.d/vmlinux-5.3.18-57-default_5.3.18-57.3
  grep -q 'does not have 15-SP3-update' err
}

# put_primary FILE: it becomes the primary index of the site, rightly signed
put_primary() {
  local dir=site/$ROCKY/repodata
  rm -f $dir/*primary.xml*
  cp "$1" $dir/
  cat > $dir/repomd.xml << END
<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo">
  <data type="primary">
    <checksum type="sha256">$(sha256sum < "$1" | cut -d' ' -f1)</checksum>
    <location href="repodata/${1##*/}"/>
    <size>$(stat -c %s "$1")</size>
  </data>
</repomd>
END
  rpm_sign site/$ROCKY
}

# --- trust ----------------------------------------------------------------------------------------

refuses_index() { # STATUS WORD
  serve
  expect_status "$1" rocky list
  expect_one_sentence
  grep -q "repomd.xml.*$2" err
  [ ! -s out ]
}

refuses_altered_repomd() {
  site_copy
  sed -i 's/revision/revision /' site/$ROCKY/repodata/repomd.xml
  refuses_index 3 "signature does not match"
  expect_status 3 rocky list --allow-unsigned
}

refuses_other_keys() {
  site_copy
  rpm_sign site/$ROCKY other@example.org
  refuses_index 3 "keyring does not hold"
  expect_status 3 rocky list --allow-unsigned
}

# Without it the packages' own signatures count: these have none (cli-trust.sh has).
takes_unsigned_for_what_it_is() {
  need jq
  site_copy
  rm site/$ROCKY/repodata/repomd.xml.asc
  serve
  expect_status 0 rocky list --json
  jq -es 'length == 3 and all(.signed and .signature == "package")' out
  expect_status 3 fetch
  grep -q "neither its repository's index nor the package is signed: only --allow-unsigned" err
  nothing_written
  expect_status 0 rocky list --allow-unsigned
  [ "$(wc -l < out)" = 3 ]
}

refuses_without_keyring() {
  serve
  expect_status 4 "$BTFPACK" list --distro rocky --release 9 --mirror "$url/rocky" --cache cache
  expect_one_sentence
  grep -q 'RPM-GPG-KEY-Rocky-9: cannot use it as the keyring' err
  expect_status 4 rocky list --keyring no-such-file
  grep -q 'no-such-file: cannot use it as the keyring' err
}

records_what_was_allowed() {
  need jq
  site_copy
  rm site/$ROCKY/repodata/repomd.xml.asc
  serve
  expect_status 0 rocky build --archive store --allow-unsigned --uname "$RPM_UNAME"
  expect_status 0 "$BTFPACK" ls --archive store --json
  jq -e '.converter | endswith(" --allow-unsigned")' out
  rpm_sign site/$ROCKY
  expect_status 0 rocky build --archive store
  [ "$("$BTFPACK" ls --archive store | wc -l)" = 3 ]
  [ "$("$BTFPACK" ls --archive store --json | grep -c allow-unsigned)" = 1 ]
}

refuses_altered_primary() {
  site_copy
  local primary
  primary=$(ls site/$ROCKY/repodata/*primary.xml*)
  printf 'altered!' | dd of="$primary" bs=1 seek=40 conv=notrunc 2> /dev/null
  serve
  expect_status 3 rocky list
  expect_one_sentence
  grep -q 'primary.xml.* expected SHA-256 [0-9a-f]*..., found' err
  [ -z "$(ls cache/files)" ]
}

says_when_primary_is_missing() {
  site_copy
  rm site/$ROCKY/repodata/*primary.xml*
  serve
  expect_status 4 rocky list
  grep -q 'primary.xml.*status 404' err
}

refuses_altered_package() {
  serve
  alter "site/$ROCKY/Packages/k/$PACKAGE" 9000
  expect_status 3 fetch
  expect_one_sentence
  grep -q 'expected SHA-256 [0-9a-f]*..., found' err
  nothing_written
  [ -z "$(ls cache/files)" ]
}

refuses_other_digests() {
  site_copy
  sed -i 's/type="sha256"/type="md5"/' site/$ROCKY/repodata/repomd.xml
  rpm_sign site/$ROCKY
  refuses_index 3 "expected a sha256 checksum for the primary index, or one like it, found 'md5'"
}

# with_primary SED...: the index altered, rightly signed
with_primary() {
  site_copy
  gunzip -c site/$ROCKY/repodata/*-primary.xml.gz > primary.xml
  sed -i "$@" primary.xml
  put_primary primary.xml
}

refuses_primary() { # WORD
  serve
  expect_status 3 rocky list
  expect_one_sentence
  grep -q "$1" err
}

refuses_paths() {
  with_primary 's,href="Packages/k/kernel-debuginfo-5,href="../../../../../../oracle/kernel-debuginfo-5,'
  refuses_primary "debug/tree: expected a location within the archive, found '../../"
  rm -r site cache port
  kill "$server"
  with_primary 's,href="Packages/k/kernel-debuginfo-5,href="/etc/kernel-debuginfo-5,'
  refuses_primary "package kernel-debuginfo: expected a relative path as its location"
}
# Amazon's: all packages lie in one place beside the repositories.
takes_packages_beside() {
  with_primary 's,href="Packages/k/\(kernel-debuginfo-5\),href="../../../../../blobstore/\1,'
  mkdir site/rocky/blobstore
  mv site/$ROCKY/Packages/k/$PACKAGE site/rocky/blobstore/
  serve
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" out.d/vmlinux-*
  expect_status 0 rocky list --json --uname "$RPM_UNAME"
  grep -qE "\"url\": ?\"$url/rocky/blobstore/$PACKAGE\"" out
}
refuses_absurd_sizes() {
  with_primary 's/<size package="[0-9]*"/<size package="99999999999999"/'
  refuses_primary "package kernel-.*debuginfo: expected 1 to 17179869184 bytes as its size"
}
refuses_entities() {
  with_primary '1a <!DOCTYPE metadata [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
  refuses_primary "found an XML document type"
}
refuses_broken_xml() {
  with_primary '$d'
  refuses_primary "expected well-formed XML, found at line"
}

# --- packages, rightly indexed but wrong ----------------------------------------------------------

refuses_package() { # WORD
  rpm_index site/$ROCKY
  serve
  expect_status 3 fetch
  expect_one_sentence
  grep -q "$PACKAGE.*$1" err
  nothing_written
}

# replaced: the package, made anew of ./tree
replaced() {
  rm "site/$ROCKY/Packages/k/$PACKAGE"
  rpm_of site/$ROCKY/Packages/k kernel-debuginfo 5.14.0 70.13.1.el9_0
}

refuses_without_vmlinux() {
  site_copy
  mkdir -p tree/usr/lib/debug
  echo no > tree/usr/lib/debug/vmlinux-other
  replaced
  refuses_package "expected the vmlinux of $RPM_UNAME in it, found none"
}

refuses_what_is_no_elf() {
  site_copy
  mkdir -p tree/usr/lib/debug/lib/modules/$RPM_UNAME
  echo '#!/bin/sh' > tree/usr/lib/debug/lib/modules/$RPM_UNAME/vmlinux
  replaced
  refuses_package "to be an ELF file"
}

refuses_links() {
  site_copy
  mkdir -p tree/usr/lib/debug/lib/modules/$RPM_UNAME
  ln -s /etc/passwd tree/usr/lib/debug/lib/modules/$RPM_UNAME/vmlinux
  replaced
  refuses_package "found none"
}

refuses_bombs() {
  site_copy
  mkdir -p tree/usr/lib/debug/lib/modules/$RPM_UNAME
  printf '\177ELF' > tree/usr/lib/debug/lib/modules/$RPM_UNAME/vmlinux
  truncate -s 200M tree/usr/lib/debug/lib/modules/$RPM_UNAME/vmlinux
  replaced
  refuses_package "decompresses to more than the limit"
}

refuses_truncated() {
  site_copy
  serve
  local rpm=site/$ROCKY/Packages/k/$PACKAGE old new size
  old=$(sha256sum < "$rpm" | cut -d' ' -f1)
  size=$(stat -c %s "$rpm")
  truncate -s -3000 "$rpm"
  new=$(sha256sum < "$rpm" | cut -d' ' -f1)
  rm -r site
  with_primary "s/$old/$new/; s/package=\"$size\"/package=\"$((size - 3000))\"/"
  truncate -s -3000 "$rpm"
  expect_status 3 fetch
  expect_one_sentence
  grep -q "$PACKAGE.*expected an intact rpm package\|$PACKAGE.*damaged\|$PACKAGE: " err
  nothing_written
}

# --- the network ----------------------------------------------------------------------------------

continues() {
  serve
  echo "$PACKAGE cut 7000" > site/faults
  expect_status 4 fetch --retries 0
  nothing_written
  rm site/faults
  expect_status 0 fetch
  grep -q "bytes=7000- -> 206" requests
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${RPM_UNAME}_5.14.0-70.13.1.el9_0"
}

# --- directories without an index ------------------------------------------------------------------

oracle() {
  local verb=$1
  shift
  "$BTFPACK" "$verb" --distro ol --release 8 --mirror "$url/oracle" --cache cache --retries 1 "$@"
}

lists_directories() {
  need jq
  serve
  expect_status 0 oracle list --allow-unsigned
  cat > expected << 'END'
ol 8 aarch64 5.4.17-2011.0.7.el8uek.aarch64 5.4.17-2011.0.7.el8uek
ol 8 x86_64 4.18.0-80.11.2.el8_0.x86_64 4.18.0-80.11.2.el8_0
ol 8 x86_64 5.4.17-2011.0.7.el8uek.x86_64 5.4.17-2011.0.7.el8uek
END
  awk '{print $1, $2, $3, $4, $5}' out | diff expected -
  [ "$(requested debuginfo/)" = 1 ]
  expect_status 0 oracle list --allow-unsigned --arch arm64 --json
  jq -e '.flavour == "uek" and .arch == "aarch64" and .sha256 == null and .size == 0 and
    .signed == false and (.url | endswith("ol8/debuginfo/kernel-uek-debuginfo-5.4.17-2011.0.7.el8uek.aarch64.rpm"))' out
  expect_status 4 oracle list
  expect_one_sentence
  grep -q "RPM-GPG-KEY-oracle-ol8: cannot use it as the keyring.*ol8/debuginfo/" err
}

fetches_from_directories() {
  serve
  echo "kernel-uek-debuginfo cut 7000" > site/faults
  expect_status 4 oracle fetch --allow-unsigned --arch x86_64 --flavour uek -o out.d --retries 0
  nothing_written
  rm site/faults
  expect_status 0 oracle fetch --allow-unsigned --arch x86_64 -o out.d
  grep -q "bytes=7000- -> 206" requests
  [ "$(wc -l < out)" = 2 ]
  for file in out.d/*; do cmp "$test_scratch/vmlinux" "$file"; done
  [ -z "$(ls cache/files)" ]
}

builds_from_directories() {
  serve
  expect_status 0 oracle build --allow-unsigned --arch x86_64 --archive store
  expect_status 0 oracle build --allow-unsigned --arch x86_64 --archive store
  grep -q '0 stored, 2 in the archive already' err
}

# --- distributions of one's own --------------------------------------------------------------------

own() { "$BTFPACK" list --cache cache --retries 1 "$@"; }

takes_own_distributions() {
  serve
  mkdir -p config/btfpack/distros.d
  cat > config/btfpack/distros.d/mine.distro << END
# two in one file
Distro: mylinux
Releases: 8/eight 9
Kind: rpm-md
Url: $url/rocky/
Paths: \$release/BaseOS/\$arch/debug/tree
Arches: x86_64
Keyring: $keyring

Distro: mydir
Releases: ol8
Kind: html
Kernels: rpm
Url: $url/oracle/
Paths: \$release/debuginfo
END
  XDG_CONFIG_HOME=$PWD/config expect_status 0 own --distro mylinux --release 9
  [ "$(wc -l < out)" = 3 ]
  grep -q "^mylinux 9 x86_64 5.14.0-162" out
  expect_status 0 own --distros config/btfpack/distros.d/mine.distro --distro mydir --allow-unsigned
  [ "$(wc -l < out)" = 3 ]
  grep -q "^mydir ol8 aarch64" out
  expect_status 4 own --distros config/btfpack/distros.d --distro mylinux --release eight
  grep -q "rocky/8/BaseOS/x86_64/debug/tree/repodata/repomd.xml" err
}

refuses_own() { # WORD STANZA...
  local word=$1
  shift
  printf '%s\n' "$@" > file
  expect_status 2 own --distros file --distro mylinux
  expect_one_sentence
  grep -q "^btfpack.*file: distribution.*expected $word" err
}

refuses_bad_distributions() {
  refuses_own "a name as its Distro" "Releases: 9" "Kind: apt" "Url: http://x"
  refuses_own "a URL" "Distro: d" "Releases: 9" "Kind: apt" "Url: ftp://x"
  refuses_own "apt, rpm-md or html as its Kind" "Distro: d" "Releases: 9" "Url: http://x"
  refuses_own "debian, ubuntu, rpm or suse" "Distro: d" "Releases: 9" "Url: http://x" \
    "Kind: html" "Kernels: bsd"
  refuses_own "one name or more" "Distro: d" "Url: http://x" "Kind: html"
  refuses_own "names as its Releases" "Distro: d" "Url: http://x" "Kind: html" "Releases: a/../b"
  refuses_own "each name once" "Distro: d" "Url: http://x" "Kind: html" "Releases: 1" "" \
    "Distro: d" "Url: http://x" "Kind: html" "Releases: 1"
  expect_status 4 own --distros no-such-file --distro mylinux
}

prepare_rpm_mirror
run "lists kernels, newest first in rpm's order" lists
run "lists every architecture there is" lists_every_arch
run "lists as JSON" lists_json
run "takes indexes in gz, xz and zstd" takes_every_compression
run "downloads an index once" downloads_indexes_once
run "fetches out of xz, zstd and gzip" fetches_every_payload
run "fetches SUSE's, out of bzip2" fetches_from_suse
run "an altered repomd.xml" refuses_altered_repomd
run "a repomd.xml signed by another key" refuses_other_keys
run "a repomd.xml without signature" takes_unsigned_for_what_it_is
run "no keyring" refuses_without_keyring
run "records what was allowed" records_what_was_allowed
run "an altered primary.xml" refuses_altered_primary
run "a missing primary.xml" says_when_primary_is_missing
run "an altered package" refuses_altered_package
run "digests that are too weak" refuses_other_digests
run "paths out of the archive" refuses_paths
run "packages beside the repository" takes_packages_beside
run "absurd sizes" refuses_absurd_sizes
run "entities in XML" refuses_entities
run "broken XML" refuses_broken_xml
run "a package without vmlinux" refuses_without_vmlinux
run "a vmlinux that is no ELF file" refuses_what_is_no_elf
run "a package with a link for vmlinux" refuses_links
run "a decompression bomb" refuses_bombs
run "a truncated package" refuses_truncated
run "continues a cut download" continues
run "lists a directory" lists_directories
run "fetches from a directory" fetches_from_directories
run "takes distributions from files" takes_own_distributions
run "refuses what makes no sense in them" refuses_bad_distributions
run "builds from a directory, once" builds_from_directories
finish_mirror
finish
