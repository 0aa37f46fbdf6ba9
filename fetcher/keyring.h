/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys that may have signed something: those of one distribution, and no others
 * of this machine. Files of them come as gpg --export writes them, or armored as rpm
 * distributions hand them out (RPM-GPG-KEY-*).
 */
#ifndef FETCHER_KEYRING_H
#define FETCHER_KEYRING_H

#include <btfpack/error.h>
#include <btfpack/types.h>

struct keyring {
	char *name;                   /* for people: where the keys come from */
	struct btfpack_blob keys;     /* for gpgv --keyring */
	struct btfpack_error missing; /* code 0: there are keys */
};

/* The file @path, or all files in the directory @path. What is wrong with it is told
 * only to who needs it: by keyring_check(). -ENOMEM alone is an error. */
int keyring_init(struct keyring *keyring, const char *path);

/* Every file that one of the glob(7) @patterns, words, finds below @root. */
int keyring_init_patterns(struct keyring *keyring, const char *root, const char *patterns);
void keyring_deinit(struct keyring *keyring);

/* -ENOKEY, and why, when there are no keys to verify @what with. */
int keyring_check(const struct keyring *keyring, const char *what, struct btfpack_error *err);

/* What one file means: armored keys, one or several, become binary ones in @ret; binary
 * ones stay. -EBADMSG, -EFBIG. */
struct buf;
int keyring_add(struct buf *ret, const char *path, const void *text, size_t size,
		struct btfpack_error *err);

#endif
