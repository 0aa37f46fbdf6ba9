/* SPDX-License-Identifier: BSD-2-Clause */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive-index/codec.h"
#include "archive-index/objects.h"
#include "btfpack/archive.h"
#include "core/fs.h"

#define PACK_FORMAT 1
#define ALIGNMENT   8
/* zstd's bound for the largest BTF, and then some: no codec of ours is worse. */
#define PAYLOAD_MAXIMUM (BTFPACK_ARCHIVE_BTF_MAX + BTFPACK_ARCHIVE_BTF_MAX / 128)

static const uint8_t pack_magic[8] = "BTFPACK\n";
static const uint8_t record_magic[4] = "BTFr";

struct objects {
	int dirfd; /* borrowed */
	char *dir;
	int fd; /* the pack last used, or -1 */
	int64_t pack;
	bool writable; /* how @fd was opened */
};

/* --- a record's header ------------------------------------------------------------------------- */

static void put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
	value = htole64(value);
	memcpy(at, &value, sizeof(value));
}

static uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return le32toh(value);
}

static uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return le64toh(value);
}

bool record_has_base(const struct record *r)
{
	static const struct btfpack_id none;

	return memcmp(&r->base, &none, sizeof(none)) != 0;
}

uint64_t record_size(const struct record *r)
{
	return (RECORD_HEADER_SIZE + r->payload_size + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
}

void record_format(const struct record *r, uint8_t ret[RECORD_HEADER_SIZE])
{
	memcpy(ret, record_magic, sizeof(record_magic));
	put32(ret + 4, r->codec);
	put64(ret + 8, r->payload_size);
	put64(ret + 16, r->raw_size);
	memcpy(ret + 24, r->id.bytes, 32);
	memcpy(ret + 56, r->base.bytes, 32);
	put64(ret + 88, r->payload_sum);
	put64(ret + 96, XXH64(ret, 96, 0));
}

int record_parse(const uint8_t bytes[RECORD_HEADER_SIZE], struct record *ret)
{
	struct record r = {
		.codec = get32(bytes + 4),
		.payload_size = get64(bytes + 8),
		.raw_size = get64(bytes + 16),
		.payload_sum = get64(bytes + 88),
	};

	memcpy(r.id.bytes, bytes + 24, 32);
	memcpy(r.base.bytes, bytes + 56, 32);
	if (memcmp(bytes, record_magic, sizeof(record_magic)) ||
	    get64(bytes + 96) != XXH64(bytes, 96, 0))
		return -EBADMSG;
	if (r.raw_size > BTFPACK_ARCHIVE_BTF_MAX || r.payload_size > PAYLOAD_MAXIMUM)
		return -EBADMSG;
	*ret = r;
	return 0;
}

static bool is_same_record(const struct record *a, const struct record *b)
{
	return a->codec == b->codec && a->payload_size == b->payload_size &&
	       a->raw_size == b->raw_size && !memcmp(&a->id, &b->id, sizeof(a->id)) &&
	       !memcmp(&a->base, &b->base, sizeof(a->base));
}

/* --- files ------------------------------------------------------------------------------------- */

int objects_open(int dirfd, const char *dir, struct objects **ret, struct btfpack_error *err)
{
	struct objects *o = calloc(1, sizeof(*o));

	if (o)
		o->dir = strdup(dir);
	if (!o || !o->dir) {
		free(o);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	}
	o->dirfd = dirfd;
	o->fd = -1;
	*ret = o; /* the caller's */
	return 0;
}

void objects_refresh(struct objects *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

void objects_close(struct objects *o)
{
	if (!o)
		return;
	objects_refresh(o);
	free(o->dir);
	free(o);
}

#define PACK_NAME_SIZE 40
static void format_name(int64_t pack, char ret[PACK_NAME_SIZE])
{
	snprintf(ret, PACK_NAME_SIZE, "packs/%08" PRId64 ".pack", pack);
}

static int fail(const struct objects *o, int64_t pack, int code, const char *doing,
		struct btfpack_error *err)
{
	char name[PACK_NAME_SIZE];

	format_name(pack, name);
	return btfpack_error_set(err, code, "%s/%s: cannot %s: %s", o->dir, name, doing,
				 strerror(-code));
}

static int use_pack(struct objects *o, int64_t pack, bool writable, bool create,
		    struct btfpack_error *err)
{
	char name[PACK_NAME_SIZE];

	if (o->fd >= 0 && o->pack == pack && (o->writable || !writable) && !create)
		return 0;
	objects_refresh(o);
	format_name(pack, name);
	o->fd = openat(o->dirfd, name,
		       (writable ? O_RDWR : O_RDONLY) | (create ? O_CREAT : 0) | O_CLOEXEC |
			       O_NOFOLLOW,
		       0666);
	if (o->fd < 0)
		return fail(o, pack, -errno, "open", err);
	o->pack = pack;
	o->writable = writable;
	return 0;
}

static int read_at(int fd, void *data, size_t size, uint64_t offset)
{
	uint8_t *at = data;

	while (size) {
		ssize_t got = pread(fd, at, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EBADMSG;
		at += got;
		offset += got;
		size -= got;
	}
	return 0;
}

static int write_at(int fd, const void *data, size_t size, uint64_t offset)
{
	const uint8_t *at = data;

	while (size) {
		ssize_t put = pwrite(fd, at, size, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		at += put;
		offset += put;
		size -= put;
	}
	return 0;
}

/* --- writing ----------------------------------------------------------------------------------- */

/* A new file's name must be on the disk before the index speaks of it. */
static int sync_directory(struct objects *o)
{
	AUTO_FD int fd = openat(o->dirfd, "packs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Bring the file to @size bytes: begin it, or cut off a torn tail. */
static int prepare(struct objects *o, int64_t pack, uint64_t size, struct btfpack_error *err)
{
	uint8_t header[PACK_HEADER_SIZE];
	struct stat st;
	int error;

	if (fstat(o->fd, &st) < 0)
		return fail(o, pack, -errno, "stat", err);
	if ((uint64_t)st.st_size < size)
		return btfpack_error_set(err, -EBADMSG,
					 "%s/packs/%08" PRId64 ".pack: %lld bytes, expected %" PRIu64
					 ": its end is lost",
					 o->dir, pack, (long long)st.st_size, size);
	if ((uint64_t)st.st_size > size && ftruncate(o->fd, (off_t)size) < 0)
		return fail(o, pack, -errno, "truncate", err);
	if (size)
		return 0;
	memcpy(header, pack_magic, sizeof(pack_magic));
	put32(header + 8, PACK_FORMAT);
	put32(header + 12, (uint32_t)pack);
	error = write_at(o->fd, header, sizeof(header), 0);
	if (!error)
		error = sync_directory(o);
	return error ? fail(o, pack, error, "write", err) : 0;
}

static int write_record(int fd, const struct record *r, const void *payload, uint64_t offset)
{
	static const uint8_t padding[ALIGNMENT];
	uint8_t header[RECORD_HEADER_SIZE];
	uint64_t end = offset + RECORD_HEADER_SIZE + r->payload_size;
	int error;

	record_format(r, header);
	error = write_at(fd, header, sizeof(header), offset);
	if (!error)
		error = write_at(fd, payload, r->payload_size, offset + sizeof(header));
	if (!error)
		error = write_at(fd, padding, offset + record_size(r) - end, end);
	return error;
}

int objects_append(struct objects *o, const struct record *r, const void *payload,
		   struct place *place, struct btfpack_error *err)
{
	struct record record = *r;
	uint64_t offset = place->offset;
	int error = use_pack(o, place->pack, true, !offset, err);

	if (!error)
		error = prepare(o, place->pack, offset, err);
	if (error)
		return error;
	if (!offset)
		offset = PACK_HEADER_SIZE;
	record.payload_sum = XXH64(payload, r->payload_size, 0);
	error = write_record(o->fd, &record, payload, offset);
	if (error) {
		fail(o, place->pack, error, "write", err);
		objects_truncate(o, place->pack, place->offset);
		return error;
	}
	place->offset = offset;
	place->size = record_size(r);
	return 0;
}

int objects_sync(struct objects *o, int64_t pack, struct btfpack_error *err)
{
	int error = use_pack(o, pack, true, false, err);

	if (!error && fdatasync(o->fd) < 0)
		error = fail(o, pack, -errno, "sync", err);
	return error;
}

void objects_truncate(struct objects *o, int64_t pack, uint64_t size)
{
	if (use_pack(o, pack, true, false, NULL))
		return;
	if (size == 0)
		objects_remove(o, pack, NULL);
	else if (ftruncate(o->fd, (off_t)size) < 0)
		return; /* the next append cuts */
}

int objects_remove(struct objects *o, int64_t pack, struct btfpack_error *err)
{
	char name[PACK_NAME_SIZE];

	if (o->pack == pack)
		objects_refresh(o);
	format_name(pack, name);
	if (unlinkat(o->dirfd, name, 0) < 0 && errno != ENOENT)
		return fail(o, pack, -errno, "remove", err);
	return 0;
}

/* --- reading ----------------------------------------------------------------------------------- */

static int damaged(const struct objects *o, const struct place *place, const char *what,
		   struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBADMSG,
				 "%s/packs/%08" PRId64 ".pack: the record at offset %" PRIu64 " %s",
				 o->dir, place->pack, place->offset, what);
}

static int read_record(struct objects *o, const struct place *place,
		       const struct record *expected, struct btfpack_blob *payload,
		       struct btfpack_error *err)
{
	uint8_t header[RECORD_HEADER_SIZE];
	struct record r;
	int error = read_at(o->fd, header, sizeof(header), place->offset);

	if (!error)
		error = record_parse(header, &r);
	if (error == -EBADMSG)
		return damaged(o, place, "has a damaged header", err);
	if (!error && !is_same_record(&r, expected))
		return damaged(o, place, "is not the one that the index expects", err);
	if (!error)
		error = read_at(o->fd, payload->data, r.payload_size,
				place->offset + RECORD_HEADER_SIZE);
	if (error == -EBADMSG)
		return damaged(o, place, "is cut short", err);
	if (error)
		return fail(o, place->pack, error, "read", err);
	if (XXH64(payload->data, r.payload_size, 0) != r.payload_sum)
		return damaged(o, place, "has a damaged payload", err);
	return 0;
}

int objects_read(struct objects *o, const struct place *place, const struct record *expected,
		 struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob payload = { .size = expected->payload_size };
	int error;

	if (expected->payload_size > PAYLOAD_MAXIMUM)
		return damaged(o, place, "is larger than can be", err);
	error = use_pack(o, place->pack, false, false, err);
	if (error)
		return error;
	payload.data = malloc(payload.size ? payload.size : 1);
	if (!payload.data)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", o->dir);
	error = read_record(o, place, expected, &payload, err);
	if (error)
		return error;
	*ret = (struct btfpack_blob){ steal_ptr(payload.data), payload.size }; /* the caller's */
	return 0;
}

/* --- walking a pack ---------------------------------------------------------------------------- */

struct walk {
	int fd;
	const char *name;
	int64_t pack;
	uint64_t size;
	record_fn fn;
	damage_fn damage;
	void *arg;
	struct btfpack_error *err;
};

__attribute__((format(printf, 3, 4))) static void say_damage(const struct walk *w, uint64_t offset,
							     const char *format, ...)
{
	char what[160], sentence[512];
	va_list args;

	if (!w->damage)
		return;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(sentence, sizeof(sentence), "%s: at offset %" PRIu64 ": %s", w->name, offset, what);
	w->damage(sentence, w->arg);
}

static int fail_read(const struct walk *w, int code)
{
	return btfpack_error_set(w->err, code, "%s: cannot read: %s", w->name, strerror(-code));
}

static int walk_header(struct walk *w)
{
	uint8_t header[PACK_HEADER_SIZE];
	int error;

	if (w->size < sizeof(header)) {
		say_damage(w, 0, "%" PRIu64 " bytes, too few for a pack", w->size);
		return 0;
	}
	error = read_at(w->fd, header, sizeof(header), 0);
	if (error && error != -EBADMSG)
		return fail_read(w, error);
	if (error || memcmp(header, pack_magic, sizeof(pack_magic)) ||
	    get32(header + 8) != PACK_FORMAT || get32(header + 12) != (uint32_t)w->pack)
		say_damage(w, 0, "not the header of pack %" PRId64 " of format %d", w->pack,
			   PACK_FORMAT);
	return 0;
}

/* The next place at or after @offset where a record header holds, or the end.
 * Records start at multiples of 8. */
static int find_record(const struct walk *w, uint64_t offset, uint64_t *ret)
{
	uint8_t chunk[65536 + RECORD_HEADER_SIZE];
	struct record r;

	for (; offset + RECORD_HEADER_SIZE <= w->size; offset += 65536) {
		uint64_t left = w->size - offset;
		size_t size = left < sizeof(chunk) ? left : sizeof(chunk);
		int error = read_at(w->fd, chunk, size, offset);

		if (error == -EBADMSG)
			break;
		if (error)
			return fail_read(w, error);
		for (size_t i = 0; i < 65536 && i + RECORD_HEADER_SIZE <= size; i += ALIGNMENT) {
			if (!memcmp(chunk + i, record_magic, sizeof(record_magic)) &&
			    !record_parse(chunk + i, &r)) {
				*ret = offset + i;
				return 0;
			}
		}
	}
	*ret = w->size;
	return 0;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	while (size && !*bytes)
		bytes++, size--;
	return !size;
}

/* The payload and its padding, checked; gives NULL when damaged. */
static int walk_payload(struct walk *w, const struct record *r, uint64_t offset, uint8_t **ret)
{
	size_t size = record_size(r) - RECORD_HEADER_SIZE;
	AUTO_FREE uint8_t *payload = malloc(size ? size : 1);
	int error;

	if (!payload)
		return btfpack_error_set(w->err, -ENOMEM, "%s: out of memory", w->name);
	error = read_at(w->fd, payload, size, offset + RECORD_HEADER_SIZE);
	*ret = NULL;
	if (error == -EBADMSG)
		say_damage(w, offset, "a record that goes beyond the end of the file");
	else if (error)
		return fail_read(w, error);
	else if (XXH64(payload, r->payload_size, 0) != r->payload_sum ||
		 !is_zero(payload + r->payload_size, size - r->payload_size))
		say_damage(w, offset, "a record whose %" PRIu64 " bytes of payload are damaged",
			   r->payload_size);
	else
		*ret = steal_ptr(payload); /* the caller's */
	return 0;
}

/* One record at *@offset, which moves behind it. 0 or what ended the walk. */
static int walk_record(struct walk *w, uint64_t *offset)
{
	AUTO_FREE uint8_t *payload = NULL;
	uint8_t header[RECORD_HEADER_SIZE];
	uint64_t at = *offset, left = w->size - at;
	struct record r;
	int error = left < sizeof(header) ? -EBADMSG : read_at(w->fd, header, sizeof(header), at);

	if (!error)
		error = record_parse(header, &r);
	if (!error && record_size(&r) > left)
		error = -EBADMSG;
	if (error == -EBADMSG) {
		error = find_record(w, at + ALIGNMENT, offset);
		if (!error)
			say_damage(w, at, "expected a record, found %" PRIu64 " bytes of none",
				   *offset - at);
		return error;
	}
	if (error)
		return fail_read(w, error);
	error = walk_payload(w, &r, at, &payload);
	*offset = at + record_size(&r);
	if (error || !payload)
		return error;
	return w->fn(&r, &(struct place){ w->pack, at, record_size(&r) }, payload, w->arg);
}

int pack_walk(int fd, const char *name, int64_t pack, uint64_t size, record_fn fn,
	      damage_fn damage, void *arg, struct btfpack_error *err)
{
	struct walk w = { fd, name, pack, size, fn, damage, arg, err };
	uint64_t offset = PACK_HEADER_SIZE;
	int error = walk_header(&w);

	while (!error && offset < size)
		error = walk_record(&w, &offset);
	return error;
}

int objects_walk(struct objects *o, int64_t pack, uint64_t size, record_fn fn, damage_fn damage,
		 void *arg, struct btfpack_error *err)
{
	AUTO_FREE char *name = NULL;
	int error = use_pack(o, pack, false, false, err);

	if (error)
		return error;
	if (asprintf(&name, "%s/packs/%08" PRId64 ".pack", o->dir, pack) < 0) {
		name = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", o->dir);
	}
	/* A copy of the descriptor: @fn may read other packs through @o. */
	AUTO_FD int fd = dup(o->fd);

	if (fd < 0)
		return fail(o, pack, -errno, "open", err);
	return pack_walk(fd, name, pack, size, fn, damage, arg, err);
}

/* "00000012.pack" → 12; 0: not a pack's name. */
static int64_t parse_name(const char *name)
{
	char check[PACK_NAME_SIZE];
	char *end;
	long long pack = strtoll(name, &end, 10);

	if (pack <= 0 || strcmp(end, ".pack"))
		return 0;
	format_name(pack, check);
	return strcmp(check + strlen("packs/"), name) ? 0 : pack;
}

int objects_list(struct objects *o, int (*fn)(int64_t pack, void *arg), void *arg,
		 struct btfpack_error *err)
{
	int fd = openat(o->dirfd, "packs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;
	int error = 0;

	if (!dir)
		return btfpack_error_set(err, -errno, "%s/packs: cannot open: %s", o->dir,
					 strerror(errno));
	while (!error && (d = readdir(dir))) {
		int64_t pack = parse_name(d->d_name);

		if (pack)
			error = fn(pack, arg);
	}
	return error;
}
