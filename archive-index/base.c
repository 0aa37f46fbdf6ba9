/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which stored BTF a new one is told by.
 *
 * The nearest kernel: of the same series if there is one (the uname but for its
 * numbers), of the same version, architecture, distribution; and of these the one
 * next to it in the order of versions. A chain of bases is read one after the
 * other, so it is kept short (DEPTH); and since the distance to a base costs bytes,
 * a base has few children (CHILDREN), so that a series which grows at its end is
 * told by recent kernels and not all by its first.
 */
#include <stdlib.h>
#include <string.h>

#include "archive-index/codec.h"
#include "archive-index/handle.h"

#define DEPTH	 3
#define CHILDREN 8

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

	return same_version << 3 | same_arch << 2 | same_series << 1 | same_distro;
}

/* The best row so far. The rows come in the order of their unames. */
struct choice {
	unsigned int nearness;
	int64_t before; /* rows between it and the new kernel's place; -1: none yet */
	struct btfpack_id id;
};

static void consider(struct choice *best, const struct btfpack_kernel *k, const struct db_stmt *s,
		     int64_t distance)
{
	unsigned int near = nearness(k, s);

	if (best->before >= 0 && (near < best->nearness ||
				  (near == best->nearness && distance >= best->before)))
		return;
	if (!db_id(s, 4, &best->id))
		return;
	best->nearness = near;
	best->before = distance;
}

static int choose(struct btfpack_archive *a, const struct btfpack_kernel *k, const char *sql,
		  struct choice *best, struct btfpack_error *err)
{
	AUTO_DB_STMT struct db_stmt *s = NULL;
	int64_t distance = 0;
	int error = db_query(a->db, &s, err, sql, "tiii", k->uname, (int64_t)CODEC_TYPES,
			     (int64_t)DEPTH, (int64_t)CHILDREN);

	while (!error && (error = db_next(s, err)) > 0) {
		consider(best, k, s, distance++);
		error = 0;
	}
	return error;
}

#define CANDIDATES                                                                                 \
	"SELECT e.distro, e.release, e.arch, e.uname, e.content FROM entry e "                     \
	"JOIN content c ON c.digest = e.content WHERE e.set_name = '' AND c.codec = ?2 AND "       \
	"c.depth < ?3 AND (SELECT count(*) FROM content WHERE base = c.digest) < ?4 "

int base_choose(struct btfpack_archive *a, const struct btfpack_kernel *k, struct content *ret,
		struct btfpack_error *err)
{
	/* Both ways from the new kernel's place in the order. */
	static const char older[] = CANDIDATES "AND e.uname <= ?1 COLLATE NUMBERS "
					       "ORDER BY e.uname COLLATE NUMBERS DESC";
	static const char newer[] = CANDIDATES "AND e.uname > ?1 COLLATE NUMBERS "
					       "ORDER BY e.uname COLLATE NUMBERS";
	struct choice best = { .before = -1 };
	int error = choose(a, k, older, &best, err);

	if (!error)
		error = choose(a, k, newer, &best, err);
	if (error || best.before < 0)
		return error;
	return content_find(a, &best.id, ret, err);
}
