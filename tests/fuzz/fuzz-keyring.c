/* SPDX-License-Identifier: BSD-2-Clause */
/* Armored keys: they mean no more bytes than they are. */
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "fetcher/keyring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF struct buf keys = BUF_INIT(1 << 20);
	char *text = malloc(size + 1); /* as fs_read() gives it: a NUL follows */
	struct btfpack_error err;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (keyring_add(&keys, "fuzz", text, size, &err) == 0 && keys.size > size)
		abort();
	free(text);
	return 0;
}
