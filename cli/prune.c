/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/prune.h"
#include "core/digest.h"

#define ROUNDS      50 /* of replacing the list: others may be at it */
#define DAY_SECONDS (24 * 60 * 60)

void prune_deinit(struct prune *prune)
{
	text_set_deinit(&prune->before);
}

static int no_memory(struct btfpack_error *err)
{
	return btfpack_error_set(err, -ENOMEM, "out of memory for what is published");
}

static int add_name(struct text_set *set, const char *kind, const struct btfpack_id *id)
{
	char name[PUBLISHED_NAME_SIZE];

	return text_set_add(set, published_name(kind, id, name));
}

/* All objects that the manifest names. */
static int add_names(struct text_set *set, const struct manifest *m)
{
	int error = 0;

	for (size_t i = 0; !error && i < m->part_count; i++) {
		error = add_name(set, "index", &m->parts[i].index);
		if (!error && m->parts[i].has_pack)
			error = add_name(set, "packs", &m->parts[i].pack);
	}
	for (size_t i = 0; !error && i < m->bundle_count; i++)
		error = add_name(set, "bundles", &m->bundles[i].id);
	return error;
}

int prune_note(struct prune *prune, const struct published *p, struct btfpack_error *err)
{
	return add_names(&prune->before, &p->manifest) < 0 ? no_memory(err) : 0;
}

/* --- what the archive has ------------------------------------------------------------------------ */

/* An entry of the archive. */
struct held {
	char *key;
	struct btfpack_id id;
	int64_t changed;
	bool has_modules;
};

struct holdings {
	struct held *items;
	size_t count;
};

static void holdings_deinit(struct holdings *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->items[i].key);
	free(h->items);
}

static char *format_key(const struct btfpack_entry *e)
{
	char *key;

	return asprintf(&key, "%s\t%s\t%s\t%s\t%s\t%s", e->kernel.distro, e->kernel.release,
			e->kernel.arch, e->kernel.uname,
			e->kernel.build_id ? e->kernel.build_id : "", e->set ? e->set : "") < 0
		       ? NULL
		       : key;
}

static int hold(struct holdings *h, const struct btfpack_entry *e)
{
	struct held *items;

	if (!(h->count & (h->count - 1))) { /* full at every power of two */
		items = reallocarray(h->items, h->count ? 2 * h->count : 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		h->items = items;
	}
	h->items[h->count] = (struct held){ format_key(e), e->id, e->changed, e->has_modules };
	return h->items[h->count].key ? (h->count++, 0) : -ENOMEM;
}

static int compare_held(const void *a, const void *b)
{
	return strcmp(((const struct held *)a)->key, ((const struct held *)b)->key);
}

static int read_holdings(struct btfpack_archive *a, struct holdings *ret, struct btfpack_error *err)
{
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *e;
	int more = btfpack_archive_list(a, NULL, BTFPACK_SET_ANY, &it, err);

	while (more >= 0 && (more = btfpack_entry_iter_next(it, &e, err)) > 0)
		if (hold(ret, e) < 0)
			return no_memory(err);
	if (ret->count)
		qsort(ret->items, ret->count, sizeof(*ret->items), compare_held);
	return more;
}

/* 1, 0, <0 */
static int is_held(const struct holdings *h, const struct btfpack_entry *e)
{
	AUTO_FREE char *key = format_key(e);
	const struct held wanted = { .key = key }, *found;

	if (!key)
		return -ENOMEM;
	found = h->count ? bsearch(&wanted, h->items, h->count, sizeof(*h->items), compare_held)
			 : NULL;
	if (!found)
		return 0;
	if (!digest_is_equal(&found->id, &e->id))
		return found->changed >= e->changed;
	return found->has_modules || !e->has_modules;
}

int prune_may(const struct published *p, struct btfpack_archive *a, struct btfpack_error *err)
{
	CLEANUP(holdings_deinit) struct holdings holdings = { 0 };
	int error = read_holdings(a, &holdings, err), held;

	for (size_t i = 0; !error && i < p->index_count; i++) {
		for (size_t j = 0; j < p->indexes[i].entry_count; j++) {
			const struct btfpack_entry *e = &p->indexes[i].entries[j];

			held = is_held(&holdings, e);
			if (held > 0)
				continue;
			if (held < 0)
				return no_memory(err);
			btfpack_error_set(
				err, -ENOENT,
				"%s %s %s %s is published and not in the archive, or later "
				"than there; pull it, or --force drops it",
				e->kernel.distro, e->kernel.release, e->kernel.arch,
				e->kernel.uname);
			return 0;
		}
	}
	return error ? error : 1;
}

/* --- the list ------------------------------------------------------------------------------------ */

struct list {
	struct retired retired;
	struct object_tag tag;
	bool exists;
};

static void list_deinit(struct list *list)
{
	retired_deinit(&list->retired);
}

static int read_list(struct list *list, const struct published *p, struct btfpack_error *err)
{
	AUTO_FREE char *name = object_store_url(p->store, RETIRED_NAME);
	AUTO_BLOB struct btfpack_blob text = { 0 };
	int error;

	list_deinit(list);
	if (!name)
		return no_memory(err);
	error = object_store_get(p->store, RETIRED_NAME, RETIRED_MAXIMUM, &text, &list->tag, err);
	list->exists = !error;
	if (error)
		return error == -ENOENT ? 0 : error;
	return retired_parse(&text, name, &list->retired, err);
}

static int write_list(struct list *list, const struct published *p, bool alone,
		      struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob text = { 0 };
	int error = retired_format(&list->retired, &text);

	if (error)
		return btfpack_error_set(err, error, "the list of what is retired is too long");
	return object_store_replace(p->store, RETIRED_NAME, &text, list->exists ? &list->tag : NULL,
				    alone, err);
}

static int fail_busy(struct btfpack_error *err)
{
	return btfpack_error_set(err, -EBUSY,
				 "the list of what is retired changed %d times while it was to be "
				 "replaced",
				 ROUNDS);
}

static bool is_named(const struct retired_object *o, void *arg)
{
	return text_set_has(arg, o->name);
}

/* Note in the list what is in @before and not in @after, and forget what is named again.
 * How many changed. */
static int change_list(struct list *list, const struct text_set *before, struct text_set *after,
		       size_t *noted_ret, struct btfpack_error *err)
{
	size_t changed = retired_drop(&list->retired, is_named, after);

	*noted_ret = 0;
	for (size_t i = 0; i < before->count; i++) {
		int known;

		if (text_set_has(after, before->items[i]))
			continue;
		known = retired_note(&list->retired, before->items[i], time(NULL));
		if (known < 0)
			return btfpack_error_set(err, known, "too much is retired: prune oftener");
		*noted_ret += !known;
	}
	return changed + *noted_ret > 0;
}

int prune_retire(struct prune *prune, const struct published *p, bool alone,
		 struct btfpack_error *err)
{
	CLEANUP(text_set_deinit) struct text_set after = { 0 };
	CLEANUP(list_deinit) struct list list = { 0 };
	size_t noted = 0;

	if (add_names(&after, &p->manifest) < 0)
		return no_memory(err);
	for (int round = 0; round < ROUNDS; round++) {
		int error = read_list(&list, p, err);

		if (!error)
			error = change_list(&list, &prune->before, &after, &noted, err);
		if (error <= 0)
			return error;
		error = write_list(&list, p, alone, err);
		if (!error)
			prune->retired += noted;
		if (error != -EEXIST)
			return error;
	}
	return fail_busy(err);
}

/* --- deleting ------------------------------------------------------------------------------------ */

struct deletion {
	struct prune *prune;
	struct published *published;
	struct text_set named, deleted;
	struct btfpack_error *err;
};

static void deletion_deinit(struct deletion *d)
{
	text_set_deinit(&d->named);
	text_set_deinit(&d->deleted);
}

/* Not what the manifest names, however it came onto the list. */
static bool is_due(struct deletion *d, const struct retired_object *o, int64_t now)
{
	return o->since + (int64_t)d->prune->days * DAY_SECONDS <= now &&
	       !text_set_has(&d->named, o->name);
}

static int delete_due(struct deletion *d, const struct retired *r)
{
	int64_t now = time(NULL);
	int error = 0;

	for (size_t i = 0; !error && i < r->count; i++) {
		const struct retired_object *o = &r->objects[i];

		if (!is_due(d, o, now))
			continue;
		error = object_store_delete(d->published->store, o->name, d->err);
		if (!error && text_set_add(&d->deleted, o->name) < 0)
			error = no_memory(d->err);
		d->prune->deleted += !error;
	}
	return error;
}

int prune_delete(struct prune *prune, struct published *p, bool alone, struct btfpack_error *err)
{
	CLEANUP(deletion_deinit) struct deletion d = { .prune = prune, .published = p, .err = err };
	CLEANUP(list_deinit) struct list list = { 0 };
	int error = published_refresh(p, err); /* as it is now: others publish, too */

	if (!error && add_names(&d.named, &p->manifest) < 0)
		error = no_memory(err);
	if (!error)
		error = read_list(&list, p, err);
	if (!error)
		error = delete_due(&d, &list.retired);
	for (int round = 0; !error && d.deleted.count && round < ROUNDS; round++) {
		retired_drop(&list.retired, is_named, &d.deleted);
		error = write_list(&list, p, alone, err);
		if (error != -EEXIST)
			return error;
		error = read_list(&list, p, err);
	}
	return error || !d.deleted.count ? error : fail_busy(err);
}
