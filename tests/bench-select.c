/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How long a select takes and how much memory it needs, as a program at its
 * start meets it: open the bundle file, choose, put the BTF into memory, close.
 *
 *	bench-select [KERNELS]		5,000 made-up ones
 *	bench-select FILE		a bundle, for the host of the environment's
 *					DISTRO, RELEASE, ARCH, UNAME, BUILD_ID
 *
 * Prints one line of JSON. Memory is the growth of the process's peak resident
 * size, the pages of the mapped bundle included.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <btfpack/bundle.h>
#include <btfpack/loader.h>

#include "core/fs.h"
#include "tests/synthetic.h"

#define ROUNDS 201

static void die(const struct btfpack_error *err)
{
	fprintf(stderr, "bench-select: %s\n", err->message);
	exit(1);
}

static size_t make_bundle(const char *path, uint32_t kernels)
{
	struct btfpack_bundle *b;
	struct btfpack_blob bytes;
	struct btfpack_error err;
	struct synthetic s;
	size_t size;

	if (btfpack_bundle_new(&b, &err) < 0)
		die(&err);
	for (uint32_t i = 0; i < kernels; i++) {
		synthetic_make(i, &s);
		if (btfpack_bundle_add(b, &s.kernel, &s.blob, NULL, &err) < 0)
			die(&err);
	}
	if (btfpack_bundle_write(b, NULL, &bytes, &err) < 0 ||
	    fs_write(path, bytes.data, bytes.size, &err) < 0)
		die(&err);
	size = bytes.size;
	btfpack_blob_free(&bytes);
	btfpack_bundle_free(b);
	return size;
}

static void name_host(struct btfpack_host *host, const struct btfpack_kernel *k)
{
	snprintf(host->distro, sizeof(host->distro), "%s", k->distro ? k->distro : "");
	snprintf(host->release, sizeof(host->release), "%s", k->release ? k->release : "");
	snprintf(host->arch, sizeof(host->arch), "%s", k->arch ? k->arch : "");
	snprintf(host->uname, sizeof(host->uname), "%s", k->uname ? k->uname : "");
	snprintf(host->build_id, sizeof(host->build_id), "%s", k->build_id ? k->build_id : "");
}

static double select_once(const char *path, const struct btfpack_host *host)
{
	struct btfpack_loader_opts opts = { .size = sizeof(opts), .host = host };
	struct btfpack_loader *loader;
	struct btfpack_error err;
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	if (btfpack_loader_open(path, &opts, &loader, &err) < 0)
		die(&err);
	btfpack_loader_close(loader);
	clock_gettime(CLOCK_MONOTONIC, &end);
	return (end.tv_sec - start.tv_sec) * 1e6 + (end.tv_nsec - start.tv_nsec) / 1e3;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static long peak_kb(void)
{
	char line[128];
	FILE *file = fopen("/proc/self/status", "re");
	long kb = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmHWM: %ld", &kb) == 1)
			break;
	if (file)
		fclose(file);
	return kb;
}

/* Start anew, so that what making the bundle needed does not count. */
static void measure(const char *path, size_t size, uint32_t kernels, const struct btfpack_host *host)
{
	double times[ROUNDS], first;
	long before = peak_kb(), after;

	first = select_once(path, host);
	after = peak_kb();
	for (int i = 0; i < ROUNDS; i++)
		times[i] = select_once(path, host);
	qsort(times, ROUNDS, sizeof(times[0]), compare);
	printf("{\"kernels\":%u,\"bytes\":%zu,\"first_us\":%.0f,\"median_us\":%.0f,\"worst_us\":%.0f,"
	       "\"memory_kb\":%ld}\n",
	       kernels, size, first, times[ROUNDS / 2], times[ROUNDS - 1], after - before);
}

int main(int argc, char **argv)
{
	const char *path = getenv("BENCH_BUNDLE");
	struct btfpack_host host = { 0 };
	struct synthetic s;
	uint32_t kernels = argc > 1 ? strtoul(argv[1], NULL, 10) : 5000;

	if (path) { /* the second life: see below */
		synthetic_make(kernels / 2, &s);
		name_host(&host, &s.kernel);
		measure(path, strtoul(getenv("BENCH_SIZE"), NULL, 10), kernels, &host);
		return unlink(path);
	}
	if (argc > 1 && !kernels) {
		const struct btfpack_kernel k = { getenv("DISTRO"), getenv("RELEASE"), getenv("ARCH"),
						  getenv("UNAME"), getenv("BUILD_ID") };

		name_host(&host, &k);
		measure(argv[1], 0, 0, &host);
		return 0;
	}
	{
		char made[] = "/tmp/bench-select.XXXXXX", size[32];

		close(mkstemp(made));
		snprintf(size, sizeof(size), "%zu", make_bundle(made, kernels));
		setenv("BENCH_BUNDLE", made, 1);
		setenv("BENCH_SIZE", size, 1);
		execv("/proc/self/exe", argv); /* a fresh process: its peak is select's alone */
	}
	perror("bench-select");
	return 1;
}
