/* SPDX-License-Identifier: BSD-2-Clause */
/* What a map of a loaded object holds. */
#ifndef GADGET_RUNNER_MAP_ENTRIES_H
#define GADGET_RUNNER_MAP_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/cleanup.h"

struct bpf_map;

struct map_entries {
	struct bpf_map *map;
	int cpus;          /* 1 unless per CPU */
	size_t value_size; /* of one CPU, as the system call pads it */
	uint8_t *key, *next, *value;
};

/* -ENOMEM; -EIO when nobody can say how many CPUs there are. Then, too, deinit it. */
int map_entries_init(struct map_entries *e, struct bpf_map *map);
void map_entries_deinit(struct map_entries *e);
#define AUTO_MAP_ENTRIES CLEANUP(map_entries_deinit)

/* Call @fn for each entry, for per-CPU maps once a CPU; non-zero from @fn ends it and is
 * returned. With @clear the entries are then deleted, or zeroed in arrays. */
typedef int (*map_entry_fn)(const void *key, const void *value, size_t value_size, int cpu,
			    void *arg);
int map_entries_each(struct map_entries *e, bool clear, map_entry_fn fn, void *arg);

#endif
