/* SPDX-License-Identifier: BSD-2-Clause */
/* The manifest of what is published: read, written, and read again it is the same. */
#include <stdlib.h>
#include <string.h>

#include "archive-index/manifest.h"
#include "core/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct btfpack_blob text = { (void *)data, size };
	AUTO_BLOB struct btfpack_blob once = { 0 }, twice = { 0 };
	struct manifest m = { 0 }, again = { 0 };

	if (manifest_parse(&text, "fuzz", &m, NULL))
		return 0;
	if (manifest_format(&m, &once) || manifest_parse(&once, "fuzz", &again, NULL) ||
	    manifest_format(&again, &twice) || once.size != twice.size ||
	    memcmp(once.data, twice.data, once.size))
		abort();
	manifest_deinit(&m);
	manifest_deinit(&again);
	return 0;
}
