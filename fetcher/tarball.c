/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "fetcher/tarball.h"

#define MEMBERS_MAXIMUM 100
#define WALKED_MAXIMUM  1000000
#define CHUNK		65536

/* --- reading ------------------------------------------------------------------------------------- */

static void free_reader(struct archive **a)
{
	if (*a)
		archive_read_free(*a);
}

/* libarchive's codes stay here: what it cannot read is damaged, or the system's. */
static int fail_read(struct archive *a, const char *path, struct btfpack_error *err)
{
	int code = archive_errno(a);

	if (code == ENOMEM)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	return btfpack_error_set(err, -EBADMSG, "%s: not a tarball, or damaged: %s", path,
				 archive_error_string(a) ?: "no more is known");
}

static struct archive *new_reader(void)
{
	struct archive *a = archive_read_new();

	if (!a)
		return NULL;
	archive_read_support_format_tar(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_zstd(a);
	archive_read_support_filter_bzip2(a);
	return a;
}

static int open_reader(const char *path, struct archive **ret, struct btfpack_error *err)
{
	CLEANUP(free_reader) struct archive *a = new_reader();

	if (!a)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	if (access(path, R_OK) < 0) /* libarchive's word for it would not be the system's */
		return btfpack_error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	if (archive_read_open_filename(a, path, CHUNK) != ARCHIVE_OK)
		return fail_read(a, path, err);
	*ret = steal_ptr(a); /* the caller's */
	return 0;
}

/* Sizes in the header are a claim: what is read counts. */
static int read_member(struct archive *a, const char *path, size_t maximum,
		       struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_BUF struct buf buf = BUF_INIT(maximum);
	uint8_t chunk[CHUNK];
	ssize_t got;

	while ((got = archive_read_data(a, chunk, sizeof(chunk))) > 0) {
		int error = buf_add(&buf, chunk, (size_t)got);

		if (error == -EFBIG)
			return btfpack_error_set(err, error, "%s: a member larger than %zu bytes",
						 path, maximum);
		if (error)
			return btfpack_error_set(err, error, "%s: out of memory", path);
	}
	if (got < 0)
		return fail_read(a, path, err);
	*ret = buf_take(&buf); /* the caller's */
	return 0;
}

static bool is_wanted(struct archive_entry *entry, const char *suffix)
{
	const char *name = archive_entry_pathname(entry);
	size_t length = name ? strlen(name) : 0, tail = strlen(suffix);

	return archive_entry_filetype(entry) == AE_IFREG && length >= tail &&
	       !strcmp(name + length - tail, suffix);
}

/* The one member of what @a reads. */
static int read_only_member(struct archive *a, const char *path, const char *suffix,
			    size_t maximum, struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob found = { 0 };
	struct archive_entry *entry;
	int members = 0, code, error;

	while ((code = archive_read_next_header(a, &entry)) == ARCHIVE_OK ||
	       code == ARCHIVE_WARN) {
		if (++members > MEMBERS_MAXIMUM)
			return btfpack_error_set(err, -EFBIG, "%s: more than %d members", path,
						 MEMBERS_MAXIMUM);
		if (!is_wanted(entry, suffix))
			continue;
		if (found.size)
			return btfpack_error_set(err, -EBADMSG,
						 "%s: two members end in %s, expected one", path,
						 suffix);
		error = read_member(a, path, maximum, &found, err);
		if (error)
			return error;
	}
	if (code != ARCHIVE_EOF)
		return fail_read(a, path, err);
	if (!found.size)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected a member that ends in %s, found %d others",
					 path, suffix, members);
	*ret = found; /* the caller's */
	found.data = NULL;
	return 0;
}

int tarball_read_one(const char *path, const char *suffix, size_t maximum,
		     struct btfpack_blob *ret, struct btfpack_error *err)
{
	CLEANUP(free_reader) struct archive *a = NULL;
	int error = open_reader(path, &a, err);

	return error ? error : read_only_member(a, path, suffix, maximum, ret, err);
}

int tarball_read_one_mem(const struct btfpack_blob *bytes, const char *name, const char *suffix,
			 size_t maximum, struct btfpack_blob *ret, struct btfpack_error *err)
{
	CLEANUP(free_reader) struct archive *a = new_reader();

	if (!a)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	if (archive_read_open_memory(a, bytes->data, bytes->size) != ARCHIVE_OK)
		return fail_read(a, name, err);
	return read_only_member(a, name, suffix, maximum, ret, err);
}

int tarball_walk(const char *path, size_t maximum, const struct tarball_walk *walk,
		 struct btfpack_error *err)
{
	CLEANUP(free_reader) struct archive *a = NULL;
	struct archive_entry *entry;
	int members = 0, code, error = open_reader(path, &a, err);

	if (error)
		return error;
	while ((code = archive_read_next_header(a, &entry)) == ARCHIVE_OK ||
	       code == ARCHIVE_WARN) {
		AUTO_BLOB struct btfpack_blob bytes = { 0 };
		AUTO_FREE char *member = NULL;

		if (++members > WALKED_MAXIMUM)
			return btfpack_error_set(err, -EFBIG, "%s: more than %d members", path,
						 WALKED_MAXIMUM);
		if (!is_wanted(entry, "") ||
		    !walk->is_wanted(archive_entry_pathname(entry), walk->arg))
			continue;
		member = strdup(archive_entry_pathname(entry));
		if (!member)
			return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
		error = read_member(a, path, maximum, &bytes, err);
		if (!error)
			error = walk->fn(member, &bytes, walk->arg, err);
		if (error)
			return error;
	}
	return code == ARCHIVE_EOF ? 0 : fail_read(a, path, err);
}

/* --- writing ------------------------------------------------------------------------------------- */

struct tarball {
	struct archive *archive;
	char *name;
};

static bool ends_in(const char *text, const char *tail)
{
	size_t length = strlen(text), size = strlen(tail);

	return length >= size && !strcmp(text + length - size, tail);
}

enum tarball_compression tarball_compression_of(const char *path)
{
	if (ends_in(path, ".tar.xz"))
		return TARBALL_XZ;
	return ends_in(path, ".tar.gz") || ends_in(path, ".tgz") ? TARBALL_GZIP : TARBALL_PLAIN;
}

static int fail_write(struct tarball *t, struct btfpack_error *err)
{
	int code = archive_errno(t->archive);

	return btfpack_error_set(err, code > 0 ? -code : -EIO, "%s: cannot write: %s", t->name,
				 archive_error_string(t->archive) ?: strerror(code));
}

void tarball_free(struct tarball *t)
{
	if (!t)
		return;
	if (t->archive)
		archive_write_free(t->archive);
	free(t->name);
	free(t);
}

static void free_tarballp(struct tarball **t)
{
	tarball_free(*t);
}

/* No time, name or thread count in what comes out. */
static int set_compression(struct archive *a, enum tarball_compression compression)
{
	switch (compression) {
	case TARBALL_XZ:
		return archive_write_add_filter_xz(a) ?:
		       archive_write_set_options(a, "xz:compression-level=6,xz:threads=1");
	case TARBALL_GZIP:
		return archive_write_add_filter_gzip(a) ?:
		       archive_write_set_options(a, "gzip:compression-level=9,gzip:!timestamp");
	case TARBALL_PLAIN:
		break;
	}
	return archive_write_add_filter_none(a);
}

int tarball_new(int fd, const char *name, enum tarball_compression compression,
		struct tarball **ret, struct btfpack_error *err)
{
	CLEANUP(free_tarballp) struct tarball *t = calloc(1, sizeof(*t));

	if (t) {
		t->archive = archive_write_new();
		t->name = strdup(name);
	}
	if (!t || !t->archive || !t->name)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	/* Plain ustar wherever it can say what there is to say. */
	archive_write_set_format_pax_restricted(t->archive);
	/* The same bytes into a pipe as into a file: no more than the format wants. */
	archive_write_set_bytes_in_last_block(t->archive, 1);
	if (set_compression(t->archive, compression) != ARCHIVE_OK ||
	    archive_write_open_fd(t->archive, fd) != ARCHIVE_OK)
		return fail_write(t, err);
	*ret = steal_ptr(t); /* the caller's */
	return 0;
}

static void free_entry(struct archive_entry **entry)
{
	archive_entry_free(*entry);
}

int tarball_add(struct tarball *t, const char *path, const struct btfpack_blob *blob,
		struct btfpack_error *err)
{
	CLEANUP(free_entry) struct archive_entry *entry = archive_entry_new();

	if (!entry)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", t->name);
	archive_entry_set_pathname(entry, path);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_uid(entry, 0);
	archive_entry_set_gid(entry, 0);
	archive_entry_set_uname(entry, "root");
	archive_entry_set_gname(entry, "root");
	archive_entry_set_mtime(entry, 0, 0);
	archive_entry_set_size(entry, (la_int64_t)blob->size);
	if (archive_write_header(t->archive, entry) != ARCHIVE_OK ||
	    archive_write_data(t->archive, blob->data, blob->size) != (la_ssize_t)blob->size)
		return fail_write(t, err);
	return 0;
}

int tarball_finish(struct tarball *t, struct btfpack_error *err)
{
	return archive_write_close(t->archive) == ARCHIVE_OK ? 0 : fail_write(t, err);
}
