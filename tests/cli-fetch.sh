#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# list and fetch, against a mirror on loopback made with Debian's own tools: real
# .deb files, indexes by apt-ftparchive, InRelease signed with a throw-away key.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"

# btfpack VERB ARG...: with everything a test needs to stay on loopback
btfpack() {
  local verb=$1
  shift
  "$BTFPACK" "$verb" --distro debian --release 12 --mirror "$url/debian" --keyring "$keyring" \
    --fallback none --cache cache --retries 1 "$@"
}
fetch() { btfpack fetch --arch amd64 --flavour cloud --uname "$KERNEL" -o out.d "$@"; }
requested() { grep -c "$1" requests || true; }
deb_path=debian/pool/${NAME}_6.1.9-1_amd64.deb
nothing_written() { [ -z "$(ls -A out.d 2> /dev/null)" ]; }

# --- what works ---------------------------------------------------------------------------------------

lists() {
  serve
  expect_status 0 btfpack list
  cat > expected <<END
debian 12 s390x 6.1.0-1-s390x 6.1.9-1 bookworm
debian 12 x86_64 6.1.0-2-cloud-amd64 6.1.10-1 bookworm-security
debian 12 x86_64 6.1.0-1-cloud-amd64 6.1.9-1 bookworm
debian 12 x86_64 6.1.0-1-rt-amd64 6.1.9-1 bookworm
END
  awk '{print $1, $2, $3, $4, $5, $NF}' out | diff expected -
  [ ! -s err ]
}

lists_chosen() {
  serve
  expect_status 0 btfpack list --arch amd64 --flavour cloud --latest 1
  [ "$(awk '{print $4}' out)" = 6.1.0-2-cloud-amd64 ]
  expect_status 0 btfpack list --flavour 'rt-*'
  [ "$(awk '{print $4}' out)" = 6.1.0-1-rt-amd64 ]
  expect_status 0 btfpack list --release bookworm --uname '*-1-cloud-*'
  [ "$(awk '{print $4}' out)" = 6.1.0-1-cloud-amd64 ]
  expect_status 1 btfpack list --arch arm64
  expect_one_sentence
  grep -q 'debian 12 aarch64' err
}

# A release in the layout of ddebs.ubuntu.com: components, no InRelease, two packages a kernel.
lists_ubuntu() {
  need jq
  [ -d site ] || cp -r "$mirror" site
  local suite part base=site/ubuntu
  for suite in focal focal-updates; do
    for part in main universe; do
      mkdir -p $base/dists/$suite/$part/binary-amd64
      : > $base/dists/$suite/$part/binary-amd64/Packages
    done
    sed 's/5\.4\.0-42/5.4.0-1065/g; s/generic/azure/g; s,pool/main,pool/universe,' \
      "$TESTS/data/packages-ubuntu.txt" > $base/dists/focal/universe/binary-amd64/Packages
    cp "$TESTS/data/packages-ubuntu.txt" $base/dists/focal/main/binary-amd64/Packages
    (cd $base && apt-ftparchive -o APT::FTPArchive::Release::Codename=focal \
      -o APT::FTPArchive::Release::Suite=$suite \
      -o APT::FTPArchive::Release::Architectures="amd64 i386" release dists/$suite) > Release
    mv Release $base/dists/$suite/
    gpg --batch --quiet -u good@example.org --digest-algo SHA256 --armor --detach-sign \
      -o $base/dists/$suite/Release.gpg $base/dists/$suite/Release
  done
  serve
  expect_status 0 "$BTFPACK" list --distro ubuntu --release 20.04 --mirror "$url/ubuntu" \
    --keyring "$keyring" --cache cache
  cat > expected <<END
ubuntu 20.04 x86_64 5.4.0-1065-azure 5.4.0-1065.46 focal
ubuntu 20.04 x86_64 5.4.0-42-generic 5.4.0-42.46 focal
END
  awk '{print $1, $2, $3, $4, $5, $NF}' out | diff expected -
  [ ! -s err ]
  expect_status 0 "$BTFPACK" list --distro ubuntu --release focal --mirror "$url/ubuntu" \
    --keyring "$keyring" --cache cache --flavour generic --json
  jq -e '.package == "linux-image-unsigned-5.4.0-42-generic-dbgsym" and .signed' out
}

lists_json() {
  need jq
  serve
  expect_status 0 btfpack list --json --uname "$KERNEL"
  local deb=site/$deb_path
  jq -e --arg sha "$(sha256sum < "$deb" | cut -d' ' -f1)" --argjson size "$(stat -c %s "$deb")" \
    --arg url "$url/$deb_path" '
    .distro == "debian" and .release == "12" and .arch == "x86_64" and .build_id == null and
    .uname == "6.1.0-1-cloud-amd64" and .flavour == "cloud-amd64" and .version == "6.1.9-1" and
    .package == "linux-image-6.1.0-1-cloud-amd64-dbg" and .suite == "bookworm" and
    .sha256 == $sha and .size == $size and .url == $url' out
}

downloads_indexes_once() {
  serve
  expect_status 0 btfpack list
  [ "$(requested Packages.xz)" = 4 ]   # the empty ones are one
  : > requests
  cp out first
  expect_status 0 btfpack list
  cmp first out
  [ "$(requested Packages)" = 0 ]
  [ "$(requested InRelease)" = 4 ]
  for note in cache/notes/*; do printf x >> "$note"; done
  expect_status 0 btfpack list
  cmp first out
  [ "$(requested Packages.xz)" = 4 ]
}

takes_other_forms() {
  serve
  rm site/debian/dists/bookworm/main/binary-amd64/Packages.xz
  printf x >> site/debian/dists/bookworm/main/binary-s390x/Packages.xz
  rm site/debian/dists/bookworm/main/binary-s390x/Packages.gz
  expect_status 0 btfpack list
  [ "$(wc -l < out)" = 4 ]
}

uses_by_hash() {
  [ -d site ] || cp -r "$mirror" site
  local dir=site/debian/dists/bookworm/main/binary-amd64
  mkdir -p $dir/by-hash/SHA256
  cp $dir/Packages.xz "$dir/by-hash/SHA256/$(sha256sum < $dir/Packages.xz | cut -d' ' -f1)"
  sed -i '/^Acquire-By-Hash/d; 1i Acquire-By-Hash: yes' site/debian/dists/bookworm/Release
  sign site/debian/dists/bookworm
  printf 'the next update' > $dir/Packages.xz
  serve
  expect_status 0 btfpack list --uname "$KERNEL"
  [ "$(requested by-hash)" -ge 1 ]
}

uses_machine_sources() {
  serve
  mkdir -p root/etc/apt/sources.list.d root/usr/share/keyrings
  cp "$keyring" root/usr/share/keyrings/debian-archive-keyring.gpg
  printf 'Types: deb\nURIs: %s/debian/\nSuites: trixie\nComponents: main\n' "$url" \
    > root/etc/apt/sources.list.d/debian.sources
  echo "deb $url/debian-security bookworm-security main" > root/etc/apt/sources.list
  expect_status 0 "$BTFPACK" list --root root --distro debian --release 12 --cache cache
  [ "$(wc -l < out)" = 4 ]
}

fetches() {
  serve
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
  grep -qx "debian 12 x86_64 $KERNEL out.d/vmlinux-${KERNEL}_6.1.9-1" out
  [ -z "$(ls cache/files)" ]
  : > requests
  expect_status 0 fetch
  [ "$(requested pool)" = 0 ]
  rm -r out.d
  expect_status 0 fetch --keep
  rm -r out.d
  : > requests
  expect_status 0 fetch
  [ "$(requested pool)" = 0 ]
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
}

fetches_every_compression() {
  serve
  expect_status 0 btfpack fetch -o out.d
  [ "$(wc -l < out)" = 4 ]
  for file in out.d/*; do cmp "$test_scratch/vmlinux" "$file"; done
}

# Blocks that decode by themselves; heads of long names before vmlinux; vmlinux not first.
fetches_from_blocks() {
  cp -r "$mirror" site
  local long=usr/lib/debug/a
  for _ in $(seq 12); do long=$long/directory-of-a-long-name; done
  mkdir -p "tree/$long" tree/usr/lib/debug/boot
  head -c 100000 /dev/urandom > "tree/$long/another-file"
  cp "$test_scratch/vmlinux" "tree/usr/lib/debug/boot/vmlinux-$KERNEL"
  deb "site/$deb_path" "$NAME" 6.1.9-1
  reblock "site/$deb_path"
  repack_index
  serve
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
}

# A hundred files, then vmlinux: as Debian has it since 7.0. It is found from the end: a
# block between them is damaged, and nobody notices.
fetches_from_the_end() {
  put_vmlinux_last 1
  printf 'damaged' | dd of="site/$deb_path" bs=1 seek=120000 conv=notrunc 2> /dev/null
  repack_index
  serve
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
}

finds_none_in_blocks() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  for i in $(seq 50); do head -c 2000 /dev/urandom > tree/usr/lib/debug/boot/$i; done
  deb "site/$deb_path" "$NAME" 6.1.9-1
  reblock "site/$deb_path" 10000
  refuses_package "found none"
}

# A block that does not decode, rightly signed.
refuses_damaged_blocks() {
  cp -r "$mirror" site
  reblock "site/$deb_path"
  printf 'damaged' | dd of="site/$deb_path" bs=1 seek=100000 conv=notrunc 2> /dev/null
  refuses_package "cannot be decompressed: the xz data is corrupt"
}

fetches_from_files() {
  cp -r "$mirror" site
  url=file://$PWD/site
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
}

# --- the network ------------------------------------------------------------------------------------------

continues_in_one_run() {
  serve
  echo "$NAME cut-once 5000" > site/faults
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
  grep -q "bytes=5000- -> 206" requests
}

continues_in_the_next_run() {
  serve
  echo "$NAME cut 7000" > site/faults
  expect_status 4 fetch --retries 0
  expect_one_sentence
  nothing_written
  [ "$(stat -c %s cache/files/*.partial)" = 7000 ]
  rm site/faults
  : > requests
  expect_status 0 fetch
  [ "$(requested pool)" = 1 ]
  grep -q "bytes=7000- -> 206" requests
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
}

starts_over() { # FAULT: a server that cannot continue
  serve
  echo "$NAME cut 7000" > site/faults
  expect_status 4 fetch --retries 0
  echo "$NAME $1" > site/faults
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
  [ -z "$(ls cache/files)" ]
}
starts_over_without_range() { starts_over norange; }
starts_over_when_changed() { starts_over "etag other"; }

mends_a_bad_start() {
  serve
  echo "$NAME cut 7000" > site/faults
  expect_status 4 fetch --retries 0
  rm site/faults
  printf 'not these bytes' | dd of="$(ls cache/files/*.partial)" conv=notrunc 2> /dev/null
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
}

mends_the_cache() {
  serve
  expect_status 0 fetch --keep
  rm -r out.d
  printf x >> cache/files/*
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"
}

stops_when_told() {
  serve
  echo "$NAME stall 7000" > site/faults
  "$BTFPACK" fetch --distro debian --release 12 --uname "$KERNEL" -o out.d \
    --mirror "$url/debian" --keyring "$keyring" --cache cache > out 2> err &
  local pid=$! status=0
  for _ in $(seq 100); do grep -q "$NAME" requests && break; sleep 0.05; done
  sleep 0.2
  kill -TERM $pid
  wait $pid || status=$?
  [ $status = 4 ]
  grep -q canceled err
  nothing_written
  [ "$(stat -c %s cache/files/*.partial)" = 7000 ]
}

refuses_answers() { # FAULT, STATUS, WORD
  serve
  echo "$NAME $1" > site/faults
  expect_status "$2" fetch
  expect_one_sentence
  cat err
  grep -q "$3" err
  nothing_written
}
refuses_missing() { refuses_answers "status 404" 4 "status 404"; }
refuses_500() {
  refuses_answers "status 500" 4 "status 500"
  cat requests err
  [ "$(requested pool)" = 2 ]
}
refuses_longer() { refuses_answers "extra 1" 3 "expected [0-9]* bytes"; }
refuses_wrong_length() { refuses_answers "length 100" 3 "the server has 100"; }
refuses_loops() { refuses_answers "redirect {path}" 4 redirect; }
refuses_files() { refuses_answers "redirect file:///etc/passwd" 4 "$NAME"; }
refuses_bad_range() {
  serve
  echo "$NAME cut 7000" > site/faults
  expect_status 4 fetch --retries 0
  echo "$NAME badrange" > site/faults
  expect_status 4 fetch
  grep -q "expected bytes from 7000 on" err
}

follows_redirects() {
  serve
  mkdir site/elsewhere
  mv "site/$deb_path" site/elsewhere/
  echo "debian/pool redirect /elsewhere/${NAME}_6.1.9-1_amd64.deb" > site/faults
  expect_status 0 fetch
}

says_when_nobody_answers() {
  url=http://127.0.0.1:1
  expect_status 4 btfpack list --retries 0
  grep -q 'dists/bookworm/InRelease: cannot download' err
}

# --- signatures and digests -------------------------------------------------------------------------------------

refuses_index() { # WORD: what list says of bookworm
  serve
  expect_status 3 btfpack list
  expect_one_sentence
  grep -q "dists/bookworm/InRelease.*$1" err
  lacks ' bookworm$' out
  [ "$(grep -c bookworm-security out)" = 2 ]   # the others are not touched by it
}

refuses_altered_text() {
  cp -r "$mirror" site
  sed -i 's/^Codename:/Codename: /' site/debian/dists/bookworm/InRelease
  refuses_index "signature does not match"
}

refuses_other_keys() {
  cp -r "$mirror" site
  sign site/debian/dists/bookworm other@example.org
  refuses_index "keyring does not hold"
}

refuses_unsigned() {
  cp -r "$mirror" site
  cp site/debian/dists/bookworm/Release site/debian/dists/bookworm/InRelease
  refuses_index "found no signature"
}

refuses_two_texts() {
  cp -r "$mirror" site
  cat "$mirror"/debian/dists/bookworm{,-updates}/InRelease > site/debian/dists/bookworm/InRelease
  refuses_index "more than one text"
}

believes_only_what_is_signed() {
  cp -r "$mirror" site
  (echo 'Codename: sid'; cat "$mirror/debian/dists/bookworm/InRelease"; echo 'Codename: sid') \
    > site/debian/dists/bookworm/InRelease
  serve
  expect_status 0 btfpack list
}

refuses_other_suites() {
  cp -r "$mirror" site
  cp "$mirror/debian/dists/bookworm-updates/InRelease" site/debian/dists/bookworm/
  refuses_index "expected the index of bookworm, found that of 'bookworm-updates'"
}

refuses_expired() {
  cp -r "$mirror" site
  sed -i '1i Valid-Until: Sat, 01 Jan 2022 00:00:00 UTC' site/debian/dists/bookworm/Release
  sign site/debian/dists/bookworm
  refuses_index "still valid.*01 Jan 2022"
}

takes_expired_sid() {
  cp -r "$mirror" site
  mv site/debian/dists/bookworm site/debian/dists/sid
  release site/debian sid
  sed -i '1i Valid-Until: Sat, 01 Jan 2022 00:00:00 UTC' site/debian/dists/sid/Release
  sign site/debian/dists/sid
  serve
  expect_status 0 btfpack list --release unstable
  [ "$(grep -c '^debian sid' out)" = 3 ]
  grep -q 'warning: .*was valid until' err
}

# detached: bookworm signed the older way
detached() {
  local dir=site/debian/dists/bookworm
  [ -d site ] || cp -r "$mirror" site
  rm $dir/InRelease
  gpg --batch --quiet -u "${1:-good@example.org}" --digest-algo SHA256 --armor --detach-sign \
    -o $dir/Release.gpg $dir/Release
}

takes_detached_signatures() {
  need jq
  detached
  serve
  expect_status 0 btfpack list
  [ "$(wc -l < out)" = 4 ]
  expect_status 0 btfpack list --json
  jq -es 'all(.signed)' out
  sed -i 's/^Codename:/Codename: /' site/debian/dists/bookworm/Release
  expect_status 3 btfpack list
  grep -q "dists/bookworm/Release: .*signature does not match" err
  expect_status 3 btfpack list --allow-unsigned
}

takes_unsigned_by_leave() {
  need jq
  detached
  rm site/debian/dists/bookworm/Release.gpg
  serve
  expect_status 3 btfpack list
  expect_one_sentence
  grep -q "dists/bookworm/Release: .*the server has neither: only --allow-unsigned" err
  expect_status 0 btfpack list --allow-unsigned --json
  [ "$(jq -s 'map(select(.signed)) | length' out)" = 1 ]
  [ "$(wc -l < out)" = 4 ]
  expect_status 0 btfpack list --allow-unsigned --json --keyring no-such-file
  [ "$(jq -s 'map(select(.signed)) | length' out)" = 0 ]
}

says_without_gpgv() {
  serve
  PATH=/nowhere btfpack list > out 2> err || [ $? = 4 ]
  expect_one_sentence
  grep -q 'gpgv: cannot run it' err
}

says_without_keyring() {
  serve
  expect_status 4 btfpack list --keyring no-such-file
  expect_one_sentence
  grep -q 'no-such-file: cannot use it as the keyring' err
}

refuses_altered_indexes() {
  cp -r "$mirror" site
  local form
  for form in Packages Packages.gz Packages.xz; do
    printf 'altered!' | dd of=site/debian/dists/bookworm/main/binary-amd64/$form bs=1 seek=40 \
      conv=notrunc 2> /dev/null
  done
  serve
  expect_status 3 btfpack list --arch amd64
  expect_one_sentence
  grep -q 'Packages.xz: expected SHA-256 [0-9a-f]*..., found' err
  [ "$(grep -c bookworm-security out)" = 2 ]
  [ "$(wc -l < out)" = 2 ]
  [ -z "$(ls cache/files)" ]
  expect_status 3 btfpack list
  grep -q 's390x .* bookworm$' out   # nor other architectures
}

refuses_altered_package() {
  serve
  alter "site/$deb_path" 9000
  expect_status 3 fetch
  expect_one_sentence
  grep -q 'expected SHA-256 [0-9a-f]*..., found' err
  nothing_written
  [ -z "$(ls cache/files)" ]
}

refuses_absurd_sizes() {
  cp -r "$mirror" site
  local packages=site/debian/dists/bookworm/main/binary-amd64/Packages
  sed -i 's/^Size: .*/Size: 18446744073709551615/' $packages
  xz -kf $packages
  gzip -kfn $packages
  release site/debian bookworm
  serve
  expect_status 3 btfpack list --arch amd64
  grep -q "package linux-image.*as its Size, found '18446744073709551615'" err
}

refuses_absurd_index() {
  cp -r "$mirror" site
  sed -i 's/ [0-9]* main\/binary-amd64\/Packages/ 99999999999 main\/binary-amd64\/Packages/' \
    site/debian/dists/bookworm/Release
  sign site/debian/dists/bookworm
  serve
  expect_status 3 btfpack list --arch amd64
  grep -q '99999999999 bytes by its Release file, more than the limit' err
}

# --- packages, rightly signed but wrong -------------------------------------------------------------------------------

refuses_package() { # WORD
  repack_index
  serve
  expect_status 3 fetch
  expect_one_sentence
  grep -q "$NAME.*$1" err
  nothing_written
}

refuses_truncated() {
  cp -r "$mirror" site
  # The whole file cannot be indexed when cut: index first, cut, correct the digest.
  local deb=site/$deb_path size
  size=$(($(stat -c %s "$deb") - 3000))
  local old new packages=site/debian/dists/bookworm/main/binary-amd64/Packages
  old=$(sha256sum < "$deb" | cut -d' ' -f1)
  sed -i "s/^Size: $(stat -c %s "$deb")\$/Size: $size/" $packages
  truncate -s $size "$deb"
  new=$(sha256sum < "$deb" | cut -d' ' -f1)
  sed -i "s/$old/$new/" $packages
  xz -kf $packages
  gzip -kfn $packages
  release site/debian bookworm
  serve
  expect_status 3 fetch
  expect_one_sentence
  grep -q "$NAME.*expected an intact Debian package" err
  nothing_written
}

refuses_without_vmlinux() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  echo no > tree/usr/lib/debug/boot/vmlinux-6.1.0-1-other
  deb "site/$deb_path" "$NAME" 6.1.9-1
  refuses_package "expected the vmlinux of $KERNEL in it, found none"
}

refuses_links() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  ln -s /etc/passwd "tree/usr/lib/debug/boot/vmlinux-$KERNEL"
  deb "site/$deb_path" "$NAME" 6.1.9-1
  refuses_package "found none"
}

refuses_what_is_no_elf() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  echo '#!/bin/sh' > "tree/usr/lib/debug/boot/vmlinux-$KERNEL"
  deb "site/$deb_path" "$NAME" 6.1.9-1
  refuses_package "to be an ELF file"
}

refuses_empty_vmlinux() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  : > "tree/usr/lib/debug/boot/vmlinux-$KERNEL"
  deb "site/$deb_path" "$NAME" 6.1.9-1
  refuses_package "to be an ELF file"
}

refuses_bombs() {
  cp -r "$mirror" site
  mkdir -p tree/usr/lib/debug/boot
  printf '\177ELF' > "tree/usr/lib/debug/boot/vmlinux-$KERNEL"
  truncate -s 200M "tree/usr/lib/debug/boot/vmlinux-$KERNEL"
  deb "site/$deb_path" "$NAME" 6.1.9-1
  refuses_package "decompresses to more than the limit"
}

# Names that would leave the directory are only compared, never opened.
ignores_paths() {
  cp -r "$mirror" site
  mkdir -p evil/usr/lib/debug/boot
  cp "$test_scratch/vmlinux" "evil/usr/lib/debug/boot/vmlinux-$KERNEL"
  echo no > evil/up
  tar -C evil -cf data.tar --transform "s,up,../../../up," -P up \
    --transform "s,^usr/lib/debug/boot,/tmp/../usr/lib/debug/boot," \
    "usr/lib/debug/boot/vmlinux-$KERNEL"
  xz -kf data.tar
  mkdir tree; deb plain.deb "$NAME" 6.1.9-1
  ar x plain.deb
  rm -f "site/$deb_path"
  ar rc "site/$deb_path" debian-binary control.tar.xz data.tar.xz
  refuses_package "found none"
  [ ! -e ../up ]
  [ ! -e up ]
}

# --- usage -----------------------------------------------------------------------------------------------------------

explains_usage() {
  url=http://127.0.0.1:1
  expect_status 2 "$BTFPACK" list
  expect_status 2 "$BTFPACK" list --distro nowhere --cache cache
  expect_one_sentence
  grep -q 'debian' err
  expect_status 2 btfpack list --release 99
  grep -q '11, 12, 13, 14, sid' err
  expect_status 2 btfpack list --latest few
  expect_status 2 btfpack list operand
  expect_status 2 btfpack fetch
  expect_status 4 btfpack list --cache /dev/null/x
}

need ar
prepare_mirror
run "lists what three suites offer, each once, newest first" lists
run "lists what was chosen; exit 1 for nothing" lists_chosen
run "lists Ubuntu's, of several components" lists_ubuntu
run "lists as JSON" lists_json
run "downloads an index once; a damaged note again" downloads_indexes_once
run "takes another form of an index" takes_other_forms
run "fetches indexes by their hash" uses_by_hash
run "uses this machine's mirror and keyring" uses_machine_sources
run "fetches; not again" fetches
run "fetches out of xz, gzip and zstd" fetches_every_compression
run "fetches out of blocks" fetches_from_blocks
run "fetches what is last" fetches_from_the_end
run "blocks without vmlinux" finds_none_in_blocks
run "a damaged block" refuses_damaged_blocks
run "fetches from file: URLs" fetches_from_files
run "continues a cut download" continues_in_one_run
run "continues in the next run" continues_in_the_next_run
run "starts over where the server cannot continue" starts_over_without_range
run "starts over where the file changed" starts_over_when_changed
run "mends a bad start" mends_a_bad_start
run "mends a damaged cache" mends_the_cache
run "stops when told, and keeps what it has" stops_when_told
run "404" refuses_missing
run "500, after trying again" refuses_500
run "a body longer than the index says" refuses_longer
run "a wrong Content-Length" refuses_wrong_length
run "a redirect loop" refuses_loops
run "a redirect to a file" refuses_files
run "a wrong Content-Range" refuses_bad_range
run "follows a redirect" follows_redirects
run "a mirror that does not answer" says_when_nobody_answers
run "an altered InRelease" refuses_altered_text
run "an InRelease signed by another key" refuses_other_keys
run "an InRelease without signature" refuses_unsigned
run "an InRelease of two texts" refuses_two_texts
run "believes only what is signed" believes_only_what_is_signed
run "the InRelease of another suite" refuses_other_suites
run "an expired InRelease" refuses_expired
run "sid past its time, with a warning" takes_expired_sid
run "a Release file with its signature apart" takes_detached_signatures
run "no signature at all, only by leave" takes_unsigned_by_leave
run "says that gpgv is missing" says_without_gpgv
run "says that the keyring is missing" says_without_keyring
run "altered indexes, leaving other suites alone" refuses_altered_indexes
run "an altered package" refuses_altered_package
run "absurd sizes in Packages" refuses_absurd_sizes
run "an absurd size in Release" refuses_absurd_index
run "a truncated package" refuses_truncated
run "a package without vmlinux" refuses_without_vmlinux
run "a package with a link for vmlinux" refuses_links
run "a vmlinux that is no ELF file" refuses_what_is_no_elf
run "an empty vmlinux" refuses_empty_vmlinux
run "a decompression bomb" refuses_bombs
run "paths out of the package" ignores_paths
run "explains usage" explains_usage
finish_mirror
finish
