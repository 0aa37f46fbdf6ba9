/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/bpf-demands.h"

/* Section names as libbpf reads them; a row with '/' at its end goes on with a name. */
static const struct {
	const char *prefix;
	int type;
	enum demand_target target;
	const char *before; /* what the kernel puts before the name */
} sections[] = {
	{ "kprobe/", BPF_PROG_TYPE_KPROBE, DEMAND_PROBE, "" },
	{ "kretprobe/", BPF_PROG_TYPE_KPROBE, DEMAND_PROBE, "" },
	{ "kprobe", BPF_PROG_TYPE_KPROBE, DEMAND_NOTHING, "" },
	{ "kretprobe", BPF_PROG_TYPE_KPROBE, DEMAND_NOTHING, "" },
	{ "ksyscall", BPF_PROG_TYPE_KPROBE, DEMAND_NOTHING, "" },
	{ "kretsyscall", BPF_PROG_TYPE_KPROBE, DEMAND_NOTHING, "" },
	{ "uprobe", BPF_PROG_TYPE_KPROBE, DEMAND_NOTHING, "" },
	{ "uretprobe", BPF_PROG_TYPE_KPROBE, DEMAND_NOTHING, "" },
	{ "usdt", BPF_PROG_TYPE_KPROBE, DEMAND_NOTHING, "" },
	{ "tracepoint/", BPF_PROG_TYPE_TRACEPOINT, DEMAND_EVENT, "btf_trace_" },
	{ "tp/", BPF_PROG_TYPE_TRACEPOINT, DEMAND_EVENT, "btf_trace_" },
	{ "tracepoint", BPF_PROG_TYPE_TRACEPOINT, DEMAND_NOTHING, "" },
	{ "raw_tracepoint/", BPF_PROG_TYPE_RAW_TRACEPOINT, DEMAND_EVENT, "btf_trace_" },
	{ "raw_tp/", BPF_PROG_TYPE_RAW_TRACEPOINT, DEMAND_EVENT, "btf_trace_" },
	{ "raw_tracepoint.w/", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, DEMAND_EVENT, "btf_trace_" },
	{ "raw_tp.w/", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, DEMAND_EVENT, "btf_trace_" },
	{ "tp_btf/", BPF_PROG_TYPE_TRACING, DEMAND_TRACEPOINT, "btf_trace_" },
	{ "fentry/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "" },
	{ "fexit/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "" },
	{ "fmod_ret/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "" },
	{ "fentry.s/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "" },
	{ "fexit.s/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "" },
	{ "fmod_ret.s/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "" },
	{ "iter/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "bpf_iter_" },
	{ "iter.s/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "bpf_iter_" },
	{ "lsm/", BPF_PROG_TYPE_LSM, DEMAND_FUNCTION, "bpf_lsm_" },
	{ "lsm.s/", BPF_PROG_TYPE_LSM, DEMAND_FUNCTION, "bpf_lsm_" },
	{ "lsm_cgroup/", BPF_PROG_TYPE_LSM, DEMAND_FUNCTION, "bpf_lsm_" },
	{ "struct_ops", BPF_PROG_TYPE_STRUCT_OPS, DEMAND_NOTHING, "" },
	{ "syscall", BPF_PROG_TYPE_SYSCALL, DEMAND_NOTHING, "" },
	{ "perf_event", BPF_PROG_TYPE_PERF_EVENT, DEMAND_NOTHING, "" },
	{ "socket", BPF_PROG_TYPE_SOCKET_FILTER, DEMAND_NOTHING, "" },
	{ "classifier", BPF_PROG_TYPE_SCHED_CLS, DEMAND_NOTHING, "" },
	{ "tcx", BPF_PROG_TYPE_SCHED_CLS, DEMAND_NOTHING, "" },
	{ "tc", BPF_PROG_TYPE_SCHED_CLS, DEMAND_NOTHING, "" },
	{ "xdp", BPF_PROG_TYPE_XDP, DEMAND_NOTHING, "" },
	{ "sockops", BPF_PROG_TYPE_SOCK_OPS, DEMAND_NOTHING, "" },
	{ "sk_lookup", BPF_PROG_TYPE_SK_LOOKUP, DEMAND_NOTHING, "" },
	{ "sk_skb", BPF_PROG_TYPE_SK_SKB, DEMAND_NOTHING, "" },
	{ "sk_msg", BPF_PROG_TYPE_SK_MSG, DEMAND_NOTHING, "" },
	{ "cgroup_skb/", BPF_PROG_TYPE_CGROUP_SKB, DEMAND_NOTHING, "" },
	{ "netfilter", 32 /* of 6.4: newer than the oldest header we build with */, DEMAND_NOTHING,
	  "" },
};

/* The name in a section name: up to an offset ("+4"); of a tracepoint, behind its
 * category. System calls have tracepoints of their own making, not in BTF. */
static int set_target(struct demand_program *program, const char *rest, const char *before)
{
	const char *slash = strchr(rest, '/');

	if (program->target == DEMAND_EVENT && slash) {
		if (!strncmp(rest, "syscalls/", 9)) {
			program->target = DEMAND_NOTHING;
			return 0;
		}
		rest = slash + 1;
	}
	if (!*rest || strpbrk(rest, "*?:")) { /* patterns, and functions of modules */
		program->target = DEMAND_NOTHING;
		return 0;
	}
	return asprintf(&program->name, "%s%.*s", before, (int)strcspn(rest, "+"), rest) < 0
		       ? -ENOMEM
		       : 0;
}

static int read_program(const struct bpf_object *object, int32_t function,
			struct demand_program *ret)
{
	const char *name = object->sections[object->functions[function].section].name;

	*ret = (struct demand_program){ .function = function };
	name += *name == '?'; /* not loaded unless asked for */
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t length = strlen(sections[i].prefix);
		bool goes_on = sections[i].prefix[length - 1] == '/';

		if (strncmp(name, sections[i].prefix, length) ||
		    (!goes_on && name[length] && !strchr("/.", name[length])))
			continue;
		ret->type = sections[i].type;
		ret->target = sections[i].target;
		return ret->target == DEMAND_NOTHING
			       ? 0
			       : set_target(ret, name + length, sections[i].before);
	}
	return 0;
}

static int read_programs(struct bpf_demands *demands, const struct bpf_object *object)
{
	int error = 0;

	demands->programs = calloc(object->function_count + 1, sizeof(*demands->programs));
	if (!demands->programs)
		return -ENOMEM;
	for (size_t i = 0; !error && i < object->function_count; i++)
		if (object->functions[i].is_program)
			error = read_program(object, (int32_t)i,
					     &demands->programs[demands->program_count++]);
	return error;
}

static const struct btf_type *find_datasec(const struct btf_view *btf, const char *name)
{
	for (uint32_t id = 1; id < btf->end_id; id++) {
		const struct btf_type *t = btf_view_type(btf, id);

		if (btf_type_kind(t) == BTF_KIND_DATASEC && !strcmp(btf_view_name(btf, t), name))
			return t;
	}
	return NULL;
}

/* The number in `__uint(type, N)`: a member that points to an array of N. */
static bool read_map_type(const struct btf_view *btf, uint32_t definition, uint32_t *ret)
{
	const struct btf_type *t = btf_view_type(btf, btf_view_skip_typedefs(btf, definition));

	if (btf_type_kind(t) != BTF_KIND_STRUCT)
		return false;
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_member *m = btf_type_members(t) + i;
		const struct btf_type *pointer = btf_view_type(btf, m->type), *array;

		if (strcmp(btf_view_string(btf, m->name_off), "type") ||
		    btf_type_kind(pointer) != BTF_KIND_PTR)
			continue;
		array = btf_view_type(btf, btf_view_skip_typedefs(btf, pointer->type));
		if (btf_type_kind(array) != BTF_KIND_ARRAY)
			return false;
		*ret = btf_type_array(array)->nelems;
		return true;
	}
	return false;
}

static int read_maps(struct bpf_demands *demands, const struct bpf_object *object)
{
	const struct btf_view *btf = &object->btf;
	const struct btf_type *datasec = object->has_btf ? find_datasec(btf, ".maps") : NULL;
	uint32_t count = datasec ? btf_type_vlen(datasec) : 0;

	demands->maps = calloc(count + 1, sizeof(*demands->maps));
	if (!demands->maps)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct btf_type *var = btf_view_type(btf, btf_type_secinfos(datasec)[i].type);
		struct demand_map *map = &demands->maps[demands->map_count];

		map->name = btf_view_name(btf, var);
		if (btf_type_kind(var) == BTF_KIND_VAR && read_map_type(btf, var->type, &map->type))
			demands->map_count++;
	}
	return 0;
}

static bool is_weak_symbol(const struct bpf_object *object, const char *name)
{
	for (size_t i = 0; i < object->section_count; i++)
		for (size_t j = 0; j < object->sections[i].target_count; j++)
			if (object->sections[i].targets[j].is_weak &&
			    !strcmp(object->sections[i].targets[j].symbol, name))
				return true;
	return false;
}

/* A variable without a type (`extern const void sym`) is looked up by address, in
 * the kernel's symbol table. */
static bool is_typed(const struct btf_view *btf, const struct btf_type *t)
{
	return btf_type_kind(t) == BTF_KIND_FUNC ||
	       (btf_type_kind(t) == BTF_KIND_VAR && btf_view_skip_typedefs(btf, t->type));
}

static int read_externs(struct bpf_demands *demands, const struct bpf_object *object)
{
	const struct btf_view *btf = &object->btf;
	const struct btf_type *datasec = object->has_btf ? find_datasec(btf, ".ksyms") : NULL;
	uint32_t count = datasec ? btf_type_vlen(datasec) : 0;

	demands->externs = calloc(count + 1, sizeof(*demands->externs));
	if (!demands->externs)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct btf_type *t = btf_view_type(btf, btf_type_secinfos(datasec)[i].type);
		const char *name = btf_view_name(btf, t);

		if (is_typed(btf, t))
			demands->externs[demands->extern_count++] = (struct demand_extern){
				.name = name,
				.is_function = btf_type_kind(t) == BTF_KIND_FUNC,
				.is_weak = is_weak_symbol(object, name),
			};
	}
	return 0;
}

int bpf_demands_init(struct bpf_demands *demands, const struct bpf_object *object)
{
	int error;

	*demands = (struct bpf_demands){ 0 };
	error = read_programs(demands, object);
	if (!error)
		error = read_maps(demands, object);
	if (!error)
		error = read_externs(demands, object);
	if (error)
		bpf_demands_deinit(demands);
	return error;
}

void bpf_demands_deinit(struct bpf_demands *demands)
{
	for (size_t i = 0; i < demands->program_count; i++)
		free(demands->programs[i].name);
	free(demands->programs);
	free(demands->maps);
	free(demands->externs);
	*demands = (struct bpf_demands){ 0 };
}
