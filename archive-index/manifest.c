/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/archive.h>

#include "archive-index/lines.h"
#include "archive-index/manifest.h"
#include "archive-index/part.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/digest.h"

#define FIRST_LINE      "btfpack-published 1"
#define PARTS_MAXIMUM   ((size_t)16384)
#define BUNDLES_MAXIMUM ((size_t)1024)

void manifest_deinit(struct manifest *m)
{
	free(m->parts);
	free(m->bundles);
	*m = (struct manifest){ 0 };
}

/* Room for one more in an array that is full at every power of two. */
static int grow(void *array, size_t count, size_t size)
{
	void *moved;

	if (count & (count - 1))
		return 0;
	moved = reallocarray(*(void **)array, count ? 2 * count : 1, size);
	if (!moved)
		return -ENOMEM;
	*(void **)array = moved;
	return 0;
}

int manifest_add_part(struct manifest *m, const struct manifest_part *part)
{
	for (size_t i = 0; i < m->part_count; i++)
		if (digest_is_equal(&m->parts[i].index, &part->index))
			return 1;
	if (m->part_count == PARTS_MAXIMUM)
		return -EFBIG;
	if (grow(&m->parts, m->part_count, sizeof(*m->parts)) < 0)
		return -ENOMEM;
	m->parts[m->part_count++] = *part;
	return 0;
}

const struct manifest_bundle *manifest_find_bundle(const struct manifest *m, const char *name)
{
	for (size_t i = 0; i < m->bundle_count; i++)
		if (!strcmp(m->bundles[i].name, name))
			return &m->bundles[i];
	return NULL;
}

int manifest_set_bundle(struct manifest *m, const struct manifest_bundle *bundle)
{
	struct manifest_bundle *old =
		(struct manifest_bundle *)manifest_find_bundle(m, bundle->name);

	if (old) {
		bool same = digest_is_equal(&old->id, &bundle->id);

		*old = *bundle;
		return same;
	}
	if (m->bundle_count == BUNDLES_MAXIMUM)
		return -EFBIG;
	if (grow(&m->bundles, m->bundle_count, sizeof(*m->bundles)) < 0)
		return -ENOMEM;
	m->bundles[m->bundle_count++] = *bundle;
	return 0;
}

bool manifest_is_bundle_name(const char *name)
{
	size_t length = strlen(name);

	return length && length < MANIFEST_BUNDLE && *name != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       length;
}

/* --- reading ------------------------------------------------------------------------------------ */

/* The next word of a line, behind one space or at its beginning; NULL: none. */
static char *take_word(char **rest)
{
	char *word = *rest, *end;

	if (!word || !*word)
		return NULL;
	end = strchr(word, ' ');
	if (end)
		*end++ = '\0';
	*rest = end;
	return *word ? word : NULL;
}

static bool take_number(char **rest, uint64_t maximum, uint64_t *ret)
{
	char *word = take_word(rest), *end;

	if (!word || strlen(word) > 18 || strspn(word, "0123456789") != strlen(word))
		return false;
	*ret = strtoull(word, &end, 10);
	return *ret <= maximum;
}

static bool take_id(char **rest, struct btfpack_id *ret)
{
	char *word = take_word(rest);

	return word && digest_parse(word, ret) == 0;
}

static bool is_series(const char *series)
{
	int slashes = 0;

	for (const char *at = series; *at; at++) {
		if (*at <= ' ' || *at >= 0x7f || (*at == '/' && (at == series || at[-1] == '/')))
			return false;
		slashes += *at == '/';
	}
	return slashes == 2 && strlen(series) < MANIFEST_SERIES && series[strlen(series) - 1] != '/';
}

static bool read_part(char *rest, struct manifest_part *ret)
{
	char *series = take_word(&rest);
	uint64_t kernels;

	if (!series || !is_series(series) || !take_number(&rest, UINT32_MAX, &kernels) ||
	    !take_id(&rest, &ret->index) || !take_number(&rest, PART_INDEX_MAXIMUM, &ret->index_size))
		return false;
	strcpy(ret->series, series);
	ret->kernels = (uint32_t)kernels;
	ret->has_pack = rest && *rest != '-';
	if (ret->has_pack ? !take_id(&rest, &ret->pack) : !take_word(&rest))
		return false;
	return take_number(&rest, ret->has_pack ? PART_PACK_MAXIMUM : 0, &ret->pack_size) && !rest;
}

static bool read_bundle(char *rest, struct manifest_bundle *ret)
{
	char *name = take_word(&rest);

	if (!name || !manifest_is_bundle_name(name) || !take_id(&rest, &ret->id) ||
	    !take_number(&rest, UINT32_MAX, &ret->size) || rest)
		return false;
	strcpy(ret->name, name);
	return true;
}

/* 0; -EBADMSG; -ENOMEM. */
static int read_line(char *line, void *arg)
{
	struct manifest *m = arg;
	struct manifest_bundle bundle = { 0 };
	struct manifest_part part = { 0 };
	char *kind = take_word(&line);
	int error = -EBADMSG;

	if (kind && !strcmp(kind, "part") && read_part(line, &part))
		error = manifest_add_part(m, &part);
	else if (kind && !strcmp(kind, "bundle") && read_bundle(line, &bundle))
		error = manifest_set_bundle(m, &bundle);
	return error > 0 ? 0 : error;
}

int manifest_parse(const struct btfpack_blob *text, const char *name, struct manifest *ret,
		   struct btfpack_error *err)
{
	CLEANUP(manifest_deinit) struct manifest m = { 0 };
	AUTO_FREE char *copy = lines_copy(text);
	int error;

	if (!copy)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	error = lines_read(copy, text->size, name, FIRST_LINE, "a part or a bundle", read_line, &m,
			   err);
	if (error)
		return error;
	*ret = m; /* the caller's */
	m = (struct manifest){ 0 };
	return 0;
}

/* --- writing ------------------------------------------------------------------------------------ */

static int compare_parts(const void *a, const void *b)
{
	const struct manifest_part *x = a, *y = b;
	int order = strcmp(x->series, y->series);

	return order ? order : memcmp(&x->index, &y->index, sizeof(x->index));
}

static int compare_bundles(const void *a, const void *b)
{
	return strcmp(((const struct manifest_bundle *)a)->name,
		      ((const struct manifest_bundle *)b)->name);
}

static int write_part(struct buf *to, const struct manifest_part *p)
{
	char index[DIGEST_HEX_SIZE], pack[DIGEST_HEX_SIZE] = "-";

	digest_format(&p->index, index);
	if (p->has_pack)
		digest_format(&p->pack, pack);
	return buf_add_format(to, "part %s %" PRIu32 " %s %" PRIu64 " %s %" PRIu64 "\n", p->series,
			      p->kernels, index, p->index_size, pack, p->has_pack ? p->pack_size : 0);
}

int manifest_format(struct manifest *m, struct btfpack_blob *ret)
{
	AUTO_BUF struct buf text = BUF_INIT(MANIFEST_MAXIMUM);
	int error = buf_add_string(&text, FIRST_LINE "\n");

	if (m->part_count)
		qsort(m->parts, m->part_count, sizeof(*m->parts), compare_parts);
	if (m->bundle_count)
		qsort(m->bundles, m->bundle_count, sizeof(*m->bundles), compare_bundles);
	for (size_t i = 0; !error && i < m->bundle_count; i++) {
		char hex[DIGEST_HEX_SIZE];

		digest_format(&m->bundles[i].id, hex);
		error = buf_add_format(&text, "bundle %s %s %" PRIu64 "\n", m->bundles[i].name, hex,
				       m->bundles[i].size);
	}
	for (size_t i = 0; !error && i < m->part_count; i++)
		error = write_part(&text, &m->parts[i]);
	if (!error)
		*ret = buf_take(&text); /* the caller's */
	return error;
}
