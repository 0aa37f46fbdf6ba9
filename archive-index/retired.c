/* SPDX-License-Identifier: BSD-2-Clause */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/lines.h"
#include "archive-index/retired.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/digest.h"

#define FIRST_LINE      "btfpack-retired 1"
#define OBJECTS_MAXIMUM ((size_t)16384)

void retired_deinit(struct retired *r)
{
	free(r->objects);
	*r = (struct retired){ 0 };
}

/* One that publish gives: never one that leads elsewhere, nor the manifest's. */
static bool is_object_name(const char *name)
{
	static const char *const kinds[] = { "index/", "packs/", "bundles/" };
	struct btfpack_id id;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strncmp(name, kinds[i], strlen(kinds[i])))
			return digest_parse(name + strlen(kinds[i]), &id) == 0;
	return false;
}

int retired_note(struct retired *r, const char *name, int64_t since)
{
	struct retired_object *all;

	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->objects[i].name, name))
			return 1;
	if (r->count == OBJECTS_MAXIMUM)
		return -EFBIG;
	if (!(r->count & (r->count - 1))) { /* full at every power of two */
		all = reallocarray(r->objects, r->count ? 2 * r->count : 1, sizeof(*all));
		if (!all)
			return -ENOMEM;
		r->objects = all;
	}
	snprintf(r->objects[r->count].name, RETIRED_NAME_SIZE, "%s", name);
	r->objects[r->count++].since = since;
	return 0;
}

size_t retired_drop(struct retired *r, bool (*fn)(const struct retired_object *o, void *arg),
		    void *arg)
{
	size_t kept = 0, count = r->count;

	for (size_t i = 0; i < count; i++)
		if (!fn(&r->objects[i], arg))
			r->objects[kept++] = r->objects[i];
	r->count = kept;
	return count - kept;
}

/* --- as text ------------------------------------------------------------------------------------ */

static int read_line(char *line, void *arg)
{
	char *space = strchr(line, ' '), *since = space ? space + 1 : NULL;
	int noted;

	if (!space)
		return -EBADMSG;
	*space = '\0';
	if (!*since || strlen(since) > 18 || strspn(since, "0123456789") != strlen(since) ||
	    !is_object_name(line))
		return -EBADMSG;
	noted = retired_note(arg, line, strtoll(since, NULL, 10));
	return noted > 0 ? -EBADMSG : noted;
}

int retired_parse(const struct btfpack_blob *text, const char *name, struct retired *ret,
		  struct btfpack_error *err)
{
	AUTO_FREE char *copy = lines_copy(text);
	struct retired r = { 0 };
	int error;

	if (!copy)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	error = lines_read(copy, text->size, name, FIRST_LINE, "KIND/SHA256 SINCE, each once",
			   read_line, &r, err);
	if (error)
		retired_deinit(&r);
	else
		*ret = r;
	return error;
}

static int compare_objects(const void *a, const void *b)
{
	return strcmp(((const struct retired_object *)a)->name,
		      ((const struct retired_object *)b)->name);
}

int retired_format(struct retired *r, struct btfpack_blob *ret)
{
	AUTO_BUF struct buf buf = BUF_INIT(RETIRED_MAXIMUM);
	int error = buf_add_string(&buf, FIRST_LINE "\n");

	if (r->count)
		qsort(r->objects, r->count, sizeof(*r->objects), compare_objects);
	for (size_t i = 0; !error && i < r->count; i++)
		error = buf_add_format(&buf, "%s %" PRId64 "\n", r->objects[i].name,
				       r->objects[i].since);
	if (!error)
		*ret = buf_take(&buf); /* the caller's */
	return error;
}
