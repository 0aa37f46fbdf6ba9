/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A tool that carries its BTF along: the bundle is linked in (bundle.S and
 * bundle.h, from `btfpack bundle --emit c`), the loader chooses from it, libbpf
 * loads with it. Counts execs per parent for a few seconds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <btfpack/libbpf.h>

#include "bundle.h"

/* Open and load @path with the BTF that this kernel needs. */
static struct bpf_object *load(const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct btfpack_loader *loader;
	struct btfpack_error err;
	struct bpf_object *object;

	if (btfpack_open_opts_init_mem(&opts, btfpack_bundle, sizeof(btfpack_bundle), &loader,
				       &err) < 0) {
		fprintf(stderr, "%s\n", err.message);
		return NULL;
	}
	fprintf(stderr, "%s\n", btfpack_loader_reason(loader));
	object = bpf_object__open_file(path, &opts);
	if (object && bpf_object__load(object)) {
		bpf_object__close(object);
		object = NULL;
	}
	btfpack_loader_close(loader); /* not before the load */
	return object;
}

static void print_counts(struct bpf_object *object)
{
	int map = bpf_object__find_map_fd_by_name(object, "counts"), parent, *previous = NULL;
	long count;

	while (bpf_map_get_next_key(map, previous, &parent) == 0) {
		if (bpf_map_lookup_elem(map, &parent, &count) == 0)
			printf("%7d %ld\n", parent, count);
		previous = &parent;
	}
}

int main(int argc, char **argv)
{
	struct bpf_object *object = load(argc > 1 ? argv[1] : "execcount.bpf.o");
	struct bpf_link *link;

	if (!object)
		return 1;
	link = bpf_program__attach(bpf_object__find_program_by_name(object, "count"));
	if (link) {
		sleep(argc > 2 ? atoi(argv[2]) : 5);
		print_counts(object);
	}
	bpf_link__destroy(link);
	bpf_object__close(object);
	return link ? 0 : 1;
}
