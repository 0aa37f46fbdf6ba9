/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which stored BTF a new one is told by.
 *
 * The nearest kernel: of the same version and architecture, of the same series (the
 * uname but for its numbers), of the same distribution; and of these the one next
 * to it in the order of versions. A chain of bases is read one after the other, so
 * it is kept short: DEPTH, of which the first of a series leaves two for the others of
 * it. That first one may lean on one that leans on another series in turn: so a real
 * time or 16k-page kernel leans on its plain sibling, and that on another
 * architecture. (125 Debian kernels of nine architectures took 18.4 MB while the first
 * of a series had to lean on one that leant on none, and take 10.0 MB.)
 *
 * Since the distance to a base costs bytes (about as distance^0.86), a base has few
 * children of its series (CHILDREN), so that one that grows at its end is told by
 * recent kernels: 60 kernels are 7 steps from their bases on average, with eight
 * children they were 10. When all places are taken, the next one is told as the first
 * of a series is, and is leant on in turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive-index/handle.h"

#define DEPTH	   4 /* bases in a row */
#define DEPTH_MODULES 8 /* the same for modules, whose first base is a vmlinux with its own */
#define DEPTH_FIRST 2 /* of which the first of a series may take so many */
#define CHILDREN   5

/* Walk two unames at once, numbers passing for equal: the same series? */
static bool is_same_series(const char *a, const char *b)
{
	for (;;) {
		while (*a >= '0' && *a <= '9')
			a++;
		while (*b >= '0' && *b <= '9')
			b++;
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++, b++;
	}
}

/* Length of "6.1" in "6.1.0-50-amd64". */
static size_t version_length(const char *uname)
{
	size_t major = strspn(uname, "0123456789");

	return uname[major] == '.' ? major + 1 + strspn(uname + major + 1, "0123456789") : major;
}

static bool is_same_version(const char *a, const char *b)
{
	size_t length = version_length(a);

	return length == version_length(b) && !strncmp(a, b, length);
}

/* How near a stored kernel is: what outweighs what. */
static unsigned int nearness(const struct btfpack_kernel *k, const struct db_stmt *s)
{
	bool same_arch = !strcmp(k->arch, db_text(s, 2));
	bool same_distro = !strcmp(k->distro, db_text(s, 0)) && !strcmp(k->release, db_text(s, 1));
	bool same_version = is_same_version(k->uname, db_text(s, 3));
	bool same_series = is_same_series(k->uname, db_text(s, 3));
	bool has_room = db_int(s, 6) < CHILDREN;

	return same_version << 4 | same_arch << 3 | same_series << 2 | same_distro << 1 | has_room;
}

#define WITHIN_SERIES (1u << 4 | 1u << 3 | 1u << 2)
#define HAS_ROOM      (1u << 0)

/* The best row so far. The rows come in the order of their unames. */
struct choice {
	unsigned int depth; /* the most bases that one may have */
	bool series_only;   /* only of the series, and whether it has room does not matter */
	unsigned int nearness;
	int64_t before; /* rows between it and the new kernel's place; -1: none yet */
	struct btfpack_id id;
};

static bool is_full(const struct choice *best, unsigned int near, const struct db_stmt *s)
{
	bool within = (near & WITHIN_SERIES) == WITHIN_SERIES;

	if (best->series_only)
		return !within || db_int(s, 5) >= best->depth;
	if (within || best->depth == DEPTH_MODULES)
		return db_int(s, 5) >= best->depth || !(near & HAS_ROOM);
	return db_int(s, 5) >= DEPTH_FIRST;
}

static void consider(struct choice *best, const struct btfpack_kernel *k, const struct db_stmt *s,
		     int64_t distance)
{
	unsigned int near = nearness(k, s);

	if (is_full(best, near, s))
		return;
	if (best->before >= 0 && (near < best->nearness ||
				  (near == best->nearness && distance >= best->before)))
		return;
	if (!db_id(s, 4, &best->id))
		return;
	best->nearness = near;
	best->before = distance;
}

/* @pattern: of unames, @arch: NULL for all. */
static int choose(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *sql,
		  const char *pattern, const char *arch, struct choice *best,
		  struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int64_t distance = 0;
	int error = db_query(a->db, &s, err, sql, "ttt", k->uname, pattern, arch);

	while (!error && (error = db_next(s, err)) > 0) {
		consider(best, k, s, distance++);
		error = 0;
	}
	return error;
}

#define CANDIDATES                                                                                 \
	"SELECT e.distro, e.release, e.arch, e.uname, e.content, c.depth, "                        \
	"(SELECT count(*) FROM content WHERE base = c.digest) FROM entry e "                       \
	"JOIN content c ON c.digest = e.content WHERE e.set_name = '' "                            \
	"AND e.uname GLOB ?2 AND (?3 IS NULL OR e.arch = ?3) "

static int choose_among(struct btfpack_archive *a, const struct btfpack_kernel *k,
			const char *pattern, const char *arch, struct choice *best,
			struct btfpack_error *err)
{
	/* Both ways from the new kernel's place in the order. */
	static const char older[] = CANDIDATES "AND e.uname <= ?1 COLLATE NUMBERS "
					       "ORDER BY e.uname COLLATE NUMBERS DESC";
	static const char newer[] = CANDIDATES "AND e.uname > ?1 COLLATE NUMBERS "
					       "ORDER BY e.uname COLLATE NUMBERS";
	int error = choose(a, k, older, pattern, arch, best, err);

	return error ? error : choose(a, k, newer, pattern, arch, best, err);
}

#define MODULE_CANDIDATES                                                                          \
	"SELECT m.distro, m.release, m.arch, m.uname, m.content, c.depth, "                        \
	"(SELECT count(*) FROM content WHERE base = c.digest) FROM modules m "                     \
	"JOIN content c ON c.digest = m.content WHERE m.uname GLOB ?2 AND m.arch = ?3 "

int base_choose_modules(struct btfpack_archive *a, const struct btfpack_kernel *k,
			struct content *ret, struct btfpack_error *err)
{
	static const char older[] = MODULE_CANDIDATES "AND m.uname <= ?1 COLLATE NUMBERS "
						      "ORDER BY m.uname COLLATE NUMBERS DESC";
	static const char newer[] = MODULE_CANDIDATES "AND m.uname > ?1 COLLATE NUMBERS "
						      "ORDER BY m.uname COLLATE NUMBERS";
	struct choice best = { .depth = DEPTH_MODULES, .before = -1 };
	char pattern[64];
	int error;

	snprintf(pattern, sizeof(pattern), "%.*s*", (int)version_length(k->uname), k->uname);
	error = choose(a, k, older, pattern, k->arch, &best, err);
	if (!error)
		error = choose(a, k, newer, pattern, k->arch, &best, err);
	if (error || best.before < 0)
		return error;
	return content_find(a, &best.id, ret, err);
}

int base_choose(struct btfpack_archive *a, const struct btfpack_kernel *k, struct content *ret,
		struct btfpack_error *err)
{
	struct choice best = { .depth = DEPTH, .before = -1 };
	char pattern[64];
	int error;

	/* Mostly one of its version is there, and the other thousands need no sorting. */
	snprintf(pattern, sizeof(pattern), "%.*s*", (int)version_length(k->uname), k->uname);
	error = choose_among(a, k, pattern, k->arch, &best, err);
	if (!error && best.before < 0)
		error = choose_among(a, k, "*", NULL, &best, err);
	if (error || best.before < 0)
		return error;
	return content_find(a, &best.id, ret, err);
}

int base_choose_series(struct btfpack_archive *a, const struct btfpack_kernel *k,
		       unsigned int depth, struct content *ret, struct btfpack_error *err)
{
	struct choice best = { .depth = depth, .series_only = true, .before = -1 };
	char pattern[64];
	int error;

	snprintf(pattern, sizeof(pattern), "%.*s*", (int)version_length(k->uname), k->uname);
	error = choose_among(a, k, pattern, k->arch, &best, err);
	return error || best.before < 0 ? error : content_find(a, &best.id, ret, err);
}
