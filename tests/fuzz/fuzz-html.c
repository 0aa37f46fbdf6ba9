/* SPDX-License-Identifier: BSD-2-Clause */
/* Directory listings: names that come out of them are plain. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fetcher/html-links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int check_name(void *arg, const char *name, struct btfpack_error *err)
{
	(void)arg, (void)err;
	if (!*name || *name == '.' || strlen(name) >= HTML_NAME_SIZE || strpbrk(name, "/%\"'<>& \n"))
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btfpack_error err;

	html_links((const char *)data, size, check_name, NULL, &err);
	return 0;
}
