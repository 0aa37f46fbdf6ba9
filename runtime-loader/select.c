/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "select.h"

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

/* --- the story ---------------------------------------------------------------------------------- */

void story_add(struct story *story, const char *format, ...)
{
	size_t room = sizeof(story->text) - story->size;
	va_list args;
	int length;

	if (room < 2)
		return;
	if (story->size) {
		story->text[story->size++] = '\n';
		room--;
	}
	va_start(args, format);
	length = vsnprintf(story->text + story->size, room, format, args);
	va_end(args);
	if (length > 0)
		story->size += (size_t)length < room ? (size_t)length : room - 1;
}

const char *story_last_line(const struct story *story)
{
	const char *newline = strrchr(story->text, '\n');

	return newline ? newline + 1 : story->text;
}

/* --- names and their other spellings ------------------------------------------------------------ */

static void copy(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

const char *select_arch(const char *arch)
{
	static const struct {
		const char *other, *arch;
	} rows[] = {
		{ "amd64", "x86_64" },	  { "x86-64", "x86_64" }, { "arm64", "aarch64" },
		{ "armv8l", "aarch64" }, /* a 32-bit process on a 64-bit kernel */
		{ "i386", "i686" },	  { "i486", "i686" },	  { "i586", "i686" },
		{ "x86", "i686" },	  { "armhf", "armv7l" },  { "armv7hl", "armv7l" },
		{ "armel", "armv6l" },	  { "ppc64el", "ppc64le" },
	};

	for (size_t i = 0; i < ROWS(rows); i++)
		if (!strcmp(arch, rows[i].other))
			return rows[i].arch;
	return arch;
}

/* Distributions that are called otherwise, or that rebuild another's kernels. */
static const struct {
	const char *id, *distro;
	bool is_rebuild;
} distro_names[] = {
	{ "rhel", "rhel", true },	  { "redhat", "rhel", true },
	{ "centos", "rhel", true },	  { "ol", "rhel", true },
	{ "oracle", "rhel", true },	  { "almalinux", "rhel", true },
	{ "rocky", "rhel", true },	  { "scientific", "rhel", true },
	{ "eurolinux", "rhel", true },	  { "sles_sap", "sles", false },
	{ "sled", "sles", false },	  { "opensuse", "opensuse-leap", false },
	{ "amazon", "amzn", false },	  { "amazonlinux", "amzn", false },
};

static const struct {
	const char *distro, *codename, *release;
} codenames[] = {
	{ "debian", "jessie", "8" },	{ "debian", "stretch", "9" },
	{ "debian", "buster", "10" },	{ "debian", "bullseye", "11" },
	{ "debian", "bookworm", "12" }, { "debian", "trixie", "13" },
	{ "debian", "forky", "14" },	{ "ubuntu", "trusty", "14.04" },
	{ "ubuntu", "xenial", "16.04" }, { "ubuntu", "bionic", "18.04" },
	{ "ubuntu", "focal", "20.04" }, { "ubuntu", "jammy", "22.04" },
	{ "ubuntu", "noble", "24.04" },
};

static void find_release(const char *release, struct select_family *family)
{
	for (size_t i = 0; i < ROWS(codenames); i++)
		if (!strcmp(family->distro, codenames[i].distro) &&
		    !strcasecmp(release, codenames[i].codename))
			release = codenames[i].release;
	copy(family->release, sizeof(family->release), release);
	if (family->is_rebuild) {
		family->release[strcspn(family->release, ".")] = '\0';
	} else if (!strcmp(family->distro, "sles") && release[0] && !strchr(release, '.')) {
		snprintf(family->release, sizeof(family->release), "%.32s.0", release);
	} else if (!strcmp(family->distro, "amzn")) {
		unsigned long year = strtoul(release, NULL, 10);

		if (year >= 2011 && year <= 2018) /* the releases of Amazon Linux 1 */
			copy(family->release, sizeof(family->release), "1");
	}
}

void select_find_family(const char *distro, const char *release, struct select_family *ret)
{
	*ret = (struct select_family){ 0 };
	for (size_t i = 0; distro[i] && i < sizeof(ret->distro) - 1; i++)
		ret->distro[i] = (char)tolower((unsigned char)distro[i]);
	for (size_t i = 0; i < ROWS(distro_names); i++) {
		if (strcmp(ret->distro, distro_names[i].id))
			continue;
		ret->is_rebuild = distro_names[i].is_rebuild;
		if (ret->is_rebuild)
			copy(ret->rebuilder, sizeof(ret->rebuilder), ret->distro);
		copy(ret->distro, sizeof(ret->distro), distro_names[i].distro);
		break;
	}
	find_release(release, ret);
}

/*
 * What a uname tells by itself. In a container /etc/os-release is the image's,
 * not the host's, and after an upgrade the running kernel may be the previous
 * release's: where the uname says who made the kernel, that counts. The digits
 * after the mark are the release; "151" of Leap is 15.1.
 */
static const struct {
	const char *mark;
	const char *distro;
	const char *after; /* what must follow the digits; NULL: anything but a letter */
	bool has_minor;	   /* the last digit stands behind a dot */
} uname_marks[] = {
	{ ".el", "ol", "uek", false },	 { ".el", "rhel", NULL, false },
	{ ".fc", "fedora", NULL, false }, { ".amzn", "amzn", NULL, false },
	{ ".deb", "debian", NULL, false }, { "+deb", "debian", NULL, false },
	{ "-lp", "opensuse-leap", NULL, true },
};

bool select_find_mark(const char *uname, const char **distro_ret, char release_ret[16])
{
	for (size_t i = 0; i < ROWS(uname_marks); i++) {
		const char *at = strstr(uname, uname_marks[i].mark);
		const char *digits = at ? at + strlen(uname_marks[i].mark) : "";
		size_t n = strspn(digits, "0123456789"), length = n;
		const char *after = uname_marks[i].after;

		if (n < (uname_marks[i].has_minor ? 2 : 1) || n > 8 ||
		    (after ? strncmp(digits + n, after, strlen(after)) != 0
			   : isalpha((unsigned char)digits[n]) != 0))
			continue;
		if (uname_marks[i].has_minor)
			length--;
		snprintf(release_ret, 16, "%.*s%s%.*s", (int)length, digits,
			 length < n ? "." : "", (int)(n - length), digits + length);
		*distro_ret = uname_marks[i].distro;
		return true;
	}
	return false;
}

/* --- versions ----------------------------------------------------------------------------------- */

#define LARGEST (UINT64_MAX - 1) /* one more can still be added */

/* Read a number that may have any number of digits; too large is the largest. */
static uint64_t read_number(const char **at)
{
	uint64_t value = 0;

	for (; isdigit((unsigned char)**at); ++*at) {
		uint64_t digit = (uint64_t)(**at - '0');

		value = value > (LARGEST - digit) / 10 ? LARGEST : value * 10 + digit;
	}
	return value;
}

static void note_difference(uint64_t a, uint64_t b, unsigned int field,
			    struct select_distance *distance)
{
	if (a == b || distance->order)
		return;
	distance->order = a < b ? -1 : 1;
	distance->field = field;
	distance->gap = a < b ? b - a : a - b;
}

/* Whether the version goes on at @at; then @at is moved to its next number. */
static bool next_field(const char **at)
{
	if ((**at != '.' && **at != '-') || !isdigit((unsigned char)(*at)[1]))
		return false;
	++*at;
	return true;
}

bool select_compare_unames(const char *a, const char *b, struct select_distance *ret)
{
	struct select_distance distance = { 0 };
	bool more_a = isdigit((unsigned char)*a), more_b = isdigit((unsigned char)*b);
	unsigned int field = 0;

	/* The version; one that ends earlier is older: as if it went on with -1. */
	for (; more_a || more_b; field++) {
		uint64_t number_a = more_a ? read_number(&a) + 1 : 0;
		uint64_t number_b = more_b ? read_number(&b) + 1 : 0;

		note_difference(number_a, number_b, field, &distance);
		more_a = more_a && next_field(&a);
		more_b = more_b && next_field(&b);
	}
	/* The flavour. */
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b))
			note_difference(read_number(&a), read_number(&b), field++, &distance);
		else if (*a++ != *b++)
			return false;
	}
	if (*a || *b)
		return false;
	*ret = distance;
	return true;
}

/* --- offering kernels --------------------------------------------------------------------------- */

/* The bytes of the host's, as many as a bundle can have of one; whether it is known. */
static bool parse_build_id(const char *hex, uint8_t ret[BUNDLE_BUILD_ID_MAXIMUM])
{
	memset(ret, 0, BUNDLE_BUILD_ID_MAXIMUM);
	for (size_t i = 0; i < 2 * BUNDLE_BUILD_ID_MAXIMUM && hex[i]; i++) {
		char c = (char)tolower((unsigned char)hex[i]);

		if (!isxdigit((unsigned char)c))
			return false;
		ret[i / 2] |= (uint8_t)((isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10)
					<< (i % 2 ? 0 : 4));
	}
	return hex[0] != '\0';
}

static bool is_known(const uint8_t *build_id, size_t size)
{
	static const uint8_t unknown[BUNDLE_BUILD_ID_MAXIMUM];

	return memcmp(build_id, unknown, size) != 0;
}

/* Let the uname correct what os-release says, and say so. */
static void identify(struct select *s)
{
	struct select_family marked;
	const char *distro;
	char release[16];

	select_find_family(s->host.distro, s->host.release, &s->family);
	if (!select_find_mark(s->host.uname, &distro, release))
		return;
	select_find_family(distro, release, &marked);
	if (!strcmp(marked.distro, s->family.distro)) {
		if (!strcmp(marked.release, s->family.release))
			return;
		copy(s->family.release, sizeof(s->family.release), marked.release);
	} else {
		s->family = marked;
		s->family.rebuilder[0] = '\0'; /* which of them, the uname does not tell */
		if (!strcmp(distro, "ol"))
			copy(s->family.rebuilder, sizeof(s->family.rebuilder), distro);
	}
	story_add(s->story, "os-release says '%s %s', but the uname %s is of a kernel for %s %s",
		  s->host.distro[0] ? s->host.distro : "nothing", s->host.release, s->host.uname,
		  distro, release);
}

void select_init(struct select *s, const struct btfpack_host *host, bool nearest,
		 struct story *story)
{
	const char *arch = select_arch(host->arch);

	*s = (struct select){ .host = *host, .nearest = nearest, .story = story };
	if (arch != host->arch)
		copy(s->host.arch, sizeof(s->host.arch), arch);
	s->has_build_id = parse_build_id(host->build_id, s->build_id) &&
			  is_known(s->build_id, sizeof(s->build_id));
	identify(s);
}

static void name_kernel(struct btfpack_host *kernel, const struct bundle_entry *entry)
{
	static const char digits[] = "0123456789abcdef";
	size_t size = entry->build_id_size;

	copy(kernel->distro, sizeof(kernel->distro), entry->distro);
	copy(kernel->release, sizeof(kernel->release), entry->release);
	copy(kernel->arch, sizeof(kernel->arch), entry->arch);
	copy(kernel->uname, sizeof(kernel->uname), entry->uname);
	if (!is_known(entry->build_id, size))
		size = 0;
	for (size_t i = 0; i < size; i++) {
		kernel->build_id[2 * i] = digits[entry->build_id[i] >> 4];
		kernel->build_id[2 * i + 1] = digits[entry->build_id[i] & 15];
	}
	kernel->build_id[2 * size] = '\0';
}

static void pick(struct select *s, enum select_rank rank, const struct bundle_entry *entry)
{
	struct select_pick *p = &s->picks[rank];

	if (!p->count++) {
		p->blob = entry->blob;
		p->verdict = entry->verdict;
		name_kernel(&p->kernel, entry);
	} else if (p->blob != entry->blob) {
		p->differ = true;
	}
}

static enum select_rank rank_of_name(const struct select *s, const struct select_family *family)
{
	if (!s->family.distro[0] || strcmp(s->family.distro, family->distro))
		return SELECT_UNAME;
	if (strcmp(s->family.release, family->release))
		return SELECT_RELEASE;
	return strcmp(s->family.rebuilder, family->rebuilder) ? SELECT_SIBLING : SELECT_NAME;
}

/* Work out how an entry's distribution, release and architecture stand to the
 * host's, unless the previous entry had the same. */
static const struct select_seen *look_at(struct select *s, const struct bundle_entry *entry)
{
	struct select_seen *seen = &s->seen;
	struct select_family family;

	if (!strcmp(entry->release, seen->release) && !strcmp(entry->arch, seen->arch) &&
	    !strcmp(entry->distro, seen->distro))
		return seen;
	copy(seen->distro, sizeof(seen->distro), entry->distro);
	copy(seen->release, sizeof(seen->release), entry->release);
	copy(seen->arch, sizeof(seen->arch), entry->arch);
	select_find_family(entry->distro, entry->release, &family);
	seen->rank = rank_of_name(s, &family);
	seen->is_rebuild = family.is_rebuild;
	seen->same_arch = !strcmp(select_arch(entry->arch), s->host.arch);
	return seen;
}

/*
 * The uname is the host's. A build-id that is not, says that this is another
 * build, unless another build is what one must expect: of RHEL's kernels each
 * rebuilder has its own.
 */
static void offer_same_uname(struct select *s, const struct bundle_entry *entry,
			     const struct select_seen *seen)
{
	bool expected = seen->is_rebuild && seen->rank != SELECT_NAME;
	bool contradicts = s->has_build_id && is_known(entry->build_id, entry->build_id_size) &&
			   !expected;

	pick(s, contradicts ? SELECT_REBUILD : seen->rank, entry);
}

/* Whether @entry is nearer to the host than what was picked for @rank so far: 1,
 * 0 for just as near (another build of that kernel), -1. */
static int is_nearer(const struct select *s, enum select_rank rank,
		     const struct bundle_entry *entry)
{
	bool older = rank == SELECT_OLDER || rank == SELECT_FAR_OLDER;
	struct select_distance d = { 0 };

	if (!s->picks[rank].count)
		return 1;
	if (!select_compare_unames(entry->uname, s->picks[rank].kernel.uname, &d))
		return -1;
	return d.order == 0 ? 0 : (d.order > 0) == older ? 1 : -1;
}

static void offer_neighbour(struct select *s, const struct bundle_entry *entry)
{
	struct select_distance d;
	enum select_rank rank;
	int nearer;

	if (!select_compare_unames(entry->uname, s->host.uname, &d) || !d.order)
		return;
	rank = d.field < 2 ? d.order < 0 ? SELECT_FAR_OLDER : SELECT_FAR_NEWER
	       : d.order < 0 ? SELECT_OLDER : SELECT_NEWER;
	nearer = is_nearer(s, rank, entry);
	if (nearer < 0)
		return;
	if (nearer > 0)
		s->picks[rank] = (struct select_pick){ 0 };
	pick(s, rank, entry);
}

/* A bundle keeps the first bytes of a build-id only, which prove nothing by
 * themselves: among thousands of kernels some other may begin like this one. Two
 * builds of one uname do not. Where no uname is known they are all there is: then
 * there must be some more of them. */
static bool is_same_build(const struct select *s, const struct bundle_entry *entry)
{
	return s->has_build_id && is_known(entry->build_id, entry->build_id_size) &&
	       !memcmp(entry->build_id, s->build_id, entry->build_id_size) &&
	       (s->host.uname[0] ? !strcmp(entry->uname, s->host.uname)
				 : entry->build_id_size >= SELECT_BUILD_ID_ALONE);
}

void select_offer(struct select *s, const struct bundle_entry *entry)
{
	const struct select_seen *seen = look_at(s, entry);

	if (is_same_build(s, entry))
		pick(s, SELECT_BUILD_ID, entry);
	if (entry->build_id_size < SELECT_BUILD_ID_ALONE)
		s->has_short_ids = true;
	if (!s->host.uname[0] || !seen->same_arch)
		return;
	if (!strcmp(entry->uname, s->host.uname))
		offer_same_uname(s, entry, seen);
	else if (seen->rank == SELECT_NAME || seen->rank == SELECT_SIBLING)
		offer_neighbour(s, entry); /* one source, one order of versions */
}

/* --- the answer --------------------------------------------------------------------------------- */

static const char *const match_names[] = {
	[BTFPACK_MATCH_NONE] = "none",		 [BTFPACK_MATCH_BUILD_ID] = "build-id",
	[BTFPACK_MATCH_NAME] = "name",		 [BTFPACK_MATCH_SIBLING] = "sibling",
	[BTFPACK_MATCH_RELEASE] = "release",	 [BTFPACK_MATCH_UNAME] = "uname",
	[BTFPACK_MATCH_BRACKETED] = "bracketed", [BTFPACK_MATCH_NEAREST] = "nearest",
};

const char *btfpack_match_name(enum btfpack_match match)
{
	return (size_t)match < ROWS(match_names) ? match_names[match] : "none";
}

static bool answer(const struct select_pick *p, enum btfpack_match match,
		   struct select_answer *ret)
{
	*ret = (struct select_answer){
		.match = match,
		.blob = p->blob,
		.verdict = p->verdict,
		.kernel = p->kernel,
	};
	return true;
}

/* "debian 12 x86_64 6.1.0-28-amd64" */
struct kernel_text {
	char text[sizeof(struct btfpack_host)];
};
static struct kernel_text describe(const struct btfpack_host *k)
{
	struct kernel_text ret;

	snprintf(ret.text, sizeof(ret.text), "%s %s %s %s", k->distro, k->release, k->arch,
		 k->uname);
	return ret;
}

static bool try_build_id(struct select *s, struct select_answer *ret)
{
	const struct select_pick *p = &s->picks[SELECT_BUILD_ID];

	if (!s->has_build_id) {
		story_add(s->story, "build-id: the host's is not known");
		return false;
	}
	if (!p->count || p->differ) {
		story_add(s->story, "build-id %s: %s", s->host.build_id,
			  p->count ? "kernels in the bundle share it but differ"
			  : !s->host.uname[0] && s->has_short_ids
				  ? "the bundle keeps too little of build-ids to tell without a uname"
				  : "not in the bundle");
		return false;
	}
	story_add(s->story, "build-id %s: chosen, it is %s", s->host.build_id,
		  describe(&p->kernel).text);
	return answer(p, BTFPACK_MATCH_BUILD_ID, ret);
}

/* The ranks in which the uname is the host's, and what to say of each. */
static const struct {
	enum select_rank rank;
	enum btfpack_match match;
	const char *why;
} name_ranks[] = {
	{ SELECT_NAME, BTFPACK_MATCH_NAME, "it is in the bundle" },
	{ SELECT_SIBLING, BTFPACK_MATCH_SIBLING, "the bundle has the rebuild" },
	{ SELECT_RELEASE, BTFPACK_MATCH_RELEASE, "the bundle has it of another release," },
	{ SELECT_UNAME, BTFPACK_MATCH_UNAME,
	  "no kernel of this distribution, but all with this uname and architecture agree:" },
};

/* 1 found, 0 not, -1 there are such kernels but they contradict each other. */
static int try_name(struct select *s, struct select_answer *ret)
{
	for (size_t i = 0; i < ROWS(name_ranks); i++) {
		const struct select_pick *p = &s->picks[name_ranks[i].rank];

		if (!p->count)
			continue;
		if (p->differ) {
			story_add(s->story,
				  "%s: %u kernels of that name in the bundle differ, "
				  "and which one it is cannot be told without the build-id",
				  describe(&s->host).text, p->count);
			return -1;
		}
		story_add(s->story, "%s: %s%s%s: chosen", describe(&s->host).text,
			  name_ranks[i].why, name_ranks[i].rank == SELECT_NAME ? "" : " ",
			  name_ranks[i].rank == SELECT_NAME ? "" : describe(&p->kernel).text);
		return answer(p, name_ranks[i].match, ret);
	}
	return 0;
}

static bool agree(const struct select_pick *a, const struct select_pick *b)
{
	return a->count && b->count && !a->differ && !b->differ && a->blob == b->blob;
}

/*
 * The bracket: a series changes step by step, so what the next older and the next
 * newer kernel have in common, the one between them has too. Another build of the
 * same name is one more witness: it must agree as well.
 */
static bool try_bracket(struct select *s, struct select_answer *ret)
{
	const struct select_pick *older = &s->picks[SELECT_OLDER], *newer = &s->picks[SELECT_NEWER];
	const struct select_pick *rebuild = &s->picks[SELECT_REBUILD];

	if (rebuild->count > 1 && !rebuild->differ) {
		story_add(s->story, "%s: %u other builds of it in the bundle are all the same: chosen",
			  describe(&s->host).text, rebuild->count);
		return answer(rebuild, BTFPACK_MATCH_BRACKETED, ret);
	}
	if (agree(older, newer) && (!rebuild->count || agree(rebuild, older))) {
		story_add(s->story, "%s: %s, but %s and %s on either side of it are the same: chosen",
			  describe(&s->host).text,
			  rebuild->count ? "only another build of it is in the bundle" :
					   "not in the bundle",
			  older->kernel.uname, newer->kernel.uname);
		return answer(rebuild->count ? rebuild : older, BTFPACK_MATCH_BRACKETED, ret);
	}
	if (rebuild->count)
		story_add(s->story,
			  "%s: in the bundle is another build of it (build-id %s...), and nothing "
			  "proves that the two are alike",
			  describe(&s->host).text, rebuild->kernel.build_id);
	else if (older->count && newer->count)
		story_add(s->story, "%s: not in the bundle, and %s and %s on either side of it differ",
			  describe(&s->host).text, older->kernel.uname, newer->kernel.uname);
	else
		story_add(s->story, "%s: not in the bundle, nor kernels of its series on either side",
			  describe(&s->host).text);
	return false;
}

/* The nearer one of two neighbours: the later number differs, or by less; the
 * older one when that leaves it open. */
static const struct select_pick *nearer_of(const struct select *s, const struct select_pick *older,
					   const struct select_pick *newer)
{
	struct select_distance o = { 0 }, n = { 0 };

	if (!older->count || !newer->count)
		return older->count ? older : newer;
	select_compare_unames(older->kernel.uname, s->host.uname, &o);
	select_compare_unames(newer->kernel.uname, s->host.uname, &n);
	if (o.field != n.field)
		return o.field > n.field ? older : newer;
	return o.gap <= n.gap ? older : newer;
}

static bool try_nearest(struct select *s, struct select_answer *ret)
{
	const struct select_pick *p = NULL;

	for (int rank = SELECT_NAME; rank <= SELECT_REBUILD && !(p && p->count); rank++)
		p = &s->picks[rank];
	if (!p->count)
		p = nearer_of(s, &s->picks[SELECT_OLDER], &s->picks[SELECT_NEWER]);
	if (!p->count)
		p = nearer_of(s, &s->picks[SELECT_FAR_OLDER], &s->picks[SELECT_FAR_NEWER]);
	if (!p->count) {
		story_add(s->story, "nearest: no kernel of this series in the bundle");
		return false;
	}
	story_add(s->story, "nearest: %s: chosen, as asked; it may be wrong",
		  describe(&p->kernel).text);
	return answer(p, BTFPACK_MATCH_NEAREST, ret);
}

bool select_finish(struct select *s, struct select_answer *ret)
{
	int named;

	if (try_build_id(s, ret))
		return true;
	if (!s->host.uname[0]) {
		story_add(s->story, "uname: the host's is not known");
		return false;
	}
	named = try_name(s, ret);
	if (named > 0)
		return true;
	if (named == 0 && try_bracket(s, ret))
		return true;
	return s->nearest && try_nearest(s, ret);
}
