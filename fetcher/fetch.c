/* SPDX-License-Identifier: BSD-2-Clause */
/* open → download → extract: what the public header promises, but for listing. */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <btfpack/fetch.h>

#include "core/buf.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "core/fs.h"
#include "core/log.h"
#include "fetcher/apt-sources.h"
#include "fetcher/arrival.h"
#include "fetcher/distro-file.h"
#include "fetcher/download-cache.h"
#include "fetcher/expired.h"
#include "fetcher/fetcher.h"
#include "fetcher/http.h"
#include "fetcher/keyring.h"
#include "fetcher/package-list.h"
#include "fetcher/package.h"
#include "fetcher/repo.h"
#include "fetcher/rpm-signature.h"
#include "fetcher/xz-blocks.h"

#define MOMENT "%Y%m%dT%H%M%SZ" /* as snapshot.debian.org spells it */

/* --- open
 * ------------------------------------------------------------------------------------------ */

/* A copy without slashes at the end. NULL stays NULL. */
static bool copy_trimmed(const char *text, char **ret)
{
	size_t length = text ? strlen(text) : 0;

	while (length && text[length - 1] == '/')
		length--;
	*ret = text ? strndup(text, length) : NULL;
	return !text || *ret;
}

static bool copy_opts(struct btfpack_fetcher *f, const struct btfpack_fetch_opts *opts)
{
	bool complete = copy_trimmed(opts->mirror, &f->mirrors[0]);

	complete &= copy_trimmed(opts->security_mirror, &f->mirrors[1]);
	complete &= copy_trimmed(opts->root, &f->root);
	complete &= copy_trimmed(opts->fallback, &f->fallback);
	f->keyring = opts->keyring ? strdup(opts->keyring) : NULL;
	f->allow_unsigned = opts->allow_unsigned;
	f->progress = opts->progress;
	f->progress_arg = opts->progress_arg;
	return complete && (!opts->keyring || f->keyring);
}

static int read_moment(struct btfpack_fetcher *f, const char *text, struct btfpack_error *err)
{
	static const char *const forms[] = { MOMENT, "%Y%m%d", "%Y-%m-%d" };
	struct tm tm;
	const char *end = NULL;
	char moment[32];

	f->now = (int64_t)time(NULL);
	if (!text)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(forms) && !(end && !*end); i++) {
		tm = (struct tm){ 0 };
		end = strptime(text, forms[i], &tm);
	}
	if (!end || *end)
		return btfpack_error_set(err, -EINVAL,
					 "expected a day such as 20240131, or a moment such as "
					 "20240131T120000Z, found '%.32s'",
					 text);
	f->now = (int64_t)timegm(&tm);
	strftime(moment, sizeof(moment), MOMENT, &tm);
	f->at = strdup(moment);
	return f->at ? 0 : btfpack_error_set(err, -ENOMEM, "out of memory for a fetcher");
}

/* URLs are said and recorded: from here on without what they may tell of their user. */
static int take_secrets(struct btfpack_fetcher *f, struct btfpack_error *err)
{
	int error = f->fallback ? http_take_secrets(f->http, &f->fallback, err) : 0;

	for (size_t i = 0; !error && i < DISTRO_BASES; i++)
		if (f->mirrors[i])
			error = http_take_secrets(f->http, &f->mirrors[i], err);
	for (size_t i = 0; !error && i < f->sources.count; i++)
		error = http_take_secrets(f->http, &f->sources.sources[i].uri, err);
	return error;
}

static int open_parts(struct btfpack_fetcher *f, const char *cache_dir,
		      const struct btfpack_fetch_opts *opts, struct btfpack_error *err)
{
	struct http_opts http = {
		.retries = opts->retries,
		.client_cert = opts->client_cert,
		.client_key = opts->client_key,
		.ca_file = opts->ca_file,
		.progress = opts->progress,
		.progress_arg = opts->progress_arg,
	};
	int error = apt_sources_init(&f->sources, f->root, err);

	if (!error)
		error = read_moment(f, opts->at, err);
	if (!error && opts->distros)
		error = distro_file_init(&f->distros, opts->distros, err);
	if (!error)
		error = http_new(&http, &f->http, err);
	if (!error)
		error = take_secrets(f, err);
	return error < 0 ? error : download_cache_open(cache_dir, f->http, &f->cache, err);
}

int btfpack_fetcher_open(const char *cache_dir, const struct btfpack_fetch_opts *opts,
			 struct btfpack_fetcher **ret, struct btfpack_error *err)
{
	static const struct btfpack_fetch_opts defaults = { .size = sizeof(defaults) };
	struct btfpack_fetcher *f;
	int error;

	if (!opts)
		opts = &defaults;
	if (opts->size != sizeof(*opts))
		return btfpack_error_set(err, -EINVAL,
					 "struct btfpack_fetch_opts has %zu bytes here, not %zu",
					 sizeof(*opts), opts->size);
	f = calloc(1, sizeof(*f));
	if (!f || !copy_opts(f, opts)) {
		btfpack_fetcher_close(f);
		return btfpack_error_set(err, -ENOMEM, "out of memory for a fetcher");
	}
	error = open_parts(f, cache_dir, opts, err);
	if (error < 0) {
		btfpack_fetcher_close(f);
		return error;
	}
	*ret = f;
	return 0;
}

void btfpack_fetcher_close(struct btfpack_fetcher *f)
{
	if (!f)
		return;
	download_cache_close(f->cache);
	http_free(f->http);
	apt_sources_deinit(&f->sources);
	distro_file_deinit(&f->distros);
	for (size_t i = 0; i < DISTRO_BASES; i++)
		free(f->mirrors[i]);
	free(f->keyring);
	free(f->root);
	free(f->fallback);
	free(f->at);
	free(f);
}

/* --- where to look
 * ------------------------------------------------------------------------------------ */

/* A source of this machine for @base that has @release. */
static const char *machine_mirror_of(const struct btfpack_fetcher *f, const struct distro *distro,
				     const struct distro_release *release, unsigned int base)
{
	for (const struct distro_suite *s = release->suites; s->suffix; s++) {
		char suite[128];
		const char *uri;

		if (s->base != base)
			continue;
		snprintf(suite, sizeof(suite), "%s%s", release->codename, s->suffix);
		uri = apt_sources_find(&f->sources, suite, distro->keyring);
		if (uri)
			return uri;
	}
	return NULL;
}

/* The release asked for, else any other: mirrors carry them all. */
static const char *machine_mirror(const struct btfpack_fetcher *f, const struct distro *distro,
				  const struct distro_release *wanted, unsigned int base)
{
	const char *uri;

	if (distro->ops != &repo_apt || !distro->keyring)
		return NULL;
	uri = machine_mirror_of(f, distro, wanted, base);
	for (const struct distro_release *r = distro->releases; !uri && r->name; r++)
		uri = machine_mirror_of(f, distro, r, base);
	return uri;
}

const char *fetcher_fallback_base(const struct btfpack_fetcher *f, const struct distro *distro)
{
	if (!distro->expired || (f->fallback && !strcmp(f->fallback, "none")))
		return NULL;
	return f->fallback ? f->fallback : distro->expired->base;
}

char *fetcher_choose_base(const struct btfpack_fetcher *f, const struct distro *distro,
			  const struct distro_release *release, unsigned int base)
{
	const char *uri;
	char *url;

	if (f->at)
		return asprintf(&url, "%s/archive/%s/%s", fetcher_fallback_base(f, distro),
				distro->bases[base].snapshot, f->at) < 0
			       ? NULL
			       : url;
	if (f->mirrors[base])
		return strdup(f->mirrors[base]);
	if (f->mirrors[0])
		return asprintf(&url, "%s%s", f->mirrors[0], distro->bases[base].mirror_suffix) < 0
			       ? NULL
			       : url;
	uri = machine_mirror(f, distro, release, base);
	if (!uri)
		uri = distro->bases[base].official;
	return uri ? strdup(uri) : NULL;
}

char *fetcher_choose_url(const char *base, const struct distro_release *release,
			 const struct distro_suite *suite)
{
	AUTO_FREE char *whole = NULL;

	if (!suite->path || !*suite->path)
		return strdup(base);
	if (asprintf(&whole, "%s/%s", base, suite->path) < 0) {
		whole = NULL;
		return NULL;
	}
	return repo_expand(whole, release, NULL);
}

int fetcher_choose_keyring(const struct btfpack_fetcher *f, const struct distro *distro,
			   const struct distro_release *release, struct keyring *ret)
{
	AUTO_FREE char *patterns = NULL;

	*ret = (struct keyring){ 0 };
	if (f->keyring)
		return keyring_init(ret, f->keyring);
	if (!distro->keyring)
		return 0;
	patterns = repo_expand(distro->keyring, release, NULL);
	return patterns ? keyring_init_patterns(ret, f->root ? f->root : "", patterns) : -ENOMEM;
}

bool fetcher_fallback_repo(const struct btfpack_fetcher *f, const struct distro *distro,
			   const struct distro_release *release, struct repo *ret)
{
	*ret = (struct repo){
		.distro = distro,
		.release = release,
		.url = fetcher_fallback_base(f, distro),
		.suite = "expired",
		.allow_unsigned = f->allow_unsigned,
		.cache = f->cache,
	};
	return ret->url;
}

const struct distro *fetcher_find_distro(const struct btfpack_fetcher *f, const char *name,
					 struct btfpack_error *err)
{
	const struct distro *distro = name ? distro_file_find(&f->distros, name) : NULL;
	AUTO_BUF struct buf known = BUF_INIT(4096);

	if (!distro && name)
		distro = distro_find(name);
	if (distro)
		return distro;
	for (size_t i = 0; distros[i]; i++)
		buf_add_format(&known, "%s%s", i ? ", " : "", distros[i]->name);
	btfpack_error_set(err, -EINVAL, "no distribution '%s' is known; those that are: %s",
			  name ? name : "", buf_string(&known));
	return NULL;
}

/* --- download and extract
 * --------------------------------------------------------------------------------- */

static void close_vmlinux(struct btfpack_vmlinux **vmlinux)
{
	btfpack_vmlinux_close(*vmlinux);
}

/* *@ret is @room, or NULL when the index told no digest. */
static int parse_digest(const struct btfpack_package *package, struct checksum *room,
			const struct checksum **ret, struct btfpack_error *err)
{
	*ret = package->digest ? room : NULL;
	if (!package->digest || package_digest_parse(package->digest, room) == 0)
		return 0;
	return btfpack_error_set(err, -EINVAL, "%s: the package has no valid digest",
				 package->name);
}

/* The index did not vouch for @package: what its own signature says of the file @path. */
static int check_signature(const struct btfpack_fetcher *f, const struct btfpack_package *package,
			   const char *path, struct btfpack_error *err)
{
	CLEANUP(keyring_deinit) struct keyring keyring = { 0 };
	const struct distro *distro = fetcher_find_distro(f, package->kernel.distro, err);
	const struct distro_release *release =
		distro ? distro_find_release(distro, package->kernel.release) : NULL;
	struct btfpack_error why = { 0 };
	int error;

	if (!release)
		return btfpack_error_set(err, -EINVAL, "%s: the package is of no known release",
					 package->name);
	if (fetcher_choose_keyring(f, distro, release, &keyring) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", package->name);
	if (package->is_unsigned && (!keyring.name || keyring.missing.code))
		return 0;
	error = rpm_signature_check(path, package, &keyring, &why);
	if (!error || (error == -ENODATA && package->is_unsigned))
		return 0;
	return btfpack_error_set(err, error == -ENODATA ? -EBADMSG : error, "%s", why.message);
}

/* The mirror does not have it (@missing), or the index never told where. */
static int download_expired(struct btfpack_fetcher *f, const struct btfpack_package *package,
			    const struct btfpack_error *missing, char **path_ret,
			    struct btfpack_error *err)
{
	const struct distro *distro = fetcher_find_distro(f, package->kernel.distro, err);
	const struct distro_release *release =
		distro ? distro_find_release(distro, package->kernel.release) : NULL;
	struct btfpack_error why = { 0 };
	struct repo repo;
	int error;

	if (!release || (missing->code && f->fallback_is_down) ||
	    !fetcher_fallback_repo(f, distro, release, &repo))
		return btfpack_error_set(err, missing->code, "%s", missing->message);
	error = expired_download(distro->expired, &repo, package, path_ret, &why);
	if (!error)
		return 0;
	/* After all its retries. Of dozens that a mirror lacks, the others need not wait so. */
	f->fallback_is_down = error == -EHOSTUNREACH || error == -ECONNREFUSED ||
			      error == -ETIMEDOUT;
	if (!missing->code || error == -ECANCELED || error == -EBADMSG)
		return btfpack_error_set(err, error, "%s", why.message);
	log_info("%s", why.message);
	return btfpack_error_set(err, missing->code, "%s", missing->message);
}

/* What only a service knows of, which tells the digest when it is asked for the file. */
static bool is_expired(const struct btfpack_package *package)
{
	return !package->digest && !package->needs_signature;
}

int btfpack_fetcher_download(struct btfpack_fetcher *f, const struct btfpack_package *package,
			     char **path_ret, struct btfpack_error *err)
{
	struct btfpack_error why = { 0 }, missing;
	AUTO_FREE char *path = NULL;
	const struct checksum *digest;
	struct checksum room;
	int error = parse_digest(package, &room, &digest, err);

	if (error < 0)
		return error;
	if (!is_expired(package))
		error = download_cache_get(f->cache, package->url, digest, package->size, &path,
					   &why);
	missing = why;
	if (error == -ENOENT || is_expired(package))
		error = download_expired(f, package, &missing, &path, &why);
	if (!error && package->needs_signature)
		error = check_signature(f, package, path, &why);
	if (error == -EBADMSG) /* never to be used again */
		btfpack_fetcher_drop(f, package, NULL);
	if (error < 0)
		return btfpack_error_set(err, error, "%s", why.message);
	*path_ret = steal_ptr(path); /* the caller's */
	return 0;
}

int btfpack_fetcher_download_along(struct btfpack_fetcher *f, const struct btfpack_package *package,
				   struct btfpack_arrival *arrival, char **path_ret,
				   struct btfpack_error *err)
{
	int error;

	download_cache_tell(f->cache, arrival);
	error = btfpack_fetcher_download(f, package, path_ret, err);
	download_cache_tell(f->cache, NULL);
	arrival_end(arrival, error < 0 ? NULL : *path_ret);
	return error;
}

/* The package's name says more than the cache's path. */
static int extract(struct btfpack_fetcher *f, const struct btfpack_package *package,
		   const char *path, int fd, struct btfpack_error *err)
{
	CLEANUP(close_vmlinux) struct btfpack_vmlinux *vmlinux = NULL;
	struct btfpack_vmlinux_opts opts = {
		.size = sizeof(opts),
		.name = http_last_part(package->url),
		.progress = f->progress,
		.progress_arg = f->progress_arg,
	};
	int error = btfpack_vmlinux_open(path, package->kernel.uname, &opts, &vmlinux, err);

	return error < 0 ? error : btfpack_vmlinux_extract(vmlinux, NULL, 0, 0, fd, err);
}

int btfpack_fetcher_get_vmlinux(struct btfpack_fetcher *f, const struct btfpack_package *package,
				const char *path, struct btfpack_error *err)
{
	CLEANUP(fs_output_deinit) struct fs_output out = FS_OUTPUT_INIT;
	AUTO_FREE char *downloaded = NULL;
	int error = btfpack_fetcher_download(f, package, &downloaded, err);

	if (!error)
		error = fs_output_init(&out, path, err);
	if (!error)
		error = extract(f, package, downloaded, out.fd, err);
	return error < 0 ? error : fs_output_commit(&out, err);
}

/* A package on its server, of which parts are read; one request at a time. */
struct remote {
	struct http *http;
	char *url;
	uint64_t size;
	pthread_mutex_t lock;
};

static void free_remote(void *arg)
{
	struct remote *remote = arg;

	pthread_mutex_destroy(&remote->lock);
	free(remote->url);
	free(remote);
}

static int read_remote(void *arg, uint64_t offset, void *ret, size_t size,
		       struct btfpack_error *err)
{
	struct remote *remote = arg;
	int error;

	pthread_mutex_lock(&remote->lock);
	error = http_get_range(remote->http, remote->url, remote->size, offset, ret, size, err);
	pthread_mutex_unlock(&remote->lock);
	return error;
}

int btfpack_fetcher_open_remote(struct btfpack_fetcher *f, const struct btfpack_package *package,
				struct btfpack_vmlinux **ret, struct btfpack_error *err)
{
	struct btfpack_vmlinux_opts opts = {
		.size = sizeof(opts),
		.name = http_last_part(package->url),
		.progress = f->progress,
		.progress_arg = f->progress_arg,
	};
	struct remote *remote = package->size ? calloc(1, sizeof(*remote)) : NULL;
	struct byte_source source = { .read = read_remote, .arg = remote, .size = package->size };

	if (!package->size)
		return btfpack_error_set(err, -EOPNOTSUPP, "%s: its size is not known",
					 package->name);
	if (remote)
		remote->url = strdup(package->url);
	if (!remote || !remote->url) {
		free(remote);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", package->name);
	}
	remote->http = f->http;
	remote->size = package->size;
	pthread_mutex_init(&remote->lock, NULL);
	return vmlinux_open_source(&source, free_remote, package->kernel.uname, &opts, ret, err);
}

uint64_t btfpack_fetcher_received(const struct btfpack_fetcher *f)
{
	return http_received(f->http);
}

int btfpack_fetcher_drop(struct btfpack_fetcher *f, const struct btfpack_package *package,
			 struct btfpack_error *err)
{
	struct repo repo = { .cache = f->cache };
	const struct checksum *digest;
	struct checksum room;
	int error = parse_digest(package, &room, &digest, err);

	if (!error)
		error = expired_drop(&repo, package, err);
	return error < 0 ? error : download_cache_drop(f->cache, package->url, digest, err);
}

int btfpack_package_extract(const char *package_path, const char *uname, int fd,
			    struct btfpack_error *err)
{
	CLEANUP(close_vmlinux) struct btfpack_vmlinux *vmlinux = NULL;
	int error = btfpack_vmlinux_open(package_path, uname, NULL, &vmlinux, err);

	return error < 0 ? error : btfpack_vmlinux_extract(vmlinux, NULL, 0, 0, fd, err);
}

int btfpack_package_find(const char *package_path, int fd, char uname_ret[BTFPACK_UNAME_SIZE],
			 struct btfpack_error *err)
{
	return package_find(package_path, fd, uname_ret, err);
}
