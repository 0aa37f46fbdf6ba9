/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vmlinux of a package, read where it is needed. Debian's data.tar.xz is made of
 * blocks of 24 MiB, with an index: the tar's heads are read by jumping from one to the
 * next, and of vmlinux only the blocks are decoded that hold what is asked for, several
 * at a time. Of 6.1 for amd64 that is every second one: between what conversion needs
 * lie 280 MB of relocations that nobody does. Where vmlinux is not among the first files
 * it is looked for from the end.
 *
 *	file ──▶ ar's heads ──▶ the index of blocks ──▶ tar's heads ──▶ where vmlinux is
 *
 * What does not come in such blocks (rpm, zstd, a single block) has only the other way,
 * all of it from the start.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "fetcher/package.h"
#include "fetcher/xz-blocks.h"

#define AR_HEAD     60 /* bytes before a member's */
#define TAR_HEAD    512
#define TAR_MAGIC   257
#define TAR_PATH    100
#define HEAD_BLOCKS 2  /* in which vmlinux is mostly found; else it is looked for */
#define TAIL_BLOCKS 64 /* in the last so many */
#define HEAD_READ   4096
#define CACHED      2 /* blocks: of the ELF file's head, of its sections' */
#define THREADS_MAX 16

struct cached_block {
	uint8_t *bytes; /* NULL: free */
	size_t number;
	unsigned int used; /* when last */
};

struct btfpack_vmlinux {
	struct extraction x;
	char *path, *what, *uname; /* what x points to */
	int fd;
	struct byte_source source;
	void (*free_source)(void *arg); /* NULL: the source is this file */
	struct xz_blocks *blocks;       /* NULL: only as a stream */
	uint64_t start, size;           /* in the tar's bytes */
	struct cached_block cache[CACHED];
	unsigned int clock;
	struct btfpack_error failure; /* of a reader below, while libarchive unwinds */
	uint64_t at;                  /* libarchive's position */
	uint64_t tar_start;           /* where it began */
	int walked;                   /* heads of the tar */
	uint8_t head[HEAD_READ];      /* of the ar */
};

/* --- bytes of the file
 * ------------------------------------------------------------------------------ */

static int read_file(void *arg, uint64_t offset, void *ret, size_t size, struct btfpack_error *err)
{
	const struct btfpack_vmlinux *v = arg;
	size_t done = 0;

	while (done < size) {
		ssize_t got =
			pread(v->fd, (uint8_t *)ret + done, size - done, (off_t)(offset + done));

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return btfpack_error_set(err, -errno, "%s: cannot read: %s", v->what,
						 strerror(errno));
		if (!got)
			return btfpack_error_set(err, -EBADMSG, "%s: ends too early", v->what);
		done += (size_t)got;
	}
	return 0;
}

static int open_file(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	struct stat st;

	v->fd = open(v->path, O_RDONLY | O_CLOEXEC);
	if (v->fd < 0 || fstat(v->fd, &st) < 0)
		return btfpack_error_set(err, -errno, "%s: cannot open: %s", v->what,
					 strerror(errno));
	v->source =
		(struct byte_source){ .read = read_file, .arg = v, .size = (uint64_t)st.st_size };
	return 0;
}

/* --- blocks
 * ----------------------------------------------------------------------------------------- */

static struct cached_block *find_cached(struct btfpack_vmlinux *v, size_t number)
{
	for (size_t i = 0; i < CACHED; i++)
		if (v->cache[i].bytes && v->cache[i].number == number)
			return &v->cache[i];
	return NULL;
}

static void forget_block(struct cached_block *c)
{
	free(c->bytes);
	*c = (struct cached_block){ 0 };
}

static struct cached_block *oldest(struct btfpack_vmlinux *v)
{
	struct cached_block *c = &v->cache[0];

	for (size_t i = 1; i < CACHED; i++)
		if (v->cache[i].used < c->used)
			c = &v->cache[i];
	return c;
}

static int get_block(struct btfpack_vmlinux *v, size_t number, const uint8_t **ret,
		     struct btfpack_error *err)
{
	struct cached_block *c = find_cached(v, number);
	int error;

	if (!c) {
		c = oldest(v);
		forget_block(c);
		c->bytes = malloc(xz_blocks_length(v->blocks, number));
		if (!c->bytes)
			return btfpack_error_set(err, -ENOMEM, "%s: out of memory", v->what);
		error = xz_blocks_decode(v->blocks, number, c->bytes, err);
		if (error < 0) {
			forget_block(c);
			return error;
		}
		c->number = number;
	}
	c->used = ++v->clock;
	*ret = c->bytes;
	return 0;
}

/* Lend the tar's bytes from @offset to the end of their block. */
static ssize_t lend(struct btfpack_vmlinux *v, uint64_t offset, const uint8_t **ret,
		    struct btfpack_error *err)
{
	const uint8_t *bytes = NULL;
	size_t number, inside;
	int error;

	if (offset >= xz_blocks_size(v->blocks))
		return 0;
	number = xz_blocks_find(v->blocks, offset);
	inside = (size_t)(offset - xz_blocks_start(v->blocks, number));
	error = get_block(v, number, &bytes, err);
	if (error < 0)
		return error;
	*ret = bytes + inside;
	return (ssize_t)(xz_blocks_length(v->blocks, number) - inside);
}

/* --- ar and tar, by libarchive
 * ------------------------------------------------------------------------ */

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

/* Where data.tar is. -EOPNOTSUPP for what is not a Debian package, or not as expected:
 * the other way then tells what is wrong with it. */
static int find_data(struct btfpack_vmlinux *v, uint64_t *offset_ret, uint64_t *size_ret,
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
	ssize_t got = lend(v, v->at, &bytes, &v->failure);

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
	int error = package_tell(&v->x, 0, 0, err);

	if (!error)
		error = get_block(v, number, &bytes, err);
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
		error = get_block(v, number, &bytes, err);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Since 7.0 vmlinux is Debian's last file, behind the modules, whose heads lie in every
 * block: from the end it is near. */
static int search_tail(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	size_t count = xz_blocks_count(v->blocks);
	int found = 0;

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

static int find_member(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	bool is_long = xz_blocks_count(v->blocks) > HEAD_BLOCKS;
	int found = search_from_start(
		v, is_long ? xz_blocks_start(v->blocks, HEAD_BLOCKS) : UINT64_MAX, err);

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

/* --- the vmlinux
 * -------------------------------------------------------------------------------------- */

static int check_head(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	uint8_t magic[4];
	int error =
		v->size < sizeof(magic) ? 0 : btfpack_vmlinux_read(v, 0, magic, sizeof(magic), err);

	return error < 0 ? error
			 : package_check_elf(v->what, magic, v->size < sizeof(magic) ? 0 : 4, err);
}

static int find_vmlinux(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	uint64_t offset = 0, size = 0;
	int error = find_data(v, &offset, &size, err);

	if (!error)
		error = xz_blocks_new(&v->source, offset, size, v->what, &v->blocks, err);
	if (error < 0)
		return error;
	if (xz_blocks_size(v->blocks) > PAYLOAD_MAXIMUM(v->source.size))
		return btfpack_error_set(
			err, -EFBIG, "%s: decompresses to more than the limit of %llu bytes",
			v->what, (unsigned long long)PAYLOAD_MAXIMUM(v->source.size));
	error = find_member(v, err);
	return error < 0 ? error : check_head(v, err);
}

static void forget_blocks(struct btfpack_vmlinux *v)
{
	for (size_t i = 0; i < CACHED; i++)
		forget_block(&v->cache[i]);
	xz_blocks_free(v->blocks);
	v->blocks = NULL;
}

static int init(struct btfpack_vmlinux *v, const char *path, const char *uname,
		const struct btfpack_vmlinux_opts *opts, struct btfpack_error *err)
{
	if (opts && opts->size != sizeof(*opts))
		return btfpack_error_set(err, -EINVAL,
					 "struct btfpack_vmlinux_opts has %zu bytes here, not %zu",
					 sizeof(*opts), opts->size);
	v->path = strdup(path);
	v->what = strdup(opts && opts->name ? opts->name : path);
	v->uname = strdup(uname);
	if (!v->path || !v->what || !v->uname)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	v->x = (struct extraction){
		.path = v->path,
		.what = v->what,
		.uname = v->uname,
		.progress = opts ? opts->progress : NULL,
		.progress_arg = opts ? opts->progress_arg : NULL,
	};
	return 0;
}

static void closep(struct btfpack_vmlinux **v)
{
	btfpack_vmlinux_close(*v);
}

int btfpack_vmlinux_open(const char *package_path, const char *uname,
			 const struct btfpack_vmlinux_opts *opts, struct btfpack_vmlinux **ret,
			 struct btfpack_error *err)
{
	CLEANUP(closep) struct btfpack_vmlinux *v = calloc(1, sizeof(*v));
	int error;

	if (!v)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", package_path);
	v->fd = -1;
	error = init(v, package_path, uname, opts, err);
	if (!error)
		error = open_file(v, err);
	if (!error)
		error = find_vmlinux(v, err);
	if (error == -EOPNOTSUPP) {
		forget_blocks(v);
		error = 0;
	}
	if (!error)
		*ret = steal_ptr(v); /* the caller's */
	return error;
}

int vmlinux_open_source(const struct byte_source *source, void (*free_arg)(void *arg),
			const char *uname, const struct btfpack_vmlinux_opts *opts,
			struct btfpack_vmlinux **ret, struct btfpack_error *err)
{
	CLEANUP(closep) struct btfpack_vmlinux *v = calloc(1, sizeof(*v));
	int error;

	if (!v) {
		free_arg(source->arg);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", opts->name);
	}
	v->fd = -1;
	v->source = *source;
	v->free_source = free_arg;
	error = init(v, "", uname, opts, err);
	if (!error)
		error = find_vmlinux(v, err);
	if (!error)
		*ret = steal_ptr(v); /* the caller's */
	return error;
}

void btfpack_vmlinux_close(struct btfpack_vmlinux *v)
{
	if (!v)
		return;
	forget_blocks(v);
	cleanup_fd(&v->fd);
	if (v->free_source)
		v->free_source(v->source.arg);
	free(v->path);
	free(v->what);
	free(v->uname);
	free(v);
}

uint64_t btfpack_vmlinux_size(const struct btfpack_vmlinux *v)
{
	return v->blocks ? v->size : 0;
}

int btfpack_vmlinux_read(void *vmlinux, uint64_t offset, void *ret, size_t size,
			 struct btfpack_error *err)
{
	struct btfpack_vmlinux *v = vmlinux;

	if (!v->blocks || offset > v->size || size > v->size - offset)
		return btfpack_error_set(err, -EINVAL, "%s: no bytes to read there", v->what);
	while (size) {
		const uint8_t *bytes;
		ssize_t got = lend(v, v->start + offset, &bytes, err);
		size_t part = (size_t)got < size ? (size_t)got : size;

		if (got <= 0)
			return got < 0 ? (int)got
				       : btfpack_error_set(err, -EBADMSG, "%s: ends too early",
							   v->what);
		memcpy(ret, bytes, part);
		ret = (uint8_t *)ret + part;
		offset += part;
		size -= part;
	}
	return 0;
}

/* --- extracting
 * --------------------------------------------------------------------------------------- */

struct task {
	struct btfpack_vmlinux *v;
	const struct btfpack_part *parts; /* in order, apart from one another */
	size_t part_count;
	int out;
	size_t *numbers; /* of the blocks with parts, in order */
	size_t count, largest;
	atomic_size_t next, done;
	atomic_bool stop;
};

struct worker {
	struct task *task;
	pthread_t thread;
	bool started;
	int error;
	struct btfpack_error err;
};

/* Write what the parts want of @bytes, which are vmlinux's [@from, @to). */
static int write_wanted(const struct task *t, const uint8_t *bytes, uint64_t from, uint64_t to,
			struct btfpack_error *err)
{
	for (size_t i = 0; i < t->part_count; i++) {
		uint64_t start = t->parts[i].offset, end = start + t->parts[i].size;
		int error = 0;

		if (start < from)
			start = from;
		if (end > to)
			end = to;
		for (uint64_t at = start; at < end && !error;) {
			ssize_t put =
				pwrite(t->out, bytes + (at - from), (size_t)(end - at), (off_t)at);

			if (put < 0 && errno != EINTR)
				error = -errno;
			at += put > 0 ? (uint64_t)put : 0;
		}
		if (error)
			return btfpack_error_set(err, error, "%s: cannot write its vmlinux: %s",
						 t->v->what, strerror(-error));
	}
	return 0;
}

/* Write those bytes of block @number that are vmlinux's. */
static int write_block(const struct task *t, size_t number, const uint8_t *bytes,
		       struct btfpack_error *err)
{
	const struct btfpack_vmlinux *v = t->v;
	uint64_t start = xz_blocks_start(v->blocks, number);
	uint64_t end = start + xz_blocks_length(v->blocks, number);
	uint64_t from = start > v->start ? start : v->start;
	uint64_t to = end < v->start + v->size ? end : v->start + v->size;

	return from < to ? write_wanted(t, bytes + (from - start), from - v->start, to - v->start,
					err)
			 : 0;
}

/* The first worker is the caller's thread, which may call back. */
static int tell(struct worker *w, bool may_tell)
{
	struct task *t = w->task;

	return may_tell ? package_tell(&t->v->x, atomic_load(&t->done), t->count, &w->err) : 0;
}

static int work_on(struct worker *w, bool may_tell, uint8_t *bytes)
{
	struct task *t = w->task;

	for (;;) {
		size_t i = atomic_fetch_add(&t->next, 1);
		struct cached_block *cached;
		int error;

		if (i >= t->count || atomic_load(&t->stop))
			return 0;
		cached = find_cached(t->v, t->numbers[i]);
		error = tell(w, may_tell);
		if (!error && !cached)
			error = xz_blocks_decode(t->v->blocks, t->numbers[i], bytes, &w->err);
		if (!error)
			error = write_block(t, t->numbers[i], cached ? cached->bytes : bytes,
					    &w->err);
		if (error < 0)
			return error;
		atomic_fetch_add(&t->done, 1);
	}
}

static void run_worker(struct worker *w, bool may_tell)
{
	AUTO_FREE uint8_t *bytes = malloc(w->task->largest);

	w->error =
		bytes ? work_on(w, may_tell, bytes)
		      : btfpack_error_set(&w->err, -ENOMEM, "%s: out of memory", w->task->v->what);
	if (w->error < 0)
		atomic_store(&w->task->stop, true);
}

static void *start_worker(void *arg)
{
	run_worker(arg, false);
	return NULL;
}

static int run_workers(struct task *t, unsigned int threads, struct btfpack_error *err)
{
	struct worker workers[THREADS_MAX] = { 0 };
	int error = 0;

	for (unsigned int i = 0; i < threads; i++) {
		workers[i].task = t;
		workers[i].started =
			i && !pthread_create(&workers[i].thread, NULL, start_worker, &workers[i]);
	}
	run_worker(&workers[0], true);
	for (unsigned int i = 0; i < threads; i++) {
		if (workers[i].started)
			pthread_join(workers[i].thread, NULL);
		if (workers[i].error < 0 && !error)
			error = btfpack_error_set(err, workers[i].err.code, "%s",
						  workers[i].err.message);
	}
	return error;
}

static bool is_wanted(const struct task *t, uint64_t from, uint64_t to)
{
	for (size_t i = 0; i < t->part_count; i++)
		if (t->parts[i].size && t->parts[i].offset < to &&
		    t->parts[i].offset + t->parts[i].size > from)
			return true;
	return false;
}

/* The blocks that have something of the parts. */
static int choose_blocks(struct task *t, struct btfpack_error *err)
{
	const struct btfpack_vmlinux *v = t->v;
	size_t count = xz_blocks_count(v->blocks);

	t->numbers = calloc(count, sizeof(*t->numbers));
	if (!t->numbers)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", v->what);
	for (size_t i = xz_blocks_find(v->blocks, v->start); i < count; i++) {
		uint64_t start = xz_blocks_start(v->blocks, i);
		size_t length = xz_blocks_length(v->blocks, i);
		uint64_t from = start > v->start ? start - v->start : 0;

		if (start >= v->start + v->size)
			break;
		if (!is_wanted(t, from, start + length - v->start))
			continue;
		t->numbers[t->count++] = i;
		if (length > t->largest)
			t->largest = length;
	}
	return 0;
}

static void task_deinit(struct task *t)
{
	free(t->numbers);
}

static int check_parts(const struct btfpack_vmlinux *v, const struct btfpack_part *parts,
		       size_t count, struct btfpack_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].offset > v->size || parts[i].size > v->size - parts[i].offset)
			return btfpack_error_set(err, -EINVAL, "%s: no such part", v->what);
	return 0;
}

static unsigned int count_threads(unsigned int threads, size_t blocks)
{
	cpu_set_t set;

	if (!threads)
		threads = sched_getaffinity(0, sizeof(set), &set) == 0
				  ? (unsigned int)CPU_COUNT(&set)
				  : 1;
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	return threads > blocks ? blocks ? (unsigned int)blocks : 1 : threads;
}

int btfpack_vmlinux_extract(struct btfpack_vmlinux *v, const struct btfpack_part *parts,
			    size_t count, unsigned int threads, int fd, struct btfpack_error *err)
{
	const struct btfpack_part whole = { 0, v->size };
	CLEANUP(task_deinit) struct task t = { .v = v, .out = fd };
	int error;

	if (!v->blocks)
		return package_extract(&v->x, fd, err);
	t.parts = parts ? parts : &whole;
	t.part_count = parts ? count : 1;
	error = check_parts(v, t.parts, t.part_count, err);
	if (!error)
		error = choose_blocks(&t, err);
	if (!error)
		error = run_workers(&t, count_threads(threads, t.count), err);
	if (!error && ftruncate(fd, (off_t)v->size) < 0)
		error = btfpack_error_set(err, -errno, "%s: cannot write its vmlinux: %s", v->what,
					  strerror(errno));
	return error;
}
