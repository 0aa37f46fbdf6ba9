/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between dwarf-scan.c, which reads a DIE's attributes, and dwarf-keep.c (with
 * dwarf-tags.c), which keeps what they say. Nobody else comes here: dwarf-unit.h is the way in.
 */
#ifndef BTFGEN_DWARF_SCAN_H
#define BTFGEN_DWARF_SCAN_H

#include <byteswap.h>
#include <string.h>

#include "btfgen/dwarf-unit.h"

/* The attributes of one DIE. Only slots named in @present hold anything. */
struct die_attrs {
	uint64_t value[ATTR_COUNT_ + 1];
	uint32_t present;
	uint32_t blocks;     /* @value is the offset of a block's bytes in .debug_info */
	uint32_t negative;   /* @value is below zero */
	uint32_t indexed;    /* @value counts entries of a table */
	uint32_t block_size; /* bytes of the block read last */
};

/* Where the pass stands. */
struct scan {
	struct unit_reader *reader;
	const uint8_t *start; /* of .debug_info */
	const uint8_t *at;
	const uint8_t *end; /* of the unit */
	uint64_t shift;     /* from unit-relative to reader-relative offsets */
	uint64_t span;      /* of the latter */
	bool has_repeats;   /* names need looking up */
	struct die_attrs attrs;
	uint32_t die; /* offset of the DIE at hand, from the reader's base */
};

#define HAS(scan, attr)   ((scan)->attrs.present & 1u << (attr))
#define VALUE(scan, attr) ((scan)->attrs.value[attr])
#define FLAG(scan, attr)  (HAS(scan, attr) && VALUE(scan, attr))

/* What the children of a DIE belong to. */
struct parent {
	enum parent_place place;
	uint32_t index;
};

/* Keep what the DIE at hand says. The parent its children get is set in @ret. False:
 * out of memory. */
bool dwarf_keep_die(struct scan *scan, const struct abbrev *abbrev, struct parent parent, bool swap,
		    struct parent *ret);

/* What is read of a DIE whose abbreviation is LAYOUT_SIMPLE. */
struct simple_attrs {
	dwarf_name name; /* or 0 */
	uint64_t number; /* by class: a size, a place, a value, a bound */
	uint32_t ref;    /* or REF_NONE */
};

/* Add a type for the DIE at hand; NULL when out of memory. */
struct die_type *dwarf_add_type(struct scan *scan, uint8_t kind);

/* Append an item to a list of a type or function, likewise. */
struct die_item *dwarf_add_item(struct unit_reader *reader, uint32_t *first, uint32_t *last,
				uint32_t *count);

/* --- annotations (dwarf-tags.c) --------------------------------------------------------------- */

enum tag_sort { TAG_UNKNOWN, TAG_TYPE, TAG_DECL };

struct die_annotation {
	uint32_t offset;
	uint32_t next; /* ref */
	dwarf_name value;
	enum tag_sort sort;
};

struct die_bearer {
	enum parent_place place;
	uint32_t index;
	int32_t component; /* of a type or function; -1: the whole */
	uint32_t first;    /* ref of its annotation */
};

/* Keep clang's annotation at hand, of @bearer; keep gcc's; keep who bears gcc's; at
 * the end of the unit hand these out. False: out of memory. */
bool dwarf_keep_annotation(struct scan *scan, struct parent bearer);
bool dwarf_keep_gnu_annotation(struct scan *scan);
bool dwarf_keep_bearer(struct scan *scan, struct parent bearer);
bool dwarf_hand_out_annotations(struct scan *scan);

/* --- arrays of the reader --------------------------------------------------------------------- */

/* Make room for one more element of an array of the reader's. */
bool unit_reader_has_room(void **array, uint32_t *room, uint32_t count, size_t size);

#define ADD(reader, noun)                                                                          \
	((reader)->noun##_count < (reader)->noun##_room ||                                         \
			 unit_reader_has_room((void **)&(reader)->noun##s, &(reader)->noun##_room, \
					      (reader)->noun##_count, sizeof(*(reader)->noun##s))  \
		 ? &(reader)->noun##s[(reader)->noun##_count++]                                    \
		 : NULL)

/* A ref for what is not in the reader; REF_NONE when out of memory. */
uint32_t unit_reader_add_foreign(struct unit_reader *reader, enum foreign_place place,
				 uint64_t value);

/* A number of 1, 2, 3, 4 or 8 bytes. */
static inline __attribute__((always_inline)) uint64_t load(const uint8_t *p, unsigned int size,
							   bool swap)
{
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;

	switch (size) {
	case 1:
		return *p;
	case 2:
		memcpy(&u16, p, 2);
		return swap ? bswap_16(u16) : u16;
	case 3:
		return swap == (__BYTE_ORDER == __BIG_ENDIAN)
			       ? p[0] | p[1] << 8 | (uint32_t)p[2] << 16
			       : p[2] | p[1] << 8 | (uint32_t)p[0] << 16;
	case 4:
		memcpy(&u32, p, 4);
		return swap ? bswap_32(u32) : u32;
	default:
		memcpy(&u64, p, 8);
		return swap ? bswap_64(u64) : u64;
	}
}

/* A number of 0 to 4 bytes, where 4 can be read. @mask is of as many. */
static inline __attribute__((always_inline)) uint64_t
load_short(const uint8_t *p, unsigned int size, uint32_t mask, bool swap)
{
	uint32_t wide;

	if (swap || __BYTE_ORDER == __BIG_ENDIAN)
		return size ? load(p, size, swap) : 0;
	memcpy(&wide, p, sizeof(wide)); /* sizes alternate: no branch on them */
	return wide & mask;
}

/* An unsigned LEB128 below @end; NULL when it does not end there. */
static inline const uint8_t *read_uleb(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	unsigned int shift = 0;
	uint64_t value = 0;

	while (p < end) {
		uint8_t byte = *p++;

		if (shift < 64)
			value |= (uint64_t)(byte & 0x7f) << shift;
		shift += 7;
		if (!(byte & 0x80)) {
			*ret = value;
			return p;
		}
		if (shift > 70)
			break;
	}
	return NULL;
}
#endif
