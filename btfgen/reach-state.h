/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is known at one point of a BPF program: of each register, and of the stack
 * slots that hold something known. See reach.h.
 */
#ifndef BTFGEN_REACH_STATE_H
#define BTFGEN_REACH_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/bpf.h>

enum reach_kind {
	REACH_UNKNOWN,  /* anything but an address in this frame */
	REACH_CONSTANT, /* @bits */
	REACH_FRAME,    /* the frame's end plus @bits, which is negative */
	REACH_LOOSE,    /* may be an address in this frame, nobody knows which */
	REACH_CONTEXT,  /* the program's argument plus @bits */
	REACH_DATA,     /* an address in data, see reach_data() */
	REACH_SETTING,  /* not known here, but to the verifier: the same whenever it runs */
};

struct reach_value {
	uint64_t kind; /* enum reach_kind; as wide as @bits, so that there is no padding */
	uint64_t bits; /* 0 when it means nothing */
};

/* An address in an ELF section's data; section 0 is what libbpf makes of .kconfig. */
static inline struct reach_value reach_data(uint32_t elf_section, uint32_t offset)
{
	return (struct reach_value){ .kind = REACH_DATA,
				     .bits = (uint64_t)elf_section << 32 | offset };
}

/* What a store left on the stack. */
struct reach_slot {
	int64_t offset;           /* from the frame's end */
	uint64_t size;            /* bytes */
	struct reach_value value; /* anything that is known */
};

#define REACH_SLOTS 64 /* what does not fit is forgotten */

struct reach_state {
	struct reach_value registers[11];
	uint32_t slot_count;
	struct reach_slot slots[REACH_SLOTS]; /* by offset */
};

/* Nothing known but the frame's address. */
void reach_state_init(struct reach_state *state);

/* A copy that takes no more room than it needs, to be freed; NULL: out of memory.
 * Only reach_state_load(), _covers() and _merge() may read it. */
struct reach_state *reach_state_copy(const struct reach_state *state);
void reach_state_load(struct reach_state *state, const struct reach_state *copy);

/* Whether all that may happen from @state may happen from @general. */
bool reach_state_covers(const struct reach_state *general, const struct reach_state *state);

/* Keep in @state what both say. */
void reach_state_merge(struct reach_state *state, const struct reach_state *other);
struct reach_value reach_value_merge(struct reach_value a, struct reach_value b);

/* Forget the slots that touch [@from, @to). */
void reach_state_forget(struct reach_state *state, int64_t from, int64_t to);

/* One instruction that is no jump, call or 16-byte load. @is_vague: its immediate or
 * offset is not known. */
void reach_state_step(struct reach_state *state, const struct bpf_insn *insn, bool is_vague);

/* Whether a conditional jump hangs on a setting. */
bool reach_state_is_setting(const struct reach_state *state, const struct bpf_insn *insn);

/* A conditional jump: which way, and with BOTH @taken is the state after the jump,
 * while @state goes on without it. */
enum { REACH_BRANCH_BOTH, REACH_BRANCH_TAKEN, REACH_BRANCH_NOT };
int reach_state_branch(struct reach_state *state, const struct bpf_insn *insn, bool is_vague,
		       struct reach_state *taken);

#endif
