/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * convert, over a whole ELF file: sections, compression, relocations, DWARF, BTF
 * out. What comes out must at least be BTF that can be walked, and the same bytes
 * when the file has nothing but the parts that conversion is said to read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <btfpack/btfgen.h>

#include "btf/btf-view.h"
#include "core/cleanup.h"
#include "core/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *data;
	size_t size;
};

static int read_input(void *arg, uint64_t offset, void *ret, size_t size, struct btfpack_error *err)
{
	const struct input *input = arg;

	if (offset > input->size || size > input->size - offset) {
		fprintf(stderr, "reads %zu bytes at %llu of %zu\n", size,
			(unsigned long long)offset, input->size);
		abort();
	}
	memcpy(ret, input->data + offset, size);
	return 0;
}

/* The same conversion, of a file where everything else is other bytes. NULL: what the
 * parts are cannot be told. */
static void compare_parts(struct input *input, const struct btfpack_blob *expected)
{
	CLEANUP(btfpack_convert_parts_free) struct btfpack_convert_parts parts = { 0 };
	struct btfpack_convert_opts opts = { .size = sizeof(opts), .jobs = 1 };
	AUTO_FD int file = memfd_create("fuzz-parts", MFD_CLOEXEC);
	AUTO_FREE uint8_t *bytes = malloc(input->size);
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct btfpack_error err;
	char path[32];

	if (file < 0 || !bytes ||
	    btfpack_convert_parts(read_input, input, input->size, &parts, &err) < 0 || !expected)
		return;
	memset(bytes, 0xa5, input->size);
	for (size_t i = 0; i < parts.count; i++)
		memcpy(bytes + parts.parts[i].offset, input->data + parts.parts[i].offset,
		       parts.parts[i].size);
	if (fs_write_fd(file, bytes, input->size) < 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (btfpack_convert(path, &opts, &btf, &err) < 0 || btf.size != expected->size ||
	    memcmp(btf.data, expected->data, btf.size)) {
		fprintf(stderr, "the parts alone give other BTF\n");
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	AUTO_FD int file = memfd_create("fuzz-elf", MFD_CLOEXEC);
	struct btfpack_convert_opts opts = { .size = sizeof(opts), .jobs = 1 };
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct btfpack_error err;
	struct btf_view view;
	char path[32];

	if (file < 0 || fs_write_fd(file, data, size) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	if (btfpack_convert(path, &opts, &btf, &err) < 0) {
		compare_parts(&input, NULL);
		return 0;
	}
	compare_parts(&input, &btf);
	if (btf_view_init(&view, btf.data, btf.size, NULL, "result", &err) < 0) {
		fprintf(stderr, "convert made what is not BTF: %s\n", err.message);
		abort();
	}
	btf_view_deinit(&view);
	return 0;
}
