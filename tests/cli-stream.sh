#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# build: packages without blocks, which are decoded as a stream while they are on their way,
# in every form that dpkg-deb and rpmbuild make, and what becomes of them when they do not
# come to their end as they began. What comes in blocks has cli-along.sh.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"
. "$TESTS/rpm-mirror.sh"
. "$TESTS/along.sh"

FORMS="deb-xz deb-zstd deb-gzip deb-none rpm-xz rpm-zst rpm-gz rpm-bz"

# is_of_form: $package, $uname and $name are of $form
is_of_form() {
  case $form in
    deb-*) uname=$KERNEL name=$NAME package=linux-image-$KERNEL-dbg_6.1.9-1_amd64.deb ;;
    rpm-*) uname=$RPM_UNAME name=kernel-debuginfo package=$name-5.14.0-70.13.1.el9_0.x86_64.rpm ;;
  esac
}

# site [VMLINUX]: a mirror with one package, of $form
site() {
  is_of_form
  cp -r "$test_scratch/plain" site
  case $form in
    deb-*)
      (test_scratch=$PWD/its; mkdir its; cp "$vmlinux" its/vmlinux
        kernel_deb site/debian/pool $KERNEL 6.1.9-1 amd64 ${form#deb-})
      repack_index ;;
    rpm-*)
      (test_scratch=$PWD/its; mkdir its; cp "$vmlinux" its/vmlinux
        kernel_rpm site/$ROCKY/Packages/k "" 5.14.0 70.13.1.el9_0 $RPM_UNAME \
          w1.${form#rpm-}dio)
      rpm_index site/$ROCKY ;;
  esac
}

build() {
  case $form in
    deb-*) set -- --distro debian --mirror "$url/debian" --fallback none --release 12 \
      --uname $KERNEL "$@" ;;
    rpm-*) set -- --distro rocky --mirror "$url/rocky" --release 9 --arch x86_64 "$@" ;;
  esac
  ${replace:-} "$BTFPACK" build -v -v --archive store --keyring "$keyring" --cache cache \
    --retries 1 "$@"
}

# interrupt: a build, while the package is on its way
interrupt() {
  : > requests
  replace=exec build > out 2> err &
  local pid=$! status=0
  for _ in $(seq 600); do grep -q "$package" requests && break; sleep 0.05; done
  sleep 0.3
  kill -INT $pid
  wait $pid || status=$?
  [ $status = 4 ]
  grep -q canceled err
}

decodes_ahead() {
  site
  serve
  fault slow 200000
  expect_status 0 build
  went_ahead
  is_right
}

# Neither what is damaged in the middle, nor what nobody decodes: the digest tells.
believes_only_what_is_verified() {
  local at
  site
  serve
  for at in 100000 $(($(stat -c %s "$(find site -name "$package")") - 3)); do
    fault corrupt $at
    expect_status 3 build
    grep -q 'expected SHA-256' err
    nothing_stored
    rm -rf store
  done
  rm site/faults
  expect_status 0 build
  went_ahead
  is_right
}

is_refused() {
  local answer status
  site
  serve
  for answer in 'status 404' 'status 500' 'reset' 'length 1000' 'cut 0' 'cut 60000'; do
    rm -rf store cache
    fault $answer
    status=0
    build > out 2> err || status=$?
    [ $status = 3 ] || [ $status = 4 ]
    nothing_stored
  done
}

has_it_already() {
  site
  serve
  expect_status 0 build --keep
  rm -rf store
  expect_status 0 build
  waited
  is_right
}

is_interrupted() {
  site
  serve
  fault slow 30000
  interrupt
  fault stall 90000
  interrupt
  rm site/faults
  expect_status 0 build
  is_right
}

with_btf() {
  "$BTFPACK" convert -o own.btf "$vmlinux"
  objcopy --add-section .BTF=own.btf "$vmlinux" with-btf
  vmlinux=$PWD/with-btf
  site
}

# Only when it is out, as its section headers are at its end; and so from the cache.
passes_over_btf() {
  with_btf
  serve
  expect_status 0 build --skip-btf --keep
  grep -q "$uname: has BTF of its own" err
  grep -q '1 passed over, 0 failed' err
  nothing_stored
  rm -rf store
  expect_status 0 build --skip-btf --keep
  grep -q "$uname: has BTF of its own" err
  nothing_stored
  expect_status 0 build
  is_right
}

# In memory, in a file without a name; one at a time.
minds_the_memory() {
  local memory
  site
  serve
  for memory in 500M 8G; do
    rm -rf store
    expect_status 0 build -j1 --memory $memory
    went_ahead
    is_right
  done
}

# data.tar begins three bytes before the end of a piece that is read.
is_cut_in_the_magic() {
  site
  (cd site/debian/pool && ar x $package && rm $package control.tar.* &&
    head -c $((65536 - 4 - 8 - 64 - 60 - 60)) /dev/zero > control.tar &&
    ar rcD $package debian-binary control.tar data.tar.* && rm debian-binary *.tar*)
  repack_index_keeping_control
  serve
  expect_status 0 build
  went_ahead
  is_right
}

# apt-ftparchive would read the package's control.tar
repack_index_keeping_control() {
  local deb=site/debian/pool/$package
  sed -i -e "s/^SHA256: .*/SHA256: $(sha256sum < $deb | cut -d' ' -f1)/" \
    -e "s/^Size: .*/Size: $(stat -c %s $deb)/" site/debian/dists/bookworm/main/binary-amd64/Packages
  sed -i -e '/^\(MD5sum\|SHA1\|SHA512\): /d' site/debian/dists/bookworm/main/binary-amd64/Packages
  xz -kf site/debian/dists/bookworm/main/binary-amd64/Packages
  gzip -kfn site/debian/dists/bookworm/main/binary-amd64/Packages
  release site/debian bookworm
}

# Blocks whose heads do not tell their sizes are no blocks before their index is there.
takes_unknown_blocks_as_a_stream() {
  site
  reblock "site/debian/pool/$package" 20000 1
  repack_index
  serve
  expect_status 0 build
  went_ahead
  is_right
}

tells_what_is_wrong() {
  site
  mkdir -p tree/usr/lib/debug/boot
  head -c 200000 /dev/urandom > tree/usr/lib/debug/boot/another-file
  deb "site/debian/pool/$package" $NAME 6.1.9-1 amd64 ${form#deb-}
  repack_index
  serve
  fault slow 400000
  expect_status 3 build
  grep -q "btfpack: $package: expected the vmlinux of $KERNEL in it, found none" err
  [ "$(grep -c "btfpack: .*$package: " err)" = 1 ]
  head -c 200000 /dev/urandom > noise
  cp noise site/debian/pool/noise
  rm -rf store cache
  vmlinux=$PWD/noise
  rm -rf site its
  site
  expect_status 3 build
  grep -q "btfpack: $package: expected its vmlinux to be an ELF file" err
}

# A hundred times and more of what it weighs.
is_bounded() {
  site
  mkdir -p tree/usr/lib/debug/boot
  truncate -s 220M tree/usr/lib/debug/boot/a-file
  cp "$vmlinux" tree/usr/lib/debug/boot/vmlinux-$KERNEL
  deb "site/debian/pool/$package" $NAME 6.1.9-1 amd64 ${form#deb-}
  repack_index
  serve
  expect_status 3 build
  grep -q "$package: decompresses to more than the limit of" err
}

# Of a directory that tells no sizes, whose packages bring their own signature.
knows_no_size() {
  is_of_form
  cp -r "$test_scratch/plain" site
  cp "$vmlinux" its-vmlinux
  uname=4.18.0-80.11.2.el8_0.x86_64 name=kernel-debuginfo
  kernel_rpm site/oracle/ol8/debuginfo "" 4.18.0 80.11.2.el8_0 $uname w1.${form#rpm-}dio
  package=kernel-debuginfo-4.18.0
  serve
  fault slow 200000
  expect_status 0 "$BTFPACK" build -v -v --archive store --distro ol --release 8 --arch x86_64 \
    --mirror "$url/oracle" --keyring "$keyring" --cache cache --retries 1 --allow-unsigned
  went_ahead
  is_right
}

# Modules come of what is downloaded, after the BTF that they are built on.
takes_modules_after() {
  site
  serve
  expect_status 0 build --modules
  went_ahead
  is_right
}

runs_in_parallel() {
  local jobs
  is_of_form
  cp -r "$mirror" site
  rm -f site/debian/pool/*s390x*
  repack_index
  serve
  for jobs in 1 2 7; do
    rm -rf store
    expect_status 0 "$BTFPACK" build -v -v --archive store --distro debian --mirror "$url/debian" \
      --keyring "$keyring" --cache cache --release 12 -j$jobs --memory 4G
    "$BTFPACK" ls --archive store --json | jq -c 'del(.added, .changed)' > list-$jobs
    cmp list-1 list-$jobs
  done
  [ "$(wc -l < list-1)" = 3 ]
  [ "$(grep -c 'extracted ahead' err)" = 3 ]
}

need rpmbuild createrepo_c jq objcopy bzip2
prepare_mirror
vmlinux=$test_scratch/vmlinux

# plain: the mirror without packages of kernels
cp -r "$mirror" "$test_scratch/plain"
rm -f "$test_scratch"/plain/debian/pool/linux-image-[0-9]*

for form in $FORMS; do
  run "decodes ahead: $form" decodes_ahead
  run "believes only what is verified: $form" believes_only_what_is_verified
done
for form in deb-zstd rpm-xz; do
  run "goes on with a partial: $form" goes_on_with_a_partial
  run "begins anew: $form" begins_anew
  run "a connection is cut: $form" is_cut
  run "is refused: $form" is_refused
  run "has it already: $form" has_it_already
  run "is interrupted: $form" is_interrupted
  run "passes over BTF: $form" passes_over_btf
  run "minds the memory: $form" minds_the_memory
done
form=deb-xz
run "is cut in the magic" is_cut_in_the_magic
run "takes unknown blocks as a stream" takes_unknown_blocks_as_a_stream
run "tells what is wrong" tells_what_is_wrong
run "takes modules after" takes_modules_after
run "runs in parallel" runs_in_parallel
form=deb-gzip
run "is bounded" is_bounded
form=rpm-gz
run "knows no size" knows_no_size
finish_mirror
finish
