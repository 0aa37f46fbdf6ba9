/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contents on disk: append-only pack files, packs/NNNNNNNN.pack, each a header
 * and records one after another. Numbers are little-endian.
 *
 *	pack header, 16 bytes             record, 104 bytes and the payload
 *	 0  "BTFPACK\n"                    0  "BTFr"
 *	 8  u32 format, 1                  4  u32 codec
 *	12  u32 the pack's number          8  u64 payload size
 *	                                  16  u64 raw size, of the BTF
 *	                                  24  id: SHA-256 of the BTF, 32 bytes
 *	                                  56  base: id of the content that the codec
 *	                                      needs to decode, 32 zeroes for none
 *	                                  88  u64 XXH64 of the payload
 *	                                  96  u64 XXH64 of the 96 bytes before
 *	                                 104  payload, then zeroes up to a multiple of 8
 *
 * So a pack can be walked, checked and copied without the index and without
 * decoding. Which bytes of a pack count is the index's word (its pack.size): a
 * record is written and synced at that place, and exists once the index has
 * committed the new size. There is one writer at a time, by the index's lock;
 * readers need none, as committed bytes never change.
 */
#ifndef ARCHIVE_INDEX_OBJECTS_H
#define ARCHIVE_INDEX_OBJECTS_H

#include <stdbool.h>
#include <stdint.h>

#include <btfpack/error.h>
#include <btfpack/types.h>

#include "core/cleanup.h"

#define PACK_HEADER_SIZE   16
#define RECORD_HEADER_SIZE 104
#define PACK_SIZE_MAXIMUM  ((uint64_t)256 << 20) /* then a new one is begun */

/* A record, as its header says. */
struct record {
	unsigned int codec;
	uint64_t payload_size;
	uint64_t raw_size;
	uint64_t payload_sum;
	struct btfpack_id id;
	struct btfpack_id base; /* all zero: none */
};

/* Where it stands. @size covers header, payload and padding. */
struct place {
	int64_t pack;
	uint64_t offset;
	uint64_t size;
};

bool record_has_base(const struct record *r);

/* Bytes that a record takes in the pack. */
uint64_t record_size(const struct record *r);

void record_format(const struct record *r, uint8_t ret[RECORD_HEADER_SIZE]);

/* -EBADMSG: not a record header, or a damaged one, or sizes over what can be. */
int record_parse(const uint8_t bytes[RECORD_HEADER_SIZE], struct record *ret);

/* --- the packs of one archive ------------------------------------------------------------------ */

struct objects;

/* @dirfd: the archive's directory, borrowed; @dir: its name in sentences. Makes
 * nothing. */
int objects_open(int dirfd, const char *dir, struct objects **ret, struct btfpack_error *err);
void objects_close(struct objects *o);

/*
 * Append a record to pack @place->pack at @place->offset, which is the pack's
 * committed size, 0 for a pack to be made; bytes beyond, which an interrupted
 * writer left, are cut off first. Only the holder of the index's write lock may
 * call it, and calls objects_sync() before it commits.
 * @place: offset and size are set to where the record stands; its end is the
 * pack's new size.
 *
 * Errors: -EBADMSG the pack is shorter than @place->offset; the system's.
 */
int objects_append(struct objects *o, const struct record *r, const void *payload,
		   struct place *place, struct btfpack_error *err);

/* Have what was appended to @pack on the disk when it returns. */
int objects_sync(struct objects *o, int64_t pack, struct btfpack_error *err);

/* Cut the pack back to @size, after an append that is not going to be committed.
 * Best effort: the next append would do it. 0: the file goes. */
void objects_truncate(struct objects *o, int64_t pack, uint64_t size);

/* Read the record at @place, its frame and its payload's sum checked against
 * @expected; the caller frees the payload. -ENOENT: no such pack (collected since
 * the index was read); -EBADMSG. */
int objects_read(struct objects *o, const struct place *place, const struct record *expected,
		 struct btfpack_blob *ret, struct btfpack_error *err);

/*
 * Walk a pack's first @size bytes. @fn gets each record with its payload, whose
 * sum is checked already, and returns 0 to go on. Damage is given to @damage
 * (may be NULL) as a sentence with the offset; the walk goes on behind it where
 * the next record can be found: after a damaged payload at its end, after a
 * damaged header at the next "BTFr" whose header holds. 0, what @fn returned, or
 * -errno when the file cannot be read.
 */
typedef int (*record_fn)(const struct record *r, const struct place *place, const void *payload,
			 void *arg);
typedef void (*damage_fn)(const char *sentence, void *arg);
int objects_walk(struct objects *o, int64_t pack, uint64_t size, record_fn fn, damage_fn damage,
		 void *arg, struct btfpack_error *err);

/* The same over an open file; @name is what to call it. */
int pack_walk(int fd, const char *name, int64_t pack, uint64_t size, record_fn fn,
	      damage_fn damage, void *arg, struct btfpack_error *err);

/* Give each number that a file in packs/ bears to @fn, until it returns other
 * than 0. */
int objects_list(struct objects *o, int (*fn)(int64_t pack, void *arg), void *arg,
		 struct btfpack_error *err);

/* Delete a pack's file. -ENOENT is success. */
int objects_remove(struct objects *o, int64_t pack, struct btfpack_error *err);

/* Close the pack that is kept open. */
void objects_refresh(struct objects *o);

#endif
