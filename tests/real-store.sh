#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# publish and pull with servers that others wrote: s3rver from npm's registry (14 MB, kept in
# $O/s3) behind a check of signatures by Amazon's signer; Apache with WebDAV, which honours
# conditions; python3 -m http.server, for pull. All on loopback.
. "$(dirname "$0")/lib.sh"
unset "${!AWS_@}"
export HOME=$test_scratch
MODULES=${O:-$ROOT/build}/s3
PACKAGES="s3rver@3.7.1 @smithy/signature-v4@5.7.5 @aws-crypto/sha256-js@5.2.0"

prepare() {
  local n
  [ -d "$test_scratch/tree" ] || for n in 1 2 3; do
    mkdir -p "$test_scratch/tree/debian/12/x86_64"
    seq 1 300 | sed "s/.*/struct s& { int a; long member_&; struct s& *next; } v&;/" > k.c
    echo "struct task_struct { int state; char name[$n]; } t;" >> k.c
    gcc -g -shared -nostdlib -o k.so k.c
    "$BTFPACK" convert -o "$test_scratch/tree/debian/12/x86_64/6.1.0-$n-amd64.btf" k.so
  done
  "$BTFPACK" import -q --archive store "$test_scratch/tree"
}

publish() { "$BTFPACK" publish --cache cache "$@"; }
pull() { "$BTFPACK" pull --cache cache "$@"; }
listing() { "$BTFPACK" ls --archive "$1" --json | sed -E 's/"(stored_size|codec)":[^,]*,//g'; }
same() { diff <(listing "$1") <(listing "$2"); }

# wait_for FILE
wait_for() { for _ in $(seq 200); do [ -s "$1" ] && return; sleep 0.05; done; return 1; }

s3() {
  need node npm
  mkdir -p "$MODULES"
  [ -e "$MODULES/node_modules/@smithy/signature-v4" ] ||
    npm install --prefix "$MODULES" --no-audit --no-fund --no-save $PACKAGES > npm.log 2>&1 ||
    skip "npm cannot install $PACKAGES"
  prepare
  node "$TESTS/s3-gate.mjs" "$MODULES" "$PWD/data" port log > node.log 2>&1 &
  server=$!
  trap 'kill $server' EXIT
  wait_for port || { cat node.log; return 1; }
  export AWS_ACCESS_KEY_ID=S3RVER AWS_SECRET_ACCESS_KEY=S3RVER AWS_REGION=eu-west-3
  where="--endpoint http://127.0.0.1:$(cat port) s3://btf/some/place"
  # It stores what is put whatever If-Match says, and that is found out.
  expect_status 3 publish --archive store $where
  grep -q 'does not honour If-Match' err
  expect_status 0 publish --archive store --alone $where
  "$BTFPACK" bundle -q --archive store -o a.bundle
  publish -q --bundle a.bundle --alone $where
  if grep -v 'let in$' log; then return 1; fi
  pull -q --archive back $where
  same store back
  "$BTFPACK" verify -q --archive back
  pull -q --bundle a.bundle -o got $where
  cmp a.bundle got
  expect_status 0 publish --archive back --alone $where
  grep -q '0 kernels published, 3 were there already; 0 objects' err
  AWS_SECRET_ACCESS_KEY=other expect_status 4 pull --archive none $where
  grep -q 'another signature$' log
}

apache() {
  local n modules=/usr/lib/apache2/modules
  need apache2 python3
  [ -e $modules/mod_dav_fs.so ] || skip "apache2 has no mod_dav_fs"
  prepare
  mkdir -p site run
  chmod 777 site run . # it serves as another user when started by root
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  {
    for n in mpm_event authz_core dav dav_fs; do echo "LoadModule ${n}_module $modules/mod_$n.so"; done
    printf '%s\n' "ServerName localhost" "Listen 127.0.0.1:$port" "PidFile $PWD/run/pid" \
      "ErrorLog $PWD/run/error" "DocumentRoot $PWD/site" "DavLockDB $PWD/run/lock" \
      "FileETag MTime Size INode" "<Directory $PWD/site>" "Dav On" "</Directory>"
    [ "$(id -u)" != 0 ] || printf 'User nobody\nGroup nogroup\n'
  } > conf
  chmod o+x "$test_scratch"
  apache2 -f "$PWD/conf" -DFOREGROUND > apache.log 2>&1 &
  server=$!
  trap 'kill $server' EXIT
  wait_for run/pid || { cat apache.log run/error; return 1; }
  url=http://127.0.0.1:$port
  # WebDAV wants its collections made.
  for n in index packs bundles; do python3 - "$url/$n" << 'END'
import sys, urllib.request
urllib.request.urlopen(urllib.request.Request(sys.argv[1], method="MKCOL"))
END
  done
  publish -q --archive store "$url"
  pull -q --archive back "$url"
  same store back
  # Six at once: all that was reported is there.
  for n in $(seq 6); do
    mkdir -p "tree$n/debian/$n/x86_64"
    cp "$test_scratch/tree/debian/12/x86_64/6.1.0-1-amd64.btf" "tree$n/debian/$n/x86_64/"
    "$BTFPACK" import -q --archive "store$n" "tree$n"
  done
  for n in $(seq 6); do
    "$BTFPACK" publish -q --cache "cache$n" --archive "store$n" "$url" > "said$n" 2>&1 &
    jobs[$n]=$!
  done
  for n in $(seq 6); do wait "${jobs[$n]}" || { cat "said$n"; return 1; }; done
  pull -q --archive back "$url"
  [ "$("$BTFPACK" ls --archive back | wc -l)" = 9 ]
  "$BTFPACK" verify -q --archive back
}

static() {
  need python3
  prepare
  publish -q --archive store site
  python3 -u -m http.server --bind 127.0.0.1 --directory site 0 > http.log 2>&1 &
  server=$!
  trap 'kill $server' EXIT
  wait_for http.log
  url=$(sed -n 's,.*\(http://[0-9.:]*\)/.*,\1,p' http.log | head -n 1)
  pull -q --archive back "$url"
  same store back
  "$BTFPACK" import -q --archive store "$test_scratch/tree/debian"
  expect_status 3 publish --archive store --alone "$url/new" # 501: it takes no PUT
  expect_one_sentence
}

run "an S3 service, its signatures checked by Amazon's signer" s3
run "Apache with WebDAV, six publishers at once" apache
run "a server of files" static
finish
