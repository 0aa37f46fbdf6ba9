/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convert, over a whole ELF file: sections, compression, relocations, DWARF, BTF
 * out. What comes out must at least be BTF that can be walked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <btfpack/btfgen.h>

#include "btf/btf-view.h"
#include "core/cleanup.h"
#include "core/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD int file = memfd_create("fuzz-elf", MFD_CLOEXEC);
	struct btfpack_convert_opts opts = { .size = sizeof(opts), .jobs = 1 };
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct btfpack_error err;
	struct btf_view view;
	char path[32];

	if (file < 0 || fs_write_fd(file, data, size) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (btfpack_convert(path, &opts, &btf, &err) < 0)
		return 0;
	if (btf_view_init(&view, btf.data, btf.size, NULL, "result", &err) < 0) {
		fprintf(stderr, "convert made what is not BTF: %s\n", err.message);
		abort();
	}
	btf_view_deinit(&view);
	return 0;
}
