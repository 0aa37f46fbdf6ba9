/* SPDX-License-Identifier: BSD-2-Clause */
/* A pack file of anyone's: walk it, and decode what it holds. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive-index/codec.h"
#include "archive-index/objects.h"
#include "core/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int decode(const struct record *r, const struct place *place, const void *payload, void *arg)
{
	const struct codec *codec = codec_find(r->codec);
	AUTO_BLOB struct btfpack_blob raw = { 0 };

	(void)place, (void)arg;
	/* A pack may claim 256 MiB; what matters here shows with less. */
	if (codec && r->raw_size < 1 << 20)
		codec_decode(codec, payload, r->payload_size, NULL, r->raw_size, &raw);
	return 0;
}

static void ignore(const char *sentence, void *arg)
{
	(void)sentence, (void)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FD int fd = memfd_create("pack", MFD_CLOEXEC);

	if (fd < 0 || fs_write_fd(fd, data, size) < 0)
		return 0;
	pack_walk(fd, "pack", 1, size, decode, ignore, NULL, NULL);
	pack_walk(fd, "pack", 1, size + 200, decode, ignore, NULL, NULL);
	return 0;
}
