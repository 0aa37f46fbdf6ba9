# SPDX-License-Identifier: BSD-2-Clause
# Real kernels in qemu, for tests/vm/check-vm and tests/real-vm.sh. Everything that is
# made once lies in $VM/<kernel>: image, loop.ko, uname, and for kernels without BTF
# btf (whole). Guests run under emulation, one at a time, with one CPU.
#
#   . tests/vm/lib.sh
#   vm_prepare 6.1-s390x        image and BTF, by network when they are not there
#   vm_bundle                   $VM/<kernel>/bundle and friends, of all that are prepared
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
    *) echo gcc ;;
  esac
}

# BPF objects of an architecture's byte order.
vm_objects() {
  case $1 in
    s390x) ls "$BUILD"/bpf-gadgets/be/*.bpf.o ;;
    *) ls "$BUILD"/bpf-gadgets/*.bpf.o ;;
  esac
}

# vm_package NAME: the kernel's debug package as `btfpack list` tells it, one JSON line.
vm_package() {
  "$BTFPACK" list -q --distro debian --release "$(vm_field "$1" 2)" --arch "$(vm_arch "$1")" \
    --flavour "$(vm_field "$1" 4)" --uname "$(vm_field "$1" 5)" --latest 1 --json 2> /dev/null |
    head -n 1
}

# The kernel's image and the loop driver, out of the package beside its debug package.
vm_image() {
  local dir=$VM/$1 package url
  [ ! -s "$dir/image" ] || return 0
  package=$(vm_package "$1")
  [ -n "$package" ] || { vm_say "$1: no such kernel in the archive"; return 4; }
  url=$(jq -r .url <<< "$package")
  vm_say "$1: fetching $(jq -r .uname <<< "$package")"
  curl -fsSL --retry 3 -o "$dir/deb" "${url/-dbg_/-unsigned_}" ||
    curl -fsSL --retry 3 -o "$dir/deb" "${url/-dbg_/_}" || return 4
  dpkg-deb --fsys-tarfile "$dir/deb" > "$dir/tar"
  tar -xOf "$dir/tar" --wildcards '*/kernel/drivers/block/loop.ko*' > "$dir/loop.ko" || true
  if xz -tq "$dir/loop.ko" 2> /dev/null; then
    xz -dc "$dir/loop.ko" > "$dir/loop.ko.raw" && mv "$dir/loop.ko.raw" "$dir/loop.ko"
  fi
  jq -r .uname <<< "$package" > "$dir/uname"
  tar -xOf "$dir/tar" --wildcards './boot/vmlinu*' > "$dir/image.part"
  rm -f "$dir/deb" "$dir/tar"
  mv "$dir/image.part" "$dir/image"
}

# Its BTF, for those that have none: the debug package's vmlinux, converted.
vm_btf() {
  local dir=$VM/$1 vmlinux
  [ ! -s "$dir/btf" ] || return 0
  vmlinux=$dir/vmlinux
  if [ "$(vm_field "$1" 6)" = none ] && [ ! -s "$vmlinux" ]; then
    vm_say "$1: fetching its debug package"
    vmlinux=$("$BTFPACK" fetch -q --distro debian --release "$(vm_field "$1" 2)" \
      --arch "$(vm_arch "$1")" --uname "$(cat "$dir/uname")" --latest 1 --json -o "$dir" |
      jq -r .path | head -n 1)
  fi
  [ -s "$vmlinux" ] || { vm_say "$1: no vmlinux with debug information"; return 4; }
  vm_say "$1: converting"
  "$BTFPACK" convert -q -o "$dir/btf" "$vmlinux"
  rm -f "$vmlinux"
}

vm_prepare() {
  mkdir -p "$VM/$1"
  case $(vm_field "$1" 6) in
    own) vm_image "$1" ;;
    none) vm_image "$1" && vm_btf "$1" ;;
    built) "$VM_SOURCE/build-kernel" "$VM/$1" && vm_btf "$1" ;;
    *) vm_say "no kernel '$1' in tests/vm/kernels"; return 2 ;;
  esac
}

# One tree of minified BTF of all BTF-less kernels that are prepared, one bundle of it:
# so that there is something to choose from. And a bundle of all but NAME, and a damaged one.
vm_bundle() {
  local name=$1 kernel tree
  rm -rf "$VM/tree" "$VM/tree-others"
  for kernel in $(vm_names); do
    [ -s "$VM/$kernel/btf" ] || continue
    tree=debian/$(vm_field "$kernel" 2)/$(vm_arch "$kernel")
    mkdir -p "$VM/tree/$tree" "$VM/tree-others/$tree"
    # shellcheck disable=SC2046
    "$BTFPACK" minify -q -o "$VM/tree/$tree/$(cat "$VM/$kernel/uname").btf" "$VM/$kernel/btf" \
      $(vm_objects "$(vm_arch "$kernel")")
    [ "$kernel" = "$name" ] || cp "$VM/tree/$tree/$(cat "$VM/$kernel/uname").btf" \
      "$VM/tree-others/$tree/"
  done
  # The same BTF under another kernel's name: a wrong one there always is.
  tree=debian/$(vm_field "$name" 2)/$(vm_arch "$name")
  if [ -s "$VM/$name/btf" ]; then
    cp "$VM/tree/$tree/$(cat "$VM/$name/uname").btf" "$VM/tree-others/$tree/9.9.9-other.btf"
    "$BTFPACK" bundle -q --from "$VM/tree-others" -o "$VM/wrong.bundle"
    "$BTFPACK" bundle -q --from "$VM/tree" -o "$VM/bundle"
    # One byte in the middle is another.
    python3 - "$VM/bundle" "$VM/corrupt.bundle" << 'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
for at in range(len(data) // 4, len(data)):
    data[at] ^= 0xff
open(sys.argv[2], "wb").write(data)
END
  fi
}

# vm_root NAME DIR: what the guest's initramfs holds.
vm_root() {
  local name=$1 root=$2 arch
  arch=$(vm_arch "$name")
  mkdir -p "$root"/{bin,proc,sys,dev,etc,tmp}
  "$(vm_compiler "$arch")" -D_GNU_SOURCE -O2 -Wall -static -s -o "$root/init" "$VM_SOURCE/guest.c"
  cp "$root/init" "$root/bin/hello"
  printf 'ID=debian\nVERSION_ID="%s"\n' "$(vm_field "$name" 2)" > "$root/etc/os-release"
  [ ! -s "$VM/$name/loop.ko" ] || cp "$VM/$name/loop.ko" "$root/loop.ko"
  cp "${O:-$ROOT/build}/btfrun-$arch" "$root/bin/btfrun"
  if [ -s "$VM/$name/btf" ]; then
    vm_bundle "$name"
    cp "$VM/wrong.bundle" "$VM/corrupt.bundle" "$root/"
    cp "$root/bin/btfrun" "$root/bin/btfrun-bare"
    "${O:-$ROOT/build}/btfrun-$(uname -m)" --attach "$VM/bundle" --program "$root/bin/btfrun-bare" \
      -o "$root/bin/btfrun"
  fi
}

# vm_qemu ARCH ARGUMENTS...
vm_qemu() {
  local arch=$1
  shift
  case $arch in
    x86_64) set -- qemu-system-x86_64 -M pc "$@" -append "console=ttyS0 $VM_APPEND" ;;
    i686) set -- qemu-system-i386 -M pc "$@" -append "console=ttyS0 $VM_APPEND" ;;
    s390x) set -- qemu-system-s390x -M s390-ccw-virtio "$@" -append "$VM_APPEND" ;;
    aarch64) set -- qemu-system-aarch64 -M virt -cpu cortex-a57 "$@" -append "console=ttyAMA0 $VM_APPEND" ;;
  esac
  timeout "${VM_TIMEOUT:-300}" "$@" -accel tcg -smp 1 -m 1024 -nographic -no-reboot < /dev/null
}

# vm_boot NAME [GADGET...]: the guest's console on stdout.
vm_boot() {
  local name=$1 dir=$VM/$1 root
  shift
  root=$(mktemp -d "$VM/root.XXXXXX")
  chmod 755 "$root"
  vm_root "$name" "$root"
  # The kernel's own /init messages need a console before devtmpfs is there.
  mknod "$root/dev/console" c 5 1 2> /dev/null || true
  (cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$dir/initramfs"
  rm -rf "$root"
  VM_APPEND="quiet loglevel=3 panic=-1 -- $*"
  vm_qemu "$(vm_arch "$name")" -kernel "$dir/image" -initrd "$dir/initramfs" | tr -d '\r'
}
