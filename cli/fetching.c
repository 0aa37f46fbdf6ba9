/* SPDX-License-Identifier: BSD-2-Clause */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/fetching.h"
#include "core/cleanup.h"

static atomic_bool canceled; /* set by a signal, read by all threads */

static void on_signal(int number)
{
	(void)number;
	atomic_store(&canceled, true);
}

bool fetching_is_canceled(void)
{
	return atomic_load(&canceled);
}

/* Without SA_RESTART, so that waiting calls return; once, so that a second ^C kills. */
void fetching_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int fetching_show_progress(const struct btfpack_fetch_progress *p, void *arg)
{
	char done[16], total[16];

	(void)arg;
	if (p->total)
		output_progress("%s %s: %s of %s", p->doing, p->what, output_size(p->done, done),
				output_size(p->total, total));
	else
		output_progress("%s %s", p->doing, p->what);
	return atomic_load(&canceled);
}

int fetching_take(const struct cmd *cmd, struct fetching *f, int option, const char *value)
{
	unsigned long number;

	switch (option) {
	case FETCHING_MIRROR:
		f->opts.mirror = value;
		return 1;
	case FETCHING_SECURITY_MIRROR:
		f->opts.security_mirror = value;
		return 1;
	case FETCHING_KEYRING:
		f->opts.keyring = value;
		return 1;
	case FETCHING_CACHE:
		f->cache = value;
		return 1;
	case FETCHING_ROOT:
		f->opts.root = value;
		return 1;
	case FETCHING_RETRIES:
		if (!cmd_number(cmd, "retries", value, 1000, &number))
			return -1;
		f->opts.retries = number ? (int)number : -1;
		return 1;
	case FETCHING_ALLOW_UNSIGNED:
		f->opts.allow_unsigned = 1;
		return 1;
	case FETCHING_CLIENT_CERT:
		f->opts.client_cert = value;
		return 1;
	case FETCHING_CLIENT_KEY:
		f->opts.client_key = value;
		return 1;
	case FETCHING_CA_FILE:
		f->opts.ca_file = value;
		return 1;
	case FETCHING_DISTROS:
		f->opts.distros = value;
		return 1;
	case FETCHING_FALLBACK:
		f->opts.fallback = value;
		return 1;
	case FETCHING_AT:
		f->opts.at = value;
		return 1;
	case FETCHING_EXPIRED:
		f->expired = true;
		return 1;
	}
	return filter_take(cmd, &f->filter, option, value);
}

/* $<variable>/<rest>, else ~/<fallback>/<rest>; NULL when neither is known. */
static char *xdg_path(const char *variable, const char *fallback, const char *rest)
{
	const char *xdg = getenv(variable), *home = getenv("HOME");
	char *path = NULL;
	int length = -1;

	if (xdg && xdg[0] == '/')
		length = asprintf(&path, "%s/%s", xdg, rest);
	else if (home && home[0] == '/')
		length = asprintf(&path, "%s/%s/%s", home, fallback, rest);
	return length < 0 ? NULL : path;
}

char *fetching_default_cache(void)
{
	return xdg_path("XDG_CACHE_HOME", ".cache", "btfpack");
}

/* NULL when there are none. */
static char *default_distros(void)
{
	AUTO_FREE char *path = xdg_path("XDG_CONFIG_HOME", ".config", "btfpack/distros.d");

	return path && access(path, F_OK) == 0 ? steal_ptr(path) : NULL;
}

int fetching_new(const struct fetching *f, btfpack_fetch_progress_fn progress, void *arg,
		 struct btfpack_fetcher **ret, struct btfpack_error *err)
{
	AUTO_FREE char *cache = f->cache ? strdup(f->cache) : fetching_default_cache();
	AUTO_FREE char *distros = f->opts.distros ? NULL : default_distros();
	struct btfpack_fetch_opts opts = f->opts;

	if (!cache)
		return btfpack_error_set(err, -EINVAL,
					 "neither HOME nor XDG_CACHE_HOME says where downloads "
					 "belong; --cache does");
	opts.size = sizeof(opts);
	opts.progress = progress;
	opts.progress_arg = arg;
	if (!opts.distros)
		opts.distros = distros;
	return btfpack_fetcher_open(cache, &opts, ret, err);
}

int fetching_open(const struct fetching *f, struct btfpack_fetcher **fetcher_ret,
		  struct btfpack_package_iter **list_ret, struct btfpack_error *err)
{
	struct btfpack_list_opts list_opts = {
		.size = sizeof(list_opts),
		.flavour = f->filter.flavour,
		.latest = f->filter.latest,
		.expired = f->expired,
	};
	struct btfpack_fetcher *fetcher;
	int error;

	fetching_catch_signals();
	error = fetching_new(f, fetching_show_progress, NULL, &fetcher, err);
	if (error < 0)
		return error;
	error = btfpack_fetcher_list(fetcher, &f->filter.kernel, &list_opts, list_ret, err);
	output_progress(NULL);
	if (error < 0) {
		btfpack_fetcher_close(fetcher);
		return error;
	}
	*fetcher_ret = fetcher;
	return 0;
}

json_t *fetching_package(const struct btfpack_package *p)
{
	json_t *object = output_kernel(&p->kernel);

	json_object_set_new(object, "flavour", output_string(p->flavour));
	json_object_set_new(object, "package", output_string(p->name));
	json_object_set_new(object, "version", output_string(p->version));
	json_object_set_new(object, "size", json_integer((json_int_t)p->size));
	json_object_set_new(object, "sha256", p->sha256 ? output_string(p->sha256) : json_null());
	json_object_set_new(object, "digest", p->digest ? output_string(p->digest) : json_null());
	json_object_set_new(object, "signed", json_boolean(!p->is_unsigned));
	json_object_set_new(object, "signature",
			    p->is_unsigned ? json_null()
					   : output_string(p->needs_signature ? "package" : "index"));
	json_object_set_new(object, "suite", output_string(p->suite));
	json_object_set_new(object, "url", output_string(p->url));
	return object;
}

struct btfpack_provenance fetching_provenance(const struct btfpack_package *p)
{
	return (struct btfpack_provenance){
		.package = p->name,
		.package_version = p->version,
		.package_sha256 = p->sha256,
		.source = p->url,
		.suite = p->suite,
		.converter = p->is_unsigned ? "btfpack " BTFPACK_VERSION " --allow-unsigned"
					    : "btfpack " BTFPACK_VERSION,
	};
}

int fetching_is_held(struct btfpack_archive *archive, const struct btfpack_package *p,
		     struct btfpack_error *err)
{
	struct btfpack_provenance provenance = fetching_provenance(p);

	return archive ? btfpack_archive_has_package(archive, &p->kernel, &provenance, err) : 0;
}

int fetching_none(const struct fetching *f)
{
	char words[256];

	output_say("no debug package matches %s", filter_describe(&f->filter, words));
	return CMD_NO;
}
