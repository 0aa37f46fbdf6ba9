#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# A real kernel without BTF, with gadgets that tell the truth: Debian's s390x 6.1 under
# emulation. The rest of the kernels and gadgets are `make check-vm`.
. "$(dirname "$0")/lib.sh"
. "$TESTS/vm/lib.sh"

kernel=6.1-s390x

two_gadgets_see_what_happens() {
  need qemu-system-s390x s390x-linux-gnu-gcc cpio jq curl
  [ -x "${O:-$ROOT/build}/btfrun-s390x" ] || skip "btfrun-s390x is not built"
  vm_prepare "$kernel" || skip "$kernel could not be had"
  vm_boot "$kernel" execsnoop opensnoop > console
  "$TESTS/vm/compare" console execsnoop opensnoop
  # The BTF came from the bundle, and nothing else would have done.
  grep -a '^@words execsnoop' console | grep -q ': chosen'
  grep -a '^@words' console | lacks 'kernel has its own BTF'
}
run "execsnoop and opensnoop tell the truth on s390x 6.1 without BTF" two_gadgets_see_what_happens
finish
