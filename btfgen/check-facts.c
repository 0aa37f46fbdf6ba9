/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/check-facts.h"

/* --- names to look for -------------------------------------------------------------------------- */

#define NAME_MAXIMUM 600 /* the kernel's own limits: 512 for symbols, 56 for modules */

void check_names_init(struct check_names *names)
{
	*names = (struct check_names){ 0 };
	intern_init(&names->table);
}

void check_names_deinit(struct check_names *names)
{
	intern_deinit(&names->table);
}

/* False: longer than any kernel's name. */
static bool name_key(unsigned int kind, const char *name, char ret[NAME_MAXIMUM + 1],
		     size_t *size_ret)
{
	size_t length = strlen(name);

	if (length > NAME_MAXIMUM)
		return false;
	ret[0] = (char)kind;
	memcpy(ret + 1, name, length);
	*size_ret = length + 1;
	return true;
}

int check_names_add(struct check_names *names, unsigned int kind, const char *name)
{
	char key[NAME_MAXIMUM + 1];
	uint32_t ignored;
	size_t size;

	names->has_qualified |= kind == BTF_KIND_FUNC && strchr(name, ':');
	return name_key(kind, name, key, &size) ? intern_add(&names->table, key, size, &ignored)
						: 0;
}

static uint32_t find_number(const struct check_names *names, unsigned int kind, const char *name)
{
	char key[NAME_MAXIMUM + 1];
	size_t size;

	return name_key(kind, name, key, &size) ? intern_find(&names->table, key, size)
						: INTERN_NONE;
}

/* What architectures put before the name of a system call, in the function for it. */
static const char *const syscall_prefixes[] = { "__x64_sys_",   "__ia32_sys_",  "__arm64_sys_",
						"__s390x_sys_", "__riscv_sys_", "__se_sys_",
						"__do_sys_",    "sys_" };
#define SYSCALL_OF_ALL "close"

static bool syscall_name(size_t prefix, const char *name, char ret[NAME_MAXIMUM + 1])
{
	return snprintf(ret, NAME_MAXIMUM + 1, "%s%s", syscall_prefixes[prefix], name) <=
	       NAME_MAXIMUM;
}

int check_names_add_syscall(struct check_names *names, const char *name)
{
	char function[NAME_MAXIMUM + 1];
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(syscall_prefixes); i++) {
		if (syscall_name(i, name, function))
			error = check_names_add(names, BTF_KIND_FUNC, function);
		if (!error && syscall_name(i, SYSCALL_OF_ALL, function))
			error = check_names_add(names, BTF_KIND_FUNC, function);
	}
	return error;
}

/* --- what the kernel has ------------------------------------------------------------------------ */

int check_facts_init(struct check_facts *facts, const struct check_names *names)
{
	*facts = (struct check_facts){ .names = names,
				       .has = calloc(names->table.count + 1, sizeof(*facts->has)) };
	return facts->has ? 0 : -ENOMEM;
}

void check_facts_deinit(struct check_facts *facts)
{
	free(facts->has);
	*facts = (struct check_facts){ 0 };
}

static void read_types(const struct btf_view *view, const struct btf_type *t,
		       struct known_types *ret)
{
	ret->is_known = true;
	for (uint32_t i = 0; i < btf_type_vlen(t); i++) {
		const struct btf_enum *e = &btf_type_enums(t)[i];

		/* __MAX_BPF_MAP_TYPE and the like are no types */
		if (e->val >= 0 && e->val < 64 &&
		    strncmp(btf_view_string(view, e->name_off), "__", 2))
			ret->bits |= UINT64_C(1) << e->val;
	}
}

static uint32_t count_helpers(const struct btf_view *view, const struct btf_type *t)
{
	for (uint32_t i = 0; i < btf_type_vlen(t); i++)
		if (!strcmp(btf_view_string(view, btf_type_enums(t)[i].name_off),
			    "__BPF_FUNC_MAX_ID"))
			return (uint32_t)btf_type_enums(t)[i].val;
	return 0;
}

static void note_enum(const struct btf_view *view, const struct btf_type *t, const char *name,
		      struct check_facts *facts)
{
	if (!strcmp(name, "bpf_func_id"))
		facts->helpers = count_helpers(view, t);
	else if (!strcmp(name, "bpf_map_type"))
		read_types(view, t, &facts->maps);
	else if (!strcmp(name, "bpf_prog_type"))
		read_types(view, t, &facts->programs);
	else if (!strcmp(name, "bpf_attach_type"))
		read_types(view, t, &facts->attaches);
}

/* CONFIG_DEBUG_INFO_BTF leaves the functions behind /sys/kernel/btf. */
static void note_function(const char *name, struct check_facts *facts)
{
	facts->has_btf_code |= !strcmp(name, "btf_new_fd");
	facts->has_own_btf |= !strncmp(name, "btf_vmlinux_", 12) ||
			      !strncmp(name, "btf_sysfs_", 10) || !strncmp(name, "btf_module_", 11);
	facts->has_fprobe |= !strncmp(name, "fprobe_", 7);
}

/* The number of arguments of a FUNC, or of the tracepoint with this TYPEDEF, whose
 * first one is not for programs. One that takes more than a register, or is one of
 * any number, makes it unknown. */
static uint8_t count_arguments(const struct btf_view *view, const struct btf_type *t)
{
	uint32_t skipped = btf_type_kind(t) == BTF_KIND_TYPEDEF, count;
	const struct btf_type *proto = btf_view_type(view, t->type);

	if (skipped && btf_type_kind(proto) == BTF_KIND_PTR)
		proto = btf_view_type(view, proto->type);
	if (btf_type_kind(proto) != BTF_KIND_FUNC_PROTO)
		return ARGUMENTS_UNKNOWN;
	count = btf_type_vlen(proto);
	if (count < skipped || count >= ARGUMENTS_UNKNOWN)
		return ARGUMENTS_UNKNOWN;
	for (uint32_t i = skipped; i < count; i++) {
		uint32_t id = btf_view_skip_typedefs(view, btf_type_params(proto)[i].type);
		unsigned int kind = btf_type_kind(btf_view_type(view, id));

		if (!id || kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION)
			return ARGUMENTS_UNKNOWN;
	}
	return (uint8_t)(count - skipped);
}

/* vmlinux comes first, and what it has is not looked for in modules. */
static void note_name(const struct btf_view *view, const struct btf_type *t, int64_t module,
		      struct known_name *known)
{
	uint32_t of_module = module == CORE_NO_MODULE ? 0 : (uint32_t)module + 1;
	uint8_t arguments = ARGUMENTS_UNKNOWN;

	if (known->is_there && !known->module && of_module)
		return;
	if (btf_type_kind(t) != BTF_KIND_VAR)
		arguments = count_arguments(view, t);
	if (known->is_there && known->arguments != arguments) /* two of one name */
		arguments = ARGUMENTS_UNKNOWN;
	*known = (struct known_name){ .is_there = true,
				      .arguments = arguments,
				      .module = known->is_there ? known->module : of_module };
}

#define TRACEPOINT "btf_trace_"

static bool is_tracepoint(unsigned int kind, const char *name)
{
	return kind == BTF_KIND_TYPEDEF && !strncmp(name, TRACEPOINT, strlen(TRACEPOINT));
}

/* That this module has it is asked for. */
static void note_qualified(struct check_facts *facts, const struct btf_view *view,
			   const struct btf_type *t, const char *module, int64_t of_module)
{
	char name[NAME_MAXIMUM + 1];
	uint32_t number;

	if (snprintf(name, sizeof(name), "%s:%s", module, btf_view_name(view, t)) > NAME_MAXIMUM)
		return;
	number = find_number(facts->names, BTF_KIND_FUNC, name);
	if (number != INTERN_NONE)
		note_name(view, t, of_module, &facts->has[number]);
}

/* What is only said by vmlinux. */
static void note_vmlinux(struct check_facts *facts, const struct btf_view *view,
			 const struct btf_type *t, const char *name)
{
	if (btf_type_kind(t) == BTF_KIND_ENUM && !strncmp(name, "bpf_", 4))
		note_enum(view, t, name, facts);
	if (btf_type_kind(t) == BTF_KIND_FUNC)
		note_function(name, facts);
}

static int look(const struct btf_view *view, const char *module, int64_t of_module, void *arg)
{
	struct check_facts *facts = arg;
	bool is_module = module;

	if (!is_module)
		facts->is_narrow = btf_view_pointer_size(view) == 4;
	for (uint32_t id = view->first_id; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);
		unsigned int kind = btf_type_kind(t);
		const char *name = btf_view_name(view, t);
		uint32_t number;

		if (!is_module)
			note_vmlinux(facts, view, t, name);
		if (kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_VAR)
			continue;
		facts->has_functions |= kind == BTF_KIND_FUNC;
		facts->has_tracepoints |= is_tracepoint(kind, name);
		if (is_module && kind == BTF_KIND_FUNC && facts->names->has_qualified)
			note_qualified(facts, view, t, module, of_module);
		number = find_number(facts->names, kind, name);
		if (number != INTERN_NONE)
			note_name(view, t, of_module, &facts->has[number]);
	}
	return 0;
}

/* Something that vmlinux has not. */
static bool may_have(const struct btfpack_module_source *source, const struct check_facts *facts,
		     uint32_t number)
{
	char name[NAME_MAXIMUM + 1];
	size_t size;
	const char *key = (const char *)intern_get(&facts->names->table, number, &size);

	if (facts->has[number].is_there)
		return false;
	memcpy(name, key + 1, size - 1);
	name[size - 1] = '\0';
	return source->may_have((unsigned char)*key, name, source->arg);
}

/* A function of one module is asked for whatever vmlinux has. */
static bool asks(const struct btfpack_module_source *source, void *arg)
{
	const struct check_facts *facts = arg;

	if (facts->names->has_qualified ||
	    (!facts->has_functions && source->may_have(BTF_KIND_FUNC, "", source->arg)) ||
	    (!facts->has_tracepoints && source->may_have(BTF_KIND_TYPEDEF, TRACEPOINT, source->arg)))
		return true;
	for (uint32_t i = 0; i < facts->names->table.count; i++)
		if (may_have(source, facts, i))
			return true;
	return false;
}

static bool wants(unsigned int kind, const char *name, void *arg)
{
	const struct check_facts *facts = arg;
	uint32_t number;

	if (kind == BTF_KIND_FUNC && (facts->names->has_qualified || !facts->has_functions))
		return true;
	if (is_tracepoint(kind, name) && !facts->has_tracepoints)
		return true;
	if (kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_VAR)
		return false;
	number = find_number(facts->names, kind, name);
	return number != INTERN_NONE && !facts->has[number].is_there;
}

struct core_looker check_facts_looker(struct check_facts *facts)
{
	return (struct core_looker){ look, asks, wants, facts };
}

const struct known_name *check_facts_find(const struct check_facts *facts, unsigned int kind,
					  const char *name)
{
	uint32_t number = find_number(facts->names, kind, name);

	return number != INTERN_NONE && facts->has[number].is_there ? &facts->has[number] : NULL;
}

bool check_facts_lack_syscall(const struct check_facts *facts, const char *name)
{
	char function[NAME_MAXIMUM + 1];
	bool is_told = false;

	for (size_t i = 0; i < ARRAY_SIZE(syscall_prefixes); i++) {
		if (!syscall_name(i, name, function) ||
		    check_facts_find(facts, BTF_KIND_FUNC, function))
			return false;
		syscall_name(i, SYSCALL_OF_ALL, function);
		is_told |= check_facts_find(facts, BTF_KIND_FUNC, function) != NULL;
	}
	return is_told;
}

bool check_facts_lack_own_btf(const struct check_facts *facts)
{
	return facts->has_btf_code && !facts->has_own_btf;
}

bool check_facts_lack_fprobe(const struct check_facts *facts)
{
	return facts->has_btf_code && !facts->has_fprobe;
}

bool check_facts_lack_type(const struct known_types *types, uint32_t type)
{
	return types->is_known && (type >= 64 || !(types->bits >> type & 1));
}
