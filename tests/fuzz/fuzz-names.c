/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of modules as an archive's index holds them: a row, told by the row before it.
 * The first two bytes are the size of the latter. */
#include <stdlib.h>
#include <string.h>

#include "archive-index/module-names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_same(const struct module_names *a, const struct module_names *b)
{
	return a->count == b->count &&
	       (!a->count || !memcmp(a->hashes, b->hashes, a->count * sizeof(*a->hashes)));
}

/* What was decoded is a set, and told again it comes back. */
static void tell_again(const struct module_names *names, const struct module_names *base)
{
	struct module_names back = { 0 };
	struct btfpack_blob bytes = { 0 };

	for (uint32_t i = 1; i < names->count; i++)
		if (names->hashes[i] <= names->hashes[i - 1])
			abort();
	if (module_names_encode(names, base, &bytes) || module_names_decode(&bytes, base, &back) ||
	    !is_same(names, &back))
		abort();
	btfpack_blob_free(&bytes);
	module_names_deinit(&back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct module_names base = { 0 }, names = { 0 };
	struct btfpack_blob first, rest;
	size_t split;

	if (size < 2)
		return 0;
	split = (size_t)(data[0] | data[1] << 8) % (size - 1);
	first = (struct btfpack_blob){ (void *)(data + 2), split };
	rest = (struct btfpack_blob){ (void *)(data + 2 + split), size - 2 - split };
	if (!module_names_decode(&first, NULL, &base))
		tell_again(&base, NULL);
	if (!module_names_decode(&rest, base.hashes ? &base : NULL, &names))
		tell_again(&names, base.hashes ? &base : NULL);
	module_names_deinit(&base);
	module_names_deinit(&names);
	return 0;
}
