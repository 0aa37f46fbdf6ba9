/* SPDX-License-Identifier: BSD-2-Clause */
/* Names as they may be, and rows of the index as structs. */
#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/codec.h"
#include "archive-index/handle.h"
#include "core/digest.h"
#include "core/grow.h"

#define NAME_MAXIMUM	 255
#define BUILD_ID_MAXIMUM 128
#define TEXT_MAXIMUM	 4096

/* --- names ------------------------------------------------------------------------------------- */

static bool is_name(const char *name)
{
	size_t length = strnlen(name, NAME_MAXIMUM + 1);

	if (!length || length > NAME_MAXIMUM || *name == '.')
		return false;
	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		if (*p < 0x20 || *p == 0x7f || *p == '/')
			return false;
	return true;
}

static bool is_hex(const char *text)
{
	return strspn(text, "0123456789abcdef") == strlen(text);
}

static int check_name(const char *what, const char *name, struct btfpack_error *err)
{
	if (!name || !*name)
		return btfpack_error_set(err, -EINVAL, "the kernel's %s is missing", what);
	if (!is_name(name))
		return btfpack_error_set(err, -EINVAL,
					 "%s '%.80s' does not serve as a name: expected 1 to %d "
					 "printable characters without '/', the first not '.'",
					 what, name, NAME_MAXIMUM);
	return 0;
}

int key_check(const struct btfpack_kernel *k, struct btfpack_error *err)
{
	int error = check_name("distro", k->distro, err);

	if (!error)
		error = check_name("release", k->release, err);
	if (!error)
		error = check_name("arch", k->arch, err);
	if (!error)
		error = check_name("uname", k->uname, err);
	if (error || !k->build_id)
		return error;
	if (strnlen(k->build_id, BUILD_ID_MAXIMUM + 1) > BUILD_ID_MAXIMUM ||
	    strlen(k->build_id) < 2 || !is_hex(k->build_id))
		return btfpack_error_set(err, -EINVAL,
					 "build-id '%.80s': expected 2 to %d lower-case hex digits",
					 k->build_id, BUILD_ID_MAXIMUM);
	return 0;
}

int set_check(const char *set, struct btfpack_error *err)
{
	if (!set)
		return 0;
	if (!strcmp(set, BTFPACK_SET_ANY))
		return btfpack_error_set(err, -EINVAL, "'*' names every set, expected one");
	return check_name("set", set, err);
}

static bool is_text(const char *text)
{
	return !text || strnlen(text, TEXT_MAXIMUM + 1) <= TEXT_MAXIMUM;
}

int provenance_check(const struct btfpack_provenance *p, struct btfpack_error *err)
{
	struct btfpack_id id;

	if (!is_text(p->package) || !is_text(p->package_version) || !is_text(p->source) ||
	    !is_text(p->suite) || !is_text(p->converter))
		return btfpack_error_set(err, -EINVAL, "provenance: a text of more than %d bytes",
					 TEXT_MAXIMUM);
	if (p->package_sha256 && digest_parse(p->package_sha256, &id) < 0)
		return btfpack_error_set(err, -EINVAL,
					 "provenance: '%.80s' is not a SHA-256 in hex",
					 p->package_sha256);
	return 0;
}

const char *key_text(const struct btfpack_kernel *k, char ret[KEY_TEXT_SIZE])
{
	snprintf(ret, KEY_TEXT_SIZE, "%s %s %s %s", k->distro ?: "*", k->release ?: "*",
		 k->arch ?: "*", k->uname ?: k->build_id ?: "*");
	return ret;
}

/* --- rows -------------------------------------------------------------------------------------- */

void *row_copy(const void *row, size_t size, const size_t *offsets, size_t count)
{
	size_t total = size;
	char *copy, *at;

	for (size_t i = 0; i < count; i++) {
		const char *text = *(const char *const *)((const char *)row + offsets[i]);

		total += text ? strlen(text) + 1 : 0;
	}
	copy = malloc(total);
	if (!copy)
		return NULL;
	memcpy(copy, row, size);
	at = copy + size;
	for (size_t i = 0; i < count; i++) {
		char **field = (char **)(copy + offsets[i]);

		if (!*field)
			continue;
		size = strlen(*field) + 1;
		*field = memcpy(at, *field, size);
		at += size;
	}
	return copy;
}

int rows_add(struct rows *rows, void *row)
{
	if (!row || grow_array((void **)&rows->items, &rows->room, rows->count + 1ull,
			       sizeof(*rows->items))) {
		free(row);
		return -ENOMEM;
	}
	rows->items[rows->count++] = row;
	return 0;
}

void rows_deinit(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->items[i]);
	free(rows->items);
	*rows = (struct rows){ 0 };
}

static const size_t entry_strings[] = {
	offsetof(struct btfpack_entry, kernel.distro),
	offsetof(struct btfpack_entry, kernel.release),
	offsetof(struct btfpack_entry, kernel.arch),
	offsetof(struct btfpack_entry, kernel.uname),
	offsetof(struct btfpack_entry, kernel.build_id),
	offsetof(struct btfpack_entry, set),
	offsetof(struct btfpack_entry, provenance.package),
	offsetof(struct btfpack_entry, provenance.package_version),
	offsetof(struct btfpack_entry, provenance.package_sha256),
	offsetof(struct btfpack_entry, provenance.source),
	offsetof(struct btfpack_entry, provenance.suite),
	offsetof(struct btfpack_entry, provenance.converter),
};

int entry_read(const struct btfpack_archive *a, const struct db_stmt *s,
	       struct btfpack_entry **ret, struct btfpack_error *err)
{
	const struct codec *codec = codec_find((unsigned int)db_int(s, 17));
	struct btfpack_entry e = {
		.kernel = { db_text(s, 0), db_text(s, 1), db_text(s, 2), db_text(s, 3),
			    text_or_null(db_text(s, 4)) },
		.set = text_or_null(db_text(s, 5)),
		.added = db_int(s, 7),
		.changed = db_int(s, 8),
		.provenance = { db_text(s, 9), db_text(s, 10), db_text(s, 11), db_text(s, 12),
				db_text(s, 13), db_text(s, 14) },
		.raw_size = (uint64_t)db_int(s, 15),
		.stored_size = (uint64_t)db_int(s, 16),
		.codec = codec ? codec->name : "unknown",
		.has_modules = db_int(s, 25),
		.modules = (uint32_t)db_int(s, 20),
		.modules_failed = (uint32_t)db_int(s, 21),
		.modules_changed = db_int(s, 22),
		.modules_stored_size = (uint64_t)db_int(s, 24),
		.bases = (unsigned int)db_int(s, 26),
	};
	char key[KEY_TEXT_SIZE];

	db_id(s, 19, &e.modules_id); /* NULL: stays zero */
	if (!db_id(s, 6, &e.id) || !db_int(s, 18) || (e.has_modules && !db_int(s, 23)))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: the index is damaged: the row of %s does not match "
					 "its checksum",
					 a->dir, key_text(&e.kernel, key));
	*ret = row_copy(&e, sizeof(e), entry_strings, ARRAY_SIZE(entry_strings));
	if (!*ret)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", a->dir);
	return 0;
}
