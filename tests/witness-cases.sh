#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Single cases of CO-RE with a known answer, such as the kernel's selftests
# (core_reloc), with libbpf as the witness of every value:
#
#   BTFPACK_CASES=DIR tests/witness-cases.sh
#
# DIR/cases has a line for each: NAME OBJECT TARGET loads|fails, the files relative
# to DIR; what follows is not read. TARGET is an object whose BTF stands for the
# kernel's; several with commas between are the kernel's and those of its modules;
# "-" is BTFPACK_KERNEL. Of each case must hold:
#
#   - `check` answers loads (exit 0) or fails (exit 1), on the full BTF and on ours;
#   - libbpf makes of every relocation what we make of it, on the full BTF and on ours.
#
# Not part of `make check`: the kernel's selftests are not ours to copy. LIBBPF=DIR
# as for witness-minify.sh. WITNESS=COMMAND asks a libbpf of another byte order:
# "qemu-s390x-static build/witness-s390x" (make witness-s390x).
. "$(dirname "$0")/lib.sh"
: "${BTFPACK_CASES:?directory of cases}"
if [ -z "${WITNESS:-}" ]; then
  make -s -C "$ROOT" witness ${LIBBPF:+LIBBPF="$LIBBPF"} > "$test_scratch/make" 2>&1 || {
    cat "$test_scratch/make"; exit 1; }
  WITNESS=$BUILD/tests/witness-relocate
fi

# answer OBJECT BTF [MODULE.btf...]: loads, fails or a status.
answer() {
  local object=$1 btf=$2 status=0 modules=()
  shift 2
  local module
  for module; do modules+=(--module "$module"); done
  "$BTFPACK" check --btf "$btf" "${modules[@]}" "$object" > check.log 2>&1 || status=$?
  case $status in 0) echo loads;; 1) echo fails;; *) echo "check-exits-$status";; esac
}

# try_case OBJECT TARGETS WANTED: what is wrong, and the number of relocations compared.
try_case() {
  local object=$BTFPACK_CASES/$1 wanted=$3 targets=() target modules=() status=0 got
  for target in ${2//,/ }; do
    [ "$target" != - ] || target=${BTFPACK_KERNEL:?}
    case $target in /*) targets+=("$target");; *) targets+=("$BTFPACK_CASES/$target");; esac
  done
  for target in "${targets[@]:1}"; do modules+=(--module "$target"); done
  got=$(answer "$object" "${targets[@]}")
  [ "$got" = "$wanted" ] || { echo "expected $wanted, check says $got"; return; }
  "$BTFPACK" minify -q --allow-missing "${modules[@]}" -o small.btf "${targets[0]}" "$object" 2> log || {
    cat log; return; }
  got=$(answer "$object" small.btf)
  [ "$got" = "$wanted" ] || { echo "expected $wanted, check says $got of the minimized BTF"; return; }
  $WITNESS "${modules[@]}" "$object" "${targets[0]}" small.btf > log 2>&1 || status=$?
  compared=$((compared + $(tail -n 1 log | sed -n 's/.*: \([0-9]*\) compared,.*/\1/p')))
  [ $status = 0 ] || head -n 3 log
}

cd "$test_scratch" || exit 1
number=0 failed=0 compared=0
while read -r name object target wanted _; do
  number=$((number + 1))
  try_case "$object" "$target" "$wanted" > said
  if [ -s said ]; then
    failed=$((failed + 1))
    sed 's/^/# /' said
    echo "not ok $number - $name"
  else
    echo "ok $number - $name"
  fi
done < "$BTFPACK_CASES/cases"
echo "# $((number - failed)) of $number cases, $compared relocations compared with libbpf"
echo "1..$number"
[ $failed = 0 ] && [ $number -gt 0 ]
