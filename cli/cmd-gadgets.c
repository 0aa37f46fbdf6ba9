/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack gadgets: what is bundled, one line each. */
#include <string.h>

#include "cli/cmd.h"
#include "cli/output.h"
#include "gadget-runner/gadget-spec.h"
#include "gadget-runner/gadget-store.h"

static json_t *describe_fields(const struct gadget_fields *fields)
{
	json_t *list = json_array();

	for (size_t i = 0; i < fields->count; i++) {
		const struct gadget_field *f = &fields->items[i];
		char letter[2] = { f->short_name };

		json_array_append_new(list, output_object("ssss", "name", f->name,
						      "short", *letter ? letter : NULL, "doc",
						      f->doc, "default", f->default_text));
	}
	return list;
}

static void describe(const struct gadget_spec *spec)
{
	const struct gadget_fields *columns = spec->has_histogram ? &spec->keys : &spec->columns;

	if (cmd_common.json)
		output_json(output_object("ssoo", "name", spec->name, "doc", spec->doc,
				      "options", describe_fields(&spec->options), "columns",
				      describe_fields(columns)));
	else
		printf("%-12s %s\n", spec->name, spec->doc);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);

	if (cmd_next_option(&parser) == CMD_OPTIONS_EXIT)
		return parser.status;
	if (parser.operand < argc)
		return cmd_usage(cmd, "takes no arguments, but got '%s'", argv[parser.operand]);
	for (size_t i = 0; gadget_store_name(i); i++) {
		const char *name = gadget_store_name(i);
		AUTO_BLOB struct btfpack_blob object = { 0 };
		AUTO_GADGET_SPEC struct gadget_spec spec = { 0 };
		struct btfpack_error err;

		if (gadget_store_find(name, &object, &err) < 0 ||
		    gadget_spec_init(&spec, object.data, object.size, name, NULL, &err) < 0)
			return cmd_fail(&err);
		describe(&spec);
	}
	return CMD_OK;
}

const struct cmd cmd_gadgets = {
	.name = "gadgets",
	.summary = "list the bundled gadgets, one line each",
	.arguments = "",
	.run = run,
};
