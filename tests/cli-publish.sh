#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# publish and pull as a user meets them: a directory, a web server that takes PUT, a bucket
# whose signatures are checked, faults and rivals.
. "$(dirname "$0")/lib.sh"
unset "${!AWS_@}"
export HOME=$test_scratch

# absent GREP_ARGUMENTS: set -e does not look at a command behind "!".
absent() { if grep "$@"; then return 1; fi; }

# kernel TREE KEY WORD: a BTF of 200 structs; those of one WORD differ by little.
kernel() {
  mkdir -p "$1/$(dirname "$2")"
  {
    seq 1 "${4:-200}" | sed "s/.*/struct ${3%-*}_& { int a; long member_&; struct ${3%-*}_& *next; } v&;/"
    echo "struct task_struct { int state; char $(echo "$3" | tr - _)[7]; } t;"
  } > k.c
  gcc -g -shared -nostdlib -o k.so k.c
  "$BTFPACK" convert -o "$1/$2.btf" k.so
}

# The trees all tests begin with: two series, of which one leans on the other.
prepare() {
  need gcc python3
  [ -d "$test_scratch/tree" ] || (
    cd "$test_scratch"
    for n in 1 2 3; do kernel tree "debian/12/x86_64/6.1.0-$n-amd64" "s-$n"; done
    kernel tree debian/12/aarch64/6.1.0-1-arm64 s-4
    kernel tree ubuntu/18.04/x86_64/4.15.0-20-generic other-1
    kernel more debian/12/x86_64/6.1.0-4-amd64 s-5
    kernel rival ubuntu/18.04/x86_64/4.15.0-21-generic other-2
  )
  "$BTFPACK" import -q --archive store "$test_scratch/tree"
}

# serve: ./site on loopback, its URL in $url, its requests in ./requests
serve() {
  mkdir -p site
  : > requests
  python3 "$TESTS/mirror.py" site port requests &
  server=$!
  trap 'kill $server' EXIT
  for _ in $(seq 100); do [ -s port ] && break; sleep 0.05; done
  url=http://127.0.0.1:$(cat port)
}

publish() { "$BTFPACK" publish --cache cache --retries 1 "$@"; }
pull() { "$BTFPACK" pull --cache cache --retries 1 "$@"; }
# same ARCHIVE ARCHIVE: the same kernels with the same contents, however they are stored.
listing() { "$BTFPACK" ls --archive "$1" --set '*' --json | sed -E 's/"(stored_size|codec)":[^,]*,//g'; }
same() { diff <(listing "$1") <(listing "$2"); }
intact() { "$BTFPACK" verify -q --archive "$1"; }
count() { grep -c "$@" requests || true; }

a_directory() {
  prepare
  expect_status 0 publish --archive store there
  grep -q '^btfpack: there: 5 kernels published, 0 were there already; 6 objects,' err
  [ "$(head -n 1 there/btfpack.manifest)" = 'btfpack-published 1' ]
  [ "$(grep -c '^part ' there/btfpack.manifest)" = 3 ]
  for file in there/index/* there/packs/*; do
    [ "$(sha256sum < "$file" | cut -c1-64)" = "${file##*/}" ]
  done
  expect_status 0 pull --archive back there
  same store back; intact back
  find there -type f | sort | xargs sha256sum > before
  expect_status 0 publish --archive back there
  grep -q '0 kernels published, 5 were there already; 0 objects, 0 B sent' err
  find there -type f | sort | xargs sha256sum | diff before -
  expect_status 0 pull --archive back there
  grep -q '^btfpack: 0 stored, 5 were there already' err
}

increments() {
  prepare; serve
  publish -q --archive store "$url/a"
  [ "$(count '^PUT /a/packs')" = 3 ]
  pull -q --archive back "$url/a"
  "$BTFPACK" import -q --archive store "$test_scratch/more"
  : > requests
  publish -q --archive store "$url/a"
  [ "$(count '^PUT /a/packs')" = 1 ]
  # A further kernel of a series costs a few hundred bytes, not what the first one did.
  small=$(find site/a/packs -size -2k | wc -l)
  [ "$small" -ge 1 ]
  : > requests
  pull -q --archive back "$url/a"
  [ "$(count '^GET /a/packs')" = 1 ]
  same store back; intact back
}

filters() {
  prepare; serve
  publish -q --archive store "$url"
  pull -q --archive ubuntu --distro ubuntu "$url"
  [ "$(count '^GET /packs')" = 1 ]
  [ "$(count '^GET /index')" = 1 ]
  [ "$("$BTFPACK" ls --archive ubuntu | wc -l)" = 1 ]
  intact ubuntu
  # What it leans on comes along, and is not listed.
  pull -q --archive arm --arch arm64 "$url"
  [ "$("$BTFPACK" ls --archive arm | wc -l)" = 1 ]
  "$BTFPACK" show --archive arm --arch aarch64 --distro debian --release 12 --uname 6.1.0-1-arm64 -o arm.btf
  cmp arm.btf "$test_scratch/tree/debian/12/aarch64/6.1.0-1-arm64.btf"
  pull -q --archive one --uname '6.1.0-2-*' "$url"
  [ "$("$BTFPACK" ls --archive one | wc -l)" = 1 ]
  expect_status 1 pull --archive none --distro fedora "$url"
  expect_one_sentence
  expect_status 1 pull --archive none "$url/nothing"
  grep -q 'nothing is published there' err
}

merges() {
  prepare
  "$BTFPACK" import -q --archive other "$test_scratch/rival"
  publish -q --archive store there
  publish -q --archive other there
  pull -q --archive other there
  "$BTFPACK" merge -q --archive union store other
  same union other; intact other
}

minified_sets() {
  prepare
  "$BTFPACK" add -q --archive store --distro debian --release 12 --arch x86_64 --uname 6.1.0-1-amd64 \
    --set tool --force "$test_scratch/tree/ubuntu/18.04/x86_64/4.15.0-20-generic.btf"
  publish -q --archive store there
  pull -q --archive back there
  same store back
  pull -q --archive some --set tool there
  [ "$("$BTFPACK" ls --archive some --set '*' | wc -l)" = 1 ]
}

bundles() {
  prepare; serve
  "$BTFPACK" bundle -q --archive store -o a.bundle
  "$BTFPACK" bundle -q --archive store --distro debian -o b.bundle
  publish -q --bundle a.bundle "$url/x"
  publish -q --bundle b.bundle --name stable "$url/x"
  publish -q --archive store "$url/x"
  expect_status 0 pull --bundle a.bundle -o got "$url/x"
  cmp got a.bundle
  pull -q --bundle stable -o got "$url/x"
  cmp got b.bundle
  publish -q --bundle a.bundle --name stable "$url/x"
  pull -q --bundle stable -o got "$url/x"
  cmp got a.bundle
  rm got
  expect_status 1 pull --bundle missing -o got "$url/x"
  expect_one_sentence
  echo garbage > garbage
  expect_status 3 publish --bundle garbage "$url/x"
  expect_one_sentence
  printf '%s\n' "$(sed 's/^bundle stable [0-9a-f]* /bundle stable '"$(sha256sum < garbage | cut -c1-64)"' /' \
    site/x/btfpack.manifest)" > m && mv m site/x/btfpack.manifest
  expect_status 4 pull --bundle stable -o got "$url/x"
  [ ! -e got ]
}

signed() {
  prepare; serve
  echo 'AKID/x secret+/key= eu-west-3' > site/s3
  export AWS_ACCESS_KEY_ID=AKID/x AWS_SECRET_ACCESS_KEY=secret+/key= AWS_REGION=eu-west-3
  expect_status 0 publish --archive store --endpoint "$url" s3://bucket/some/prefix
  [ -e site/bucket/some/prefix/btfpack.manifest ]
  pull -q --archive back --endpoint "$url" s3://bucket/some/prefix
  same store back
  "$BTFPACK" import -q --archive store "$test_scratch/more"
  publish -q --archive store --endpoint "$url/" s3://bucket/some/prefix/
  absent refused requests
  for wrong in AWS_ACCESS_KEY_ID=other AWS_SECRET_ACCESS_KEY=other AWS_REGION=us-east-1; do
    expect_status 4 env "$wrong" "$BTFPACK" pull --archive none --cache cache --endpoint "$url" s3://bucket/some/prefix
    expect_one_sentence
    grep -q 'status 403' err
  done
  (unset AWS_ACCESS_KEY_ID; expect_status 4 pull --archive none --endpoint "$url" s3://bucket/some/prefix)
  echo 'AKID/x secret+/key= eu-west-3 token/==' > site/s3
  expect_status 4 pull --archive none --endpoint "$url" s3://bucket/some/prefix
  export AWS_SESSION_TOKEN=token/==
  pull -q --archive back --endpoint "$url" s3://bucket/some/prefix
  same store back
  # What is signed is for one host.
  echo "btfpack.manifest redirect $url/elsewhere" > site/faults
  : > requests
  expect_status 4 pull --archive none --endpoint "$url" s3://bucket/some/prefix
  expect_one_sentence
  [ "$(count elsewhere)" = 0 ]
}

without_conditions() {
  prepare; serve
  echo '/ noconditions' > site/faults
  expect_status 3 publish --archive store "$url/a"
  expect_one_sentence
  grep -q 'does not honour If-Match' err
  [ ! -e site/a/btfpack.manifest ]
  publish -q --archive store --alone "$url/a"
  pull -q --archive back "$url/a"
  same store back
  echo '/ noput' > site/faults
  expect_status 3 publish --archive store --alone "$url/b"
  expect_one_sentence
  grep -q 'it does not do that' err
}

# Each publishes its own kernel; whoever reported it done must be there at the end.
rivals() {
  local n
  prepare; serve
  for n in $(seq 8); do
    mkdir -p "tree$n/debian/$n/x86_64"
    cp "$test_scratch/tree/debian/12/x86_64/6.1.0-1-amd64.btf" "tree$n/debian/$n/x86_64/6.1.0-1-amd64.btf"
    "$BTFPACK" import -q --archive "store$n" "tree$n"
  done
  echo 'btfpack.manifest lose-answer' > site/faults
  for place in "$url/a" there; do
    for n in $(seq 8); do
      "$BTFPACK" publish -q --cache "cache$n" --archive "store$n" "$place" > "said$n" 2>&1 && touch "done$n" &
      jobs[$n]=$!
    done
    for n in $(seq 8); do wait "${jobs[$n]}" || { cat "said$n"; return 1; }; done
    rm -rf back
    pull -q --archive back "$place"
    [ "$("$BTFPACK" ls --archive back | wc -l)" = 8 ]
    intact back
  done
}

cut_and_continued() {
  prepare; serve
  publish -q --archive store "$url"
  echo 'packs/ cut-once 300' > site/faults
  pull -q --archive back "$url"
  grep -q ' bytes=300- -> 206' requests
  same store back
  printf 'btfpack.manifest status 503\n' > site/faults
  expect_status 4 pull --archive new "$url"
  expect_one_sentence
  grep -q 'status 503' err
  [ ! -e new ]
  rm site/faults
}

# A publish that was killed left objects that nothing names: the next one goes on.
killed_publish() {
  prepare; serve
  echo 'btfpack.manifest cut 10' > site/faults
  expect_status 4 publish --archive store "$url"
  expect_one_sentence
  [ "$(find site/packs -type f | wc -l)" = 3 ]
  expect_status 1 pull --archive back "$url/" || true
  rm site/faults
  : > requests
  expect_status 0 publish --archive store "$url"
  [ "$(count '^PUT /packs')" = 0 ]
  pull -q --archive back "$url"
  same store back
}

# What a server may do to those who pull: one sentence, and nothing wrong is stored.
lies() {
  local fault
  prepare; serve
  publish -q --archive store "$url"
  for fault in 'packs/ flip' 'index/ flip' 'packs/ length 10' 'index/ length 10' 'packs/ extra 5' \
      'index/ extra 5' 'packs/ status 404' 'index/ status 404' 'packs/ cut 100' 'index/ cut 20' \
      "packs/ redirect $url/s3" 'btfpack.manifest cut 100' 'btfpack.manifest status 500' \
      'btfpack.manifest flip'; do
    echo "$fault" > site/faults
    rm -rf back cache
    status=0
    pull --archive back "$url" > out 2> err || status=$?
    case $status in 3 | 4) ;; *) echo "$fault: status $status"; cat err; return 1 ;; esac
    expect_one_sentence
    [ ! -e back ] || intact back
  done
  rm -rf back cache site/faults
  pull -q --archive back "$url"
  same store back
}

hostile_manifests() {
  local text
  prepare
  publish -q --archive store there
  part=$(grep -m 1 '^part' there/btfpack.manifest)
  set -- $part
  while IFS= read -r text; do
    printf "$text" > there/btfpack.manifest
    expect_status 3 pull --archive back there
    expect_one_sentence
  done << END
garbage
btfpack-published 1
btfpack-published 2\n
btfpack-published 1\nother line\n
btfpack-published 1\npart ../../etc 1 $4 $5 $6 $7\n
btfpack-published 1\npart debian/12 1 $4 $5 $6 $7\n
btfpack-published 1\npart $2 1 $4 99999999999999999999 $6 $7\n
btfpack-published 1\npart $2 1 $4 $5 $6 -1\n
btfpack-published 1\npart $2 1 ../$4 $5 $6 $7\n
btfpack-published 1\npart $2 1 $4 $5 $6 $7 more\n
btfpack-published 1\npart $2 1 $4 1 $6 $7\n
btfpack-published 1\npart $2 1 $4 $5 $6 1\n
btfpack-published 1\npart $2 1 $4 $5 - 0\n
btfpack-published 1\nbundle ../x $4 1\n
END
  intact back
}

# An index whose digest is right and whose words are not.
hostile_indexes() {
  local text hex
  prepare
  publish -q --archive store there
  pack=$(sed -n 's/^part ubuntu.* \([0-9a-f]* [0-9]*\)$/\1/p' there/btfpack.manifest)
  index=$(sed -n 's/^part ubuntu[^ ]* 1 \([0-9a-f]*\) .*/\1/p' there/btfpack.manifest)
  content=$(sed -n 's/^content \([0-9a-f]*\) .*/\1/p' there/index/"$index")
  id=$(grep -o '[0-9a-f]\{64\}' there/index/"$index" | tail -n 1)
  other=$(echo | sha256sum | cut -c1-64)
  while IFS= read -r text; do
    printf "$text" > bad
    hex=$(sha256sum < bad | cut -c1-64)
    cp bad "there/index/$hex"
    printf 'btfpack-published 1\npart ubuntu/18.04/x86_64 1 %s %s %s\n' "$hex" "$(stat -c %s bad)" "$pack" \
      > there/btfpack.manifest
    rm -rf back
    status=0
    pull --archive back there > out 2> err || status=$?
    case $status in 2 | 3) ;; *) echo "$text: status $status"; cat err; return 1 ;; esac
    expect_one_sentence
    [ ! -e back ] || intact back
  done << END
garbage\n
btfpack-index 9\n
btfpack-index 1\ncontent $id\n
btfpack-index 1\ncontent $id -\nentry\tu\t1\tx\t5\t\t\t$id\t1\t1\t\t\t\t\t\t\n
btfpack-index 1\ncontent $id $id\nentry\tubuntu\t18.04\tx86_64\t5\t\t\t$id\t1\t1\t\t\t\t\t\t\n
btfpack-index 1\ncontent $other -\nentry\tubuntu\t18.04\tx86_64\t5\t\t\t$other\t1\t1\t\t\t\t\t\t\n
btfpack-index 1\ncontent $id $other\nentry\tubuntu\t18.04\tx86_64\t5\t\t\t$id\t1\t1\t\t\t\t\t\t\n
btfpack-index 1\ncontent $id -\nentry\tubuntu\t18.04\tx86_64\t../5\t\t\t$id\t1\t1\t\t\t\t\t\t\n
btfpack-index 1\ncontent $id -\nentry\tubuntu\t18.04\tx86_64\t5\t\t\t$id\t1\t0\t\t\t\t\t\t\n
btfpack-index 1\ncontent $id -\nentry\tubuntu\t18.04\tx86_64\t5\t\t\t$id\t1\n
btfpack-index 1\nentry\tubuntu\t18.04\tx86_64\t5\t\t\t$id\t1\t1\t\t\t\t\t\t\n
END
}

# Killed in the middle, again and again: it goes on, and what is there is whole.
killed_pulls() {
  local n
  prepare
  publish -q --archive store there
  for n in $(seq 12); do
    timeout -s KILL "0.$(printf %03d $((n * 7)))" "$BTFPACK" pull -q --cache cache --archive back there || true
    [ ! -e back/index.sqlite ] || intact back
  done
  pull -q --archive back there
  same store back; intact back
}

# named DIR: what the manifest there names, and nothing else is there.
only_named() {
  diff <(cd "$1" && find index packs bundles -type f 2> /dev/null | sed 's,.*/,,' | sort) \
    <(grep -oE '\b[0-9a-f]{64}\b' "$1/btfpack.manifest" | sort -u)
}

# What was published bit by bit becomes one; what it replaces stays for those who read.
prunes() {
  prepare
  publish -q --archive store there
  "$BTFPACK" import -q --archive store "$test_scratch/more"
  publish -q --archive store there
  # Another BTF of a kernel that is there: the old one is superseded.
  sleep 1.1
  "$BTFPACK" add -q --archive store --distro ubuntu --release 18.04 --arch x86_64 --uname 4.15.0-20-generic \
    "$test_scratch/rival/ubuntu/18.04/x86_64/4.15.0-21-generic.btf"
  publish -q --archive store there
  [ "$(grep -c '^part ' there/btfpack.manifest)" = 5 ]
  cp there/btfpack.manifest old.manifest
  expect_status 0 publish --archive store --prune --json there
  [ "$(jq -c '[.kernels, .known, .deleted]' out)" = '[0,6,0]' ]
  [ "$(jq .retired out)" -gt 0 ]
  [ "$(grep -c '^part ' there/btfpack.manifest)" = 3 ]
  [ "$(head -n 1 there/btfpack.retired)" = 'btfpack-retired 1' ]
  pull -q --archive back there
  same store back; intact back
  # Who reads by the old manifest still can.
  cp -r there older
  cp old.manifest older/btfpack.manifest
  pull -q --archive old older
  intact old
  # Again: nothing to do. Then the time of grace is over.
  cp there/btfpack.manifest now.manifest
  expect_status 0 publish --archive store --prune --json there
  [ "$(jq -c '[.objects, .retired, .deleted]' out)" = '[0,0,0]' ]
  expect_status 0 publish --archive store --prune --grace 0 --json there
  [ "$(jq .deleted out)" -gt 0 ]
  cmp now.manifest there/btfpack.manifest
  [ "$(wc -l < there/btfpack.retired)" = 1 ]
  only_named there
  rm -rf back
  pull -q --archive back there
  same store back; intact back
  cp old.manifest there/btfpack.manifest
  expect_status 4 pull --archive late there
  expect_one_sentence
}

# What only others have is not lost, unless that is said.
prune_keeps_others() {
  prepare
  "$BTFPACK" import -q --archive other "$test_scratch/rival"
  publish -q --archive store there
  publish -q --archive other there
  cp there/btfpack.manifest before
  expect_status 1 publish --archive store --prune there
  expect_one_sentence
  grep -q '4.15.0-21-generic is published and not in the archive' err
  cmp before there/btfpack.manifest
  pull -q --archive store there
  expect_status 0 publish --archive store --prune there
  # An older BTF of a kernel than is published.
  sleep 1.1
  "$BTFPACK" add -q --archive other --distro ubuntu --release 18.04 --arch x86_64 --uname 4.15.0-21-generic \
    "$test_scratch/tree/ubuntu/18.04/x86_64/4.15.0-20-generic.btf"
  publish -q --archive other there
  expect_status 1 publish --archive store --prune there
  expect_status 0 publish --archive other --prune --force there
  pull -q --archive back there
  same other back
  expect_status 2 publish --archive store --grace 1 there
  expect_status 2 publish --archive store --prune --distro debian there
  expect_status 2 publish --archive store --prune --grace -1 there
}

prune_bundles() {
  prepare; serve
  echo 'AKID/x secret+/key= eu-west-3' > site/s3
  export AWS_ACCESS_KEY_ID=AKID/x AWS_SECRET_ACCESS_KEY=secret+/key= AWS_REGION=eu-west-3
  "$BTFPACK" bundle -q --archive store -o a.bundle
  "$BTFPACK" bundle -q --archive store --distro debian -o b.bundle
  there() { publish -q --endpoint "$url" "$@" s3://bucket/x; }
  there --archive store
  there --bundle a.bundle --name stable
  there --bundle b.bundle --name stable --prune
  [ "$(find site/bucket/x/bundles -type f | wc -l)" = 2 ]
  there --bundle b.bundle --name stable --prune --grace 0
  [ "$(count '^DELETE ')" = 1 ]
  absent refused requests
  only_named site/bucket/x
  # It comes back: then it is named, and stays.
  there --bundle a.bundle --name stable --prune
  there --bundle b.bundle --name stable
  there --bundle b.bundle --name other --prune --grace 0
  only_named site/bucket/x
  # What a list may not name, and a server that does not delete.
  there --bundle a.bundle --name third
  there --bundle b.bundle --name third
  echo 'bundles/ noput' > site/faults
  expect_status 3 publish --endpoint "$url" --bundle b.bundle --name third --prune --grace 0 s3://bucket/x
  expect_one_sentence
  rm site/faults
  printf 'btfpack-retired 1\nbtfpack.manifest 1\n' > site/bucket/x/btfpack.retired
  expect_status 3 publish --endpoint "$url" --bundle b.bundle --name third --prune --grace 0 s3://bucket/x
  expect_one_sentence
  [ -e site/bucket/x/btfpack.manifest ]
}

# One who puts all anew among others who add: who reported it done is there at the end.
prune_among_rivals() {
  local n
  prepare; serve
  for n in $(seq 4); do
    mkdir -p "tree$n/debian/$n/x86_64"
    cp "$test_scratch/tree/debian/12/x86_64/6.1.0-$((n % 3 + 1))-amd64.btf" "tree$n/debian/$n/x86_64/6.1.0-1-amd64.btf"
    cp -r store "store$n"
    "$BTFPACK" import -q --archive "store$n" "tree$n"
  done
  for place in "$url/a" there; do
    publish -q --archive store "$place"
    (while [ ! -e stop ]; do
      "$BTFPACK" pull -q --cache cachep --archive all "$place"
      "$BTFPACK" publish -q --cache cachep --archive all --prune --grace 0 "$place" || true
    done > pruned 2>&1) &
    pruner=$!
    for n in $(seq 4); do
      "$BTFPACK" publish -q --cache "cache$n" --archive "store$n" "$place" > "said$n" 2>&1 &
      jobs[$n]=$!
    done
    for n in $(seq 4); do wait "${jobs[$n]}" || { cat "said$n"; touch stop; return 1; }; done
    touch stop; wait "$pruner" || true
    rm -rf back all stop
    pull -q --archive back "$place"
    [ "$("$BTFPACK" ls --archive back | wc -l)" = 9 ]
    intact back
  done
}

usage() {
  prepare
  expect_status 2 publish --archive store
  expect_status 2 publish there
  expect_status 2 publish --archive store --bundle x there
  expect_status 2 publish --archive store --name x there
  expect_status 2 publish --bundle 'a b' there
  expect_status 2 publish --archive store ftp://there
  expect_status 2 publish --archive store s3://
  expect_status 2 publish --archive store 's3://b/a b'
  expect_status 2 pull --bundle x there
  expect_status 2 pull --archive store -o x there
  expect_status 4 publish --archive missing there
  [ ! -e there ]
}

run "to a directory and back, byte by byte" a_directory
run "only what is new travels" increments
run "a filter downloads what it needs" filters
run "two archives meet in one place" merges
run "minified sets travel too" minified_sets
run "bundles by name" bundles
run "a bucket with signatures" signed
run "a store without conditions is refused, unless alone" without_conditions
run "rivals lose nothing that was reported" rivals
run "a download that was cut goes on" cut_and_continued
run "a publish that was cut off goes on" killed_publish
run "a server that lies" lies
run "manifests that make no sense" hostile_manifests
run "indexes that make no sense" hostile_indexes
run "killed pulls go on" killed_pulls
run "what was published bit by bit becomes one" prunes
run "pruning keeps what others have published" prune_keeps_others
run "bundles that were replaced" prune_bundles
run "one who prunes among others who add" prune_among_rivals
run "wrong usage" usage
finish
