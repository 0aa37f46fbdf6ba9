/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fetching.h"
#include "cli/published.h"
#include "core/digest.h"

int published_take(const struct cmd *cmd, struct published_args *args, int option,
		   const char *value)
{
	unsigned long number;

	switch (option) {
	case PUBLISHED_ENDPOINT:
		args->opts.endpoint = value;
		return 1;
	case PUBLISHED_REGION:
		args->opts.region = value;
		return 1;
	case PUBLISHED_CACHE:
		args->opts.cache = value;
		return 1;
	case PUBLISHED_RETRIES:
		if (!cmd_number(cmd, "retries", value, 1000, &number))
			return -1;
		args->opts.retries = number ? (int)number : -1;
		return 1;
	}
	return store_take(cmd, &args->store, option, value);
}

/* --- texts ---------------------------------------------------------------------------------------- */

int text_set_add(struct text_set *set, const char *text)
{
	char **items;

	if (!(set->count & (set->count - 1))) {
		items = reallocarray(set->items, set->count ? 2 * set->count : 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		set->items = items;
	}
	set->items[set->count] = strdup(text);
	set->is_sorted = false;
	return set->items[set->count] ? (set->count++, 0) : -ENOMEM;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool text_set_has(struct text_set *set, const char *text)
{
	if (!set->count)
		return false;
	if (!set->is_sorted)
		qsort(set->items, set->count, sizeof(*set->items), compare_texts);
	set->is_sorted = true;
	return bsearch(&text, set->items, set->count, sizeof(*set->items), compare_texts);
}

void text_set_deinit(struct text_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->items[i]);
	free(set->items);
	*set = (struct text_set){ 0 };
}

const char *published_key(const struct btfpack_entry *e, char ret[PUBLISHED_KEY_SIZE])
{
	char hex[DIGEST_HEX_SIZE], modules[DIGEST_HEX_SIZE] = "";

	digest_format(&e->id, hex);
	if (e->has_modules)
		digest_format(&e->modules_id, modules);
	snprintf(ret, PUBLISHED_KEY_SIZE, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s", hex,
		 e->kernel.distro, e->kernel.release, e->kernel.arch, e->kernel.uname,
		 e->kernel.build_id ? e->kernel.build_id : "", e->set ? e->set : "", modules);
	return ret;
}

int published_know(struct text_set *set, const struct btfpack_entry *e)
{
	struct btfpack_entry without = *e;
	char key[PUBLISHED_KEY_SIZE];
	int error = text_set_add(set, published_key(e, key));

	without.has_modules = false;
	return error || !e->has_modules ? error
					: text_set_add(set, published_key(&without, key));
}

const char *published_name(const char *kind, const struct btfpack_id *id,
			   char ret[PUBLISHED_NAME_SIZE])
{
	char hex[DIGEST_HEX_SIZE];

	digest_format(id, hex);
	snprintf(ret, PUBLISHED_NAME_SIZE, "%s/%s", kind, hex);
	return ret;
}

/* --- the manifest --------------------------------------------------------------------------------- */

static void forget(struct published *p)
{
	for (size_t i = 0; i < p->index_count; i++)
		part_index_deinit(&p->indexes[i]);
	free(p->indexes);
	free(p->contents);
	p->indexes = NULL;
	p->contents = NULL;
	p->content_count = p->index_count = 0;
	manifest_deinit(&p->manifest);
}

void published_deinit(struct published *p)
{
	forget(p);
	object_store_close(p->store);
}

static int no_memory(struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "out of memory for what is published");
}

int published_refresh(struct published *p, struct btfpack_error *err)
{
	AUTO_FREE char *name = object_store_url(p->store, MANIFEST_NAME);
	AUTO_BLOB struct btfpack_blob text = { 0 };
	int error;

	if (!name)
		return no_memory(err);
	forget(p);
	error = object_store_get(p->store, MANIFEST_NAME, MANIFEST_MAXIMUM, &text, &p->tag, err);
	p->exists = !error;
	if (error && error != -ENOENT)
		return error;
	if (!error)
		error = manifest_parse(&text, name, &p->manifest, err);
	else
		error = 0;
	if (error)
		return error;
	p->indexes = calloc(p->manifest.part_count + 1, sizeof(*p->indexes));
	if (!p->indexes)
		return no_memory(err);
	p->index_count = p->manifest.part_count;
	return 0;
}

int published_open(struct published *p, const char *location, const struct published_args *args,
		   struct btfpack_error *err)
{
	AUTO_FREE char *cache = args->opts.cache ? strdup(args->opts.cache)
						 : fetching_default_cache();
	struct object_store_opts opts = args->opts;
	int error;

	if (!cache)
		return btfpack_error_set(err, -EINVAL,
					 "neither HOME nor XDG_CACHE_HOME says where downloads "
					 "belong; --cache does");
	opts.cache = cache;
	opts.key = getenv("AWS_ACCESS_KEY_ID");
	opts.secret = getenv("AWS_SECRET_ACCESS_KEY");
	opts.token = getenv("AWS_SESSION_TOKEN");
	if (!opts.region)
		opts.region = getenv("AWS_REGION");
	if (!opts.region)
		opts.region = getenv("AWS_DEFAULT_REGION");
	opts.progress = fetching_show_progress;
	fetching_catch_signals();
	error = object_store_open(location, &opts, &p->store, err);
	return error ? error : published_refresh(p, err);
}

/* --- indexes -------------------------------------------------------------------------------------- */

static int compare_contents(const void *a, const void *b)
{
	const struct published_content *x = a, *y = b;
	int order = memcmp(&x->content.id, &y->content.id, sizeof(x->content.id));

	return order ? order : (x->part > y->part) - (x->part < y->part);
}

static int get_index(struct published *p, const struct manifest_part *part, const char *name,
		     struct btfpack_blob *ret, struct btfpack_error *err)
{
	struct btfpack_id found;
	int error = object_store_get(p->store, name, part->index_size + 1, ret, NULL, err);

	if (error == -EFBIG || (!error && ret->size != part->index_size))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected %llu bytes as the manifest says, the store has "
					 "%s%zu",
					 name, (unsigned long long)part->index_size,
					 error ? "more than " : "", error ? part->index_size : ret->size);
	if (error)
		return error;
	if (digest_bytes(ret->data, ret->size, &found) < 0)
		return no_memory(err);
	if (!digest_is_equal(&found, &part->index))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: does not have the SHA-256 that it is named by", name);
	return 0;
}

static int make_room(struct published *p, size_t more, struct btfpack_error *err)
{
	struct published_content *all =
		reallocarray(p->contents, p->content_count + more + 1, sizeof(*all));

	if (!all)
		return no_memory(err);
	p->contents = all;
	return 0;
}

static int note_contents(struct published *p, size_t number, struct btfpack_error *err)
{
	const struct part_index *index = &p->indexes[number];
	int error = make_room(p, index->content_count, err);

	for (size_t i = 0; !error && i < index->content_count; i++)
		p->contents[p->content_count++] =
			(struct published_content){ index->contents[i], number, false };
	return error;
}

/* A part is passed over by its series: what it holds must be of that. */
static int check_series(const struct part_index *index, const char *series, const char *name,
			struct btfpack_error *err)
{
	for (size_t i = 0; i < index->entry_count; i++) {
		const struct btfpack_kernel *k = &index->entries[i].kernel;
		size_t distro = strlen(k->distro), release = strlen(k->release);

		if (strncmp(series, k->distro, distro) || series[distro] != '/' ||
		    strncmp(series + distro + 1, k->release, release) ||
		    series[distro + 1 + release] != '/' ||
		    strcmp(series + distro + 1 + release + 1, k->arch))
			return btfpack_error_set(err, -EBADMSG,
						 "%s: has a kernel of %.40s %.40s %.40s, expected "
						 "those of %.60s alone", name, k->distro, k->release,
						 k->arch, series);
	}
	return 0;
}

static int read_one(struct published *p, size_t number, struct btfpack_error *err)
{
	const struct manifest_part *part = &p->manifest.parts[number];
	AUTO_BLOB struct btfpack_blob text = { 0 };
	char name[PUBLISHED_NAME_SIZE];
	int error;

	if (p->indexes[number].text)
		return 0;
	error = get_index(p, part, published_name("index", &part->index, name), &text, err);
	if (!error)
		error = part_index_parse(&text, name, &p->indexes[number], err);
	if (!error)
		error = check_series(&p->indexes[number], part->series, name, err);
	return error ? error : note_contents(p, number, err);
}

static void sort_contents(struct published *p)
{
	if (p->content_count)
		qsort(p->contents, p->content_count, sizeof(*p->contents), compare_contents);
}

int published_read_index(struct published *p, size_t number, struct btfpack_error *err)
{
	int error = read_one(p, number, err);

	sort_contents(p);
	return error;
}

int published_read_all(struct published *p, struct btfpack_error *err)
{
	int error = 0;

	for (size_t i = 0; !error && i < p->index_count; i++)
		error = read_one(p, i, err);
	sort_contents(p);
	return error;
}

int published_note(struct published *p, const struct btfpack_id *ids, size_t count,
		   struct btfpack_error *err)
{
	int error = make_room(p, count, err);

	for (size_t i = 0; !error && i < count; i++)
		p->contents[p->content_count++] =
			(struct published_content){ .content = { .id = ids[i] }, .part = SIZE_MAX };
	sort_contents(p);
	return error;
}

/* Where @id would stand. */
static size_t lower_bound(const struct published *p, const struct btfpack_id *id)
{
	size_t low = 0, high = p->content_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(&p->contents[middle].content.id, id, sizeof(*id)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct published_content *published_find(const struct published *p, const struct btfpack_id *id,
					 struct published_content **end_ret)
{
	size_t at = lower_bound(p, id), end = at;

	while (end < p->content_count && digest_is_equal(&p->contents[end].content.id, id))
		end++;
	if (end_ret)
		*end_ret = p->contents + end;
	return end > at ? p->contents + at : NULL;
}
