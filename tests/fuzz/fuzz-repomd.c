/* SPDX-License-Identifier: BSD-2-Clause */
/* repomd.xml: what it is taken to say stays within the repository. */
#include <stdlib.h>
#include <string.h>

#include "fetcher/rpm-metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpm_repomd repomd;
	struct btfpack_error err;

	if (rpm_repomd_parse(data, size, "fuzz", &repomd, &err) == 0 &&
	    (!*repomd.path || repomd.path[0] == '/' || !strncmp(repomd.path, "../", 3) ||
	     strstr(repomd.path, "/../")))
		abort();
	return 0;
}
