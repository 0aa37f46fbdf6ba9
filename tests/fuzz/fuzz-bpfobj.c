/* SPDX-License-Identifier: BSD-2-Clause */
/* A BPF object from anywhere: opened, matched against a small kernel, followed. */
#include <stdlib.h>

#include <btfpack/minify.h>

#include "core/cleanup.h"

/* Raw BTF with what the corpus's objects ask for: kernel-new.c of tests/data/minify. */
asm(".section .rodata\n"
    "kernel_start: .incbin \"tests/fuzz/corpus/minify/kernel-new\"\n"
    "kernel_end:\n"
    ".previous\n");
extern const uint8_t kernel_start[], kernel_end[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(const struct btfpack_relo_report *report, void *arg)
{
	(void)report;
	++*(size_t *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btfpack_blob kernel = { (void *)kernel_start, (size_t)(kernel_end - kernel_start) };
	struct btfpack_blob small = { 0 };
	struct btfpack_minifier *m;
	struct btfpack_error err;
	size_t heard = 0;
	struct btfpack_minify_opts opts = { .size = sizeof(opts),
					    .flags = BTFPACK_MINIFY_ALLOW_MISSING,
					    .report = hear,
					    .report_arg = &heard };
	int error;

	if (btfpack_minifier_new(&m, &err) < 0)
		return 0;
	if (btfpack_minifier_add_object_mem(m, data, size, "input", &err) == 0) {
		error = btfpack_minifier_run(m, &kernel, "kernel", &opts, &small, &err);
		/* The kernel is good, so whatever the object, the result must be proven. */
		if (error || heard != btfpack_minifier_count_relocations(m))
			abort();
	}
	btfpack_blob_free(&small);
	btfpack_minifier_free(m);
	return 0;
}
