/* SPDX-License-Identifier: BSD-2-Clause */
/* Where vmlinux is in a Debian package: ar's heads, then the tar's, by libarchive. */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "core/cleanup.h"
#include "fetcher/vmlinux.h"

#define AR_HEAD     60 /* bytes before a member's */
#define TAR_PATH    100
#define HEAD_BLOCKS 2  /* in which vmlinux is mostly found; else it is looked for */
#define TAIL_BLOCKS 64 /* in the last so many */

static void free_reader(struct archive **a)
{
	archive_read_free(*a);
}

static ssize_t read_ar(struct archive *a, void *arg, const void **ret)
{
	struct btfpack_vmlinux *v = arg;
	uint64_t left = v->at < v->source.size ? v->source.size - v->at : 0;
	size_t size = left < HEAD_READ ? (size_t)left : HEAD_READ;

	if (size && v->source.read(v->source.arg, v->at, v->head, size, &v->failure) < 0) {
		archive_set_error(a, EIO, "%s", v->failure.message);
		return ARCHIVE_FATAL;
	}
	v->at += size;
	*ret = v->head;
	return (ssize_t)size;
}

static la_int64_t skip(struct archive *a, void *arg, la_int64_t size)
{
	struct btfpack_vmlinux *v = arg;

	(void)a;
	v->at += (uint64_t)size; /* past the end there is nothing to read */
	return size;
}

int vmlinux_find_data(struct btfpack_vmlinux *v, uint64_t *offset_ret, uint64_t *size_ret,
		      struct btfpack_error *err)
{
	CLEANUP(free_reader) struct archive *a = archive_read_new();
	struct archive_entry *entry;

	v->at = 0;
	if (!a || archive_read_support_format_ar(a) != ARCHIVE_OK)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", v->what);
	if (archive_read_open2(a, v, NULL, read_ar, skip, NULL) != ARCHIVE_OK)
		return v->failure.code ? v->failure.code : -EOPNOTSUPP;
	for (int i = 0; i < AR_MEMBERS_MAXIMUM; i++) {
		const char *name;

		if (archive_read_next_header(a, &entry) != ARCHIVE_OK)
			break;
		name = archive_entry_pathname(entry);
		if (!name || strncmp(name, "data.tar", strlen("data.tar")) ||
		    archive_entry_size(entry) < 0)
			continue;
		*offset_ret = (uint64_t)archive_read_header_position(a) + AR_HEAD;
		*size_ret = (uint64_t)archive_entry_size(entry);
		return 0;
	}
	return -EOPNOTSUPP;
}

static ssize_t read_tar(struct archive *a, void *arg, const void **ret)
{
	struct btfpack_vmlinux *v = arg;
	const uint8_t *bytes = NULL;
	ssize_t got = vmlinux_lend(v, v->at, &bytes, &v->failure);

	if (got < 0) {
		archive_set_error(a, EIO, "%s", v->failure.message);
		return ARCHIVE_FATAL;
	}
	*ret = bytes;
	v->at += (uint64_t)got;
	return got;
}

static int damaged(const struct btfpack_vmlinux *v, struct archive *a, struct btfpack_error *err)
{
	if (v->failure.code)
		return btfpack_error_set(err, v->failure.code, "%s", v->failure.message);
	return btfpack_error_set(err, -EBADMSG, "%s: expected an intact Debian package: %s",
				 v->what, archive_error_string(a) ?: "its data.tar makes no sense");
}

/* What libarchive has taken by now are heads: the member's bytes are next. */
static int note_place(struct btfpack_vmlinux *v, struct archive *a, struct archive_entry *entry,
		      struct btfpack_error *err)
{
	int64_t size = archive_entry_size(entry);

	if (archive_entry_sparse_count(entry))
		return -EOPNOTSUPP;
	if (package_check_size(v->what, size, err) < 0)
		return err->code;
	v->start = v->tar_start + (uint64_t)archive_filter_bytes(a, 0);
	v->size = (uint64_t)size;
	if (v->arriving && !v->all_blocks) {
		uint64_t end = v->start + v->size;
		int error = end > PAYLOAD_MAXIMUM(v->source.size)
				    ? -EOPNOTSUPP
				    : xz_blocks_follow(v->blocks, end, err);

		if (error < 0)
			return error;
	}
	if (v->start > xz_blocks_size(v->blocks) || v->size > xz_blocks_size(v->blocks) - v->start)
		return damaged(v, a, err);
	return 0;
}

/* A reader of the tar from @offset on, which must be where a head is. */
static int open_tar(struct btfpack_vmlinux *v, uint64_t offset, struct archive **ret,
		    struct btfpack_error *err)
{
	CLEANUP(free_reader) struct archive *a = archive_read_new();

	v->at = v->tar_start = offset;
	if (!a || archive_read_support_format_tar(a) != ARCHIVE_OK)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", v->what);
	if (archive_read_open2(a, v, NULL, read_tar, skip, NULL) != ARCHIVE_OK)
		return damaged(v, a, err);
	*ret = steal_ptr(a); /* the caller's */
	return 0;
}

/* Go from head to head, as far as the one that is read begins before @end. 1: vmlinux is
 * found; 0: not before @end. */
static int walk(struct btfpack_vmlinux *v, struct archive *a, uint64_t end,
		struct btfpack_error *err)
{
	struct archive_entry *entry;

	for (; v->walked < ENTRIES_MAXIMUM && v->at < end; v->walked++) {
		int code = archive_read_next_header(a, &entry), error;

		if (code == ARCHIVE_EOF)
			return package_found_none(&v->x, err);
		if (code != ARCHIVE_OK)
			return damaged(v, a, err);
		if (package_is_vmlinux(v->uname, entry)) {
			error = note_place(v, a, entry, err);
			return error < 0 ? error : 1;
		}
		if (package_tell(&v->x, 0, 0, err) < 0)
			return err->code;
	}
	return v->at >= end
		       ? 0
		       : btfpack_error_set(err, -EFBIG, "%s: has more than the limit of %d files",
					   v->what, ENTRIES_MAXIMUM);
}

/* By the two fields that no other file's head has; the path is a short one. */
static bool may_be_head(const uint8_t *head)
{
	return !memcmp(head + TAR_MAGIC, "ustar", 5) && memmem(head, TAR_PATH, "vmlinux", 7);
}

/* Whether libarchive, too, finds a head at @offset, and it is vmlinux's. A file in the tar
 * may hold what looks like one: it is in a package that was verified, and names a vmlinux
 * that is one by its bytes. */
static bool is_head(struct btfpack_vmlinux *v, uint64_t offset)
{
	CLEANUP(free_reader) struct archive *a = NULL;
	struct archive_entry *entry;

	return open_tar(v, offset, &a, NULL) == 0 &&
	       archive_read_next_header(a, &entry) == ARCHIVE_OK &&
	       package_is_vmlinux(v->uname, entry) && note_place(v, a, entry, NULL) == 0;
}

/* The last of the places in block @number where vmlinux's head is. 1, 0, or an error. */
static int search_block(struct btfpack_vmlinux *v, size_t number, struct btfpack_error *err)
{
	uint64_t start = xz_blocks_start(v->blocks, number);
	size_t length = xz_blocks_length(v->blocks, number);
	uint64_t first = (start + TAR_HEAD - 1) / TAR_HEAD * TAR_HEAD;
	const uint8_t *bytes;
	size_t size;
	int error = package_tell(&v->x, 0, 0, err);

	if (!error)
		error = vmlinux_get_block(v, number, length, &bytes, &size, err);
	if (error < 0 || first + TAR_HEAD > start + length)
		return error;
	for (uint64_t at = start + (length - (first - start)) / TAR_HEAD * TAR_HEAD + first - start;
	     at > first;) {
		at -= TAR_HEAD;
		if (!may_be_head(bytes + (at - start)))
			continue;
		if (is_head(v, at))
			return 1;
		/* The look at it may have put the block out of the cache. */
		error = vmlinux_get_block(v, number, length, &bytes, &size, err);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Whether it is where its own last bytes say. */
static int guess_tail(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	uint64_t start, size;
	int found = vmlinux_guess(v, &start, &size, err);

	return found <= 0 ? found
			  : is_head(v, start - TAR_HEAD) && v->start == start && v->size == size;
}

/* Since 7.0 vmlinux is Debian's last file, behind the modules, whose heads lie in every
 * block: from the end it is near. */
static int search_tail(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	size_t count = xz_blocks_count(v->blocks);
	int found = guess_tail(v, err);

	for (size_t i = 0; i < TAIL_BLOCKS && i + HEAD_BLOCKS < count && !found; i++)
		found = search_block(v, count - 1 - i, err);
	return found;
}

/* From the start up to the plain byte @end. */
static int search_from_start(struct btfpack_vmlinux *v, uint64_t end, struct btfpack_error *err)
{
	CLEANUP(free_reader) struct archive *a = NULL;
	int error = open_tar(v, 0, &a, err);

	v->walked = 0;
	return error < 0 ? error : walk(v, a, end, err);
}

/* When all is there, by the index: only a guess is made here, what has to be searched for is
 * the ordinary way's. */
static int find_arrived(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	int error = vmlinux_reopen_blocks(v, err);

	return error < 0 ? error : guess_tail(v, err);
}

/* In the first blocks, as they come; or the last file. */
static int find_arriving(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	int found = 0;

	for (size_t i = 0; i < HEAD_BLOCKS && found >= 0; i++)
		found = xz_blocks_follow(v->blocks, xz_blocks_size(v->blocks) + 1, err);
	if (found >= 0)
		found = search_from_start(v, xz_blocks_size(v->blocks), err);
	if (found == -EBADMSG && v->at >= xz_blocks_size(v->blocks))
		found = 0; /* the next head lies behind them */
	if (!found)
		found = find_arrived(v, err);
	v->failure = (struct btfpack_error){ 0 };
	return found > 0 ? 0 : found < 0 ? found : -EOPNOTSUPP;
}

int vmlinux_find_member(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	bool is_long = xz_blocks_count(v->blocks) > HEAD_BLOCKS;
	int found;

	if (v->arriving)
		return find_arriving(v, err);
	found = search_from_start(v, is_long ? xz_blocks_start(v->blocks, HEAD_BLOCKS) : UINT64_MAX,
				  err);
	if (!found)
		found = search_tail(v, err);
	v->failure = (struct btfpack_error){ 0 };
	if (!found)
		found = search_from_start(v, UINT64_MAX, err);
	return found < 0 ? found : 0;
}

const struct extraction *vmlinux_extraction(const struct btfpack_vmlinux *v)
{
	return &v->x;
}

int vmlinux_walk(struct btfpack_vmlinux *v, package_entry_fn fn, void *arg,
		 struct btfpack_error *err)
{
	CLEANUP(free_reader) struct archive *a = NULL;
	struct archive_entry *entry;
	int error;

	if (!v->blocks)
		return package_walk(&v->x, fn, arg, err);
	v->failure = (struct btfpack_error){ 0 };
	error = open_tar(v, 0, &a, err);
	for (int i = 0; !error && i < ENTRIES_MAXIMUM; i++) {
		int code = archive_read_next_header(a, &entry);

		if (code == ARCHIVE_EOF)
			return 0;
		error = code == ARCHIVE_OK ? package_tell(&v->x, v->at, xz_blocks_size(v->blocks), err)
					   : damaged(v, a, err);
		if (!error)
			error = fn(a, entry, arg, err);
	}
	return error ? error
		     : btfpack_error_set(err, -EFBIG, "%s: has more than the limit of %d files",
					 v->what, ENTRIES_MAXIMUM);
}
