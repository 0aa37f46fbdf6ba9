/* SPDX-License-Identifier: BSD-2-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/arch.h"
#include "core/base64.h"
#include "core/buf.h"
#include "core/cleanup.h"
#include "core/digest.h"
#include "fetcher/http.h"
#include "fetcher/rpm-header.h"
#include "fetcher/rpm-signature.h"
#include "fetcher/signature.h"

#define SIGNATURE_MAXIMUM ((size_t)64 << 10)
#define READ_SIZE	  (1 << 20)

struct check {
	int fd;
	const char *what;
	const struct keyring *keyring;
	struct rpm_headers headers;
};

static void check_deinit(struct check *c)
{
	rpm_headers_deinit(&c->headers);
	if (c->fd >= 0)
		close(c->fd);
}

/* --- the signature ---------------------------------------------------------------------------------- */

/* rpm 6 keeps several, each in base64; the first has to do. */
static int get_openpgp(const struct check *c, struct buf *room, struct btfpack_blob *ret)
{
	const char *text = rpm_header_string(&c->headers.signature, RPM_SIG_OPENPGP);

	if (!text || base64_decode(text, strlen(text), room) < 0)
		return -ENOENT;
	*ret = (struct btfpack_blob){ room->data, room->size };
	return 0;
}

static int find_header_signature(const struct check *c, struct buf *room, struct btfpack_blob *ret)
{
	int error = get_openpgp(c, room, ret);

	if (error < 0)
		error = rpm_header_get(&c->headers.signature, RPM_SIG_RSA, ret);
	return error < 0 ? rpm_header_get(&c->headers.signature, RPM_SIG_DSA, ret) : error;
}

static int find_whole_signature(const struct check *c, struct btfpack_blob *ret)
{
	int error = rpm_header_get(&c->headers.signature, RPM_SIG_PGP, ret);

	return error < 0 ? rpm_header_get(&c->headers.signature, RPM_SIG_GPG, ret) : error;
}

/* --- the payload ------------------------------------------------------------------------------------ */

/* The numbers of OpenPGP, as rpm uses them. */
static enum checksum_kind kind_of(const struct check *c)
{
	uint32_t number = 8;

	rpm_header_number(&c->headers.header, RPM_PAYLOAD_DIGEST_KIND, &number);
	switch (number) {
	case 8:
		return CHECKSUM_SHA256;
	case 9:
		return CHECKSUM_SHA384;
	case 10:
		return CHECKSUM_SHA512;
	case 11:
		return CHECKSUM_SHA224;
	}
	return CHECKSUM_NONE;
}

static bool has_payload_digest(const struct check *c)
{
	return rpm_header_string(&c->headers.header, RPM_PAYLOAD_DIGEST) &&
	       kind_of(c) != CHECKSUM_NONE;
}

static int digest_payload(const struct check *c, struct digest *digest, struct btfpack_error *err)
{
	AUTO_FREE uint8_t *bytes = malloc(READ_SIZE);
	uint64_t at = c->headers.payload;
	ssize_t got;

	if (!bytes || !digest)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", c->what);
	while ((got = pread(c->fd, bytes, READ_SIZE, (off_t)at)) > 0) {
		digest_add(digest, bytes, (size_t)got);
		at += (uint64_t)got;
	}
	if (got < 0)
		return btfpack_error_set(err, -errno, "%s: cannot read: %s", c->what,
					 strerror(errno));
	return 0;
}

static int check_payload(const struct check *c, struct btfpack_error *err)
{
	const char *hex = rpm_header_string(&c->headers.header, RPM_PAYLOAD_DIGEST);
	enum checksum_kind kind = kind_of(c);
	struct digest *digest = digest_new_of(kind);
	struct checksum expected, found;
	int error = digest_payload(c, digest, err);

	if (!error)
		digest_finish_checksum(digest, kind, &found);
	digest_free(digest);
	if (error < 0)
		return error;
	if (checksum_parse(kind, hex, &expected) < 0 || !checksum_is_equal(&expected, &found))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected the payload that its signed header tells the "
					 "%s of, found another",
					 c->what, checksum_kind_name(kind));
	return 0;
}

/* --- what the header says ------------------------------------------------------------------------- */

/* A mirror must not pass one good package for another. */
static int check_identity(const struct check *c, const struct btfpack_package *package,
			  struct btfpack_error *err)
{
	const struct rpm_header *h = &c->headers.header;
	const char *name = rpm_header_string(h, RPM_NAME);
	const char *version = rpm_header_string(h, RPM_VERSION);
	const char *release = rpm_header_string(h, RPM_RELEASE);
	const char *arch = rpm_header_string(h, RPM_ARCH);
	const char *colon = strchr(package->version, ':');
	char found[256];

	if (!name || !version || !release || !arch)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected a header with name, version and "
					 "architecture",
					 c->what);
	snprintf(found, sizeof(found), "%s-%s", version, release);
	if (!strcmp(name, package->name) &&
	    !strcmp(found, colon ? colon + 1 : package->version) &&
	    !strcmp(arch_normalize(arch), package->kernel.arch))
		return 0;
	return btfpack_error_set(err, -EBADMSG,
				 "%s: expected the package %.64s %.64s of %s, found the signed "
				 "%.64s %.64s of %.16s",
				 c->what, package->name, package->version, package->kernel.arch,
				 name, found, arch);
}

static int check_all(struct check *c, const struct btfpack_package *package,
		     struct btfpack_error *err)
{
	AUTO_BUF struct buf room = BUF_INIT(SIGNATURE_MAXIMUM);
	struct btfpack_blob signature;
	int error;

	if (has_payload_digest(c) && find_header_signature(c, &room, &signature) == 0) {
		error = signature_verify_detached(&c->headers.header.bytes, &signature, c->keyring,
						  c->what, err);
		if (!error)
			error = check_payload(c, err);
	} else if (find_whole_signature(c, &signature) == 0) {
		error = signature_verify_file(c->fd, c->headers.header.offset, &signature,
					      c->keyring, c->what, err);
	} else {
		return btfpack_error_set(err, -ENODATA,
					 "%s: neither its repository's index nor the package is "
					 "signed: only --allow-unsigned uses it",
					 c->what);
	}
	return error < 0 ? error : check_identity(c, package, err);
}

int rpm_signature_check(const char *path, const struct btfpack_package *package,
			const struct keyring *keyring, struct btfpack_error *err)
{
	CLEANUP(check_deinit) struct check c = {
		.fd = open(path, O_RDONLY | O_CLOEXEC),
		.what = http_last_part(package->url),
		.keyring = keyring,
	};
	int error;

	if (c.fd < 0)
		return btfpack_error_set(err, -errno, "%s: cannot open: %s", path,
					 strerror(errno));
	error = rpm_headers_read(&c.headers, c.fd, c.what, err);
	return error < 0 ? error : check_all(&c, package, err);
}
