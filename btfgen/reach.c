/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/call-graph.h"
#include "btfgen/reach-code.h"
#include "btfgen/reach-state.h"
#include "btfgen/reach-stop.h"
#include "btfgen/reach.h"

#define CALL_DEPTH   8         /* the kernel's limit too */
#define CONTEXTS     16        /* of one function; then its arguments are unknown */
#define WORK_MAXIMUM (1 << 22) /* instructions a program; beyond, all is reachable */

/* A function followed with certain arguments, and what it returned. */
struct context {
	int32_t function;
	struct reach_value arguments[5];
	struct reach_value returned;
};

/* One program being followed. */
struct walk {
	const struct core_object *object;
	const struct reach_code *codes; /* by section */
	struct reach *reach;
	const struct reach_kernel *kernel;
	int32_t program;
	uint32_t work;
	uint32_t depth;
	struct buf contexts;
};

/* One function being followed: the states seen where jumps lead to, and the paths
 * that are left to follow. */
struct head {
	struct reach_state *states[REACH_STATES];
	uint8_t count;
	bool is_merged;
};

struct path {
	uint32_t instruction; /* in the section */
	struct reach_state *state;
};

struct frame {
	struct walk *walk;
	const struct reach_code *code;
	const struct bpf_object_function *function;
	struct head *heads; /* by instruction from the function's first */
	uint8_t *is_head;
	struct buf paths;
	struct reach_value returned;
	bool has_returned;
};

static int follow_function(struct walk *walk, int32_t function,
			   const struct reach_value arguments[5], struct reach_value *ret);

/* --- states at heads ---------------------------------------------------------------------------- */

static int push_path(struct frame *frame, uint32_t instruction, const struct reach_state *state)
{
	struct path path = { .instruction = instruction, .state = reach_state_copy(state) };
	int error = path.state ? buf_add(&frame->paths, &path, sizeof(path)) : -ENOMEM;

	if (error)
		free(path.state);
	return error;
}

static bool pop_path(struct frame *frame, uint32_t *instruction, struct reach_state *state)
{
	struct path path;

	if (!frame->paths.size)
		return false;
	frame->paths.size -= sizeof(path);
	memcpy(&path, frame->paths.data + frame->paths.size, sizeof(path));
	*instruction = path.instruction;
	reach_state_load(state, path.state);
	free(path.state);
	return true;
}

/* Whether @state brings anything new to this place: 1, and it may have been merged
 * with those that came before; 0: some state seen there covers it. */
static int enter_head(struct head *head, struct reach_state *state)
{
	struct reach_state *copy;

	for (uint32_t i = 0; i < head->count; i++)
		if (reach_state_covers(head->states[i], state))
			return 0;
	if (head->is_merged || head->count == REACH_STATES) {
		for (uint32_t i = 0; i < head->count; i++) {
			reach_state_merge(state, head->states[i]);
			free(head->states[i]);
		}
		head->count = 0;
		head->is_merged = true;
	}
	copy = reach_state_copy(state);
	if (!copy)
		return -ENOMEM;
	head->states[head->count++] = copy; /* freed with the frame */
	return 1;
}

/* --- calls -------------------------------------------------------------------------------------- */

static int32_t find_callee(const struct frame *frame, uint32_t at)
{
	return call_graph_callee(frame->walk->object->object, frame->function->section, at);
}

/* A callee may write to what an argument points to. */
static void forget_arguments(struct reach_state *state)
{
	for (int i = 1; i <= 5; i++) {
		if (state->registers[i].kind == REACH_FRAME)
			reach_state_forget(state, (int64_t)state->registers[i].bits, INT64_MAX);
		else if (state->registers[i].kind == REACH_LOOSE)
			reach_state_forget(state, INT64_MIN, INT64_MAX);
	}
	for (int i = 0; i <= 5; i++)
		state->registers[i] = (struct reach_value){ 0 };
}

/* The path ends here: the first such place of a program is kept. */
static void note_stop(struct frame *frame, struct reach_stop stop, uint32_t at)
{
	struct reach_stop *first = &frame->walk->reach->stops[frame->walk->program];

	if (first->kind != REACH_STOP_NONE)
		return;
	*first = stop;
	first->section = frame->function->section;
	first->instruction = at;
}

/* Noted, as the path ends there. */
static bool is_stop(struct frame *frame, uint32_t at)
{
	struct reach_stop stop = reach_stop_at(frame->walk->object->object, frame->walk->kernel,
					       frame->code->section, at);

	if (stop.kind == REACH_STOP_NONE)
		return false;
	note_stop(frame, stop, at);
	return true;
}

/* What may go along into a function. */
static struct reach_value as_argument(struct reach_value value)
{
	if (value.kind == REACH_FRAME || value.kind == REACH_LOOSE)
		return (struct reach_value){ 0 }; /* means nothing in another frame */
	return value;
}

static int step_call(struct frame *frame, uint32_t at, const struct bpf_insn *insn,
		     struct reach_state *state)
{
	struct reach_value arguments[5], returned = { 0 };
	int32_t callee = -1;
	int error = 0;

	if (insn->src_reg == BPF_PSEUDO_CALL)
		callee = find_callee(frame, at);
	for (int i = 0; i < 5; i++)
		arguments[i] = as_argument(state->registers[i + 1]);
	if (callee >= 0)
		error = follow_function(frame->walk, callee, arguments, &returned);
	forget_arguments(state);
	state->registers[0] = returned;
	return error;
}

#define SETTING_ROOM 16 /* in the section 0 that reach_data() speaks of */

/* Of a setting whose value is known, by its number; of all others the same. */
static struct reach_value setting_address(const struct walk *walk, const char *name)
{
	const struct reach_kernel *kernel = walk->kernel;

	for (size_t i = 0; i < kernel->value_count && i < INT32_MAX / SETTING_ROOM - 1; i++)
		if (kernel->values[i].is_known && !strcmp(kernel->values[i].name, name))
			return reach_data(0, (uint32_t)(i + 1) * SETTING_ROOM);
	return reach_data(0, 0);
}

static struct reach_value read_setting(const struct walk *walk, int64_t offset, uint32_t size)
{
	const struct reach_kernel *kernel = walk->kernel;
	int64_t index = offset / SETTING_ROOM - 1;

	if (offset % SETTING_ROOM || index < 0 || (uint64_t)index >= kernel->value_count ||
	    kernel->values[index].size != size)
		return (struct reach_value){ .kind = REACH_SETTING };
	return (struct reach_value){ .kind = REACH_CONSTANT, .bits = kernel->values[index].value };
}

/* The address of an extern: of a missing one it is 0, of one that is there anything
 * else. */
static struct reach_value extern_address(const struct walk *walk,
					 const struct bpf_object_target *target)
{
	switch (reach_find_symbol(walk->kernel, target)) {
	case REACH_SYMBOL_MISSING:
		return (struct reach_value){ .kind = REACH_CONSTANT };
	case REACH_SYMBOL_THERE:
		return (struct reach_value){ .kind = REACH_CONSTANT, .bits = UINT64_C(1) << 63 };
	case REACH_SYMBOL_SETTING:
		return setting_address(walk, target->symbol);
	default:
		return (struct reach_value){ .kind = walk->kernel->symbol ? REACH_SETTING
									  : REACH_UNKNOWN };
	}
}

/* The address of something in the object: known in sections of constants. */
static struct reach_value data_address(const struct walk *walk,
				       const struct bpf_object_target *target,
				       const struct bpf_insn *insn)
{
	uint64_t offset = target->value + (uint32_t)insn->imm, ignored;

	if (walk->kernel->settings == REACH_SETTINGS_UNKNOWN || offset > INT32_MAX ||
	    !bpf_object_read_constant(walk->object->object, target->elf_section, offset, 1,
				      &ignored))
		return (struct reach_value){ 0 };
	return reach_data(target->elf_section, (uint32_t)offset);
}

/* A 16-byte load: a constant, or the address of something; of a function, which
 * then may be called from anywhere, with anything. */
static int step_wide_load(struct frame *frame, uint32_t at, const struct bpf_insn *insn,
			  struct reach_state *state)
{
	static const struct reach_value unknown[5];
	const struct bpf_object_target *target = bpf_object_find_target(frame->code->section, at);
	struct reach_value ignored;
	int32_t callee;

	if (insn->dst_reg > BPF_REG_10)
		return 0;
	state->registers[insn->dst_reg] = (struct reach_value){ 0 };
	if (target)
		state->registers[insn->dst_reg] =
			target->elf_section ? data_address(frame->walk, target, insn)
					    : extern_address(frame->walk, target);
	if (target || insn->src_reg == BPF_PSEUDO_FUNC) {
		callee = find_callee(frame, at);
		return callee < 0 ? 0 : follow_function(frame->walk, callee, unknown, &ignored);
	}
	if (!insn->src_reg && !frame->code->notes[at].is_vague)
		state->registers[insn->dst_reg] = (struct reach_value){
			.kind = REACH_CONSTANT,
			.bits = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32,
		};
	return 0;
}

/* --- loads from elsewhere than the stack -------------------------------------------------------- */

static uint32_t load_size(const struct bpf_insn *insn)
{
	static const uint8_t sizes[] = { 4, 2, 1, 8 }; /* BPF_W, BPF_H, BPF_B, BPF_DW */

	return sizes[BPF_SIZE(insn->code) >> 3];
}

/* What lies in constants or in .kconfig. */
static struct reach_value read_data(const struct walk *walk, struct reach_value base,
				    const struct bpf_insn *insn)
{
	uint32_t elf_section = (uint32_t)(base.bits >> 32);
	int64_t offset = (int64_t)(uint32_t)base.bits + insn->off;
	struct reach_value value = { .kind = REACH_CONSTANT };

	if (!elf_section)
		return read_setting(walk, offset, load_size(insn));
	if (offset < 0 || !bpf_object_read_constant(walk->object->object, elf_section,
						    (uint64_t)offset, load_size(insn), &value.bits))
		return (struct reach_value){ 0 };
	return value;
}

/* A load from the program's argument, beyond what it has: the path ends. */
static bool is_beyond_context(struct frame *frame, uint32_t at, struct reach_value base,
			      const struct bpf_insn *insn)
{
	const struct walk *walk = frame->walk;
	uint32_t size = walk->kernel->context_sizes
				? walk->kernel->context_sizes[walk->program]
				: 0;
	int64_t offset = (int64_t)base.bits + insn->off;

	if (base.kind != REACH_CONTEXT || !size || offset < (int64_t)size)
		return false;
	note_stop(frame, (struct reach_stop){ REACH_STOP_ARGUMENT, (uint32_t)(offset / 8) }, at);
	return true;
}

static bool is_load(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_LDX && BPF_MODE(insn->code) == BPF_MEM &&
	       insn->dst_reg < BPF_REG_10 && insn->src_reg <= BPF_REG_10;
}

/* Any instruction that goes on with the next one. 0: the path ends here. */
static int step_plain(struct frame *frame, uint32_t at, const struct bpf_insn *insn, bool is_vague,
		      struct reach_state *state)
{
	struct reach_value base = { 0 };

	if (is_load(insn) && !is_vague)
		base = state->registers[insn->src_reg];
	if (is_beyond_context(frame, at, base, insn))
		return 0;
	reach_state_step(state, insn, is_vague);
	if (base.kind == REACH_DATA)
		state->registers[insn->dst_reg] = read_data(frame->walk, base, insn);
	return 1;
}

/* --- one function ------------------------------------------------------------------------------- */

static bool is_jump(const struct bpf_insn *insn)
{
	unsigned int class_ = BPF_CLASS(insn->code), op = BPF_OP(insn->code);

	return (class_ == BPF_JMP || class_ == BPF_JMP32) && op != BPF_CALL && op != BPF_EXIT;
}

static bool is_always(const struct bpf_insn *insn)
{
	return BPF_OP(insn->code) == BPF_JA;
}

static int64_t jump_target(uint32_t at, const struct bpf_insn *insn)
{
	bool is_long = insn->code == (BPF_JMP32 | BPF_JA);

	return (int64_t)at + 1 + (is_long ? insn->imm : insn->off);
}

static bool is_inside(const struct frame *frame, int64_t instruction)
{
	return instruction >= frame->function->first &&
	       instruction - frame->function->first < frame->function->count;
}

static void mark_reached(struct frame *frame, int32_t use)
{
	struct reach *reach = frame->walk->reach;
	int32_t program = frame->walk->program;

	if (reach->reached_by[use] < 0)
		reach->reached_by[use] = program;
	if (reach->rejected_at[program] < 0 || use < reach->rejected_at[program])
		reach->rejected_at[program] = use;
}

static void return_value(struct frame *frame, struct reach_value value)
{
	if (value.kind != REACH_CONSTANT && value.kind != REACH_SETTING)
		value = (struct reach_value){ 0 };
	frame->returned = frame->has_returned ? reach_value_merge(frame->returned, value) : value;
	frame->has_returned = true;
}

/* Both ways of a branch, or the one that is taken. @next is set to where this path
 * goes on; the other is pushed. */
static int step_branch(struct frame *frame, uint32_t at, const struct bpf_insn *insn,
		       struct reach_state *state, int64_t *next)
{
	int64_t target = jump_target(at, insn);
	struct reach_state taken;
	int both;

	if (is_always(insn)) {
		*next = target;
		return 0;
	}
	if (frame->walk->kernel->settings != REACH_SETTINGS_UNKNOWN &&
	    reach_state_is_setting(state, insn)) {
		bool is_taken = frame->walk->kernel->settings == REACH_SETTINGS_TAKEN;

		*next = is_taken ? target : (int64_t)at + 1;
		return 0;
	}
	both = reach_state_branch(state, insn, frame->code->notes[at].is_vague, &taken);
	if (both != REACH_BRANCH_BOTH) {
		*next = both == REACH_BRANCH_TAKEN ? target : (int64_t)at + 1;
		return 0;
	}
	*next = (int64_t)at + 1;
	return is_inside(frame, target) ? push_path(frame, (uint32_t)target, &taken) : 0;
}

/* Follow one path until it ends, or meets what has been seen. */
static int follow_path(struct frame *frame, uint32_t start, struct reach_state *state)
{
	int64_t next = start;

	while (is_inside(frame, next)) {
		uint32_t at = (uint32_t)next, index = at - frame->function->first;
		const struct bpf_insn *insn = &frame->code->instructions[at];
		const struct reach_note *note = &frame->code->notes[at];
		int error = 0, is_new;

		if (frame->is_head[index]) {
			is_new = enter_head(&frame->heads[index], state);
			if (is_new <= 0)
				return is_new;
		}
		if (++frame->walk->work > WORK_MAXIMUM)
			return 0;
		if (note->poisoned_by >= 0) {
			mark_reached(frame, note->poisoned_by);
			return 0;
		}
		if (is_stop(frame, at))
			return 0;
		next = (int64_t)at + 1;
		if (insn->code == (BPF_LD | BPF_IMM | BPF_DW)) {
			if (!is_inside(frame, next))
				return 0;
			next++;
			error = step_wide_load(frame, at, insn, state);
		} else if (insn->code == (BPF_JMP | BPF_EXIT)) {
			return_value(frame, state->registers[0]);
			return 0;
		} else if (insn->code == (BPF_JMP | BPF_CALL)) {
			error = step_call(frame, at, insn, state);
		} else if (is_jump(insn)) {
			error = step_branch(frame, at, insn, state, &next);
		} else if (!step_plain(frame, at, insn, note->is_vague, state)) {
			return 0;
		}
		if (error)
			return error;
	}
	return 0;
}

static int find_heads(struct frame *frame)
{
	const struct bpf_object_function *f = frame->function;

	frame->heads = calloc(f->count, sizeof(*frame->heads));
	frame->is_head = calloc(f->count, 1);
	if (!frame->heads || !frame->is_head)
		return -ENOMEM;
	for (uint32_t i = 0; i < f->count; i++) {
		const struct bpf_insn *insn = &frame->code->instructions[f->first + i];
		int64_t target = jump_target(f->first + i, insn);

		if (is_jump(insn) && is_inside(frame, target))
			frame->is_head[target - f->first] = 1;
	}
	return 0;
}

static void deinit_frame(struct frame *frame)
{
	uint32_t ignored;
	struct reach_state state;

	while (pop_path(frame, &ignored, &state))
		;
	for (uint32_t i = 0; frame->heads && i < frame->function->count; i++)
		for (uint32_t j = 0; j < frame->heads[i].count; j++)
			free(frame->heads[i].states[j]);
	free(frame->heads);
	free(frame->is_head);
	buf_deinit(&frame->paths);
}

static int follow_frame(struct walk *walk, const struct bpf_object_function *function,
			const struct reach_value arguments[5], struct reach_value *ret)
{
	CLEANUP(deinit_frame)
	struct frame frame = { .walk = walk,
			       .code = &walk->codes[function->section],
			       .function = function,
			       .paths = BUF_INIT(SIZE_MAX) };
	struct reach_state state;
	uint32_t at = function->first;
	int error = find_heads(&frame);

	reach_state_init(&state);
	memcpy(&state.registers[1], arguments, 5 * sizeof(*arguments));
	if (!error)
		error = follow_path(&frame, at, &state);
	while (!error && walk->work <= WORK_MAXIMUM && pop_path(&frame, &at, &state))
		error = follow_path(&frame, at, &state);
	*ret = frame.returned;
	return error;
}

/* The context for a call, new or seen; a new one is still to be followed. */
static struct context *find_context(const struct walk *walk, int32_t function,
				    const struct reach_value arguments[5], uint32_t *count_ret)
{
	struct context *contexts = (struct context *)walk->contexts.data;

	*count_ret = 0;
	for (size_t i = 0; i < walk->contexts.size / sizeof(*contexts); i++) {
		if (contexts[i].function != function)
			continue;
		++*count_ret;
		if (!memcmp(contexts[i].arguments, arguments, sizeof(contexts[i].arguments)))
			return &contexts[i];
	}
	return NULL;
}

static int follow_function(struct walk *walk, int32_t function,
			   const struct reach_value arguments[5], struct reach_value *ret)
{
	const struct bpf_object_function *f = &walk->object->object->functions[function];
	struct context context = { .function = function };
	const struct context *seen;
	uint32_t count;
	size_t at;
	int error;

	*ret = (struct reach_value){ 0 };
	if (walk->depth == CALL_DEPTH)
		return 0;
	if (!f->is_global || f->is_program)
		memcpy(context.arguments, arguments, sizeof(context.arguments));
	seen = find_context(walk, function, context.arguments, &count);
	if (!seen && count >= CONTEXTS) {
		memset(context.arguments, 0, sizeof(context.arguments));
		seen = find_context(walk, function, context.arguments, &count);
	}
	if (seen) {
		*ret = seen->returned;
		return 0;
	}
	at = walk->contexts.size;
	error = buf_add(&walk->contexts, &context, sizeof(context));
	if (error)
		return error;
	walk->depth++;
	error = follow_frame(walk, f, context.arguments, ret);
	walk->depth--;
	if (f->is_global)
		*ret = (struct reach_value){ 0 };
	((struct context *)(walk->contexts.data + at))->returned = *ret;
	return error;
}

/* --- one object --------------------------------------------------------------------------------- */

/* Too much to follow: whatever the program might get to, it does. */
static void reach_everything(struct walk *walk)
{
	const struct core_object *object = walk->object;
	const struct bpf_object *o = object->object;

	for (uint32_t i = 0; i < object->use_count; i++) {
		int32_t function = object->uses[i].relo->function;

		if (walk->reach->final[i].state == CORE_VALUE || function < 0 ||
		    (o->functions[function].is_program && function != walk->program))
			continue;
		if (walk->reach->reached_by[i] < 0)
			walk->reach->reached_by[i] = walk->program;
		if (walk->reach->rejected_at[walk->program] < 0)
			walk->reach->rejected_at[walk->program] = (int32_t)i;
	}
}

static bool was_followed(const struct walk *walk, int32_t function)
{
	const struct context *contexts = (const struct context *)walk->contexts.data;

	for (size_t i = 0; i < walk->contexts.size / sizeof(*contexts); i++)
		if (contexts[i].function == function)
			return true;
	return false;
}

static void count_guarded(const struct walk *walk)
{
	struct reach *reach = walk->reach;

	for (uint32_t i = 0; i < walk->object->use_count; i++)
		if (reach->final[i].state == CORE_POISONED &&
		    reach->reached_by[i] != walk->program &&
		    was_followed(walk, walk->object->uses[i].relo->function))
			reach->guarded[walk->program]++;
}

static int follow_program(struct walk *walk, int32_t program)
{
	static const struct reach_value context[5] = { { .kind = REACH_CONTEXT } };
	struct reach_value ignored;
	int error;

	walk->program = program;
	walk->work = walk->depth = 0;
	walk->contexts.size = 0;
	error = follow_function(walk, program, context, &ignored);
	if (!error && walk->work > WORK_MAXIMUM)
		reach_everything(walk);
	if (!error)
		count_guarded(walk);
	return error;
}

static bool has_poison(const struct core_object *object, const struct core_result *final)
{
	for (uint32_t i = 0; i < object->use_count; i++)
		if (final[i].state != CORE_VALUE)
			return true;
	return false;
}

/* All programs, or where nothing else is in question those with few arguments. */
static int follow_programs(const struct core_object *object, const struct reach_code *codes,
			   const struct reach_kernel *kernel, struct reach *reach)
{
	struct walk walk = {
		.object = object,
		.codes = codes,
		.reach = reach,
		.kernel = kernel,
		.contexts = BUF_INIT(SIZE_MAX),
	};
	bool all = has_poison(object, reach->final) || reach_has_stop(object->object, kernel);
	int error = 0;

	for (size_t i = 0; !error && i < object->object->function_count; i++)
		if (object->object->functions[i].is_program &&
		    (all || (kernel->context_sizes && kernel->context_sizes[i])))
			error = follow_program(&walk, (int32_t)i);
	buf_deinit(&walk.contexts);
	return error;
}

static bool alloc_reach(struct reach *reach, size_t uses, size_t functions)
{
	*reach = (struct reach){
		.final = malloc((uses + 1) * sizeof(*reach->final)),
		.reached_by = malloc((uses + 1) * sizeof(*reach->reached_by)),
		.rejected_at = malloc((functions + 1) * sizeof(*reach->rejected_at)),
		.stops = calloc(functions + 1, sizeof(*reach->stops)),
		.guarded = calloc(functions + 1, sizeof(*reach->guarded)),
	};
	if (!reach->final || !reach->reached_by || !reach->rejected_at || !reach->stops ||
	    !reach->guarded)
		return false;
	memset(reach->reached_by, 0xff, uses * sizeof(*reach->reached_by));
	memset(reach->rejected_at, 0xff, functions * sizeof(*reach->rejected_at));
	return true;
}

int reach_init(struct reach *reach, const struct core_object *object,
	       const struct core_result *results, const struct reach_kernel *kernel)
{
	const struct bpf_object *o = object->object;
	struct reach_code *codes = NULL;
	int error = -ENOMEM;

	if (alloc_reach(reach, object->use_count, o->function_count))
		codes = reach_codes_new(object, results, reach->final);
	if (codes)
		error = follow_programs(object, codes, kernel, reach);
	reach_codes_free(codes, o->section_count);
	if (error)
		reach_deinit(reach);
	return error;
}

void reach_deinit(struct reach *reach)
{
	free(reach->final);
	free(reach->reached_by);
	free(reach->rejected_at);
	free(reach->stops);
	free(reach->guarded);
	*reach = (struct reach){ 0 };
}
