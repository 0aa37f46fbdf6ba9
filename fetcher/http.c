/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "core/buf.h"
#include "core/digest.h"
#include "core/log.h"
#include "fetcher/http-client.h"

#define REDIRECTS_MAXIMUM 5
#define CONNECT_SECONDS   30
#define SLOWEST_BYTES     1000 /* a second, over ... */
#define SLOWEST_SECONDS   30
#define FIRST_PAUSE_MS    500
#define LONGEST_PAUSE_MS  8000
#define WORTH_MORE_TRIES  (1 << 20) /* a try that brought this much does not count */
#define NAME_RETRIES      1         /* the resolver has tried for seconds by itself */

/* A request on its way. */
struct transfer {
	struct http *http;
	const struct http_request *request;
	const struct http_upload *upload; /* NULL: a GET, or a HEAD */
	size_t sent;			  /* bytes of the upload */
	bool only_head, is_delete;
	uint64_t at;  /* bytes of the whole that the caller has by now */
	bool started; /* the answer's head was looked at in this try */
	char validator[HTTP_VALIDATOR_SIZE];
	struct btfpack_error failure; /* code 0: none of ours */
};

const char *http_last_part(const char *url)
{
	const char *slash = strrchr(url, '/');

	return slash && slash[1] ? slash + 1 : url;
}

static int on_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total,
		       curl_off_t up_now)
{
	struct transfer *t = arg;
	struct btfpack_fetch_progress progress = {
		.doing = t->upload ? "uploading" : "downloading",
		.what = http_last_part(t->request->url),
		.done = t->upload ? t->sent : t->at,
		.total = t->upload ? t->upload->size : t->request->size,
	};

	(void)total, (void)now, (void)up_total, (void)up_now;
	return http_tell_progress(t->http, &progress, &t->failure);
}

static const char *find_header(CURL *curl, const char *name)
{
	struct curl_header *header;

	return curl_easy_header(curl, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK
		       ? header->value
		       : NULL;
}

/* A strong ETag, or the date: either makes If-Range work. */
static void keep_validator(struct transfer *t)
{
	const char *value = find_header(t->http->curl, "ETag");

	if (!value || !strncmp(value, "W/", 2))
		value = find_header(t->http->curl, "Last-Modified");
	if (!value || strlen(value) >= sizeof(t->validator))
		return;
	strcpy(t->validator, value);
	if (t->request->identify)
		t->request->identify(t->request->arg, value);
}

static int wrong_size(struct transfer *t, uint64_t found)
{
	return btfpack_error_set(&t->failure, -EBADMSG,
				 "%s: expected %llu bytes, the server has %llu", t->request->url,
				 (unsigned long long)t->request->size, (unsigned long long)found);
}

static int over_maximum(struct transfer *t)
{
	return btfpack_error_set(&t->failure, -EFBIG, "%s: larger than the limit of %llu bytes",
				 t->request->url, (unsigned long long)t->request->maximum);
}

/* Where the answer begins: at our offset, or at 0 from a server that cannot or
 * will not continue. */
static int check_range(struct transfer *t)
{
	const char *range = find_header(t->http->curl, "Content-Range");
	unsigned long long first, last, whole;
	long status = 0;

	curl_easy_getinfo(t->http->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status == 0) /* file: has no status and always honours a range */
		return 0;
	/* Of another file than the index tells, a part is of no use. */
	if (status == 206 && t->request->end && t->request->size && range &&
	    sscanf(range, "bytes %llu-%llu/%llu", &first, &last, &whole) == 3 &&
	    whole != t->request->size)
		return wrong_size(t, whole);
	if (status == 206) {
		if (range && sscanf(range, "bytes %llu-", &first) == 1 && first == t->at)
			return 0;
		return btfpack_error_set(&t->failure, -EPROTO,
					 "%s: expected bytes from %llu on, the server sends '%s'",
					 t->request->url, (unsigned long long)t->at,
					 range ? range : "a part it does not name");
	}
	if (t->request->end)
		return btfpack_error_set(&t->failure, -EOPNOTSUPP,
					 "%s: the server does not send a part of it",
					 t->request->url);
	if (!t->at)
		return 0;
	t->at = 0;
	return t->request->restart(t->request->arg, &t->failure);
}

/* At the first byte, look at the head before anything is believed. */
static int start(struct transfer *t)
{
	curl_off_t length = -1;

	t->started = true;
	if (check_range(t) < 0)
		return -1;
	curl_easy_getinfo(t->http->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	if (t->request->end)
		return 0; /* the bytes are counted as they come */
	if (length >= 0 && t->request->size && t->at + (uint64_t)length != t->request->size)
		return wrong_size(t, t->at + (uint64_t)length);
	if (length >= 0 && t->at + (uint64_t)length > t->request->maximum)
		return over_maximum(t);
	keep_validator(t);
	return 0;
}

static size_t on_data(char *data, size_t one, size_t size, void *arg)
{
	struct transfer *t = arg;

	(void)one;
	if (t->upload || t->is_delete) /* such an answer says nothing that its status does not */
		return size;
	if (!t->started && start(t) < 0)
		return 0;
	if (t->request->end && size > t->request->end - t->at) {
		btfpack_error_set(&t->failure, -EPROTO, "%s: the server sends more than was asked",
				  t->request->url);
		return 0;
	}
	if (t->request->size && size > t->request->size - t->at) {
		wrong_size(t, t->at + size);
		return 0;
	}
	if (size > t->request->maximum - t->at) {
		over_maximum(t);
		return 0;
	}
	if (t->request->write(t->request->arg, data, size, &t->failure) < 0)
		return 0;
	t->at += size;
	t->http->received += size;
	return size;
}

/* libcurl's codes end here. @passing: worth another try. */
static const struct {
	CURLcode code;
	int error;
	bool passing;
} meanings[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, -EHOSTUNREACH, true },
	{ CURLE_COULDNT_RESOLVE_PROXY, -EHOSTUNREACH, true },
	{ CURLE_COULDNT_CONNECT, -ECONNREFUSED, true },
	{ CURLE_OPERATION_TIMEDOUT, -ETIMEDOUT, true },
	{ CURLE_PARTIAL_FILE, -ECONNRESET, true },
	{ CURLE_GOT_NOTHING, -ECONNRESET, true },
	{ CURLE_RECV_ERROR, -ECONNRESET, true },
	{ CURLE_SEND_ERROR, -ECONNRESET, true },
	{ CURLE_HTTP2_STREAM, -ECONNRESET, true },
	{ CURLE_HTTP2, -ECONNRESET, true },
	{ CURLE_FILE_COULDNT_READ_FILE, -ENOENT, false },
	{ CURLE_URL_MALFORMAT, -EINVAL, false },
	{ CURLE_UNSUPPORTED_PROTOCOL, -EINVAL, false },
	{ CURLE_OUT_OF_MEMORY, -ENOMEM, false },
};

static int explain_code(struct transfer *t, CURLcode code, const char *detail, bool *passing_ret)
{
	int error = -EPROTO;
	long redirects = 0;

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		if (meanings[i].code != code)
			continue;
		error = meanings[i].error;
		*passing_ret = meanings[i].passing;
	}
	curl_easy_getinfo(t->http->curl, CURLINFO_REDIRECT_COUNT, &redirects);
	if (error == -EINVAL && redirects) /* the server's mistake, not the caller's */
		error = -EPROTO;
	return btfpack_error_set(&t->failure, error, "%s: cannot %s: %s", t->request->url,
				 t->upload      ? "upload"
				 : t->is_delete ? "delete"
						: "download",
				 *detail ? detail : curl_easy_strerror(code));
}

/* What a server says to an upload, where that differs. */
static int explain_refusal(struct transfer *t, long status)
{
	const struct http_upload *u = t->upload;
	bool has_condition = u->if_match || u->if_absent;

	if (has_condition && (status == 412 || status == 409 || (u->if_match && status == 404)))
		return btfpack_error_set(&t->failure, -EEXIST,
					 "%s: something else is there by now", u->url);
	if (status == 405 || status == 501)
		return btfpack_error_set(&t->failure, -EOPNOTSUPP,
					 "%s: expected it to be stored, the server answered with "
					 "status %ld: it does not do that", u->url, status);
	return 0;
}

static int explain_status(struct transfer *t, long status, bool *passing_ret)
{
	int error = -EPROTO;

	if (t->upload && explain_refusal(t, status))
		return t->failure.code;
	if (t->is_delete && (status == 405 || status == 501))
		return btfpack_error_set(&t->failure, -EOPNOTSUPP,
					 "%s: expected it to be deleted, the server answered with "
					 "status %ld: it does not do that",
					 t->request->url, status);
	if (status == 404 || status == 410)
		error = -ENOENT;
	else if (status == 401 || status == 403)
		error = -EACCES;
	*passing_ret = status >= 500 || status == 429 || status == 408;
	return btfpack_error_set(&t->failure, error,
				 "%s: expected %s, the server answered with status %ld",
				 t->request->url,
				 t->upload      ? "it to be stored"
				 : t->is_delete ? "it to be deleted"
						: "the file",
				 status);
}

/* Asked for what lies beyond the end: the bytes we have are of something else. */
static int start_over(struct transfer *t, bool *passing_ret)
{
	int error = t->request->restart(t->request->arg, &t->failure);

	if (error < 0)
		return error;
	*passing_ret = true;
	t->at = 0;
	return btfpack_error_set(&t->failure, -EPROTO,
				 "%s: the server has less than was downloaded before",
				 t->request->url);
}

/* Add the header "NAME: VALUE". */
static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
	AUTO_FREE char *line = NULL;
	struct curl_slist *longer;

	if (asprintf(&line, "%s: %s", name, value) < 0) {
		line = NULL;
		return false;
	}
	longer = curl_slist_append(*list, line);
	if (longer)
		*list = longer;
	return longer;
}

static bool add_range(const struct transfer *t, CURL *curl, struct curl_slist **list)
{
	const char *validator = *t->validator ? t->validator : t->request->validator;
	char range[48];

	if (!t->at && !t->request->end)
		return true;
	if (t->request->end)
		snprintf(range, sizeof(range), "%llu-%llu", (unsigned long long)t->at,
			 (unsigned long long)t->request->end - 1);
	else
		snprintf(range, sizeof(range), "%llu-", (unsigned long long)t->at);
	curl_easy_setopt(curl, CURLOPT_RANGE, range);
	return !validator || add_header(list, "If-Range", validator);
}

static bool add_conditions(const struct http_upload *u, struct curl_slist **list)
{
	return add_header(list, "Content-Type", "application/octet-stream") &&
	       (!u->if_match || add_header(list, "If-Match", u->if_match)) &&
	       (!u->if_absent || add_header(list, "If-None-Match", "*"));
}

/* What is signed besides what libcurl signs by itself: the digest of the body, which
 * it could not know before it has sent it. */
static bool add_signed(const struct transfer *t, struct curl_slist **list)
{
	static const char none[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
	char hex[DIGEST_HEX_SIZE];

	if (!t->http->aws_provider)
		return true;
	if (t->upload)
		digest_format(t->upload->digest, hex);
	return add_header(list, "x-amz-content-sha256", t->upload ? hex : none) &&
	       (!t->http->aws_token ||
		add_header(list, "x-amz-security-token", t->http->aws_token));
}

static bool make_headers(const struct transfer *t, CURL *curl, struct curl_slist **ret)
{
	return (t->upload ? add_conditions(t->upload, ret) : add_range(t, curl, ret)) &&
	       add_signed(t, ret);
}

static size_t on_upload(char *to, size_t one, size_t room, void *arg)
{
	struct transfer *t = arg;
	size_t left = t->upload->size - t->sent, size = room * one;

	if (size > left)
		size = left;
	memcpy(to, (const char *)t->upload->data + t->sent, size);
	t->sent += size;
	return size;
}

/* libcurl begins again, on a connection that turned out to be closed. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
	struct transfer *t = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->upload->size)
		return CURL_SEEKFUNC_FAIL;
	t->sent = (size_t)offset;
	return CURL_SEEKFUNC_OK;
}

static void set_upload(struct transfer *t, CURL *curl)
{
	t->sent = 0;
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_upload);
	curl_easy_setopt(curl, CURLOPT_READDATA, t);
	curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, on_rewind);
	curl_easy_setopt(curl, CURLOPT_SEEKDATA, t);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->upload->size);
}

static void set_signature(struct http *http, CURL *curl)
{
	curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, http->aws_provider);
	curl_easy_setopt(curl, CURLOPT_USERPWD, http->aws_user);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

/* The URL as it is asked for. The library copies what it is given. */
static void set_url(const struct transfer *t, CURL *curl)
{
	const struct secret *secret = http_find_secret(t->http, t->request->url);
	char *whole;

	curl_easy_setopt(curl, CURLOPT_URL, t->request->url);
	if (!secret)
		return;
	curl_easy_setopt(curl, CURLOPT_USERNAME, secret->user);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, secret->password);
	if (!secret->query || asprintf(&whole, "%s?%s", t->request->url, secret->query) < 0)
		return;
	curl_easy_setopt(curl, CURLOPT_URL, whole);
	free(whole);
}

static void set_options(struct transfer *t, char *detail)
{
	CURL *curl = t->http->curl;
	bool secure = !strncmp(t->request->url, "https:", 6);

	curl_easy_reset(curl); /* connections stay */
	set_url(t, curl);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, detail);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https,file");
	curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, secure ? "https" : "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION,
			 t->upload || t->is_delete || t->http->aws_provider ? 0L : 1L);
	curl_easy_setopt(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAXIMUM);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "btfpack/" BTFPACK_VERSION);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST_BYTES);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SLOWEST_SECONDS);
	curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L << 10);
	curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	if (t->http->client_cert)
		curl_easy_setopt(curl, CURLOPT_SSLCERT, t->http->client_cert);
	if (t->http->client_key)
		curl_easy_setopt(curl, CURLOPT_SSLKEY, t->http->client_key);
	if (t->http->ca_file)
		curl_easy_setopt(curl, CURLOPT_CAINFO, t->http->ca_file);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_NOBODY, t->only_head ? 1L : 0L);
	if (t->is_delete)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, "DELETE");
	if (t->upload)
		set_upload(t, curl);
	if (t->http->aws_provider)
		set_signature(t->http, curl);
}

/* Not followed: what was signed, or is to be stored, is for this host. */
static int explain_redirect(struct transfer *t, long status)
{
	const char *to = find_header(t->http->curl, "Location");

	return btfpack_error_set(&t->failure, -EPROTO,
				 "%s: the server answered with status %ld and points to %.100s, which "
				 "is not followed: is the region or the endpoint another one?",
				 t->request->url, status, to ? to : "nowhere");
}

/* One try. Leaves the sentence in t->failure. */
static int try_once(struct transfer *t, bool *passing_ret)
{
	char detail[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers = NULL;
	long status = 0;
	CURLcode code;

	*passing_ret = false;
	t->failure = (struct btfpack_error){ 0 };
	t->started = false;
	set_options(t, detail);
	if (!make_headers(t, t->http->curl, &headers)) {
		curl_slist_free_all(headers);
		return btfpack_error_set(&t->failure, -ENOMEM, "%s: out of memory", t->request->url);
	}
	curl_easy_setopt(t->http->curl, CURLOPT_HTTPHEADER, headers);
	code = curl_easy_perform(t->http->curl);
	curl_slist_free_all(headers);
	curl_easy_getinfo(t->http->curl, CURLINFO_RESPONSE_CODE, &status);
	if (t->failure.code)
		return t->failure.code;
	if (status == 416 && t->at && !t->request->end)
		return start_over(t, passing_ret);
	if (code == CURLE_HTTP_RETURNED_ERROR)
		return explain_status(t, status, passing_ret);
	if (code != CURLE_OK)
		return explain_code(t, code, detail, passing_ret);
	if (status >= 300 && status < 400)
		return explain_redirect(t, status);
	if (t->upload || t->is_delete || t->only_head)
		return 0;
	if (!t->started && start(t) < 0) /* an empty body */
		return t->failure.code;
	if (t->request->end && t->at != t->request->end)
		return btfpack_error_set(&t->failure, -EPROTO,
					 "%s: the server sends less than was asked",
					 t->request->url);
	if (!t->request->end && t->request->size && t->at != t->request->size)
		return wrong_size(t, t->at);
	return 0;
}

/* Wait, but stay cancelable. */
static int pause_for(struct transfer *t, unsigned int ms)
{
	for (unsigned int waited = 0; waited < ms; waited += 100) {
		struct timespec tick = { .tv_nsec = 100000000 };

		if (on_progress(t, 0, 0, 0, 0))
			return t->failure.code;
		nanosleep(&tick, NULL);
	}
	return 0;
}

/* It was not there at all, rather than to break off. */
static bool was_unreachable(const struct transfer *t, int error)
{
	return t->at == t->request->offset &&
	       (error == -EHOSTUNREACH || error == -ECONNREFUSED || error == -ETIMEDOUT);
}

static int most_retries(const struct transfer *t, int error)
{
	return error == -EHOSTUNREACH && t->http->retries > NAME_RETRIES ? NAME_RETRIES
									 : t->http->retries;
}

/* Try until it is done, or is not worth another try. */
static int transfer_run(struct transfer *t, struct btfpack_error *err)
{
	unsigned int pause = FIRST_PAUSE_MS;
	int failures = 0, error;

	for (;;) {
		uint64_t before = t->at;
		bool passing;

		error = try_once(t, &passing);
		if (!error)
			return 0;
		if (t->at >= before + WORTH_MORE_TRIES) {
			failures = 0;
			pause = FIRST_PAUSE_MS;
		}
		if (was_unreachable(t, error) && http_is_down(t->http, t->request->url))
			break;
		if (!passing || failures++ >= most_retries(t, error)) {
			if (was_unreachable(t, error))
				http_note_down(t->http, t->request->url);
			break;
		}
		log_info("%s; trying again", t->failure.message);
		error = pause_for(t, pause);
		if (error < 0)
			break;
		pause = pause * 2 < LONGEST_PAUSE_MS ? pause * 2 : LONGEST_PAUSE_MS;
	}
	return btfpack_error_set(err, error, "%s", t->failure.message);
}

int http_get(struct http *http, const struct http_request *request, struct btfpack_error *err)
{
	struct transfer t = { .http = http, .request = request, .at = request->offset };

	return transfer_run(&t, err);
}

int http_put(struct http *http, const struct http_upload *upload, struct btfpack_error *err)
{
	const struct http_request request = { .url = upload->url };
	struct transfer t = { .http = http, .request = &request, .upload = upload };

	return transfer_run(&t, err);
}

int http_delete(struct http *http, const char *url, struct btfpack_error *err)
{
	const struct http_request request = { .url = url };
	struct transfer t = { .http = http, .request = &request, .is_delete = true };

	return transfer_run(&t, err);
}

int http_head(struct http *http, const char *url, uint64_t *size_ret, struct btfpack_error *err)
{
	const struct http_request request = { .url = url, .maximum = UINT64_MAX };
	struct transfer t = { .http = http, .request = &request, .only_head = true };
	curl_off_t length = -1;
	int error = transfer_run(&t, err);

	if (error)
		return error;
	curl_easy_getinfo(http->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
	*size_ret = length < 0 ? UINT64_MAX : (uint64_t)length;
	return 0;
}

static int restart_blob(void *arg, struct btfpack_error *err)
{
	(void)err;
	((struct buf *)arg)->size = 0;
	return 0;
}

static int write_blob(void *arg, const void *data, size_t size, struct btfpack_error *err)
{
	int error = buf_add(arg, data, size);

	return error < 0 ? btfpack_error_set(err, error, "out of memory for a download") : 0;
}

static void read_tag(struct http *http, char tag_ret[HTTP_VALIDATOR_SIZE])
{
	const char *tag = find_header(http->curl, "ETag");

	snprintf(tag_ret, HTTP_VALIDATOR_SIZE, "%s",
		 tag && strlen(tag) < HTTP_VALIDATOR_SIZE ? tag : "");
}

int http_get_tagged(struct http *http, const char *url, size_t maximum, struct btfpack_blob *ret,
		    char tag_ret[HTTP_VALIDATOR_SIZE], struct btfpack_error *err)
{
	AUTO_BUF struct buf buf = BUF_INIT(maximum + 1);
	struct http_request request = {
		.url = url,
		.maximum = maximum,
		.restart = restart_blob,
		.write = write_blob,
		.arg = &buf,
	};
	int error = http_get(http, &request, err);

	if (error < 0)
		return error;
	if (!buf_string(&buf))
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", url);
	if (tag_ret)
		read_tag(http, tag_ret);
	*ret = buf_take(&buf); /* the caller's */
	return 0;
}

int http_get_blob(struct http *http, const char *url, size_t maximum, struct btfpack_blob *ret,
		  struct btfpack_error *err)
{
	return http_get_tagged(http, url, maximum, ret, NULL, err);
}

/* Bytes on their way to their place. */
struct part {
	uint8_t *bytes;
	size_t size, have;
};

static int restart_part(void *arg, struct btfpack_error *err)
{
	(void)err;
	((struct part *)arg)->have = 0;
	return 0;
}

static int write_part(void *arg, const void *data, size_t size, struct btfpack_error *err)
{
	struct part *part = arg;

	if (size > part->size - part->have)
		return btfpack_error_set(err, -EPROTO, "the server sends more than was asked");
	memcpy(part->bytes + part->have, data, size);
	part->have += size;
	return 0;
}

int http_get_range(struct http *http, const char *url, uint64_t whole, uint64_t offset, void *ret,
		   size_t size, struct btfpack_error *err)
{
	struct part part = { ret, size, 0 };
	struct http_request request = {
		.url = url,
		.offset = offset,
		.size = whole,
		.maximum = offset + size,
		.end = offset + size,
		.restart = restart_part,
		.write = write_part,
		.arg = &part,
	};

	return size ? http_get(http, &request, err) : 0;
}
