/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * btfpack_minifier_run() in order: look at the kernel (core-run.c), which marks
 * what matches (keep_match()); write what is marked (btf-cut.c); look at the
 * result as if it were the kernel and compare (prove()); tell reachable from dead
 * (reach.c); report.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/minify.h>

#include "btfgen/btf-cut.h"
#include "btfgen/core-kernel.h"
#include "btfgen/core-set.h"
#include "btfgen/core-text.h"
#include "btfgen/reach.h"

/* A type to keep whatever the objects need. */
struct keep {
	unsigned int kind;
	char *name;
};

struct btfpack_minifier {
	struct core_set set;
	struct keep *keeps;
	size_t keep_count;
};

int btfpack_minifier_new(struct btfpack_minifier **ret, struct btfpack_error *err)
{
	struct btfpack_minifier *m = calloc(1, sizeof(*m));

	if (!m)
		return btfpack_error_set(err, -ENOMEM, "out of memory");
	core_set_init(&m->set);
	*ret = m;
	return 0;
}

void btfpack_minifier_free(struct btfpack_minifier *m)
{
	if (!m)
		return;
	core_set_deinit(&m->set);
	for (size_t i = 0; i < m->keep_count; i++)
		free(m->keeps[i].name);
	free(m->keeps);
	free(m);
}

int btfpack_minifier_add_object(struct btfpack_minifier *m, const char *path,
				struct btfpack_error *err)
{
	struct bpf_object *object;
	int error = bpf_object_open(path, &object, err);

	return error < 0 ? error : core_set_add(&m->set, object, err);
}

int btfpack_minifier_add_object_mem(struct btfpack_minifier *m, const void *data, size_t size,
				    const char *name, struct btfpack_error *err)
{
	struct bpf_object *object;
	int error = bpf_object_open_mem(data, size, name, &object, err);

	return error < 0 ? error : core_set_add(&m->set, object, err);
}

int btfpack_minifier_keep(struct btfpack_minifier *m, const char *what, struct btfpack_error *err)
{
	static const struct {
		const char *word;
		unsigned int kind;
	} kinds[] = {
		{ "struct:", BTF_KIND_STRUCT }, { "union:", BTF_KIND_UNION },
		{ "enum:", BTF_KIND_ENUM },     { "typedef:", BTF_KIND_TYPEDEF },
		{ "func:", BTF_KIND_FUNC },
	};
	const char *name = strchr(what, ':');
	struct keep *keeps;

	for (size_t i = 0; name && name[1] && i < ARRAY_SIZE(kinds); i++) {
		if (strncmp(what, kinds[i].word, strlen(kinds[i].word)))
			continue;
		keeps = realloc(m->keeps, (m->keep_count + 1) * sizeof(*keeps));
		if (keeps)
			m->keeps = keeps;
		if (!keeps || !(keeps[m->keep_count].name = strdup(name + 1)))
			return btfpack_error_set(err, -ENOMEM, "out of memory");
		keeps[m->keep_count++].kind = kinds[i].kind;
		return 0;
	}
	return btfpack_error_set(err, -EINVAL,
				 "cannot keep '%s': expected struct:NAME, union:NAME, enum:NAME, "
				 "typedef:NAME or func:NAME",
				 what);
}

size_t btfpack_minifier_count_objects(const struct btfpack_minifier *m)
{
	return m->set.object_count;
}

size_t btfpack_minifier_count_relocations(const struct btfpack_minifier *m)
{
	return m->set.use_count;
}

/* --- marking ------------------------------------------------------------------------------------ */

/* A type that does not match is kept all the same where whole types are compared:
 * with less of it kept, by another need, it might match. One that libbpf gives up on
 * (nested too deep) must go on to make it give up. */
static int keep_match(const struct core_need *need, int matched, const struct core_path *path,
		      void *arg)
{
	struct btf_cut *cut = arg;

	if (need->class_ == CORE_CLASS_MATCH || matched < 0)
		return btf_cut_keep_whole(cut, path->root);
	if (matched <= 0)
		return 0;
	switch (need->class_) {
	case CORE_CLASS_FIELD:
		return btf_cut_keep_field(cut, path);
	case CORE_CLASS_ENUM_VALUE:
		return btf_cut_keep_enumerator(cut, path);
	default:
		return btf_cut_keep_type(cut, path->root, need->is_id);
	}
}

static bool is_kept(const struct btfpack_minifier *m, unsigned int kind, const char *name)
{
	for (size_t i = 0; i < m->keep_count; i++)
		if ((m->keeps[i].kind == kind ||
		     (btf_kind_is_enum(kind) && m->keeps[i].kind == BTF_KIND_ENUM)) &&
		    !strcmp(m->keeps[i].name, name))
			return true;
	return false;
}

static bool is_kept_type(const struct btfpack_minifier *m, const struct btf_view *view, uint32_t id)
{
	const struct btf_type *t = btf_view_type(view, id);

	return is_kept(m, btf_type_kind(t), btf_view_name(view, t));
}

/* Whether a module has a type that is to be kept. */
static int look_for_kept(const struct btf_view *view, const char *module, int64_t number, void *arg)
{
	const struct btfpack_minifier *m = arg;

	(void)number;
	if (!module)
		return 0;
	for (uint32_t id = view->first_id; m->keep_count && id < view->end_id; id++)
		if (is_kept_type(m, view, id))
			return 1;
	return 0;
}

/* What is to be kept is so in vmlinux and modules: that vmlinux has one does not matter. */
static bool ask_for_kept(const struct btfpack_module_source *source, void *arg)
{
	(void)source;
	return ((const struct btfpack_minifier *)arg)->keep_count;
}

static bool want_kept(unsigned int kind, const char *name, void *arg)
{
	return is_kept(arg, kind, name);
}

static int keep_listed(const struct btfpack_minifier *m, struct btf_cut *cut)
{
	int error = 0;

	for (uint32_t id = 1; !error && m->keep_count && id < cut->view->end_id; id++)
		if (is_kept_type(m, cut->view, id))
			error = btf_cut_keep_whole(cut, id);
	return error;
}

/* --- proof -------------------------------------------------------------------------------------- */

/* Whether a relocation came to the same on the full BTF and on the small one. */
static bool is_same(const struct core_use *use, const struct btf_cut *cut,
		    const struct core_result *full, const struct core_result *small)
{
	uint64_t value = full->value;

	if (use->need != CORE_NO_NEED && use->relo->kind == BPF_CORE_TYPE_ID_TARGET &&
	    full->state == CORE_VALUE) /* that type's id has changed, as all have */
		value = btf_cut_new_id(cut, (uint32_t)value);
	return full->state == small->state &&
	       (full->state != CORE_VALUE ||
		(value == small->value && full->load_size == small->load_size &&
		 full->is_misfit == small->is_misfit));
}

static int say_difference(const struct core_object *object, const struct core_use *use,
			  const struct core_result *full, const struct core_result *small,
			  const char *name, struct btfpack_error *err)
{
	char wanted[128];

	core_text_wanted(object, use, wanted, sizeof(wanted));
	return btfpack_error_set(err, -EBADMSG,
				 "%s: internal error: %s of %s comes to %" PRIu64 " (state %u), on "
				 "the minimized BTF to %" PRIu64 " (state %u); nothing is written",
				 name, core_kind_name(use->relo->kind), wanted, full->value,
				 full->state, small->value, small->state);
}

static int prove(const struct core_run *full, const struct btf_cut *cut,
		 const struct btfpack_blob *blob, const char *name, struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	AUTO_CORE_RUN struct core_run small = { 0 };
	int error = btf_view_init(&view, blob->data, blob->size, NULL, name, err);

	if (error)
		return error;
	error = core_run_init(&small, full->set, &view, NULL, NULL);
	if (error)
		return btfpack_error_set(err, error, "%s: out of memory", name);
	for (size_t i = 0; i < full->set->object_count; i++) {
		const struct core_object *object = full->set->objects[i];

		for (uint32_t j = 0; j < object->use_count; j++) {
			const struct core_use *use = &object->uses[j];
			uint32_t n = object->first_use + j;

			if (!is_same(use, cut, &full->results[n], &small.results[n]))
				return say_difference(object, use, &full->results[n],
						      &small.results[n], name, err);
		}
	}
	return 0;
}

/* --- reports ------------------------------------------------------------------------------------ */

struct verdict {
	const struct btfpack_minify_opts *opts;
	const struct core_kernel *kernel; /* NULL: a module on its base */
	struct core_result *final; /* by use */
	int32_t *reached_by;       /* by use: a function of its object, or -1 */
	uint32_t fatal_count;
};

static void deinit_verdict(struct verdict *v)
{
	free(v->final);
	free(v->reached_by);
}

static enum btfpack_relo_state state_of(const struct core_result *final, int32_t reached_by)
{
	if (final->state == CORE_VALUE)
		return BTFPACK_RELO_RESOLVED;
	if (final->state == CORE_REFUSED || reached_by >= 0)
		return BTFPACK_RELO_FATAL;
	return BTFPACK_RELO_GUARDED;
}

static const char *module_of(const struct verdict *v, const struct core_result *final)
{
	int64_t module = v->kernel && final->state == CORE_VALUE
				 ? core_kernel_module(v->kernel, final->root)
				 : CORE_NO_MODULE;

	return module == CORE_NO_MODULE ? "" : v->kernel->modules[module].name;
}

static void report_use(const struct verdict *v, const struct core_object *object, uint32_t index)
{
	const struct core_use *use = &object->uses[index];
	const struct core_result *final = &v->final[object->first_use + index];
	const struct bpf_object *o = object->object;
	const struct bpf_object_relo *relo = use->relo;
	int32_t reached_by = v->reached_by[object->first_use + index];
	char wanted[512], reason[512];
	struct btfpack_relo_report report = {
		.object = o->name,
		.section = o->sections[relo->section].name,
		.function = relo->function < 0 ? "" : o->functions[relo->function].name,
		.instruction = relo->instruction,
		.kind = core_kind_name(relo->kind),
		.wanted = wanted,
		.program = reached_by < 0 ? "" : o->functions[reached_by].name,
		.state = state_of(final, reached_by),
		.value = final->value,
		.reason = reason,
		.module = module_of(v, final),
	};

	core_text_wanted(object, use, wanted, sizeof(wanted));
	core_text_reason(object, use, final, reason, sizeof(reason));
	v->opts->report(&report, v->opts->report_arg);
}

/* The first fatal relocation of the first object that has one. */
static int say_fatal(const struct core_run *run, const struct verdict *v, const char *name,
		     struct btfpack_error *err)
{
	for (size_t i = 0; i < run->set->object_count; i++) {
		const struct core_object *object = run->set->objects[i];

		for (uint32_t j = 0; j < object->use_count; j++) {
			uint32_t n = object->first_use + j;
			int32_t by = v->reached_by[n];
			char reason[120];

			if (state_of(&v->final[n], by) != BTFPACK_RELO_FATAL)
				continue;
			core_text_reason(object, &object->uses[j], &v->final[n], reason,
					 sizeof(reason));
			return btfpack_error_set(
				err, -ENOENT,
				"%s: %u relocations cannot be satisfied where programs reach "
				"them: first %s of %s, instruction %u: %s",
				name, v->fatal_count,
				by < 0 ? "any program" : object->object->functions[by].name,
				object->object->name, object->uses[j].relo->instruction, reason);
		}
	}
	return 0;
}

static int judge(const struct core_run *run, struct verdict *v)
{
	uint32_t count = run->set->use_count;
	int error = 0;

	v->final = malloc((count + 1) * sizeof(*v->final));
	v->reached_by = malloc((count + 1) * sizeof(*v->reached_by));
	if (!v->final || !v->reached_by)
		return -ENOMEM;
	for (size_t i = 0; !error && i < run->set->object_count; i++) {
		const struct core_object *object = run->set->objects[i];
		uint32_t first = object->first_use;

		AUTO_REACH struct reach reach = { 0 };

		error = reach_init(&reach, object, run->results + first,
				   &(const struct reach_kernel){ 0 });
		if (error || !object->use_count)
			continue;
		memcpy(v->final + first, reach.final, object->use_count * sizeof(*v->final));
		memcpy(v->reached_by + first, reach.reached_by,
		       object->use_count * sizeof(*v->reached_by));
	}
	for (uint32_t i = 0; !error && i < count; i++)
		v->fatal_count += state_of(&v->final[i], v->reached_by[i]) == BTFPACK_RELO_FATAL;
	return error;
}

static void report_all(const struct core_run *run, const struct verdict *v)
{
	for (size_t i = 0; v->opts->report && i < run->set->object_count; i++)
		for (uint32_t j = 0; j < run->set->objects[i]->use_count; j++)
			report_use(v, run->set->objects[i], j);
}

/* --- the run ------------------------------------------------------------------------------------ */

static int say_error(int error, const char *name, struct btfpack_error *err)
{
	if (error == -EBADMSG)
		return btfpack_error_set(err, error,
					 "%s: damaged BTF: a type that is needed is made of "
					 "something that is no type",
					 name);
	if (error == -EOPNOTSUPP)
		return btfpack_error_set(err, error,
					 "%s: a 64-bit enumerator that is needed does not fit an "
					 "enum of 32 bits",
					 name);
	return btfpack_error_set(err, error, "%s: out of memory", name);
}

static int cut_and_prove(const struct btfpack_minifier *m, const struct core_run *run,
			 struct btf_cut *cut, const struct btfpack_minify_opts *opts,
			 const char *name, struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	int error = keep_listed(m, cut);

	if (!error)
		error = btf_cut_finish(cut, opts->flags & BTFPACK_MINIFY_NO_ENUM64, &blob);
	if (error)
		return say_error(error, name, err);
	error = prove(run, cut, &blob, name, err);
	if (error)
		return error;
	ret->data = steal_ptr(blob.data); /* the caller's */
	ret->size = blob.size;
	return 0;
}

/* @kernel is what @view is of, or NULL. */
static int run_view(const struct btfpack_minifier *m, const struct btf_view *view,
		    const struct core_kernel *kernel, const char *name,
		    const struct btfpack_minify_opts *opts, struct btfpack_blob *ret,
		    struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob blob = { 0 };
	AUTO_BTF_CUT struct btf_cut cut = { 0 };
	AUTO_CORE_RUN struct core_run run = { 0 };
	CLEANUP(deinit_verdict) struct verdict verdict = { .opts = opts, .kernel = kernel };
	int error = btf_cut_init(&cut, view);

	if (!error)
		error = core_run_init(&run, &m->set, view, keep_match, &cut);
	if (error)
		return say_error(error, name, err);
	error = cut_and_prove(m, &run, &cut, opts, name, &blob, err);
	if (error)
		return error;
	if (judge(&run, &verdict) < 0)
		return btfpack_error_set(err, -ENOMEM, "%s: out of memory", name);
	report_all(&run, &verdict);
	if (verdict.fatal_count && !(opts->flags & BTFPACK_MINIFY_ALLOW_MISSING))
		return say_fatal(&run, &verdict, name, err);
	ret->data = steal_ptr(blob.data); /* the caller's */
	ret->size = blob.size;
	return 0;
}

static int run_on_base(const struct btfpack_minifier *m, const struct btfpack_blob *btf,
		       const char *name, const struct btfpack_minify_opts *opts,
		       struct btfpack_blob *ret, struct btfpack_error *err)
{
	AUTO_BTF_VIEW struct btf_view base = { 0 };
	AUTO_BTF_VIEW struct btf_view view = { 0 };
	char base_name[280];
	int error;

	snprintf(base_name, sizeof(base_name), "base of %.255s", name);
	error = btf_view_init(&base, opts->base->data, opts->base->size, NULL, base_name, err);
	if (!error)
		error = btf_view_init(&view, btf->data, btf->size, &base, name, err);
	if (!error && base.other_order != view.other_order)
		error = btfpack_error_set(
			err, -EBADMSG, "%s: BTF and its base are of different byte orders", name);
	return error ? error : run_view(m, &view, NULL, name, opts, ret, err);
}

#define KNOWN_FLAGS (BTFPACK_MINIFY_ALLOW_MISSING | BTFPACK_MINIFY_NO_ENUM64)

int btfpack_minifier_run(const struct btfpack_minifier *m, const struct btfpack_blob *btf,
			 const char *name, const struct btfpack_minify_opts *given,
			 struct btfpack_blob *ret, struct btfpack_error *err)
{
	const struct core_looker looker = { look_for_kept, ask_for_kept, want_kept, (void *)m };
	AUTO_CORE_KERNEL struct core_kernel kernel = { 0 };
	struct btfpack_minify_opts opts = { 0 };
	struct core_parts parts;
	int error;

	if (given && given->size < sizeof(given->size))
		return btfpack_error_set(err, -EINVAL, "btfpack_minifier_run: opts->size is not set");
	if (given)
		memcpy(&opts, given, given->size < sizeof(opts) ? given->size : sizeof(opts));
	if (opts.flags & ~KNOWN_FLAGS)
		return btfpack_error_set(err, -EINVAL,
					 "btfpack_minifier_run: flags %#x, of which are known %#x",
					 opts.flags, KNOWN_FLAGS);
	if (opts.base && (opts.module_count || opts.source))
		return btfpack_error_set(err, -EINVAL, "%s: a base and modules at once", name);
	if (opts.base)
		return run_on_base(m, btf, name, &opts, ret, err);
	parts = (struct core_parts){ btf, opts.modules, opts.module_count, opts.source, name };
	error = core_kernel_init(&kernel, &m->set, &parts, &looker, err);
	return error ? error : run_view(m, kernel.view, &kernel, name, &opts, ret, err);
}
