#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Who may use whom: stages call down and never sideways, each library has one owner, the loader
# needs libc and zstd alone. Held against #include lines and against the symbols of the objects.
. "$(dirname "$0")/lib.sh"

FOLDERS="core btf btfgen fetcher archive-index runtime-loader gadget-runner cli"

# What a folder may include of the others, besides include/btfpack.
layers_of() {
  case $1 in
    core | runtime-loader) ;;
    btf | fetcher) echo core ;;
    btfgen) echo core btf ;;
    archive-index) echo core btf runtime-loader/bundle-format.h ;;
    gadget-runner) echo core btf runtime-loader ;;
    cli) echo "$FOLDERS" ;;
  esac
}

# Headers and symbols of a library, and its owners. Where a library has several, each has its
# own use: BTF's compressed sections, the store's objects, a bundle's blobs; the store's own
# database and a repository's; what commands print and what services answer.
libraries() {
  cat << 'END'
libelf,libdw  ^(libelf|gelf|dwarf|elfutils/.*)\.h$    ^(elf|gelf|dwarf|dwfl|dwelf)_     btfgen
libbpf        ^bpf/                                   ^(libbpf_|bpf_|btf__|ring_buffer__|perf_buffer__)  gadget-runner
zlib          ^zlib\.h$                               ^(inflate|deflate|compress2?$|uncompress$)  gadget-runner btfgen
libcurl       ^curl/                                  ^curl_                            fetcher
libarchive    ^archive(_entry)?\.h$                   ^archive_                         fetcher
liblzma       ^lzma(/.*)?\.h$                         ^lzma_                            fetcher
expat         ^expat(_external)?\.h$                  ^XML_                             fetcher
sqlite        ^sqlite3\.h$                            ^sqlite3_                         archive-index fetcher
libzstd       ^zstd.*\.h$                             ^ZSTD_                            archive-index runtime-loader btfgen
libcrypto     ^openssl/                               ^(EVP_|SHA256|OPENSSL_)           core
jansson       ^jansson\.h$                            ^json_                            cli fetcher
END
}

# FILE HEADER, one a line, for every #include of a folder.
includes_of() {
  grep -HoE '^# *include [<"][^>"]+' "$1"/*.[ch] | sed -E 's/:# *include [<"]/ /'
}

complain() { echo "$*"; complaints=1; }

folders_include_downwards() {
  local folder file header other allowed complaints=
  for folder in $FOLDERS; do
    [ -d "$folder" ] || continue
    while read -r file header; do
      other=${header%%/*}
      case " $FOLDERS " in *" $other "*) ;; *) continue ;; esac
      [ "$other" != "$folder" ] || continue
      allowed=$(layers_of "$folder")
      case " $allowed " in
        *" $other "* | *" $header "*) ;;
        *) complain "$file includes $header: $folder/ may use: ${allowed:-nothing}" ;;
      esac
    done < <(includes_of "$folder")
  done
  [ -z "$complaints" ]
}

libraries_have_owners() {
  local folder file header name headers symbols owners complaints=
  while read -r name headers symbols owners; do
    for folder in $FOLDERS; do
      [ -d "$folder" ] || continue
      case " $owners " in *" $folder "*) continue ;; esac
      while read -r file header; do
        [[ $header =~ $headers ]] || continue
        complain "$file includes $header: $name belongs to $owners"
      done < <(includes_of "$folder")
    done
  done < <(libraries)
  [ -z "$complaints" ]
}

# public_headers_stand_alone: no header of include/ may need a folder or a library.
public_headers_stand_alone() {
  local file header complaints=
  while read -r file header; do
    case $header in
      btfpack/* | std*.h | errno.h | inttypes.h | string.h) ;;
      *) complain "$file includes $header: public headers need libc alone" ;;
    esac
  done < <(includes_of include/btfpack)
  for file in include/btfpack/*.h; do
    [ "$file" != include/btfpack/libbpf.h ] || continue # glue: comes after libbpf's own header
    echo "#include \"$file\"" | ${CC:-gcc} -std=c99 -Wall -Wextra -Wpedantic -Werror -Iinclude \
      -fsyntax-only -xc - || complain "$file does not compile alone as C99"
    echo "#include \"$file\"" | ${CXX:-g++} -Wall -Wextra -Werror -Iinclude -fsyntax-only -xc++ - ||
      complain "$file does not compile as C++"
  done
  [ -z "$complaints" ]
}

# The objects of a folder; btfrun.o is a program of its own.
objects_of() {
  local source
  for source in "$1"/*.c; do
    [ ! -e "$BUILD/${source%.c}.o" ] || echo "$BUILD/${source%.c}.o"
  done
}

defined_by() { nm --defined-only -g $(objects_of "$1") | awk 'NF == 3 { print $3 }' | sort -u; }
needed_by() { nm -u $(objects_of "$1") | awk '$1 == "U" { print $2 }' | sort -u; }

symbols_go_downwards() {
  local folder other complaints= symbols name headers pattern owners
  need nm
  for folder in $FOLDERS; do
    [ -n "$(objects_of "$folder")" ] || continue
    defined_by "$folder" > "defined-$folder"
    needed_by "$folder" > "needed-$folder"
  done
  cat defined-* | sort -u > ours
  for folder in $FOLDERS; do
    [ -e "needed-$folder" ] || continue
    for other in $FOLDERS; do
      [ -e "defined-$other" ] && [ "$other" != "$folder" ] || continue
      case " $(layers_of "$folder") " in *" $other "*) continue ;; esac
      comm -12 "needed-$folder" "defined-$other" > crossing
      [ ! -s crossing ] || complain "$folder/ needs $(tr '\n' ' ' < crossing)of $other/"
    done
    comm -23 "needed-$folder" ours > outside
    while read -r name headers pattern owners; do
      case " $owners " in *" $folder "*) continue ;; esac
      symbols=$(grep -E "$pattern" outside | tr '\n' ' ')
      [ -z "$symbols" ] || complain "$folder/ needs $symbols of $name, which belongs to $owners"
    done < <(libraries)
  done
  [ -z "$complaints" ]
}

loader_needs_libc_and_zstd() {
  local libc
  need nm
  libc=$(${CC:-gcc} -print-file-name=libc.so.6)
  [ -n "$(objects_of runtime-loader)" ] || skip "the loader is not built"
  nm -D --defined-only "$libc" | awk '{ sub(/@.*/, "", $3); print $3 }' | sort -u > libc
  needed_by runtime-loader > needed
  defined_by runtime-loader > own
  comm -23 needed own | comm -23 - libc |
    grep -vE '^(ZSTD_|__asan_|__ubsan_|__sanitizer_|_GLOBAL_OFFSET_TABLE_$)' > other || true
  [ ! -s other ] || { echo "the loader needs $(tr '\n' ' ' < other)"; return 1; }
}

# What is the whole process's is its program's to change; with threads, umask(2) cannot even be
# asked without changing it for all of them. The runner is a program's part: it has a terminal.
libraries_leave_the_process_alone() {
  local folder complaints= symbols
  need nm
  for folder in $FOLDERS; do
    case $folder in cli | gadget-runner) continue ;; esac
    symbols=$(needed_by "$folder" | grep -E '^(umask|f?chdir|(un)?setenv|putenv|setlocale|signal|sigaction|exit|_exit|abort|fork|system|popen|perror|v?printf|puts|putchar|stdout|stderr|strtok|localtime|gmtime|ctime|asctime|s?rand|s?random|getopt.*|usleep|alarm|tmpnam|mktemp)$' | tr '\n' ' ') || true
    [ -z "$symbols" ] || complain "$folder/ calls $symbols"
  done
  [ -z "$complaints" ]
}

# `run` gives each test an empty directory: sources are looked at from the top.
at_top() { cd "$ROOT"; "$@"; }
symbols_test() { ln -s "$ROOT"/* . ; symbols_go_downwards; }
loader_test() { ln -s "$ROOT"/* . ; loader_needs_libc_and_zstd; }
folders_test() { at_top folders_include_downwards; }
owners_test() { at_top libraries_have_owners; }
alone_test() { ln -s "$ROOT"/* . ; libraries_leave_the_process_alone; }
public_test() { at_top public_headers_stand_alone; }

run "folders include downwards only" folders_test
run "each library has its owners" owners_test
run "public headers stand alone, in C and C++" public_test
run "symbols go downwards only" symbols_test
run "the loader needs libc and zstd alone" loader_test
run "libraries leave the process alone" alone_test
finish
