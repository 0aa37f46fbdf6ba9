/* SPDX-License-Identifier: BSD-2-Clause */
/* A BPF object from anywhere, judged on a good kernel with a module, and on a big-endian
 * one. */
#include <stdlib.h>
#include <string.h>

#include <btfpack/check.h>

/* What fuzz-modules.c and fuzz-minify.c stand on. */
asm(".section .rodata\n"
    "kernel_start: .incbin \"tests/fuzz/corpus/minify/kernel-new\"\n"
    "kernel_end:\n"
    "base_start: .incbin \"tests/fuzz/corpus/modules/base\"\n"
    "base_end:\n"
    "module_start: .incbin \"tests/fuzz/corpus/modules/m1\"\n"
    "module_end:\n"
    "big_start: .incbin \"tests/fuzz/corpus/btf/good-big-endian\"\n"
    "big_end:\n"
    ".previous\n");
extern const uint8_t kernel_start[], kernel_end[], base_start[], base_end[], module_start[],
	module_end[], big_start[], big_end[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hear(const struct btfpack_program_verdict *v, void *arg)
{
	/* Whatever is not simply good has a reason, and no string is missing. */
	if ((v->verdict >= BTFPACK_VERDICT_UNSURE) != (*v->reason != 0) ||
	    strlen(v->object) + strlen(v->program) + strlen(v->section) + strlen(v->where) +
			    strlen(v->modules) >
		    1 << 20)
		abort();
	++*(size_t *)arg;
}

static void judge(const struct btfpack_checker *c, const uint8_t *start, const uint8_t *end,
		  const struct btfpack_module_btf *module, const char *uname)
{
	struct btfpack_blob btf = { (void *)start, (size_t)(end - start) };
	struct btfpack_check_kernel kernel = { .size = sizeof(kernel),
					       .name = "kernel",
					       .btf = &btf,
					       .modules = module,
					       .module_count = module != NULL,
					       .uname = uname };
	struct btfpack_error err;
	size_t heard = 0;

	if (btfpack_checker_run(c, &kernel, hear, &heard, &err) < 0 ||
	    heard != btfpack_checker_count_programs(c))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btfpack_module_btf module = {
		"m1", { (void *)module_start, (size_t)(module_end - module_start) }
	};
	struct btfpack_checker *c;
	struct btfpack_error err;

	if (btfpack_checker_new(&c, &err) < 0)
		return 0;
	if (btfpack_checker_add_object_mem(c, data, size, "input", &err) == 0) {
		judge(c, kernel_start, kernel_end, NULL, "6.1.0-28-amd64");
		judge(c, base_start, base_end, &module, "6.12.48+deb13-amd64");
		judge(c, big_start, big_end, NULL, NULL);
	}
	btfpack_checker_free(c);
	return 0;
}
