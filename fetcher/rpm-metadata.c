/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "fetcher/rpm-metadata.h"

bool rpm_is_relative_path(const char *path)
{
	size_t length;

	if (*path == '/')
		return false;
	for (; *path; path += length + (path[length] == '/')) {
		length = strcspn(path, "/");
		if (length == 2 && !strncmp(path, "..", 2))
			return false;
	}
	return true;
}

/* Letters, digits and @punctuation: nothing that means something to a shell, a path
 * or a terminal. */
static bool is_plain(const char *text, size_t maximum, const char *punctuation)
{
	size_t length = strlen(text);

	if (!length || length > maximum)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(punctuation, *text))
			return false;
	return true;
}

static bool read_size(const char *text, uint64_t *ret)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return !errno && !*end;
}

/* Untrusted text, for a sentence. */
static const char *shown(const char *text, char ret[48])
{
	size_t n = 0;

	for (; *text && n < 47; text++)
		ret[n++] = isprint((unsigned char)*text) ? *text : '?';
	ret[n] = '\0';
	return ret;
}

/* Cut to what fits; what is longer than a rule allows was refused before. */
static void copy(char *ret, size_t size, const char *text)
{
	size_t length = text ? strnlen(text, size - 1) : 0;

	memcpy(ret, text ? text : "", length);
	ret[length] = '\0';
}

/* --- repomd.xml ---------------------------------------------------------------------------------- */

struct repomd_reader {
	const char *what;
	char type[32]; /* of the <data> being read */
	char path[XML_TEXT_MAXIMUM], digest[XML_TEXT_MAXIMUM], kind[32];
	uint64_t size;
	bool found, found_database;
	struct rpm_repomd *ret;
};

static int repomd_start(void *arg, const char *name, const char *const *attributes,
			struct btfpack_error *err)
{
	struct repomd_reader *r = arg;

	(void)err;
	if (!strcmp(name, "data")) {
		copy(r->type, sizeof(r->type), xml_attribute(attributes, "type"));
		r->path[0] = r->digest[0] = r->kind[0] = '\0';
		r->size = 0;
	} else if (!strcmp(name, "location")) {
		copy(r->path, sizeof(r->path), xml_attribute(attributes, "href"));
	} else if (!strcmp(name, "checksum")) {
		copy(r->kind, sizeof(r->kind), xml_attribute(attributes, "type"));
	}
	return 0;
}

static int take_primary(struct repomd_reader *r, struct btfpack_error *err)
{
	char word[48];

	if (!is_plain(r->path, sizeof(r->ret->path) - 1, "+-.~/_") || !rpm_is_relative_path(r->path))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected a path within the repository for the primary "
					 "index, found '%s'",
					 r->what, shown(r->path, word));
	if (strcmp(r->kind, "sha256"))
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: expected a sha256 checksum for the primary index, "
					 "found '%s'",
					 r->what, shown(r->kind, word));
	if (digest_parse(r->digest, &r->ret->digest) < 0)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected 64 hex digits for the primary index, found "
					 "'%s'",
					 r->what, shown(r->digest, word));
	copy(r->ret->path, sizeof(r->ret->path), r->path);
	r->ret->size = r->size;
	r->found = true;
	return 0;
}

static int repomd_end(void *arg, const char *name, const char *text, struct btfpack_error *err)
{
	struct repomd_reader *r = arg;

	if (!strcmp(name, "checksum"))
		copy(r->digest, sizeof(r->digest), text);
	else if (!strcmp(name, "size") && !read_size(text, &r->size))
		r->size = 0;
	if (strcmp(name, "data"))
		return 0;
	if (!strcmp(r->type, "primary_db"))
		r->found_database = true;
	return !strcmp(r->type, "primary") && !r->found ? take_primary(r, err) : 0;
}

int rpm_repomd_parse(const void *text, size_t size, const char *what, struct rpm_repomd *ret,
		     struct btfpack_error *err)
{
	static const struct xml_ops ops = { repomd_start, repomd_end };
	struct repomd_reader reader = { .what = what, .ret = ret };
	struct xml *xml;
	int error;

	*ret = (struct rpm_repomd){ 0 };
	error = xml_new(&ops, &reader, what, &xml, err);
	if (error < 0)
		return error;
	error = xml_feed(xml, text, size, err);
	if (!error)
		error = xml_finish(xml, err);
	xml_free(xml);
	if (error < 0 || reader.found)
		return error;
	if (reader.found_database)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: its primary index is only an SQLite database; expected "
					 "primary.xml",
					 what);
	return btfpack_error_set(err, -EBADMSG, "%s: expected it to name a primary index", what);
}

/* --- primary.xml --------------------------------------------------------------------------------- */

enum { NAME, ARCH, EPOCH, VERSION, RELEASE, LOCATION, CHECKSUM, CHECKSUM_KIND, SIZE, FIELDS };

/* What each field's text may be, and where it goes. */
static const struct {
	const char *name;
	size_t maximum;
	const char *punctuation;
} rules[FIELDS] = {
	[NAME] = { "name", sizeof(((struct rpm_package *)0)->name) - 1, "+-._" },
	[ARCH] = { "arch", sizeof(((struct rpm_package *)0)->arch) - 1, "_" },
	[EPOCH] = { "epoch", 9, "" },
	[VERSION] = { "version", sizeof(((struct rpm_package *)0)->version) - 1, "+._~^" },
	[RELEASE] = { "release", sizeof(((struct rpm_package *)0)->release) - 1, "+._~^" },
	[LOCATION] = { "location", sizeof(((struct rpm_package *)0)->location) - 1, "+-.~^/_%:" },
	[CHECKSUM] = { "checksum", DIGEST_HEX_SIZE - 1, "" },
	[CHECKSUM_KIND] = { "checksum type", 16, "-" },
	[SIZE] = { "size", 20, "" },
};

struct rpm_packages_element {
	bool inside;
	char text[FIELDS][XML_TEXT_MAXIMUM + 1];
};

static void set(struct rpm_packages *p, int field, const char *text)
{
	copy(p->element->text[field], sizeof(p->element->text[field]), text);
}

static int primary_start(void *arg, const char *name, const char *const *attributes,
			 struct btfpack_error *err)
{
	struct rpm_packages *p = arg;

	(void)err;
	if (!strcmp(name, "package")) {
		memset(p->element, 0, sizeof(*p->element));
		p->element->inside = true;
	} else if (!strcmp(name, "version")) {
		const char *epoch = xml_attribute(attributes, "epoch");

		set(p, EPOCH, epoch && *epoch ? epoch : "0");
		set(p, VERSION, xml_attribute(attributes, "ver"));
		set(p, RELEASE, xml_attribute(attributes, "rel"));
	} else if (!strcmp(name, "checksum")) {
		set(p, CHECKSUM_KIND, xml_attribute(attributes, "type"));
	} else if (!strcmp(name, "size")) {
		set(p, SIZE, xml_attribute(attributes, "package"));
	} else if (!strcmp(name, "location")) {
		set(p, LOCATION, xml_attribute(attributes, "href"));
	}
	return 0;
}

static int refuse(const struct rpm_packages *p, int code, const char *expected, int field,
		  struct btfpack_error *err)
{
	char name[48], word[48];

	return btfpack_error_set(err, code, "%s: package %s: expected %s as its %s, found '%s'",
				 p->what, shown(p->element->text[NAME], name), expected,
				 rules[field].name, shown(p->element->text[field], word));
}

static int check_fields(const struct rpm_packages *p, struct btfpack_error *err)
{
	for (int i = 0; i < FIELDS; i++)
		if (!is_plain(p->element->text[i], rules[i].maximum, rules[i].punctuation) &&
		    !(i == CHECKSUM && strcmp(p->element->text[CHECKSUM_KIND], "sha256")))
			return refuse(p, i == SIZE && *p->element->text[i] ? -EFBIG : -EBADMSG,
				      i == SIZE ? "a number of bytes" : "a plain short word", i,
				      err);
	if (strcmp(p->element->text[CHECKSUM_KIND], "sha256"))
		return refuse(p, -EOPNOTSUPP, "sha256", CHECKSUM_KIND, err);
	if (strspn(p->element->text[EPOCH], "0123456789") != strlen(p->element->text[EPOCH]))
		return refuse(p, -EBADMSG, "a number", EPOCH, err);
	if (!rpm_is_relative_path(p->element->text[LOCATION]))
		return refuse(p, -EBADMSG, "a path within the repository", LOCATION, err);
	return 0;
}

static int read_package(const struct rpm_packages *p, struct rpm_package *ret,
			struct btfpack_error *err)
{
	struct rpm_packages_element *e = p->element;
	struct btfpack_id id;
	int error = check_fields(p, err);

	if (error < 0)
		return error;
	if (digest_parse(e->text[CHECKSUM], &id) < 0)
		return refuse(p, -EBADMSG, "64 hex digits", CHECKSUM, err);
	if (!read_size(e->text[SIZE], &ret->size) || !ret->size ||
	    ret->size > RPM_PACKAGE_SIZE_MAXIMUM)
		return refuse(p, -EFBIG, "1 to 17179869184 bytes", SIZE, err);
	copy(ret->name, sizeof(ret->name), e->text[NAME]);
	copy(ret->arch, sizeof(ret->arch), e->text[ARCH]);
	copy(ret->epoch, sizeof(ret->epoch), e->text[EPOCH]);
	copy(ret->version, sizeof(ret->version), e->text[VERSION]);
	copy(ret->release, sizeof(ret->release), e->text[RELEASE]);
	copy(ret->location, sizeof(ret->location), e->text[LOCATION]);
	digest_format(&id, ret->sha256);
	return 0;
}

static int primary_end(void *arg, const char *name, const char *text, struct btfpack_error *err)
{
	struct rpm_packages *p = arg;
	struct rpm_package package;
	int error;

	if (!p->element->inside)
		return 0;
	if (!strcmp(name, "name") && !*p->element->text[NAME])
		set(p, NAME, text);
	else if (!strcmp(name, "arch"))
		set(p, ARCH, text);
	else if (!strcmp(name, "checksum"))
		set(p, CHECKSUM, text);
	if (strcmp(name, "package"))
		return 0;
	p->element->inside = false;
	if (!is_plain(p->element->text[NAME], rules[NAME].maximum, rules[NAME].punctuation) ||
	    !p->ops->is_wanted(p->arg, p->element->text[NAME]))
		return 0;
	error = read_package(p, &package, err);
	return error < 0 ? error : p->ops->found(p->arg, &package, err);
}

int rpm_packages_init(struct rpm_packages *p, const struct rpm_packages_ops *ops, void *arg,
		      const char *what, struct btfpack_error *err)
{
	static const struct xml_ops xml_ops = { primary_start, primary_end };

	*p = (struct rpm_packages){ .ops = ops, .arg = arg, .what = what };
	p->element = calloc(1, sizeof(*p->element));
	if (!p->element)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	return xml_new(&xml_ops, p, what, &p->xml, err);
}

void rpm_packages_deinit(struct rpm_packages *p)
{
	xml_free(p->xml);
	free(p->element);
}

int rpm_packages_feed(struct rpm_packages *p, const void *data, size_t size,
		      struct btfpack_error *err)
{
	return xml_feed(p->xml, data, size, err);
}

int rpm_packages_finish(struct rpm_packages *p, struct btfpack_error *err)
{
	return xml_finish(p->xml, err);
}
