/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A delta is gone through twice: the first time, quickly, shows which type of the base
 * has become which, which references ahead need to know, and how long the types get;
 * the second time writes. So nothing but the blob itself and two tables of the base are
 * in memory.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "blob-delta.h"
#include "bundle-format.h"

/* BTF, item by item. */
struct walk {
	const uint8_t *at, *end;
	bool big;
	uint32_t id;   /* of the type whose items these are; 0: before the first */
	uint32_t left; /* items that follow before the next type */
	struct bundle_kind kind;
};

struct merge {
	bool is_first;            /* time: write nothing, look for types only */
	const uint8_t *pos, *end; /* the delta */
	struct walk base;         /* what is left of it */
	const char *base_strings;
	uint32_t base_strings_size;
	uint32_t *types;   /* by id in the base: id in the blob, or 0 */
	uint32_t *strings; /* by offset in the base: offset in the blob, or 0 */
	uint32_t type_count;
	struct walk blob; /* what is written of it; @at is where the next item goes */
	char *text;       /* the blob's strings */
	uint32_t text_size, text_room;
	uint32_t shift; /* of the last member: by how much it moved */
};

static uint32_t get_word(const uint8_t *p, bool big)
{
	uint32_t value = bundle_get_u32(p);

	return big ? __builtin_bswap32(value) : value;
}

static void put_word(uint8_t *p, uint32_t value, bool big)
{
	bundle_put_u32(p, big ? __builtin_bswap32(value) : value);
}

static bool read_uleb(struct merge *m, uint32_t *ret)
{
	return bundle_get_uleb(&m->pos, m->end, ret);
}

/* --- items ------------------------------------------------------------------------------------- */

static const struct bundle_shape *shape_of(const struct walk *w)
{
	return w->left ? &bundle_shapes[w->kind.shape] : &bundle_shapes[BUNDLE_SHAPE_HEADER];
}

/* Go on behind the item at @words, which is complete. False: no such kind. */
static bool step_over(struct walk *w, const uint32_t *words)
{
	w->at += 4 * (size_t)shape_of(w)->count;
	if (w->left) {
		w->left--;
		return true;
	}
	w->id++;
	w->kind = bundle_kind(words[1]);
	w->left = w->kind.many ? words[1] & 0xffff : w->kind.shape != BUNDLE_SHAPE_NONE;
	return w->kind.known;
}

/* The item of the base that comes next, whole. */
static bool read_item(struct walk *w, const struct bundle_shape **shape_ret, uint32_t words[3])
{
	*shape_ret = shape_of(w);
	if ((size_t)(w->end - w->at) < 4 * (size_t)(*shape_ret)->count)
		return false;
	for (int i = 0; i < (*shape_ret)->count; i++)
		words[i] = get_word(w->at + 4 * i, w->big);
	return true;
}

static enum bundle_word role_of(const struct bundle_shape *shape, int i, uint32_t info)
{
	if (shape == &bundle_shapes[BUNDLE_SHAPE_HEADER] && i == 2)
		return bundle_kind(info).refers ? BUNDLE_WORD_TYPE : BUNDLE_WORD_PLAIN;
	return shape->words[i];
}

/* --- names and references ----------------------------------------------------------------------- */

/* Append a string to the blob's; the first time leave it at looking for its end. */
static bool add_text(struct merge *m, const char *text, size_t limit, uint32_t *ret)
{
	size_t length = strnlen(text, limit);

	if (length == limit || length >= m->text_room - m->text_size)
		return false;
	*ret = m->text_size;
	if (m->is_first)
		return true;
	memcpy(m->text + m->text_size, text, length + 1);
	m->text_size += (uint32_t)length + 1;
	return true;
}

/* The string at @offset of the base, in the blob: there from its first mention on. */
static bool take_string(struct merge *m, uint32_t offset, uint32_t *ret)
{
	if (!offset || m->is_first) {
		*ret = 0;
		return true;
	}
	if (offset >= m->base_strings_size)
		return false;
	if (!m->strings[offset] && !add_text(m, m->base_strings + offset,
					     m->base_strings_size - offset, &m->strings[offset]))
		return false;
	*ret = m->strings[offset];
	return true;
}

static bool read_name(struct merge *m, uint32_t *ret)
{
	uint32_t code;

	if (!read_uleb(m, &code))
		return false;
	if (code == 0) {
		*ret = 0;
	} else if (code == 1) {
		if (!add_text(m, (const char *)m->pos, (size_t)(m->end - m->pos), ret))
			return false;
		m->pos += strlen((const char *)m->pos) + 1;
	} else if (code & 1) {
		*ret = (code - 3) / 2;
		return m->is_first || *ret < m->text_size;
	} else {
		return take_string(m, (code - 2) / 2, ret);
	}
	return true;
}

static bool take_type(const struct merge *m, uint32_t id, uint32_t *ret)
{
	if (id > m->type_count)
		return false;
	*ret = m->types[id];
	return true;
}

static bool read_type(struct merge *m, uint32_t *ret)
{
	uint32_t code;

	if (!read_uleb(m, &code))
		return false;
	if (code & 1)
		return take_type(m, code / 2, ret);
	*ret = m->blob.id - bundle_unzigzag(code / 2);
	return true;
}

/* --- writing items ------------------------------------------------------------------------------ */

static bool write_item(struct merge *m, const uint32_t words[3])
{
	uint8_t *to = (uint8_t *)m->blob.at;
	int count = shape_of(&m->blob)->count;

	for (int i = 0; !m->is_first && i < count; i++)
		put_word(to + 4 * i, words[i], m->blob.big);
	if (!m->blob.left)
		m->shift = 0;
	return step_over(&m->blob, words);
}

static bool insert_item(struct merge *m)
{
	const struct bundle_shape *shape = shape_of(&m->blob);
	uint32_t words[3] = { 0 };

	for (int i = 0; i < shape->count; i++) {
		enum bundle_word role = role_of(shape, i, words[1]);

		if (role == BUNDLE_WORD_NAME   ? !read_name(m, &words[i])
		    : role == BUNDLE_WORD_TYPE ? !read_type(m, &words[i])
					       : !read_uleb(m, &words[i]))
			return false;
		if (shape->words[i] == BUNDLE_WORD_INFO)
			words[i] = bundle_turn_info(words[i], 24);
	}
	return write_item(m, words);
}

/* What word @i of an item becomes when the delta says nothing of it. */
static bool carry_word(struct merge *m, const struct bundle_shape *shape, enum bundle_word role,
		       uint32_t was, uint32_t *ret)
{
	if (role == BUNDLE_WORD_NAME)
		return take_string(m, was, ret);
	if (role == BUNDLE_WORD_TYPE)
		return take_type(m, was, ret);
	*ret = shape == &bundle_shapes[BUNDLE_SHAPE_MEMBER] ? was + m->shift : was;
	return true;
}

static bool change_word(struct merge *m, const struct bundle_shape *shape, enum bundle_word role,
			uint32_t was, uint32_t *ret)
{
	uint32_t code, difference;

	if (role == BUNDLE_WORD_NAME)
		return read_name(m, ret);
	if (role == BUNDLE_WORD_TYPE)
		return read_type(m, ret);
	if (!read_uleb(m, &code))
		return false;
	difference = bundle_unzigzag(code);
	if (role == BUNDLE_WORD_INFO) {
		*ret = bundle_turn_info(bundle_turn_info(was, 8) + difference, 24);
		return true;
	}
	if (shape == &bundle_shapes[BUNDLE_SHAPE_MEMBER])
		difference = m->shift += difference;
	*ret = was + difference;
	return true;
}

/* Copy the next item of the base, changed where a bit of @mask is set. */
static bool copy_item(struct merge *m, uint32_t mask)
{
	const struct bundle_shape *shape;
	uint32_t from[3], to[3] = { 0 };
	bool is_header = !m->base.left;

	if (!read_item(&m->base, &shape, from) || shape != shape_of(&m->blob))
		return false;
	for (int i = 0; i < shape->count; i++) {
		enum bundle_word role = role_of(shape, i, from[1]);

		if (mask & 1U << i ? !change_word(m, shape, role, from[i], &to[i])
				   : !carry_word(m, shape, role, from[i], &to[i]))
			return false;
	}
	if (!step_over(&m->base, from) || !write_item(m, to))
		return false;
	if (is_header)
		m->types[m->base.id] = m->blob.id;
	return true;
}

/* Pass over as many of the next @count items as follow a header in both. */
static uint32_t pass_over(struct merge *m, uint32_t count)
{
	size_t words = bundle_shapes[m->base.kind.shape].count;

	if (count > m->base.left)
		count = m->base.left;
	if (count > m->blob.left)
		count = m->blob.left;
	if (!count || m->base.kind.shape != m->blob.kind.shape ||
	    (size_t)(m->base.end - m->base.at) < 4 * words * count)
		return 0;
	m->base.left -= count;
	m->base.at += 4 * words * count;
	m->blob.left -= count;
	m->blob.at += 4 * words * count;
	return count;
}

static bool copy_items(struct merge *m, uint32_t count)
{
	while (count) {
		uint32_t passed = m->is_first ? pass_over(m, count) : 0;

		if (!passed && !copy_item(m, 0))
			return false;
		count -= passed ? passed : 1;
	}
	return true;
}

static bool skip_item(struct merge *m)
{
	const struct bundle_shape *shape;
	uint32_t words[3];

	return read_item(&m->base, &shape, words) && step_over(&m->base, words);
}

/* --- the delta ---------------------------------------------------------------------------------- */

/* One step of the delta. False: damaged. */
static bool do_step(struct merge *m, bool *is_end)
{
	uint32_t code, count = 1;

	if (!read_uleb(m, &code))
		return false;
	if (!copy_items(m, code >> 2))
		return false;
	*is_end = (code & 3) == BUNDLE_STEP_END;
	if (*is_end)
		return !m->blob.left && m->pos == m->end;
	if (!read_uleb(m, &count))
		return false;
	if ((code & 3) == BUNDLE_STEP_CHANGE)
		return copy_item(m, count);
	for (; count; count--)
		if (!((code & 3) == BUNDLE_STEP_INSERT ? insert_item(m) : skip_item(m)))
			return false;
	return true;
}

/* Go through all of it, once; the items go to @types, the strings to @text. */
static bool run(struct merge *m, uint8_t *types, char *text)
{
	bool is_end = false;

	m->blob = (struct walk){ .at = types, .big = m->blob.big };
	m->text = text;
	m->text[0] = '\0';
	m->text_size = 1;
	m->shift = 0;
	while (!is_end)
		if (!do_step(m, &is_end))
			return false;
	return true;
}

static void write_header(uint8_t *to, bool big, uint32_t types_size, uint32_t strings_size)
{
	uint32_t sizes[] = { BUNDLE_BTF_HEADER, 0, types_size, types_size, strings_size };

	memcpy(to, big ? "\xeb\x9f\x01" : "\x9f\xeb\x01", 4);
	for (int i = 0; i < 5; i++)
		put_word(to + 4 + 4 * i, sizes[i], big);
}

/* The base as the writer of the bundle has made sure that it is. */
static bool open_base(struct merge *m, const uint8_t *base, size_t size)
{
	bool big = size && base[0] == 0xeb;
	uint32_t types_size, strings_size;

	if (!base)
		return true;
	if (size < BUNDLE_BTF_HEADER || get_word(base + 4, big) != BUNDLE_BTF_HEADER)
		return false;
	types_size = get_word(base + 12, big);
	strings_size = get_word(base + 20, big);
	if (types_size > size - BUNDLE_BTF_HEADER || types_size % 4 ||
	    strings_size != size - BUNDLE_BTF_HEADER - types_size)
		return false;
	m->base = (struct walk){
		base + BUNDLE_BTF_HEADER, base + BUNDLE_BTF_HEADER + types_size, big, 0, 0, { 0 }
	};
	m->base_strings = (const char *)base + BUNDLE_BTF_HEADER + types_size;
	m->base_strings_size = strings_size;
	m->type_count = types_size / 12;
	return true;
}

/* An item takes at least as many bytes of the delta as it has words, or is the base's. */
static int merge_all(struct merge *m, size_t base_size, uint8_t **ret, size_t *size_ret)
{
	size_t delta_size = (size_t)(m->end - m->pos);
	size_t types_most = base_size + 4 * delta_size, types_size;
	const struct merge start = *m;
	uint8_t *to;

	m->text_room = (uint32_t)(m->base_strings_size + delta_size + 1);
	to = (uint8_t *)malloc(BUNDLE_BTF_HEADER + types_most + m->text_room);
	if (!to)
		return -ENOMEM;
	if (!run(m, to + BUNDLE_BTF_HEADER, (char *)to + BUNDLE_BTF_HEADER + types_most))
		goto damaged;
	types_size = (size_t)(m->blob.at - to) - BUNDLE_BTF_HEADER;
	m->is_first = false;
	m->pos = start.pos;
	m->base = start.base;
	if (!run(m, to + BUNDLE_BTF_HEADER, (char *)to + BUNDLE_BTF_HEADER + types_size))
		goto damaged;
	write_header(to, m->blob.big, (uint32_t)types_size, m->text_size);
	*ret = to; /* the caller's */
	*size_ret = BUNDLE_BTF_HEADER + types_size + m->text_size;
	return 0;
damaged:
	free(to);
	return -EBADMSG;
}

static int copy_bytes(const uint8_t *bytes, size_t size, uint8_t **ret, size_t *size_ret)
{
	*ret = (uint8_t *)malloc(size ? size : 1);
	if (!*ret)
		return -ENOMEM;
	memcpy(*ret, bytes, size);
	*size_ret = size;
	return 0;
}

int blob_delta_apply(const uint8_t *delta, size_t size, const uint8_t *base, size_t base_size,
		     uint8_t **ret, size_t *size_ret)
{
	struct merge m = { .is_first = true, .pos = delta + 1, .end = delta + size };
	int error;

	if (!size || delta[0] > BUNDLE_FORM_BIG || !open_base(&m, base, base_size))
		return -EBADMSG;
	if (delta[0] == BUNDLE_FORM_BYTES)
		return copy_bytes(delta + 1, size - 1, ret, size_ret);
	m.blob.big = delta[0] == BUNDLE_FORM_BIG;
	m.types = (uint32_t *)calloc(m.type_count + 1, sizeof(*m.types));
	m.strings = (uint32_t *)calloc((size_t)m.base_strings_size + 1, sizeof(*m.strings));
	error = m.types && m.strings ? merge_all(&m, base_size, ret, size_ret) : -ENOMEM;
	free(m.types);
	free(m.strings);
	return error;
}
