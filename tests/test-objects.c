/* SPDX-License-Identifier: BSD-2-Clause */
/* Pack files: what is appended comes back, what is damaged is said. */
#include <fcntl.h>
#include <sys/stat.h>

#include "archive-index/objects.h"
#include "core/digest.h"
#include "core/fs.h"
#include "tests/scratch.h"
#include "tests/test.h"

struct fixture {
	int dirfd;
	char dir[512];
	struct objects *objects;
};

static struct fixture open_fixture(const char *name)
{
	struct fixture f = { .dirfd = -1 };
	char packs[600];

	snprintf(f.dir, sizeof(f.dir), "%s", scratch(name));
	snprintf(packs, sizeof(packs), "%s/packs", f.dir);
	fs_make_dirs(packs, NULL);
	f.dirfd = open(f.dir, O_RDONLY | O_DIRECTORY);
	objects_open(f.dirfd, f.dir, &f.objects, NULL);
	return f;
}

static void close_fixture(struct fixture *f)
{
	objects_close(f->objects);
	close(f->dirfd);
}
#define AUTO_FIXTURE CLEANUP(close_fixture)

static struct record make_record(const char *payload)
{
	struct record r = { .codec = 1, .payload_size = strlen(payload), .raw_size = 1000 };

	digest_bytes(payload, strlen(payload), &r.id);
	return r;
}

/* Append @payload behind *@end of pack 1. */
static struct place append(struct fixture *f, const char *payload, uint64_t *end)
{
	struct record r = make_record(payload);
	struct place place = { .pack = 1, .offset = *end };
	struct btfpack_error err = { 0 };

	CHECK_INT(objects_append(f->objects, &r, payload, &place, &err), 0);
	*end = place.offset + place.size;
	return place;
}

static void gives_back(void)
{
	AUTO_FIXTURE struct fixture f = open_fixture("gives-back");
	static const char *const payloads[] = { "one", "", "the third, a longer payload", "12345678" };
	struct place places[4];
	struct btfpack_error err = { 0 };
	uint64_t end = 0;

	for (size_t i = 0; i < 4; i++)
		places[i] = append(&f, payloads[i], &end);
	CHECK_INT(objects_sync(f.objects, 1, &err), 0);
	CHECK_INT(places[0].offset, PACK_HEADER_SIZE);
	for (size_t i = 0; i < 4; i++) {
		struct record r = make_record(payloads[i]);
		AUTO_BLOB struct btfpack_blob blob = { 0 };

		CHECK_INT(places[i].offset % 8, 0);
		CHECK_INT(objects_read(f.objects, &places[i], &r, &blob, &err), 0);
		CHECK_INT(blob.size, strlen(payloads[i]));
		CHECK(blob.data && !memcmp(blob.data, payloads[i], blob.size));
	}
}

static void header_round_trip(void)
{
	struct record r = make_record("payload"), got;
	uint8_t bytes[RECORD_HEADER_SIZE];

	memset(r.base.bytes, 7, sizeof(r.base.bytes));
	r.payload_sum = 0x1122334455667788;
	record_format(&r, bytes);
	REQUIRE(record_parse(bytes, &got) == 0);
	CHECK(!memcmp(&r, &got, sizeof(r)));
	CHECK(record_has_base(&got));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		bytes[i] ^= 0x10;
		CHECK(record_parse(bytes, &got) < 0);
		bytes[i] ^= 0x10;
	}
}

static void refuses_sizes_beyond_limits(void)
{
	struct record r = make_record("payload"), got;
	uint8_t bytes[RECORD_HEADER_SIZE];

	r.raw_size = UINT64_MAX;
	record_format(&r, bytes);
	CHECK(record_parse(bytes, &got) < 0);
	r.raw_size = 10;
	r.payload_size = UINT64_MAX - 50; /* would wrap when padded */
	record_format(&r, bytes);
	CHECK(record_parse(bytes, &got) < 0);
}

static void cuts_a_torn_tail(void)
{
	AUTO_FIXTURE struct fixture f = open_fixture("torn");
	char path[600];
	uint64_t end = 0;
	struct stat st;

	append(&f, "kept", &end);
	snprintf(path, sizeof(path), "%s/packs/00000001.pack", f.dir);
	int fd = open(path, O_WRONLY | O_APPEND);

	CHECK(write(fd, "BTFr and then the power went", 28) == 28);
	close(fd);
	append(&f, "next", &end);
	CHECK(stat(path, &st) == 0);
	CHECK_INT(st.st_size, end);
}

static void says_a_lost_end(void)
{
	AUTO_FIXTURE struct fixture f = open_fixture("lost-end");
	struct record r = make_record("next");
	struct place place = { .pack = 1 };
	struct btfpack_error err = { 0 };
	char path[600];
	uint64_t end = 0;

	append(&f, "kept", &end);
	snprintf(path, sizeof(path), "%s/packs/00000001.pack", f.dir);
	CHECK(truncate(path, end - 8) == 0);
	place.offset = end;
	CHECK_INT(objects_append(f.objects, &r, "next", &place, &err), -EBADMSG);
	CHECK_CONTAINS(err.message, "its end is lost");
	place.offset = 0;
	place.pack = 2;
	CHECK_INT(objects_read(f.objects, &place, &r, &(struct btfpack_blob){ 0 }, &err), -ENOENT);
}

struct seen {
	int records, damages;
	char last[600];
};

static int see_record(const struct record *r, const struct place *place, const void *payload,
		      void *arg)
{
	(void)r, (void)place, (void)payload;
	((struct seen *)arg)->records++;
	return 0;
}

static void see_damage(const char *sentence, void *arg)
{
	struct seen *seen = arg;

	seen->damages++;
	snprintf(seen->last, sizeof(seen->last), "%s", sentence);
}

static struct seen walk(struct fixture *f, uint64_t size)
{
	struct seen seen = { 0 };

	CHECK_INT(objects_walk(f->objects, 1, size, see_record, see_damage, &seen, NULL), 0);
	return seen;
}

static void every_flipped_byte_is_said(void)
{
	AUTO_FIXTURE struct fixture f = open_fixture("flipped");
	char path[600];
	uint64_t end = 0;

	append(&f, "first", &end);
	append(&f, "the second, of another length", &end);
	append(&f, "third", &end);
	CHECK_INT(walk(&f, end).records, 3);
	CHECK_INT(walk(&f, end).damages, 0);
	snprintf(path, sizeof(path), "%s/packs/00000001.pack", f.dir);
	int fd = open(path, O_RDWR);

	for (uint64_t at = 0; at < end; at++) {
		struct seen seen;
		uint8_t byte;

		CHECK(pread(fd, &byte, 1, at) == 1);
		byte ^= 1 << at % 8;
		CHECK(pwrite(fd, &byte, 1, at) == 1);
		seen = walk(&f, end);
		CHECK_INT(seen.damages, 1);
		/* The others are found: the walk goes on behind the damage. */
		CHECK_INT(seen.records, at < PACK_HEADER_SIZE ? 3 : 2);
		byte ^= 1 << at % 8;
		CHECK(pwrite(fd, &byte, 1, at) == 1);
	}
	close(fd);
}

static void every_truncation_is_said(void)
{
	AUTO_FIXTURE struct fixture f = open_fixture("truncated");
	char path[600];
	uint64_t end = 0, first;

	append(&f, "first", &end);
	first = end;
	append(&f, "second", &end);
	snprintf(path, sizeof(path), "%s/packs/00000001.pack", f.dir);
	for (uint64_t size = end; size-- > first;) {
		struct seen seen;

		CHECK(truncate(path, size) == 0);
		seen = walk(&f, end);
		CHECK_INT(seen.records, 1);
		CHECK_INT(seen.damages, 1);
		CHECK_CONTAINS(seen.last, "at offset");
	}
}

TEST_MAIN({ "gives back what was appended", gives_back },
	  { "a record header, and any byte of it flipped", header_round_trip },
	  { "refuses sizes beyond the limits", refuses_sizes_beyond_limits },
	  { "cuts a torn tail before it appends", cuts_a_torn_tail },
	  { "says when committed bytes are gone", says_a_lost_end },
	  { "every flipped byte is said", every_flipped_byte_is_said },
	  { "every truncation is said", every_truncation_is_said })
