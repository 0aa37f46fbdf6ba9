/* SPDX-License-Identifier: BSD-2-Clause */
/* Package versions in their distribution's order. */
#ifndef FETCHER_VERSION_H
#define FETCHER_VERSION_H

/* Debian's order, as `dpkg --compare-versions`: negative, 0 or positive as @a is
 * older than, the same as or newer than @b. Any string has a place in it. */
int version_compare_deb(const char *a, const char *b);

/* rpm's order of [epoch:]version[-release]: its rpmvercmp() for each part, with ~ and
 * ^; no epoch is epoch 0. Any string has a place in it. */
int version_compare_rpm(const char *a, const char *b);

#endif
