/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "fetcher/http-client.h"

#define RETRIES_DEFAULT 4

static pthread_once_t global_once = PTHREAD_ONCE_INIT;

static void init_global(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* --- secrets
 * ------------------------------------------------------------------------------------- */

static void secret_free(struct secret *s)
{
	if (!s)
		return;
	curl_free(s->user);
	curl_free(s->password);
	curl_free(s->query);
	free(s->below);
	free(s);
}

static bool is_below(const char *url, const char *base)
{
	size_t length = strlen(base);

	return !strncmp(url, base, length) && (!url[length] || url[length] == '/');
}

/* Scheme, host and port. */
static bool is_of_server(const char *url, const char *base)
{
	const char *host = strstr(base, "://");
	size_t length = host ? (size_t)(host + 3 - base) + strcspn(host + 3, "/") : strlen(base);

	return !strncmp(url, base, length) && (!url[length] || url[length] == '/');
}

const struct secret *http_find_secret(const struct http *http, const char *url)
{
	const struct secret *of_server = NULL;

	for (const struct secret *s = http->secrets; s; s = s->next) {
		if (is_below(url, s->below))
			return s;
		if (!of_server && is_of_server(url, s->below))
			of_server = s;
	}
	return of_server;
}

/* The parts of @parsed that are nobody's business, and what is left of it. */
static struct secret *split_secret(CURLU *parsed)
{
	struct secret *s = calloc(1, sizeof(*s));
	char *rest = NULL;

	if (!s)
		return NULL;
	curl_url_get(parsed, CURLUPART_USER, &s->user, CURLU_URLDECODE);
	curl_url_get(parsed, CURLUPART_PASSWORD, &s->password, CURLU_URLDECODE);
	curl_url_get(parsed, CURLUPART_QUERY, &s->query, 0);
	curl_url_set(parsed, CURLUPART_USER, NULL, 0);
	curl_url_set(parsed, CURLUPART_PASSWORD, NULL, 0);
	curl_url_set(parsed, CURLUPART_QUERY, NULL, 0);
	if (curl_url_get(parsed, CURLUPART_URL, &rest, 0) == CURLUE_OK) {
		size_t length = strlen(rest);

		while (length && rest[length - 1] == '/')
			length--;
		s->below = strndup(rest, length);
	}
	curl_free(rest);
	return s;
}

int http_take_secrets(struct http *http, char **url, struct btfpack_error *err)
{
	struct secret *secret;
	char *below;
	CURLU *parsed;

	if (!strchr(*url, '@') && !strchr(*url, '?'))
		return 0;
	parsed = curl_url();
	if (!parsed || curl_url_set(parsed, CURLUPART_URL, *url, 0) != CURLUE_OK) {
		curl_url_cleanup(parsed);
		return btfpack_error_set(err, -EINVAL, "the mirror's URL makes no sense");
	}
	secret = split_secret(parsed);
	curl_url_cleanup(parsed);
	below = secret && secret->below ? strdup(secret->below) : NULL;
	if (!below) {
		secret_free(secret);
		return btfpack_error_set(err, -ENOMEM, "out of memory for a URL");
	}
	free(*url);
	*url = below; /* the caller's */
	secret->next = http->secrets;
	http->secrets = secret; /* the client owns it */
	return 0;
}

/* --- servers that are down
 * ----------------------------------------------------------------------- */

bool http_is_down(const struct http *http, const char *url)
{
	struct down_servers *d = http->down;
	bool found = false;

	pthread_mutex_lock(&d->lock);
	for (size_t i = 0; i < d->count && !found; i++)
		found = is_of_server(url, d->bases[i]);
	pthread_mutex_unlock(&d->lock);
	return found;
}

void http_note_down(const struct http *http, const char *url)
{
	const char *host = strstr(url, "://");
	struct down_servers *d = http->down;
	size_t length = host ? (size_t)(host + 3 - url) + strcspn(host + 3, "/") : 0;
	char *base = length && !http_is_down(http, url) ? strndup(url, length) : NULL;

	pthread_mutex_lock(&d->lock);
	if (base && d->count < DOWN_MAXIMUM)
		d->bases[d->count++] = steal_ptr(base); /* the list's */
	pthread_mutex_unlock(&d->lock);
	free(base);
}

static void down_servers_free(struct down_servers *d)
{
	bool last;

	if (!d)
		return;
	pthread_mutex_lock(&d->lock);
	last = --d->users == 0;
	pthread_mutex_unlock(&d->lock);
	if (!last)
		return;
	while (d->count)
		free(d->bases[--d->count]);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

static struct down_servers *down_servers_new(void)
{
	struct down_servers *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	pthread_mutex_init(&d->lock, NULL);
	d->users = 1;
	return d;
}

static struct down_servers *down_servers_share(struct down_servers *d)
{
	pthread_mutex_lock(&d->lock);
	d->users++;
	pthread_mutex_unlock(&d->lock);
	return d;
}

/* --- the client
 * ---------------------------------------------------------------------------------- */

/* "aws:amz:REGION:s3" and "KEY:SECRET", as libcurl takes them. */
static bool copy_keys(struct http *http, const struct http_opts *opts)
{
	if (!opts->aws_region || !opts->aws_key || !opts->aws_secret)
		return true;
	if (asprintf(&http->aws_provider, "aws:amz:%s:s3", opts->aws_region) < 0)
		http->aws_provider = NULL;
	if (asprintf(&http->aws_user, "%s:%s", opts->aws_key, opts->aws_secret) < 0)
		http->aws_user = NULL;
	http->aws_token = opts->aws_token ? strdup(opts->aws_token) : NULL;
	return http->aws_provider && http->aws_user && (!opts->aws_token || http->aws_token);
}

static bool copy_files(struct http *http, const struct http_opts *opts)
{
	http->client_cert = opts->client_cert ? strdup(opts->client_cert) : NULL;
	http->client_key = opts->client_key ? strdup(opts->client_key) : NULL;
	http->ca_file = opts->ca_file ? strdup(opts->ca_file) : NULL;
	return (!opts->client_cert || http->client_cert) &&
	       (!opts->client_key || http->client_key) && (!opts->ca_file || http->ca_file);
}

int http_new(const struct http_opts *opts, struct http **ret, struct btfpack_error *err)
{
	struct http *http = calloc(1, sizeof(*http));

	pthread_once(&global_once, init_global);
	if (http) {
		http->curl = curl_easy_init();
		http->down = down_servers_new();
	}
	if (!http || !http->curl || !http->down || !copy_files(http, opts) ||
	    !copy_keys(http, opts)) {
		http_free(http);
		return btfpack_error_set(err, -ENOMEM, "out of memory for the HTTP client");
	}
	http->retries = opts->retries ? opts->retries : RETRIES_DEFAULT;
	if (http->retries < 0)
		http->retries = 0;
	http->progress = opts->progress;
	http->progress_arg = opts->progress_arg;
	*ret = http;
	return 0;
}

/* --- a second client
 * ----------------------------------------------------------------------------------- */

static bool copy_string(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return !text || *ret;
}

static bool copy_secrets(const struct secret *from, struct secret **ret)
{
	for (; from; from = from->next, ret = &(*ret)->next) {
		struct secret *s = *ret = calloc(1, sizeof(*s));

		if (!s || !copy_string(from->below, &s->below) ||
		    !copy_string(from->user, &s->user) ||
		    !copy_string(from->password, &s->password) ||
		    !copy_string(from->query, &s->query))
			return false;
	}
	return true;
}

int http_clone(const struct http *from, btfpack_fetch_progress_fn progress, void *arg,
	       struct http **ret, struct btfpack_error *err)
{
	struct http *http = calloc(1, sizeof(*http));

	if (http) {
		http->curl = curl_easy_init();
		http->down = down_servers_share(from->down);
		http->retries = from->retries;
		http->progress = progress;
		http->progress_arg = arg;
	}
	if (!http || !http->curl || !copy_secrets(from->secrets, &http->secrets) ||
	    !copy_string(from->client_cert, &http->client_cert) ||
	    !copy_string(from->client_key, &http->client_key) ||
	    !copy_string(from->ca_file, &http->ca_file) ||
	    !copy_string(from->aws_provider, &http->aws_provider) ||
	    !copy_string(from->aws_user, &http->aws_user) ||
	    !copy_string(from->aws_token, &http->aws_token)) {
		http_free(http);
		return btfpack_error_set(err, -ENOMEM, "out of memory for the HTTP client");
	}
	*ret = http;
	return 0;
}

void http_free_clone(struct http *clone, struct http *of)
{
	if (clone)
		of->received += clone->received;
	http_free(clone);
}

uint64_t http_received(const struct http *http)
{
	return http->received;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	while (http->secrets) {
		struct secret *next = http->secrets->next;

		secret_free(http->secrets);
		http->secrets = next;
	}
	curl_easy_cleanup(http->curl);
	down_servers_free(http->down);
	free(http->client_cert);
	free(http->client_key);
	free(http->ca_file);
	free(http->aws_provider);
	free(http->aws_user);
	free(http->aws_token);
	free(http);
}

int http_tell_progress(struct http *http, const struct btfpack_fetch_progress *progress,
		       struct btfpack_error *err)
{
	if (!http->progress || !http->progress(progress, http->progress_arg))
		return 0;
	return btfpack_error_set(err, -ECANCELED, "%s: %s was canceled", progress->what,
				 progress->doing);
}
