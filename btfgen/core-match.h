/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The CO-RE relocation engine: does a type of a kernel satisfy what a relocation
 * asks for, where does the path lead there, what value results, and what becomes
 * of the instruction. The rules are libbpf's, to the letter, because libbpf is
 * what will apply them on the target:
 *
 *   - candidates share kind and essential name (before "___flavour") with the
 *     relocation's root type;
 *   - members are found by name, through anonymous structs and unions; arrays by
 *     index within bounds (a flexible array has none);
 *   - the types met on both sides must be compatible: any two structs or unions,
 *     pointers, floats; integers whatever their size and sign; enums by name;
 *     arrays by their elements;
 *   - when several candidates match, they must all give the same.
 *
 * Functions here know one candidate at a time; core-set.h knows the rest.
 */
#ifndef BTFGEN_CORE_MATCH_H
#define BTFGEN_CORE_MATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/bpf.h>

#include "btfgen/core-relos.h"

/* Does @candidate in @kernel satisfy @path of @local? 1 yes, and @ret says where
 * the path leads there; 0 no; -EINVAL or -E2BIG: libbpf refuses the object. */
int core_match(const struct core_btf *local, const struct core_path *path,
	       enum bpf_core_relo_kind kind, const struct core_btf *kernel, uint32_t candidate,
	       struct core_path *ret);

/* What a relocation of @kind comes to on one side. */
struct core_value {
	uint64_t value;
	uint32_t load_size; /* bytes that a load or store of the field moves; 0: any */
	uint32_t load_type; /* the type those bytes are of */
	bool is_exact;      /* the instruction must hold this before it is relocated */
};

/* Compute it, on either side. Negative: libbpf refuses the object. */
int core_calculate(const struct core_btf *btf, const struct core_spot *spot,
		   enum bpf_core_relo_kind kind, struct core_value *ret);

enum core_state {
	CORE_VALUE,    /* @value goes into the instruction */
	CORE_POISONED, /* there is none: the verifier must not get there */
	CORE_REFUSED,  /* libbpf refuses the whole object, whatever is reachable */
};

/* What becomes of a relocation on one kernel. */
struct core_result {
	uint64_t value;
	uint32_t root;      /* id of the type that matched; 0: none did, or nobody asked */
	uint32_t load_size; /* in the kernel; 0: any */
	uint8_t state;      /* enum core_state */
	uint8_t why;        /* enum core_why, when not CORE_VALUE */
	bool is_misfit;     /* a load or store of the field cannot be adjusted to its size */
};

enum core_why {
	CORE_WHY_NONE,
	CORE_WHY_NO_TYPE,     /* the kernel has no type of that name and kind */
	CORE_WHY_NO_MATCH,    /* it has, but not such a member, element or enumerator */
	CORE_WHY_AMBIGUOUS,   /* several types match and disagree */
	CORE_WHY_ANONYMOUS,   /* the root type has no name to look for */
	CORE_WHY_IMPOSSIBLE,  /* matching or computing failed: sizes or nesting out of reason */
	CORE_WHY_MISFIT,      /* a load or store of another size than the kernel's field */
	CORE_WHY_RANGE,       /* the offset does not fit the instruction */
	CORE_WHY_INSTRUCTION, /* the instruction is not what the compiler would have emitted */
};

/* The result for a candidate that matched: @old is the object's own value. */
struct core_result core_compare(const struct core_btf *local, const struct core_value *old,
				const struct core_btf *kernel, const struct core_value *new_);

/*
 * Relocate @instruction, of a BPF program in host order, as libbpf would: the
 * value goes into its immediate or offset, a load or store takes the kernel's
 * size, a poisoned one becomes a call that the verifier rejects. A 16-byte load
 * has its second half at instruction[1], within @left instructions. Returns what
 * became of the result: a load that does not fit makes it poisoned or refused.
 */
struct core_result core_patch(const struct core_value *old, struct core_result result,
			      struct bpf_insn *instruction, uint32_t left);

#define CORE_POISON_CALL 195896080 /* 0xbad2310, as libbpf writes it */

#endif
