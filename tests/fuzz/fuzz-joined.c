/* SPDX-License-Identifier: BSD-2-Clause */
/* The BTF of all modules of a kernel as an archive holds it, with where its base ends in
 * the first eight bytes; and the same bytes as a module that is to be stored. */
#include <stdlib.h>
#include <string.h>

#include "archive-index/modules-joined.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever comes apart and is BTF on the base can be joined again, to as many modules. */
static void take_apart(const uint8_t *data, size_t size, const struct modules_base *ends)
{
	const struct btfpack_blob joined = { (void *)data, size };
	struct btfpack_modules modules = { 0 }, some = { 0 };
	size_t all = 0;

	if (modules_split(&joined, ends, NULL, "joined", &modules, &all, NULL))
		return;
	if (all != modules.count)
		abort();
	if (modules_split(&joined, ends, "m1*", "joined", &some, &all, NULL) ||
	    some.count > modules.count || all != modules.count)
		abort();
	btfpack_modules_free(&some);
	btfpack_modules_free(&modules);
}

/* What can be joined was proved to come apart. */
static void join(const uint8_t *data, size_t size, const struct btfpack_blob *base)
{
	const struct btfpack_module_btf modules[2] = { { "a", { (void *)data, size } },
						       { "b", { (void *)data, size } } };
	struct btfpack_blob joined = { 0 };
	struct modules_base ends;

	if (modules_join(base, modules, 2, "kernel", &joined, &ends, NULL))
		return;
	btfpack_blob_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct modules_base ends;
	uint8_t *copy;

	if (size < sizeof(ends))
		return 0;
	memcpy(&ends, data, sizeof(ends));
	data += sizeof(ends);
	size -= sizeof(ends);
	copy = malloc(size + 1); /* so that a sanitizer sees its end */
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	take_apart(copy, size, &ends);
	/* The first bytes as a base, the rest on top of it: lengths are in the header. */
	if (ends.types < size)
		join(copy + ends.types, size - ends.types,
		     &(struct btfpack_blob){ copy, ends.types });
	free(copy);
	return 0;
}
