/* SPDX-License-Identifier: BSD-2-Clause */
/* What goes into a bundle, as it is added: kernels, and their BTFs and verdicts once each. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "archive-index/bundle-parts.h"
#include "core/arch.h"
#include "core/cleanup.h"

static int no_memory(struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "bundle: out of memory");
}

int btfpack_bundle_new(struct btfpack_bundle **ret, struct btfpack_error *err)
{
	struct btfpack_bundle *b = calloc(1, sizeof(*b));

	if (!b)
		return no_memory(err);
	b->programs = BUF_INIT(BUNDLE_TEXT_MAXIMUM);
	*ret = b;
	return 0;
}

void btfpack_bundle_free(struct btfpack_bundle *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->kernel_count; i++) {
		free(b->kernels[i].key);
		free(b->kernels[i].package);
		free(b->kernels[i].digest);
	}
	for (size_t i = 0; i < b->blob_count; i++)
		btfpack_blob_free(&b->blobs[i].bytes);
	for (size_t i = 0; i < b->verdict_count; i++)
		free(b->verdicts[i]);
	for (size_t i = 0; i < b->object_count; i++)
		free(b->objects[i]);
	free(b->kernels);
	free(b->blobs);
	free(b->verdicts);
	free(b->objects);
	buf_deinit(&b->programs);
	free(b->last_object);
	free(b->kernel_table.slots);
	free(b->blob_table.slots);
	free(b->verdict_table.slots);
	free(b);
}

/* Make room for one more element of @size bytes in an array of @count. */
static int grow(void *array, size_t count, size_t *room, size_t size)
{
	size_t more = *room ? *room * 2 : 64;
	void *moved;

	if (count < *room)
		return 0;
	moved = reallocarray(*(void **)array, more, size);
	if (!moved)
		return -ENOMEM;
	*(void **)array = moved;
	*room = more;
	return 0;
}

typedef uint64_t (*hash_fn)(const struct btfpack_bundle *b, uint32_t number);
typedef bool (*equal_fn)(const struct btfpack_bundle *b, uint32_t number, const void *wanted);

static void table_put(struct table *table, uint64_t hash, uint32_t number)
{
	size_t at = hash & (table->capacity - 1);

	while (table->slots[at])
		at = (at + 1) & (table->capacity - 1);
	table->slots[at] = number + 1;
}

/* Make sure that @count + 1 numbers fill at most half of the table. */
static int table_grow(struct table *table, const struct btfpack_bundle *b, size_t count,
		      hash_fn hash)
{
	struct table bigger = { .capacity = table->capacity ? table->capacity * 2 : 128 };

	if (2 * (count + 1) <= table->capacity)
		return 0;
	bigger.slots = calloc(bigger.capacity, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		table_put(&bigger, hash(b, i), i);
	free(table->slots);
	*table = bigger;
	return 0;
}

/* The number whose thing is equal to @wanted, or -1. */
static int64_t table_find(const struct table *table, const struct btfpack_bundle *b, uint64_t hash,
			  equal_fn equal, const void *wanted)
{
	if (!table->capacity)
		return -1;
	for (size_t at = hash & (table->capacity - 1); table->slots[at];
	     at = (at + 1) & (table->capacity - 1))
		if (equal(b, table->slots[at] - 1, wanted))
			return table->slots[at] - 1;
	return -1;
}

static uint64_t hash_text(const char *text)
{
	return XXH64(text, strlen(text), 0);
}

static uint64_t hash_blob(const struct btfpack_bundle *b, uint32_t number)
{
	return XXH64(&b->blobs[number].id, sizeof(struct btfpack_id), 0);
}

static bool is_blob(const struct btfpack_bundle *b, uint32_t number, const void *wanted)
{
	return digest_is_equal(&b->blobs[number].id, wanted);
}

static uint64_t hash_verdict(const struct btfpack_bundle *b, uint32_t number)
{
	return hash_text(b->verdicts[number]);
}

static bool is_verdict(const struct btfpack_bundle *b, uint32_t number, const void *wanted)
{
	return !strcmp(b->verdicts[number], wanted);
}

/* Builds of one name share a chain of the table: they are few. */
static uint64_t hash_kernel(const struct btfpack_bundle *b, uint32_t number)
{
	return hash_text(b->kernels[number].key);
}

static bool is_kernel(const struct btfpack_bundle *b, uint32_t number, const void *wanted)
{
	const struct bundle_kernel *a = &b->kernels[number], *k = wanted;

	return !strcmp(a->key, k->key) && !memcmp(a->build_id, k->build_id, sizeof(k->build_id));
}

/* Text that may stand in a line of provenance: printable, and spaces. */
static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text >= 0x7f)
			return false;
	return true;
}

static bool is_key_field(const char *field)
{
	if (!field || !*field)
		return false;
	for (; *field; field++)
		if (*field <= ' ' || *field >= 0x7f || *field == '/')
			return false;
	return true;
}

static int make_key(const struct btfpack_kernel *k, char **ret, struct btfpack_error *err)
{
	int length;

	if (!is_key_field(k->distro) || !is_key_field(k->release) || !is_key_field(k->arch) ||
	    !is_key_field(k->uname))
		return btfpack_error_set(
			err, -EINVAL,
			"bundle: kernel '%s' '%s' '%s' '%s': each part of the key must "
			"be printable, without spaces and slashes",
			k->distro ? k->distro : "", k->release ? k->release : "",
			k->arch ? k->arch : "", k->uname ? k->uname : "");
	length = asprintf(ret, "%s/%s/%s/%s", k->distro, k->release, arch_normalize(k->arch),
			  k->uname);
	if (length < 0) {
		*ret = NULL;
		return no_memory(err);
	}
	if (length > BUNDLE_KEY_MAXIMUM)
		return btfpack_error_set(err, -EINVAL,
					 "bundle: %.80s...: key of %d bytes, at most %d", *ret,
					 length, BUNDLE_KEY_MAXIMUM);
	return 0;
}

/* The first bytes of a hex build-id; zeroes after a short one and for none. */
static int parse_build_id(const char *hex, uint8_t ret[BUNDLE_BUILD_ID_MAXIMUM],
			  struct btfpack_error *err)
{
	size_t length = hex ? strlen(hex) : 0;

	memset(ret, 0, BUNDLE_BUILD_ID_MAXIMUM);
	if (length % 2 || (hex && strspn(hex, "0123456789abcdefABCDEF") != length))
		return btfpack_error_set(err, -EINVAL,
					 "bundle: '%.80s' is not a build-id: expected "
					 "an even number of hex digits",
					 hex);
	for (size_t i = 0; i < 2 * BUNDLE_BUILD_ID_MAXIMUM && i < length; i++) {
		int c = tolower((unsigned char)hex[i]), digit = isdigit(c) ? c - '0' : c - 'a' + 10;

		ret[i / 2] |= digit << (i % 2 ? 0 : 4);
	}
	return 0;
}

static int find_or_add_blob(struct btfpack_bundle *b, const struct btfpack_blob *btf, uint32_t *ret,
			    struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob copy = { 0 };
	struct btfpack_id id;
	int64_t found;

	if (digest_bytes(btf->data, btf->size, &id) < 0)
		return no_memory(err);
	found = table_find(&b->blob_table, b, XXH64(&id, sizeof(id), 0), is_blob, &id);
	if (found >= 0) {
		*ret = found;
		return 0;
	}
	copy.data = malloc(btf->size ? btf->size : 1);
	if (!copy.data || grow(&b->blobs, b->blob_count, &b->blob_room, sizeof(*b->blobs)) < 0 ||
	    table_grow(&b->blob_table, b, b->blob_count, hash_blob) < 0)
		return no_memory(err);
	if (btf->size)
		memcpy(copy.data, btf->data, btf->size);
	b->blobs[b->blob_count] = (struct bundle_blob){
		.id = id, .bytes = { steal_ptr(copy.data), btf->size }, /* the bundle's */
	};
	table_put(&b->blob_table, hash_blob(b, b->blob_count), b->blob_count);
	*ret = b->blob_count++;
	return 0;
}

/* The lines of a verdict, as bundle-parts.h has them. */
static int format_verdict(const struct btfpack_bundle *b, const struct btfpack_bundle_facts *facts,
			  struct buf *ret, struct btfpack_error *err)
{
	static const char letters[] = { [BTFPACK_VERDICT_LOADS_WITHOUT] = 'o',
					[BTFPACK_VERDICT_UNSURE] = '?',
					[BTFPACK_VERDICT_REJECTED] = 'X' };
	uint32_t next = 0;

	for (size_t i = 0; i < facts->verdict_count; i++) {
		const struct btfpack_bundle_verdict *v = &facts->verdicts[i];
		const char *reason = v->reason ? v->reason : "";
		size_t before;
		int error;

		if (v->program < next || v->program >= b->program_count ||
		    v->verdict == BTFPACK_VERDICT_LOADS || v->verdict >= sizeof(letters))
			return btfpack_error_set(
				err, -EINVAL,
				"bundle: verdict %u about program %u of %u: out of "
				"order, or there is no such thing",
				v->verdict, v->program, b->program_count);
		next = v->program + 1;
		error = buf_add_format(ret, "%u%c%s", v->program, letters[v->verdict],
				       *reason ? " " : "");
		before = ret->size;
		if (!error)
			error = buf_add_string(ret, reason);
		for (size_t at = before; !error && at < ret->size; at++)
			if (ret->data[at] < ' ' || ret->data[at] == 0x7f)
				ret->data[at] = ' ';
		if (!error)
			error = buf_add_string(ret, "\n");
		if (error)
			return error == -ENOMEM
				       ? no_memory(err)
				       : btfpack_error_set(err, error, "bundle: verdicts too long");
	}
	return 0;
}

static int find_or_add_verdict(struct btfpack_bundle *b, const struct btfpack_bundle_facts *facts,
			       uint32_t *ret, struct btfpack_error *err)
{
	AUTO_BUF struct buf lines = BUF_INIT(BUNDLE_TEXT_MAXIMUM);
	const char *text;
	char *copy;
	int64_t found;
	int error;

	*ret = 0;
	if (!facts || !facts->is_judged)
		return 0;
	error = format_verdict(b, facts, &lines, err);
	if (error)
		return error;
	text = buf_string(&lines);
	if (!text)
		return no_memory(err);
	found = table_find(&b->verdict_table, b, hash_text(text), is_verdict, text);
	if (found < 0) {
		if (grow(&b->verdicts, b->verdict_count, &b->verdict_room, sizeof(char *)) < 0 ||
		    table_grow(&b->verdict_table, b, b->verdict_count, hash_verdict) < 0)
			return no_memory(err);
		copy = strdup(text);
		if (!copy)
			return no_memory(err);
		found = b->verdict_count++;
		b->verdicts[found] = copy; /* the bundle's */
		table_put(&b->verdict_table, hash_text(text), found);
	}
	*ret = found + 1;
	return 0;
}

/* "<half a digest> <package>" with "-" for what is not known; NULL for nothing known. */
static int copy_text(const char *text, char **ret, struct btfpack_error *err)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? no_memory(err) : 0;
}

/* Copy what is known of the package. */
static int copy_package(const struct btfpack_bundle_facts *facts, struct bundle_kernel *k,
			struct btfpack_error *err)
{
	struct btfpack_id id;
	int error;

	if (!facts)
		return 0;
	if ((facts->package && !is_printable(facts->package)) ||
	    (facts->digest && digest_parse(facts->digest, &id) < 0))
		return btfpack_error_set(
			err, -EINVAL,
			"bundle: package '%.80s' with digest '%.80s': expected one line "
			"of text and 64 hex digits",
			facts->package ? facts->package : "", facts->digest ? facts->digest : "");
	error = copy_text(facts->package, &k->package, err);
	return error ? error : copy_text(facts->digest, &k->digest, err);
}

static void cleanup_kernel(struct bundle_kernel *k)
{
	free(k->key);
	free(k->package);
	free(k->digest);
}

/* Whether @k is there already; -EEXIST when it is but needs another BTF. */
static int is_added(const struct btfpack_bundle *b, const struct bundle_kernel *k,
		    struct btfpack_error *err)
{
	int64_t found = table_find(&b->kernel_table, b, hash_text(k->key), is_kernel, k);

	if (found < 0)
		return 0;
	if (b->kernels[found].blob != k->blob)
		return btfpack_error_set(err, -EEXIST,
					 "bundle: %s was added before with another BTF", k->key);
	return 1;
}

int btfpack_bundle_add(struct btfpack_bundle *b, const struct btfpack_kernel *kernel,
		       const struct btfpack_blob *btf, const struct btfpack_bundle_facts *facts,
		       struct btfpack_error *err)
{
	CLEANUP(cleanup_kernel) struct bundle_kernel k = { 0 };
	int error;

	error = make_key(kernel, &k.key, err);
	if (error)
		return error;
	if (btf->size > BUNDLE_BLOB_MAXIMUM || b->kernel_count == BUNDLE_KERNELS_MAXIMUM)
		return btfpack_error_set(
			err, -EFBIG,
			"bundle: %s: BTF of %zu bytes as kernel number %zu: at most "
			"%u bytes and %u kernels",
			k.key, btf->size, b->kernel_count + 1, BUNDLE_BLOB_MAXIMUM,
			BUNDLE_KERNELS_MAXIMUM);
	error = parse_build_id(kernel->build_id, k.build_id, err);
	if (!error)
		error = copy_package(facts, &k, err);
	if (!error)
		error = find_or_add_blob(b, btf, &k.blob, err);
	if (!error)
		error = find_or_add_verdict(b, facts, &k.verdict, err);
	if (!error)
		error = is_added(b, &k, err);
	if (error)
		return error < 0 ? error : 0;
	if (grow(&b->kernels, b->kernel_count, &b->kernel_room, sizeof(*b->kernels)) < 0 ||
	    table_grow(&b->kernel_table, b, b->kernel_count, hash_kernel) < 0)
		return no_memory(err);
	b->kernels[b->kernel_count] = k;
	table_put(&b->kernel_table, hash_text(k.key), b->kernel_count++);
	k = (struct bundle_kernel){ 0 }; /* the bundle's */
	return 0;
}

int btfpack_bundle_add_program(struct btfpack_bundle *b, const char *object, const char *program,
			       uint32_t *number_ret, struct btfpack_error *err)
{
	bool again = b->last_object && !strcmp(b->last_object, object);
	AUTO_FREE char *copy = NULL;

	if (!*object || !*program || !is_printable(object) || !is_printable(program) ||
	    b->kernel_count)
		return btfpack_error_set(err, -EINVAL,
					 "bundle: program '%.80s' of '%.80s': expected printable "
					 "names, before any kernel",
					 program, object);
	if (b->program_count == BUNDLE_PROGRAMS_MAXIMUM)
		return btfpack_error_set(err, -EFBIG, "bundle: more than %u programs",
					 BUNDLE_PROGRAMS_MAXIMUM);
	copy = strdup(object);
	if (!copy || buf_reserve(&b->programs, strlen(object) + strlen(program) + 2) < 0)
		return no_memory(err);
	buf_add(&b->programs, again ? "" : object, again ? 1 : strlen(object) + 1);
	buf_add(&b->programs, program, strlen(program) + 1);
	free(b->last_object);
	b->last_object = steal_ptr(copy); /* the bundle's */
	*number_ret = b->program_count++;
	return 0;
}

/* "<digest> <name>" lines by name, then by digest. */
static int compare_objects(const char *a, const char *b)
{
	int order = strcmp(a + DIGEST_HEX_SIZE, b + DIGEST_HEX_SIZE);

	return order ? order : strcmp(a, b);
}

int btfpack_bundle_add_object(struct btfpack_bundle *b, const char *name,
			      const struct btfpack_id *id, struct btfpack_error *err)
{
	AUTO_FREE char *line = NULL;
	char hex[DIGEST_HEX_SIZE];
	size_t at;

	if (!*name || !is_printable(name))
		return btfpack_error_set(err, -EINVAL,
					 "bundle: an object's name must be printable");
	digest_format(id, hex);
	if (asprintf(&line, "%s %s", hex, name) < 0) {
		line = NULL;
		return no_memory(err);
	}
	if (grow(&b->objects, b->object_count, &b->object_room, sizeof(char *)) < 0)
		return no_memory(err);
	for (at = b->object_count++; at && compare_objects(b->objects[at - 1], line) > 0; at--)
		b->objects[at] = b->objects[at - 1];
	b->objects[at] = steal_ptr(line); /* the bundle's */
	return 0;
}

size_t btfpack_bundle_count_kernels(const struct btfpack_bundle *b)
{
	return b->kernel_count;
}

size_t btfpack_bundle_count_blobs(const struct btfpack_bundle *b)
{
	return b->blob_count;
}
