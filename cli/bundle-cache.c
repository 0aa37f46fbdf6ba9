/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "archive-index/made.h"
#include "cli/bundle-cache.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/cursor.h"
#include "core/digest.h"
#include "core/fs.h"
#include "core/log.h"

#define PROGRAM_MAXIMUM ((size_t)256 << 20)

struct bundle_cache {
	struct digest *digest; /* of the recipe, until it is open */
	bool failed;
	struct btfpack_id recipe;
	struct made *made; /* NULL: none */
};

struct bundle_cache *bundle_cache_new(void)
{
	struct bundle_cache *c = calloc(1, sizeof(*c));

	if (c)
		c->digest = digest_new();
	if (c && !c->digest) {
		free(c);
		c = NULL;
	}
	return c;
}

void bundle_cache_free(struct bundle_cache *c)
{
	if (!c)
		return;
	digest_free(c->digest);
	made_close(c->made);
	free(c);
}

/* --- the recipe --------------------------------------------------------------------------------- */

/* Each part after its size, so that no two recipes are the same bytes. */
static void add_part(struct bundle_cache *c, const void *data, size_t size)
{
	uint64_t length = size;

	if (digest_add(c->digest, &length, sizeof(length)) || digest_add(c->digest, data, size))
		c->failed = true;
}

void bundle_cache_add_object(struct bundle_cache *c, const char *name, const struct btfpack_id *id)
{
	if (!c)
		return;
	add_part(c, name, strlen(name)); /* it is in the reasons of verdicts */
	add_part(c, id->bytes, sizeof(id->bytes));
}

static void add_program(struct bundle_cache *c)
{
	AUTO_BLOB struct btfpack_blob program = { 0 };
	struct btfpack_id id;

	if (fs_read("/proc/self/exe", PROGRAM_MAXIMUM, &program, NULL) ||
	    digest_bytes(program.data, program.size, &id))
		c->failed = true;
	else
		add_part(c, id.bytes, sizeof(id.bytes));
}

void bundle_cache_open(struct bundle_cache *c, const char *dir, uint32_t flags)
{
	struct btfpack_error err;

	if (!c)
		return;
	add_program(c);
	add_part(c, &flags, sizeof(flags));
	if (c->failed || digest_finish(c->digest, &c->recipe))
		return;
	if (made_open(dir, &c->made, &err))
		log_debug("without what was made before: %s", err.message);
}

/* --- one kernel ---------------------------------------------------------------------------------- */

/*
 * As bytes: u32 size of the BTF, the BTF, u32 count of verdicts, and of each u32
 * program, u32 verdict, the reason with its NUL. Integers as this machine has them;
 * on another the program is another.
 */
static int format(const struct btfpack_blob *btf, const struct btfpack_bundle_verdict *verdicts,
		  size_t count, struct buf *ret)
{
	uint32_t size = (uint32_t)btf->size, many = (uint32_t)count;
	int error = buf_add(ret, &size, sizeof(size));

	if (!error)
		error = buf_add(ret, btf->data, btf->size);
	if (!error)
		error = buf_add(ret, &many, sizeof(many));
	for (size_t i = 0; !error && i < count; i++) {
		uint32_t words[2] = { verdicts[i].program, (uint32_t)verdicts[i].verdict };

		error = buf_add(ret, words, sizeof(words));
		if (!error)
			error = buf_add(ret, verdicts[i].reason, strlen(verdicts[i].reason) + 1);
	}
	return error;
}

static void free_verdicts(struct btfpack_bundle_verdict *verdicts, size_t count)
{
	for (size_t i = 0; verdicts && i < count; i++)
		free((char *)verdicts[i].reason);
	free(verdicts);
}

static bool parse_verdicts(struct cursor *in, struct btfpack_bundle_verdict **ret, size_t *count_ret)
{
	struct btfpack_bundle_verdict *verdicts;
	uint32_t count;

	/* Each takes nine bytes at least. */
	if (cursor_u32(in, &count) || count > cursor_left(in) / 9)
		return false;
	verdicts = calloc((size_t)count + 1, sizeof(*verdicts));
	for (uint32_t i = 0; verdicts && i < count; i++) {
		const char *reason;
		uint32_t verdict;

		if (!cursor_u32(in, &verdicts[i].program) && !cursor_u32(in, &verdict) &&
		    !cursor_string(in, &reason)) {
			verdicts[i].verdict = verdict;
			verdicts[i].reason = strdup(reason);
		}
		if (!verdicts[i].reason) {
			free_verdicts(verdicts, i);
			return false;
		}
	}
	*ret = verdicts; /* the caller's */
	*count_ret = count;
	return verdicts;
}

static bool parse(const struct btfpack_blob *bytes, struct btfpack_blob *btf_ret,
		  struct btfpack_bundle_verdict **verdicts_ret, size_t *count_ret)
{
	struct cursor in = cursor_init(bytes->data, bytes->size, false, "made");
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	const uint8_t *data;
	uint32_t size;

	if (cursor_u32(&in, &size) || cursor_bytes(&in, size, &data))
		return false;
	btf = (struct btfpack_blob){ malloc((size_t)size + 1), size };
	if (!btf.data || !parse_verdicts(&in, verdicts_ret, count_ret))
		return false;
	memcpy(btf.data, data, size);
	*btf_ret = (struct btfpack_blob){ steal_ptr(btf.data), size }; /* the caller's */
	return true;
}

/* A cache that fails once is not asked again. */
static void give_up(struct bundle_cache *c, const struct btfpack_error *err)
{
	log_debug("without what was made before: %s", err->message);
	made_close(c->made);
	c->made = NULL;
}

bool bundle_cache_find(struct bundle_cache *c, const struct btfpack_id *id, const char *name,
		       struct btfpack_blob *btf_ret, struct btfpack_bundle_verdict **verdicts_ret,
		       size_t *count_ret)
{
	AUTO_BLOB struct btfpack_blob bytes = { 0 };
	struct btfpack_error err;
	int found = c && c->made ? made_find(c->made, id, &c->recipe, name, &bytes, &err) : 0;

	if (found < 0)
		give_up(c, &err);
	return found > 0 && parse(&bytes, btf_ret, verdicts_ret, count_ret);
}

void bundle_cache_keep(struct bundle_cache *c, const struct btfpack_id *id, const char *name,
		       const struct btfpack_blob *btf, const struct btfpack_bundle_verdict *verdicts,
		       size_t count)
{
	AUTO_BUF struct buf bytes = BUF_INIT(MADE_MAXIMUM);
	struct btfpack_blob blob;
	struct btfpack_error err;

	if (!c || !c->made || format(btf, verdicts, count, &bytes))
		return;
	blob = (struct btfpack_blob){ bytes.data, bytes.size };
	if (made_keep(c->made, id, &c->recipe, name, &blob, &err))
		give_up(c, &err);
}
