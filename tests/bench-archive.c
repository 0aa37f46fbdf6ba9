/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An archive of many kernels, grown from real ones (tests/grow.h), and how long one
 * takes to come back. scripts/bench-archive makes the tables of it.
 *
 *	bench-archive add DIR KERNELS SEED [--raw FILE] BTF...
 *		add KERNELS kernels, as many of each BTF's series, which SEED numbers;
 *		all of them one behind the other to FILE, too
 *	bench-archive get DIR SAMPLES
 *		take so many of them out, each from a handle of its own
 *
 * Each prints one line of JSON; times are milliseconds, of the clock and of the
 * processor (what other processes take of this one's does not count there).
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <btfpack/archive.h>

#include "core/cleanup.h"
#include "core/fs.h"
#include "tests/grow.h"

#define EDITS 150 /* a kernel: changes 150 to 300 types, as Debian's 6.1 updates do */

static struct btfpack_error err;

static void die(void)
{
	fprintf(stderr, "bench-archive: %s\n", err.message);
	exit(1);
}

/* --- time -------------------------------------------------------------------------------------- */

struct moment {
	double wall, cpu;
};

static double milliseconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static struct moment now(void)
{
	return (struct moment){ milliseconds(CLOCK_MONOTONIC),
				milliseconds(CLOCK_PROCESS_CPUTIME_ID) };
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct series {
	double *wall, *cpu;
	size_t count;
};

static struct series series_new(size_t most)
{
	struct series s = { calloc(most + 1, sizeof(double)), calloc(most + 1, sizeof(double)), 0 };

	if (!s.wall || !s.cpu)
		exit(1);
	return s;
}

static void print_series(struct series *s)
{
	size_t last = s->count ? s->count - 1 : 0;

	qsort(s->wall, s->count, sizeof(double), compare);
	qsort(s->cpu, s->count, sizeof(double), compare);
	printf("\"count\": %zu, \"wall_median\": %.1f, \"wall_most\": %.1f, \"cpu_median\": %.1f, "
	       "\"cpu_99\": %.1f, \"cpu_most\": %.1f",
	       s->count, s->wall[s->count / 2], s->wall[last], s->cpu[s->count / 2],
	       s->cpu[s->count * 99 / 100], s->cpu[last]);
	free(s->wall);
	free(s->cpu);
}

/* --- add --------------------------------------------------------------------------------------- */

struct run {
	struct btfpack_archive *archive;
	FILE *raw;
	struct series times;
	uint64_t bytes;
};

/* 20 bytes as random as those of a linker: nothing is to compress here that does not there. */
static void make_build_id(uint64_t series, unsigned int number, char ret[41])
{
	uint64_t seed[2] = { series, number };
	XXH128_hash_t low = XXH3_128bits(seed, sizeof(seed));
	uint64_t high = XXH3_64bits_withSeed(seed, sizeof(seed), 1);

	snprintf(ret, 41, "%016llx%016llx%08x", (unsigned long long)low.low64,
		 (unsigned long long)low.high64, (unsigned int)high);
}

static void add_one(struct run *r, uint64_t series, unsigned int number,
		    const struct btfpack_blob *btf)
{
	char release[16], uname[64], build_id[41];
	struct btfpack_kernel k = { "grown", release, "x86_64", uname, build_id };
	struct moment start, end;

	make_build_id(series, number, build_id);

	snprintf(release, sizeof(release), "%llu", (unsigned long long)series);
	snprintf(uname, sizeof(uname), "6.%llu.0-%u-grown", (unsigned long long)series, number + 1);
	start = now();
	if (btfpack_archive_add(r->archive, &k, NULL, btf, NULL, NULL, &err) < 0)
		die();
	end = now();
	r->times.wall[r->times.count] = end.wall - start.wall;
	r->times.cpu[r->times.count++] = end.cpu - start.cpu;
	r->bytes += btf->size;
	if (r->raw && fwrite(btf->data, 1, btf->size, r->raw) != btf->size)
		exit(1);
}

static void add_series(struct run *r, uint64_t series, const char *path, unsigned int count)
{
	AUTO_BLOB struct btfpack_blob btf = { 0 };
	struct grown *g;

	if (fs_read(path, BTFPACK_ARCHIVE_BTF_MAX, &btf, &err) < 0)
		die();
	g = grow_begin(&btf, series);
	for (unsigned int i = 0; i < count; i++) {
		AUTO_BLOB struct btfpack_blob grown = grow_write(g);

		add_one(r, series, i, &grown);
		grow_edit(g, EDITS);
	}
	grow_end(g);
}

static int run_add(int argc, char **argv)
{
	unsigned int kernels = (unsigned int)strtoul(argv[1], NULL, 10);
	uint64_t seed = strtoull(argv[2], NULL, 10);
	struct run r = { .times = series_new(kernels) };
	int first = 3;

	if (argc > 5 && !strcmp(argv[3], "--raw")) {
		r.raw = fopen(argv[4], "we");
		first = 5;
		if (!r.raw)
			exit(1);
	}
	if (btfpack_archive_open(argv[0], BTFPACK_ARCHIVE_CREATE, &r.archive, &err))
		die();
	for (int i = first; i < argc; i++) {
		unsigned int series = (unsigned int)(argc - first), at = (unsigned int)(i - first);

		add_series(&r, seed * 100 + at, argv[i], (kernels + series - 1 - at) / series);
	}
	btfpack_archive_close(r.archive);
	if (r.raw)
		fclose(r.raw);
	printf("{\"bytes\": %llu, ", (unsigned long long)r.bytes);
	print_series(&r.times);
	puts("}");
	return 0;
}

/* --- get --------------------------------------------------------------------------------------- */

#define ROUNDS 3 /* the best one counts */

static void get_one(const char *dir, const struct btfpack_id *id, struct series *times)
{
	double wall = 1e9, cpu = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		AUTO_BLOB struct btfpack_blob btf = { 0 };
		struct btfpack_archive *a;
		struct moment start = now(), end;

		if (btfpack_archive_open(dir, BTFPACK_ARCHIVE_READ_ONLY, &a, &err) ||
		    btfpack_archive_get(a, id, &btf, &err))
			die();
		end = now();
		btfpack_archive_close(a);
		wall = end.wall - start.wall < wall ? end.wall - start.wall : wall;
		cpu = end.cpu - start.cpu < cpu ? end.cpu - start.cpu : cpu;
	}
	times->wall[times->count] = wall;
	times->cpu[times->count++] = cpu;
}

static int run_get(char **argv)
{
	size_t samples = strtoul(argv[1], NULL, 10), total = 0, at = 0;
	struct series times = series_new(samples);
	const struct btfpack_entry *e;
	struct btfpack_entry_iter *it;
	struct btfpack_archive *a;

	if (btfpack_archive_open(argv[0], BTFPACK_ARCHIVE_READ_ONLY, &a, &err) ||
	    btfpack_archive_list(a, NULL, NULL, &it, &err))
		die();
	while (btfpack_entry_iter_next(it, &e, &err) > 0)
		total++;
	btfpack_entry_iter_free(it);
	if (btfpack_archive_list(a, NULL, NULL, &it, &err))
		die();
	while (btfpack_entry_iter_next(it, &e, &err) > 0)
		if (at++ * samples / total >= times.count && times.count < samples)
			get_one(argv[0], &e->id, &times);
	btfpack_entry_iter_free(it);
	btfpack_archive_close(a);
	printf("{");
	print_series(&times);
	puts("}");
	return 0;
}

int main(int argc, char **argv)
{
#ifdef M_MMAP_THRESHOLD /* as cli/store.c has it */
	mallopt(M_MMAP_THRESHOLD, 32 << 20);
	mallopt(M_TRIM_THRESHOLD, 128 << 20);
#endif
	if (argc > 5 && !strcmp(argv[1], "add"))
		return run_add(argc - 2, argv + 2);
	if (argc == 4 && !strcmp(argv[1], "get"))
		return run_get(argv + 2);
	fprintf(stderr, "bench-archive: expected add DIR KERNELS SEED BTF..., or get DIR SAMPLES\n");
	return 2;
}
