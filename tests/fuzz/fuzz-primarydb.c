/* SPDX-License-Identifier: BSD-2-Clause */
/* primary.sqlite: whatever comes, what is handed on keeps its promises. */
#include <stdlib.h>
#include <string.h>

#include "fetcher/rpm-database.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool want_all(void *arg, const char *name)
{
	(void)arg, (void)name;
	return true;
}

static int check_package(void *arg, const struct rpm_package *p, struct btfpack_error *err)
{
	(void)arg, (void)err;
	if (!*p->name || !*p->arch || !*p->version || !*p->release ||
	    p->location[0] == '/' || strpbrk(p->location, "<>&\"") ||
	    p->digest.kind == CHECKSUM_NONE || !p->size || p->size > RPM_PACKAGE_SIZE_MAXIMUM)
		abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rpm_packages_ops ops = { want_all, check_package };
	struct btfpack_error err;

	rpm_database_read(data, size, &ops, NULL, "fuzz", &err);
	return 0;
}
