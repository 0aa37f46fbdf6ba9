/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "btfgen/dwz-file.h"
#include "core/cursor.h"

/* What a link says: the file's name, and the build-id it should have. */
struct link {
	const char *name;
	char id[ELF_BUILD_ID_SIZE];
};

static void format_id(const uint8_t *bytes, size_t size, char ret[ELF_BUILD_ID_SIZE])
{
	ret[0] = '\0';
	for (size_t i = 0; i < size && 2 * i + 2 < ELF_BUILD_ID_SIZE; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
}

/* .gnu_debugaltlink: a name, then the build-id to the end. */
static int read_gnu_link(struct cursor *c, struct link *ret)
{
	const uint8_t *id;
	size_t size;

	if (cursor_string(c, &ret->name) < 0)
		return -EBADMSG;
	size = cursor_left(c);
	if (cursor_bytes(c, size, &id) < 0)
		return -EBADMSG;
	format_id(id, size, ret->id);
	return 0;
}

/* .debug_sup (DWARF 5, section 7.3.6): version, whether this is the supplementary
 * file itself, name, length and bytes of a checksum that both files have. */
static int read_sup_link(struct cursor *c, bool supplementary, struct link *ret)
{
	const uint8_t *id;
	uint16_t version;
	uint8_t is_supplementary;
	uint64_t size;

	if (cursor_u16(c, &version) < 0 || cursor_u8(c, &is_supplementary) < 0 ||
	    cursor_string(c, &ret->name) < 0 || cursor_uleb(c, &size) < 0 ||
	    cursor_bytes(c, size, &id) < 0)
		return -EBADMSG;
	format_id(id, size, ret->id);
	return is_supplementary == supplementary;
}

/* The identity of the supplementary file @image itself. */
static int read_identity(struct elf_image *image, char ret[ELF_BUILD_ID_SIZE],
			 struct btfpack_error *err)
{
	struct elf_section section;
	struct link link;
	struct cursor c;
	int error = elf_image_section(image, ".debug_sup", &section, err);

	elf_image_build_id(image, ret);
	if (error || !section.size)
		return error;
	c = cursor_init(section.data, section.size, image->other_order, ".debug_sup");
	if (read_sup_link(&c, true, &link) > 0)
		memcpy(ret, link.id, sizeof(link.id));
	return 0;
}

/* 1: a link; 0: none. */
static int read_link(struct elf_image *image, struct link *ret, struct btfpack_error *err)
{
	struct elf_section section;
	struct cursor c;
	int error = elf_image_section(image, ".gnu_debugaltlink", &section, err);

	if (error)
		return error;
	if (section.size) {
		c = cursor_init(section.data, section.size, image->other_order,
				".gnu_debugaltlink");
		error = read_gnu_link(&c, ret);
		error = error ? error : 1;
	} else {
		error = elf_image_section(image, ".debug_sup", &section, err);
		if (error || !section.size)
			return error;
		c = cursor_init(section.data, section.size, image->other_order, ".debug_sup");
		error = read_sup_link(&c, false, ret);
	}
	if (error < 0)
		return btfpack_error_set(err, error,
					 "%s: the link to its supplementary debug file is damaged",
					 image->path);
	return error;
}

/* The places where the file may lie, in turn; NULL at the end. */
static char *candidate(const struct elf_image *image, const struct link *link, int number)
{
	const char *slash = strrchr(image->path, '/');
	int directory = slash ? (int)(slash - image->path) + 1 : 0;
	char *path = NULL;
	int length = -1;

	if (number == 0 && link->name[0] == '/')
		length = asprintf(&path, "%s", link->name);
	else if (number == 0)
		length = asprintf(&path, "%.*s%s", directory, image->path, link->name);
	else if (number == 1 && strlen(link->id) > 2)
		length = asprintf(&path, "/usr/lib/debug/.build-id/%.2s/%s.debug", link->id,
				  link->id + 2);
	return length < 0 ? NULL : path;
}

static int open_checked(const char *path, const struct link *link, struct elf_image *ret,
			struct btfpack_error *err)
{
	char id[ELF_BUILD_ID_SIZE];
	int error = elf_image_init(ret, path, err);

	if (error)
		return error;
	error = read_identity(ret, id, err);
	if (error) {
		elf_image_deinit(ret);
		return error;
	}
	if (strcmp(id, link->id)) {
		elf_image_deinit(ret);
		return btfpack_error_set(err, -EBADMSG,
					 "%s: build-id %s, expected the supplementary debug file "
					 "with %s",
					 path, id[0] ? id : "(none)", link->id);
	}
	return 1;
}

int dwz_file_open(struct elf_image *image, const char *dwz_path, struct elf_image *ret,
		  char **path_ret, struct btfpack_error *err)
{
	struct link link;
	int found = read_link(image, &link, err);
	char *path;

	*path_ret = NULL;
	if (found <= 0)
		return found;
	if (dwz_path)
		return open_checked(dwz_path, &link, ret, err);
	for (int i = 0; (path = candidate(image, &link, i)); i++) {
		if (access(path, F_OK) == 0) {
			found = open_checked(path, &link, ret, err);
			if (found < 0)
				free(path);
			else
				*path_ret = path; /* the caller's */
			return found;
		}
		free(path);
	}
	return btfpack_error_set(err, -ENOENT,
				 "%s: its debug information refers to %s (made by dwz), which is "
				 "not there; name it with --dwz-file",
				 image->path, link.name);
}
