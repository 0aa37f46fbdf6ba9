/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/call-graph.h"
#include "btfgen/check-judge.h"
#include "btfgen/core-text.h"

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

static void add_reason(struct answer *a, const char *text)
{
	size_t length = strlen(a->reason);

	snprintf(a->reason + length, sizeof(a->reason) - length, "%s%s", length ? "; " : "", text);
}

/* What speaks against the program is not certain, for this reason. */
static void weaken(struct answer *a, const char *text)
{
	a->verdict.verdict = BTFPACK_VERDICT_UNSURE;
	add_reason(a, text);
}

static bool find_missing_map(struct judgement *j)
{
	for (size_t i = 0; i < j->demands->map_count; i++) {
		const struct demand_map *map = &j->demands->maps[i];

		if (!check_facts_lack_type(&j->facts->maps, map->type))
			continue;
		snprintf(j->object_reason, sizeof(j->object_reason),
			 "its map %.60s is of type %u, which the kernel does not know", map->name,
			 map->type);
		return true;
	}
	return false;
}

static bool is_big(const struct judgement *j)
{
	return j->object->local.big_endian;
}

void check_judge_object(struct judgement *j)
{
	if (j->arch == CHECK_ARCH_ORDER) {
		snprintf(j->object_reason, sizeof(j->object_reason),
			 "it is %s-endian, and the kernel is not", is_big(j) ? "big" : "little");
		return;
	}
	if (find_missing_map(j))
		return;
	for (size_t i = 0; i < j->demands->extern_count; i++) {
		const struct demand_extern *e = &j->demands->externs[i];

		/* libbpf asks for it, be they weak or not. */
		if (check_facts_lack_own_btf(j->facts))
			snprintf(j->object_reason, sizeof(j->object_reason),
				 "the kernel has no BTF of its own, which referring to its %s "
				 "%.100s takes",
				 e->is_function ? "function" : "variable", e->name);
		else if (!e->is_weak && !check_facts_find(j->facts, check_extern_kind(e), e->name))
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

/* Hooks that kernels since 6.12, and stable ones before, keep programs from: what such
 * a program returns is no yes or no. */
static bool is_guarded_hook(const char *name)
{
	static const char *const hooks[] = {
		"vm_enough_memory", "inode_need_killpriv", "inode_getsecurity",
		"inode_listsecurity", "inode_copy_up_xattr", "getselfattr", "setselfattr",
		"getprocattr", "setprocattr", "ismaclabel",
		"key_getsecurity", "audit_rule_match",
	};

	for (size_t i = 0; i < ARRAY_SIZE(hooks); i++)
		if (!strcmp(name, hooks[i]))
			return true;
	return false;
}

static void judge_present_target(const struct judgement *j, struct answer *a)
{
	const struct demand_program *program = a->program;
	const struct known_name *known =
		check_facts_find(j->facts, check_target_kind(program->target), program->name);

	if (program->alters_result && strncmp(program->name, "security_", 9))
		say(a, BTFPACK_VERDICT_UNSURE,
		    "BTF does not tell whether the result of %s may be altered", program->name);
	else if (!strncmp(program->name, "bpf_lsm_", 8) && is_guarded_hook(program->name + 8))
		say(a, BTFPACK_VERDICT_UNSURE, "not every kernel lets programs attach to the hook %s",
		    program->name + 8);
	else if (program->target == DEMAND_FUNCTION && known->arguments != ARGUMENTS_UNKNOWN &&
		 known->arguments > TRAMPOLINE_ARGUMENTS)
		say(a, BTFPACK_VERDICT_UNSURE,
		    "%s has %u arguments, and not every kernel can attach to more than %u",
		    program->name, known->arguments, TRAMPOLINE_ARGUMENTS);
}

/* "fentry/dummy_fentry": what bpf_program__set_attach_target() is for. */
static bool is_placeholder(const char *name)
{
	return strstr(name, "dummy") || strstr(name, "placeholder");
}

static void judge_target(const struct judgement *j, struct answer *a)
{
	const struct demand_program *program = a->program;
	unsigned int kind = check_target_kind(program->target);

	if (program->target == DEMAND_NOTHING ||
	    !(kind == BTF_KIND_TYPEDEF ? j->facts->has_tracepoints : j->facts->has_functions))
		return;
	if (program->target == DEMAND_SYSCALL) {
		if (check_facts_lack_syscall(j->facts, program->name))
			say(a, BTFPACK_VERDICT_REJECTED, "the kernel has no system call %s",
			    program->name);
	} else if (check_facts_find(j->facts, kind, program->name)) {
		judge_present_target(j, a);
	} else if (program->target == DEMAND_PROBE) {
		say(a, BTFPACK_VERDICT_UNSURE,
		    "the kernel's BTF has no function %s; it may be there all the same",
		    program->name);
	} else if (program->module) {
		say(a, j->facts->has_modules ? BTFPACK_VERDICT_REJECTED : BTFPACK_VERDICT_UNSURE,
		    "it attaches to %s, which is not there%s", program->name,
		    j->facts->has_modules ? "" : "; BTF of that module was not given");
	} else if (is_placeholder(program->name)) {
		say(a, BTFPACK_VERDICT_UNSURE,
		    "the kernel's BTF has no function %s, which by its name the loader replaces",
		    program->name);
	} else {
		const char *rest =
			j->facts->has_modules ? "" : "; if a module has it, BTF of that is needed";

		if (kind == BTF_KIND_TYPEDEF)
			say(a, BTFPACK_VERDICT_REJECTED, "the kernel has no tracepoint %s%s",
			    program->name + strlen("btf_trace_"), rest);
		else
			say(a, BTFPACK_VERDICT_REJECTED, "the kernel's BTF has no function %s%s",
			    program->name, rest);
	}
}

static void judge_type(const struct judgement *j, struct answer *a)
{
	const struct demand_program *program = a->program;

	if (program->is_unknown)
		say(a, BTFPACK_VERDICT_UNSURE,
		    "its section does not tell libbpf what type of program it is");
	else if (program->type &&
		 check_facts_lack_type(&j->facts->programs, (uint32_t)program->type))
		say(a, BTFPACK_VERDICT_REJECTED, "the kernel does not know programs of this type");
	else if (program->attach_type &&
		 check_facts_lack_type(&j->facts->attaches, (uint32_t)program->attach_type))
		say(a, BTFPACK_VERDICT_REJECTED,
		    "the kernel does not know this way to attach programs, number %d",
		    program->attach_type);
	else if (program->takes_fprobe && check_facts_lack_fprobe(j->facts))
		say(a, BTFPACK_VERDICT_REJECTED,
		    "the kernel was built without fprobe, by which kprobe.multi attaches");
	else if (bpf_demands_own_btf(program) && check_facts_lack_own_btf(j->facts))
		say(a, BTFPACK_VERDICT_REJECTED,
		    "the kernel has no BTF of its own, which programs of this type take");
	else if (program->is_named_late)
		say(a, BTFPACK_VERDICT_UNSURE, "the loader must name what it attaches to");
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
		    a->program->name + (check_target_kind(a->program->target) == BTF_KIND_TYPEDEF
						? strlen("btf_trace_")
						: 0));
}

bool check_is_stopped(const struct reach *reach, int32_t function)
{
	return reach->rejected_at[function] >= 0 || reach->stops[function].kind != REACH_STOP_NONE;
}

/* Where it gets to hangs on what a loader sets, or on the kernel's configuration. */
static bool is_unsettled(const struct judgement *j, int32_t function)
{
	return j->sure[0] && (!check_is_stopped(j->sure[0], function) ||
			      !check_is_stopped(j->sure[1], function));
}

/* Where it gets to hangs on the kernel's patch level, which its name does not tell. */
static bool hangs_on_level(const struct judgement *j, int32_t function)
{
	return j->newest && check_is_stopped(j->reach, function) != check_is_stopped(j->newest, function);
}

static void judge_code(const struct judgement *j, struct answer *a)
{
	int32_t function = a->program->function, refused = find_refused(j, function);
	const struct reach *reach =
		check_is_stopped(j->reach, function) || !j->newest ? j->reach : j->newest;
	int32_t use = reach->rejected_at[function];

	if (use >= 0 || refused >= 0)
		say_use(j, use >= 0 ? use : refused, a);
	else if (reach->stops[function].kind != REACH_STOP_NONE)
		say_stop(j, &reach->stops[function], a);
	if (refused >= 0 || !check_is_stopped(reach, function))
		return;
	if (hangs_on_level(j, function))
		weaken(a, "whether it gets there hangs on the kernel's patch level");
	else if (is_unsettled(j, function))
		weaken(a, "whether it gets there hangs on its constants or on the configuration");
}

static bool is_rejected(const struct answer *a)
{
	return a->verdict.verdict == BTFPACK_VERDICT_REJECTED;
}

/* libbpf looks for the target before the kernel sees code. */
static void judge_attaching(const struct judgement *j, struct answer *a)
{
	judge_type(j, a);
	if (!is_rejected(a))
		judge_target(j, a);
}

/* Another program for the same target that can be attached, by other means. Of fentry
 * and kprobe for one function a loader may leave out one, or not: that is its business,
 * and said. NULL: there is none. */
static const char *find_twin(const struct judgement *j, const struct demand_program *program)
{
	for (size_t i = 0; program->name && i < j->demands->program_count; i++) {
		const struct demand_program *other = &j->demands->programs[i];
		struct answer a = { .program = other };

		if (!other->name || other->type == program->type ||
		    strcmp(other->name, program->name) != 0)
			continue;
		judge_attaching(j, &a);
		if (!is_rejected(&a))
			return j->object->object->functions[other->function].name;
	}
	return NULL;
}

/* Registers of another architecture do not keep a kprobe from loading. */
static void judge_registers(const struct judgement *j, struct answer *a)
{
	static const char text[] = "its struct pt_regs is that of another architecture";

	if (j->arch != CHECK_ARCH_REGISTERS || a->program->type != BPF_PROG_TYPE_KPROBE)
		return;
	if (is_rejected(a))
		add_reason(a, text);
	else
		weaken(a, text);
}

static void judge_loading(const struct judgement *j, struct answer *a)
{
	const char *twin;
	char text[200];

	judge_attaching(j, a);
	if (is_rejected(a)) {
		twin = find_twin(j, a->program);
		snprintf(text, sizeof(text),
			 "%.100s is for the same target: a loader may leave "
			 "one of them out",
			 twin ? twin : "");
		if (twin)
			add_reason(a, text);
	} else {
		judge_code(j, a);
		judge_registers(j, a);
	}
	if (is_rejected(a) && a->program->is_on_demand)
		weaken(a, "it is only loaded when the loader asks for it");
}

/* --- modules ------------------------------------------------------------------------------------ */

static void use_module(const struct judgement *j, int64_t module)
{
	if (module != CORE_NO_MODULE)
		j->is_used[module] = 1;
}

static void use_name(const struct judgement *j, unsigned int kind, const char *name)
{
	const struct known_name *known = check_facts_find(j->facts, kind, name);

	if (known)
		use_module(j, (int64_t)known->module - 1);
}

/* Types that relocations of what the program runs were resolved with. */
static int use_modules_of_types(const struct judgement *j, const struct demand_program *program)
{
	AUTO_FREE uint8_t *runs = NULL;
	int error = 0;

	for (uint32_t i = 0; !error && i < j->object->use_count; i++) {
		int64_t module = core_kernel_module(j->kernel, j->reach->final[i].root);
		int32_t function = j->object->uses[i].relo->function;

		if (module == CORE_NO_MODULE || function < 0)
			continue;
		if (!runs) { /* few programs get here */
			runs = malloc(j->object->object->function_count);
			error = runs ? call_graph_reach(j->object->object, program->function, runs)
				     : -ENOMEM;
		}
		if (!error && runs[function])
			use_module(j, module);
	}
	return error;
}

/* The names of the modules that the program needs, into @ret. */
static int find_modules(const struct judgement *j, const struct demand_program *program,
			struct buf *ret)
{
	size_t count = j->kernel->module_count;
	int error = count ? use_modules_of_types(j, program) : 0;

	if (program->name && program->target != DEMAND_SYSCALL)
		use_name(j, check_target_kind(program->target), program->name);
	for (size_t i = 0; i < j->demands->extern_count; i++)
		use_name(j, check_extern_kind(&j->demands->externs[i]), j->demands->externs[i].name);
	for (size_t i = 0; !error && i < count; i++)
		if (j->is_used[i])
			error = buf_add_format(ret, "%s%s", ret->size ? " " : "",
					       j->kernel->modules[i].name);
	memset(j->is_used, 0, count);
	return error;
}

/* --- one program -------------------------------------------------------------------------------- */

int check_judge_program(const struct judgement *j, const struct demand_program *program,
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
	AUTO_BUF struct buf modules = BUF_INIT(1 << 20);
	int error = find_modules(j, program, &modules);

	a.verdict.reason = a.reason;
	a.verdict.modules = error ? NULL : buf_string(&modules);
	if (!a.verdict.modules)
		return -ENOMEM;
	if (a.verdict.optional)
		a.verdict.verdict = BTFPACK_VERDICT_LOADS_WITHOUT;
	if (*j->object_reason)
		say(&a, BTFPACK_VERDICT_REJECTED, "%s", j->object_reason);
	else
		judge_loading(j, &a);
	fn(&a.verdict, arg);
	return 0;
}
