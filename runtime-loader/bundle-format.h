/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bundle file, as it lies on disk: the one contract between its writer
 * (archive-index/bundle-write.c) and its reader (bundle.c). The same in words for
 * other languages: man/btfpack-bundle.5.
 *
 * All numbers are little-endian, whatever machine wrote the file. "uleb" is an
 * unsigned LEB128 of at most 32 bits.
 *
 *	+--------------------------------------------------------------+ 0
 *	| magic[8]            "BTFpack\n"                              |
 *	| u32 version         2                                        |
 *	| u32 section_count   at most 16                               |
 *	| u64 file_size       of all of it, in bytes                   |
 *	| u32 kernel_count    at most 1,048,576                        |
 *	| u32 blob_count      at most kernel_count                     |
 *	| u64 checksum        XXH64, seed 0, of the file with these    |
 *	|                     eight bytes as zeroes                    |
 *	+--------------------------------------------------------------+ 40
 *	| section_count times:                                         |
 *	|   u32 type          each at most once                        |
 *	|   u32 stored_size   bytes in this file                       |
 *	|   u32 raw_size      bytes when decompressed                  |
 *	|   u32 zero                                                   |
 *	+--------------------------------------------------------------+
 *	| the sections' bytes, in the order of the table: no gaps,     |
 *	| nothing after the last                                       |
 *	+--------------------------------------------------------------+ file_size
 *
 * Where stored_size equals raw_size the bytes are as they are; where it is
 * smaller they are one zstd frame. BUILD_IDS, GROUPS, DIGESTS and SIGNATURE, which
 * do not compress, and DATA, whose groups are compressed, are always as they are.
 *
 * KEYS: kernel_count records, in ascending byte order of the keys; equal keys are
 * several builds of one kernel name, in the order of their build-ids.
 *
 *	uleb shared      how many bytes of the previous key this one begins with
 *	uleb length      of the rest
 *	u8   rest[length]
 *	uleb back        which blob: 0 the next one not named so far, n the n-th last
 *	                 of those named so far (1: the last)
 *	uleb verdict     0 not known, else which text of VERDICTS, from 1
 *
 * A key is distro "/" release "/" arch "/" uname: printable ASCII without spaces,
 * no field empty, no other "/", at most 255 bytes.
 *
 * BUILD_IDS: per kernel 4 bytes: the first 4 of its GNU build-id, zeroes after a
 * shorter one; all zero when it is not known. Random bytes are the one thing here
 * that does not compress, and cost each kernel more than all else. Four are enough
 * since they never decide alone: they count as proof only for a kernel whose uname
 * is the host's. What they must tell apart is then two builds of one uname, and
 * these share four bytes of a SHA-1 once in 4,294,967,296 times.
 *
 * BLOBS: per blob u32: its size in bytes.
 *
 * GROUPS: blobs lie in groups, each compressed as one; per group
 *
 *	u32 stored_size, u32 raw_size, u32 blob_count
 *
 * raw_size is the sum of its blobs' sizes, and at most 256 KB where blob_count is
 * more than 1: that is what a reader decompresses to get at one blob.
 *
 * DATA: the groups' bytes, in order.
 *
 * DIGESTS: per blob the first 16 bytes of the SHA-256 of its bytes. For provenance:
 * a reader that trusts the checksum does not need it.
 *
 * PROGRAMS: what the verdicts are about: per program two texts, each ending with a
 * NUL: the BPF object's name, the program's. An empty first text: the object is
 * that of the program before.
 *
 * VERDICTS: texts, each ending with a NUL; kernels on which all programs fare alike
 * name the same one. A program that loads has no line. Of the others, in the order
 * of PROGRAMS:
 *
 *	NUMBER LETTER [" " REASON] "\n"
 *
 * NUMBER is the program's, from 0, in decimal; LETTER is "o" it loads without some
 * optional fields, "?" it may load, "X" it cannot. An empty text: all load.
 *
 * PROVENANCE: text: what made this bundle, from what. One fact a line, first the
 * kind of fact: "btfpack", "object", "kernel".
 *
 * SIGNATURE: room for an Ed25519 public key (32 bytes) and a signature (64 bytes)
 * of all bytes before this section, with the checksum taken as zeroes. The last
 * section. Said by tools; the loader does not check it.
 *
 * Version rules. A reader refuses a version it does not know, a section type it
 * does not know below BUNDLE_IGNORABLE, and anything that is not as drawn here. A
 * section type from BUNDLE_IGNORABLE on is skipped by readers that do not know
 * it. So additions that old readers can do without need no new version. Magic,
 * version, file_size and checksum stay where they are in later versions.
 */
#ifndef RUNTIME_LOADER_BUNDLE_FORMAT_H
#define RUNTIME_LOADER_BUNDLE_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h> /* header only: nothing is linked */

#define BUNDLE_MAGIC	 "BTFpack\n"
#define BUNDLE_VERSION	 2
#define BUNDLE_IGNORABLE 0x80000000U

/* Offsets in the header, and sizes. */
#define BUNDLE_AT_VERSION	8
#define BUNDLE_AT_SECTION_COUNT 12
#define BUNDLE_AT_FILE_SIZE	16
#define BUNDLE_AT_KERNEL_COUNT	24
#define BUNDLE_AT_BLOB_COUNT	28
#define BUNDLE_AT_CHECKSUM	32
#define BUNDLE_AT_SECTIONS	40
#define BUNDLE_CHECKSUM_SIZE	8
#define BUNDLE_SECTION_SIZE	16
#define BUNDLE_BUILD_ID_SIZE	4
#define BUNDLE_BLOB_SIZE	4
#define BUNDLE_GROUP_SIZE	12
#define BUNDLE_DIGEST_SIZE	16
#define BUNDLE_SIGNATURE_SIZE	96

/* Limits: what is beyond them is not a bundle. */
#define BUNDLE_SECTIONS_MAXIMUM 16
#define BUNDLE_KERNELS_MAXIMUM	(1U << 20)
#define BUNDLE_KEY_MAXIMUM	255
#define BUNDLE_TEXT_MAXIMUM	(32U << 20) /* a decompressed section */
#define BUNDLE_GROUP_MAXIMUM	(256U << 10) /* a decompressed group of several blobs */
#define BUNDLE_BLOB_MAXIMUM	(64U << 20)
#define BUNDLE_PROGRAMS_MAXIMUM (1U << 16)

enum bundle_section {
	BUNDLE_KEYS = 1,
	BUNDLE_BUILD_IDS = 2,
	BUNDLE_BLOBS = 3,
	BUNDLE_GROUPS = 4,
	BUNDLE_DATA = 5,
	BUNDLE_DIGESTS = 6,
	BUNDLE_PROGRAMS = 7,
	BUNDLE_VERDICTS = 8,
	BUNDLE_PROVENANCE = 9,
	BUNDLE_SIGNATURE = 10,
	BUNDLE_SECTION_END
};

static inline uint32_t bundle_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t bundle_get_u64(const uint8_t *p)
{
	return bundle_get_u32(p) | (uint64_t)bundle_get_u32(p + 4) << 32;
}

static inline void bundle_put_u32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(value >> 8 * i);
}

static inline void bundle_put_u64(uint8_t *p, uint64_t value)
{
	bundle_put_u32(p, (uint32_t)value);
	bundle_put_u32(p + 4, (uint32_t)(value >> 32));
}

/*
 * The checksum of a file of at least BUNDLE_AT_SECTIONS bytes, as the header has it.
 * It tells damage; against a forger there is the signature.
 */
static inline uint64_t bundle_checksum(const uint8_t *data, size_t size)
{
	static const uint8_t zeroes[BUNDLE_CHECKSUM_SIZE];
	XXH64_state_t state;

	XXH64_reset(&state, 0);
	XXH64_update(&state, data, BUNDLE_AT_CHECKSUM);
	XXH64_update(&state, zeroes, sizeof(zeroes));
	XXH64_update(&state, data + BUNDLE_AT_SECTIONS, size - BUNDLE_AT_SECTIONS);
	return XXH64_digest(&state);
}

#endif
