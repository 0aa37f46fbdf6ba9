# SPDX-License-Identifier: BSD-2-Clause
# Real kernels in qemu, for tests/vm/check-vm and tests/real-vm.sh. Everything that is
# made once lies in $VM: <kernel>/{image,uname,*.ko}, and an archive with the BTF of
# the kernels that have none. Guests run under emulation, with one CPU each.
#
#   . tests/vm/lib.sh
#   vm_prepare 6.1-s390x        image and BTF, by network when they are not there
#   vm_boot 6.1-s390x [GADGET...] > console

VM=${BTFPACK_VM:-$BUILD/vm}
VM_SOURCE=$ROOT/tests/vm

vm_say() { echo "$*" >&2; }

# vm_field NAME COLUMN: a word of the table.
vm_field() { awk -v name="$1" -v column="$2" '$1 == name { print $column }' "$VM_SOURCE/kernels"; }
vm_arch() { vm_field "$1" 3; }
vm_names() { awk '!/^#/ { print $1 }' "$VM_SOURCE/kernels"; }
vm_has_own_btf() { [ "$(vm_field "$1" 6)" = own ]; }

vm_compiler() {
  case $1 in
    "$(uname -m)") echo gcc ;;
    i686) echo i686-linux-gnu-gcc ;;
    s390x) echo s390x-linux-gnu-gcc ;;
    aarch64) echo aarch64-linux-gnu-gcc ;;
    armv7l) echo arm-linux-gnueabihf-gcc ;;
    ppc64le) echo powerpc64le-linux-gnu-gcc ;;
    *) echo gcc ;;
  esac
}

# BPF objects of an architecture's byte order: the gadgets, and one that is none.
vm_objects() {
  case $1 in
    s390x) ls "$BUILD"/bpf-gadgets/be/*.bpf.o "$BUILD"/tests/bpf/be/foreign.bpf.o ;;
    *) ls "$BUILD"/bpf-gadgets/*.bpf.o "$BUILD"/tests/bpf/foreign.bpf.o ;;
  esac
}

# vm_package NAME: the kernel's debug package as `btfpack list` tells it, one JSON line.
vm_package() {
  "$BTFPACK" list -q --distro debian --release "$(vm_field "$1" 2)" --arch "$(vm_arch "$1")" \
    --flavour "$(vm_field "$1" 4)" --uname "$(vm_field "$1" 5)" --latest 1 --json 2> /dev/null |
    head -n 1
}

# vm_module DIR PATH: a driver out of DIR/tar into DIR; an empty file where there is none.
vm_module() {
  local module=$1/${2##*/}.ko
  tar -xOf "$1/tar" --wildcards "*/kernel/drivers/$2.ko*" > "$module" 2> /dev/null || true
  if xz -tq "$module" 2> /dev/null; then
    xz -dc "$module" > "$module.raw" && mv "$module.raw" "$module"
  fi
}

# vm_tar DIR URL...: the first package that is there, as DIR/tar.
vm_tar() {
  local dir=$1 url
  for url in "${@:2}"; do
    curl -fsL --retry 3 -o "$dir/deb" "$url" || continue
    dpkg-deb --fsys-tarfile "$dir/deb" > "$dir/tar"
    rm -f "$dir/deb"
    return
  done
  vm_say "none of these can be had: ${*:2}"
  return 4
}

# The kernel's image and the drivers that guests need, out of the packages beside its debug
# package: since 7.0 one has the image and one the drivers, before both lie in one.
vm_image() {
  local dir=$VM/$1 package url name name_in
  [ ! -s "$dir/image" ] || return 0
  package=$(vm_package "$1")
  [ -n "$package" ] || { vm_say "$1: no such kernel in the archive"; return 4; }
  url=$(jq -r .url <<< "$package")
  name=${url##*/}
  vm_say "$1: fetching $(jq -r .uname <<< "$package")"
  vm_tar "$dir" "${url/-dbg_/-unsigned_}" "${url/-dbg_/_}" \
    "${url%/*}/$(sed 's/^linux-image-/linux-binary-unsigned-/; s/-dbg_/_/' <<< "$name")" || return
  name_in=$(tar -tf "$dir/tar" | grep -m 1 -E '/(boot|lib/modules/[^/]*)/vmlinu')
  tar -xOf "$dir/tar" "$name_in" > "$dir/image.part" || return 4
  if ! tar -tf "$dir/tar" | grep -q /kernel/drivers/; then
    vm_tar "$dir" "${url%/*}/$(sed 's/^linux-image-/linux-modules-/; s/-dbg_/_/' <<< "$name")" || return
  fi
  vm_module "$dir" block/loop
  vm_module "$dir" net/ethernet/intel/e1000/e1000
  jq -r .uname <<< "$package" > "$dir/uname"
  rm -f "$dir/tar"
  mv "$dir/image.part" "$dir/image"
}

# The words that name a kernel to btfpack.
vm_key() {
  echo --distro debian --release "$(vm_field "$1" 2)" --arch "$(vm_arch "$1")" \
    --uname "$(cat "$VM/$1/uname")"
}

# The BTF of a kernel that has none, into the archive: from Debian's debug package, or
# from a vmlinux of one's own.
vm_btf() {
  local dir=$VM/$1
  [ ! -e "$dir/stored" ] || return 0
  # shellcheck disable=SC2046
  if [ -s "$dir/vmlinux" ]; then
    "$BTFPACK" add -q --archive "$VM/archive" $(vm_key "$1") "$dir/vmlinux" > "$dir/log" || return 4
  else
    vm_say "$1: building its BTF from the debug package"
    # An index in disorder elsewhere makes its status 4, and need not matter.
    "$BTFPACK" build -q --archive "$VM/archive" $(vm_key "$1") > "$dir/log" 2>&1 || true
  fi
  # shellcheck disable=SC2046
  "$BTFPACK" ls -q --archive "$VM/archive" $(vm_key "$1") > /dev/null 2>&1 ||
    { cat "$dir/log" >&2; return 4; }
  touch "$dir/stored"
}

vm_prepare() {
  mkdir -p "$VM/$1"
  case $(vm_field "$1" 6) in
    own) vm_image "$1" ;;
    none) vm_image "$1" && vm_btf "$1" ;;
    built) "$VM_SOURCE/build-kernel" "$(vm_field "$1" 4)" "$VM/$1" && vm_btf "$1" ;;
    *) vm_say "no kernel '$1' in tests/vm/kernels"; return 2 ;;
  esac
}

# vm_bundle NAME: in $VM/NAME, "bundle", of all kernels of the archive that have NAME's
# architecture; "wrong.bundle", with NAME's very BTF under the name of another kernel; and
# "corrupt.bundle".
vm_bundle() {
  local name=$1 dir=$VM/$1 arch objects
  arch=$(vm_arch "$name")
  objects=$(vm_objects "$arch")
  rm -rf "$dir/others"
  # shellcheck disable=SC2046,SC2086
  {
    "$BTFPACK" bundle -q --archive "$VM/archive" --arch "$arch" -o "$dir/bundle" $objects &&
      "$BTFPACK" select -q --bundle "$dir/bundle" $(vm_key "$name") -o "$dir/small.btf" &&
      "$BTFPACK" add -q --archive "$dir/others" --distro debian --release "$(vm_field "$name" 2)" \
        --arch "$arch" --uname 9.9.9-other "$dir/small.btf" &&
      "$BTFPACK" bundle -q --archive "$dir/others" -o "$dir/wrong.bundle" $objects
  } > "$dir/log" || return
  python3 - "$dir/bundle" "$dir/corrupt.bundle" << 'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
for at in range(len(data) // 4, len(data)):
    data[at] ^= 0xff
open(sys.argv[2], "wb").write(data)
END
}

# vm_root NAME DIR: what the guest's initramfs holds.
vm_root() {
  local name=$1 root=$2 arch
  arch=$(vm_arch "$name")
  mkdir -p "$root"/{bin,proc,sys,dev,etc,tmp}
  "$(vm_compiler "$arch")" -D_GNU_SOURCE -O2 -Wall -static -s -o "$root/init" "$VM_SOURCE/guest.c"
  cp "$root/init" "$root/bin/hello"
  cp "$(vm_objects "$arch" | tail -n 1)" "$root/foreign.bpf.o"
  printf 'ID=debian\nVERSION_ID="%s"\n' "$(vm_field "$name" 2)" > "$root/etc/os-release"
  [ ! -s "$VM/$name/loop.ko" ] || cp "$VM/$name/loop.ko" "$root/loop.ko"
  cp "${O:-$ROOT/build}/btfrun-$arch" "$root/bin/btfrun"
  if ! vm_has_own_btf "$name"; then
    vm_bundle "$name" || return 4
    cp "$VM/$name/wrong.bundle" "$VM/$name/corrupt.bundle" "$root/"
    cp "$root/bin/btfrun" "$root/bin/btfrun-bare"
    "${O:-$ROOT/build}/btfrun-$(uname -m)" --attach "$VM/$name/bundle" --program "$root/bin/btfrun-bare" \
      -o "$root/bin/btfrun"
  fi
}

# vm_qemu ARCH ARGUMENTS...   On a busy machine a guest's timers come late: x86 kernels must
# not conclude that they do not come at all (no_timer_check).
vm_qemu() {
  local arch=$1 x86="console=ttyS0 no_timer_check"
  shift
  case $arch in
    x86_64) set -- qemu-system-x86_64 -M pc "$@" -append "$x86 $VM_APPEND" ;;
    i686) set -- qemu-system-i386 -M pc "$@" -append "$x86 $VM_APPEND" ;;
    s390x) set -- qemu-system-s390x -M s390-ccw-virtio "$@" -append "$VM_APPEND" ;;
    aarch64) set -- qemu-system-aarch64 -M virt -cpu cortex-a57 "$@" -append "console=ttyAMA0 $VM_APPEND" ;;
    armv7l) set -- qemu-system-arm -M virt,highmem=off -cpu cortex-a15 "$@" -append "console=ttyAMA0 $VM_APPEND" ;;
    ppc64le) set -- qemu-system-ppc64 -M pseries -vga none "$@" -append "console=hvc0 $VM_APPEND" ;;
  esac
  timeout "${VM_TIMEOUT:-1800}" "$@" -accel tcg -smp 1 -m 1024 -nographic -no-reboot < /dev/null
}

# vm_boot NAME [GADGET...]: the guest's console on stdout.
vm_boot() {
  local name=$1 dir=$VM/$1 root
  shift
  root=$(mktemp -d "$VM/root.XXXXXX")
  chmod 755 "$root"
  vm_root "$name" "$root" || return 4
  # The kernel's own /init messages need a console before devtmpfs is there.
  mknod "$root/dev/console" c 5 1 2> /dev/null || true
  (cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) > "$dir/initramfs"
  rm -rf "$root"
  VM_APPEND="quiet loglevel=3 panic=-1 nokaslr -- $*"
  vm_qemu "$(vm_arch "$name")" -kernel "$dir/image" -initrd "$dir/initramfs" | tr -d '\r'
}
