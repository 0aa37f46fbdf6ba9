/* SPDX-License-Identifier: BSD-2-Clause */
/* The headers of an rpm package: whatever they claim, what is lent lies within them. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fetcher/rpm-header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_blob(const struct rpm_header *h, const struct btfpack_blob *b)
{
	const char *begin = h->bytes.data, *at = b->data;

	if (at < begin || at + b->size > begin + h->bytes.size)
		abort();
}

static void check_header(const struct rpm_header *h)
{
	static const uint32_t tags[] = { RPM_SIG_DSA, RPM_SIG_RSA,	RPM_SIG_OPENPGP,
					 RPM_SIG_PGP, RPM_SIG_GPG,	RPM_NAME,
					 RPM_ARCH,    RPM_PAYLOAD_DIGEST, RPM_PAYLOAD_DIGEST_KIND };
	volatile size_t read = 0;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		const char *text = rpm_header_string(h, tags[i]);
		struct btfpack_blob blob;
		uint32_t number;

		if (rpm_header_get(h, tags[i], &blob) == 0)
			check_blob(h, &blob);
		if (text)
			read += strlen(text);
		if (rpm_header_number(h, tags[i], &number) == 0)
			read += number;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct rpm_headers headers;
	struct btfpack_error err;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (rpm_headers_read(&headers, fd, "fuzz", &err) == 0) {
		check_header(&headers.signature);
		check_header(&headers.header);
		if (headers.payload > size)
			abort();
		rpm_headers_deinit(&headers);
	}
	close(fd);
	return 0;
}
