/* SPDX-License-Identifier: BSD-2-Clause */
/* primary.xml: whatever comes, what is handed on keeps its promises. */
#include <stdlib.h>
#include <string.h>

#include "fetcher/rpm-metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool want_all(void *arg, const char *name)
{
	(void)arg, (void)name;
	return true;
}

static int check_package(void *arg, const struct rpm_package *p, struct btfpack_error *err)
{
	(void)arg, (void)err;
	if (!*p->name || !*p->arch || !*p->version || !*p->release || p->location[0] == '/' ||
	    strpbrk(p->location, "<>&\"") || p->digest.kind == CHECKSUM_NONE || !p->size ||
	    p->size > RPM_PACKAGE_SIZE_MAXIMUM)
		abort();
	return 0;
}

/* The first byte says where the rest is cut in two. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rpm_packages_ops ops = { want_all, check_package };
	struct rpm_packages packages;
	struct btfpack_error err;
	size_t cut;

	if (!size)
		return 0;
	if (rpm_packages_init(&packages, &ops, NULL, "fuzz", &err) == 0) {
		cut = (size - 1) * data[0] / 255;
		if (rpm_packages_feed(&packages, data + 1, cut, &err) == 0 &&
		    rpm_packages_feed(&packages, data + 1 + cut, size - 1 - cut, &err) == 0)
			rpm_packages_finish(&packages, &err);
	}
	rpm_packages_deinit(&packages);
	return 0;
}
