# SPDX-License-Identifier: BSD-2-Clause
# Shell tests that need a Debian mirror source this after lib.sh, then call
# prepare_mirror. What they get: $mirror, a tree of debian and debian-security made
# by dpkg-deb and apt-ftparchive, its InRelease files signed with a throw-away key
# that $keyring holds; functions to make more; and `serve` for a copy of it on
# loopback, with the faults of mirror.py.

ABI=6.1.0-1 FLAVOUR=cloud-amd64
KERNEL=$ABI-$FLAVOUR
NAME=linux-image-$KERNEL-dbg
mirror=$test_scratch/mirror
keyring=$test_scratch/keyring.gpg
export GNUPGHOME=$test_scratch/gnupg

# --- making a mirror ----------------------------------------------------------------------------

# deb FILE PACKAGE VERSION [ARCH] [COMPRESSION]: of the directory ./tree
deb() {
  mkdir -p tree/DEBIAN "$(dirname "$1")"
  printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: t <t@t>\nDescription: t\n' \
    "$2" "$3" "${4:-amd64}" > tree/DEBIAN/control
  dpkg-deb --root-owner-group "-Z${5:-xz}" -z1 -b tree "$1" > /dev/null
  rm -rf tree
}

# kernel_deb POOL UNAME VERSION [ARCH] [COMPRESSION]
kernel_deb() {
  mkdir -p tree/usr/lib/debug/boot "tree/usr/lib/debug/lib/modules/$2"
  cp "$test_scratch/vmlinux" "tree/usr/lib/debug/boot/vmlinux-$2"
  ln -s "../../../boot/vmlinux-$2" "tree/usr/lib/debug/lib/modules/$2/vmlinux"
  deb "$1/linux-image-$2-dbg_$3_${4:-amd64}.deb" "linux-image-$2-dbg" "$3" "${4:-amd64}" "${5:-xz}"
}

# reblock DEB [BYTES [THREADS]]: its data.tar.xz in blocks, as Debian's large packages have it,
# whose heads tell their sizes where xz had several threads
reblock() {
  (cd "$(dirname "$1")" && ar x "$(basename "$1")" && xz -df data.tar.xz &&
    xz -T"${3:-2}" --block-size="${2:-30000}" data.tar && rm "$(basename "$1")" &&
    ar rcD "$(basename "$1")" debian-binary control.tar.xz data.tar.xz &&
    rm debian-binary control.tar.xz data.tar.xz)
}

# sign DIR [KEY]: Release there becomes InRelease
sign() {
  rm -f "$1/InRelease"
  gpg --batch --quiet -u "${2:-good@example.org}" --digest-algo SHA256 --clearsign \
    -o "$1/InRelease" "$1/Release"
}

# release BASE SUITE: Release of what lies there, signed
release() {
  local base=$1 suite=$2 dir=$1/dists/$2
  rm -f "$dir/Release" "$dir/InRelease"
  (cd "$base" && apt-ftparchive -o APT::FTPArchive::Release::Codename="$suite" \
    -o APT::FTPArchive::Release::Architectures="amd64 s390x all" \
    release "dists/$suite") > "$test_scratch/Release"
  mv "$test_scratch/Release" "$dir/Release"
  sign "$dir"
}

# index BASE SUITE POOL: Packages of every architecture from the pool
index() {
  local base=$1 suite=$2 pool=$3 arch dir
  for arch in amd64 s390x; do
    dir=$base/dists/$suite/main/binary-$arch
    mkdir -p "$dir"
    (cd "$base" && apt-ftparchive -a "$arch" packages "$pool") > "$dir/Packages"
    xz -kf "$dir/Packages"
    gzip -kfn "$dir/Packages"
  done
}

make_mirror() {
  printf 'struct task { int pid; char name[16]; } init = { 1, "init" };\n' > tiny.c
  head -c 200000 /dev/urandom > noise
  printf '.section .note.GNU-stack,""\n.section .noise,"a"\n.incbin "noise"\n' > noise.s
  gcc -g -nostdlib -static -Wl,-e,0 -Wl,--build-id -o "$test_scratch/vmlinux" tiny.c noise.s
  mkdir -m 700 "$GNUPGHOME"
  local who
  for who in good other; do
    gpg --batch --quiet --passphrase '' --quick-gen-key $who@example.org ed25519 sign never
  done 2> /dev/null
  gpg --batch --quiet --export good@example.org > "$keyring"

  local d=$mirror/debian s=$mirror/debian-security
  kernel_deb "$d/pool" $KERNEL 6.1.9-1
  kernel_deb "$d/pool" 6.1.0-1-rt-amd64 6.1.9-1 amd64 gzip
  kernel_deb "$d/pool" 6.1.0-1-s390x 6.1.9-1 s390x zstd
  mkdir tree; deb "$d/pool/meta.deb" linux-image-cloud-amd64-dbg 6.1.9-1
  mkdir tree; deb "$d/pool/bash.deb" bash 5.2-1
  mkdir -p "$d/none"
  kernel_deb "$s/pool" 6.1.0-2-cloud-amd64 6.1.10-1
  cp "$d/pool/linux-image-$KERNEL-dbg_6.1.9-1_amd64.deb" "$s/pool/"
  index "$d" bookworm pool; release "$d" bookworm
  index "$d" bookworm-updates none; release "$d" bookworm-updates
  index "$s" bookworm-security pool; release "$s" bookworm-security
}

# put_vmlinux_last THREADS [BYTES]: ./site, as $mirror but that in the package at $deb_path
# vmlinux comes after a hundred other files, and only links to it after it, or a file of so many
# bytes; in blocks that `xz -T THREADS` makes.
put_vmlinux_last() {
  cp -r "$mirror" site
  local dir=usr/lib/debug/lib/modules/$KERNEL
  mkdir -p data/$dir tree
  for i in $(seq 100); do head -c 2000 /dev/urandom > data/$dir/$i.ko; done
  head -c 100000 /dev/urandom > data/$dir/0.ko
  cp "$test_scratch/vmlinux" data/$dir/vmlinux
  deb whole.deb "$NAME" 6.1.9-1
  ar x whole.deb
  ln -s vmlinux data/$dir/vmlinux-link
  head -c "${2:-0}" /dev/urandom > data/$dir/zzz
  (cd data && tar -cf ../data.tar $dir/*.ko $dir/vmlinux $dir/vmlinux-link $dir/zzz)
  xz -T"$1" --block-size=20000 -c data.tar > data.tar.xz
  rm "site/$deb_path"
  ar rcD "site/$deb_path" debian-binary control.tar.xz data.tar.xz
}

# repack_index: what the site's pool has now, signed rightly
repack_index() { index site/debian bookworm pool; release site/debian bookworm; }

# serve [CERTIFICATE KEY [CLIENT-AUTHORITY]]: a copy of the mirror as ./site, its URL in $url, its
# requests in ./requests
serve() {
  [ -d site ] || cp -r "$mirror" site
  : > requests
  rm -f port
  python3 "$TESTS/mirror.py" site port requests "$@" &
  server=$!
  trap 'kill $server 2> /dev/null || true' EXIT
  for _ in $(seq 600); do [ -s port ] && break; sleep 0.05; done
  url=http${1:+s}://127.0.0.1:$(cat port)
}

prepare_mirror() {
  need gpg gpgv apt-ftparchive dpkg-deb python3 gcc xz zstd
  (set -e; mkdir "$test_scratch/make"; cd "$test_scratch/make"; make_mirror) ||
    { echo "Bail out! cannot make the mirror"; exit 1; }
}

finish_mirror() { gpgconf --kill gpg-agent > /dev/null 2>&1; }
