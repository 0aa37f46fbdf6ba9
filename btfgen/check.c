/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/check.h>

#include "btfgen/bpf-demands.h"
#include "btfgen/core-set.h"
#include "btfgen/core-text.h"
#include "btfgen/reach.h"

struct btfpack_checker {
	struct core_set set;
	struct bpf_demands *demands; /* by object */
	struct intern names;         /* a kind's byte, then a name: what to look for */
	size_t program_count;
};

int btfpack_checker_new(struct btfpack_checker **ret, struct btfpack_error *err)
{
	struct btfpack_checker *c = calloc(1, sizeof(*c));

	if (!c)
		return btfpack_error_set(err, -ENOMEM, "out of memory");
	core_set_init(&c->set);
	intern_init(&c->names);
	*ret = c;
	return 0;
}

void btfpack_checker_free(struct btfpack_checker *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->set.object_count; i++)
		bpf_demands_deinit(&c->demands[i]);
	free(c->demands);
	core_set_deinit(&c->set);
	intern_deinit(&c->names);
	free(c);
}

size_t btfpack_checker_count_programs(const struct btfpack_checker *c)
{
	return c->program_count;
}

void btfpack_checker_list(const struct btfpack_checker *c, btfpack_program_fn fn, void *arg)
{
	for (size_t i = 0; i < c->set.object_count; i++) {
		const struct bpf_object *o = c->set.objects[i]->object;

		for (size_t j = 0; j < c->demands[i].program_count; j++) {
			const struct bpf_object_function *f =
				&o->functions[c->demands[i].programs[j].function];

			fn(o->name, f->name, o->sections[f->section].name, arg);
		}
	}
}

/* --- names to look for -------------------------------------------------------------------------- */

#define NAME_MAXIMUM 512 /* the kernel's own limit of symbols */

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

static int want(struct btfpack_checker *c, unsigned int kind, const char *name)
{
	char key[NAME_MAXIMUM + 1];
	uint32_t ignored;
	size_t size;

	return name_key(kind, name, key, &size) ? intern_add(&c->names, key, size, &ignored) : 0;
}

static unsigned int target_kind(enum demand_target target)
{
	return target == DEMAND_FUNCTION || target == DEMAND_PROBE ? BTF_KIND_FUNC
								   : BTF_KIND_TYPEDEF;
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

static int want_syscall(struct btfpack_checker *c, const char *name)
{
	char function[NAME_MAXIMUM + 1];
	int error = 0;

	for (size_t i = 0; !error && i < ARRAY_SIZE(syscall_prefixes); i++) {
		if (syscall_name(i, name, function))
			error = want(c, BTF_KIND_FUNC, function);
		if (!error && syscall_name(i, SYSCALL_OF_ALL, function))
			error = want(c, BTF_KIND_FUNC, function);
	}
	return error;
}

static int want_target(struct btfpack_checker *c, const struct demand_program *program)
{
	if (!program->name)
		return 0;
	if (program->target == DEMAND_SYSCALL)
		return want_syscall(c, program->name);
	return want(c, target_kind(program->target), program->name);
}

static int want_all(struct btfpack_checker *c, const struct bpf_demands *demands)
{
	int error = 0;

	for (size_t i = 0; !error && i < demands->program_count; i++)
		error = want_target(c, &demands->programs[i]);
	for (size_t i = 0; !error && i < demands->extern_count; i++)
		error = want(c, demands->externs[i].is_function ? BTF_KIND_FUNC : BTF_KIND_VAR,
			     demands->externs[i].name);
	return error;
}

int btfpack_checker_add_object(struct btfpack_checker *c, const char *path,
			       struct btfpack_error *err)
{
	struct bpf_demands *all = realloc(c->demands, (c->set.object_count + 1) * sizeof(*all));
	struct bpf_demands *demands;
	struct bpf_object *object;
	int error;

	if (!all)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", path);
	c->demands = all;
	error = bpf_object_open(path, &object, err);
	if (error)
		return error;
	demands = &all[c->set.object_count];
	error = bpf_demands_init(demands, object);
	if (!error)
		error = want_all(c, demands);
	if (error) {
		bpf_demands_deinit(demands);
		bpf_object_close(object);
		return btfpack_error_set(err, error, "%s: out of memory", path);
	}
	error = core_set_add(&c->set, object, err);
	if (error)
		bpf_demands_deinit(demands);
	else
		c->program_count += demands->program_count;
	return error;
}

/* --- what the kernel has ------------------------------------------------------------------------ */

/* Types of maps, programs and ways to attach that the kernel's enum lists. */
struct known_types {
	bool is_known; /* there is such an enum */
	uint64_t bits; /* by value, below 64 */
};

#define ARGUMENTS_UNKNOWN UINT8_MAX

struct known_name {
	bool is_there;
	uint8_t arguments; /* of a function or tracepoint, each of one register */
};

struct facts {
	struct known_name *has; /* by number in names */
	bool has_tracepoints; /* any typedef btf_trace_*: since 5.5 */
	bool has_functions;
	uint32_t helpers; /* ids below are known; 0: nobody knows */
	struct known_types maps;
	struct known_types programs;
	struct known_types attaches;
	bool is_narrow;    /* its pointers have 4 bytes */
	bool has_btf_code; /* functions that all kernels of 4.18 and later have */
	bool has_own_btf;  /* functions that only kernels with BTF in themselves have */
};

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
		      struct facts *facts)
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
static void note_function(const char *name, struct facts *facts)
{
	facts->has_functions = true;
	facts->has_btf_code |= !strcmp(name, "btf_new_fd");
	facts->has_own_btf |= !strncmp(name, "btf_vmlinux_", 12) ||
			      !strncmp(name, "btf_sysfs_", 10) || !strncmp(name, "btf_module_", 11);
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

static void note_name(const struct btf_view *view, const struct btf_type *t,
		      struct known_name *known)
{
	uint8_t arguments = ARGUMENTS_UNKNOWN;

	if (btf_type_kind(t) != BTF_KIND_VAR)
		arguments = count_arguments(view, t);
	if (known->is_there && known->arguments != arguments) /* two of one name */
		arguments = ARGUMENTS_UNKNOWN;
	*known = (struct known_name){ .is_there = true, .arguments = arguments };
}

static int collect_facts(const struct btfpack_checker *c, const struct btf_view *view,
			 struct facts *ret)
{
	*ret = (struct facts){ .has = calloc(c->names.count + 1, sizeof(*ret->has)) };
	if (!ret->has)
		return -ENOMEM;
	ret->is_narrow = btf_view_pointer_size(view) == 4;
	for (uint32_t id = view->first_id; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);
		unsigned int kind = btf_type_kind(t);
		const char *name = btf_view_name(view, t);
		char key[NAME_MAXIMUM + 1];
		uint32_t number;
		size_t size;

		if (kind == BTF_KIND_ENUM && !strncmp(name, "bpf_", 4))
			note_enum(view, t, name, ret);
		if (kind == BTF_KIND_FUNC)
			note_function(name, ret);
		ret->has_tracepoints |=
			kind == BTF_KIND_TYPEDEF && !strncmp(name, "btf_trace_", 10);
		if ((kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_VAR) ||
		    !name_key(kind, name, key, &size))
			continue;
		number = intern_find(&c->names, key, size);
		if (number != INTERN_NONE)
			note_name(view, t, &ret->has[number]);
	}
	return 0;
}

/* NULL: the kernel's BTF has none of this kind and name. */
static const struct known_name *find_name(const struct btfpack_checker *c,
					  const struct facts *facts, unsigned int kind,
					  const char *name)
{
	char key[NAME_MAXIMUM + 1];
	uint32_t number;
	size_t size;

	if (!name_key(kind, name, key, &size))
		return NULL;
	number = intern_find(&c->names, key, size);
	return number != INTERN_NONE && facts->has[number].is_there ? &facts->has[number] : NULL;
}

static bool has_name(const struct btfpack_checker *c, const struct facts *facts, unsigned int kind,
		     const char *name)
{
	return find_name(c, facts, kind, name);
}

/* False also where nothing can be told. */
static bool lacks_syscall(const struct btfpack_checker *c, const struct facts *facts,
			  const char *name)
{
	char function[NAME_MAXIMUM + 1];
	bool is_told = false;

	for (size_t i = 0; i < ARRAY_SIZE(syscall_prefixes); i++) {
		if (!syscall_name(i, name, function) ||
		    has_name(c, facts, BTF_KIND_FUNC, function))
			return false;
		syscall_name(i, SYSCALL_OF_ALL, function);
		is_told |= has_name(c, facts, BTF_KIND_FUNC, function);
	}
	return is_told;
}

static bool lacks_own_btf(const struct facts *facts)
{
	return facts->has_btf_code && !facts->has_own_btf;
}

static bool is_missing_type(const struct known_types *types, uint32_t type)
{
	return types->is_known && (type >= 64 || !(types->bits >> type & 1));
}

/* --- judging ------------------------------------------------------------------------------------ */

struct judgement {
	const struct btfpack_checker *c;
	const struct facts *facts;
	const struct core_object *object;
	const struct bpf_demands *demands;
	const struct core_result *results;
	const struct reach *reach;
	const struct reach *sure[2]; /* with settings one way and the other; NULL: the same */
	char object_reason[256]; /* why libbpf or the kernel refuses the object as a whole */
};

/* One program, and where its verdict and reason go. */
struct answer {
	const struct demand_program *program;
	struct btfpack_program_verdict verdict;
	char reason[512];
};

__attribute__((format(printf, 3, 4))) static void say(struct answer *a,
						      enum btfpack_verdict verdict,
						      const char *format, ...)
{
	va_list args;

	a->verdict.verdict = verdict;
	va_start(args, format);
	vsnprintf(a->reason, sizeof(a->reason), format, args);
	va_end(args);
}

static bool find_missing_map(struct judgement *j)
{
	for (size_t i = 0; i < j->demands->map_count; i++) {
		const struct demand_map *map = &j->demands->maps[i];

		if (!is_missing_type(&j->facts->maps, map->type))
			continue;
		snprintf(j->object_reason, sizeof(j->object_reason),
			 "its map %.60s is of type %u, which the kernel does not know", map->name,
			 map->type);
		return true;
	}
	return false;
}

static unsigned int extern_kind(const struct demand_extern *e)
{
	return e->is_function ? BTF_KIND_FUNC : BTF_KIND_VAR;
}

static void judge_object(struct judgement *j)
{
	if (find_missing_map(j))
		return;
	for (size_t i = 0; i < j->demands->extern_count; i++) {
		const struct demand_extern *e = &j->demands->externs[i];

		if (lacks_own_btf(j->facts)) /* libbpf asks for it, be they weak or not */
			snprintf(j->object_reason, sizeof(j->object_reason),
				 "the kernel has no BTF of its own, which referring to its %s "
				 "%.100s takes",
				 e->is_function ? "function" : "variable", e->name);
		else if (!e->is_weak && !has_name(j->c, j->facts, extern_kind(e), e->name))
			snprintf(j->object_reason, sizeof(j->object_reason),
				 "it refers to the kernel's %s %.100s, which is not in its BTF",
				 e->is_function ? "function" : "variable", e->name);
		else
			continue;
		return;
	}
}

/* A use that libbpf refuses to relocate, in the program itself. */
static int32_t find_refused(const struct judgement *j, int32_t function)
{
	for (uint32_t i = 0; i < j->object->use_count; i++)
		if (j->reach->final[i].state == CORE_REFUSED &&
		    j->object->uses[i].relo->function == function)
			return (int32_t)i;
	return -1;
}

/* Trampolines of all architectures and kernels pass so many; of some, more. */
#define TRAMPOLINE_ARGUMENTS 6

static void judge_present_target(const struct judgement *j, struct answer *a)
{
	const struct demand_program *program = a->program;
	const struct known_name *known =
		find_name(j->c, j->facts, target_kind(program->target), program->name);

	if (program->alters_result && strncmp(program->name, "security_", 9))
		say(a, BTFPACK_VERDICT_UNSURE,
		    "BTF does not tell whether the result of %s may be altered", program->name);
	else if (program->target == DEMAND_FUNCTION && known->arguments != ARGUMENTS_UNKNOWN &&
		 known->arguments > TRAMPOLINE_ARGUMENTS)
		say(a, BTFPACK_VERDICT_UNSURE,
		    "%s has %u arguments, and not every kernel can attach to more than %u",
		    program->name, known->arguments, TRAMPOLINE_ARGUMENTS);
}

static void judge_target(const struct judgement *j, struct answer *a)
{
	const struct demand_program *program = a->program;
	unsigned int kind = target_kind(program->target);

	if (program->target == DEMAND_NOTHING ||
	    !(kind == BTF_KIND_TYPEDEF ? j->facts->has_tracepoints : j->facts->has_functions))
		return;
	if (program->target == DEMAND_SYSCALL) {
		if (lacks_syscall(j->c, j->facts, program->name))
			say(a, BTFPACK_VERDICT_REJECTED, "the kernel has no system call %s",
			    program->name);
	} else if (has_name(j->c, j->facts, kind, program->name)) {
		judge_present_target(j, a);
	} else if (kind == BTF_KIND_TYPEDEF) {
		say(a, BTFPACK_VERDICT_REJECTED, "the kernel has no tracepoint %s",
		    program->name + strlen("btf_trace_"));
	} else if (program->target == DEMAND_PROBE) {
		say(a, BTFPACK_VERDICT_UNSURE,
		    "the kernel's BTF has no function %s; it may be there all the same",
		    program->name);
	} else {
		say(a, BTFPACK_VERDICT_REJECTED, "the kernel's BTF has no function %s",
		    program->name);
	}
}

static void judge_type(const struct judgement *j, struct answer *a)
{
	const struct demand_program *program = a->program;

	if (program->is_unknown)
		say(a, BTFPACK_VERDICT_UNSURE,
		    "its section does not tell libbpf what type of program it is");
	else if (program->type && is_missing_type(&j->facts->programs, (uint32_t)program->type))
		say(a, BTFPACK_VERDICT_REJECTED, "the kernel does not know programs of this type");
	else if (program->attach_type &&
		 is_missing_type(&j->facts->attaches, (uint32_t)program->attach_type))
		say(a, BTFPACK_VERDICT_REJECTED,
		    "the kernel does not know this way to attach programs, number %d",
		    program->attach_type);
	else if (bpf_demands_own_btf(program) && lacks_own_btf(j->facts))
		say(a, BTFPACK_VERDICT_REJECTED,
		    "the kernel has no BTF of its own, which programs of this type take");
}

/* "get_current_task_btf"; as far as the header we were built with knows. */
static const char *helper_name(uint32_t helper)
{
#define NAME(name) #name
	static const char *const names[] = { __BPF_FUNC_MAPPER(NAME) };
#undef NAME

	return helper < ARRAY_SIZE(names) ? names[helper] : "?";
}

static void say_use(const struct judgement *j, int32_t use, struct answer *a)
{
	const struct bpf_object_relo *relo = j->object->uses[use].relo;

	a->verdict.verdict = BTFPACK_VERDICT_REJECTED;
	a->verdict.instruction = relo->instruction;
	a->verdict.where = j->object->object->sections[relo->section].name;
	core_text_reason(j->object, &j->object->uses[use], &j->reach->final[use], a->reason,
			 sizeof(a->reason));
}

static void say_stop(const struct judgement *j, const struct reach_stop *stop, struct answer *a)
{
	a->verdict.instruction = stop->instruction;
	a->verdict.where = j->object->object->sections[stop->section].name;
	if (stop->kind == REACH_STOP_HELPER)
		say(a, BTFPACK_VERDICT_REJECTED,
		    "it calls bpf_%s(), helper %u, and the kernel has those below %u",
		    helper_name(stop->number), stop->number, j->facts->helpers);
	else if (stop->kind == REACH_STOP_ATOMIC)
		say(a, BTFPACK_VERDICT_REJECTED,
		    "it uses an atomic instruction of Linux 5.12 (clang -mcpu=v3 makes them)");
	else if (stop->kind == REACH_STOP_CALLBACK)
		say(a, BTFPACK_VERDICT_REJECTED,
		    "it passes a function to a helper, which the JITs of 32-bit kernels do not know");
	else if (stop->kind == REACH_STOP_TYPED)
		say(a, BTFPACK_VERDICT_REJECTED,
		    "it calls bpf_%s(), which takes a kernel with BTF of its own",
		    helper_name(stop->number));
	else if (stop->kind == REACH_STOP_FUNCTION)
		say(a, BTFPACK_VERDICT_REJECTED,
		    "it calls the kernel's function %s, which is not in its BTF", stop->name);
	else
		say(a, BTFPACK_VERDICT_REJECTED,
		    "it reads argument %u of %s, which has fewer", stop->number + 1,
		    a->program->name + (target_kind(a->program->target) == BTF_KIND_TYPEDEF
						? strlen("btf_trace_")
						: 0));
}

static bool is_stopped(const struct reach *reach, int32_t function)
{
	return reach->rejected_at[function] >= 0 || reach->stops[function].kind != REACH_STOP_NONE;
}

/* Where it gets to hangs on what a loader sets, or on the kernel's configuration. */
static bool is_unsettled(const struct judgement *j, int32_t function)
{
	return j->sure[0] && (!is_stopped(j->sure[0], function) || !is_stopped(j->sure[1], function));
}

static void judge_code(const struct judgement *j, struct answer *a)
{
	int32_t function = a->program->function, refused = find_refused(j, function);
	int32_t use = j->reach->rejected_at[function];
	size_t length;

	if (use >= 0 || refused >= 0)
		say_use(j, use >= 0 ? use : refused, a);
	else if (j->reach->stops[function].kind != REACH_STOP_NONE)
		say_stop(j, &j->reach->stops[function], a);
	if (refused >= 0 || !is_stopped(j->reach, function) || !is_unsettled(j, function))
		return;
	a->verdict.verdict = BTFPACK_VERDICT_UNSURE;
	length = strlen(a->reason);
	snprintf(a->reason + length, sizeof(a->reason) - length,
		 "; whether it gets there hangs on its constants or on the configuration");
}

static void judge_program(const struct judgement *j, const struct demand_program *program,
			  btfpack_verdict_fn fn, void *arg)
{
	const struct bpf_object *o = j->object->object;
	const struct bpf_object_function *f = &o->functions[program->function];
	struct answer a = { .program = program,
			    .verdict = {
				    .object = o->name,
				    .program = f->name,
				    .section = o->sections[f->section].name,
				    .optional = j->reach->guarded[program->function],
				    .where = "",
			    } };

	a.verdict.reason = a.reason;
	if (a.verdict.optional)
		a.verdict.verdict = BTFPACK_VERDICT_LOADS_WITHOUT;
	if (*j->object_reason)
		say(&a, BTFPACK_VERDICT_REJECTED, "%s", j->object_reason);
	if (a.verdict.verdict != BTFPACK_VERDICT_REJECTED)
		judge_type(j, &a);
	if (a.verdict.verdict != BTFPACK_VERDICT_REJECTED)
		judge_target(j, &a); /* libbpf looks for it before the kernel sees code */
	if (a.verdict.verdict != BTFPACK_VERDICT_REJECTED)
		judge_code(j, &a);
	fn(&a.verdict, arg);
}

/* --- following code ----------------------------------------------------------------------------- */

static enum reach_symbol find_symbol(const char *name, const void *arg)
{
	const struct judgement *j = arg;

	for (size_t i = 0; i < j->demands->extern_count; i++) {
		const struct demand_extern *e = &j->demands->externs[i];

		if (!strcmp(e->name, name))
			return has_name(j->c, j->facts, extern_kind(e), name)
				       ? REACH_SYMBOL_THERE
				       : REACH_SYMBOL_MISSING;
	}
	return bpf_demands_is_setting(j->demands, name) ? REACH_SYMBOL_SETTING
							: REACH_SYMBOL_UNKNOWN;
}

/* Bytes of arguments that a program may read, 0: any. */
static uint32_t context_size(const struct judgement *j, const struct demand_program *program)
{
	const struct known_name *known;

	if (program->arguments == DEMAND_ANY || !program->name)
		return 0;
	known = find_name(j->c, j->facts, target_kind(program->target), program->name);
	if (!known || known->arguments == ARGUMENTS_UNKNOWN)
		return 0;
	return 8 * (known->arguments + (program->arguments == DEMAND_AND_RESULT));
}

static bool has_settings(const struct judgement *j)
{
	return j->object->object->constants_count || j->demands->setting_count;
}
static bool is_any_stopped(const struct judgement *j)
{
	for (size_t i = 0; i < j->demands->program_count; i++)
		if (is_stopped(j->reach, j->demands->programs[i].function))
			return true;
	return false;
}

/* Follow all programs; and where one is stopped though it has settings, both ways. */
static int follow(struct judgement *j, struct reach reaches[3])
{
	AUTO_FREE uint32_t *sizes = calloc(j->object->object->function_count + 1, sizeof(*sizes));
	struct reach_kernel kernel = { .helpers = j->facts->helpers,
				       .without_btf = lacks_own_btf(j->facts),
				       .without_callbacks = j->facts->is_narrow,
				       .symbol = find_symbol,
				       .arg = j,
				       .context_sizes = sizes };
	int error = 0;

	if (!sizes)
		return -ENOMEM;
	for (size_t i = 0; i < j->demands->program_count; i++)
		sizes[j->demands->programs[i].function] =
			context_size(j, &j->demands->programs[i]);
	error = reach_init(&reaches[0], j->object, j->results, &kernel);
	j->reach = &reaches[0];
	if (error || !has_settings(j) || !is_any_stopped(j))
		return error;
	for (unsigned int i = 0; !error && i < 2; i++) {
		kernel.settings = i ? REACH_SETTINGS_NOT : REACH_SETTINGS_TAKEN;
		error = reach_init(&reaches[i + 1], j->object, j->results, &kernel);
		j->sure[i] = &reaches[i + 1];
	}
	return error;
}

static int judge(const struct btfpack_checker *c, const struct facts *facts,
		 const struct core_run *run, size_t number, btfpack_verdict_fn fn, void *arg)
{
	const struct core_object *object = c->set.objects[number];
	struct reach reaches[3] = { 0 };
	struct judgement j = { .c = c,
			       .facts = facts,
			       .object = object,
			       .demands = &c->demands[number],
			       .results = run->results + object->first_use };
	int error = follow(&j, reaches);

	if (!error)
		judge_object(&j);
	for (size_t i = 0; !error && i < j.demands->program_count; i++)
		judge_program(&j, &j.demands->programs[i], fn, arg);
	for (size_t i = 0; i < ARRAY_SIZE(reaches); i++)
		reach_deinit(&reaches[i]);
	return error;
}

int btfpack_checker_run(const struct btfpack_checker *c, const struct btfpack_blob *btf,
			const char *name, btfpack_verdict_fn fn, void *arg,
			struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_CORE_RUN struct core_run run = { 0 };
	struct facts facts = { 0 };
	int error = btf_view_init(&view, btf->data, btf->size, NULL, name, err);

	if (error)
		return error;
	error = core_run_init(&run, &c->set, &view, NULL, NULL);
	if (!error)
		error = collect_facts(c, &view, &facts);
	for (size_t i = 0; !error && i < c->set.object_count; i++)
		error = judge(c, &facts, &run, i, fn, arg);
	free(facts.has);
	return error ? btfpack_error_set(err, error, "%s: out of memory", name) : 0;
}
