/* SPDX-License-Identifier: BSD-2-Clause */
/* Release files. */
#include "fetcher/apt-release.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct apt_release release;
	struct btfpack_error err;

	if (apt_release_init(&release, "fuzz", data, size, &err) < 0)
		return 0;
	apt_release_is_expired(&release, 0, "fuzz", &err);
	apt_release_find(&release, "main/binary-amd64/Packages.xz");
	apt_release_deinit(&release);
	return 0;
}
