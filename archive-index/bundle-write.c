/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The writer of the format drawn in runtime-loader/bundle-format.h.
 *
 * Kernels are sorted by key, blobs numbered in the order in which the sorted
 * kernels first name them: so the bytes do not depend on the order of adding, and
 * the blobs of one series, which differ little, lie side by side in a group and
 * compress against each other.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#if __has_include(<zstd.h>)
#include <zstd.h>
#define HAVE_ZSTD 1
#else
#define HAVE_ZSTD 0
#endif
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <btfpack/bundle.h>

#include "core/arch.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "runtime-loader/bundle-format.h"

/* Half of what a reader accepts: a select decompresses one group. */
#define GROUP_TARGET (BUNDLE_GROUP_MAXIMUM / 2)
#define ZSTD_LEVEL   19
#define KNOWN_FLAGS  (BTFPACK_BUNDLE_PLAIN | BTFPACK_BUNDLE_NO_PROVENANCE)

struct blob {
	struct btfpack_id id;
	struct btfpack_blob bytes;
};

struct kernel {
	char *key;
	uint8_t build_id[BUNDLE_BUILD_ID_SIZE];
	uint32_t blob;	  /* index in bundle->blobs */
	uint32_t verdict; /* index in bundle->verdicts plus one; 0: none */
	char *package;	  /* "<half a digest or -> <package or ->"; NULL: nothing known */
};

/* Numbers found by the hash of what they stand for: open addressing, at most half full. */
struct table {
	uint32_t *slots; /* number plus one; 0: free */
	size_t capacity; /* a power of two */
};

struct btfpack_bundle {
	struct kernel *kernels;
	size_t kernel_count, kernel_room;
	struct blob *blobs;
	size_t blob_count, blob_room;
	char **verdicts;
	size_t verdict_count, verdict_room;
	char **objects; /* "<digest> <name>", sorted */
	size_t object_count, object_room;
	struct buf programs; /* as the section holds them */
	char *last_object;   /* of the last program; NULL: none yet */
	uint32_t program_count;
	struct table kernel_table, blob_table, verdict_table;
};

static int no_memory(struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "bundle: out of memory");
}

/* --- collecting --------------------------------------------------------------------------------- */

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
	const struct kernel *a = &b->kernels[number], *k = wanted;

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
		return btfpack_error_set(err, -EINVAL,
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
		return btfpack_error_set(err, -EINVAL, "bundle: %.80s...: key of %d bytes, at most %d",
					 *ret, length, BUNDLE_KEY_MAXIMUM);
	return 0;
}

/* The first bytes of a hex build-id; zeroes after a short one and for none. */
static int parse_build_id(const char *hex, uint8_t ret[BUNDLE_BUILD_ID_SIZE],
			  struct btfpack_error *err)
{
	size_t length = hex ? strlen(hex) : 0;

	memset(ret, 0, BUNDLE_BUILD_ID_SIZE);
	if (length % 2 || (hex && strspn(hex, "0123456789abcdefABCDEF") != length))
		return btfpack_error_set(err, -EINVAL, "bundle: '%.80s' is not a build-id: expected "
					 "an even number of hex digits", hex);
	for (size_t i = 0; i < 2 * BUNDLE_BUILD_ID_SIZE && i < length; i++) {
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
	b->blobs[b->blob_count] = (struct blob){
		.id = id,
		.bytes = { steal_ptr(copy.data), btf->size }, /* the bundle's */
	};
	table_put(&b->blob_table, hash_blob(b, b->blob_count), b->blob_count);
	*ret = b->blob_count++;
	return 0;
}

/* The lines of a verdict, as bundle-format.h has them. */
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
			return btfpack_error_set(err, -EINVAL,
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
			return error == -ENOMEM ? no_memory(err)
						: btfpack_error_set(err, error,
								    "bundle: verdicts too long");
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
static int format_package(const struct btfpack_bundle_facts *facts, char **ret,
			  struct btfpack_error *err)
{
	struct btfpack_id id;

	if (!facts || (!facts->package && !facts->digest))
		return 0;
	if ((facts->package && !is_printable(facts->package)) ||
	    (facts->digest && digest_parse(facts->digest, &id) < 0))
		return btfpack_error_set(err, -EINVAL,
					 "bundle: package '%.80s' with digest '%.80s': expected one line "
					 "of text and 64 hex digits",
					 facts->package ? facts->package : "",
					 facts->digest ? facts->digest : "");
	if (asprintf(ret, "%.32s %s", facts->digest ? facts->digest : "-",
		     facts->package ? facts->package : "-") < 0) {
		*ret = NULL;
		return no_memory(err);
	}
	return 0;
}

static void cleanup_kernel(struct kernel *k)
{
	free(k->key);
	free(k->package);
}

/* Whether @k is there already; -EEXIST when it is but needs another BTF. */
static int is_added(const struct btfpack_bundle *b, const struct kernel *k,
		    struct btfpack_error *err)
{
	int64_t found = table_find(&b->kernel_table, b, hash_text(k->key), is_kernel, k);

	if (found < 0)
		return 0;
	if (b->kernels[found].blob != k->blob)
		return btfpack_error_set(err, -EEXIST, "bundle: %s was added before with another BTF",
					 k->key);
	return 1;
}

int btfpack_bundle_add(struct btfpack_bundle *b, const struct btfpack_kernel *kernel,
		       const struct btfpack_blob *btf, const struct btfpack_bundle_facts *facts,
		       struct btfpack_error *err)
{
	CLEANUP(cleanup_kernel) struct kernel k = { 0 };
	int error;

	error = make_key(kernel, &k.key, err);
	if (error)
		return error;
	if (btf->size > BUNDLE_BLOB_MAXIMUM || b->kernel_count == BUNDLE_KERNELS_MAXIMUM)
		return btfpack_error_set(err, -EFBIG,
					 "bundle: %s: BTF of %zu bytes as kernel number %zu: at most "
					 "%u bytes and %u kernels", k.key, btf->size,
					 b->kernel_count + 1, BUNDLE_BLOB_MAXIMUM,
					 BUNDLE_KERNELS_MAXIMUM);
	error = parse_build_id(kernel->build_id, k.build_id, err);
	if (!error)
		error = format_package(facts, &k.package, err);
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
	k = (struct kernel){ 0 }; /* the bundle's */
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
					 "names, before any kernel", program, object);
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
		return btfpack_error_set(err, -EINVAL, "bundle: an object's name must be printable");
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

/* --- writing: the parts ------------------------------------------------------------------------- */

/* One write: the sorted view of the bundle, and the sections as they grow. */
struct plan {
	const struct btfpack_bundle *bundle;
	uint32_t flags;
	const struct kernel **kernels; /* sorted */
	uint32_t *blob_numbers;	       /* by index in bundle->blobs: number in the file */
	const struct blob **blobs;     /* by number in the file */
	uint32_t blob_count;
	uint32_t *verdict_numbers; /* by index in bundle->verdicts: in the file, from 1 */
	struct buf sections[BUNDLE_SECTION_END];
	uint32_t raw_sizes[BUNDLE_SECTION_END];
};

static void plan_deinit(struct plan *p)
{
	free(p->kernels);
	free(p->blob_numbers);
	free(p->blobs);
	free(p->verdict_numbers);
	for (int i = 0; i < BUNDLE_SECTION_END; i++)
		buf_deinit(&p->sections[i]);
}

static int compare_kernels(const void *a, const void *b)
{
	const struct kernel *x = *(const struct kernel *const *)a;
	const struct kernel *y = *(const struct kernel *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : memcmp(x->build_id, y->build_id, sizeof(x->build_id));
}

static int plan_init(struct plan *p, const struct btfpack_bundle *b, uint32_t flags)
{
	*p = (struct plan){ .bundle = b, .flags = flags };
	for (int i = 0; i < BUNDLE_SECTION_END; i++)
		p->sections[i] = BUF_INIT(UINT32_MAX);
	p->kernels = calloc(b->kernel_count + 1, sizeof(*p->kernels));
	p->blob_numbers = calloc(b->blob_count + 1, sizeof(*p->blob_numbers));
	p->blobs = calloc(b->blob_count + 1, sizeof(*p->blobs));
	p->verdict_numbers = calloc(b->verdict_count + 1, sizeof(*p->verdict_numbers));
	if (!p->kernels || !p->blob_numbers || !p->blobs || !p->verdict_numbers)
		return -ENOMEM;
	for (size_t i = 0; i < b->kernel_count; i++)
		p->kernels[i] = &b->kernels[i];
	qsort(p->kernels, b->kernel_count, sizeof(*p->kernels), compare_kernels);
	memset(p->blob_numbers, 0xff, b->blob_count * sizeof(*p->blob_numbers));
	return 0;
}

static int add_uleb(struct buf *buf, uint32_t value)
{
	uint8_t bytes[5];
	size_t n = 0;

	do {
		bytes[n] = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
		value >>= 7;
		n++;
	} while (value);
	return buf_add(buf, bytes, n);
}

static int add_u32(struct buf *buf, uint32_t value)
{
	uint8_t bytes[4];

	bundle_put_u32(bytes, value);
	return buf_add(buf, bytes, sizeof(bytes));
}

/* How far back the blob of this kernel was named; 0 when it is named first here. */
static uint32_t number_blob(struct plan *p, uint32_t blob)
{
	if (p->blob_numbers[blob] == UINT32_MAX) {
		p->blob_numbers[blob] = p->blob_count;
		p->blobs[p->blob_count++] = &p->bundle->blobs[blob];
		return 0;
	}
	return p->blob_count - p->blob_numbers[blob];
}

/* The verdict's number in the file; its text is added when it is named first. */
static int number_verdict(struct plan *p, uint32_t verdict, uint32_t *next, uint32_t *ret)
{
	const char *text;

	*ret = 0;
	if (!verdict)
		return 0;
	if (!p->verdict_numbers[verdict - 1]) {
		text = p->bundle->verdicts[verdict - 1];
		p->verdict_numbers[verdict - 1] = ++*next;
		if (buf_add(&p->sections[BUNDLE_VERDICTS], text, strlen(text) + 1) < 0)
			return -ENOMEM;
	}
	*ret = p->verdict_numbers[verdict - 1];
	return 0;
}

static size_t shared_prefix(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

static int write_kernels(struct plan *p)
{
	struct buf *keys = &p->sections[BUNDLE_KEYS];
	uint32_t verdicts = 0, verdict;
	const char *previous = "";
	int error = 0;

	for (size_t i = 0; !error && i < p->bundle->kernel_count; i++) {
		const struct kernel *k = p->kernels[i];
		size_t shared = shared_prefix(previous, k->key), rest = strlen(k->key) - shared;

		error = add_uleb(keys, shared);
		if (!error)
			error = add_uleb(keys, rest);
		if (!error)
			error = buf_add(keys, k->key + shared, rest);
		if (!error)
			error = add_uleb(keys, number_blob(p, k->blob));
		if (!error)
			error = number_verdict(p, k->verdict, &verdicts, &verdict);
		if (!error)
			error = add_uleb(keys, verdict);
		if (!error)
			error = buf_add(&p->sections[BUNDLE_BUILD_IDS], k->build_id,
					sizeof(k->build_id));
		previous = k->key;
	}
	return error;
}

static int write_programs(struct plan *p)
{
	const struct buf *programs = &p->bundle->programs;

	return p->sections[BUNDLE_VERDICTS].size
		       ? buf_add(&p->sections[BUNDLE_PROGRAMS], programs->data, programs->size)
		       : 0;
}

static int write_provenance(struct plan *p)
{
	struct buf *text = &p->sections[BUNDLE_PROVENANCE];
	int error;

	if (p->flags & BTFPACK_BUNDLE_NO_PROVENANCE)
		return 0;
	error = buf_add_string(text, "btfpack " BTFPACK_VERSION "\n");
	for (size_t i = 0; !error && i < p->bundle->object_count; i++)
		error = buf_add_format(text, "object %s\n", p->bundle->objects[i]);
	for (size_t i = 0; !error && i < p->bundle->kernel_count; i++)
		if (p->kernels[i]->package)
			error = buf_add_format(text, "kernel %zu %s\n", i, p->kernels[i]->package);
	return error;
}

/* --- writing: compression ----------------------------------------------------------------------- */

/* Append @size bytes at @data to @buf, compressed where that makes them fewer. */
static int add_compressed(struct buf *buf, const void *data, size_t size, bool plain)
{
#if HAVE_ZSTD
	size_t bound = ZSTD_compressBound(size), got;

	if (!plain && size) {
		if (buf_reserve(buf, bound) < 0)
			return -ENOMEM;
		got = ZSTD_compress(buf->data + buf->size, bound, data, size, ZSTD_LEVEL);
		if (ZSTD_isError(got))
			return -ENOMEM; /* the one reason it has, given a large enough buffer */
		if (got < size) {
			buf->size += got;
			return 0;
		}
	}
#else
	if (!plain)
		return -ENOSYS;
#endif
	return buf_add(buf, data, size);
}

static int write_group(struct plan *p, const struct buf *raw, uint32_t blob_count)
{
	struct buf *data = &p->sections[BUNDLE_DATA], *groups = &p->sections[BUNDLE_GROUPS];
	size_t before = data->size;
	int error = add_compressed(data, raw->data, raw->size, p->flags & BTFPACK_BUNDLE_PLAIN);

	if (!error)
		error = add_u32(groups, data->size - before);
	if (!error)
		error = add_u32(groups, raw->size);
	if (!error)
		error = add_u32(groups, blob_count);
	return error;
}

static int write_blobs(struct plan *p)
{
	AUTO_BUF struct buf group = BUF_INIT(BUNDLE_BLOB_MAXIMUM);
	uint32_t in_group = 0;
	int error = 0;

	for (uint32_t i = 0; !error && i < p->blob_count; i++) {
		const struct btfpack_blob *bytes = &p->blobs[i]->bytes;

		if (in_group && group.size + bytes->size > GROUP_TARGET) {
			error = write_group(p, &group, in_group);
			group.size = in_group = 0;
		}
		if (!error)
			error = buf_add(&group, bytes->data, bytes->size);
		if (!error)
			error = add_u32(&p->sections[BUNDLE_BLOBS], bytes->size);
		if (!error && !(p->flags & BTFPACK_BUNDLE_NO_PROVENANCE))
			error = buf_add(&p->sections[BUNDLE_DIGESTS], p->blobs[i]->id.bytes,
					BUNDLE_DIGEST_SIZE);
		in_group++;
	}
	if (!error && in_group)
		error = write_group(p, &group, in_group);
	return error;
}

/* Replace a section's bytes by their compressed form. */
static int compress_section(struct plan *p, enum bundle_section type)
{
	AUTO_BUF struct buf raw = p->sections[type];

	p->sections[type] = BUF_INIT(UINT32_MAX);
	p->raw_sizes[type] = raw.size;
	if (raw.size > BUNDLE_TEXT_MAXIMUM)
		return -EFBIG;
	return add_compressed(&p->sections[type], raw.data, raw.size,
			      p->flags & BTFPACK_BUNDLE_PLAIN);
}

static int compress_sections(struct plan *p)
{
	static const enum bundle_section types[] = { BUNDLE_KEYS, BUNDLE_BLOBS, BUNDLE_PROGRAMS,
						     BUNDLE_VERDICTS, BUNDLE_PROVENANCE };
	int error = 0;

	for (int i = 0; i < BUNDLE_SECTION_END; i++)
		p->raw_sizes[i] = p->sections[i].size;
	for (size_t i = 0; !error && i < ARRAY_SIZE(types); i++)
		error = compress_section(p, types[i]);
	return error;
}

/* --- writing: the file -------------------------------------------------------------------------- */

static bool has_section(const struct plan *p, int type)
{
	return type <= BUNDLE_DATA || p->sections[type].size;
}

static int put_together(const struct plan *p, struct buf *file)
{
	uint8_t header[BUNDLE_AT_SECTIONS] = BUNDLE_MAGIC;
	uint32_t count = 0;
	int error;

	for (int type = 1; type < BUNDLE_SECTION_END; type++)
		count += has_section(p, type);
	bundle_put_u32(header + BUNDLE_AT_VERSION, BUNDLE_VERSION);
	bundle_put_u32(header + BUNDLE_AT_SECTION_COUNT, count);
	bundle_put_u32(header + BUNDLE_AT_KERNEL_COUNT, p->bundle->kernel_count);
	bundle_put_u32(header + BUNDLE_AT_BLOB_COUNT, p->blob_count);
	error = buf_add(file, header, sizeof(header));
	for (int type = 1; !error && type < BUNDLE_SECTION_END; type++) {
		uint8_t row[BUNDLE_SECTION_SIZE] = { 0 };

		bundle_put_u32(row, type);
		bundle_put_u32(row + 4, p->sections[type].size);
		bundle_put_u32(row + 8, p->raw_sizes[type]);
		if (has_section(p, type))
			error = buf_add(file, row, sizeof(row));
	}
	for (int type = 1; !error && type < BUNDLE_SECTION_END; type++)
		error = buf_add(file, p->sections[type].data, p->sections[type].size);
	if (error)
		return error;
	bundle_put_u64(file->data + BUNDLE_AT_FILE_SIZE, file->size);
	bundle_put_u64(file->data + BUNDLE_AT_CHECKSUM, bundle_checksum(file->data, file->size));
	return 0;
}

static int read_opts(const struct btfpack_bundle_opts *opts, uint32_t *flags_ret,
		     struct btfpack_error *err)
{
	*flags_ret = opts ? opts->flags : 0;
	if (opts && (opts->size != sizeof(*opts) || *flags_ret & ~KNOWN_FLAGS))
		return btfpack_error_set(err, -EINVAL, "bundle: options of size %zu with flags %#x",
					 opts->size, opts->flags);
	return 0;
}

int btfpack_bundle_write(const struct btfpack_bundle *b, const struct btfpack_bundle_opts *opts,
			 struct btfpack_blob *ret, struct btfpack_error *err)
{
	CLEANUP(plan_deinit) struct plan p = { 0 };
	AUTO_BUF struct buf file = BUF_INIT(UINT32_MAX);
	uint32_t flags;
	int error = read_opts(opts, &flags, err);

	if (error)
		return error;
	error = plan_init(&p, b, flags);
	if (!error)
		error = write_kernels(&p);
	if (!error)
		error = write_programs(&p);
	if (!error)
		error = write_provenance(&p);
	if (!error)
		error = write_blobs(&p);
	if (!error)
		error = compress_sections(&p);
	if (!error)
		error = put_together(&p, &file);
	if (error == -ENOSYS)
		return btfpack_error_set(err, error, "bundle: built without zstd: cannot compress");
	if (error == -EFBIG)
		return btfpack_error_set(err, error,
					 "bundle: %zu kernels and their BTFs do not fit the format",
					 b->kernel_count);
	if (error)
		return no_memory(err);
	*ret = buf_take(&file); /* the caller's */
	return 0;
}
