#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What the loader promises to those who embed it: small, libc and zstd alone, C
# and C++, static, musl, without zstd, its symbols versioned.
. "$(dirname "$0")/lib.sh"
SOURCES="$ROOT/runtime-loader/*.c"
FLAGS="-std=c11 -D_FILE_OFFSET_BITS=64 -I$ROOT/include -O2"

program() {
  cat > main.c << 'END'
#include <stdio.h>
#include <btfpack/loader.h>
int main(int argc, char **argv)
{
	struct btfpack_host host = { "debian", "12", "x86_64", "6.1.0-1-amd64", "" };
	struct btfpack_loader_opts opts = { .size = sizeof(opts), .host = &host };
	struct btfpack_loader *loader;
	struct btfpack_error err;
	const void *btf;
	size_t size;

	if (argc != 2)
		return 1;
	if (btfpack_loader_open(argv[1], &opts, &loader, &err) < 0) {
		puts(err.message);
		return -err.code;
	}
	btf = btfpack_loader_btf_data(loader, &size);
	fwrite(btf, 1, size, stdout);
	btfpack_loader_close(loader);
	return 0;
}
END
}

# A tree with one kernel whose BTF is long enough to be compressed, as two bundles.
bundles() {
  mkdir -p tree/debian/12/x86_64
  { printf '\237\353\1\0\30\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\350\3\0\0'; head -c 1000 /dev/zero; } \
    > tree/debian/12/x86_64/6.1.0-1-amd64.btf
  "$BTFPACK" import -q --archive store tree
  "$BTFPACK" bundle -q --archive store -o zstd.bundle
  "$BTFPACK" bundle -q --archive store --plain -o plain.bundle
}

reads_both() {
  for bundle in zstd plain; do
    "$1" $bundle.bundle | cmp - tree/debian/12/x86_64/6.1.0-1-amd64.btf
  done
}

reads_plain_only() {
  "$1" plain.bundle | cmp - tree/debian/12/x86_64/6.1.0-1-amd64.btf
  expect_status 38 "$1" zstd.bundle # ENOSYS
  grep -q 'built without zstd' out
}

links_libc_and_zstd() {
  need readelf nm
  [ "$BUILD" = "${BUILD%/debug}" ] || skip "sanitizers link more"
  readelf -d "$BUILD/libbtfpack-loader.so.0" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' > needed
  lacks -vE '^lib(c|zstd)\.so\.[0-9]+$' needed
  nm -u "$BUILD/libbtfpack-loader.so.0" | sed 's/.* //; s/@.*//' | sort -u > undefined
  # No printing, no exit, no threads, no signals, no environment but by secure_getenv().
  lacks -xE '(v?f?printf|puts|perror|exit|_exit|abort|pthread_.*|signal|sigaction|getenv|setenv|system|popen|dl.*)' \
    undefined
  # The archive needs nothing of ours beyond itself.
  nm "$BUILD/libbtfpack-loader.a" | awk 'NF == 3 && $2 ~ /[TRDBC]/ { print $3 }' | sort -u > defined
  nm -u "$BUILD/libbtfpack-loader.a" | awk '/ U / { print $2 }' | sort -u > wanted
  comm -13 defined wanted | lacks -E '^(btfpack|bundle|host|select|story|verdicts|buf|fs|log|digest)_'
}

has_no_globals() {
  nm "$BUILD/libbtfpack-loader.a" | awk 'NF == 3 && $2 ~ /^[bBC]$/' | lacks -vE '(asan|ubsan|Lubsan)'
}

is_small() {
  [ "$BUILD" = "${BUILD%/debug}" ] || skip "sanitizers add code"
  size "$BUILD/libbtfpack-loader.a" | awk 'NR > 1 { sum += $1 + $2 } END { print sum; exit sum > 102400 }'
}

exports_the_header() {
  nm -D --defined-only "$BUILD/libbtfpack-loader.so.0" | sed -n 's/.* T \(btfpack_.*\)@@BTFPACK_LOADER_.*/\1/p' |
    sort > exported
  sed -n '/BTFPACK_EXPORT/,/[;{]/p' "$ROOT/include/btfpack/loader.h" | tr -d '\n' |
    grep -oE 'btfpack_[a-z_]+\(' | tr -d '(' | sort -u > declared
  diff exported declared
}

is_cpp() {
  need g++
  printf '#include <btfpack/loader.h>\n#include <btfpack/bundle.h>\nint main() { btfpack_loader_close(nullptr); }\n' > main.cc
  g++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -I"$ROOT/include" -c main.cc
  [ -n "$(echo '#include <bpf/libbpf.h>' | g++ -E -x c++ - 2>/dev/null)" ] || return 0
  printf '#include <bpf/libbpf.h>\n#include <btfpack/libbpf.h>\n' > glue.cc
  g++ -std=c++11 -Wall -Werror -I"$ROOT/include" -c glue.cc
}

builds_by_copy() {
  mkdir -p copy/btfpack
  cp $SOURCES "$ROOT"/runtime-loader/*.h copy
  cp "$ROOT"/include/btfpack/{error,loader}.h copy/btfpack
  program; bundles
  gcc -std=c11 -Wall -Wextra -Werror -O2 -Icopy -D_FILE_OFFSET_BITS=64 -o copied main.c copy/*.c -lzstd
  reads_both ./copied
}

builds_without_zstd() {
  program; bundles
  gcc $FLAGS -DBTFPACK_WITHOUT_ZSTD -Wall -Wextra -Werror -o without main.c $SOURCES
  reads_plain_only ./without
}

builds_static() {
  program; bundles
  gcc $FLAGS -static -o static main.c $SOURCES -lzstd || skip "no static libzstd or libc here"
  if ldd ./static 2> /dev/null; then return 1; fi
  reads_both ./static
}

builds_with_musl() {
  need musl-gcc
  program; bundles
  # The one header it needs, without the system's other ones.
  mkdir header
  cp "$(echo '#include <xxhash.h>' | gcc -E -M - | grep -o '/[^ ]*/xxhash\.h')" header
  musl-gcc $FLAGS -Iheader -Wall -Wextra -Werror -static -o musl main.c $SOURCES
  reads_plain_only ./musl
}

builds_for_big_endian() {
  need s390x-linux-gnu-gcc qemu-s390x-static
  program; bundles
  s390x-linux-gnu-gcc $FLAGS -DBTFPACK_WITHOUT_ZSTD -static -o big main.c $SOURCES
  expect_status 0 qemu-s390x-static ./big plain.bundle
  cmp out tree/debian/12/x86_64/6.1.0-1-amd64.btf
}

builds_with_make_alone() {
  PKG_CONFIG=false make -C "$ROOT" loader O="$PWD/out" DEBUG=0 LOADER_ZSTD= > log
  nm -u out/libbtfpack-loader.a | lacks ZSTD
}

# Kernels before 3.17 have no memfd_create(2), those before 3.11 no O_TMPFILE.
builds_on_old_kernels() {
  cat > old.c << 'END'
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

long __wrap_syscall(long number, ...)
{
	errno = ENOSYS;
	return -1;
}
int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | O_DIRECTORY) ? va_arg(args, int) : 0;
	va_end(args);
	if (TMPFILE && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EISDIR;
		return -1;
	}
	return __real_open(path, flags, mode);
}
END
  program; bundles
  local refuses
  for refuses in 0 1; do
    # Without -D_FILE_OFFSET_BITS, which renames open().
    gcc -std=c11 -I"$ROOT/include" -DTMPFILE=$refuses -Wl,--wrap=syscall -Wl,--wrap=open -o old main.c old.c \
      $SOURCES -lzstd
    ls -A /dev/shm /run /tmp > before
    reads_both ./old
    ls -A /dev/shm /run /tmp | grep '^btfpack\.' | lacks -vxFf before
  done
}

installs() {
  need pkg-config
  program; bundles
  make -C "$ROOT" install-loader DESTDIR="$PWD/dest" PREFIX=/usr O="$PWD/out" DEBUG=0 > log
  export PKG_CONFIG_SYSROOT_DIR=$PWD/dest PKG_CONFIG_PATH=$PWD/dest/usr/lib/pkgconfig
  gcc $(pkg-config --cflags btfpack-loader) -o shared main.c $(pkg-config --libs btfpack-loader)
  LD_LIBRARY_PATH=$PWD/dest/usr/lib reads_both ./shared
}

# Whoever installs with umask 077 does so for others; distributions have their own folders.
installs_for_others() {
  need pkg-config
  local folders="PREFIX=/usr LIBDIR=/usr/lib/some-arch"
  (umask 077; make -C "$ROOT" install-loader DESTDIR="$PWD/dest" $folders O="$PWD/out" DEBUG=0 > log)
  [ -z "$(find dest/usr ! -type l ! -perm -044)" ]
  [ -z "$(find dest/usr -type d ! -perm -011)" ]
  PKG_CONFIG_PATH=$PWD/dest/usr/lib/some-arch/pkgconfig pkg-config --libs btfpack-loader |
    grep -q -- '-L/usr/lib/some-arch -lbtfpack-loader'
  make -C "$ROOT" uninstall DESTDIR="$PWD/dest" $folders O="$PWD/out" DEBUG=0 > log
  find dest ! -type d > left
  [ ! -s left ]
  [ ! -e dest/usr/include/btfpack ]
}

run "loader links libc and zstd, and calls nothing it should not" links_libc_and_zstd
run "loader has no variables" has_no_globals
run "loader is at most 100 KB" is_small
run "shared library exports what the header declares" exports_the_header
run "headers are C++" is_cpp
run "loader builds from a copy of its folder" builds_by_copy
run "loader builds without zstd" builds_without_zstd
run "loader builds static" builds_static
run "loader builds with musl" builds_with_musl
run "loader builds for a big-endian machine" builds_for_big_endian
run "make loader needs a compiler alone" builds_with_make_alone
run "loader builds on old kernels" builds_on_old_kernels
run "make install-loader, pkg-config, shared library" installs
run "make install-loader under any umask, and uninstall" installs_for_others
finish
