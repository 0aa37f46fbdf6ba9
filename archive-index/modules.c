/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The modules of a kernel: a row beside its entry, and one content for all of them
 * (modules-joined.h).
 *
 * That content is told by the modules of another kernel of its version, where there are
 * some, else by the kernel's own vmlinux. Of Debian's 6.1 for cloud machines the first
 * kernel's 1,121 modules take 1.25 MB, the next one's 15 kB.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "archive-index/handle.h"
#include "archive-index/module-names.h"
#include "archive-index/modules-joined.h"
#include "core/digest.h"

#define NAME_MAXIMUM  255
#define COUNT_MAXIMUM 1000000

void btfpack_modules_free(struct btfpack_modules *modules)
{
	if (!modules)
		return;
	for (size_t i = 0; i < modules->count; i++) {
		btfpack_blob_free(&modules->modules[i].btf);
		free((char *)modules->modules[i].name);
	}
	free(modules->modules);
	*modules = (struct btfpack_modules){ 0 };
}

/* --- storing ------------------------------------------------------------------------------------- */

/* What is to be stored. */
struct addition {
	const struct btfpack_kernel *kernel;
	const struct btfpack_id *base;
	struct btfpack_module_btf *modules; /* sorted; names and bytes are the caller's */
	size_t count;
	uint32_t failed;
	int64_t changed; /* in another archive; 0: now */

	struct btfpack_blob joined; /* empty: no modules */
	struct btfpack_id id;
	struct modules_base ends;
	struct module_names names;
};

static void addition_deinit(struct addition *add)
{
	free(add->modules);
	btfpack_blob_free(&add->joined);
	module_names_deinit(&add->names);
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct btfpack_module_btf *)a)->name,
		      ((const struct btfpack_module_btf *)b)->name);
}

/* It becomes a file's name elsewhere. */
static bool is_fit(const char *name)
{
	size_t length = strnlen(name, NAME_MAXIMUM + 1);

	if (!length || length > NAME_MAXIMUM || *name == '.' || !strcmp(name, "vmlinux"))
		return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '/' || *c == '\177')
			return false;
	return true;
}

static int sort_modules(struct addition *add, const struct btfpack_module_btf *modules,
			struct btfpack_error *err)
{
	if (add->count > COUNT_MAXIMUM)
		return btfpack_error_set(err, -EFBIG, "more than %d modules", COUNT_MAXIMUM);
	add->modules = calloc(add->count + 1, sizeof(*modules));
	if (!add->modules)
		return btfpack_error_set(err, -ENOMEM, "out of memory for modules");
	if (add->count)
		memcpy(add->modules, modules, add->count * sizeof(*modules));
	qsort(add->modules, add->count, sizeof(*modules), compare_names);
	for (size_t i = 0; i < add->count; i++) {
		const char *name = add->modules[i].name;

		if (!is_fit(name))
			return btfpack_error_set(err, -EINVAL, "'%.80s' is no name of a module", name);
		if (i && !compare_names(&add->modules[i - 1], &add->modules[i]))
			return btfpack_error_set(err, -EINVAL, "two modules of the name %.80s", name);
	}
	return 0;
}

/* The entry of @add's kernel that has its base as content. Of builds that share it, the
 * one of the build-id given. */
static int find_kernel(struct btfpack_archive *a, const struct addition *add,
		       struct btfpack_entry **ret, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	const struct btfpack_kernel *k = add->kernel;
	char key[KEY_TEXT_SIZE];
	int error = key_check(k, err);

	if (!error)
		error = db_query(a->db, &s, err,
				 ENTRY_SELECT
				 "WHERE e.distro = ?1 AND e.release = ?2 AND e.arch = ?3 AND "
				 "e.uname = ?4 AND e.set_name = '' AND e.content = ?6 AND "
				 "(?5 = '' OR e.build_id = '' OR e.build_id = ?5) "
				 "ORDER BY e.build_id = ?5 DESC, e.build_id LIMIT 1",
				 "tttttd", k->distro, k->release, k->arch, k->uname,
				 text_or_empty(k->build_id), add->base);
	if (!error)
		error = db_next(s, err);
	if (error)
		return error < 0 ? error : entry_read(a, s, ret, err);
	return btfpack_error_set(err, -ENOENT, "%s: no %s with the BTF that these modules stand on",
				 a->dir, key_text(k, key));
}

/* What the joined BTF is told by. */
static int choose_base(struct btfpack_archive *a, const struct addition *add,
		       const struct btfpack_kernel *k, struct content *ret,
		       struct btfpack_error *err)
{
	int found = base_choose_modules(a, k, ret, err);

	if (!found)
		found = content_find(a, add->base, ret, err);
	if (found)
		return found < 0 ? found : 0;
	return btfpack_error_set(err, -EBADMSG, "%s: the content of an entry is not in the index",
				 a->dir);
}

static int join(struct btfpack_archive *a, struct addition *add, const struct btfpack_kernel *k,
		struct prepared *ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob vmlinux = { 0 };
	struct content base;
	char key[KEY_TEXT_SIZE];
	int error = btfpack_archive_get(a, add->base, &vmlinux, err);

	if (!error)
		error = modules_join(&vmlinux, add->modules, add->count, key_text(k, key),
				     &add->joined, &add->ends, err);
	if (!error && (digest_bytes(add->joined.data, add->joined.size, &add->id) ||
		       module_names_of(&add->joined, &add->ends, &add->names)))
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", a->dir);
	if (!error)
		error = choose_base(a, add, k, &base, err);
	return error ? error : content_prepare_on(a, &base, &add->joined, &add->id, ret, err);
}

static int put_row(struct btfpack_archive *a, const struct addition *add,
		   const struct btfpack_kernel *k, struct btfpack_error *err)
{
	return db_do(a->db, err,
		     "INSERT OR REPLACE INTO modules VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
		     "?10, ?11, ?12, row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12))",
		     "tttttdiidiii", k->distro, k->release, k->arch, k->uname,
		     text_or_empty(k->build_id), add->base, (int64_t)add->ends.types,
		     (int64_t)add->ends.strings, add->count ? &add->id : NULL, (int64_t)add->count,
		     (int64_t)add->failed, add->changed ? add->changed : (int64_t)time(NULL));
}

/* Of two archives' modules of a kernel one is later, whichever is merged into the other. */
static bool is_later(const struct btfpack_entry *known, const struct addition *add)
{
	if (known->modules_changed != add->changed)
		return known->modules_changed > add->changed;
	return memcmp(&known->modules_id, &add->id, sizeof(add->id)) > 0;
}

static int add_in_transaction(struct btfpack_archive *a, struct addition *add,
			      struct prepared *content, struct btfpack_error *err)
{
	AUTO_FREE struct btfpack_entry *known = NULL;
	int error = find_kernel(a, add, &known, err);

	if (error)
		return error;
	if (known->has_modules && digest_is_equal(&known->modules_id, &add->id) &&
	    known->modules_failed == add->failed)
		return 1;
	if (known->has_modules && add->changed && is_later(known, add))
		return BTFPACK_ARCHIVE_OLDER;
	if (add->count)
		error = content_put(a, &add->joined, content, err);
	if (!error && add->count)
		error = module_names_put(a, &add->id, &add->names, err);
	return error ? error : put_row(a, add, &known->kernel, err);
}

static int add_checked(struct btfpack_archive *a, struct addition *add,
		       const struct btfpack_module_btf *modules, struct btfpack_error *err)
{
	CLEANUP(prepared_deinit) struct prepared content = { 0 };
	AUTO_FREE struct btfpack_entry *known = NULL;
	int result, error = archive_check_writable(a, err);

	if (!error)
		error = sort_modules(add, modules, err);
	if (!error)
		error = find_kernel(a, add, &known, err);
	if (!error && add->count)
		error = join(a, add, &known->kernel, &content, err);
	if (!error)
		error = db_begin(a->db, err);
	if (error)
		return error;
	result = add_in_transaction(a, add, &content, err);
	error = result < 0 ? result : db_commit(a->db, err);
	db_rollback(a->db);
	return error ? error : result;
}

int btfpack_archive_add_modules(struct btfpack_archive *a, const struct btfpack_kernel *k,
				const struct btfpack_id *base,
				const struct btfpack_module_btf *modules, size_t count,
				uint32_t failed, struct btfpack_error *err)
{
	CLEANUP(addition_deinit)
	struct addition add = { .kernel = k, .base = base, .count = count, .failed = failed };

	return add_checked(a, &add, modules, err);
}

int btfpack_archive_copy_modules(struct btfpack_archive *a, const struct btfpack_entry *entry,
				 const struct btfpack_modules *modules, struct btfpack_error *err)
{
	CLEANUP(addition_deinit)
	struct addition add = { .kernel = &entry->kernel, .base = &entry->id,
				.count = modules->count, .failed = entry->modules_failed,
				.changed = entry->modules_changed };

	return add_checked(a, &add, modules->modules, err);
}

/* --- with their kernel --------------------------------------------------------------------------- */

#define OF_NAMES "distro = ?1 AND release = ?2 AND arch = ?3 AND uname = ?4"
#define SAME_CONTENT                                                                               \
	"FROM entry e WHERE e.distro = ?1 AND e.release = ?2 AND e.arch = ?3 AND e.uname = ?4 "    \
	"AND e.set_name = '' AND e.content = modules.base"
#define LEARNT	 "(SELECT max(e.build_id) " SAME_CONTENT ")"
#define NAMES(k) "tttt", (k)->distro, (k)->release, (k)->arch, (k)->uname

static int has_rows(struct btfpack_archive *a, const struct btfpack_kernel *k,
		    struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err, "SELECT 1 FROM modules WHERE " OF_NAMES " LIMIT 1",
			     NAMES(k));

	return error ? error : db_next(s, err);
}

int modules_follow(struct btfpack_archive *a, const struct btfpack_kernel *k,
		   struct btfpack_error *err)
{
	int error = has_rows(a, k, err);

	if (error <= 0)
		return error;
	/* An entry of the same content may have learnt its build-id. */
	error = db_do(a->db, err,
		      "UPDATE OR IGNORE modules SET build_id = " LEARNT ", sum = row_sum(distro, "
		      "release, arch, uname, " LEARNT ", base, base_types, base_strings, content, "
		      "count, failed, changed) WHERE " OF_NAMES " AND build_id = '' AND "
		      "EXISTS (SELECT 1 " SAME_CONTENT ") AND NOT EXISTS (SELECT 1 " SAME_CONTENT
		      " AND e.build_id = '')",
		      NAMES(k));
	return error ? error
		     : db_do(a->db, err,
			     "DELETE FROM modules WHERE " OF_NAMES " AND NOT EXISTS (SELECT 1 "
			     SAME_CONTENT " AND e.build_id = modules.build_id)",
			     NAMES(k));
}
