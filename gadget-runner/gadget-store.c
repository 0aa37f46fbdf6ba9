/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "core/fs.h"
#include "gadget-runner/gadget-store.h"

#define OBJECT_MAXIMUM ((size_t)64 << 20) /* bytes of a BPF object */

/* Written by the Makefile (build/embedded-gadgets.c); ends with a row without name. */
struct embedded_gadget {
	const char *name;
	const unsigned char *start, *end; /* gzip */
};
extern const struct embedded_gadget embedded_gadgets[];

const char *gadget_store_name(size_t index)
{
	return embedded_gadgets[index].name;
}

/* gzip ends with the size of what it holds, little-endian. */
static size_t inflated_size(const struct embedded_gadget *gadget)
{
	const unsigned char *end = gadget->end;

	return end[-4] | end[-3] << 8 | end[-2] << 16 | (size_t)end[-1] << 24;
}

static int inflate_gadget(const struct embedded_gadget *gadget, struct btfpack_blob *ret,
			  struct btfpack_error *err)
{
	size_t size = inflated_size(gadget);
	AUTO_FREE void *data = malloc(size);
	z_stream stream = {
		.next_in = (unsigned char *)gadget->start,
		.avail_in = gadget->end - gadget->start,
		.next_out = data,
		.avail_out = size,
	};
	int status;

	if (!data || inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", gadget->name);
	status = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	if (status != Z_STREAM_END || stream.total_out != size)
		return btfpack_error_set(err, -EBADMSG, "%s: the gadget in this program is damaged",
					 gadget->name);
	ret->data = steal_ptr(data); /* now the caller's */
	ret->size = size;
	return 0;
}

int gadget_store_find(const char *name, struct btfpack_blob *ret, struct btfpack_error *err)
{
	for (const struct embedded_gadget *g = embedded_gadgets; g->name; g++)
		if (!strcmp(g->name, name))
			return inflate_gadget(g, ret, err);
	return btfpack_error_set(err, -ENOENT, "there is no gadget '%s'", name);
}

static bool is_path(const char *name)
{
	size_t length = strlen(name);

	return strchr(name, '/') || (length > 2 && !strcmp(name + length - 2, ".o"));
}

bool gadget_store_has(const char *name_or_path)
{
	if (is_path(name_or_path))
		return true;
	for (const struct embedded_gadget *g = embedded_gadgets; g->name; g++)
		if (!strcmp(g->name, name_or_path))
			return true;
	return false;
}

int gadget_store_open(const char *name_or_path, struct btfpack_blob *ret, struct btfpack_error *err)
{
	if (is_path(name_or_path))
		return fs_read(name_or_path, OBJECT_MAXIMUM, ret, err);
	return gadget_store_find(name_or_path, ret, err);
}
