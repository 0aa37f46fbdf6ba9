# SPDX-License-Identifier: BSD-2-Clause
# btfpack: one non-recursive Makefile.
#
#   make              the tool, the libraries, the BPF objects
#   make deps         install with apt what building and testing need and is missing
#   make demo         one real Debian kernel all the way (needs the network)
#   make check        all tests that need no network
#   make check-real   tests against the real mirror, and in a real kernel with qemu
#   make check-verdicts  what check says of programs, and what real kernels do with them
#   make check-vm     every gadget in real kernels, one over ssh; KERNELS= and GADGETS= pick some
#   make check-browser  the page of check --html in Chromium
#   make check-foreign OBJECTS=DIR  btfrun with others' objects, without their tools
#   make check-clients  bcc, cilium/ebpf and libbpf with our exports on a BTF-less kernel
#   make bench        speed, memory and size beside the peers
#   make bench-build  build beside BTFHub's way, with a mirror
#   make bench-archive  what thousands of kernels weigh and take: SOURCES=, GROWN=
#   make fuzz         libFuzzer targets, FUZZ_SECONDS each; fuzz-afl: AFL++ on those of convert
#   make loader       the loader library alone: needs a C compiler, libc and xxhash.h
#   make btfrun       the runner and its gadgets as one static program
#   make install      DESTDIR= PREFIX=/usr/local, LIBDIR= and the like for distributions;
#                     install-loader: only the loader; install-library: it and libbtfpack;
#                     uninstall: all away again
#   make format       clang-format on all C files
#   make clean        remove what was built
#
#   V=1 shows commands; O=DIR builds elsewhere; DEBUG=1 builds with ASan and
#   UBSan (into O/debug), TSAN=1 with TSan (into O/tsan); WERROR=1 makes warnings errors; FILTER=word picks tests;
#   DEPS=skip never installs packages; CC, CLANG, CFLAGS, LDFLAGS as usual.

VERSION := 0.1.0
PREFIX ?= /usr/local
V ?= 0
O ?= build
DEBUG ?= 0

TSAN ?= 0

ifeq ($(DEBUG),1)
BUILD := $(O)/debug
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
else ifeq ($(TSAN),1)
BUILD := $(O)/tsan
OPT := -O1 -g -fno-omit-frame-pointer -fsanitize=thread
else
BUILD := $(O)
OPT := -O2 -g
endif

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n' $(1) $(2)
endif
MAKEFLAGS += --no-print-directory --no-builtin-rules
.DELETE_ON_ERROR:
# Keep what lies between a source and a program: the next build needs it again.
.SECONDARY:

CC ?= gcc
ifeq ($(origin CC),default)
CC := gcc
endif
CLANG ?= clang
AR := ar
PKG_CONFIG ?= pkg-config
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
	-Wwrite-strings -Wformat=2 -Wundef -Wno-unused-parameter -Wno-missing-field-initializers $(if $(WERROR),-Werror)
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DBTFPACK_VERSION='"$(VERSION)"' \
	-Iinclude -I. $(OPT) $(WARN) -fvisibility=hidden -pthread $(CFLAGS)
ALL_LDFLAGS := $(OPT) -pthread $(LDFLAGS)

# --- folders, and the external libraries each of them owns --------------------------------------
FOLDERS := core btf btfgen fetcher archive-index runtime-loader gadget-runner cli
PKGS_core := libcrypto
PKGS_btfgen := libelf libdw libzstd zlib
PKGS_fetcher := libcurl libarchive liblzma expat sqlite3 jansson
PKGS_archive-index := sqlite3 libzstd
PKGS_runtime-loader := libzstd
PKGS_gadget-runner := libbpf libelf zlib
PKGS_cli := jansson
PKGS := $(sort $(foreach f,$(FOLDERS),$(PKGS_$(f))))
pkg_cflags = $(if $(1),$(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null))
# libbpf is linked in: what is loaded does not hang on the version a machine has.
LIBS := $(patsubst -lbpf,-l:libbpf.a,$(shell $(PKG_CONFIG) --libs $(PKGS) 2>/dev/null))

$(foreach f,$(FOLDERS),$(eval SRC_$(f) := $(sort $(wildcard $(f)/*.c))))
SRC_gadget-runner := $(filter-out gadget-runner/btfrun.c,$(SRC_gadget-runner))
$(foreach f,$(FOLDERS),$(eval OBJ_$(f) := $$(SRC_$(f):%.c=$(BUILD)/%.o)))
$(foreach f,$(FOLDERS),$(eval $(BUILD)/$(f)/%.o: PKG_FLAGS := $(call pkg_cflags,$(PKGS_$(f)))))

# What tests link: everything but main().
LIB_OBJ := $(foreach f,$(filter-out cli,$(FOLDERS)),$(OBJ_$(f))) $(BUILD)/embedded-gadgets.o
CLI_OBJ := $(OBJ_cli)
BPF_SRC := $(sort $(wildcard bpf-gadgets/*.bpf.c))
BPF_OBJ := $(BPF_SRC:%.c=$(BUILD)/%.o)
BPF_OBJ_BE := $(BPF_SRC:bpf-gadgets/%.c=$(BUILD)/bpf-gadgets/be/%.o)

.PHONY: all help libraries
all: $(BUILD)/btfpack $(BPF_OBJ) $(BPF_OBJ_BE) loader library
	@:

help:
	@sed -n '3,/^$$/s/^# \{0,3\}//p' $(firstword $(MAKEFILE_LIST))

# One sentence instead of a page of missing headers. The loader needs none of them.
libraries:
	@for p in $(PKGS) libxxhash; do $(PKG_CONFIG) --exists $$p || missing="$$missing $$p"; done; \
	[ -z "$$missing" ] || { \
		echo "btfpack: $(PKG_CONFIG) does not know$$missing; 'make deps' installs them" >&2; exit 1; }

$(filter-out $(OBJ_runtime-loader),$(LIB_OBJ) $(CLI_OBJ)): | libraries

$(BUILD)/btfpack: $(CLI_OBJ) $(BUILD)/libbtfpack-all.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(CLI_OBJ) $(BUILD)/libbtfpack-all.a $(LIBS)

$(BUILD)/libbtfpack-all.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/cli/bundle-emit.o: cli/forms/select.go
$(BUILD)/cli/check-html.o: cli/check-page.html

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(PKG_FLAGS) -MMD -MP -c -o $@ $<

# --- the loader alone: a C compiler, libc, xxhash.h, and zstd when it is there ------------------------------
# LOADER_ZSTD= builds it without zstd; it then reads uncompressed bundles only.
LOADER_ZSTD := $(shell echo '\#include <zstd.h>' | $(CC) $(CFLAGS) -E - > /dev/null 2>&1 && echo 1)
LOADER_LIBS := $(if $(LOADER_ZSTD),-lzstd)
LOADER_PIC := $(SRC_runtime-loader:%.c=$(BUILD)/pic/%.o)
LOADER_SO := libbtfpack-loader.so.0

.PHONY: loader
loader: $(BUILD)/libbtfpack-loader.a $(BUILD)/$(LOADER_SO)

$(OBJ_runtime-loader) $(LOADER_PIC): PKG_FLAGS := $(if $(LOADER_ZSTD),,-DBTFPACK_WITHOUT_ZSTD)

$(BUILD)/libbtfpack-loader.a: $(OBJ_runtime-loader)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(BUILD)/pic/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(PKG_FLAGS) -fPIC -MMD -MP -c -o $@ $<

$(BUILD)/$(LOADER_SO): $(LOADER_PIC) runtime-loader/loader.map
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(LOADER_SO) \
		-Wl,--version-script=runtime-loader/loader.map -o $@ $(LOADER_PIC) $(LOADER_LIBS)

# --- the library of the stages ----------------------------------------------------------------------
# One object of which nothing is seen from outside but btfpack_*: names such as buf_add are in
# nobody's way. The loader is a library of its own, and so the runner stays out, which needs it.
LIBRARY_FOLDERS := core btf btfgen fetcher archive-index
LIBRARY_PKGS := $(sort $(foreach f,$(LIBRARY_FOLDERS),$(PKGS_$(f))))
OBJCOPY ?= objcopy

.PHONY: library
library: $(BUILD)/libbtfpack.a

$(BUILD)/libbtfpack.a: $(foreach f,$(LIBRARY_FOLDERS),$(OBJ_$(f)))
	$(call say,AR,$@)
	$(Q)$(CC) -r -nostdlib -o $(@:.a=.o) $^
	$(Q)$(OBJCOPY) -w --keep-global-symbol='btfpack_*' $(@:.a=.o)
	$(Q)rm -f $@ && $(AR) rcs $@ $(@:.a=.o) && rm -f $(@:.a=.o)

# --- BPF objects -----------------------------------------------------------------------------------
# One object serves every architecture of its byte order. What goes into programs is
# without DWARF (CO-RE needs only BTF) and compressed.
BPF_CFLAGS := -g -O2 -Wall -Wextra -Wno-unused-parameter -Ibpf-gadgets
BPF_HEADERS := $(wildcard bpf-gadgets/*.h)
BPF_GZ := $(BPF_OBJ:%=%.gz)
BPF_GZ_BE := $(BPF_GZ:$(BUILD)/bpf-gadgets/%=$(BUILD)/bpf-gadgets/be/%)
LLVM_STRIP ?= $(firstword $(wildcard $(patsubst %,/usr/bin/%,llvm-strip $(foreach v,14 15 16 17 18 19 20,llvm-strip-$(v)))) llvm-strip)

$(BUILD)/bpf-gadgets/%.bpf.o: bpf-gadgets/%.bpf.c $(BPF_HEADERS)
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf $(BPF_CFLAGS) -c -o $@ $<

$(BUILD)/bpf-gadgets/be/%.bpf.o: bpf-gadgets/%.bpf.c $(BPF_HEADERS)
	$(call say,BPFEB,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpfeb $(BPF_CFLAGS) -c -o $@ $<

%.bpf.o.gz: %.bpf.o
	$(Q)$(LLVM_STRIP) -g -o $@.stripped $<
	$(Q)gzip -9nc $@.stripped > $@ && rm -f $@.stripped

$(BUILD)/embedded-gadgets.c: $(BPF_GZ) scripts/embed-gadgets
	$(Q)scripts/embed-gadgets $(BPF_GZ) > $@

$(BUILD)/embedded-gadgets.o: $(BUILD)/embedded-gadgets.c
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# --- btfrun: the runner with its gadgets as one static program -----------------------------------
# `make btfrun` for this machine, `make btfrun-<arch>` for another. The libraries of
# other architectures are unpacked from their Debian packages by scripts/cross-libs.
BTFRUN_ARCHES := x86_64 aarch64 armv7l i686 ppc64le s390x
BTFRUN_SRC := $(SRC_gadget-runner) gadget-runner/btfrun.c $(SRC_runtime-loader) \
	core/arch.c core/buf.c core/cursor.c core/fs.c core/log.c core/utf8.c btf/btf-view.c
BTFRUN_CFLAGS = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64 \
	-DBTFPACK_VERSION='"$(VERSION)"' -Iinclude -I. -Os -ffunction-sections -fdata-sections $(WARN) \
	-fvisibility=hidden
HOST_ARCH := $(shell uname -m)
VM_ARCHES := $(BTFRUN_ARCHES)

TRIPLET_x86_64 := x86_64-linux-gnu
TRIPLET_aarch64 := aarch64-linux-gnu
TRIPLET_armv7l := arm-linux-gnueabihf
TRIPLET_i686 := i686-linux-gnu
TRIPLET_ppc64le := powerpc64le-linux-gnu
TRIPLET_s390x := s390x-linux-gnu
DEBIAN_x86_64 := amd64
DEBIAN_aarch64 := arm64
DEBIAN_armv7l := armhf
DEBIAN_i686 := i386
DEBIAN_ppc64le := ppc64el
DEBIAN_s390x := s390x
BTFRUN_GZ_s390x := $(BPF_GZ_BE)

.PHONY: btfrun $(BTFRUN_ARCHES:%=btfrun-%)
btfrun: btfrun-$(HOST_ARCH)

define btfrun_for
BTFRUN_CC_$(1) := $$(if $$(filter $(1),$(HOST_ARCH)),$$(CC),$$(TRIPLET_$(1))-gcc)
BTFRUN_LIB_$(1) := $$(if $$(filter $(1),$(HOST_ARCH)),,$(O)/cross/$(1))
BTFRUN_GZ_$(1) ?= $$(BPF_GZ)
BTFRUN_OBJ_$(1) := $$(BTFRUN_SRC:%.c=$(O)/btfrun/$(1)/%.o) $(O)/btfrun/$(1)/embedded-gadgets.o

btfrun-$(1): $(O)/btfrun-$(1)

$(O)/btfrun-$(1): $$(BTFRUN_OBJ_$(1))
	$$(call say,LINK,$$@)
	$$(Q)$$(BTFRUN_CC_$(1)) -static -Wl,--gc-sections -s -o $$@ $$^ \
		$$(BTFRUN_LIB_$(1):%=-L%) -lbpf -lelf -lz $$(if $$(SRC_runtime-loader),-lzstd)

$(O)/btfrun/$(1)/%.o: %.c $$(BTFRUN_LIB_$(1))
	$$(call say,CC,"$$< ($(1))")
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(BTFRUN_CC_$(1)) $$(BTFRUN_CFLAGS) $$(BTFRUN_LIB_$(1):%=-isystem %/include) -MMD -MP -c -o $$@ $$<

$(O)/btfrun/$(1)/embedded-gadgets.c: $$(BTFRUN_GZ_$(1)) scripts/embed-gadgets
	$$(Q)mkdir -p $$(@D)
	$$(Q)scripts/embed-gadgets $$(BTFRUN_GZ_$(1)) > $$@

$(O)/btfrun/$(1)/embedded-gadgets.o: $(O)/btfrun/$(1)/embedded-gadgets.c
	$$(Q)$$(BTFRUN_CC_$(1)) -c -o $$@ $$<
endef
$(foreach a,$(BTFRUN_ARCHES),$(eval $(call btfrun_for,$(a))))

.PRECIOUS: $(O)/cross/%
$(O)/cross/%:
	$(call say,LIBS,"for $*")
	$(Q)scripts/deps cross
	$(Q)scripts/cross-libs $(DEBIAN_$*) "libbpf-dev libelf-dev zlib1g-dev libzstd-dev" $@.part
	$(Q)mv $@.part $@

# --- tests -----------------------------------------------------------------------------------------
TEST_BIN := $(patsubst tests/%.c,$(BUILD)/tests/%,$(sort $(wildcard tests/test-*.c)))
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(BUILD)/tests/fuzz/%,\
	$(filter-out tests/fuzz/fuzz-main.c,$(sort $(wildcard tests/fuzz/fuzz-*.c))))
TEST_SH := $(sort $(wildcard tests/cli-*.sh tests/check-*.sh tests/roundtrip*.sh))
REAL_SH := $(sort $(wildcard tests/real-*.sh))

# BPF objects made for tests, of both byte orders.
TEST_BPF := $(foreach f,$(patsubst tests/bpf/%.c,%.o,$(sort $(wildcard tests/bpf/*.bpf.c))),\
	$(BUILD)/tests/bpf/$(f) $(BUILD)/tests/bpf/be/$(f))

$(BUILD)/tests/bpf/%.bpf.o: tests/bpf/%.bpf.c $(wildcard tests/bpf/*.h) $(BPF_HEADERS)
	$(call say,BPF,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpf $(BPF_CFLAGS) -c -o $@ $<

$(BUILD)/tests/bpf/be/%.bpf.o: tests/bpf/%.bpf.c $(wildcard tests/bpf/*.h) $(BPF_HEADERS)
	$(call say,BPFEB,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -target bpfeb $(BPF_CFLAGS) -c -o $@ $<

$(BUILD)/tests/%.o: PKG_FLAGS := $(call pkg_cflags,$(PKGS))

$(BUILD)/tests/test-%: $(BUILD)/tests/test-%.o $(BUILD)/libbtfpack-all.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/bench-%: $(BUILD)/tests/bench-%.o $(BUILD)/libbtfpack-all.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/bench-archive: $(BUILD)/tests/grow.o $(BUILD)/tests/grow-edits.o

$(BUILD)/tests/fuzz/fuzz-%: $(BUILD)/tests/fuzz/fuzz-%.o $(BUILD)/tests/fuzz/fuzz-main.o \
		$(BUILD)/libbtfpack-all.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# Asks libbpf itself; see tests/witness-minify.sh. LIBBPF=DIR takes another than the system's.
$(BUILD)/tests/witness-relocate.o: FORCE
$(BUILD)/tests/witness-%.o: PKG_FLAGS += $(if $(LIBBPF),-I$(LIBBPF)/include)
$(BUILD)/tests/witness-%: $(BUILD)/tests/witness-%.o $(BUILD)/libbtfpack-all.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(ALL_LDFLAGS) -Wl,--wrap=syscall,--wrap=btf__load_vmlinux_btf -o $@ $^ $(if $(LIBBPF),$(LIBBPF)/lib/libbpf.a,-l:libbpf.a) $(LIBS) -lz
.PHONY: witness FORCE
witness: all $(BUILD)/tests/witness-relocate

# The same for the other byte order, to be run by qemu-s390x-static. LIBBPF_s390x=DIR
# takes another libbpf than Debian's.
WITNESS_SRC := tests/witness-relocate.c $(addprefix btf/,btf-stack.c btf-view.c) \
	$(addprefix btfgen/,bpf-object.c btf-ext.c btf-file.c core-kernel.c core-match.c core-relos.c \
		core-run.c core-set.c core-text.c core-types.c intern.c kernel-files.c) \
	core/buf.c core/cursor.c core/fs.c
.PHONY: witness-s390x
witness-s390x: $(O)/cross/s390x
	$(call say,LINK,$(O)/witness-s390x)
	$(Q)$(TRIPLET_s390x)-gcc $(BTFRUN_CFLAGS) $(if $(LIBBPF_s390x),-isystem $(LIBBPF_s390x)/include) \
		-isystem $(O)/cross/s390x/include -static -Wl,--gc-sections \
		-Wl,--wrap=syscall,--wrap=btf__load_vmlinux_btf -o $(O)/witness-s390x $(WITNESS_SRC) \
		$(if $(LIBBPF_s390x),-L$(LIBBPF_s390x)/lib) -L$(O)/cross/s390x -lbpf -lelf -lz -lzstd

# Each target's corpus lies in tests/fuzz/corpus/<name>; a wrapper hands it over.
$(BUILD)/tests/fuzz/replay-%.sh: $(BUILD)/tests/fuzz/fuzz-%
	$(Q)printf '#!/bin/sh\nexec $(abspath $<) $(abspath tests/fuzz/corpus/$*)\n' > $@
	$(Q)chmod +x $@
REPLAY := $(FUZZ_BIN:$(BUILD)/tests/fuzz/fuzz-%=$(BUILD)/tests/fuzz/replay-%.sh)

.PHONY: deps check check-programs run-check check-real run-check-real demo bench fuzz
deps:
	$(Q)scripts/deps build test

check: deps
	$(Q)$(MAKE) run-check

check-programs: all btfrun $(TEST_BIN) $(FUZZ_BIN) $(REPLAY) $(TEST_BPF)

run-check: check-programs
	$(Q)BUILD=$(abspath $(BUILD)) O=$(abspath $(O)) tests/run $(TEST_BIN) $(REPLAY) $(TEST_SH:%=./%)

# Every gadget on real kernels in qemu, and one over ssh; KERNELS= and GADGETS= pick some.
.PHONY: check-vm check-vm-ssh
check-vm:
	$(Q)scripts/deps build test vm cross kernel
	$(Q)$(MAKE) all $(TEST_BPF) $(VM_ARCHES:%=btfrun-%)
	$(Q)BUILD=$(abspath $(BUILD)) O=$(abspath $(O)) tests/vm/check-vm

# What check says beside what kernels do; KERNELS= and OBJECTS= pick some.
.PHONY: check-verdicts
check-verdicts:
	$(Q)scripts/deps build vm cross
	$(Q)$(MAKE) all $(TEST_BPF) $(patsubst %,$(O)/cross/%,$(filter-out $(HOST_ARCH),$(VM_ARCHES)))
	$(Q)BUILD=$(abspath $(BUILD)) O=$(abspath $(O)) tests/vm/check-verdicts

check-vm-ssh:
	$(Q)scripts/deps build test vm cross
	$(Q)$(MAKE) all $(TEST_BPF) btfrun btfrun-i686
	$(Q)BUILD=$(abspath $(BUILD)) O=$(abspath $(O)) tests/vm/check-ssh

# The page of check --html in a browser.
.PHONY: check-browser
check-browser:
	$(Q)scripts/deps build browser
	$(Q)$(MAKE) $(BUILD)/btfpack
	$(Q)BUILD=$(abspath $(BUILD)) tests/run tests/browser-*.sh

# Others' objects without their tools; KERNEL= another than 6.1-amd64.
.PHONY: check-foreign
check-foreign:
	$(Q)scripts/deps build vm
	$(Q)$(MAKE) all btfrun
	$(Q)BUILD=$(abspath $(BUILD)) O=$(abspath $(O)) tests/vm/check-foreign

.PHONY: check-clients
check-clients:
	$(Q)scripts/deps build test vm cross kernel clients
	$(Q)$(MAKE) all
	$(Q)BUILD=$(abspath $(BUILD)) tests/vm/check-clients

check-real: deps
	$(Q)scripts/deps store || true
	$(Q)$(MAKE) run-check-real

run-check-real: all btfrun $(TEST_BPF)
	$(Q)[ -z "$(shell command -v s390x-linux-gnu-gcc)" ] || $(MAKE) btfrun-s390x
	$(Q)BUILD=$(abspath $(BUILD)) O=$(abspath $(O)) tests/run $(REAL_SH:%=./%)

demo:
	$(Q)scripts/deps build
	$(Q)$(MAKE) all
	$(Q)BUILD=$(abspath $(BUILD)) scripts/demo
	$(Q)for tool in qemu-system-s390x s390x-linux-gnu-gcc cpio jq curl; do command -v $$tool > /dev/null || exit 0; done; \
	  $(MAKE) demo-vm

# What it is all for, on a kernel without BTF; `make demo` ends with it where qemu is.
.PHONY: demo-vm
demo-vm: all btfrun btfrun-s390x $(BUILD)/tests/bpf/be/foreign.bpf.o
	$(Q)printf '\n7. run: two gadgets in a real kernel without BTF: Debian'"'"'s 6.1 for s390x, under qemu, with BTF made from its debug package\n'
	$(Q)BUILD=$(abspath $(BUILD)) O=$(abspath $(O)) tests/run ./tests/real-vm.sh

bench: deps
	$(Q)$(MAKE) all $(BUILD)/tests/bench-select
	$(Q)BUILD=$(abspath $(BUILD)) scripts/bench

# The whole way beside BTFHub's, with downloads: a mirror near by makes it mean something.
.PHONY: bench-build
bench-build: deps
	$(Q)$(MAKE) all
	$(Q)BTFPACK=$(abspath $(BUILD))/btfpack OBJECTS="$(or $(OBJECTS),$(abspath $(BUILD))/bpf-gadgets)" \
		scripts/bench-build $(SPECS)

.PHONY: bench-archive
bench-archive: deps
	$(Q)$(MAKE) all $(BUILD)/tests/bench-archive
	$(Q)BUILD=$(abspath $(BUILD)) scripts/bench-archive

# --- fuzzing: clang's libFuzzer with ASan and UBSan, everything built apart ------------------------
FUZZ_SECONDS ?= 60
FUZZ_DIR := $(O)/fuzz
FUZZ_COMMON := -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DBTFPACK_VERSION='"$(VERSION)"' \
	-Iinclude -I. -O1 -g -fno-omit-frame-pointer -pthread
FUZZ_FLAGS := $(FUZZ_COMMON) -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
FUZZ_OBJ := $(patsubst %.c,$(FUZZ_DIR)/%.o,$(foreach f,$(filter-out cli,$(FOLDERS)),$(SRC_$(f)))) \
	$(BUILD)/embedded-gadgets.o
FUZZ_TARGETS := $(patsubst tests/fuzz/%.c,$(FUZZ_DIR)/%,\
	$(filter-out tests/fuzz/fuzz-main.c,$(sort $(wildcard tests/fuzz/fuzz-*.c))))

$(FUZZ_DIR)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(FUZZ_FLAGS) $(call pkg_cflags,$(PKGS)) -MMD -MP -c -o $@ $<

$(FUZZ_DIR)/fuzz-%: $(FUZZ_DIR)/tests/fuzz/fuzz-%.o $(FUZZ_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CLANG) -fsanitize=fuzzer,address,undefined -pthread -o $@ $^ $(LIBS)

fuzz: $(FUZZ_TARGETS)
	$(Q)for target in $(FUZZ_TARGETS); do \
		name=$${target##*/fuzz-}; mkdir -p $(FUZZ_DIR)/corpus/$$name; \
		echo "  FUZZ     $$name, $(FUZZ_SECONDS) s"; \
		$$target -max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=10 \
			-artifact_prefix=$(FUZZ_DIR)/found-$$name- -verbosity=0 \
			$(FUZZ_DIR)/corpus/$$name tests/fuzz/corpus/$$name || exit 1; \
	done

# AFL++, another fuzzer on the same entry points, in persistent mode: those that read
# the debug information of kernels, unless AFL says which. AFL_SEEDS: more files to begin
# with, in DIR/<target>. What it finds stays in $(AFL_DIR)/out-<target>, which it goes on from.
AFL ?= dwarf elf
AFL_CC ?= afl-clang-fast
AFL_DIR := $(O)/afl
AFL_OBJ := $(FUZZ_OBJ:$(FUZZ_DIR)/%=$(AFL_DIR)/%)
AFL_BUILD := AFL_QUIET=1 AFL_USE_ASAN=1 AFL_USE_UBSAN=1 $(AFL_CC)

$(AFL_DIR)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(AFL_BUILD) $(FUZZ_COMMON) $(call pkg_cflags,$(PKGS)) -MMD -MP -c -o $@ $<

$(AFL_DIR)/fuzz-%: $(AFL_DIR)/tests/fuzz/fuzz-%.o $(AFL_OBJ)
	$(call say,LINK,$@)
	$(Q)$(AFL_BUILD) -fsanitize=fuzzer -pthread -o $@ $^ $(LIBS)

.PHONY: fuzz-afl
fuzz-afl:
	$(Q)scripts/deps fuzz
	$(Q)$(MAKE) $(AFL:%=$(AFL_DIR)/fuzz-%)
	$(Q)for name in $(AFL); do \
		echo "  AFL      $$name, $(FUZZ_SECONDS) s"; \
		scripts/fuzz-afl $(AFL_DIR)/fuzz-$$name $(FUZZ_SECONDS) $(AFL_DIR)/out-$$name \
			tests/fuzz/corpus/$$name $(AFL_SEEDS:%=%/$$name) || exit 1; \
	done

# --- the rest --------------------------------------------------------------------------------------
.PHONY: install install-loader install-library uninstall format clean
# Where all goes. Every mode is said: the umask of who installs is not its users'.
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
DATADIR ?= $(PREFIX)/share
MANDIR ?= $(DATADIR)/man
below = $(patsubst $(PREFIX)/%,$${prefix}/%,$(1))
put = install -D -m $(1) $(2) $(DESTDIR)$(3)

LOADER_HEADERS := error.h loader.h libbpf.h
install-loader: loader
	$(Q)for f in $(LOADER_HEADERS); do \
		$(call put,644,include/btfpack/$$f,$(INCLUDEDIR)/btfpack/$$f) || exit 1; done
	$(Q)$(call put,644,$(BUILD)/libbtfpack-loader.a,$(LIBDIR)/libbtfpack-loader.a)
	$(Q)$(call put,755,$(BUILD)/$(LOADER_SO),$(LIBDIR)/$(LOADER_SO))
	$(Q)ln -sf $(LOADER_SO) $(DESTDIR)$(LIBDIR)/libbtfpack-loader.so
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call below,$(LIBDIR))|' \
		-e 's|@INCLUDEDIR@|$(call below,$(INCLUDEDIR))|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|@LIBS_PRIVATE@|$(LOADER_LIBS)|' \
		runtime-loader/btfpack-loader.pc.in > $(BUILD)/btfpack-loader.pc
	$(Q)$(call put,644,$(BUILD)/btfpack-loader.pc,$(LIBDIR)/pkgconfig/btfpack-loader.pc)

LIBRARY_HEADERS := $(notdir $(wildcard include/btfpack/*.h))
install-library: library install-loader
	$(Q)for f in $(LIBRARY_HEADERS); do \
		$(call put,644,include/btfpack/$$f,$(INCLUDEDIR)/btfpack/$$f) || exit 1; done
	$(Q)$(call put,644,$(BUILD)/libbtfpack.a,$(LIBDIR)/libbtfpack.a)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(call below,$(LIBDIR))|' \
		-e 's|@INCLUDEDIR@|$(call below,$(INCLUDEDIR))|' \
		-e 's|@VERSION@|$(VERSION)|' -e 's|@REQUIRES@|$(LIBRARY_PKGS)|' \
		btfpack.pc.in > $(BUILD)/btfpack.pc
	$(Q)$(call put,644,$(BUILD)/btfpack.pc,$(LIBDIR)/pkgconfig/btfpack.pc)

install: all btfrun install-library
	$(Q)$(call put,755,$(BUILD)/btfpack,$(BINDIR)/btfpack)
	$(Q)$(call put,755,$(O)/btfrun-$(HOST_ARCH),$(BINDIR)/btfrun)
	$(Q)install -d -m 755 $(DESTDIR)$(DATADIR)/btfpack/gadgets/be
	$(Q)install -m 644 $(BPF_OBJ) $(DESTDIR)$(DATADIR)/btfpack/gadgets/
	$(Q)install -m 644 $(BPF_OBJ_BE) $(DESTDIR)$(DATADIR)/btfpack/gadgets/be/
	$(Q)for page in man/*.[135]; do \
		$(call put,644,$$page,$(MANDIR)/man$${page##*.}/$${page#man/}) || exit 1; done
	$(Q)$(call put,644,completions/btfpack.bash,$(DATADIR)/bash-completion/completions/btfpack)
	$(Q)$(call put,644,completions/_btfpack,$(DATADIR)/zsh/site-functions/_btfpack)
	$(Q)$(call put,644,completions/btfpack.fish,$(DATADIR)/fish/vendor_completions.d/btfpack.fish)

# What the install targets put there, and the folders that are ours alone.
uninstall:
	$(Q)rm -f $(patsubst %,$(DESTDIR)%,$(BINDIR)/btfpack $(BINDIR)/btfrun \
		$(LIBRARY_HEADERS:%=$(INCLUDEDIR)/btfpack/%) $(LIBDIR)/libbtfpack-loader.a \
		$(LIBDIR)/libbtfpack.a $(LIBDIR)/pkgconfig/btfpack.pc \
		$(LIBDIR)/$(LOADER_SO) $(LIBDIR)/libbtfpack-loader.so $(LIBDIR)/pkgconfig/btfpack-loader.pc \
		$(foreach page,$(wildcard man/*.[135]),$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(notdir $(page))) \
		$(DATADIR)/bash-completion/completions/btfpack $(DATADIR)/zsh/site-functions/_btfpack \
		$(DATADIR)/fish/vendor_completions.d/btfpack.fish \
		$(addprefix $(DATADIR)/btfpack/gadgets/,$(notdir $(BPF_OBJ)) $(addprefix be/,$(notdir $(BPF_OBJ)))))
	$(Q)rmdir $(patsubst %,$(DESTDIR)$(DATADIR)/btfpack%,/gadgets/be /gadgets /) \
		$(DESTDIR)$(INCLUDEDIR)/btfpack 2> /dev/null || true

format:
	$(Q)clang-format -i $$(git ls-files '*.c' '*.h')

clean:
	$(Q)rm -rf $(O)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
