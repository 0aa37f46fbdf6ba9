/* SPDX-License-Identifier: BSD-2-Clause */
/* How a store grew, as one HTML file that needs nothing else. */
#ifndef CLI_STATS_PAGE_H
#define CLI_STATS_PAGE_H

#include "cli/store.h"

/* Write the page of what @args leaves to @path: figures, a curve of bytes stored as
 * BTFs came, in the order of time, and a table by series. @tar_xz: bytes, 0 not
 * measured. The same store gives the same page. */
int stats_page_write(struct btfpack_archive *archive, const struct store_args *args,
		     const struct btfpack_archive_stats *stats, uint64_t tar_xz, const char *path,
		     struct btfpack_error *err);

#endif
