/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pass over a unit's DIEs. It is where conversion spends half of its time:
 * a kernel has some 14 million DIEs in 165 MB. So: one loop, no recursion, no
 * look at any other DIE, no look at a string. What is not wanted where it stands
 * is stepped over in one addition, what is simple (dwarf-abbrev.h) is read without
 * a branch for each attribute, and only one DIE in ten goes by ops. The loop is
 * written once and compiled twice, for either byte order.
 */
#include <dwarf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/dwarf-simple.h"

#define DEPTH_MAXIMUM 1024 /* of nested DIEs; kernels stay below 60 */

static const uint8_t *read_sleb(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	const uint8_t *after = read_uleb(p, end, ret);
	unsigned int bits = after ? 7 * (unsigned int)(after - p) : 0;

	if (after && bits < 64 && after[-1] & 0x40)
		*ret |= ~UINT64_C(0) << bits;
	return after;
}

static const uint8_t *skip_leb(const uint8_t *p, const uint8_t *end)
{
	while (p < end)
		if (!(*p++ & 0x80))
			return p;
	return NULL;
}

static const uint8_t *skip_string(const uint8_t *p, const uint8_t *end)
{
	const uint8_t *nul = memchr(p, '\0', (size_t)(end - p));

	return nul ? nul + 1 : NULL;
}

/* The end of a block whose length has @size bytes (0: LEB128); its bytes begin at
 * *@ret. */
static inline __attribute__((always_inline)) const uint8_t *
read_block(const uint8_t *p, const uint8_t *end, unsigned int size, bool swap, const uint8_t **ret)
{
	uint64_t length;

	if (size) {
		if ((size_t)(end - p) < size)
			return NULL;
		length = load(p, size, swap);
		p += size;
	} else {
		p = read_uleb(p, end, &length);
		if (!p)
			return NULL;
	}
	if (length > (size_t)(end - p))
		return NULL;
	*ret = p;
	return p + length;
}

/* The same, for a string of any length. */
static __attribute__((noinline)) const uint8_t *name_inline_long(const struct scan *scan,
								 const uint8_t *p, dwarf_name *ret)
{
	const uint8_t *string = p;
	uint64_t value = 0;

	for (unsigned int i = 0; i < 8 && p < scan->end; i++) {
		uint8_t byte = *p++;

		if (!byte) {
			*ret = i ? NAME_MAKE(NAME_PACKED, value) : 0;
			return p;
		}
		if (i < 7)
			value |= (uint64_t)byte << 8 * i;
	}
	p = skip_string(p, scan->end);
	*ret = NAME_MAKE(scan->reader->file->main ? NAME_ALT_INFO : NAME_INFO,
			 (uint64_t)(string - scan->start));
	if (p && scan->has_repeats)
		*ret = dwarf_file_unified(scan->reader->file, *ret);
	return p;
}

/* DW_FORM_string: the byte behind it, or NULL. Compilers write so what is shorter than
 * an offset. */
static inline const uint8_t *name_inline(const struct scan *scan, const uint8_t *p,
					 dwarf_name *ret)
{
	uint64_t bytes, nul;
	unsigned int length;

	if (scan->end - p < 8)
		return name_inline_long(scan, p, ret);
	memcpy(&bytes, p, sizeof(bytes));
	bytes = le64toh(bytes);
	/* The lowest bit set is the top one of the first byte that is zero. */
	nul = (bytes - UINT64_C(0x0101010101010101)) & ~bytes & UINT64_C(0x8080808080808080);
	if (!nul)
		return name_inline_long(scan, p, ret);
	length = (unsigned int)__builtin_ctzll(nul) / 8;
	*ret = length ? NAME_MAKE(NAME_PACKED, bytes & ((UINT64_C(1) << 8 * length) - 1)) : 0;
	return p + length + 1;
}

/* DW_FORM_strx: through .debug_str_offsets. */
static dwarf_name name_indexed(const struct scan *scan, uint64_t index, bool swap)
{
	const struct elf_section *offsets = &scan->reader->file->str_offsets;
	unsigned int size = scan->reader->unit->encoding.offset_size;
	uint64_t at;

	if (__builtin_mul_overflow(index, size, &at) ||
	    __builtin_add_overflow(at, scan->reader->str_offsets_base, &at) || at > offsets->size ||
	    offsets->size - at < size)
		return 0;
	at = load(offsets->data + at, size, swap);
	return dwarf_file_has_repeats(scan->reader->file) ? dwarf_file_name(scan->reader->file, at)
							  : NAME_MAKE(NAME_STR, NAME_VALUE(at));
}

/* DW_FORM_strp. */
static inline dwarf_name name_at(const struct scan *scan, uint64_t offset)
{
	if (__builtin_expect(scan->has_repeats, 0))
		return dwarf_file_name(scan->reader->file, NAME_VALUE(offset));
	return NAME_MAKE(NAME_STR, NAME_VALUE(offset));
}

/* A reference within .debug_info, by absolute offset. */
static uint32_t ref_absolute(struct scan *scan, uint64_t offset)
{
	struct unit_reader *reader = scan->reader;

	if (offset >= reader->base && offset < reader->limit)
		return (uint32_t)(offset - reader->base);
	return unit_reader_add_foreign(reader, FOREIGN_INFO, offset);
}

/* A reference within the unit. What lies outside of it can name no type: it is
 * kept as an offset at which none will be found. */
static inline uint32_t ref_relative(const struct scan *scan, uint64_t offset)
{
	uint64_t sum = offset + scan->shift;

	return sum < scan->span && offset <= UINT32_MAX ? (uint32_t)sum : REF_FOREIGN - 1;
}

/* Read the value of one attribute, in one of the rarer forms. NULL when it does not
 * fit the unit. */
static __attribute__((noinline)) const uint8_t *
read_value(struct scan *scan, const struct abbrev_op *op, const uint8_t *p, bool swap)
{
	const uint8_t *end = scan->end, *block;
	unsigned int size = op->skip; /* are there: read_attrs() looked */
	uint64_t raw = 0, *ret = &scan->attrs.value[op->attr];

	switch (op->opcode) {
	case OP_U8:
	case OP_U16:
	case OP_U24:
	case OP_U32:
	case OP_U64:
		*ret = load(p, size, swap);
		return p + size;
	case OP_STRP:
		*ret = name_at(scan, load(p, size, swap));
		return p + size;
	case OP_LINE_STRP:
		*ret = NAME_MAKE(NAME_LINE_STR, NAME_VALUE(load(p, size, swap)));
		if (scan->has_repeats)
			*ret = dwarf_file_unified(scan->reader->file, *ret);
		return p + size;
	case OP_ALT_STRP:
		*ret = load(p, size, swap);
		*ret = scan->reader->file->alt ? dwarf_file_name(scan->reader->file->alt, *ret) : 0;
		return p + size;
	case OP_STRX8:
	case OP_STRX16:
	case OP_STRX24:
	case OP_STRX32:
		*ret = name_indexed(scan, load(p, size, swap), swap);
		return p + size;
	case OP_STRX:
		p = read_uleb(p, end, &raw);
		*ret = name_indexed(scan, raw, swap);
		return p;
	case OP_REF1:
	case OP_REF2:
	case OP_REF4:
	case OP_REF8:
		*ret = ref_relative(scan, load(p, size, swap));
		return p + size;
	case OP_REF_LEB:
		p = read_uleb(p, end, &raw);
		*ret = ref_relative(scan, raw);
		return p;
	case OP_REF_ADDR:
		*ret = ref_absolute(scan, load(p, size, swap));
		return p + size;
	case OP_REF_ALT:
		*ret = unit_reader_add_foreign(scan->reader, FOREIGN_ALT, load(p, size, swap));
		return p + size;
	case OP_REF_SIG:
		*ret = unit_reader_add_foreign(scan->reader, FOREIGN_SIGNATURE, load(p, 8, swap));
		return p + 8;
	case OP_SEC_OFFSET:
		*ret = load(p, size, swap);
		return p + size;
	case OP_ULEB:
		scan->attrs.indexed |= 1u << op->attr;
		return read_uleb(p, end, ret);
	case OP_SLEB:
		p = read_sleb(p, end, ret);
		if (p && (int64_t)*ret < 0)
			scan->attrs.negative |= 1u << op->attr;
		return p;
	case OP_CONSTANT:
		*ret = (uint64_t)op->constant;
		if (op->is_signed && op->constant < 0)
			scan->attrs.negative |= 1u << op->attr;
		return p;
	case OP_STRING:
		return name_inline(scan, p, ret);
	case OP_BLOCK1:
		p = read_block(p, end, 1, swap, &block);
		break;
	case OP_BLOCK2:
		p = read_block(p, end, 2, swap, &block);
		break;
	case OP_BLOCK4:
		p = read_block(p, end, 4, swap, &block);
		break;
	case OP_BLOCK:
		p = read_block(p, end, 0, swap, &block);
		break;
	default: /* OP_ADDRX, OP_SKIP of 16 bytes: present, value unknown */
		*ret = 0;
		return p + size;
	}
	if (p) {
		*ret = (uint64_t)(block - scan->start);
		scan->attrs.blocks |= 1u << op->attr;
		scan->attrs.block_size = (uint32_t)(p - block);
	}
	return p;
}

/* DW_FORM_indirect: the form stands in the data. Rare, so out of line. */
static __attribute__((noinline)) const uint8_t *
read_indirect(struct scan *scan, const struct abbrev_op *op, const uint8_t *p, bool swap)
{
	struct abbrev_op actual = { .attr = op->attr };
	uint64_t form;

	p = read_uleb(p, scan->end, &form);
	if (!p || form == DW_FORM_indirect || form == DW_FORM_implicit_const ||
	    abbrev_op_from_form(&actual, form, scan->reader->unit->encoding) < 0)
		return NULL;
	if (!abbrev_op_fits(&actual))
		actual.attr = ATTR_COUNT_; /* where nobody looks */
	scan->attrs.present |= 1u << actual.attr;
	return (size_t)(scan->end - p) < actual.skip ? NULL : read_value(scan, &actual, p, swap);
}

/* Read or step over the attributes of one DIE. @keep false: only step over. */
static inline __attribute__((always_inline)) bool read_attrs(struct scan *scan,
							     const struct abbrev *abbrev, bool swap)
{
	const struct abbrev_op *op = &scan->reader->abbrevs.ops[abbrev->first_op];
	const struct abbrev_op *last = op + abbrev->op_count;
	const uint8_t *p = scan->at, *end = scan->end, *block;

	scan->attrs.present = scan->attrs.blocks = 0;
	scan->attrs.negative = scan->attrs.indexed = 0;
	for (; op < last; op++) {
		uint64_t *value = &scan->attrs.value[op->attr];

		if ((size_t)(end - p) < op->skip) /* 0 where the size is not fixed */
			return false;
		switch (op->opcode) {
		case OP_SKIP:
			p += op->skip;
			continue;
		case OP_STRP:
			*value = name_at(scan, load(p, op->skip == 4 ? 4 : 8, swap));
			scan->attrs.present |= 1u << op->attr;
			p += op->skip;
			continue;
		case OP_REF4:
			*value = ref_relative(scan, load(p, 4, swap));
			scan->attrs.present |= 1u << op->attr;
			p += 4;
			continue;
		case OP_CONSTANT:
			*value = (uint64_t)op->constant;
			if (op->is_signed && op->constant < 0)
				scan->attrs.negative |= 1u << op->attr;
			scan->attrs.present |= 1u << op->attr;
			continue;
		case OP_U8:
			*value = *p++;
			scan->attrs.present |= 1u << op->attr;
			continue;
		case OP_U16:
			*value = load(p, 2, swap);
			scan->attrs.present |= 1u << op->attr;
			p += 2;
			continue;
		case OP_U32:
			*value = load(p, 4, swap);
			scan->attrs.present |= 1u << op->attr;
			p += 4;
			continue;
		case OP_SKIP_LEB:
			p = skip_leb(p, end);
			break;
		case OP_SKIP_STRING:
			p = skip_string(p, end);
			break;
		case OP_SKIP_BLOCK1:
			p = read_block(p, end, 1, swap, &block);
			break;
		case OP_SKIP_BLOCK2:
			p = read_block(p, end, 2, swap, &block);
			break;
		case OP_SKIP_BLOCK4:
			p = read_block(p, end, 4, swap, &block);
			break;
		case OP_SKIP_BLOCK:
			p = read_block(p, end, 0, swap, &block);
			break;
		case OP_INDIRECT:
			p = read_indirect(scan, op, p, swap);
			break;
		default:
			p = read_value(scan, op, p, swap);
			scan->attrs.present |= 1u << op->attr;
			break;
		}
		if (!p)
			return false;
	}
	scan->at = p;
	return true;
}

/* --- the pass ---------------------------------------------------------------------------------- */

/* The attributes of the unit's own DIE: its strings need DW_AT_str_offsets_base,
 * which may stand behind them. */
static __attribute__((noinline)) bool reread_unit(struct scan *scan, const struct abbrev *abbrev,
						  const uint8_t *at, bool swap)
{
	if (!HAS(scan, ATTR_STR_OFFSETS_BASE))
		return true;
	scan->reader->str_offsets_base = VALUE(scan, ATTR_STR_OFFSETS_BASE);
	scan->at = at;
	return read_attrs(scan, abbrev, swap);
}

/* What a unit says of itself, where it says nothing. */
static void forget_unit(struct unit_reader *reader, const struct dwarf_unit *unit)
{
	reader->unit = unit;
	reader->language = 0;
	reader->clang = reader->split = false;
	reader->loclists_base = 0;
	reader->annotation_count = reader->bearer_count = 0;
	reader->addr_base = 8; /* behind the section's first header */
	/* Right behind the section's first header. */
	reader->str_offsets_base = unit->encoding.offset_size == 8 ? 16 : 8;
}

static int fail_at(const struct scan *scan, const uint8_t *at, const char *what,
		   struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG, "%s: .debug_info: at offset %#zx: %s",
				 scan->reader->file->image->path, (size_t)(at - scan->start), what);
}

/* Read a DIE whose attributes @at are LAYOUT_SIMPLE, of which 8 more bytes than the
 * layout's are there. The byte behind them; NULL when a string does not end. */
static inline __attribute__((always_inline)) const uint8_t *
read_simple(const struct scan *scan, const struct abbrev *abbrev, const uint8_t *at, bool swap,
	    struct simple_attrs *ret)
{
	unsigned int layout = abbrev->layout;

	if (layout & LAYOUT_STRING) {
		at = name_inline(scan, at, &ret->name);
		if (!at || scan->end - at < abbrev->size + 8)
			return NULL;
	} else if (__builtin_expect(scan->has_repeats, 0)) {
		ret->name = layout & LAYOUT_NAME
				    ? name_at(scan, load(at + abbrev->name, 4, swap))
				    : 0;
	} else {
		ret->name = NAME_MAKE(NAME_STR, load(at + abbrev->name, 4, swap)) &
			    -(uint64_t)(layout / LAYOUT_NAME & 1);
	}
	ret->ref = ref_relative(scan, load(at + abbrev->ref, 4, swap)) | abbrev->no_ref;
	ret->number = load_short(at + abbrev->number, abbrev->number_size, abbrev->number_mask,
				 swap) + abbrev->constant;
	return at + abbrev->size;
}

/* Step over a DIE that is not wanted where it stands. NULL when it does not fit. */
static inline const uint8_t *skip_die(const struct scan *scan, const struct abbrev *abbrev,
				      const uint8_t *at)
{
	if (abbrev->layout & LAYOUT_STRING)
		at = skip_string(at, scan->end);
	return at && scan->end - at >= abbrev->size ? at + abbrev->size : NULL;
}

/* Read a DIE by its abbreviation's ops, and keep it. Its code stands @at, its attributes
 * at @scan->at. */
static inline __attribute__((always_inline)) int
read_die(struct scan *scan, const struct abbrev *abbrev, const uint8_t *at, struct parent parent,
	 bool swap, struct parent *children, struct btfpack_error *err)
{
	const uint8_t *attrs = scan->at;

	if (!read_attrs(scan, abbrev, swap) ||
	    (abbrev->die_class == DIE_UNIT && !reread_unit(scan, abbrev, attrs, swap)))
		return fail_at(scan, at, "a DIE reaches past the end of its unit", err);
	if (abbrev->die_class != DIE_OTHER &&
	    (!dwarf_keep_die(scan, abbrev, parent, swap, children) ||
	     (HAS(scan, ATTR_ANNOTATION) && !dwarf_keep_bearer(scan, *children))))
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory",
					 scan->reader->file->image->path);
	return 0;
}
static __attribute__((noinline)) int read_native(struct scan *scan, const struct abbrev *abbrev,
						 const uint8_t *at, struct parent parent,
						 struct parent *children, struct btfpack_error *err)
{
	return read_die(scan, abbrev, at, parent, false, children, err);
}

static __attribute__((noinline)) int read_swapped(struct scan *scan, const struct abbrev *abbrev,
						  const uint8_t *at, struct parent parent,
						  struct parent *children,
						  struct btfpack_error *err)
{
	return read_die(scan, abbrev, at, parent, true, children, err);
}

/* Three ways, the fast ones first: most DIEs are simple or not wanted. What does not
 * go by these (because the unit ends right behind, say) goes by ops, and it is there
 * that errors are told. */
static inline __attribute__((always_inline)) int scan_unit(struct scan *scan, bool swap,
							   struct btfpack_error *err)
{
	struct unit_reader *reader = scan->reader;
	struct parent parents[DEPTH_MAXIMUM];
	const uint8_t *next = scan->at, *const end = scan->end;
	unsigned int depth = 0;

	parents[0] = (struct parent){ PARENT_NONE, 0 };
	while (next < end) {
		const uint8_t *at = next, *attrs;
		struct parent children = { PARENT_NONE, 0 };
		const struct abbrev *abbrev;
		uint64_t code = *at;

		attrs = code < 0x80 ? at + 1 : read_uleb(at, end, &code);
		if (!attrs)
			return fail_at(scan, at, "expected a DIE, found the end of the unit", err);
		if (!code) { /* the end of a list of children; at the top, padding */
			depth -= depth > 0;
			next = attrs;
			continue;
		}
		abbrev = abbrev_table_find(&reader->abbrevs, code);
		if (!abbrev)
			return fail_at(scan, at, "a DIE with an abbreviation that is not there",
				       err);
		next = NULL;
		if (abbrev->layout & LAYOUT_FIXED &&
		    !(abbrev->places >> parents[depth].place & 1)) {
			next = skip_die(scan, abbrev, attrs);
		} else if (abbrev->layout & LAYOUT_SIMPLE && end - attrs >= abbrev->size + 8) {
			struct simple_attrs simple;

			next = read_simple(scan, abbrev, attrs, swap, &simple);
			scan->die = (uint32_t)((size_t)(at - scan->start) - reader->base);
			if (next &&
			    !keep_simple(scan, abbrev, parents[depth], &simple, &children))
				return btfpack_error_set(err, -ENOMEM, "%s: out of memory",
							 reader->file->image->path);
		}
		if (!next) {
			int error;

			scan->at = attrs;
			scan->die = (uint32_t)((size_t)(at - scan->start) - reader->base);
			error = (swap ? read_swapped : read_native)(
				scan, abbrev, at, parents[depth], &children, err);
			if (error)
				return error;
			next = scan->at;
		}
		if (abbrev->has_children) {
			if (++depth == DEPTH_MAXIMUM)
				return fail_at(scan, at, "DIEs nested more than 1024 deep", err);
			parents[depth] = children;
		}
	}
	return 0;
}

static __attribute__((noinline)) int scan_native(struct scan *scan, struct btfpack_error *err)
{
	return scan_unit(scan, false, err);
}

static __attribute__((noinline)) int scan_swapped(struct scan *scan, struct btfpack_error *err)
{
	return scan_unit(scan, true, err);
}

int unit_reader_read(struct unit_reader *reader, const struct dwarf_unit *unit,
		     struct btfpack_error *err)
{
	const struct dwarf_file *file = reader->file;
	struct scan scan = {
		.reader = reader,
		.start = file->info.data,
		.at = file->info.data + unit->first_die,
		.end = file->info.data + unit->end,
		.shift = unit->offset - reader->base,
		.span = reader->limit - reader->base,
		.has_repeats = dwarf_file_has_repeats(file),
	};
	int error;

	forget_unit(reader, unit);
	error = abbrev_table_compile(&reader->abbrevs, file->abbrev.data, file->abbrev.size,
				     unit->abbrevs, unit->encoding, file->image->path, err);
	if (error)
		return error;
	error = file->image->other_order ? scan_swapped(&scan, err) : scan_native(&scan, err);
	if (!error && reader->split)
		return dwarf_refuse_split(file->image->path, err);
	if (!error && !dwarf_hand_out_annotations(&scan))
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", file->image->path);
	return error;
}
