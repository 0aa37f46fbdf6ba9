/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>

#include "archive-index/module-names.h"
#include "btf/btf-view.h"
#include "core/buf.h"
#include "core/cursor.h"

#define ZSTD_LEVEL    9
#define COUNT_MAXIMUM (1u << 24)
#define PLAIN_MAXIMUM ((size_t)COUNT_MAXIMUM * 5) /* of a list, and more than it takes */
#define TRACEPOINT    "btf_trace_"

void module_names_deinit(struct module_names *names)
{
	free(names->hashes);
	*names = (struct module_names){ 0 };
}

/* --- of modules ---------------------------------------------------------------------------------- */

static unsigned int asked_kind(unsigned int kind)
{
	return kind == BTF_KIND_ENUM64 ? BTF_KIND_ENUM : kind;
}

static uint32_t hash(unsigned int kind, const char *name)
{
	return (uint32_t)XXH64(name, btf_essential_length(name), asked_kind(kind));
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void sort_once(struct module_names *names)
{
	uint32_t kept = 0;

	if (names->count)
		qsort(names->hashes, names->count, sizeof(*names->hashes), compare);
	for (uint32_t i = 0; i < names->count; i++)
		if (!i || names->hashes[i] != names->hashes[i - 1])
			names->hashes[kept++] = names->hashes[i];
	names->count = kept;
}

struct collecting {
	const struct btf_view *view;
	const struct modules_base *ends;
	uint32_t *kinds; /* by offset of a string of vmlinux: a bit for each kind it has of the name */
	struct module_names names; /* room for all types, and two */
	bool has_function, has_tracepoint;
};

static void note_vmlinux(struct collecting *c)
{
	for (uint32_t id = 1; id < c->ends->types; id++) {
		const struct btf_type *t = btf_view_type(c->view, id);

		if (t->name_off < c->ends->strings)
			c->kinds[t->name_off] |= UINT32_C(1) << asked_kind(btf_type_kind(t));
	}
}

static void add(struct collecting *c, unsigned int kind, const char *name)
{
	c->names.hashes[c->names.count++] = hash(kind, name);
}

static void note_modules(struct collecting *c)
{
	for (uint32_t id = c->ends->types; id < c->view->end_id; id++) {
		const struct btf_type *t = btf_view_type(c->view, id);
		unsigned int kind = btf_type_kind(t);
		const char *name = btf_view_name(c->view, t);

		if (modules_mark(c->view, id))
			continue;
		c->has_function |= kind == BTF_KIND_FUNC;
		c->has_tracepoint |= kind == BTF_KIND_TYPEDEF &&
				     !strncmp(name, TRACEPOINT, strlen(TRACEPOINT));
		if (*name && (t->name_off >= c->ends->strings ||
			      !(c->kinds[t->name_off] >> asked_kind(kind) & 1)))
			add(c, kind, name);
	}
	if (c->has_function)
		add(c, BTF_KIND_FUNC, "");
	if (c->has_tracepoint)
		add(c, BTF_KIND_TYPEDEF, TRACEPOINT);
}

int module_names_of(const struct btfpack_blob *joined, const struct modules_base *ends,
		    struct module_names *ret)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_FREE uint32_t *kinds = NULL;
	struct collecting c = { .view = &view, .ends = ends };
	int error = btf_view_init(&view, joined->data, joined->size, NULL, "modules", NULL);

	if (error)
		return error == -ENOMEM ? error : -EBADMSG;
	if (!ends->types || ends->types > view.end_id || ends->strings > view.end_string)
		return -EBADMSG;
	c.kinds = kinds = calloc((size_t)ends->strings + 1, sizeof(*kinds));
	c.names.hashes = malloc(((size_t)view.end_id - ends->types + 2) * sizeof(uint32_t));
	if (!c.kinds || !c.names.hashes) {
		module_names_deinit(&c.names);
		return -ENOMEM;
	}
	note_vmlinux(&c);
	note_modules(&c);
	sort_once(&c.names);
	*ret = c.names; /* the caller's */
	return 0;
}

bool module_names_may_have(const struct module_names *names, unsigned int kind, const char *name)
{
	uint32_t wanted = hash(kind, name);

	return names->count &&
	       bsearch(&wanted, names->hashes, names->count, sizeof(wanted), compare);
}

/* --- as bytes ------------------------------------------------------------------------------------ */

/*
 * A zstd frame of two lists, the hashes of the base that are not here and those that are
 * here only. Each is a count; then, of what each hash is above the one before (the first:
 * above 0), the low halves, two bytes each, and the high halves. Count and high halves are
 * LEB128. Apart, since the low halves are noise and the high ones small: 18 bits a name
 * where whole differences took 24.
 */

static int put_number(struct buf *to, uint32_t number)
{
	uint8_t bytes[5];
	size_t size = 0;

	do
		bytes[size++] = (uint8_t)((number & 0x7f) | (number > 0x7f ? 0x80 : 0));
	while (number >>= 7);
	return buf_add(to, bytes, size);
}

static int put_step(struct buf *low, struct buf *high, uint32_t step)
{
	const uint8_t bytes[2] = { (uint8_t)step, (uint8_t)(step >> 8) };
	int error = buf_add(low, bytes, sizeof(bytes));

	return error ? error : put_number(high, step >> 16);
}

/* What @from has and @other has not. */
static int put_difference(struct buf *to, const struct module_names *from,
			  const struct module_names *other)
{
	AUTO_BUF struct buf low = BUF_INIT(PLAIN_MAXIMUM), high = BUF_INIT(PLAIN_MAXIMUM);
	uint32_t count = 0, last = 0, j = 0;
	int error = 0;

	for (uint32_t i = 0; !error && i < from->count; i++) {
		while (j < other->count && other->hashes[j] < from->hashes[i])
			j++;
		if (j < other->count && other->hashes[j] == from->hashes[i])
			continue;
		error = put_step(&low, &high, from->hashes[i] - last);
		last = from->hashes[i];
		count++;
	}
	if (!error)
		error = put_number(to, count);
	if (!error)
		error = buf_add(to, low.data, low.size);
	return error ? error : buf_add(to, high.data, high.size);
}

static int compress(const struct buf *plain, struct btfpack_blob *ret)
{
	size_t bound = ZSTD_compressBound(plain->size);
	void *bytes = malloc(bound);
	size_t size;

	if (!bytes)
		return -ENOMEM;
	size = ZSTD_compress(bytes, bound, plain->data, plain->size, ZSTD_LEVEL);
	if (ZSTD_isError(size)) { /* nothing but memory can fail */
		free(bytes);
		return -ENOMEM;
	}
	*ret = (struct btfpack_blob){ bytes, size }; /* the caller's */
	return 0;
}

int module_names_encode(const struct module_names *names, const struct module_names *base,
			struct btfpack_blob *ret)
{
	const struct module_names none = { 0 };
	AUTO_BUF struct buf plain = BUF_INIT(2 * PLAIN_MAXIMUM);
	int error = put_difference(&plain, base ? base : &none, names);

	if (!error)
		error = put_difference(&plain, names, base ? base : &none);
	return error ? error : compress(&plain, ret);
}

static int decompress(const struct btfpack_blob *bytes, struct btfpack_blob *ret)
{
	unsigned long long size = ZSTD_getFrameContentSize(bytes->data, bytes->size);

	if (size > 2 * PLAIN_MAXIMUM || /* the errors are large numbers, too */
	    ZSTD_findFrameCompressedSize(bytes->data, bytes->size) != bytes->size)
		return -EBADMSG;
	ret->data = malloc(size + 1);
	if (!ret->data)
		return -ENOMEM;
	ret->size = ZSTD_decompress(ret->data, size, bytes->data, bytes->size);
	return ZSTD_isError(ret->size) || ret->size != size ? -EBADMSG : 0;
}

static int get_list(struct cursor *c, struct module_names *ret)
{
	uint64_t count, high, last = 0;
	const uint8_t *low;

	if (cursor_uleb(c, &count) || count > cursor_left(c) / 2 ||
	    cursor_bytes(c, 2 * (size_t)count, &low))
		return -EBADMSG;
	ret->hashes = malloc((count + 1) * sizeof(*ret->hashes));
	if (!ret->hashes)
		return -ENOMEM;
	for (; ret->count < count; low += 2, ret->hashes[ret->count++] = (uint32_t)last) {
		uint64_t before = last;

		if (cursor_uleb(c, &high) || high > UINT16_MAX)
			return -EBADMSG;
		last += high << 16 | (uint64_t)low[1] << 8 | low[0];
		if (last > UINT32_MAX || (ret->count && last == before))
			return -EBADMSG;
	}
	return 0;
}

/* @base without what is in @gone, all of which it must have; with @more, none of which. */
static int merge(const struct module_names *base, const struct module_names *gone,
		 const struct module_names *more, struct module_names *ret)
{
	uint32_t j = 0, k = 0;

	ret->hashes = malloc(((size_t)base->count + more->count + 1) * sizeof(*ret->hashes));
	if (!ret->hashes)
		return -ENOMEM;
	for (uint32_t i = 0; i < base->count; i++) {
		uint32_t old = base->hashes[i];

		while (k < more->count && more->hashes[k] < old)
			ret->hashes[ret->count++] = more->hashes[k++];
		if (k < more->count && more->hashes[k] == old)
			return -EBADMSG;
		if (j < gone->count && gone->hashes[j] == old)
			j++;
		else
			ret->hashes[ret->count++] = old;
	}
	while (k < more->count)
		ret->hashes[ret->count++] = more->hashes[k++];
	return j == gone->count ? 0 : -EBADMSG;
}

int module_names_decode(const struct btfpack_blob *bytes, const struct module_names *base,
			struct module_names *ret)
{
	const struct module_names none = { 0 };
	AUTO_MODULE_NAMES struct module_names gone = { 0 }, more = { 0 }, all = { 0 };
	AUTO_BLOB struct btfpack_blob plain = { 0 };
	struct cursor c;
	int error = decompress(bytes, &plain);

	if (error)
		return error;
	c = cursor_init(plain.data, plain.size, false, "names");
	error = get_list(&c, &gone);
	if (!error)
		error = get_list(&c, &more);
	if (!error && cursor_left(&c))
		error = -EBADMSG;
	if (!error)
		error = merge(base ? base : &none, &gone, &more, &all);
	if (error)
		return error;
	*ret = all; /* the caller's */
	all = (struct module_names){ 0 };
	return 0;
}
