/* SPDX-License-Identifier: BSD-2-Clause */
/* Packages files: whatever comes, what is handed on keeps its promises. */
#include <stdlib.h>
#include <string.h>

#include "fetcher/apt-packages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool want_all(void *arg, const char *name)
{
	(void)arg, (void)name;
	return true;
}

static int check_package(void *arg, const struct apt_package *p, struct btfpack_error *err)
{
	(void)arg, (void)err;
	if (!*p->name || !*p->version || p->filename[0] == '/' || strstr(p->filename, "/../") ||
	    strlen(p->sha256) != 64 || !p->size || p->size > APT_PACKAGE_SIZE_MAXIMUM)
		abort();
	return 0;
}

/* The first byte says where the rest is cut in two. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct apt_packages_ops ops = { want_all, check_package };
	struct apt_packages packages;
	struct btfpack_error err;
	size_t cut;

	if (!size || apt_packages_init(&packages, &ops, NULL, "fuzz", &err) < 0)
		return 0;
	cut = (size - 1) * data[0] / 255;
	if (apt_packages_feed(&packages, data + 1, cut, &err) == 0 &&
	    apt_packages_feed(&packages, data + 1 + cut, size - 1 - cut, &err) == 0)
		apt_packages_finish(&packages, &err);
	apt_packages_deinit(&packages);
	return 0;
}
