#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Modules: out of packages into the archive, and what is done with them there.
. "$(dirname "$0")/lib.sh"
. "$TESTS/mirror.sh"

deb_path=debian/pool/linux-image-$KERNEL-dbg_6.1.9-1_amd64.deb
MODULES=usr/lib/debug/lib/modules/$KERNEL/kernel

build_command() {
  echo "$BTFPACK" build --archive store --distro debian --mirror "$url/debian" --fallback none \
    --keyring "$keyring" --cache cache --retries 0 --release 12 --modules
}
build() { $(build_command) "$@"; }
store() { local verb=$1; shift; "$BTFPACK" "$verb" --archive store "$@"; }
module() { store show --uname "$KERNEL" --module "$@"; }

# module_tree: ./tree of a package with a vmlinux that k.c became, and modules: m1, and m-2,
# which is called m_2
module_tree() {
  [ -e k.o ] || make_modules
  gcc -nostdlib -static -Wl,-e,0 -Wl,--build-id -o vmlinux k.o
  "$BTFPACK" convert -q -o vmlinux.btf vmlinux
  cp m2.o m-2.ko; cp m1.o m1.ko
  mkdir -p tree/usr/lib/debug/boot "tree/$MODULES/fs" "tree/$MODULES/net/sched"
  cp vmlinux "tree/usr/lib/debug/boot/vmlinux-$KERNEL"
  cp m1.ko "tree/$MODULES/fs/m1.ko"
  cp m-2.ko "tree/$MODULES/net/sched/m-2.ko"
}

# module_site: the mirror with that package; what is behind -- changes the tree first
module_site() {
  cp -r "$mirror" site
  module_tree
  "$@"
  deb "site/$deb_path" "$NAME" 6.1.9-1
}

# expect_modules: what the archive gives is what convert makes
expect_modules() {
  expect_status 0 module m1 -o m1.got
  expect_status 0 module m_2 -o m2.got
  "$BTFPACK" convert -q --base vmlinux.btf -o m1.expected m1.ko
  "$BTFPACK" convert -q --base vmlinux.btf -o m2.expected m-2.ko
  cmp m1.expected m1.got
  cmp m2.expected m2.got
  expect_status 0 store verify
}

builds() {
  module_site :
  repack_index; serve
  expect_status 0 build --uname "$KERNEL"
  grep -q ' 2 modules$' out
  expect_modules
  expect_status 0 store ls --uname "$KERNEL"
  grep -q '  2 modules ' out
  expect_status 0 store ls --json --uname "$KERNEL"
  jq -e '.modules == 2 and .modules_failed == 0 and .modules_stored_size > 0' out
  expect_status 0 module '*'
  [ "$(cut -d' ' -f1 out | tr '\n' ' ')" = 'm1 m_2 ' ]
  expect_status 0 module '*' -o all
  [ "$(ls all | tr '\n' ' ')" = 'm1 m_2 vmlinux ' ]
  cmp all/vmlinux vmlinux.btf
  cmp all/m1 m1.got
  expect_status 1 module none -o none
  expect_status 2 module '*' -o -
  : > requests
  expect_status 0 build --uname "$KERNEL"
  lacks pool requests
  grep -q '0 stored, 1 in the archive already' err
}

# Compressed by themselves, with other names, on any number of threads; in blocks and not.
builds_others() {
  compress() {
    xz "tree/$MODULES/fs/m1.ko"
    mv "tree/$MODULES/net/sched/m-2.ko" "tree/$MODULES/net/sched/m-2.ko.debug"
    gzip -c m1.ko > "tree/$MODULES/fs/m3.ko.gz"
    zstd -q m1.ko -o "tree/$MODULES/fs/m4.ko.zst"
    cp m1.ko "tree/$MODULES/fs/m5.ko.bak"
    mkdir -p "tree/usr/lib/debug/lib/modules/other/kernel" tree/lib/modules/$KERNEL/kernel
    cp m1.ko tree/usr/lib/debug/lib/modules/other/kernel/m6.ko
    cp m1.ko tree/lib/modules/$KERNEL/kernel/m7.ko
    ln -s m1.ko.xz "tree/$MODULES/fs/m8.ko"
  }
  module_site compress
  reblock "site/$deb_path" 5000
  repack_index; serve
  for jobs in 1 5; do
    rm -rf store
    expect_status 0 build --uname "$KERNEL" --json "-j$jobs"
    jq -es '.[1] | .event == "stored" and .modules == 4 and .modules_failed == [] and
      .modules_size > 0' out
    expect_modules
    expect_status 0 module 'm[34]' -o others
    cmp others/m3 m1.got
    cmp others/m4 m1.got
    store show --uname "$KERNEL" --json | jq -c 'del(.added, .changed, .modules_changed)' \
      > "shown-$jobs"
  done
  cmp shown-1 shown-5
}

# A module that is damaged, or of a name that was there, is said; the kernel is stored.
leaves_out_bad_ones() {
  spoil() {
    echo nonsense > "tree/$MODULES/fs/bad.ko"
    xz -c m1.ko | head -c 100 > "tree/$MODULES/fs/cut.ko.xz"
    cp m1.ko "tree/$MODULES/net/m1.ko"
  }
  module_site spoil
  repack_index; serve
  expect_status 0 build --uname "$KERNEL"
  grep -q ' 2 modules$' out
  grep -q 'module bad: ' err
  grep -q 'module cut: ' err
  grep -q 'module m1: another ' err
  expect_modules
  expect_status 0 store show --uname "$KERNEL"
  grep -q '  modules    2, .* stored; 3 more could not be had' out
  rm -rf store
  expect_status 0 build --uname "$KERNEL" --json
  jq -es '.[1].modules_failed | map(.module) == ["bad", "cut", "m1"] and all(.reason | length > 0)' out
}

says_that_there_are_none() {
  cp -r "$mirror" site
  serve
  expect_status 0 build --uname "$KERNEL"
  grep -q ' 0 modules$' out
  grep -q 'its package has no modules' err
  expect_status 0 build --uname "$KERNEL"
  grep -q '1 in the archive already' err
  expect_status 1 module m1
  expect_status 2 build --partial
  expect_status 0 store verify
}

# Held without modules: with --modules it is not.
builds_again_for_modules() {
  module_site :
  repack_index; serve
  expect_status 0 $(build_command | sed 's/--modules//') --uname "$KERNEL"
  expect_status 1 module m1 -o m1.got
  grep -q 'build --modules' err
  expect_status 0 build --uname "$KERNEL" --dry-run
  grep -q '1 to build' err
  expect_status 0 build --uname "$KERNEL"
  expect_modules
  expect_status 0 $(build_command | sed 's/--modules//') --uname "$KERNEL"
  grep -q '1 in the archive already' err
}

# What an rpm has comes as a stream, modules before vmlinux.
builds_from_rpm() {
  need rpmbuild createrepo_c
  . "$TESTS/rpm-mirror.sh"
  module_tree
  rm -rf tree
  local dir=site/rocky/9/BaseOS/x86_64/debug/tree place=tree/usr/lib/debug/lib/modules/$RPM_UNAME
  mkdir -p "$place/kernel/fs"
  cp vmlinux "$place/vmlinux"
  cp m1.ko "$place/kernel/fs/m1.ko.debug"
  cp m-2.ko "$place/kernel/fs/m-2.ko.debug"
  rpm_of "$dir/Packages/k" kernel-debuginfo 5.14.0 70.13.1.el9_0 w1.zstdio
  rpm_index "$dir"
  serve
  expect_status 0 "$BTFPACK" build --archive store --distro rocky --release 9 --arch x86_64 --modules \
    --mirror "$url/rocky" --keyring "$keyring" --cache cache --retries 0
  KERNEL=$RPM_UNAME
  expect_modules
}

goes_with_its_kernel() {
  module_site :
  repack_index; serve
  expect_status 0 build
  [ "$(store ls | wc -l)" = 4 ]
  expect_status 0 "$BTFPACK" merge --archive merged store --json
  [ "$(jq -c '[.stored, .known]' out)" = '[4,0]' ]
  expect_status 0 "$BTFPACK" merge --archive merged store --json
  [ "$(jq -c '[.stored, .known]' out)" = '[0,4]' ]
  module '*' -o all
  expect_status 0 "$BTFPACK" show --archive merged --uname "$KERNEL" --module '*' -o again
  diff -r all again
  store stats --json > stats
  jq -e '.module_kernels == 4 and .modules == 2 and .module_bytes > 0' stats
  expect_status 0 store rm --uname "$KERNEL"
  expect_status 0 store gc
  expect_status 0 store verify
  store stats --json | jq -e '.module_kernels == 3 and .modules == 0'
}

# Published with their kernel, and when they come later; pulled by who has the kernel already.
travels() {
  module_site :
  repack_index; serve
  $(build_command | sed 's/--modules//') --uname "$KERNEL" > /dev/null
  expect_status 0 "$BTFPACK" publish --cache cache --archive store there
  expect_status 0 "$BTFPACK" pull --cache cache --archive back there
  build > /dev/null
  expect_status 0 "$BTFPACK" publish --cache cache --archive store there --json
  [ "$(jq -c '[.kernels, .known]' out)" = '[4,0]' ]
  expect_status 0 "$BTFPACK" pull --cache cache --archive back there
  grep -q '^btfpack: 4 stored, 1 were there already' err
  module '*' -o all
  expect_status 0 "$BTFPACK" show --archive back --uname "$KERNEL" --module '*' -o again
  diff -r all again
  expect_status 0 "$BTFPACK" verify --archive back
  expect_status 0 "$BTFPACK" pull --cache cache --archive back there
  grep -q '^btfpack: 0 stored, 5 were there already' err
  expect_status 0 "$BTFPACK" publish --cache cache --archive back there
  grep -q '0 kernels published, 4 were there already' err
  expect_status 0 "$BTFPACK" pull --cache cache --archive fresh there
  expect_status 0 "$BTFPACK" show --archive fresh --uname "$KERNEL" --module '*' -o fresh.d
  diff -r all fresh.d
}

# Without modules a program that needs one is refused, with them it loads; what the bundle
# carries serves libbpf on the real thing.
serves_programs() {
  need clang
  module_site :
  repack_index; serve
  $(build_command | sed 's/--modules//; s/--archive store/--archive bare/') --uname "$KERNEL" > /dev/null
  build --uname "$KERNEL" > /dev/null
  expect_status 1 "$BTFPACK" check --archive bare --json modules.bpf.o
  jq -es 'map(select(.program == "of_m1")) | .[0].verdict != "loads"' out
  expect_status 1 "$BTFPACK" check --archive store --json modules.bpf.o
  jq -es 'map(select(.program == "of_m1")) | .[0] | .verdict == "loads" and .modules == ["m1"]' out
  expect_status 0 "$BTFPACK" check --archive store both.bpf.o
  expect_status 0 "$BTFPACK" bundle --archive store -o b.bundle modules.bpf.o both.bpf.o
  expect_status 0 "$BTFPACK" select --bundle b.bundle --distro debian --release 12 --arch x86_64 \
    --uname "$KERNEL" -o small.btf
  module '*' -o all
  "$BTFPACK" minify -q --allow-missing -o expected.btf all modules.bpf.o both.bpf.o
  cmp expected.btf small.btf
  # The same as with all of them read.
  verdicts() { jq -c 'select(.program) | [.object, .program, .verdict, .reason, .modules]'; }
  "$BTFPACK" check --json --archive store modules.bpf.o both.bpf.o | verdicts > stored
  "$BTFPACK" check --json --btf all modules.bpf.o both.bpf.o | verdicts > read
  [ -s stored ]
  cmp stored read
  # Again, from what was kept; and anew when modules come or go.
  "$BTFPACK" bundle -q --archive store -o again.bundle modules.bpf.o both.bpf.o
  cmp b.bundle again.bundle
  "$BTFPACK" bundle -q --archive bare -o bare.bundle modules.bpf.o both.bpf.o
  differ b.bundle bare.bundle
}

KEY="--distro debian --release 12 --arch x86_64"

# A kernel of one's own: modules out of a directory, however they lie there.
adds() {
  module_tree
  xz "tree/$MODULES/net/sched/m-2.ko"
  ln -s m1.ko "tree/$MODULES/fs/m3.ko"
  cp m1.ko "tree/$MODULES/fs/m4.ko.bak"
  expect_status 0 store add $KEY --uname "$KERNEL" --modules tree --json vmlinux
  jq -e '.stored and .modules == 2 and .modules_failed == 0' out
  expect_modules
  expect_status 0 store add $KEY --uname "$KERNEL" --modules tree --json vmlinux
  jq -e '.stored | not' out
  expect_status 2 store add $KEY --uname "$KERNEL" --set s --modules tree vmlinux
  mkdir empty
  expect_status 3 "$BTFPACK" add --archive none $KEY --uname "$KERNEL" --modules empty vmlinux
  grep -q "empty: no module of $KERNEL" err
  [ ! -e none ]
  expect_status 4 "$BTFPACK" add --archive none $KEY --uname "$KERNEL" --modules gone vmlinux
}

adds_from_package() {
  module_tree
  deb kernel.deb "$NAME" 6.1.9-1
  expect_status 0 store add $KEY --modules kernel.deb kernel.deb
  grep -q ', 2 modules$' err
  expect_modules
}

# /sys/kernel/btf, or what show and export make of an archive.
adds_split_btf() {
  module_tree
  store add -q $KEY --uname "$KERNEL" --modules tree vmlinux
  module '*' -o all
  expect_status 0 "$BTFPACK" add --archive other $KEY --uname "$KERNEL" all
  "$BTFPACK" show --archive other --uname "$KERNEL" --module '*' -o again
  diff -r all again
  expect_status 0 store export --format sysfs -o exported
  diff -r all "exported/debian/12/x86_64/$KERNEL"
  expect_status 0 "$BTFPACK" import --archive imported --json exported
  [ "$(jq -r .uname out)" = "$KERNEL" ]
  expect_status 0 "$BTFPACK" import --archive imported exported
  grep -q '0 stored, 1 were there already, 0 failed' err
  "$BTFPACK" export --archive imported --format sysfs -o once-more
  diff -r exported once-more
  rm all/m*
  expect_status 0 "$BTFPACK" add --archive bare $KEY --uname "$KERNEL" all
  "$BTFPACK" show --archive bare --json | jq -e 'has("modules") | not'
}

# What another kernel's modules are, and what is none, is said and left out.
refuses_foreign_modules() {
  module_tree
  store add -q $KEY --uname "$KERNEL" --modules tree vmlinux
  module '*' -o all
  cat > o.c << 'END'
struct uncommon { int alpha; long beta; struct uncommon *next_of_it; };
long in_another(struct uncommon *c, short s, char more[4]) { return c->beta; }
END
  gcc -g -c o.c
  gcc -nostdlib -static -Wl,-e,0 -o other o.o
  "$BTFPACK" convert -q -o other.btf other
  "$BTFPACK" convert -q --base other.btf -o all/foreign m1.ko
  head -c 100 all/m1 > all/cut
  echo nonsense > all/no.ko
  echo nonsense > all/README
  mkdir all/deep; cp all/m_2 all/deep/m1
  expect_status 3 "$BTFPACK" add --archive second $KEY --uname "$KERNEL" --json all
  jq -e '.stored and .modules == 2 and .modules_failed == 4' out
  for bad in 'foreign: ' 'cut: ' 'no: ' 'm1: another module'; do grep -q "module $bad" err; done
  expect_status 0 "$BTFPACK" verify --archive second
  # Few types and long names: all numbers are in bounds, names are not where names begin.
  rm all/m* all/cut all/no.ko; rm -r all/deep
  "$BTFPACK" convert -q --base vmlinux.btf -o all/foreign m1.ko
  cp other.btf all/vmlinux
  expect_status 3 "$BTFPACK" add --archive third $KEY --uname "$KERNEL" all
  grep -q 'module foreign: .*another kernel' err
  [ ! -e third ]
  mkdir -p tree2/debian/12/x86_64; mv all "tree2/debian/12/x86_64/$KERNEL"
  expect_status 3 "$BTFPACK" import --archive third tree2
  grep -q 'module foreign: .*another kernel' err
}

prepare_mirror
run "builds" builds
run "builds from other packages" builds_others
run "leaves out bad ones" leaves_out_bad_ones
run "says that there are none" says_that_there_are_none
run "builds again for modules" builds_again_for_modules
run "builds from an rpm" builds_from_rpm
run "goes with its kernel" goes_with_its_kernel
run "travels" travels
run "serves programs" serves_programs
run "adds" adds
run "adds from a package" adds_from_package
run "adds split BTF" adds_split_btf
run "refuses foreign modules" refuses_foreign_modules
finish_mirror
finish
