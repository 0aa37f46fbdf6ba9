/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
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

static int want_all(struct btfpack_checker *c, const struct bpf_demands *demands)
{
	int error = 0;

	for (size_t i = 0; !error && i < demands->program_count; i++)
		if (demands->programs[i].name)
			error = want(c, target_kind(demands->programs[i].target),
				     demands->programs[i].name);
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

/* Types of maps and programs that the kernel's enum lists. */
struct known_types {
	bool is_known; /* there is such an enum */
	uint64_t bits; /* by value, below 64 */
};

struct facts {
	uint8_t *has;         /* by number in names */
	bool has_tracepoints; /* any typedef btf_trace_*: since 5.5 */
	bool has_functions;
	uint32_t helpers; /* ids below are known; 0: nobody knows */
	struct known_types maps;
	struct known_types programs;
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
}

static int collect_facts(const struct btfpack_checker *c, const struct btf_view *view,
			 struct facts *ret)
{
	*ret = (struct facts){ .has = calloc(c->names.count + 1, 1) };
	if (!ret->has)
		return -ENOMEM;
	for (uint32_t id = view->first_id; id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);
		unsigned int kind = btf_type_kind(t);
		const char *name = btf_view_name(view, t);
		char key[NAME_MAXIMUM + 1];
		uint32_t number;
		size_t size;

		if (kind == BTF_KIND_ENUM && !strncmp(name, "bpf_", 4))
			note_enum(view, t, name, ret);
		ret->has_functions |= kind == BTF_KIND_FUNC;
		ret->has_tracepoints |=
			kind == BTF_KIND_TYPEDEF && !strncmp(name, "btf_trace_", 10);
		if ((kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF && kind != BTF_KIND_VAR) ||
		    !name_key(kind, name, key, &size))
			continue;
		number = intern_find(&c->names, key, size);
		if (number != INTERN_NONE)
			ret->has[number] = 1;
	}
	return 0;
}

static bool has_name(const struct btfpack_checker *c, const struct facts *facts, unsigned int kind,
		     const char *name)
{
	char key[NAME_MAXIMUM + 1];
	uint32_t number;
	size_t size;

	if (!name_key(kind, name, key, &size))
		return false;
	number = intern_find(&c->names, key, size);
	return number != INTERN_NONE && facts->has[number];
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
	char object_reason[256]; /* why libbpf or the kernel refuses the object as a whole */
};

static void judge_object(struct judgement *j)
{
	for (size_t i = 0; i < j->demands->map_count; i++) {
		const struct demand_map *map = &j->demands->maps[i];

		if (!is_missing_type(&j->facts->maps, map->type))
			continue;
		snprintf(j->object_reason, sizeof(j->object_reason),
			 "its map %.60s is of type %u, which the kernel does not know", map->name,
			 map->type);
		return;
	}
	for (size_t i = 0; i < j->demands->extern_count; i++) {
		const struct demand_extern *e = &j->demands->externs[i];

		if (e->is_weak || has_name(j->c, j->facts,
					   e->is_function ? BTF_KIND_FUNC : BTF_KIND_VAR, e->name))
			continue;
		snprintf(j->object_reason, sizeof(j->object_reason),
			 "it refers to the kernel's %s %.100s, which is not in its BTF",
			 e->is_function ? "function" : "variable", e->name);
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

static void reject_use(const struct judgement *j, int32_t use,
		       struct btfpack_program_verdict *verdict, char *reason, size_t size)
{
	const struct bpf_object_relo *relo = j->object->uses[use].relo;

	verdict->verdict = BTFPACK_VERDICT_REJECTED;
	verdict->instruction = relo->instruction;
	verdict->where = j->object->object->sections[relo->section].name;
	core_text_reason(j->object, &j->object->uses[use], &j->reach->final[use], reason, size);
}

static void reject(struct btfpack_program_verdict *verdict, const char *text, char *reason,
		   size_t size)
{
	verdict->verdict = BTFPACK_VERDICT_REJECTED;
	snprintf(reason, size, "%s", text);
}

static void judge_target(const struct judgement *j, const struct demand_program *program,
			 struct btfpack_program_verdict *verdict, char *reason, size_t size)
{
	unsigned int kind = target_kind(program->target);
	bool is_tracepoint = kind == BTF_KIND_TYPEDEF;

	if (program->target == DEMAND_NOTHING ||
	    !(is_tracepoint ? j->facts->has_tracepoints : j->facts->has_functions) ||
	    has_name(j->c, j->facts, kind, program->name))
		return;
	verdict->verdict =
		program->target == DEMAND_PROBE ? BTFPACK_VERDICT_UNSURE : BTFPACK_VERDICT_REJECTED;
	if (is_tracepoint)
		snprintf(reason, size, "the kernel has no tracepoint %s",
			 program->name + strlen("btf_trace_"));
	else
		snprintf(reason, size, "the kernel's BTF has no function %s%s", program->name,
			 program->target == DEMAND_PROBE ? "; it may be there all the same" : "");
}

/* "get_current_task_btf"; as far as the header we were built with knows. */
static const char *helper_name(uint32_t helper)
{
#define NAME(name) #name
	static const char *const names[] = { __BPF_FUNC_MAPPER(NAME) };
#undef NAME

	return helper < ARRAY_SIZE(names) ? names[helper] : "?";
}

static void judge_program(const struct judgement *j, const struct demand_program *program,
			  btfpack_verdict_fn fn, void *arg)
{
	const struct bpf_object *o = j->object->object;
	const struct bpf_object_function *f = &o->functions[program->function];
	const struct reach_call *missing = &j->reach->missing[program->function];
	int32_t use = j->reach->rejected_at[program->function];
	char reason[512] = "";
	struct btfpack_program_verdict verdict = {
		.object = o->name,
		.program = f->name,
		.section = o->sections[f->section].name,
		.optional = j->reach->guarded[program->function],
		.where = "",
		.reason = reason,
	};

	if (verdict.optional)
		verdict.verdict = BTFPACK_VERDICT_LOADS_WITHOUT;
	if (use < 0)
		use = find_refused(j, program->function);
	if (*j->object_reason) {
		reject(&verdict, j->object_reason, reason, sizeof(reason));
	} else if (program->type && is_missing_type(&j->facts->programs, (uint32_t)program->type)) {
		reject(&verdict, "the kernel does not know programs of this type", reason,
		       sizeof(reason));
	} else if (use >= 0) {
		reject_use(j, use, &verdict, reason, sizeof(reason));
	} else if (missing->helper) {
		verdict.verdict = BTFPACK_VERDICT_REJECTED;
		verdict.instruction = missing->instruction;
		verdict.where = o->sections[missing->section].name;
		snprintf(reason, sizeof(reason),
			 "it calls bpf_%s(), helper %u, and the kernel has those below %u",
			 helper_name(missing->helper), missing->helper, j->facts->helpers);
	} else {
		judge_target(j, program, &verdict, reason, sizeof(reason));
	}
	fn(&verdict, arg);
}

static int judge(const struct btfpack_checker *c, const struct facts *facts,
		 const struct core_run *run, size_t number, btfpack_verdict_fn fn, void *arg)
{
	const struct core_object *object = c->set.objects[number];
	AUTO_REACH struct reach reach = { 0 };
	struct judgement j = { .c = c,
			       .facts = facts,
			       .object = object,
			       .demands = &c->demands[number],
			       .results = run->results + object->first_use,
			       .reach = &reach };
	int error = reach_init(&reach, object, j.results, facts->helpers);

	if (error)
		return error;
	judge_object(&j);
	for (size_t i = 0; i < j.demands->program_count; i++)
		judge_program(&j, &j.demands->programs[i], fn, arg);
	return 0;
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
