/* SPDX-License-Identifier: BSD-2-Clause */
/* list → choose: the packages of every suite that is asked for. */
#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/arch.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/log.h"
#include "fetcher/download-cache.h"
#include "fetcher/expired.h"
#include "fetcher/fetcher.h"
#include "fetcher/http.h"
#include "fetcher/package-list.h"

#define LISTERS_MAXIMUM 8

struct btfpack_package_iter {
	struct package_list list;
	size_t next;
};

/* --- list
 * ---------------------------------------------------------------------------------------------- */

/* All that is asked for. Suites are looked at several at a time, each into a list of its
 * own; then the lists are joined in the order of the table, whichever was ready first. */
struct request {
	struct btfpack_fetcher *fetcher;
	const struct distro *distro;
	const char *arch; /* uname -m; NULL: any */
	bool expired;
	struct btfpack_package_iter *iter;
	struct suite_job *jobs;
	size_t count;

	pthread_mutex_t lock; /* of all below, and while the callback is called */
	size_t next;
	bool stop;
};

struct suite_job {
	const struct distro_release *release;
	const struct distro_suite *suite; /* NULL: what the archive dropped */
	struct package_list list;
	struct btfpack_error err; /* code 0: it went well enough */
};

static int handle_missing(const struct distro_suite *suite, const struct repo *repo,
			  struct btfpack_error *err)
{
	enum log_level level = suite->presence == SUITE_EXPECTED ? LOG_WARNING : LOG_INFO;

	if (suite->presence == SUITE_REQUIRED) {
		err->code = -EPROTO; /* a distribution's archive without its release */
		return err->code;
	}
	log_say(level, "%s: does not have %s; passed over", repo->url, repo->suite);
	return 0;
}

static int list_suite(const struct request *q, struct suite_job *job, struct download_cache *cache,
		      struct btfpack_error *err)
{
	const struct distro_release *release = job->release;
	const struct distro_suite *suite = job->suite;
	const struct repo_ops *ops = suite->ops ? suite->ops : q->distro->ops;
	AUTO_FREE char *base =
		fetcher_choose_base(q->fetcher, q->distro, release, suite->base);
	AUTO_FREE char *url = base ? fetcher_choose_url(base, release, suite) : NULL;
	CLEANUP(keyring_deinit) struct keyring keyring = { 0 };
	char name[128];
	struct repo repo = {
		.distro = q->distro,
		.release = release,
		.url = url,
		.base = base,
		.suite = name,
		.allow_unsigned = q->fetcher->allow_unsigned,
		.cache = cache,
		.now = q->fetcher->now,
	};
	int error;

	if (!url || fetcher_choose_keyring(q->fetcher, q->distro, release, &keyring) < 0)
		return btfpack_error_set(err, -ENOMEM, "out of memory to list %s",
					 release->codename);
	repo.keyring = keyring.name ? &keyring : NULL;
	snprintf(name, sizeof(name), "%s%s", release->codename, suite->suffix);
	log_debug("%s: looking for %s", url, name);
	error = ops->list(&repo, q->arch, &job->list, err);
	if (error == -ENOENT)
		error = handle_missing(suite, &repo, err);
	return error;
}

static int list_expired(const struct request *q, struct suite_job *job,
			struct download_cache *cache, struct btfpack_error *err)
{
	struct repo repo;

	if (!fetcher_fallback_repo(q->fetcher, q->distro, job->release, &repo))
		return btfpack_error_set(err, -EINVAL,
					 "no service is known that keeps expired packages of %s",
					 q->distro->name);
	if (!repo.allow_unsigned)
		return btfpack_error_set(err, -ENOKEY,
					 "%s: nobody signs what %s answers: only --allow-unsigned "
					 "uses it",
					 repo.url, q->distro->expired->name);
	repo.cache = cache;
	return q->distro->expired->list(&repo, q->arch, &job->list, err);
}

/* A failure goes into the list, unless nobody need go on after it. */
static int run_job(const struct request *q, struct suite_job *job, struct download_cache *cache)
{
	struct btfpack_error why = { 0 };
	int error = job->suite ? list_suite(q, job, cache, &why)
			       : list_expired(q, job, cache, &why);

	if (error < 0 && package_list_note_failure(&job->list, &why) < 0)
		job->err = why;
	return job->err.code;
}

/* --- threads
 * ------------------------------------------------------------------------------------------ */

static int run_jobs(struct request *q, struct download_cache *cache)
{
	size_t i;
	bool more;
	int error = 0;

	for (;;) {
		pthread_mutex_lock(&q->lock);
		q->stop |= error < 0;
		more = !q->stop && q->next < q->count;
		i = more ? q->next++ : 0;
		pthread_mutex_unlock(&q->lock);
		if (!more)
			return error;
		error = run_job(q, &q->jobs[i], cache);
	}
}

/* The caller's callback, one thread at a time. */
static int tell(const struct btfpack_fetch_progress *progress, void *arg)
{
	struct request *q = arg;
	int result;

	pthread_mutex_lock(&q->lock);
	result = q->fetcher->progress ? q->fetcher->progress(progress, q->fetcher->progress_arg)
				      : 0;
	pthread_mutex_unlock(&q->lock);
	return result;
}

struct lister {
	struct request *q;
	pthread_t thread;
	bool started;
	struct http *http;
	struct download_cache *cache;
};

static void *start_lister(void *arg)
{
	struct lister *l = arg;

	run_jobs(l->q, l->cache);
	return NULL;
}

static int lister_start(struct lister *l, struct request *q)
{
	struct btfpack_fetcher *f = q->fetcher;
	int error;

	l->q = q;
	error = http_clone(f->http, tell, q, &l->http, NULL);
	if (!error)
		error = download_cache_open(download_cache_dir(f->cache), l->http, &l->cache, NULL);
	if (!error)
		error = -pthread_create(&l->thread, NULL, start_lister, l);
	l->started = !error;
	return error;
}

static void lister_join(struct lister *l, struct http *of)
{
	if (l->started)
		pthread_join(l->thread, NULL);
	download_cache_close(l->cache);
	http_free_clone(l->http, of);
}

/* One suite needs no thread; of several, threads do all, so that callbacks come one at a
 * time. Where there is no memory for threads the caller's does what is left. */
static void run_request(struct request *q)
{
	struct lister listers[LISTERS_MAXIMUM] = { 0 };
	size_t count = q->count < 2 ? 0 : q->count < LISTERS_MAXIMUM ? q->count : LISTERS_MAXIMUM;

	for (size_t i = 0; i < count && lister_start(&listers[i], q) == 0; i++)
		;
	for (size_t i = 0; i < count; i++)
		lister_join(&listers[i], q->fetcher->http);
	run_jobs(q, q->fetcher->cache);
}

/* --- all of it
 * ---------------------------------------------------------------------------------------- */

static int plan_release(struct request *q, const struct distro_release *release)
{
	size_t count = q->count + q->expired;
	struct suite_job *grown;

	for (const struct distro_suite *s = release->suites; s->suffix; s++)
		count++;
	grown = reallocarray(q->jobs, count + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	q->jobs = grown;
	for (const struct distro_suite *s = release->suites; s->suffix; s++)
		q->jobs[q->count++] = (struct suite_job){ .release = release, .suite = s };
	if (q->expired)
		q->jobs[q->count++] = (struct suite_job){ .release = release };
	return 0;
}

static int plan_releases(struct request *q, const char *name, struct btfpack_error *err)
{
	const struct distro_release *only = name ? distro_find_release(q->distro, name) : NULL;
	int error = 0;

	if (name && !only) {
		AUTO_BUF struct buf known = BUF_INIT(4096);

		for (const struct distro_release *r = q->distro->releases; r->name; r++)
			buf_add_format(&known, "%s%s", known.size ? ", " : "", r->name);
		return btfpack_error_set(err, -EINVAL, "%s has no release '%s' that is known: %s",
					 q->distro->name, name, buf_string(&known));
	}
	for (const struct distro_release *r = q->distro->releases; !error && r->name; r++)
		if (!only || r == only)
			error = plan_release(q, r);
	return error < 0 ? btfpack_error_set(err, error, "out of memory for a package list") : 0;
}

/* The first job in order that ended it all is told, and else nothing that came after the
 * first failure that does not. */
static int join_lists(struct request *q, struct btfpack_error *err)
{
	for (size_t i = 0; i < q->count; i++) {
		struct suite_job *job = &q->jobs[i];

		if (job->err.code)
			return btfpack_error_set(err, job->err.code, "%s", job->err.message);
	}
	for (size_t i = 0; i < q->count; i++)
		if (package_list_join(&q->iter->list, &q->jobs[i].list, err) < 0)
			return err->code;
	return 0;
}

static int list_releases(struct request *q, const char *name, struct btfpack_error *err)
{
	int error = plan_releases(q, name, err);

	if (!error) {
		run_request(q);
		error = join_lists(q, err);
	}
	for (size_t i = 0; i < q->count; i++)
		package_list_deinit(&q->jobs[i].list);
	free(q->jobs);
	return error;
}

struct choice {
	const char *uname, *flavour;
};

/* "cloud" for "cloud-amd64" and "cloud-arm64" */
static bool is_flavour(const struct btfpack_package *package, const char *wanted)
{
	const char *arch = arch_debian(package->kernel.arch);
	size_t length = strlen(wanted);

	if (!fnmatch(wanted, package->flavour, 0))
		return true;
	return arch && !strncmp(package->flavour, wanted, length) &&
	       package->flavour[length] == '-' && !strcmp(package->flavour + length + 1, arch);
}

static bool is_chosen(const struct btfpack_package *package, const void *arg)
{
	const struct choice *choice = arg;

	if (choice->uname && fnmatch(choice->uname, package->kernel.uname, 0))
		return false;
	return !choice->flavour || is_flavour(package, choice->flavour);
}

static int fill(struct request *q, const struct btfpack_kernel *filter,
		const struct btfpack_list_opts *opts, struct btfpack_error *err)
{
	struct choice choice = { filter->uname, opts ? opts->flavour : NULL };
	int error = list_releases(q, filter->release, err);

	if (error < 0)
		return error;
	package_list_filter(&q->iter->list, is_chosen, &choice);
	return package_list_arrange(&q->iter->list, q->distro, opts ? opts->latest : 0, err);
}

int btfpack_fetcher_list(struct btfpack_fetcher *f, const struct btfpack_kernel *filter,
			 const struct btfpack_list_opts *opts, struct btfpack_package_iter **ret,
			 struct btfpack_error *err)
{
	struct request q = {
		.fetcher = f,
		.distro = fetcher_find_distro(f, filter->distro, err),
		.arch = filter->arch ? arch_normalize(filter->arch) : NULL,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int error;

	if (!q.distro)
		return -EINVAL;
	if (opts && opts->size != sizeof(*opts))
		return btfpack_error_set(err, -EINVAL,
					 "struct btfpack_list_opts has %zu bytes here, not %zu",
					 sizeof(*opts), opts->size);
	if (f->at && (!q.distro->bases[0].snapshot || !fetcher_fallback_base(f, q.distro)))
		return btfpack_error_set(err, -EINVAL,
					 "nobody is known who keeps the archive of %s as it was",
					 q.distro->name);
	q.expired = opts && opts->expired;
	q.iter = calloc(1, sizeof(*q.iter));
	if (!q.iter)
		return btfpack_error_set(err, -ENOMEM, "out of memory for a package list");
	error = fill(&q, filter, opts, err);
	if (error < 0) {
		btfpack_package_iter_free(q.iter);
		return error;
	}
	*ret = q.iter;
	return 0;
}

int btfpack_package_iter_next(struct btfpack_package_iter *iter, const struct btfpack_package **ret,
			      struct btfpack_error *err)
{
	if (iter->next < iter->list.count) {
		*ret = &iter->list.packages[iter->next++];
		return 1;
	}
	if (!iter->list.failure.code)
		return 0;
	return btfpack_error_set(err, iter->list.failure.code, "%s", iter->list.failure.message);
}

void btfpack_package_iter_free(struct btfpack_package_iter *iter)
{
	if (!iter)
		return;
	package_list_deinit(&iter->list);
	free(iter);
}
