#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# TLS and credentials, on loopback: who vouches for the server, who the server wants to know, and
# that names, passwords and tokens show up nowhere.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"

DEB=linux-image-$KERNEL-dbg_6.1.9-1_amd64.deb

debian() {
  local verb=$1
  shift
  "$BTFPACK" "$verb" --distro debian --release 12 --mirror "${base:-$url}/debian" \
    --keyring "$keyring" --fallback none --cache cache --retries 0 "$@"
}
fetch() { debian fetch --arch amd64 --uname "$KERNEL" -o out.d "$@"; }
fetched() { cmp "$test_scratch/vmlinux" "out.d/vmlinux-${KERNEL}_6.1.9-1"; }
tls() { echo "$test_scratch/tls/$1"; }

# certificate NAME AUTHORITY SUBJECT-ALTERNATIVE [DAYS]: NAME.pem and NAME.key
certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" \
    -subj "/CN=$1" 2> /dev/null
  printf 'subjectAltName=%s\n' "$3" > ext
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "${4:-30}" \
    -extfile ext -out "$1.pem" 2> /dev/null
}
authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" \
    -out "$1.pem" -days 30 -subj "/CN=$1" 2> /dev/null
}
make_certificates() {
  mkdir "$test_scratch/tls"; cd "$test_scratch/tls"
  authority ours; authority theirs
  certificate server ours IP:127.0.0.1
  certificate elsewhere ours DNS:mirror.example.org
  certificate expired ours IP:127.0.0.1 0
  certificate client ours DNS:client
  certificate stranger theirs DNS:client
}

# refuses WORD [OPTION...]: no list, one sentence, and the words in it
refuses() {
  local word=$1
  shift
  expect_status 4 debian list "$@"
  [ ! -s out ]
  grep -q "dists/bookworm/InRelease: .*$word" err || { cat err; return 1; }
}

# --- the server ---------------------------------------------------------------------------------------

believes_an_authority() {
  serve "$(tls server.pem)" "$(tls server.key)"
  expect_status 0 debian list --ca-file "$(tls ours.pem)"
  [ "$(wc -l < out)" = 4 ]
  expect_status 0 fetch --ca-file "$(tls ours.pem)"
  fetched
}
refuses_unknown_authorities() {
  serve "$(tls server.pem)" "$(tls server.key)"
  refuses "SSL certificate problem"
  refuses "SSL certificate problem" --ca-file "$(tls theirs.pem)"
  refuses "no-such-file" --ca-file no-such-file
}
refuses_another_server() {
  serve "$(tls elsewhere.pem)" "$(tls elsewhere.key)"
  refuses "SSL: no alternative certificate subject name matches" --ca-file "$(tls ours.pem)"
}
refuses_an_expired_server() {
  serve "$(tls expired.pem)" "$(tls expired.key)"
  refuses "certificate has expired" --ca-file "$(tls ours.pem)"
}
refuses_plain_text() { # TLS asked of a server that has none
  serve
  base=https://${url#http://}
  refuses "cannot download"
}

# From TLS only to TLS, whatever the signature below says.
refuses_to_leave_tls() {
  serve
  local plain=$url
  cp -r site open
  rm -rf site; cp -r "$mirror" site
  echo "/pool/ redirect $plain/{path}" > site/faults
  kill "$server"
  serve "$(tls server.pem)" "$(tls server.key)"
  expect_status 4 fetch --ca-file "$(tls ours.pem)"
  grep -q "$DEB: cannot download: Protocol \"http\" not supported" err || { cat err; return 1; }
}

# --- the client ---------------------------------------------------------------------------------------

shows_a_certificate() {
  serve "$(tls server.pem)" "$(tls server.key)" "$(tls ours.pem)"
  local who="--ca-file $(tls ours.pem)"
  expect_status 0 debian list $who --client-cert "$(tls client.pem)" --client-key "$(tls client.key)"
  [ "$(wc -l < out)" = 4 ]
  expect_status 0 fetch $who --client-cert "$(tls client.pem)" --client-key "$(tls client.key)"
  fetched
  cat "$(tls client.pem)" "$(tls client.key)" > both.pem # as Red Hat's entitlements may come
  rm -r cache
  expect_status 0 debian list $who --client-cert both.pem
  refuses "cannot download" $who # curl's words depend on when it hears of it
  refuses "cannot download" $who --client-cert "$(tls stranger.pem)" --client-key "$(tls stranger.key)"
  refuses "private key" $who --client-cert "$(tls client.pem)" --client-key "$(tls server.key)"
  refuses "client certificate" $who --client-cert no-such-file
}

# Red Hat's own way, and layout.
lists_rhel() {
  cp -r "$TESTS/data/indexes/rhel-8" site
  serve "$(tls server.pem)" "$(tls server.key)" "$(tls ours.pem)"
  expect_status 0 "$BTFPACK" list --distro rhel --release 8 --arch x86_64 --mirror "$url" \
    --cache cache --allow-unsigned --ca-file "$(tls ours.pem)" --client-cert "$(tls client.pem)" \
    --client-key "$(tls client.key)"
  [ "$(awk '{print $4}' out)" = "4.18.0-553.el8_10.x86_64
4.18.0-80.el8.x86_64" ]
}

# --- names and passwords ------------------------------------------------------------------------------

nowhere() { # TEXT: in nothing that was said or kept
  ! grep -rq -- "$1" out err out.d store cache 2> /dev/null ||
    { echo "$1 is in:"; grep -rl -- "$1" out err out.d store cache; return 1; }
  "$BTFPACK" ls --archive store --json | lacks -- "$1"
}
asks_for() { serve; echo "/ $1" > site/faults; }
builds() {
  rm -rf store cache
  expect_status 0 debian build --archive store --uname "$KERNEL" -v -v "$@"
  "$BTFPACK" ls --archive store | grep -q "$KERNEL"
}

uses_netrc() {
  asks_for "auth scc-user:s3cret-word"
  refuses "status 401"
  mkdir home
  printf 'machine 127.0.0.1 login scc-user password s3cret-word\n' > home/.netrc
  HOME=$PWD/home builds
  nowhere s3cret-word
  nowhere scc-user
}
uses_names_in_urls() {
  asks_for "auth scc-user:s3cret-word"
  base="http://scc-user:s3cret-word@${url#http://}" builds
  nowhere s3cret-word
  nowhere scc-user
  rm -rf store cache; mkdir store
  base="http://scc-user:wr0ng-word@${url#http://}" refuses "status 401" -v -v
  lacks "wr0ng-word" err
}
uses_names_of_the_machines_sources() {
  asks_for "auth scc-user:s3cret-word"
  mkdir -p root/etc/apt root/usr/share/keyrings
  cp "$keyring" root/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb http://scc-user:s3cret-word@${url#http://}/debian bookworm main" > root/etc/apt/sources.list
  echo "deb http://scc-user:s3cret-word@${url#http://}/debian-security bookworm-security main" \
    >> root/etc/apt/sources.list
  expect_status 0 "$BTFPACK" build --root root --distro debian --release 12 --cache cache \
    --archive store --uname "$KERNEL" -v -v
  nowhere s3cret-word
}
uses_tokens() {
  asks_for "token s3cret-token"
  refuses "status 403"
  with_token() {
    "$BTFPACK" "$1" --distro debian --release 12 --mirror "$url/debian?s3cret-token" \
      --keyring "$keyring" --fallback none --cache cache --retries 0 "${@:2}"
  }
  expect_status 0 with_token build --archive store --uname "$KERNEL" -v -v
  nowhere s3cret-token
  rm site/faults
  echo "$DEB status 500" > site/faults
  rm -rf store cache
  expect_status 4 with_token build --archive store --uname "$KERNEL" -v -v
  nowhere s3cret-token
  expect_status 0 with_token list --json
  nowhere s3cret-token
}
# What is for one server is not sent to another.
keeps_them_from_others() {
  asks_for "auth scc-user:s3cret-word"
  local first=$server
  cp -r site other; mv site guarded
  echo "/ redirect $url{path}" > other/faults
  mv other site
  kill "$first"
  python3 "$TESTS/mirror.py" guarded guarded-port guarded-requests &
  guarded=$!
  for _ in $(seq 600); do [ -s guarded-port ] && break; sleep 0.05; done
  echo "/ redirect http://127.0.0.1:$(cat guarded-port){path}" > site/faults
  serve
  trap 'kill $server $guarded 2> /dev/null || true' EXIT
  base="http://scc-user:s3cret-word@${url#http://}" refuses "status 401"
  grep -q "InRelease - -> 401" guarded-requests
}

need openssl
prepare_mirror
(set -e; make_certificates) || { echo "Bail out! cannot make certificates"; exit 1; }
run "an authority that was named" believes_an_authority
run "authorities that nobody named" refuses_unknown_authorities
run "a certificate of another server" refuses_another_server
run "a certificate that has expired" refuses_an_expired_server
run "a server without TLS" refuses_plain_text
run "redirects out of TLS" refuses_to_leave_tls
run "shows a certificate to a server that wants one" shows_a_certificate
run "RHEL's repositories, by certificate" lists_rhel
run "names and passwords from ~/.netrc, said nowhere" uses_netrc
run "names and passwords in a URL, said nowhere" uses_names_in_urls
run "names and passwords in apt's sources, said nowhere" uses_names_of_the_machines_sources
run "tokens in a URL, said nowhere" uses_tokens
run "nor told to other servers" keeps_them_from_others
finish_mirror
finish
