#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The examples build where their toolchains are, and choose what they should.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/mirror.sh"
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

# needs.bpf.o: a program that no kernel can satisfy.
verdict_object() {
  need clang
  cat > needs.bpf.c << 'END'
struct nowhere { int member; } __attribute__((preserve_access_index));
__attribute__((section("raw_tp/sched_switch"), used)) int prog(struct nowhere *n)
{
	return __builtin_preserve_access_index(n->member);
}
char _license[] __attribute__((section("license"), used)) = "GPL";
END
  clang -g -O2 -target bpf -c -o needs.bpf.o needs.bpf.c
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
  verdict_object
  "$BTFPACK" bundle -q --archive store -o tool.bundle needs.bpf.o
  export BTFPACK_BUNDLE=$PWD/tool.bundle BTFPACK_LIB=$BUILD CARGO_TARGET_DIR=$PWD/target
  cargo build -q --offline --manifest-path rust/Cargo.toml
  target/debug/execcount root > out
  grep -q "$UNAME: it is in the bundle: chosen" out
  grep -q '^cannot load there: prog (needs.bpf.o): .*nowhere' out
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
  # The verdicts ride along.
  verdict_object
  "$BTFPACK" bundle -q --archive store --emit go -o go/btfs needs.bpf.o
  (cd go && CGO_ENABLED=0 go build -o ../tool .)
  ./tool root > out
  grep -q "^prog (needs.bpf.o): rejected: .*nowhere" out
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

# A mirror on loopback for what the examples of sharding do, and a btfpack that goes there.
prepare_shards() {
  python3 -c 'import yaml' 2> /dev/null || skip "python3-yaml is not installed"
  need gpg gpgv apt-ftparchive dpkg-deb gcc xz zstd
  [ -d "$mirror" ] || prepare_mirror
  serve
  mkdir bin
  printf '%s\n' '#!/bin/sh' 'verb=$1; shift' 'case $verb in' \
    "build) set -- --mirror $url/debian --security-mirror $url/debian-security --keyring $keyring \"\$@\" ;;" \
    'esac' "exec $BTFPACK \$verb \"\$@\"" > bin/btfpack
  chmod +x bin/btfpack
  export PATH=$PWD/bin:$PATH XDG_CACHE_HOME=$PWD/cache STORE=$PWD/store DISTRO=debian RELEASE=12
}

# All the mirror's kernels are there, each once, and a second round sends nothing.
all_is_published() {
  "$BTFPACK" pull -q --archive all "$STORE"
  "$BTFPACK" verify -q --archive all
  "$BTFPACK" ls --archive all --json | jq -r .uname | sort > got
  "$BTFPACK" list --distro debian --release 12 --mirror "$url/debian" --security-mirror "$url/debian-security" \
    --keyring "$keyring" --cache cache --json | jq -r .uname | sort -u > wanted
  cmp got wanted
  [ "$(wc -l < got)" -ge 3 ]
}

ci_example() {
  need jq; prepare_shards
  python3 - "$ROOT/examples/ci/archive.yml" << 'END'
import sys, yaml
jobs = yaml.safe_load(open(sys.argv[1]))["jobs"]
assert jobs["build"]["strategy"]["matrix"]["shard"] == list(range(1, 9))
for job, steps in (("build", ("pull", "build", "publish")), ("report", ("report",))):
    runs = {step.get("name"): step["run"] for step in jobs[job]["steps"] if "run" in step}
    with open(job + ".sh", "w") as f:
        for step in steps:
            f.write(runs[step].rstrip() + "\n")
END
  for SHARD in 1 2 3 4 5 6 7 8; do
    export SHARD
    rm -rf part
    sh -e build.sh
  done
  all_is_published
  sh -e report.sh
  [ -s stats.html ]
  cp store/btfpack.manifest before
  SHARD=1 sh -e build.sh
  cmp store/btfpack.manifest before
}

kubernetes_example() {
  need jq; prepare_shards
  python3 - "$ROOT/examples/kubernetes/archive.yaml" << 'END'
import sys, yaml
spec = yaml.safe_load(open(sys.argv[1]))["spec"]
assert spec["completionMode"] == "Indexed" and spec["completions"] == 8
command = spec["template"]["spec"]["containers"][0]["command"]
assert command[:2] == ["sh", "-ec"]
open("pod.sh", "w").write(command[2].replace("cd /work", "cd \"$POD\""))
END
  for JOB_COMPLETION_INDEX in 0 1 2 3 4 5 6 7; do
    export JOB_COMPLETION_INDEX POD=$PWD/pod$JOB_COMPLETION_INDEX
    mkdir "$POD"
    sh -ec "$(cat pod.sh)" > "pod$JOB_COMPLETION_INDEX.log" 2>&1 & # all at once
    pods[$JOB_COMPLETION_INDEX]=$!
  done
  for n in 0 1 2 3 4 5 6 7; do wait "${pods[$n]}" || { cat "pod$n.log"; return 1; }; done
  all_is_published
}

run "CI: shards that publish, as the example's steps do" ci_example
run "Kubernetes: pods that publish at once, as the example's command does" kubernetes_example
run "C: a tool with the bundle linked in" c_example
run "Rust: a tool with the bundle linked in" rust_example
run "Go: a package that embeds and selects, as C does" go_example
finish_mirror
finish
