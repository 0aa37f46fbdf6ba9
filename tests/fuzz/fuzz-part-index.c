/* SPDX-License-Identifier: BSD-2-Clause */
/* The index of a published part: what it gives are strings, whatever went in. */
#include <string.h>

#include "archive-index/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct btfpack_blob text = { (void *)data, size };
	struct part_index index = { 0 };
	volatile size_t length = 0;

	if (part_index_parse(&text, "fuzz", &index, NULL))
		return 0;
	for (size_t i = 0; i < index.entry_count; i++) {
		const struct btfpack_entry *e = &index.entries[i];

		length += strlen(e->kernel.distro) + strlen(e->kernel.uname) +
			  (e->provenance.converter ? strlen(e->provenance.converter) : 0);
	}
	part_index_deinit(&index);
	return 0;
}
