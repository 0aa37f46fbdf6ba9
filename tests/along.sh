# SPDX-License-Identifier: BSD-2-Clause
# What cli-along and cli-stream ask alike of a package that is decoded while it is on its way.
# They say which: $package, $name, $uname and $vmlinux; `site` makes a mirror of it, `build` builds.

is_right() {
  "$BTFPACK" convert -o expected.btf "$vmlinux"
  "$BTFPACK" show --archive store --uname $uname -o found.btf
  cmp expected.btf found.btf
  expect_status 0 "$BTFPACK" verify --archive store
  [ -z "$(ls cache/files)" ]
}

nothing_stored() {
  [ -z "$("$BTFPACK" ls --archive store)" ]
  lacks "$name.*: converted" err
}
went_ahead() { grep -q "$name.*: extracted ahead" err; }
waited() { grep -q "$name.*: extracted in" err && ! went_ahead; }
fault() { echo "$package $*" > site/faults; }

goes_on_with_a_partial() {
  site
  serve
  fault gone 90000
  expect_status 4 build
  nothing_stored
  [ -s cache/files/*.partial ]
  rm site/faults
  serve
  expect_status 0 build
  grep -q 'continuing at byte 90000' err
  went_ahead
  is_right
}

begins_anew() {
  site
  serve
  fault gone 90000
  expect_status 4 build
  printf 'damaged' | dd of="$(ls cache/files/*.partial)" bs=1 seek=60000 conv=notrunc 2> /dev/null
  rm site/faults
  serve
  expect_status 0 build
  grep -q 'downloading it from the start' err
  waited
  is_right
}

# What goes on where it was is one file; what the server sends anew is another.
is_cut() {
  site
  serve
  fault cut-once 90000
  expect_status 0 build
  went_ahead
  is_right
  rm -rf store cache
  printf '%s cut-once 80000\n%s norange\n' "$package" "$package" > site/faults
  expect_status 0 build
  waited
  is_right
}
