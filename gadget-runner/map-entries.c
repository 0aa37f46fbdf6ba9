/* SPDX-License-Identifier: BSD-2-Clause */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gadget-runner/map-entries.h"

static bool is_per_cpu(const struct bpf_map *map)
{
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_PERCPU_HASH:
		return true;
	default:
		return false;
	}
}

int map_entries_init(struct map_entries *e, struct bpf_map *map)
{
	*e = (struct map_entries){
		.map = map,
		.cpus = is_per_cpu(map) ? libbpf_num_possible_cpus() : 1,
		.value_size = bpf_map__value_size(map),
	};
	if (e->cpus < 1)
		return -EIO;
	if (is_per_cpu(map))
		e->value_size = (e->value_size + 7) / 8 * 8;
	e->key = calloc(1, bpf_map__key_size(map) + 1);
	e->next = calloc(1, bpf_map__key_size(map) + 1);
	e->value = calloc(e->cpus, e->value_size + 1);
	return e->key && e->next && e->value ? 0 : -ENOMEM;
}

void map_entries_deinit(struct map_entries *e)
{
	free(e->key);
	free(e->next);
	free(e->value);
}

static int show_entry(struct map_entries *e, const void *key, map_entry_fn fn, void *arg)
{
	int ret = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(e->map), key, e->value) < 0)
		return 0; /* gone in the meantime */
	for (int cpu = 0; cpu < e->cpus && !ret; cpu++)
		ret = fn(key, e->value + cpu * e->value_size, bpf_map__value_size(e->map), cpu,
			 arg);
	return ret;
}

static void clear_entry(struct map_entries *e, const void *key)
{
	int fd = bpf_map__fd(e->map);

	if (!bpf_map_delete_elem(fd, key))
		return;
	memset(e->value, 0, e->cpus * e->value_size);
	bpf_map_update_elem(fd, key, e->value, BPF_EXIST);
}

/* An entry is deleted only after the next key is known: asking for what follows a key that
 * is gone begins anew. A busy program may do that to us again and again: not more entries
 * are told than the map has room for. */
int map_entries_each(struct map_entries *e, bool clear, map_entry_fn fn, void *arg)
{
	int fd = bpf_map__fd(e->map);
	bool more = !bpf_map_get_next_key(fd, NULL, e->key);
	uint32_t left = bpf_map__max_entries(e->map);
	int ret = 0;

	while (more && !ret && left--) {
		more = !bpf_map_get_next_key(fd, e->key, e->next);
		ret = show_entry(e, e->key, fn, arg);
		if (clear)
			clear_entry(e, e->key);
		memcpy(e->key, e->next, bpf_map__key_size(e->map));
	}
	return ret;
}
