/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/bpf-demands.h"

/* Attach types by number: the header we build with may be older. */
enum {
	CGROUP_SYSCTL = 18,
	UDP4_RECVMSG = 19,
	UDP6_RECVMSG = 20,
	GETSOCKOPT = 21,
	SETSOCKOPT = 22,
	INET4_GETPEERNAME = 29,
	INET6_GETPEERNAME = 30,
	INET4_GETSOCKNAME = 31,
	INET6_GETSOCKNAME = 32,
	XDP_DEVMAP = 33,
	SOCK_RELEASE = 34,
	XDP_CPUMAP = 35,
	SK_SKB_VERDICT = 38,
	REUSEPORT_MIGRATE = 40,
	KPROBE_MULTI = 42,
	LSM_CGROUP = 43,
	TCX_INGRESS = 46,
	TCX_EGRESS = 47,
	UPROBE_MULTI = 48,
	UNIX_CONNECT = 49,
	UNIX_SENDMSG = 50,
	UNIX_RECVMSG = 51,
	UNIX_GETPEERNAME = 52,
	UNIX_GETSOCKNAME = 53,
	NETKIT_PRIMARY = 54,
	NETKIT_PEER = 55,
	KPROBE_SESSION = 56,
	UPROBE_SESSION = 57,
};

#define TYPE_NETFILTER 32

/* Section names as libbpf reads them, the first that fits; a row with '/' at its end
 * goes on with a name. */
static const struct {
	const char *prefix;
	int type;
	enum demand_target target;
	const char *before; /* what the kernel puts before the name */
	int attach_type;
	enum demand_arguments arguments;
} sections[] = {
	{ "kprobe/", BPF_PROG_TYPE_KPROBE, DEMAND_PROBE, "" },
	{ "kretprobe/", BPF_PROG_TYPE_KPROBE, DEMAND_PROBE, "" },
	{ "kprobe.multi/", BPF_PROG_TYPE_KPROBE, DEMAND_PROBE, "", KPROBE_MULTI },
	{ "kretprobe.multi/", BPF_PROG_TYPE_KPROBE, DEMAND_PROBE, "", KPROBE_MULTI },
	{ "kprobe.session/", BPF_PROG_TYPE_KPROBE, DEMAND_PROBE, "", KPROBE_SESSION },
	{ "kprobe.multi", BPF_PROG_TYPE_KPROBE, .attach_type = KPROBE_MULTI },
	{ "kretprobe.multi", BPF_PROG_TYPE_KPROBE, .attach_type = KPROBE_MULTI },
	{ "kprobe.session", BPF_PROG_TYPE_KPROBE, .attach_type = KPROBE_SESSION },
	{ "kprobe", BPF_PROG_TYPE_KPROBE },
	{ "kretprobe", BPF_PROG_TYPE_KPROBE },
	{ "ksyscall/", BPF_PROG_TYPE_KPROBE, DEMAND_SYSCALL, "" },
	{ "kretsyscall/", BPF_PROG_TYPE_KPROBE, DEMAND_SYSCALL, "" },
	{ "ksyscall", BPF_PROG_TYPE_KPROBE },
	{ "kretsyscall", BPF_PROG_TYPE_KPROBE },
	{ "uprobe.multi", BPF_PROG_TYPE_KPROBE, .attach_type = UPROBE_MULTI },
	{ "uretprobe.multi", BPF_PROG_TYPE_KPROBE, .attach_type = UPROBE_MULTI },
	{ "uprobe.session", BPF_PROG_TYPE_KPROBE, .attach_type = UPROBE_SESSION },
	{ "uprobe", BPF_PROG_TYPE_KPROBE },
	{ "uretprobe", BPF_PROG_TYPE_KPROBE },
	{ "usdt", BPF_PROG_TYPE_KPROBE },
	{ "tracepoint/", BPF_PROG_TYPE_TRACEPOINT, DEMAND_EVENT, "btf_trace_" },
	{ "tp/", BPF_PROG_TYPE_TRACEPOINT, DEMAND_EVENT, "btf_trace_" },
	{ "tracepoint", BPF_PROG_TYPE_TRACEPOINT },
	{ "tp", BPF_PROG_TYPE_TRACEPOINT },
	{ "raw_tracepoint/", BPF_PROG_TYPE_RAW_TRACEPOINT, DEMAND_EVENT, "btf_trace_", 0,
	  DEMAND_ARGUMENTS },
	{ "raw_tp/", BPF_PROG_TYPE_RAW_TRACEPOINT, DEMAND_EVENT, "btf_trace_", 0,
	  DEMAND_ARGUMENTS },
	{ "raw_tracepoint.w/", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, DEMAND_EVENT, "btf_trace_", 0,
	  DEMAND_ARGUMENTS },
	{ "raw_tp.w/", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, DEMAND_EVENT, "btf_trace_", 0,
	  DEMAND_ARGUMENTS },
	{ "raw_tracepoint.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE },
	{ "raw_tp.w", BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE },
	{ "raw_tracepoint", BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "raw_tp", BPF_PROG_TYPE_RAW_TRACEPOINT },
	{ "tp_btf/", BPF_PROG_TYPE_TRACING, DEMAND_TRACEPOINT, "btf_trace_", 0, DEMAND_ARGUMENTS },
	{ "fentry/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "", 0, DEMAND_ARGUMENTS },
	{ "fexit/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "", 0, DEMAND_AND_RESULT },
	{ "fmod_ret/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "", 0, DEMAND_AND_RESULT },
	{ "fentry.s/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "", 0, DEMAND_ARGUMENTS },
	{ "fexit.s/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "", 0, DEMAND_AND_RESULT },
	{ "fmod_ret.s/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "", 0, DEMAND_AND_RESULT },
	{ "tp_btf", BPF_PROG_TYPE_TRACING },
	{ "fentry", BPF_PROG_TYPE_TRACING },
	{ "fexit", BPF_PROG_TYPE_TRACING },
	{ "fmod_ret", BPF_PROG_TYPE_TRACING },
	{ "freplace", BPF_PROG_TYPE_EXT },
	{ "iter/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "bpf_iter_" },
	{ "iter.s/", BPF_PROG_TYPE_TRACING, DEMAND_FUNCTION, "bpf_iter_" },
	{ "iter", BPF_PROG_TYPE_TRACING },
	{ "lsm/", BPF_PROG_TYPE_LSM, DEMAND_FUNCTION, "bpf_lsm_", 0, DEMAND_AND_RESULT },
	{ "lsm.s/", BPF_PROG_TYPE_LSM, DEMAND_FUNCTION, "bpf_lsm_", 0, DEMAND_AND_RESULT },
	{ "lsm_cgroup/", BPF_PROG_TYPE_LSM, DEMAND_FUNCTION, "bpf_lsm_", LSM_CGROUP },
	{ "lsm", BPF_PROG_TYPE_LSM },
	{ "lsm_cgroup", BPF_PROG_TYPE_LSM, .attach_type = LSM_CGROUP },
	{ "struct_ops", BPF_PROG_TYPE_STRUCT_OPS },
	{ "syscall", BPF_PROG_TYPE_SYSCALL },
	{ "perf_event", BPF_PROG_TYPE_PERF_EVENT },
	{ "socket", BPF_PROG_TYPE_SOCKET_FILTER },
	{ "sk_reuseport/migrate", BPF_PROG_TYPE_SK_REUSEPORT, .attach_type = REUSEPORT_MIGRATE },
	{ "sk_reuseport", BPF_PROG_TYPE_SK_REUSEPORT },
	{ "classifier", BPF_PROG_TYPE_SCHED_CLS },
	{ "action", BPF_PROG_TYPE_SCHED_ACT },
	{ "tcx/ingress", BPF_PROG_TYPE_SCHED_CLS, .attach_type = TCX_INGRESS },
	{ "tcx/egress", BPF_PROG_TYPE_SCHED_CLS, .attach_type = TCX_EGRESS },
	{ "netkit/primary", BPF_PROG_TYPE_SCHED_CLS, .attach_type = NETKIT_PRIMARY },
	{ "netkit/peer", BPF_PROG_TYPE_SCHED_CLS, .attach_type = NETKIT_PEER },
	{ "tc", BPF_PROG_TYPE_SCHED_CLS },
	{ "xdp.frags/devmap", BPF_PROG_TYPE_XDP, .attach_type = XDP_DEVMAP },
	{ "xdp/devmap", BPF_PROG_TYPE_XDP, .attach_type = XDP_DEVMAP },
	{ "xdp_devmap", BPF_PROG_TYPE_XDP, .attach_type = XDP_DEVMAP },
	{ "xdp.frags/cpumap", BPF_PROG_TYPE_XDP, .attach_type = XDP_CPUMAP },
	{ "xdp/cpumap", BPF_PROG_TYPE_XDP, .attach_type = XDP_CPUMAP },
	{ "xdp_cpumap", BPF_PROG_TYPE_XDP, .attach_type = XDP_CPUMAP },
	{ "xdp", BPF_PROG_TYPE_XDP },
	{ "lwt_in", BPF_PROG_TYPE_LWT_IN },
	{ "lwt_out", BPF_PROG_TYPE_LWT_OUT },
	{ "lwt_xmit", BPF_PROG_TYPE_LWT_XMIT },
	{ "lwt_seg6local", BPF_PROG_TYPE_LWT_SEG6LOCAL },
	{ "sockops", BPF_PROG_TYPE_SOCK_OPS },
	{ "sk_lookup", BPF_PROG_TYPE_SK_LOOKUP },
	{ "sk_skb/verdict", BPF_PROG_TYPE_SK_SKB, .attach_type = SK_SKB_VERDICT },
	{ "sk_skb", BPF_PROG_TYPE_SK_SKB },
	{ "sk_msg", BPF_PROG_TYPE_SK_MSG },
	{ "lirc_mode2", BPF_PROG_TYPE_LIRC_MODE2 },
	{ "flow_dissector", BPF_PROG_TYPE_FLOW_DISSECTOR },
	{ "cgroup_skb", BPF_PROG_TYPE_CGROUP_SKB },
	{ "cgroup/skb", BPF_PROG_TYPE_CGROUP_SKB },
	{ "cgroup/sock_release", BPF_PROG_TYPE_CGROUP_SOCK, .attach_type = SOCK_RELEASE },
	{ "cgroup/sock_create", BPF_PROG_TYPE_CGROUP_SOCK },
	{ "cgroup/sock", BPF_PROG_TYPE_CGROUP_SOCK },
	{ "cgroup/post_bind4", BPF_PROG_TYPE_CGROUP_SOCK },
	{ "cgroup/post_bind6", BPF_PROG_TYPE_CGROUP_SOCK },
	{ "cgroup/bind4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ "cgroup/bind6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ "cgroup/connect4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ "cgroup/connect6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ "cgroup/connect_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = UNIX_CONNECT },
	{ "cgroup/sendmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ "cgroup/sendmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR },
	{ "cgroup/sendmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = UNIX_SENDMSG },
	{ "cgroup/recvmsg4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = UDP4_RECVMSG },
	{ "cgroup/recvmsg6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = UDP6_RECVMSG },
	{ "cgroup/recvmsg_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = UNIX_RECVMSG },
	{ "cgroup/getpeername4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = INET4_GETPEERNAME },
	{ "cgroup/getpeername6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = INET6_GETPEERNAME },
	{ "cgroup/getpeername_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
	  .attach_type = UNIX_GETPEERNAME },
	{ "cgroup/getsockname4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = INET4_GETSOCKNAME },
	{ "cgroup/getsockname6", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, .attach_type = INET6_GETSOCKNAME },
	{ "cgroup/getsockname_unix", BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
	  .attach_type = UNIX_GETSOCKNAME },
	{ "cgroup/sysctl", BPF_PROG_TYPE_CGROUP_SYSCTL, .attach_type = CGROUP_SYSCTL },
	{ "cgroup/getsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, .attach_type = GETSOCKOPT },
	{ "cgroup/setsockopt", BPF_PROG_TYPE_CGROUP_SOCKOPT, .attach_type = SETSOCKOPT },
	{ "cgroup/dev", BPF_PROG_TYPE_CGROUP_DEVICE },
	{ "netfilter", TYPE_NETFILTER },
};

bool bpf_demands_own_btf(const struct demand_program *program)
{
	return program->type == BPF_PROG_TYPE_TRACING || program->type == BPF_PROG_TYPE_LSM ||
	       program->type == BPF_PROG_TYPE_STRUCT_OPS;
}

/* The name in a section name: up to an offset ("+4"); of a tracepoint, behind its
 * category. System calls have tracepoints of their own making, not in BTF, but the
 * functions behind them are. */
static int set_target(struct demand_program *program, const char *rest, const char *before)
{
	const char *slash = strchr(rest, '/'), *colon;

	if (program->target == DEMAND_EVENT && slash) {
		if (!strncmp(rest, "syscalls/sys_", 13)) {
			program->target = DEMAND_SYSCALL;
			before = "";
			slash += strcspn(slash + 5, "_") + 5; /* sys_enter_ or sys_exit_ */
		}
		rest = slash + !!*slash;
	}
	colon = program->target == DEMAND_FUNCTION ? strchr(rest, ':') : NULL;
	if (colon && colon[1]) {
		program->module = strndup(rest, (size_t)(colon - rest));
		if (!program->module)
			return -ENOMEM;
	}
	if (!*rest || strpbrk(rest, program->module ? "*?" : "*?:")) { /* patterns */
		program->target = DEMAND_NOTHING;
		return 0;
	}
	return asprintf(&program->name, "%s%.*s", before, (int)strcspn(rest, "+"), rest) < 0
		       ? -ENOMEM
		       : 0;
}

/* These are verified for one target; others are attached when they are loaded. */
static bool attaches_when_loaded(int type)
{
	return type == BPF_PROG_TYPE_TRACING || type == BPF_PROG_TYPE_LSM ||
	       type == BPF_PROG_TYPE_EXT;
}

static int read_program(const struct bpf_object *object, int32_t function,
			struct demand_program *ret)
{
	const char *name = object->sections[object->functions[function].section].name;

	*ret = (struct demand_program){ .function = function };
	ret->is_on_demand = *name == '?';
	name += ret->is_on_demand;
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		size_t length = strlen(sections[i].prefix);
		bool goes_on = sections[i].prefix[length - 1] == '/';

		if (strncmp(name, sections[i].prefix, length) ||
		    (!goes_on && name[length] && !strchr("/.", name[length])))
			continue;
		ret->type = sections[i].type;
		ret->attach_type = sections[i].attach_type;
		ret->takes_fprobe = sections[i].attach_type == KPROBE_MULTI ||
				    sections[i].attach_type == KPROBE_SESSION;
		ret->alters_result = !strncmp(name, "fmod_ret", 8);
		ret->arguments = sections[i].arguments;
		ret->target = sections[i].target;
		ret->is_named_late = attaches_when_loaded(sections[i].type) && !goes_on;
		return ret->target == DEMAND_NOTHING
			       ? 0
			       : set_target(ret, name + length, sections[i].before);
	}
	ret->is_unknown = true;
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

static int read_settings(struct bpf_demands *demands, const struct bpf_object *object)
{
	const struct btf_view *btf = &object->btf;
	const struct btf_type *datasec = object->has_btf ? find_datasec(btf, ".kconfig") : NULL;
	uint32_t count = datasec ? btf_type_vlen(datasec) : 0;

	demands->settings = calloc(count + 1, sizeof(*demands->settings));
	if (!demands->settings)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		const struct btf_type *var = btf_view_type(btf, btf_type_secinfos(datasec)[i].type);
		const char *name = btf_view_name(btf, var);
		uint64_t size;

		if (btf_type_kind(var) != BTF_KIND_VAR ||
		    btf_view_size(btf, var->type, 8, &size) < 0 || size > UINT32_MAX)
			size = 0;
		demands->settings[demands->setting_count++] =
			(struct demand_setting){ .name = name,
						 .size = (uint32_t)size,
						 .is_weak = is_weak_symbol(object, name) };
	}
	return 0;
}

int64_t bpf_demands_find_setting(const struct bpf_demands *demands, const char *name)
{
	for (size_t i = 0; i < demands->setting_count; i++)
		if (!strcmp(demands->settings[i].name, name))
			return (int64_t)i;
	return -1;
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
	if (!error)
		error = read_settings(demands, object);
	if (error)
		bpf_demands_deinit(demands);
	return error;
}

void bpf_demands_deinit(struct bpf_demands *demands)
{
	for (size_t i = 0; i < demands->program_count; i++) {
		free(demands->programs[i].name);
		free(demands->programs[i].module);
	}
	free(demands->programs);
	free(demands->maps);
	free(demands->externs);
	free(demands->settings);
	*demands = (struct bpf_demands){ 0 };
}
