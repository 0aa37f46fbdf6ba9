/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vmlinux of a package, read where it is needed. Debian's data.tar.xz is made of
 * blocks of 24 MiB, with an index: the tar's heads are read by jumping from one to the
 * next, and of vmlinux only the blocks are decoded that hold what is asked for, several
 * at a time. Of 6.1 for amd64 that is every second one: between what conversion needs
 * lie 280 MB of relocations that nobody does. Where vmlinux is not among the first files
 * its section headers at the end tell where it is; else it is looked for from there.
 *
 *	file ──▶ ar's heads ──▶ the index of blocks ──▶ tar's heads ──▶ where vmlinux is
 *
 * What does not come in such blocks (rpm, zstd, a single block) has only the other way,
 * all of it from the start. Either way the package may be on its way still: its reader
 * waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "fetcher/vmlinux.h"

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

struct cached_block *vmlinux_find_cached(struct btfpack_vmlinux *v, size_t number)
{
	for (size_t i = 0; i < CACHED; i++)
		if (v->cache[i].decoding && v->cache[i].number == number)
			return &v->cache[i];
	return NULL;
}

static void forget_block(struct cached_block *c)
{
	xz_decoding_free(c->decoding);
	*c = (struct cached_block){ 0 };
}

void vmlinux_forget_cached(struct btfpack_vmlinux *v)
{
	for (size_t i = 0; i < CACHED; i++)
		forget_block(&v->cache[i]);
}

static void forget_blocks(struct btfpack_vmlinux *v)
{
	vmlinux_forget_cached(v);
	xz_blocks_free(v->blocks);
	v->blocks = NULL;
}

static struct cached_block *oldest(struct btfpack_vmlinux *v)
{
	struct cached_block *c = &v->cache[0];

	for (size_t i = 1; i < CACHED; i++)
		if (v->cache[i].used < c->used)
			c = &v->cache[i];
	return c;
}

static int reach(struct btfpack_vmlinux *v, struct cached_block *c, size_t want,
		 const uint8_t **ret, size_t *size_ret, struct btfpack_error *err)
{
	int error;

	if (v->whole_blocks)
		want = xz_blocks_length(v->blocks, c->number);
	package_begin(&v->x, 1);
	error = xz_decoding_reach(c->decoding, want, ret, size_ret, err);
	package_end(&v->x);
	return error;
}

int vmlinux_get_block(struct btfpack_vmlinux *v, size_t number, size_t want, const uint8_t **ret,
		      size_t *size_ret, struct btfpack_error *err)
{
	struct cached_block *c = vmlinux_find_cached(v, number);
	int error = 0;

	if (!c) {
		c = oldest(v);
		forget_block(c);
		error = xz_decoding_new(v->blocks, number, NULL, &c->decoding, err);
		c->number = number;
	}
	if (!error)
		error = reach(v, c, want, ret, size_ret, err);
	if (error < 0)
		forget_block(c);
	else
		c->used = ++v->clock;
	return error;
}

ssize_t vmlinux_lend(struct btfpack_vmlinux *v, uint64_t offset, const uint8_t **ret,
		     struct btfpack_error *err)
{
	const uint8_t *bytes = NULL;
	size_t number, inside, size = 0;
	int error;

	if (offset >= xz_blocks_size(v->blocks))
		return 0;
	number = xz_blocks_find(v->blocks, offset);
	inside = (size_t)(offset - xz_blocks_start(v->blocks, number));
	error = vmlinux_get_block(v, number, inside + 1, &bytes, &size, err);
	if (error < 0)
		return error;
	*ret = bytes + inside;
	return (ssize_t)(size - inside);
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

static int open_blocks(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	int error = vmlinux_find_data(v, &v->data_offset, &v->data_size, err);

	if (error < 0)
		return error;
	return v->arriving ? xz_blocks_new_followed(&v->source, v->data_offset, v->data_size,
						    v->what, &v->blocks, err)
			   : xz_blocks_new(&v->source, v->data_offset, v->data_size, v->what,
					   &v->blocks, err);
}

static int check_ratio(const struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	if (xz_blocks_size(v->blocks) <= PAYLOAD_MAXIMUM(v->source.size))
		return 0;
	return btfpack_error_set(err, -EFBIG,
				 "%s: decompresses to more than the limit of %llu bytes", v->what,
				 (unsigned long long)PAYLOAD_MAXIMUM(v->source.size));
}

int vmlinux_reopen_blocks(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	struct xz_blocks *all;
	int error = xz_blocks_new(&v->source, v->data_offset, v->data_size, v->what, &all, err);

	if (error < 0)
		return error;
	forget_blocks(v);
	v->blocks = all;
	v->all_blocks = true;
	return check_ratio(v, err);
}

static int find_vmlinux(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	int error = open_blocks(v, err);

	if (!error)
		error = check_ratio(v, err);
	if (!error)
		error = vmlinux_find_member(v, err);
	return error < 0 ? error : check_head(v, err);
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
		.begin = opts ? opts->begin : NULL,
		.end = opts ? opts->end : NULL,
		.turn_arg = opts ? opts->turn_arg : NULL,
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

/* Whether blocks are worth waiting for until all are there, by those known. */
static bool has_blocks(const struct btfpack_vmlinux *v)
{
	return v->blocks && xz_blocks_count(v->blocks) > 1;
}

static int open_source(const struct byte_source *source, void (*free_arg)(void *arg), bool arriving,
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
	v->arriving = arriving;
	v->whole_blocks = !arriving;
	error = init(v, "", uname, opts, err);
	if (!error)
		error = find_vmlinux(v, err);
	if (error == -EOPNOTSUPP && arriving && !has_blocks(v)) {
		forget_blocks(v);
		v->x.source = &v->source;
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
	return open_source(source, free_arg, false, uname, opts, ret, err);
}

int vmlinux_open_arriving(const struct byte_source *source, void (*free_arg)(void *arg),
			  const char *uname, const struct btfpack_vmlinux_opts *opts,
			  struct btfpack_vmlinux **ret, struct btfpack_error *err)
{
	return open_source(source, free_arg, true, uname, opts, ret, err);
}

int vmlinux_check_blocks(struct btfpack_vmlinux *v, struct btfpack_error *err)
{
	return v->blocks ? xz_blocks_check(v->blocks, err) : 0;
}

void btfpack_vmlinux_close(struct btfpack_vmlinux *v)
{
	if (!v)
		return;
	package_close(v->package);
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

int btfpack_vmlinux_find(struct btfpack_vmlinux *v, uint64_t *size_ret, struct btfpack_error *err)
{
	int error = v->blocks || v->package ? 0 : package_open(&v->x, &v->package, &v->size, err);

	if (!error)
		*size_ret = v->size;
	return error;
}

int btfpack_vmlinux_read(void *vmlinux, uint64_t offset, void *ret, size_t size,
			 struct btfpack_error *err)
{
	struct btfpack_vmlinux *v = vmlinux;

	if (!v->blocks || offset > v->size || size > v->size - offset)
		return btfpack_error_set(err, -EINVAL, "%s: no bytes to read there", v->what);
	while (size) {
		const uint8_t *bytes;
		ssize_t got = vmlinux_lend(v, v->start + offset, &bytes, err);
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
