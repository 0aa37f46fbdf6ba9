/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside of a struct http: http-client.c has the client and what it knows for all its requests
 * (secrets, keys, servers that are down), http.c has a request on its way.
 */
#ifndef FETCHER_HTTP_CLIENT_H
#define FETCHER_HTTP_CLIENT_H

#include <pthread.h>
#include <stdbool.h>

#include <curl/curl.h>

#include "fetcher/http.h"

/* What requests below a URL carry. */
struct secret {
	char *below;
	char *user, *password, *query; /* NULL: none */
	struct secret *next;
};

#define DOWN_MAXIMUM 32

/* Servers that could not be reached after all retries: asked once from then on. */
struct down_servers {
	pthread_mutex_t lock;
	unsigned int users; /* clients */
	size_t count;
	char *bases[DOWN_MAXIMUM]; /* scheme, host and port */
};

struct http {
	CURL *curl;
	struct down_servers *down; /* shared with clones */
	struct secret *secrets;
	int retries;
	char *client_cert, *client_key, *ca_file;  /* NULL: none */
	char *aws_provider, *aws_user, *aws_token; /* as libcurl wants them; NULL: none */
	btfpack_fetch_progress_fn progress;
	void *progress_arg;
	uint64_t received; /* bytes of all answers */
};

/* Of the URL's own base, else of its server; NULL: none. */
const struct secret *http_find_secret(const struct http *http, const char *url);

/* Whether the server of @url could not be reached before; and that it could not. */
bool http_is_down(const struct http *http, const char *url);
void http_note_down(const struct http *http, const char *url);

#endif
