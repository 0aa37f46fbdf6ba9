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
	bool found; /* in XML: nothing better will come */
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

static int take_primary(struct repomd_reader *r, bool is_database, struct btfpack_error *err)
{
	enum checksum_kind kind = checksum_kind_find(r->kind);
	char word[48];

	if (!is_plain(r->path, sizeof(r->ret->path) - 1, "+-.~/_") || !rpm_is_relative_path(r->path))
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected a path within the repository for the primary "
					 "index, found '%s'",
					 r->what, shown(r->path, word));
	if (kind == CHECKSUM_NONE)
		return btfpack_error_set(err, -EOPNOTSUPP,
					 "%s: expected a sha256 checksum for the primary index, "
					 "or one like it, found '%s'",
					 r->what, shown(r->kind, word));
	if (checksum_parse(kind, r->digest, &r->ret->digest) < 0)
		return btfpack_error_set(err, -EBADMSG,
					 "%s: expected the hex digits of %s for the primary index, "
					 "found '%s'",
					 r->what, checksum_kind_name(kind), shown(r->digest, word));
	copy(r->ret->path, sizeof(r->ret->path), r->path);
	r->ret->size = r->size;
	r->ret->is_database = is_database;
	r->found = !is_database;
	return 0;
}

static int repomd_end(void *arg, const char *name, const char *text, struct btfpack_error *err)
{
	struct repomd_reader *r = arg;

	if (!strcmp(name, "checksum"))
		copy(r->digest, sizeof(r->digest), text);
	else if (!strcmp(name, "size") && !read_size(text, &r->size))
		r->size = 0;
	if (strcmp(name, "data") || r->found)
		return 0;
	if (!strcmp(r->type, "primary"))
		return take_primary(r, false, err);
	return strcmp(r->type, "primary_db") ? 0 : take_primary(r, true, err);
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
	if (error < 0 || *ret->path)
		return error;
	return btfpack_error_set(err, -EBADMSG, "%s: expected it to name a primary index", what);
}

/* --- one package ----------------------------------------------------------------------------------- */

/* What each field's text may be. */
static const struct {
	const char *name;
	size_t maximum;
	const char *punctuation;
} rules[RPM_FIELDS] = {
	[RPM_FIELD_NAME] = { "name", sizeof(((struct rpm_package *)0)->name) - 1, "+-._" },
	[RPM_FIELD_ARCH] = { "arch", sizeof(((struct rpm_package *)0)->arch) - 1, "_" },
	[RPM_FIELD_EPOCH] = { "epoch", 9, "" },
	[RPM_FIELD_VERSION] = { "version", sizeof(((struct rpm_package *)0)->version) - 1,
				"+._~^" },
	[RPM_FIELD_RELEASE] = { "release", sizeof(((struct rpm_package *)0)->release) - 1,
				"+._~^" },
	[RPM_FIELD_LOCATION] = { "location", sizeof(((struct rpm_package *)0)->location) - 1,
				 "+-.~^/_%:" },
	[RPM_FIELD_CHECKSUM] = { "checksum", CHECKSUM_HEX_SIZE - 1, "" },
	[RPM_FIELD_CHECKSUM_KIND] = { "checksum type", 16, "-" },
	[RPM_FIELD_SIZE] = { "size", 20, "" },
};

void rpm_fields_set(struct rpm_fields *fields, int field, const char *text)
{
	copy(fields->text[field], sizeof(fields->text[field]), text);
}

static bool follows_rule(const struct rpm_fields *fields, int field)
{
	return is_plain(fields->text[field], rules[field].maximum, rules[field].punctuation);
}

bool rpm_fields_are_named(const struct rpm_fields *fields)
{
	return follows_rule(fields, RPM_FIELD_NAME);
}

struct reading {
	const struct rpm_fields *fields;
	const char *what;
};

static int refuse(const struct reading *r, int code, const char *expected, int field,
		  struct btfpack_error *err)
{
	char name[48], word[48];

	return btfpack_error_set(err, code, "%s: package %s: expected %s as its %s, found '%s'",
				 r->what, shown(r->fields->text[RPM_FIELD_NAME], name), expected,
				 rules[field].name, shown(r->fields->text[field], word));
}

static int check_fields(const struct reading *r, struct btfpack_error *err)
{
	const char *epoch = r->fields->text[RPM_FIELD_EPOCH];
	const char *size = r->fields->text[RPM_FIELD_SIZE];

	if (checksum_kind_find(r->fields->text[RPM_FIELD_CHECKSUM_KIND]) == CHECKSUM_NONE)
		return refuse(r, -EOPNOTSUPP, "sha256 or one like it", RPM_FIELD_CHECKSUM_KIND, err);
	for (int i = 0; i < RPM_FIELDS; i++)
		if (!follows_rule(r->fields, i))
			return refuse(r, i == RPM_FIELD_SIZE && *size ? -EFBIG : -EBADMSG,
				      i == RPM_FIELD_SIZE ? "a number of bytes"
							  : "a plain short word",
				      i, err);
	if (strspn(epoch, "0123456789") != strlen(epoch))
		return refuse(r, -EBADMSG, "a number", RPM_FIELD_EPOCH, err);
	if (*r->fields->text[RPM_FIELD_LOCATION] == '/')
		return refuse(r, -EBADMSG, "a relative path", RPM_FIELD_LOCATION, err);
	return 0;
}

int rpm_fields_read(const struct rpm_fields *fields, const char *what, struct rpm_package *ret,
		    struct btfpack_error *err)
{
	const struct reading r = { fields, what };
	int error = check_fields(&r, err);

	if (error < 0)
		return error;
	if (checksum_parse(checksum_kind_find(fields->text[RPM_FIELD_CHECKSUM_KIND]),
			   fields->text[RPM_FIELD_CHECKSUM], &ret->digest) < 0)
		return refuse(&r, -EBADMSG, "as many hex digits as its type has",
			      RPM_FIELD_CHECKSUM, err);
	if (!read_size(fields->text[RPM_FIELD_SIZE], &ret->size) || !ret->size ||
	    ret->size > RPM_PACKAGE_SIZE_MAXIMUM)
		return refuse(&r, -EFBIG, "1 to 17179869184 bytes", RPM_FIELD_SIZE, err);
	copy(ret->name, sizeof(ret->name), fields->text[RPM_FIELD_NAME]);
	copy(ret->arch, sizeof(ret->arch), fields->text[RPM_FIELD_ARCH]);
	copy(ret->epoch, sizeof(ret->epoch), fields->text[RPM_FIELD_EPOCH]);
	copy(ret->version, sizeof(ret->version), fields->text[RPM_FIELD_VERSION]);
	copy(ret->release, sizeof(ret->release), fields->text[RPM_FIELD_RELEASE]);
	copy(ret->location, sizeof(ret->location), fields->text[RPM_FIELD_LOCATION]);
	return 0;
}

/* --- primary.xml --------------------------------------------------------------------------------- */

static int primary_start(void *arg, const char *name, const char *const *attributes,
			 struct btfpack_error *err)
{
	struct rpm_packages *p = arg;

	(void)err;
	if (!strcmp(name, "package")) {
		memset(p->fields, 0, sizeof(*p->fields));
		p->inside = true;
	} else if (!strcmp(name, "version")) {
		const char *epoch = xml_attribute(attributes, "epoch");

		rpm_fields_set(p->fields, RPM_FIELD_EPOCH, epoch && *epoch ? epoch : "0");
		rpm_fields_set(p->fields, RPM_FIELD_VERSION, xml_attribute(attributes, "ver"));
		rpm_fields_set(p->fields, RPM_FIELD_RELEASE, xml_attribute(attributes, "rel"));
	} else if (!strcmp(name, "checksum")) {
		rpm_fields_set(p->fields, RPM_FIELD_CHECKSUM_KIND,
			       xml_attribute(attributes, "type"));
	} else if (!strcmp(name, "size")) {
		rpm_fields_set(p->fields, RPM_FIELD_SIZE, xml_attribute(attributes, "package"));
	} else if (!strcmp(name, "location")) {
		rpm_fields_set(p->fields, RPM_FIELD_LOCATION, xml_attribute(attributes, "href"));
	}
	return 0;
}

static int primary_end(void *arg, const char *name, const char *text, struct btfpack_error *err)
{
	struct rpm_packages *p = arg;
	struct rpm_package package;
	int error;

	if (!p->inside)
		return 0;
	if (!strcmp(name, "name") && !*p->fields->text[RPM_FIELD_NAME])
		rpm_fields_set(p->fields, RPM_FIELD_NAME, text);
	else if (!strcmp(name, "arch"))
		rpm_fields_set(p->fields, RPM_FIELD_ARCH, text);
	else if (!strcmp(name, "checksum"))
		rpm_fields_set(p->fields, RPM_FIELD_CHECKSUM, text);
	if (strcmp(name, "package"))
		return 0;
	p->inside = false;
	if (!rpm_fields_are_named(p->fields) ||
	    !p->ops->is_wanted(p->arg, p->fields->text[RPM_FIELD_NAME]))
		return 0;
	error = rpm_fields_read(p->fields, p->what, &package, err);
	return error < 0 ? error : p->ops->found(p->arg, &package, err);
}

int rpm_packages_init(struct rpm_packages *p, const struct rpm_packages_ops *ops, void *arg,
		      const char *what, struct btfpack_error *err)
{
	static const struct xml_ops xml_ops = { primary_start, primary_end };

	*p = (struct rpm_packages){ .ops = ops, .arg = arg, .what = what };
	p->fields = calloc(1, sizeof(*p->fields));
	if (!p->fields)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", what);
	return xml_new(&xml_ops, p, what, &p->xml, err);
}

void rpm_packages_deinit(struct rpm_packages *p)
{
	xml_free(p->xml);
	free(p->fields);
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
