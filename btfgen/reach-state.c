/* SPDX-License-Identifier: BSD-2-Clause */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "btfgen/reach-state.h"

static const struct reach_value unknown;
static const struct reach_value loose = { .kind = REACH_LOOSE };
static const struct reach_value setting = { .kind = REACH_SETTING };

static struct reach_value constant(uint64_t bits)
{
	return (struct reach_value){ .kind = REACH_CONSTANT, .bits = bits };
}

static bool is_same(struct reach_value a, struct reach_value b)
{
	return a.kind == b.kind && a.bits == b.bits;
}

static bool is_setting(struct reach_value v)
{
	return v.kind == REACH_SETTING;
}

static bool may_be_frame(struct reach_value v)
{
	return v.kind == REACH_FRAME || v.kind == REACH_LOOSE;
}

void reach_state_init(struct reach_state *state)
{
	memset(state->registers, 0, sizeof(state->registers));
	state->registers[BPF_REG_10].kind = REACH_FRAME;
	state->slot_count = 0;
}

static size_t used_size(const struct reach_state *state)
{
	return offsetof(struct reach_state, slots) + state->slot_count * sizeof(*state->slots);
}

struct reach_state *reach_state_copy(const struct reach_state *state)
{
	struct reach_state *copy = malloc(used_size(state));

	if (copy)
		memcpy(copy, state, used_size(state));
	return copy;
}

void reach_state_load(struct reach_state *state, const struct reach_state *copy)
{
	memcpy(state, copy, used_size(copy));
}

struct reach_value reach_value_merge(struct reach_value a, struct reach_value b)
{
	if (is_same(a, b))
		return a;
	if (may_be_frame(a) || may_be_frame(b))
		return loose;
	return is_setting(a) || is_setting(b) ? setting : unknown;
}

static const struct reach_slot *find_slot(const struct reach_state *state, int64_t offset,
					  uint64_t size)
{
	for (uint32_t i = 0; i < state->slot_count; i++)
		if (state->slots[i].offset == offset && state->slots[i].size == size)
			return &state->slots[i];
	return NULL;
}

bool reach_state_covers(const struct reach_state *general, const struct reach_state *state)
{
	for (int i = 0; i < 11; i++)
		if (!is_same(reach_value_merge(general->registers[i], state->registers[i]),
			     general->registers[i]))
			return false;
	for (uint32_t i = 0; i < general->slot_count; i++) {
		const struct reach_slot *slot = &general->slots[i];
		const struct reach_slot *there = find_slot(state, slot->offset, slot->size);

		if (!there || !is_same(there->value, slot->value))
			return false;
	}
	return true;
}

void reach_state_merge(struct reach_state *state, const struct reach_state *other)
{
	uint32_t kept = 0;

	for (int i = 0; i < 11; i++)
		state->registers[i] = reach_value_merge(state->registers[i], other->registers[i]);
	for (uint32_t i = 0; i < state->slot_count; i++) {
		const struct reach_slot *slot = &state->slots[i];
		const struct reach_slot *there = find_slot(other, slot->offset, slot->size);

		if (there && is_same(there->value, slot->value))
			state->slots[kept++] = *slot;
	}
	state->slot_count = kept;
}

void reach_state_forget(struct reach_state *state, int64_t from, int64_t to)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < state->slot_count; i++) {
		const struct reach_slot *slot = &state->slots[i];

		if (slot->offset + (int64_t)slot->size <= from || slot->offset >= to)
			state->slots[kept++] = *slot;
	}
	state->slot_count = kept;
}

static uint64_t access_size(const struct bpf_insn *insn)
{
	switch (BPF_SIZE(insn->code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static uint64_t cut(uint64_t bits, uint64_t size)
{
	return size == 8 ? bits : bits & ((UINT64_C(1) << (size * 8)) - 1);
}

/* --- memory ------------------------------------------------------------------------------------- */

/* Offsets stay far from overflow: a frame has 512 bytes. */
static bool in_frame(struct reach_value base)
{
	int64_t offset = (int64_t)base.bits;

	return base.kind == REACH_FRAME && offset > -65536 && offset < 65536;
}

static void step_load(struct reach_state *state, const struct bpf_insn *insn, bool is_vague)
{
	struct reach_value base = state->registers[insn->src_reg];
	const struct reach_slot *slot = NULL;

	if (in_frame(base) && !is_vague && BPF_MODE(insn->code) == BPF_MEM)
		slot = find_slot(state, (int64_t)base.bits + insn->off, access_size(insn));
	state->registers[insn->dst_reg] = slot ? slot->value : unknown;
}

static void store(struct reach_state *state, const struct bpf_insn *insn, bool is_vague,
		  struct reach_value value)
{
	struct reach_value base = state->registers[insn->dst_reg];
	uint64_t size = access_size(insn);
	int64_t offset = (int64_t)base.bits + insn->off;

	if (!may_be_frame(base))
		return;
	if (!in_frame(base) || is_vague) {
		reach_state_forget(state, INT64_MIN, INT64_MAX);
		return;
	}
	reach_state_forget(state, offset, offset + (int64_t)size);
	if (value.kind == REACH_CONSTANT)
		value.bits = cut(value.bits, size);
	else if (!is_setting(value) &&
		 (size != 8 || value.kind == REACH_UNKNOWN || value.kind == REACH_LOOSE))
		return;
	if (state->slot_count < REACH_SLOTS)
		state->slots[state->slot_count++] =
			(struct reach_slot){ .offset = offset, .size = size, .value = value };
}

static void step_atomic(struct reach_state *state, const struct bpf_insn *insn, bool is_vague)
{
	store(state, insn, is_vague, unknown);
	if (insn->imm == BPF_CMPXCHG)
		state->registers[BPF_REG_0] = unknown;
	else if (insn->imm & BPF_FETCH)
		state->registers[insn->src_reg] = unknown;
}

/* --- arithmetic --------------------------------------------------------------------------------- */

static struct reach_value source(const struct reach_state *state, const struct bpf_insn *insn,
				 bool is_vague)
{
	if (BPF_SRC(insn->code) == BPF_X)
		return state->registers[insn->src_reg];
	return is_vague ? unknown : constant((uint64_t)(int64_t)insn->imm);
}

/* A move may extend the sign of its lower @off bits. */
static uint64_t extend(uint64_t bits, int16_t off)
{
	switch (off) {
	case 8:
		return (uint64_t)(int64_t)(int8_t)bits;
	case 16:
		return (uint64_t)(int64_t)(int16_t)bits;
	case 32:
		return (uint64_t)(int64_t)(int32_t)bits;
	default:
		return bits;
	}
}

/* Division, modulus and byte swaps are left out: the verifier folds none of them. */
static bool fold(unsigned int op, bool wide, uint64_t a, uint64_t b, uint64_t *ret)
{
	unsigned int mask = wide ? 63 : 31;

	switch (op) {
	case BPF_ADD:
		*ret = a + b;
		return true;
	case BPF_SUB:
		*ret = a - b;
		return true;
	case BPF_MUL:
		*ret = a * b;
		return true;
	case BPF_OR:
		*ret = a | b;
		return true;
	case BPF_AND:
		*ret = a & b;
		return true;
	case BPF_XOR:
		*ret = a ^ b;
		return true;
	case BPF_LSH:
		*ret = a << (b & mask);
		return true;
	case BPF_RSH:
		*ret = (wide ? a : (uint32_t)a) >> (b & mask);
		return true;
	case BPF_ARSH:
		*ret = wide ? (uint64_t)((int64_t)a >> (b & mask))
			    : (uint64_t)((int32_t)a >> (b & mask));
		return true;
	case BPF_NEG:
		*ret = -a;
		return true;
	default:
		return false;
	}
}

static struct reach_value move(const struct bpf_insn *insn, bool wide, struct reach_value value)
{
	if (value.kind == REACH_CONSTANT)
		return constant(cut(extend(value.bits, insn->off), wide ? 8 : 4));
	if (!wide || insn->off)
		return is_setting(value) ? setting : unknown;
	return value;
}

/* The stack's address and a number; the result of anything else with it is loose. */
static struct reach_value move_in_frame(unsigned int op, struct reach_value a, struct reach_value b)
{
	if (op == BPF_ADD && a.kind == REACH_FRAME && b.kind == REACH_CONSTANT)
		return (struct reach_value){ .kind = REACH_FRAME, .bits = a.bits + b.bits };
	if (op == BPF_ADD && b.kind == REACH_FRAME && a.kind == REACH_CONSTANT)
		return (struct reach_value){ .kind = REACH_FRAME, .bits = a.bits + b.bits };
	if (op == BPF_SUB && a.kind == REACH_FRAME && b.kind == REACH_CONSTANT)
		return (struct reach_value){ .kind = REACH_FRAME, .bits = a.bits - b.bits };
	return loose;
}

/* An address other than the stack's, and a number. */
static bool move_elsewhere(unsigned int op, bool wide, struct reach_value a, struct reach_value b,
			   struct reach_value *ret)
{
	uint64_t base = a.kind == REACH_DATA ? (uint32_t)a.bits : a.bits, moved;

	if (!wide || (a.kind != REACH_CONTEXT && a.kind != REACH_DATA) ||
	    b.kind != REACH_CONSTANT || (op != BPF_ADD && op != BPF_SUB))
		return false;
	moved = op == BPF_ADD ? base + b.bits : base - b.bits;
	if (moved > INT32_MAX)
		return false;
	*ret = (struct reach_value){ .kind = a.kind, .bits = a.bits - base + moved };
	return true;
}

static void step_arithmetic(struct reach_state *state, const struct bpf_insn *insn, bool is_vague)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	unsigned int op = BPF_OP(insn->code);
	struct reach_value *dst = &state->registers[insn->dst_reg];
	struct reach_value src = source(state, insn, is_vague);
	uint64_t bits;

	if (op == BPF_MOV) {
		*dst = move(insn, wide, src);
	} else if (wide && (may_be_frame(*dst) || may_be_frame(src))) {
		*dst = move_in_frame(op, *dst, src);
	} else if (op == BPF_AND && src.kind == REACH_CONSTANT && !cut(src.bits, wide ? 8 : 4)) {
		*dst = constant(0);
	} else if (dst->kind == REACH_CONSTANT && (op == BPF_NEG || src.kind == REACH_CONSTANT) &&
		   fold(op, wide, dst->bits, src.bits, &bits)) {
		*dst = constant(cut(bits, wide ? 8 : 4));
	} else if (!move_elsewhere(op, wide, *dst, src, dst)) {
		*dst = is_setting(*dst) || is_setting(src) ? setting : unknown;
	}
}

void reach_state_step(struct reach_state *state, const struct bpf_insn *insn, bool is_vague)
{
	if (insn->dst_reg > BPF_REG_10 || insn->src_reg > BPF_REG_10)
		return; /* no such register: the verifier stops here, whatever we say */
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		step_arithmetic(state, insn, is_vague);
		return;
	case BPF_LDX:
		step_load(state, insn, is_vague);
		return;
	case BPF_ST:
		store(state, insn, is_vague, constant((uint64_t)(int64_t)insn->imm));
		return;
	case BPF_STX:
		if (BPF_MODE(insn->code) == BPF_MEM)
			store(state, insn, is_vague, state->registers[insn->src_reg]);
		else
			step_atomic(state, insn, is_vague);
		return;
	default: /* BPF_LD: packet bytes into r0, others clobbered */
		for (int i = 0; i <= 5; i++)
			state->registers[i] = unknown;
		return;
	}
}

/* --- branches ----------------------------------------------------------------------------------- */

static bool compare(unsigned int op, uint64_t a, uint64_t b, int64_t sa, int64_t sb)
{
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSGT:
		return sa > sb;
	case BPF_JSGE:
		return sa >= sb;
	case BPF_JSLT:
		return sa < sb;
	case BPF_JSLE:
		return sa <= sb;
	default:
		return a & b; /* BPF_JSET */
	}
}

static bool is_comparison(unsigned int op)
{
	return op >= BPF_JEQ && op <= BPF_JSLE && op != BPF_CALL && op != BPF_EXIT;
}

bool reach_state_is_setting(const struct reach_state *state, const struct bpf_insn *insn)
{
	if (insn->dst_reg > BPF_REG_10 || insn->src_reg > BPF_REG_10)
		return false;
	return is_setting(state->registers[insn->dst_reg]) ||
	       (BPF_SRC(insn->code) == BPF_X && is_setting(state->registers[insn->src_reg]));
}

int reach_state_branch(struct reach_state *state, const struct bpf_insn *insn, bool is_vague,
		       struct reach_state *taken)
{
	bool wide = BPF_CLASS(insn->code) == BPF_JMP;
	unsigned int op = BPF_OP(insn->code);
	struct reach_value a = unknown, b = unknown;

	if (insn->dst_reg <= BPF_REG_10 && insn->src_reg <= BPF_REG_10 && is_comparison(op)) {
		a = state->registers[insn->dst_reg];
		b = source(state, insn, is_vague);
	}
	if (a.kind == REACH_CONSTANT && b.kind == REACH_CONSTANT) {
		uint64_t ua = cut(a.bits, wide ? 8 : 4), ub = cut(b.bits, wide ? 8 : 4);
		bool is_true = compare(op, ua, ub, wide ? (int64_t)ua : (int32_t)ua,
				       wide ? (int64_t)ub : (int32_t)ub);

		return is_true ? REACH_BRANCH_TAKEN : REACH_BRANCH_NOT;
	}
	reach_state_load(taken, state);
	/* What equals a constant is known from there on. */
	if (wide && a.kind == REACH_UNKNOWN && b.kind == REACH_CONSTANT && op == BPF_JEQ)
		taken->registers[insn->dst_reg] = b;
	if (wide && a.kind == REACH_UNKNOWN && b.kind == REACH_CONSTANT && op == BPF_JNE)
		state->registers[insn->dst_reg] = b;
	return REACH_BRANCH_BOTH;
}
