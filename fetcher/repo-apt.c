/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * apt repositories. What is believed, and why:
 *
 *	InRelease             signed by the distribution's keys (gpgv); or Release, and
 *	  │                   its signature in Release.gpg
 *	  └ main/binary-<arch>/Packages.*   size and SHA-256 in InRelease
 *	      └ the package                 size and SHA-256 in Packages
 *
 * Of an index of tens of megabytes a few kilobytes concern kernels. They are kept
 * as a note in the cache under the digest of the index they were cut from, so
 * that an index that did not change is neither downloaded nor unpacked again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "fetcher/apt-packages.h"
#include "fetcher/apt-release.h"
#include "fetcher/download-cache.h"
#include "fetcher/http.h"
#include "fetcher/repo.h"
#include "fetcher/signature.h"
#include "fetcher/version.h"

#define RELEASE_MAXIMUM ((size_t)16 << 20)
#define SIGNATURE_MAXIMUM ((size_t)64 << 10)
#define INDEX_MAXIMUM   ((uint64_t)1 << 30) /* plain; Debian's largest has 65 MB */
#define EXCERPT_MAXIMUM ((size_t)8 << 20)

#define DIRECTORY_SIZE 96
#define PATH_SIZE      (DIRECTORY_SIZE + 16)

/* Counts up when what an excerpt holds or how it was chosen changes. */
#define EXCERPT_FORMAT 1

/* Smallest first. */
static const char *const endings[] = { ".xz", ".gz", "" };

/* An index being cut. */
struct cut {
	const struct repo *repo;
	struct buf excerpt;
};

/* Packages from an excerpt, on their way into the list. */
struct collection {
	const struct repo *repo;
	const char *arch; /* uname -m */
	bool is_signed;
	struct package_list *list;
};

static bool is_kernel(const struct repo *repo, const char *name)
{
	struct kernel_name ignored;

	return repo->distro->recognize(&(struct package_name){ .name = name }, &ignored);
}

/* --- Packages → excerpt ------------------------------------------------------------------------- */

static bool cut_wants(void *arg, const char *name)
{
	return is_kernel(((struct cut *)arg)->repo, name);
}

static int cut_found(void *arg, const struct apt_package *package, struct btfpack_error *err)
{
	struct cut *cut = arg;
	int error = buf_add_format(&cut->excerpt,
				   "Package: %s\nVersion: %s\nFilename: %s\nSize: %llu\n"
				   "SHA256: %s\n\n",
				   package->name, package->version, package->filename,
				   (unsigned long long)package->size, package->sha256);

	return error < 0 ? btfpack_error_set(err, error, "too many kernels in one index") : 0;
}

static int cut_feed(void *packages, const void *data, size_t size, struct btfpack_error *err)
{
	return apt_packages_feed(packages, data, size, err);
}

static int cut_file(struct cut *cut, const char *path, const char *what, struct btfpack_error *err)
{
	static const struct apt_packages_ops ops = { cut_wants, cut_found };
	CLEANUP(apt_packages_deinit) struct apt_packages packages = { 0 };
	int error = apt_packages_init(&packages, &ops, cut, what, err);

	if (!error)
		error = repo_read_index(path, INDEX_MAXIMUM, what, cut_feed, &packages, err);
	return error < 0 ? error : apt_packages_finish(&packages, err);
}

/* By its digest where the mirror offers that: then it is the one that InRelease
 * means even while the mirror is being updated. */
static int download_index(const struct repo *repo, const struct apt_release *release,
			  const struct apt_index *index, char **path_ret, struct btfpack_error *err)
{
	const struct checksum digest = checksum_of_id(&index->digest);
	AUTO_FREE char *plain = NULL, *by_hash = NULL;
	char hex[DIGEST_HEX_SIZE];
	int error = -ENOENT;

	digest_format(&index->digest, hex);
	if (asprintf(&plain, "%s/dists/%s/%s", repo->url, repo->suite, index->path) < 0)
		plain = NULL;
	if (asprintf(&by_hash, "%s/dists/%s/%.*s/by-hash/SHA256/%s", repo->url, repo->suite,
		     (int)(strrchr(index->path, '/') - index->path), index->path, hex) < 0)
		by_hash = NULL;
	if (!plain || !by_hash)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	if (release->by_hash)
		error = download_cache_get(repo->cache, by_hash, &digest, index->size,
					   path_ret, err);
	if (error == -ENOENT)
		error = download_cache_get(repo->cache, plain, &digest, index->size,
					   path_ret, err);
	return error;
}

static int excerpt_of(const struct repo *repo, const struct apt_release *release,
		      const struct apt_index *index, struct btfpack_blob *ret,
		      struct btfpack_error *err)
{
	struct cut cut = { repo, BUF_INIT(EXCERPT_MAXIMUM) };
	AUTO_FREE char *path = NULL, *what = NULL;
	int error;

	if (index->size > INDEX_MAXIMUM)
		return btfpack_error_set(err, -EFBIG,
					 "%s/dists/%s/%s: the index has %llu bytes by its Release "
					 "file, more than the limit of %llu",
					 repo->url, repo->suite, index->path,
					 (unsigned long long)index->size,
					 (unsigned long long)INDEX_MAXIMUM);
	if (asprintf(&what, "%s %s", repo->suite, index->path) < 0) {
		what = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	}
	error = download_index(repo, release, index, &path, err);
	if (!error)
		error = cut_file(&cut, path, what, err);
	if (!error) {
		const struct checksum digest = checksum_of_id(&index->digest);

		download_cache_drop(repo->cache, NULL, &digest, NULL); /* the excerpt is kept */
		*ret = buf_take(&cut.excerpt);                          /* the caller's */
	}
	buf_deinit(&cut.excerpt);
	return error;
}

/* --- excerpt → list
 * ------------------------------------------------------------------------------- */

static bool collection_wants(void *arg, const char *name)
{
	return is_kernel(((struct collection *)arg)->repo, name);
}

static int collection_found(void *arg, const struct apt_package *found, struct btfpack_error *err)
{
	const struct collection *c = arg;
	char digest[PACKAGE_DIGEST_SIZE];
	AUTO_FREE char *url = NULL;
	struct kernel_name kernel;

	snprintf(digest, sizeof(digest), "sha256:%s", found->sha256);

	if (!c->repo->distro->recognize(&(struct package_name){ .name = found->name }, &kernel) ||
	    found->size < c->repo->distro->minimum_size)
		return 0;
	if (asprintf(&url, "%s/%s", c->repo->url, found->filename) < 0) {
		url = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->repo->url);
	}
	return package_list_add(c->list,
				&(struct btfpack_package){
					.kernel = {
						.distro = c->repo->distro->name,
						.release = c->repo->release->name,
						.arch = c->arch,
						.uname = kernel.uname,
					},
					.flavour = kernel.flavour,
					.name = found->name,
					.version = found->version,
					.suite = c->repo->suite,
					.url = url,
					.size = found->size,
					.digest = digest,
					.is_unsigned = !c->is_signed,
				},
				err);
}

static int collect(struct collection *c, const struct btfpack_blob *excerpt, const char *what,
		   struct btfpack_error *err)
{
	static const struct apt_packages_ops ops = { collection_wants, collection_found };
	CLEANUP(apt_packages_deinit) struct apt_packages packages = { 0 };
	int error = apt_packages_init(&packages, &ops, c, what, err);

	if (!error)
		error = apt_packages_feed(&packages, excerpt->data, excerpt->size, err);
	return error < 0 ? error : apt_packages_finish(&packages, err);
}

/* --- one architecture
 * ------------------------------------------------------------------------------ */

/* The index of @arch in the best form that can be had and verified. */
static int download_excerpt(const struct repo *repo, const struct apt_release *release,
			    const char *directory, struct btfpack_blob *ret,
			    struct btfpack_error *err)
{
	struct btfpack_error first = { 0 };
	char path[PATH_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		struct btfpack_error why = { 0 };
		const struct apt_index *index;
		int error;

		snprintf(path, sizeof(path), "%s/Packages%s", directory, endings[i]);
		index = apt_release_find(release, path);
		if (!index)
			continue;
		error = excerpt_of(repo, release, index, ret, &why);
		if (!error)
			return 0;
		if (error != -ENOENT && error != -EBADMSG)
			return btfpack_error_set(err, error, "%s", why.message);
		log_info("%s; trying another form of the index", why.message);
		if (!first.code)
			first = why;
	}
	/* Promised by a signed Release file: not having it is damage, not absence. */
	return btfpack_error_set(err, first.code == -ENOENT ? -EPROTO : first.code, "%s",
				 first.message);
}

static const struct apt_index *any_form(const struct apt_release *release, const char *directory)
{
	const struct apt_index *index = NULL;
	char path[PATH_SIZE];

	/* The plain form last looked up is the first choice: every Release file has it. */
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
		const struct apt_index *found;

		snprintf(path, sizeof(path), "%s/Packages%s", directory, endings[i]);
		found = apt_release_find(release, path);
		index = found ? found : index;
	}
	return index;
}

/* From the note, or from the mirror and into the note. */
static int get_excerpt(const struct repo *repo, const struct apt_release *release,
		       const char *directory, const char *note, struct btfpack_blob *ret,
		       struct btfpack_error *err)
{
	CLEANUP(repo_unlock_note) pthread_mutex_t *lock = repo_lock_note(note);
	int error;

	(void)lock;
	if (download_cache_get_note(repo->cache, note, ret) == 0)
		return 0;
	error = download_excerpt(repo, release, directory, ret, err);
	return error < 0 ? error
			 : download_cache_put_note(repo->cache, note, ret->data, ret->size, err);
}

/* @directory: "main/binary-amd64". */
static int list_directory(const struct repo *repo, const struct apt_release *release,
			  const char *directory, const char *arch, struct package_list *list,
			  struct btfpack_error *err)
{
	struct collection collection = { repo, arch_normalize(arch), release->is_signed, list };
	const struct apt_index *index = any_form(release, directory);
	AUTO_BLOB struct btfpack_blob excerpt = { 0 };
	char note[160], hex[DIGEST_HEX_SIZE];
	int error;

	if (!index) {
		log_info("%s/dists/%s: has no %s", repo->url, repo->suite, directory);
		return 0;
	}
	digest_format(&index->digest, hex);
	snprintf(note, sizeof(note), "apt-%d-%s-%s", EXCERPT_FORMAT, repo->distro->name, hex);
	error = get_excerpt(repo, release, directory, note, &excerpt, err);
	return error < 0 ? error : collect(&collection, &excerpt, note, err);
}

static int list_arch(const struct repo *repo, const struct apt_release *release, const char *arch,
		     struct package_list *list, struct btfpack_error *err)
{
	const char *text = repo->distro->components ? repo->distro->components : "main", *word;
	size_t size = strlen(text), length;
	char directory[DIRECTORY_SIZE];
	int error = 0;

	while (!error && (word = deb822_word(&text, &size, &length))) {
		snprintf(directory, sizeof(directory), "%.*s/binary-%s", (int)length, word, arch);
		error = list_directory(repo, release, directory, arch, list, err);
	}
	return error;
}

/* --- one suite
 * ---------------------------------------------------------------------------------------- */

/* An old but rightly signed index of another suite must not pass for this one. */
static int check_identity(const struct repo *repo, const struct apt_release *release,
			  const char *url, struct btfpack_error *err)
{
	size_t length = strcspn(repo->suite, "/"); /* "buster/updates", where security once was */

	if (!strcmp(release->codename, repo->suite) || !strcmp(release->suite, repo->suite))
		return 0;
	if (repo->suite[length] && strlen(release->codename) == length &&
	    !strncmp(release->codename, repo->suite, length))
		return 0;
	return btfpack_error_set(err, -EBADMSG, "%s: expected the index of %s, found that of '%s'",
				 url, repo->suite,
				 *release->codename ? release->codename : release->suite);
}

static int check_expiry(const struct repo *repo, const struct apt_release *release, const char *url,
			struct btfpack_error *err)
{
	int expired = apt_release_is_expired(release, repo->now, url, err);

	if (expired <= 0)
		return expired;
	if (!repo->release->may_be_expired)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected an index that is still valid, this one was "
					 "until %s",
					 url, release->valid_until);
	log_warning("%s: was valid until %s; used all the same, as %s is updated irregularly", url,
		    release->valid_until, repo->suite);
	return 0;
}

static char *suite_file(const struct repo *repo, const char *name)
{
	char *url;

	return asprintf(&url, "%s/dists/%s/%s", repo->url, repo->suite, name) < 0 ? NULL : url;
}

static int get_file(const struct repo *repo, const char *url, size_t maximum,
		    struct btfpack_blob *ret, struct btfpack_error *err)
{
	if (!url)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	return http_get_blob(download_cache_http(repo->cache), url, maximum, ret, err);
}

static int get_inline(const struct repo *repo, const char *url, struct btfpack_blob *ret,
		      struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob message = { 0 };
	int error = get_file(repo, url, RELEASE_MAXIMUM, &message, err);

	return error < 0 ? error : signature_verify(&message, repo->keyring, url, ret, err);
}

/* What older repositories have: text and signature apart. -ENOENT: no text;
 * -ENODATA: no signature. */
static int get_detached(const struct repo *repo, const char *url, struct btfpack_blob *ret,
			struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob text = { 0 }, signature = { 0 };
	AUTO_FREE char *gpg = suite_file(repo, "Release.gpg");
	int error = get_file(repo, url, RELEASE_MAXIMUM, &text, err);

	if (error < 0)
		return error;
	error = get_file(repo, gpg, SIGNATURE_MAXIMUM, &signature, err);
	if (error == -ENOENT)
		return btfpack_error_set(err, -ENODATA,
					 "%s: expected a signature in Release.gpg or InRelease, the "
					 "server has neither: only --allow-unsigned uses it",
					 url);
	if (!error)
		error = signature_verify_detached(&text, &signature, repo->keyring, url, err);
	if (error < 0)
		return error;
	*ret = (struct btfpack_blob){ steal_ptr(text.data), text.size }; /* the caller's */
	return 0;
}

static int get_verified(const struct repo *repo, const char *whole, const char *apart,
			struct btfpack_blob *ret, struct btfpack_error *err)
{
	int error;

	if (!repo->keyring)
		return btfpack_error_set(err, -ENOKEY,
					 "%s: no keyring of %s is known to verify it with: --keyring "
					 "names one, --allow-unsigned does without",
					 whole, repo->distro->name);
	error = get_inline(repo, whole, ret, err);
	return error == -ENOENT ? get_detached(repo, apart, ret, err) : error;
}

/* The text of the Release file, verified; by leave also where there is no signature,
 * or there are no keys to check it. */
static int get_text(const struct repo *repo, const char *whole, struct btfpack_blob *ret,
		    bool *is_signed_ret, struct btfpack_error *err)
{
	AUTO_FREE char *apart = suite_file(repo, "Release");
	struct btfpack_error why = { 0 };
	int error = get_verified(repo, whole, apart, ret, &why);

	*is_signed_ret = !error;
	if (error != -ENOKEY && error != -ENODATA)
		return error < 0 ? btfpack_error_set(err, error, "%s", why.message) : 0;
	if (!repo->allow_unsigned)
		return btfpack_error_set(err, error == -ENODATA ? -EBADMSG : error, "%s",
					 why.message);
	log_info("%s; used all the same", why.message);
	return get_file(repo, apart, RELEASE_MAXIMUM, ret, err);
}

static int open_release(const struct repo *repo, const char *url, struct apt_release *ret,
			struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob text = { 0 };
	bool is_signed;
	int error = get_text(repo, url, &text, &is_signed, err);

	if (!error)
		error = apt_release_init(ret, url, text.data, text.size, err);
	if (error < 0)
		return error;
	ret->is_signed = is_signed;
	error = check_identity(repo, ret, url, err);
	if (!error)
		error = check_expiry(repo, ret, url, err);
	if (error < 0)
		apt_release_deinit(ret);
	return error;
}

/* What fails for one architecture does not concern the others. */
static int try_arch(const struct repo *repo, const struct apt_release *release, const char *arch,
		    struct package_list *list, struct btfpack_error *err)
{
	struct btfpack_error why = { 0 };
	size_t before = list->count;
	int error = list_arch(repo, release, arch, list, &why);

	if (!error)
		return 0;
	package_list_cut(list, before);
	error = package_list_note_failure(list, &why);
	return error < 0 ? btfpack_error_set(err, error, "%s", why.message) : 0;
}

static int try_all(const struct repo *repo, const struct apt_release *release,
		   struct package_list *list, struct btfpack_error *err)
{
	const char *text = release->architectures, *word;
	size_t size = strlen(text), length;
	int error = 0;

	while (!error && (word = deb822_word(&text, &size, &length))) {
		char arch[32];

		if (length >= sizeof(arch))
			continue;
		snprintf(arch, sizeof(arch), "%.*s", (int)length, word);
		/* "all", and ports that have no kernel */
		if (arch_debian(arch_normalize(arch)))
			error = try_arch(repo, release, arch, list, err);
	}
	return error;
}

static int apt_list(const struct repo *repo, const char *arch, struct package_list *list,
		    struct btfpack_error *err)
{
	AUTO_FREE char *url = suite_file(repo, "InRelease");
	struct apt_release release;
	int error;

	if (!url)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", repo->url);
	error = open_release(repo, url, &release, err);
	if (error < 0)
		return error;
	if (!arch)
		error = try_all(repo, &release, list, err);
	else if (arch_debian(arch))
		error = try_arch(repo, &release, arch_debian(arch), list, err);
	apt_release_deinit(&release);
	return error;
}

const struct repo_ops repo_apt = {
	.name = "apt",
	.list = apt_list,
	.compare = version_compare_deb,
};
