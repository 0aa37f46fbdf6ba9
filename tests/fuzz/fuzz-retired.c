/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of what is no longer published: read, written, and read again it is the same,
 * and never names anything but what publish has put there. */
#include <stdlib.h>
#include <string.h>

#include "archive-index/retired.h"
#include "core/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct btfpack_blob text = { (void *)data, size };
	AUTO_BLOB struct btfpack_blob once = { 0 }, twice = { 0 };
	struct retired r = { 0 }, again = { 0 };

	if (retired_parse(&text, "fuzz", &r, NULL))
		return 0;
	for (size_t i = 0; i < r.count; i++)
		if (strstr(r.objects[i].name, "..") || !strchr("ipb", r.objects[i].name[0]))
			abort();
	if (retired_format(&r, &once) || retired_parse(&once, "fuzz", &again, NULL) ||
	    retired_format(&again, &twice) || once.size != twice.size ||
	    memcmp(once.data, twice.data, once.size))
		abort();
	retired_deinit(&r);
	retired_deinit(&again);
	return 0;
}
