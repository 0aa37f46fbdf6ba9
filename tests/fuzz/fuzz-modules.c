/* SPDX-License-Identifier: BSD-2-Clause */
/* A module's BTF from anywhere, twice and beside a good one, on a good kernel. */
#include <stdlib.h>
#include <string.h>

#include <btfpack/minify.h>

#include "btf/btf-stack.h"

/* A kernel with one struct, a module, and good-kinds.bpf.c of tests/data/minify. */
asm(".section .rodata\n"
    "base_start: .incbin \"tests/fuzz/corpus/modules/base\"\n"
    "base_end:\n"
    "good_start: .incbin \"tests/fuzz/corpus/modules/kernel-old\"\n"
    "good_end:\n"
    "object_start: .incbin \"tests/fuzz/corpus/bpfobj/good-kinds\"\n"
    "object_end:\n"
    ".previous\n");
extern const uint8_t base_start[], base_end[], good_start[], good_end[], object_start[],
	object_end[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct btfpack_minifier *make_minifier(void)
{
	struct btfpack_minifier *m;

	if (btfpack_minifier_new(&m, NULL) < 0 ||
	    btfpack_minifier_add_object_mem(m, object_start, (size_t)(object_end - object_start),
					    "object", NULL) < 0 ||
	    btfpack_minifier_keep(m, "struct:kept", NULL) < 0)
		abort();
	return m;
}

/* Every type is the same in the second layer of a stack as in its own BTF. */
static void stack_twice(const uint8_t *data, size_t size)
{
	AUTO_BTF_VIEW struct btf_view base = { 0 }, module = { 0 };
	AUTO_BTF_STACK struct btf_stack stack = { 0 };
	uint32_t own, there;

	if (btf_view_init(&base, base_start, (size_t)(base_end - base_start), NULL, "base", NULL))
		abort();
	if (btf_view_init(&module, data, size, &base, "module", NULL))
		return;
	btf_stack_init(&stack, &base);
	if (btf_stack_add(&stack, &module, 0) || btf_stack_add(&stack, &module, 1))
		return;
	for (uint32_t id = module.first_id; id < module.end_id; id++) {
		const struct btf_type *a = btf_view_type(&module, id);
		const struct btf_type *b =
			btf_view_type(&stack.view, id + module.end_id - module.first_id);

		if (a->info != b->info ||
		    strcmp(btf_view_name(&module, a), btf_view_name(&stack.view, b)))
			abort();
		for (uint32_t i = 0; btf_type_child(a, i, &own); i++)
			if (!btf_type_child(b, i, &there) || btf_stack_own_id(&stack, there) != own)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct btfpack_minifier *m;
	struct btfpack_blob base = { (void *)base_start, (size_t)(base_end - base_start) };
	const struct btfpack_module_btf modules[] = {
		{ "input", { (void *)data, size } },
		{ "good", { (void *)good_start, (size_t)(good_end - good_start) } },
		{ "again", { (void *)data, size } },
	};
	struct btfpack_minify_opts opts = { .size = sizeof(opts),
					    .flags = BTFPACK_MINIFY_ALLOW_MISSING,
					    .modules = modules,
					    .module_count = 3 };
	struct btfpack_blob small = { 0 }, again = { 0 };
	struct btfpack_error err;

	if (!m)
		m = make_minifier();
	if (size && data[0] == 0x9f)
		stack_twice(data, size);
	if (btfpack_minifier_run(m, &base, "kernel", &opts, &small, &err) == 0) {
		/* What is small already stays as it is, and needs no modules. */
		opts.module_count = 0;
		if (btfpack_minifier_run(m, &small, "again", &opts, &again, &err) < 0)
			abort();
		btfpack_blob_free(&again);
		btfpack_blob_free(&small);
	}
	return 0;
}
