/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tables of the index, as migrations: schema_migrations[N] takes an index
 * from user_version N to N + 1. Add to the end; never change one that was
 * released.
 */
#ifndef ARCHIVE_INDEX_SCHEMA_H
#define ARCHIVE_INDEX_SCHEMA_H

extern const char *const schema_migrations[];
extern const int schema_version; /* how many there are */

/* What reads only needs no newer one than this. */
#define VERSION_READABLE     2
#define VERSION_MODULE_NAMES 3 /* has the table module_names */

#endif
