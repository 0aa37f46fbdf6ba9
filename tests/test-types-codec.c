/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The codec that tells a BTF by another: whatever the two, the bytes that come out
 * are those that went in. BTFPACK_TEST_BTFS=DIR tells every file of DIR by the one
 * before it, and alone.
 */
#include <dirent.h>

#include "archive-index/types-codec.h"
#include "archive-index/types-model.h"
#include "core/fs.h"
#include "tests/scratch.h"
#include "tests/test.h"

/* The same by the format for what adds much to its base. */
static void round_trip_based(const struct btfpack_blob *btf, const struct btfpack_blob *base)
{
	const struct btfpack_blob *from = base ? base : &types_empty_base;
	AUTO_BLOB struct btfpack_blob payload = { 0 }, back = { 0 }, copy = { 0 };
	AUTO_TYPES_MODEL struct types_model *model = NULL, *got = NULL;

	CHECK_INT(types_encode_based(btf, base, &payload), 0);
	copy = (struct btfpack_blob){ malloc(from->size), from->size };
	REQUIRE(payload.data && copy.data);
	memcpy(copy.data, from->data, from->size);
	REQUIRE(types_model_of(&copy, &model) == 0);
	REQUIRE(types_decode_model(TYPES_BASED, payload.data, payload.size, model, btf->size,
				   &got) == 0);
	types_model_turn(steal_ptr(got), &back);
	CHECK(back.size == btf->size && !memcmp(back.data, btf->data, btf->size));
}

/* Encode, decode, compare. The size of the payload; -1 when it did not come back. */
static long round_trip(const struct btfpack_blob *btf, const struct btfpack_blob *base)
{
	AUTO_BLOB struct btfpack_blob payload = { 0 }, back = { 0 };
	int error = types_encode(btf, base, &payload);

	CHECK_INT(error, 0);
	if (error)
		return -1;
	error = types_decode(payload.data, payload.size, base, btf->size, &back);
	CHECK_INT(error, 0);
	if (error || back.size != btf->size || memcmp(back.data, btf->data, btf->size)) {
		CHECK(!"the bytes that went in");
		return -1;
	}
	round_trip_based(btf, base);
	return (long)payload.size;
}

/* --- a random BTF that can be grown -------------------------------------------------------------- */

/* Each type comes of a number of its own, so two BTFs made of overlapping numbers
 * share types, in any order. */
static uint32_t random_of(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static uint32_t name_of(struct btf_build *b, const char *prefix, uint32_t number)
{
	char text[32];
	uint32_t offset;

	snprintf(text, sizeof(text), "%s_%u", prefix, number);
	if (btf_build_string(b, text, &offset))
		abort();
	return offset;
}

/* Words of a type's items: names, references to any type, numbers. */
static size_t make_items(struct btf_build *b, unsigned int kind, uint32_t number, uint32_t vlen,
			 uint32_t types, uint32_t edit, uint32_t *words)
{
	uint32_t *at = words, state = number;

	for (uint32_t i = 0; i < vlen; i++) {
		uint32_t member = i >= edit ? i + 1000 : i; /* from here on, others */

		switch (kind) {
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
			*at++ = member % 7 ? name_of(b, "member", member + number % 5) : 0;
			*at++ = random_of(&state) % types;
			*at++ = 32 * i + (edit <= i) * 64;
			break;
		case BTF_KIND_FUNC_PROTO:
			*at++ = name_of(b, "parameter", member);
			*at++ = random_of(&state) % types;
			break;
		case BTF_KIND_ENUM:
			*at++ = name_of(b, "value", member);
			*at++ = i + number;
			break;
		case BTF_KIND_ENUM64:
			*at++ = name_of(b, "big", member);
			*at++ = i;
			*at++ = number;
			break;
		case BTF_KIND_DATASEC:
			*at++ = random_of(&state) % types;
			*at++ = 8 * i;
			*at++ = 8;
			break;
		}
	}
	if (kind == BTF_KIND_ARRAY)
		*at++ = random_of(&state) % types, *at++ = 1, *at++ = number % 100;
	if (kind == BTF_KIND_INT || kind == BTF_KIND_VAR || kind == BTF_KIND_DECL_TAG)
		*at++ = number % 3;
	return at - words;
}

static void make_type(struct btf_build *b, uint32_t number, uint32_t types, uint32_t edit)
{
	static const bool counted[BTF_KIND_ENUM64 + 1] = {
		[BTF_KIND_STRUCT] = true, [BTF_KIND_UNION] = true, [BTF_KIND_ENUM] = true,
		[BTF_KIND_FUNC_PROTO] = true, [BTF_KIND_DATASEC] = true, [BTF_KIND_ENUM64] = true,
	};
	uint32_t state = number * 7919 + 1;
	unsigned int kind = 1 + random_of(&state) % BTF_KIND_ENUM64;
	uint32_t vlen = counted[kind] ? random_of(&state) % 12 + (edit < 12) : 0;
	uint32_t words[64], unused;
	bool nameless = kind == BTF_KIND_PTR || kind == BTF_KIND_ARRAY || kind == BTF_KIND_CONST ||
			kind == BTF_KIND_VOLATILE || kind == BTF_KIND_RESTRICT ||
			kind == BTF_KIND_FUNC_PROTO || number % 5 == 0;
	struct btf_type t = { .info = btf_info(kind, vlen, kind == BTF_KIND_STRUCT && number % 2) };

	t.name_off = nameless ? 0 : name_of(b, "type", number);
	t.size = btf_kind_has_ref(kind) ? random_of(&state) % types : number % 64;
	make_items(b, kind, number, vlen, types, edit, words);
	if (btf_build_type(b, &t, words, &unused))
		abort();
}

/* @numbers: of each type, in order; every type whose number is in @edited's class is
 * another from its third item on. */
static struct btfpack_blob make_btf(const uint32_t *numbers, uint32_t count, uint32_t edited,
				    bool other_order)
{
	AUTO_BTF_BUILD struct btf_build *b = NULL;
	struct btfpack_blob blob = { 0 };

	if (btf_build_new(NULL, &b))
		abort();
	for (uint32_t i = 0; i < count; i++)
		make_type(b, numbers[i], count + 1, edited && numbers[i] % edited == 0 ? 3 : 100);
	if (btf_build_finish(b, other_order, &blob))
		abort();
	return blob;
}

#define TYPES 2000

static void count_up(uint32_t *numbers, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		numbers[i] = i;
}

static void shuffle(uint32_t *numbers, uint32_t count, uint32_t seed)
{
	for (uint32_t i = count - 1; i; i--) {
		uint32_t j = random_of(&seed) % (i + 1), number = numbers[i];

		numbers[i] = numbers[j];
		numbers[j] = number;
	}
}

static void tells_the_same_in_no_room(void)
{
	uint32_t numbers[TYPES];

	count_up(numbers, TYPES);
	AUTO_BLOB struct btfpack_blob a = make_btf(numbers, TYPES, 0, false);

	CHECK(round_trip(&a, &a) < 100);
}

static void tells_alone(void)
{
	uint32_t numbers[TYPES];

	count_up(numbers, TYPES);
	AUTO_BLOB struct btfpack_blob a = make_btf(numbers, TYPES, 0, false);
	AUTO_BLOB struct btfpack_blob none = make_btf(numbers, 0, 0, false);
	AUTO_BLOB struct btfpack_blob one = make_btf(numbers, 1, 0, false);

	CHECK(round_trip(&a, NULL) > 0);
	CHECK(round_trip(&none, NULL) > 0);
	CHECK(round_trip(&one, NULL) > 0);
	CHECK(round_trip(&one, &none) > 0);
	CHECK(round_trip(&none, &a) > 0);
}

static void tells_edits_in_little_room(void)
{
	uint32_t numbers[TYPES];
	long whole, part;

	count_up(numbers, TYPES);
	AUTO_BLOB struct btfpack_blob a = make_btf(numbers, TYPES, 0, false);
	AUTO_BLOB struct btfpack_blob b = make_btf(numbers, TYPES, 97, false);

	whole = round_trip(&b, NULL);
	part = round_trip(&b, &a);
	CHECK(part > 0 && part < whole / 5);
	CHECK(round_trip(&a, &b) > 0);
}

static void tells_any_order(void)
{
	uint32_t numbers[TYPES];

	count_up(numbers, TYPES);
	AUTO_BLOB struct btfpack_blob a = make_btf(numbers, TYPES, 0, false);

	shuffle(numbers, TYPES, 1);
	AUTO_BLOB struct btfpack_blob b = make_btf(numbers, TYPES, 13, false);

	CHECK(round_trip(&b, &a) > 0);
	CHECK(round_trip(&a, &b) > 0);
}

/* As pahole's threads leave it: pieces of some lists, in turns. */
static void deal(uint32_t *numbers, uint32_t count, uint32_t hands, uint32_t seed)
{
	uint32_t next[8], i = 0;

	for (uint32_t h = 0; h < hands; h++)
		next[h] = h * (count / hands);
	while (i < count) {
		uint32_t h = random_of(&seed) % hands, length = 1 + random_of(&seed) % 20;
		uint32_t end = h + 1 == hands ? count : (h + 1) * (count / hands);

		for (; length && next[h] < end; length--)
			numbers[i++] = next[h]++;
	}
}

static void tells_turns_in_little_room(void)
{
	uint32_t numbers[TYPES];
	long dealt, shuffled;

	deal(numbers, TYPES, 4, 1);
	AUTO_BLOB struct btfpack_blob a = make_btf(numbers, TYPES, 0, false);

	deal(numbers, TYPES, 4, 2);
	AUTO_BLOB struct btfpack_blob b = make_btf(numbers, TYPES, 0, false);

	shuffle(numbers, TYPES, 1);
	AUTO_BLOB struct btfpack_blob c = make_btf(numbers, TYPES, 0, false);

	/* Types refer by number here, so what moves is also edited: compare, no more. */
	dealt = round_trip(&b, &a);
	shuffled = round_trip(&c, &a);
	CHECK(dealt > 0 && dealt < shuffled);
	CHECK(round_trip(&a, &b) > 0);
}

static void tells_either_byte_order(void)
{
	uint32_t numbers[TYPES];

	count_up(numbers, TYPES);
	AUTO_BLOB struct btfpack_blob little = make_btf(numbers, TYPES, 0, false);
	AUTO_BLOB struct btfpack_blob big = make_btf(numbers, TYPES, 0, true);

	CHECK(round_trip(&big, NULL) > 0);
	CHECK(round_trip(&big, &little) < 200);
	CHECK(round_trip(&little, &big) < 200);
}

static void tells_random_pairs(void)
{
	for (uint32_t seed = 1; seed <= 60; seed++) {
		uint32_t a_numbers[300], b_numbers[300], state = seed;

		for (uint32_t i = 0; i < 300; i++) {
			a_numbers[i] = random_of(&state) % 400; /* some of them twice */
			b_numbers[i] = random_of(&state) % 400;
		}
		AUTO_BLOB struct btfpack_blob a =
			make_btf(a_numbers, 300, seed % 4 ? 0 : seed % 11 + 2, seed & 1);
		AUTO_BLOB struct btfpack_blob b = make_btf(b_numbers, 300, seed % 9 + 2, seed & 2);

		CHECK(round_trip(&a, &b) > 0);
		CHECK(round_trip(&b, &a) > 0);
		CHECK(round_trip(&a, NULL) > 0);
	}
}

/* A payload of the codec's first format, which is still read: of 300 shuffled types,
 * edited, onto the same in order. */
static void reads_its_first_format(void)
{
	AUTO_TYPES_MODEL struct types_model *base_model = NULL, *model = NULL;
	AUTO_BLOB struct btfpack_blob payload = { 0 }, back = { 0 };
	struct btfpack_blob base;
	uint32_t numbers[300];

	count_up(numbers, 300);
	base = make_btf(numbers, 300, 0, false);
	shuffle(numbers, 300, 1);
	AUTO_BLOB struct btfpack_blob btf = make_btf(numbers, 300, 13, false);

	REQUIRE(fs_read("tests/data/store/types-runs.payload", 1 << 20, &payload, NULL) == 0);
	REQUIRE(types_model_of(&base, &base_model) == 0);
	REQUIRE(types_decode_model(TYPES_RUNS, payload.data, payload.size, base_model, btf.size,
				   &model) == 0);
	types_model_turn(steal_ptr(model), &back);
	REQUIRE(back.size == btf.size);
	CHECK(!memcmp(back.data, btf.data, btf.size));
	/* And one is not taken for the other. */
	CHECK_INT(types_decode_model(TYPES_MARKS, payload.data, payload.size, base_model, btf.size,
				     &model),
		  -EBADMSG);
}

static void leaves_what_it_cannot_tell(void)
{
	uint32_t numbers[20];
	AUTO_BLOB struct btfpack_blob payload = { 0 };

	count_up(numbers, 20);
	AUTO_BLOB struct btfpack_blob a = make_btf(numbers, 20, 0, false);
	AUTO_BLOB struct btfpack_blob tail = { malloc(a.size + 8), a.size + 8 };
	AUTO_BLOB struct btfpack_blob middle = { malloc(a.size), a.size };
	struct btf_header *header = middle.data;

	memset(tail.data, 0, tail.size);
	memcpy(tail.data, a.data, a.size);
	CHECK_INT(types_encode(&tail, NULL, &payload), -EOPNOTSUPP);
	CHECK_INT(types_encode(&a, &tail, &payload), -EOPNOTSUPP);
	/* A name in the middle of a string. */
	memcpy(middle.data, a.data, a.size);
	*(uint32_t *)((char *)middle.data + header->hdr_len) = 3;
	CHECK_INT(types_encode(&middle, NULL, &payload), -EOPNOTSUPP);
	CHECK_INT(types_encode(&(struct btfpack_blob){ (void *)"text", 4 }, NULL, &payload),
		  -EOPNOTSUPP);
}

static void refuses_damage(void)
{
	uint32_t numbers[200];
	AUTO_BLOB struct btfpack_blob payload = { 0 };

	count_up(numbers, 200);
	AUTO_BLOB struct btfpack_blob a = make_btf(numbers, 200, 0, false);
	AUTO_BLOB struct btfpack_blob b = make_btf(numbers, 200, 7, false);

	REQUIRE(types_encode(&b, &a, &payload) == 0);
	for (size_t at = 0; at < payload.size; at++) {
		AUTO_BLOB struct btfpack_blob back = { 0 };

		((uint8_t *)payload.data)[at] ^= 1 << at % 8;
		/* The store compares the digest; here nothing may crash. */
		if (types_decode(payload.data, payload.size, &a, b.size, &back) == 0)
			CHECK_INT(back.size, b.size);
		((uint8_t *)payload.data)[at] ^= 1 << at % 8;
	}
	CHECK_INT(types_decode(payload.data, payload.size, &a, b.size - 4, &(struct btfpack_blob){ 0 }),
		  -EBADMSG);
	CHECK_INT(types_decode(payload.data, payload.size, &a, b.size + 4, &(struct btfpack_blob){ 0 }),
		  -EBADMSG);
	CHECK_INT(types_decode(payload.data, payload.size, NULL, b.size, &(struct btfpack_blob){ 0 }),
		  -EBADMSG);
	CHECK_INT(types_decode(payload.data, payload.size - 1, &a, b.size,
			       &(struct btfpack_blob){ 0 }),
		  -EBADMSG);
}

static int is_btf(const struct dirent *d)
{
	return strstr(d->d_name, ".btf") != NULL;
}

static void tells_real_ones(void)
{
	const char *dir = getenv("BTFPACK_TEST_BTFS");
	AUTO_BLOB struct btfpack_blob before = { 0 };
	struct dirent **files = NULL;
	int count = dir ? scandir(dir, &files, is_btf, versionsort) : -1;

	if (count < 1)
		SKIP("BTFPACK_TEST_BTFS names no directory of BTF files");
	for (int i = 0; i < count; i++) {
		struct btfpack_blob btf = { 0 };
		char path[1024];

		snprintf(path, sizeof(path), "%s/%s", dir, files[i]->d_name);
		REQUIRE(fs_read(path, (size_t)1 << 28, &btf, NULL) == 0);
		printf("# %s: %zu, alone %ld, after the one before %ld\n", files[i]->d_name, btf.size,
		       round_trip(&btf, NULL), before.data ? round_trip(&btf, &before) : -1);
		btfpack_blob_free(&before);
		before = btf;
		free(files[i]);
	}
	free(files);
}

TEST_MAIN({ "tells the same in no room", tells_the_same_in_no_room }, { "tells alone", tells_alone },
	  { "tells edits in little room", tells_edits_in_little_room },
	  { "tells any order", tells_any_order },
	  { "tells turns in little room", tells_turns_in_little_room },
	  { "tells either byte order", tells_either_byte_order },
	  { "tells random pairs", tells_random_pairs },
	  { "reads its first format", reads_its_first_format },
	  { "leaves what it cannot tell", leaves_what_it_cannot_tell },
	  { "refuses damage", refuses_damage }, { "tells real kernels", tells_real_ones })
