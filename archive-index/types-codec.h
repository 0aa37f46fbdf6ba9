/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec "types": a BTF told by what distinguishes it from another, its base.
 *
 * Two kernels of a series share nearly all their types, yet not one byte in a row:
 * a type inserted at 5,000 renumbers every reference behind it, a string inserted
 * shifts every name. So types and strings are compared by what they are
 * (types-match.h), and what is written is
 *
 *   - the order of the types: runs of the base's, each begun near where another ended
 *     (types-order.h), between them new ones;
 *   - of the types that have a counterpart in the base, those that are not its
 *     exact translation; a reference is translated when it points to the
 *     counterpart of what the base's points to, so that a struct may change and
 *     the thousands of types that mention it do not;
 *   - for these and for new types, their words: header fields that differ, items
 *     (members, parameters, enumerators) as "leave out, copy, insert" against the
 *     counterpart's;
 *   - the text of new strings, and where the order of all strings is another than
 *     that in which the types first mention them.
 *
 * Each of these is a stream of LEB128 numbers of its own (enum types_stream), most
 * of them differences modulo 2^32, folded so that small ones of either sign are
 * small. The streams, one after another with their lengths, are one zstd frame, for which the
 * base's strings serve as dictionary. The bytes that come out are those that went
 * in, whatever order a converter wrote them in; an order that is stable within a
 * series makes it small. With an empty base the codec works too.
 */
#ifndef ARCHIVE_INDEX_TYPES_CODEC_H
#define ARCHIVE_INDEX_TYPES_CODEC_H

#include <btfpack/types.h>

enum types_stream {
	STREAM_HEAD,	     /* byte order, counts of strings, new ones, and types */
	STREAM_TEXT,	     /* new strings in the order of STREAM_NAMES, each with its NUL */
	STREAM_UNUSED,	     /* the same of strings that no type mentions */
	STREAM_STRING_RUNS,  /* order of the strings */
	STREAM_TYPE_RUNS,    /* order of the types */
	STREAM_EDITED,	     /* which types of the runs are no exact translation */
	STREAM_SHAPES,	     /* of edited and new types: which fields, how many items */
	STREAM_NAMES,	     /* 0: the next new string; else one of the base or used before */
	STREAM_REFERENCES,   /* types by id, from the one that refers */
	STREAM_VALUES,	     /* other words of what is new */
	STREAM_SHIFTS,	     /* other words of what is copied, from the base's */
	STREAM_TYPE_MARKS,   /* not in TYPES_RUNS: near which mark a run begins; 0: new types */
	STREAM_TYPE_SKIPS,   /* not in TYPES_RUNS: how far from it */
	STREAM_COUNT,
};

/* TYPES_RUNS is what btfpack wrote before there were marks: each run by how far it
 * is from where the last one ended. TYPES_BASED is for what adds much to its base, as
 * modules do to vmlinux: a type that has a counterpart in the base is referred to by the
 * counterpart's number, doubled, as the same whoever refers to it, and only others by
 * how far they are, doubled and one more. */
enum types_format { TYPES_RUNS, TYPES_MARKS, TYPES_BASED };

static inline size_t types_stream_count(enum types_format format)
{
	return format == TYPES_RUNS ? STREAM_TYPE_MARKS : STREAM_COUNT;
}

/* As struct codec's: -EOPNOTSUPP where @raw or @base is laid out in a way that
 * this cannot tell. */
int types_encode(const struct btfpack_blob *raw, const struct btfpack_blob *base,
		 struct btfpack_blob *ret);
int types_encode_based(const struct btfpack_blob *raw, const struct btfpack_blob *base,
		       struct btfpack_blob *ret);
int types_decode(const void *data, size_t size, const struct btfpack_blob *base, size_t raw_size,
		 struct btfpack_blob *ret);

/* The same in steps: onto a model of the base (NULL: of no type), to a model. */
struct types_model;
int types_decode_model(enum types_format format, const void *data, size_t size,
		       const struct types_model *base, size_t raw_size, struct types_model **ret);

/* The most that the streams of a BTF of @raw_size bytes may take. */
static inline size_t types_plain_maximum(size_t raw_size)
{
	return 2 * raw_size + ((size_t)1 << 20);
}

/* 24 bytes of header, no type, the empty string: the base of those that have none. */
extern const struct btfpack_blob types_empty_base;

#endif
