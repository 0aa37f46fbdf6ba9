/* SPDX-License-Identifier: BSD-2-Clause */
/* Packages of Debian and rpm: ar, decompression, tar and cpio, and the choice of the vmlinux. */
#include <stdio.h>
#include <sys/mman.h>

#include <btfpack/fetch.h>

#include "core/cleanup.h"
#include "core/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD int package = memfd_create("fuzz-package", MFD_CLOEXEC);
	AUTO_FD int out = memfd_create("fuzz-vmlinux", MFD_CLOEXEC);
	struct btfpack_error err;
	char path[32], uname[BTFPACK_UNAME_SIZE];

	if (package < 0 || out < 0 || fs_write_fd(package, data, size) < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", package);
	btfpack_package_extract(path, "6.1.0-1-tiny", out, &err);
	btfpack_package_find(path, out, uname, &err);
	return 0;
}
