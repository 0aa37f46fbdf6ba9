/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replays files through a fuzz entry point, one after another: what `make check`
 * links the targets with, where libFuzzer would bring its own main(). Arguments
 * are files or directories (not recursive).
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/fs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	struct btfpack_error err;
	uint8_t *exact;

	if (fs_read(path, (size_t)1 << 30, &blob, &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	/* An allocation of the exact size, so that ASan sees one byte too far. */
	exact = malloc(blob.size ? blob.size : 1);
	if (!exact)
		return 1;
	memcpy(exact, blob.data, blob.size);
	LLVMFuzzerTestOneInput(exact, blob.size);
	free(exact);
	return 0;
}

static int replay(const char *path, int *count)
{
	AUTO_DIR DIR *dir = opendir(path);
	struct dirent *entry;
	int failures = 0;

	if (!dir) {
		++*count;
		return replay_file(path);
	}
	while ((entry = readdir(dir))) {
		AUTO_FREE char *file = NULL;

		if (entry->d_name[0] == '.' || entry->d_type == DT_DIR)
			continue;
		if (asprintf(&file, "%s/%s", path, entry->d_name) < 0)
			return 1;
		++*count;
		failures += replay_file(file);
	}
	return failures;
}

int main(int argc, char **argv)
{
	int failures = 0, count = 0;
	const char *name = strrchr(argv[0], '/');

	for (int i = 1; i < argc; i++)
		failures += replay(argv[i], &count);
	printf("%s 1 - %s: %d inputs\n1..1\n", failures || !count ? "not ok" : "ok",
	       name ? name + 1 : argv[0], count);
	return failures || !count;
}
