/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bundle of any bytes: go through its kernels, take out every blob and text,
 * select for a few hosts. The size and the checksum are put right first, else no
 * input would get further than the header.
 */
#include <stdlib.h>

#include <btfpack/loader.h>

#include "runtime-loader/bundle.h"
#include "runtime-loader/verdicts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(const struct bundle *b)
{
	struct bundle_entry entry;
	struct bundle_bytes bytes;
	struct bundle_iter it;
	struct verdicts *v;

	if (bundle_iter_init(&it, b, NULL) == 0) {
		for (int i = 0; i < 64 && bundle_iter_next(&it, &entry, NULL) > 0; i++)
			if (entry.verdict && verdicts_read(b, entry.verdict, &v, NULL) == 0)
				verdicts_free(v);
		bundle_iter_deinit(&it);
	}
	for (uint32_t i = 0; i < b->blob_count && i < 16; i++)
		if (bundle_get_blob(b, i, &bytes, NULL) == 0)
			bundle_bytes_deinit(&bytes);
	if (bundle_get_section(b, BUNDLE_PROVENANCE, &bytes, NULL) == 0)
		bundle_bytes_deinit(&bytes);
}

static void select_some(const void *data, size_t size)
{
	static const struct btfpack_host hosts[] = {
		{ "debian", "10", "x86_64", "4.0.0-2-amd64", "" },
		{ "", "", "x86_64", "4.0.0-2-amd64", "da2c1e5d7d1f9a2b" },
		{ "centos", "7.9", "i386", "3.10.0-1160.el7.x86_64", "00" },
	};
	struct btfpack_loader_opts opts = { .size = sizeof(opts), .flags = BTFPACK_LOADER_NEAREST };
	struct btfpack_loader *loader;

	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		opts.host = &hosts[i];
		if (btfpack_loader_open_mem(data, size, &opts, &loader, NULL) == 0)
			btfpack_loader_close(loader);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = calloc(1, size ? size : 1);
	struct bundle b;

	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	bundle_init(&b, copy, size, "fuzz", NULL);
	if (size >= BUNDLE_AT_SECTIONS) {
		bundle_put_u64(copy + BUNDLE_AT_FILE_SIZE, size);
		bundle_put_u64(copy + BUNDLE_AT_CHECKSUM, bundle_checksum(copy, size));
		if (bundle_init(&b, copy, size, "fuzz", NULL) == 0)
			read_all(&b);
		select_some(copy, size);
	}
	free(copy);
	return 0;
}
