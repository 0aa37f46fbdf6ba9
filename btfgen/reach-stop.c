/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "btfgen/reach-stop.h"

enum reach_symbol reach_find_symbol(const struct reach_kernel *kernel,
				    const struct bpf_object_target *target)
{
	if (!target || target->elf_section || !kernel->symbol)
		return REACH_SYMBOL_UNKNOWN;
	return kernel->symbol(target->symbol, kernel->arg);
}

/* libbpf replaces these four, of 5.5, by what was there before. */
static bool has_substitute(uint32_t helper)
{
	return helper >= BPF_FUNC_probe_read_user && helper <= BPF_FUNC_probe_read_kernel_str;
}

/* Helpers that return a pointer to a struct which the verifier knows by BTF. */
static bool is_typed_helper(uint32_t helper)
{
	static const uint8_t numbers[] = { BPF_FUNC_skc_to_tcp6_sock,
					   BPF_FUNC_skc_to_tcp_sock,
					   BPF_FUNC_skc_to_tcp_timewait_sock,
					   BPF_FUNC_skc_to_tcp_request_sock,
					   BPF_FUNC_skc_to_udp6_sock,
					   BPF_FUNC_get_current_task_btf,
					   BPF_FUNC_sock_from_file,
					   BPF_FUNC_skc_to_unix_sock };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i] == helper)
			return true;
	return false;
}

/* Kernels without this helper, of 5.12, know of atomic instructions only the addition
 * that returns nothing. */
#define HELPER_OF_ATOMICS 163

/* What an instruction that the kernel does not know stops a program with. */
static unsigned int stop_of_instruction(const struct bpf_insn *insn, const struct reach_kernel *kernel)
{
	uint32_t helper = (uint32_t)insn->imm;

	if (BPF_CLASS(insn->code) == BPF_STX && BPF_MODE(insn->code) == BPF_ATOMIC && insn->imm)
		return kernel->helpers && kernel->helpers <= HELPER_OF_ATOMICS ? REACH_STOP_ATOMIC
									       : REACH_STOP_NONE;
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg || has_substitute(helper))
		return REACH_STOP_NONE;
	if (kernel->helpers && helper >= kernel->helpers)
		return REACH_STOP_HELPER;
	return kernel->without_btf && is_typed_helper(helper) ? REACH_STOP_TYPED : REACH_STOP_NONE;
}

/* Whether a relocation makes its instruction the address of a function in the object. */
static bool is_function_address(const struct bpf_object *object,
				const struct bpf_object_section *section,
				const struct bpf_object_target *target)
{
	return target &&
	       section->instructions[target->instruction].code == (BPF_LD | BPF_IMM | BPF_DW) &&
	       bpf_object_find_section(object, target->elf_section) >= 0;
}

/* What the relocation of an instruction stops a program with. */
static unsigned int stop_of_target(const struct bpf_object *object,
				   const struct reach_kernel *kernel,
				   const struct bpf_object_section *section,
				   const struct bpf_object_target *target)
{
	if (kernel->without_callbacks && is_function_address(object, section, target))
		return REACH_STOP_CALLBACK;
	if (target && section->instructions[target->instruction].code == (BPF_JMP | BPF_CALL) &&
	    reach_find_symbol(kernel, target) == REACH_SYMBOL_MISSING)
		return REACH_STOP_FUNCTION;
	return REACH_STOP_NONE;
}

static bool may_stop(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_CALL) || insn->code == (BPF_LD | BPF_IMM | BPF_DW) ||
	       BPF_CLASS(insn->code) == BPF_STX;
}

struct reach_stop reach_stop_at(const struct bpf_object *object, const struct reach_kernel *kernel,
				const struct bpf_object_section *section, uint32_t at)
{
	const struct bpf_insn *insn = &section->instructions[at];
	const struct bpf_object_target *target;
	struct reach_stop stop = { .kind = REACH_STOP_NONE };

	if (!may_stop(insn))
		return stop;
	target = bpf_object_find_target(section, at);
	if (!target)
		return (struct reach_stop){ .kind = stop_of_instruction(insn, kernel),
					    .number = (uint32_t)insn->imm };
	stop.kind = stop_of_target(object, kernel, section, target);
	if (stop.kind == REACH_STOP_FUNCTION)
		stop.name = target->symbol;
	return stop;
}

bool reach_has_stop(const struct bpf_object *object, const struct reach_kernel *kernel)
{
	for (size_t i = 0; i < object->section_count; i++) {
		const struct bpf_object_section *section = &object->sections[i];

		for (uint32_t j = 0; j < section->count; j++)
			if (stop_of_instruction(&section->instructions[j], kernel))
				return true;
		for (size_t j = 0; j < section->target_count; j++)
			if (stop_of_target(object, kernel, section, &section->targets[j]))
				return true;
	}
	return false;
}
