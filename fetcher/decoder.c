/* SPDX-License-Identifier: BSD-2-Clause */
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <lzma.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "fetcher/decoder.h"

#define OUTPUT_SIZE (2 << 20)
#define FILE_SIZE   (1 << 20)
#define THREADS_MAX 8
/* Beyond the first, decode with fewer threads; beyond the second, not at all. */
#define XZ_SOFT_LIMIT ((uint64_t)512 << 20)
#define XZ_HARD_LIMIT ((uint64_t)1 << 30)

static const uint8_t xz_magic[6] = { 0xfd, '7', 'z', 'X', 'Z', 0 };

struct decoder {
	decoder_source_fn source;
	void *arg;
	uint64_t maximum, given;
	const char *what;
	/* The source's first bytes, looked at for the format, then handed on: what came of them
	 * before the piece that brought enough, and that. */
	uint8_t start[sizeof(xz_magic)];
	const void *first;
	size_t start_size, first_size;
	bool ended;                   /* the source has no more */
	struct btfpack_error failure; /* the source's, while libarchive unwinds */

	lzma_stream xz; /* either this */
	uint8_t *output;
	struct archive *archive; /* or that */
};

static ssize_t pull(struct decoder *d, const void **ret, struct btfpack_error *err)
{
	ssize_t got;

	if (d->start_size) {
		*ret = d->start;
		got = (ssize_t)d->start_size;
		d->start_size = 0;
		return got;
	}
	if (d->first_size) {
		*ret = d->first;
		got = (ssize_t)d->first_size;
		d->first_size = 0;
		return got;
	}
	got = d->ended ? 0 : d->source(d->arg, ret, err);
	d->ended |= got == 0;
	return got;
}

static int damaged(struct decoder *d, struct btfpack_error *err, const char *found)
{
	return btfpack_error_set(err, -EBADMSG, "%s: cannot be decompressed: %s", d->what, found);
}

/* --- xz -------------------------------------------------------------------------------------- */

static const struct {
	lzma_ret code;
	const char *meaning;
} xz_meanings[] = {
	{ LZMA_BUF_ERROR, "the data ends too early" },
	{ LZMA_DATA_ERROR, "the xz data is corrupt" },
	{ LZMA_FORMAT_ERROR, "expected more xz data, found something else" },
	{ LZMA_OPTIONS_ERROR, "it uses xz options that are not supported" },
	{ LZMA_MEMLIMIT_ERROR, "it takes more than 1 GiB of memory" },
};

static int xz_failed(struct decoder *d, lzma_ret code, struct btfpack_error *err)
{
	if (code == LZMA_MEM_ERROR)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", d->what);
	for (size_t i = 0; i < ARRAY_SIZE(xz_meanings); i++)
		if (xz_meanings[i].code == code)
			return damaged(d, err, xz_meanings[i].meaning);
	return damaged(d, err, "the xz decoder failed");
}

static unsigned int count_threads(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online < 1 ? 1 : online < THREADS_MAX ? (unsigned int)online : THREADS_MAX;
}

static int open_xz(struct decoder *d, struct btfpack_error *err)
{
	lzma_mt options = {
		.flags = LZMA_CONCATENATED,
		.threads = count_threads(),
		.memlimit_threading = XZ_SOFT_LIMIT,
		.memlimit_stop = XZ_HARD_LIMIT,
	};
	lzma_ret code = lzma_stream_decoder_mt(&d->xz, &options);

	return code == LZMA_OK ? 0 : xz_failed(d, code, err);
}

static ssize_t read_xz(struct decoder *d, const void **ret, struct btfpack_error *err)
{
	lzma_ret code = LZMA_OK;

	d->xz.next_out = d->output;
	d->xz.avail_out = OUTPUT_SIZE;
	while (code == LZMA_OK && d->xz.avail_out == OUTPUT_SIZE) {
		if (!d->xz.avail_in && !d->ended) {
			const void *bytes;
			ssize_t got = pull(d, &bytes, err);

			if (got < 0)
				return got;
			d->xz.next_in = bytes;
			d->xz.avail_in = (size_t)got;
		}
		code = lzma_code(&d->xz, d->ended ? LZMA_FINISH : LZMA_RUN);
	}
	if (code != LZMA_OK && code != LZMA_STREAM_END)
		return xz_failed(d, code, err);
	*ret = d->output;
	return (ssize_t)(OUTPUT_SIZE - d->xz.avail_out);
}

/* --- the others, by libarchive's filters ------------------------------------------------------- */

static ssize_t feed_archive(struct archive *a, void *arg, const void **ret)
{
	struct decoder *d = arg;
	ssize_t got = pull(d, ret, &d->failure);

	if (got < 0)
		archive_set_error(a, EIO, "%s", d->failure.message);
	return got < 0 ? ARCHIVE_FATAL : got;
}

static int archive_failed(struct decoder *d, struct btfpack_error *err)
{
	const char *reason = archive_error_string(d->archive);

	if (d->failure.code)
		return btfpack_error_set(err, d->failure.code, "%s", d->failure.message);
	return damaged(d, err, reason ? reason : "the decoder failed");
}

/* ARCHIVE_WARN would mean: by running a program. */
static bool has_filters(struct archive *a)
{
	return archive_read_support_filter_gzip(a) == ARCHIVE_OK &&
	       archive_read_support_filter_zstd(a) == ARCHIVE_OK &&
	       archive_read_support_filter_bzip2(a) == ARCHIVE_OK &&
	       archive_read_support_format_raw(a) == ARCHIVE_OK &&
	       archive_read_support_format_empty(a) == ARCHIVE_OK;
}

static int open_archive(struct decoder *d, struct btfpack_error *err)
{
	struct archive_entry *entry;
	int code;

	d->archive = archive_read_new();
	if (!d->archive)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", d->what);
	if (!has_filters(d->archive))
		return btfpack_error_set(err, -ENOSYS,
					 "%s: libarchive here lacks gzip, zstd or bzip2", d->what);
	if (archive_read_open(d->archive, d, NULL, feed_archive, NULL) != ARCHIVE_OK)
		return archive_failed(d, err);
	code = archive_read_next_header(d->archive, &entry);
	if (code == ARCHIVE_EOF) { /* no bytes at all */
		archive_read_free(d->archive);
		d->archive = NULL;
		return 0;
	}
	return code == ARCHIVE_OK ? 0 : archive_failed(d, err);
}

static ssize_t read_archive(struct decoder *d, const void **ret, struct btfpack_error *err)
{
	la_int64_t offset;
	size_t size = 0;
	int code;

	do
		code = d->archive ? archive_read_data_block(d->archive, ret, &size, &offset)
				  : ARCHIVE_EOF;
	while (code == ARCHIVE_OK && !size);
	if (code == ARCHIVE_EOF)
		return 0;
	return code == ARCHIVE_OK ? (ssize_t)size : archive_failed(d, err);
}

/* --- both -------------------------------------------------------------------------------------- */

static bool is_xz(const struct decoder *d)
{
	size_t rest = sizeof(xz_magic) - d->start_size;

	return d->first_size >= rest && !memcmp(d->start, xz_magic, d->start_size) &&
	       !memcmp(d->first, xz_magic + d->start_size, rest);
}

/* A source that is read in pieces may end one within the magic. */
static int look(struct decoder *d, struct btfpack_error *err)
{
	ssize_t got;

	while ((got = d->source(d->arg, &d->first, err)) > 0 &&
	       d->start_size + (size_t)got < sizeof(d->start)) {
		memcpy(d->start + d->start_size, d->first, (size_t)got);
		d->start_size += (size_t)got;
	}
	d->ended = got == 0;
	d->first_size = got > 0 ? (size_t)got : 0;
	return got < 0 ? (int)got : 0;
}

int decoder_new(decoder_source_fn source, void *arg, uint64_t maximum, const char *what,
		struct decoder **ret, struct btfpack_error *err)
{
	struct decoder *d = calloc(1, sizeof(*d));
	int error;

	if (!d)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	*d = (struct decoder){
		.source = source,
		.arg = arg,
		.maximum = maximum,
		.what = what,
		.xz = LZMA_STREAM_INIT,
	};
	error = look(d, err);
	if (!error && is_xz(d)) {
		d->output = malloc(OUTPUT_SIZE);
		error = d->output ? open_xz(d, err)
				  : btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	} else if (!error) {
		error = open_archive(d, err);
	}
	if (error < 0) {
		decoder_free(d);
		return error;
	}
	*ret = d;
	return 0;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	lzma_end(&d->xz);
	archive_read_free(d->archive);
	free(d->output);
	free(d);
}

ssize_t decoder_read(struct decoder *d, const void **ret, struct btfpack_error *err)
{
	ssize_t got = d->output ? read_xz(d, ret, err) : read_archive(d, ret, err);

	if (got > 0 && (uint64_t)got > d->maximum - d->given)
		return btfpack_error_set(err, -EFBIG,
					 "%s: decompresses to more than the limit of %llu bytes",
					 d->what, (unsigned long long)d->maximum);
	if (got > 0)
		d->given += (uint64_t)got;
	return got;
}

int decoder_file_init(struct decoder_file *file, const char *path, struct btfpack_error *err)
{
	file->path = path;
	file->bytes = malloc(FILE_SIZE);
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->bytes && file->fd >= 0)
		return 0;
	return btfpack_error_set(err, file->bytes ? -errno : -ENOMEM, "%s: cannot open: %s", path,
				 strerror(file->bytes ? errno : ENOMEM));
}

void decoder_file_deinit(struct decoder_file *file)
{
	cleanup_fd(&file->fd);
	free(file->bytes);
}

ssize_t decoder_file_read(void *arg, const void **ret, struct btfpack_error *err)
{
	struct decoder_file *file = arg;
	ssize_t got;

	do
		got = read(file->fd, file->bytes, FILE_SIZE);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return btfpack_error_set(err, -errno, "%s: cannot read: %s", file->path,
					 strerror(errno));
	*ret = file->bytes;
	return got;
}
