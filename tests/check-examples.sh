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

run "C: a tool with the bundle linked in" c_example
run "Rust: a tool with the bundle linked in" rust_example
finish
