/* SPDX-License-Identifier: BSD-2-Clause */
/* One kernel against a core_set. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/core-set.h"

/* How one need fared with one candidate. */
struct core_outcome {
	int8_t matched; /* core_match()'s answer, or UNKNOWN: not asked yet */
	struct core_spot spot;
};
#define UNKNOWN 2

/* --- candidates --------------------------------------------------------------------------------- */

struct finding {
	uint32_t root;
	uint32_t id;
};

/* One pass over the types, for the names that some need asks for. */
static int find_roots(const struct core_run *run, const struct btf_view *view, struct buf *found)
{
	const struct core_set *set = run->set;
	int error = view->base ? find_roots(run, view->base, found) : 0;

	for (uint32_t id = view->first_id; !error && id < view->end_id; id++) {
		const struct btf_type *t = btf_view_type(view, id);
		struct finding f = { .id = id };

		if (!(set->kinds >> btf_type_kind(t) & 1) || !t->name_off)
			continue;
		f.root = core_set_find_root(set, btf_type_kind(t), btf_view_name(view, t));
		if (f.root != CORE_NO_ROOT)
			error = buf_add(found, &f, sizeof(f));
	}
	return error;
}

/* A module's types are candidates only where vmlinux has none. */
static bool is_eclipsed(const struct core_run *run, const struct finding *f,
			const uint32_t *base_counts)
{
	return run->kernel.view->base && f->id >= run->kernel.view->first_id &&
	       base_counts[f->root];
}

static int sort_candidates(struct core_run *run, const struct finding *found, size_t count)
{
	uint32_t roots = run->set->names.count * NR_BTF_KINDS, sum = 0;
	AUTO_FREE uint32_t *base_counts = calloc(roots + 1, sizeof(*base_counts));

	run->first = calloc(roots + 1, sizeof(*run->first));
	run->candidates = malloc((count + 1) * sizeof(*run->candidates));
	if (!run->first || !run->candidates || !base_counts)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (found[i].id < run->kernel.view->first_id)
			base_counts[found[i].root]++;
	for (size_t i = 0; i < count; i++)
		if (!is_eclipsed(run, &found[i], base_counts))
			run->first[found[i].root]++;
	for (uint32_t i = 0; i <= roots; i++) { /* counts → ends */
		sum += i < roots ? run->first[i] : 0;
		run->first[i] = sum;
	}
	for (size_t i = count; i--;) /* ends → starts, as each is filled from its end */
		if (!is_eclipsed(run, &found[i], base_counts))
			run->candidates[--run->first[found[i].root]] = found[i].id;
	return 0;
}

static int find_candidates(struct core_run *run)
{
	AUTO_BUF struct buf found = BUF_INIT(SIZE_MAX);
	int error = find_roots(run, run->kernel.view, &found);

	return error ? error
		     : sort_candidates(run, (const struct finding *)found.data,
				       found.size / sizeof(struct finding));
}

static uint32_t candidate_count(const struct core_run *run, uint32_t root)
{
	return run->first[root + 1] - run->first[root];
}

/* --- outcomes ----------------------------------------------------------------------------------- */

static int init_outcomes(struct core_run *run)
{
	size_t total = 0;

	run->outcome_of = malloc((run->set->need_count + 1) * sizeof(*run->outcome_of));
	if (!run->outcome_of)
		return -ENOMEM;
	for (uint32_t i = 0; i < run->set->need_count; i++) {
		run->outcome_of[i] = (uint32_t)total;
		total += candidate_count(run, run->set->needs[i]->root);
		if (total > UINT32_MAX / 2)
			return -ENOMEM;
	}
	run->outcomes = malloc((total + 1) * sizeof(*run->outcomes));
	if (!run->outcomes)
		return -ENOMEM;
	for (size_t i = 0; i < total; i++)
		run->outcomes[i].matched = UNKNOWN;
	return 0;
}

static int get_outcome(struct core_run *run, uint32_t number, uint32_t candidate,
		       const struct core_outcome **ret)
{
	const struct core_need *need = run->set->needs[number];
	struct core_outcome *outcome = &run->outcomes[run->outcome_of[number] + candidate];
	struct core_path path;
	int matched, error = 0;

	*ret = outcome;
	if (outcome->matched != UNKNOWN)
		return 0;
	matched = core_match(need->local, &need->path, need->kind, &run->kernel,
			     run->candidates[run->first[need->root] + candidate], &path);
	outcome->matched = (int8_t)(matched < 0 ? -1 : matched);
	outcome->spot = core_path_end(&path);
	if (run->on_match)
		error = run->on_match(need, matched, &path, run->arg);
	return error < 0 ? error : 0;
}

/* --- results ------------------------------------------------------------------------------------ */

static bool is_poison_without_match(enum bpf_core_relo_kind kind)
{
	return (core_kind_is_field(kind) && kind != BPF_CORE_FIELD_EXISTS) ||
	       kind == BPF_CORE_ENUMVAL_VALUE;
}

static struct core_result refused(enum core_why why)
{
	return (struct core_result){ .state = CORE_REFUSED, .why = (uint8_t)why };
}

static struct core_result result_without_match(const struct core_use *use, uint32_t candidates)
{
	enum core_why why = candidates ? CORE_WHY_NO_MATCH : CORE_WHY_NO_TYPE;
	struct core_result result = { .why = (uint8_t)why };

	if (is_poison_without_match(use->relo->kind))
		result.state = CORE_POISONED;
	return result;
}

static struct core_result result_of_spot(const struct core_run *run,
					 const struct core_object *object,
					 const struct core_use *use, const struct core_spot *spot)
{
	struct core_result result;
	struct core_value value;

	if (core_calculate(&run->kernel, spot, use->relo->kind, &value) < 0)
		return refused(CORE_WHY_IMPOSSIBLE);
	result = core_compare(&object->local, &use->old, &run->kernel, &value);
	result.root = spot->root;
	return result;
}

/* Which candidates of each group are still in the running. */
struct survivors {
	uint8_t *struck; /* one byte a candidate of each group */
	size_t *first;   /* of each group */
};

static int init_survivors(const struct core_run *run, const struct core_object *object,
			  struct survivors *s)
{
	size_t total = 0;

	s->first = malloc((object->group_count + 1) * sizeof(*s->first));
	if (!s->first)
		return -ENOMEM;
	for (uint32_t i = 0; i < object->group_count; i++) {
		s->first[i] = total;
		total += candidate_count(run, object->group_roots[i]);
	}
	s->struck = calloc(total + 1, 1);
	return s->struck ? 0 : -ENOMEM;
}

static void deinit_survivors(struct survivors *s)
{
	free(s->first);
	free(s->struck);
}

/* Several that match must agree, on the place as well as the value. */
static bool is_ambiguous(const struct core_result *a, const struct core_spot *a_spot,
			 const struct core_result *b, const struct core_spot *b_spot)
{
	return a_spot->bit_offset != b_spot->bit_offset || a->value != b->value ||
	       a->state != b->state;
}

static int compute_use(struct core_run *run, const struct core_object *object,
		       const struct core_use *use, struct survivors *survivors,
		       struct core_result *ret)
{
	uint32_t root = run->set->needs[use->need]->root, count = candidate_count(run, root);
	uint8_t *struck = survivors->struck + survivors->first[use->group];
	const struct core_outcome *best = NULL;

	for (uint32_t i = 0; i < count; i++) {
		const struct core_outcome *outcome;
		struct core_result result;
		int error;

		if (struck[i])
			continue;
		error = get_outcome(run, use->need, i, &outcome);
		if (error)
			return error;
		if (!outcome->matched)
			continue;
		result = outcome->matched < 0 ? refused(CORE_WHY_IMPOSSIBLE)
					      : result_of_spot(run, object, use, &outcome->spot);
		if (result.state != CORE_REFUSED && best &&
		    is_ambiguous(ret, &best->spot, &result, &outcome->spot))
			result = refused(CORE_WHY_AMBIGUOUS);
		if (result.state == CORE_REFUSED || !best)
			*ret = result;
		if (result.state == CORE_REFUSED)
			return 0;
		if (!best)
			best = outcome;
	}
	if (!best)
		*ret = result_without_match(use, count);
	for (uint32_t i = 0; best && count > 1 && i < count; i++)
		struck[i] |= run->outcomes[run->outcome_of[use->need] + i].matched != 1;
	return 0;
}

static int compute_object(struct core_run *run, const struct core_object *object)
{
	CLEANUP(deinit_survivors) struct survivors survivors = { 0 };
	int error = init_survivors(run, object, &survivors);

	for (uint32_t i = 0; !error && i < object->use_count; i++) {
		const struct core_use *use = &object->uses[i];
		struct core_result *result = &run->results[object->first_use + i];

		if (use->need == CORE_NO_NEED)
			*result = use->fixed;
		else
			error = compute_use(run, object, use, &survivors, result);
	}
	return error;
}

int core_run_init(struct core_run *run, const struct core_set *set, const struct btf_view *kernel,
		  core_match_fn on_match, void *arg)
{
	bool big_host = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	int error;

	*run = (struct core_run){
		.set = set,
		.kernel = { .view = kernel,
			    .pointer_size = btf_view_pointer_size(kernel),
			    .big_endian = kernel->other_order != big_host },
		.on_match = on_match,
		.arg = arg,
		.results = calloc(set->use_count + 1, sizeof(struct core_result)),
	};
	error = run->results ? find_candidates(run) : -ENOMEM;
	if (!error)
		error = init_outcomes(run);
	for (size_t i = 0; !error && i < set->object_count; i++)
		error = compute_object(run, set->objects[i]);
	if (error)
		core_run_deinit(run);
	return error;
}

void core_run_deinit(struct core_run *run)
{
	free(run->candidates);
	free(run->first);
	free(run->outcome_of);
	free(run->outcomes);
	free(run->results);
	*run = (struct core_run){ 0 };
}

struct core_result core_use_patch(const struct core_object *object, const struct core_use *use,
				  const struct core_result *result, struct bpf_insn ret[2])
{
	const struct bpf_object_section *section = &object->object->sections[use->relo->section];
	uint32_t left = section->count - use->relo->instruction;

	ret[0] = section->instructions[use->relo->instruction];
	ret[1] = left > 1 ? section->instructions[use->relo->instruction + 1]
			  : (struct bpf_insn){ 0 };
	return core_patch(&use->old, *result, ret, left);
}
