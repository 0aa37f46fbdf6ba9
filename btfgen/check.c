/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/check.h>

#include "btfgen/check-judge.h"
#include "btfgen/check-settings.h"

struct btfpack_checker {
	struct core_set set;
	struct bpf_demands *demands; /* by object */
	struct check_names names;    /* of functions and the like, in all objects */
	size_t program_count;
};

int btfpack_checker_new(struct btfpack_checker **ret, struct btfpack_error *err)
{
	struct btfpack_checker *c = calloc(1, sizeof(*c));

	if (!c)
		return btfpack_error_set(err, -ENOMEM, "out of memory");
	core_set_init(&c->set);
	check_names_init(&c->names);
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
	check_names_deinit(&c->names);
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

static int want_target(struct btfpack_checker *c, const struct demand_program *program)
{
	if (!program->name)
		return 0;
	if (program->target == DEMAND_SYSCALL)
		return check_names_add_syscall(&c->names, program->name);
	return check_names_add(&c->names, check_target_kind(program->target), program->name);
}

static int want_all(struct btfpack_checker *c, const struct bpf_demands *demands)
{
	int error = 0;

	for (size_t i = 0; !error && i < demands->program_count; i++)
		error = want_target(c, &demands->programs[i]);
	for (size_t i = 0; !error && i < demands->extern_count; i++)
		error = check_names_add(&c->names, check_extern_kind(&demands->externs[i]),
					demands->externs[i].name);
	return error ? error : check_settings_want(&c->names, demands);
}

/* Takes @object over. */
static int add_object(struct btfpack_checker *c, struct bpf_object *object, const char *name,
		      struct btfpack_error *err)
{
	struct bpf_demands *all = realloc(c->demands, (c->set.object_count + 1) * sizeof(*all));
	struct bpf_demands *demands;
	int error;

	if (!all) {
		bpf_object_close(object);
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	}
	c->demands = all;
	demands = &all[c->set.object_count];
	error = bpf_demands_init(demands, object);
	if (!error)
		error = want_all(c, demands);
	if (error) {
		bpf_demands_deinit(demands);
		bpf_object_close(object);
		return btfpack_error_set(err, error, "%s: out of memory", name);
	}
	error = core_set_add(&c->set, object, err);
	if (error)
		bpf_demands_deinit(demands);
	else
		c->program_count += demands->program_count;
	return error;
}

int btfpack_checker_add_object(struct btfpack_checker *c, const char *path,
			       struct btfpack_error *err)
{
	struct bpf_object *object;
	int error = bpf_object_open(path, &object, err);

	return error < 0 ? error : add_object(c, object, path, err);
}

int btfpack_checker_add_object_mem(struct btfpack_checker *c, const void *data, size_t size,
				   const char *name, struct btfpack_error *err)
{
	struct bpf_object *object;
	int error = bpf_object_open_mem(data, size, name, &object, err);

	return error < 0 ? error : add_object(c, object, name, err);
}

/* --- following code ----------------------------------------------------------------------------- */

static enum reach_symbol find_symbol(const char *name, const void *arg)
{
	const struct judgement *j = arg;

	for (size_t i = 0; i < j->demands->extern_count; i++) {
		const struct demand_extern *e = &j->demands->externs[i];

		if (!strcmp(e->name, name))
			return check_facts_find(j->facts, check_extern_kind(e), name)
				       ? REACH_SYMBOL_THERE
				       : REACH_SYMBOL_MISSING;
	}
	return bpf_demands_find_setting(j->demands, name) >= 0 ? REACH_SYMBOL_SETTING
							       : REACH_SYMBOL_UNKNOWN;
}

/* Bytes of arguments that a program may read, 0: any. */
static uint32_t context_size(const struct judgement *j, const struct demand_program *program)
{
	const struct known_name *known;

	if (program->arguments == DEMAND_ANY || !program->name)
		return 0;
	known = check_facts_find(j->facts, check_target_kind(program->target), program->name);
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
		if (check_is_stopped(j->reach, j->demands->programs[i].function))
			return true;
	return false;
}

/* Follow all programs; where the patch level is not known and asked for, with the lowest
 * and the highest; and where one is stopped though it has settings, both ways. */
static int follow(struct judgement *j, struct reach reaches[4])
{
	AUTO_FREE uint32_t *sizes = calloc(j->object->object->function_count + 1, sizeof(*sizes));
	AUTO_FREE struct reach_setting *settings =
		calloc(j->demands->setting_count + 1, sizeof(*settings));
	struct reach_kernel kernel = { .helpers = j->facts->helpers,
				       .without_btf = check_facts_lack_own_btf(j->facts),
				       .without_callbacks = j->facts->is_narrow,
				       .symbol = find_symbol,
				       .arg = j,
				       .context_sizes = sizes,
				       .values = settings,
				       .value_count = j->demands->setting_count };
	int error = 0;

	if (!sizes || !settings)
		return -ENOMEM;
	for (size_t i = 0; i < j->demands->program_count; i++)
		sizes[j->demands->programs[i].function] =
			context_size(j, &j->demands->programs[i]);
	if (j->version.high != j->version.low && check_settings_ask_version(j->demands)) {
		check_settings_fill(j->demands, j->facts, j->version.high, settings);
		error = reach_init(&reaches[3], j->object, j->results, &kernel);
		j->newest = &reaches[3];
	}
	if (error)
		return error;
	check_settings_fill(j->demands, j->facts, j->version.low, settings);
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

/* One kernel, as all objects are judged by it. */
struct trial {
	const struct btfpack_checker *c;
	struct check_facts facts;
	struct core_kernel kernel;
	struct core_run run;
	struct kernel_version version;
	uint8_t *is_used;
};

static void deinit_trial(struct trial *t)
{
	free(t->is_used);
	core_run_deinit(&t->run);
	core_kernel_deinit(&t->kernel);
	check_facts_deinit(&t->facts);
}

static int judge(const struct trial *t, size_t number, btfpack_verdict_fn fn, void *arg)
{
	const struct core_object *object = t->c->set.objects[number];
	struct reach reaches[4] = { 0 };
	struct judgement j = { .facts = &t->facts,
			       .kernel = &t->kernel,
			       .is_used = t->is_used,
			       .version = t->version,
			       .arch = check_arch(object->object, &t->kernel.vmlinux),
			       .object = object,
			       .demands = &t->c->demands[number],
			       .results = t->run.results + object->first_use };
	int error = follow(&j, reaches);

	if (!error)
		check_judge_object(&j);
	for (size_t i = 0; !error && i < j.demands->program_count; i++)
		error = check_judge_program(&j, &j.demands->programs[i], fn, arg);
	for (size_t i = 0; i < ARRAY_SIZE(reaches); i++)
		reach_deinit(&reaches[i]);
	return error;
}

static int init_trial(struct trial *t, const struct btfpack_check_kernel *kernel,
		      struct btfpack_error *err)
{
	const struct core_parts parts = { kernel->btf, kernel->modules, kernel->module_count,
					  kernel->source, kernel->name };
	struct core_looker looker;
	int error = check_facts_init(&t->facts, &t->c->names);

	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", kernel->name);
	looker = check_facts_looker(&t->facts);
	error = core_kernel_init(&t->kernel, &t->c->set, &parts, &looker, err);
	if (error)
		return error;
	t->facts.has_modules = kernel->source ? kernel->source->count : kernel->module_count;
	if (kernel->uname)
		kernel_version_parse(kernel->uname, &t->version);
	t->is_used = calloc(t->kernel.module_count + 1, 1);
	error = t->is_used ? core_run_init(&t->run, &t->c->set, t->kernel.view, NULL, NULL)
			   : -ENOMEM;
	return error ? btfpack_error_set(err, error, "%s: out of memory", kernel->name) : 0;
}

int btfpack_checker_run(const struct btfpack_checker *c, const struct btfpack_check_kernel *given,
			btfpack_verdict_fn fn, void *arg, struct btfpack_error *err)
{
	CLEANUP(deinit_trial) struct trial t = { .c = c };
	struct btfpack_check_kernel kernel = { 0 };
	int error;

	memcpy(&kernel, given, given->size < sizeof(kernel) ? given->size : sizeof(kernel));
	error = init_trial(&t, &kernel, err);
	if (error)
		return error;
	for (size_t i = 0; !error && i < c->set.object_count; i++)
		error = judge(&t, i, fn, arg);
	return error ? btfpack_error_set(err, error, "%s: out of memory", kernel.name) : 0;
}
