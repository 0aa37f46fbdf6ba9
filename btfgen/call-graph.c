/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "btfgen/call-graph.h"
#include "core/buf.h"

int32_t call_graph_callee(const struct bpf_object *object, uint32_t section, uint32_t at)
{
	const struct bpf_object_section *s = &object->sections[section];
	const struct bpf_insn *insn = &s->instructions[at];
	bool is_call = insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL;
	bool is_address = insn->code == (BPF_LD | BPF_IMM | BPF_DW);
	const struct bpf_object_target *target;
	int64_t instruction = (int64_t)at + insn->imm + 1;
	int32_t there = (int32_t)section;

	if (!is_call && !is_address)
		return -1;
	target = bpf_object_find_target(s, at);
	if (!target && is_address && insn->src_reg != BPF_PSEUDO_FUNC)
		return -1;
	if (target) {
		there = bpf_object_find_section(object, target->elf_section);
		/* A call counts instructions from the one after it, an address bytes. */
		instruction = (int64_t)(target->value / sizeof(*insn)) +
			      (is_call ? insn->imm + 1 : insn->imm / (int32_t)sizeof(*insn));
	}
	if (there < 0 || instruction < 0 || instruction > UINT32_MAX)
		return -1;
	return bpf_object_find_function(object, (uint32_t)there, (uint32_t)instruction);
}

int call_graph_reach(const struct bpf_object *object, int32_t function, uint8_t *ret)
{
	AUTO_BUF struct buf todo = BUF_INIT(SIZE_MAX);
	int error = buf_add(&todo, &function, sizeof(function));

	memset(ret, 0, object->function_count);
	ret[function] = 1;
	while (!error && todo.size) {
		const struct bpf_object_function *f;

		todo.size -= sizeof(function);
		memcpy(&function, todo.data + todo.size, sizeof(function));
		f = &object->functions[function];
		for (uint32_t i = 0; !error && i < f->count; i++) {
			int32_t callee = call_graph_callee(object, f->section, f->first + i);

			if (callee < 0 || ret[callee])
				continue;
			ret[callee] = 1;
			error = buf_add(&todo, &callee, sizeof(callee));
		}
	}
	return error;
}
