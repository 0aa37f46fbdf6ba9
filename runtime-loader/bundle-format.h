/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The bundle file, as it lies on disk: the one contract between its writer
 * (archive-index/bundle-write.c) and its reader (bundle.c). The same in words for
 * other languages: man/btfpack-bundle.5.
 *
 * All numbers are little-endian, whatever machine wrote the file. "uleb" is an
 * unsigned LEB128 of at most 32 bits; "zigzag" is 0, -1, 1, -2, ... as 0, 1, 2, 3, ...
 *
 *	+--------------------------------------------------------------+ 0
 *	| magic[8]            "BTFpack\n"                              |
 *	| u32 version         3                                        |
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
 *	+--------------------------------------------------------------+
 *	| the sections' bytes, in the order of the table: no gaps,     |
 *	| nothing after the last                                       |
 *	+--------------------------------------------------------------+ file_size
 *
 * Where stored_size equals raw_size the bytes are as they are; where it is
 * smaller they are one zstd frame. BUILD_IDS, GROUPS, DIGESTS and SIGNATURE, which
 * do not compress, and DATA, whose groups are compressed, are always as they are.
 *
 * KEYS: two ulebs, the sizes of the first and the second of three columns, which
 * follow. Each has something of every kernel. The order of kernels is up to the
 * writer; only several builds of one kernel name must come one after another.
 *
 * First column, the keys. A key's pattern is the key with its numbers, runs of 1 to 9
 * digits without a zero in front of others, as bytes of value 1.
 *
 *	uleb step        0: another pattern follows:
 *	                   uleb shared  how many bytes of the previous pattern it
 *	                                begins with
 *	                   u8 rest[]    and a NUL
 *	                   uleb number  for each number
 *	                 else the pattern is that of the previous kernel, and so are
 *	                 the first n = (step - 1) / 2 numbers. Is there one more, then
 *	                   uleb more    this number is the previous one's plus 1 plus more
 *	                 and those behind it are the previous one's, too, unless step is
 *	                 even: then
 *	                   uleb number  for each of them
 *
 * A key is distro "/" release "/" arch "/" uname: printable ASCII without spaces,
 * no field empty, no other "/", at most 255 bytes.
 *
 * Second column, the blobs: a uleb each: 0 the previous kernel's; 1 the next one not
 * named so far; n + 1 the n-th last of those named so far.
 *
 * Third column, the verdicts: a uleb each: 0 the previous kernel's (for the first
 * kernel: not known); 1 not known; n + 1 number n of VERDICTS, from 1.
 *
 * BUILD_IDS: per kernel the first bytes of its GNU build-id, zeroes after a shorter
 * one; all zero when it is not known. How many is the section's size by the number of
 * kernels: at most 20, none if no build-id is known. Random bytes are the one thing
 * here that does not compress. Few are enough since they never decide alone: they
 * count as proof only for a kernel whose uname is the host's. What they must tell
 * apart is then two builds of one uname; writers take more bytes than the usual
 * BUNDLE_BUILD_ID_SIZE where those in the bundle need it.
 *
 * BLOBS: per blob a uleb, its base, the blob that it is said by: 0 none, odd 2 d - 1
 * the blob whose number is d less, even 2 d the one whose number is d more. From any
 * blob, at most 64 steps lead to one without a base. Then per blob another uleb: the
 * size of its delta in bytes.
 *
 * GROUPS: deltas lie in groups, each compressed as one; per group
 *
 *	u32 stored_size, u32 raw_size
 *
 * A delta lies in one group. raw_size is the sum of its deltas' sizes, and at most
 * 256 KB where there are several.
 *
 * DATA: the groups' bytes, in order.
 *
 * A delta begins with a byte: 0 the blob's bytes follow; 1, 2 it is BTF in
 * little-endian, big-endian byte order, made of items: each type's three words, then
 * one item for each member, parameter, and so on, as bundle_shapes below has them.
 * Header and string section follow from the items: the header has 24 bytes, the
 * string section each name once, in the order in which the items mention them. What
 * follows makes the blob's items from the base's, of which a cursor is at the first:
 *
 *	uleb step        step / 4 items are copied, then, by step % 4:
 *	  0              the end: the rest of the base is not copied
 *	  1  uleb n      n items are skipped
 *	  2  uleb n      n new items, word by word:
 *	                   name       uleb: 0 none; 1 the text follows, with its NUL;
 *	                              2 n + 2 the base's at offset n of its strings;
 *	                              2 n + 3 the blob's own at offset n
 *	                   type       uleb: 2 n + 1 what the base's type n has become;
 *	                              2 n: with n in zigzag, the type's own number
 *	                              (of the type before in a type's first item)
 *	                              minus n
 *	                   info       uleb, the kind in the lowest byte: the word
 *	                              rotated left by 8
 *	                   others     uleb
 *	  3  uleb mask   an item is copied; of its words those whose bit is set in the
 *	                 mask (1, 2, 4) are not as copying has them. These follow:
 *	                   name, type   as above
 *	                   info, others uleb, zigzag: the difference to what copying has,
 *	                                of info words in their rotated form
 *
 * Copying an item takes over its words: names by their text, types as what they have
 * become, the offset of a struct's or union's member moved by as much as the last
 * member copied before it in the blob's type, if any.
 *
 * DIGESTS: per blob the first 4 bytes of the SHA-256 of its bytes. For provenance:
 * a reader that trusts the checksum does not need it.
 *
 * PROGRAMS: what the verdicts are about: per program two texts, each ending with a
 * NUL: the BPF object's name, the program's. An empty first text: the object is
 * that of the program before.
 *
 * VERDICTS: three lists, the first two with their lengths as uleb in front. Reasons:
 * texts, each ending with a NUL. Remarks, sorted by program: uleb program, from that
 * of the remark before (0 for the first); u8 letter: "o" it loads without some optional
 * fields, "?" it may load, "X" it cannot; uleb reason, from 0. Then verdicts until the
 * section's end: uleb count, and as many remarks: uleb, the number of remarks since
 * the one before (0 for the next). A program of which a verdict has no remark loads.
 *
 * PROVENANCE: text: what made this bundle, from what. One fact a line, first the
 * kind of fact: "btfpack", "digest", "object", "kernel".
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

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h> /* header only: nothing is linked */

#define BUNDLE_MAGIC	 "BTFpack\n"
#define BUNDLE_VERSION	 3
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
#define BUNDLE_SECTION_SIZE	12
#define BUNDLE_BUILD_ID_SIZE	3 /* what writers usually keep of one */
#define BUNDLE_GROUP_SIZE	8
#define BUNDLE_DIGEST_SIZE	4
#define BUNDLE_SIGNATURE_SIZE	96

/* Limits: what is beyond them is not a bundle. */
#define BUNDLE_SECTIONS_MAXIMUM 16
#define BUNDLE_KERNELS_MAXIMUM	(1U << 20)
#define BUNDLE_KEY_MAXIMUM	255
#define BUNDLE_NUMBERS_MAXIMUM	128 /* in a key */
#define BUNDLE_DIGITS_MAXIMUM	9   /* of such a number */
#define BUNDLE_BUILD_ID_MAXIMUM 20
#define BUNDLE_TEXT_MAXIMUM	(32U << 20) /* a decompressed section */
#define BUNDLE_GROUP_MAXIMUM	(256U << 10) /* a decompressed group of several deltas */
#define BUNDLE_BLOB_MAXIMUM	(64U << 20)
#define BUNDLE_DEPTH_MAXIMUM	64 /* steps from a blob to one without a base */
#define BUNDLE_PROGRAMS_MAXIMUM (1U << 16)

#define BUNDLE_NUMBER_MARK '\1' /* stands for a number in a pattern */

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

/* Read a uleb at *@pos, before @end. False: it does not end there, or is too large. */
static inline bool bundle_get_uleb(const uint8_t **pos, const uint8_t *end, uint32_t *ret)
{
	uint32_t value = 0;

	for (unsigned int shift = 0; shift < 32 && *pos < end; shift += 7) {
		uint8_t byte = *(*pos)++;

		if (shift == 28 && byte > 0x0f)
			return false;
		value |= (uint32_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* Write one; how many bytes it takes. */
static inline size_t bundle_put_uleb(uint8_t to[5], uint32_t value)
{
	size_t n = 0;

	do {
		to[n] = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
		value >>= 7;
		n++;
	} while (value);
	return n;
}

/* 0, -1, 1, -2, ... as 0, 1, 2, 3, ... */
static inline uint32_t bundle_zigzag(uint32_t value)
{
	return value << 1 ^ (value >> 31 ? UINT32_MAX : 0);
}

static inline uint32_t bundle_unzigzag(uint32_t code)
{
	return code >> 1 ^ (code & 1 ? UINT32_MAX : 0);
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

/* --- what BTF is made of, for deltas ------------------------------------------------------------ */

#define BUNDLE_BTF_HEADER 24

enum bundle_content { BUNDLE_FORM_BYTES, BUNDLE_FORM_LITTLE, BUNDLE_FORM_BIG };

enum bundle_step { BUNDLE_STEP_END, BUNDLE_STEP_SKIP, BUNDLE_STEP_INSERT, BUNDLE_STEP_CHANGE };

enum bundle_word { BUNDLE_WORD_PLAIN, BUNDLE_WORD_NAME, BUNDLE_WORD_TYPE, BUNDLE_WORD_INFO };

/* The items of BTF: the three words each type begins with, and what may follow. */
enum {
	BUNDLE_SHAPE_NONE,
	BUNDLE_SHAPE_HEADER,
	BUNDLE_SHAPE_NUMBER, /* of an integer, variable or tag */
	BUNDLE_SHAPE_ARRAY,
	BUNDLE_SHAPE_MEMBER,
	BUNDLE_SHAPE_ENUM,
	BUNDLE_SHAPE_PARAMETER,
	BUNDLE_SHAPE_VARIABLE, /* of a section */
	BUNDLE_SHAPE_ENUM64,
	BUNDLE_SHAPE_END
};

struct bundle_shape {
	uint8_t count; /* of words */
	uint8_t words[3];
};

static const struct bundle_shape bundle_shapes[BUNDLE_SHAPE_END] = {
	/* the third word's meaning hangs on the kind */
	[BUNDLE_SHAPE_HEADER] = { 3, { BUNDLE_WORD_NAME, BUNDLE_WORD_INFO, BUNDLE_WORD_PLAIN } },
	[BUNDLE_SHAPE_NUMBER] = { 1, { BUNDLE_WORD_PLAIN } },
	[BUNDLE_SHAPE_ARRAY] = { 3, { BUNDLE_WORD_TYPE, BUNDLE_WORD_TYPE, BUNDLE_WORD_PLAIN } },
	[BUNDLE_SHAPE_MEMBER] = { 3, { BUNDLE_WORD_NAME, BUNDLE_WORD_TYPE, BUNDLE_WORD_PLAIN } },
	[BUNDLE_SHAPE_ENUM] = { 2, { BUNDLE_WORD_NAME, BUNDLE_WORD_PLAIN } },
	[BUNDLE_SHAPE_PARAMETER] = { 2, { BUNDLE_WORD_NAME, BUNDLE_WORD_TYPE } },
	[BUNDLE_SHAPE_VARIABLE] = { 3, { BUNDLE_WORD_TYPE, BUNDLE_WORD_PLAIN, BUNDLE_WORD_PLAIN } },
	[BUNDLE_SHAPE_ENUM64] = { 3, { BUNDLE_WORD_NAME, BUNDLE_WORD_PLAIN, BUNDLE_WORD_PLAIN } },
};

struct bundle_kind {
	bool known;
	bool refers;   /* the third word of the header is a type, not a size */
	bool many;     /* items: as many as the info says; else one, or none */
	uint8_t shape; /* of the items */
};

/* What the kind in the info word @info has. */
static inline struct bundle_kind bundle_kind(uint32_t info)
{
	static const struct bundle_kind kinds[32] = {
		[1] = { true, false, false, BUNDLE_SHAPE_NUMBER },  /* INT */
		[2] = { true, true, false, BUNDLE_SHAPE_NONE },	    /* PTR */
		[3] = { true, false, false, BUNDLE_SHAPE_ARRAY },   /* ARRAY */
		[4] = { true, false, true, BUNDLE_SHAPE_MEMBER },   /* STRUCT */
		[5] = { true, false, true, BUNDLE_SHAPE_MEMBER },   /* UNION */
		[6] = { true, false, true, BUNDLE_SHAPE_ENUM },	    /* ENUM */
		[7] = { true, false, false, BUNDLE_SHAPE_NONE },    /* FWD */
		[8] = { true, true, false, BUNDLE_SHAPE_NONE },	    /* TYPEDEF */
		[9] = { true, true, false, BUNDLE_SHAPE_NONE },	    /* VOLATILE */
		[10] = { true, true, false, BUNDLE_SHAPE_NONE },    /* CONST */
		[11] = { true, true, false, BUNDLE_SHAPE_NONE },    /* RESTRICT */
		[12] = { true, true, false, BUNDLE_SHAPE_NONE },    /* FUNC */
		[13] = { true, true, true, BUNDLE_SHAPE_PARAMETER }, /* FUNC_PROTO */
		[14] = { true, true, false, BUNDLE_SHAPE_NUMBER },  /* VAR */
		[15] = { true, false, true, BUNDLE_SHAPE_VARIABLE }, /* DATASEC */
		[16] = { true, false, false, BUNDLE_SHAPE_NONE },   /* FLOAT */
		[17] = { true, true, false, BUNDLE_SHAPE_NUMBER },  /* DECL_TAG */
		[18] = { true, true, false, BUNDLE_SHAPE_NONE },    /* TYPE_TAG */
		[19] = { true, false, true, BUNDLE_SHAPE_ENUM64 },  /* ENUM64 */
	};

	return kinds[info >> 24 & 31];
}

/* The info word with its kind, which is in the highest bits, before its count, or back:
 * a rotation by 8 or 24. */
static inline uint32_t bundle_turn_info(uint32_t info, unsigned int by)
{
	return info << by | info >> (32 - by);
}

#endif
