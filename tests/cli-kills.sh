#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# build, merge and gc under ill fortune: killed at any moment, without room, two at a
# time. Whatever a command reported stored is there after it, the archive is clean,
# and the next run goes on. KILLS=200 kills that often each (20); SEED=N repeats a run.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"
KILLS=${KILLS:-20}
SEED=${SEED:-$$}
COUNT=10

# Kernels of a series, each of another BTF: ./kernels/N as a file of DWARF.
make_kernels() {
  mkdir kernels
  local n i
  for n in $(seq $COUNT); do
    for i in $(seq $((40 + n))); do
      echo "struct s$i { int a$((i % n)); struct s$i *next; long b$i; } v$i;"
    done > kernel.c
    gcc -g -nostdlib -static -Wl,-e,0 -Wl,--build-id -o "kernels/$n" kernel.c
  done
}

make_debs() {
  local n
  for n in $(seq $COUNT); do
    cp "$test_scratch/make/kernels/$n" "$test_scratch/vmlinux"
    kernel_deb "$mirror/debian/pool" "6.1.0-$((10 + n))-cloud-amd64" "6.1.$((10 + n))-1"
  done
  index "$mirror/debian" bookworm pool
  release "$mirror/debian" bookworm
}

# Commands to be killed are arrays: what runs is the process itself and no shell's child.
build_with() { # CACHE
  echo "$BTFPACK" build --archive store --distro debian --mirror "$url/debian" --keyring "$keyring" \
    --retries 0 --release 12 --flavour cloud-amd64 --cache "$1"
}
merge=("$BTFPACK" merge --archive store part1 part2)
gc=("$BTFPACK" gc --archive store)
held() { "$BTFPACK" ls --archive "${1:-store}" --json 2> /dev/null | jq -r '[.uname, .id] | join(" ")' | sort; }

# random N: 0 to N - 1
random() { echo $(((RANDOM << 15 | RANDOM) % $1)); }

# A wait without a process, which would take longer to start than gc takes.
exec {never}<> <(:)
wait_microseconds() {
  read -rt "$(printf '%d.%06d' $(($1 / 1000000)) $(($1 % 1000000)))" -u "$never" || true
}

# struck MICROSECONDS COMMAND...: killed after so long, unless it was faster. stdout: ./out
struck() {
  local after=$1 pid
  shift
  "$@" > out 2> err &
  pid=$!
  wait_microseconds "$after"
  kill -KILL $pid 2> /dev/null || true
  ended=done
  wait $pid 2> /dev/null || { [ $? != 137 ] || ended=killed; }
}

# is_whole FILE: what FILE names is there, with the contents it had, and all is clean.
is_whole() {
  held > now
  if [ -n "$(comm -23 "$1" now)" ]; then
    echo "reported stored, and missing:"; comm -23 "$1" now
    return 1
  fi
  [ ! -e store/index.sqlite ] || expect_status 0 "$BTFPACK" verify --archive store
}

# duration COMMAND...: microseconds
duration() {
  local start
  start=$(date +%s%N)
  "$@" > /dev/null 2>&1
  echo $((($(date +%s%N) - start) / 1000))
}

# What build said of each kernel that it stored: its last line may be torn.
told() { sed -n 's/^debian 12 x86_64 \([^ ]*\) .* \([0-9a-f]\{12\}\)$/\1 \2/p' out | sort; }

build_survives_kills() {
  serve
  local whole i killed=0 rounds=0 build
  read -ra build <<< "$(build_with cache)"
  whole=$(duration "${build[@]}")
  RANDOM=$SEED
  rm -rf store cache
  : > before
  for i in $(seq "$KILLS"); do
    struck "$(random "$whole")" "${build[@]}"
    [ $ended = done ] || killed=$((killed + 1))
    told > new
    held > now
    # Twelve digits of the id are told.
    if [ -n "$(comm -23 new <(sed 's/ \(.\{12\}\).*/ \1/' now))" ]; then
      echo "told, and missing:"; cat new now
      return 1
    fi
    is_whole before
    cp now before
    if [ "$(wc -l < now)" -gt $COUNT ]; then
      rounds=$((rounds + 1))
      rm -rf store
      : > before
    fi
  done
  expect_status 0 "${build[@]}"
  [ "$(held | wc -l)" = $((COUNT + 2)) ]
  is_whole before
  echo "build: $KILLS runs, $killed killed, $rounds archives filled, seed $SEED" >> "$test_scratch/notes"
}

# parts: two archives of which half is the same
make_parts() {
  local n part
  for n in $(seq $COUNT); do
    for part in $((n % 2 + 1)) $((n % 3 % 2 + 1)); do
      "$BTFPACK" add -q --archive "part$part" --distro d --release 1 --arch x86_64 \
        --uname "6.1.0-$n-amd64" "$test_scratch/make/kernels/$n"
    done
  done
}
merge_survives_kills() {
  make_parts
  local whole i killed=0 rounds=0
  whole=$(duration "${merge[@]}")
  held > all
  RANDOM=$SEED
  rm -rf store
  : > before
  for i in $(seq "$KILLS"); do
    struck "$(random "$whole")" "${merge[@]}"
    [ $ended = done ] || killed=$((killed + 1))
    is_whole before
    # Nothing but what belongs there.
    [ -z "$(comm -13 all now)" ]
    cp now before
    if cmp -s now all; then
      rounds=$((rounds + 1))
      rm -rf store
      : > before
    fi
  done
  expect_status 0 "${merge[@]}"
  held | cmp - all
  is_whole all
  echo "merge: $KILLS runs, $killed killed, $rounds archives filled, seed $SEED" >> "$test_scratch/notes"
}

unused() { "$BTFPACK" stats --archive store --json | jq .unused_bytes; }

# Every round removes what it added, and half of the rest was added again.
gc_survives_kills() {
  make_parts
  "${merge[@]}"
  held > all
  local whole i n killed=0
  "$BTFPACK" rm -q --archive store --uname '6.1.0-2-amd64' > /dev/null
  whole=$(duration "${gc[@]}")
  RANDOM=$SEED
  for i in $(seq "$KILLS"); do
    n=$((i % COUNT + 1))
    expect_status 0 "${merge[@]}"
    expect_status 0 "$BTFPACK" rm -q --archive store --uname "6.1.0-$n-amd64"
    held > before
    struck "$(random "$whole")" "${gc[@]}"
    [ $ended = done ] || killed=$((killed + 1))
    is_whole before
    cmp before now
  done
  expect_status 0 "${gc[@]}"
  is_whole before
  [ "$(unused)" = 0 ]
  expect_status 0 "${merge[@]}"
  held | cmp - all
  echo "gc: $KILLS runs, $killed killed, seed $SEED" >> "$test_scratch/notes"
}

# Two builders, both killed, then both let go on.
builders_share() {
  serve
  local whole i killed=0 build other_build other status=0
  read -ra build <<< "$(build_with cache)"
  read -ra other_build <<< "$(build_with cache2)"
  whole=$(duration "${build[@]}")
  RANDOM=$SEED
  rm -rf store cache
  : > before
  for i in $(seq $(((KILLS + 1) / 2))); do
    "${other_build[@]}" > out2 2> err2 &
    other=$!
    struck "$(random "$whole")" "${build[@]}"
    [ $ended = done ] || killed=$((killed + 1))
    kill -KILL $other 2> /dev/null || true
    wait $other 2> /dev/null || { [ $? != 137 ] || killed=$((killed + 1)); }
    told > new
    held > now
    [ -z "$(comm -23 new <(sed 's/ \(.\{12\}\).*/ \1/' now))" ]
    is_whole before
    cp now before
    if [ "$(wc -l < now)" -gt $COUNT ]; then rm -rf store; : > before; fi
  done
  rm -rf store
  "${other_build[@]}" > out2 2> err2 &
  other=$!
  expect_status 0 "${build[@]}"
  wait $other || status=$?
  [ $status = 0 ]
  [ "$(held | wc -l)" = $((COUNT + 2)) ]
  held > before
  is_whole before
  echo "two builders: $killed killed, seed $SEED" >> "$test_scratch/notes"
}

# in_little_room SIZE FUNCTION...: run it with ./store on a file system of SIZE kB of its
# own, in a mount namespace: nothing is left behind, whatever happens.
in_little_room() {
  unshare -m true 2> /dev/null || skip "cannot mount a small tmpfs: not root"
  rm -rf store
  mkdir store
  { declare -p BTFPACK TESTS COUNT; declare -f
    echo 'set -e; mount --make-rprivate /; mount -t tmpfs -o size="${1}k" tmpfs store; shift; "$@"'
  } > within
  unshare -m bash within "$@"
}

# goes_on_with_room START COUNT COMMAND...: it runs out of room, gets more, and goes on to
# COUNT kernels. START: an archive to begin with, or none.
goes_on_with_room() {
  local start=$1 count=$2
  shift 2
  [ "$start" = none ] || cp -r "$start/." store
  held > before
  expect_status 4 "$@"
  grep -q 'o space left on device\|disk is full' err || { cat err; return 1; }
  told > new
  held > now
  [ -z "$(comm -23 new <(sed 's/ \(.\{12\}\).*/ \1/' now))" ]
  is_whole before
  mount -o remount,size=64m store
  expect_status 0 "$@"
  is_whole now
  [ "$(held | wc -l)" = "$count" ]
}

room_of() { du -sk --apparent-size "$1" | cut -f 1; }

# What lies in the cache has room enough.
build_survives_no_room() {
  serve
  local build room part
  read -ra build <<< "$(build_with cache) --keep"
  expect_status 0 "${build[@]}"
  room=$(room_of store)
  for part in 2 5 8; do
    in_little_room $((room * part / 10)) goes_on_with_room none $((COUNT + 2)) "${build[@]}"
  done
}

merge_survives_no_room() {
  make_parts
  "${merge[@]}"
  local room part
  room=$(room_of store)
  for part in 2 5 8; do
    in_little_room $((room * part / 10)) goes_on_with_room none $COUNT "${merge[@]}"
  done
}

# gc copies: there is room for the archive, but not for what it writes anew.
gc_survives_no_room() {
  make_parts
  "${merge[@]}"
  "$BTFPACK" rm -q --archive store --uname '6.1.0-2-amd64' > /dev/null
  rm -rf start
  cp -r store start
  in_little_room $(($(room_of start) + 8)) goes_on_with_room start $((COUNT - 1)) "${gc[@]}"
}

need jq strip
prepare_mirror
(set -e; cd "$test_scratch/make"; make_kernels; make_debs) > "$test_scratch/log" 2>&1 ||
  { cat "$test_scratch/log"; echo "Bail out! cannot make the kernels"; exit 1; }
run "build survives kills" build_survives_kills
run "merge survives kills" merge_survives_kills
run "gc survives kills" gc_survives_kills
run "builders share an archive, killed or not" builders_share
run "build survives a full disk" build_survives_no_room
run "merge survives a full disk" merge_survives_no_room
run "gc survives a full disk" gc_survives_no_room
sed 's/^/# /' "$test_scratch/notes" 2> /dev/null
finish_mirror
finish
