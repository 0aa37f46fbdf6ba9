/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack minify: BTF cut to what the CO-RE relocations of BPF objects need. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <btfpack/minify.h>

#include "btfgen/btf-file.h"
#include "btfgen/kernel-files.h"
#include "cli/cmd.h"
#include "cli/output.h"
#include "core/cleanup.h"
#include "core/fs.h"
#include "core/parallel.h"

enum {
	OPT_BASE,
	OPT_MODULE,
	OPT_KEEP,
	OPT_KEEP_FUNC,
	OPT_REPORT,
	OPT_ALLOW_MISSING,
	OPT_NO_ENUM64,
	OPT_KERNELS,
	OPT_JOBS,
	OPT_OUTPUT,
};

static const struct cmd_option options[] = {
	[OPT_BASE] = { 0, "base", "BASE.btf", "IN is a module's BTF on top of this one" },
	[OPT_MODULE] = { 0, "module", "[NAME=]FILE",
			 "a module's BTF on top of IN; may be repeated, or a directory" },
	[OPT_KEEP] = { 0, "keep", "KIND:NAME", "keep struct:foo, enum:foo, ... whole" },
	[OPT_KEEP_FUNC] = { 0, "keep-func", "NAME", "keep a function and its prototype" },
	[OPT_REPORT] = { 0, "report", NULL, "list every relocation and how it fares" },
	[OPT_ALLOW_MISSING] = { 0, "allow-missing", NULL,
				"write also when a program reaches what IN lacks" },
	[OPT_NO_ENUM64] = { 0, "no-enum64", NULL, "no 64-bit enums, for libraries before 2022" },
	[OPT_KERNELS] = { 0, "kernels", "DIR", "instead of IN: every file there, into OUT/" },
	[OPT_JOBS] = { 'j', "jobs", "N", "with --kernels: how many at once (default: all CPUs)" },
	[OPT_OUTPUT] = { 'o', "output", "OUT", "where to write; - is stdout" },
	{ 0 },
};

static void report_json(const struct btfpack_relo_report *r, const char *state)
{
	json_t *object = output_object("sssisss", "object", r->object,
				   "section", r->section, "function", r->function, "instruction",
				   (int)r->instruction, "kind", r->kind, "wanted", r->wanted,
				   "state", state);

	if (object && r->state == BTFPACK_RELO_RESOLVED)
		json_object_set_new(object, "value", json_integer((json_int_t)r->value));
	if (object && r->state != BTFPACK_RELO_RESOLVED)
		json_object_set_new(object, "reason", output_string(r->reason));
	if (object && *r->module)
		json_object_set_new(object, "module", output_string(r->module));
	if (object && *r->program)
		json_object_set_new(object, "program", output_string(r->program));
	output_json(object);
}

static void report_text(const struct btfpack_relo_report *r, const char *state)
{
	printf("%-8s %s %s+%u %s %s", state, r->object, r->section, r->instruction, r->kind,
	       r->wanted);
	if (r->state == BTFPACK_RELO_RESOLVED)
		printf(" = %" PRIu64 "%s%s", r->value, *r->module ? ", of module " : "", r->module);
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
	const char **modules; /* in argv */
	size_t module_count;
	const char *kernels;
	const char *output;
	unsigned long jobs;
};

static int keep(const struct request *request, const char *kind, const char *name)
{
	struct btfpack_error err;
	char what[512];

	snprintf(what, sizeof(what), "%s%s", kind, name);
	return btfpack_minifier_keep(request->minifier, what, &err) < 0 ? cmd_fail(&err) : CMD_OK;
}

static int set_option(const struct cmd *cmd, struct request *request, int option,
		      const char *value)
{
	switch (option) {
	case OPT_BASE:
		request->base_path = value;
		break;
	case OPT_MODULE:
		request->modules[request->module_count++] = value;
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
	case OPT_KERNELS:
		request->kernels = value;
		break;
	case OPT_JOBS:
		if (!cmd_number(cmd, "jobs", value, 256, &request->jobs))
			return CMD_USAGE;
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

/* What to minify: @in, a kernel's file or directory, and the modules given. */
static int load_kernel(const struct request *request, const char *in, struct kernel_files *ret,
		       struct btfpack_error *err)
{
	int error = kernel_files_load(ret, in, err);

	for (size_t i = 0; !error && i < request->module_count; i++)
		error = kernel_files_add(ret, request->modules[i], err);
	return error;
}

/* One kernel, from file to file. On success the sizes are set. */
static int minify_file(const struct request *request, const char *in, const char *out,
		       size_t *full_ret, size_t *small_ret, struct btfpack_error *err)
{
	AUTO_BLOB struct btfpack_blob base = { 0 };
	AUTO_KERNEL_FILES struct kernel_files files = { 0 };
	AUTO_BLOB struct btfpack_blob small = { 0 };
	struct btfpack_minify_opts opts = request->opts;
	int error = 0;

	if (request->base_path) {
		error = btf_file_load(request->base_path, &base, err);
		opts.base = &base;
	}
	if (!error)
		error = load_kernel(request, in, &files, err);
	if (error == -ENOENT) /* no such file, which is not the answer no */
		err->code = error = -EIO;
	opts.modules = files.modules;
	opts.module_count = files.module_count;
	if (!error)
		error = btfpack_minifier_run(request->minifier, &files.btf, in, &opts, &small, err);
	if (!error)
		error = output_file(out, small.data, small.size, err);
	*full_ret = files.btf.size;
	for (size_t i = 0; i < files.module_count; i++)
		*full_ret += files.modules[i].btf.size;
	*small_ret = small.size;
	return error;
}

static int say_failure(const struct btfpack_error *err)
{
	if (err->code != -ENOENT)
		return cmd_fail(err);
	output_say("%s", err->message);
	return CMD_NO;
}

static int minify_one(const struct request *request, const char *in)
{
	struct btfpack_error err;
	char full_text[16], small_text[16];
	size_t full, small;

	if (minify_file(request, in, request->output, &full, &small, &err) < 0)
		return say_failure(&err);
	output_tell("%s: %s → %s, for %zu relocations of %zu objects", request->output,
		    output_size(full, full_text), output_size(small, small_text),
		    btfpack_minifier_count_relocations(request->minifier),
		    btfpack_minifier_count_objects(request->minifier));
	return CMD_OK;
}

/* Many kernels: what each thread's turn needs, and leaves. */
struct batch {
	const struct request *request;
	struct dirent **entries;
	struct batch_result {
		int status;
		size_t full;
		size_t small;
		struct btfpack_error err;
	} *results;
};

static void minify_entry(size_t index, void *arg)
{
	const struct batch *batch = arg;
	const char *name = batch->entries[index]->d_name;
	struct batch_result *result = &batch->results[index];
	AUTO_FREE char *in = NULL;
	AUTO_FREE char *out = NULL;

	if (asprintf(&in, "%s/%s", batch->request->kernels, name) < 0 ||
	    asprintf(&out, "%s/%s", batch->request->output, name) < 0) {
		btfpack_error_set(&result->err, -ENOMEM, "%s: out of memory", name);
		result->status = CMD_IO;
		return;
	}
	if (minify_file(batch->request, in, out, &result->full, &result->small, &result->err) < 0)
		result->status = result->err.code == -ENOENT ? CMD_NO : CMD_IO;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Every failure is said, in the order of the names; the status is of the worst. */
static int say_batch(const struct batch *batch, size_t count)
{
	char full_text[16], small_text[16];
	size_t full = 0, small = 0, written = 0;
	int worst = CMD_OK;

	for (size_t i = 0; i < count; i++) {
		const struct batch_result *result = &batch->results[i];
		int status = result->status == CMD_OK ? CMD_OK : say_failure(&result->err);

		if (status > worst)
			worst = status;
		if (status != CMD_OK)
			continue;
		written++;
		full += result->full;
		small += result->small;
	}
	output_tell("%s: %zu of %zu kernels, %s → %s, for %zu relocations of %zu objects",
		    batch->request->output, written, count, output_size(full, full_text),
		    output_size(small, small_text),
		    btfpack_minifier_count_relocations(batch->request->minifier),
		    btfpack_minifier_count_objects(batch->request->minifier));
	return worst;
}

static int minify_many(const struct request *request)
{
	struct batch batch = { .request = request };
	struct btfpack_error err;
	int count = scandir(request->kernels, &batch.entries, is_visible, alphasort);
	int status;

	if (count < 0) {
		output_say("%s: cannot read the directory: %s", request->kernels, strerror(errno));
		return CMD_IO;
	}
	batch.results = calloc((size_t)count + 1, sizeof(*batch.results));
	if (!batch.results) {
		output_say("%s: out of memory", request->kernels);
		status = CMD_IO;
	} else if (fs_make_dirs(request->output, &err) < 0) {
		status = cmd_fail(&err);
	} else {
		parallel_for((size_t)count, (unsigned int)request->jobs, minify_entry, &batch);
		status = say_batch(&batch, (size_t)count);
	}
	for (int i = 0; i < count; i++)
		free(batch.entries[i]);
	free(batch.entries);
	free(batch.results);
	return status;
}

static bool is_same_directory(const char *a, const char *b)
{
	struct stat of_a, of_b;

	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
	       of_a.st_ino == of_b.st_ino;
}

static void deinit_request(struct request *request)
{
	btfpack_minifier_free(request->minifier);
	free(request->modules);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	CLEANUP(deinit_request)
	struct request request = { .opts = { .size = sizeof(request.opts) },
				   .modules = calloc((size_t)argc + 1, sizeof(*request.modules)) };
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	struct btfpack_error err;
	int option, status = CMD_OK;

	if (!request.modules) {
		output_say("out of memory");
		return CMD_IO;
	}
	if (btfpack_minifier_new(&request.minifier, &err) < 0)
		return cmd_fail(&err);
	while ((option = cmd_next_option(&parser)) >= 0) {
		status = set_option(cmd, &request, option, parser.value);
		if (status != CMD_OK)
			return status;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	argc -= parser.operand;
	argv += parser.operand;
	if (!request.output)
		return cmd_usage(cmd, "where to? -o OUT is missing");
	if (request.opts.report && (request.kernels || !strcmp(request.output, "-")))
		return cmd_usage(cmd, "--report goes with one IN, and with an OUT that is not -");
	if (request.kernels && !strcmp(request.output, "-"))
		return cmd_usage(cmd, "--kernels writes a directory, which - is not");
	if (request.kernels && is_same_directory(request.kernels, request.output))
		return cmd_usage(cmd, "OUT is --kernels' own DIR: what is there would be replaced");
	if (request.module_count && (request.kernels || request.base_path))
		return cmd_usage(cmd, "--module goes with one IN, and not with --base");
	if (argc < (request.kernels ? 1 : 2))
		return cmd_usage(cmd, "expected %sat least one BPF object",
				 request.kernels ? "" : "a BTF and ");
	if (request.kernels) {
		status = add_objects(&request, argv, argc);
		return status == CMD_OK ? minify_many(&request) : status;
	}
	status = add_objects(&request, argv + 1, argc - 1);
	return status == CMD_OK ? minify_one(&request, argv[0]) : status;
}

const struct cmd cmd_minify = {
	.name = "minify",
	.summary = "cut BTF down to what BPF objects need",
	.arguments = "-o OUT IN OBJ...",
	.options = options,
	.run = run,
};
