/* SPDX-License-Identifier: BSD-2-Clause */
/* A BPF object from anywhere: its spec is read, an event of its own bytes decoded. */
#include "gadget-runner/event-format.h"
#include "gadget-runner/gadget-options.h"
#include "gadget-runner/gadget-spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(const struct gadget_spec *spec, const uint8_t *data, size_t size)
{
	struct event_format format = { .spec = spec };
	AUTO_BUF struct buf line = BUF_INIT(1 << 16);

	event_format_header(&format, &line);
	line.size = 0;
	event_format_row(&format, data, size, &line);
	line.size = 0;
	event_format_json(&format, data, size, &line);
	line.size = 0;
	if (spec->keys.size <= size)
		event_format_json_key(&format, data, &line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_GADGET_SPEC struct gadget_spec spec = { 0 };
	struct gadget_options options;
	struct btfpack_error err;

	if (gadget_spec_init(&spec, data, size, "fuzz.bpf.o", NULL, &err) < 0)
		return 0;
	decode(&spec, data, size < 512 ? size : 512);
	if (gadget_options_init(&options, &spec, &err) < 0)
		return 0;
	for (size_t i = 0; i < spec.options.count; i++)
		gadget_options_set(&options, &spec.options.items[i], "1,2", &err);
	for (size_t i = 0; i < spec.variables.count; i++)
		gadget_options_set(&options, &spec.variables.items[i], "3", &err);
	gadget_options_deinit(&options);
	return 0;
}
