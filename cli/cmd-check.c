/* SPDX-License-Identifier: BSD-2-Clause */
/* btfpack check: will these objects load on these kernels? */
#include <errno.h>
#include <fnmatch.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <btfpack/archive.h>
#include <btfpack/check.h>

#include "btfgen/kernel-files.h"
#include "cli/check-table.h"
#include "cli/cmd.h"
#include "cli/filter.h"
#include "cli/output.h"
#include "cli/store.h"
#include "cli/stored-kernel.h"
#include "core/cleanup.h"
#include "core/parallel.h"

enum {
	OPT_ARCHIVE = FILTER_KEY_END,
	OPT_BTF,
	OPT_MODULE,
	OPT_KERNEL,
	OPT_OPTIONAL,
	OPT_REQUIRE,
	OPT_HTML,
	OPT_JOBS
};

static const struct cmd_option options[] = {
	FILTER_KEY_OPTIONS,
	[OPT_ARCHIVE] = { 0, "archive", "DIR", "the kernels of this archive; may be repeated" },
	[OPT_BTF] = { 0, "btf", "FILE",
		      "the kernel of this BTF, or directory of BTF; may be repeated" },
	[OPT_MODULE] = { 0, "module", "[NAME=]FILE",
			 "a module of the --btf before; may be repeated, or a directory" },
	[OPT_KERNEL] = { 0, "kernel", "UNAME", "what `uname -r` says on the --btf before" },
	[OPT_OPTIONAL] = { 0, "optional", "PATTERN",
			   "programs the loader may leave out; may be repeated" },
	[OPT_REQUIRE] = { 0, "require", "PATTERN",
			  "only kernels that match decide the exit status" },
	[OPT_HTML] = { 0, "html", "FILE", "also write a page to look at with a browser" },
	[OPT_JOBS] = { 'j', "jobs", "N", "how many kernels at once (default: all CPUs)" },
	{ 0 },
};

/* Where a kernel's BTF is to be had. */
struct source {
	const char *path; /* of a BTF, or of the archive when @id is meant */
	const char *const *modules; /* on top of it */
	size_t module_count;
	const char *uname;
	bool is_archive;
	struct btfpack_entry entry; /* its names are the kernel's of the table */
};

/* Archives that no thread uses at the moment. A handle keeps what the last kernels were told
 * by, so the next of their series costs one step, not all: 6,000 kernels read 9 GB of packs,
 * each its series' beginnings, when each had a handle of its own. */
#define IDLE_MAXIMUM 64
struct idle {
	pthread_mutex_t lock;
	size_t count;
	struct {
		const char *path;
		struct btfpack_archive *archive;
	} handles[IDLE_MAXIMUM];
};

struct request {
	struct filter filter;
	struct idle idle;
	const char **archives; /* in argv */
	size_t archive_count;
	const char **files;
	size_t file_count;
	const char **unames; /* by file */
	const char **optional;
	size_t optional_count;
	const char **modules;
	size_t *module_ends; /* by file: those of the files up to it */
	size_t module_count;
	const char *require;
	const char *html;
	unsigned long jobs;
	struct btfpack_checker *checker;
	struct check_table table;
	struct source *sources; /* by kernel of the table */
	struct btfpack_error *errors;
};

static int no_memory(void)
{
	output_say("out of memory");
	return CMD_IO;
}

/* --- kernels ------------------------------------------------------------------------------------ */

static struct check_kernel *add_kernel(struct request *r, const struct source *source)
{
	struct check_table *t = &r->table;
	struct check_kernel *kernels =
		realloc(t->kernels, (t->kernel_count + 1) * sizeof(*kernels));
	struct source *sources = realloc(r->sources, (t->kernel_count + 1) * sizeof(*sources));

	if (kernels)
		t->kernels = kernels;
	if (sources)
		r->sources = sources;
	if (!kernels || !sources)
		return NULL;
	sources[t->kernel_count] = *source;
	kernels[t->kernel_count] = (struct check_kernel){ 0 };
	return &kernels[t->kernel_count++];
}

static bool set_label(const struct request *r, struct check_kernel *k, const char *label)
{
	k->label = strdup(label);
	k->is_required = !r->require || fnmatch(r->require, label, 0) == 0;
	return k->label;
}

static bool add_entry(struct request *r, const char *path, const struct btfpack_entry *entry)
{
	struct source source = { .path = path, .is_archive = true, .entry = *entry };
	const char *keys[5] = { entry->kernel.distro, entry->kernel.release, entry->kernel.arch,
				entry->kernel.uname, entry->kernel.build_id };
	struct check_kernel *k = add_kernel(r, &source);
	char label[640];

	if (!k || !set_label(r, k, store_entry_text(entry, label)))
		return false;
	for (size_t i = 0; i < 5; i++)
		if (keys[i] && !(k->keys[i] = strdup(keys[i])))
			return false;
	return true;
}

static int add_archive(struct request *r, const char *path)
{
	AUTO_ARCHIVE struct btfpack_archive *archive = NULL;
	AUTO_ENTRY_ITER struct btfpack_entry_iter *it = NULL;
	const struct btfpack_entry *entry;
	struct btfpack_error err;
	int more;

	if (btfpack_archive_open(path, BTFPACK_ARCHIVE_READ_ONLY, &archive, &err) < 0 ||
	    btfpack_archive_list(archive, &r->filter.kernel, NULL, &it, &err) < 0)
		return cmd_fail(&err);
	while ((more = btfpack_entry_iter_next(it, &entry, &err)) > 0)
		if (!add_entry(r, path, entry))
			return no_memory();
	return more < 0 ? cmd_fail(&err) : CMD_OK;
}

static int add_kernels(struct request *r)
{
	int status = CMD_OK;

	for (size_t i = 0; status == CMD_OK && i < r->archive_count; i++)
		status = add_archive(r, r->archives[i]);
	for (size_t i = 0; status == CMD_OK && i < r->file_count; i++) {
		size_t first = i ? r->module_ends[i - 1] : 0;
		struct source source = { .path = r->files[i],
					 .modules = r->modules + first,
					 .module_count = r->module_ends[i] - first,
					 .uname = r->unames[i] };
		struct check_kernel *k = add_kernel(r, &source);

		if (!k || !set_label(r, k, r->files[i]))
			status = no_memory();
	}
	if (status == CMD_OK && !r->table.kernel_count) {
		output_say("no kernel in the archive matches");
		status = CMD_NO;
	}
	return status;
}

/* One handle a thread at a time is the archive's rule. */
static int take_archive(struct idle *idle, const char *path, struct btfpack_archive **ret,
			struct btfpack_error *err)
{
	*ret = NULL;
	pthread_mutex_lock(&idle->lock);
	for (size_t i = 0; i < idle->count && !*ret; i++) {
		if (strcmp(idle->handles[i].path, path))
			continue;
		*ret = idle->handles[i].archive;
		idle->handles[i] = idle->handles[--idle->count];
	}
	pthread_mutex_unlock(&idle->lock);
	return *ret ? 0 : btfpack_archive_open(path, BTFPACK_ARCHIVE_READ_ONLY, ret, err);
}

static void give_archive(struct idle *idle, const char *path, struct btfpack_archive *archive)
{
	pthread_mutex_lock(&idle->lock);
	if (archive && idle->count < IDLE_MAXIMUM) {
		idle->handles[idle->count].path = path;
		idle->handles[idle->count++].archive = archive;
		archive = NULL;
	}
	pthread_mutex_unlock(&idle->lock);
	btfpack_archive_close(archive);
}

static void idle_deinit(struct idle *idle)
{
	while (idle->count)
		btfpack_archive_close(idle->handles[--idle->count].archive);
}

/* A kernel, wherever it comes from. */
struct subject {
	struct idle *idle;
	const char *path;
	struct btfpack_archive *archive;
	struct stored_kernel stored;
	struct kernel_files files;
};

static void subject_deinit(struct subject *subject)
{
	kernel_files_deinit(&subject->files);
	stored_kernel_deinit(&subject->stored);
	if (subject->archive)
		give_archive(subject->idle, subject->path, subject->archive);
}

static int load_stored(const struct source *source, const struct check_kernel *k,
		       struct subject *subject, struct btfpack_check_kernel *ret,
		       struct btfpack_error *err)
{
	struct btfpack_entry entry = source->entry;
	int error = take_archive(subject->idle, source->path, &subject->archive, err);

	subject->path = source->path;
	entry.kernel = (struct btfpack_kernel){ k->keys[0], k->keys[1], k->keys[2], k->keys[3],
						k->keys[4] };
	if (!error)
		error = stored_kernel_init(&subject->stored, subject->archive, &entry, err);
	ret->btf = &subject->stored.btf;
	ret->source = subject->stored.source;
	ret->uname = k->keys[3];
	return error;
}

static int load_files(const struct source *source, struct subject *subject,
		      struct btfpack_check_kernel *ret, struct btfpack_error *err)
{
	int error = kernel_files_load(&subject->files, source->path, err);

	for (size_t i = 0; !error && i < source->module_count; i++)
		error = kernel_files_add(&subject->files, source->modules[i], err);
	ret->btf = &subject->files.btf;
	ret->modules = subject->files.modules;
	ret->module_count = subject->files.module_count;
	ret->uname = source->uname;
	return error;
}

static int load_subject(const struct source *source, const struct check_kernel *k,
			struct subject *subject, struct btfpack_check_kernel *ret,
			struct btfpack_error *err)
{
	return source->is_archive ? load_stored(source, k, subject, ret, err)
				  : load_files(source, subject, ret, err);
}

/* --- judging ------------------------------------------------------------------------------------ */

/* The cells of one kernel, being filled. */
struct filling {
	const struct request *request;
	struct check_cell *cells;
	size_t count;
	bool failed;
};

static bool is_optional(const struct request *r, const char *program)
{
	for (size_t i = 0; i < r->optional_count; i++)
		if (fnmatch(r->optional[i], program, 0) == 0)
			return true;
	return false;
}

static void take_verdict(const struct btfpack_program_verdict *v, void *arg)
{
	struct filling *filling = arg;
	struct check_cell *cell = &filling->cells[filling->count++];
	char reason[600] = "";

	*cell = (struct check_cell){ .verdict = (uint8_t)v->verdict,
				     .optional = v->optional,
				     .instruction = v->instruction,
				     .where = v->where };
	if (v->verdict == BTFPACK_VERDICT_REJECTED && is_optional(filling->request, v->program)) {
		cell->verdict = BTFPACK_VERDICT_UNSURE;
		snprintf(reason, sizeof(reason), "%s; it is one that the loader may leave out",
			 v->reason);
	}
	if (*v->reason && !(cell->reason = strdup(*reason ? reason : v->reason)))
		filling->failed = true;
	if (*v->modules && !(cell->modules = strdup(v->modules)))
		filling->failed = true;
}

static void judge_kernel(size_t index, void *arg)
{
	struct request *r = arg;
	struct check_kernel *k = &r->table.kernels[index];
	CLEANUP(subject_deinit) struct subject subject = { .idle = &r->idle };
	struct btfpack_check_kernel kernel = { .size = sizeof(kernel), .name = k->label };
	struct filling filling = {
		.request = r, .cells = calloc(r->table.program_count + 1, sizeof(*filling.cells))
	};
	struct btfpack_error *err = &r->errors[index];

	if (!filling.cells)
		btfpack_error_set(err, -ENOMEM, "%s: out of memory", k->label);
	else if (load_subject(&r->sources[index], k, &subject, &kernel, err) == 0)
		btfpack_checker_run(r->checker, &kernel, take_verdict, &filling, err);
	if (filling.failed)
		btfpack_error_set(err, -ENOMEM, "%s: out of memory", k->label);
	if (!err->code) {
		k->cells = filling.cells; /* the table's */
		return;
	}
	for (size_t i = 0; i < filling.count; i++)
		check_cell_deinit(&filling.cells[i]);
	free(filling.cells);
}

/* --- programs ----------------------------------------------------------------------------------- */

static void take_program(const char *object, const char *program, const char *section, void *arg)
{
	struct check_table *t = arg;

	t->programs[t->program_count++] = (struct check_program){ .object = strdup(object),
								  .program = strdup(program),
								  .section = strdup(section) };
}

static int name_programs(struct request *r)
{
	struct check_table *t = &r->table;

	t->programs = calloc(btfpack_checker_count_programs(r->checker) + 1, sizeof(*t->programs));
	if (!t->programs)
		return no_memory();
	btfpack_checker_list(r->checker, take_program, t);
	for (size_t i = 0; i < t->program_count; i++)
		if (!t->programs[i].object || !t->programs[i].program || !t->programs[i].section)
			return no_memory();
	return CMD_OK;
}

static int judge_all(struct request *r)
{
	int status = CMD_OK;

	r->errors = calloc(r->table.kernel_count + 1, sizeof(*r->errors));
	if (!r->errors)
		return no_memory();
	parallel_for(r->table.kernel_count, (unsigned int)r->jobs, judge_kernel, r);
	for (size_t i = 0; i < r->table.kernel_count; i++)
		if (r->errors[i].code) {
			r->table.kernels[i].failure = r->errors[i].message;
			status = cmd_fail(&r->errors[i]);
		}
	return status;
}

/* --- the command -------------------------------------------------------------------------------- */

static int take_option(const struct cmd *cmd, struct request *r, int option, const char *value)
{
	if (option < FILTER_KEY_END)
		return filter_take(cmd, &r->filter, option, value) < 0 ? CMD_USAGE : CMD_OK;
	switch (option) {
	case OPT_ARCHIVE:
		r->archives[r->archive_count++] = value;
		return CMD_OK;
	case OPT_BTF:
		r->module_ends[r->file_count] = r->module_count;
		r->files[r->file_count++] = value;
		return CMD_OK;
	case OPT_MODULE:
		if (!r->file_count)
			return cmd_usage(cmd, "--module before --btf: which kernel's is it?");
		r->modules[r->module_count++] = value;
		r->module_ends[r->file_count - 1] = r->module_count;
		return CMD_OK;
	case OPT_KERNEL:
		if (!r->file_count)
			return cmd_usage(cmd, "--kernel before --btf: which kernel is it?");
		r->unames[r->file_count - 1] = value;
		return CMD_OK;
	case OPT_OPTIONAL:
		r->optional[r->optional_count++] = value;
		return CMD_OK;
	case OPT_REQUIRE:
		r->require = value;
		return CMD_OK;
	case OPT_HTML:
		r->html = value;
		return CMD_OK;
	default:
		return cmd_number(cmd, "jobs", value, 256, &r->jobs) ? CMD_OK : CMD_USAGE;
	}
}

static int add_objects(struct request *r, char **paths, int count)
{
	struct btfpack_error err;
	int status = CMD_OK;

	if (btfpack_checker_new(&r->checker, &err) < 0)
		return cmd_fail(&err);
	for (int i = 0; i < count; i++)
		if (btfpack_checker_add_object(r->checker, paths[i], &err) < 0)
			status = cmd_fail(&err);
	return status;
}

static int check(struct request *r, char **paths, int count)
{
	int status = add_objects(r, paths, count), judged;
	struct btfpack_error err;

	if (status == CMD_OK)
		status = add_kernels(r);
	if (status == CMD_OK)
		status = name_programs(r);
	if (status != CMD_OK)
		return status;
	judged = judge_all(r);
	if (cmd_common.json)
		check_table_print_json(&r->table);
	else
		check_table_print(&r->table, cmd_common.verbosity > 0);
	if (r->html && check_table_write_html(&r->table, r->html, &err) < 0)
		return cmd_fail(&err);
	if (judged != CMD_OK)
		return judged;
	return check_table_has_rejection(&r->table) ? CMD_NO : CMD_OK;
}

static void deinit_request(struct request *r)
{
	btfpack_checker_free(r->checker);
	check_table_deinit(&r->table);
	free(r->sources);
	free(r->errors);
	idle_deinit(&r->idle);
	free(r->archives);
	free(r->files);
	free(r->modules);
	free(r->unames);
	free(r->optional);
	free(r->module_ends);
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	CLEANUP(deinit_request)
	struct request r = {
		.idle.lock = PTHREAD_MUTEX_INITIALIZER,
		.archives = calloc((size_t)argc + 1, sizeof(*r.archives)),
		.files = calloc((size_t)argc + 1, sizeof(*r.files)),
		.modules = calloc((size_t)argc + 1, sizeof(*r.modules)),
		.unames = calloc((size_t)argc + 1, sizeof(*r.unames)),
		.optional = calloc((size_t)argc + 1, sizeof(*r.optional)),
		.module_ends = calloc((size_t)argc + 1, sizeof(*r.module_ends)),
	};
	struct cmd_parser parser = cmd_parser_init(cmd, argc, argv);
	int option, status;

	if (!r.archives || !r.files || !r.modules || !r.module_ends || !r.unames || !r.optional)
		return no_memory();
	while ((option = cmd_next_option(&parser)) >= 0) {
		status = take_option(cmd, &r, option, parser.value);
		if (status != CMD_OK)
			return status;
	}
	if (option == CMD_OPTIONS_EXIT)
		return parser.status;
	if (!r.archive_count && !r.file_count)
		return cmd_usage(cmd, "on which kernels? --archive or --btf is missing");
	if (r.html && !strcmp(r.html, "-"))
		return cmd_usage(cmd, "--html writes a file: stdout has the table");
	if (parser.operand == argc)
		return cmd_usage(cmd, "expected at least one BPF object");
	return check(&r, argv + parser.operand, argc - parser.operand);
}

const struct cmd cmd_check = {
	.name = "check",
	.summary = "say which programs load on which kernels, and why not",
	.arguments = "--archive DIR|--btf FILE OBJ...",
	.options = options,
	.run = run,
};
