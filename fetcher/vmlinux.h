/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of a struct btfpack_vmlinux: vmlinux.c has the handle and its blocks,
 * vmlinux-find.c looks for vmlinux in the tar, vmlinux-tail.c guesses where it is when it is
 * the last file, vmlinux-extract.c writes what is asked for.
 */
#ifndef FETCHER_VMLINUX_H
#define FETCHER_VMLINUX_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fetcher/package.h"
#include "fetcher/xz-blocks.h"

#define HEAD_READ 4096
/* A tar's head, and where in it "ustar" stands. */
#define TAR_HEAD  512
#define TAR_MAGIC 257

#define CACHED    2 /* blocks: of the ELF file's head, of its sections' */

struct cached_block {
	struct xz_decoding *decoding; /* NULL: free */
	size_t number;
	unsigned int used; /* when last */
};

struct btfpack_vmlinux {
	struct extraction x;
	char *path, *what, *uname; /* what x points to */
	int fd;
	struct byte_source source;
	void (*free_source)(void *arg); /* NULL: the source is this file */
	uint64_t data_offset, data_size; /* of data.tar */
	struct xz_blocks *blocks;       /* NULL: only as a stream */
	struct package *package;        /* as such, at its vmlinux; NULL: not there yet */
	bool arriving;                  /* the file's end need not be there yet */
	bool all_blocks;                /* nevertheless they are by the index */
	bool whole_blocks;              /* only their checksums tell that they are intact */
	uint64_t start, size;           /* in the tar's bytes; of a stream, only how many */
	struct cached_block cache[CACHED];
	unsigned int clock;
	struct btfpack_error failure; /* of a reader below, while libarchive unwinds */
	uint64_t at;                  /* libarchive's position */
	uint64_t tar_start;           /* where it began */
	int walked;                   /* heads of the tar */
	uint8_t head[HEAD_READ];      /* of the ar */
};

/* The cached block @number, NULL when it is not. */
struct cached_block *vmlinux_find_cached(struct btfpack_vmlinux *v, size_t number);

/* Lend the plain bytes of block @number, until the next call: *@size_ret of them, @want or
 * more. */
int vmlinux_get_block(struct btfpack_vmlinux *v, size_t number, size_t want, const uint8_t **ret,
		      size_t *size_ret, struct btfpack_error *err);

/* Lend some of the tar's bytes from @offset on, of one block: how many there are, 0 at the
 * end. */
ssize_t vmlinux_lend(struct btfpack_vmlinux *v, uint64_t offset, const uint8_t **ret,
		     struct btfpack_error *err);

/* Of a file that was followed: wait for all of it, and know all blocks. */
int vmlinux_reopen_blocks(struct btfpack_vmlinux *v, struct btfpack_error *err);

/* Free the cached blocks. */
void vmlinux_forget_cached(struct btfpack_vmlinux *v);

/* Where data.tar is. -EOPNOTSUPP for what is not a Debian package, or not as expected:
 * the other way then tells what is wrong with it. */
int vmlinux_find_data(struct btfpack_vmlinux *v, uint64_t *offset_ret, uint64_t *size_ret,
		      struct btfpack_error *err);

/* By its last bytes, where an ELF file begins that is the tar's last, and how many bytes it
 * has: 1. 0: it does not look like one. */
int vmlinux_guess(struct btfpack_vmlinux *v, uint64_t *start_ret, uint64_t *size_ret,
		  struct btfpack_error *err);

/* Where vmlinux is in the tar: v->start and v->size. */
int vmlinux_find_member(struct btfpack_vmlinux *v, struct btfpack_error *err);

#endif
