/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rpm-md repositories. What is believed, and why:
 *
 *	repodata/repomd.xml           signed in repomd.xml.asc, where the distribution does
 *	  └ repodata/...-primary.xml.*  SHA-256, or longer, in repomd.xml
 *	      └ the package           size and digest in primary.xml
 *
 * Where the index is not signed, or a digest on the way is SHA-1, the package's own
 * signature must vouch for it (rpm-signature.h), and the index only says where it is.
 *
 * As for apt, what concerns kernels is kept as a note under the digest of the index it
 * was cut from: a primary.xml again, with nothing else in it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "core/log.h"
#include "fetcher/download-cache.h"
#include "fetcher/http.h"
#include "fetcher/keyring.h"
#include "fetcher/repo.h"
#include "fetcher/rpm-database.h"
#include "fetcher/rpm-metadata.h"
#include "fetcher/signature.h"
#include "fetcher/version.h"

#define REPOMD_MAXIMUM	  ((size_t)4 << 20)
#define SIGNATURE_MAXIMUM ((size_t)64 << 10)
#define INDEX_MAXIMUM	  ((uint64_t)4 << 30) /* plain; Fedora's has 300 MB */
#define EXCERPT_MAXIMUM	  ((size_t)8 << 20)

/* Counts up when what an excerpt holds or how it was chosen changes. */
#define EXCERPT_FORMAT 2

/* A repository of one architecture. */
struct place {
	const struct repo *repo;
	const char *url;
	const char *arch; /* uname -m; NULL: it holds several */
	bool is_signed;   /* the index, all the way */
	struct package_list *list;
	struct buf excerpt;
};

static bool is_wanted(void *arg, const char *name)
{
	const struct place *place = arg;
	struct kernel_name ignored;

	return place->repo->distro->recognize(&(struct package_name){ .name = name }, &ignored);
}

/* --- primary.xml → excerpt ----------------------------------------------------------------------- */

static const char excerpt_begin[] = "<metadata>\n", excerpt_end[] = "</metadata>\n";

/* Every field was checked to hold no character that means something in XML. */
static int cut_found(void *arg, const struct rpm_package *p, struct btfpack_error *err)
{
	struct place *place = arg;
	char hex[CHECKSUM_HEX_SIZE];
	int error;

	checksum_format(&p->digest, hex);
	error = buf_add_format(
		&place->excerpt,
		"<package><name>%s</name><arch>%s</arch>"
		"<version epoch=\"%s\" ver=\"%s\" rel=\"%s\"/>"
		"<checksum type=\"%s\">%s</checksum><size package=\"%llu\"/>"
		"<location href=\"%s\"/></package>\n",
		p->name, p->arch, p->epoch, p->version, p->release,
		checksum_kind_name(p->digest.kind), hex, (unsigned long long)p->size, p->location);
	return error < 0 ? btfpack_error_set(err, error, "too many kernels in one index") : 0;
}

static const struct rpm_packages_ops cut_ops = { is_wanted, cut_found };

static int feed_xml(void *packages, const void *data, size_t size, struct btfpack_error *err)
{
	return rpm_packages_feed(packages, data, size, err);
}

static int cut_xml(struct place *place, const char *path, const char *what,
		   struct btfpack_error *err)
{
	CLEANUP(rpm_packages_deinit) struct rpm_packages packages = { 0 };
	int error = rpm_packages_init(&packages, &cut_ops, place, what, err);

	if (!error)
		error = repo_read_index(path, INDEX_MAXIMUM, what, feed_xml, &packages, err);
	return error < 0 ? error : rpm_packages_finish(&packages, err);
}

static int feed_file(void *fd, const void *data, size_t size, struct btfpack_error *err)
{
	int error = fs_write_fd(*(int *)fd, data, size);

	return error < 0 ? btfpack_error_set(err, error, "cannot write into the cache: %s",
					     strerror(-error))
			 : 0;
}

/* Hundreds of megabytes, not to be held in memory: a file without a name, mapped. */
static int cut_database(struct place *place, const char *path, const char *what,
			struct btfpack_error *err)
{
	const char *dir = download_cache_dir(place->repo->cache);
	AUTO_FD int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	CLEANUP(fs_map_deinit) struct fs_map map = { 0 };
	char plain[32];
	int error;

	if (fd < 0)
		return btfpack_error_set(err, -errno, "%s: cannot make a file without a name in "
					 "it: %s",
					 dir, strerror(errno));
	error = repo_read_index(path, INDEX_MAXIMUM, what, feed_file, &fd, err);
	snprintf(plain, sizeof(plain), "/proc/self/fd/%d", fd);
	if (!error)
		error = fs_map_init(&map, plain, err);
	return error < 0 ? error
			 : rpm_database_read(map.data, map.size, &cut_ops, place, what, err);
}

static int make_excerpt(struct place *place, const struct rpm_repomd *repomd,
			struct btfpack_error *err)
{
	AUTO_FREE char *url = NULL, *path = NULL;
	int error;

	if (asprintf(&url, "%s/%s", place->url, repomd->path) < 0) {
		url = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", place->url);
	}
	error = download_cache_get(place->repo->cache, url, &repomd->digest, repomd->size, &path,
				   err);
	if (error == -ENOENT) /* promised by repomd.xml: damage, not absence */
		err->code = error = -EPROTO;
	if (!error && buf_add_string(&place->excerpt, excerpt_begin) < 0)
		error = btfpack_error_set(err, -ENOMEM, "%s: out of memory", url);
	if (!error)
		error = repomd->is_database ? cut_database(place, path, url, err)
					    : cut_xml(place, path, url, err);
	if (!error && buf_add_string(&place->excerpt, excerpt_end) < 0)
		error = btfpack_error_set(err, -EFBIG, "%s: too many kernels in one index", url);
	if (!error) /* the excerpt is kept */
		download_cache_drop(place->repo->cache, url, &repomd->digest, NULL);
	return error;
}

/* --- excerpt → list ------------------------------------------------------------------------------ */

/* What the index says of it is not vouched for, or too weakly. */
static bool needs_signature(const struct place *place, const struct rpm_package *found)
{
	return !place->is_signed || checksum_is_weak(found->digest.kind);
}

static int add_package(const struct place *place, const struct rpm_package *found,
		       const struct kernel_name *kernel, struct btfpack_error *err)
{
	const struct repo *repo = place->repo;
	bool has_epoch = strcmp(found->epoch, "0");
	AUTO_FREE char *url = NULL, *version = NULL;
	char digest[PACKAGE_DIGEST_SIZE];

	if (repo_resolve(repo, place->url, found->location, &url, err) < 0)
		return err->code;
	if (asprintf(&version, "%s%s%s-%s", has_epoch ? found->epoch : "", has_epoch ? ":" : "",
		     found->version, found->release) < 0)
		version = NULL;
	if (!version)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", place->url);
	return package_list_add(place->list,
				&(struct btfpack_package){
					.kernel = {
						.distro = repo->distro->name,
						.release = repo->release->name,
						.arch = arch_normalize(found->arch),
						.uname = kernel->uname,
					},
					.flavour = kernel->flavour,
					.name = found->name,
					.version = version,
					.suite = repo->suite,
					.url = url,
					.size = found->size,
					.digest = package_digest_format(&found->digest, digest),
					.needs_signature = needs_signature(place, found),
					.is_unsigned = needs_signature(place, found) &&
						       repo->allow_unsigned,
				},
				err);
}

static int collect_found(void *arg, const struct rpm_package *found, struct btfpack_error *err)
{
	const struct place *place = arg;
	char version[sizeof(found->version) + sizeof(found->release)];
	struct package_name name = { found->name, version, found->arch };
	struct kernel_name kernel;

	snprintf(version, sizeof(version), "%s-%s", found->version, found->release);
	if (!place->repo->distro->recognize(&name, &kernel))
		return 0;
	if (place->arch && strcmp(arch_normalize(found->arch), place->arch))
		return 0;
	return add_package(place, found, &kernel, err);
}

static int collect(struct place *place, const void *text, size_t size, const char *what,
		   struct btfpack_error *err)
{
	static const struct rpm_packages_ops ops = { is_wanted, collect_found };
	CLEANUP(rpm_packages_deinit) struct rpm_packages packages = { 0 };
	int error = rpm_packages_init(&packages, &ops, place, what, err);

	if (!error)
		error = rpm_packages_feed(&packages, text, size, err);
	return error < 0 ? error : rpm_packages_finish(&packages, err);
}

/* --- one repository ------------------------------------------------------------------------------ */

/* Without keys nothing can be checked: only by leave. */
static int check_keys(const struct place *place, const char *url, struct btfpack_error *err)
{
	const struct repo *repo = place->repo;
	struct btfpack_error why = { 0 };

	if (!repo->keyring)
		btfpack_error_set(&why, -ENOKEY,
				  "%s: no keyring of %s is known to verify it with: --keyring names "
				  "one, --allow-unsigned does without",
				  url, repo->distro->name);
	else
		keyring_check(repo->keyring, url, &why);
	if (!why.code)
		return 1;
	if (!repo->allow_unsigned)
		return btfpack_error_set(err, why.code, "%s", why.message);
	log_info("%s; used all the same", why.message);
	return 0;
}

/* Many distributions sign their packages alone: without a signature here each package
 * must have one. A signature that is there must be good in any case. */
static int check_signature(struct place *place, const char *url,
			   const struct btfpack_blob *repomd, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob signature = { 0 };
	AUTO_FREE char *asc = NULL;
	int error = check_keys(place, url, err);

	if (error <= 0)
		return error;
	if (asprintf(&asc, "%s.asc", url) < 0) {
		asc = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", url);
	}
	error = http_get_blob(download_cache_http(place->repo->cache), asc, SIGNATURE_MAXIMUM,
			      &signature, err);
	if (error == -ENOENT) {
		log_info("%s: is not signed; each package's own signature counts", url);
		return 0;
	}
	if (!error)
		error = signature_verify_detached(repomd, &signature, place->repo->keyring, url,
						  err);
	place->is_signed = !error;
	return error;
}

static int open_repomd(struct place *place, struct rpm_repomd *ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob text = { 0 };
	AUTO_FREE char *url = NULL;
	int error;

	if (asprintf(&url, "%s/repodata/repomd.xml", place->url) < 0) {
		url = NULL;
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", place->url);
	}
	error = http_get_blob(download_cache_http(place->repo->cache), url, REPOMD_MAXIMUM, &text,
			      err);
	if (!error)
		error = check_signature(place, url, &text, err);
	if (!error)
		error = rpm_repomd_parse(text.data, text.size, url, ret, err);
	if (!error && checksum_is_weak(ret->digest.kind)) {
		log_info("%s: tells only the %s of its index; each package's own signature counts",
			 url, checksum_kind_name(ret->digest.kind));
		place->is_signed = false;
	}
	return error;
}

static int list_place(struct place *place, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob kept = { 0 };
	char note[256], hex[CHECKSUM_HEX_SIZE];
	struct rpm_repomd repomd;
	pthread_mutex_t *lock;
	int error = open_repomd(place, &repomd, err);

	if (error < 0)
		return error;
	checksum_format(&repomd.digest, hex);
	snprintf(note, sizeof(note), "rpmmd-%d-%.64s-%s", EXCERPT_FORMAT, place->repo->distro->name,
		 hex);
	lock = repo_lock_note(note);
	if (download_cache_get_note(place->repo->cache, note, &kept) == 0) {
		repo_unlock_note(&lock);
		return collect(place, kept.data, kept.size, note, err);
	}
	error = make_excerpt(place, &repomd, err);
	if (!error)
		error = download_cache_put_note(place->repo->cache, note, place->excerpt.data,
						place->excerpt.size, err);
	repo_unlock_note(&lock);
	return error < 0 ? error
			 : collect(place, place->excerpt.data, place->excerpt.size, note, err);
}

static int list_one(const struct repo *repo, const char *url, const char *arch,
		    struct package_list *list, struct btfpack_error *err)
{
	struct place place = {
		.repo = repo,
		.url = url,
		.arch = arch,
		.list = list,
		.excerpt = BUF_INIT(EXCERPT_MAXIMUM),
	};
	int error = list_place(&place, err);

	buf_deinit(&place.excerpt);
	return error;
}

static int rpmmd_list(const struct repo *repo, const char *arch, struct package_list *list,
		      struct btfpack_error *err)
{
	return repo_list_arches(repo, arch, list, list_one, err);
}

const struct repo_ops repo_rpmmd = {
	.name = "rpm-md",
	.list = rpmmd_list,
	.compare = version_compare_rpm,
};
