#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What vouches for an rpm package when its repository's index is not signed: the package's own
# signature, judged by us and, on the same files, by rpm itself; digests of every kind; indexes
# that are SQLite databases, intact and hostile.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"
. "$TESTS/rpm-mirror.sh"

PACKAGE=kernel-debuginfo-5.14.0-70.13.1.el9_0.x86_64.rpm
VMLINUX=out.d/vmlinux-${RPM_UNAME}_5.14.0-70.13.1.el9_0
rpm=site/$ROCKY/Packages/k/$PACKAGE

# rpm_addsign KEY FILE [OPTION...]
rpm_addsign() {
  local key=$1 file=$2
  shift 2
  rpmsign --define "__gpg $(command -v gpg)" --define "_gpg_name $key" \
    --define "_gpg_digest_algo sha256" "$@" --addsign "$file" > rpmsign.log 2>&1 ||
    { cat rpmsign.log; return 1; }
}

rocky() {
  local verb=$1
  shift
  "$BTFPACK" "$verb" --distro rocky --release 9 --arch x86_64 --mirror "$url/rocky" \
    --keyring "$keyring" --cache cache --retries 1 "$@"
}
fetch() { rocky fetch --uname "$RPM_UNAME" -o out.d "$@"; }
nothing_written() { [ -z "$(ls -A out.d 2> /dev/null)" ]; }

# --- packages that vouch for themselves -----------------------------------------------------------

# unsigned_site: the mirror without the signature of its index
unsigned_site() {
  cp -r "$mirror" site
  rm site/$ROCKY/repodata/repomd.xml.asc
}

# sign_package [KEY] [OPTION...]
sign_package() {
  local key=${1:-good@example.org}
  shift || true
  rpm_addsign "$key" $rpm "$@"
}

# reindex: as rpm_index, not signed
reindex() { rpm_index site/$ROCKY; rm site/$ROCKY/repodata/repomd.xml.asc; }

# alter_package OFFSET TEXT: bytes from there on replaced
alter_package() { printf %s "$2" | dd of=$rpm bs=1 seek="$1" conv=notrunc 2> /dev/null; }

# rpm_says OK|NOT: rpm's own judgement, with the same keys and everything required
rpm_says() {
  rm -rf rpmdb; mkdir rpmdb
  rpmkeys --dbpath "$PWD/rpmdb" --import "$test_scratch/good.asc"
  local verdict=OK
  rpmkeys --dbpath "$PWD/rpmdb" --define '_pkgverify_level all' -K $rpm > rpmkeys.out 2>&1 ||
    verdict=NOT
  [ $verdict = "$1" ] || { echo "rpm says $verdict"; cat rpmkeys.out; return 1; }
}

takes_it() {
  rpm_says OK
  reindex; serve
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "$VMLINUX"
}

refuses_it() { # WORD
  rpm_says NOT
  reindex; serve
  expect_status 3 fetch
  expect_one_sentence
  cat err
  grep -q "$PACKAGE.*$1" err
  nothing_written
  [ -z "$(ls cache/files)" ]
}

takes_signed_packages() { unsigned_site; sign_package; takes_it; }
takes_rsa() { unsigned_site; sign_package rsa@example.org; takes_it; }

# What was signed before rpm 4.14: header and payload together, and no digest of the payload.
takes_old_packages() {
  unsigned_site; sign_the_old_way; takes_it
}
refuses_old_altered() {
  unsigned_site; sign_the_old_way; alter_package 150000 XXXX
  refuses_it "signature does not match"
}
refuses_old_by_others() {
  unsigned_site; sign_the_old_way other@example.org
  refuses_it "keyring does not hold"
}

# The tags of the payload's digest become others; then a signature header of size, signature and
# MD5 alone, as rpm 4.11 wrote it.
sign_the_old_way() {
  python3 "$TESTS/old-rpm.py" split $rpm whole
  gpg --batch --quiet -u "${1:-rsa@example.org}" --digest-algo SHA256 --detach-sign -o whole.sig whole
  python3 "$TESTS/old-rpm.py" join $rpm whole whole.sig
}

takes_armored_keys() {
  unsigned_site; sign_package; reindex; serve
  expect_status 0 fetch --keyring "$test_scratch/good.asc"
  cmp "$test_scratch/vmlinux" "$VMLINUX"
  mkdir keys; cp "$test_scratch/good.asc" keys/RPM-GPG-KEY-good
  rm -r out.d cache
  expect_status 0 fetch --keyring keys
  cmp "$test_scratch/vmlinux" "$VMLINUX"
  sed 's/^[A-Za-z0-9]/!/' "$test_scratch/good.asc" > keys/RPM-GPG-KEY-good
  rm -r cache
  expect_status 4 fetch --keyring keys
  grep -q "RPM-GPG-KEY-good: expected OpenPGP keys, found damaged ones" err
}

# Where Fedora's package of all distributions' keys puts them, for this release alone.
takes_the_distributions_keys() {
  local dir=root/usr/share/distribution-gpg-keys/rocky
  unsigned_site; sign_package; reindex; serve
  mkdir -p $dir
  cp "$test_scratch/good.asc" $dir/RPM-GPG-KEY-Rocky-9
  rocky_by_root() {
    "$BTFPACK" fetch --distro rocky --release 9 --arch x86_64 --mirror "$url/rocky" --root root \
      --cache cache --uname "$RPM_UNAME" -o out.d
  }
  expect_status 0 rocky_by_root
  cmp "$test_scratch/vmlinux" "$VMLINUX"
  mv $dir/RPM-GPG-KEY-Rocky-9 $dir/RPM-GPG-KEY-Rocky-8
  rm -r out.d cache
  expect_status 4 rocky_by_root
  grep -q "RPM-GPG-KEY-Rocky-9: cannot use it as the keyring" err
}

refuses_unsigned() { unsigned_site; refuses_it "is signed: only --allow-unsigned"; }
refuses_other_keys() { unsigned_site; sign_package other@example.org; refuses_it "keyring does not hold"; }
refuses_altered_payload() {
  unsigned_site; sign_package; alter_package 150000 XXXX
  refuses_it "payload that its signed header tells"
}
refuses_altered_header() {
  unsigned_site; sign_package
  alter_package "$(grep -abo localhost $rpm | sed -n 1p | cut -d: -f1)" Localhost
  refuses_it "signature does not match"
}
refuses_cut_header() {
  unsigned_site; sign_package; serve
  local old size
  old=$(sha256sum < $rpm | cut -d' ' -f1); size=$(stat -c %s $rpm)
  truncate -s 300 $rpm
  gunzip -c site/$ROCKY/repodata/*-primary.xml.gz |
    sed "s/package=\"[0-9]*\"/package=\"300\"/; s/<checksum type=\"sha256\"[^>]*>[0-9a-f]*/<checksum type=\"sha256\">$(sha256sum < $rpm | cut -d' ' -f1)/" > primary.xml
  index_of primary primary.xml
  expect_status 3 fetch
  expect_one_sentence
  grep -q "$PACKAGE.*expected .*header" err
}

# A good package, but an older one under the newer's name.
refuses_another_package() {
  unsigned_site; sign_package
  reindex
  local other=site/$ROCKY/Packages/k/kernel-debuginfo-5.14.0-162.6.1.el9_1.x86_64.rpm
  gunzip -c site/$ROCKY/repodata/*-primary.xml.gz > primary.xml
  python3 - primary.xml $rpm $other << 'END'
import hashlib, os, re, sys
text = open(sys.argv[1]).read()
data, other = (open(f, "rb").read() for f in sys.argv[2:])
text = text.replace(hashlib.sha256(other).hexdigest(), hashlib.sha256(data).hexdigest())
text = text.replace(f'package="{len(other)}"', f'package="{len(data)}"')
text = text.replace(os.path.basename(sys.argv[3]), os.path.basename(sys.argv[2]))
open(sys.argv[1], "w").write(text)
END
  index_of primary primary.xml
  serve
  expect_status 3 rocky fetch --uname '5.14.0-162*' -o out.d
  expect_one_sentence
  grep -q "expected the package kernel-debuginfo 5.14.0-162.6.1.el9_1 of x86_64, found the signed kernel-debuginfo 5.14.0-70.13.1.el9_0 of x86_64" err
}

allows_by_leave() {
  need jq
  unsigned_site; serve
  expect_status 0 fetch --allow-unsigned
  cmp "$test_scratch/vmlinux" "$VMLINUX"
  expect_status 0 rocky list --json --uname "$RPM_UNAME"
  jq -e '.signed and .signature == "package"' out
  expect_status 0 rocky list --json --uname "$RPM_UNAME" --allow-unsigned
  jq -e '(.signed | not) and .signature == null' out
  expect_status 0 rocky build --archive store --allow-unsigned --uname "$RPM_UNAME"
  expect_status 0 "$BTFPACK" ls --archive store --json
  jq -e '.converter | endswith(" --allow-unsigned")' out
}

# By leave or not: what is signed must be right.
allows_nothing_false() {
  unsigned_site; sign_package; alter_package 150000 XXXX
  reindex; serve
  expect_status 3 fetch --allow-unsigned
  grep -q "payload that its signed header tells" err
}

# Oracle's: no index at all.
takes_signed_directories() {
  cp -r "$mirror" site
  local file
  for file in site/oracle/ol8/debuginfo/kernel-*x86_64.rpm; do
    rpm_addsign good@example.org "$file"
  done
  serve
  expect_status 0 "$BTFPACK" fetch --distro ol --release 8 --arch x86_64 --mirror "$url/oracle" \
    --keyring "$keyring" --cache cache -o out.d
  [ "$(wc -l < out)" = 2 ]
  cmp "$test_scratch/vmlinux" out.d/vmlinux-5.4.17-2011.0.7.el8uek.x86_64_5.4.17-2011.0.7.el8uek
  expect_status 3 "$BTFPACK" fetch --distro ol --release 8 --arch arm64 --mirror "$url/oracle" \
    --keyring "$keyring" --cache cache -o out.d
  grep -q "is signed: only --allow-unsigned" err
}

# --- digests of other kinds ------------------------------------------------------------------------

# index_of TYPE FILE [KIND]: repomd.xml with this one index, not signed
index_of() {
  local dir=site/$ROCKY/repodata kind=${3:-sha256}
  cp "$2" $dir/
  cat > $dir/repomd.xml << END
<?xml version="1.0" encoding="UTF-8"?>
<repomd xmlns="http://linux.duke.edu/metadata/repo">
  <data type="$1">
    <checksum type="${kind/sha1/sha}">$("${kind}sum" < "$2" | cut -d' ' -f1)</checksum>
    <location href="repodata/${2##*/}"/>
    <size>$(stat -c %s "$2")</size>
  </data>
</repomd>
END
}

takes_every_digest() {
  need jq
  cp -r "$mirror" site
  serve
  local kind
  for kind in sha512 sha384 sha224; do
    rm -rf site/$ROCKY/repodata cache out.d
    createrepo_c --quiet --no-database --checksum $kind --compatibility site/$ROCKY > log 2>&1 ||
      { cat log; return 1; }
    rpm_sign site/$ROCKY
    expect_status 0 rocky list --json --uname "$RPM_UNAME"
    jq -e --arg d "$kind:$(${kind}sum < $rpm | cut -d' ' -f1)" \
      '.digest == $d and .sha256 == null and .signature == "index"' out
    expect_status 0 fetch
    cmp "$test_scratch/vmlinux" "$VMLINUX"
    cp $rpm whole; alter_package 150000 XXXX
    rm -r out.d
    expect_status 3 fetch
    grep -q "expected SHA-${kind#sha} [0-9a-f]*..., found" err
    nothing_written
    cp whole $rpm
  done
}

# A signed index whose digests are weak: the package's signature has to vouch, too.
wants_more_than_sha1() {
  need jq
  cp -r "$mirror" site
  serve
  rm -rf site/$ROCKY/repodata
  createrepo_c --quiet --no-database --checksum sha1 --compatibility site/$ROCKY > log 2>&1
  rpm_sign site/$ROCKY
  expect_status 0 rocky list --json --uname "$RPM_UNAME"
  jq -e '(.digest | startswith("sha1:")) and .signature == "package"' out
  expect_status 3 fetch
  grep -q "is signed: only --allow-unsigned" err
  sign_package
  rm -rf site/$ROCKY/repodata
  createrepo_c --quiet --no-database --checksum sha1 --compatibility site/$ROCKY > log 2>&1
  rpm_sign site/$ROCKY
  expect_status 0 fetch
  cmp "$test_scratch/vmlinux" "$VMLINUX"
}

refuses_md5() {
  cp -r "$mirror" site
  serve
  rm -rf site/$ROCKY/repodata
  createrepo_c --quiet --no-database --checksum md5 site/$ROCKY > log 2>&1
  rpm_sign site/$ROCKY
  expect_status 3 rocky list
  expect_one_sentence
  grep -q "repomd.xml: expected a sha256 checksum for the primary index, or one like it, found 'md5'" err
}

# --- SQLite ----------------------------------------------------------------------------------------

# database_site: its only index is the SQLite database, made by createrepo_c, in ./primary.sqlite
database_site() {
  cp -r "$mirror" site
  rm -rf site/$ROCKY/repodata
  createrepo_c --quiet --database --compress-type "${1:-gz}" site/$ROCKY > log 2>&1 || { cat log; return 1; }
  only_database
}

only_database() {
  python3 - site/$ROCKY/repodata/repomd.xml << 'END'
import re, sys
text = open(sys.argv[1]).read()
text = re.sub(r'\s*<data type="(?!primary_db).*?</data>', "", text, flags=re.S)
open(sys.argv[1], "w").write(text)
END
  rm -f site/$ROCKY/repodata/*.xml.*
  rpm_sign site/$ROCKY
}

takes_databases() {
  local form list
  for form in gz bz2 xz; do
    rm -rf site cache out.d port
    database_site $form
    ls site/$ROCKY/repodata | grep "primary.sqlite.$form"
    serve
    expect_status 0 rocky list
    [ "$(wc -l < out)" = 3 ]
    expect_status 0 fetch
    cmp "$test_scratch/vmlinux" "$VMLINUX"
    kill "$server"
    trap - EXIT
  done
}

# with_sql SQL...: the database altered and compressed by zstd, rightly signed
with_sql() {
  need sqlite3
  database_site
  gunzip -c site/$ROCKY/repodata/*primary.sqlite.gz > primary.sqlite
  printf '%s\n' "$@" | sqlite3 primary.sqlite
  put_database
}
put_database() {
  rm site/$ROCKY/repodata/*
  zstd -q --rm primary.sqlite
  index_of primary_db primary.sqlite.zst
  rpm_sign site/$ROCKY
  serve
}

takes_zstd() {
  with_sql "UPDATE packages SET epoch = NULL;"
  expect_status 0 rocky list
  [ "$(wc -l < out)" = 3 ]
}

refuses_database() { # WORD
  expect_status 3 rocky list
  expect_one_sentence
  cat err
  grep -q "primary.sqlite.zst.*$1" err
}

refuses_views() {
  with_sql "ALTER TABLE packages RENAME TO p;" "CREATE VIEW packages AS SELECT * FROM p;"
  refuses_database "expected a table of packages"
}
refuses_virtual_tables() {
  with_sql "DROP TABLE packages;" "CREATE VIRTUAL TABLE packages USING fts4(name, arch, epoch, version, \"release\", location_href, pkgId, checksum_type, size_package, pkgKey);"
  refuses_database "expected"
}
refuses_expressions() {
  local columns="pkgKey, name, arch, epoch, version, \"release\", pkgId, checksum_type, size_package"
  with_sql "ALTER TABLE packages RENAME TO p;" \
    "CREATE TABLE packages (pkgKey INTEGER PRIMARY KEY, name, arch, epoch, version, \"release\", pkgId, checksum_type, size_package, location_href TEXT AS (hex(zeroblob(3000000))));" \
    "INSERT INTO packages ($columns) SELECT $columns FROM p;"
  refuses_database "expected an intact SQLite database"
}
refuses_long_texts() {
  with_sql "UPDATE packages SET location_href = hex(zeroblob(5000000));"
  refuses_database "SQLite database"
}
refuses_paths() {
  with_sql "UPDATE packages SET location_href = '../../../../../../../up.rpm' WHERE name = 'kernel-debuginfo';"
  expect_status 3 rocky list
  expect_one_sentence
  grep -q "expected a location within the archive, found '../../" err
}
refuses_missing_columns() {
  with_sql "DROP INDEX packageId;" "ALTER TABLE packages DROP COLUMN pkgId;"
  refuses_database "expected an intact SQLite database of packages"
}
refuses_damage() {
  database_site
  gunzip -c site/$ROCKY/repodata/*primary.sqlite.gz > primary.sqlite
  dd if=/dev/urandom of=primary.sqlite bs=1 seek=5000 count=9000 conv=notrunc 2> /dev/null
  put_database
  refuses_database "SQLite database"
}
refuses_what_is_none() {
  database_site
  head -c 100000 /dev/urandom > primary.sqlite
  put_database
  refuses_database "not a database"
}
refuses_bombs() {
  database_site
  truncate -s 5G primary.sqlite
  zstd -q -1 --rm primary.sqlite
  rm site/$ROCKY/repodata/*
  index_of primary_db primary.sqlite.zst
  rpm_sign site/$ROCKY
  serve
  refuses_database "decompresses to more than the limit"
}

need rpmsign rpmkeys
prepare_rpm_mirror
gpg --batch --quiet --passphrase '' --quick-gen-key rsa@example.org rsa2048 sign never 2> /dev/null
gpg --batch --quiet --export good@example.org rsa@example.org > "$keyring"
gpg --batch --quiet --armor --export good@example.org rsa@example.org > "$test_scratch/good.asc"
run "takes a package that is signed itself" takes_signed_packages
run "the same by RSA" takes_rsa
run "packages as before rpm 4.14" takes_old_packages
run "such a package, altered" refuses_old_altered
run "such a package, signed by another key" refuses_old_by_others
run "armored keys, and a directory of keys" takes_armored_keys
run "the keys of the release from where packages put them" takes_the_distributions_keys
run "a package without signature" refuses_unsigned
run "a package signed by another key" refuses_other_keys
run "an altered payload" refuses_altered_payload
run "an altered header" refuses_altered_header
run "a cut header" refuses_cut_header
run "one good package for another" refuses_another_package
run "nothing signed, by leave; recorded" allows_by_leave
run "what is signed must be right, by leave or not" allows_nothing_false
run "signed packages of a directory without index" takes_signed_directories
run "indexes with SHA-512, SHA-384 and SHA-224" takes_every_digest
run "SHA-1 only beside a signature" wants_more_than_sha1
run "MD5 never" refuses_md5
run "SQLite in gzip, bzip2 and xz" takes_databases
run "SQLite in zstd" takes_zstd
run "a view for the table" refuses_views
run "a virtual table" refuses_virtual_tables
run "expressions in the schema" refuses_expressions
run "texts of megabytes" refuses_long_texts
run "paths out of the repository" refuses_paths
run "columns that are missing" refuses_missing_columns
run "a damaged database" refuses_damage
run "what is no database" refuses_what_is_none
run "a decompression bomb" refuses_bombs
finish_mirror
finish
