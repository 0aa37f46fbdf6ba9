/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/reach-state.h"
#include "btfgen/reach.h"

#define CALL_DEPTH   8         /* the kernel's limit too */
#define CONTEXTS     16        /* of one function; then its arguments are unknown */
#define WORK_MAXIMUM (1 << 22) /* instructions a program; beyond, all is reachable */

/* What relocations made of an instruction. */
struct note {
	int32_t poisoned_by; /* use, -1: none */
	bool is_vague;       /* its immediate or offset is to be taken as unknown */
};

struct code {
	const struct bpf_object_section *section;
	struct bpf_insn *instructions; /* relocated */
	struct note *notes;
};

/* A function followed with certain arguments, and what it returned. */
struct context {
	int32_t function;
	struct reach_value arguments[5];
	struct reach_value returned;
};

/* One program being followed. */
struct walk {
	const struct core_object *object;
	const struct code *codes; /* by section */
	struct reach *reach;
	uint32_t helpers;
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
	const struct code *code;
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

/* The function that a call or a function's address refers to, -1: not in here. */
static int32_t find_callee(const struct frame *frame, uint32_t at, const struct bpf_insn *insn)
{
	const struct bpf_object *object = frame->walk->object->object;
	const struct bpf_object_target *target = bpf_object_find_target(frame->code->section, at);
	int64_t instruction = (int64_t)at + insn->imm + 1;
	int32_t section = (int32_t)(frame->code - frame->walk->codes);

	if (target) {
		bool is_call = insn->code == (BPF_JMP | BPF_CALL);

		section = bpf_object_find_section(object, target->elf_section);
		/* A call counts instructions from the one after it, an address bytes. */
		instruction = (int64_t)(target->value / sizeof(*insn)) +
			      (is_call ? insn->imm + 1 : insn->imm / (int32_t)sizeof(*insn));
	}
	if (section < 0 || instruction < 0 || instruction > UINT32_MAX)
		return -1;
	return bpf_object_find_function(object, (uint32_t)section, (uint32_t)instruction);
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

/* libbpf replaces these four, of 5.5, by what was there before. */
static bool has_substitute(uint32_t helper)
{
	return helper >= BPF_FUNC_probe_read_user && helper <= BPF_FUNC_probe_read_kernel_str;
}

/* A call of a helper that the kernel does not know; noted, as the path ends there. */
static bool is_missing_helper(struct frame *frame, uint32_t at, const struct bpf_insn *insn)
{
	struct walk *walk = frame->walk;
	uint32_t helper = (uint32_t)insn->imm;
	struct reach_call *missing = &walk->reach->missing[walk->program];

	if (!walk->helpers || insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg ||
	    helper < walk->helpers || has_substitute(helper))
		return false;
	if (!missing->helper)
		*missing = (struct reach_call){ .helper = helper,
						.section = frame->function->section,
						.instruction = at };
	return true;
}

static int step_call(struct frame *frame, uint32_t at, const struct bpf_insn *insn,
		     struct reach_state *state)
{
	struct reach_value arguments[5], returned = { 0 };
	int32_t callee = -1;
	int error = 0;

	if (insn->src_reg == BPF_PSEUDO_CALL)
		callee = find_callee(frame, at, insn);
	for (int i = 0; i < 5; i++) { /* addresses of this frame mean nothing in another */
		arguments[i] = state->registers[i + 1];
		if (arguments[i].kind != REACH_CONSTANT)
			arguments[i] = (struct reach_value){ 0 };
	}
	if (callee >= 0)
		error = follow_function(frame->walk, callee, arguments, &returned);
	forget_arguments(state);
	state->registers[0] = returned;
	return error;
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
	if (target || insn->src_reg == BPF_PSEUDO_FUNC) {
		callee = find_callee(frame, at, insn);
		return callee < 0 ? 0 : follow_function(frame->walk, callee, unknown, &ignored);
	}
	if (!insn->src_reg && !frame->code->notes[at].is_vague)
		state->registers[insn->dst_reg] = (struct reach_value){
			.kind = REACH_CONSTANT,
			.bits = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32,
		};
	return 0;
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
	if (value.kind != REACH_CONSTANT)
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
		const struct note *note = &frame->code->notes[at];
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
		if (is_missing_helper(frame, at, insn))
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
		} else {
			reach_state_step(state, insn, note->is_vague);
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
	if (!f->is_global)
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
	static const struct reach_value unknown[5];
	struct reach_value ignored;
	int error;

	walk->program = program;
	walk->work = walk->depth = 0;
	walk->contexts.size = 0;
	error = follow_function(walk, program, unknown, &ignored);
	if (!error && walk->work > WORK_MAXIMUM)
		reach_everything(walk);
	if (!error)
		count_guarded(walk);
	return error;
}

static void free_codes(struct code *codes, size_t count)
{
	for (size_t i = 0; codes && i < count; i++) {
		free(codes[i].instructions);
		free(codes[i].notes);
	}
	free(codes);
}

static struct code *copy_codes(const struct bpf_object *object)
{
	struct code *codes = calloc(object->section_count + 1, sizeof(*codes));

	for (size_t i = 0; codes && i < object->section_count; i++) {
		const struct bpf_object_section *section = &object->sections[i];

		codes[i].section = section;
		codes[i].instructions = malloc((section->count + 1) * sizeof(struct bpf_insn));
		codes[i].notes = malloc((section->count + 1) * sizeof(struct note));
		if (!codes[i].instructions || !codes[i].notes) {
			free_codes(codes, object->section_count);
			return NULL;
		}
		memcpy(codes[i].instructions, section->instructions,
		       section->count * sizeof(struct bpf_insn));
		for (uint32_t j = 0; j < section->count; j++)
			codes[i].notes[j] = (struct note){ .poisoned_by = -1 };
	}
	return codes;
}

/* Put the relocated instructions in their places. */
static void patch_codes(const struct core_object *object, const struct core_result *results,
			struct code *codes, struct core_result *final)
{
	for (uint32_t i = 0; i < object->use_count; i++) {
		const struct core_use *use = &object->uses[i];
		struct code *code = &codes[use->relo->section];
		uint32_t at = use->relo->instruction;
		struct note *note = &code->notes[at];
		struct bpf_insn patched[2];

		final[i] = core_use_patch(object, use, &results[i], patched);
		code->instructions[at] = patched[0];
		if (patched[0].code == (BPF_LD | BPF_IMM | BPF_DW))
			code->instructions[at + 1] = patched[1];
		if (final[i].state != CORE_VALUE)
			note->poisoned_by = (int32_t)i;
		note->is_vague = use->relo->kind == BPF_CORE_FIELD_BYTE_OFFSET;
	}
}

static bool has_poison(const struct core_object *object, const struct core_result *final)
{
	for (uint32_t i = 0; i < object->use_count; i++)
		if (final[i].state != CORE_VALUE)
			return true;
	return false;
}

static bool has_new_helper(const struct bpf_object *object, uint32_t helpers)
{
	for (size_t i = 0; helpers && i < object->section_count; i++) {
		const struct bpf_object_section *section = &object->sections[i];

		for (uint32_t j = 0; j < section->count; j++)
			if (section->instructions[j].code == (BPF_JMP | BPF_CALL) &&
			    !section->instructions[j].src_reg &&
			    (uint32_t)section->instructions[j].imm >= helpers)
				return true;
	}
	return false;
}

static int follow_programs(const struct core_object *object, const struct code *codes,
			   uint32_t helpers, struct reach *reach)
{
	struct walk walk = {
		.object = object,
		.codes = codes,
		.reach = reach,
		.helpers = helpers,
		.contexts = BUF_INIT(SIZE_MAX),
	};
	int error = 0;

	for (size_t i = 0; !error && i < object->object->function_count; i++)
		if (object->object->functions[i].is_program)
			error = follow_program(&walk, (int32_t)i);
	buf_deinit(&walk.contexts);
	return error;
}

int reach_init(struct reach *reach, const struct core_object *object,
	       const struct core_result *results, uint32_t helpers)
{
	const struct bpf_object *o = object->object;
	struct code *codes = copy_codes(o);
	int error = 0;

	*reach = (struct reach){
		.final = malloc((object->use_count + 1) * sizeof(*reach->final)),
		.reached_by = malloc((object->use_count + 1) * sizeof(*reach->reached_by)),
		.rejected_at = malloc((o->function_count + 1) * sizeof(*reach->rejected_at)),
		.missing = calloc(o->function_count + 1, sizeof(*reach->missing)),
		.guarded = calloc(o->function_count + 1, sizeof(*reach->guarded)),
	};
	if (!codes || !reach->final || !reach->reached_by || !reach->rejected_at ||
	    !reach->missing || !reach->guarded) {
		free_codes(codes, o->section_count);
		reach_deinit(reach);
		return -ENOMEM;
	}
	memset(reach->reached_by, 0xff, object->use_count * sizeof(*reach->reached_by));
	memset(reach->rejected_at, 0xff, o->function_count * sizeof(*reach->rejected_at));
	patch_codes(object, results, codes, reach->final);
	if (has_poison(object, reach->final) || has_new_helper(o, helpers))
		error = follow_programs(object, codes, helpers, reach);
	free_codes(codes, o->section_count);
	if (error)
		reach_deinit(reach);
	return error;
}

void reach_deinit(struct reach *reach)
{
	free(reach->final);
	free(reach->reached_by);
	free(reach->rejected_at);
	free(reach->missing);
	free(reach->guarded);
	*reach = (struct reach){ 0 };
}
