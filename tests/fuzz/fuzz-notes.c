/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF notes of any bytes: the build-id is hex or nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime-loader/host.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct btfpack_host host;

	host_parse_notes(data, size, &host);
	if (strspn(host.build_id, "0123456789abcdef") != strlen(host.build_id))
		abort();
	return 0;
}
