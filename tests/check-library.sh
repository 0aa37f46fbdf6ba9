#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# libbtfpack as its users have it: from what `make install-library` puts there, by pkg-config, with
# programs written by the headers alone.
. "$(dirname "$0")/lib.sh"

# Into ./dest; ./built is a program of them.
install_library() {
  need pkg-config
  [ "$BUILD" = "${BUILD%/debug}" ] || skip "sanitizers link more"
  make -C "$ROOT" install-library DESTDIR="$PWD/dest" PREFIX=/usr O="$BUILD" DEBUG=0 DEPS=skip > log
  export PKG_CONFIG_PATH=$PWD/dest/usr/lib/pkgconfig
}

# build NAME: of NAME.c, without a word of warning.
build() {
  local flags
  flags=$(pkg-config --define-prefix --cflags btfpack)
  # shellcheck disable=SC2086
  gcc -Wall -Wextra -Werror $flags -o "$1" "$1.c" $(pkg-config --define-prefix --libs btfpack)
}

make_kernel() {
  echo 'struct task_struct { int pid; struct task_struct *real_parent; int tgid; char comm[16]; } init;' > k.c
  gcc -g -shared -nostdlib -o kernel k.c
}

converts() {
  install_library; make_kernel
  cat > convert.c << 'END'
#include <stdio.h>
#include <btfpack/btfgen.h>

int main(int argc, char **argv)
{
	struct btfpack_blob btf = { 0 };
	struct btfpack_error err;
	char id[BTFPACK_BUILD_ID_SIZE];

	if (argc != 2)
		return 2;
	if (btfpack_build_id(argv[1], id, &err) < 0 || btfpack_convert(argv[1], NULL, &btf, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	fwrite(btf.data, 1, btf.size, stdout);
	btfpack_blob_free(&btf);
	return 0;
}
END
  build convert
  "$BTFPACK" convert -o expected kernel
  ./convert kernel | cmp - expected
  expect_status 1 ./convert k.c
  grep -q 'k.c: not an ELF file' err
}

minifies_and_checks() {
  install_library; make_kernel
  cat > minify.c << 'END'
#include <stdio.h>
#include <btfpack/btfgen.h>
#include <btfpack/check.h>
#include <btfpack/minify.h>

static void tell(const struct btfpack_program_verdict *v, void *arg)
{
	fprintf(arg, "%s: %d\n", v->program, (int)v->verdict);
}

int main(int argc, char **argv)
{
	struct btfpack_minify_opts opts = { .size = sizeof(opts), .flags = BTFPACK_MINIFY_ALLOW_MISSING };
	struct btfpack_check_kernel kernel = { .size = sizeof(kernel), .name = "kernel" };
	struct btfpack_blob full = { 0 }, small = { 0 };
	struct btfpack_minifier *minifier = NULL;
	struct btfpack_checker *checker = NULL;
	struct btfpack_error err = { 0 };

	kernel.btf = &full;
	if (argc == 3 && btfpack_convert(argv[1], NULL, &full, &err) == 0 &&
	    btfpack_minifier_new(&minifier, &err) == 0 &&
	    btfpack_minifier_add_object(minifier, argv[2], &err) == 0 &&
	    btfpack_minifier_run(minifier, &full, argv[1], &opts, &small, &err) == 0 &&
	    btfpack_checker_new(&checker, &err) == 0 &&
	    btfpack_checker_add_object(checker, argv[2], &err) == 0 &&
	    btfpack_checker_run(checker, &kernel, tell, stderr, &err) == 0)
		fwrite(small.data, 1, small.size, stdout);
	btfpack_checker_free(checker);
	btfpack_minifier_free(minifier);
	btfpack_blob_free(&small);
	btfpack_blob_free(&full);
	return err.code != 0;
}
END
  build minify
  "$BTFPACK" convert -o full kernel
  "$BTFPACK" minify -q --allow-missing -o expected full "$BUILD/bpf-gadgets/execsnoop.bpf.o"
  ./minify kernel "$BUILD/bpf-gadgets/execsnoop.bpf.o" 2> verdicts | cmp - expected
  "$BTFPACK" check --json --btf full "$BUILD/bpf-gadgets/execsnoop.bpf.o" > out || [ $? = 1 ]
  [ "$(wc -l < verdicts)" = "$(wc -l < out)" ]
}

# An archive, and the loader beside it: both libraries in one program.
stores_and_selects() {
  install_library; make_kernel
  cat > store.c << 'END'
#include <stdio.h>
#include <btfpack/archive.h>
#include <btfpack/btfgen.h>
#include <btfpack/loader.h>

int main(int argc, char **argv)
{
	const struct btfpack_kernel key = { "debian", "12", "x86_64", "6.1.0-1-amd64", NULL };
	struct btfpack_loader_opts opts = { .size = sizeof(opts), .flags = BTFPACK_LOADER_IGNORE_ENV };
	struct btfpack_archive *archive = NULL;
	struct btfpack_loader *loader;
	struct btfpack_blob btf = { 0 };
	struct btfpack_error err = { 0 };
	struct btfpack_id id;

	opts.btf_file = argv[2];
	if (argc != 3 || btfpack_convert(argv[1], NULL, &btf, &err) < 0 ||
	    btfpack_archive_open("store", BTFPACK_ARCHIVE_CREATE, &archive, &err) < 0 ||
	    btfpack_archive_add(archive, &key, NULL, &btf, NULL, &id, &err) < 0 ||
	    btfpack_loader_open(NULL, &opts, &loader, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	puts(btfpack_loader_reason(loader));
	btfpack_loader_close(loader);
	btfpack_archive_close(archive);
	btfpack_blob_free(&btf);
	return 0;
}
END
  # shellcheck disable=SC2046
  gcc -Wall -Wextra -Werror -o store-it store.c \
    $(pkg-config --define-prefix --cflags --libs btfpack btfpack-loader)
  "$BTFPACK" convert -o named.btf kernel
  LD_LIBRARY_PATH=$PWD/dest/usr/lib expect_status 0 ./store-it kernel named.btf
  grep -q 'the caller names named.btf: chosen' out
  "$BTFPACK" show -q --archive store --uname 6.1.0-1-amd64 -o - | cmp - named.btf
}

# What the headers declare and nothing else.
names_are_the_headers() {
  install_library; need nm
  nm -g --defined-only dest/usr/lib/libbtfpack.a dest/usr/lib/libbtfpack-loader.a | awk 'NF == 3 { print $3 }' |
    grep '^btfpack_' | sort -u > defined
  nm -g --defined-only dest/usr/lib/libbtfpack.a | awk 'NF == 3 { print $3 }' | lacks -v '^btfpack_'
  grep -ohE '\bbtfpack_[a-z0-9_]+\(' dest/usr/include/btfpack/*.h | tr -d '(' | sort -u > mentioned
  sed -nE '/^(typedef|static|return)/d; s/^[a-zA-Z].*[ *](btfpack_[a-z0-9_]+)\(.*/\1/p' dest/usr/include/btfpack/*.h |
    sort -u > declared
  [ "$(wc -l < declared)" -gt 60 ]
  comm -13 mentioned defined > undeclared
  [ ! -s undeclared ] || { cat undeclared; return 1; }
  comm -23 declared defined > missing
  [ ! -s missing ] || { cat missing; return 1; }
}

run "a program that converts" converts
run "a program that minifies and checks" minifies_and_checks
run "a program with an archive and the loader" stores_and_selects
run "names are the headers' own" names_are_the_headers
finish
