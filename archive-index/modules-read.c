/* SPDX-License-Identifier: BSD-2-Clause */
/* The modules of a kernel out of the archive: those of some names, or those that matter. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/handle.h"
#include "archive-index/module-names.h"
#include "archive-index/modules-joined.h"
#include "archive-index/part.h"
#include "btf/btf-view.h"

static int read_ends(struct btfpack_archive *a, const struct btfpack_entry *e,
		     struct modules_base *ret, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	char key[KEY_TEXT_SIZE];
	int error = db_query(a->db, &s, err,
			     "SELECT base_types, base_strings FROM modules WHERE distro = ? AND "
			     "release = ? AND arch = ? AND uname = ? AND build_id = ? AND content = ?",
			     "tttttd", e->kernel.distro, e->kernel.release, e->kernel.arch,
			     e->kernel.uname, text_or_empty(e->kernel.build_id), &e->modules_id);

	if (!error)
		error = db_next(s, err);
	if (error < 0)
		return error;
	if (!error)
		return btfpack_error_set(err, -ENOENT, "%s: the modules of %s are there no more",
					 a->dir, key_text(&e->kernel, key));
	*ret = (struct modules_base){ (uint32_t)db_int(s, 0), (uint32_t)db_int(s, 1) };
	return 0;
}

static void free_modules(struct btfpack_modules *modules)
{
	btfpack_modules_free(modules);
}

/* What is there of a kernel's modules. */
struct stock {
	const char *key; /* what to call the kernel */
	struct btfpack_id id;
	uint32_t count;
	struct modules_base ends;
	struct btfpack_blob joined; /* empty: not read yet */
};

static int take(struct btfpack_archive *a, struct stock *stock, const struct modules_choice *choice,
		struct btfpack_modules *ret, struct btfpack_error *err)
{
	CLEANUP(free_modules) struct btfpack_modules modules = { 0 };
	size_t all = 0;
	int error = stock->joined.data ? 0
				       : btfpack_archive_get(a, &stock->id, &stock->joined, err);

	if (!error)
		error = modules_split(&stock->joined, &stock->ends, choice, stock->key, &modules,
				      &all, err);
	if (!error && all != stock->count)
		error = btfpack_error_set(err, -EBADMSG,
					  "%s: %zu modules of %s, the index says %u", a->dir, all,
					  stock->key, stock->count);
	if (error)
		return error;
	*ret = modules; /* the caller's */
	modules = (struct btfpack_modules){ 0 };
	return 0;
}

static int take_once(struct btfpack_archive *a, const struct btfpack_entry *e,
		     const struct modules_base *ends, const char *pattern,
		     struct btfpack_modules *ret, struct btfpack_error *err)
{
	char key[KEY_TEXT_SIZE];
	struct stock stock = { .key = key_text(&e->kernel, key),
			       .id = e->modules_id,
			       .count = e->modules,
			       .ends = *ends };
	int error = take(a, &stock, &(struct modules_choice){ .pattern = pattern }, ret, err);

	btfpack_blob_free(&stock.joined);
	return error;
}

int btfpack_archive_get_modules(struct btfpack_archive *a, const struct btfpack_entry *entry,
				const char *pattern, struct btfpack_modules *ret,
				struct btfpack_error *err)
{
	struct modules_base ends;
	char key[KEY_TEXT_SIZE];
	int error = 0;

	if (!entry->has_modules)
		return btfpack_error_set(err, -ENOENT, "%s: the modules of %s were not stored",
					 a->dir, key_text(&entry->kernel, key));
	if (entry->modules) {
		error = read_ends(a, entry, &ends, err);
		return error ? error : take_once(a, entry, &ends, pattern, ret, err);
	}
	*ret = (struct btfpack_modules){ 0 };
	return 0;
}

int part_modules(struct btfpack_archive *a, const struct btfpack_entry *entry,
		 struct btfpack_modules *ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob base = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	int error = entry->modules ? btfpack_archive_get(a, &entry->id, &base, err) : 0;

	if (!entry->modules)
		*ret = (struct btfpack_modules){ 0 };
	if (error || !entry->modules)
		return error;
	error = btf_view_init(&view, base.data, base.size, NULL, entry->kernel.uname, err);
	return error ? error
		     : take_once(a, entry, &(struct modules_base){ view.end_id, view.end_string },
				 NULL, ret, err);
}

int modules_load(struct btfpack_archive *a, const struct btfpack_kernel *k,
		 struct btfpack_modules *ret, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	AUTO_FREE struct btfpack_entry *entry = NULL;
	int error = db_query(a->db, &s, err,
			     ENTRY_SELECT "WHERE e.distro = ? AND e.release = ? AND e.arch = ? AND "
					  "e.uname = ? AND e.build_id = ? AND e.set_name = ''",
			     "ttttt", k->distro, k->release, k->arch, k->uname,
			     text_or_empty(k->build_id));

	if (!error)
		error = db_next(s, err);
	if (error > 0)
		error = entry_read(a, s, &entry, err);
	if (error < 0)
		return error;
	return entry ? btfpack_archive_get_modules(a, entry, NULL, ret, err) : -ENOENT;
}

/* --- when they are asked for --------------------------------------------------------------------- */

struct btfpack_stored_modules {
	struct btfpack_archive *archive;
	struct btfpack_module_source source;
	char key[KEY_TEXT_SIZE];
	struct stock stock;
	struct module_names names;
	bool has_names; /* else any name may be there */
	struct btfpack_modules loaded;
};

static int may_have(unsigned int kind, const char *name, void *arg)
{
	const struct btfpack_stored_modules *m = arg;

	return !m->has_names || module_names_may_have(&m->names, kind, name);
}

static int load(btfpack_wants_fn wants, void *wants_arg, const struct btfpack_module_btf **ret,
		size_t *count_ret, void *arg, struct btfpack_error *err)
{
	const struct modules_choice choice = { .wants = wants, .arg = wants_arg };
	struct btfpack_stored_modules *m = arg;
	int error;

	btfpack_modules_free(&m->loaded);
	error = take(m->archive, &m->stock, &choice, &m->loaded, err);
	if (error)
		return error;
	*ret = m->loaded.modules;
	*count_ret = m->loaded.count;
	return 0;
}

static int read_stock(struct btfpack_stored_modules *m, const struct btfpack_entry *e,
		      struct btfpack_error *err)
{
	int found, error;

	m->stock = (struct stock){ .key = key_text(&e->kernel, m->key),
				   .id = e->modules_id,
				   .count = e->modules };
	error = read_ends(m->archive, e, &m->stock.ends, err);
	if (error)
		return error;
	found = module_names_get(m->archive, &e->modules_id, &m->names, err);
	m->has_names = found > 0;
	return found < 0 ? found : 0;
}

int btfpack_archive_open_modules(struct btfpack_archive *a, const struct btfpack_entry *entry,
				 struct btfpack_stored_modules **ret, struct btfpack_error *err)
{
	struct btfpack_stored_modules *m = calloc(1, sizeof(*m));
	int error = 0;

	if (!m)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", a->dir);
	m->archive = a;
	m->source = (struct btfpack_module_source){ entry->modules, may_have, load, m };
	if (entry->modules)
		error = read_stock(m, entry, err);
	if (error) {
		btfpack_stored_modules_close(m);
		return error;
	}
	*ret = m; /* the caller's */
	return 0;
}

const struct btfpack_module_source *
btfpack_stored_modules_source(const struct btfpack_stored_modules *m)
{
	return &m->source;
}

void btfpack_stored_modules_close(struct btfpack_stored_modules *m)
{
	if (!m)
		return;
	module_names_deinit(&m->names);
	btfpack_blob_free(&m->stock.joined);
	btfpack_modules_free(&m->loaded);
	free(m);
}
