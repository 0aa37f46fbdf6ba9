#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Objects × kernels, with libbpf itself as the witness (see witness-relocate.c):
# every relocation on the full BTF, on ours for that object, on ours for all
# objects together, and on bpftool's minimized BTF where bpftool makes one.
#
#   BTFPACK_OBJECTS=DIR BTFPACK_KERNELS=DIR tests/witness-minify.sh
#
# DIR of objects: *.o. DIR of kernels: *.btf or */kernel.btf. Not part of `make
# check`: it needs real objects and kernels. LIBBPF=DIR (include/ and lib/ below)
# links another libbpf than the system's, BPFTOOL=FILE asks another bpftool.
# WITNESS=COMMAND asks a libbpf of another byte order, see witness-cases.sh.
. "$(dirname "$0")/lib.sh"
: "${BTFPACK_OBJECTS:?directory of BPF objects}" "${BTFPACK_KERNELS:?directory of kernel BTF}"
BPFTOOL=${BPFTOOL:-bpftool}
if [ -z "${WITNESS:-}" ]; then
  make -s -C "$ROOT" witness ${LIBBPF:+LIBBPF="$LIBBPF"} > "$test_scratch/make" 2>&1 || {
    cat "$test_scratch/make"; exit 1; }
  WITNESS=$BUILD/tests/witness-relocate
fi

objects=("$BTFPACK_OBJECTS"/*.o)
pairs=0 compared=0 differ=0 skipped=0 refused=0 peer_pairs=0 peer_none=0
cd "$test_scratch" || exit 1
for kernel in "$BTFPACK_KERNELS"/*.btf "$BTFPACK_KERNELS"/*/kernel.btf; do
  [ -f "$kernel" ] || continue
  "$BTFPACK" minify -q --allow-missing -o all.btf "$kernel" "${objects[@]}" || differ=$((differ + 1))
  for object in "${objects[@]}"; do
    "$BTFPACK" minify -q --allow-missing -o one.btf "$kernel" "$object" || {
      differ=$((differ + 1)); continue; }
    others=(all.btf one.btf)
    if "$BPFTOOL" gen min_core_btf "$kernel" peer.btf "$object" > peer.log 2>&1; then
      others+=(peer.btf) peer_pairs=$((peer_pairs + 1))
    else
      peer_none=$((peer_none + 1))
    fi
    $WITNESS "$object" "$kernel" "${others[@]}" > log 2>&1
    [ $? != 77 ] || refused=$((refused + 1))
    read -r c d s < <(tail -n 1 log |
      sed -n 's/.*: \([0-9]*\) compared, \([0-9]*\) differ, \([0-9]*\) skipped$/\1 \2 \3/p')
    if [ -z "${d:-}" ]; then
      cat log; differ=$((differ + 1)); continue
    fi
    [ "$d" = 0 ] || grep '^#' log
    [ "${V:-0}" = 0 ] || grep '^#' log
    pairs=$((pairs + 1)) compared=$((compared + c)) differ=$((differ + d)) skipped=$((skipped + s))
  done
done
echo "# ${#objects[@]} objects × kernels: $pairs pairs, $compared relocations compared," \
  "$differ differences, $skipped not loaded by libbpf; libbpf refused $refused pairs for other" \
  "reasons; bpftool minimized $peer_pairs pairs, failed on $peer_none"
[ "$differ" = 0 ] && [ "$pairs" -gt 0 ] && echo "ok 1 - libbpf agrees" || echo "not ok 1 - libbpf agrees"
echo "1..1"
