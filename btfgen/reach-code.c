/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "btfgen/reach-code.h"

void reach_codes_free(struct reach_code *codes, size_t count)
{
	for (size_t i = 0; codes && i < count; i++) {
		free(codes[i].instructions);
		free(codes[i].notes);
	}
	free(codes);
}

static struct reach_code *copy_codes(const struct bpf_object *object)
{
	struct reach_code *codes = calloc(object->section_count + 1, sizeof(*codes));

	for (size_t i = 0; codes && i < object->section_count; i++) {
		const struct bpf_object_section *section = &object->sections[i];

		codes[i].section = section;
		codes[i].instructions = malloc((section->count + 1) * sizeof(struct bpf_insn));
		codes[i].notes = malloc((section->count + 1) * sizeof(struct reach_note));
		if (!codes[i].instructions || !codes[i].notes) {
			reach_codes_free(codes, object->section_count);
			return NULL;
		}
		memcpy(codes[i].instructions, section->instructions,
		       section->count * sizeof(struct bpf_insn));
		for (uint32_t j = 0; j < section->count; j++)
			codes[i].notes[j] = (struct reach_note){ .poisoned_by = -1 };
	}
	return codes;
}

/* Put the relocated instructions in their places. */
static void patch_codes(const struct core_object *object, const struct core_result *results,
			struct reach_code *codes, struct core_result *final)
{
	for (uint32_t i = 0; i < object->use_count; i++) {
		const struct core_use *use = &object->uses[i];
		struct reach_code *code = &codes[use->relo->section];
		uint32_t at = use->relo->instruction;
		struct reach_note *note = &code->notes[at];
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

struct reach_code *reach_codes_new(const struct core_object *object,
				   const struct core_result *results, struct core_result *final)
{
	struct reach_code *codes = copy_codes(object->object);

	if (codes)
		patch_codes(object, results, codes, final);
	return codes;
}
