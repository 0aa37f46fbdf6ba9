/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The archive as a whole: open, add, find, remove.
 *
 * One lock orders all writers: the index's write transaction (db_begin). Under it
 * a writer appends to a pack, syncs the pack, and commits the rows that speak of
 * the new bytes; the commit is the moment at which something is stored. Killed
 * before it, a writer leaves a pack with a tail that the index does not count,
 * which the next one cuts off. There is nothing to repair, and no second lock
 * whose holder could be another than the first one's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive-index/handle.h"
#include "btf/btf-view.h"
#include "core/digest.h"
#include "core/fs.h"

#define INDEX_NAME "index.sqlite"
#define FRESH_NAME "index.new" /* while it is being made */

/* --- opening ------------------------------------------------------------------------------------ */

static int fail_errno(const char *path, const char *doing, struct btfpack_error *err)
{
	int code = errno;

	return btfpack_error_set(err, -code, "%s: cannot %s: %s", path, doing, strerror(code));
}

static char *join(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* Whether the directory holds nothing but @allowed and what begins with
 * @prefix. Both may be NULL. */
static bool holds_only(int dirfd, const char *name, const char *allowed, const char *prefix)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_DIR DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *d;

	if (!dir)
		return fd < 0 && errno == ENOENT;
	while ((d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..") &&
		    !(allowed && !strcmp(d->d_name, allowed)) &&
		    !(prefix && !strncmp(d->d_name, prefix, strlen(prefix))))
			return false;
	return true;
}

/* Empty, but for what a creation leaves that was interrupted. */
static bool is_fresh(int dirfd)
{
	return holds_only(dirfd, ".", "packs", FRESH_NAME) && holds_only(dirfd, "packs", NULL, NULL);
}

/* The index appears whole, by its name; until then the directory is none of an
 * archive. The caller holds the directory's lock. */
static int make_index(const char *dir, int dirfd, struct btfpack_error *err)
{
	AUTO_FREE char *fresh = join(dir, FRESH_NAME);
	int error;

	if (!fresh)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	if (mkdirat(dirfd, "packs", 0777) < 0 && errno != EEXIST)
		return fail_errno(dir, "make packs/ in it", err);
	unlinkat(dirfd, FRESH_NAME, 0);
	unlinkat(dirfd, FRESH_NAME "-journal", 0);
	error = db_create(fresh, err);
	if (error) {
		unlinkat(dirfd, FRESH_NAME, 0);
		unlinkat(dirfd, FRESH_NAME "-journal", 0);
		return error;
	}
	if (renameat(dirfd, FRESH_NAME, dirfd, INDEX_NAME) < 0)
		return fail_errno(fresh, "rename", err);
	if (fsync(dirfd) < 0)
		return fail_errno(dir, "sync", err);
	return 0;
}

static int create(const char *dir, int dirfd, struct btfpack_error *err)
{
	int error = 0;

	/* Two creators: the second one waits, and then finds an index. */
	if (flock(dirfd, LOCK_EX) < 0)
		return fail_errno(dir, "lock", err);
	if (faccessat(dirfd, INDEX_NAME, F_OK, 0) < 0)
		error = make_index(dir, dirfd, err);
	flock(dirfd, LOCK_UN);
	return error;
}

/* See that there is an index of ours, without changing anything else. */
static int find_index(const char *dir, int dirfd, const char *index, uint32_t flags,
		      struct btfpack_error *err)
{
	bool is_ours;
	int error;

	if (faccessat(dirfd, INDEX_NAME, F_OK, 0) < 0) {
		if (errno != ENOENT)
			return fail_errno(index, "open", err);
		if (flags & BTFPACK_ARCHIVE_CREATE && is_fresh(dirfd))
			error = create(dir, dirfd, err);
		else
			error = btfpack_error_set(err, -EINVAL,
						  "%s: is not an archive of btfpack: expected "
						  INDEX_NAME " in it",
						  dir);
		if (error)
			return error;
	}
	error = db_is_index(index, &is_ours, err);
	if (!error && !is_ours)
		return btfpack_error_set(err, -EINVAL,
					 "%s: is not an archive of btfpack: its " INDEX_NAME
					 " is no index that btfpack wrote",
					 dir);
	return error;
}

static int open_parts(struct btfpack_archive *a, uint32_t flags, struct btfpack_error *err)
{
	AUTO_FREE char *index = join(a->dir, INDEX_NAME);
	int error;

	if (!index)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", a->dir);
	a->dirfd = open(a->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (a->dirfd < 0)
		return fail_errno(a->dir, "open", err);
	error = find_index(a->dir, a->dirfd, index, flags, err);
	if (!error)
		error = db_open(index, a->read_only, &a->db, err);
	if (!error)
		error = objects_open(a->dirfd, a->dir, &a->objects, err);
	return error;
}

void btfpack_archive_close(struct btfpack_archive *a)
{
	if (!a)
		return;
	content_forget(a);
	objects_close(a->objects);
	db_close(a->db);
	if (a->dirfd >= 0)
		close(a->dirfd);
	free(a->dir);
	free(a);
}

static void close_archivep(struct btfpack_archive **a)
{
	btfpack_archive_close(*a);
}

int btfpack_archive_open(const char *dir, uint32_t flags, struct btfpack_archive **ret,
			 struct btfpack_error *err)
{
	CLEANUP(close_archivep) struct btfpack_archive *a = NULL;
	int error = 0;

	if (flags & ~(BTFPACK_ARCHIVE_CREATE | BTFPACK_ARCHIVE_READ_ONLY) ||
	    flags == (BTFPACK_ARCHIVE_CREATE | BTFPACK_ARCHIVE_READ_ONLY))
		return btfpack_error_set(err, -EINVAL, "%s: flags %#x make no sense", dir, flags);
	a = calloc(1, sizeof(*a));
	if (a)
		*a = (struct btfpack_archive){ .dirfd = -1, .dir = strdup(dir) };
	if (!a || !a->dir)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", dir);
	a->read_only = flags & BTFPACK_ARCHIVE_READ_ONLY;
	if (flags & BTFPACK_ARCHIVE_CREATE)
		error = fs_make_dirs(dir, err);
	if (!error)
		error = open_parts(a, flags, err);
	if (!error)
		*ret = steal_ptr(a); /* the caller's */
	return error;
}

int archive_check_writable(const struct btfpack_archive *a, struct btfpack_error *err)
{
	if (!a->read_only)
		return 0;
	return btfpack_error_set(err, -EROFS, "%s: was opened for reading only", a->dir);
}

/* --- adding ------------------------------------------------------------------------------------- */

#define KEY_PARAMETERS "tttttt"
#define KEY_ARGUMENTS(k, set)                                                                      \
	(k)->distro, (k)->release, (k)->arch, (k)->uname, text_or_empty((k)->build_id),            \
		text_or_empty(set)

struct addition {
	struct btfpack_kernel kernel;
	const char *set;
	struct btfpack_provenance provenance;
	const struct btfpack_blob *btf;
	struct btfpack_id id;
	char package_sha256[DIGEST_HEX_SIZE]; /* the provenance's, in lower case */
	struct btfpack_entry *known;	      /* the entry it is about, when there is one */
	int64_t added, changed;		      /* in another archive; 0: now */
};

static int check_names(const struct btfpack_kernel *k, const char *set,
		       const struct btfpack_provenance *p, struct btfpack_error *err)
{
	int error = key_check(k, err);

	if (!error)
		error = set_check(set, err);
	return error ? error : provenance_check(p, err);
}

static int check_addition(const struct btfpack_kernel *k, const char *set,
			  const struct btfpack_blob *btf, const struct btfpack_provenance *p,
			  struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	char name[KEY_TEXT_SIZE];
	int error = check_names(k, set, p, err);

	if (!error && btf->size > BTFPACK_ARCHIVE_BTF_MAX)
		error = btfpack_error_set(err, -EFBIG,
					  "the BTF of %s: %zu bytes, the limit is %zu",
					  key_text(k, name), btf->size, BTFPACK_ARCHIVE_BTF_MAX);
	return error ? error
		     : btf_view_init(&view, btf->data, btf->size, NULL, key_text(k, name), err);
}

static int next_entry(struct btfpack_archive *a, struct db_stmt *s, struct btfpack_entry **ret,
		      struct btfpack_error *err)
{
	int error = db_next(s, err);

	return error <= 0 ? error : entry_read(a, s, ret, err);
}

/* The entry of exactly this key into add->known, if there is one. */
static int find_same_key(struct btfpack_archive *a, struct addition *add,
			 struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err,
			     ENTRY_SELECT "WHERE e.distro = ? AND e.release = ? AND e.arch = ? AND "
					  "e.uname = ? AND e.build_id = ? AND e.set_name = ?",
			     KEY_PARAMETERS, KEY_ARGUMENTS(&add->kernel, add->set));

	return error ? error : next_entry(a, s, &add->known, err);
}

/* An entry of the same names and content of which one build-id is not known. */
static int find_same_content(struct btfpack_archive *a, struct addition *add,
			     struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = db_query(a->db, &s, err,
			     ENTRY_SELECT "WHERE e.distro = ?1 AND e.release = ?2 AND e.arch = ?3 "
					  "AND e.uname = ?4 AND e.set_name = ?6 AND e.content = ?7 "
					  "AND (e.build_id = '' OR ?5 = '') "
					  "ORDER BY e.build_id LIMIT 1",
			     KEY_PARAMETERS "d", KEY_ARGUMENTS(&add->kernel, add->set), &add->id);

	return error ? error : next_entry(a, s, &add->known, err);
}

static int remove_entry(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
			struct btfpack_error *err)
{
	return db_do(a->db, err,
		     "DELETE FROM entry WHERE distro = ? AND release = ? AND arch = ? AND uname = ? "
		     "AND build_id = ? AND set_name = ?",
		     KEY_PARAMETERS, KEY_ARGUMENTS(k, set));
}

static int put_entry(struct btfpack_archive *a, const struct addition *add, int64_t added,
		     int64_t changed, struct btfpack_error *err)
{
	const struct btfpack_provenance *p = &add->provenance;

	return db_do(a->db, err,
		     "INSERT OR REPLACE INTO entry VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "
		     "?11, ?12, ?13, ?14, ?15, row_sum(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
		     "?12, ?13, ?14, ?15))",
		     KEY_PARAMETERS "diitttttt", KEY_ARGUMENTS(&add->kernel, add->set), &add->id,
		     added, changed, p->package, p->package_version, p->package_sha256, p->source,
		     p->suite, p->converter);
}

static bool is_same_text(const char *a, const char *b)
{
	return !strcmp(text_or_empty(a), text_or_empty(b));
}

/* Complete @p by what is known of the same package. True when that leaves
 * nothing new in it. */
static bool merge_provenance(struct btfpack_provenance *p, const struct btfpack_provenance *known)
{
	bool nothing_new = true;
	const char **fields[] = { &p->package, &p->package_version, &p->package_sha256,
				  &p->source,  &p->suite,	    &p->converter };
	const char *const olds[] = { known->package, known->package_version,
				     known->package_sha256, known->source,
				     known->suite, known->converter };
	bool is_other = (p->package && known->package && strcmp(p->package, known->package)) ||
			(p->package_version && known->package_version &&
			 strcmp(p->package_version, known->package_version));

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!*fields[i] && !is_other)
			*fields[i] = olds[i];
		nothing_new &= is_same_text(*fields[i], olds[i]);
	}
	return nothing_new;
}

/* The failures that storing this entry answers. */
static int forget_failures(struct btfpack_archive *a, const struct addition *add,
			   struct btfpack_error *err)
{
	if (add->set)
		return 0;
	return db_do(a->db, err,
		     "DELETE FROM failure WHERE distro = ?1 AND release = ?2 AND arch = ?3 AND "
		     "(uname = ?4 OR (package = ?5 AND package_version = ?6))",
		     "tttttt", add->kernel.distro, add->kernel.release, add->kernel.arch,
		     add->kernel.uname, text_or_empty(add->provenance.package),
		     text_or_empty(add->provenance.package_version));
}

/* The same content again: 1, after noting what is new about it. */
static int add_again(struct btfpack_archive *a, struct addition *add, struct btfpack_error *err)
{
	struct btfpack_kernel old = add->known->kernel;
	bool nothing_new = merge_provenance(&add->provenance, &add->known->provenance);
	int error = 0;

	if (!add->kernel.build_id)
		add->kernel.build_id = old.build_id;
	else if (!old.build_id)
		nothing_new = false;
	if (nothing_new)
		return 1;
	error = remove_entry(a, &old, add->set, err);
	if (!error)
		error = put_entry(a, add, add->known->added, add->known->changed, err);
	return error ? error : 1;
}

/* Of two archives' entries one is later, whichever of them is merged into the other. */
static bool is_later(const struct btfpack_entry *known, const struct addition *add)
{
	if (known->changed != add->changed)
		return known->changed > add->changed;
	return memcmp(&known->id, &add->id, sizeof(add->id)) > 0;
}

static int add_in_transaction(struct btfpack_archive *a, struct addition *add,
			      struct prepared *content, struct btfpack_error *err)
{
	int64_t now = add->changed ? add->changed : time(NULL);
	int64_t added = add->changed ? add->added : now;
	int error = find_same_key(a, add, err);

	if (!error && !add->known)
		error = find_same_content(a, add, err);
	if (error)
		return error;
	if (add->known && digest_is_equal(&add->known->id, &add->id))
		return add_again(a, add, err);
	if (add->known && add->changed && is_later(add->known, add))
		return BTFPACK_ARCHIVE_OLDER;
	error = content_put(a, add->btf, content, err);
	return error ? error : put_entry(a, add, add->known ? add->known->added : added, now, err);
}

static int add_locked(struct btfpack_archive *a, struct addition *add, struct prepared *content,
		      struct btfpack_error *err)
{
	int error, result = db_begin(a->db, err);

	if (result)
		return result;
	result = add_in_transaction(a, add, content, err);
	error = result < 0 ? result : forget_failures(a, add, err);
	if (!error)
		error = modules_follow(a, &add->kernel, err);
	if (!error)
		error = db_commit(a->db, err);
	db_rollback(a->db);
	return error ? error : result;
}

/* One spelling of a SHA-256, so that it can be looked up as text. */
static void lower_sha256(struct btfpack_provenance *p, char buffer[DIGEST_HEX_SIZE])
{
	struct btfpack_id id;

	if (!p->package_sha256 || digest_parse(p->package_sha256, &id) < 0)
		return;
	digest_format(&id, buffer);
	p->package_sha256 = buffer;
}

static int add_checked(struct btfpack_archive *a, struct addition *add, struct btfpack_error *err)
{
	CLEANUP(prepared_deinit) struct prepared content = { 0 };
	int error = archive_check_writable(a, err);

	if (!error)
		error = check_addition(&add->kernel, add->set, add->btf, &add->provenance, err);
	if (error)
		return error;
	lower_sha256(&add->provenance, add->package_sha256);
	error = digest_bytes(add->btf->data, add->btf->size, &add->id);
	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", a->dir);
	error = content_prepare(a, &add->kernel, add->set, add->btf, &add->id, &content, err);
	if (!error)
		error = add_locked(a, add, &content, err);
	free(add->known);
	return error;
}

int btfpack_archive_add(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
			const struct btfpack_blob *btf, const struct btfpack_provenance *provenance,
			struct btfpack_id *id_ret, struct btfpack_error *err)
{
	struct addition add = { .kernel = *k, .set = set, .btf = btf };
	int error;

	if (provenance)
		add.provenance = *provenance;
	error = add_checked(a, &add, err);
	if (error >= 0 && id_ret)
		*id_ret = add.id;
	return error;
}

static struct addition addition_of(const struct btfpack_entry *entry, const struct btfpack_blob *btf)
{
	return (struct addition){
		.kernel = entry->kernel,
		.set = entry->set,
		.btf = btf,
		.provenance = entry->provenance,
		.added = entry->added,
		.changed = entry->changed,
	};
}

int btfpack_archive_copy(struct btfpack_archive *a, const struct btfpack_entry *entry,
			 const struct btfpack_blob *btf, struct btfpack_error *err)
{
	struct addition add = addition_of(entry, btf);

	return add_checked(a, &add, err);
}

/* The entry's content, for @a: as it is stored in @from, or else encoded anew. */
static int fetch_content(struct btfpack_archive *a, struct btfpack_archive *from,
			 const struct addition *add, struct btfpack_blob *btf,
			 struct prepared *ret, struct btfpack_error *err)
{
	int taken, error = btfpack_archive_get(from, &add->id, btf, err);

	if (!error)
		error = check_addition(&add->kernel, add->set, btf, &add->provenance, err);
	if (error)
		return error;
	taken = content_take(a, from, add->set ? NULL : &add->kernel, &add->id, btf, ret, err);
	if (taken)
		return taken < 0 ? taken : 0;
	return content_prepare(a, &add->kernel, add->set, btf, &add->id, ret, err);
}

static int copy_checked(struct btfpack_archive *a, struct btfpack_archive *from,
			const struct btfpack_entry *entry, bool is_here, struct btfpack_error *err)
{
	CLEANUP(prepared_deinit) struct prepared content = { .record.id = entry->id };
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct addition add = addition_of(entry, &btf);
	int error = archive_check_writable(a, err);

	add.id = entry->id;
	lower_sha256(&add.provenance, add.package_sha256);
	if (!error)
		error = is_here ? check_names(&add.kernel, add.set, &add.provenance, err)
				: fetch_content(a, from, &add, &btf, &content, err);
	if (!error)
		error = add_locked(a, &add, &content, err);
	free(add.known);
	return error;
}

int btfpack_archive_copy_from(struct btfpack_archive *a, struct btfpack_archive *from,
			      const struct btfpack_entry *entry, struct btfpack_error *err)
{
	struct content known;
	int result = content_find(a, &entry->id, &known, err);

	if (result < 0)
		return result;
	result = copy_checked(a, from, entry, result, err);
	if (result == -ESTALE) /* it was here, and was collected meanwhile */
		result = copy_checked(a, from, entry, false, err);
	return result;
}

/* --- finding ------------------------------------------------------------------------------------ */

/* Do the names in @k suffice to mean one kernel? */
static int check_lookup(const struct btfpack_kernel *k, const char *set, struct btfpack_error *err)
{
	char key[KEY_TEXT_SIZE];

	if (!k->build_id && !(k->distro && k->release && k->arch && k->uname))
		return btfpack_error_set(err, -EINVAL,
					 "%s: expected distro, release, arch and uname, or a "
					 "build-id",
					 key_text(k, key));
	return set_check(set, err);
}

#define BY_KEY                                                                                     \
	"WHERE (?1 IS NULL OR e.distro = ?1) AND (?2 IS NULL OR e.release = ?2) AND "              \
	"(?3 IS NULL OR e.arch = ?3) AND (?4 IS NULL OR e.uname = ?4) AND e.set_name = ?6 "
#define BY_BUILD_ID "AND e.build_id = ?5 AND e.build_id != '' "
#define LAST_ADDED  "ORDER BY e.changed DESC, e.build_id DESC LIMIT 1"

/* 1 and the entry, 0, <0. */
static int find_entry(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
		      struct btfpack_entry **ret, struct btfpack_error *err)
{
	static const char by_build_id[] = ENTRY_SELECT BY_KEY BY_BUILD_ID LAST_ADDED;
	/* The four names are there: let the primary key find them. */
	static const char by_names[] =
		ENTRY_SELECT "WHERE e.distro = ?1 AND e.release = ?2 AND e.arch = ?3 AND "
			     "e.uname = ?4 AND e.set_name = ?6 " LAST_ADDED;
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int error = check_lookup(k, set, err);

	if (!error)
		error = db_query(a->db, &s, err, k->build_id ? by_build_id : by_names, "tttttt",
				 k->distro, k->release, k->arch, k->uname, k->build_id,
				 text_or_empty(set));
	if (!error)
		error = db_next(s, err);
	if (error <= 0)
		return error;
	error = entry_read(a, s, ret, err);
	return error ? error : 1;
}

int btfpack_archive_has(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
			struct btfpack_error *err)
{
	AUTO_FREE struct btfpack_entry *entry = NULL;

	return find_entry(a, k, set, &entry, err);
}

int btfpack_archive_get(struct btfpack_archive *a, const struct btfpack_id *id,
			struct btfpack_blob *ret, struct btfpack_error *err)
{
	char hex[DIGEST_HEX_SIZE];
	struct content content;
	int error = content_find(a, id, &content, err);

	if (error < 0)
		return error;
	if (error > 0)
		return content_load(a, &content, ret, err);
	digest_format(id, hex);
	return btfpack_error_set(err, -ENOENT, "%s: no content %s", a->dir, hex);
}

int btfpack_archive_find(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *set,
			 struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_FREE struct btfpack_entry *entry = NULL;
	char key[KEY_TEXT_SIZE];
	int error = find_entry(a, k, set, &entry, err);

	if (error < 0)
		return error;
	if (error > 0)
		return btfpack_archive_get(a, &entry->id, ret, err);
	return btfpack_error_set(err, -ENOENT, "%s: no %s%s of %s", a->dir, set ? "set " : "BTF",
				 set ? set : "", key_text(k, key));
}

int btfpack_archive_has_package(struct btfpack_archive *a, const struct btfpack_kernel *filter,
				const struct btfpack_provenance *p, struct btfpack_error *err)
{
	const struct btfpack_kernel any = { 0 }, *k = filter ? filter : &any;
	AUTO_DB_STMT struct db_stmt *s = NULL;
	struct btfpack_provenance lower = *p;
	char buffer[DIGEST_HEX_SIZE];
	int error;

	lower_sha256(&lower, buffer);
	if (!p->package_sha256 && !(p->package && p->package_version))
		return btfpack_error_set(err, -EINVAL, "expected a package's SHA-256, or its name "
						       "and version");
	error = db_query(a->db, &s, err,
			 "SELECT 1 FROM entry e " BY_KEY "AND (?5 IS NULL OR e.build_id = ?5) AND "
			 "(e.package_sha256 = ?7 OR ((?7 IS NULL OR e.package_sha256 IS NULL) AND "
			 "e.package = ?8 AND e.package_version = ?9)) LIMIT 1",
			 "ttttttttt", k->distro, k->release, k->arch, k->uname, k->build_id, "",
			 lower.package_sha256, p->package, p->package_version);
	return error ? error : db_next(s, err);
}

/* --- removing ----------------------------------------------------------------------------------- */

/* How many entries @k may mean; one of its build-ids into the row of @s. */
static int remove_in_transaction(struct btfpack_archive *a, const struct btfpack_kernel *k,
				 const char *set, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	struct btfpack_kernel exact = *k;
	char key[KEY_TEXT_SIZE], build_id[256] = "";
	int64_t count, unknown;
	int error = db_query(a->db, &s, err,
			     "SELECT count(*), max(build_id), sum(build_id = '') FROM entry e "
			     BY_KEY "AND (?5 IS NULL OR e.build_id = ?5)",
			     "tttttt", k->distro, k->release, k->arch, k->uname, k->build_id,
			     text_or_empty(set));

	if (!error)
		error = db_next(s, err);
	if (error < 0)
		return error;
	count = db_int(s, 0);
	unknown = db_int(s, 2);
	snprintf(build_id, sizeof(build_id), "%s", text_or_empty(db_text(s, 1)));
	if (!count)
		return btfpack_error_set(err, -ENOENT, "%s: no %s%s of %s", a->dir,
					 set ? "set " : "BTF", set ? set : "", key_text(k, key));
	if (count > 1 && !unknown)
		return btfpack_error_set(err, -EINVAL,
					 "%s: %s: %lld builds of it, expected a build-id to tell "
					 "which",
					 a->dir, key_text(k, key), (long long)count);
	if (!k->build_id && !unknown)
		exact.build_id = build_id;
	return remove_entry(a, &exact, set, err);
}

int btfpack_archive_remove(struct btfpack_archive *a, const struct btfpack_kernel *k,
			   const char *set, struct btfpack_error *err)
{
	int error = archive_check_writable(a, err);

	if (!error)
		error = key_check(k, err);
	if (!error)
		error = set_check(set, err);
	if (!error)
		error = db_begin(a->db, err);
	if (error)
		return error;
	error = remove_in_transaction(a, k, set, err);
	if (!error)
		error = modules_follow(a, k, err);
	if (!error)
		error = db_commit(a->db, err);
	db_rollback(a->db);
	return error;
}
