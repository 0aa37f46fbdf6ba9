/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Distributions that users describe themselves, in Debian's control format as apt's
 * .sources are: a stanza for each.
 *
 *	Distro: mylinux
 *	Releases: 8 9/nine
 *	Kind: rpm-md
 *	Kernels: rpm
 *	Url: https://example.org/mylinux
 *	Paths: $release/debug/$arch $release/debug-updates/$arch
 *	Arches: x86_64 aarch64
 *	Keyring: /etc/mylinux/keyring.gpg
 */
#ifndef FETCHER_DISTRO_FILE_H
#define FETCHER_DISTRO_FILE_H

#include <stddef.h>

#include <btfpack/error.h>

#include "fetcher/repo.h"

struct distro_entry; /* a distribution and what it points to */

struct distro_file {
	struct distro_entry **entries;
	size_t count;
};

/* Read the file @path, or each file *.distro in the directory @path. -EINVAL for what
 * makes no sense, with its place. */
int distro_file_init(struct distro_file *file, const char *path, struct btfpack_error *err);
void distro_file_deinit(struct distro_file *file);

/* Add what one text says; @what is named in errors. */
int distro_file_parse(struct distro_file *file, const char *what, const char *text, size_t size,
		      struct btfpack_error *err);

/* NULL when there is none. Lent. */
const struct distro *distro_file_find(const struct distro_file *file, const char *name);

#endif
