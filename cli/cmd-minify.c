/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack minify: BTF cut to what the CO-RE relocations of BPF objects need. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <btfpack/minify.h>

#include "btfgen/btf-file.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cleanup.h"

enum { OPT_BASE, OPT_KEEP, OPT_KEEP_FUNC, OPT_REPORT, OPT_ALLOW_MISSING, OPT_NO_ENUM64, OPT_OUTPUT };

static const struct cmd_option options[] = {
	[OPT_BASE] = { 0, "base", "BASE.btf", "IN is a module's BTF on top of this one" },
	[OPT_KEEP] = { 0, "keep", "KIND:NAME", "keep struct:foo, enum:foo, ... whole" },
	[OPT_KEEP_FUNC] = { 0, "keep-func", "NAME", "keep a function and its prototype" },
	[OPT_REPORT] = { 0, "report", NULL, "list every relocation and how it fares" },
	[OPT_ALLOW_MISSING] = { 0, "allow-missing", NULL,
				"write also when a program reaches what IN lacks" },
	[OPT_NO_ENUM64] = { 0, "no-enum64", NULL, "no 64-bit enums, for libraries before 2022" },
	[OPT_OUTPUT] = { 'o', "output", "OUT", "where to write; - is stdout" },
	{ 0 },
};

static void report_json(const struct btfpack_relo_report *r, const char *state)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:i, s:s, s:s, s:s}", "object", r->object,
				   "section", r->section, "function", r->function, "instruction",
				   (int)r->instruction, "kind", r->kind, "wanted", r->wanted,
				   "state", state);

	if (object && r->state == BTFPACK_RELO_RESOLVED)
		json_object_set_new(object, "value", json_integer((json_int_t)r->value));
	if (object && r->state != BTFPACK_RELO_RESOLVED)
		json_object_set_new(object, "reason", json_string(r->reason));
	if (object && *r->program)
		json_object_set_new(object, "program", json_string(r->program));
	output_json(object);
}

static void report_text(const struct btfpack_relo_report *r, const char *state)
{
	printf("%-8s %s %s+%u %s %s", state, r->object, r->section, r->instruction, r->kind,
	       r->wanted);
	if (r->state == BTFPACK_RELO_RESOLVED)
		printf(" = %" PRIu64, r->value);
	else
		printf(": %s", r->reason);
	if (*r->program)
		printf("; reached by %s", r->program);
	putchar('\n');
}

static void report(const struct btfpack_relo_report *r, void *arg)
{
	static const char *const states[] = { "resolved", "guarded", "fatal" };

	(void)arg;
	if (cmd_common.json)
		report_json(r, states[r->state]);
	else
		report_text(r, states[r->state]);
}

struct request {
	struct btfpack_minifier *minifier;
	struct btfpack_minify_opts opts;
	const char *base_path;
	const char *output;
};

static int keep(const struct request *request, const char *kind, const char *name)
{
	struct btfpack_error err;
	char what[512];

	snprintf(what, sizeof(what), "%s%s", kind, name);
	return btfpack_minifier_keep(request->minifier, what, &err) < 0 ? cmd_fail(&err) : CMD_OK;
}

static int set_option(struct request *request, int option, const char *value)
{
	switch (option) {
	case OPT_BASE:
		request->base_path = value;
		break;
	case OPT_KEEP:
		return keep(request, "", value);
	case OPT_KEEP_FUNC:
		return keep(request, "func:", value);
	case OPT_REPORT:
		request->opts.report = report;
		break;
	case OPT_ALLOW_MISSING:
		request->opts.flags |= BTFPACK_MINIFY_ALLOW_MISSING;
		break;
	case OPT_NO_ENUM64:
		request->opts.flags |= BTFPACK_MINIFY_NO_ENUM64;
		break;
	case OPT_OUTPUT:
		request->output = value;
		break;
	}
	return CMD_OK;
}

/* All bad objects are named, not just the first. */
static int add_objects(const struct request *request, char **paths, int count)
{
	int status = CMD_OK;

	for (int i = 0; i < count; i++) {
		struct btfpack_error err;

		if (btfpack_minifier_add_object(request->minifier, paths[i], &err) < 0)
			status = cmd_fail(&err);
	}
	return status;
}

static int minify_file(struct request *request, const char *in)
{
	AUTO_BLOB struct btfpack_blob base = { 0 };
	AUTO_BLOB struct btfpack_blob full = { 0 };
	AUTO_BLOB struct btfpack_blob small = { 0 };
	struct btfpack_error err;
	char full_size[16], small_size[16];
	int error = 0;

	if (request->base_path) {
		error = btf_file_load(request->base_path, &base, &err);
		request->opts.base = &base;
	}
	if (!error)
		error = btf_file_load(in, &full, &err);
	if (error)
		return cmd_fail(&err);
	error = btfpack_minifier_run(request->minifier, &full, in, &request->opts, &small, &err);
	if (error == -ENOENT) {
		output_say("%s", err.message);
		return CMD_NO;
	}
	if (!error)
		error = output_file(request->output, small.data, small.size, &err);
	if (error)
		return cmd_fail(&err);
	output_tell("%s: %s → %s, for %zu relocations of %zu objects", request->output,
		    output_size(full.size, full_size), output_size(small.size, small_size),
		    btfpack_minifier_count_relocations(request->minifier),
		    btfpack_minifier_count_objects(request->minifier));
	return CMD_OK;
}

static void free_minifier(struct btfpack_minifier **m)
{
	btfpack_minifier_free(*m);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	CLEANUP(free_minifier) struct btfpack_minifier *minifier = NULL;
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct request request = { .opts = { .size = sizeof(request.opts) } };
	struct btfpack_error err;
	int option, status = CMD_OK;

	if (btfpack_minifier_new(&minifier, &err) < 0)
		return cmd_fail(&err);
	request.minifier = minifier;
	while ((option = cmd_next_option(&parser)) >= 0) {
		status = set_option(&request, option, parser.value);
		if (status != CMD_OK)
			return status;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	argc -= parser.operand;
	argv += parser.operand;
	if (!request.output)
		return cmd_usage(cmd, "where to? -o OUT is missing");
	if (argc < 2)
		return cmd_usage(cmd, "expected a BTF and at least one BPF object");
	if (request.opts.report && !strcmp(request.output, "-"))
		return cmd_usage(cmd, "--report and -o - both want stdout");
	status = add_objects(&request, argv + 1, argc - 1);
	return status == CMD_OK ? minify_file(&request, argv[0]) : status;
}

const struct cmd cmd_minify = {
	.name = "minify",
	.summary = "cut BTF down to what BPF objects need",
	.arguments = "-o OUT IN OBJ...",
	.options = options,
	.run = run,
};
