#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The examples build where their toolchains are, and choose what they should.
. "$(dirname "$0")/lib.sh"
unset BTFPACK_BTF
UNAME=6.1.0-28-amd64

# A store with one kernel that has a task_struct, and a host that runs it.
prepare() {
  need clang gcc
  echo 'struct task_struct { int state; int tgid; struct task_struct *real_parent; } init;' > kernel.c
  gcc -g -shared -nostdlib -o kernel.so kernel.c
  mkdir -p tree/debian/12/x86_64 root/etc root/proc/sys/kernel
  "$BTFPACK" convert -o tree/debian/12/x86_64/$UNAME.btf kernel.so
  "$BTFPACK" import -q --archive store tree
  printf 'ID=debian\nVERSION_ID="12"\n' > root/etc/os-release
  echo $UNAME > root/proc/sys/kernel/osrelease
  echo x86_64 > root/proc/sys/kernel/arch
}

loader() {
  [ "$BUILD" = "${BUILD%/debug}" ] || skip "the loader is built with sanitizers"
  [ -n "$(echo '#include <zstd.h>' | gcc -E - 2> /dev/null)" ] || skip "zstd.h is not installed"
}

c_example() {
  loader; prepare
  [ -n "$(echo '#include <bpf/libbpf.h>' | gcc -E - 2> /dev/null)" ] || skip "libbpf-dev is not installed"
  cp "$ROOT"/examples/c/* .
  make ARCHIVE=store BTFPACK="$BTFPACK" \
    LOADER="-I$ROOT/include -Wextra -Werror $BUILD/libbtfpack-loader.a -lbpf -lzstd" > log
  cmp embedded/btfpack.bundle <("$BTFPACK" bundle -q --archive store -o - execcount.bpf.o)
  # The embedded bytes are the bundle: a program of its own asks the loader for them.
  cat > ask.c << 'END'
#include <stdio.h>
#include <btfpack/loader.h>
#include "bundle.h"
int main(void)
{
	struct btfpack_loader_opts opts = { .size = sizeof(opts), .root = "root" };
	struct btfpack_loader *loader;
	struct btfpack_error err;
	if (btfpack_loader_open_mem(btfpack_bundle, sizeof(btfpack_bundle), &opts, &loader, &err) < 0)
		return puts(err.message);
	puts(btfpack_loader_reason(loader));
	btfpack_loader_close(loader);
	return 0;
}
END
  gcc -Iembedded -I"$ROOT/include" -o ask ask.c embedded/bundle.S "$BUILD/libbtfpack-loader.a" -lzstd
  ./ask > out
  grep -q "$UNAME: it is in the bundle: chosen" out
}

rust_example() {
  need cargo
  loader; prepare
  cp -r "$ROOT/examples/rust" .
  "$BTFPACK" bundle -q --archive store -o tool.bundle
  export BTFPACK_BUNDLE=$PWD/tool.bundle BTFPACK_LIB=$BUILD CARGO_TARGET_DIR=$PWD/target
  cargo build -q --offline --manifest-path rust/Cargo.toml
  target/debug/execcount root > out
  grep -q "$UNAME: it is in the bundle: chosen" out
  grep -q '^[0-9]* bytes at Some("/proc/self/fd/[0-9]*")$' out
  echo 9.9.9 > root/proc/sys/kernel/osrelease
  expect_status 1 target/debug/execcount root
  grep -q 'no BTF for this kernel' err
}

go_example() {
  need go
  prepare
  cp -r "$ROOT/examples/go" .
  "$BTFPACK" bundle -q --archive store --emit go -o go/btfs
  export GOCACHE=$PWD/cache GOFLAGS=-mod=mod GOPROXY=off GOPATH=$PWD/gopath
  (cd go && [ -z "$(gofmt -l .)" ] && go vet ./... && CGO_ENABLED=0 go build -o ../tool .)
  ./tool root > out
  grep -q "^name $UNAME [0-9]*$" out
  # Both selectors choose alike, for hosts of all kinds.
  for kernel in ubuntu/18.04/arm64/4.15.0-20-generic ubuntu/16.04/x86_64/4.15.0-20-generic \
      rhel/7/x86_64/3.10.0-1160.el7.x86_64 rhel/7/x86_64/3.10.0-1160.24.1.el7.x86_64 \
      fedora/31/x86_64/5.3.7-301.fc31.x86_64 amzn/2018/x86_64/4.14.77-70.59.amzn1.x86_64 \
      debian/11/x86_64/6.1.0-28-amd64 debian/12/x86_64/6.1.0-30-amd64; do
    mkdir -p "tree/${kernel%/*}"
    cp tree/debian/12/x86_64/$UNAME.btf "tree/$kernel.btf"
  done
  "$BTFPACK" import -q --archive store tree
  "$BTFPACK" bundle -q --archive store --emit go -o go/btfs
  "$BTFPACK" bundle -q --archive store -o tool.bundle
  (cd go && CGO_ENABLED=0 go build -o ../tool .)
  while read -r distro release arch uname; do
    printf 'ID="%s"\nVERSION_ID="%s"\n' "${distro#-}" "${release#-}" > root/etc/os-release
    echo "$uname" > root/proc/sys/kernel/osrelease
    echo "$arch" > root/proc/sys/kernel/arch
    ./tool root > go.out 2> /dev/null || echo none > go.out
    { "$BTFPACK" select --bundle tool.bundle --root root --json 2> err || true; } |
      sed -n 's/.*"match":"\([^"]*\)".*/\1/p' > c.out
    [ "$(cut -d ' ' -f 1 go.out)" = "$(cat c.out)" ] || {
      echo "$distro $release $arch $uname: go says $(cat go.out), C says $(cat c.out)"
      return 1
    }
  done << 'END'
debian bookworm amd64 6.1.0-28-amd64
debian 12 x86_64 6.1.0-29-amd64
debian 12 x86_64 6.1.0-31-amd64
debian 12 x86_64 6.1.0-29-cloud-amd64
centos 7 x86_64 3.10.0-1160.el7.x86_64
centos 7 x86_64 3.10.0-1160.15.2.el7.x86_64
alpine 3.18 x86_64 3.10.0-1160.el7.x86_64
ubuntu 18.04 aarch64 4.15.0-20-generic
ubuntu 18.04 x86_64 4.15.0-20-generic
linuxmint 20 x86_64 4.15.0-20-generic
fedora 33 x86_64 5.3.7-301.fc31.x86_64
- - x86_64 5.3.7-301.fc31.x86_64
amzn 2018.03 x86_64 4.14.77-70.59.amzn1.x86_64
- - x86_64 5.10.0-0.deb10.16-amd64
debian 12 s390x 6.1.0-28-amd64
END
}

run "C: a tool with the bundle linked in" c_example
run "Rust: a tool with the bundle linked in" rust_example
run "Go: a package that embeds and selects, as C does" go_example
finish
