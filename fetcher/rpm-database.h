/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * primary.sqlite, the other form of primary.xml, which some repositories have alone. The
 * file is a stranger's: it is read with everything off that a database could use to do
 * more than be read (views, triggers, functions in its schema), with limits on its
 * texts, its pages and the work of a query.
 */
#ifndef FETCHER_RPM_DATABASE_H
#define FETCHER_RPM_DATABASE_H

#include <btfpack/error.h>

#include "fetcher/rpm-metadata.h"

/* Hand on the packages of the database that the @size bytes of @data are. -EBADMSG: it is damaged, or
 * none of createrepo's; -EFBIG: reading it takes too much work; else as
 * rpm_fields_read() says of a package that is wanted, or what an op said. */
int rpm_database_read(const void *data, size_t size, const struct rpm_packages_ops *ops, void *arg,
		      const char *what, struct btfpack_error *err);

#endif
