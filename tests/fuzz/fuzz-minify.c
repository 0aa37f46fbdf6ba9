/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel's BTF from anywhere, cut down for a good object. */
#include <stdlib.h>

#include <btfpack/minify.h>

#include "core/cleanup.h"

/* good-kinds.bpf.c and good-matches.bpf.c of tests/data/minify, compiled. */
asm(".section .rodata\n"
    "kinds_start: .incbin \"tests/fuzz/corpus/bpfobj/good-kinds\"\n"
    "kinds_end:\n"
    "matches_start: .incbin \"tests/fuzz/corpus/bpfobj/good-matches\"\n"
    "matches_end:\n"
    ".previous\n");
extern const uint8_t kinds_start[], kinds_end[], matches_start[], matches_end[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct btfpack_minifier *make_minifier(void)
{
	struct btfpack_minifier *m;

	if (btfpack_minifier_new(&m, NULL) < 0 ||
	    btfpack_minifier_add_object_mem(m, kinds_start, (size_t)(kinds_end - kinds_start),
					    "kinds", NULL) < 0 ||
	    btfpack_minifier_add_object_mem(m, matches_start,
					    (size_t)(matches_end - matches_start), "matches",
					    NULL) < 0 ||
	    btfpack_minifier_keep(m, "struct:kept", NULL) < 0 ||
	    btfpack_minifier_keep(m, "func:function", NULL) < 0)
		abort();
	return m;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct btfpack_minifier *m;
	struct btfpack_minify_opts opts = { .size = sizeof(opts),
					    .flags = BTFPACK_MINIFY_ALLOW_MISSING };
	struct btfpack_blob full = { (void *)data, size }, small = { 0 }, again = { 0 };
	struct btfpack_error err;

	if (!m)
		m = make_minifier();
	if (btfpack_minifier_run(m, &full, "input", &opts, &small, &err) == 0) {
		/* What is small already stays as it is. */
		if (btfpack_minifier_run(m, &small, "again", &opts, &again, &err) < 0)
			abort();
		btfpack_blob_free(&again);
		btfpack_blob_free(&small);
	}
	return 0;
}
