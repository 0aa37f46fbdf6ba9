#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the archive dropped: Debian's snapshot and Ubuntu's Launchpad, on loopback, with answers in
# the form of the real services (tests/data/indexes).
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"

SAMPLES=$TESTS/data/indexes
DEB=linux-image-6.1.0-1-cloud-amd64-dbg_6.1.9-1_amd64.deb
VMLINUX=out.d/vmlinux-${KERNEL}_6.1.9-1

debian() {
  local verb=$1
  shift
  "$BTFPACK" "$verb" --distro debian --release 12 --mirror "$url/debian" --keyring "$keyring" \
    --fallback "$url/snapshot" --cache cache --retries 0 "$@"
}
fetch() { debian fetch --arch amd64 --uname "$KERNEL" -o out.d "$@"; }
requested() { grep -c "$1" requests || true; }
nothing_written() { [ -z "$(ls -A out.d 2> /dev/null)" ]; }

# --- snapshot: a file that the mirror lacks -------------------------------------------------------------

# expired_site: the package is gone from the mirror, and snapshot has it
expired_site() {
  need jq
  cp -r "$mirror" site
  local kept=site/snapshot/archive/debian/20230205T084254Z/pool/main/l/linux
  mkdir -p $kept
  mv site/debian/pool/$DEB $kept/
  binfiles "$(sha1sum < $kept/$DEB | cut -d' ' -f1)" "$(stat -c %s $kept/$DEB)"
  rm site/debian-security/pool/$DEB
  serve
}

# binfiles SHA1 SIZE [JQ]: the recorded answer, of this file
binfiles() {
  local dir=site/snapshot/mr/binary/${DEB%%_*}/6.1.9-1
  mkdir -p $dir
  jq --arg sha "$1" --argjson size "$2" '
    (.result[0].hash) as $old | .result[0].hash = $sha |
    .fileinfo = {($sha): (.fileinfo[$old] | .[0].size = $size)} | '"${3:-.}" \
    "$SAMPLES/snapshot/binfiles.json" > $dir/binfiles
}

takes_it_from_snapshot() {
  expired_site
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "$VMLINUX"
  grep -q "GET /snapshot/mr/binary/${DEB%%_*}/6.1.9-1/binfiles?fileinfo=1 " requests
  [ -z "$(ls cache/files)" ]
}

continues_from_snapshot() {
  expired_site
  echo "snapshot/archive cut 7000" > site/faults
  expect_status 4 fetch
  nothing_written
  rm site/faults
  : > requests
  expect_status 0 fetch
  grep -q "bytes=7000- -> 206" requests
  [ "$(requested mr/binary)" = 0 ]   # it was noted where the file is
  cmp "$test_scratch/vmlinux" "$VMLINUX"
}

# The signed index tells the digest: whatever the service says or sends.
refuses_another_file() {
  expired_site
  local file=site/snapshot/archive/debian/20230205T084254Z/pool/main/l/linux/$DEB
  alter $file 9000
  binfiles "$(sha1sum < $file | cut -d' ' -f1)" "$(stat -c %s $file)"
  expect_status 3 fetch
  expect_one_sentence
  grep -q "snapshot/archive/.*$DEB: expected SHA-256 [0-9a-f]*..., found" err
  nothing_written
  [ -z "$(ls cache/files)" ]
}

# What makes no sense is as if the service did not have it.
says_what_the_mirror_said() {
  expect_status 4 fetch
  expect_one_sentence
  grep -q "debian/pool/$DEB: expected the file, the server answered with status 404" err
  nothing_written
}
ignores_nonsense() {
  expired_site
  local answer=site/snapshot/mr/binary/${DEB%%_*}/6.1.9-1/binfiles sha size=5
  sha=$(jq -r '.result[0].hash' $answer)
  for change in '.fileinfo[$sha][0].path = "/pool/../../up"' '.fileinfo[$sha][0].name = "other.deb"' \
    '.fileinfo[$sha][0].archive_name = "a b"' '.fileinfo[$sha][0].first_seen = "../.."' \
    '.fileinfo = 5' '.result = {}' '.result[0].hash = 7' '.result[0].hash = "abc"' '[]' 'null'; do
    binfiles "$sha" $size "$change"
    says_what_the_mirror_said
  done
  echo '{"result": [' > $answer
  says_what_the_mirror_said
  head -c 200000 /dev/zero | tr '\0' '[' > $answer
  says_what_the_mirror_said
  rm $answer
  says_what_the_mirror_said
  expect_status 4 fetch --fallback none
  [ "$(requested binfiles)" = 13 ]
}

# --- snapshot: the archive as it was --------------------------------------------------------------------

lists_the_archive_as_it_was() {
  cp -r "$mirror" site
  local dir
  mkdir -p site/snapshot/archive
  for dir in debian debian-security; do
    mkdir site/snapshot/archive/$dir
    mv site/$dir site/snapshot/archive/$dir/20230210T000000Z
    for suite in site/snapshot/archive/$dir/20230210T000000Z/dists/*; do
      sed -i '1i Valid-Until: Mon, 13 Feb 2023 00:00:00 UTC' "$suite/Release"
      sign "$suite"
    done
  done
  serve
  at() {
    "$BTFPACK" "$1" --distro debian --release 12 --fallback "$url/snapshot" --keyring "$keyring" \
      --cache cache "${@:2}"
  }
  for day in 20230210 2023-02-10 20230210T000000Z; do
    expect_status 0 at list --at $day
    [ "$(wc -l < out)" = 4 ]
    [ ! -s err ]
  done
  expect_status 0 at fetch --at 20230210 --uname "$KERNEL" -o out.d
  cmp "$test_scratch/vmlinux" "$VMLINUX"
  # As of today the same index is too old: a stale mirror is not taken for a snapshot.
  expect_status 3 at list --mirror "$url/snapshot/archive/debian/20230210T000000Z" \
    --security-mirror "$url/snapshot/archive/debian-security/20230210T000000Z"
  grep -q "still valid.*13 Feb 2023" err
  expect_status 2 at list --at yesterday
  grep -q "expected a day such as 20240131" err
  expect_status 2 "$BTFPACK" list --distro rocky --release 9 --at 20230210 --cache cache
}

# --- snapshot: everything there ever was ----------------------------------------------------------------

lists_all_of_a_release() {
  need jq
  mkdir -p site/snapshot/mr/package/linux/4.19.37-5{,+deb10u2}
  cp "$SAMPLES/snapshot/package-linux.json" site/snapshot/mr/package/linux/index.html
  cp "$SAMPLES/snapshot/allfiles.json" site/snapshot/mr/package/linux/4.19.37-5/allfiles
  cp "$SAMPLES/snapshot/allfiles-security.json" site/snapshot/mr/package/linux/4.19.37-5+deb10u2/allfiles
  for suite in buster buster/updates; do
    mkdir -p site/none site/debian/dists/$suite site/debian-security/dists/$suite
  done
  (cd site && apt-ftparchive -o APT::FTPArchive::Release::Codename=buster \
    -o APT::FTPArchive::Release::Architectures=amd64 release none) > Release
  for dir in site/debian/dists/buster site/debian-security/dists/buster/updates; do
    cp Release $dir/; sign $dir
  done
  serve
  all() {
    "$BTFPACK" "$1" --distro debian --release 10 --mirror "$url/debian" --keyring "$keyring" \
      --fallback "$url/snapshot" --cache cache --expired "${@:2}"
  }
  expect_status 4 all list
  expect_one_sentence
  grep -q "nobody signs what snapshot.debian.org answers: only --allow-unsigned" err
  expect_status 0 all list --allow-unsigned
  cat > expected << END
debian 10 aarch64 4.19.0-5-arm64 4.19.37-5 expired
debian 10 i686 4.19.0-5-686-pae 4.19.37-5 expired
debian 10 x86_64 4.19.0-5-amd64 4.19.37-5+deb10u2 expired
debian 10 x86_64 4.19.0-5-amd64 4.19.37-5 expired
debian 10 x86_64 4.19.0-5-cloud-amd64 4.19.37-5 expired
END
  awk '{print $1, $2, $3, $4, $5, $NF}' out | diff expected -
  [ "$(requested allfiles)" = 2 ]   # the other versions are of other releases
  expect_status 0 all list --allow-unsigned --json --uname '*cloud*'
  jq -e --arg u "$url/snapshot/archive/debian/20190620T034155Z/pool/main/l/linux/linux-image-4.19.0-5-cloud-amd64-dbg_4.19.37-5_amd64.deb" \
    '.url == $u and .size == 259711424 and (.digest | startswith("sha1:")) and .sha256 == null and
     (.signed | not)' out
}

# --- Launchpad -----------------------------------------------------------------------------------------------

DDEB=linux-image-5.4.0-42-generic-dbgsym_5.4.0-42.46_amd64.ddeb

# sample FILE [JQ]: of Launchpad, with its links leading here
sample() {
  jq "${2:-.}" "$SAMPLES/launchpad/$1" |
    sed "s,https://api.launchpad.net/devel,$url/api,g; s,https://launchpad.net,$url/files,g;
      s,https%3A%2F%2Fapi.launchpad.net%2Fdevel,${url//\//%2F}%2Fapi,g" > "site/$1"
}

# ubuntu_site [KEEP]: focal with one package in its index, which ddebs does not have any more
ubuntu_site() {
  need jq
  local base=site/ubuntu suite
  mkdir -p $base/pool site/files/ubuntu/+archive/primary/+files
  mkdir -p tree/usr/lib/debug/boot
  cp "$test_scratch/vmlinux" tree/usr/lib/debug/boot/vmlinux-5.4.0-42-generic
  head -c 11000000 /dev/urandom > tree/noise   # more than a shim has
  deb $base/pool/$DDEB linux-image-5.4.0-42-generic-dbgsym 5.4.0-42.46
  for suite in focal focal-updates; do
    mkdir -p $base/dists/$suite/main/binary-amd64
    : > $base/dists/$suite/main/binary-amd64/Packages
  done
  printf 'Package: %s\nVersion: 5.4.0-42.46\nFilename: pool/%s\nSize: %s\nSHA256: %s\n' "${DDEB%%_*}" \
    $DDEB "$(stat -c %s $base/pool/$DDEB)" "$(sha256sum < $base/pool/$DDEB | cut -d' ' -f1)" \
    > $base/dists/focal/main/binary-amd64/Packages
  for suite in focal focal-updates; do
    (cd $base && apt-ftparchive -o APT::FTPArchive::Release::Codename=focal \
      -o APT::FTPArchive::Release::Suite=$suite \
      -o APT::FTPArchive::Release::Architectures=amd64 release dists/$suite) > Release
    mv Release $base/dists/$suite/
    sign $base/dists/$suite
  done
  mv $base/pool/$DDEB site/files/ubuntu/+archive/primary/+files/
  serve
}
ubuntu() {
  local verb=$1
  shift
  "$BTFPACK" "$verb" --distro ubuntu --mirror "$url/ubuntu" --keyring "$keyring" \
    --fallback "$url/api" --cache cache --retries 0 "$@"
}

takes_it_from_launchpad() {
  ubuntu_site
  sample binaries-exact.json
  local file=site/files/ubuntu/+archive/primary/+files/$DDEB
  file_urls() {
    sample file-urls.json ".[0].url |= sub(\"linux-image.*\"; \"$DDEB\") | .[0].size = 5"
  }
  file_urls
  printf '%s\n' "version=5.4.0-42.46&exact_match=true binaries-exact.json" \
    "+binarypub/247000002?ws.op=binaryFileUrls&include_meta=true file-urls.json" > site/queries
  expect_status 0 ubuntu fetch --release 20.04 -o out.d
  cmp "$test_scratch/vmlinux" out.d/vmlinux-*
  # The index's digest counts, not Launchpad's: that of the sample is another.
  alter $file 9000
  rm -r out.d cache
  expect_status 3 ubuntu fetch --release 20.04 -o out.d
  grep -q "+files/$DDEB: expected SHA-256" err
  # A link that leads elsewhere is not followed.
  sample binaries-exact.json '.entries[].self_link = "http://127.0.0.1:1/devel/x"'
  rm -r cache
  expect_status 4 ubuntu fetch --release 20.04 -o out.d
  grep -q "ubuntu/pool/$DDEB: .*status 404" err
}

lists_all_of_launchpad() {
  ubuntu_site
  mkdir -p site/ubuntu/dists/xenial{,-updates}
  for suite in xenial xenial-updates; do
    printf 'Codename: xenial\nSuite: %s\nArchitectures: amd64\nSHA256:\n' $suite \
      > site/ubuntu/dists/$suite/Release
    sign site/ubuntu/dists/$suite
  done
  sample binaries-1.json; sample binaries-2.json
  local xenial=linux-image-4.4.0-98-generic-dbgsym_4.4.0-98.121_amd64.ddeb
  local file=site/files/ubuntu/+archive/primary/+files/$xenial
  mkdir -p tree/usr/lib/debug/boot
  cp "$test_scratch/vmlinux" tree/usr/lib/debug/boot/vmlinux-4.4.0-98-generic
  deb $file ${xenial%%_*} 4.4.0-98.121
  sample file-urls.json ".[0].size = $(stat -c %s $file) |
    .[0].sha256 = \"$(sha256sum < $file | cut -d' ' -f1)\""
  sample binaries-exact.json '.entries[1] |= (.distro_arch_series_link |= sub("focal"; "xenial"))'
  printf '%s\n' "ws.start=300 binaries-2.json" "version=4.4.0-98.121 binaries-exact.json" \
    "+binarypub/247000002?ws.op=binaryFileUrls file-urls.json" \
    "binary_name=linux-image-&distro_arch_series=$url/api/ubuntu/xenial/amd64&ws.size=300 binaries-1.json" \
    > site/queries
  all() { ubuntu "$1" --release 16.04 --arch amd64 --expired --allow-unsigned "${@:2}"; }
  expect_status 0 all list
  cat > expected << END
ubuntu 16.04 x86_64 4.4.0-1128-aws 4.4.0-1128.142 expired
ubuntu 16.04 x86_64 4.15.0-142-generic 4.15.0-142.146~16.04.1 expired
ubuntu 16.04 x86_64 4.4.0-98-generic 4.4.0-98.121 expired
END
  awk '{print $1, $2, $3, $4, $5, $NF}' out | diff expected -
  expect_status 4 ubuntu list --release 16.04 --expired
  grep -q "nobody signs what Launchpad answers" err
  expect_status 0 all fetch --uname 4.4.0-98-generic -o out.d
  cmp "$test_scratch/vmlinux" out.d/vmlinux-4.4.0-98-generic_4.4.0-98.121
  [ -z "$(ls cache/files)" ]
  # Launchpad's own digest is held against what it sends.
  alter $file 9000
  rm -r out.d
  expect_status 3 all fetch --uname 4.4.0-98-generic -o out.d
  grep -q "expected SHA-256" err
  nothing_written
  # Pages that lead elsewhere end it.
  sample binaries-1.json '.next_collection_link = "http://127.0.0.1:1/x"'
  expect_status 4 all list
  grep -q "expected links to itself, found another" err
}

# --- releases of the past ----------------------------------------------------------------------------------

lists_archived_releases() {
  cp -r "$mirror" site
  local suite
  mv site/debian/dists/bookworm site/debian/dists/buster
  mkdir -p site/debian-security/dists/buster
  mv site/debian-security/dists/bookworm-security site/debian-security/dists/buster/updates
  for suite in site/debian/dists/buster site/debian-security/dists/buster/updates; do
    sed -i 's/^Codename:.*/Codename: buster/' $suite/Release
    sign $suite
  done
  release site/debian buster
  sed -i '/^Suite/d; 1i Suite: oldoldstable\nValid-Until: Sat, 01 Jan 2022 00:00:00 UTC' \
    site/debian-security/dists/buster/updates/Release
  (cd site/debian-security && apt-ftparchive release dists/buster/updates | sed -n '/^MD5/,$p') > sums
  sed -i '/^MD5Sum/,$d' site/debian-security/dists/buster/updates/Release
  cat sums >> site/debian-security/dists/buster/updates/Release
  sign site/debian-security/dists/buster/updates
  serve
  expect_status 0 "$BTFPACK" list --distro debian --release 10 --mirror "$url/debian" \
    --keyring "$keyring" --cache cache
  [ "$(grep -c ' buster/updates$' out)" = 1 ]
  [ "$(grep -c ' buster$' out)" = 3 ]
  grep -q "warning: .*was valid until" err
}

prepare_mirror
run "a package that the mirror lacks, from snapshot" takes_it_from_snapshot
run "goes on with it in the next run" continues_from_snapshot
run "another file under its name" refuses_another_file
run "answers that make no sense" ignores_nonsense
run "the archive as it was on a day, signed" lists_the_archive_as_it_was
run "all that a release ever had, by leave" lists_all_of_a_release
run "a package that ddebs lacks, from Launchpad" takes_it_from_launchpad
run "all that Launchpad has of a series, by leave" lists_all_of_launchpad
run "releases that moved to the archive" lists_archived_releases
finish_mirror
finish
